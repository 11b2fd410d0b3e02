"""Notes on the images of a dataset: what is left out, clipped, converted or defective."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import are, counted, printable

from .inspection import Inspection


def image_notes(facts: NDArray[np.void], channels: int) -> list[str]:
    """Return notes on unusable, clipped and colour images, by the facts (FACTS) of all images.

    channels: of the preprocessed images.
    """
    notes = []
    unusable = int(np.count_nonzero(facts["unusable"]))
    if unusable:
        notes.append(f"{counted(unusable, 'image')} left out, being unusable")
    clipped = int(np.count_nonzero(facts["clipped"]))
    if clipped:
        notes.append(
            f"{counted(clipped, 'image')} with more than 1 % of the values beyond the range, which are clipped; "
            "--value-range changes it"
        )
    if channels == 1:
        colored = int(np.count_nonzero(facts["color"]))
        if colored:
            notes.append(
                f"{counted(colored, 'image')} with colour {are(colored)} converted to gray; --channels 3 keeps colour"
            )
    return notes


def defect_notes(inspection: Inspection) -> list[str]:
    """Return one note for each kind of defect of usable images."""
    notes = []
    kinds = {"damaged": "may be damaged", "partly used": "used in part", "invisible": "invisible"}
    for kind, what in (kinds | {"animated": "used in part"}).items():
        problems = inspection.of_kind(kind)
        if problems:
            verb = "" if kind == "damaged" else f"{are(len(problems))} "
            example = f"{printable(problems[0].name)}: {printable(problems[0].detail)}"
            such_as = "such as " if len(problems) > 1 else ""
            notes.append(
                f"{counted(len(problems), 'image')} {verb}{what}, {such_as}{example}; convscope check names all"
            )
    return notes
