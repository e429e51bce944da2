"""From what a description names to networks: the only place that knows every kind of file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from torch import Tensor

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.editing.photos.e4e import load_e4e
from eclipsed.editing.photos.mtcnn import load_mtcnn
from eclipsed.encoders.clip import load_encoder as load_pretrained_encoder
from eclipsed.errors import BadFile, BadSetting
from eclipsed.evaluation.observe import NetworkJudge
from eclipsed.files import disk, kind_of, metadata_of, shown
from eclipsed.generators.loading import describe_checkpoint
from eclipsed.generators.loading import load_generator as load_generator_file
from eclipsed.hub import is_here
from eclipsed.segmenters import load_segmenter as load_any_segmenter
from eclipsed.segmenters.clusters import ClusterSegmenter
from eclipsed.segmenters.labels import vocabulary_for
from eclipsed.types import (
    Detector,
    Encoder,
    Generator,
    Inverter,
    Judge,
    Segmenter,
    Synthesis,
    World,
)
from eclipsed.worlds import small
from eclipsed.worlds.catalogue import Entry, Part, fetch_part
from eclipsed.worlds.own import STARTER, Choice, OwnWorld
from eclipsed.worlds.starter import models
from eclipsed.worlds.starter.world import FRAME, WEIGHTS
from eclipsed.worlds.starter.world import load_detector as load_starter_detector
from eclipsed.worlds.weights import ENCODER, SEGMENTER


@dataclass(frozen=True)
class NoSegmenter:
    """In the place of a segmenter (eclipsed.types.Segmenter) where a world has none: no regions."""

    name: str = "none"
    fingerprint: str = "none"
    regions: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:  # noqa: ARG002
        raise BadSetting(
            f"There is no segmenter that would find {', '.join(regions) or 'regions'}.",
            "Name one in the world's TOML file, or give --region none.",
        )


def own_world(own: OwnWorld, device: str) -> World:
    """The world of a description; its judges are loaded when they are first asked for.

    Raises BadFile for a network that is missing or damaged, and when the segmenter lacks a region
    that the description names; WrongGenerator for a segmenter made for another generator,
    BadSetting for a class that the generator lacks.
    """
    for key, choice in own.choices.items():
        # Only photos ask for a detector.
        if isinstance(choice, Part) and key != "detector":
            _check_here(choice, own.name)
    generator = load_generator(own.generator, device)
    if own.class_index is not None:
        generator = generator.of_class(own.class_index)

    def fitting_segmenter(choice: Choice) -> Segmenter:
        segmenter = load_segmenter(choice, tuple(own.regions), device)
        if isinstance(segmenter, ClusterSegmenter):
            segmenter.check(generator)
        return segmenter

    def judge_of(encoder: Choice, segmenter: Choice) -> Judge:
        return NetworkJudge(load_encoder(encoder, device), fitting_segmenter(segmenter))

    judge = None
    if own.judge_encoder is not None and own.judge_segmenter is not None:
        judge = cache(partial(judge_of, own.judge_encoder, own.judge_segmenter))
    detector = None
    if own.detector is not None:
        detector = cache(partial(load_detector, own.detector, own.name, device))
    encoder = load_encoder(own.encoder, device)
    inverter = None
    if own.inverter is not None:
        inverter = cache(partial(load_inverter, own.inverter, encoder, device))
    segmenter = NoSegmenter() if own.segmenter is None else fitting_segmenter(own.segmenter)
    unknown = [region for region in own.regions if region not in segmenter.regions]
    if unknown:
        raise BadFile(
            f"The world {own.name} has words for the region {shown(unknown[0])}, which its "
            f"segmenter {segmenter.name} does not find.",
            f"Its regions are {', '.join(segmenter.regions)}.",
        )
    return World(
        name=own.name,
        generator=generator,
        encoder=encoder,
        segmenter=segmenter,
        vocabulary={region: own.regions.get(region, (region,)) for region in segmenter.regions},
        neutral=own.neutral,
        truncation=own.truncation,
        example_prompts=own.example_prompts,
        multilingual=own.multilingual,
        judge=judge,
        detector=detector,
        inverter=inverter,
        frame=FRAME if own.detector == STARTER else None,
    )


def public_world(entry: Entry, device: str) -> World:
    """A world of the catalogue whose files are here already; BadFile, saying how, if they are not.

    Nothing is downloaded: that is asked for in words of its own, because of size and terms.
    """
    networks = entry.generator, entry.encoder, entry.segmenter
    regions = dict.fromkeys(entry.regions, ())
    own = OwnWorld(
        entry.name, *networks, entry.neutral, entry.truncation, regions, detector=entry.detector
    )
    world = own_world(own, device)
    return replace(world, vocabulary=vocabulary_for(world.segmenter.regions))


def load_generator(choice: Choice, device: str) -> Generator:
    """The generator of a file, or of the catalogue."""
    return load_generator_file(_path(choice), device)


def load_encoder(choice: Choice, device: str) -> Encoder:
    """The starter's encoder, a small one in a file, or one of transformers' kinds in a folder."""
    if choice == STARTER:
        return models.load_encoder(WEIGHTS / ENCODER).to(device)
    path = _path(choice)
    if path.is_file():
        return small.load_small_encoder(path).to(device)
    return load_pretrained_encoder(path, device=device, local_only=True)


def load_segmenter(choice: Choice, regions: tuple[str, ...], device: str) -> Segmenter:
    """The starter's segmenter, a small one in a file, or any that `segmenters` knows.

    regions: for one that finds what it is told to.
    """
    if choice == STARTER:
        return models.load_segmenter(WEIGHTS / SEGMENTER).to(device)
    path = _path(choice)
    if path.is_file() and small.SEGMENTER in metadata_of(path):
        return small.load_small_segmenter(path).to(device)
    return load_any_segmenter(path, regions=regions, device=device, local_only=True)


def load_inverter(path: Path, encoder: Encoder, device: str) -> Inverter:
    """A small inverter that was trained on this encoder, or e4e's.

    Raises BadFile for a small one of another encoder, and for other files.
    """
    if small.INVERTER not in metadata_of(path):
        return load_e4e(path, device)
    if not isinstance(encoder, models.StarterEncoder):
        raise BadFile(
            f"The inverter {shown(path)} reads what a small encoder sees, and '{encoder.name}' is "
            "none.",
            "Name the encoder that it was trained on.",
        )
    return small.load_small_inverter(path, encoder).to(device)


def load_detector(choice: Choice, world: str, device: str) -> Detector:
    """The starter's detector, or one for people's faces in a folder.

    Raises BadFile, saying how to get it and what does without it, where it is not here yet.
    """
    if choice == STARTER:
        return load_starter_detector(device=device)
    if isinstance(choice, Part):
        absent = [item.name for item in choice.files if not is_here(item)]
        if absent:
            raise BadFile(
                f"What finds faces in photos is not here yet: {absent[0]} is missing.",
                f"Fetch it, {sum(item.size or 0 for item in choice.files) / 1e6:.0f} MB: eclipsed "
                f"world {world}; or say where the face is with --points or --box, or --no-align.",
            )
    return load_mtcnn(_path(choice), device=device)


def _path(choice: Choice) -> Path:
    """The file or folder of a choice; the hashes of the catalogue's files are compared."""
    return fetch_part(choice, offline=True) if isinstance(choice, Part) else Path(choice)


def _check_here(part: Part, world: str) -> None:
    absent = [item.name for item in part.files if not is_here(item)]
    if absent:
        raise BadFile(
            f"The {part.kind} of the world {world} is not here yet: {absent[0]} is missing.",
            f"Fetch it: eclipsed world {world}",
        )


def check_description(path: Path) -> None:
    """Raise BadFile for a network in the place of a world's description, saying what it is and what
    to write; other files are left to whoever reads them."""
    if not path.is_file():
        return
    with disk("read", path), open(path, "rb") as file:
        head = file.read(4096)
    if "UTF-16" in kind_of(head) or not (b"\0" in head or head.startswith(b"\x80")):
        return
    try:
        facts = describe_checkpoint(read_checkpoint(path))
    except BadFile:
        raise BadFile(
            f"The file {shown(path)} is no world but {kind_of(head)}.",
            f"See what it is: {shlex.join(['eclipsed', 'show', str(path)])}",
        ) from None
    kind = f"{facts['needs'].partition(':')[0]} ({facts['family']})"
    look = shlex.join(["eclipsed", "sample", "--generator", str(path), "--seeds", "0-15"])
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-_") or "my-world"
    lines = f'name = "{name}", generator = {json.dumps(str(path))}, encoder = "NAME OR FOLDER"'
    raise BadFile(
        f"The file {shown(path)} is no world but {kind}.",
        f"Look at it: {look} -o look.png; to train, write a file {name}.toml of the lines {lines} "
        f"and, to name regions, a segmenter, and give -w {name}.toml.",
    )
