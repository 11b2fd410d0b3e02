"""Write docs/layers/kinds.md from the registry: python tools/layer_kinds_page.py > docs/layers/kinds.md."""

import sys

from convscope.layers.kinds import LAYERS
from convscope.networks.foreign.modules.aten_table import OPERATORS as ATEN
from convscope.networks.foreign.onnx.operators import OPERATORS as ONNX

HEAD = """# Kinds of layers

<!-- written by tools/layer_kinds_page.py -->

What a [graph](../decisions/0015-graph.md) is made of. Each kind is one file in `layers/kinds/`, with shape, receptive
field, cost, computation and ONNX operators; the page computes it too.

| kind | a value is | in words | when the input moves |
|---|---|---|---|"""


def main() -> None:
    """Print the page."""
    print(HEAD)
    for name, layer in LAYERS.items():
        cells = (text.replace("|", "\\|") for text in (layer.FORMULA, layer.PHRASE, layer.SHIFT))
        print(f"| `{name}` | {' | '.join(cells)} |")
    print("\n## Read from ONNX\n")
    print("Operators of opsets 9 and later; besides, whatever is computed of constants and shapes alone.\n")
    print(", ".join(f"`{name}`" for name in sorted(ONNX)) + ".")
    print("\n## Read from torch modules\n")
    print(
        f"{len(ATEN)} operators of `torch.export`, before they are decomposed: `OPERATORS` in\n"
        "`networks/foreign/modules/aten_table.py`. The message that refuses a module names the operator.\n"
    )
    print(
        "A normalization that follows a convolution is folded into its weights; a nonlinearity belongs to the layer\n"
        "before it; identities, dropout and transpositions vanish. Functions in pieces (hard-swish, SiLU, GELU, Mish)\n"
        "are recognized by what they compute."
    )


if __name__ == "__main__":
    sys.exit(main())
