"""What `sweeps.toml` says: each study is a table of variants, and comparisons between them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import eclipsed
from eclipsed.errors import UnknownName
from eclipsed.prompts.goals import Chooser

ALL = "all"
TOML = Path(__file__).with_name("sweeps.toml")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One training recipe, and how its direction is judged.

    label: its name in rows and reports. prompt: what it is trained for and judged by.
    method, config: a method and the fields that differ from it. expand: repeats of the prompt's
    best noun chunk in training. chooser: how the trained region is chosen, "sentence" or "spacy".
    images: how many images the paper's training cycles through; None draws fresh ones every step.
    layers: the rows of W+ that are edited, None for all. strengths: where it is judged.
    fixed: strengths are the paper's α, not calibrated units. within: strength 1 is at most the end
    of the card's range. own: judged on the first image of its own training.
    """

    label: str
    prompt: str
    config: Any
    expand: int = 0
    chooser: Chooser = "sentence"
    images: int | None = None
    layers: tuple[int, ...] | None = None
    strengths: tuple[float, ...] = (1.0,)
    fixed: bool = False
    within: bool = False
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A claim that `first` has more (sign 1) or less (−1) of a measure than `second`.

    what: the claim in words. paper: the paper's two numbers, if it prints any.
    ours: an expectation of this package, of which the paper says nothing.
    """

    what: str
    first: str
    second: str
    sign: int = 1
    measure: str = "similarity"
    paper: tuple[float, float] | None = None
    strength: float = 1.0
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim that a variant's measure is above a level."""

    what: str
    variant: str
    measure: str
    strength: float = 1.0
    least: float = 0.5


@dataclass(frozen=True)
class Study:
    """title, says (the paper), notes (what was done), measures: for the report.
    trainings, seeds: how many trainings of each variant, judged on how many images."""

    title: str
    says: str
    notes: str
    trainings: int
    seeds: int
    measures: tuple[str, ...]
    variants: tuple[Variant, ...]
    pairs: tuple[Pair, ...]
    claims: tuple[Claim, ...]


def studies_named(name: str) -> dict[str, Study]:
    """One study by its name, or all of them; raises UnknownName, which lists them."""
    tables = tomllib.loads(TOML.read_text(encoding="utf-8"))
    if name not in (ALL, *tables):
        choices = ", ".join((*tables, ALL))
        raise UnknownName(f"There is no study {name!r}.", f"Choose from {choices}.")
    return {key: _study(table) for key, table in tables.items() if name in (ALL, key)}


def _study(table: dict[str, Any]) -> Study:
    # A way to judge applies to every variant; its name is appended to the label.
    ways = {"": {}, **table.get("ways", {})}
    shared = {key: table[key] for key in ("prompt", "strengths") if key in table}
    variants = {
        label + suffix: _variant(label + suffix, {**shared, **fields, **way})
        for suffix, way in ways.items()
        for label, fields in table["variants"].items()
    }
    pairs = tuple(
        Pair(**{**fields, "paper": tuple(fields["paper"]) if "paper" in fields else None})
        for fields in table["pairs"]
    )
    if table.get("compare_every_way"):
        pairs = tuple(
            replace(
                pair,
                what=pair.what + suffix,
                first=pair.first + suffix,
                second=pair.second + suffix,
                strength=variants[pair.first + suffix].strengths[0],
            )
            for suffix in ways
            for pair in pairs
        )
    return Study(
        title=table["title"],
        says=table["says"],
        notes=table["notes"],
        trainings=table.get("trainings", 5),
        seeds=table.get("seeds", 50),
        measures=tuple(table["measures"]),
        variants=tuple(variants.values()),
        pairs=pairs,
        claims=tuple(Claim(**fields) for fields in table.get("claims", [])),
    )


def _variant(label: str, fields: dict[str, Any]) -> Variant:
    fields = dict(fields)
    method = fields.pop("method", "paper-scaled")
    config = eclipsed.config_for(method, **fields.pop("config", {}))
    lists = {key: tuple(fields.pop(key)) for key in ("layers", "strengths") if key in fields}
    return Variant(label=label, config=config, **lists, **fields)
