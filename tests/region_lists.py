"""The lists of prompts with the regions that are right, and how well a way to choose does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eclipsed.prompts.regions import Vocabulary, choose_regions, spacy_region
from eclipsed.segmenters.bisenet import LABELS
from eclipsed.segmenters.labels import group_labels, vocabulary_for
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY
from tests.prompt_lists import read_prompts

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
_SCENES = vocabulary_for(SCENES)
# Domain → the regions to choose from with their words, and the neutral text of its worlds.
DOMAINS: Mapping[str, tuple[Vocabulary, str]] = {
    "avatar": (STARTER_VOCABULARY, "a person"),
    "face": (vocabulary_for(FACES), "a photo of a face"),
    "church": (_SCENES, "a photo of a church"),
    "car": (_SCENES, "a photo of a car"),
    "horse": (_SCENES, "a photo of a horse"),
}
# Domain → its file in tests/data; scenes share one, with their domain in the first column.
_LISTS = {"avatar": "goal_prompts", "face": "region_prompts_faces"}

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
    """The package's choice."""
    return choose_regions(prompt, *DOMAINS[domain]).regions


def by_spacy(prompt: str, domain: str) -> Sequence[str]:
    """The paper's choice."""
    return spacy_region(prompt, list(DOMAINS[domain][0])).regions


def prompts_of(domain: str, *, fresh: bool) -> list[tuple[tuple[str, ...], str]]:
    """(accepted answers, prompt) of a domain's list: the one that words and rules were made with,
    or the fresh one, that nothing was tuned on."""
    name = _LISTS.get(domain, "region_prompts_scenes") + ("_fresh" if fresh else "")
    return read_prompts(f"{name}.tsv", "" if domain in _LISTS else domain)


def judged(domain: str, *, fresh: bool, choose: Choose = ours) -> list[Verdict]:
    """A verdict on each prompt of a domain's list."""
    return [
        Verdict(prompt, accepted, frozenset(choose(prompt, domain)))
        for accepted, prompt in prompts_of(domain, fresh=fresh)
    ]
