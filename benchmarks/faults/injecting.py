"""Ways to make something fail in the process that calls them."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.batch import die_in_save
from eclipsed.testing import FakeGenerator

Action = Callable[[], object]


def refuse(code: int, call: str = "fsync", within: str = "here", after: int = 0) -> Action:
    """A system call on a file below a folder of this name fails with an error number, from the
    given call on."""

    def inject() -> None:
        real, left = getattr(os, call), [after]

        def failing(first: Any, *others: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else str(first)
            if within in Path(path).parts:
                left[0] -= 1
                if left[0] < 0:
                    raise OSError(code, os.strerror(code))
            return real(first, *others)

        setattr(os, call, failing)

    return inject


def full(within: str = "here", after: int = 0) -> Action:
    """No room for what is written below a folder of this name."""
    return refuse(errno.ENOSPC, within=within, after=after)


def memory_for(images: int) -> Action:
    """The fake generator runs out of memory with more images at once."""

    def inject() -> None:
        real = FakeGenerator.synthesize

        def synthesize(self: Any, latents: Any, *others: Any, **options: Any) -> Any:
            if len(latents) > images:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return real(self, latents, *others, **options)

        FakeGenerator.synthesize = synthesize  # type: ignore[method-assign]

    return inject


def at(module: Any, name: str, action: Action, number: int = 1) -> Action:
    """When a function is called for the given time, something happens before it."""

    def inject() -> None:
        real, calls = getattr(module, name), [0]

        def watched(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                action()
            return real(*arguments, **options)

        setattr(module, name, watched)

    return inject


def sent(number: signal.Signals) -> Action:
    """This process gets a signal."""
    return lambda: os.kill(os.getpid(), number)


def killed_in_save(number: int) -> Action:
    """kill -9 in the given save: before its bytes are on the disk, or before they take effect."""
    return lambda: die_in_save(number)


def files_of_at_most(size: int) -> Action:
    """The system lets no file grow beyond so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
