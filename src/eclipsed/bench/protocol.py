"""What a bench does: prompts, contenders, seeds, and the strengths at which images are judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import read_bytes, shown
from eclipsed.search.settings import check_number

# Far from the seeds that people look at, that methods draw, and that any number was chosen on.
FIRST_SEED = 5_000_000
SEEDS, FULL_SEEDS = 32, 64
# Seeds whose images are judged at every strength of LADDER, unless the bench is full.
LADDER_SEEDS = 8
# Images that a method which edits one image only is tried on.
IMAGES = 2
# How long a bench may take unless it is full: no prompt is begun that would not be done by then.
MINUTES = 38.0
_STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
# Evenly spaced, for how a slider feels.
SLIDER: tuple[float, ...] = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# Far on one side only: a method that is told no sense is given the one that answers the prompt.
LADDER: tuple[float, ...] = tuple(sorted({*SLIDER, *_STEPS}))
# What every seed is judged at.
ENDS = (-1.0, 0.0, 1.0)
PROMPTS = Path(__file__).parent / "prompts.txt"
_MOST_BYTES = 2**20
MOST_PROMPTS, MOST_SEEDS = 200, 1000


@dataclass(frozen=True)
class BenchConfig:
    """prompts: what is asked for. contenders: names of methods. seeds: how many
    images are judged at strengths −1, 0, 1 and where text gains match; the first `ladder_seeds` of
    them at all strengths of LADDER. images: how many single images a per-image method is tried on.
    unlikely: whether prompts that pre-flight calls unlikely are searched for all the same.
    minutes: how long it may take, None for as long as it takes.

    Raises BadSetting for what makes no sense.
    """

    prompts: tuple[str, ...]
    contenders: tuple[str, ...]
    seeds: int = SEEDS
    ladder_seeds: int = LADDER_SEEDS
    images: int = IMAGES
    unlikely: bool = True
    minutes: float | None = None

    def __post_init__(self) -> None:
        check_number("seeds", self.seeds, 1, MOST_SEEDS)
        check_number("ladder_seeds", self.ladder_seeds, 1, self.seeds)
        check_number("images", self.images, 1, self.seeds)
        if self.minutes is not None:
            check_number("minutes", self.minutes, 0.0)
        for what, names in (("prompts", self.prompts), ("contenders", self.contenders)):
            if not names:
                raise BadSetting(f"A bench without {what} has nothing to compare.")
            if len(set(names)) < len(names):
                raise BadSetting(f"The {what} of a bench must differ from each other.")
        if len(self.prompts) > MOST_PROMPTS:
            raise BadSetting(f"That is more than {MOST_PROMPTS} prompts.")

    @property
    def held_out(self) -> tuple[int, ...]:
        """The seeds themselves."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.seeds))


def config_for(
    prompts: tuple[str, ...],
    contenders: tuple[str, ...],
    *,
    seeds: int | None = None,
    full: bool = False,
) -> BenchConfig:
    """A bench of usual size; a full one has more seeds, judges all of them at every strength, and
    tries what pre-flight calls unlikely."""
    count = seeds or (FULL_SEEDS if full else SEEDS)
    return BenchConfig(
        prompts=prompts,
        contenders=contenders,
        seeds=count,
        ladder_seeds=count if full else min(LADDER_SEEDS, count),
        images=min(IMAGES, count),
        unlikely=full,
        minutes=None if full else MINUTES,
    )


def read_prompts(path: Path = PROMPTS) -> dict[str, str]:
    """Prompt → why it is asked, from a text file: one prompt a line, a remark after #.

    Raises BadFile for a file that cannot be read or holds no prompt.
    """
    try:
        lines = read_bytes(path, limit=_MOST_BYTES).decode().splitlines()
    except UnicodeDecodeError as error:
        raise BadFile(f"Cannot read {shown(path)}: it is no text.", "Give UTF-8.") from error
    found = {}
    for line in lines:
        prompt, _, why = line.partition("#")
        if prompt.strip():
            found[" ".join(prompt.split())] = why.strip()
    if not found:
        raise BadFile(f"There is no prompt in {shown(path)}.", "Write one on each line.")
    return found
