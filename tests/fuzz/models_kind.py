"""Damaged model files, and whole ones with odd contents: refused in one sentence, or good for everything."""

import json
import struct
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from convscope.api.cost import cost
from convscope.api.features import extract_features
from convscope.api.look import look
from convscope.api.predict import predict
from convscope.core.errors import ConvscopeError
from convscope.core.records import to_json
from convscope.layers.instance_based import Exemplars
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from tests.checks.models import LAYOUTS, calibrated, graph_model, small_model, some_pixels, with_exemplars
from tests.networks.broken_models import joined, resign, split

from .bytewise import damaged
from .cases import Kind, Random, Verdict, Watch, pick
from .commands import check_command, command
from .json_changes import changed, changed_text

_VALUES = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-30, 1e10, 1e19, 1e30, 3e38, -3e38, float("nan"), float("inf"))
_EVERY = 16


class Models(Kind):
    """Model files."""

    name = "models"
    title = "model files through load, predict, features, cost and look"

    def prepare(self, folder: Path) -> None:
        """Make good files of every kind of network."""
        self._folder = folder
        self._good = [_saved(model, folder / "good.safetensors") for model in _models()]
        self._images = some_pixels(3)
        self._image = folder / "image.npy"
        self._page: str | None = None

    def case(self, seed: int) -> tuple[bytes, bytes, bool]:
        """Return a file, the good one that it was made from, and whether its digest was made anew."""
        random = self.random(seed)
        good = pick(random, self._good)
        if seed % _EVERY == 0:
            return good, good, False
        what = int(random.integers(8))
        if what < 2:
            return damaged(good, random, (_header_length,)), good, False
        makers: tuple[Callable[[bytes, Random], bytes], ...] = (
            _header,
            _document,
            _document,
            _training,
            _tensor,
            _tensor,
        )
        return pick(random, makers)(good, random), good, True

    def save(self, seed: int, folder: Path) -> None:
        """Write the file of one case."""
        (folder / "model.safetensors").write_bytes(self.case(seed)[0])

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Load each, and use what can be loaded."""
        for seed in seeds:
            watch.begin(seed)
            data, good, signed = self.case(seed)
            path = self._folder / "case.safetensors"
            path.write_bytes(data)
            try:
                model = read_model(path)
            except ConvscopeError as error:
                if data == good:
                    watch.found(Verdict.WRONG, "a whole model is refused", str(error))
                continue
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)
                continue
            if not signed and data != good:
                again = _saved(model, self._folder / "again.safetensors")
                if again != good:
                    watch.found(Verdict.WRONG, "a damaged model is accepted as another one")
            self._use(model, path, seed, watch)

    def _use(self, model: Model, path: Path, seed: int, watch: Watch) -> None:
        uses = [self._predict, self._features]
        if seed % 4 == 0:
            uses += [self._look, self._by_command]
        if seed % 8 == 0:
            uses.append(self._cost)
        for use in uses:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", RuntimeWarning)
                    use(model, path, watch)
            except ConvscopeError:
                continue
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)

    def _predict(self, model: Model, path: Path, watch: Watch) -> None:
        channels = model.preprocessing.channels
        for one in predict(model, self._images[..., :channels], top=1000, workers=1):
            values = [value for _, value in one.top]
            if one.error is not None:
                continue
            if not np.isfinite(values).all():
                watch.found(Verdict.WRONG, "NaN as a probability", f"{one}")
            elif not abs(sum(values) - 1) < 1e-3:
                watch.found(Verdict.WRONG, "probabilities that do not sum to 1", f"{one}")
            elif one.label not in model.classes:
                watch.found(Verdict.WRONG, "a class that the model has not", f"{one}")

    def _features(self, model: Model, path: Path, watch: Watch) -> None:
        if not np.isfinite(extract_features(model, self._images).values).all():
            watch.found(Verdict.WRONG, "features that are not finite")

    def _look(self, model: Model, path: Path, watch: Watch) -> None:
        page = self._folder / "look.html"
        look(path, self._images, output=page, force=True)
        if not page.read_text(encoding="ascii").rstrip().endswith("</html>"):
            watch.found(Verdict.WRONG, "a page without an end")

    def _cost(self, model: Model, path: Path, watch: Watch) -> None:
        json.dumps(to_json(cost(model, repeats=0, batch=1)), allow_nan=False)

    def _by_command(self, model: Model, path: Path, watch: Watch) -> None:
        image = self._folder / "image.pgm"
        image.write_bytes(b"P5 14 17 255\n" + self._images[0, :, :, 0].tobytes())
        check_command(command(["predict", str(path), str(image), "--json", "--top", "9", "--quiet"]), watch)


def _models() -> list[Model]:
    models = [small_model(text) for text in LAYOUTS]
    for model in models[:4]:
        calibrated(model.network)
    models += [graph_model(), graph_model(seed=1)]
    models.append(with_exemplars(small_model("4C3-MP2"), Exemplars(kind="neighbors", kept=6, neighbors=3)))
    models.append(with_exemplars(small_model("4C3-MP2"), Exemplars(kind="kernel", kept=5)))
    return models


def _saved(model: Model, path: Path) -> bytes:
    write_model(model, path)
    return path.read_bytes()


def _resigned(data: bytes) -> bytes:
    """Return the file with its right digest, where it has a place for one."""
    try:
        return resign(data)
    except Exception:  # noqa: BLE001  # a header that is damaged so far that there is nothing to sign
        return data


def _header_length(data: bytes, random: Random) -> bytes:
    length = pick(random, (0, 1, 2, len(data), len(data) - 8, 1 << 20, 1 << 24, 1 << 31, (1 << 63) - 1, (1 << 64) - 1))
    return struct.pack("<Q", length) + data[8:]


def _header(good: bytes, random: Random) -> bytes:
    header, data = split(good)
    text = header.pop("__metadata__")
    other = changed(header, random, 1 + int(random.integers(2)))
    if isinstance(other, dict):
        other["__metadata__"] = text
    return _resigned(joined(other, data))


def _document(good: bytes, random: Random) -> bytes:
    header, data = split(good)
    text = header["__metadata__"]["convscope"]
    document = json.loads(text)
    digest = document.pop("digest")
    other = changed_text(json.dumps(document), random).decode("utf-8", "surrogateescape")
    if other.endswith("}"):
        other = f'{other[:-1]}, "digest": "{digest}"}}'
    header["__metadata__"]["convscope"] = other
    return _resigned(joined(header, data))


def _training(good: bytes, random: Random) -> bytes:
    """Put a record of a training into the document that no training has written."""
    header, data = split(good)
    document = json.loads(header["__metadata__"]["convscope"])
    settings = {"data": "digits", "data_dir": None, "epochs": 3, "seed": 0, "layout": "4C3-MP2"}
    record = {"settings": settings, "epochs": 3, "loss": [1.5, 0.25], "recipe": {"augmentation": {"flip": True}}}
    document["training"] = changed(record, random, 1 + int(random.integers(3)))
    header["__metadata__"]["convscope"] = json.dumps(document)
    return _resigned(joined(header, data))


def _tensor(good: bytes, random: Random) -> bytes:
    """Put odd numbers into a tensor: one, some or all."""
    header, data = split(good)
    names = [name for name in header if name != "__metadata__" and header[name]["dtype"] in ("F32", "F64", "I64")]
    filled = bytearray(data)
    for name in names if random.integers(4) == 0 else [pick(random, names)]:
        begin, end = header[name]["data_offsets"]
        kind = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}[header[name]["dtype"]]
        values = np.frombuffer(bytes(filled[begin:end]), kind).copy()
        value = pick(random, _VALUES) if kind != "<i8" else pick(random, (0, 1, -1, 2**40, -(2**63)))
        what = int(random.integers(4))
        with np.errstate(all="ignore"):
            if what == 0:
                values[...] = value
            elif what == 1 and len(values):
                values[int(random.integers(len(values)))] = value
            elif what == 2 and kind != "<i8":
                values *= pick(random, (1e3, 1e10, 1e19, 1e30, -1.0, 0.0))
            elif kind != "<i8":
                values[...] = random.normal(0, pick(random, (1.0, 1e5, 1e20)), len(values))
        filled[begin:end] = values.tobytes()
    return _resigned(joined(header, bytes(filled)))
