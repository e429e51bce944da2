"""Compiles the renderer's loops with numba, an extra that only remaking the heads world needs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from inspect import unwrap

from eclipsed.errors import MissingExtra, install_command

if find_spec("numba") is None:
    raise MissingExtra(
        "Drawing heads needs the package 'numba'.", f"Install it: {install_command('heads')}"
    )
from numba import njit


def compiled(function: Callable) -> Callable:
    """The function as machine code, kept beside its module.

    The first call of all takes about half a minute. Checkers that wrap a function are passed by.
    """
    return njit(cache=True, fastmath=True, nogil=True)(unwrap(function))
