"""The verb that looks after the installation: doctor."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from typing import Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.cli.wording import table
from eclipsed.errors import EclipsedError, extras

_PACKAGES = ("torch", "numpy", "safetensors", "transformers", "pillow")


def doctor(
    world: Annotated[
        str | None, typer.Option(help="Check this world as well: a name or a file.")
    ] = None,
    as_json: options.Json = False,
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
    facts = {
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
        **({} if world is None else {"world": {"name": world, "findings": findings}}),
    }
    console.result(facts, _words, as_json=as_json)
    if not facts["ok"]:
        raise typer.Exit(console.COULD_NOT)


def _extras() -> dict[str, bool]:
    """Extra of this package → whether everything that it asks for is installed."""

    def is_here(requirement: str) -> bool:
        (name, *_) = re.split(r"[^\w.-]", requirement)
        return any(metadata.distributions(name=name))

    return {extra: all(map(is_here, needs)) for extra, needs in extras().items()}


def _world_findings(name: str) -> list[dict[str, Any]]:
    """Loading compares hashes and shapes; the rest is looked at."""
    from dataclasses import asdict

    from eclipsed.worlds.checkup import check_world

    try:
        loaded = open_world(name, "cpu")
    except EclipsedError as error:
        return [{"check": "files", "ok": False, "words": str(error)}]
    files = {"check": "files", "ok": True, "words": "they load, with the right hashes and shapes"}
    return [files, *(asdict(finding) for finding in check_world(loaded))]


def _starter_state() -> dict[str, Any]:
    """Whether the weights load; loading them compares their hashes with the recorded ones."""
    try:
        world = open_world("starter", "cpu")
        if world.judge is not None:
            world.judge()
    except EclipsedError as error:
        return {"ok": False, "problem": str(error)}
    return {"ok": True, "fingerprint": world.generator.fingerprint}


def _words(facts: console.Facts) -> str:
    starter = facts["starter"]
    extras = [name for name, installed in facts["extras"].items() if installed]
    state = f"fine ({starter['fingerprint'][:12]})" if starter["ok"] else starter["problem"]
    rows = [
        *([name, version] for name, version in facts["versions"].items()),
        ["device", f"{facts['device']}, {facts['threads']} of {os.cpu_count()} threads"],
        ["cache", facts["cache"]],
        ["extras", ", ".join(extras) or "none"],
        ["starter", state],
    ]
    for finding in facts.get("world", {}).get("findings", ()):
        state = finding["words"] if finding["ok"] else f"WRONG: {finding['words']}"
        rows.append([f"{facts['world']['name']}: {finding['check']}", state])
    verdict = "Everything is in place." if facts["ok"] else "Not everything is in place."
    return f"{table(rows)}\n{verdict}"
