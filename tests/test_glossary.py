"""Words that the terms of docs/glossary.md have replaced do not come back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "src" / "convscope"
SUFFIXES = {".md", ".py", ".js", ".html", ".css"}


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A replaced word.

    Attributes:
        word: a regular expression; it matches between characters that are no letters, in any case.
        use: the terms to use.
        allowed: phrases around the word that are right, as a regular expression, each with its reason beside it.
    """

    word: str
    use: str
    allowed: str = ""


REPLACED = (
    Replaced(word="pictures?", use="image (input), figure (plot)"),
    Replaced(
        word="subsampl(?:e|es|ed|ing|ings)",
        use="pooling",
        allowed="classic name: subsampling",  # where a reader meets pooling first
    ),
    Replaced(word="untied", use="locally connected"),
    Replaced(
        word="multiply[- _]adds?",
        use="MACs",
    ),
    Replaced(
        word="mirrored",
        use="flipped; mirror image",
        allowed="a mirrored (?:bicycle|`b`)",  # seen in a mirror, in the tutorial
    ),
    Replaced(word="judg(?:e|es|ed|ing)", use="evaluate"),
    Replaced(
        word="coarse(?:ly|r)?",
        use="progressive resizing",
        allowed=r"pointer: coarse",  # a media query of CSS
    ),
    Replaced(
        word=r"passes (?:over|through) the|(?:more|many|few|fewer|\d+) passes",
        use="epochs",
    ),
    Replaced(
        word="un?disturb(?:ed|ing|s)?|disturb(?:ed|ing)",
        use="clean; distorted",
    ),
    Replaced(word="even(?:ed|ing) out|evened", use="contrast normalization"),
    Replaced(word="(?:cannot|can) be told", use="significant"),
    Replaced(
        word="owed to",
        use="due to, caused by",
    ),
    Replaced(word="unless said", use="by default"),
    Replaced(
        word="stands? in",
        use="is in, is stored in, replaces",
    ),
    Replaced(word="entrants?", use="variant"),
    Replaced(
        word="contests?",
        use="experiment",
        allowed="`contest`, `test tube`",  # names of classes that are no splits
    ),
    Replaced(word="exams?", use="test set"),
    Replaced(word="counter-facts?", use="ablation, variant"),
    Replaced(word="gone on with", use="resumed"),
    Replaced(word="(?:resume`?|run|training|comparison) goes on with", use="continues with"),
    Replaced(word="taken for an?", use="read as, become"),
    Replaced(word="middle of (?:the|an?|its|each) (?:image|map|patch|window)s?", use="center"),
    Replaced(
        word="held[- ]out",
        use="validation",
    ),
    Replaced(word="comes along", use="bundled"),
    Replaced(
        word="(?<!fully )(?<!locally )(?<!-)connected units",
        use="fully connected units",
    ),
    Replaced(
        word="[a-z]*(?:colour|centre|neighbour|behaviour|labell(?!edby)|licence|judgement|grey(?!s))[a-z]*",
        use="American spelling: color, center, neighbor, behavior, label, license, judgment, gray",
        allowed=r'image\.colourspace|"unlabelled"',  # of pyvips; a folder's name
    ),
    Replaced(word="--until(?![a-z-])", use="--target-accuracy"),
    Replaced(word="--coarse(?![a-z-])", use="--progressive-resizing"),
    Replaced(word="--first(?![a-z-])", use="--pretrain"),
    Replaced(word="--freeze-first", use="--freeze"),
    Replaced(word="--trace(?![a-z-])", use="--traceback"),
    Replaced(word="--worth", use="--ablation"),
)


FOLDERS = (PACKAGE, *(CHECKOUT / name for name in ("docs", "tests", "benchmarks")))
OWN = {
    Path(__file__).resolve(),
    CHECKOUT / "benchmarks" / "undisturbed.py",  # steps that no other program disturbed, in its result, too
    CHECKOUT / "tests" / "images" / "test_arrangement.py",  # names of classes that are no splits: contest
}
FILES = [
    *(CHECKOUT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *(path for folder in FOLDERS for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path not in OWN),
]
LINES = {path: path.read_text(encoding="utf-8").splitlines() for path in FILES}


def _uses(rule: Replaced) -> Iterator[str]:
    """Give each line that has the word outside an allowed phrase, with its file and number."""
    word = re.compile(rf"(?<![a-z])(?:{rule.word})(?![a-z])", re.IGNORECASE)
    for path, lines in LINES.items():
        for number, line in enumerate(lines, start=1):
            if word.search(re.sub(rule.allowed, "", line, flags=re.IGNORECASE) if rule.allowed else line):
                yield f"{path.relative_to(CHECKOUT)}:{number}: {line.strip()[:100]}"


@pytest.mark.parametrize("rule", REPLACED, ids=lambda rule: rule.word)
def test_a_replaced_word_does_not_come_back(rule: Replaced) -> None:
    uses = list(_uses(rule))
    assert not uses, f"use: {rule.use}\n" + "\n".join(uses[:20])


def test_a_word_that_comes_back_is_found() -> None:
    rule = Replaced(word="zebras?", use="horse", allowed="a zebra crossing")
    LINES[CHECKOUT / "docs" / "x.md"] = ["a zebra crossing", "two_zebras", "zebrafish", "a Zebra"]
    try:
        assert [use.split(":")[1] for use in _uses(rule)] == ["2", "4"]
    finally:
        del LINES[CHECKOUT / "docs" / "x.md"]
