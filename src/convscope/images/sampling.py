"""A fixed sample of the images, from which size, channels and background are chosen before all are loaded."""

import collections
import contextlib
import dataclasses
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, UnreadableImageError
from convscope.core.machine import preserve_denormals
from convscope.core.progress import Reporter, Task
from convscope.core.text import counted, printable
from convscope.images.decoding.decoder import Decoded
from convscope.images.decoding.pixel_budget import IN_FLIGHT
from convscope.images.loading.facts import is_gray
from convscope.images.sources.source import Source

from .value_sample import ValueSample
from .values import NumberKind, ValueRanges, kind_of, opaque_value

_MOST_IMAGES = 256
_MOST_PIXELS = 1_000_000_000  # about 80 photographs of 12 megapixels: a few seconds
_SLOW_PIXELS = 100_000_000  # more take seconds
_AT_ONCE = 16
_NEAR = (96, 96)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Properties of the sampled images.

    widths, heights: int64 M. gray: no image has color. edges: median color of the outermost opaque pixels of each
    image that has some, C values of this kind. transparent: some image has transparency. values: sampled values, by
    kind of number.
    """

    widths: NDArray[np.int64]
    heights: NDArray[np.int64]
    gray: bool
    edges: tuple[tuple[NumberKind, NDArray[np.float64]], ...]
    transparent: bool
    values: Mapping[NumberKind, ValueSample]

    @property
    def same_size(self) -> bool:
        """Whether all images have the same size."""
        return bool((self.widths == self.widths[0]).all() and (self.heights == self.heights[0]).all())

    @property
    def pixels(self) -> float:
        """Mean number of pixels per image."""
        return float((self.widths * self.heights).mean())


def take_sample(source: Source, reporter: Reporter | None = None) -> Sample:
    """Return the properties of up to 256 readable images; the same images every time.

    reporter: shows progress if the images are large.

    Raises:
        DataError: no image can be read.
    """
    sampled: list[_SampledImage] = []
    reason, pixels = "there are no images", 0
    with contextlib.ExitStack() as stack:
        task: Task | None = None
        for result in stack.enter_context(contextlib.closing(_sampled_images(source))):
            if isinstance(result, _SampledImage):
                sampled.append(result)
                pixels += result.width * result.height
            else:
                reason = result
            if len(sampled) >= _MOST_IMAGES or pixels >= _MOST_PIXELS:
                break
            if pixels > _SLOW_PIXELS and reporter is not None:
                task = task or stack.enter_context(reporter.task("looking at large images", total=_MOST_PIXELS))
                task.update(pixels)
    if not sampled:
        raise nothing_readable(source, reason)
    return Sample(
        widths=np.array([image.width for image in sampled]),
        heights=np.array([image.height for image in sampled]),
        gray=all(image.gray for image in sampled),
        edges=tuple((image.kind, image.edge) for image in sampled if image.edge is not None),
        transparent=any(image.transparent for image in sampled),
        values={
            kind: ValueSample.joined(image.values for image in sampled if image.kind == kind)
            for kind in sorted({image.kind for image in sampled})
        },
    )


def nothing_readable(source: Source, reason: str) -> DataError:
    """Return the error for a source without any readable image, with the reason for one of its images."""
    return DataError(
        f"`{printable(source.name)}` must have readable images. Got {counted(len(source), 'file')}, none of them "
        f"readable (for example: {reason}). Check that they are JPEG, PNG, WebP, TIFF, BMP, GIF or PPM files."
    )


def edge_colors(sample: Sample, ranges: ValueRanges) -> NDArray[np.float64]:
    """Return the edge colors of a sample as gray levels, N x 3; those of unknown range are left out."""
    colors = []
    for kind, edge in sample.edges:
        span = getattr(ranges, kind)
        if span is not None or kind == "byte":
            colors.append(np.broadcast_to(edge if span is None else span.gray_levels(edge), 3))
    return np.array(colors, np.float64).reshape(-1, 3)


def _sampled_images(source: Source) -> Generator["_SampledImage | str", None, None]:
    """Give the properties of each sampled image, or why it is unreadable, in order; a few are read ahead."""
    order = np.random.default_rng(0).permutation(len(source))
    with ThreadPoolExecutor(max_workers=2, initializer=preserve_denormals) as threads:
        ahead: collections.deque[Future[_SampledImage | str]] = collections.deque()
        try:
            for index in order:
                ahead.append(threads.submit(_sample_image, source, int(index)))
                if len(ahead) >= _AT_ONCE:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


@dataclasses.dataclass(frozen=True)
class _SampledImage:
    width: int
    height: int
    gray: bool
    edge: NDArray[np.float64] | None
    transparent: bool
    kind: NumberKind
    values: ValueSample


def _sample_image(source: Source, index: int) -> _SampledImage | str:
    try:
        with IN_FLIGHT.held():
            decoded = source.decode(index, near=_NEAR)
            image = _sampled_image(decoded)
            del decoded  # before another thread may start on a large image
        return image
    except UnreadableImageError as error:
        return str(error)
    except MemoryError:
        return "it needs more memory than there is"


def _sampled_image(decoded: Decoded) -> _SampledImage:
    height, width = decoded.full_size
    values = decoded.values
    return _SampledImage(
        width,
        height,
        is_gray(values),
        _edge(values),
        values.shape[2] == 4,
        kind_of(values.dtype),
        ValueSample.of(values[..., :3], decoded.usual),
    )


def _edge(pixels: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return the median color of the outermost pixels, C values; None if all are transparent."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # 2 (H + W), C
    if border.shape[1] == 4:
        border = border[border[:, 3] > opaque_value(pixels[..., 3]) / 2, :3]
        if not len(border):
            return None
    return np.asarray(np.median(border, axis=0), np.float64)
