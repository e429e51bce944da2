"""What a prompt asks for, in the judges' words: which group should show which of its values.

Text decides alone. The prompt's region narrows the choice; then the nearest phrase wins, by shared
words and by the meaning of sentences. Besides the predicates' phrases stand decoys, wishes that
avatars cannot fulfil, so that "thick lips" is not taken for some mouth they do have. A prompt that
is nearest to a decoy, near to nothing, or asks for a colour nothing here has, makes no claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from eclipsed.prompts.language import content, is_negation, segments, stem, tokens
from eclipsed.prompts.regions import choose_regions, mentions
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.types import Claim
from eclipsed.worlds.starter.predicates import (
    HATS,
    PREDICATE,
    PREDICATES,
    Predicate,
    group_values,
)
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

NEAR = 0.45  # score from which a phrase is taken to mean what the prompt says
TIE = 0.05  # scores that differ by less are about the same
SAME = 0.7  # centred cosine that suffices without a shared word

_COUNTS = ("one", "both")  # stop words elsewhere, but "one eye closed" is a wink


def _stems(text: str) -> frozenset[str]:
    words = tokens(text)
    return frozenset(stem(w) for w in [*content(words), *(w for w in words if w in _COUNTS)])


_COLORS = _stems(
    "black white red blue green yellow pink purple orange brown gray silver golden gold teal "
    "turquoise violet blond ginger auburn crimson scarlet beige cyan magenta rainbow"
)
_GROUPS = {
    "hair": ("top", "hair color"),
    "hat": ("top",),
    "clothes": ("clothes", "clothes color"),
}
# To deny anything of these regions asks for their absence.
_ABSENCE = {"glasses": "no glasses", "beard": "no beard", "hat": "no hat"}
# The jacket of an avatar is always black, whatever colour the shirt below it has.
_ALSO: dict[str, str] = {
    "blazer": "a black blazer; a dark blazer; a black suit; a black jacket; a dark jacket",
}
_DECOYS: dict[str, str] = {
    "background": """a plain background; a city in the background; a beach in the background;
        a forest behind; mountains behind; a blurred background; a crowd behind; stars behind;
        a brick wall behind; flowers in the background; a striped background; an empty background;
        a room behind; a landscape behind""",
    "skin": """freckles; wrinkles; a scar; a tattoo; a nose ring; a big nose; a small nose;
        a long nose; big ears; pointed ears; rosy cheeks; chubby cheeks; a double chin; acne;
        smooth skin; makeup; a round face; a birthmark; a long neck; high cheekbones; earrings;
        green skin; blushing; a strong jaw; sweat; dimples; dirty skin; shiny skin""",
    "clothes": """a tie; a bow tie; a necklace; a scarf; a dress; a vest; a striped shirt;
        a polka dot shirt; a Hawaiian shirt; a turtleneck; a leather jacket; a coat; a raincoat;
        armour; a lab coat; a kimono; a robe; a bikini; a tank top; a denim jacket; a cape;
        a checked shirt; a costume; a uniform; a space suit; a wedding dress; ripped clothes;
        an apron; a shirt with a logo; an orange shirt; brown clothes; gray clothes; no shirt""",
    "mouth": """lipstick; thick lips; full lips; thin lips; red lips; big lips; crooked teeth;
        braces; a gold tooth; vampire fangs; a gap between the teeth; missing teeth;
        a cigarette in the mouth; chewing gum; a piercing in the lip; a small mouth; a big mouth;
        whistling; kissing; yawning; singing; eating; speaking; a crooked mouth; biting the lip;
        a pacifier in the mouth; lip gloss""",
    "eyes": """blue eyes; green eyes; brown eyes; long eyelashes; eyeliner; eye shadow; tears;
        crying; cross-eyed; small eyes; almond eyes; bloodshot eyes; bags under the eyes;
        rolling eyes; looking sideways; looking up; looking down; glowing eyes; blind eyes;
        laser eyes; eyes far apart; anime eyes; contact lenses; dizzy eyes; eyes of two colors""",
    "brows": """thick eyebrows; thin eyebrows; bushy eyebrows; plucked eyebrows; no eyebrows;
        long eyebrows; blond eyebrows; shaved eyebrows; an eyebrow piercing; painted eyebrows;
        confused; puzzled; stressed; one raised eyebrow; short eyebrows; dark eyebrows""",
    "hair": """a ponytail; braids; pigtails; cornrows; a mullet; a comb-over; a bow in the hair;
        wet hair; an undercut; green hair; purple hair; rainbow hair; orange and green hair;
        hair with highlights; a hairband; flowers in the hair; a wig; silky hair; greasy hair;
        a bushy tail; hairy arms; a hairy chest; spiky hair; thin hair; shiny hair; hair on fire;
        natural hair; a middle parting; a fringe; more hair; clean hair; soft hair""",
    "beard": """sideburns; a braided beard; a blond beard; a white beard; a red beard; a gray beard;
        mutton chops; a soul patch; a curly beard; a blue beard; a forked beard; a dirty beard;
        a goat's beard with beads""",
    "glasses": """a monocle; ski goggles; swimming goggles; 3D glasses; heart-shaped glasses;
        pink glasses; red glasses; gold-rimmed glasses; contact lenses; broken glasses;
        virtual reality goggles; a blindfold; a mask over the eyes; cat-eye glasses;
        rimless glasses; glasses on a chain""",
    "hat": """a crown; a baseball cap; a top hat; a helmet; a headband; a bandana; a tiara; a beret;
        a hijab; a chef's hat; a party hat; a bowler hat; a police cap; a bicycle helmet; a veil;
        a graduation cap; headphones; a flower crown; a wizard's pointed hat; a pirate's hat;
        a captain's cap; a hood; a halo; a flat cap""",
}


@dataclass(frozen=True)
class _Entry:
    """A phrase and the predicate it means; None for a decoy."""

    predicate: Predicate | None
    stems: frozenset[str]
    negated: bool


@dataclass(frozen=True)
class _Wish:
    """The first thing a prompt asks for."""

    region: str
    words: str
    denied: bool


@dataclass(frozen=True)
class _Lexicon:
    """Every phrase about a region, their vectors, and how much each of their words tells apart."""

    entries: tuple[_Entry, ...]
    vectors: Float[Tensor, "p 384"]
    rarity: dict[str, float]

    def overlap(self, said: frozenset[str], phrase: frozenset[str]) -> float:
        """F1 of two sets of stems, 0 to 1, weighted by rarity; an unknown word is the rarest."""
        rarest = max(self.rarity.values())
        weights = [
            sum(self.rarity.get(w, rarest) for w in s) for s in (said, phrase, said & phrase)
        ]
        total = weights[0] + weights[1]
        return 2 * weights[2] / total if total else 0.0


def _entry(text: str, predicate: Predicate | None) -> _Entry:
    return _Entry(predicate, _stems(text), any(is_negation(w) for w in tokens(text)))


def _belongs(predicate: Predicate, region: str) -> bool:
    """Whether a region shows a predicate; hats share a group with hair, but not a region."""
    if predicate.group not in _GROUPS.get(region, (region,)):
        return False
    about_hats = predicate.name == "no hat" or set(predicate.values) <= set(HATS)
    return predicate.group != "top" or about_hats == (region == "hat")


@lru_cache(maxsize=16)
def _lexicon(region: str) -> _Lexicon:
    said: list[tuple[str, Predicate | None]] = [
        (phrase.text, predicate)
        for predicate in PREDICATES
        if _belongs(predicate, region)
        for phrase in (*predicate.phrases, *predicate.held_out)
    ]
    said += [
        (text.strip(), PREDICATE[name])
        for name, texts in _ALSO.items()
        if _belongs(PREDICATE[name], region)
        for text in texts.split(";")
    ]
    said += [(" ".join(text.split()), None) for text in _DECOYS[region].split(";")]
    entries = tuple(_entry(text, predicate) for text, predicate in said)
    counts: dict[str, int] = {}
    for entry in entries:
        for word in entry.stems:
            counts[word] = counts.get(word, 0) + 1
    rarity = {word: math.log(1 + len(entries) / n) for word, n in counts.items()}
    return _Lexicon(entries, sentence_encoder()([text for text, _ in said]), rarity)


def _wish(prompt: str) -> _Wish | None:
    """The first thing that a prompt asks for, None where it concerns no region."""
    found = mentions(prompt, STARTER_VOCABULARY)
    parts = segments(prompt)
    if not found:
        regions = choose_regions(prompt, STARTER_VOCABULARY).regions
        words = " ".join(content(tokens(prompt)))
        return _Wish(regions[0], words, any(s.negated for s in parts)) if regions else None
    first = found[0]
    own = {m.segment for m in found if m.region == first.region}
    others = {m.segment for m in found} - own
    kept = [s for s in parts if s not in others and s.negated == first.segment.negated]
    counts = [w for w in tokens(prompt) if w in _COUNTS]
    words = " ".join([*counts, *(w for s in kept for w in content(s.words))])
    return _Wish(first.region, words, first.segment.negated)


def _comparative(word: str, known: dict[str, float]) -> str:
    """ "longer" → "long" where that is a word of the lexicon."""
    short = word.removesuffix("er")
    return next((w for w in (short, short + "e", short[:-1]) if word != short and w in known), word)


def _scores(wish: _Wish, lexicon: _Lexicon) -> list[float]:
    """How near each phrase is to the wish: 0.5·shared words + 0.5·cosine of centred sentences.

    Centring takes out what all phrases about a region share, so that the rest decides.
    """
    said = frozenset(_comparative(w, lexicon.rarity) for w in _stems(wish.words))
    centre = lexicon.vectors.mean(0)
    vector = sentence_encoder()([wish.words])[0]
    cosines = cosine_similarity(lexicon.vectors - centre, (vector - centre)[None]).tolist()
    scores = []
    for entry, cosine in zip(lexicon.entries, cosines, strict=True):
        colors = said & _COLORS
        strange = colors and entry.predicate and colors.isdisjoint(entry.stems)
        score = 0.5 * lexicon.overlap(said, entry.stems) + 0.5 * cosine
        scores.append(-1.0 if strange else max(score, NEAR if cosine >= SAME else score))
    return scores


def _nearest(scores: list[float], lexicon: _Lexicon, negated: bool) -> Predicate | None:
    """The predicate of the best phrase that denies, or does not; None when none is near."""
    near = [
        (score, entry.predicate)
        for score, entry in zip(scores, lexicon.entries, strict=True)
        if entry.negated == negated and score >= NEAR
    ]
    if not near:
        return None
    top, best = max(near, key=lambda pair: pair[0])
    if best is None:
        return None
    # Of two that are about as near, the one that says more: "long bushy beard" means the long one.
    tied = [p for score, p in near if p and score >= top - TIE and set(p.values) < set(best.values)]
    return min(tied, key=lambda p: len(p.values), default=best)


def _other_values(predicate: Predicate) -> tuple[str, ...]:
    """The values of the predicate's group that make it plainly false."""
    taken = {*predicate.values, *predicate.doubts.get(predicate.group, ())}
    return tuple(v for v in group_values(predicate.group) if v not in taken)


def parse_claim(prompt: str) -> Claim | None:
    """Which values of which group a prompt asks for; None for what avatars cannot show.

    Of a prompt that asks for several things, the first. Denials ask for the opposite: "without
    glasses" for none, "not smiling" for the mouths that do not smile.
    """
    wish = _wish(prompt)
    if wish is None:
        return None
    if wish.denied and wish.region in _ABSENCE:
        predicate = PREDICATE[_ABSENCE[wish.region]]
        return Claim(predicate.group, predicate.values)
    lexicon = _lexicon(wish.region)
    scores = _scores(wish, lexicon)
    found = _nearest(scores, lexicon, wish.denied)
    if found is not None:
        return Claim(found.group, found.values)
    if not wish.denied:
        return None
    opposite = _nearest(scores, lexicon, negated=False)
    return Claim(opposite.group, _other_values(opposite)) if opposite else None
