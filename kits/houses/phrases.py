"""What people say of houses: for every value several phrases to train on, and others to test with.

A phrase stands alone or in a frame, "a house with a flat roof". The held-out phrases and frames are
never trained on; they show whether the encoder understands words or has learned them by heart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kits.houses.drawing import GROUPS

NEUTRAL = ("a house", "a home", "a building", "a picture of a house", "a small house", "a cottage")
# True of no house here. An encoder that has only heard of what can be drawn finds something drawn
# in every text, so it hears of other things as well; near misses are the most instructive.
_UNRELATED = """
    a dog; a cat on a sofa; a red car; an airplane; a bowl of fruit; a man with a beard; a woman's
    face; a sailing boat; a bicycle; a plate of food; a computer; a page of text; a horse; a robot;
    a chair; a football match; a fish under water; a map of the world; a crocodile; a lion; a cow;
    an owl; a butterfly; a spider; a dinosaur; a monkey; a rabbit; blond hair; sunglasses; a hat;
    a smiling face; an old man; a child; a dancer; a soldier; a cook; hands; a dress; a pair of
    shoes; a ring; a piano; a trumpet; drums; a telephone; a television; a book; a pencil; a
    hammer; scissors; a knife; a bottle of wine; a cup of coffee; a pizza; bread; a carrot; an egg;
    cheese; an orange; a truck; a bus; a motorcycle; a tank; a ship; a submarine; a rocket; a kite;
    a bed; a bathroom; a kitchen; a library; a factory; a bridge; an airport; a church; a pyramid;
    a street; a desert; a jungle; a beach; the ocean; a waterfall; a volcano; a cave; outer space;
    a clock; a key; a coin; a flag; a gun; a doll; a ball; a puzzle; a chess piece; a cartoon
    character; a painting; a statue; a barcode; an equation; a diagram; random noise; a black
    square; stripes; love; freedom; politics; mathematics; music; money; tomorrow; a promise; hello;
    thank you; blah blah; zzz; abcdefg; wxyz qqq; 12345; invoice number; error message

    a purple roof; an orange roof; a golden roof; black walls; purple walls; striped walls; a wall
    of mirrors; a wooden log cabin; a yellow door; a black door; a revolving door; a porch; a bay
    window; a skylight; stained glass windows; windows with flower boxes; broken windows; columns;
    a weather vane; an antenna on the roof; a bird on the roof; a carport; scaffolding; a spiral
    staircase; a doorbell; a lantern beside the door; a bench; a bird bath; a scarecrow; a
    trampoline; a barbecue; a pond; a palm tree; a snowman; snow in the garden; rain; lightning;
    fog; a tornado; fireworks; an eclipse; northern lights; a skyline; a barn; a tent; an igloo; a
    hut on stilts; a ruin; a palace; a row of shops; people in the garden; a cat on the roof
"""

FRAMES = (
    "{}",
    "a house with {}",
    "a home with {}",
    "a picture of a house with {}",
    "a building that has {}",
    "{} on a small house",
)
HELD_OUT_FRAMES = ("{}", "a cottage with {}", "this home has {}")

# (group, the values of which one must be shown) → phrases to train on | phrases held out.
_PHRASES: Mapping[tuple[str, tuple[str, ...]], str] = {
    ("roof", ("pointed",)): """
        a pointed roof; a triangular roof; a gable roof; a peaked roof; a steep roof; a pitched
        rooftop; a sloping roof | a sharp pointed rooftop; a gabled roof; a roof like a triangle""",
    ("roof", ("flat",)): """
        a flat roof; a level roof; a flat rooftop; a horizontal roof; a low flat top; a roof as
        flat as a table | a roof that is flat; a completely level rooftop; a flat topped roof""",
    ("roof", ("dome",)): """
        a dome; a domed roof; a rounded roof; a round rooftop; a cupola; a roof like half a ball;
        a curved roof | a dome on top; a dome shaped roof; a spherical roof""",
    ("roof", ("stepped",)): """
        a stepped roof; a roof like stairs; a stepped gable; a roof with steps; a terraced roof;
        a roof in steps | a roof shaped like a staircase; a stair stepped rooftop; steps on the
        roof""",
    ("windows", ("square",)): """
        square windows; rectangular windows; windows with four panes; plain square windows;
        windows with a cross; a square window | windows that are square; square shaped windows;
        two square windows""",
    ("windows", ("round",)): """
        round windows; circular windows; portholes; porthole windows; windows like circles; a
        round window | windows that are round; little circular windows; two round windows""",
    ("windows", ("shuttered",)): """
        shutters; shuttered windows; windows with shutters; green shutters; wooden shutters;
        window shutters | shutters on the windows; windows flanked by shutters; a pair of green
        shutters""",
    ("windows", ("none",)): """
        no windows; walls without windows; windowless walls; not a single window; without any
        windows; missing windows; the windows are gone | no window at all; a windowless front;
        windows removed""",
    ("windows", ("square", "round", "shuttered")): """
        windows; some windows; two windows; windows in the wall | a few windows; glass windows""",
    ("door", ("plain",)): """
        a plain door; a simple door; a rectangular door; an ordinary door; a plain single door;
        a square door | one simple door; a normal single door; a basic door""",
    ("door", ("arched",)): """
        an arched door; a rounded door; a door with a round top; an archway; an arched entrance;
        a door like an arch | an arched doorway; a curved door; an arch shaped door""",
    ("door", ("double",)): """
        a double door; double doors; two doors side by side; a wide double door; a pair of doors;
        a door with two wings | a wide entrance with two doors; a big double doorway; double
        front doors""",
    ("door", ("none",)): """
        no door; walls without a door; a missing door; no entrance; without any door; not a
        single door; the door is gone | no door at all; a doorless front; the door removed""",
    ("door", ("plain", "arched", "double")): """
        a door; a front door; an entrance; a doorway | an entry; a door in the middle""",
    ("chimney", ("none",)): """
        no chimney; a roof without a chimney; a missing chimney; without any chimney; not a
        single chimney; the chimney is gone | no chimney at all; the chimney removed; a
        chimneyless roof""",
    ("chimney", ("plain",)): """
        a chimney without smoke; a chimney that is not smoking; an unused chimney; a cold chimney;
        a chimney, no smoke | a smokeless chimney; a chimney with no smoke""",
    ("chimney", ("smoking",)): """
        smoke from the chimney; a smoking chimney; smoke; a chimney with smoke; smoke rising from
        the roof; puffs of smoke | smoke coming out of the chimney; a puff of smoke; a chimney
        that smokes""",
    ("chimney", ("plain", "smoking")): """
        a chimney; a brick chimney; a chimney on the roof; a smokestack | a tall chimney; a
        chimney stack""",
    ("garden", ("lawn",)): """
        an empty lawn; bare grass; an empty garden; nothing in the garden; only grass; a plain
        lawn | nothing but grass; a bare lawn; an empty yard""",
    ("garden", ("tree",)): """
        a tree; a tree in the garden; a green tree; a tree beside the house; a leafy tree; a tree
        on the left | a tree in the yard; one tree next to the house; a big tree""",
    ("garden", ("fence",)): """
        a fence; a white fence; a picket fence; a garden fence; a wooden fence; a fenced garden |
        a fence around the yard; white pickets; a white picket fence""",
    ("garden", ("flowers",)): """
        flowers; flowers in the garden; a flower bed; blossoms; colorful flowers; blooming
        flowers on the lawn | flowers in the yard; blooming plants; red and yellow flowers""",
    ("sky", ("day",)): """
        a blue sky; daytime; a sunny day; a clear sky; sunshine; a bright day; the sun in a blue
        sky | bright blue sky; a sunny sky; in broad daylight""",
    ("sky", ("night",)): """
        a night sky; night; stars in the sky; the moon; a starry night; a dark sky; at night;
        moonlight | the moon and the stars; in the middle of the night; a sky full of stars""",
    ("sky", ("sunset",)): """
        a sunset; an orange sky; dusk; the evening sky; the sun going down; a red evening sky;
        twilight | an orange sunset; at sunset; a glowing evening sky""",
    ("sky", ("clouds",)): """
        clouds; a cloudy sky; a gray sky; an overcast sky; dull weather; a cloudy day; a gray day
        | clouds in the sky; overcast weather; a grey sky with clouds""",
}

# Names of colours to train on | held out.
_COLORS: Mapping[str, str] = {
    "red": "red; bright red; crimson | scarlet; deep red",
    "brown": "brown; dark brown; chocolate brown | chestnut brown; brownish",
    "blue": "blue; dark blue; royal blue | bright blue; cobalt blue",
    "green": "green; dark green; grass green | bright green; forest green",
    "gray": "gray; grey; slate gray | stone gray; greyish",
    "white": "white; bright white; snow white | plain white; chalk white",
    "yellow": "yellow; bright yellow; golden yellow | lemon yellow; sunny yellow",
    "pink": "pink; light pink; rosy pink | pale pink; hot pink",
}
_THINGS: Mapping[str, str] = {
    "roof color": "a {} roof; a {} rooftop; a roof painted {}; {} roof tiles; a roof in {} "
    "| the roof is {}; a {} colored roof",
    "wall color": "a {} wall; {} walls; walls painted {}; a {} facade; walls in {} "
    "| the walls are {}; a {} colored wall",
    "door color": "a {} door; a {} front door; a door painted {}; a door in {}; a {} entrance "
    "| the door is {}; a {} colored door",
}


@dataclass(frozen=True)
class Saying:
    """One thing that can be true of a house: that `group` shows one of `values`."""

    group: str
    values: tuple[str, ...]
    phrases: tuple[str, ...]
    held_out: tuple[str, ...]


def _split(text: str) -> list[list[str]]:
    halves = text.split("|")
    return [[" ".join(phrase.split()) for phrase in half.split(";")] for half in halves]


def _sayings() -> Iterator[Saying]:
    for (group, values), text in _PHRASES.items():
        phrases, held_out = _split(text)
        yield Saying(group, values, tuple(phrases), tuple(held_out))
    for group in GROUPS:
        if group.name in _THINGS:
            things, other_things = _split(_THINGS[group.name])
            for color in group.values:
                names, other_names = _split(_COLORS[color])
                phrases = [thing.format(name) for name in names for thing in things]
                held_out = [thing.format(name) for name in other_names for thing in other_things]
                yield Saying(group.name, (color,), tuple(phrases), tuple(held_out))


SAYINGS = tuple(_sayings())
(UNRELATED,) = _split(_UNRELATED)


def framed(phrases: tuple[str, ...], frames: tuple[str, ...] = FRAMES) -> list[str]:
    """Every phrase in every frame."""
    return [frame.format(phrase) for phrase in phrases for frame in frames]
