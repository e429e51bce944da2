"""Verbs about worlds: list them, fetch one, add one's own, say what one holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.cli.progress import transfer_progress
from eclipsed.cli.wording import table
from eclipsed.errors import EclipsedError

if TYPE_CHECKING:
    from eclipsed.types import World
    from eclipsed.worlds.catalogue import Entry, Part


def worlds(as_json: options.Json = False) -> None:
    """List the worlds that -w can name.

    With what each is of, its size, whether it is here, and its terms.
    """
    from eclipsed.worlds.catalogue import BUILT_IN, catalogue
    from eclipsed.worlds.own import registered

    own = {name: str(path) for name, path in registered().items()}
    listed = [
        {"name": name, "kind": kind, "about": about, "here": True}
        for kind, here in (("built in", BUILT_IN), ("own", own))
        for name, about in here.items()
    ]
    listed += [_public_facts(entry) for entry in catalogue().values()]
    console.result({"worlds": listed}, _list_words, as_json=as_json)


def _public_facts(entry: Entry) -> dict[str, Any]:
    from eclipsed.worlds.catalogue import present

    files = dict(present(entry))
    return {
        "name": entry.name,
        "kind": "public",
        "about": f"{entry.domain}, {entry.resolution}×{entry.resolution} pixels",
        "here": all(files.values()),
        "resolution": entry.resolution,
        "bytes": entry.size,
        "files": files,
        "licences": dict(entry.licences),
        "non_commercial": entry.non_commercial,
        "notes": list(entry.notes),
    }


def _list_words(facts: console.Facts) -> str:
    rows = []
    for world in facts["worlds"]:
        size = f"{world['bytes'] / 1e6:,.0f} MB" if "bytes" in world else ""
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
    as_json: options.Json = False,
) -> None:
    """Say what a world holds; fetch a public one.

    `eclipsed world add FILE.toml` registers one of your own, `eclipsed world forget NAME` drops it.
    """
    usages = {"add": "add FILE.toml", "forget": "forget NAME"}
    if name not in usages:
        if target is not None:
            raise typer.BadParameter(f"what {target!r} means after {name!r} is not clear.")
        _show(name, given or [], offline=offline, as_json=as_json)
        return
    if target is None:
        raise typer.BadParameter(f"say which: eclipsed world {usages[name]}.")

    from eclipsed.worlds import own

    if name == "forget":
        own.forget(target)
        facts = {"forgotten": target}
        words = f"The world {target} is no longer named; its files stay."
    else:
        path = own.register(target)
        facts = {"name": path.stem, "registered": str(path)}
        words = f"The world {path.stem} can now be named: eclipsed train PROMPT -w {path.stem}"
    console.result(facts, lambda _: words, as_json=as_json)


def _show(name: str, given: Sequence[Path], *, offline: bool, as_json: bool) -> None:
    from eclipsed.worlds.catalogue import catalogue, fetch_part
    from eclipsed.worlds.own import parts_of

    entry = catalogue().get(name)
    if entry is not None:
        _note_terms(entry)
    parts = parts_of(name)
    _adopt(parts, given, name)
    for part in parts:
        with transfer_progress() as on_file:
            fetch_part(part, offline=offline or None, on_file=lambda item: on_file(item.name))
    facts = _facts(open_world(name, "cpu"))
    if entry is not None:
        facts |= {"licences": dict(entry.licences), "notes": list(entry.notes)}
    console.result(facts, _world_words, as_json=as_json)


def _note_terms(entry: Entry) -> None:
    for part in entry.parts:
        licence = part.licence
        warning = "  NOT for commercial use" if licence.non_commercial else ""
        console.note(f"{part.kind} {part.name}: {licence.name}{warning}")
    for note in entry.notes:
        console.note(f"note: {note}")


def _adopt(parts: Sequence[Part], given: Sequence[Path], name: str) -> None:
    """Take files that the user has: each goes where its name says, or else its SHA-256."""
    from eclipsed.files import shown
    from eclipsed.hub import adopt, is_here

    absent = [item for part in parts for item in part.files if not is_here(item)]
    for path in given:
        named = [item for item in absent if Path(item.name).name == path.name]
        # Without a public hash any file would do, so only its name can tell.
        candidates = named or [item for item in absent if item.pinned]
        if not candidates:
            raise EclipsedError(
                f"The world {name} lacks no file such as {shown(path)}.",
                f"It lacks {', '.join(item.name for item in absent) or 'none'}.",
            )
        refusals = []
        for item in candidates:
            try:
                adopt(item, path)
            except EclipsedError as error:
                refusals.append(error)
            else:
                absent.remove(item)
                break
        else:
            raise refusals[0]


def _facts(loaded: World) -> dict[str, Any]:
    from eclipsed.evaluation.evaluate import judged_by

    generator = loaded.generator
    layers = {space: generator.layers(space) for space in generator.spaces}
    spaces: dict[str, Any] = {
        space: {"layers": len(each), "numbers": sum(layer.width for layer in each)}
        for space, each in layers.items()
    }
    return {
        "name": loaded.name,
        "generator": {
            "name": generator.name,
            "fingerprint": generator.fingerprint,
            "resolution": generator.resolution,
            # Only networks of files may be oblong.
            "size": list(getattr(generator, "size", (generator.resolution,) * 2)),
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


def _world_words(facts: console.Facts) -> str:
    generator = facts["generator"]
    rows = [
        ["generator", f"{generator['name']} ({generator['fingerprint'][:12]})"],
        ["images", f"{generator['size'][1]}×{generator['size'][0]} pixels"],
        *(
            [f"space {space}", f"{size['numbers']} numbers, layers: {size['layers']}"]
            for space, size in facts["spaces"].items()
        ),
        ["encoder", facts["encoder"]],
        ["segmenter", facts["segmenter"]],
        ["regions", ", ".join(facts["regions"])],
        ["neutral text", facts["neutral"]],
        ["truncation", f"{facts['truncation']:g}"],
        ["scores by", facts["judged_by"]],
    ]
    return f"world {facts['name']}\n{table(rows)}"
