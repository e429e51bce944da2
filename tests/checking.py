"""The type checker that the tests install into the package."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

# As for mypy, an int is welcome where a float is asked for.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
