"""Worlds: a generator with the encoder and the segmenter that go with it, assembled by name.

Only this package assembles; everything else is handed what it needs.
"""

from __future__ import annotations

from pathlib import Path

from eclipsed.errors import UnknownName
from eclipsed.types import World, resolve_device


def load_world(name_or_path: str | Path = "starter", device: str = "cpu") -> World:
    """A world by name, from a TOML file that describes it, or from a built-in's folder of weights.

    A name is starter, heads, one that was registered with `eclipsed world add`, or one of the
    catalogue whose files have been fetched. device: as `types.resolve_device` reads it; "auto"
    takes a GPU if there is one. Raises UnknownName for anything else, BadSetting for a device that
    this machine lacks, BadFile for networks that are missing, damaged or do not fit together.
    """
    device = resolve_device(device)

    from eclipsed.worlds.heads.world import load_heads
    from eclipsed.worlds.starter.world import load_starter
    from eclipsed.worlds.weights import world_of

    built_in = {"starter": load_starter, "heads": load_heads}
    path, name = Path(name_or_path), str(name_or_path)
    if name in built_in:
        return built_in[name](device=device)
    if path.is_dir():
        return built_in[world_of(path)](path, device)

    from eclipsed.worlds.assembling import check_description, own_world, public_world
    from eclipsed.worlds.catalogue import catalogue
    from eclipsed.worlds.own import described, registered

    if name not in registered():
        check_description(path)
    own = described(name)
    if own is not None:
        return own_world(own, device)
    if name in catalogue():
        return public_world(catalogue()[name], device)
    raise UnknownName(
        f"There is no world {name!r}.",
        "Choose starter, another of `eclipsed worlds`, a TOML file or a folder of weights.",
    )
