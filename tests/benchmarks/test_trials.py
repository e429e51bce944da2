from __future__ import annotations

import pytest

from benchmarks.trials import PROMPTS, asked, changes, main
from eclipsed.testing import fake_world

QUICK = "steps=1,pool=40,originals=16,half=False"


def test_arguments_are_fields() -> None:
    assert changes("steps=24,rate=0.005,layers=None") == {
        "steps": 24,
        "rate": 0.005,
        "layers": None,
    }
    assert changes("") == {}


def test_a_table_has_a_row_for_each_trial(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.trials.changes", lambda text: changes(text or QUICK))
    main([f"{QUICK},rate=0.1"], fake_world(), ("bright hair",), range(6))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| nothing", f"| {QUICK},rate=0.1"]
    assert len({line.count("|") for line in lines}) == 1


def test_prompts_can_be_named() -> None:
    assert asked([]) == (PROMPTS, [])
    assert asked(["steps=3"]) == (PROMPTS, ["steps=3"])
    found = asked(["--prompts", "red hair; a hat", "steps=3", "rate=0.1"])
    assert found == (("red hair", "a hat"), ["steps=3", "rate=0.1"])
