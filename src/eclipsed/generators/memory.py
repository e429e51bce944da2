"""Fewer images at a time where memory runs out, with the same result but for rounding.

How many fit is learned when memory first runs out, and holds for the rest of the process. What a
step of training has to keep for its gradient is computed again where the parts are smaller.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from eclipsed.errors import OutOfMemory, ran_out_of_memory
from eclipsed.types import Synthesis

Result = TypeVar("Result")


@dataclass
class _Fitting:
    """most: images at once, None while memory has never run out. asked: how many were tried."""

    most: int | None = None
    asked: int = 1


_fitting = _Fitting()


def in_parts(
    compute: Callable[[Tensor], Result], rows: Shaped[Tensor, n * _], most: int | None = None
) -> list[Result]:
    """What `compute` makes of rows [N, …], in order: of at most `most` at once, all by default.

    Where memory runs out, of half as many, which a warning says. compute: a pure function; it may
    be called again to compute its gradient. Raises OutOfMemory where one row is too much.
    """
    results: list[Result] = []
    at = 0

    def part() -> tuple[Result, int]:
        size = min(len(rows) - at, most or len(rows), _fitting.most or len(rows))
        _fitting.asked, some = size, rows[at : at + size]
        if size < len(rows) and torch.is_grad_enabled():
            return checkpoint(compute, some, use_reentrant=False), size
        return compute(some), size

    while at < len(rows):
        result, size = fitting(part)
        results.append(result)
        at += size
    return results


def fitting(compute: Callable[[], Result]) -> Result:
    """What `compute` gives; where memory runs out in it, it is called again, and the `in_parts`
    within it take half as many images at once. Raises OutOfMemory where one is too much."""
    while True:
        try:
            return compute()
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
        # Only here has the error let go of all that filled the memory.
        _halve()


def _halve() -> None:
    asked = _fitting.asked
    if asked < 2:
        raise OutOfMemory("There is not enough memory for a single image.")
    _fitting.most = asked // 2
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    warnings.warn(
        f"Memory ran out with {asked} images at once; from now on it is {_fitting.most}.",
        RuntimeWarning,
        stacklevel=3,
    )


def forget() -> None:
    """Try as many as are asked for again."""
    _fitting.most = None


def joined(parts: Sequence[Synthesis]) -> Synthesis:
    """The syntheses of parts as one."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].features
    features = {name: torch.cat([part.features[name] for part in parts]) for name in names}
    return Synthesis(torch.cat([part.image for part in parts]), features)


def synthesized(synthesize: Callable[[Tensor], Synthesis], latents: Tensor) -> Synthesis:
    """The synthesis of latents [N, D], in parts where memory is short."""
    return joined(in_parts(synthesize, latents))
