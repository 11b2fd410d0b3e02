"""The peers' virtual environments: made when first needed, beside the benchmarks and out of the repository."""

import os
import subprocess
import sys
import venv
from pathlib import Path

PROGRAMS = Path(__file__).parent / "peers"
FOLDER = Path(os.environ.get("CONVSCOPE_PEERS") or PROGRAMS.parent.parent / "build" / "peers")
PACKAGES = {
    "keras_tensorflow": ("keras==3.*", "tensorflow-cpu==2.*"),
    "plain_jax": ("jax", "jaxlib"),
    "onnx_runtime": ("onnx", "onnxruntime"),
    "open_vino": ("onnx", "openvino"),
    "cleanlab_defaults": ("cleanlab", "scikit-learn"),
    "fine_tune_fastai": ("fastai==2.*", "torch==2.13.*", "torchvision==0.28.*"),
}
OWN = ("plain_torch", "convscope_step", "ceiling", "fine_tune_torch")  # these run where convscope is installed


def python_of(peer: str) -> Path:
    """Return the interpreter of `peer`, with what it needs installed.

    Raises:
        subprocess.CalledProcessError: it cannot be installed, for example without a network.
    """
    if peer in OWN:
        return Path(sys.executable)
    folder = FOLDER / peer
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed"
    if not stamp.exists():
        print(f"installing {' '.join(PACKAGES[peer])} into {folder.name}/", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PACKAGES[peer]], check=True)
        stamp.touch()
    return python


def versions_of(peer: str) -> dict[str, str]:
    """Return the versions of the packages that `peer` computes with."""
    names = [package.split("=")[0] for package in PACKAGES.get(peer, ("torch==",))]
    program = "import importlib.metadata as m, sys; print(*[m.version(name) for name in sys.argv[1:]])"
    found = subprocess.run([python_of(peer), "-c", program, *names], check=True, capture_output=True, text=True)
    return dict(zip(names, found.stdout.split(), strict=True))
