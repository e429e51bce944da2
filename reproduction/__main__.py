"""Rerun the paper's table and figures: `python -m reproduction NAME|all`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import open_world
from eclipsed.cli.options import DeviceOption, JsonOption, WorldOption
from eclipsed.errors import UnknownName

if TYPE_CHECKING:
    from reproduction.study import Study

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
_AGAIN = "The same command goes on from there."


@app.command()
def study(
    name: Annotated[
        str,
        typer.Argument(help="Which: table1, fig3 … fig9, layers, seeds …, or all of them: all."),
    ],
    trainings: Annotated[
        int | None,
        typer.Option("--trainings", min=1, max=100, help="How many trainings of each variant."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, max=2000, help="How many images to judge.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="A folder; each study gets one of its name in there."),
    ] = Path("study"),
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Rerun a table or figure of the paper with intervals, and say what survives of it.

    Every row and every direction is kept as it is made; the same command goes on where it was cut,
    and more trainings or images are added to those there are.
    """
    began = time.monotonic()
    chosen = _chosen(name)

    from reproduction.study import run_study

    loaded = open_world(world, device)
    found: dict[str, Any] = {}
    try:
        for each, what in chosen.items():
            console.note(f"{each}: {what.title}")
            done = run_study(
                loaded, each, what, out, trainings=trainings, seeds=seeds, note=console.note
            )
            found[each] = {"report": str(done.report), "survives": list(done.verdicts)}
    except KeyboardInterrupt:
        raise console.Stopped(f"Stopped; what is done is kept in {out}.", _AGAIN) from None
    result = {"studies": found, "seconds": round(time.monotonic() - began, 1)}
    console.result(result, as_json=as_json, words=lambda: _words(result))


def _chosen(name: str) -> dict[str, Study]:
    """The studies of a name, which is checked before anything is loaded."""
    from reproduction import studies_named

    try:
        return studies_named(name)
    except UnknownName as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from error


def _words(found: dict[str, Any]) -> str:
    lines = []
    for name, one in found["studies"].items():
        lines += [name, *(f"  {sentence}" for sentence in one["survives"])]
        lines.append(f"  read {one['report']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(console.run(app, sys.argv[1:]))
