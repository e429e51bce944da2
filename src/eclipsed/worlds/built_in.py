"""Assembles a built-in world from a folder of weights; the shipped ones are package data.

What the worlds have of their own, sizes, words and judges, they hand over as a `BuiltIn`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from eclipsed.editing.photos.finder import load_finder
from eclipsed.generators.loading import load_generator
from eclipsed.types import Detector, Judge, Point, World
from eclipsed.worlds.small import load_small_inverter
from eclipsed.worlds.starter.models import (
    SmallInverter,
    StarterEncoder,
    load_encoder,
    load_segmenter,
)
from eclipsed.worlds.starter.networks import TowerConfig
from eclipsed.worlds.weights import (
    DETECTOR,
    ENCODER,
    GENERATOR,
    INVERTER,
    JUDGES,
    SEGMENTER,
    check_files,
    read_record,
)


@dataclass(frozen=True)
class BuiltIn:
    """What tells a built-in world from the others.

    tower, hidden: sizes of its encoder. widths, regions: of its segmenter. judges: loads them from
    a file, onto a device. frame: as in `eclipsed.types.World`. remake: what to do about a missing
    or damaged file.
    """

    name: str
    tower: TowerConfig
    hidden: int
    widths: tuple[int, int, int]
    regions: tuple[str, ...]
    judges: Callable[[Path, str], Judge]
    vocabulary: Mapping[str, tuple[str, ...]]
    example_prompts: tuple[str, ...]
    frame: tuple[Point, ...]
    remake: str
    neutral: str = "a person"


def load_built_in(built: BuiltIn, folder: Path, device: str = "cpu") -> World:
    """The world from `folder`; its judges are loaded when they are first asked for.

    Raises BadFile, saying what to do, when a file is missing, damaged or not the recorded one.
    """
    record = read_record(folder, built.remake)
    check_files(folder, (GENERATOR, ENCODER, SEGMENTER), record, built.remake)
    generator = load_generator(folder / GENERATOR, device)
    generator.name = built.name
    encoder = load_encoder(
        folder / ENCODER, built.tower, built.hidden, name=built.name, remake=built.remake
    ).to(device)
    segmenter = load_segmenter(
        folder / SEGMENTER, built.widths, built.regions, name=built.name, remake=built.remake
    )
    has_inverter, has_detector = (name in record["sha256"] for name in (INVERTER, DETECTOR))
    return World(
        name=built.name,
        generator=generator,
        encoder=encoder,
        segmenter=segmenter.to(device),
        vocabulary=built.vocabulary,
        neutral=built.neutral,
        example_prompts=built.example_prompts,
        judge=cache(partial(_judge, built, folder, device)),
        shipped=folder,
        inverter=cache(partial(_inverter, built, folder, encoder)) if has_inverter else None,
        detector=cache(partial(load_detector, built, folder, device)) if has_detector else None,
        frame=built.frame,
    )


def load_detector(built: BuiltIn, folder: Path, device: str = "cpu") -> Detector:
    """What finds a world's people in photos; raises as `load_built_in`."""
    check_files(folder, (DETECTOR,), read_record(folder, built.remake), built.remake)
    return load_finder(folder / DETECTOR, built.frame, device=device)


def _inverter(built: BuiltIn, folder: Path, encoder: StarterEncoder) -> SmallInverter:
    check_files(folder, (INVERTER,), read_record(folder, built.remake), built.remake)
    return load_small_inverter(folder / INVERTER, encoder).to(encoder.model.scale.device)


def _judge(built: BuiltIn, folder: Path, device: str) -> Judge:
    check_files(folder, (JUDGES,), read_record(folder, built.remake), built.remake)
    return built.judges(folder / JUDGES, device)
