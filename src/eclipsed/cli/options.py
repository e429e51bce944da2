"""What the command line's words mean: the shared options, and the small grammars of their values.

Everything here is checked before any work starts, so a wrong value is wrong usage (exit code 2).
This module imports no torch.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from eclipsed.errors import BadSetting
from eclipsed.ranges import whole_numbers

SpaceName = Literal["w+", "w", "z", "s"]
DeviceName = Literal["auto", "cpu", "cuda"]

MAX_SEED = 2**32 - 1  # what RandomState takes
MAX_SEEDS = 10_000
MAX_STRENGTHS = 101
MAX_IMAGES = 1_024  # in one picture

# A drawn mask in place of regions is told by its ending, which no region's name can have.
_DRAWN = re.compile(r"@hard:((?:(?!@hard:).)+?\.png)(?=@|$)", re.IGNORECASE | re.DOTALL)
_REGION = re.compile(r"[^\W_](?:[\w' -]{0,62}\w)?")  # what can be a region's name in a world's file

WorldOption = Annotated[
    str, typer.Option("-w", "--world", help="The world to work in: a name or a folder.")
]
DeviceOption = Annotated[
    DeviceName, typer.Option("--device", help="Where to compute; auto takes a GPU if there is one.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of words for people.")
]
LayersOption = Annotated[
    str | None,
    typer.Option("--layers", metavar="3,4", help="Only these layers of the direction, from 0."),
]
PromptArgument = Annotated[
    str, typer.Argument(help="What should change, such as 'curly hair'.", show_default=False)
]
RegionOption = Annotated[
    str,
    typer.Option(
        "--region",
        metavar="auto|none|NAME[,NAME]",
        help="Where the change belongs; none: anywhere.",
    ),
]
CardsOption = Annotated[
    list[str],
    typer.Option(
        "-d", "--direction", metavar="CARD[=STRENGTH]", help="A direction; may be given again."
    ),
]


@dataclass(frozen=True)
class CardChoice:
    """A direction named on the command line; its strength, or None where none was said.

    layers: None where none were said. hard: whether pixels outside its regions stay; regions: where
    it may reach then, None for the card's own; mask: a picture of where, in place of regions.
    """

    path: Path
    strength: float | None
    layers: tuple[int, ...] | None = None
    hard: bool = False
    regions: tuple[str, ...] | None = None
    mask: Path | None = None


def parse_seeds(text: str, option: str = "--seeds") -> tuple[int, ...]:
    """ "1,2,5-9" → (1, 2, 5, 6, 7, 8, 9); raises BadParameter for anything else."""
    seeds = _integers(text, option=option, largest=MAX_SEED, most=MAX_SEEDS)
    return tuple(seeds)


def parse_seed(seed: int, option: str = "--seed") -> int:
    """The seed itself; raises BadParameter for one that RandomState does not take."""
    if not 0 <= seed <= MAX_SEED:
        raise _wrong(option, f"{seed} is not from 0 to {MAX_SEED}.")
    return seed


def parse_layers(text: str | None) -> tuple[int, ...] | None:
    """ "3,4" or "3-5" → indices, without repetition; None stays None (every layer)."""
    if text is None:
        return None
    numbers = _integers(text, option="--layers", largest=9_999, most=MAX_SEEDS)
    return tuple(sorted(set(numbers)))


def _integers(text: str, *, option: str, largest: int, most: int) -> list[int]:
    try:
        return whole_numbers(text, largest=largest, most=most)
    except BadSetting as error:
        raise _wrong(option, error.message) from error


def parse_strengths(text: str) -> tuple[float, ...]:
    """ "-2:2:5" → (-2, -1, 0, 1, 2), "0,0.5,1" → as listed; raises BadParameter otherwise."""
    parts = text.split(":")
    if len(parts) == 1:
        listed = tuple(_finite(part, "--strengths") for part in text.split(","))
        if len(listed) > MAX_STRENGTHS:
            raise _wrong("--strengths", f"that is more than {MAX_STRENGTHS} at once.")
        return listed
    if len(parts) != 3 or re.fullmatch(r"\s*\d{1,9}\s*", parts[2], re.ASCII) is None:
        raise _wrong("--strengths", f"{text!r} is neither FROM:TO:COUNT nor a list such as -1,0,1.")
    first, last = (_finite(part, "--strengths") for part in parts[:2])
    count = int(parts[2])
    if not 2 <= count <= MAX_STRENGTHS:
        raise _wrong("--strengths", f"the count must be from 2 to {MAX_STRENGTHS}, not {count}.")
    step = (last - first) / (count - 1)
    # Rounding keeps the middle of -2:2:7 at 0 and not at 2e-16.
    return tuple(round(first + step * i, 10) for i in range(count))


def _finite(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _wrong(option, f"{text!r} is not a number.") from None
    if not math.isfinite(number):
        raise _wrong(option, f"{text!r} is not a finite number.")
    return number


def parse_truncation(psi: float) -> float:
    """ψ itself; raises BadParameter for what is no pull towards the mean."""
    if not 0.0 <= psi <= 2.0:
        raise _wrong("--truncation", f"{psi} is not from 0 to 2.")
    return psi


def parse_card(text: str) -> CardChoice:
    """ "smile.safetensors=1.5" → the path and 1.5; without a strength, None.

    After the strength may stand layers and how it is bounded: "=1.5@3-5", "=1.5@hard",
    "=1.5@0,1@hard:hair,hat", "=1.5@hard:mask.png". A path may contain "=": a file
    of that whole name wins, otherwise the last "=" counts unless what follows it is plainly the
    rest of a path.
    """
    whole = Path(text)
    if "=" not in text or whole.is_file():
        return CardChoice(whole, None)
    if (drawn := _DRAWN.search(text)) is not None:
        choice = parse_card(text[: drawn.start()] + text[drawn.end() :])
        if choice.strength is None or choice.hard:
            raise _wrong("-d", f"{text!r} is not CARD=STRENGTH@hard:MASK.png.")
        return replace(choice, hard=True, mask=Path(drawn[1]))
    path, _, strength = text.rpartition("=")
    if "/" in strength or strength.endswith(".safetensors"):
        return CardChoice(whole, None)
    if not path:
        raise _wrong("-d", f"{text!r} names no file before the '='.")
    number, *limits = strength.split("@")
    choice = CardChoice(Path(path), _finite(number, "-d"))
    for limit in limits:
        choice = _limited(choice, limit)
    return choice


def _limited(choice: CardChoice, limit: str) -> CardChoice:
    """A choice kept to layers ("3-5"), or to its regions ("hard") or others ("hard:hair,hat")."""
    word, colon, names = limit.partition(":")
    if word != "hard":
        return replace(choice, layers=parse_layers(limit))
    if not colon:
        return replace(choice, hard=True)
    regions = parse_regions(names)
    if regions is None:
        raise _wrong("-d", "after hard: stand regions such as hair,hat, or none, or a mask.png.")
    return replace(choice, hard=True, regions=regions)


def parse_regions(text: str) -> tuple[str, ...] | None:
    """ "auto" → None, "none" → () (the whole image), "hair,hat" → those names."""
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise _wrong("--region", f"{text!r} is not auto, none or a list such as hair,hat.")
    if names == ("auto",):
        return None
    if names == ("none",):
        return ()
    if {"auto", "none"} & set(names):
        raise _wrong("--region", "auto and none stand alone.")
    return tuple(dict.fromkeys(names))


def parse_naming(text: str) -> dict[int, str]:
    """ "3=roof" or "5,6-8=sky" → number of a cluster → its name; raises BadParameter otherwise."""
    numbers, equals, name = text.partition("=")
    name = name.strip()
    if not equals or not _REGION.fullmatch(name) or name in ("auto", "none"):
        raise _wrong(
            "NAMES",
            f"{text!r} is not NUMBERS=NAME, such as 3=roof or 5,6=sky; a name is of letters, "
            "digits, spaces, - and _, and neither auto nor none.",
        )
    listed = _integers(numbers, option="NAMES", largest=9_999, most=MAX_SEEDS)
    return dict.fromkeys(listed, name)


def check_ending(path: Path, ending: str) -> Path:
    """The path itself; raises BadParameter when its name would lie about what is written."""
    if path.suffix.lower() != ending:
        raise _wrong("-o", f"{path.name!r} must end in {ending}, which is what is written.")
    return path


def check_folder(path: Path) -> Path:
    """The path itself; raises BadParameter for a folder named like a picture of another kind."""
    if path.suffix.lower() in (".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"):
        raise _wrong("-o", f"{path.name!r} is neither a .png nor a folder.")
    return path


def check_prompt(prompt: str) -> str:
    """The prompt without outer space; raises BadParameter when nothing is left."""
    stripped = prompt.strip()
    if not stripped:
        raise _wrong("PROMPT", "the prompt is empty: say what should change, such as 'curly hair'.")
    return stripped


def _wrong(option: str, message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=option)
