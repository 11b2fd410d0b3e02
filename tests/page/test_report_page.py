import base64
import dataclasses
import hashlib
import io
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convscope.core.errors import DataError
from convscope.core.markup import named, tag
from convscope.core.text import printable, shortened
from convscope.images.inspection import Problem
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.report.confusion import MOST_CLASSES
from convscope.report.gallery import MOST_OF_WRONG_CELL, MOST_THUMBNAILS
from convscope.report.run_page import render_report
from convscope.report.thumbnails import BUDGET_BYTES, SIDE_PX, thumbnail, thumbnails
from convscope.training.history import EpochRecord
from convscope.training.report import Report
from tests.checks.laws import LAWS
from tests.checks.reports import reported

VOID = {"br", "hr", "img", "link", "meta", "wbr"}
NO_ICON = "data:,"  # so that no browser asks for one
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "كلب صغير",
    "two\nlines\r\t",
    "caf\udce9\x00\x1b[31m",
    "</style></title><b>",
    "x" * 400,
    "$title ${body} &amp; {0} %s",
    "javascript:alert(1)",
]


class Page(HTMLParser):
    """The page as a browser would see it: every element closed, every attribute collected."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, kind: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == kind]

    def values(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.elements if attribute in attributes]

    @property
    def text(self) -> str:
        hidden = {"script", "style"}
        return " ".join("".join(parts) for kind, parts in self.texts.items() if kind not in hidden)


def history(epochs: int, **changes: float | None) -> tuple[EpochRecord, ...]:
    values: dict[str, Any] = {
        "validation_loss": 0.3,
        "validation_accuracy": 0.9,
        "loss": 0.5,
        "accuracy": 0.8,
        **changes,
    }
    return tuple(
        EpochRecord(epoch=e, step=e * 6, seconds=e * 0.7, images_per_second=2000.0, learning_rate=0.003, **values)
        for e in range(1, epochs + 1)
    )


def report_of(size: int = 60, classes: int = 3, wrong: float = 0.3, **changes: Any) -> Report:
    rng = np.random.default_rng(0)
    labels = np.arange(size) % classes
    said = np.where(rng.random(size) < wrong, rng.integers(0, classes, size), labels)
    wide = rng.random((size, classes)) * 0.1 / classes
    wide[np.arange(size), said] += rng.uniform(0.5, 0.9, size)
    given: dict[str, Any] = {
        "name": "my set",
        "split": "validation",
        "labels": labels,
        "probabilities": wide,
        "names": [f"folder/{place:05}.png" for place in range(size)],
        "indices": np.arange(size),
        "classes": [f"class{place}" for place in range(classes)],
        "settings": {"epochs": 3, "augmentation": {"flip": None, "shift": 0.1}, "sizes": [28, 28]},
        "layout": "8C3-MP2",
        "layers": plan(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=classes).layers,
        "model": "runs/my set-1/model.safetensors",
        "seconds": 8.4,
        "versions": {"torch": "2.6"},
    }
    return reported(**{**given, **changes})


def gray(index: int) -> np.ndarray:
    return np.full((8, 8, 1), index % 256, np.uint8)


def noise(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 255, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def page_of(report: Report, epochs: int = 3, image: Any = gray) -> tuple[str, Page]:
    text = render_report(report, history(epochs), image)
    return text, Page(text)


def check_links(page: Page) -> None:
    names = page.values("id")
    assert len(set(names)) == len(names)
    for target in page.values("href"):
        if target == NO_ICON:
            continue
        assert target.startswith("#")
        assert target[1:] in names


def test_the_page_is_well_formed_and_every_link_has_its_target() -> None:
    text, page = page_of(report_of())
    assert text.startswith("<!DOCTYPE html>")
    check_links(page)


def test_every_cell_of_the_matrix_that_is_not_empty_leads_to_its_images() -> None:
    report = report_of()
    _, page = page_of(report)
    links = set(page.values("href"))
    assert {f"#cell-{cell.truth}-{cell.predicted}" for cell in report.cells} <= links


def test_nothing_is_loaded_from_anywhere() -> None:
    text, page = page_of(report_of())
    assert not re.search(r"(?:https?:|ftp:|wss?:)?//[a-z]|@import|url\(", re.sub(r"//? ?@ts-check", "", text))
    assert all(uri.startswith("data:image/png;base64,") for uri in page.values("src"))
    assert [link["href"] for link in page.all("link")] == [NO_ICON]
    assert not set(dict(page.elements)) & {"iframe", "object", "embed", "base", "form"}


def test_the_policy_forbids_connections_and_allows_exactly_the_inline_style_and_script() -> None:
    text, page = page_of(report_of())
    policy = next(str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind in ("style", "script"):
        inside = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_page_needs_no_attribute_that_the_policy_forbids() -> None:
    _, page = page_of(report_of())
    attributes = {name for _, found in page.elements for name in found}
    assert not {name for name in attributes if name == "style" or name.startswith("on")}


def test_hostile_names_are_shown_and_never_interpreted() -> None:
    report = report_of(
        classes=len(HOSTILE),
        size=100,
        name=HOSTILE[0],
        split=HOSTILE[1],
        names=[HOSTILE[place % len(HOSTILE)] for place in range(100)],
        settings={name: name for name in HOSTILE},
        problems=[Problem(name=name, kind="truncated", detail=name, others=tuple(HOSTILE)) for name in HOSTILE],
        notes=HOSTILE,
        layout=HOSTILE[0],
        command=HOSTILE[1],
        model=HOSTILE[5],
        finished=HOSTILE[2],
        versions={HOSTILE[6]: HOSTILE[0]},
    )
    classes = tuple(dataclasses.replace(score, name=name) for score, name in zip(report.classes, HOSTILE, strict=True))
    report = dataclasses.replace(report, classes=classes)
    text, page = page_of(report)
    check_links(page)
    assert len(page.all("script")) == len(page.all("style")) == len(page.all("title")) - len(svg_titles(text)) == 1
    assert "<img src=x" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    text.encode("utf-8")
    for name in HOSTILE:
        assert shortened(printable(name), 60)[:20] in page.text


def scrolling(page: Page) -> list[dict[str, str | None]]:
    """Return what scrolls within the page: each must take the keyboard, and have a name that no other has."""
    regions = [one for one in page.all("div") if "scroll" in (one.get("class") or "").split()]
    names = [one.get("aria-label") for one in regions]
    assert all(one.get("role") == "region" and one.get("tabindex") == "0" for one in regions), regions
    assert all(names)
    assert len(set(names)) == len(names)
    return regions


def test_a_long_name_is_cut_and_its_title_has_all_of_it() -> None:
    name = "a class that is named after " + "a whole sentence, " * 5 + "in all"
    report = report_of(200)
    first, *others = report.classes
    text, page = page_of(dataclasses.replace(report, classes=(dataclasses.replace(first, name=name), *others)))
    assert len(scrolling(page)) >= 6
    matrix, _, rest = text.partition('class="matrix')[2].partition("</table>")
    heading = f'<bdi title="{name}">{shortened(name, 40)}</bdi>'
    assert matrix.count(heading) == 2, "of its row and its column"
    assert f"<h4>{heading}" in rest
    classes = text.partition('class="sortable')[2].partition("</table>")[0]
    assert f'<bdi title="{name}">{shortened(name, 60)}</bdi>' in classes
    assert max(map(len, re.findall(r"<bdi[^>]*>([^<]*)</bdi>", rest.partition("<h3>Incorrect")[2]))) <= 40
    assert name not in page.text
    assert not [title for title in page.values("title") if title.startswith("class")], "a short name needs none"


def svg_titles(text: str) -> list[str]:
    return re.findall(r"<title>(?:training|validation), \d", text)


@settings(LAWS, max_examples=30)
@given(name=st.text(st.characters(codec=None), max_size=40))
def test_any_name_gives_a_page_that_is_well_formed(name: str) -> None:
    report = report_of(size=6, names=[name] * 6, classes=3, name=name, notes=[name], settings={name: name})
    text, page = page_of(report, epochs=1)
    check_links(page)
    text.encode("utf-8")


def test_the_headline_says_how_many_of_which_images_and_the_interval() -> None:
    report = report_of(size=400, wrong=0.1)
    _, page = page_of(report)
    text = re.sub(r"\s+", " ", page.text)
    assert f"{report.accuracy.fraction * 100:.1f} %" in text
    assert f"of 400 validation images: {report.correct} correct, {400 - report.correct} wrong" in text
    low, high = report.accuracy.interval
    assert f"expect {low * 100:.1f} % to {high * 100:.1f} % (95 % confidence" in text


def test_a_perfect_model_is_not_promised_to_stay_perfect() -> None:
    report = report_of(size=100, wrong=0.0)
    _, page = page_of(report)
    assert "All predictions are correct." in page.text
    assert f"expect {report.accuracy.interval[0] * 100:.1f} % or more" in page.text


def test_every_wrong_image_shows_its_name_both_classes_and_both_probabilities() -> None:
    report = report_of(size=4, classes=2, labels=[0, 0, 0, 1], probabilities=[[0.2, 0.8], [1, 0], [1, 0], [0, 1]])
    _, page = page_of(report)
    captions = re.sub(r"\s+", " ", page.text)
    for piece in ("folder/00000.png", "predicted as ", ": 80.0 %", ": 20.0 %"):
        assert piece in captions


def first_section(report: Report, epochs: tuple[EpochRecord, ...] = ()) -> str:
    """Return the text of the section that follows the head."""
    section = render_report(report, epochs, None).partition("<section")[2].partition("</section>")[0]
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", section))


def test_the_first_section_says_what_is_good_what_is_confused_and_what_to_do() -> None:
    labels = [0] * 100 + [1] * 100 + [2] * 100
    said = [0] * 100 + [1] * 60 + [2] * 40 + [2] * 99 + [0]
    probabilities = np.eye(3)[said]
    names = [f"{index}.png" for index in range(300)]
    report = report_of(
        size=300, labels=labels, probabilities=probabilities, indices=range(300), names=names, left_out=7
    )
    text = first_section(report, history(4, accuracy=0.99, validation_accuracy=0.8))
    best, confused, steps = (text.index(head) for head in ("Recognized best", "Confused most", "What to do next"))
    assert best < confused < steps
    assert "class0 : 100 of 100 images (100 %)" in text[best:confused]
    assert "class1" not in text[best:confused], "it is worse than all together"
    assert "class1 predicted as class2 : 40 of 100 images" in text[confused:steps]
    assert "More images of class1 (60.0 %)" in text[steps:]
    assert "class1 that are predicted as class2: 40 of 41 mistakes" in text[steps:]
    assert "stronger augmentation" in text[steps:]
    assert "7 files that could not be used" in text[steps:]


def test_labels_that_look_wrong_are_the_first_thing_to_do_and_lead_to_their_images() -> None:
    wrong = Problem(name="a.png", kind="wrong label", detail="", score=0.9, label="class0", suggested="class1", index=3)
    report = report_of(problems=(wrong,) * 12, left_out=2)
    text, page = page_of(report)
    check_links(page)
    steps = first_section(report).partition("What to do next")[2].strip()
    assert steps.startswith("Look at the 12 labels that look wrong")
    assert page.values("href").count("#labels") == 2  # of the list of parts, and of the step
    assert "#files" in text.partition("What to do next")[2].partition("</section>")[0]
    assert text.index('id="labels"') < text.index('id="images"')
    assert "1 label that looks wrong" in first_section(report_of(problems=(wrong,)))
    assert "#labels" not in page_of(report_of())[0]


def test_training_on_is_advised_only_while_the_validation_loss_falls() -> None:
    falling = [
        dataclasses.replace(record, validation_loss=loss)
        for record, loss in zip(history(3), (0.9, 0.5, 0.3), strict=True)
    ]
    assert "--epochs 6" in first_section(report_of(), tuple(falling))
    assert "Train longer" not in first_section(report_of(), history(3))


def test_what_is_all_right_needs_no_advice() -> None:
    assert "What to do next" not in first_section(report_of(wrong=0.0), history(3))


def test_receptive_fields_are_those_within_the_image() -> None:
    layers = plan(Layout.parse("8C3-MP2-16C3-MP2"), height=8, width=9, channels=1, classes=3).layers
    last = layers[-1]
    assert last.field_rows.size > 8
    assert "9 × 8" in page_of(report_of(layers=layers, sides=(8, 9)))[1].text
    assert f"{last.field_columns.size} × {last.field_rows.size}" in page_of(report_of(layers=layers))[1].text


def test_one_epoch_is_no_curve() -> None:
    _, page = page_of(report_of(), epochs=1)
    assert not page.all("polyline")
    assert "1 epoch in" in page.text


def test_no_epoch_is_a_sentence_instead_of_curves() -> None:
    _, page = page_of(report_of(), epochs=0)
    assert "No epoch was finished" in page.text
    assert not page.all("polyline")


def test_curves_have_axes_with_units_a_legend_and_one_line_a_series() -> None:
    _, page = page_of(report_of(), epochs=12)
    lines = [str(line["class"]) for line in page.all("polyline")]
    assert lines == ["line first", "line second"] * 2
    for piece in ("loss (cross-entropy, nats)", "accuracy (% correct)", "epoch", "training", "validation"):
        assert piece in page.text


def test_a_run_without_validation_has_one_line_a_chart() -> None:
    text = render_report(report_of(), history(5, validation_loss=None, validation_accuracy=None), None)
    assert [str(line["class"]) for line in Page(text).all("polyline")] == ["line first"] * 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_left_out_of_the_curves(value: float) -> None:
    text = render_report(report_of(), history(5, loss=value, validation_loss=value), None)
    assert "no finite value" in text
    assert not re.search(r'points="[^"]*(?:nan|inf)', text)


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e300, -1.0])
def test_any_loss_can_be_drawn(value: float) -> None:
    text = render_report(report_of(), history(2, loss=value), None)
    assert Page(text).all("polyline")
    assert not re.search(r'points="[^"]*(?:nan|inf)', text)


def test_a_very_long_run_is_thinned() -> None:
    text, page = page_of(report_of(), epochs=30_000)
    assert max(str(line["points"]).count(",") for line in page.all("polyline")) <= 1_000
    assert len(text) < 1_000_000


@pytest.mark.slow
def test_many_classes_show_the_most_confused_and_say_so() -> None:
    report = report_of(size=5_000, classes=1_000)
    text, page = page_of(report, image=noise)
    check_links(page)
    assert f"{MOST_CLASSES} classes confused most often, of 1,000" in page.text
    worst = max((cell for cell in report.cells if not cell.correct), key=lambda cell: cell.count)
    assert f'href="#cell-{worst.truth}-{worst.predicted}"' in text
    assert len(text.encode()) <= 5_000_000


def test_rows_of_a_matrix_that_is_cut_add_up_to_the_images_of_the_class() -> None:
    report = report_of(size=3_000, classes=60)
    text, _ = page_of(report)
    rows = re.findall("<tr>(.*?)</tr>", text.split('class="matrix')[1].split("</table>")[0])[1:]
    assert len(rows) == MOST_CLASSES
    for row in rows:
        place = int(re.findall("class(\\d+)", re.sub('class="', "", row))[0])
        bare = re.sub("<span.*?</span></a>", "</a>", row.split("</th>")[1])
        counts = [int(number.replace(",", "")) for number in re.findall(r">([\d,]+)<", bare)]
        assert sum(counts) == report.classes[place].support


@pytest.mark.slow
def test_the_worst_case_stays_within_five_megabytes() -> None:
    size, classes, long = 20_000, 600, "猫" * 3_000
    report = report_of(
        size=size,
        classes=classes,
        wrong=1.0,
        names=[long] * size,
        settings={f"{long}{number}": long for number in range(300)},
        notes=[long] * 500,
        problems=[Problem(name=long, kind="truncated", detail=long, others=(long,) * 50)] * 2_000,
    )
    text, page = page_of(report, epochs=5_000, image=noise)
    check_links(page)
    assert len(text.encode()) <= 5_000_000


def test_thumbnails_are_bounded_and_wrong_ones_come_first() -> None:
    asked: list[int] = []

    def image(index: int) -> np.ndarray:
        asked.append(index)
        return gray(index)

    report = report_of(size=4_000, classes=4, wrong=0.5)
    _, page = page_of(report, image=image)
    wrong = [answer.index for cell in report.cells if not cell.correct for answer in cell.images]
    cells = sum(not cell.correct for cell in report.cells)
    assert len(page.all("img")) == len(asked) <= MOST_THUMBNAILS
    assert set(asked[: cells * MOST_OF_WRONG_CELL]) <= set(wrong)
    assert not set(asked[cells * MOST_OF_WRONG_CELL :]) & set(wrong)


def test_without_images_they_are_named_all_the_same() -> None:
    text, page = page_of(report_of(), image=None)
    assert not page.all("img")
    assert "folder/" in text


def test_problems_are_listed_by_whether_the_file_was_used() -> None:
    problems = [
        Problem(name="cut.jpg", kind="truncated", detail="ends after 61 %"),
        Problem(name="a.png", kind="duplicate", detail="same pixels", others=("b.png",)),
    ]
    text, page = page_of(report_of(problems=problems, left_out=1))
    assert "1 file left out of training" in page.text
    assert text.index("cut.jpg") < text.index("Noticed besides") < text.index("a.png") < text.index("b.png")


def test_the_command_to_predict_quotes_the_path_for_a_shell() -> None:
    _, page = page_of(report_of())
    assert "convscope predict 'runs/my set-1/model.safetensors' my-images/ --csv answers.csv" in page.text


def test_settings_within_settings_have_a_dot_in_their_name_and_those_without_a_value_no_row() -> None:
    _, page = page_of(report_of())
    for piece in ("augmentation.shift", "28, 28"):
        assert piece in page.text
    assert "augmentation.flip" not in page.text


def test_the_same_run_gives_the_same_page() -> None:
    assert page_of(report_of())[0] == page_of(report_of())[0]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4), (300, 100, 3), (1, 500)])
def test_a_thumbnail_is_a_png_no_larger_than_its_side(shape: tuple[int, ...]) -> None:
    small = thumbnail(np.zeros(shape, np.uint8))
    image = Image.open(io.BytesIO(base64.b64decode(small.uri.split(",")[1])))
    assert image.format == "PNG"
    assert image.size == (small.width, small.height)
    assert max(image.size) <= SIDE_PX
    assert min(image.size) >= 1


def test_a_small_image_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 6, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail(pixels).uri.split(",")[1])))
    assert (np.asarray(image) == pixels).all()


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_what_is_no_image_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(DataError, match="`thumbnails` must give images of uint8"):
        thumbnail(pixels)


def test_thumbnails_stop_at_the_budget_of_bytes() -> None:
    made = thumbnails(range(10_000), noise)
    assert 100 < len(made) < 10_000
    assert sum(len(small.uri) for small in made.values()) <= BUDGET_BYTES


def test_whatever_goes_into_an_element_is_escaped() -> None:
    assert tag("p", "<b>", title='"') == '<p title="&quot;">&lt;b&gt;</p>'
    assert tag("p", "a\n\u202e\udcff", id="\x00") == '<p id="\\x00">a\\n\\u202e\\xff</p>'
    assert tag("p", named("<b>")) == "<p><bdi>&lt;b&gt;</bdi></p>"
