"""The verb that compares ways to find a direction: bench."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.cli.wording import table

if TYPE_CHECKING:
    from eclipsed.bench.protocol import BenchConfig

# What is printed of each method: heading, and where it is in the result.
_SHOWN = (
    ("success at 1", "at_one", "success"),
    ("locality, matched", "matched", "locality"),
    ("preservation, matched", "matched", "preservation"),
    ("artifact, matched", "matched", "artifact"),
    ("monotonicity", "slider", "monotonicity"),
)


def bench(
    methods: Annotated[
        str | None, typer.Option(metavar="A,B", help="Who takes part; by default everybody.")
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(metavar="FILE|'a;b'", help="What is asked for; by default a fixed list."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many images to judge.")
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="More seeds, all at every strength, however long it takes."),
    ] = False,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The folder for rows, cards and report.")
    ] = Path("bench"),
    world: options.World = "starter",
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Compare ways to find a direction, side by side.

    On prompts and seeds that none of them chose, judged by networks that no search uses. Every row
    is kept as it is made; the same command goes on where it was cut. The report is a page in the
    folder.
    """
    began = time.monotonic()
    config = _config(methods, prompts, seeds=seeds, full=full)

    from eclipsed.bench.bench import run_bench
    from eclipsed.bench.cost import cold
    from eclipsed.bench.report import write_report
    from eclipsed.bench.summary import overall, results_of

    loaded = open_world(world, device)
    search = partial(cold, world, str(loaded.generator.device))
    try:
        done = run_bench(loaded, config, out, cold=search, note=console.note)
    except KeyboardInterrupt:
        raise console.Stopped(
            f"Stopped; what is done is kept in {out}.", "The same command goes on from there."
        ) from None
    results = results_of(done.records, config.prompts, config.methods)
    page = write_report(loaded, results, out, note=console.note)
    facts = {
        "report": str(page),
        "rows": str(done.records.path),
        "prompts": list(results.prompts),
        "methods": overall(results),
        "seconds": round(time.monotonic() - began, 1),
    }
    console.result(facts, _words, as_json=as_json)


def _config(
    methods: str | None, prompts: str | None, *, seeds: int | None, full: bool
) -> BenchConfig:
    """What the options say; prompts and names are checked before anything is loaded."""
    from eclipsed.bench.protocol import config_for, read_prompts
    from eclipsed.methods import registry

    names = registry.names()
    if methods is not None:
        names = tuple(dict.fromkeys(part.strip() for part in methods.split(",") if part.strip()))
        for name in names:
            registry.method_named(name)
    if prompts is None:
        asked = tuple(read_prompts())
    elif Path(prompts).is_file():
        asked = tuple(read_prompts(Path(prompts)))
    else:
        asked = tuple(dict.fromkeys(options.parse_prompt(part) for part in prompts.split(";")))
    try:
        return config_for(asked, names, seeds=seeds, full=full)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _words(facts: console.Facts) -> str:
    rows = [["", *(heading for heading, _, _ in _SHOWN), "seconds"]]
    for name, numbers in facts["methods"].items():
        scores = [numbers[part][key] for _, part, key in _SHOWN]
        medians = ["-" if score is None else f"{score['median']:.3f}" for score in scores]
        seconds = numbers["warm_seconds"]
        rows.append([name, *medians, "-" if seconds is None else f"{seconds:.1f}"])
    count = len(facts["prompts"])
    head = f"{count} {'prompt' if count == 1 else 'prompts'} in {facts['seconds']:.0f} s"
    return f"{head}\n{table(rows)}\nread {facts['report']}"
