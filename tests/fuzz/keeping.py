"""Cases in which something is wrong, on the disk: their files, and what was seen."""

from pathlib import Path

from .cases import Finding, Kind

_MOST = 3  # cases of one cause


def keep_case(kind: Kind, found: Finding, folder: Path) -> None:
    """Write the files of a case, and what is wrong with it, into a folder of its own; of a cause only the first few."""
    place = folder / f"{found.kind}-{found.seed}"
    cause = "".join(letter if letter.isalnum() else "-" for letter in found.cause)[:80]
    counted = folder / "causes" / cause
    counted.mkdir(parents=True, exist_ok=True)
    if len(list(counted.iterdir())) >= _MOST and not (counted / place.name).exists():
        return
    (counted / place.name).touch()
    place.mkdir(exist_ok=True)
    with (place / "findings.txt").open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{found.verdict}: {found.cause}\n{found.detail}\n\n")
    kind.save(found.seed, place)
