from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.search.settings import check_settings, setting


@dataclass(frozen=True)
class Config:
    """Every kind of field that is checked."""

    steps: int = setting(3, 1, 9)
    beta: float | None = setting(None, 0.0)
    lengths: tuple[float, ...] = setting((0.5,), 0.0, 1.0)
    strengths: tuple[float, float] = setting((0.0, 1.0), 0.0)
    space: str | None = None
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 9},
        {"beta": 0.0},
        {"lengths": (0.0, 1.0)},
        {"strengths": (0.5, 0.6)},
        {"space": "w+"},
        {"layers": (3, 0)},
    ],
)
def test_values_in_range_are_taken(changes: dict[str, Any]) -> None:
    assert vars(Config(**changes)) == vars(Config()) | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"steps": 10},
        {"beta": float("nan")},
        {"lengths": (0.5, 1.5)},
        {"strengths": (0.5, 0.5)},
        {"strengths": (-0.5, 0.5)},
        {"layers": ()},
        {"layers": (1, 1)},
        {"layers": (-1,)},
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=f"'{next(iter(changes))}' must be"):
        Config(**changes)
    with pytest.raises(UnknownName, match="no space 'x'"):
        Config(space="x")
