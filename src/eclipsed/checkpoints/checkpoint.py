"""What every reader returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network as a file holds it.

    format: who writes such files, in words for people. family: which network it is, a key of
    `generators.loading.FAMILIES` or another network's name. config: what the tensors' shapes do not
    tell of the architecture, plain numbers and strings. tensors: on the CPU, under the family's own
    names (NVIDIA's for StyleGAN2 and 3). notes: what a user should know of this file, sentences
    without their first capital: what it lacks and what stands in for that, what it holds that is
    not used.
    """

    format: str
    family: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
