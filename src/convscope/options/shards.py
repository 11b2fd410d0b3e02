"""Options of commands that work in shards."""

from dataclasses import dataclass

from convscope.core.errors import ParameterError
from convscope.core.options import AnyPath, check_options, option

from . import fields


@dataclass(frozen=True, kw_only=True)
class ShardOptions:
    """Where the parts go, and who computes them.

    Raises:
        ParameterError: a value is out of its range, or a cluster or part is given without the folder.
    """

    shards: AnyPath | None = option(
        None,
        "Folder or address (s3://…) of parts, for millions of images or tiles: the same command continues what is "
        "missing, on this machine or on many.",
        group="Output",
        metavar="FOLDER",
    )
    cluster: str | None = option(
        None,
        "Compute the shards on a cluster: ray, ray://HOST:PORT or, for Dask, tcp://HOST:PORT.",
        group="Output",
        metavar="ADDRESS",
    )
    part: str | None = option(
        None, "Compute a part of the shards, such as 3/16 in job 3 of 16.", group="Output", metavar="I/N"
    )
    shard_size: int = option(
        10_000,
        "Images in a shard; of a scan tiles, of 32 MB at most.",
        group="Output",
        metavar="N",
        least=1,
        most=1_000_000,
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.shards is None and (self.cluster is not None or self.part is not None):
            raise ParameterError("`cluster` and `part` must come with `shards`, the folder of the parts. Got none.")


@dataclass(frozen=True, kw_only=True)
class MergeOptions:
    """What is made of the parts."""

    output: AnyPath | None = fields.output(
        "One .parquet with all rows, or .tif or .zarr of a scan; the index of the folder by default."
    )
    force: bool = fields.force()

    def __post_init__(self) -> None:
        check_options(self)
