"""Pages beside each other link to those that exist, and to nothing else."""

import re
from pathlib import Path

from convscope.core.document import document, link_pages
from convscope.core.markup import Html, tag


def made(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    body = tag("main", '<nav class="pages">not this one</nav>')
    path.write_text(document(title=Html("a"), style="", script="", body=body), encoding="utf-8")
    return path


def links(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8")
    return {title: target for target, title in re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)}


def test_each_page_links_to_the_others_that_exist(tmp_path: Path) -> None:
    look, report = made(tmp_path / "my run" / "look.html"), made(tmp_path / "my run" / "report.html")
    compare = made(tmp_path / "compare-a" / "compare.html")
    link_pages({"Look inside": look, "Report": report, "Comparison": compare})
    assert links(look) == {"Report": "report.html", "Comparison": "../compare-a/compare.html"}
    assert links(compare) == {"Look inside": "../my%20run/look.html", "Report": "../my%20run/report.html"}
    for page in (look, report, compare):
        for target in links(page).values():
            assert (page.parent / target.replace("%20", " ")).is_file()


def test_a_page_that_is_gone_is_no_longer_linked(tmp_path: Path) -> None:
    pages = {name: made(tmp_path / f"{name}.html") for name in ("look", "report", "compare")}
    link_pages(pages)
    pages["compare"].unlink()
    link_pages(pages)
    assert links(pages["look"]) == {"report": "report.html"}
    pages["report"].unlink()
    link_pages(pages)
    assert links(pages["look"]) == {}
    assert 'hidden=""' in pages["look"].read_text(encoding="utf-8")


def test_text_of_a_page_that_looks_like_links_stays_text(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one.html"), made(tmp_path / "other.html")
    link_pages({"one": one, "other": other})
    assert "not this one" in one.read_text(encoding="utf-8")
