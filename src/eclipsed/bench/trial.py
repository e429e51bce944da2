"""One direction on its seeds: judged at every strength, every image once, a row for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from eclipsed.bench.matching import succeeds
from eclipsed.bench.measures import Columns, close_columns, quick_columns
from eclipsed.bench.protocol import ENDS, LADDER, SLIDER
from eclipsed.bench.records import rounded
from eclipsed.bench.seeing import Asked, Court, Sample, Seen, edited, see
from eclipsed.bench.slider import slider_columns
from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import in_sight, shown
from eclipsed.evaluation.evaluate import Column, column

# Images at once. Their feature maps at all strengths of the slider are held together.
# Of every number in a row: there are tens of thousands, and what is read are means of hundreds.
DIGITS = 4
# What is kept of every strength; the rest is kept of strength 1 and of matched strengths.
CURVES = ("reach", "text_gain", "shows", "probability", "preservation", "dependency", "artifact")

Row = dict[str, Any]


def try_direction(
    court: Court, asked: Asked, direction: Direction, sample: Sample, ladder_seeds: int
) -> list[Row]:
    """A row for each seed: what `row_facts` says at strength 1, curves over strengths, slider.

    The first `ladder_seeds` are judged at all strengths of LADDER, the others at ENDS.
    """
    rows: list[Row] = []
    cuts = [*range(0, ladder_seeds, BATCH), *range(ladder_seeds, len(sample.seeds), BATCH)]
    for start, end in zip(cuts, [*cuts[1:], len(sample.seeds)], strict=True):
        strengths = LADDER if start < ladder_seeds else ENDS
        rows += _try_batch(court, asked, direction, sample.take(slice(start, end)), strengths)
    return rows


@torch.no_grad()
def _try_batch(
    court: Court, asked: Asked, direction: Direction, sample: Sample, strengths: Sequence[float]
) -> list[Row]:
    before = sample.before
    slider = SLIDER if len(strengths) == len(LADDER) else ()
    maps: list[tuple[torch.Tensor, ...]] = []
    quick: list[Columns] = []
    scores: Columns = {}
    for strength in strengths:
        seen = before
        if strength != 0.0:
            made = edited(court, direction, sample.latents, strength)
            seen = see(court, made, maps=strength in slider)
        quick.append(quick_columns(court, asked, before, seen))
        if strength == 1.0:
            scores = quick[-1] | close_columns(court, asked, before, seen)
        if strength in slider:
            maps.append(seen.maps)
    curves = {
        name: _turned([columns[name] for columns in quick]) for name in CURVES if name in quick[0]
    }
    has = _has(asked, before, curves, list(strengths).index(0.0))
    felt = _slider(curves, maps, strengths) if slider else {}
    rows = []
    for i, seed in enumerate(sample.seeds):
        row: Row = {"seed": seed, "has": has[i], "strengths": list(strengths)}
        row["curves"] = {name: lines[i] for name, lines in curves.items()}
        row["scores"] = {name: values[i] for name, values in scores.items() if name != "shows"}
        row["scores"] |= _counted(row, slider=bool(slider))
        row["slider"] = {name: values[i] for name, values in felt.items()} or None
        rows.append(_short(row))
    return rows


def _turned(columns: Sequence[Column]) -> list[Column]:
    """Columns, one for each strength, as a line for each seed."""
    return [list(line) for line in zip(*columns, strict=True)]


def _has(asked: Asked, before: Seen, curves: dict[str, list[Column]], zero: int) -> Column:
    """Whether the unedited images show the attribute; None where its part is out of sight."""
    count = len(before.codes)
    if not asked.claims:
        return [None] * count
    visible = in_sight(asked.claims, before.verdict).tolist()
    shown = [line[zero] for line in curves["shows"]]
    return [value if seen else None for value, seen in zip(shown, visible, strict=True)]


def _counted(row: Row, *, slider: bool) -> Row:
    """success, reversal and monotonicity, which `scoring` defines, of one seed."""
    shows = row["curves"].get("shows")
    if shows is None:
        return {}
    at = dict(zip(row["strengths"], shows, strict=True))
    counted: Row = {
        "success": succeeds(row, at[1.0]),
        "reversal": not at[-1.0] if row["has"] else None,
    }
    if slider:
        rises = dict(zip(row["strengths"], row["curves"]["probability"], strict=True))
        line = torch.tensor([[rises[strength] for strength in SLIDER]])
        counted["monotonicity"] = (
            None if row["has"] is None else bool(metrics.monotonicity(line)[0])
        )
    return counted


def _slider(
    curves: dict[str, list[Column]],
    maps: Sequence[tuple[torch.Tensor, ...]],
    strengths: Sequence[float],
) -> Columns:
    reach = None
    if "reach" in curves:
        places = [list(strengths).index(strength) for strength in SLIDER]
        reach = torch.tensor([[line[i] for i in places] for line in curves["reach"]])
    found = slider_columns(reach, maps, SLIDER)
    return {name: column(values) for name, values in found.items()}


@torch.no_grad()
def reaches(
    court: Court, asked: Asked, direction: Direction, sample: Sample, strength: float
) -> list[float]:
    """How far each image moves along the text at a strength; nothing else is looked at."""
    assert asked.text is not None
    parts = []
    for latents in sample.latents.split(BATCH):
        made = edited(court, direction, latents, strength)
        parts.append(court.judge.encoder.encode_image(made.image.clamp(-1.0, 1.0)))
    codes = torch.cat(parts)
    found: list[float] = metrics.reach(asked.text, sample.before.codes, codes).tolist()
    return found


@torch.no_grad()
def successes(
    court: Court, asked: Asked, direction: Direction, sample: Sample, strength: float
) -> list[bool]:
    """Which of the images that lack the attribute show it at a strength; nothing else is asked."""
    assert asked.claims
    judge, before = court.judge, sample.before.verdict
    lacking = in_sight(asked.claims, before) & ~shown(judge, asked.claims, before)
    found: list[bool] = []
    for latents in sample.latents[lacking].split(BATCH):
        made = edited(court, direction, latents, strength)
        found += shown(judge, asked.claims, judge.attributes(made.image)).tolist()
    return found


@torch.no_grad()
def try_strength(
    court: Court, asked: Asked, direction: Direction, sample: Sample, strength: float
) -> list[Row]:
    """A row for each seed with its scores at one strength, `success` included."""
    rows: list[Row] = []
    for start in range(0, len(sample.seeds), BATCH):
        part = sample.take(slice(start, start + BATCH))
        seen = see(court, edited(court, direction, part.latents, strength), maps=False)
        scores = quick_columns(court, asked, part.before, seen)
        scores |= close_columns(court, asked, part.before, seen)
        plain = quick_columns(court, asked, part.before, part.before)
        curves = {"shows": [[value] for value in plain["shows"]]} if "shows" in plain else {}
        has = _has(asked, part.before, curves, 0)
        shows = scores.pop("shows", [None] * len(part.seeds))
        for i, seed in enumerate(part.seeds):
            row: Row = {"seed": seed, "has": has[i]}
            row["scores"] = {name: values[i] for name, values in scores.items()}
            if asked.claims:
                row["scores"]["success"] = succeeds(row, shows[i])
            rows.append(_short(row))
    return rows


def _short(row: Row) -> Row:
    """The row with four digits of everything but the reach, which strengths are matched by."""
    reach = row.get("curves", {}).get("reach")
    made: Row = rounded(row, DIGITS)
    if reach is not None:
        made["curves"]["reach"] = reach
    return made
