"""Makes what the starter world brings along: a dozen cards, and what a first training looks at.

    python -m kits.starter.shipped    # some 20 seconds a card; run it again to go on

A card is made again when anything that decides it has changed. Results that nothing asks for any
longer are removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from eclipsed.app.rendering import Renderer
from eclipsed.app.thumbnails import thumbnail
from eclipsed.cache import Key, asked_for, forget
from eclipsed.directions import Direction
from eclipsed.errors import BadFile
from eclipsed.evaluation.evaluate import scored
from eclipsed.files import read_bytes, write_atomic
from eclipsed.generators.spaces import best_space
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.training import train_direction
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.search.balance import balanced
from eclipsed.search.loop import training_key
from eclipsed.search.pool import SEEDS, view_of
from eclipsed.search.realism import coverage_of, realism_of
from eclipsed.text import file_name
from eclipsed.types import World
from eclipsed.worlds.starter.world import WEIGHTS, load_starter

# What the editor opens with: of every kind, what works on almost every face (docs/starter.md).
PROMPTS = (
    "curly hair",
    "sunglasses",
    "gray hair",
    "a big laugh",
    "a hoodie",
    "heart eyes",
    "a long beard",
    "a beanie",
    "blond hair",
    "an open mouth",
    "closed eyes",
    "a bun",
)
CARDS, RESULTS = WEIGHTS / "cards", WEIGHTS / "results"
_MOST_BYTES = 64 * 2**20


def main() -> None:
    """Make what is missing or out of date."""
    world = load_starter(WEIGHTS)
    CARDS.mkdir(exist_ok=True)
    cards = [card_of(world, prompt) for prompt in PROMPTS]
    forget()  # what was asked for in training is to be asked for again
    with asked_for() as keys:
        look_around(world)
        for card in cards:
            thumbnail(Renderer(world), card)
    ship(keys)
    leave_only(CARDS, (card_path(prompt) for prompt in PROMPTS))
    leave_only(RESULTS, (key.shipped for key in keys if key.shipped is not None))
    total = sum(path.stat().st_size for path in (*_files(CARDS), *_files(RESULTS)))
    print(f"{len(cards)} cards and {len(_files(RESULTS))} results, {total / 1e6:.1f} MB")


def card_path(prompt: str) -> Path:
    """Where the card of a prompt lies."""
    return CARDS / f"{file_name(prompt)}.safetensors"


def card_of(world: World, prompt: str) -> Direction:
    """The card of a prompt: the one that is there, or one that is trained and scored now."""
    goal = goal_from_prompt(prompt, world)
    config = DefaultConfig(space=best_space(world.generator))
    key = training_key(world, goal, config)
    identity = "" if key.shipped is None else key.shipped.stem
    path = card_path(prompt)
    try:
        card = Direction.load(path)
        if card.config.get("identity") == identity and card.verdict:
            return card
    except BadFile:
        pass
    print(f"training {prompt!r}", flush=True)
    card = scored(world, train_direction(world, goal, config))
    card = replace(card, config={**card.config, "identity": identity})
    card.save(path)
    return card


def look_around(world: World) -> None:
    """Ask for what the first training on a world would have to compute, whatever its region."""
    goals = [goal_from_prompt(prompt, world) for prompt in world.example_prompts]
    for goal in {goal.regions: goal for goal in goals}.values():
        preflight.check(world, goal)
        coverage_of(realism_of(world), goal.regions)
    preflight.check(world, goal_from_prompt("a lobster", world))  # and what to ask for instead
    balanced(view_of(world, best_space(world.generator)), SEEDS, mixed=True)


def ship(keys: Iterable[Key]) -> None:
    """Copy the results of keys from this user's cache to where they come with the world."""
    for key in keys:
        if key.shipped is not None and not key.shipped.exists():
            key.shipped.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(key.shipped, read_bytes(key.path, limit=_MOST_BYTES))


def leave_only(folder: Path, paths: Iterable[Path]) -> None:
    """Remove every other file below a folder."""
    wanted = set(paths)
    for path in _files(folder):
        if path not in wanted:
            path.unlink()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


if __name__ == "__main__":
    main()
