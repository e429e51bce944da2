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
