"""How well a world's detector finds its figures in photos, and what else it takes for one.

    python -m benchmarks.photos.finding --photos 120

A figure counts as found where the corners of its square lie within a tenth of a side, on average.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import eclipsed
from benchmarks.photos.scenes import FIGURES, scene
from eclipsed.editing.photos.faces import face_crop
from eclipsed.types import Detector, World
from kits.detecting import scenes

NEAR = 0.1  # of a square's side
_EMPTY, _SEED = 60, 990  # scenes without a figure, which no training saw


def errors_of(detector: Detector, world: World, pixels: Tensor, corners: np.ndarray) -> list[float]:
    """How far each square that is found lies from the true one, in its sides; the nearest first."""
    side = float(np.hypot(*(corners[3] - corners[0])))
    squares = [
        np.array(face_crop(face.points, world.frame).corners) for face in detector.find(pixels)
    ]
    return sorted(float(np.hypot(*(each - corners).T).mean() / side) for each in squares)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a detector finds, and what it makes up.")
    parser.add_argument("-w", "--world", default="starter", choices=FIGURES)
    parser.add_argument("--photos", type=int, default=120)
    chosen = parser.parse_args(arguments)
    world = eclipsed.load_world(chosen.world)
    if world.detector is None:
        print(f"The world {chosen.world} has no detector.", file=sys.stderr)
        return 1
    detector, near, missed, invented = world.detector(), [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.photos):
            taken = scene(FIGURES[world.name](world, number), number, Path(folder), world.frame)
            pixels = torch.from_numpy(eclipsed.read_photo(taken.path).rgb.copy()).float() / 255
            taken.path.unlink()
            errors = errors_of(detector, world, pixels, np.array(taken.corners))
            is_found = bool(errors) and errors[0] <= NEAR
            invented += len(errors) - is_found
            near += errors[:1] if is_found else []
            missed += [] if is_found else [number]
    empty = sum(len(detector.find(each.permute(1, 2, 0))) for each in scenes(_SEED, _EMPTY))
    print(
        f"{len(near)} of {chosen.photos} figures found; their corners are off by "
        f"{np.median(near):.1%} of a side (worst tenth {np.percentile(near, 90):.1%}). "
        f"{invented} other squares in these photos, {empty} in {_EMPTY} scenes without a figure. "
        f"Missed: {', '.join(map(str, missed)) or 'none'}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
