from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from eclipsed.bench import cost
from eclipsed.methods import registry
from eclipsed.methods.paper import PaperConfig
from eclipsed.methods.registry import method_named
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal

# Three seeds and one training of the quickest method say all there is about the command line.
WORDS = ("bench", "--methods", "paper", "--prompts", "bright hair", "--seeds", "3")


@dataclass(frozen=True, kw_only=True)
class TwoSteps(PaperConfig):
    steps: int = 2


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    from eclipsed.search import preflight

    quick = replace(method_named("paper"), config=TwoSteps)
    monkeypatch.setitem(registry._REGISTERED, "paper", quick)
    monkeypatch.setattr(preflight.check, "__defaults__", (tuple(range(32)),))
    monkeypatch.setattr(cost, "cold", lambda *_: cost.Cost(1.0, 1.0, 10.0))


def test_bench_writes_rows_cards_and_a_report(eclipsed: Run) -> None:
    ran = eclipsed(*WORDS)
    assert ran.code == 0, ran.err
    assert "read bench/report.html" in ran.out
    assert "paper" in ran.out
    assert "paper: 'bright hair'" in ran.err
    for name in ("rows.jsonl", "report.md", "report.html", "cards", "pictures"):
        assert (Path("bench") / name).exists()


def test_bench_as_json_is_one_object_and_goes_on(eclipsed: Run) -> None:
    result: dict[str, Any] = eclipsed(*WORDS, "-o", "x", "--json").json
    assert result["prompts"] == ["bright hair"]
    assert set(result["methods"]) == {"paper"}
    assert result["methods"]["paper"]["cold_seconds"] == 1.0
    rows = Path("x/rows.jsonl").read_bytes()
    again = eclipsed(*WORDS, "-o", "x", "--json")
    assert again.code == 0
    assert Path("x/rows.jsonl").read_bytes() == rows
    assert again.json["methods"] == result["methods"]


def test_prompts_may_come_from_a_file(eclipsed: Run) -> None:
    Path("list.txt").write_text("dark eyes # a remark\n")
    result = eclipsed(
        "bench", "--methods", "paper", "--prompts", "list.txt", "--seeds", "2", "--json"
    ).json
    assert result["prompts"] == ["dark eyes"]


def test_ctrl_c_says_what_is_kept(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eclipsed.bench.bench.run_bench", stop)
    ran = eclipsed(*WORDS, "--json")
    assert ran.code == 130
    assert "kept in bench" in ran.json["error"]
    assert "goes on" in ran.json["hint"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--methods", "magic"], 1),
        (["--methods", ","], 2),
        (["--prompts", "a; ;b"], 2),
        (["--seeds", "0"], 2),
        (["--seeds", "many"], 2),
        (["--prompts", "bright hair", "-w", "mars"], 1),
    ],
)
def test_refusals_are_one_sentence(eclipsed: Run, words: list[str], code: int) -> None:
    check_refusal(eclipsed, ["bench", *words], code)
