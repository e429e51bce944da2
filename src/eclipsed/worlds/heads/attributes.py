"""What a head is made of: regions, and the continuous parameters in the networks' order.

The table stands in attributes.toml, the single source for renderer, population, judges and
captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eclipsed.files import word_lists


@dataclass(frozen=True)
class Attribute:
    """One parameter of a head, a number from 0 to 1.

    low, high: the two ends in words. meaning: one line. region: where it shows, one of REGIONS.
    layer: the rows of W+ that carry it. kind: a nuisance is varied but named by no caption.
    usual: the value of an unremarkable adult, and of a parameter that is left out.
    """

    name: str
    low: str
    high: str
    meaning: str
    region: str
    layer: Literal["coarse", "middle", "fine"]
    kind: Literal["attribute", "nuisance"]
    usual: float


_TABLE = word_lists(__package__, "attributes.toml")

REGIONS: tuple[str, ...] = tuple(_TABLE["regions"])
ATTRIBUTES: tuple[Attribute, ...] = tuple(
    Attribute(name, *row) for name, row in _TABLE["attributes"].items()
)
NAMES: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES)
# Name → column of a matrix of values.
COLUMN: dict[str, int] = {name: column for column, name in enumerate(NAMES)}
