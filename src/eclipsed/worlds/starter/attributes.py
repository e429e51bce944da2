"""What an avatar is made of: regions, and groups of values in the order of the networks' outputs.

The tables stand in attributes.toml, the single source for judges, renderer and captions.
"""

from __future__ import annotations

from dataclasses import dataclass

from eclipsed.files import word_lists


@dataclass(frozen=True)
class Value:
    """One value of a group.

    file: art in python-avatars; None draws nothing. color: "#RRGGBB", where the fill is fixed.
    region: where it differs from the group's.
    """

    name: str
    file: str | None = None
    color: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Group:
    """A discrete attribute. kind: which rows of W+ carry it. region: where it shows."""

    name: str
    kind: str
    region: str
    values: tuple[Value, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.values)


_TABLE = word_lists(__package__, "attributes.toml")

REGIONS: tuple[str, ...] = tuple(_TABLE["regions"])
GROUPS: tuple[Group, ...] = tuple(
    Group(**group | {"values": tuple(Value(**value) for value in group["values"])})
    for group in _TABLE["groups"]
)
GROUP: dict[str, Group] = {group.name: group for group in GROUPS}
# Continuous attributes: tone → its range of 0 (palest) to 1, hue → its centre in turns.
SKIN_TONES: dict[str, tuple[float, float]] = {
    name: (low, high) for name, (low, high) in _TABLE["skin"].items()
}
HUES: dict[str, float] = _TABLE["background"]
# The judge reads these groups; the last two are bins of the continuous attributes.
JUDGED: dict[str, tuple[str, ...]] = {group.name: group.names for group in GROUPS} | {
    "skin": tuple(SKIN_TONES),
    "background": tuple(HUES),
}
