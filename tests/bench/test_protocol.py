from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from eclipsed.bench.protocol import (
    ENDS,
    LADDER,
    SLIDER,
    BenchConfig,
    config_for,
    read_prompts,
)
from eclipsed.errors import BadFile, BadSetting


def test_the_strengths_fit_together() -> None:
    assert list(LADDER) == sorted(LADDER)
    assert LADDER[-1] == 10.0
    assert set(SLIDER) | set(ENDS) <= set(LADDER)
    steps = {round(b - a, 9) for a, b in itertools.pairwise(SLIDER)}
    assert len(steps) == 1


def test_a_full_bench_judges_every_seed_at_every_strength() -> None:
    small, full = (config_for(("a",), ("b",), full=full) for full in (False, True))
    assert small.ladder_seeds < small.seeds < full.seeds == full.ladder_seeds
    assert full.seeds >= 50
    assert small.minutes is not None
    assert full.minutes is None
    few = config_for(("a",), ("b",), seeds=2)
    assert (few.seeds, few.ladder_seeds, few.images) == (2, 2, 2)
    assert len(few.held_out) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": ()},
        {"methods": ()},
        {"prompts": ("a", "a")},
        {"seeds": 0},
        {"ladder_seeds": 9},
        {"images": 9},
        {"minutes": -1.0},
        {"prompts": tuple(map(str, range(201)))},
    ],
)
def test_nonsense_is_refused(changes: dict[str, object]) -> None:
    fields = {"prompts": ("a",), "methods": ("b",), "seeds": 8, "ladder_seeds": 8, "images": 2}
    with pytest.raises(BadSetting):
        BenchConfig(**(fields | changes))  # type: ignore[arg-type]


def test_the_default_prompts_say_why() -> None:
    prompts = read_prompts()
    assert 10 <= len(prompts) <= 14
    assert all(prompts.values())
    assert {"an alien", "without glasses", "red hair and sunglasses"} <= set(prompts)


def test_prompts_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_text("# a list\n\n  curly   hair # why not\nred hair\n")
    assert read_prompts(path) == {"curly hair": "why not", "red hair": ""}
    path.write_text("# nothing\n")
    with pytest.raises(BadFile, match="no prompt"):
        read_prompts(path)
    path.write_bytes(b"\x80\x81\x00")
    with pytest.raises(BadFile, match="not a text in UTF-8"):
        read_prompts(path)
