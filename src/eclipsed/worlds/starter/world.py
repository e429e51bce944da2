"""Assembles the starter world from a folder of weights; the shipped one is package data."""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial
from pathlib import Path

from eclipsed.errors import BadFile
from eclipsed.types import World
from eclipsed.worlds.starter.models import (
    StarterJudge,
    load_encoder,
    load_generator_file,
    load_judges,
    load_segmenter,
)
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

WEIGHTS = Path(__file__).parent / "weights"
RECORD = "world.json"  # hashes of the weights, how they were made, what was measured
GENERATOR, ENCODER, SEGMENTER, JUDGES = FILES = (
    "generator.safetensors",
    "encoder.safetensors",
    "segmenter.safetensors",
    "judges.safetensors",
)


def load_starter(folder: Path = WEIGHTS, device: str = "cpu") -> World:
    """The starter world from `folder`.

    Raises BadFile, saying what to do, when a file is missing, damaged or not the recorded one.
    """
    hashes = _recorded(folder)
    for name in (GENERATOR, ENCODER, SEGMENTER):
        _check(folder / name, hashes)
    return World(
        name="starter",
        generator=load_generator_file(folder / GENERATOR).to(device),
        encoder=load_encoder(folder / ENCODER).to(device),
        segmenter=load_segmenter(folder / SEGMENTER).to(device),
        vocabulary=STARTER_VOCABULARY,
        neutral="a person",
        judge=partial(_judge, folder, device),
    )


@cache
def _judge(folder: Path, device: str) -> StarterJudge:
    _check(folder / JUDGES, _recorded(folder))
    return load_judges(folder / JUDGES).to(device)


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    try:
        hashes = json.loads(path.read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(value) for name, value in hashes.items()}
    except FileNotFoundError:
        raise BadFile(
            f"There is no world in {folder}: {RECORD} is missing.", "Remake it with `make starter`."
        ) from None
    except (OSError, ValueError, KeyError, AttributeError):
        raise BadFile(
            f"The record {path} is damaged.", "Reinstall eclipsed or remake it with `make starter`."
        ) from None


def _check(path: Path, hashes: dict[str, str]) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise BadFile(
            f"The weights file {path} cannot be read.",
            "Reinstall eclipsed or remake it with `make starter`.",
        ) from None
    if found != hashes.get(path.name):
        raise BadFile(
            f"The weights file {path} is not the one its {RECORD} names.",
            "Reinstall eclipsed or remake it with `make starter`.",
        )
