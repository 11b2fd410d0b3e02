"""What the images of all shards are compared by, read back from the parts of a job of ``check``."""

from dataclasses import dataclass

import numpy as np
import torch

from convscope.cleaning.findings import Looks
from convscope.core.errors import DataError
from convscope.core.progress import Reporter
from convscope.features.extractor import Vectors

from .computations import Unusable
from .manifest import Manifest
from .merging import check_finished, checked_parts
from .store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class MergedLooks:
    """What all parts hold.

    Attributes:
        features: of the usable images, in the order of the manifest, n × values.
        looks: of the same.
        unusable: the others, with reasons.
    """

    features: Vectors
    looks: Looks
    unusable: Unusable


def merged_looks(store: Store, manifest: Manifest, reporter: Reporter) -> MergedLooks:
    """Return what the parts hold, every image exactly once.

    Raises:
        DataError: a part is missing or damaged, or no image is usable.
    """
    check_finished(store, manifest)
    unusable: Unusable = []
    columns: dict[str, list[np.ndarray]] = {"features": [], "gray": [], "statistics": []}
    with reporter.task("merging", manifest.images, "images") as task:
        for name, file in checked_parts(store, manifest, unusable, task):
            try:
                table = file.read(list(columns))
                for column, blocks in columns.items():
                    if len(table):
                        flat = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                        if not np.isfinite(flat).all():
                            raise ValueError(f"{column} are not finite numbers")
                        blocks.append(flat.reshape(len(table), -1))
            except (OSError, ValueError, KeyError) as error:
                raise DataError(f"{name} cannot be read: {error}. Remove it, and run the same command again.") from None
    if not columns["features"]:
        raise DataError("There must be an image that can be used. Got none.")
    features, grays, statistics = (np.concatenate(blocks) for blocks in columns.values())
    side = round(grays.shape[1] ** 0.5)
    looks = Looks(grays=torch.from_numpy(grays).view(-1, side, side), statistics=statistics)
    return MergedLooks(features=features, looks=looks, unusable=unusable)
