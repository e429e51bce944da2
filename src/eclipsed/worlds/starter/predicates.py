"""What can be said of an avatar: predicates, what makes each of them true, and words for them.

A predicate is a set of values of one group ("glasses": square, round, sun) and the phrases that
name it. Values that make a predicate neither plainly true nor plainly false are its doubts: the
colour of hair under a hat, eyes behind sunglasses, a quiff when the question is short hair.
Of the phrases of each predicate a quarter, drawn by chance, is held out from training.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eclipsed.worlds.starter.attributes import GROUP, HUES, SKIN_NAMES

# How a phrase enters a sentence: a person "has" it or can "wear" it, it is an adjective ("adj"), a
# participle ("verb": "smiling"), the "scene" behind, or a whole "clause" ("the eyes are closed").
Kind = Literal["has", "wear", "adj", "verb", "scene", "clause"]


@dataclass(frozen=True)
class Phrase:
    """Words that name a predicate, and the grammar they need."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Predicate:
    """Something that is true of an avatar when its `group` shows one of `values`.

    doubts: group → values under which the truth cannot be told from the picture or the word.
    """

    name: str
    group: str
    values: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    held_out: tuple[Phrase, ...]
    doubts: Mapping[str, tuple[str, ...]]


HATS = ("brimmed hat", "beanie", "turban", "earflap hat")
HAIRLESS = ("bald", *HATS)
SMILES = ("gentle smile", "toothy smile", "laugh")
BEARDS = ("short beard", "full beard", "long beard")

_HIDDEN_HAIR = {"top": HAIRLESS}
_HIDDEN_EYES = {"glasses": ("sunglasses",)}
_ONE_EYE = {"glasses": ("sunglasses", "eyepatch")}
_OVER_SHIRT = {"clothes": ("blazer",)}
# A cheerful mouth under angry brows is no plain case of either mood.
_BAD_MOOD = {"brows": ("angry", "worried")}
_GOOD_MOOD = {"mouth": (*SMILES, "tongue")}


def group_values(group: str) -> tuple[str, ...]:
    """Names of a group's values; besides attributes.GROUPS there are `skin` and `background`."""
    if group == "skin":
        return tuple(name for name, _, _ in SKIN_NAMES)
    if group == "background":
        return tuple(name for name, _ in HUES)
    return GROUP[group].names


PREDICATE_GROUPS: tuple[str, ...] = (*GROUP, "skin", "background")


def _phrases(words: Mapping[Kind, str]) -> tuple[Phrase, ...]:
    """Kind → phrases separated by semicolons, in one flat tuple."""
    return tuple(
        Phrase(" ".join(text.split()), kind)
        for kind, texts in words.items()
        for text in texts.split(";")
        if text.strip()
    )


def _p(
    name: str,
    group: str,
    values: str | tuple[str, ...],
    train: Mapping[Kind, str],
    more: Mapping[Kind, str],
    doubts: Mapping[str, tuple[str, ...]] | None = None,
) -> Predicate:
    chosen = (values,) if isinstance(values, str) else values
    kept, held = _split(name, (*_phrases(train), *_phrases(more)))
    return Predicate(name, group, chosen, kept, held, dict(doubts or {}))


def _split(name: str, phrases: tuple[Phrase, ...]) -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
    """(for training, held out): by chance a quarter is held out; the first phrase never is.

    By chance, so that what is held out is neither odder nor plainer than what is trained on.
    """
    first, *rest = dict.fromkeys(phrases)
    random.Random(name).shuffle(rest)
    count = max(2, len(phrases) // 4)
    return (first, *rest[count:]), tuple(rest[:count])


_HAIR_AND_HATS = (
    _p(
        "bald",
        "top",
        "bald",
        {
            "has": "no hair; a bald head; a shaved head; a bare scalp; a smooth bald head; "
            "no hair on top;"
            "a clean-shaven head",
            "adj": "bald; bald-headed; hairless; completely bald",
            "verb": "going bald; without any hair",
        },
        {"has": "a shiny bald scalp; a hairless head; a bald pate", "adj": "shaven-headed"},
        {"top": ("buzzcut", *HATS)},
    ),
    _p(
        "buzzcut",
        "top",
        "buzzcut",
        {
            "has": "a buzzcut; a buzz cut; a crew cut; buzzed hair; very short cropped hair;"
            "hair trimmed close to the head; a military haircut; stubbly hair; closely shorn hair;"
            "a receding hairline",
            "adj": "buzz-cut",
        },
        {"has": "hair shaved down to a few millimetres; an army cut; a close-cropped head of hair"},
    ),
    _p(
        "short neat hair",
        "top",
        "short",
        {
            "has": "short neat hair; a short flat haircut; short hair combed to the side; "
            "a tidy short cut;"
            "a classic short haircut; a neat side part; short flat hair; a simple short men's cut;"
            "a clean short hairstyle; a short back and sides",
        },
        {"has": "a trim short hairdo; an office haircut, short and flat; neatly cropped hair"},
        {"top": ("buzzcut",)},
    ),
    _p(
        "mohawk",
        "top",
        "mohawk",
        {
            "has": "a mohawk; a mohican; a punk mohawk; a strip of hair on top of a shaved head;"
            "a single tuft of hair standing up; shaved sides and a crest of hair; a punk haircut;"
            "a narrow crest of hair; a mohawk hairstyle; hair in a mohawk",
            "adj": "mohawked",
        },
        {"has": "an iroquois haircut; a tall ridge of hair and bare sides; a punk rocker's crest"},
    ),
    _p(
        "quiff",
        "top",
        "quiff",
        {
            "has": "a quiff; a pompadour; swept-back hair; hair brushed up at the front; "
            "a tall quiff;"
            "a slick swept-up hairstyle; hair combed up and back; a rockabilly hairdo; "
            "a stylish quiff;"
            "a big swooping fringe brushed upwards",
        },
        {"has": "an Elvis hairstyle; front hair styled high; a voluminous brushed-back top"},
    ),
    _p(
        "bun",
        "top",
        "bun",
        {
            "has": "a bun; a hair bun; hair in a bun; hair tied up in a bun; a top knot; a man bun;"
            "hair pulled up on top of the head; a knot of hair on top; a ballerina bun; "
            "tied-up hair;"
            "an updo",
            "clause": "the hair is tied up in a bun",
        },
        {"has": "a chignon; hair gathered into a small ball on top; a topknot hairdo; pinned hair"},
    ),
    _p(
        "curly hair",
        "top",
        "curly",
        {
            "has": "curly hair; curls; big round curls; a head full of curls; bouncy curls; "
            "curly locks;"
            "a curly hairstyle; thick curly hair; fluffy curly hair; permed hair; a mass of curls",
            "adj": "curly-haired; curly-headed",
            "clause": "the hair is curly",
        },
        {"has": "ringlets; a curly mop; corkscrew curls; a perm"},
    ),
    _p(
        "afro",
        "top",
        "afro",
        {
            "has": "an afro; a big afro; afro hair; a round afro hairstyle; "
            "a huge ball of frizzy hair;"
            "frizzy round hair; a seventies afro; kinky hair; a giant puffy afro; a disco afro;"
            "natural afro-textured hair",
        },
        {"has": "a fro; a large spherical hairdo; a funk-era natural"},
    ),
    _p(
        "bob",
        "top",
        "bob",
        {
            "has": "a bob; a bob cut; a chin-length bob; hair cut in a bob; a bob haircut; "
            "chin-length hair;"
            "medium-length hair in a bob; a smooth rounded bob; a pageboy cut; "
            "hair down to the chin;"
            "a jaw-length haircut",
            "adj": "bob-haired",
        },
        {"has": "a flapper's haircut; hair that ends at the jaw; a sleek bobbed hairdo"},
    ),
    _p(
        "dreadlocks",
        "top",
        "dreads",
        {
            "has": "dreadlocks; dreads; locs; long dreadlocks; rasta hair; "
            "rope-like strands of hair;"
            "matted locks; hair in dreadlocks; long twisted locs; a head of dreads; "
            "reggae dreadlocks",
            "adj": "dreadlocked",
        },
        {"has": "a Bob Marley hairstyle; long ropes of hair; Rastafarian locks"},
    ),
    _p(
        "long straight hair",
        "top",
        "straight",
        {
            "has": "long straight hair; straight hair; long smooth hair; sleek long hair; "
            "straight long locks;"
            "hair hanging straight down; long flat hair with a fringe; "
            "shoulder-length straight hair;"
            "straightened hair; long hair without curls",
            "adj": "straight-haired",
            "clause": "the hair is long and straight",
        },
        {"has": "poker-straight long hair; hair falling smoothly past the shoulders; ironed hair"},
        {"top": ("bob", "short")},
    ),
    _p(
        "wavy hair",
        "top",
        "wavy",
        {
            "has": "wavy hair; long wavy hair; loose waves; flowing wavy locks; long loose hair;"
            "beach waves; hair with soft waves; long flowing hair; a long wavy hairstyle;"
            "rippling long hair",
            "adj": "wavy-haired",
            "clause": "the hair is wavy",
        },
        {"has": "undulating long hair; mermaid waves; gently waved tresses"},
    ),
    _p(
        "messy hair",
        "top",
        "messy",
        {
            "has": "messy hair; tousled hair; untidy hair; unkempt hair; a shaggy mop; "
            "dishevelled hair;"
            "wild hair; bed hair; a messy shaggy haircut; uncombed hair; spiky messy hair",
            "clause": "the hair is a mess",
        },
        {"has": "scruffy hair; ruffled hair sticking out; a bird's nest hairdo; bedhead"},
    ),
    _p(
        "pixie cut",
        "top",
        "pixie",
        {
            "has": "a pixie cut; a pixie haircut; a short pixie hairstyle; a cropped pixie;"
            "a short feathered cut with a fringe; an elfin haircut; "
            "a boyish short haircut with bangs;"
            "short choppy hair with side bangs; a cute pixie crop; short layered hair",
        },
        {"has": "an Audrey Hepburn crop; a gamine cut; a short tousled crop with a side fringe"},
    ),
    _p(
        "brimmed hat",
        "top",
        "brimmed hat",
        {
            "wear": "a wide-brimmed hat; a brimmed hat; a sun hat; a fedora; "
            "a hat with a wide brim;"
            "a cowboy hat; a large blue hat; a floppy hat; a gardening hat; a broad hat; "
            "a blue sun hat",
            "verb": "shaded by a wide brim",
        },
        {"wear": "a sombrero; a stetson; a broad-brimmed straw hat; a panama"},
    ),
    _p(
        "beanie",
        "top",
        "beanie",
        {
            "wear": "a beanie; a red beanie; a knitted cap; a bobble hat; a woolly hat; a knit hat;"
            "a Santa hat; a red and white winter cap; a red woollen hat; a ski cap; a pom-pom hat",
        },
        {"wear": "a toque; a Christmas hat; a tuque in red wool; a stocking cap"},
    ),
    _p(
        "turban",
        "top",
        "turban",
        {
            "wear": "a turban; a yellow turban; a head wrap; a Sikh turban; "
            "a wrapped cloth on the head;"
            "a golden turban; an orange turban; a wound headdress; a wrapped headscarf; a dastar",
            "adj": "turbaned",
            "verb": "wearing a cloth wound around the head",
        },
        {"wear": "a pagri; a maharaja's headdress; a mustard-coloured head wrapping"},
    ),
    _p(
        "earflap hat",
        "top",
        "earflap hat",
        {
            "wear": "a hat with ear flaps; an earflap hat; a trapper hat; a green winter hat; "
            "an ushanka;"
            "a green hat covering the ears; a hat with flaps over the ears; a Russian fur hat;"
            "a warm green cap with earflaps; a hunter's winter hat",
        },
        {"wear": "a lumberjack hat with flaps; a deerstalker; a green cap keeping ears warm"},
    ),
    _p(
        "a hat",
        "top",
        HATS,
        {
            "wear": "a hat; a cap; headgear; some kind of hat; a head covering; headwear; "
            "a piece of headgear",
            "has": "a hat on; a covered head; something on the head",
            "verb": "wearing a hat; with the head covered",
        },
        {
            "wear": "something on top of the head; a bonnet",
            "has": "a hat on the head; a head that is covered",
        },
    ),
    _p(
        "no hat",
        "top",
        tuple(n for n in GROUP["top"].names if n not in HATS),
        {
            "has": "no hat; no hat on; an uncovered head; a bare head; no headgear; "
            "nothing on the head;"
            "no cap; no headwear",
            "adj": "bareheaded; hatless",
            "verb": "not wearing a hat; without a hat",
        },
        {
            "has": "the hat taken off; no head covering",
            "verb": "without any headgear; going hatless",
        },
    ),
    _p(
        "a winter hat",
        "top",
        ("beanie", "earflap hat"),
        {
            "wear": "a winter hat; a warm hat; a winter cap; a hat for cold weather; "
            "a cosy winter hat;"
            "a hat for the snow; a thick warm cap; an Arctic hat",
            "verb": "wearing a warm winter hat; dressed for the cold with a hat",
        },
        {"wear": "a hat against the frost; a cap for skiing; a snug hat for freezing days"},
        {"top": ("turban",)},
    ),
    _p(
        "long hair",
        "top",
        ("straight", "wavy", "dreads"),
        {
            "has": "long hair; hair past the shoulders; very long hair; long locks; "
            "long flowing locks;"
            "hair reaching the shoulders; lengthy hair; long tresses; a long hairstyle",
            "adj": "long-haired",
            "clause": "the hair is long",
        },
        {"has": "hair down to the chest; grown-out hair; hair that falls over the shoulders"},
        {"top": ("bob", "curly", "afro", "bun")},
    ),
    _p(
        "short hair",
        "top",
        ("buzzcut", "short", "pixie"),
        {
            "has": "short hair; a short haircut; hair cut short; cropped hair; a short hairstyle;"
            "close-cut hair; short-cut hair; a short crop; little hair",
            "adj": "short-haired",
            "clause": "the hair is short",
        },
        {"has": "hair that was cut short; a crop; a brief haircut", "adj": "crop-haired"},
        {"top": ("bald", "mohawk", "quiff", "bun", "messy", *HATS)},
    ),
    _p(
        "big voluminous hair",
        "top",
        ("curly", "afro"),
        {
            "has": "voluminous hair; big hair; big curly or frizzy hair; huge hair; bushy hair; "
            "puffy hair;"
            "a big hairdo; hair with a lot of volume; thick fluffy hair; a round cloud of hair;"
            "textured round hair",
            "adj": "big-haired",
        },
        {"has": "a giant mane; a bouffant; a lot of springy hair; an enormous hairdo"},
        {"top": ("wavy", "dreads", "messy")},
    ),
    _p(
        "hair on the head",
        "top",
        tuple(n for n in GROUP["top"].names if n not in ("bald", "buzzcut", "mohawk", *HATS)),
        {
            "has": "a full head of hair; hair on the head; a lot of hair; plenty of hair; "
            "thick hair;"
            "hair that covers the head; a healthy head of hair; visible hair",
            "verb": "not bald; no longer bald",
        },
        {
            "has": "an abundance of hair; hair on top of the head",
            "verb": "with a good growth of hair",
        },
        {"top": ("buzzcut", "mohawk", *HATS)},
    ),
)

_MOUTHS = (
    _p(
        "serious mouth",
        "mouth",
        "serious",
        {
            "has": "a serious mouth; a straight mouth; a flat mouth; a neutral mouth; "
            "straight lips; lips in a straight line; an expressionless mouth; "
            "a mouth like a straight line; "
            "a mouth without expression; a horizontal mouth",
        },
        {"has": "an impassive mouth; a stern straight line for a mouth; a level mouth"},
    ),
    _p(
        "expressionless",
        "mouth",
        "serious",
        {
            "has": "a serious expression; a neutral expression; a blank expression; a poker face; "
            "a serious face; no expression; a neutral face",
            "adj": "serious; expressionless; deadpan; emotionless",
        },
        {"has": "a face showing no emotion; an impassive look", "adj": "straight-faced; unmoved"},
        {"brows": ("angry", "worried", "raised"), "eyes": ("wide", "hearts")},
    ),
    _p(
        "gentle smile",
        "mouth",
        "gentle smile",
        {
            "has": "a gentle smile; a slight smile; a soft smile; a closed-mouth smile; "
            "a small smile;"
            "a faint smile; a subtle smile; a smile with the lips closed; a polite smile; "
            "a mild grin",
            "verb": "smiling gently; smiling softly; smiling with closed lips; smiling a little",
        },
        {"has": "a Mona Lisa smile; a hint of a smile; a shy smile", "verb": "faintly smiling"},
    ),
    _p(
        "toothy smile",
        "mouth",
        "toothy smile",
        {
            "has": "a toothy smile; a toothy grin; an open smile showing the upper teeth; "
            "a happy open grin;"
            "a bright open smile; a smile with white teeth; a cheerful grin; a joyful open smile",
            "verb": "grinning; smiling with an open mouth; smiling and showing teeth",
        },
        {
            "has": "a grin with the teeth on show; a dazzling white-toothed smile",
            "verb": "grinning from ear to ear",
        },
    ),
    _p(
        "laugh",
        "mouth",
        "laugh",
        {
            "has": "a laugh; a big laugh; a laughing mouth; a hearty laugh; "
            "a wide open laughing mouth;"
            "a huge smile; a big smile; a broad smile; a beaming smile",
            "verb": "laughing; laughing out loud; laughing happily; roaring with laughter",
        },
        {
            "has": "a belly laugh; a mouth wide with laughter",
            "verb": "cracking up; chuckling heartily",
        },
    ),
    _p(
        "sad mouth",
        "mouth",
        "sad",
        {
            "has": "a sad mouth; a frown on the lips; a downturned mouth; "
            "mouth corners turned down; a pout;"
            "a gloomy mouth; a sulky mouth; a mouth curved downwards; drooping lips",
            "verb": "pouting; sulking; with the corners of the mouth down",
        },
        {
            "has": "an upside-down smile; a glum mouth; a crestfallen mouth",
            "verb": "turning the lips down",
        },
    ),
    _p(
        "screaming",
        "mouth",
        "scream",
        {
            "has": "a screaming mouth; a shouting mouth; a scream; a mouth open in a scream;"
            "a yelling mouth; a mouth open in shock; a gaping mouth; a terrified open mouth",
            "verb": "screaming; shouting; yelling; crying out loud; screaming in terror",
        },
        {"has": "a mouth howling in horror; a bawling mouth", "verb": "shrieking; hollering"},
    ),
    _p(
        "tongue out",
        "mouth",
        "tongue",
        {
            "has": "the tongue out; a tongue sticking out; a visible tongue; a tongue poking out;"
            "a playful tongue; the tongue hanging out; a silly face with the tongue out",
            "verb": "sticking out the tongue; poking the tongue out; showing the tongue; "
            "making a silly face",
            "adj": "goofy; silly",
        },
        {
            "has": "a cheeky tongue on show",
            "verb": "blowing a raspberry; putting the tongue out",
            "adj": "clownish",
        },
    ),
    _p(
        "grimace",
        "mouth",
        "grimace",
        {
            "has": "a grimace; clenched teeth; gritted teeth; bared teeth; "
            "a mouth full of clenched teeth;"
            "an awkward grimace; teeth pressed together; a strained mouth; a nervous clenched grin",
            "verb": "grimacing; gritting the teeth; clenching the teeth; baring the teeth",
        },
        {"has": "a cringe; a wince with all teeth on show", "verb": "wincing; gnashing the teeth"},
    ),
    _p(
        "open mouth",
        "mouth",
        ("toothy smile", "laugh", "scream", "tongue"),
        {
            "has": "an open mouth; a wide open mouth; the mouth open; a mouth that is open; "
            "parted lips;"
            "an agape mouth; jaws wide open",
            "clause": "the mouth is open; the mouth is wide open",
            "adj": "open-mouthed",
            "verb": "opening the mouth",
        },
        {
            "has": "a yawning mouth; lips far apart",
            "clause": "the jaw has dropped",
            "verb": "with the mouth agape",
        },
        {"mouth": ("grimace",)},
    ),
    _p(
        "closed mouth",
        "mouth",
        ("serious", "gentle smile", "sad"),
        {
            "has": "a closed mouth; closed lips; the mouth shut; lips pressed together; "
            "sealed lips;"
            "a shut mouth; the mouth closed; no teeth visible",
            "clause": "the mouth is closed; the lips are shut",
            "adj": "tight-lipped",
            "verb": "keeping the mouth shut",
        },
        {
            "has": "lips that touch; lips held together",
            "clause": "the mouth stays shut",
            "verb": "saying nothing",
        },
        {"mouth": ("grimace",)},
    ),
    _p(
        "a smile",
        "mouth",
        SMILES,
        {
            "has": "a smile; a smiling mouth; a smile on the face; a friendly smile; a nice smile;"
            "a smiley face; a pleasant smile; a happy smile; smiling lips",
            "verb": "smiling; smiling at the camera; who smiles",
            "clause": "the mouth is smiling",
        },
        {
            "has": "upturned lips; a mouth curved into a smile; lips curling upwards",
            "verb": "flashing a smile",
        },
        {"mouth": ("tongue",)},
    ),
    _p(
        "happy",
        "mouth",
        SMILES,
        {
            "adj": "happy; cheerful; joyful; glad; delighted; merry",
            "has": "a happy face; a cheerful expression; a happy expression; a look of joy",
            "verb": "looking happy; in a good mood",
        },
        {"adj": "jolly; gleeful", "has": "a face full of joy", "verb": "radiating happiness"},
        {"mouth": ("tongue",), **_BAD_MOOD},
    ),
    _p(
        "showing teeth",
        "mouth",
        ("toothy smile", "laugh", "grimace"),
        {
            "has": "visible teeth; teeth showing; white teeth; exposed teeth; teeth on display;"
            "a mouth with visible teeth; a row of teeth showing",
            "verb": "showing the teeth; revealing white teeth",
            "clause": "the teeth are visible",
        },
        {
            "has": "uncovered teeth; teeth that can be seen",
            "verb": "flashing the teeth; displaying pearly whites",
        },
        {"mouth": ("scream", "tongue")},
    ),
    _p(
        "not smiling",
        "mouth",
        ("serious", "sad", "scream"),
        {
            "has": "no smile; no smile on the face; an unsmiling mouth; no trace of a smile;"
            "an unhappy mouth; a mouth that does not smile",
            "verb": "not smiling; without a smile; who does not smile; refusing to smile",
        },
        {
            "has": "a smile-free mouth; no grin at all",
            "verb": "declining to smile; who stopped smiling",
        },
        {"mouth": ("tongue", "grimace")},
    ),
    _p(
        "sad",
        "mouth",
        "sad",
        {
            "adj": "sad; unhappy; gloomy; miserable; depressed; melancholic",
            "has": "a sad face; a sad expression; an unhappy expression; a sorrowful look",
            "verb": "looking sad; feeling down",
        },
        {"adj": "downcast; sorrowful", "has": "a face full of grief", "verb": "down in the dumps"},
        {"brows": ("worried", "angry")},
    ),
    _p(
        "scared",
        "mouth",
        "scream",
        {
            "adj": "scared; terrified; frightened; horrified; panicking; afraid",
            "has": "a terrified face; a look of horror; a frightened expression; a panicked face",
            "verb": "crying out in fear; looking terrified",
        },
        {
            "adj": "petrified; panic-stricken",
            "has": "an expression of sheer terror",
            "verb": "scared to death",
        },
        {"eyes": ("wide",), "brows": ("worried",)},
    ),
)

_EYES = (
    _p(
        "ordinary eyes",
        "eyes",
        "plain",
        {
            "has": "ordinary eyes; plain eyes; normal eyes; simple dot eyes; small round eyes;"
            "eyes that look normal; relaxed eyes; neutral eyes; two black dots for eyes;"
            "calm open eyes",
            "verb": "looking straight ahead",
        },
        {
            "has": "unremarkable eyes; regular eyes; small dark dots as eyes",
            "verb": "gazing calmly forward",
        },
        _ONE_EYE,
    ),
    _p(
        "closed eyes",
        "eyes",
        "closed",
        {
            "has": "closed eyes; shut eyes; the eyes closed; eyelids shut; lowered eyelids; "
            "both eyes closed;"
            "eyes shut in sleep",
            "verb": "sleeping; closing the eyes; resting with eyes closed",
            "clause": "the eyes are closed; both eyes are shut",
            "adj": "sleeping; asleep",
        },
        {
            "has": "eyes that are shut",
            "verb": "snoozing; dozing off; meditating",
            "clause": "the eyelids are down",
        },
        _ONE_EYE,
    ),
    _p(
        "wide eyes",
        "eyes",
        "wide",
        {
            "has": "wide eyes; wide open eyes; big round eyes; surprised eyes; staring eyes; "
            "bulging eyes;"
            "huge white eyes; shocked eyes; goggling eyes",
            "adj": "wide-eyed",
            "verb": "staring with wide eyes; opening the eyes wide",
            "clause": "the eyes are wide open",
        },
        {"has": "saucer eyes; popping eyes; enormous startled eyes", "adj": "goggle-eyed"},
        _HIDDEN_EYES,
    ),
    _p(
        "surprised",
        "eyes",
        "wide",
        {
            "adj": "surprised; astonished; shocked; amazed; startled; stunned",
            "has": "a surprised look; a look of surprise; a surprised expression; "
            "an astonished look;"
            "a shocked look",
            "verb": "looking surprised; staring in surprise; reacting with amazement",
        },
        {
            "adj": "flabbergasted; taken aback",
            "has": "an expression of astonishment",
            "verb": "gazing in awe",
        },
        {**_HIDDEN_EYES, "brows": ("raised",), "mouth": ("scream",)},
    ),
    _p(
        "heart eyes",
        "eyes",
        "hearts",
        {
            "has": "heart eyes; hearts for eyes; heart-shaped eyes; red hearts in the eyes; "
            "love-heart eyes;"
            "lovestruck eyes; eyes like hearts; hearts in place of the eyes",
            "adj": "in love; lovestruck; infatuated",
            "verb": "falling in love; looking with love",
        },
        {
            "has": "valentine eyes; pupils shaped like hearts",
            "adj": "smitten",
            "verb": "head over heels in love",
        },
        _HIDDEN_EYES,
    ),
    _p(
        "winking",
        "eyes",
        "wink",
        {
            "has": "a wink; one eye closed; a winking eye; one eye shut; a cheeky wink; "
            "one closed eye",
            "verb": "winking; winking at the viewer; giving a wink; winking one eye; "
            "closing one eye",
            "clause": "one eye is closed",
        },
        {
            "has": "a flirty wink; a single shut eye",
            "verb": "who winks playfully; blinking with one eye",
        },
        _ONE_EYE,
    ),
    _p(
        "squinting",
        "eyes",
        "squint",
        {
            "has": "squinting eyes; narrowed eyes; half-closed eyes; narrow eyes; suspicious eyes;"
            "a squint; slit eyes; eyes cut off at the top; sceptical eyes; heavy-lidded eyes",
            "verb": "squinting; narrowing the eyes; looking suspiciously",
        },
        {
            "has": "hooded eyes; eyes like slits; a doubtful squint",
            "verb": "peering; screwing up the eyes",
        },
        _HIDDEN_EYES,
    ),
    _p(
        "open eyes",
        "eyes",
        ("plain", "wide", "squint"),
        {
            "has": "open eyes; eyes that are open; both eyes open; uncovered open eyes; eyes open",
            "verb": "keeping the eyes open; looking at the viewer; with both eyes open",
            "clause": "the eyes are open; both eyes are open",
            "adj": "awake; wide awake",
        },
        {
            "has": "eyes not closed; unclosed eyes",
            "clause": "the eyelids are up",
            "verb": "who is awake",
        },
        {**_ONE_EYE, "eyes": ("hearts", "wink")},
    ),
    _p(
        "large eyes",
        "eyes",
        ("wide", "hearts"),
        {
            "has": "large eyes; big eyes; very big eyes; enlarged eyes; oversized eyes; "
            "eyes that stand out;"
            "cartoonishly large eyes; eye-catching eyes; huge eyes; prominent eyes",
            "adj": "big-eyed",
        },
        {"has": "giant eyes; eyes of great size; doe eyes"},
        {**_HIDDEN_EYES, "eyes": ("squint",)},
    ),
    _p(
        "at least one eye shut",
        "eyes",
        ("closed", "wink"),
        {
            "has": "an eye that is shut; an eye closed; at least one eye shut; a closed eyelid;"
            "an eyelid down; eyes not fully open",
            "verb": "not opening both eyes; shutting an eye; closing an eye",
            "clause": "an eye is closed; an eyelid is shut",
        },
        {"has": "an eye that cannot see; an eye covered by its lid", "clause": "some eye is shut"},
        {**_ONE_EYE, "eyes": ("squint",)},
    ),
)

_BROWS = (
    _p(
        "natural eyebrows",
        "brows",
        "natural",
        {
            "has": "natural eyebrows; relaxed eyebrows; normal eyebrows; ordinary eyebrows; "
            "neutral brows;"
            "calm brows; plain brows; regular eyebrows; level brows; unexpressive eyebrows",
        },
        {"has": "resting eyebrows; everyday brows; unremarkable eyebrows"},
    ),
    _p(
        "raised eyebrows",
        "brows",
        "raised",
        {
            "has": "raised eyebrows; lifted eyebrows; high eyebrows; arched eyebrows; raised brows;"
            "excited eyebrows; eyebrows pulled up; eyebrows high on the forehead",
            "verb": "raising the eyebrows; lifting the brows",
            "clause": "the eyebrows are raised",
        },
        {"has": "uplifted brows; eyebrows shooting up", "verb": "who arches both eyebrows"},
    ),
    _p(
        "angry eyebrows",
        "brows",
        "angry",
        {
            "has": "angry eyebrows; furious brows; slanted eyebrows; eyebrows drawn down in anger;"
            "V-shaped eyebrows; a scowl; lowered angry brows; fierce eyebrows; knitted brows;"
            "furrowed brows",
            "verb": "scowling; glowering",
        },
        {"has": "menacing brows; eyebrows slanting inwards; a thunderous brow", "verb": "glaring"},
    ),
    _p(
        "worried eyebrows",
        "brows",
        "worried",
        {
            "has": "worried eyebrows; sad eyebrows; concerned eyebrows; anxious brows; "
            "slanting sad brows;"
            "eyebrows tilted up in the middle; upset brows; pleading eyebrows; troubled brows",
            "clause": "the eyebrows look worried",
        },
        {"has": "apprehensive brows; puppy-dog eyebrows; eyebrows of concern"},
    ),
    _p(
        "unibrow",
        "brows",
        "unibrow",
        {
            "has": "a unibrow; a monobrow; one continuous eyebrow; joined eyebrows; "
            "connected eyebrows;"
            "eyebrows that meet in the middle; a single long eyebrow; thick connected brows;"
            "grown-together eyebrows; a single bushy brow",
        },
        {"has": "a Frida Kahlo brow; merged eyebrows; one eyebrow across the forehead"},
    ),
    _p(
        "angry",
        "brows",
        "angry",
        {
            "adj": "angry; furious; mad; annoyed; irritated; enraged; cross",
            "has": "an angry face; an angry expression; an angry look; a furious look",
            "verb": "looking angry; frowning in anger; losing their temper",
        },
        {"adj": "fuming; irate", "has": "an expression of rage", "verb": "seething with anger"},
        _GOOD_MOOD,
    ),
    _p(
        "worried",
        "brows",
        "worried",
        {
            "adj": "worried; anxious; concerned; nervous; troubled; uneasy",
            "has": "a worried look; a worried expression; an anxious face; a concerned look",
            "verb": "looking worried; feeling anxious",
        },
        {
            "adj": "apprehensive; distressed",
            "has": "an expression of unease",
            "verb": "fretting about something",
        },
        _GOOD_MOOD,
    ),
    _p(
        "frowning",
        "brows",
        ("angry", "worried"),
        {
            "verb": "frowning; contracting the eyebrows; wrinkling the brow",
            "has": "a frowning brow; frowning eyebrows; slanted brows; tense eyebrows; "
            "bent eyebrows;"
            "contracted brows; strained brows",
        },
        {
            "has": "eyebrows in a frown; a brow bent by emotion",
            "verb": "with a troubled or cross brow",
        },
        {"mouth": ("sad",), "brows": ("unibrow",)},
    ),
)

_GLASSES = (
    _p(
        "no glasses",
        "glasses",
        "none",
        {
            "has": "no glasses; no glasses on; an uncovered face; nothing over the eyes; "
            "no eyewear;"
            "bare eyes; no spectacles; no sunglasses",
            "verb": "not wearing glasses; without glasses; without eyewear; "
            "who does not wear glasses",
        },
        {
            "has": "the glasses taken off; unbespectacled eyes",
            "verb": "without any spectacles; going without specs",
        },
        {"glasses": ("eyepatch",)},
    ),
    _p(
        "square glasses",
        "glasses",
        "square glasses",
        {
            "wear": "square glasses; rectangular glasses; thick-framed glasses; "
            "glasses with square frames;"
            "black-rimmed square glasses; nerdy glasses; hipster glasses; angular glasses;"
            "chunky black frames; square-framed eyeglasses; thick black glasses",
        },
        {"wear": "boxy spectacles; horn-rimmed glasses; wayfarer reading glasses; geek specs"},
    ),
    _p(
        "round glasses",
        "glasses",
        "round glasses",
        {
            "wear": "round glasses; circular glasses; round-framed glasses; "
            "glasses with round lenses;"
            "Harry Potter glasses; wire-rimmed round glasses; round spectacles; round eyeglasses;"
            "round specs; thin round frames",
        },
        {"wear": "John Lennon glasses; circle-shaped eyewear; owlish spectacles"},
    ),
    _p(
        "sunglasses",
        "glasses",
        "sunglasses",
        {
            "wear": "sunglasses; dark sunglasses; shades; dark glasses; black sunglasses; "
            "tinted glasses;"
            "cool shades; sunnies; glasses with dark lenses; tinted shades; aviator sunglasses",
            "verb": "hiding the eyes behind dark lenses",
        },
        {"wear": "Ray-Bans; blacked-out eyewear; sun specs; opaque dark lenses"},
    ),
    _p(
        "eyepatch",
        "glasses",
        "eyepatch",
        {
            "wear": "an eyepatch; an eye patch; a pirate patch; a black eyepatch; "
            "a patch over one eye;"
            "a patch on the eye; a pirate's eyepatch; a black patch covering an eye",
            "adj": "one-eyed; pirate-like",
            "verb": "dressed as a pirate",
        },
        {
            "wear": "a buccaneer's patch; an eye cover with a strap",
            "has": "one eye covered by a patch",
        },
    ),
    _p(
        "glasses",
        "glasses",
        ("square glasses", "round glasses", "sunglasses"),
        {
            "wear": "glasses; spectacles; eyeglasses; specs; a pair of glasses; eyewear; "
            "some glasses;"
            "glasses on the nose; a pair of spectacles",
            "adj": "bespectacled",
            "verb": "wearing glasses",
        },
        {"wear": "a pair of specs; goggles; bifocals", "has": "lenses in front of the eyes"},
    ),
    _p(
        "clear glasses",
        "glasses",
        ("square glasses", "round glasses"),
        {
            "wear": "reading glasses; prescription glasses; clear glasses; see-through glasses;"
            "glasses with clear lenses; corrective glasses; optical glasses; transparent lenses;"
            "glasses for short sight; ordinary eyeglasses",
            "adj": "nerdy",
        },
        {"wear": "glasses from the optician; untinted spectacles; librarian glasses"},
    ),
)

_BEARDS = (
    _p(
        "no beard",
        "beard",
        "none",
        {
            "has": "no beard; no facial hair; a clean-shaven face; a smooth chin; a hairless chin;"
            "no moustache; bare cheeks and chin",
            "adj": "clean-shaven; beardless; smooth-faced",
            "verb": "without a beard; without facial hair; freshly shaved",
        },
        {
            "has": "a chin without stubble; a face free of whiskers",
            "adj": "well-shaven",
            "verb": "without whiskers",
        },
    ),
    _p(
        "short beard",
        "beard",
        "short beard",
        {
            "has": "a short beard; a light beard; a thin beard; a trimmed beard; "
            "a neat short beard;"
            "a stubbly beard; a close-cropped beard; stubble; a five o'clock shadow; a goatee;"
            "a thin strip of beard along the jaw",
        },
        {"has": "a chinstrap beard; designer stubble; a closely clipped beard"},
    ),
    _p(
        "full beard",
        "beard",
        "full beard",
        {
            "has": "a full beard; a medium beard; a thick beard; a dense beard; "
            "a medium-length beard;"
            "a rounded full beard; a beard covering the cheeks; a well-grown beard; "
            "a hipster beard;"
            "a manly beard",
        },
        {"has": "a beard of moderate length; a hearty rounded beard; a solid beard on the jaw"},
    ),
    _p(
        "long beard",
        "beard",
        "long beard",
        {
            "has": "a long beard; a big beard; a majestic beard; a huge beard; a wizard's beard;"
            "a very long beard; a beard down to the chest; a Viking beard; an enormous beard;"
            "a lumberjack beard",
        },
        {"has": "a Gandalf beard; a flowing beard; a beard that hides the neck"},
    ),
    _p(
        "moustache",
        "beard",
        "moustache",
        {
            "has": "a moustache; a mustache; a thick moustache; a handlebar moustache; "
            "a bushy mustache;"
            "hair above the upper lip; a big moustache; a walrus moustache; a Mario moustache;"
            "only a moustache and no beard",
            "adj": "moustached; mustachioed",
        },
        {"has": "a tash; whiskers on the upper lip; a Tom Selleck lip; a broad 'stache"},
    ),
    _p(
        "a beard",
        "beard",
        BEARDS,
        {
            "has": "a beard; a beard on the chin; hair on the chin; a hairy chin; a bearded face;"
            "a beard on the face; beard hair; a grown beard",
            "adj": "bearded",
            "verb": "growing a beard; sporting a beard",
        },
        {"has": "chin whiskers; a fuzzy chin; hair along the jaw", "verb": "who let a beard grow"},
    ),
    _p(
        "facial hair",
        "beard",
        (*BEARDS, "moustache"),
        {
            "has": "facial hair; hair on the face; whiskers; a beard or moustache; "
            "some facial hair;"
            "an unshaven face; hairy cheeks or lip; a hairy face",
            "adj": "unshaven; whiskered",
            "verb": "growing facial hair; who has not shaved",
        },
        {
            "has": "growth on the face; bristles on the face",
            "adj": "hairy-faced",
            "verb": "who never shaves",
        },
    ),
    _p(
        "bushy beard",
        "beard",
        ("full beard", "long beard"),
        {
            "has": "a bushy beard; a heavy beard; a large dark beard; a voluminous beard; "
            "a shaggy beard;"
            "an unruly thick beard; a substantial beard; an impressive beard; a beard of some size",
            "adj": "heavily bearded",
        },
        {"has": "a massive growth of beard; a beard like a sailor's; an ample beard"},
    ),
)

_CLOTHES = (
    _p(
        "t-shirt",
        "clothes",
        "t-shirt",
        {
            "wear": "a t-shirt; a plain t-shirt; a crew neck shirt; a tee; a simple tee shirt; "
            "a round-neck shirt;"
            "a crew-neck t-shirt; a basic shirt; a plain jersey; a simple top",
        },
        {"wear": "a tee with a round collar; an undecorated top; a cotton tee"},
    ),
    _p(
        "hoodie",
        "clothes",
        "hoodie",
        {
            "wear": "a hoodie; a hooded sweatshirt; a hooded sweater; a sweatshirt with a hood;"
            "a hoody with drawstrings; a jumper with a hood; a sweatshirt with strings; "
            "a comfy hoodie;"
            "a casual hooded top; a pullover hoodie",
        },
        {"wear": "a hooded pullover; a kangaroo sweater; a top with a hood and laces"},
    ),
    _p(
        "overalls",
        "clothes",
        "overalls",
        {
            "wear": "overalls; dungarees; an overall with shoulder straps; denim overalls; "
            "bib overalls;"
            "farmer's overalls; a bib and brace; work overalls; "
            "trousers with straps over the shoulders;"
            "a pinafore with straps",
            "has": "bare shoulders with straps",
        },
        {"wear": "a farmer's dungarees; a strapped work suit; a jumpsuit with a bib"},
    ),
    _p(
        "blazer",
        "clothes",
        "blazer",
        {
            "wear": "a blazer; a suit jacket; a jacket over a shirt; a suit; a business jacket; "
            "a sports coat;"
            "a dark jacket; an open jacket; a smart jacket; a formal jacket; a jacket",
            "verb": "dressed for the office",
        },
        {"wear": "a dinner jacket; business attire; an open suit coat; a tuxedo"},
    ),
    _p(
        "collared sweater",
        "clothes",
        "collared sweater",
        {
            "wear": "a collared sweater; a sweater with a collar; a sweater over a white collar;"
            "a jumper with a shirt collar; a preppy sweater; a school uniform sweater; "
            "a polo sweater;"
            "a white collar; a pullover with a collar; a sweater",
        },
        {"wear": "a knitted pullover above a collared shirt; a college jumper; a cardigan"},
        {"clothes": ("hoodie",)},
    ),
    _p(
        "casual clothes",
        "clothes",
        ("t-shirt", "hoodie", "overalls"),
        {
            "wear": "casual clothes; casual clothing; informal clothes; everyday clothes; "
            "leisure wear;"
            "relaxed clothing; a casual outfit; comfortable clothes; streetwear",
            "verb": "dressed casually; casually dressed",
        },
        {"wear": "weekend clothes; laid-back garments; non-formal attire", "verb": "dressed down"},
        {"clothes": ("collared sweater",)},
    ),
    _p(
        "formal clothes",
        "clothes",
        "blazer",
        {
            "wear": "formal clothes; formal clothing; business clothes; smart clothes; "
            "elegant clothes;"
            "office wear; a formal outfit; dressy clothes",
            "verb": "dressed formally; dressed up; smartly dressed",
        },
        {
            "wear": "a professional outfit; black-tie attire; boardroom clothes",
            "verb": "dressed to impress",
        },
        {"clothes": ("collared sweater",)},
    ),
    _p(
        "a warm top",
        "clothes",
        ("hoodie", "collared sweater"),
        {
            "wear": "a warm sweater or hoodie; a jumper; a pullover; a sweatshirt; knitwear; "
            "a warm top;"
            "a cosy pullover; a long-sleeved pullover; a woollen jumper; a thick jersey",
        },
        {"wear": "a woolly; winter knitwear; a snug jumper"},
        {"clothes": ("blazer",)},
    ),
)

_HAIR_COLORS = (
    _p(
        "black hair",
        "hair color",
        "black",
        {
            "has": "black hair; jet-black hair; raven hair; hair as black as coal; "
            "very dark hair; ebony hair;"
            "hair dyed black; a black hairdo; pitch-black hair; inky hair; hair of a black colour",
            "adj": "black-haired; raven-haired",
            "clause": "the hair is black",
        },
        {"has": "hair like the night; onyx-coloured hair; sable locks", "adj": "sable-haired"},
        _HIDDEN_HAIR,
    ),
    _p(
        "brown hair",
        "hair color",
        "brown",
        {
            "has": "brown hair; chestnut hair; brunette hair; chocolate brown hair; "
            "hair of a brown colour;"
            "hazel hair; hair dyed brown; mahogany hair; nut-brown hair; a brown hairdo",
            "adj": "brown-haired; brunette",
            "clause": "the hair is brown",
        },
        {"has": "coffee-coloured hair; walnut-coloured hair; brunet locks"},
        _HIDDEN_HAIR,
    ),
    _p(
        "blond hair",
        "hair color",
        "blond",
        {
            "has": "blond hair; blonde hair; golden hair; fair hair; yellow hair; "
            "honey-coloured hair;"
            "sandy hair; hair dyed blond; blonde locks; sunny yellow hair; a blond hairdo",
            "adj": "blond; blonde; fair-haired; golden-haired",
            "clause": "the hair is blond",
        },
        {"has": "flaxen hair; straw-coloured hair; wheat-blond hair; peroxide hair"},
        _HIDDEN_HAIR,
    ),
    _p(
        "red hair",
        "hair color",
        "red",
        {
            "has": "red hair; ginger hair; orange hair; auburn hair; copper hair; "
            "flaming red hair; bright red hair;"
            "hair dyed red; carrot-coloured hair; fiery hair; a red hairdo",
            "adj": "red-haired; ginger; redheaded",
            "clause": "the hair is red",
        },
        {"has": "titian hair; scarlet hair; rust-coloured locks; strawberry-red hair"},
        _HIDDEN_HAIR,
    ),
    _p(
        "gray hair",
        "hair color",
        "gray",
        {
            "has": "gray hair; grey hair; silver hair; salt-and-pepper hair; ash-gray hair; "
            "steel-grey hair;"
            "hair dyed gray; hair that has turned grey; a gray hairdo; silvery locks",
            "adj": "gray-haired; grey-haired; silver-haired",
            "clause": "the hair is gray",
        },
        {"has": "pewter hair; greying hair; slate-coloured hair", "adj": "grizzled"},
        _HIDDEN_HAIR,
    ),
    _p(
        "white hair",
        "hair color",
        "white",
        {
            "has": "white hair; snow-white hair; hair as white as snow; pure white hair; "
            "platinum white hair;"
            "bleached white hair; hair of a white colour; ivory hair; a white hairdo; "
            "cotton-white hair",
            "adj": "white-haired",
            "clause": "the hair is white",
        },
        {"has": "snowy hair; chalk-coloured hair; hoary locks", "adj": "snowy-haired"},
        _HIDDEN_HAIR,
    ),
    _p(
        "pink hair",
        "hair color",
        "pink",
        {
            "has": "pink hair; hair dyed pink; bubblegum pink hair; rose-coloured hair; "
            "candy-pink hair;"
            "bright pink hair; hot pink locks; hair of a pink colour; a pink hairdo; rosy hair",
            "adj": "pink-haired",
            "clause": "the hair is pink",
        },
        {"has": "flamingo-coloured hair; cotton-candy hair; magenta locks"},
        _HIDDEN_HAIR,
    ),
    _p(
        "blue hair",
        "hair color",
        "blue",
        {
            "has": "blue hair; hair dyed blue; bright blue hair; royal blue hair; "
            "electric blue hair;"
            "ocean-blue locks; hair of a blue colour; a blue hairdo; sapphire hair; navy hair",
            "adj": "blue-haired",
            "clause": "the hair is blue",
        },
        {"has": "cobalt hair; Smurf-coloured hair; azure locks"},
        _HIDDEN_HAIR,
    ),
    _p(
        "light hair",
        "hair color",
        ("blond", "white"),
        {
            "has": "light hair; light-coloured hair; pale hair; bleached hair; bright light hair;"
            "hair in a light shade; lightened hair; pale-toned hair",
            "adj": "light-haired; pale-haired",
            "clause": "the hair is light",
        },
        {"has": "hair of a light tone; sun-bleached hair; barely coloured hair"},
        {**_HIDDEN_HAIR, "hair color": ("gray", "pink")},
    ),
    _p(
        "dark hair",
        "hair color",
        ("black", "brown"),
        {
            "has": "dark hair; dark-coloured hair; hair in a dark shade; deep dark hair; "
            "dark locks;"
            "darkened hair; dark-toned hair; hair of a dark tone",
            "adj": "dark-haired",
            "clause": "the hair is dark",
        },
        {"has": "a dark mane; hair lacking any brightness; dusky hair"},
        {**_HIDDEN_HAIR, "hair color": ("blue", "red")},
    ),
    _p(
        "dyed hair",
        "hair color",
        ("pink", "blue"),
        {
            "has": "dyed hair; colourful hair; unnatural hair colour; brightly dyed hair; "
            "hair in a crazy colour;"
            "fancy coloured hair; artificially coloured hair; hair in pink or blue; "
            "candy-coloured hair;"
            "hair dyed an unusual color",
        },
        {"has": "anime-coloured hair; punk-coloured hair; hair of a colour not found in nature"},
        _HIDDEN_HAIR,
    ),
    _p(
        "hair of an old person",
        "hair color",
        ("gray", "white"),
        {
            "has": "gray or white hair; colourless hair; hair gone grey or white; "
            "an old person's hair colour;"
            "hair without colour; hair that lost its colour; a grandparent's hair colour; "
            "aged hair;"
            "faded hair; hair whitened by age",
        },
        {"has": "a pensioner's hair colour; hair silvered by the years; elderly-looking hair"},
        _HIDDEN_HAIR,
    ),
)


def _shirt(color: str, train: str, held_out: str, shades: str) -> Predicate:
    """Clothes of one colour: the forms every colour shares, then what is particular to it."""
    common = (
        f"{color} clothes; a {color} shirt; a {color} top; {color} clothing; a {color} outfit;"
        f"a {color} sweater; clothes in {color}"
    )
    return _p(
        f"{color} clothes",
        "clothes color",
        color,
        {
            "wear": f"{common};{train}",
            "verb": f"dressed in {color}; wearing {color}",
            "clause": f"the clothes are {color}",
        },
        {"wear": f"{held_out}; a garment of {shades} cloth", "verb": f"clad in {color}"},
        _OVER_SHIRT if color == "black" else None,
    )


_CLOTHES_COLORS = (
    _shirt("black", "jet-black garments", "a coal-coloured shirt; ebony clothes", "black"),
    _shirt("white", "snow-white garments", "an ivory shirt; milk-white clothes", "white"),
    _shirt(
        "red", "scarlet garments; a crimson shirt", "a ruby shirt; tomato-coloured clothes", "red"
    ),
    _shirt(
        "blue", "azure garments; a sky-blue shirt", "a cobalt shirt; denim-blue clothes", "blue"
    ),
    _shirt(
        "green", "emerald garments; a grass-green shirt", "a leafy shirt; mint clothes", "green"
    ),
    _shirt("yellow", "golden garments; a lemon shirt", "a mustard shirt; sunny clothes", "yellow"),
    _shirt("pink", "rose garments; a hot pink shirt", "a magenta shirt; bubblegum clothes", "pink"),
    _shirt("purple", "violet garments; a lavender shirt", "a plum shirt; lilac clothes", "purple"),
    _p(
        "bright clothes",
        "clothes color",
        ("yellow", "pink", "red"),
        {
            "wear": "bright clothes; vivid clothes; brightly coloured clothes; a bright shirt; "
            "cheerful clothes;"
            "a bright outfit; warm-coloured clothes; a vivid top; loud clothes",
            "verb": "dressed in bright colours",
        },
        {"wear": "flashy garments; a gaudy shirt; glowing warm-toned clothes"},
        {"clothes color": ("green", "blue", "purple", "white"), **_OVER_SHIRT},
    ),
    _p(
        "dark clothes",
        "clothes color",
        "black",
        {
            "wear": "dark clothes; dark clothing; a dark shirt; a dark outfit; gloomy clothes; "
            "a dark top;"
            "dark-coloured clothes; dark garments",
            "verb": "dressed in dark colours; dressed darkly",
        },
        {
            "wear": "sombre garments; shadowy attire",
            "verb": "dressed for a funeral; clothed in darkness",
        },
        {"clothes color": ("purple", "blue", "green", "red"), **_OVER_SHIRT},
    ),
    _p(
        "light clothes",
        "clothes color",
        ("white", "yellow"),
        {
            "wear": "light clothes; light-coloured clothes; a light shirt; pale clothes; "
            "a light top;"
            "clothes in a light colour; a pale shirt; a light outfit; light-toned garments",
            "verb": "dressed in light colours",
        },
        {"wear": "garments of a pale shade; a bleached shirt; luminous clothes"},
        {"clothes color": ("pink", "green", "blue"), **_OVER_SHIRT},
    ),
)

_SKINS = (
    _p(
        "pale skin",
        "skin",
        "pale",
        {
            "has": "pale skin; very light skin; porcelain skin; white skin; a pale complexion; "
            "milky skin;"
            "a pale face; ivory skin; very fair skin; a pallid complexion",
            "adj": "pale; pale-skinned",
        },
        {"has": "alabaster skin; a bloodless complexion; skin like milk", "adj": "pasty"},
    ),
    _p(
        "light skin",
        "skin",
        "light",
        {
            "has": "light beige skin; peach-coloured skin; light beige complexion; peachy skin;"
            "a light peach face; creamy beige skin; skin the colour of a peach; a beige face; "
            "beige skin",
            "adj": "peach-skinned; beige-skinned",
        },
        {"has": "apricot-toned skin; skin in a light beige tone; a sand-coloured face"},
    ),
    _p(
        "tanned skin",
        "skin",
        "tan",
        {
            "has": "tanned skin; a tan; olive skin; a suntanned face; golden brown skin; "
            "a sun-kissed complexion;"
            "bronzed skin; caramel skin; an olive complexion; medium skin",
            "adj": "tanned; suntanned; olive-skinned",
        },
        {
            "has": "honey-coloured skin; a Mediterranean complexion; a bronze face",
            "adj": "sun-browned",
        },
    ),
    _p(
        "brown skin",
        "skin",
        "brown",
        {
            "has": "brown skin; a brown complexion; medium brown skin; cinnamon skin; "
            "warm brown skin;"
            "skin of a brown colour; a brown face; chestnut-coloured skin; nut-brown skin",
            "adj": "brown-skinned",
        },
        {"has": "coffee-coloured skin; a hazelnut complexion; russet-brown skin"},
    ),
    _p(
        "very dark skin",
        "skin",
        "dark",
        {
            "has": "very dark skin; deep brown skin; black skin; ebony skin; "
            "a very dark complexion;"
            "deep dark skin; dark chocolate skin; a very dark face; the darkest skin",
            "adj": "very dark-skinned; black",
        },
        {"has": "skin like ebony; a mahogany-dark complexion; extremely dark skin"},
    ),
    _p(
        "fair skin",
        "skin",
        ("pale", "light"),
        {
            "has": "fair skin; light skin; a fair complexion; a light complexion; "
            "light-coloured skin;"
            "a light skin tone; a fair face; skin of a light tone",
            "adj": "fair-skinned; light-skinned",
        },
        {"has": "Scandinavian-looking skin; skin that burns easily; a lightly pigmented face"},
    ),
    _p(
        "dark skin",
        "skin",
        ("brown", "dark"),
        {
            "has": "dark skin; a dark complexion; dark brown skin; a dark skin tone; "
            "dark-coloured skin;"
            "a dark face; darker skin; skin of a dark tone; richly pigmented skin",
            "adj": "dark-skinned",
        },
        {"has": "a deep complexion; African-looking skin; a strongly pigmented face"},
    ),
)


def _backdrop(color: str, shades: str, held_out: str) -> Predicate:
    """A background of one hue: the forms every hue shares, then what is particular to it."""
    article = "an" if color[0] in "aeiou" else "a"
    common = (
        f"{article} {color} background; {article} {color} backdrop; {article} {color} wall behind;"
        f"a background in {color}; a pale {color} background; {article} {color} backing;"
        f"{article} {color} scene behind"
    )
    return _p(
        f"{color} background",
        "background",
        color,
        {
            "scene": f"{common};{shades}",
            "clause": f"the background is {color}; the wall is {color}",
        },
        {
            "scene": f"{held_out}; {article} {color} screen at the back",
            "clause": f"everything behind is {color}",
        },
    )


_BACKGROUNDS = (
    _backdrop("red", "a coral background; a reddish background", "a salmon backdrop"),
    _backdrop("orange", "an amber background; an orange-coloured backdrop", "an apricot backdrop"),
    _backdrop("yellow", "a yellowish background; a lemon background", "a sunny-coloured backdrop"),
    _backdrop(
        "green", "a greenish background; a mint green background", "a leaf-coloured backdrop"
    ),
    _backdrop("teal", "a turquoise background; a cyan background", "an aqua backdrop"),
    _backdrop("blue", "a bluish background; a sky-blue background", "an azure backdrop"),
    _backdrop("purple", "a violet background; a lilac background", "a lavender backdrop"),
    _backdrop("pink", "a pinkish background; a rose background", "a magenta backdrop"),
    _p(
        "warm background",
        "background",
        ("red", "orange"),
        {
            "scene": "a warm background; a warm-coloured background; a background in warm tones;"
            "a warm backdrop; a sunset-coloured background; a fiery background; a warm-toned wall;"
            "a background of warm hues",
            "clause": "the background is warm",
        },
        {"scene": "a backdrop in autumn colours; a glowing warm screen; a wall in hot hues"},
        {"background": ("pink", "yellow")},
    ),
    _p(
        "cool background",
        "background",
        ("teal", "blue"),
        {
            "scene": "a cool background; a cold-coloured background; a background in cool tones;"
            "a cool backdrop; an icy background; an ocean-coloured background; a cool-toned wall;"
            "a background of cold hues; a watery background",
            "clause": "the background is cool",
        },
        {"scene": "a backdrop in winter colours; a frosty screen; a wall in cold hues"},
        {"background": ("green", "purple")},
    ),
)

PREDICATES: tuple[Predicate, ...] = (
    *_HAIR_AND_HATS,
    *_MOUTHS,
    *_EYES,
    *_BROWS,
    *_GLASSES,
    *_BEARDS,
    *_CLOTHES,
    *_HAIR_COLORS,
    *_CLOTHES_COLORS,
    *_SKINS,
    *_BACKGROUNDS,
)

PREDICATE: dict[str, Predicate] = {p.name: p for p in PREDICATES}
