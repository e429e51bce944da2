"""Verbs about worlds: list them, fetch one, add one's own, say what one holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.options import JsonOption
from eclipsed.cli.progress import transfer_progress
from eclipsed.cli.wording import table
from eclipsed.errors import EclipsedError

if TYPE_CHECKING:
    from eclipsed.types import World
    from eclipsed.worlds.catalogue import Entry, Part

_ADD, _FORGET = "add", "forget"


def list_worlds(as_json: JsonOption = False) -> None:
    """List the worlds that can be named with -w, and what is needed for each."""
    from eclipsed.worlds.catalogue import BUILT_IN, catalogue, present
    from eclipsed.worlds.own import registered

    found: list[dict[str, Any]] = [
        {"name": name, "kind": "built in", "about": about, "here": True}
        for name, about in BUILT_IN.items()
    ]
    found += [
        {"name": name, "kind": "own", "about": str(path), "here": True}
        for name, path in registered().items()
    ]
    for name, entry in catalogue().items():
        here = present(entry)
        found.append(
            {
                "name": name,
                "kind": "public",
                "about": f"{entry.domain}, {entry.resolution}×{entry.resolution} pixels",
                "here": all(here.values()),
                "resolution": entry.resolution,
                "bytes": entry.size,
                "files": dict(here),
                "licences": dict(entry.licences),
                "non_commercial": entry.non_commercial,
                "notes": list(entry.notes),
            }
        )
    console.result({"worlds": found}, as_json=as_json, words=lambda: _list_words(found))


def _list_words(found: list[dict[str, Any]]) -> str:
    rows = []
    for world in found:
        size = f"{world['bytes'] / 1e6:,.0f} MB" if world["kind"] == "public" else ""
        state = "here" if world["here"] else "to fetch"
        terms = "non-commercial" if world.get("non_commercial") else ""
        rows.append([world["name"], world["kind"], world["about"], size, state, terms])
    return f"{table(rows)}\n\nFetch a public one: eclipsed world NAME"


def world(
    name: Annotated[
        str, typer.Argument(help="A world's name or TOML file; or: add FILE, forget NAME.")
    ],
    target: Annotated[str | None, typer.Argument(metavar="[FILE|NAME]", hidden=True)] = None,
    given: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="Take this file instead of fetching it."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a public world if it is not here yet, and say what a world holds.

    `eclipsed world add FILE.toml` registers one of your own, `eclipsed world forget NAME` drops it.
    """
    if name == _ADD:
        _add(_needed(target, "eclipsed world add FILE.toml"), as_json=as_json)
    elif name == _FORGET:
        _forget(_needed(target, "eclipsed world forget NAME"), as_json=as_json)
    elif target is not None:
        raise typer.BadParameter(f"what {target!r} means after {name!r} is not clear.")
    else:
        _show(name, given or [], offline=offline, as_json=as_json)


def _needed(target: str | None, usage: str) -> str:
    if target is None:
        raise typer.BadParameter(f"say which: {usage}.")
    return target


def _add(file: str, *, as_json: bool) -> None:
    from eclipsed.worlds.own import read_own, register

    own = read_own(file)
    place = register(file)
    found = {"name": own.name, "registered": str(place)}
    console.result(
        found,
        as_json=as_json,
        words=lambda: f"The world {own.name} can now be named: eclipsed train PROMPT -w {own.name}",
    )


def _forget(name: str, *, as_json: bool) -> None:
    from eclipsed.worlds.own import forget

    forget(name)
    words = f"The world {name} is no longer named; its files stay."
    console.result({"forgotten": name}, as_json=as_json, words=lambda: words)


def _show(name: str, given: list[Path], *, offline: bool, as_json: bool) -> None:
    from eclipsed.cli.loading import open_world
    from eclipsed.worlds.catalogue import catalogue

    entry = catalogue().get(name)
    if entry is not None:
        _say_terms(entry)
    parts = entry.parts if entry is not None else _parts_of_own(name)
    _adopt(parts, given, name)
    for part in parts:
        _fetch(part, offline=offline)
    loaded = open_world(name, "cpu")
    found = _facts(loaded)
    if entry is not None:
        found |= {"licences": dict(entry.licences), "notes": list(entry.notes)}
    console.result(found, as_json=as_json, words=lambda: _world_words(loaded, found))


def _parts_of_own(name: str) -> tuple[Part, ...]:
    """The networks of the catalogue that a world of one's own names."""
    from eclipsed.worlds.catalogue import Part
    from eclipsed.worlds.own import read_own, registered

    place = registered().get(name, Path(name))
    if not place.is_file():
        return ()
    choices = read_own(place).choices.values()
    return tuple(choice for choice in choices if isinstance(choice, Part))


def _say_terms(entry: Entry) -> None:
    for part in entry.parts:
        licence = part.licence
        warning = "  NOT for commercial use" if licence.non_commercial else ""
        console.note(f"{part.kind} {part.name}: {licence.name}{warning}")
    for note in entry.notes:
        console.note(f"note: {note}")


def _adopt(parts: tuple[Part, ...], given: list[Path], name: str) -> None:
    """Take files that the user has: each goes where its name says, or else its SHA-256."""
    from eclipsed.files import shown
    from eclipsed.hub import adopt, is_here

    wanted = [item for part in parts for item in part.files if not is_here(item)]
    for path in given:
        named = [item for item in wanted if Path(item.name).name == path.name]
        # Without a public hash any file would do, so only its name can tell.
        choices = named or [item for item in wanted if item.pinned]
        if not choices:
            raise EclipsedError(
                f"The world {name} lacks no file such as {shown(path)}.",
                f"It lacks {', '.join(item.name for item in wanted) or 'none'}.",
            )
        refusals = []
        for item in choices:
            try:
                adopt(item, path)
            except EclipsedError as error:
                refusals.append(error)
                continue
            wanted.remove(item)
            break
        else:
            raise refusals[0]


def _fetch(part: Part, *, offline: bool) -> None:
    from eclipsed.worlds.catalogue import fetch_part

    with transfer_progress() as on_file:
        fetch_part(part, offline=offline or None, on_file=lambda item: on_file(item.name))


def _facts(loaded: World) -> dict[str, Any]:
    from eclipsed.evaluation.evaluate import judged_by

    generator = loaded.generator
    cut = {space: generator.layers(space) for space in generator.spaces}
    spaces: dict[str, Any] = {
        space: {"layers": len(layers), "numbers": sum(layer.width for layer in layers)}
        for space, layers in cut.items()
    }
    return {
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
        "judged_by": judged_by(loaded),
    }


def _world_words(loaded: World, found: dict[str, Any]) -> str:
    generator = loaded.generator
    rows = [
        ["generator", f"{generator.name} ({generator.fingerprint[:12]})"],
        ["images", f"{generator.resolution}×{generator.resolution} pixels"],
        *(
            [f"space {space}", f"{size['numbers']} numbers, layers: {size['layers']}"]
            for space, size in found["spaces"].items()
        ),
        ["encoder", loaded.encoder.name],
        ["segmenter", loaded.segmenter.name],
        ["regions", ", ".join(loaded.segmenter.regions)],
        ["neutral text", loaded.neutral],
        ["truncation", f"{loaded.truncation:g}"],
        ["scores by", found["judged_by"]],
    ]
    return f"world {loaded.name}\n{table(rows)}"
