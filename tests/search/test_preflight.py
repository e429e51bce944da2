from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed import load_world
from eclipsed.cache import forget
from eclipsed.encoders.clip import load_encoder
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.testing import FakeEncoder, FakeSegmenter, fake_world
from eclipsed.types import Goal, Synthesis
from kits.captions import UNRELATED
from kits.houses import phrases
from kits.starter.captions import foreign_sentences
from tests.segmenters.tiny import save_clip

HOUSES = Path(phrases.__file__).parent

WORLD = fake_world()
SEEDS = range(48)


def goal(prompt: str, *regions: str) -> Goal:
    return Goal(prompt, WORLD.neutral, regions)


@pytest.mark.parametrize(
    ("chance", "present", "verdict"),
    [
        (preflight.LIKELY, 1.0, "likely"),
        (preflight.LIKELY, preflight.RARELY_IN_SIGHT / 2, "unsure"),
        (preflight.UNLIKELY, 1.0, "unsure"),
        (preflight.UNLIKELY, preflight.RARELY_IN_SIGHT / 2, "unlikely"),
        (preflight.UNLIKELY - 0.01, 1.0, "unlikely"),
        (preflight.LIKELY, 0.0, "unlikely"),
    ],
)
def test_the_verdict_follows_trial_and_sight(
    monkeypatch: pytest.MonkeyPatch, chance: float, present: float, verdict: str
) -> None:
    def masks(_: object, made: Synthesis, __: object) -> Tensor:
        seen = torch.arange(len(made.image)) < round(present * len(made.image))
        return seen.float()[:, None, None].expand(-1, 32, 32)

    monkeypatch.setattr(preflight, "probability_of", lambda *_: chance)
    monkeypatch.setattr(FakeSegmenter, "masks", masks)
    monkeypatch.setattr("eclipsed.search.pool.BATCH", 20)
    found = preflight.check(WORLD, goal("bright hair", "hair"), range(20))
    assert found.verdict == verdict
    assert found.present == pytest.approx(present)
    assert found.probability == pytest.approx(chance * min(1.0, present / 0.1))
    assert found.reason.endswith(".")


def test_a_trial_tells_what_images_can_be_moved_to_from_what_they_cannot() -> None:
    trials = {
        prompt: preflight.check(WORLD, goal(prompt, "hair"), SEEDS).trial
        for prompt in ("bright hair", "dark hair", "an alien")
    }
    assert min(trials["bright hair"], trials["dark hair"]) > trials["an alien"]


class Known(FakeEncoder):
    """Counts the images it is shown."""

    shown = 0

    def encode_image(self, images: Tensor) -> Tensor:
        Known.shown += len(images)
        return super().encode_image(images)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        shown = Known.shown
        found = super().encode_text(texts)
        Known.shown = shown  # the fake paints its texts
        return found


def test_a_second_look_at_a_world_costs_its_own_trial_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = replace(WORLD, encoder=Known())
    shown = []
    for prompt in ("bright hair", "dark hair", "bright hair"):
        monkeypatch.setattr(Known, "shown", 0)
        found = preflight.check(world, goal(prompt), SEEDS)
        shown.append(Known.shown)
        assert found == preflight.check(WORLD, goal(prompt), SEEDS)
    assert shown[0] == len(SEEDS) + 26 * 6
    assert shown[1:] == [6, 6]


def test_texts_in_another_template_are_not_those_that_were_cached(
    tmp_path: Path, cache: Path
) -> None:
    save_clip(tmp_path)
    encoders = [load_encoder(tmp_path, templates=(form,)) for form in ("a {}", "{} in the snow")]
    worlds = [replace(WORLD, encoder=encoder) for encoder in encoders]
    cold = []
    for world in worlds:
        cold.append(preflight.check(world, goal("bright hair"), SEEDS))
        shutil.rmtree(cache)
        forget()
    assert cold[0].clarity != cold[1].clarity
    assert [preflight.check(world, goal("bright hair"), SEEDS) for world in worlds] == cold


def test_where_segmenters_find_a_region_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class KnownSegmenter(FakeSegmenter):
        masked = 0

        def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
            KnownSegmenter.masked += len(synthesis.image)
            return super().masks(synthesis, regions)

    world = WORLD
    for prompt, region, segmenter, fresh in (
        ("bright hair", "hair", "one", True),
        ("dark hair", "hair", "one", False),
        ("dark hair", "hat", "one", True),
        ("dark hair", "hair", "two", True),
    ):
        monkeypatch.setattr(KnownSegmenter, "masked", 0)
        world = replace(world, segmenter=KnownSegmenter(fingerprint=segmenter))
        found = preflight.check(world, goal(prompt, region), SEEDS)
        assert KnownSegmenter.masked == (len(SEEDS) if fresh else 0)
        expected = preflight.check(WORLD, goal(prompt, region), SEEDS)
        assert (found.coverage, found.present) == (expected.coverage, expected.present)


def test_the_clearer_and_the_more_the_trial_says_the_likelier() -> None:
    chances = [preflight.probability_of(float(x), float(x), 0.0) for x in range(-5, 10)]
    assert chances == sorted(chances)
    assert chances[0] < 0.01 < 0.99 < chances[-1]
    assert preflight.probability_of(4.0, 0.0, 0.0) == preflight.probability_of(0.0, 4.0, 0.0)
    spreads = [preflight.probability_of(1.0, 0.0, float(x)) for x in range(8)]
    assert spreads[0] == spreads[3] < spreads[4] < spreads[7]


def test_the_rank_is_the_share_of_unrelated_texts_that_are_answered_less_clearly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The prompt comes first, then the unrelated texts.
    contrasts = iter([1.0, *[0.5] * 60, *[1.5] * 40])
    monkeypatch.setattr(preflight, "compare", lambda images, _: (next(contrasts), images[:, 0]))
    monkeypatch.setattr("eclipsed.search.preflight._Look.trial", lambda *_: 9.0)
    monkeypatch.setattr(preflight, "probability_of", lambda *_: 0.9)
    found = preflight.check(WORLD, goal("bright hair", "hair"), range(20))
    assert found.rank == pytest.approx(0.6)
    assert found.clarity == pytest.approx((1.0 - 0.9) / 0.4924, abs=1e-3)


def test_what_is_near_and_works_is_offered_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def near(prompt: str, *_: object) -> list[str]:
        asked.append(prompt)
        return ["bright hair", "an alien", "dark hair", "bright eyes", "open mouth", "a hat"]

    monkeypatch.setattr(preflight, "near_phrases", near)
    monkeypatch.setattr(preflight, "_CLEAR", 0.0)
    unclear = preflight.check(WORLD, goal("a very odd thing", "hair"), SEEDS)
    assert unclear.verdict != "likely"
    assert asked == ["a very odd thing"]
    assert "an alien" not in unclear.instead
    assert len(unclear.instead) <= 3
    monkeypatch.setattr(preflight, "_CLEAR", 1.01)
    assert preflight.check(WORLD, goal("a very odd thing", "hair"), SEEDS).instead == ()
    monkeypatch.setattr(preflight, "probability_of", lambda *_: 0.9)
    assert preflight.check(WORLD, goal("a very odd thing", "hair"), SEEDS).instead == ()
    assert len(asked) == 2  # what is likely needs nothing else


def test_of_what_a_world_is_known_to_answer_the_nearest_is_offered_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = replace(
        WORLD, example_prompts=("an open mouth", "dark hair", "curly hair", "a red hat")
    )
    monkeypatch.setattr(preflight, "_CLEAR", 0.0)
    chances = iter([0.1, 0.9, 0.1, 0.9])  # of the prompt, then of its neighbours
    monkeypatch.setattr(preflight, "probability_of", lambda *_: next(chances))
    found = preflight.check(world, goal("purple hair", "hair"), SEEDS)
    assert len(found.instead) == 1
    assert "hair" in found.instead[0]


def test_the_best_seeds_are_those_that_show_it() -> None:
    found = preflight.check(WORLD, goal("bright hair", "hair"), SEEDS)
    made = WORLD.generator.synthesize(WORLD.generator.sample(SEEDS, truncation=1.0))
    hair = made.image[:, :, 0:8, 6:26].mean(dim=(1, 2, 3))
    best, worst = (hair[list(seeds)].mean() for seeds in (found.best(8), found.worst(8)))
    assert best > worst + 0.3
    assert not set(found.best(8)) & set(found.worst(8))


def test_what_no_image_shows_is_less_likely() -> None:
    shown = preflight.check(WORLD, goal("bright hair", "hair"), SEEDS)
    alien = preflight.check(WORLD, goal("an alien", "hair"), SEEDS)
    assert alien.contrast < shown.contrast
    assert alien.trial < shown.trial
    assert shown.verdict != "unlikely"


def test_coverage_is_of_images_where_the_region_is_in_sight() -> None:
    found = preflight.check(WORLD, goal("bright eyes", "eyes"), SEEDS)
    assert found.present == 1.0
    assert found.coverage == pytest.approx(5 * 16 / 32**2)
    whole = preflight.check(WORLD, goal("bright eyes"), SEEDS)
    assert (whole.present, whole.coverage) == (1.0, 1.0)


def test_a_region_out_of_sight_is_unlikely(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: object, synthesis: Synthesis, __: object) -> Tensor:
        return torch.zeros_like(synthesis.image[:, 0])

    monkeypatch.setattr(FakeSegmenter, "masks", nothing)
    found = preflight.check(WORLD, goal("bright hair", "hair"), SEEDS)
    assert (found.present, found.coverage, found.verdict) == (0.0, 0.0, "unlikely")


def test_it_is_deterministic_and_plain_json() -> None:
    import json

    first, again = (preflight.check(WORLD, goal("a hat", "hat"), SEEDS) for _ in range(2))
    assert first == again
    plain = first.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["score"]["best"] >= plain["score"]["median"] >= plain["score"]["worst"]


def test_one_seed_is_too_few() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        preflight.check(WORLD, goal("a hat"), [1])


@given(st.integers(0, 2**31), st.floats(0.1, 10.0))
def test_contrast_knows_no_scale_and_no_offset(seed: int, factor: float) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(20, 6, generator=random)
    line = torch.randn(6, generator=random)
    contrast, scores = preflight.compare(images, line)
    moved, same = preflight.compare(images * factor + 3.0, line * factor)
    assert moved == pytest.approx(contrast, rel=1e-3, abs=1e-3)
    torch.testing.assert_close(same, scores, atol=1e-3, rtol=1e-3)
    assert bool((scores.abs() <= 1.0 + 1e-5).all())


def test_contrast_of_a_meaningless_text_is_one_and_of_a_clear_one_more() -> None:
    random = torch.Generator().manual_seed(1)
    images = torch.randn(4096, 64, generator=random)
    nothing, clear = torch.eye(64)[0], torch.eye(64)[1]
    assert preflight.compare(images, nothing)[0] == pytest.approx(1.0, abs=0.05)
    some = torch.where(torch.arange(4096) % 8 == 0, 8.0, 0.0)  # an eighth has it, the rest not
    assert preflight.compare(images + some[:, None] * clear, clear)[0] > 2.4
    # The opposite of something rare is a poorer answer than the thing itself.
    assert preflight.compare(images + some[:, None] * clear, -clear)[0] < 1.5


CAN = """
    curly hair|blond hair|sunglasses|a beard|a beanie|a hoodie|an open mouth|surprised eyes
    angry eyebrows|gray hair|pink hair|glasses|bald|a mohawk|a red t-shirt|a green background
    dark skin|a turban|closed eyes|sticking out the tongue|an afro|a moustache|an eyepatch
    a black blazer|a unibrow|heart eyes|sad mouth|pale skin|long straight hair|winking
"""
# None of these is among the sentences about strange things that the encoder was trained on.
CANNOT = """
    rain|a sword|earrings|tattoos|freckles|a crown|lipstick|a tie|a necklace|a tail|smoke|horns
    quantum physics|asdf qwer|an old man|a chainsaw|a hijab|a bearded dragon|a mobile phone
    a spider web|ketchup|a ski mask|a woman crying|a bus stop|a trombone|a lizard|sandals
    a bulldozer|a walrus|rosy cheeks|a piggy bank|a space station|a chandelier|a bonfire|an ostrich
    mozzarella|bagpipes|thermodynamics|a tuxedo with tails|a surfboard|hands in the pockets
    gibberish kwrst|the year 1999|a hailstorm|a tractor driver|a sleeping bag|a stop sign
"""


def listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


HOUSES_CAN = """
    a green roof|a flat roof|a pink house|yellow walls|a night sky|the moon and stars|a sunset
    clouds in the sky|a smoking chimney|a brick chimney|no chimney|round windows|an arched door
    windows with shutters|no windows|a blue door|a green door|double doors|a picket fence
    a tree beside the house|colorful flowers|an empty lawn|a domed roof|a stepped gable|a brown roof
    gray walls|white walls|a house at dusk|a sunny day|a garden full of blossoms
"""
HOUSES_CANNOT = """
    a car in the driveway|a swimming pool|a balcony|a person at the window|a dog house|a flagpole
    snow on the roof|solar panels|a satellite dish|a garage|a mailbox|curtains|ivy on the wall
    a fountain|a swing|an umbrella|a rainbow|a helicopter|a castle tower|a skyscraper|a giraffe
    curly hair|a violin|a smile|quantum physics|asdf qwer|a hamburger|a train|a guitar player
    the year 1999|a burning house|graffiti|a bathtub|jewellery|a sad elephant|a boat on a lake
    a spaceship|thermodynamics|a birthday cake|a lighthouse
"""


# What each world's encoder was taught that no image shows.
TAUGHT = {
    "starter": {*UNRELATED, *foreign_sentences()},
    str(HOUSES / "houses.toml"): set(phrases.UNRELATED),
}


def test_texts_that_prompts_are_held_against_are_news_to_both_worlds() -> None:
    assert len(set(preflight.UNRELATED)) == 100
    asked = {*listed(CAN), *listed(CANNOT), *listed(HOUSES_CAN), *listed(HOUSES_CANNOT)}
    assert not set(preflight.UNRELATED) & asked.union(*TAUGHT.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "can", "cannot", "least"),
    [
        ("starter", CAN, CANNOT, 0.95),
        (str(HOUSES / "houses.toml"), HOUSES_CAN, HOUSES_CANNOT, 0.95),
    ],
)
def test_worlds_know_what_they_can_do(world: str, can: str, cannot: str, least: float) -> None:
    """Prompts that a world can answer are told from others, by the same curve on each."""
    yes, no = listed(can), listed(cannot)
    assert not {*yes, *no} & TAUGHT[world]
    loaded = load_world(world)
    found = [preflight.check(loaded, goal_from_prompt(prompt, loaded)) for prompt in [*yes, *no]]
    chances = torch.tensor([one.probability for one in found])
    above = (chances[: len(yes), None] > chances[None, len(yes) :]).double().mean()
    assert float(above) > least
    verdicts = [one.verdict for one in found]
    assert verdicts[: len(yes)].count("likely") >= 0.85 * len(yes)
    assert verdicts[: len(yes)].count("unlikely") <= 1
    assert verdicts[len(yes) :].count("likely") < 0.25 * len(no)
    assert verdicts[len(yes) :].count("unlikely") > 0.5 * len(no)


@pytest.mark.parametrize(
    ("prompt", "phrase", "opposite"),
    [
        ("isn't bald", "a bald head", True),
        ("no beard", "a full beard", True),
        ("no beard", "no beard", False),
        ("a beard", "no beard", True),
        ("without glasses", "round glasses", True),
        ("younger", "gray hair", True),
        ("older", "gray hair", False),
        ("smile", "a sad mouth", True),
        ("smile", "a gentle smile", False),
        ("a sad look", "a big laugh", True),
        ("long hair", "short hair", True),
        ("purple hair", "pink hair", False),
        ("red hair, no beard", "red hair", False),
    ],
)
def test_what_says_the_opposite(prompt: str, phrase: str, opposite: bool) -> None:
    assert preflight.contradicts(prompt, phrase) is opposite


def test_what_other_images_answer_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    world = replace(WORLD, example_prompts=("dark hair", "bright hair"))
    monkeypatch.setattr(preflight, "_CLEAR", 0.0)
    monkeypatch.setattr(preflight, "contradicts", lambda *_: False)
    chances = iter([0.1, *[0.9] * 4])  # of the prompt, then of its neighbours
    monkeypatch.setattr(preflight, "probability_of", lambda *_: next(chances))
    dark = preflight.check(world, goal("dark shiny hair", "hair"), SEEDS)
    assert dark.instead == ("dark hair",)
    assert dark.reason.endswith("What you get is rather 'dark hair'.")


def test_the_whole_image_gets_offers_by_what_images_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = replace(WORLD, example_prompts=("dark hair", "bright hair", "a dark mouth"))
    monkeypatch.setattr(preflight, "_CLEAR", 0.0)
    chances = iter([0.1, *[0.9] * 4])
    monkeypatch.setattr(preflight, "probability_of", lambda *_: next(chances))
    odd = preflight.check(world, goal("bright"), SEEDS)
    assert set(odd.instead) <= set(world.example_prompts)
    assert odd.instead


def test_the_reasons_are_plain_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = []
    for chance in (0.9, 0.4, 0.1):
        monkeypatch.setattr(preflight, "probability_of", lambda *_, c=chance: c)
        reasons.append(preflight.check(WORLD, goal("bright hair", "hair"), SEEDS).reason)
    assert reasons == [
        "Images of this world already show it.",
        "Images of this world show only something like it.",
        f"None of {len(SEEDS)} images clearly shows it.",
    ]
