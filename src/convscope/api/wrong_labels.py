"""The labels that look wrong after a training, found among images that the classifier did not learn from."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convscope.cleaning.wrong_labels import wrong_labels
from convscope.core.progress import Silent
from convscope.core.text import counted
from convscope.images.inspection import Problem
from convscope.images.sources.source import TRAIN
from convscope.training.report import EvaluatedImages, RunFacts

if TYPE_CHECKING:
    from convscope.transfer.preparing import PreparedStart


def with_evaluated_labels(facts: RunFacts, evaluated: EvaluatedImages) -> RunFacts:
    """Return the facts of a run with the labels of the evaluated images that look wrong by its network.

    Of training images a network has learned the labels by heart, wrong ones too: they are not looked at.
    """
    if evaluated.split == "training":
        return facts
    names = dict(zip(np.asarray(evaluated.indices).tolist(), evaluated.names, strict=True))
    found = wrong_labels(
        np.asarray(evaluated.probabilities, np.float64),
        np.asarray(evaluated.labels),
        evaluated.classes,
        list(names),
        names.__getitem__,
    )
    of_what = counted(len(names), f"{evaluated.split} image")
    return _with(facts, found, f"{of_what}, by the network, which did not learn from them")


def with_start_labels(facts: RunFacts, prepared: "PreparedStart", cut: str, cache_dir: Path | None) -> RunFacts:
    """Return the facts of a run with the labels that look wrong by cross-validation on the features of its start."""
    from convscope.cleaning.findings import label_findings
    from convscope.transfer.start_features import StartFeatures, Wanted
    from convscope.transfer.views import ITSELF

    images = prepared.images
    indices = np.flatnonzero(np.isin(images.splits, [TRAIN, images.evaluation_split]))
    model = prepared.start.model.to(prepared.device)
    start = StartFeatures(model, [cut], images, cache_dir=cache_dir, reporter=Silent())
    features = start.of([Wanted(view=ITSELF, indices=indices)])[0][cut]
    found = label_findings(images, features, indices=indices, seed=prepared.settings.seed)
    of_what = counted(len(indices), "training and evaluated image", "training and evaluated images")
    return _with(facts, found.problems, f"{of_what}, each by a classifier that did not learn from it")


def _with(facts: RunFacts, found: tuple[Problem, ...], of_what: str) -> RunFacts:
    if not found:
        return facts
    note = f"{counted(len(found), 'label')} look{'s' * (len(found) == 1)} wrong of {of_what}: see the report"
    return replace(facts, problems=(*facts.problems, *found), notes=(*facts.notes, note))
