"""The page of findings: what is in it, within which bounds, whatever names files and classes have."""

import json
import re

import numpy as np
import pytest

from convscope.images.inspection import ClassCount, Inspection, Problem, SizeSpread
from convscope.report import check_page
from convscope.report.check_page import render_check

from .test_report_page import HOSTILE, Page


def inspection_of(problems: list[Problem], classes: tuple[str, ...] = ("a", "b", "c")) -> Inspection:
    sizes = SizeSpread(widths=(8, 8, 8), heights=(8, 8, 8))
    counts = tuple(ClassCount(name=name, images=9, usable=9) for name in classes)
    return Inspection(
        source="a set",
        images=99,
        usable=99,
        classes=counts,
        problems=tuple(problems),
        sizes=sizes,
        modes={},
        formats={},
    )


def finding(number: int, **changes: object) -> Problem:
    values: dict[str, object] = {
        "name": f"a/{number:05}.png",
        "kind": "wrong label",
        "detail": "labeled a (2 %), looks like b (97 %)",
        "score": 0.9,
        "label": "a",
        "suggested": "b",
    }
    return Problem(**{**values, **changes})  # type: ignore[arg-type]  # of one test


def noise(name: str) -> np.ndarray:
    return np.random.default_rng(len(name)).integers(0, 256, (64, 64, 3), np.uint8)


def data_of(text: str) -> dict[str, list[object]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, list[object]] = json.loads(found[1])
    return data


def test_names_stay_text_and_every_connection_is_forbidden() -> None:
    problems = [finding(0, name=name, detail=name, label=name, suggested=name) for name in HOSTILE]
    text = render_check(inspection_of(problems, (*HOSTILE, "b")), noise)
    page = Page(text)
    assert len(page.all("script")) == 2
    policy = str(page.all("meta")[1]["content"])
    assert "default-src 'none'" in policy
    assert [one["image"] for one in data_of(text)["findings"]] == HOSTILE  # type: ignore[index]  # JSON
    assert all(not value.startswith("http") for name in ("href", "src") for value in page.values(name))


def test_thousands_of_findings_stay_within_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_page, "BUDGET_BYTES", 300_000)
    problems = [finding(number) for number in range(3_000)]
    text = render_check(inspection_of(problems), noise)
    data = data_of(text)
    assert len(data["findings"]) == 3_000
    shown = sum(map(len, map(str, data["thumbnails"])))
    assert 150_000 < shown < 300_000
    assert data["findings"][-1]["thumbnail"] == -1  # type: ignore[index,call-overload]  # JSON


def test_a_copy_is_shown_beside_what_it_copies() -> None:
    copy = finding(1, kind="near-duplicate", others=("b/0.png",))
    (found,) = data_of(render_check(inspection_of([copy]), noise))["findings"]
    assert (found["thumbnail"], found["other"], found["others"]) == (0, 1, ["b/0.png"])  # type: ignore[index]  # JSON


def test_images_without_classes_have_no_class_to_give() -> None:
    page = Page(render_check(inspection_of([finding(0, label="")], ("",)), noise))
    assert "Other class" not in page.text
    assert "Leave out" in page.text


def test_nothing_found_is_said() -> None:
    assert "Nothing was found" in Page(render_check(inspection_of([]), noise)).text
