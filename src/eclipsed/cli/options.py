"""What the command line's words mean: the shared options, and the small grammars of their values.

Values are checked while the command line is read, so a wrong one is wrong usage (exit code 2).
This module imports no torch.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import BadParameter

from eclipsed.editing.choices import CardChoice
from eclipsed.errors import BadFile, BadSetting
from eclipsed.methods.registry import names
from eclipsed.text import whole_numbers, with_ascii_dashes

SpaceName = Literal["w+", "w", "z", "s"]

MAX_SEED = 2**32 - 1  # what RandomState takes
MAX_SEEDS = 10_000
MAX_LAYER = 9_999
MAX_STRENGTHS = 101
MAX_IMAGES = 1_024  # in one picture

# A drawn mask in place of regions is told by its ending, which no region's name can have.
_DRAWN = re.compile(r"@hard:((?:(?!@hard:).)+?\.png)(?=@|$)", re.IGNORECASE | re.DOTALL)
_REGION = re.compile(r"[^\W_](?:[\w' -]{0,62}\w)?")  # what can be a region's name in a world's file


def parse_seeds(text: str) -> tuple[int, ...]:
    """ "1,2,5-9" → (1, 2, 5, 6, 7, 8, 9); raises BadParameter for anything else."""
    return tuple(_integers(text, MAX_SEED))


def parse_layers(text: str) -> tuple[int, ...]:
    """ "3,4" or "3-5" → indices, without repetition."""
    return tuple(sorted(set(_integers(text, MAX_LAYER))))


def _integers(text: str, largest: int) -> list[int]:
    try:
        return whole_numbers(text, largest=largest, most=MAX_SEEDS)
    except BadSetting as error:
        raise BadParameter(error.message) from error


def parse_strengths(text: str) -> tuple[float, ...]:
    """ "-2:2:5" → (-2, -1, 0, 1, 2), "0,0.5,1" → as listed; raises BadParameter otherwise."""
    parts = text.split(":")
    if len(parts) == 1:
        listed = tuple(_finite(part) for part in text.split(","))
        if len(listed) > MAX_STRENGTHS:
            raise BadParameter(f"that is more than {MAX_STRENGTHS} at once.")
        return listed
    if len(parts) != 3 or re.fullmatch(r"\s*\d{1,9}\s*", parts[2], re.ASCII) is None:
        raise BadParameter(f"{text!r} is neither FROM:TO:COUNT nor a list such as -1,0,1.")
    first, last = (_finite(part) for part in parts[:2])
    count = int(parts[2])
    if not 2 <= count <= MAX_STRENGTHS:
        raise BadParameter(f"the count must be from 2 to {MAX_STRENGTHS}, not {count}.")
    return spaced(first, last, count)


def spaced(first: float, last: float, count: int) -> tuple[float, ...]:
    """So many evenly spaced numbers, both ends included."""
    step = (last - first) / (count - 1)
    # Rounding keeps the middle of -2:2:7 at 0 and not at 2e-16.
    return tuple(round(first + step * i, 10) for i in range(count))


def _finite(text: str) -> float:
    try:
        number = float(with_ascii_dashes(text))
    except ValueError:
        raise BadParameter(f"{text!r} is not a number.") from None
    if not math.isfinite(number):
        raise BadParameter(f"{text!r} is not a finite number.")
    return number


def parse_truncation(text: str) -> float:
    """ψ; raises BadParameter for what is no pull towards the mean."""
    psi = _finite(text)
    if not 0.0 <= psi <= 2.0:
        raise BadParameter(f"{psi} is not from 0 to 2.")
    return psi


def parse_device(text: str) -> str:
    """A device's name; whether it is here, nobody asks before torch is imported."""
    if re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,2})?", text, re.ASCII) is None:
        raise BadParameter(f"{text!r} is none of auto, cpu, cuda, cuda:1 and mps.")
    return text


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
            raise BadParameter(f"{text!r} is not CARD=STRENGTH@hard:MASK.png.")
        return replace(choice, hard=True, mask=Path(drawn[1]))
    path, _, strength = text.rpartition("=")
    if "/" in strength or strength.endswith(".safetensors"):
        return CardChoice(whole, None)
    if not path:
        raise BadParameter(f"{text!r} names no file before the '='.")
    number, *limits = strength.split("@")
    choice = CardChoice(Path(path), _finite(number))
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
    if (regions := parse_regions(names)) is None:
        raise BadParameter("after hard: stand regions such as hair,hat, or none, or a mask.png.")
    return replace(choice, hard=True, regions=regions)


def parse_regions(text: str) -> tuple[str, ...] | None:
    """ "auto" → None, "none" → () (the whole image), "hair,hat" → those names."""
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise BadParameter(f"{text!r} is not auto, none or a list such as hair,hat.")
    if names == ("auto",):
        return None
    if names == ("none",):
        return ()
    if {"auto", "none"} & set(names):
        raise BadParameter("auto and none stand alone.")
    return tuple(dict.fromkeys(names))


def parse_naming(text: str) -> dict[int, str]:
    """ "3=roof" or "5,6-8=sky" → number of a cluster → its name; raises BadParameter otherwise."""
    numbers, equals, name = text.partition("=")
    name = name.strip()
    if not equals or not _REGION.fullmatch(name) or name in ("auto", "none"):
        raise BadParameter(
            f"{text!r} is not NUMBERS=NAME, such as 3=roof or 5,6=sky; a name is of letters, "
            "digits, spaces, - and _, and neither auto nor none.",
        )
    return dict.fromkeys(_integers(numbers, MAX_LAYER), name)


def parse_prompt(text: str) -> str:
    """The prompt without outer space; raises BadParameter when nothing is left."""
    if not text.strip():
        raise BadParameter("the prompt is empty: say what should change, such as 'curly hair'.")
    return text.strip()


def parse_box(text: str) -> tuple[float, ...]:
    """ "LEFT,TOP,RIGHT,BOTTOM" in pixels."""
    numbers = tuple(_finite(part) for part in text.split(","))
    if len(numbers) != 4 or not (numbers[0] < numbers[2] and numbers[1] < numbers[3]):
        raise BadParameter(
            f"{text!r} is not LEFT,TOP,RIGHT,BOTTOM in pixels, such as 10,20,300,310."
        )
    return numbers


def parse_points(text: str) -> tuple[tuple[float, ...], ...]:
    """Five points "X,Y X,Y X,Y X,Y X,Y" in pixels."""
    points = tuple(tuple(_finite(part) for part in point.split(",")) for point in text.split())
    if len(points) != 5 or any(len(point) != 2 for point in points):
        raise BadParameter(
            f"{text!r} is not five points 'X,Y X,Y X,Y X,Y X,Y': left eye, right eye, nose, left "
            "and right corner of the mouth, as seen in the photo."
        )
    return points


def check_where(**ways: object) -> None:
    """Raise BadParameter for two ways to say which square of a photo is meant."""
    given = [f"--{name.replace('_', '-')}" for name, value in ways.items() if value]
    if len(given) > 1:
        raise BadParameter("give one of them.", param_hint=" or ".join(given))


def check_folder(path: Path) -> None:
    """Raise BadParameter for a folder named like a file of another kind."""
    files = (".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".safetensors", ".npy")
    if path.suffix.lower() in files:
        raise BadParameter(f"{path.name!r} is neither a .png nor a folder.", param_hint="-o")


def check_latent(files: object, *, space: object, index: object) -> None:
    """Raise BadParameter for what is said of latents where there are none."""
    for name, value in (("--space", space), ("--index", index)):
        if value is not None and not files:
            raise BadParameter("it is about latents: give --latent as well.", param_hint=name)


def check_images(count: int) -> None:
    """Raise BadParameter for more images than fit into one picture."""
    if count > MAX_IMAGES:
        raise BadParameter(
            f"that is more than {MAX_IMAGES} images in one picture.", param_hint="--seeds"
        )


def check_ending(path: Path, *endings: str) -> None:
    """Raise BadParameter when a file's name would lie about what is written."""
    if path.suffix.lower() not in endings:
        known = " or ".join(endings)
        message = f"{path.name!r} must end in {known}, which is what is written."
        raise BadParameter(message, param_hint="-o")


def check_writable(path: Path, *, source: Path | None = None) -> None:
    """Raise BadFile where a file could not be written, before minutes are spent on it, and for the
    file that is to be read."""
    from eclipsed.files import shown

    folder, hint = path.parent, "Choose another place for -o."
    if path.is_dir():
        reason, hint = "it is a folder", "Name a file."
    elif not folder.is_dir():
        reason, hint = f"there is no folder {shown(folder)}", "Make it first."
    elif not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        reason = "permission is denied"
    elif source is not None and path.exists() and source.exists() and path.samefile(source):
        reason = "it is the file that is read"
    else:
        return
    raise BadFile(f"Cannot write {shown(path)}: {reason}.", hint)


def out_file(help_: str, *endings: str) -> Any:
    """The option -o of a file that ends in one of these and can be written."""

    def parse(text: str) -> Path:
        check_ending(Path(text), *endings)
        check_writable(Path(text))
        return Path(text)

    return typer.Option("-o", "--out", parser=parse, metavar="FILE", help=help_)


def optional_file(flag: str, help_: str, *endings: str) -> Any:
    """An option of a file to write besides, that ends in one of these and can be written."""

    def parse(text: str) -> Path:
        check_ending(Path(text), *endings)
        check_writable(Path(text))
        return Path(text)

    return typer.Option(flag, parser=parse, metavar="FILE", help=help_)


def complete_world(begun: str) -> list[str]:
    """The worlds whose names begin so, for a shell's completion; shells add files themselves."""
    from eclipsed.worlds.catalogue import catalogue
    from eclipsed.worlds.own import registered

    return [name for name in ("starter", *registered(), *catalogue()) if name.startswith(begun)]


def complete_method(begun: str) -> list[str]:
    """The methods whose names begin so."""
    return [name for name in names() if name.startswith(begun)]


World = Annotated[
    str,
    typer.Option(
        "-w",
        "--world",
        help="The world to work in: a name or a folder.",
        autocompletion=complete_world,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        parser=parse_device,
        metavar="auto|cpu|cuda[:N]|mps",
        help="Where to compute; auto takes a GPU if there is one.",
    ),
]
Class = Annotated[
    int | None,
    typer.Option("--class", min=0, help="Which class, from 0, of a generator that has classes."),
]
GeneratorFile = Annotated[
    Path | None,
    typer.Option("--generator", metavar="FILE", help="A generator's file, in place of a world."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of words for people.")
]
Layers = Annotated[
    Sequence[int] | None,
    typer.Option(parser=parse_layers, metavar="3,4", help="Only these layers, from 0."),
]
Prompt = Annotated[
    str,
    typer.Argument(
        parser=parse_prompt, metavar="PROMPT", help="What should change, such as 'curly hair'."
    ),
]
Region = Annotated[
    Sequence[str] | None,
    typer.Option(
        parser=parse_regions,
        metavar="auto|none|NAME[,NAME]",
        help="Where the change belongs; none: anywhere.",
        show_default="auto",
    ),
]
Cards = Annotated[
    list[CardChoice],
    typer.Option(
        "-d",
        "--direction",
        parser=parse_card,
        metavar="CARD[=STRENGTH]",
        help="A direction; may be given again.",
    ),
]
SEEDS = typer.Option(parser=parse_seeds, metavar="1,2,5-9", help="Seeds, and ranges of seeds.")
Seeds = Annotated[Sequence[int] | None, SEEDS]
Space = Annotated[SpaceName | None, typer.Option(help="The latent space; by default what fits.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, help="Which image: the one of this seed.")
]
RandomSeed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed.")]
_LATENT_FILES = "a file of .npy, .npz, .pt or .safetensors"
Latent = Annotated[Path | None, typer.Option(help=f"A latent in place of a seed: {_LATENT_FILES}.")]
Latents = Annotated[
    list[Path] | None,
    typer.Option(help=f"Latents in place of seeds: {_LATENT_FILES}; may be given again."),
]
LatentSpace = Annotated[
    SpaceName | None, typer.Option(help="Of the latents, where their file leaves it open.")
]
LatentIndex = Annotated[
    int | None, typer.Option(min=1, help="Which latent of a file of several, from 1.")
]
Face = Annotated[int | None, typer.Option(min=1, help="Which face of several, from 1 on the left.")]
Points = Annotated[
    Sequence[tuple[float, float]] | None,
    typer.Option(
        parser=parse_points,
        metavar="'X,Y X,Y X,Y X,Y X,Y'",
        help="A face that is not found: eyes, nose, corners of the mouth, in pixels.",
    ),
]
Box = Annotated[
    Sequence[float] | None,
    typer.Option(
        parser=parse_box,
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="The square in pixels, in place of a face.",
    ),
]
NoAlign = Annotated[bool, typer.Option("--no-align", help="Take the middle of the photo.")]
InvertMethod = Annotated[
    Literal["encoder", "optimise", "tune"],
    typer.Option(
        "--method",
        help="How the photo is inverted: at a glance, step by step, or both "
        "and the generator tuned to it.",
    ),
]
Strengths = Annotated[
    Sequence[float] | None,
    typer.Option(parser=parse_strengths, metavar="-2:2:7", help="FROM:TO:COUNT, or a list."),
]
Truncation = Annotated[
    float | None,
    typer.Option(parser=parse_truncation, metavar="PSI", help="ψ: 0 is the mean image, 1 all."),
]
Picture = Annotated[Path, out_file("The picture to write.", ".png")]
