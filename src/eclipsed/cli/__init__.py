"""The command line: `eclipsed VERB …`. Verbs live in the modules beside this one.

Importing this package imports no torch; each verb loads what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import TextIOWrapper
from typing import Annotated

import typer

from eclipsed.cli import (
    animate,
    app,
    batch,
    bench,
    check,
    clusters,
    console,
    convert,
    discover,
    doctor,
    edit,
    import_,
    invert,
    sample,
    score,
    show,
    strip,
    train,
    world,
)

# Each says how threads of OpenMP wait for each other; who set one has decided.
_WAIT_SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME", "KMP_LIBRARY")

# What a shell sets when it asks how a command line goes on.
_COMPLETE = "_ECLIPSED_COMPLETE"

program = typer.Typer(
    name="eclipsed",
    help="Type what should change; get a direction that makes that one local change on any image.",
    epilog="Exit codes: 0 done, 1 could not, 2 wrong usage, 130 stopped with Ctrl-C.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

program.command("train")(train.train)
program.command("discover")(discover.discover)
program.command("check")(check.check)
program.command("score")(score.score)
program.command("batch")(batch.batch)
program.command("bench")(bench.bench)
program.command("edit")(edit.edit)
program.command("invert")(invert.invert)
program.command("strip")(strip.strip)
program.command("sample")(sample.sample)
program.command("animate")(animate.animate)
program.command("show")(show.show)
program.command("convert")(convert.convert)
program.command("import")(import_.import_)
program.add_typer(clusters.app, name="clusters")
program.command("worlds")(world.worlds)
program.command("world")(world.world)
program.command("app")(app.app)
program.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> bool:
    if wanted:
        from eclipsed import __version__

        sys.stdout.write(f"eclipsed {__version__}\n")
        raise typer.Exit(console.DONE)
    return wanted


@program.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What holds for every verb."""


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line, for example ["show", "card.safetensors"]; its exit code."""
    if arguments or _COMPLETE in os.environ:
        return console.run(program, arguments)
    # No verb is wrong usage, and the help is what to do about it.
    with redirect_stdout(sys.stderr):
        console.run(program, ["--help"])
    return console.WRONG_USAGE


def _sleep_while_waiting() -> None:
    """Have torch's threads wait for each other asleep, unless the user has chosen how they wait.

    By default they spin for milliseconds, and so take the cores away from the thread that they
    wait for wherever another program is busy. OpenMP reads this once, when torch is imported.
    """
    if not any(name in os.environ for name in _WAIT_SETTINGS):
        os.environ["GOMP_SPINCOUNT"] = "1000"


def _end_as_ctrl_c_does() -> None:
    """Have SIGTERM and a terminal that is closed stop what is under way as Ctrl-C does, unless the
    caller has them ignored, as nohup does: nothing is left half-written, and trainings go on."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _open_what_is_closed() -> None:
    """Have words go nowhere where a shell closed their stream (`>&-`). Python then has none at all,
    and a file that is opened next would take its number, and all that other code prints."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for ever


def main() -> None:
    """The `eclipsed` program."""
    _open_what_is_closed()
    _sleep_while_waiting()
    _end_as_ctrl_c_does()
    warnings.showwarning = lambda message, *_, **__: console.note(str(message))
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows its number; nothing stops for it.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
