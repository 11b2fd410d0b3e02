"""What was given to predict, one image after another: files, folders, patterns, arrays."""

import dataclasses
import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, ParameterError, UnreadableImageError
from convscope.core.remote import is_address, list_addresses, read_address
from convscope.images.decoding.decoder import EXTENSIONS, Decoded, decode
from convscope.images.decoding.pixel_budget import IN_FLIGHT
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.arrays import as_images, refuse_one_in_color
from convscope.images.sources.foreign import foreign_reason
from convscope.images.sources.naming import natural_key
from convscope.images.sources.tree import Folder, list_tree
from convscope.images.sources.written_paths import meant_path
from convscope.images.transparency import vanished
from convscope.images.values import ValueRange, convention


@dataclass(frozen=True, kw_only=True, eq=False)
class Input:
    """One image that was given, not yet read.

    Attributes:
        name: for the user: its path, or its index among those given, for example ``[17]``.
        content: the path, the bytes of a file, or numbers H W C; None where there is nothing to read.
        error: why there is nothing to read.
        usual: which of the values of an array are black and white, as far as the arrays given with it say.
    """

    name: str
    content: str | bytes | NDArray[Any] | None = None
    error: str = ""
    usual: ValueRange | None = None

    @property
    def size(self) -> int:
        """How much there is to read, in bytes; 0 where that cannot be said."""
        if not isinstance(self.content, str):
            return 0 if self.content is None else len(self.content)
        try:
            return os.stat(self.content).st_size  # noqa: PTH116  # twice as fast, and there may be a million
        except (OSError, ValueError):
            return 0

    def fitted(self, step: Preprocessing) -> NDArray[np.uint8]:
        """Return the image as the network takes it, uint8 H W C; errors as for `read`."""
        return self.read(step)[0]

    def read(self, preprocessing: Preprocessing) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Return the image as the network takes it, uint8 H W C, and remarks on it.

        Raises:
            UnreadableImageError: it cannot be used; the text says why.
        """
        try:
            with IN_FLIGHT.held():
                decoded = self._decoded(preprocessing.size)
                fitted = preprocessing.apply(decoded)
                remarks = (*decoded.remarks, *vanished(decoded.values, fitted))
                del decoded  # before another thread may begin with a large one
            return fitted, remarks
        except MemoryError:
            raise UnreadableImageError("it needs more memory than there is") from None

    def _decoded(self, near: tuple[int, int]) -> Decoded:
        if self.content is None:
            raise UnreadableImageError(self.error)
        if isinstance(self.content, np.ndarray):
            return Decoded(values=self.content, usual=self.usual)
        if isinstance(self.content, str):
            return decode(_fetched(self.content) if is_address(self.content) else Path(self.content), near=near)
        return decode(self.content, near=near)


def _fetched(address: str) -> bytes:
    """Return the bytes of an image at an address.

    Raises:
        UnreadableImageError: it is not there, or is too large.
        StorageError: the file system does not give it: no fault of the image.
    """
    try:
        return read_address(address)
    except FileNotFoundError:
        raise UnreadableImageError("it is not there") from None
    except DataError as error:
        raise UnreadableImageError(str(error)) from None


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """Everything that was given.

    Attributes:
        images: each of them, in order; to be gone through once.
        total: how many, None where only going through them tells.
    """

    images: Iterator[Input]
    total: int | None


def list_inputs(given: Any, *, channels: int = 1, size: tuple[int, int] | None = None) -> Inputs:
    """Return the images in what was given.

    Args:
        given: an array of images (N H W or N H W C, values as
            `convscope.images.sources.arrays.as_images` takes them); or
            one of the following, or an iterable of them: the path of a file; a folder, which stands for all images
            in it and below, and for what looks like one and cannot be read; a pattern such as ``photos/**/*.jpg``; the
            bytes of a file; an array H W or H W C. Only from something with a length is the total known; anything else
            is gone through as it comes.
        channels: that the network takes.
        size: (height, width) that it takes.

    Raises:
        DataError: an array of images has another shape or kind.
        ParameterError: it is none of these.

    Examples:
        >>> inputs = list_inputs(np.zeros((2, 8, 8)))
        >>> inputs.total, [image.name for image in inputs.images]
        (2, ['[0]', '[1]'])
    """
    if isinstance(given, np.ndarray):
        refuse_one_in_color(given, "images", channels=channels, size=size)
        stack = as_images(given[..., None] if given.ndim == 3 else given, "images")
        usual = convention(stack, together=True)
        named = (Input(name=f"[{index}]", content=pixels, usual=usual) for index, pixels in enumerate(stack))
        return Inputs(images=named, total=len(stack))
    if isinstance(given, (str, os.PathLike, bytes)):
        given = (given,)
    if not isinstance(given, Iterable):
        raise ParameterError(
            f"`images` must be paths, arrays, or one array N H W C. Got {type(given).__name__}. Give a list of paths."
        )
    images = itertools.chain.from_iterable(_found(index, image) for index, image in enumerate(given))
    if not isinstance(given, Sized):
        return Inputs(images=images, total=None)
    every = _with_usual(list(images))
    return Inputs(images=iter(every), total=len(every))


def _found(index: int, given: Any) -> Iterable[Input]:
    """Return the images that one of the things given stands for."""
    if isinstance(given, np.ndarray):
        return [_of_array(f"[{index}]", given)]
    if isinstance(given, bytes):
        return [Input(name=f"[{index}]", content=given)]
    if not isinstance(given, (str, os.PathLike)):
        raise ParameterError(
            f"`images` must be paths, bytes or arrays. Got {type(given).__name__} (image {index}). Convert it first."
        )
    path = os.fsdecode(given)
    if not path:
        return [Input(name="''", error="the name is empty")]
    if is_address(path):
        return _at_address(path)
    if os.path.isdir(path):  # noqa: PTH112  # pathlib gives up on zero bytes and on names that are too long
        return _in_folder(path)
    if (meant := meant_path("", path)) != path:
        return _in_folder(meant) if os.path.isdir(meant) else [Input(name=path, content=meant)]  # noqa: PTH112
    if glob.has_magic(path) and not os.path.lexists(path):
        return _matching(path)
    return [Input(name=path, content=path)]


def _with_usual(inputs: list[Input]) -> list[Input]:
    """Return the inputs, arrays with the range that those of their type have together."""
    ends: dict[np.dtype[Any], list[Any]] = {}
    for image in inputs:
        if isinstance(image.content, np.ndarray) and image.content.dtype != np.uint8:
            ends.setdefault(image.content.dtype, []).extend((image.content.min(), image.content.max()))
    usual = {dtype: convention(np.array(values, dtype), together=True) for dtype, values in ends.items()}
    return [
        dataclasses.replace(image, usual=usual.get(image.content.dtype))
        if isinstance(image.content, np.ndarray)
        else image
        for image in inputs
    ]


def _of_array(name: str, pixels: NDArray[Any]) -> Input:
    stack = pixels[None, ..., None] if pixels.ndim == 2 else pixels[None]
    try:
        return Input(name=name, content=as_images(stack, "image")[0])
    except DataError as error:
        return Input(name=name, error=str(error))


def _matching(pattern: str) -> Iterable[Input]:
    """Return the images that a pattern stands for, as the shell would give them."""
    try:
        paths = sorted(glob.glob(pattern, recursive=True), key=natural_key)  # noqa: PTH207  # names as they are
    except ValueError:  # a zero byte
        paths = []
    if not paths:
        return [Input(name=pattern, error="there is no such file, and as a pattern it matches none")]
    if "**" in pattern:  # it gives the folders besides all that is in them
        paths = [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112
    return itertools.chain.from_iterable(_found(0, path) for path in paths)


def _at_address(address: str) -> Iterable[Input]:
    """Return the images in a folder elsewhere, or the one at an address."""
    found = sorted(list_addresses(address, frozenset(EXTENSIONS)), key=natural_key)
    return [Input(name=one, content=one) for one in found] or [Input(name=address, error="there are no images")]


def _in_folder(path: str) -> Iterable[Input]:
    try:
        top, _ = list_tree(Path(path))
    except (DataError, OSError) as error:
        return [Input(name=path, error=str(error))]
    listed = _listed(path, top)
    first = next(listed, Input(name=path, error="the folder holds no images"))
    return itertools.chain([first], listed)


def _listed(path: str, top: Folder) -> Iterator[Input]:
    """Give the images in a folder, and what only looks like one, or cannot be read: each is answered by name."""
    for folder in top.every():
        errors = dict.fromkeys(folder.images, "")
        like = (name for name in folder.others if foreign_reason(_in(path, folder.inside(name)), name))
        errors |= dict.fromkeys(like, "")
        errors |= dict(folder.broken)
        for name in sorted(errors, key=natural_key) if len(errors) > len(folder.images) else folder.images:
            file = _in(path, folder.inside(name))
            yield Input(name=file, error=errors[name]) if errors[name] else Input(name=file, content=file)


def _in(path: str, name: str) -> str:
    return os.path.join(path, name)  # noqa: PTH118  # as the user wrote it, with its ./
