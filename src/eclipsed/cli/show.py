"""The verb that only looks: show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.wording import network_rows, score_table, table

_LONGEST = 500  # characters of one value; a drawn mask takes thousands


def show(
    file: Annotated[
        Path, typer.Argument(help="A direction, a picture, a network or a world file.")
    ],
    as_json: options.Json = False,
) -> None:
    """Say what a file is, executing nothing."""
    from eclipsed.inspect import describe

    console.result(describe(file), lambda facts: f"{file}: {_words(facts)}", as_json=as_json)


def _words(facts: console.Facts) -> str:
    return _WORDS.get(facts["kind"], _part_words)(facts)


def _picture_words(picture: console.Facts) -> str:
    head = f"a {picture['format']} picture of {picture['width']}×{picture['height']} pixels"
    if picture["recipe"] is None:
        return f"{head} without a recipe"
    return f"{head}, made so:\n{_fact_table(picture['recipe'].items())}"


def _checkpoint_words(checkpoint: console.Facts) -> str:
    types = ", ".join(f"{count} {kind}" for kind, count in checkpoint["types"].items())
    size = f"{checkpoint['tensors']} tensors ({types}), {checkpoint['numbers']:,} numbers"
    listed = _array_table(checkpoint)
    if "family" not in checkpoint:
        return f"a safetensors file of {size}\n{listed}"
    rows = [
        ["network", checkpoint["family"]],
        ["holds", size],
        ["settings", _brief(checkpoint["config"]).strip("()") or "none"],
        *network_rows(checkpoint),
    ]
    return f"a checkpoint, {checkpoint['format']}\n{table(rows)}\n{listed}"


def _array_words(arrays: console.Facts) -> str:
    return f"arrays of {arrays['format']}; {arrays['note']}\n{_array_table(arrays)}"


def _direction_words(facts: console.Facts) -> str:
    directions = facts["directions"]
    rows = []
    for number, one in enumerate(directions, start=1):
        size = f"{one['space']}, {sum(one['widths'])} numbers"
        rows.append([str(number), one["name"], size, f"strengths {_strengths(one)}"])
    listed = _fact_table(directions[0]["facts"].items())
    head = f"{len(rows)} {'direction' if len(rows) == 1 else 'directions'}, {facts['format']}"
    parts = [head, table(rows), *([listed] if listed else []), f"needs {facts['needs']}"]
    return "\n".join(parts)


def _part_words(part: console.Facts) -> str:
    """An encoder, a segmenter, a world's description: what they say, line by line."""
    facts = {**part, "regions": list(part["regions"])} if "regions" in part else part
    return f"{part['kind']}\n{_fact_table((k, v) for k, v in facts.items() if k != 'kind')}"


def _card_words(card: console.Facts) -> str:
    generator = card["generator"]
    rows = [
        ["prompt", card["prompt"]],
        ["neutral", card["neutral"]],
        ["regions", ", ".join(card["regions"]) or "the whole image"],
        *([["keeps", ", ".join(card["keep"])]] if "keep" in card else []),
        ["space", f"{card['space']}, {len(card['layers'])} layers"],
        ["generator", f"{generator['name']} ({generator['fingerprint'][:12]})"],
        ["found by", card["method"]],
        ["strengths", _strengths(card)],
    ]
    if card["verdict"]:
        rows.append(["verdict", card["verdict"]["sentence"]])
    scores = f"\n{score_table(card['scores'], card['judged_by'])}" if card["scores"] else ""
    return f"the direction '{card['name']}'\n{table(rows)}{scores}"


def _strengths(card: console.Facts) -> str:
    low, high = card["range"]
    return f"{low:.4g} … {high:.4g}, one unit {card['unit']:.4g}"


def _array_table(facts: console.Facts) -> str:
    return table(
        [
            [array["name"], "×".join(map(str, array["shape"])) or "1", array["type"]]
            for array in facts["names"]
        ]
    )


def _fact_table(facts: Iterable[tuple[str, object]]) -> str:
    return table([[key, _brief(value)] for key, value in facts])


def _brief(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value)
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_brief(item)}" for key, item in value.items()) + ")"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:20]}… ({len(text)} characters)"


_WORDS: dict[str, Callable[[console.Facts], str]] = {
    "card": _card_words,
    "picture": _picture_words,
    "checkpoint": _checkpoint_words,
    "directions": _direction_words,
    "arrays": _array_words,
}
