"""From what a description names to networks: the only place that knows every kind of file."""

from __future__ import annotations

from pathlib import Path

from eclipsed.encoders.clip import load_encoder as load_pretrained_encoder
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, metadata_of
from eclipsed.generators.loading import load_generator as load_generator_file
from eclipsed.hub import is_here
from eclipsed.segmenters import load_segmenter as load_any_segmenter
from eclipsed.segmenters.labels import vocabulary_for
from eclipsed.types import Encoder, Generator, Segmenter, World
from eclipsed.worlds import small
from eclipsed.worlds.catalogue import Entry, Part, fetch_part
from eclipsed.worlds.own import STARTER, Choice, OwnWorld, assemble, check_fits
from eclipsed.worlds.starter import models
from eclipsed.worlds.starter.world import ENCODER, SEGMENTER, WEIGHTS


def own_world(own: OwnWorld, device: str) -> World:
    """The world of a description. Raises BadFile for what is missing, damaged or does not fit."""
    for choice in own.choices.values():
        if isinstance(choice, Part):
            _check_here(choice, own.name)
    return assemble(
        own,
        device,
        load_generator=load_generator,
        load_encoder=load_encoder,
        load_segmenter=load_segmenter,
    )


def public_world(entry: Entry, device: str) -> World:
    """A world of the catalogue whose files are here already; BadFile, saying how, if they are not.

    Nothing is downloaded: that is asked for in words of its own, because of size and terms.
    """
    for part in entry.parts:
        _check_here(part, entry.name)
    generator = load_generator(entry.generator, device)
    segmenter = load_segmenter(entry.segmenter, entry.regions, device)
    check_fits(segmenter, generator)
    return World(
        name=entry.name,
        generator=generator,
        encoder=load_encoder(entry.encoder, device),
        segmenter=segmenter,
        vocabulary=vocabulary_for(segmenter.regions),
        neutral=entry.neutral,
        truncation=entry.truncation,
    )


def load_generator(choice: Choice, device: str) -> Generator:
    """The generator of a file, or of the catalogue."""
    return load_generator_file(_place(choice), device)


def load_encoder(choice: Choice, device: str) -> Encoder:
    """The starter's encoder, a small one in a file, or one of transformers' kinds in a folder."""
    if choice == STARTER:
        return models.load_encoder(WEIGHTS / ENCODER).to(device)
    place = _place(choice)
    if place.is_file():
        return small.load_small_encoder(place).to(device)
    return load_pretrained_encoder(place, device=device, local_only=True)


def load_segmenter(choice: Choice, regions: tuple[str, ...], device: str) -> Segmenter:
    """The starter's segmenter, a small one in a file, or any that `segmenters` knows."""
    if choice == STARTER:
        return models.load_segmenter(WEIGHTS / SEGMENTER).to(device)
    place = _place(choice)
    if place.is_file() and _says(place, small.SEGMENTER):
        return small.load_small_segmenter(place).to(device)
    return load_any_segmenter(place, regions=regions, device=device, local_only=True)


def _place(choice: Choice) -> Path:
    """The file or folder of a choice; the hashes of the catalogue's files are compared."""
    return fetch_part(choice, offline=True) if isinstance(choice, Part) else Path(choice)


def _check_here(part: Part, world: str) -> None:
    absent = [item.name for item in part.files if not is_here(item)]
    if absent:
        raise BadFile(
            f"The {part.kind} of the world {world} is not here yet: {absent[0]} is missing.",
            f"Fetch it: eclipsed world {world}",
        )


def _says(path: StrPath, key: str) -> bool:
    """Whether a file is safetensors with this key in its metadata."""
    return key in metadata_of(path)
