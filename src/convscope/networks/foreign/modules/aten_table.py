"""Every operator of ATen that is read, by its name, and why some others are not.

The names are without overload, and without the line at the end of operators in place.
"""

from .aten_call import Operator
from .aten_functions import FUNCTIONS
from .aten_maps import MAPS
from .aten_sums import POOLS, SUMS

OPERATORS: dict[str, Operator] = {**SUMS, **POOLS, **FUNCTIONS, **MAPS}

REFUSED: dict[str, str] = {
    "group_norm": "it normalizes by the mean of each image over groups of channels",
    "native_group_norm": "it normalizes by the mean of each image over groups of channels",
    "instance_norm": "it normalizes by the mean of each map of the image",
    "rms_norm": "it divides by the root of the mean square, which no layer does",
    "pixel_shuffle": "it makes rows and columns of channels",
    "pixel_unshuffle": "it makes channels of rows and columns",
    "scaled_dot_product_attention": "attention weighs positions by what they hold",
    "multi_head_attention_forward": "attention weighs positions by what they hold",
    "_native_multi_head_attention": "attention weighs positions by what they hold",
    "_transformer_encoder_layer_fwd": "attention weighs positions by what they hold",
    "bmm": "it multiplies matrices that both depend on the image",
    "baddbmm": "it multiplies matrices that both depend on the image",
    "einsum": "it multiplies values along axes of its own",
    "upsample_bicubic2d": "resizing is nearest or bilinear",
    "roll": "it moves rows and columns around the edge",
    "copy": "it writes into a part of its values",
    "slice_scatter": "it writes into a part of its values",
    "select_scatter": "it writes into a part of its values",
    "index_put": "it writes into a part of its values",
    "lstm": "it is recurrent",
    "gru": "it is recurrent",
}
"""Why some well-known operators are not read."""
