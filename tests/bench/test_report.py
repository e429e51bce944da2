from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from eclipsed.bench import report
from eclipsed.bench.bench import run_bench
from eclipsed.bench.protocol import BenchConfig
from eclipsed.bench.report import ranked, write_report
from eclipsed.bench.summary import against, results_of
from eclipsed.search import preflight
from eclipsed.types import World

CONFIG = BenchConfig(
    prompts=("bright hair", "forbidden mouth"), methods=("clean", "weak", "single"), seeds=4,
    ladder_seeds=3, images=2,
)  # fmt: skip

PICTURES = ("prompt-1.svg", "prompt-1.webp", "quality.svg")


class Balanced(HTMLParser):
    """Fails where an element is closed that was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_tells_it_all_twice(world: World, tmp_path: Path) -> None:
    done = run_bench(world, CONFIG, tmp_path)
    page = write_report(world, results_of(done.records, CONFIG.prompts, CONFIG.methods), tmp_path)
    text = (tmp_path / "report.md").read_text()
    html = page.read_text()
    for name in (*CONFIG.methods, *CONFIG.prompts, "Ask for another"):
        assert name in text
        assert name in html
    targets = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert sorted(targets) == [f"pictures/{name}" for name in PICTURES]
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
    assert parser.seen.count("table") == 7 + 1 + 2 * 2 + 3
    assert html.count('src="data:image') == len(PICTURES)
    assert "http" not in re.sub(r'src="data:[^"]*"', "", html)
    headings = re.search(r"^\| method \| prompts reached .*$", text, re.MULTILINE)
    assert headings is not None
    assert "artifact" in headings[0]


def test_without_matplotlib_a_report_has_all_but_its_charts(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    done = run_bench(world, CONFIG, tmp_path)
    notes: list[str] = []
    results = results_of(done.records, CONFIG.prompts, CONFIG.methods)
    write_report(world, results, tmp_path, note=notes.append)
    assert len(notes) == 1
    assert "-m pip install 'matplotlib>=" in notes[0]
    text = (tmp_path / "report.md").read_text()
    assert "Charts need matplotlib" in text
    assert "| clean |" in text
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".webp"}


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
    results = results_of(done.records, config.prompts, config.methods)
    assert results.prompts == config.prompts
    assert results.possible == results.searched == ("bright hair",)
    write_report(world, results, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| bright mouth | unlikely" in text
    assert "### bright mouth" not in text
    again = replace(config, unlikely=True)
    done = run_bench(world, again, tmp_path)
    assert results_of(done.records, config.prompts, config.methods).searched == config.prompts


def test_methods_are_held_against_the_first_pair_by_pair() -> None:
    def row(prompt: str, seed: int, **scores: object) -> dict[str, object]:
        return {"prompt": prompt, "seed": seed, "scores": scores}

    base = [row("a", 1, locality=0.5), row("a", 2, locality=0.9), row("b", 1, locality=0.1)]
    own = [row("a", 2, locality=1.0), row("a", 1, locality=0.6), row("c", 1, locality=0.0)]
    difference = against(own, base, "locality")
    assert difference is not None
    assert difference["median"] == pytest.approx(0.1)
    assert difference["low"] == pytest.approx(difference["high"])
    assert against(own, base, "artifact") is None
    assert against([], base, "locality") is None


def test_the_best_of_a_column_is_bold_and_the_worst_tenth_stands_beside_it() -> None:
    low = {"median": 0.25, "low": 0.125, "high": 0.5, "worst": 0.75}
    high = {"median": 0.5, "low": 0.25, "high": 1.0, "worst": None}
    assert report._column("leakage", [low, high, None]) == [
        "**0.250** *[0.125, 0.500] ≤ 0.750*",
        "0.500 *[0.250, 1.000]*",
        "–",
    ]
    assert report._column("locality", [low, high])[1] == "**0.50** *[0.25, 1.00]*"
    assert report._column("locality", [low])[0].endswith("≥ 0.75*")
    assert "**" not in "".join(report._column("projection", [low, high]))  # no way is better


def test_seeds_are_ranked_by_what_counts() -> None:
    def row(**scores: object) -> dict[str, object]:
        return {"scores": scores}

    best = row(success=True, artifact=0.1, locality=0.2)
    blotched = row(success=True, artifact=0.2, locality=0.9)
    missed = row(success=False, artifact=0.0, locality=1.0)
    had = row(success=None, artifact=0.0, locality=1.0)
    assert ranked([had, missed, blotched, best]) == [best, blotched, missed]
    assert ranked([had]) == [had]
