"""Rerun the paper's table and figures: `python -m reproduction NAME|all`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.errors import UnknownName

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def reproduce(
    name: Annotated[str, typer.Argument(help="A table of sweeps.toml, or all of them: all.")],
    trainings: Annotated[
        int | None, typer.Option(min=1, max=100, help="How many trainings of each variant.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=2000, help="How many images to judge.")
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="A folder; each study gets one in there.")
    ] = Path("reproduction/rerun"),
    world: options.World = "starter",
    device: options.Device = "auto",
) -> None:
    """Rerun a table or figure of the paper, and say with intervals what survives of it.

    Rows and cards are kept as they are made: the same command resumes where it was cut.
    """
    from reproduction.judging import measure
    from reproduction.report import report
    from reproduction.sweeps import studies_named

    try:
        studies = studies_named(name)
    except UnknownName as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from error
    loaded = open_world(world, device)
    for key, study in studies.items():
        console.note(f"{key}: {study.title}")
        size = {"trainings": trainings or study.trainings, "seeds": seeds or study.seeds}
        try:
            rows = measure(loaded, study, out / key, **size, note=console.note)
        except KeyboardInterrupt:
            raise console.Stopped(
                f"Stopped; what is done is kept in {out}.", "The same command resumes it."
            ) from None
        page = out / key / "report.md"
        page.write_text(report(study, rows, **size), encoding="utf-8")
        typer.echo(page)


if __name__ == "__main__":
    sys.exit(console.run(app, sys.argv[1:]))
