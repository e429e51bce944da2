"""Assembles the starter world from a folder of weights; the shipped one is package data."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import Any

from eclipsed.editing.photos.finder import load_finder
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes, sha256_of, shown
from eclipsed.generators.loading import load_generator
from eclipsed.types import Detector, Point, World
from eclipsed.worlds.small import load_small_inverter
from eclipsed.worlds.starter.models import (
    REMAKE,
    SmallInverter,
    StarterEncoder,
    StarterJudge,
    load_encoder,
    load_judges,
    load_segmenter,
)
from eclipsed.worlds.starter.vocabulary import STARTER_PROMPTS, STARTER_VOCABULARY

WEIGHTS = Path(__file__).parent / "weights"
RECORD = "world.json"  # hashes of the weights, how they were made, what was measured
FORMAT = 1
GENERATOR, ENCODER, SEGMENTER, JUDGES = FILES = (
    "generator.safetensors",
    "encoder.safetensors",
    "segmenter.safetensors",
    "judges.safetensors",
)
INVERTER = "inverter.safetensors"  # may be missing: photos are then inverted step by step
DETECTOR = "detector.safetensors"  # may be missing: photos are then cut in the middle
# Eyes, nose and corners of the mouth of every avatar, in fractions of its sides.
FRAME: tuple[Point, ...] = ((0.395, 0.451), (0.605, 0.451), (0.5, 0.55), (0.44, 0.63), (0.56, 0.63))
_MOST_BYTES = 64 * 2**20


def load_starter(folder: Path = WEIGHTS, device: str = "cpu") -> World:
    """The starter world from `folder`; its judges are loaded when they are first asked for.

    Raises BadFile, saying what to do, when a file is missing, damaged or not the recorded one.
    """
    record = read_record(folder)
    known = record["sha256"]
    for name in (GENERATOR, ENCODER, SEGMENTER):
        _check(folder / name, record)
    generator = load_generator(folder / GENERATOR, device)
    generator.name = "starter"
    encoder = load_encoder(folder / ENCODER).to(device)
    inverter = cache(partial(_inverter, folder, encoder))
    return World(
        name="starter",
        generator=generator,
        encoder=encoder,
        segmenter=load_segmenter(folder / SEGMENTER).to(device),
        vocabulary=STARTER_VOCABULARY,
        neutral="a person",
        example_prompts=STARTER_PROMPTS,
        judge=cache(partial(_judge, folder, device)),
        shipped=folder,
        inverter=inverter if INVERTER in known else None,
        detector=cache(partial(load_detector, folder, device)) if DETECTOR in known else None,
        frame=FRAME,
    )


def _inverter(folder: Path, encoder: StarterEncoder) -> SmallInverter:
    _check(folder / INVERTER, read_record(folder))
    return load_small_inverter(folder / INVERTER, encoder).to(encoder.model.scale.device)


def _judge(folder: Path, device: str) -> StarterJudge:
    _check(folder / JUDGES, read_record(folder))
    return load_judges(folder / JUDGES).to(device)


def load_detector(folder: Path = WEIGHTS, device: str = "cpu") -> Detector:
    """What finds avatars in photos; raises as `load_starter`."""
    _check(folder / DETECTOR, read_record(folder))
    return load_finder(folder / DETECTOR, FRAME, device=device)


def read_record(folder: Path) -> dict[str, Any]:
    """What `world.json` in a folder of weights says; raises BadFile when it is missing or bad."""
    path = folder / RECORD
    if not path.is_file():
        raise BadFile(f"There is no world in {shown(folder)}: {RECORD} is missing.", REMAKE)
    try:
        record: dict[str, Any] = json.loads(read_bytes(path, limit=_MOST_BYTES))
        newer = record["format"] > FORMAT
        whole = newer or all(isinstance(record["sha256"][name], str) for name in FILES)
    except (ValueError, KeyError, TypeError):
        newer = whole = False
    if newer:
        raise BadFile(f"The world in {shown(folder)} is of a newer format.", "Upgrade eclipsed.")
    if not whole:
        raise BadFile(f"The record {shown(path)} is damaged.", REMAKE)
    return record


def _check(path: Path, record: dict[str, Any]) -> None:
    if not path.is_file():
        raise BadFile(f"The weights file {shown(path)} is missing.", REMAKE)
    if sha256_of(read_bytes(path, limit=_MOST_BYTES)) != record["sha256"].get(path.name):
        raise BadFile(f"The weights file {shown(path)} is not the one {RECORD} names.", REMAKE)
