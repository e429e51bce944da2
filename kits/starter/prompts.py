"""Trains method default on many prompts, scores every direction, and adds both to the record.

    python -m kits.starter.prompts    # then writes docs/starter.md anew

The prompts are held-out sentences: no training of an encoder has seen their phrases or templates.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eclipsed.directions import Direction
from eclipsed.editing.images import save_png, strength_label, strip_picture
from eclipsed.editing.stack import strip
from eclipsed.evaluation.evaluate import judged_by, score_direction
from eclipsed.files import write_atomic
from eclipsed.methods.training import train_direction
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.types import World
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from eclipsed.worlds.weights import RECORD, read_record
from kits.starter.captions import phrasings
from kits.starter.report import DOCS, write_report

# What is asked for, by predicate; the faces' small parts are reported on their own.
ASKED: Mapping[str, tuple[str, ...]] = {
    "hair, hats, glasses, beards, clothes, colours": (
        "curly hair",
        "afro",
        "bob",
        "dreadlocks",
        "long straight hair",
        "wavy hair",
        "mohawk",
        "bald",
        "bun",
        "beanie",
        "turban",
        "brimmed hat",
        "earflap hat",
        "blond hair",
        "red hair",
        "gray hair",
        "pink hair",
        "black hair",
        "sunglasses",
        "round glasses",
        "no glasses",
        "moustache",
        "long beard",
        "full beard",
        "hoodie",
        "blazer",
        "overalls",
        "green clothes",
        "red clothes",
    ),
    "mouth, eyes, brows": (
        "open mouth",
        "toothy smile",
        "laugh",
        "sad mouth",
        "tongue out",
        "closed eyes",
        "heart eyes",
        "wide eyes",
        "winking",
        "raised eyebrows",
        "angry eyebrows",
        "unibrow",
    ),
}
SEEDS = range(1_000_000, 1_000_200)  # far from those that trainings draw
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
SHOWN_SEEDS = (1, 2, 3, 5, 8, 13)


def held_out_prompts() -> dict[str, dict[str, str]]:
    """ASKED's headings → predicate → one held-out sentence that says it, always the same."""
    sentences = phrasings("held-out")
    return {
        heading: {name: random.Random(name).choice(sentences[name]) for name in names}
        for heading, names in ASKED.items()
    }


def measure(world: World, prompt: str, seeds: Sequence[int] = SEEDS) -> Direction:
    """A direction of method default with its scores."""
    direction = train_direction(world, goal_from_prompt(prompt, world))
    scores = score_direction(world, direction, seeds=seeds, strengths=STRENGTHS)
    return replace(direction, scores=scores, judged_by=judged_by(world))


def row_of(predicate: str, direction: Direction) -> dict[str, Any]:
    """What the record keeps of a direction; scores are medians or shares, None where unknown."""
    return {
        "predicate": predicate,
        "prompt": direction.prompt,
        "regions": list(direction.regions),
        "layers": list(direction.config["trained_layers"]),
        "scores": {
            key: score and round(score["median"] or 0.0, 3)
            for key, score in direction.scores.items()
        },
    }


def ranked(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows from best to worst: who succeeds most, then who changes least outside the region."""

    def merit(row: Mapping[str, Any]) -> tuple[float, float]:
        return row["scores"]["success"] or 0.0, row["scores"]["locality"] or 0.0

    return sorted(rows, key=merit, reverse=True)


def save_strip(world: World, direction: Direction, path: Path) -> None:
    """Seeds as rows, strengths as columns."""
    latents = world.generator.sample(SHOWN_SEEDS, space="z")
    images = strip(world.generator, [direction], latents, STRENGTHS, space="z", truncation=0.7)
    rows = [f"seed {seed}" for seed in SHOWN_SEEDS]
    columns = [strength_label(strength) for strength in STRENGTHS]
    picture = strip_picture(images, rows, columns, title=direction.prompt)
    save_png(picture, path, {"seeds": SHOWN_SEEDS, "strengths": STRENGTHS})


def main(weights: Path = WEIGHTS, docs: Path = DOCS, seeds: Sequence[int] = SEEDS) -> int:
    """Measure all prompts on a world, keep them in its record, and write its page anew."""
    world = load_starter(weights)
    directions: dict[str, Direction] = {}
    tables: dict[str, list[dict[str, Any]]] = {}
    for heading, prompts in held_out_prompts().items():
        tables[heading] = []
        for predicate, prompt in prompts.items():
            directions[prompt] = measure(world, prompt, seeds)
            tables[heading].append(row_of(predicate, directions[prompt]))
            print(json.dumps(tables[heading][-1]), flush=True)
    order = ranked([row for rows in tables.values() for row in rows])
    named = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    for name, row in named.items():
        save_strip(world, directions[row["prompt"]], docs / "pictures" / f"starter-{name}.png")
    record = read_record(weights)
    record["prompts"] = {
        "seeds": len(seeds),
        "tables": tables,
        "shown": {name: row["prompt"] for name, row in named.items()},
    }
    write_atomic(weights / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    write_report(weights, docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
