"""Verbs that only look: show, worlds, world, doctor."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.options import JsonOption
from eclipsed.cli.wording import score_table, table
from eclipsed.errors import EclipsedError

_PACKAGES = ("torch", "numpy", "safetensors", "transformers", "pillow")
_EXTRAS = {
    "starter": "resvg_py",
    "spacy": "spacy",
    "tensorboard": "tensorboard",
    "plot": "matplotlib",
    "notebook": "nbclient",
}


def show(
    file: Annotated[Path, typer.Argument(help="A card, a picture or a safetensors file.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a file is, executing nothing."""
    from eclipsed.inspection import describe

    found = describe(file)
    console.result(found, as_json=as_json, words=lambda: _words_of(file, found))


def _words_of(file: Path, found: Mapping[str, Any]) -> str:
    if found["kind"] == "card":
        return _card_words(file, found)
    if found["kind"] == "checkpoint":
        types = ", ".join(f"{count} {kind}" for kind, count in found["types"].items())
        rows = [[t["name"], "×".join(map(str, t["shape"])), t["type"]] for t in found["names"]]
        head = f"{file}: a safetensors file of {found['tensors']} tensors ({types}), "
        return head + f"{found['numbers']:,} numbers\n{table(rows)}"
    size = f"{found['width']}×{found['height']}"
    head = f"{file}: a {found['format']} picture of {size} pixels"
    if found["recipe"] is None:
        return f"{head} without a recipe"
    rows = [[key, _brief(value)] for key, value in found["recipe"].items()]
    return f"{head}, made so:\n{table(rows)}"


def _card_words(file: Path, card: Mapping[str, Any]) -> str:
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
    scores = f"\n{score_table(card['scores'])}" if card["scores"] else ""
    return f"{file}: the direction '{card['name']}'\n{table(rows)}{scores}"


def _brief(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value)
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_brief(item)}" for key, item in value.items()) + ")"
    return str(value)


def worlds(as_json: JsonOption = False) -> None:
    """List the worlds that can be named with -w."""
    from eclipsed.worlds import WORLDS

    found = {"worlds": [{"name": name, "about": about} for name, about in WORLDS.items()]}
    rows = [[name, about] for name, about in WORLDS.items()]
    console.result(found, as_json=as_json, words=lambda: table(rows))


def world(
    name: Annotated[str, typer.Argument(help="The world's name or folder.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a world holds."""
    from eclipsed.cli.loading import open_world
    from eclipsed.types import SPACES

    loaded = open_world(name, "cpu")
    generator = loaded.generator
    spaces: dict[str, Any] = {}
    for space in SPACES:
        try:
            layers = generator.layers(space)
        except EclipsedError:
            continue
        spaces[space] = {"layers": len(layers), "numbers": sum(layer.width for layer in layers)}
    found = {
        "name": loaded.name,
        "generator": {
            "name": generator.name,
            "fingerprint": generator.fingerprint,
            "resolution": generator.resolution,
            "z_dim": generator.z_dim,
        },
        "spaces": spaces,
        "encoder": loaded.encoder.name,
        "segmenter": loaded.segmenter.name,
        "regions": list(loaded.segmenter.regions),
        "neutral": loaded.neutral,
        "truncation": loaded.truncation,
        "judged": loaded.judge is not None,
    }
    rows = [
        ["generator", f"{generator.name} ({generator.fingerprint[:12]})"],
        ["images", f"{generator.resolution}×{generator.resolution} pixels"],
        *(
            [f"space {space}", f"{size['numbers']} numbers, layers: {size['layers']}"]
            for space, size in spaces.items()
        ),
        ["encoder", loaded.encoder.name],
        ["segmenter", loaded.segmenter.name],
        ["regions", ", ".join(loaded.segmenter.regions)],
        ["neutral text", loaded.neutral],
        ["truncation", f"{loaded.truncation:g}"],
        ["judges", "yes" if loaded.judge else "none: scores cannot be told"],
    ]
    console.result(found, as_json=as_json, words=lambda: f"world {loaded.name}\n{table(rows)}")


def doctor(as_json: JsonOption = False) -> None:
    """Check that everything is in place.

    Versions, device, cache folder, and whether the starter world's weights load and hash right.
    """
    import torch
    from platformdirs import user_cache_dir

    from eclipsed import __version__

    starter = _starter_state()
    found = {
        "ok": starter["ok"],
        "versions": {
            "python": platform.python_version(),
            "eclipsed": __version__,
            **{name: metadata.version(name) for name in _PACKAGES},
        },
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "cache": user_cache_dir("eclipsed"),
        "extras": {extra: find_spec(module) is not None for extra, module in _EXTRAS.items()},
        "starter": starter,
    }
    console.result(found, as_json=as_json, words=lambda: _doctor_words(found))
    if not starter["ok"]:
        raise typer.Exit(console.COULD_NOT)


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
    verdict = "Everything is in place." if found["ok"] else "Not everything is in place."
    return f"{table(rows)}\n{verdict}"
