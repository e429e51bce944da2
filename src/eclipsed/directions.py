"""A direction, and its card: the file that carries it from training to editing.

A card is a safetensors file with one tensor `vector` [D] and one metadata string `eclipsed` of
JSON: provenance, scores, and a checksum of the vector. Reading one executes nothing. This module
does not know how a direction was trained, nor how an image is made.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, cast

import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting, UnknownName, WrongGenerator
from eclipsed.files import (
    StrPath,
    kind_of,
    read_bytes,
    read_tensors,
    refused,
    sha256_of,
    write_atomic,
)
from eclipsed.text import finite, listed
from eclipsed.types import SPACES, Generator, Layer, Space, weights_of

FORMAT = 1
# The largest latents known (style vectors at 1024 px) hold about 10,000 numbers: 40 kB.
_LIMIT = 16 * 2**20
_LONGEST = 10_000
_AGAIN = "Get the file again, or train the direction again."

Scores = Mapping[str, Mapping[str, float | None] | None]


def keep_layers(
    vector: Float[Tensor, " d"], layers: Sequence[Layer], chosen: Iterable[int] | None
) -> Float[Tensor, " d"]:
    """A flat vector with all but the chosen layers zeroed; None keeps every layer.

    Raises UnknownName for an index that is not one of `layers`.
    """
    if chosen is None:
        return vector
    wanted = set(chosen)
    unknown = sorted(index for index in wanted if not 0 <= index < len(layers))
    if unknown:
        last = len(layers) - 1
        raise UnknownName(
            f"There is no layer {unknown[0]}: this direction has {len(layers)}.",
            f"Choose from 0 to {last}." if last else "Only layer 0 can be chosen.",
        )
    keep = [torch.full((layer.width,), i in wanted) for i, layer in enumerate(layers)]
    return torch.where(torch.cat(keep).to(vector.device), vector, torch.zeros_like(vector))


def within_range(unit: float, ends: tuple[float, float]) -> tuple[float, tuple[float, float]]:
    """A unit and its range, made smaller where strength 1 would lie beyond the range's end.

    The lower end lies no further out than it did, or than −1. Raises ValueError for a range without
    positive strengths.
    """
    low, high = ends
    if high >= 1.0:
        return unit, ends
    if high <= 0.0:
        raise ValueError(f"the range {ends} has no positive strength")
    return unit * high, (max(low / high, min(low, -1.0)), 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Direction:
    """A unit of change in one generator's latent space: edited = latent + strength·unit·vector.

    vector: [D] float32 on the CPU, copied from what is given. unit: what a strength is multiplied
    with, so that strength 1 goes as far as the prompt asks, or as images bear it. regions: where
    the change belongs; empty for the whole image. keep: regions whose pixels stay bit for bit as
    they are in every edit. range: the strengths within which images stay good.
    layers: how the vector is cut, as the generator cuts its latents. config, scores and verdict
    must be JSON; a score that could not be measured is None. judged_by: who scored, as
    `evaluate.judged_by` says it; empty where there are no scores or nobody knows. verdict: what
    the scores amount to, as `evaluation.verdict` says it: `kind`, `sentence` and `also`, and
    `doubt` where nobody should believe them.

    Raises ValueError, with one sentence, for a value that no direction can have.
    """

    vector: Tensor
    name: str
    prompt: str
    neutral: str
    regions: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    space: Space
    layers: tuple[Layer, ...]
    generator_name: str
    generator_fingerprint: str
    method: str
    config: dict[str, Any] = field(default_factory=dict)
    unit: float = 1.0
    range: tuple[float, float] = (-2.0, 2.0)
    scores: Scores = field(default_factory=dict)
    judged_by: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vector = self.vector.detach().to("cpu", torch.float32).contiguous().clone()
        object.__setattr__(self, "vector", vector)
        object.__setattr__(self, "regions", listed(self.regions))
        object.__setattr__(self, "keep", listed(self.keep))
        object.__setattr__(self, "config", _plain(self.config, "config"))
        object.__setattr__(self, "scores", _plain(self.scores, "scores"))
        object.__setattr__(self, "verdict", _plain(self.verdict, "verdict"))
        _check_texts(self)
        if not self.layers or any(layer.width < 1 for layer in self.layers):
            raise ValueError("every layer must hold at least one number, and there must be one")
        width = sum(layer.width for layer in self.layers)
        if vector.shape != (width,):
            raise ValueError(
                f"the vector has shape {tuple(vector.shape)}, but its layers hold {width} numbers"
            )
        if not bool(torch.isfinite(vector).all()):
            raise ValueError("the vector holds numbers that are not finite")
        if not (math.isfinite(self.unit) and self.unit > 0.0):
            raise ValueError(f"the unit must be a positive number, not {self.unit}")
        # Sums of decimal steps end in digits that mean nothing: -0.39999999999999997.
        low, high = (float(f"{end:.9g}") + 0.0 for end in self.range)
        object.__setattr__(self, "range", (low, high))
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"the range must go from a lower to a higher number, not {self.range}")

    def scaled(self, layers: Iterable[int] | None = None) -> Float[Tensor, " d"]:
        """What strength 1 adds to a latent: unit·vector [D], all but the chosen layers zeroed.

        Raises UnknownName for an index that is not one of the direction's layers.
        """
        return keep_layers(self.unit * self.vector, self.layers, layers)

    def __repr__(self) -> str:
        where, (low, high) = ", ".join(self.regions) or "the whole image", self.range
        success = (self.scores.get("success") or {}).get("median")
        score = "" if success is None else f", success {success:.2f}"
        return (
            f"<Direction {self.name!r} in {where}: {self.space} of {self.generator_name}, "
            f"range {low:.2f} to {high:.2f}{score}>"
        )

    def __neg__(self) -> Direction:
        """The same change backwards: strength s of it is strength −s of this one."""
        return _combined([(-1.0, self)])

    def __mul__(self, factor: float) -> Direction:
        """Strength 1 of it is strength `factor` of this one; the range grows as strengths shrink.

        Raises BadSetting for 0 and for what is not finite.
        """
        return _combined([(factor, self)])

    def __rmul__(self, factor: float) -> Direction:
        """As `direction * factor`."""
        return self * factor

    def __add__(self, other: Direction) -> Direction:
        """Both changes in one: strength s of it is strength s of each, as in a stack of both.

        Its range is where those of both agree, its regions are those of both, its prompt asks for
        both; scores are not carried over. Raises WrongGenerator for directions of two generators,
        BadSetting for those of two spaces and where no strength is good for both.
        """
        return _combined([(1.0, self), (1.0, other)])

    def __radd__(self, other: int) -> Direction:
        """0 + direction, with which `sum` begins."""
        return self if other == 0 else NotImplemented

    def __sub__(self, other: Direction) -> Direction:
        """`self + (-other)`."""
        return _combined([(1.0, self), (-1.0, other)])

    def beyond(self, *strengths: float) -> str:
        """One sentence where strengths lie beyond the range, with the worst of them; else empty."""
        low, high = self.range
        least, most = min(strengths, default=0.0), max(strengths, default=0.0)
        outside = [f"{end:g}" for end, out in ((least, least < low), (most, most > high)) if out]
        if not outside:
            return ""
        where = " or ".join(dict.fromkeys(outside))
        good = f"'{self.name}' is good from {low:.1f} to {high:.1f}"
        return f"{good}: at {where} the image may no longer look like the generator's own."

    def turned(self) -> Direction:
        """The same direction the other way round: what was at strength −1 is at 1. Strength 1
        still does not lie beyond the range (`within_range`)."""
        low, high = self.range
        unit, ends = within_range(self.unit, (-high, -low))
        return replace(self, vector=-self.vector, unit=unit, range=ends)

    def check(self, generator: Generator) -> None:
        """Raise WrongGenerator unless this direction was made for this very generator."""
        hint = "Load the world that it was trained on, or train the direction again on this one."
        if weights_of(generator.fingerprint) != weights_of(self.generator_fingerprint):
            raise WrongGenerator(
                f"The direction '{self.name}' was made for the generator '{self.generator_name}' "
                f"({self.generator_fingerprint[:12]}), not for '{generator.name}' "
                f"({generator.fingerprint[:12]}).",
                hint,
            )
        if self.space not in generator.spaces or generator.layers(self.space) != self.layers:
            raise WrongGenerator(
                f"The direction '{self.name}' has other layers than the space '{self.space}' of "
                f"the generator '{generator.name}'.",
                hint,
            )

    def save(self, path: StrPath) -> None:
        """Write the card, whole or not at all; raises BadFile when it cannot be written."""
        card = {"format": FORMAT, **card_facts(self), "sha256": sha256_of(self.vector)}
        text = json.dumps(card, ensure_ascii=False, allow_nan=False)
        data = safetensors.torch.save({"vector": self.vector}, metadata={"eclipsed": text})
        write_atomic(path, data)

    @classmethod
    def load(cls, path: StrPath) -> Direction:
        """Read a card and believe nothing in it unchecked.

        Raises BadFile when it is not a card, is damaged, or has a format this version cannot read.
        """
        data = read_bytes(path, limit=_LIMIT)
        with refused(path):
            vector, text = _open(data)
            card = _parse(text)
            _check_format(card)
            if _take(card, "sha256", str) != sha256_of(vector):
                raise BadFile("it is damaged, its checksum does not match its vector", _AGAIN)
            return from_card(vector, card)


# The method on the cards of sums and multiples; their config lists the directions they are made of.
COMBINED = "arithmetic"


def _combined(factors: Sequence[tuple[object, object]]) -> Direction:
    """The sum of directions times factors, whose card names what it is made of."""
    terms = _checked_terms(factors)
    facts = [term for factor, each in terms for term in _terms(factor, each)]
    ranges = [sorted(end / factor for end in each.range) for factor, each in terms]
    of_each = [each.regions for _, each in terms]
    # One that may change the whole image lets the sum do so.
    regions = tuple(dict.fromkeys(chain(*of_each))) if all(of_each) else ()
    keep = dict.fromkeys(chain(*(each.keep for _, each in terms)))
    first = terms[0][1]
    if len(terms) == 1:  # exactly, so that twice negated is the very same
        factor = terms[0][0]
        vector, unit = math.copysign(1.0, factor) * first.vector, abs(factor) * first.unit
    else:
        vector = torch.stack([factor * each.scaled() for factor, each in terms]).sum(dim=0)
        unit = 1.0
    low, high = max(ends[0] for ends in ranges), min(ends[1] for ends in ranges)
    if not low < high:
        names = " and ".join(f"'{each.name}'" for _, each in terms)
        raise BadSetting(f"No strength is good for both {names}.", "Use them in one EditStack.")
    asked = all(term["factor"] > 0 and term["prompt"] for term in facts)
    return replace(
        first,
        vector=vector,
        name=_name_of(facts),
        prompt=" and ".join(dict.fromkeys(term["prompt"] for term in facts)) if asked else "",
        regions=regions,
        keep=tuple(region for region in keep if region not in regions),
        method=COMBINED,
        config={"terms": facts},
        unit=unit,
        range=(low, high),
        scores={},
        judged_by="",
        verdict={},
    )


def _checked_terms(factors: Sequence[tuple[object, object]]) -> list[tuple[float, Direction]]:
    """Factors and directions that go together; raises what `Direction`'s operators say."""
    terms: list[tuple[float, Direction]] = []
    for factor, each in factors:
        if not isinstance(each, Direction):
            kind = type(each).__name__
            raise BadSetting(f"Only a direction goes with a direction, not {kind}.")
        number, first = finite(factor, "A factor"), terms[0][1] if terms else each
        if number == 0.0:
            raise BadSetting("A direction times 0 changes nothing.", "Give another factor.")
        if weights_of(each.generator_fingerprint) != weights_of(first.generator_fingerprint):
            raise WrongGenerator(
                f"'{first.name}' was made for the generator '{first.generator_name}', "
                f"'{each.name}' for '{each.generator_name}'.",
                "Only directions of one generator can be added.",
            )
        if (each.space, each.layers) != (first.space, first.layers):
            raise BadSetting(
                f"'{first.name}' is of the space {first.space}, '{each.name}' of {each.space}.",
                "Edit with both of them in one EditStack.",
            )
        terms.append((number, each))
    return terms


def _terms(factor: float, direction: Direction) -> list[dict[str, Any]]:
    """What a direction is made of, each times a factor: itself, or the terms of a sum."""
    if direction.method == COMBINED and "terms" in direction.config:
        terms = direction.config["terms"]
        return [{**term, "factor": factor * term["factor"]} for term in terms]
    return [
        {
            "factor": factor,
            "name": direction.name,
            "prompt": direction.prompt,
            "method": direction.method,
            "sha256": sha256_of(direction.vector),
        }
    ]


def _name_of(terms: Sequence[Mapping[str, Any]]) -> str:
    """The sum as people write it: "curly hair - 0.5 * sunglasses"."""
    name = ""
    for term in terms:
        size = abs(term["factor"])
        sign = "-" if term["factor"] < 0 else "+" if name else ""
        part = term["name"] if size == 1.0 else f"{size:g} * {term['name']}"
        name += f" {sign} {part}" if name else f"{sign}{part}"
    return name


def _plain(value: Any, what: str) -> Any:
    """A JSON-shaped deep copy, equal to what a card gives back."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        copy = json.loads(text)
        for part in _strings(copy):
            # Lines and tabs are fine in a long text, but not in a name.
            _check_text(part.replace("\n", "").replace("\t", ""), what)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the {what} cannot be kept in a card, {error}") from error
    return copy


def _strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _strings(part)


def _check_text(text: str, what: str, longest: float = math.inf) -> None:
    # Cc: control characters, which steer a terminal. Cs: halves of characters, which no UTF-8
    # file can hold.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError(f"the {what} holds control characters")
    if len(text) > longest:
        raise ValueError(f"the {what} is longer than {longest} characters")


def _check_texts(direction: Direction) -> None:
    texts = {
        "name": direction.name,
        "prompt": direction.prompt,
        "neutral text": direction.neutral,
        "generator's name": direction.generator_name,
        "generator's fingerprint": direction.generator_fingerprint,
        "method": direction.method,
        "judge": direction.judged_by,
    }
    for what, text in texts.items():
        _check_text(text, what, _LONGEST)
    for region in (*direction.regions, *direction.keep):
        _check_text(region, "name of a region")
    for layer in direction.layers:
        _check_text(layer.name, "name of a layer")
    if not direction.name:
        raise ValueError("the name is empty")


def card_facts(direction: Direction) -> dict[str, Any]:
    """All that a card says about its vector, as plain JSON."""
    return {
        "name": direction.name,
        "prompt": direction.prompt,
        "neutral": direction.neutral,
        "regions": list(direction.regions),
        **({"keep": list(direction.keep)} if direction.keep else {}),
        "space": direction.space,
        "layers": [{"name": layer.name, "width": layer.width} for layer in direction.layers],
        "generator": {
            "name": direction.generator_name,
            "fingerprint": direction.generator_fingerprint,
        },
        "method": direction.method,
        "config": direction.config,
        "unit": direction.unit,
        "range": list(direction.range),
        "scores": dict(direction.scores),
        "judged_by": direction.judged_by,
        "verdict": dict(direction.verdict),
    }


def from_card(vector: Tensor, facts: Mapping[str, Any]) -> Direction:
    """The direction of a vector [D] and its `card_facts`; BadFile, the reason only, for others."""
    try:
        return Direction(vector=vector, **_fields(facts))
    except (ValueError, OverflowError) as error:
        raise BadFile(f"its card makes no sense, {error}", _AGAIN) from error


def _open(data: bytes) -> tuple[Tensor, str]:
    """The vector and the metadata string of a card's bytes."""
    kind = kind_of(data)
    foreign = BadFile(
        f"it is {kind}, not a direction's card", "Give a card that `eclipsed train` wrote."
    )
    if kind != "a safetensors file":
        raise foreign
    try:
        tensors, metadata = read_tensors(data)
    except BadFile as error:
        raise BadFile("it is damaged or cut short", _AGAIN) from error
    if "eclipsed" not in metadata or "vector" not in tensors:
        raise foreign
    vector = tensors["vector"]
    if len(tensors) != 1 or vector.dtype != torch.float32 or vector.ndim != 1:
        raise BadFile("its card must hold one vector of float32 numbers and nothing else", _AGAIN)
    return vector, metadata["eclipsed"]


def _parse(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    try:
        card = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadFile("its description is not valid JSON", _AGAIN) from error
    if not isinstance(card, dict):
        raise BadFile("its description is not a JSON object", _AGAIN)
    return cast("dict[str, Any]", card)


def _check_format(card: Mapping[str, Any]) -> None:
    number = _take(card, "format", int)
    if number > FORMAT:
        raise BadFile(
            "its format is newer than this version of eclipsed can read", "Upgrade eclipsed."
        )
    if number != FORMAT:
        raise BadFile("its format does not exist", _AGAIN)


def _take(card: Mapping[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    """card[key], whose JSON type must be `kind`."""
    if key not in card:
        raise BadFile(f"its card lacks '{key}'", _AGAIN)
    return _typed(card[key], key, kind)


def _typed(value: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    # JSON's true and false are no numbers, though Python's are.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadFile(f"the '{key}' of its card has the wrong type", _AGAIN)
    return value


def _fields(card: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a direction but its vector."""
    number = (int, float)
    generator = _take(card, "generator", dict)
    low_high = [float(_typed(end, "range", number)) for end in _take(card, "range", list)]
    if len(low_high) != 2:
        raise BadFile("the 'range' of its card must be two numbers", _AGAIN)
    for score in _take(card, "scores", dict).values():
        for key, part in ({} if score is None else _typed(score, "scores", dict)).items():
            if part is not None or key != "worst":
                _typed(part, "scores", number)
    space = _take(card, "space", str)
    if space not in SPACES:
        raise BadFile(f"the 'space' of its card is not one of {', '.join(SPACES)}", _AGAIN)
    texts = ("name", "prompt", "neutral", "method")
    return {
        "space": space,
        **{key: _take(card, key, str) for key in texts},
        "config": _take(card, "config", dict),
        "scores": card["scores"],
        # Cards of before it was recorded lack it.
        "judged_by": _typed(card.get("judged_by", ""), "judged_by", str),
        "verdict": _verdict(_typed(card.get("verdict", {}), "verdict", dict)),
        "generator_name": _take(generator, "name", str),
        "generator_fingerprint": _take(generator, "fingerprint", str),
        "unit": float(_take(card, "unit", number)),
        "range": tuple(low_high),
        "regions": tuple(_typed(r, "regions", str) for r in _take(card, "regions", list)),
        # Cards that keep nothing may lack it.
        "keep": tuple(_typed(r, "keep", str) for r in _typed(card.get("keep", []), "keep", list)),
        "layers": tuple(_layer(layer) for layer in _take(card, "layers", list)),
    }


def _verdict(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card's verdict; empty in cards of before it was recorded."""
    if card:
        _take(card, "kind", str), _take(card, "sentence", str)
        for name in _take(card, "also", list):
            _typed(name, "verdict", str)
        _typed(card.get("doubt", ""), "verdict", str)
    return dict(card)


def _layer(value: Any) -> Layer:
    card = _typed(value, "layers", dict)
    return Layer(_take(card, "name", str), _take(card, "width", int))
