"""What a bench does: prompts, methods, seeds, and the strengths at which images are judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import read_text, shown
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
# Evenly spaced, for how a slider feels.
SLIDER = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# Far on one side only: a method without a prompt is given the sign that answers the prompt.
LADDER = (*SLIDER[:5], 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
# What every seed is judged at.
ENDS = (-1.0, 0.0, 1.0)
PROMPTS = Path(__file__).parent / "prompts.txt"
_MOST_BYTES = 2**20
MOST_PROMPTS, MOST_SEEDS = 200, 1000


@dataclass(frozen=True)
class BenchConfig:
    """What is compared, and how closely; raises BadSetting for numbers out of range."""

    # What is asked for.
    prompts: tuple[str, ...]
    # Names of methods.
    methods: tuple[str, ...]
    # How many images are judged at ENDS and where text gains match.
    seeds: int = SEEDS
    # How many of them are judged at all strengths of LADDER.
    ladder_seeds: int = LADDER_SEEDS
    # How many single images a per-image method is tried on.
    images: int = IMAGES
    # Whether prompts that pre-flight calls unlikely are searched for all the same.
    unlikely: bool = True
    # How long it may take; None for as long as it takes.
    minutes: float | None = None

    def __post_init__(self) -> None:
        check_number("seeds", self.seeds, 1, MOST_SEEDS)
        check_number("ladder_seeds", self.ladder_seeds, 1, self.seeds)
        check_number("images", self.images, 1, self.seeds)
        check_number("minutes", self.minutes or 0.0, 0.0)
        for what, names in (("prompts", self.prompts), ("methods", self.methods)):
            if not names:
                raise BadSetting(f"A bench without {what} has nothing to compare.")
            if len(set(names)) < len(names):
                raise BadSetting(f"The {what} of a bench must differ from each other.")
        check_number("prompts", len(self.prompts), 1, MOST_PROMPTS)

    @property
    def held_out(self) -> tuple[int, ...]:
        """The seeds themselves."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.seeds))


def config_for(
    prompts: tuple[str, ...],
    methods: tuple[str, ...],
    *,
    seeds: int | None = None,
    full: bool = False,
) -> BenchConfig:
    """A bench of the default size; a full one has more seeds, judges all of them at every
    strength, and tries what pre-flight calls unlikely."""
    count = seeds or (FULL_SEEDS if full else SEEDS)
    ladder, images = count if full else min(LADDER_SEEDS, count), min(IMAGES, count)
    minutes = None if full else MINUTES
    return BenchConfig(prompts, methods, count, ladder, images, unlikely=full, minutes=minutes)


def read_prompts(path: Path = PROMPTS) -> dict[str, str]:
    """Prompt → why it is asked, from a text file: one prompt a line, a remark after #.

    Raises BadFile for a file that cannot be read or holds no prompt.
    """
    text = read_text(path, limit=_MOST_BYTES)
    lines = [line.partition("#") for line in text.splitlines()]
    prompts = {" ".join(line.split()): why.strip() for line, _, why in lines if line.strip()}
    if not prompts:
        raise BadFile(f"There is no prompt in {shown(path)}.", "Write one on each line.")
    return prompts
