"""Measure the cost of a network, layer by layer, and of its variants."""

import os

from convscope.core.context import Context, context_of
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, Size, documented, options_from
from convscope.core.progress import Reporter
from convscope.measures.cost import CostRecord
from convscope.measures.graph_cost import measure_graph_cost
from convscope.measures.timing import BATCH, REPEATS, measure_cost
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.networks.named_layout import plan_of_layout
from convscope.options.measure import CostOptions
from convscope.training.record_files import record_file

from .kept_inputs import keep_inputs

_LONGEST_NAME = 40


@documented(CostOptions)
def cost(
    model: Model | Layout | str | os.PathLike[str],
    *,
    size: Size | None = None,
    channels: int | None = None,
    classes: int | None = None,
    batch: int | None = None,
    repeats: int = REPEATS,
    output: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> CostRecord:
    """Return the cost of a network: parameters, MACs, memory and time of each layer; of a layout, its variants too.

    Args:
        model: a model, the path of a model file or run folder; or a layout that need not be trained, as text too.
        progress: True shows progress on standard error.
        context: where progress goes.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> found = cost("20C5v-MP2-50C5v-MP2-500N-nonorm", size=(28, 28), repeats=0)
        >>> found.costs[0].parameters, found.costs[0].macs
        (431080, 2293000)
    """
    options_from(CostOptions, locals())
    context = context_of(context, progress=progress)
    planned = plan_of_layout(model, size=size, channels=channels, classes=classes)
    keep_inputs([output], models=[model])
    target = record_file(model if planned is None else None, "cost", output, partial=not repeats, force=force)
    with tuned():
        if planned is not None:
            record = measure_cost(
                planned.layout, planned.sizes, batch=batch or BATCH, repeats=repeats, reporter=context.reporter
            )
        else:
            used = opened(model if isinstance(model, Model) else str(model), context.reporter, prove=False)
            record = _of_model(used, batch, repeats, context.reporter)
    target.write(record, context.reporter)
    return record


def _of_model(model: Model, batch: int | None, repeats: int, reporter: Reporter) -> CostRecord:
    """Return the cost of a model: of the variants of its layout too, if it has one."""
    network = model.network
    if network.layout is None:
        return measure_graph_cost(fold(network), batch=batch, repeats=repeats, reporter=reporter)
    return measure_cost(
        network.layout,
        network.plan.sizes,
        batch=batch or BATCH,
        repeats=repeats,
        exemplars=network.exemplars,
        classifier=(model.learned.classifier or "")[:_LONGEST_NAME],  # its record names one that features had
        reporter=reporter,
    )
