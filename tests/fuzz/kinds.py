"""Every kind of cases, by its name, and how many of each a whole campaign has."""

from .cases import Kind
from .images_kind import Images
from .kills_kind import Disks, Kills
from .lists_kind import Idx, Lists
from .models_kind import Models
from .onnx_kind import Onnx
from .runs_kind import Checkpoints, Kept, Records

KINDS: dict[str, tuple[type[Kind], int]] = {
    "images": (Images, 100_000),
    "models": (Models, 12_000),
    "onnx": (Onnx, 12_000),
    "lists": (Lists, 4_000),
    "idx": (Idx, 2_000),
    "records": (Records, 3_000),
    "checkpoints": (Checkpoints, 5_000),
    "cache": (Kept, 1_000),
    "kills": (Kills, 1_000),
    "disks": (Disks, 500),
}
