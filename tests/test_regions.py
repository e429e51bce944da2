"""Whether the regions chosen from prompts are right, for the labels of public segmenters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from eclipsed.goals import choose_regions
from eclipsed.segmenters.bisenet import LABELS
from eclipsed.segmenters.labels import group_labels, vocabulary_for
from tests.prompts import read_prompts

# The 150 labels of ADE20K, in the order of its networks' outputs (Zhou et al. 2017).
_ADE20K = """wall; building; sky; floor; tree; ceiling; road; bed; windowpane; grass; cabinet;
    sidewalk; person; earth; door; table; mountain; plant; curtain; chair; car; water; painting;
    sofa; shelf; house; sea; mirror; rug; field; armchair; seat; fence; desk; rock; wardrobe; lamp;
    bathtub; railing; cushion; base; box; column; signboard; chest of drawers; counter; sand; sink;
    skyscraper; fireplace; refrigerator; grandstand; path; stairs; runway; case; pool table;
    pillow; screen door; stairway; river; bridge; bookcase; blind; coffee table; toilet; flower;
    book; hill; bench; countertop; stove; palm; kitchen island; computer; swivel chair; boat; bar;
    arcade machine; hovel; bus; towel; light; truck; tower; chandelier; awning; streetlight; booth;
    television receiver; airplane; dirt track; apparel; pole; land; bannister; escalator; ottoman;
    bottle; buffet; poster; stage; van; ship; fountain; conveyer belt; canopy; washer; plaything;
    swimming pool; stool; barrel; basket; waterfall; tent; bag; minibike; cradle; oven; ball; food;
    step; tank; trade name; microwave; pot; animal; bicycle; lake; dishwasher; screen; blanket;
    sculpture; hood; sconce; vase; traffic light; tray; ashcan; fan; pier; crt screen; plate;
    monitor; bulletin board; shower; radiator; glass; clock; flag"""
ADE20K = [" ".join(label.split()) for label in _ADE20K.split(";")]

FACES = tuple(group_labels(LABELS))
SCENES = tuple(group_labels(ADE20K))
# Domain → the regions to choose from, and the neutral text of its public worlds.
DOMAINS = {
    "face": (FACES, "a photo of a face"),
    "church": (SCENES, "a photo of a church"),
    "car": (SCENES, "a photo of a car"),
    "horse": (SCENES, "a photo of a horse"),
}

# (prompt, domain) → regions: any way to choose them, so that ways can be compared.
Choose = Callable[[str, str], Sequence[str]]


@dataclass(frozen=True)
class Verdict:
    """What was chosen for a prompt, and which answers would have been right."""

    prompt: str
    accepted: tuple[str, ...]
    chosen: frozenset[str]

    @property
    def right(self) -> bool:
        return any(self.chosen == set(a.split(",")) - {"none"} for a in self.accepted)


def ours(prompt: str, domain: str) -> Sequence[str]:
    regions, neutral = DOMAINS[domain]
    return choose_regions(prompt, vocabulary_for(regions), neutral).regions


def judged(name: str, domain: str, choose: Choose = ours) -> list[Verdict]:
    """A verdict on each prompt of a list in tests/data that is about a domain."""
    rows = read_prompts(name, "" if domain == "face" else domain)
    return [
        Verdict(prompt, accepted, frozenset(choose(prompt, domain))) for accepted, prompt in rows
    ]


@pytest.mark.parametrize(
    ("name", "domains", "least"),
    [
        ("region_prompts_faces", ("face",), 0.97),
        ("region_prompts_scenes", ("church", "car", "horse"), 0.92),
        # Nothing was tuned on these.
        ("region_prompts_faces_fresh", ("face",), 0.97),
        ("region_prompts_scenes_fresh", ("church", "car", "horse"), 0.9),
    ],
)
def test_regions_of_many_prompts(name: str, domains: tuple[str, ...], least: float) -> None:
    verdicts = [v for domain in domains for v in judged(f"{name}.tsv", domain)]
    wrong = [v for v in verdicts if not v.right]
    assert 1 - len(wrong) / len(verdicts) >= least, wrong


@pytest.mark.parametrize("kind", ["", "_fresh"])
def test_the_lists_name_regions_that_exist_and_every_one_of_a_face(kind: str) -> None:
    right: dict[str, set[str]] = {}
    for domain, (regions, _) in DOMAINS.items():
        name = "faces" if domain == "face" else "scenes"
        rows = read_prompts(f"region_prompts_{name}{kind}.tsv", "" if name == "faces" else domain)
        right[domain] = {r for accepted, _ in rows for a in accepted for r in a.split(",")}
        assert right[domain] <= {*regions, "none"}
        assert len({prompt for _, prompt in rows}) == len(rows)
    assert right["face"] == {*FACES, "none"}


def test_the_lists_share_no_prompt_with_those_that_nothing_was_tuned_on() -> None:
    for name, domain in (("faces", ""), *(("scenes", d) for d in ("church", "car", "horse"))):
        tuned, fresh = (
            {prompt for _, prompt in read_prompts(f"region_prompts_{name}{kind}.tsv", domain)}
            for kind in ("", "_fresh")
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
