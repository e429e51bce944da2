from __future__ import annotations

from dataclasses import replace

import pytest

from eclipsed.app import phrasing
from eclipsed.app.phrasing import MOST, look, phrasings_written
from eclipsed.errors import BadSetting
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.types import World
from tests.app.hostile import HOSTILE


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = preflight.check
    few = preflight.SEEDS[:32]
    monkeypatch.setattr(preflight, "check", lambda world, goal: whole(world, goal, few))


def test_phrasings_are_lines() -> None:
    assert phrasings_written(" a \n\nb\na\n") == ("a", "b")
    for text in ("", " \n ", "\n".join(map(str, range(MOST + 1))), "x" * 501, "a\x00b"):
        with pytest.raises(BadSetting):
            phrasings_written(text)


def test_each_phrasing_gets_its_own_preflight(world: World) -> None:
    found = [look(world, words) for words in ("bright hair", "a lobster")]
    expected = preflight.check(world, goal_from_prompt("bright hair", world))
    assert found[0].found == expected
    assert [one.seed for one in found[0].best] == list(expected.best(4))
    table = phrasing.table(found)
    first, second = table.rows
    assert (first[0].text, second[0].text) == ("bright hair", "a lobster")
    assert first[4].text == "hair"
    assert len(first[6].pictures) == 4
    clearer = max(found, key=lambda one: (one.found.probability, one.found.rank))
    assert [row[0].text for row in table.rows if row[0].strong] == [clearer.words]


def test_a_single_phrasing_is_not_the_best_of_any(world: World) -> None:
    ((head, *_),) = phrasing.table([look(world, "bright hair")]).rows
    assert not head.strong


def test_hostile_phrasings_stay_as_they_are(world: World) -> None:
    found = look(world, "bright hair")
    table = phrasing.table([replace(found, words=words) for words in HOSTILE])
    assert [row[0].text for row in table.rows] == list(HOSTILE)
