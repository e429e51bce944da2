"""The starter world, from a folder of weights; the shipped one is package data."""

from __future__ import annotations

from pathlib import Path

from eclipsed.types import Detector, Judge, Point, World
from eclipsed.worlds import built_in
from eclipsed.worlds.built_in import BuiltIn, load_built_in
from eclipsed.worlds.starter import models
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.vocabulary import STARTER_PROMPTS, STARTER_VOCABULARY
from eclipsed.worlds.weights import REMAKE

WEIGHTS = Path(__file__).parent / "weights"
# Eyes, nose and corners of the mouth of every avatar, in fractions of its sides.
FRAME: tuple[Point, ...] = ((0.395, 0.451), (0.605, 0.451), (0.5, 0.55), (0.44, 0.63), (0.56, 0.63))


def _judges(path: Path, device: str) -> Judge:
    return models.load_judges(path).to(device)


STARTER = BuiltIn(
    name="starter",
    tower=models.WORLD_TOWER,
    hidden=models.WORLD_HIDDEN,
    widths=models.WORLD_UNET,
    regions=REGIONS,
    judges=_judges,
    vocabulary=STARTER_VOCABULARY,
    example_prompts=STARTER_PROMPTS,
    frame=FRAME,
    remake=REMAKE,
)


def load_starter(folder: Path = WEIGHTS, device: str = "cpu") -> World:
    """The starter world from `folder`; raises as `load_built_in`."""
    return load_built_in(STARTER, folder, device)


def load_detector(folder: Path = WEIGHTS, device: str = "cpu") -> Detector:
    """What finds avatars in photos; raises as `load_starter`."""
    return built_in.load_detector(STARTER, folder, device)
