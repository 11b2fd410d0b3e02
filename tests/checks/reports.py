"""Reports of made-up runs."""

import dataclasses
from typing import Any

from convscope.training.report import EvaluatedImages, Report, RunFacts, make_report


def reported(**given: Any) -> Report:
    """Return a report; `given` are the fields of `EvaluatedImages` and of `RunFacts`, which has all defaults here."""
    names = {field.name for field in dataclasses.fields(EvaluatedImages)}
    facts: dict[str, Any] = {"name": "some", "settings": {}, "seconds": 1.0}
    facts |= {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if name not in names
    }
    evaluated = {name: value for name, value in given.items() if name in names}
    return make_report(EvaluatedImages(**evaluated), RunFacts(**facts))
