from __future__ import annotations

import pytest

from eclipsed.worlds.phrases import split


@pytest.mark.parametrize(("count", "held"), [(3, 2), (8, 2), (20, 5)])
def test_a_quarter_is_held_out_but_never_the_first(count: int, held: int) -> None:
    items = [f"phrase {i}" for i in range(count)]
    trained, held_out = split(items, "a seed")
    assert len(held_out) == held
    assert trained[0] == items[0]
    assert sorted((*trained, *held_out)) == sorted(items)
    assert split(items, "a seed") == (trained, held_out)


def test_the_seed_decides() -> None:
    items = [f"phrase {i}" for i in range(40)]
    assert split(items, "one") != split(items, "another")
