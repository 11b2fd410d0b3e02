"""Named datasets: `digits` is part of scikit-learn; `mnist` and `fashion-mnist` are found on disk or downloaded."""

import contextlib
import dataclasses
import gzip
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .arrays import ArraySource, from_arrays
from .download import download
from .idx_files import find_idx, read_splits
from .source import TEST, TRAIN

if TYPE_CHECKING:
    from convscope.core.progress import Reporter

DATA_DIR_VARIABLE = "CONVSCOPE_DATA"
"""Environment variable with a folder that is searched for named datasets."""

_DEBIAN = Path("/usr/share/datasets")
_DIGIT_NAMES = tuple("0123456789")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A public dataset of four IDX files.

    address: of its gzipped files. sums: SHA-256 of each file *unpacked*, because the same content is packed in
    different ways. folders: possible names of its folder. flippable: whether horizontal flips preserve the class.
    """

    name: str
    classes: tuple[str, ...]
    flippable: bool
    address: str
    folders: tuple[str, ...]
    sums: dict[str, str]


MNIST = NamedDataset(
    name="mnist",
    classes=_DIGIT_NAMES,
    flippable=False,
    address="https://ossci-datasets.s3.amazonaws.com/mnist/",
    folders=("mnist", "MNIST", "MNIST/raw"),
    sums={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
FASHION_MNIST = NamedDataset(
    name="fashion-mnist",
    classes=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    flippable=True,
    address="https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    folders=("fashion-mnist", "fashion_mnist", "FashionMNIST", "FashionMNIST/raw"),
    sums={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)  # fmt: skip
DOWNLOADABLE = {each.name: each for each in (MNIST, FASHION_MNIST)}
NAMES = ("digits", *DOWNLOADABLE)


def open_named_dataset(name: str, *, data_dir: Path | None = None, reporter: "Reporter | None" = None) -> ArraySource:
    """Return a named dataset as a source; mnist and fashion-mnist have a train and a test split.

    mnist and fashion-mnist are searched in `data_dir`, the folder in the environment variable CONVSCOPE_DATA, that
    of Debian's packages, and earlier downloads; otherwise they are downloaded.

    Raises:
        DataError: not found and not downloadable, or damaged.
        MissingPackageError: not found, and the package for downloads is not installed.
    """
    if name == "digits":
        return _digits()
    chosen = DOWNLOADABLE[name]
    folder = find_folder(chosen, data_dir)
    if folder is None:
        folder = download(chosen.name, chosen.address, chosen.sums, downloads_folder() / name, reporter)
    return read_splits(find_idx(folder), name, classes=chosen.classes, flippable=chosen.flippable)


def find_folder(chosen: NamedDataset, data_dir: str | os.PathLike[str] | None) -> Path | None:
    """Return the first folder with the train and test files of a dataset, None if there is none.

    A folder of the user must have one of the dataset's names, because mnist and fashion-mnist have the same file names.
    """
    folders = [Path(data_dir)] if data_dir is not None else []
    if os.environ.get(DATA_DIR_VARIABLE):
        folders.append(Path(os.environ[DATA_DIR_VARIABLE]))
    candidates = [top / folder for top in (*folders, _DEBIAN) for folder in chosen.folders]
    candidates += [top for top in folders if _named_so(top, chosen)]
    candidates.append(downloads_folder() / chosen.name)
    for folder in candidates:
        if folder.is_dir() and {TRAIN, TEST} <= set(find_idx(folder)):
            return folder
    return None


def downloads_folder() -> Path:
    """Return the folder of downloaded datasets: ``convscope/sets`` in XDG_CACHE_HOME or ``~/.cache``."""
    top = os.environ.get("XDG_CACHE_HOME")
    with contextlib.suppress(RuntimeError):  # no home
        return (Path(top) if top else Path.home() / ".cache") / "convscope" / "sets"
    return Path(tempfile.gettempdir()) / "convscope" / "sets"


def _named_so(folder: Path, chosen: NamedDataset) -> bool:
    parts = folder.resolve().parts
    return any(parts[-len(Path(name).parts) :] == Path(name).parts for name in chosen.folders)


def _digits() -> ArraySource:
    images, labels = _digits_table()
    images = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)  # 0…16 -> 0…255
    return from_arrays(images, labels.astype(np.int64), classes=_DIGIT_NAMES, name="digits", flippable=False)


def _digits_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 64 values 0…16 of each digit, and its label.

    The file of scikit-learn is read without importing scikit-learn, which takes longer than training on it.
    """
    package = importlib.util.find_spec("sklearn")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz" if package and package.origin else None
    if file is not None and file.is_file():
        with gzip.open(file, "rt", encoding="ascii") as stream:
            table = np.loadtxt(stream, delimiter=",")
        return table[:, :64], table[:, 64]
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.data, digits.target
