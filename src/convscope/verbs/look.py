"""Look inside a trained network: one HTML file that runs it, with the user's own pictures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.atomic import refuse_existing, write_text
from convscope.core.errors import ConvscopeError, ParameterError, UnreadableImageError
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.features.extraction import pictures_for
from convscope.images.sources.opening import open_recorded
from convscope.networks.inputs import list_inputs
from convscope.networks.model import Model
from convscope.page.look import Picture, render_look
from convscope.training.run_folder import RunFolder

MOST_PICTURES = 200
_FROM_SET = 40


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The page that was written, how many pictures it holds, and what could not be shown, with the reason."""

    path: Path
    pictures: int
    unusable: tuple[tuple[str, str], ...]


def look(
    model: Model | str | os.PathLike[str],
    pictures: Sequence[str | os.PathLike[str]] = (),
    *,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Looked:
    """Write the page that looks inside a network, and return where it is.

    Args:
        model: a model, or the path of a model file or run folder.
        pictures: files, folders or patterns. If there are none and `model` is a run folder: 40 of the pictures that
            were held out of training, some with a wrong answer first, where the set is still where it was.
        output: the file; ``look.html`` in the run folder, or beside the model file, if none.
        force: replace what stands there.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded pictures are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

    Raises:
        ConvscopeError: the model cannot be used, or the file not written; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.verbs.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> look(trained.folder.path).pictures
        40
    """
    reporter = reporter or Silent()
    used = model if isinstance(model, Model) else Model.load(Path(model))
    path = _output(model, output)
    refuse_existing(path, force=force)
    shown: list[Picture] = []
    unusable: list[tuple[str, str]] = []
    with tuned():
        if pictures:
            shown, unusable = _given(used, pictures)
        elif not isinstance(model, Model) and Path(model).is_dir():  # a file from elsewhere names no folder to read
            shown = _held_out(used, data_dir, cache_dir, reporter)
    write_text(path, render_look(used, shown, title=_title(used, path)))
    return Looked(path=path, pictures=len(shown), unusable=tuple(unusable))


def _output(model: Model | str | os.PathLike[str], output: str | os.PathLike[str] | None) -> Path:
    if output is not None:
        return Path(output)
    if isinstance(model, Model):
        raise ParameterError(
            "`output` must name the file of the page where the model is not from a file. It is missing."
        )
    place = Path(model)
    return RunFolder(path=place).look if place.is_dir() else place.with_suffix(".look.html")


def _title(model: Model, path: Path) -> str:
    data = str(model.training.get("settings", {}).get("data", ""))
    return Path(data).name or path.parent.name or "network"


def _given(model: Model, names: Sequence[str | os.PathLike[str]]) -> tuple[list[Picture], list[tuple[str, str]]]:
    """Return the user's pictures as the network takes them, at most 200, and which of them cannot be used, and why."""
    shown: list[Picture] = []
    unusable: list[tuple[str, str]] = []
    for one in list_inputs([os.fspath(name) for name in names]).pictures:
        if len(shown) == MOST_PICTURES:
            unusable.append((one.name, f"only the first {MOST_PICTURES} pictures are shown"))
            break
        try:
            shown.append(Picture(name=one.name, pixels=one.fitted(model.preprocessing)))
        except UnreadableImageError as error:
            unusable.append((one.name, str(error)))
    return shown, unusable


def _held_out(model: Model, data_dir: Path | None, cache_dir: Path | None, reporter: Reporter) -> list[Picture]:
    """Return some pictures that training has not seen, wrong answers first; none where the set is not to be found."""
    settings: dict[str, Any] = model.training.get("settings", {})
    folder = data_dir or (Path(settings["data_dir"]) if settings.get("data_dir") else None)
    try:
        source = open_recorded(settings.get("data", ""), data_dir=folder, reporter=reporter)
        images = pictures_for(model, source, cache_dir=cache_dir, reporter=reporter)
    except (ConvscopeError, OSError) as error:
        reporter.say(f"no pictures of the training come along, name some after the model: {error}")
        return []
    reporter.say(f"pictures: some that were held out of training, from {images.name}")
    places = np.random.default_rng(0).permutation(images.indices(images.judged))[: 25 * _FROM_SET]
    wrong = model.predict_proba(images.images[places]).argmax(1) != images.labels[places]
    some = [*places[wrong][: _FROM_SET // 4], *places]
    chosen = list(dict.fromkeys(int(place) for place in some))[:_FROM_SET]
    return [
        Picture(
            name=images.picture_name(place), pixels=np.asarray(images.images[place]), label=int(images.labels[place])
        )
        for place in chosen
    ]
