"""Modules of every kind, read and compared with themselves on images that were not traced."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.core.errors import ParameterError
from convscope.networks.foreign.building.unsupported import UnsupportedError
from convscope.networks.foreign.modules.torch_module import read_module
from convscope.networks.graph_network import GraphNetwork
from tests.networks.foreign.comparing import difference, kinds, read

SHAPE = (4, 12, 10)


class Function(nn.Module):
    """A function as a module, behind parts that it may use."""

    def __init__(self, function: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, images: Tensor) -> Tensor:
        return self.function(self, images)


def conv(below: int = 4, units: int = 6, kernel: int = 3, **settings: object) -> nn.Conv2d:
    return nn.Conv2d(below, units, kernel, **settings)  # type: ignore[arg-type]


def _gate(m: nn.Module, x: Tensor) -> Tensor:
    x = m.a(x)
    return x * torch.sigmoid(m.c(functional.relu(m.b(x.mean((2, 3), keepdim=True)))))


def _flat_gate(m: nn.Module, x: Tensor) -> Tensor:
    one, maps, _, _ = x.shape
    gate = functional.adaptive_avg_pool2d(x, 1).view(one, maps)
    return x * m.b(gate).sigmoid().view(one, maps, 1, 1).expand_as(x)


def _shuffle(m: nn.Module, x: Tensor) -> Tensor:
    x = m.a(x)
    one, maps, rows, columns = x.shape
    x = x.view(one, 3, maps // 3, rows, columns).transpose(1, 2).contiguous()
    return m.b(x.view(one, -1, rows, columns))


def _upsampled_by_view(m: nn.Module, x: Tensor) -> Tensor:
    x = m.a(x)
    one, maps, rows, columns = x.shape
    wide = x.view(one, maps, rows, 1, columns, 1).expand(one, maps, rows, 2, columns, 3)
    return m.b(wide.contiguous().view(one, maps, rows * 2, columns * 3))


def _upsampled_by_repeating(m: nn.Module, x: Tensor) -> Tensor:
    return m.b(m.a(x).repeat_interleave(2, 2).repeat_interleave(2, -1))


def _convnext(m: nn.Module, x: Tensor) -> Tensor:
    y = m.depthwise(x).permute(0, 2, 3, 1)
    y = m.narrow(functional.gelu(m.wide(m.norm(y)))) * m.scale
    return x + y.permute(0, 3, 1, 2)


class Scaled(Function):
    def __init__(self, function: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__(function, **parts)
        self.scale = nn.Parameter(torch.linspace(0.1, 1, 4))


def _dense(m: nn.Module, x: Tensor) -> Tensor:
    for part, norm in ((m.a, m.n), (m.b, m.o)):
        x = torch.cat([x, part(functional.relu(norm(x)))], 1)
    return x


def _u(up: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[nn.Module, Tensor], Tensor]:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        top = functional.relu(m.a(x))
        return m.c(torch.cat([up(m, functional.relu(m.b(functional.max_pool2d(top, 2)))), top], 1))

    return forward


def _groups_of_halves(m: nn.Module, x: Tensor) -> Tensor:
    x = m.a(x)
    first, second = x.chunk(2, 1)
    return torch.cat([first, m.b(second)], dim=1)


def _interleaved(m: nn.Module, x: Tensor) -> Tensor:
    one, maps, rows, columns = x.shape
    x = x.reshape(one, maps // 2, 2, rows, columns).permute(2, 0, 1, 3, 4)
    return torch.cat((x[0], m.b(x[1])), 1)


def _focus(m: nn.Module, x: Tensor) -> Tensor:
    parts = [x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return m.a(torch.cat(parts, 1))


def _shortcut_of_zeros(m: nn.Module, x: Tensor) -> Tensor:
    return m.a(x) + functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))


def _in_place(m: nn.Module, x: Tensor) -> Tensor:
    y = m.a(x)
    z = y
    y.relu_()
    y += m.b(z)  # z is y
    return z


def _part_changed(m: nn.Module, x: Tensor) -> Tensor:
    part = m.a(x)[:, :4]
    part += x[:, :, 1:-1, 1:-1]
    return part


def _written_into_a_part(m: nn.Module, x: Tensor) -> Tensor:
    y = m.a(x)
    y[:, :3].relu_()
    return y


def _copied_before(m: nn.Module, x: Tensor) -> Tensor:
    y = m.a(x)
    z = y.clone()
    y.relu_()
    return y + z


def _nhwc(m: nn.Module, x: Tensor) -> Tensor:
    return m.b(m.a(x).permute(0, 2, 3, 1).flatten(1))


def _tokens(m: nn.Module, x: Tensor) -> Tensor:
    one, _, rows, columns = x.shape
    tokens = m.norm(x.flatten(2).transpose(1, 2))
    return m.wide(tokens).transpose(1, 2).reshape(one, 16, rows, columns)


def _input_scaled(m: nn.Module, x: Tensor) -> Tensor:
    planes = [torch.unsqueeze(x[:, index], 1) * (0.5 + index) + 0.1 * index for index in range(4)]
    return m.a(torch.cat(planes, 1))


def _standardized_weights(m: nn.Module, x: Tensor) -> Tensor:
    weight = m.a.weight
    weight = (weight - weight.mean((1, 2, 3), keepdim=True)) / (weight.var((1, 2, 3), keepdim=True) + 1e-5).sqrt()
    return functional.conv2d(x, weight, m.a.bias)


U = {"a": conv(4, 4, padding=1), "b": conv(4, 6, padding=1), "c": conv(10, 5, padding=1)}
MODULES: dict[str, tuple[nn.Module, list[str] | None]] = {
    "convolution": (nn.Sequential(conv()), ["convolution"]),
    "groups": (nn.Sequential(conv(4, 8, groups=2)), ["convolution"]),
    "depthwise": (nn.Sequential(conv(4, 8, groups=4, bias=False)), ["convolution"]),
    "dilation": (nn.Sequential(conv(dilation=(2, 3), padding=(1, 2))), ["convolution"]),
    "strides": (nn.Sequential(conv(stride=(2, 3), padding=1)), ["convolution"]),
    "same padding of an even kernel": (nn.Sequential(conv(kernel=4, padding="same")), ["convolution"]),
    "padding at one side": (nn.Sequential(nn.ZeroPad2d((0, 1, 2, 0)), conv(stride=2)), ["convolution"]),
    "reflected padding": (nn.Sequential(conv(padding=1, padding_mode="reflect")), ["padding", "convolution"]),
    "replicated padding": (nn.Sequential(conv(padding=1, padding_mode="replicate")), ["padding", "convolution"]),
    "batch normalization": (nn.Sequential(conv(), nn.BatchNorm2d(6), nn.ReLU()), ["convolution+relu"]),
    "batch normalization first": (
        nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), conv(padding=1)),
        ["scale-and-shift+relu", "convolution"],
    ),
    "batch normalization before": (nn.Sequential(nn.BatchNorm2d(4), conv()), ["convolution"]),
    "batch normalization before groups": (nn.Sequential(nn.BatchNorm2d(4), conv(groups=2)), ["convolution"]),
    "batch normalization before linear": (
        nn.Sequential(nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(480, 3)),
        ["linear"],
    ),
    "batch normalization of a vector": (
        nn.Sequential(nn.Flatten(), nn.Linear(480, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)),
        ["linear+tanh", "linear"],
    ),
    "batch normalization of flattened maps": (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(480)), None),
    "transposed convolution": (
        nn.Sequential(nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), nn.BatchNorm2d(6)),
        ["transposed-convolution"],
    ),
    "max pooling": (nn.Sequential(nn.MaxPool2d(3, 2, 1)), ["pooling"]),
    "dilated max pooling": (nn.Sequential(nn.MaxPool2d(2, 1, dilation=2)), ["pooling"]),
    "max pooling to the end": (nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True)), ["pooling"]),
    "mean pooling": (nn.Sequential(nn.AvgPool2d((3, 2), 2, (1, 0))), ["pooling"]),
    "mean pooling without zeros": (nn.Sequential(nn.AvgPool2d(3, 2, 1, count_include_pad=False)), ["pooling"]),
    "mean pooling beyond the end": (nn.AvgPool2d(99, ceil_mode=True), ["pooling"]),
    "mean pooling to the end": (nn.Sequential(nn.AvgPool2d(3, 2, 1, ceil_mode=True)), ["pooling"]),
    "max pooling of a frame behind relu": (
        nn.Sequential(nn.ReLU(), nn.ZeroPad2d(1), nn.MaxPool2d(3, 2)),
        ["nonlinearity", "pooling"],
    ),
    "max pooling of a frame": (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, 2)), ["padding", "pooling"]),
    "mean pooling of a frame": (nn.Sequential(nn.ZeroPad2d(1), nn.AvgPool2d(3, 2)), ["pooling"]),
    "adaptive pooling": (nn.Sequential(nn.AdaptiveAvgPool2d((3, 5))), ["pooling"]),
    "adaptive pooling to one": (nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)), None),
    "adaptive pooling that enlarges": (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3)), None),
    "mean of flattened maps": (Function(lambda m, x: x.flatten(2).mean(-1)), ["pooling"]),
    "mean of rows": (Function(lambda m, x: x.mean(2, keepdim=True)), ["pooling"]),
    "sum of maps": (Function(lambda m, x: x.sum((2, 3))), ["pooling", "scale-and-shift"]),
    "largest of maps": (Function(lambda m, x: x.amax((-1, -2))), ["pooling"]),
    "flattened in another order": (Function(_nhwc, a=conv(), b=nn.Linear(480, 3)), ["convolution", "linear"]),
    "a vector as maps": (
        nn.Sequential(nn.Flatten(), nn.Unflatten(1, (480, 1, 1)), nn.Conv2d(480, 3, 1)),
        ["flatten", "convolution"],
    ),
    "matrix product": (Function(lambda m, x: x.flatten(1) @ m.a.weight.T, a=nn.Linear(480, 3)), ["linear"]),
    "addition": (Function(lambda m, x: m.a(x) + m.b(x) - 1, a=conv(), b=conv()), None),
    "subtraction": (Function(lambda m, x: 1 - m.a(x) - 2 * m.b(x), a=conv(), b=conv()), None),
    "constants of channels": (Scaled(lambda m, x: (x - m.scale[:, None, None]) / m.scale.view(1, -1, 1, 1)), None),
    "addition of one value a map": (
        Function(lambda m, x: m.a(x) + m.a(x).mean((2, 3), keepdim=True), a=conv()),
        ["convolution", "convolution", "pooling", "resize", "add"],
    ),
    "squeeze and excitation": (
        Function(_gate, a=conv(), b=conv(6, 3, 1), c=conv(3, 6, 1)),
        ["convolution", "pooling", "convolution+relu", "convolution+sigmoid", "multiply"],
    ),
    "squeeze and excitation of vectors": (
        Function(_flat_gate, b=nn.Linear(4, 4)),
        ["pooling", "linear+sigmoid", "multiply"],
    ),
    "one gate for all maps": (Function(lambda m, x: x * torch.sigmoid(m.a(x)), a=conv(4, 1, 1)), None),
    "channel shuffle": (
        Function(_shuffle, a=conv(), b=conv(6, 6, groups=3)),
        ["convolution", "channel-shuffle", "convolution"],
    ),
    "channel shuffle by name": (nn.Sequential(nn.ChannelShuffle(2), conv()), ["channel-shuffle", "convolution"]),
    "halves": (
        Function(_groups_of_halves, a=conv(), b=conv(3, 3, padding=1)),
        ["convolution", "channel-selection", "channel-selection", "convolution", "concatenate"],
    ),
    "every second map": (
        Function(_interleaved, b=conv(2, 2, padding=1)),
        ["channel-selection", "channel-selection", "convolution", "concatenate"],
    ),
    "maps in reverse": (Function(lambda m, x: m.a(x.flip(1)), a=conv()), ["channel-selection", "convolution"]),
    "every second row": (Function(_focus, a=conv(16, 5)), None),
    "a shortcut of zeros": (Function(_shortcut_of_zeros, a=conv(stride=2, padding=1)), None),
    "cut off": (Function(lambda m, x: m.a(x[:, :, 1:-2, 3:]), a=conv()), ["padding", "padding", "convolution"]),
    "stack": (Function(lambda m, x: torch.stack([x, m.a(x)], 1).flatten(1, 2), a=conv(4, 4, 1)), None),
    "upsampling by a view": (
        Function(_upsampled_by_view, a=conv(), b=conv(6, 2)),
        ["convolution", "resize", "convolution"],
    ),
    "upsampling by repeating": (
        Function(_upsampled_by_repeating, a=conv(), b=conv(6, 2)),
        ["convolution", "resize", "convolution"],
    ),
    "a gate that is repeated": (
        Function(lambda m, x: m.a(x) * x.mean((2, 3), keepdim=True)[:, :1].repeat(1, 1, 10, 8), a=conv()),
        ["convolution", "pooling", "channel-selection", "multiply"],
    ),
    "ConvNeXt block": (
        Scaled(
            _convnext,
            depthwise=conv(4, 4, 7, padding=3, groups=4),
            norm=nn.LayerNorm(4, eps=1e-6),
            wide=nn.Linear(4, 16),
            narrow=nn.Linear(16, 4),
        ),
        ["convolution", "channel-normalization", "convolution+gelu", "convolution", "add"],
    ),
    "tokens and back": (
        Function(_tokens, norm=nn.LayerNorm(4), wide=nn.Linear(4, 16)),
        ["channel-normalization", "convolution"],
    ),
    "DenseNet block": (
        Function(_dense, a=conv(padding=1), b=conv(10, padding=1), n=nn.BatchNorm2d(4), o=nn.BatchNorm2d(10)),
        ["scale-and-shift+relu", "convolution", "concatenate"] * 2,
    ),
    "U-Net with transposed convolution": (
        Function(_u(lambda m, x: m.up(x)), **U, up=nn.ConvTranspose2d(6, 6, 2, stride=2)),
        ["convolution+relu", "pooling", "convolution+relu", "transposed-convolution", "concatenate", "convolution"],
    ),
    "U-Net, bilinear": (
        Function(_u(lambda m, x: functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)), **U),
        ["convolution+relu", "pooling", "convolution+relu", "resize", "concatenate", "convolution"],
    ),
    "U-Net, nearest": (Function(_u(lambda m, x: functional.interpolate(x, size=(12, 10))), **U), None),
    "weights that are computed": (Function(_standardized_weights, a=conv()), ["convolution"]),
    "channels scaled one by one": (Function(_input_scaled, a=conv(padding=1)), None),
    "in place": (Function(_in_place, a=conv(4, 4, 1), b=conv(4, 4, 1)), None),
    "local response": (
        nn.Sequential(conv(), nn.LocalResponseNorm(5, 0.1, 0.6, 2.0)),
        ["convolution", "local-response"],
    ),
    "dropout": (nn.Sequential(nn.Dropout2d(), conv(), nn.Dropout(), nn.ReLU()), ["convolution+relu"]),
    "softmax within": (nn.Sequential(nn.Softmax(1), conv()), ["softmax", "convolution"]),
    "nothing but an identity": (nn.Sequential(nn.Identity(), nn.Hardtanh(-2, 1)), None),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_computes_the_same_when_it_is_read(name: str) -> None:
    module, expected = MODULES[name]
    network = read(module, SHAPE)
    assert difference(network, module, SHAPE) <= 1e-5
    if expected is not None:
        assert kinds(network) == expected


NONLINEARITIES = {
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(),
    "silu": nn.SiLU(),
    "gelu": nn.GELU(),
    "gelutanh": nn.GELU("tanh"),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "leakyrelu:0.2": nn.LeakyReLU(0.2),
    "leakyrelu:0.25": nn.PReLU(),
    "elu": nn.ELU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
}


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_a_nonlinearity_is_part_of_the_layer_before(name: str) -> None:
    module = nn.Sequential(conv(), NONLINEARITIES[name])
    network = read(module, SHAPE)
    assert [(node.name, node.nonlinearity) for node in network.graph.nodes] == [("0", name)]
    assert difference(network, module, SHAPE) <= 1e-5


def test_limits_and_slopes_that_no_layer_has_become_layers_that_compute_them() -> None:
    slopes = nn.PReLU(6)
    slopes.weight.data = torch.linspace(-0.5, 1.5, 6)
    module = nn.Sequential(conv(), nn.Hardtanh(-0.3, 0.2), slopes, nn.ReLU())
    assert difference(read(module, SHAPE), module, SHAPE) <= 1e-5


def test_layers_have_the_paths_of_their_modules() -> None:
    block = Function(lambda m, x: functional.relu(m.conv(x) + x) * torch.sigmoid(x), conv=conv(4, 4, padding=1))
    module = nn.Sequential()
    module.add_module("stem", nn.Sequential(conv(4, 4), nn.BatchNorm2d(4)))
    module.add_module("layer1", nn.Sequential(block))
    network = read(module, SHAPE)
    names = [node.name for node in network.graph.nodes]
    assert names == ["stem.0", "layer1.0.conv", "layer1.0.add", "layer1.0.sigmoid", "layer1.0.mul"]
    assert network.graph.by_name["layer1.0.add"].block == "layer1.0"


def test_a_module_that_is_called_twice_makes_two_layers() -> None:
    module = Function(lambda m, x: m.a(functional.max_pool2d(m.a(x), 2)), a=conv(4, 4))
    network = read(module, SHAPE)
    assert [node.name for node in network.graph.nodes] == ["a", "pool", "a_2"]
    assert difference(network, module, SHAPE) <= 1e-5


def test_the_module_stays_as_it_is() -> None:
    module = nn.Sequential(conv(), nn.BatchNorm2d(6), nn.Dropout())
    module[2].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    read_module(module, torch.zeros(1, *SHAPE))
    assert [part.training for part in module] == [True, True, False]
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(parameter.requires_grad for parameter in module.parameters())


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return images * self.calls


def test_buffers_that_the_module_writes_stay_as_they_are() -> None:
    module = Counting()
    network = read_module(module, torch.zeros(1, *SHAPE))
    assert module.calls.item() == 0
    assert network.tensors["mul.scale"].tolist() == [1] * 4


def test_of_several_outputs_the_one_called_out_or_the_first_is_taken() -> None:
    maps = Function(lambda m, x: {"aux": m.b(x), "out": m.a(x)}, a=conv(), b=conv())
    network = read(maps, SHAPE)
    assert [node.name for node in network.graph.nodes] == ["a"]
    assert "2 outputs" in network.notes[0]
    pair = Function(lambda m, x: (m.a(x), m.b(x)), a=conv(), b=conv())
    assert [node.name for node in read(pair, SHAPE).graph.nodes] == ["a"]


@pytest.mark.parametrize("last", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_the_last_softmax_is_taken_off(last: nn.Module) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(480, 3), last)
    network = read(module, SHAPE)
    assert kinds(network) == ["linear"]
    assert "logits" in network.notes[0]
    assert difference(network, module[:2], SHAPE) <= 1e-5


def test_a_graph_that_was_read_can_be_trained() -> None:
    network = read(nn.Sequential(conv(), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(480, 3)), SHAPE)
    own = GraphNetwork(network.graph, network.tensors)
    own(torch.ones(2, *SHAPE)).sum().backward()
    assert all(parameter.grad is not None for parameter in own.parameters())


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(4, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        tokens = functional.relu(self.stem(images)).flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(1)


def test_attention_is_refused_with_its_place_and_the_layer_before() -> None:
    with pytest.raises(UnsupportedError, match=r'in attention cannot be read.*up_to="attention.linear"') as caught:
        read(Attention(), SHAPE)
    assert caught.value.last_layer == "attention.linear"
    assert caught.value.place == "attention"
    assert caught.value.operator.startswith("aten.")


def test_the_network_up_to_a_layer_can_be_had_where_the_rest_cannot() -> None:
    module = Attention()
    network = read(module, SHAPE, up_to="stem")
    assert kinds(network) == ["convolution+relu"]
    assert difference(network, nn.Sequential(module.stem, nn.ReLU()), SHAPE) <= 1e-5


def test_a_network_ends_with_a_layer_or_the_last_one_of_a_module() -> None:
    module = nn.Sequential()
    for name in ("one", "two"):
        module.add_module(name, nn.Sequential(conv(4, 4), nn.BatchNorm2d(4), nn.ReLU()))
    assert [node.name for node in read(module, SHAPE, up_to="one").graph.nodes] == ["one.0"]
    assert [node.name for node in read(module, SHAPE, up_to="one.2").graph.nodes] == ["one.0"]
    with pytest.raises(ParameterError, match=r"no layer 'on.0'.*Did you mean 'one.0'"):
        read(module, SHAPE, up_to="on.0")


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "rows one after another": (Function(lambda m, x: m.a(x).repeat(1, 1, 2, 1), a=conv()), "one after another"),
    "group normalization": (nn.Sequential(nn.GroupNorm(2, 4)), "aten.group_norm` in 0 .*groups of channels"),
    "instance normalization": (nn.Sequential(nn.InstanceNorm2d(4)), "aten.instance_norm` in 0 .*each map"),
    "pixel shuffle": (nn.Sequential(nn.PixelShuffle(2)), "aten.pixel_shuffle` in 0 .*rows and columns of channels"),
    "statistics of the batch": (nn.Sequential(nn.BatchNorm2d(4, track_running_stats=False)), "statistics of the batch"),
    "windows of different sizes": (nn.Sequential(nn.AdaptiveAvgPool2d(7)), "10x12 maps to 7x7 .*different sizes"),
    "bicubic": (nn.Sequential(nn.Upsample(scale_factor=2, mode="bicubic")), "nearest or bilinear"),
    "a factor that does not fit": (nn.Sequential(nn.Upsample(scale_factor=1.33)), "factor 1.33"),
    "rows for columns": (
        Function(lambda m, x: m.a(x.transpose(2, 3)), a=conv()),
        "rows or columns and not of channels",
    ),
    "a sum over columns": (nn.Sequential(nn.Linear(10, 3)), "not the channels"),
    "a function that no layer has": (Function(lambda m, x: torch.sin(m.a(x)), a=conv()), "aten.sin"),
    "a function in pieces": (Function(lambda m, x: torch.exp(m.a(x)), a=conv()), "no layer computes exp"),
    "the mean of channels": (Function(lambda m, x: x.mean(1, keepdim=True)), "mean over channels"),
    "two computed matrices": (Function(lambda m, x: x @ x.transpose(2, 3)), "both depend on the image"),
    "a position of its own": (Function(lambda m, x: x + torch.arange(10.0)), "differs between positions"),
    "elu with a factor": (nn.Sequential(nn.ELU(2.0)), "aten.elu` in 0 "),
    "three dimensions": (Function(lambda m, x: m.a(x[:, None])[:, 0], a=nn.Conv3d(1, 1, 3)), "aten.conv3d"),
    "a part written into": (Function(_written_into_a_part, a=conv()), "written into through a part"),
    "written into": (
        Function(lambda m, x: m.a(x).index_fill_(1, torch.tensor([0]), 0.0), a=conv()),
        "aten.index_fill_",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_layer_expresses_is_refused_by_name_and_place(name: str) -> None:
    module, match = REFUSED[name]
    with pytest.raises(UnsupportedError, match=match):
        read(module, SHAPE)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda m, x: x if float(x.sum()) > 0 else -x, "depends on the values of the image, test_torch_module.py line"),
        (lambda m, x: x * len(range(int(x.sum()))), "depends on the values of the image, test_torch_module.py line"),
        (lambda m, x: x["image"], "test_torch_module.py line"),
    ],
    ids=["an if", "a loop", "a fault"],
)
def test_what_cannot_be_traced_is_refused_with_its_line_and_nothing_else_is_said(
    function: Callable[..., Tensor], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnsupportedError, match=rf"torch.export.*cannot be traced.*{reason}.*the same for every image"):
        read(Function(function), SHAPE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "example", [torch.zeros(4, 12, 10), torch.zeros(2, 4, 12, 10), torch.zeros(1, 4, 12, 10).long()]
)
def test_an_example_is_one_image_of_floats(example: Tensor) -> None:
    with pytest.raises(ParameterError, match="`example` must be one image"):
        read_module(conv(), example)
