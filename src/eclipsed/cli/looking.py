"""Verbs that only look: show, doctor."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.options import JsonOption
from eclipsed.cli.wording import score_table, table
from eclipsed.errors import EclipsedError

_PACKAGES = ("torch", "numpy", "safetensors", "transformers", "pillow")
_LONGEST = 500  # characters of one value; a drawn mask takes thousands


def show(
    file: Annotated[
        Path, typer.Argument(help="A direction, a picture, a network or a world file.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say what a file is, executing nothing."""
    from eclipsed.inspect import describe

    found = describe(file)
    console.result(found, as_json=as_json, words=lambda: _words_of(file, found))


def _words_of(file: Path, found: Mapping[str, Any]) -> str:
    return f"{file}: {_WORDS[found['kind']](found)}"


def _picture_words(picture: Mapping[str, Any]) -> str:
    head = f"a {picture['format']} picture of {picture['width']}×{picture['height']} pixels"
    if picture["recipe"] is None:
        return f"{head} without a recipe"
    rows = [[key, _brief(value)] for key, value in picture["recipe"].items()]
    return f"{head}, made so:\n{table(rows)}"


def _checkpoint_words(checkpoint: Mapping[str, Any]) -> str:
    types = ", ".join(f"{count} {kind}" for kind, count in checkpoint["types"].items())
    size = f"{checkpoint['tensors']} tensors ({types}), {checkpoint['numbers']:,} numbers"
    listed = _array_table(checkpoint)
    if "family" not in checkpoint:
        return f"a safetensors file of {size}\n{listed}"
    rows = [
        ["network", checkpoint["family"]],
        ["holds", size],
        ["settings", _brief(checkpoint["config"]).strip("()") or "none"],
        ["it is", checkpoint["needs"]],
    ]
    return f"a checkpoint, {checkpoint['format']}\n{table(rows)}\n{listed}"


def _array_table(found: Mapping[str, Any]) -> str:
    return table(
        [
            [array["name"], "×".join(map(str, array["shape"])) or "1", array["type"]]
            for array in found["names"]
        ]
    )


def _array_words(arrays: Mapping[str, Any]) -> str:
    return f"arrays of {arrays['format']}; {arrays['note']}\n{_array_table(arrays)}"


def _direction_words(found: Mapping[str, Any]) -> str:
    rows = []
    for number, one in enumerate(found["directions"], start=1):
        low, high = one["range"]
        size = f"{one['space']}, {sum(one['widths'])} numbers"
        strengths = f"strengths {low:g} … {high:g}, one unit {one['unit']:.4g}"
        rows.append([str(number), one["name"], size, strengths])
    facts = [[key, _brief(value)] for key, value in found["directions"][0]["facts"].items()]
    more = f"\n{table(facts)}" if facts else ""
    count = len(rows)
    head = f"{count} {'direction' if count == 1 else 'directions'}, {found['format']}"
    return f"{head}\n{table(rows)}{more}\nneeds {found['needs']}"


def _part_words(part: Mapping[str, Any]) -> str:
    """An encoder, a segmenter, a world's description: what they say, line by line."""
    rows = [
        [key, _brief(list(value) if key == "regions" else value)]
        for key, value in part.items()
        if key != "kind"
    ]
    return f"{part['kind']}\n{table(rows)}"


def _card_words(card: Mapping[str, Any]) -> str:
    generator = card["generator"]
    rows = [
        ["prompt", card["prompt"]],
        ["neutral", card["neutral"]],
        ["regions", ", ".join(card["regions"]) or "the whole image"],
        ["space", f"{card['space']}, {len(card['layers'])} layers"],
        ["generator", f"{generator['name']} ({generator['fingerprint'][:12]})"],
        ["found by", f"{card['method']}, preset {card['preset'] or 'none'}"],
        ["strengths", f"{card['range'][0]:g} … {card['range'][1]:g}, one unit {card['unit']:.4g}"],
    ]
    scores = f"\n{score_table(card['scores'], card['judged_by'])}" if card["scores"] else ""
    return f"the direction '{card['name']}'\n{table(rows)}{scores}"


def _brief(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value)
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_brief(item)}" for key, item in value.items()) + ")"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:20]}… ({len(text)} characters)"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "card": _card_words,
    "picture": _picture_words,
    "checkpoint": _checkpoint_words,
    "directions": _direction_words,
    "arrays": _array_words,
    "encoder": _part_words,
    "segmenter": _part_words,
    "world description": _part_words,
}


def doctor(
    world: Annotated[
        str | None, typer.Option("--world", help="Check this world as well: a name or a file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that everything is in place.

    Versions, device, cache folder, and whether the starter world's weights load and hash right.
    Of another world: hashes, shapes, images, reference pixels, encoder and segmenter.
    """
    import torch

    from eclipsed import __version__
    from eclipsed.cache import cache_folder

    starter = _starter_state()
    findings = [] if world is None else _world_findings(world)
    found = {
        "ok": starter["ok"] and all(finding["ok"] for finding in findings),
        "versions": {
            "python": platform.python_version(),
            "eclipsed": __version__,
            **{name: metadata.version(name) for name in _PACKAGES},
        },
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "cache": str(cache_folder()),
        "extras": _extras(),
        "starter": starter,
    }
    if world is not None:
        found |= {"world": {"name": world, "findings": findings}}
    console.result(found, as_json=as_json, words=lambda: _doctor_words(found))
    if not found["ok"]:
        raise typer.Exit(console.COULD_NOT)


def _extras() -> dict[str, bool]:
    """Extra of this package → whether everything that it asks for is installed."""
    extras: dict[str, bool] = {}
    for requirement in metadata.requires("eclipsed") or ():
        package, _, marker = requirement.partition("; extra == ")
        if extra := marker.strip("'\""):
            (name, *_) = re.split(r"[^\w.-]", package)
            extras[extra] = extras.get(extra, True) and any(metadata.distributions(name=name))
    return extras


def _world_findings(name: str) -> list[dict[str, Any]]:
    """Loading compares hashes and shapes; the rest is looked at."""
    from dataclasses import asdict

    from eclipsed.cli.loading import open_world
    from eclipsed.worlds.checkup import check_world

    try:
        loaded = open_world(name, "cpu")
    except EclipsedError as error:
        return [{"check": "files", "ok": False, "words": str(error)}]
    files = {"check": "files", "ok": True, "words": "they load, with the right hashes and shapes"}
    return [files, *(asdict(finding) for finding in check_world(loaded))]


def _starter_state() -> dict[str, Any]:
    """Whether the weights load; loading them compares their hashes with the recorded ones."""
    from eclipsed import worlds as assembled

    try:
        world = assembled.load_world("starter", "cpu")
        if world.judge is not None:
            world.judge()
    except EclipsedError as error:
        return {"ok": False, "problem": str(error)}
    return {"ok": True, "fingerprint": world.generator.fingerprint}


def _doctor_words(found: Mapping[str, Any]) -> str:
    starter = found["starter"]
    extras = [name for name, there in found["extras"].items() if there]
    state = f"fine ({starter['fingerprint'][:12]})" if starter["ok"] else starter["problem"]
    rows = [
        *([name, version] for name, version in found["versions"].items()),
        ["device", f"{found['device']}, {found['threads']} of {os.cpu_count()} threads"],
        ["cache", found["cache"]],
        ["extras", ", ".join(extras) or "none"],
        ["starter", state],
    ]
    for finding in found.get("world", {}).get("findings", ()):
        state = finding["words"] if finding["ok"] else f"WRONG: {finding['words']}"
        rows.append([f"{found['world']['name']}: {finding['check']}", state])
    verdict = "Everything is in place." if found["ok"] else "Not everything is in place."
    return f"{table(rows)}\n{verdict}"
