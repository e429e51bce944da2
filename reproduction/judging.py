"""Rows of a study on disk: each variant, training, image and strength is judged once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import eclipsed
from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.errors import BadSetting, EclipsedError
from eclipsed.search.realism import realism_of, unrealistic
from eclipsed.types import World
from reproduction.sweeps import Study, Variant
from reproduction.training import as_edited, own_seed, trained

Row = dict[str, Any]
ROWS = "rows.jsonl"
# Images to judge on, which nothing else looks at.
FIRST_SEED = 6_000_000
# What is read of `eclipsed.evaluate`.
SCORES = (
    "text_gain",
    "success",
    "locality",
    "leakage",
    "preservation",
    "identity",
    "reversal",
)


def measure(
    world: World,
    study: Study,
    folder: Path,
    *,
    trainings: int,
    seeds: int,
    note: Callable[[str], None],
) -> list[Row]:
    """All rows of a study, after those that were missing in `folder` were trained and judged.

    Trainings go in turns through the variants, so that a cut run can be compared already. What a
    variant refuses is noted and left out. Raises BadSetting where the rows are another world's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ROWS
    rows = read_rows(path)
    header = {"world": world.name, "generator": world.generator.fingerprint}
    if not rows:
        _append(path, [header])
    elif rows[0] != header:
        raise BadSetting(f"{path} was measured on another world.", "Choose another folder.")
    rows = rows[1:]
    keys = ("variant", "training", "seed", "strength")
    done = {tuple(row[key] for key in keys) for row in rows}
    for training in range(trainings):
        for variant in study.variants:
            images = [own_seed(training)] if variant.own else held_out(seeds)
            missing = {
                strength: [
                    seed for seed in images if (variant.label, training, seed, strength) not in done
                ]
                for strength in variant.strengths
            }
            if not any(missing.values()):
                continue
            note(f"{variant.label}: training {training + 1} of {trainings}")
            try:
                direction = trained(world, variant, training, folder.parent / "cards")
                direction = as_edited(world.generator, direction, variant)
                for strength, some in missing.items():
                    for judged in judge(world, direction, variant, some, strength):
                        new = [
                            {"variant": variant.label, "training": training, **row}
                            for row in judged
                        ]
                        _append(path, new)
                        rows += new
            except EclipsedError as error:
                note(f"{variant.label}: {error}")
    return rows


def held_out(count: int) -> list[int]:
    """The seeds of the images that variants are judged on."""
    return list(range(FIRST_SEED, FIRST_SEED + count))


@torch.no_grad()
def judge(
    world: World, direction: Direction, variant: Variant, seeds: Sequence[int], strength: float
) -> Iterator[list[Row]]:
    """Rows of some images at a time, judged by the prompt as it is, in the regions it names.

    similarity: the paper's score, the cosine of prompt and image in an encoder that no training
    used. changed: mean |Δ| of a pixel. unrealistic: whether the image no longer looks like the
    generator's own. The rest is `eclipsed.evaluate`'s, with this strength as strength 1.
    """
    goal = eclipsed.goal_from_prompt(variant.prompt, world)
    direction = replace(
        direction,
        vector=direction.vector if strength > 0.0 else -direction.vector,
        unit=direction.unit * abs(strength),
        prompt=goal.prompt,
        neutral=goal.neutral,
        regions=goal.regions,
    )
    encoder = (world.judge() if world.judge else world).encoder
    text = encoder.encode_text([goal.text])[0]
    regions = [region for region in goal.regions if region in world.segmenter.regions]
    for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        latents = world.generator.sample(part, space="z")
        strip = eclipsed.strip(
            world.generator,
            [direction],
            latents,
            (0.0, 1.0),
            space="z",
            truncation=world.truncation,
        )
        before, after = strip[:, 0], strip[:, 1]
        columns = {
            "similarity": (encoder.encode_image(after.clamp(-1.0, 1.0)) @ text).tolist(),
            "changed": (after - before).abs().mean(dim=(1, 2, 3)).tolist(),
            "unrealistic": unrealistic(realism_of(world), after, regions).tolist(),
        }
        judged = eclipsed.evaluate(world, direction, latents, strengths=())
        rows = []
        for index, (seed, verdict) in enumerate(zip(part, judged, strict=True)):
            values = {name: column[index] for name, column in columns.items()}
            values |= {name: getattr(verdict, name) for name in SCORES}
            scores = {
                name: float(f"{float(value):.4g}")
                for name, value in values.items()
                if value is not None
            }
            rows.append({"seed": seed, "strength": strength, "scores": scores})
        yield rows


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, none where it is missing; a last line that was cut off is removed."""
    if not path.exists():
        return []
    whole, newline, rest = path.read_text(encoding="utf-8").rpartition("\n")
    if rest:
        path.write_text(whole + newline, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def _append(path: Path, rows: Sequence[Row]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, allow_nan=False) + "\n" for row in rows)
