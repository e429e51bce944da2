from __future__ import annotations

import torch

from eclipsed.evaluation import claims
from eclipsed.prompts.decompose import decomposed
from eclipsed.testing import VOCABULARY, FakeJudge
from eclipsed.types import Claim, Goal, Verdict

JUDGE = FakeJudge()
HAIR, HAT = Claim("hair", ("bright",)), Claim("hat", ("hat",))
BOTH = (HAIR, HAT)


def verdict(hair: list[float], hat: list[float]) -> Verdict:
    yes = {"hair": torch.tensor(hair), "hat": torch.tensor(hat)}
    return Verdict(
        {name: torch.stack([1.0 - p, p], dim=1) for name, p in yes.items()},
        {"hair": torch.tensor(hat) < 0.5, "hat": torch.ones(len(hat)).bool()},
    )


def found(prompt: str, *regions: str) -> claims.Claims:
    return claims.claims_of(JUDGE, decomposed(Goal(prompt, "a person", regions), VOCABULARY))


def test_every_change_is_claimed() -> None:
    assert found("bright hair", "hair") == (HAIR,)
    assert found("bright hair and a hat", "hair", "hat") == BOTH


def test_what_is_only_half_understood_is_not_claimed() -> None:
    assert found("a truck") == ()
    assert found("bright hair and big eyes", "hair", "eyes") == ()


def test_all_must_show_and_the_least_probable_counts() -> None:
    seen = verdict(hair=[0.9, 0.9, 0.2], hat=[0.7, 0.1, 0.8])
    assert claims.shown(JUDGE, BOTH, seen).tolist() == [True, False, False]
    torch.testing.assert_close(claims.probability(JUDGE, BOTH, seen), torch.tensor([0.7, 0.1, 0.2]))
    assert claims.shown(JUDGE, (HAIR,), seen).tolist() == [True, True, False]


def test_what_cannot_be_seen_is_not_asked() -> None:
    seen = verdict(hair=[0.9, 0.9], hat=[0.1, 0.9])
    assert claims.in_sight(BOTH, seen).tolist() == [True, False]
    assert claims.others(BOTH, seen, seen) == {}
    (group,) = claims.others((HAT,), seen, verdict(hair=[0.9, 0.9], hat=[0.1, 0.1])).items()
    assert (group[0], group[1].tolist()) == ("hair", [True, False])


# --- what a judge measures ----------------------------------------------------------------------

OLD = Claim("age", ("old",), (0.6, 1.0))
YOUNG = Claim("age", ("child",), (0.0, 0.2))
BROWN = Claim("eyes", ("light",), (0.1, 0.4))


def measured(**levels: list[float]) -> Verdict:
    found = {name: torch.tensor(row) for name, row in levels.items()}
    return Verdict(
        {name: torch.stack([1.0 - row, row], dim=1) for name, row in found.items()},
        {name: torch.ones(len(row)).bool() for name, row in found.items()},
        found,
    )


SCALE = FakeJudge(
    groups={"age": ("child", "old"), "eyes": ("dark", "light"), "dye": ("none", "dyed")}
)


def test_a_level_inside_the_span_shows_the_claim() -> None:
    seen = measured(age=[0.1, 0.55, 0.6, 1.0], eyes=[0.05, 0.2, 0.4, 0.9])
    assert claims.shown(SCALE, (OLD,), seen).tolist() == [False, False, True, True]
    assert claims.shown(SCALE, (BROWN,), seen).tolist() == [False, True, True, False]
    assert claims.shown(SCALE, (OLD, BROWN), seen).tolist() == [False, False, True, False]
    dyed = Claim("eyes", ("light",), (0.1, 0.4), besides=(Claim("dye", ("none",), (0.0, 0.2)),))
    seen = measured(eyes=[0.2, 0.2], dye=[0.1, 0.9])
    assert claims.shown(SCALE, (dyed,), seen).tolist() == [True, False]


def test_a_move_of_a_quarter_fulfils_or_undoes_a_claim_wherever_it_ends() -> None:
    before = measured(age=[0.1, 0.1, 0.59, 0.98, 0.98])
    after = measured(age=[0.36, 0.3, 0.61, 0.7, 0.9])
    assert claims.fulfilled(SCALE, (OLD,), before, after).tolist() == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert claims.fulfilled(SCALE, (OLD,), before, before).tolist() == [False] * 3 + [True] * 2
    assert claims.fulfilled(SCALE, (YOUNG,), before, after).tolist() == [False] * 3 + [True, False]


def test_moves_lead_to_the_claim_and_past_it_count_back() -> None:
    before, after = (
        measured(age=[0.2, 0.2], eyes=[0.0, 0.0]),
        measured(age=[0.9, 0.1], eyes=[0.25, 1.0]),
    )
    move = claims.move((OLD,), before, after)
    assert move is not None
    torch.testing.assert_close(move, torch.tensor([0.7, -0.1]))
    brown = claims.move((BROWN,), before, after)
    assert brown is not None
    torch.testing.assert_close(brown, torch.tensor([0.25, -0.5]))
    both = claims.move((OLD, BROWN), before, after)
    assert both is not None
    torch.testing.assert_close(both, torch.tensor([0.25, -0.5]))
    torch.testing.assert_close(claims.probability(SCALE, (OLD,), after), torch.tensor([0.9, 0.1]))
    torch.testing.assert_close(claims.probability(SCALE, (YOUNG,), after), torch.tensor([0.1, 0.9]))


def test_what_is_not_measured_has_no_move() -> None:
    seen = verdict(hair=[0.9], hat=[0.1])
    assert claims.move((HAIR,), seen, seen) is None
    assert not claims.is_measured((), measured(age=[0.1]))
    assert not claims.is_measured((HAIR, OLD), measured(age=[0.1]))


def test_what_is_measured_stays_where_it_moves_little() -> None:
    """0.49 and 0.51 are as good as the same, 0.5 and 0.8 are not."""
    before, after = (
        measured(age=[0.49, 0.5], eyes=[0.2, 0.2]),
        measured(age=[0.51, 0.8], eyes=[0, 1]),
    )
    assert claims.same(before, after)["age"].tolist() == [True, False]
    assert claims.changed((BROWN,), before, after) == {"age": [False, True]}
    with_besides = (Claim("eyes", ("light",), (0.1, 0.4), besides=(OLD,)),)
    assert claims.others(with_besides, before, after) == {}
