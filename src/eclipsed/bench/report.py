"""The report of a bench: what `report.md` and `report.html` say, from its rows alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from eclipsed.bench import charts, summary
from eclipsed.bench.charts import Panel
from eclipsed.bench.cost import COLD_LIMIT
from eclipsed.bench.matching import HALF, Row, half_strength
from eclipsed.bench.pages import escaped, table, write_pages
from eclipsed.bench.summary import MATCHED, SCORES, SLIDER, Results
from eclipsed.directions import Direction
from eclipsed.editing.images import strip_picture
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.errors import MissingExtra
from eclipsed.evaluation import scores
from eclipsed.evaluation.evaluate import Score
from eclipsed.files import word_lists, write_atomic
from eclipsed.methods.registry import method_named
from eclipsed.types import World

PICTURES = "pictures"
# Of a strip: at a matched text gain half of an edit is done, so that strength 1 stands beside it.
_COLUMNS = ("best", "matched", "at 1", "median", "matched", "at 1", "worst", "matched", "at 1")
# Method → what `summary.overall` says of it.
Numbers = Mapping[str, Mapping[str, Any]]
# File, what it shows, and panels → the chart's Markdown.
Draw = Callable[[str, str, Sequence[Panel]], str]
_NOTHING = "–"
_LISTS = word_lists("eclipsed.bench", "report.toml")
_TEXTS, _TITLES, _DIGITS = (_LISTS[key] for key in ("texts", "titles", "digits"))


def write_report(
    world: World, results: Results, folder: Path, *, note: Callable[[str], None] = lambda _: None
) -> Path:
    """Write report.md and report.html with their charts and pictures into a folder; the HTML's
    path. Where matplotlib is missing, there are no charts and `note` is told so.

    Raises BadFile where that cannot be done.
    """
    (folder / PICTURES).mkdir(exist_ok=True)
    missing: list[str] = []

    def draw(file: str, shows: str, panels: Sequence[Panel]) -> str:
        panels = [panel for panel in panels if panel.series]
        try:
            data = charts.svg(panels, results.methods) if panels else b""
            return _picture(folder, file, shows, data) if data else ""
        except MissingExtra as error:
            missing.append(str(error))
            return ""

    title = f"Bench of directions on the world {results.records.rows[0]['world']}"
    blocks = [f"# {escaped(title)}", _about(results), *_blocks(world, results, folder, draw)]
    if missing:
        note(missing[0])
        blocks.insert(2, escaped(missing[0]))
    return write_pages([block for block in blocks if block], folder, "report", title)


def _picture(folder: Path, file: str, shows: str, data: bytes) -> str:
    write_atomic(folder / PICTURES / file, data)
    return f"![{escaped(shows)}]({PICTURES}/{file})"


def _blocks(world: World, results: Results, folder: Path, draw: Draw) -> Iterator[str]:
    numbers = summary.overall(results)
    yield from ("## At matched text gain", *_compared(results, numbers, "matched"))
    yield from ("## Where half of the seeds have changed", *_compared(results, numbers, "half"))
    at_one = _table(_part(numbers, "at_one"), summary.at_one_keys(results))
    yield from ("## At strength 1", _TEXTS["at_one"], at_one)
    yield from ("## As a slider", _TEXTS["slider"], _table(_part(numbers, "slider"), SLIDER))
    yield from ("## Quality against seconds", _cost_table(numbers), _quality(numbers, draw))
    yield from ("## Prompts", _prompt_table(results))
    for number, prompt in enumerate(results.searched, start=1):
        yield from _prompt_blocks(results, prompt, f"prompt-{number}", draw)
        strip = prompt_strip(world, results, prompt)
        if strip is not None:
            buffer = io.BytesIO()
            strip.save(buffer, "WEBP", quality=80)
            shows = f"{prompt}: best, median and worst seed of each method"
            yield _picture(folder, f"prompt-{number}.webp", shows, buffer.getvalue())
    yield from _failures(results)
    methods = map(method_named, results.methods)
    about = [(method.name, method.about, method.paper, method.differs) for method in methods]
    yield "## Methods"
    yield _texts(("method", "what it does", "paper", "what differs"), about)
    yield "## Columns beside the scores of a card"
    own = {**scores.MORE, **scores.SLIDER}.items()
    columns = [(_title(key), about, better or "") for key, (about, better) in own]
    yield _texts(("column", "what it says", "better"), columns)


def _about(results: Results) -> str:
    facts = results.records.rows[0]
    counts = {"methods": len(results.methods), "prompts": len(results.searched)}
    about: str = _TEXTS["about"].format(**facts, **counts, strengths=len(facts["ladder"]))
    return about if facts["drawn"] else f"{about} {_TEXTS['not_drawn']}"


def _title(key: str) -> str:
    return str(_TITLES.get(key, key.replace("_", " ")))


def _part(numbers: Numbers, part: str) -> dict[str, Any]:
    return {name: each[part] for name, each in numbers.items()}


def _texts(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(headings, [list(map(escaped, row)) for row in rows])


def _table(
    numbers: Mapping[str, Mapping[str, Score | None]],
    keys: Sequence[str],
    extra: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Methods as rows, scores as columns. extra: heading → plain cells that stand before them."""
    extra = extra or {}
    columns = [_column(key, [each[key] for each in numbers.values()]) for key in keys]
    rows = zip(map(escaped, numbers), *extra.values(), *columns, strict=True)
    return table(("method", *extra, *map(_title, keys)), rows, len(extra) + len(keys))


def _column(key: str, column: Sequence[Score | None]) -> list[str]:
    digits, better = _DIGITS.get(key, 2), SCORES[key][1]
    middles = [round(score["median"], digits) for score in column if score is not None]
    best = None
    if middles and better is not None:
        best = max(middles) if better == "higher" else min(middles)
    return [
        _cell(score, f".{digits}f", bold=round(score["median"], digits) == best, better=better)
        if score
        else _NOTHING
        for score in column
    ]


def _cell(score: Score, form: str, *, bold: bool, better: str | None) -> str:
    """The middle, and small beside it its interval and the worst tenth."""
    middle, low, high = (f"{score[key]:{form}}" for key in ("median", "low", "high"))
    beside = f"[{low}, {high}]"
    if score.get("worst") is not None:
        beside += f" {'≥' if better == 'higher' else '≤'} {score['worst']:{form}}"
    return f"**{middle}** *{beside}*" if bold else f"{middle} *{beside}*"


def _compared(results: Results, numbers: Numbers, kind: str) -> Iterator[str]:
    """Everybody where the job is equal, and everybody against the first of them."""
    levels = sum(prompt in results.levels for prompt in results.possible)
    reached = [f"{each[f'{kind}_prompts']} of {levels}" for each in numbers.values()]
    yield _TEXTS[kind]
    yield _table(_part(numbers, kind), MATCHED, {"prompts reached": reached})
    if len(results.methods) > 1:
        first, *others = results.methods
        yield _TEXTS["against"].format(first=escaped(first))
        keys = [key for key in MATCHED if SCORES[key][1] is not None]
        rows = {name: results.rows(kind, name, results.possible) for name in results.methods}
        cells = [[escaped(name), *_differences(rows[name], rows[first], keys)] for name in others]
        yield table(("method", "prompts", *map(_title, keys)), cells, 1 + len(keys))


def _differences(rows: Sequence[Row], base: Sequence[Row], keys: Sequence[str]) -> Iterator[str]:
    yield str(len({row["prompt"] for row in rows} & {row["prompt"] for row in base}))
    for key in keys:
        score, better = summary.against(rows, base, key), SCORES[key][1]
        if score is None:
            yield _NOTHING
        else:
            bold = score["low"] > 0.0 if better == "higher" else score["high"] < 0.0
            yield _cell(score, f"+.{_DIGITS.get(key, 2)}f", bold=bold, better=better)


def _number(value: float | None, form: str, nothing: str = _NOTHING) -> str:
    return nothing if value is None else f"{value:{form}}"


def _cost_table(numbers: Numbers) -> str:
    rows = []
    for name, each in numbers.items():
        over = "≥ " if (each["cold_seconds"] or 0.0) >= COLD_LIMIT else ""
        warm, cold = (_number(each[f"{key}_seconds"], ".1f") for key in ("warm", "cold"))
        rows.append((escaped(name), warm, over + cold, _number(each["memory_mib"], ".0f")))
    return table(("method", "seconds, warm", "seconds, first of all", "memory, MiB"), rows, 3)


def _quality(numbers: Numbers, draw: Draw) -> str:
    """What a method achieves against the seconds of its search."""
    panels = []
    for title, (part, key) in _LISTS["quality"].items():
        points = {
            name: [(each["warm_seconds"], each[part][key]["median"])]
            for name, each in numbers.items()
            if each["warm_seconds"] is not None and each[part][key] is not None
        }
        panels.append(Panel("seconds of a search, warm", title, points, log=True))
    return draw("quality.svg", "Quality against seconds", panels)


def _prompt_table(results: Results) -> str:
    rows = []
    for prompt in results.prompts:
        row = next(results.records.of("prompt", prompt=prompt))
        claims = [f"{one['group']}: {', '.join(one['values'])}" for one in row["claims"]]
        verdict = f"{row['verdict']} ({row['rank']:.2f})"
        regions = ", ".join(row["regions"]) or "the whole image"
        level = _number(results.levels.get(prompt), ".3f")
        rows.append((prompt, verdict, regions, "; ".join(claims) or _NOTHING, level))
    headings = ("prompt", "pre-flight (rank)", "regions", "judged by", "matched at projection")
    return _texts(headings, rows)


def _prompt_blocks(results: Results, prompt: str, stem: str, draw: Draw) -> Iterator[str]:
    yield f"### {escaped(prompt)}"
    if prompt not in results.levels:
        yield _TEXTS["no_level"]
    curves = results.curves[prompt]
    matched = {name: results.rows("matched", name, [prompt]) for name in results.methods}
    halves = [half_strength(curves[name]) if name in curves else None for name in matched]
    strengths = [rows[0]["strength"] if rows else None for rows in matched.values()]
    extra = {
        "half have it at": [_number(strength, ".2f", "never") for strength in halves],
        "matched at": [_number(strength, ".2f", "never") for strength in strengths],
    }
    yield _table(
        {name: summary.numbers_of(matched[name], MATCHED) for name in matched},
        MATCHED,
        extra,
    )
    seeds = {name: results.rows("seed", name, [prompt]) for name in results.methods}
    keys = summary.at_one_keys(results)
    yield _table({name: summary.numbers_of(seeds[name], keys) for name in seeds}, keys)
    projection = {name: curve.points(curve.projection) for name, curve in curves.items()}
    success = {name: curve.points(curve.success) for name, curve in curves.items() if curve.success}
    panels = [
        Panel("strength", "text projection, median", projection, results.levels.get(prompt)),
        Panel("strength", "fraction of seeds that show it", success, HALF),
    ]
    yield draw(f"{stem}.svg", f"{prompt}: what strengths do", panels)


def _failures(results: Results) -> Iterator[str]:
    key = ("method", "prompt", "image")
    rows = [
        (row["method"], row["prompt"], row["error"])
        for row in results.records.of("failure")
        if row["method"] in results.methods
        and row["prompt"] in results.prompts
        and not any(results.records.of("seed", **{name: row[name] for name in key}))
    ]
    if rows:
        yield "## What was refused"
        yield _texts(("method", "prompt", "reason"), rows)


def ranked(rows: list[Row]) -> list[Row]:
    """Rows from best to worst: successes first, then the cleanest, then the most local.

    Seeds that had the attribute before come into it only where there are no others.
    """
    asked = [row for row in rows if row["scores"].get("success") is not None] or rows

    def merit(row: Row) -> tuple[float, ...]:
        keys = ("success", "artifact", "locality", "projection")
        success, artifact, *rest = (float(row["scores"].get(key) or 0.0) for key in keys)
        return success, -artifact, *rest

    return sorted(asked, key=merit, reverse=True)


def prompt_strip(world: World, results: Results, prompt: str) -> Image.Image | None:
    """A row for each method that found a direction; seeds as it ranks at matched text gain, or at
    strength 1 where it never gets there. None where nobody found any."""
    cells = {}
    for name in results.methods:
        rows = results.rows("matched", name, [prompt]) or results.rows("seed", name, [prompt])
        if rows:
            cells[name] = _cells(world, results, rows)
    if not cells:
        return None
    return strip_picture(torch.stack([*cells.values()]), [*cells], _COLUMNS, title=prompt)


def _cells(world: World, results: Results, rows: list[Row]) -> Tensor:
    """[9, 3, H, W]: three seeds before, matched (white where it never gets there), at 1."""
    order = ranked(rows)
    cells = []
    for row in (order[0], order[len(order) // 2], order[-1]):
        key = {name: row[name] for name in ("method", "prompt", "image")}
        card = next(results.records.of("direction", **key))["card"]
        direction = Direction.load(results.records.folder / card)
        latents = world.generator.sample([row["seed"]], space="z")
        for strength in (0.0, row.get("strength"), 1.0):
            stack = EditStack((Edit(direction, strength or 0.0),))
            options: dict[str, Any] = {"space": "z", "truncation": world.truncation}
            image = render(world.generator, latents, stack, segmenter=world.segmenter, **options)
            cells.append(torch.ones_like(image[0]) if strength is None else image[0])
    return torch.stack(cells)
