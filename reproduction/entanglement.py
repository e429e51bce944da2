"""What a wish drags along where the population couples it, with and without localization."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from eclipsed.bench.charts import Series, dots, legend
from eclipsed.bench.pages import Block, Cell, Charts, Heading, Table, Text
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation.observe import evaluator_of
from eclipsed.search.loop import default_config
from eclipsed.types import Judge
from reproduction.comparing import (
    Pair,
    by_training,
    compared,
    over_trainings,
    sentence,
    sentences,
    threshold,
)
from reproduction.engine import carry_variants, seen_values
from reproduction.moving import Values, edits_of, gained
from reproduction.showing import USUAL, explained, numbers, pairs_table, refused, strip
from reproduction.study import FIRST_SEED, Job, Study
from reproduction.variants import PAPER, Variant, judged_goal

# Images that say what the population couples: so many for each that is judged.
PEOPLE = 20
FIRST_PERSON = FIRST_SEED + 100_000
# The values that count as coupled with a wish: so many at most, so much likelier at least.
COUPLED, CLEAR = 3, 0.05
LISTED = 8


@dataclass(frozen=True)
class Wish:
    """A prompt, trained with and without localization, and by the default."""

    name: str

    @property
    def prompt(self) -> str:
        return f"a person with {self.name}"

    @property
    def variants(self) -> tuple[Variant, Variant, Variant]:
        base = Variant(label=f"{self.name}, localized", prompt=self.prompt)
        free = replace(PAPER, local_weight=0.0)
        return (
            base,
            replace(base, label=f"{self.name}, not localized", config=free),
            replace(base, label=f"{self.name}, default", config=default_config()),
        )


WISHES = (Wish("red hair"), Wish("gray hair"))
VARIANTS = tuple(variant for wish in WISHES for variant in wish.variants)
Coupling = dict[tuple[str, str], float]


def _carry(job: Job) -> None:
    judge = evaluator_of(job.world).judge
    _count(job, judge)
    for wish in WISHES:
        if not any(job.records.of("claim", wish=wish.name)):
            claim = judge.claim(judged_goal(job.world, wish.variants[0]).prompt)
            facts = {"group": claim.group, "values": list(claim.values)} if claim else {}
            job.records.add(kind="claim", wish=wish.name, **facts)
    carry_variants(job, VARIANTS)


@torch.no_grad()
def _count(job: Job, judge: Judge) -> None:
    """A row for each image of the population that has none."""
    world = job.world
    done = {row["seed"] for row in job.records.of("person")}
    people = range(FIRST_PERSON, FIRST_PERSON + PEOPLE * job.seeds)
    left = [seed for seed in people if seed not in done]
    for start in range(0, len(left), BATCH):
        seeds = left[start : start + BATCH]
        latents = world.generator.sample(seeds, space="z")
        made = world.generator.synthesize(latents, "z", truncation=world.truncation)
        verdict = judge.attributes(made.image)
        for seed, shows in zip(seeds, seen_values(verdict, judge.groups, len(seeds)), strict=True):
            job.records.add(kind="person", seed=seed, shows=shows)


def coupling(job: Job, wish: Wish) -> Coupling:
    """(group, value) → how much likelier it is in people who have what is wished than in others.

    Empty where no judge can tell who has it.
    """
    claim = next(job.records.of("claim", wish=wish.name), {})
    if "group" not in claim:
        return {}
    group, wanted = claim["group"], set(claim["values"])
    people: list[Values] = [row["shows"] for row in job.records.of("person")]
    known = [shows for shows in people if shows.get(group) is not None]
    having = [shows for shows in known if shows[group] in wanted]
    lacking = [shows for shows in known if shows[group] not in wanted]
    pairs = {
        (name, value) for shows in known for name, value in shows.items() if value and name != group
    }
    lifts = {}
    for name, value in sorted(pairs):
        shares = [
            [shows[name] == value for shows in part if shows[name] is not None]
            for part in (having, lacking)
        ]
        if all(shares):
            lifts[name, value] = statistics.fmean(shares[0]) - statistics.fmean(shares[1])
    return dict(sorted(lifts.items(), key=lambda item: -item[1]))


def gains(job: Job, variant: Variant, pair: tuple[str, str]) -> dict[tuple[int, int], float]:
    """(training, seed) → 1 where an edit of an image without the attribute brings a value, −1 where
    it takes it away."""
    found = {}
    for row, before, after in edits_of(job.records, variant.label, 1.0):
        one = gained(before, after, *pair) if row["has"] is False else None
        if one is not None:
            found[row["training"], row["seed"]] = float(one)
    return found


def dragged(
    job: Job, variant: Variant, coupled: list[tuple[str, str]]
) -> dict[tuple[int, int], float]:
    """(training, seed) → how many of the coupled values come along, less those that go."""
    total: dict[tuple[int, int], float] = {}
    for pair in coupled:
        for key, value in gains(job, variant, pair).items():
            total[key] = total.get(key, 0.0) + value
    return total


def _most(job: Job, wish: Wish) -> list[tuple[str, str]]:
    """The values that come with a wish most, and clearly."""
    clear = [pair for pair, lift in coupling(job, wish).items() if lift >= CLEAR]
    return clear[:COUPLED]


def _pairs(wish: Wish) -> tuple[Pair, ...]:
    local, free, default = (variant.label for variant in wish.variants)
    return (
        Pair(
            f"{wish.name}: without localization fewer other attributes stay",
            free,
            local,
            -1,
            "preservation",
        ),
        Pair(f"{wish.name}: without localization more changes outside", free, local, 1, "leakage"),
        Pair(
            f"{wish.name}: default keeps more than paper-scaled",
            default,
            local,
            1,
            "preservation",
            ours=True,
        ),
    )


PAIRS = tuple(pair for wish in WISHES for pair in _pairs(wish))


def _blocks(job: Job) -> Iterator[Block]:
    people = len(list(job.records.of("person")))
    yield Text(
        "Preset paper-scaled with localization 0.05 and without, and the default. What the "
        f"population couples is counted on {people} images: how much likelier a value "
        "is in those that have what is wished. What an edit drags along: of images without the "
        "attribute, how many show the value after the edit, less before."
    )
    for wish in WISHES:
        lifts = coupling(job, wish)
        if lifts:
            yield Heading(f"What comes with {wish.name}", 3)
            yield _table(job, wish, lifts)
            yield _chart(job, wish, lifts)
    yield Heading("All numbers", 3)
    yield pairs_table(job, PAIRS)
    yield explained()
    yield numbers(job, VARIANTS, USUAL)
    shows = "the first training of each, two images before and at strength 1"
    yield from strip(job, VARIANTS, (0.0, 1.0), name="strip", shows=shows)
    yield from refused(job)


def _table(job: Job, wish: Wish, lifts: Coupling) -> Table:
    rows = []
    for pair in list(lifts)[:LISTED]:
        cells = [Cell(": ".join(pair)), Cell(f"{lifts[pair]:+.2f}")]
        for variant in wish.variants:
            found = over_trainings(by_training(gains(job, variant, pair)).values())
            if found is None:
                cells.append(Cell("–"))
            else:
                middle, low, high = (f"{found[key]:+.2f}" for key in ("median", "low", "high"))
                cells.append(Cell(middle, f"[{low}, {high}]"))
        rows.append(tuple(cells))
    names = (variant.label.split(", ")[1] for variant in wish.variants)
    return Table(("value", "in the population", *names), tuple(rows))


def _chart(job: Job, wish: Wish, lifts: Coupling) -> Charts:
    """For each value, what the edit brings against what the population couples."""
    series = []
    for style, variant in enumerate(wish.variants):
        points = []
        for pair, lift in lifts.items():
            found = gains(job, variant, pair)
            if found:
                points.append((lift, statistics.fmean(found.values())))
        series.append(Series(variant.label, tuple(points), style))
    name = wish.name.replace(" ", "-")
    svg = dots(series, "what the edit brings", "what the population couples")
    return Charts(
        ((f"{name}-legend.svg", legend([one.name for one in series])), (f"{name}.svg", svg))
    )


def _verdicts(job: Job) -> list[str]:
    said = []
    for wish in WISHES:
        coupled = _most(job, wish)
        if not coupled:
            said.append(f"What {wish.name} drags along cannot be told: no judge here sees it.")
            continue
        local, free, _ = (dragged(job, variant, coupled) for variant in wish.variants)
        names = ", ".join(": ".join(pair) for pair in coupled)
        found = over_trainings(by_training(free).values())
        what = f"{wish.name}, not localized, drags coupled values along ({names}; sum an image)"
        said.append(threshold(what, found, len(by_training(free)), 0.0))
        pair = Pair(f"{wish.name}: localization drags less along", "", "", 1, "dragged")
        said.append(sentence(pair, compared(free, local)))
    return [*said, *sentences(job.records, PAIRS)]


STUDY = Study(
    title="What a wish drags along",
    says=(
        "“Training on prompts such as “a person with red hair” quickly produced edits where a "
        "person appeared paler, some with freckles, which we can attribute to both the "
        "distribution of data within the dataset and CLIP's effect.” Edits “with no regards "
        "for locality often change key elements of the face”. No numbers.",
    ),
    trainings=5,
    seeds=50,
    carry=_carry,
    blocks=_blocks,
    verdicts=_verdicts,
)
