"""The report of a bench: what `report.md` and `report.html` say, from its rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eclipsed.bench import charts
from eclipsed.bench.bench import curves_of
from eclipsed.bench.charts import Series
from eclipsed.bench.cost import COLD_LIMIT
from eclipsed.bench.pages import Block, Cell, Charts, Heading, Picture, Table, Text, write_pages
from eclipsed.bench.strips import prompt_strip
from eclipsed.bench.summary import (
    AT_ONE,
    MATCHED,
    SLIDER,
    Measure,
    Results,
    Row,
    against,
    costs_of,
    half_rows,
    level_at,
    matched_rows,
    score,
    seed_rows,
    slider_score,
    strength_of_half,
)
from eclipsed.evaluation.evaluate import Score
from eclipsed.methods.registry import method_named
from eclipsed.types import World

# Rows of a contender on some prompts.
Found = Callable[[Results, str, Iterable[str]], list[Row]]
NAME = "report"
# What says whose direction a row is about.
_KEY = ("contender", "prompt", "image")
PICTURES = "pictures"
_NOBODY = "–"
_AT_ONE = (
    "Every direction at its own strength 1, which is where its search says that the prompt is "
    "reached (reversal: at −1). Weak edits look good here in all that stays the same."
)
_MATCHED = (
    "Every direction at the strength that moves images equally far along the text in the judge's "
    "encoder; for each prompt that is where the weakest contender which does the job has changed "
    "half of the seeds. PSNR, SSIM and distance are of the pixels outside the regions. A contender "
    "that never gets there is not in a prompt's numbers, so read how many prompts it got there in."
)
_HALF = (
    "Every direction at the strength where half of the seeds that lack the attribute show it, by "
    "the judge's classifier and the seeds that climb the whole ladder: the same amount of the job "
    "by another measure. It says nothing where no judge can count."
)
_AGAINST = (
    "The same numbers, each minus those of {first}, seed by seed, in the prompts where both got "
    "there: what is hard for everybody cancels. Bold is better than {first} by more than the "
    "interval."
)
_SLIDER = (
    "Nine even strengths from −2 to 2. What hardly moves is smooth as well: read δ, CSM and MID "
    "next to text gain and range."
)


def write_report(world: World, results: Results, folder: Path) -> Path:
    """Write report.md and report.html with their charts and pictures into a folder; the HTML's
    path. Raises BadFile where that cannot be done."""
    (folder / PICTURES).mkdir(exist_ok=True)
    write_pages(list(_blocks(world, results)), folder, NAME)
    return folder / f"{NAME}.html"


def _blocks(world: World, results: Results) -> Iterator[Block]:
    facts, possible = results.records.rows[0], results.possible
    yield Heading(f"Bench of directions on the world {facts['world']}", 1)
    yield Text(_about(results, facts))
    yield Charts((("pictures/legend.svg", charts.legend(results.contenders)),))
    yield Heading("At matched text gain", 2)
    yield Text(_MATCHED)
    yield from _compared(results, matched_rows)
    yield Heading("Where half of the seeds have changed", 2)
    yield Text(_HALF)
    yield from _compared(results, half_rows)
    yield Heading("At strength 1", 2)
    yield Text(_AT_ONE)
    yield _table(results, AT_ONE, lambda name, m: score(seed_rows(results, name, possible), m))
    yield Heading("As a slider", 2)
    yield Text(_SLIDER)
    yield _table(
        results, SLIDER, lambda name, m: slider_score(seed_rows(results, name, possible), m)
    )
    yield Heading("Quality against seconds", 2)
    yield _cost_table(results)
    yield _quality_charts(results)
    yield Heading("Prompts", 2)
    yield _prompt_table(results)
    for number, prompt in enumerate(results.searched, start=1):
        yield from _prompt_blocks(world, results, prompt, number)
    yield from _failures(results)
    yield Heading("Contenders", 2)
    yield _contender_table(results)


def _about(results: Results, facts: dict[str, Any]) -> str:
    drawn = "" if facts["drawn"] else " Smear is missing: this world cannot be drawn here."
    return (
        f"{_count(results.contenders, 'contender')} on {_count(results.searched, 'prompt')} and "
        f"{facts['seeds']} seeds that no search saw, {facts['ladder_seeds']} of them at all "
        f"{len(facts['ladder'])} strengths; judged by {facts['judged_by']}. Medians, or shares "
        f"where things are counted, with bootstrap 95% intervals over seeds; bold is the best "
        f"middle. Overall numbers leave out prompts that pre-flight calls unlikely. Times are on "
        f"{facts['device']}, {facts['threads']} threads, torch {facts['torch']}.{drawn}"
    )


def _count(things: Sequence[str], name: str) -> str:
    return f"{len(things)} {name}" + "s" * (len(things) != 1)


def _table(
    results: Results, measures: Sequence[Measure], find: Callable[[str, Measure], Score | None]
) -> Table:
    """Contenders as rows, measures as columns."""
    columns = [[find(name, measure) for name in results.contenders] for measure in measures]
    cells = [_column(scores, measure) for scores, measure in zip(columns, measures, strict=True)]
    headings = tuple(measure.title for measure in measures)
    rows = tuple(
        (Cell(name), *line)
        for name, line in zip(results.contenders, zip(*cells, strict=True), strict=True)
    )
    return Table(("contender", *headings), rows)


def _column(scores: Sequence[Score | None], measure: Measure) -> list[Cell]:
    known = [round(one["median"], measure.digits) for one in scores if one is not None]
    best: float | None = None
    if known and measure.better != "neither":
        best = max(known) if measure.better == "higher" else min(known)
    cells = []
    for one in scores:
        if one is None:
            cells.append(Cell(_NOBODY))
            continue
        middle, low, high = (f"{one[k]:.{measure.digits}f}" for k in ("median", "low", "high"))
        cells.append(Cell(middle, f"[{low}, {high}]", round(one["median"], measure.digits) == best))
    return cells


def _with_column(table: Table, place: int, heading: str, cells: Sequence[str]) -> Table:
    """A table with one more column of plain texts."""
    headings = (*table.headings[:place], heading, *table.headings[place:])
    rows = tuple(
        (*row[:place], Cell(cell), *row[place:])
        for row, cell in zip(table.rows, cells, strict=True)
    )
    return Table(headings, rows)


def _compared(results: Results, find: Found) -> Iterator[Block]:
    """Everybody where the job is equal, and everybody against the first of them."""
    rows = {name: find(results, name, results.possible) for name in results.contenders}
    table = _table(results, MATCHED, lambda name, m: score(rows[name], m))
    yield _with_column(table, 1, "prompts got there", _got_there(results, rows))
    if len(rows) > 1:
        yield Text(_AGAINST.format(first=results.contenders[0]))
        yield _against_table(rows)


def _matched_table(results: Results, prompts: Sequence[str]) -> Table:
    rows = {name: matched_rows(results, name, prompts) for name in results.contenders}
    return _table(results, MATCHED, lambda name, m: score(rows[name], m))


def _against_table(found: Mapping[str, list[Row]]) -> Table:
    """What the others have more or less of than the first contender; bold where that is better."""
    base, *others = found.items()
    measures = [measure for measure in MATCHED if measure.better != "neither"]
    rows = []
    for name, own in others:
        shared = {row["prompt"] for row in own} & {row["prompt"] for row in base[1]}
        cells = [_difference(against(own, base[1], measure), measure) for measure in measures]
        rows.append((Cell(name), Cell(str(len(shared))), *cells))
    headings = ("contender", "prompts", *(measure.title for measure in measures))
    return Table(headings, tuple(rows))


def _difference(found: Score | None, measure: Measure) -> Cell:
    if found is None:
        return Cell(_NOBODY)
    middle, low, high = (f"{found[k]:+.{measure.digits}f}" for k in ("median", "low", "high"))
    better = found["low"] > 0.0 if measure.better == "higher" else found["high"] < 0.0
    return Cell(middle, f"[{low}, {high}]", better)


def _got_there(results: Results, rows: Mapping[str, list[Row]]) -> list[str]:
    """For each contender, in how many prompts it gets there, of those in which anybody does."""
    levels = sum(level_at(results, prompt) is not None for prompt in results.possible)
    return [f"{len({row['prompt'] for row in own})} of {levels}" for own in rows.values()]


def _cost_table(results: Results) -> Table:
    rows = []
    for name in results.contenders:
        costs = costs_of(results, name)
        over = costs.cold is not None and costs.cold >= COLD_LIMIT
        rows.append(
            (
                Cell(name),
                Cell(_NOBODY if costs.warm is None else f"{costs.warm:.1f}"),
                Cell(_NOBODY if costs.cold is None else f"{'≥ ' * over}{costs.cold:.1f}"),
                Cell(_NOBODY if costs.memory is None else f"{costs.memory:.0f}"),
            )
        )
    headings = ("contender", "seconds, warm", "seconds, first of all", "memory, MiB")
    return Table(headings, tuple(rows))


def _quality_charts(results: Results) -> Charts:
    """success at 1, locality and artifact at matched reach, against seconds of a search."""
    by_key = {measure.key: measure for measure in MATCHED}
    wanted: list[tuple[str, str, Callable[[str], Score | None]]] = [
        (
            "success",
            "success at strength 1",
            lambda name: score(seed_rows(results, name, results.possible), by_key["success"]),
        ),
        (
            "locality",
            "share of the change inside, matched",
            lambda name: score(matched_rows(results, name, results.possible), by_key["locality"]),
        ),
        (
            "artifact",
            "artifact, matched (lower is better)",
            lambda name: score(matched_rows(results, name, results.possible), by_key["artifact"]),
        ),
    ]
    made = []
    for key, title, find in wanted:
        series = []
        for style, name in enumerate(results.contenders):
            seconds, found = costs_of(results, name).warm, find(name)
            if seconds is not None and found is not None:
                series.append(Series(name, ((seconds, found["median"]),), style))
        svg = charts.dots(series, title, "seconds of a search, warm", log_x=True)
        made.append((f"{PICTURES}/quality-{key}.svg", svg))
    return Charts(tuple(made))


def _prompt_table(results: Results) -> Table:
    rows = []
    for prompt in results.prompts:
        row = next(results.records.of("prompt", prompt=prompt))
        claims = [f"{one['group']}: {', '.join(one['values'])}" for one in row["claims"]]
        level = level_at(results, prompt)
        rows.append(
            (
                Cell(prompt),
                Cell(f"{row['verdict']} ({row['rank']:.2f})"),
                Cell(", ".join(row["regions"]) or "the whole image"),
                Cell("; ".join(claims) or _NOBODY),
                Cell(_NOBODY if level is None else f"{level:.3f}"),
            )
        )
    headings = ("prompt", "pre-flight (rank)", "regions", "judged by", "matched at reach")
    return Table(headings, tuple(rows))


def _prompt_blocks(world: World, results: Results, prompt: str, number: int) -> Iterator[Block]:
    yield Heading(prompt, 3)
    if level_at(results, prompt) is None:
        yield Text("There is no reach to compare at: no contender does half of the job.")
    halves = [_strength(strength_of_half(results, name, prompt)) for name in results.contenders]
    table = _with_column(_matched_table(results, [prompt]), 1, "half have it at", halves)
    rows = [matched_rows(results, name, [prompt]) for name in results.contenders]
    matched = [_strength(own[0]["strength"] if own else None) for own in rows]
    yield _with_column(table, 2, "matched at", matched)
    yield _table(results, AT_ONE, lambda name, m: score(seed_rows(results, name, [prompt]), m))
    yield _curve_charts(results, prompt, number)
    picture = prompt_strip(world, results, prompt)
    if picture is not None:
        shows = f"{prompt}: best, median and worst seed of each contender"
        yield Picture(f"{PICTURES}/prompt-{number}.webp", shows, picture)


def _strength(strength: float | None) -> str:
    return "never" if strength is None else f"{strength:.2f}"


def _curve_charts(results: Results, prompt: str, number: int) -> Charts:
    """Reach and success along rising strengths."""
    curves = curves_of(results.records, prompt, results.contenders)
    reach, success = [], []
    for style, name in enumerate(results.contenders):
        curve = curves.get(name)
        if curve is None:
            continue
        reach.append(Series(name, tuple(zip(curve.strengths, curve.reach, strict=True)), style))
        if curve.success is not None:
            success.append(
                Series(name, tuple(zip(curve.strengths, curve.success, strict=True)), style)
            )
    made = []
    if reach:
        svg = charts.lines(reach, "reach, median", "strength", level=level_at(results, prompt))
        made.append((f"{PICTURES}/prompt-{number}-reach.svg", svg))
    if success:
        svg = charts.lines(success, "share of seeds that show it", "strength", level=0.5)
        made.append((f"{PICTURES}/prompt-{number}-success.svg", svg))
    return Charts(tuple(made))


def _failures(results: Results) -> Iterator[Block]:
    rows = [
        (Cell(row["contender"]), Cell(row["prompt"]), Cell(row["error"]))
        for row in results.records.of("failure")
        if row["contender"] in results.contenders
        and row["prompt"] in results.prompts
        and not any(results.records.of("seed", **{key: row[key] for key in _KEY}))
    ]
    if rows:
        yield Heading("What was refused", 2)
        yield Table(("contender", "prompt", "reason"), tuple(rows))


def _contender_table(results: Results) -> Table:
    rows = []
    for name in results.contenders:
        method = method_named(name)
        rows.append((Cell(name), Cell(method.about), Cell(method.paper), Cell(method.differs)))
    return Table(("contender", "what it does", "paper", "what differs"), tuple(rows))
