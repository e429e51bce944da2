"""The error tree. Every message is one sentence that says what is wrong and what to do."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata


class EclipsedError(Exception):
    """Something the user can act on; the command line prints it without a traceback and exits 1.

    `hint` says what to do about it; it is part of the printed sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UnknownName(EclipsedError):
    """A world, region, space, layer or method that does not exist."""


class BadSetting(EclipsedError, ValueError):
    """A setting whose value makes no sense."""


class BadFile(EclipsedError):
    """A file that is missing, corrupt, of the wrong kind, or refused."""


class WrongGenerator(EclipsedError):
    """A direction that was made for another generator."""


class MissingExtra(EclipsedError):
    """An optional dependency is not installed."""


class OutOfMemory(EclipsedError):
    """The memory of this machine, or of its GPU, is too small for what was asked for."""

    def __init__(self, message: str = "Memory ran out.") -> None:
        super().__init__(message, "Close other programs, or take a world of smaller images.")


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an exception is Python's or torch's way to say that memory ran out."""
    # Torch has a class of its own for GPUs alone; it is not imported here.
    words = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(said in words for said in ("out of memory", "not enough memory", "allocate memory"))
    )


def unexpected(error: Exception) -> EclipsedError:
    """What to say of an exception that nobody foresaw."""
    if ran_out_of_memory(error):
        return OutOfMemory()
    summary = str(error).strip().split("\n")[0]
    return EclipsedError(f"Something unexpected went wrong ({type(error).__name__}: {summary}).")


def extras() -> dict[str, list[str]]:
    """Extra of this package → the requirements that it asks for."""
    needs: dict[str, list[str]] = {}
    for requirement in metadata.requires("eclipsed") or ():
        package, _, marker = requirement.partition("; extra == ")
        if extra := marker.strip("'\""):
            needs.setdefault(extra, []).append(package)
    return needs


def install_command(extra: str) -> str:
    """What to paste so that an extra is there: into this very environment, whether the package came
    from a clone, an address or an index."""
    return shlex.join([sys.executable, "-m", "pip", "install", *extras().get(extra, ())])
