from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from eclipsed.bench import charts
from eclipsed.bench.bench import run_bench
from eclipsed.bench.charts import Series
from eclipsed.bench.pages import Cell, Heading, Table, Text, write_pages
from eclipsed.bench.protocol import BenchConfig
from eclipsed.bench.report import write_report
from eclipsed.bench.strips import ranked
from eclipsed.bench.summary import MATCHED, against, results_of
from eclipsed.search import preflight
from eclipsed.types import World

CONFIG = BenchConfig(
    prompts=("bright hair", "forbidden mouth"), contenders=("clean", "weak", "single"), seeds=4,
    ladder_seeds=3, images=2,
)  # fmt: skip

SVG = "{http://www.w3.org/2000/svg}"


class Balanced(HTMLParser):
    """Fails where an element is closed that was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_tells_it_all_twice(world: World, tmp_path: Path) -> None:
    done = run_bench(world, CONFIG, tmp_path)
    page = write_report(
        world, results_of(done.records, CONFIG.prompts, CONFIG.contenders), tmp_path
    )
    text = (tmp_path / "report.md").read_text()
    html = page.read_text()
    for name in (*CONFIG.contenders, *CONFIG.prompts, "Ask for another"):
        assert name in text
        assert name in html
    targets = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert len(targets) == len(set(targets)) > 5
    for target in targets:
        path = tmp_path / target
        if path.suffix == ".svg":
            ElementTree.fromstring(path.read_text())
        else:
            with Image.open(path) as image:
                assert image.height > 3 * 96
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert parser.seen.count("table") == 7 + 1 + 2 * 2 + 2
    assert "http" not in re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", html)
    headings = re.search(r"^\| contender \| prompts got there .*$", text, re.MULTILINE)
    assert headings is not None
    assert "artifact" in headings[0]


def test_a_prompt_that_nobody_searches_for_is_still_listed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preflight.check
    monkeypatch.setattr(
        "eclipsed.bench.bench.preflight.check",
        lambda world, goal: replace(
            real(world, goal), verdict="unlikely" if "mouth" in goal.prompt else "likely"
        ),
    )
    config = replace(CONFIG, prompts=("bright mouth", "bright hair"), unlikely=False)
    notes: list[str] = []
    done = run_bench(world, config, tmp_path, note=notes.append)
    assert any("'bright mouth' unlikely" in note for note in notes)
    assert {row["prompt"] for row in done.records.of("direction")} == {"bright hair"}
    results = results_of(done.records, config.prompts, config.contenders)
    assert results.prompts == config.prompts
    assert results.possible == results.searched == ("bright hair",)
    write_report(world, results, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| bright mouth | unlikely" in text
    assert "### bright mouth" not in text
    again = replace(config, unlikely=True)
    done = run_bench(world, again, tmp_path)
    assert results_of(done.records, config.prompts, config.contenders).searched == config.prompts


def test_contenders_are_held_against_the_first_pair_by_pair() -> None:
    locality, artifact = (
        next(m for m in MATCHED if m.key == key) for key in ("locality", "artifact")
    )

    def row(prompt: str, seed: int, **scores: object) -> dict[str, object]:
        return {"prompt": prompt, "seed": seed, "scores": scores}

    base = [row("a", 1, locality=0.5), row("a", 2, locality=0.9), row("b", 1, locality=0.1)]
    own = [row("a", 2, locality=1.0), row("a", 1, locality=0.6), row("c", 1, locality=0.0)]
    found = against(own, base, locality)
    assert found is not None
    assert found["median"] == pytest.approx(0.1)
    assert found["low"] == pytest.approx(found["high"])
    assert against(own, base, artifact) is None
    assert against([], base, locality) is None


def test_the_best_of_a_column_is_bold(tmp_path: Path) -> None:
    rows = ((Cell("a<b"), Cell("0.5", "[0.1, 0.9]", best=True)), (Cell("c|d"), Cell("0.4")))
    write_pages([Heading("T", 1), Text("x & y"), Table(("who", "n"), rows)], tmp_path, "r")
    text, html = (tmp_path / "r.md").read_text(), (tmp_path / "r.html").read_text()
    assert "| a\\<b | **0.5** [0.1, 0.9] |" in text
    assert "| c\\|d | 0.4 |" in text
    assert "a&lt;b" in html
    assert "<b>0.5</b>" in html
    assert "x &amp; y" in html


def test_seeds_are_ranked_by_what_counts() -> None:
    def row(**scores: object) -> dict[str, object]:
        return {"scores": scores}

    best = row(success=True, artifact=0.1, locality=0.2)
    blotched = row(success=True, artifact=0.2, locality=0.9)
    missed = row(success=False, artifact=0.0, locality=1.0)
    had = row(success=None, artifact=0.0, locality=1.0)
    assert ranked([had, missed, blotched, best]) == [best, blotched, missed]
    assert ranked([had]) == [had]


@pytest.mark.parametrize("points", [(), ((1.0, 2.0),), ((0.0, 0.5), (1.0, 0.5))])
def test_charts_hold_for_any_number_of_points(points: tuple[tuple[float, float], ...]) -> None:
    series = [Series("a & b", points, style) for style in (0, 8, 15)] if points else []
    for svg in (
        charts.dots(series, "t < u", "x", log_x=True),
        charts.lines(series, "t", "x", level=0.5),
        charts.legend(["a & b", "c"]),
    ):
        root = ElementTree.fromstring(svg)
        numbers = [float(v) for e in root.iter() for k, v in e.items() if k in ("cx", "x", "y")]
        assert all(-50.0 < number < 1000.0 for number in numbers)


def test_the_larger_a_share_the_darker_its_cell() -> None:
    shown = {"a & b, 1": {"x": 0.0, "y": 1.0}, "a & b, 2": {"y": 0.5}, "c, 1": {}}
    root = ElementTree.fromstring(charts.shades(shown, "t"))
    cells = {
        (cell.get("x"), cell.get("y")): float(cell.get("fill-opacity", ""))
        for cell in root.findall(f"{SVG}rect")
    }
    assert len(cells) == 3
    first, second, below = cells.values()
    assert first < below < second <= 1.0
    assert len({y for _, y in cells}) == 2  # a row each
    assert len({x for x, _ in cells}) == 2  # a column each, also where a row lacks one
    assert len(root.findall(f"{SVG}line")) == 1  # between a & b and c


@pytest.mark.parametrize("values", [(), (0.2,), (-0.4, 0.0, 0.4)])
def test_rows_hold_for_any_number_of_values(values: tuple[float, ...]) -> None:
    shown = [charts.Row("a & b", values, 0.1, -0.1, 0.3), charts.Row("c < d", values, 0, 0, 0)]
    circles = ElementTree.fromstring(charts.rows(shown, "t", "x")).findall(f"{SVG}circle")
    assert len(circles) == 2 * (len(values) + 1)
    assert all(0.0 < float(mark.get("cx", "")) < 640.0 for mark in circles)
    assert ElementTree.fromstring(charts.rows([], "t", "x")).findall(f"{SVG}circle") == []


def test_a_row_shows_its_middle_between_the_ends_of_its_interval_on_the_side_of_its_sign() -> None:
    root = ElementTree.fromstring(charts.rows([charts.Row("a", (), -1.0, -2.0, -0.5)], "t", "x"))
    zero, interval = root.findall(f"{SVG}line")
    (middle,) = root.findall(f"{SVG}circle")
    low, high = (float(interval.get(end, "")) for end in ("x1", "x2"))
    assert low < float(middle.get("cx", "")) < high < float(zero.get("x1", ""))


def test_a_higher_value_is_drawn_higher() -> None:
    svg = charts.dots([Series("a", ((1.0, 1.0), (10.0, 2.0)), 0)], "t", "x", log_x=True)
    marks = ElementTree.fromstring(svg).findall(f"{SVG}circle")
    (x1, y1), (x2, y2) = ((float(m.get("cx", "")), float(m.get("cy", ""))) for m in marks)
    assert x1 < x2
    assert y1 > y2


def test_axes_have_round_numbers() -> None:
    def labels(low: float, high: float, *, log: bool = False) -> list[str]:
        return [label for _, label in charts._ticks((low, high), log=log)]

    assert labels(-0.6, 10.6) == ["0", "5", "10"]
    assert labels(0.07, 1.05) == ["0.2", "0.4", "0.6", "0.8", "1"]
    assert labels(-0.022, 0.288) == ["0", "0.1", "0.2"]
    assert labels(0.0, 2.0, log=True) == ["1", "2", "5", "10", "20", "50", "100"]
