"""How the command line speaks: results on stdout, everything else on stderr, errors as sentences.

Exit codes: 0 done, 1 could not, 2 wrong usage, 130 stopped with Ctrl-C.
This module does not know any verb and imports no torch.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from eclipsed.errors import EclipsedError, unexpected

Facts = Mapping[str, Any]  # a verb's result, plain JSON

DONE, COULD_NOT, WRONG_USAGE, STOPPED = 0, 1, 2, 130

# Typer carries its own copy of Click and exports only this subclass of its usage errors.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class Stopped(Exception):
    """Ctrl-C while something was under way that is worth a word: what was kept."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def result(data: Facts, words: Callable[[Facts], str], *, as_json: bool) -> None:
    """Print what a verb found: one JSON object, or the same in words for people."""
    if as_json:
        print_json(data)
    else:
        sys.stdout.write(printable(words(data)).rstrip("\n") + "\n")


def wrote(path: Path, recipe: Facts, *, as_json: bool) -> None:
    """Print the result of a verb that wrote a picture."""
    result({"out": str(path), **recipe}, lambda _: f"wrote {path}", as_json=as_json)


def print_json(data: Facts) -> None:
    """One line, ASCII only, so that it survives any pipe; NaN is refused rather than written."""
    sys.stdout.write(json.dumps(data, allow_nan=False) + "\n")


def note(message: str) -> None:
    """A remark for the person at the terminal; never part of a result."""
    sys.stderr.write(printable(message) + "\n")


def printable(text: str) -> str:
    """The text without characters that could move a terminal's cursor or change its colours."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def command(*words: str, world: str = "starter") -> str:
    """A command line that can be pasted; the built-in world need not be named."""
    return shlex.join(["eclipsed", *words, *([] if world == "starter" else ["-w", world])])


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; never shows a traceback."""
    as_json = "--json" in arguments
    try:
        code = app(args=list(arguments), prog_name="eclipsed", standalone_mode=False)
        sys.stdout.flush()
    except EclipsedError as error:
        return fail(error.message, error.hint, as_json=as_json)
    except UsageError as error:
        return _wrong_usage(error, as_json=as_json)
    except Stopped as stop:
        return fail(stop.message, stop.hint, as_json=as_json, code=STOPPED)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except BrokenPipeError:
        _takes_more()
        return COULD_NOT  # the reader left, as `| head` does: nothing is left to say
    except OSError as error:
        takes_more = _takes_more()  # asked in any case, for the flush at exit
        return fail(f"The system refused: {error}.", as_json=as_json and takes_more)
    except Exception as error:  # noqa: BLE001 - the last resort, so that a person sees a sentence
        return _unexpected(error, as_json=as_json)
    if code == STOPPED:
        return fail("Stopped.", as_json=as_json, code=STOPPED)
    return code if isinstance(code, int) else DONE


def fail(message: str, hint: str = "", *, as_json: bool, code: int = COULD_NOT) -> int:
    """Say what went wrong: as {"error", "hint"} on stdout, or as a sentence on stderr, which also
    has it where stdout takes no more."""
    said = False
    if as_json:
        with suppress(OSError):
            print_json({"error": message, "hint": hint})
            said = _takes_more()
    if not said:
        note(f"eclipsed: {message} {hint}".rstrip())
    return code


def _wrong_usage(error: Exception, *, as_json: bool) -> int:
    describe: Callable[[], str] = getattr(error, "format_message", lambda: str(error))
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "eclipsed"
    # What comes from pydantic has a prefix of its own and no full stop.
    message = describe().replace("Value error, ", "").rstrip(".") + "."
    hint = f"See '{command} --help'."
    if "unexpected extra argument" in message and "prompt" in getattr(context, "params", {}):
        hint = f'Put the words of a prompt in quotes: {command} "curly hair".'
    return fail(message, hint, as_json=as_json, code=WRONG_USAGE)


def _unexpected(error: Exception, *, as_json: bool) -> int:
    if os.environ.get("ECLIPSED_TRACEBACK"):
        traceback.print_exc()
    said = unexpected(error)
    hint = said.hint or "Set ECLIPSED_TRACEBACK=1 to see where, and please report it."
    return fail(said.message, hint, as_json=as_json)


def _takes_more() -> bool:
    """Whether standard output does. Where a reader left or a disk is full, it goes nowhere from now
    on, so that the interpreter's own flush at exit finds a place to write to."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
