"""Settings of methods and benches: frozen dataclasses that declare the range of every number.

Fields called `space`, `layers` and `strengths` mean the same everywhere and are checked by name.
"""

from __future__ import annotations

import math
from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any, TypeVar

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import SPACES

Default = TypeVar("Default")


def setting(default: Default, low: float, high: float = math.inf) -> Default:
    """A dataclass field whose number, or each of whose numbers, is finite and from low to high."""
    return field(default=default, metadata={"range": (low, high)})


def check_number(
    name: str, value: float, low: float, high: float = math.inf, *, kind: type = Real
) -> None:
    """Raise BadSetting unless the value is a finite number of a kind, from low to high."""
    if not isinstance(value, kind) or not (math.isfinite(value) and low <= value <= high):
        what = "a whole number of " if kind is Integral else ""
        upper = "" if high == math.inf else f" and at most {high:g}"
        raise BadSetting(f"'{name}' must be {what}at least {low:g}{upper}, not {value!r}.")


def check_settings(config: Any) -> None:
    """Check every field of a config against its range; None is always allowed.

    Raises BadSetting for a value out of range, UnknownName for a space that no generator has.
    """
    for each in fields(config):
        name, value = each.name, getattr(config, each.name)
        if value is None:
            continue
        if "range" in each.metadata:
            for number in value if isinstance(value, tuple) else (value,):
                kind = Integral if "int" in str(each.type) else Real
                check_number(name, number, *each.metadata["range"], kind=kind)
        if name == "space" and value not in SPACES:
            raise UnknownName(
                f"There is no space {value!r}.", f"Choose one of {', '.join(SPACES)}."
            )
        if name == "layers" and not _are_layers(value):
            raise BadSetting(f"'layers' must be None or layers, each named once, not {value!r}.")
        if name == "strengths" and not value[0] < value[1]:
            raise BadSetting(f"'strengths' must be a lower and a higher number, not {value!r}.")


def _are_layers(value: Any) -> bool:
    """Whether it is a tuple of indices, each named once, and at least one."""
    if not isinstance(value, tuple) or not all(isinstance(layer, Integral) for layer in value):
        return False
    return 0 < len(value) == len(set(value)) and min(value) >= 0
