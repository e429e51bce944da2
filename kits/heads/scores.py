"""Measures the world of heads against exact truth, on held-out people, and says what is enough.

Everything is compared with what the renderer draws of the same people. Beside a median stands what
nine of ten images keep to. A number that cannot be had is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.evaluation.evaluate import MOST_DECIBELS
from eclipsed.evaluation.metrics import psnr, ssim, worst_tenth
from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.types import World
from eclipsed.worlds.heads.attributes import NAMES, REGIONS
from eclipsed.worlds.heads.models import JUDGED, HeadsJudge
from eclipsed.worlds.heads.visibility import visible
from eclipsed.worlds.starter.models import StarterSegmenter
from kits.fitting import to_images
from kits.heads.design import w_from_values
from kits.heads.population import Floats, centre
from kits.heads.renderer import Drawing
from kits.heads.store import read
from kits.measuring import batched, intersection_over_union, mean_of

PEOPLE = 256
TRUNCATED = 64  # people who are drawn anew at every truncation
TRUNCATIONS = (0.5, 0.7, 1.3)
LEVELS = (0.85, 0.92)  # correlations from which an attribute counts: to land, to reach
FEWEST = 12  # people in whom an attribute can be told, for a correlation

Scores = dict[str, Any]
Draw = Callable[[Floats], Drawing]


@dataclass(frozen=True)
class Held:
    """Held-out people [N, WIDTH], their renders and label maps [N, H, W], and generated images."""

    values: Floats
    labels: NDArray[np.uint8]
    renders: Tensor
    generated: Tensor


def measure(world: World, store: Path, draw: Draw, people: int = PEOPLE) -> Scores:
    """What pictures say of the world: about 5 minutes of a core for the default."""
    held = held_out(world, store, people)
    judge = world.judge() if world.judge else None
    assert isinstance(judge, HeadsJudge)
    assert isinstance(world.segmenter, StarterSegmenter)
    return {
        "people": len(held.values),
        "generator": reconstruction(held),
        "truncated": truncated(world, held.values[:TRUNCATED], draw),
        "oracle": regression(judge, held),
        "segmenter": segmentation(world.segmenter, held),
        "judge's segmenter": segmentation(judge.segmenter, held),
    }


def held_out(world: World, store: Path, people: int) -> Held:
    """The store's first held-out people; raises EclipsedError where there are none yet."""
    everybody = read(store, held_out=True)
    rows = everybody.take(np.arange(min(people, len(everybody))))
    return Held(
        rows["values"],
        rows["label"],
        to_images(rows["image"]),
        generate(world, rows["values"]),
    )


@torch.no_grad()
def generate(world: World, values: Floats) -> Tensor:
    """What the generator makes of people [N, WIDTH]: images [N, 3, H, W] in [-1, 1]."""
    generator = world.generator
    assert isinstance(generator, StyleGAN2)
    latents = torch.from_numpy(w_from_values(values)) + generator.mapping.w_avg
    return batched(lambda part: generator.synthesize(part, "w").image, latents).clamp(-1, 1)


def reconstruction(held: Held) -> Scores:
    """PSNR in dB and SSIM of generated images against renders, and |error| by region (of 2)."""
    each = {
        "psnr": batched(psnr, held.generated, held.renders).clamp(max=MOST_DECIBELS),
        "ssim": batched(ssim, held.generated, held.renders),
    }
    error = (held.generated - held.renders).abs().mean(dim=1).numpy()
    return {
        **{name: middle_and_worst(values) for name, values in each.items()},
        "l1 by region": {
            name: mean_of(error[held.labels == i], 4) for i, name in enumerate(REGIONS)
        },
    }


def middle_and_worst(values: Tensor) -> Scores:
    """The median, and what nine of ten images exceed."""
    return {
        "median": round(float(values.median()), 4),
        "worst tenth": round(worst_tenth(values.tolist(), "higher") or 0.0, 4),
    }


def truncated(world: World, values: Floats, draw: Draw) -> Scores:
    """ψ → PSNR and SSIM where people are moved towards the median person, or away from it."""
    scores = {}
    for psi in TRUNCATIONS:
        moved = np.clip(centre() + psi * (values - centre()), 0, 1).astype(np.float32)
        drawing = draw(moved)
        labels = drawing.masks.argmax(axis=1).astype(np.uint8)
        # The generator is given what lies beyond the range, as a truncation gives it.
        beyond = (centre() + psi * (values - centre())).astype(np.float32)
        held = Held(moved, labels, to_images(drawing.images), generate(world, beyond))
        both = reconstruction(held)
        scores[f"psi {psi}"] = {key: both[key] for key in ("psnr", "ssim")}
    return scores


def regression(judge: HeadsJudge, held: Held) -> Scores:
    """How well the oracle measures: attribute → correlations of what it reads off renders with the
    truth, and off generated images with the truth and with what it reads off renders.

    Of people in whom the attribute can be told. error: the mean |error| on renders.
    """
    truth = torch.from_numpy(held.values)
    told = visible(truth, torch.from_numpy(held.labels)).numpy()
    renders, generated = (
        batched(judge.values, images).numpy() for images in (held.renders, held.generated)
    )
    pairs = {
        "renders": (renders, held.values),
        "generated": (generated, held.values),
        "generated against rendered": (generated, renders),
    }
    scores: Scores = {
        name: {
            attribute: correlation(one[:, i], other[:, i], told[:, i])
            for i, attribute in enumerate(NAMES)
        }
        for name, (one, other) in pairs.items()
    }
    scores["error"] = {
        attribute: mean_of(np.abs(renders - held.values)[told[:, i], i])
        for i, attribute in enumerate(NAMES)
    }
    scores["attributes from"] = {
        name: {str(level): _count(scores[name], level) for level in LEVELS} for name in pairs
    }
    return scores


def correlation(one: Floats, other: Floats, told: NDArray[np.bool_]) -> float | None:
    """Pearson's r over the people who count; None where they are few, or all alike."""
    if told.sum() < FEWEST or min(one[told].std(), other[told].std()) < 1e-4:
        return None
    return round(float(np.corrcoef(one[told], other[told])[0, 1]), 3)


def _count(correlations: Mapping[str, float | None], level: float) -> int:
    """Of the attributes that captions name, those that correlate at least so well."""
    return sum((correlations[name] or 0.0) >= level for name in JUDGED)


def segmentation(segmenter: StarterSegmenter, held: Held) -> Scores:
    """IoU per region on renders and generated images; the truth is the render's label map."""
    return {
        what: intersection_over_union(segmenter, images, held.labels)
        for what, images in (("renders", held.renders), ("generated", held.generated))
    }


# --- what is enough -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A number of the table: what it is, how it reads off the scores, what it must be."""

    number: str
    of: Callable[[Scores], str]
    to_land: str
    to_reach: str


def _pictures(scores: Scores) -> str:
    one, other = (scores[key] for key in ("psnr", "ssim"))
    worst = f"{one['worst tenth']:.1f} / {other['worst tenth']:.3f}"
    return f"{one['median']:.1f} dB / {other['median']:.3f} (worst tenth {worst})"


def _counted(scores: Scores, what: str) -> str:
    counts = scores["oracle"]["attributes from"][what]
    return ", ".join(f"{count} ≥ {level}" for level, count in counts.items())


def _regions(scores: Scores) -> str:
    return " / ".join(f"{scores[what]['mean']:.3f}" for what in ("renders", "generated"))


def _orders(scores: Mapping[str, float]) -> str:
    middle, worst = scores["median"], scores["worst_tenth"]
    return f"{middle:.3f} median over {scores['attributes']} (worst tenth {worst:.3f})"


LINES = (
    Line(
        "generator against exact render, PSNR / SSIM",
        lambda scores: _pictures(scores["generator"]),
        "25 dB / .85",
        "28 dB / .90",
    ),
    *(
        Line(
            f"the same at ψ {psi}",
            lambda scores, psi=psi: _pictures(scores["truncated"][f"psi {psi}"]),  # type: ignore[misc]
            "",
            "",
        )
        for psi in TRUNCATIONS
    ),
    Line(
        "judges' regression, generated against rendered: attributes by correlation",
        lambda scores: _counted(scores, "generated against rendered"),
        "30 ≥ .85",
        "45 ≥ .92",
    ),
    Line(
        "the same, renders against the truth",
        lambda scores: _counted(scores, "renders"),
        "",
        "",
    ),
    Line(
        "encoder: order of two images by a held-out phrase, AUC",
        lambda scores: _orders(scores["encoder"]),
        ".88 median over 40 attributes",
        ".93",
    ),
    Line(
        "segmenter mean IoU, renders / generated",
        lambda scores: _regions(scores["segmenter"]),
        ".85 / .80",
        ".90 / .86",
    ),
    Line(
        "the judge's segmenter, likewise",
        lambda scores: _regions(scores["judge's segmenter"]),
        "",
        "",
    ),
)


def table(scores: Scores) -> str:
    """What was measured beside what is enough, as a Markdown table."""
    rows = [("number", "measured", "to land", "to reach"), ("---",) * 4]
    rows += [(line.number, line.of(scores), line.to_land, line.to_reach) for line in LINES]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
