from __future__ import annotations

import pytest

from eclipsed.errors import BadFile
from eclipsed.types import Claim
from eclipsed.worlds import load_world
from eclipsed.worlds.heads import claims
from eclipsed.worlds.heads.attributes import NAMES
from eclipsed.worlds.heads.claims import Goal
from eclipsed.worlds.heads.models import (
    JUDGE_UNET,
    JUDGED,
    ORACLE_TOWER,
    WORLD_UNET,
    HeadsJudge,
    claim_of,
)
from eclipsed.worlds.heads.world import WEIGHTS


def test_the_oracle_reads_everything_and_is_asked_what_captions_name() -> None:
    assert ORACLE_TOWER.outputs == len(NAMES)
    assert not ORACLE_TOWER.residual
    assert JUDGE_UNET != WORLD_UNET
    assert "hair_curl" in JUDGED
    assert not {"yaw", "light_x", "background_warm", "base_shape_a"} & set(JUDGED)


def test_a_claim_names_the_ends_that_it_reaches() -> None:
    assert claim_of("hat", 0.3, 1.0) == Claim("hat", ("hat pulled low",), (0.3, 1.0))
    assert claim_of("hat", 0.0, 0.1) == Claim("hat", ("no hat",), (0.0, 0.1))
    assert claim_of("eye_color", 0.2, 0.4) == Claim("eye_color", (), (0.2, 0.4))


def test_goals_of_a_prompt_become_one_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {
        "blond hair": (Goal("hair_dark", 0, 0.25), Goal("dye", 0, 0.2), Goal("light_x", 0.5, 1)),
        "turned to the left": (Goal("yaw", 0, 0.3),),
    }
    monkeypatch.setattr(claims, "goals", asked.get)
    judge = object.__new__(HeadsJudge)
    blond = judge.claim("blond hair")
    assert blond == Claim(
        "hair_dark",
        ("light blond hair",),
        (0, 0.25),
        besides=(Claim("dye", ("natural hair colour",), (0, 0.2)),),
    )
    assert judge.claim("turned to the left") is None
    assert judge.claim("a lobster") is None


@pytest.mark.skipif(WEIGHTS.is_dir(), reason="heads come with the package")
def test_heads_without_weights_say_so() -> None:
    with pytest.raises(BadFile, match="do not come with") as caught:
        load_world("heads")
    assert "starter" in caught.value.hint
