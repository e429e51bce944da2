"""The whole job in a few minutes: sentences become directions, directions edit, judges score.

    python examples/demo.py demo        # what `make demo` runs

Trains three directions, draws each as a strip, composes them in one stack, and sets the default
training beside the paper's. Everything is written into the folder that is named.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import eclipsed
from eclipsed import Direction, Edit, EditStack, World
from eclipsed.editing.images import strength_label

PROMPTS = ("curly hair", "blond hair", "sunglasses")
COMPARED = "curly hair"
METHODS = ("paper", "paper-scaled", "default")
SEEDS = (1, 2, 3, 5, 8)
STRENGTHS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
COLUMNS = ("text_gain", "success", "locality", "preservation", "reversal", "monotonicity")


def train(world: World, prompt: str, method: str, folder: Path) -> Direction:
    """A scored direction; its card is written to the folder."""
    began = time.monotonic()
    direction = eclipsed.train_direction(world, prompt, method=method)
    trained = time.monotonic()
    direction = eclipsed.scored(world, direction)
    direction.save(folder / f"{prompt.replace(' ', '-')}-{method}.safetensors")
    scored = time.monotonic()
    where = " and ".join(direction.regions) or "the whole image"
    print(
        f"  {prompt} ({method}): changes {where}; "
        f"trained in {trained - began:.0f} s, scored in {scored - trained:.0f} s",
        flush=True,
    )
    return direction


def draw_strip(world: World, direction: Direction, path: Path) -> None:
    """Seeds as rows, strengths as columns."""
    latents = world.generator.sample(SEEDS)
    images = eclipsed.strip(world.generator, [direction], latents, STRENGTHS)
    picture = eclipsed.strip_picture(
        images,
        row_labels=[f"seed {seed}" for seed in SEEDS],
        column_labels=[strength_label(strength) for strength in STRENGTHS],
        title=direction.name,
    )
    eclipsed.save_png(picture, path, {"seeds": SEEDS, "strengths": STRENGTHS})


def draw_stack(world: World, directions: Sequence[Direction], path: Path) -> None:
    """One edit on top of the other: a column for each."""
    latents = world.generator.sample(SEEDS, truncation=world.truncation)
    stack, columns, labels = EditStack(), [], ["as sampled"]
    columns.append(eclipsed.render(world.generator, latents, stack))
    for direction in directions:
        stack = stack.add(Edit(direction))
        columns.append(eclipsed.render(world.generator, latents, stack))
        labels.append(f"+ {direction.name}")
    picture = eclipsed.strip_picture(
        torch.stack(columns, dim=1),
        row_labels=[f"seed {seed}" for seed in SEEDS],
        column_labels=labels,
        title="edits compose",
    )
    eclipsed.save_png(picture, path, {"seeds": SEEDS, "edits": [d.name for d in directions]})


def draw_comparison(world: World, directions: Sequence[Direction], path: Path) -> None:
    """The same prompt by several methods at strength 1: a row for each."""
    latents = world.generator.sample(SEEDS, truncation=world.truncation)
    stacks = [EditStack(), *(EditStack((Edit(direction),)) for direction in directions)]
    rows = [eclipsed.render(world.generator, latents, stack) for stack in stacks]
    picture = eclipsed.strip_picture(
        torch.stack(rows),
        row_labels=["as sampled", *(direction.method for direction in directions)],
        column_labels=[f"seed {seed}" for seed in SEEDS],
        title=f"{directions[0].prompt}: the paper's training and the default",
    )
    eclipsed.save_png(picture, path, {"seeds": SEEDS, "methods": [d.method for d in directions]})


def print_scores(directions: Sequence[Direction]) -> None:
    """Medians over held-out seeds; the intervals are in the cards."""
    print(f"\nscores on held-out seeds, judged by {directions[0].judged_by}")
    print(" " * 28 + "".join(f"{name:>11}" for name in COLUMNS))
    for direction in directions:
        cells = [direction.scores[name] for name in COLUMNS]
        row = "".join(
            "          –" if cell is None else f"{cell['median']:11.2f}" for cell in cells
        )
        print(f"{f'{direction.name} ({direction.method})':28}{row}")


def main(folder: Path) -> None:
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    world = eclipsed.load_world("starter")
    print(f"training on the world '{world.name}':", flush=True)
    directions = [train(world, prompt, "default", folder) for prompt in PROMPTS]
    others = [train(world, COMPARED, method, folder) for method in METHODS if method != "default"]
    compared = [*others, directions[PROMPTS.index(COMPARED)]]
    for direction in directions:
        draw_strip(world, direction, folder / f"{direction.name.replace(' ', '-')}.png")
    draw_stack(world, directions, folder / "composed.png")
    draw_comparison(world, compared, folder / "paper-against-default.png")
    print_scores([*directions, *others])
    print(f"\nwritten to {folder}/ in {time.monotonic() - began:.0f} s:")
    for path in sorted(folder.iterdir()):
        print(f"  {path}")
    program = Path(sys.executable).with_name("eclipsed")
    print(f"\nnext: {program} show {folder}/curly-hair-default.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
