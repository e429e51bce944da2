"""Compiles the renderer's loops with numba, an extra that only remaking the heads world needs."""

from __future__ import annotations

from importlib.util import find_spec

from eclipsed.errors import MissingExtra, install_command

if find_spec("numba") is None:
    raise MissingExtra(
        "Drawing heads needs the package 'numba'.", f"Install it: {install_command('heads')}"
    )
from numba import njit

# Compiled code is kept beside the modules: the first call of all takes about half a minute.
compiled = njit(cache=True, fastmath=True, nogil=True)
