"""Films of one attribute: equal steps of its slider, and whether any of them jumps.

    python -m kits.heads.films                  # every attribute: largest step / median step
    python -m kits.heads.films age hair_curl    # only these
    python -m kits.heads.films age --sheet age.png

A step is the mean change of a pixel between two frames. The largest may be MOST times the median.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eclipsed.worlds.heads.attributes import COLUMN, NAMES
from kits.heads.mesh import Floats
from kits.heads.renderer import Renderer, usual_values

STEPS, MOST = 25, 4.0
PEOPLE: tuple[Mapping[str, float], ...] = (
    {"gender": 0.9, "hair_length": 0.32, "skin_tone": 0.25},
    {"gender": 0.1, "hair_length": 0.70, "skin_tone": 0.6, "age": 0.5, "base_shape_a": 0.7},
)
# What must be worn, or be there, for an attribute to show.
SHOWN_WITH: dict[str, Mapping[str, float]] = {
    "glasses_round": {"glasses": 1},
    "glasses_thick": {"glasses": 1},
    "lens_dark": {"glasses": 1},
    "frame_tone": {"glasses": 1, "glasses_thick": 0.7},
    "hat_light": {"hat": 0.8},
    "hat_warm": {"hat": 0.8},
    "dye_tint": {"dye": 0.9},
    "beard_length": {"beard": 0.8, "moustache": 0.8},
    "hair_curl": {"hair_length": 0.65, "hair_volume": 0.5},
    "hair_layers": {"hair_length": 0.7},
    "earrings": {"hair_length": 0.3},
    "ears_out": {"hair_length": 0.2},
}


def person(index: int, values: Mapping[str, float]) -> Floats:
    """One of PEOPLE with other values, [K]."""
    row = usual_values()
    for name, value in {**PEOPLE[index], **values}.items():
        row[COLUMN[name]] = value
    return row


def film(name: str, index: int, renderer: Renderer, steps: int | None = None) -> NDArray[np.uint8]:
    """Frames of an attribute going from 0 to 1 in `steps` (STEPS) steps, on one of PEOPLE."""
    steps = steps or STEPS
    rows = np.tile(person(index, SHOWN_WITH.get(name, {})), (steps + 1, 1))
    rows[:, COLUMN[name]] = np.linspace(0, 1, steps + 1)
    return renderer.render(rows).images


def step_sizes(frames: NDArray[np.uint8]) -> Floats:
    """Mean change of a pixel from frame to frame, in grey levels."""
    return np.abs(np.diff(frames.astype(np.float32), axis=0)).mean(axis=(1, 2, 3))


def unevenness(sizes: Floats) -> float:
    """Largest step / median step."""
    return float(sizes.max() / max(float(np.median(sizes)), 1e-6))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Films of single attributes.")
    parser.add_argument("names", nargs="*", metavar="ATTRIBUTE")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--sheet", type=Path, help="also save every third frame as a picture")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no such attribute: {', '.join(sorted(unknown))}")
    renderer, rows = Renderer(options.resolution, samples=4), []
    for name in options.names or NAMES:
        for index in range(len(PEOPLE)):
            frames = film(name, index, renderer)
            sizes = step_sizes(frames)
            worst = unevenness(sizes)
            mark = "  jumps" if worst > MOST else ""
            print(
                f"{name:18} person {index + 1}  median {np.median(sizes):6.3f}  "
                f"largest / median {worst:5.2f} at step {int(sizes.argmax()) + 1:2}{mark}",
                flush=True,
            )
            rows.append(np.concatenate(list(frames[::3]), axis=1))
    if options.sheet:
        Image.fromarray(np.concatenate(rows)).save(options.sheet)


if __name__ == "__main__":
    main()
