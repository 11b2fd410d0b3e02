"""The registered kinds of layers. To add one, write its file and its line in `KINDS`."""

from convscope.layers.layer import Layer

from .add import Add
from .channel_normalization import ChannelNormalization
from .channel_selection import ChannelSelection
from .channel_shuffle import ChannelShuffle
from .concatenate import Concatenate
from .convolution import Convolution
from .flatten import Flatten
from .instance_based import InstanceBased
from .linear import Linear
from .local_response import LocalResponse
from .locally_connected import LocallyConnected
from .multiply import Multiply
from .nonlinearity import Nonlinearity
from .padding import Padding
from .pooling import Pooling
from .resize import Resize
from .scale_and_shift import ScaleAndShift
from .softmax import Softmax
from .transposed_convolution import TransposedConvolution

KINDS: dict[str, type[Layer]] = {
    kind.KIND: kind
    for kind in (
        Convolution,
        TransposedConvolution,
        LocallyConnected,
        Linear,
        InstanceBased,
        Pooling,
        Nonlinearity,
        ScaleAndShift,
        ChannelNormalization,
        LocalResponse,
        Softmax,
        Add,
        Multiply,
        Concatenate,
        Resize,
        Padding,
        ChannelSelection,
        ChannelShuffle,
        Flatten,
    )
}
"""Every kind by the name that files and the page know it by."""
