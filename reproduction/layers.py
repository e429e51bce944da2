"""What each range of layers changes: one direction, edited on a few rows of W+ at a time."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace

from eclipsed.bench import charts
from eclipsed.bench.pages import Block, Charts, Heading, Text
from eclipsed.types import World
from reproduction.comparing import LEAST
from reproduction.engine import Looks, carry_variants
from reproduction.moving import edits_of, moved
from reproduction.showing import refused, strip
from reproduction.study import Job, Study
from reproduction.table1 import FINAL
from reproduction.variants import Variant

DIRECTIONS = (
    replace(FINAL, label="curly hair"),
    Variant(label="blond hair", prompt="a person with blond hair"),
    Variant(label="open mouth", prompt="a person with the mouth open"),
)
# Far out, because a few rows do a part of the job only.
STRENGTHS = (1.0, 3.0)
FAR = STRENGTHS[-1]
COLOUR, MOUTH = (7, 8, 9), (4, 5)  # what the paper says of them


def ranges(world: World) -> tuple[tuple[int, ...], ...]:
    """The rows of each resolution, then those that the paper speaks of, as far as there are."""
    count = len(world.generator.layers("w+"))
    own = ((0,), *(tuple(range(row, min(row + 2, count))) for row in range(1, count, 2)))
    return (*own, *(rows for rows in (MOUTH, COLOUR) if rows[-1] < count))


def _variants(world: World) -> list[Variant]:
    return [
        replace(each, label=_label(each, rows), layers=rows, strengths=STRENGTHS)
        for each in DIRECTIONS
        for rows in ranges(world)
    ]


def _label(direction: Variant, rows: tuple[int, ...]) -> str:
    named = f"rows {rows[0]}–{rows[-1]}" if rows[1:] else f"row {rows[0]}"
    return f"{direction.label}, {named}"


def _blocks(job: Job) -> Iterator[Block]:
    yield Text(
        "Directions of the paper's training (preset paper-scaled), each applied to a few rows of "
        "W+ at a time. Row k has the same resolution here and in the paper's network, which has "
        "more rows above: row 0 draws 4 pixels, 1–2 draw 8, 3–4 16, 5–6 32, 7–8 64, 9–10 128."
    )
    variants = _variants(job.world)
    yield Heading("Share of images in which an attribute becomes another", 3)
    for strength in STRENGTHS:
        found = {each.label: moves(job, each.label, strength) for each in variants}
        drawn = charts.shades(found, f"an attribute becomes another, strength {strength:g}")
        yield Charts(((f"moves-{strength:g}.svg", drawn),))
    yield Heading("Where the change lies", 3)
    yield Text("Share of the change of pixels in each region of the judge's, before or after.")
    found = {each.label: places(job, each.label) for each in variants}
    drawn = charts.shades(found, f"share of the change, strength {FAR:g}")
    yield Charts((("places.svg", drawn),))
    rows = [each for each in variants if each.prompt == DIRECTIONS[0].prompt]
    shows = "the direction of curly hair on a few rows, an image before and at both strengths"
    yield from strip(job, rows, (0.0, *STRENGTHS), name="strip", shows=shows, images=1)
    yield from refused(job)


def moves(job: Job, label: str, strength: float) -> dict[str, float]:
    """Group → share of images in which it shows another value."""
    found: dict[str, list[bool]] = {}
    for _, before, after in edits_of(job.records, label, strength):
        for group in before:
            one = moved(before, after, group)
            if one is not None:
                found.setdefault(group, []).append(one)
    return {group: statistics.fmean(ones) for group, ones in found.items()}


def places(job: Job, label: str) -> dict[str, float]:
    """Region → mean share of the change, far out."""
    found: dict[str, list[float]] = {}
    for row, _, _ in edits_of(job.records, label, FAR):
        for region, share in row.get("places", {}).items():
            if share is not None:
                found.setdefault(region, []).append(share)
    return {region: statistics.fmean(shares) for region, shares in found.items()}


def _verdicts(job: Job) -> list[str]:
    enough = job.trainings >= LEAST
    said = []
    if COLOUR in ranges(job.world):
        shares = moves(job, _label(DIRECTIONS[1], COLOUR), FAR)
        what = "That rows 7 to 9 change the colour of hair and nothing else"
        said.append(_alone(what, shares, "hair color", enough=enough))
    found = [places(job, _label(each, MOUTH)) for each in DIRECTIONS if MOUTH in ranges(job.world)]
    parts = [
        f"{each.label}: {_greatest(one)}" for each, one in zip(DIRECTIONS, found, strict=False)
    ]
    if parts:
        said.append(
            "That rows 4 and 5 change the mouth and some of the hair: most of their change lies in "
            f"{'; '.join(parts)}."
        )
    return said or ["This generator has too few rows for what the paper says."]


def _alone(what: str, shares: dict[str, float], group: str, *, enough: bool) -> str:
    """Whether one group moves and no other does in more than one image of twenty."""
    if group not in shares:
        return f"{what}: cannot be told, no judge here sees it."
    others = {name: share for name, share in shares.items() if name != group}
    worst = max(others, key=others.__getitem__)
    numbers = (
        f"it changes in {shares[group]:.0%} of the images at strength {FAR:g}, the next, {worst}, "
        f"in {others[worst]:.0%}"
    )
    if not enough:
        return f"{what}: cannot be told from so few trainings; {numbers}."
    holds = shares[group] >= 0.5 and others[worst] <= 0.05
    return f"{what}: {'survives' if holds else 'does not survive'}, {numbers}."


def _greatest(shares: dict[str, float], count: int = 3) -> str:
    order = sorted(shares, key=shares.__getitem__, reverse=True)[:count]
    return ", ".join(f"{name} {shares[name]:.0%}" for name in order)


STUDY = Study(
    title="What each range of layers changes",
    says=(
        "“We found that layers 7-8-9 seem to uniquely affect hair color, leaving other semantic "
        "aspects untouched. Similarly, layers 4-5 affect the mouth and some of the hair.” Of 18 "
        "layers; no numbers.",
    ),
    trainings=5,
    seeds=50,
    carry=lambda job: carry_variants(job, _variants(job.world), Looks(places=True, scores=False)),
    blocks=_blocks,
    verdicts=_verdicts,
)
