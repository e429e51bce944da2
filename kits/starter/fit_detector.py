"""Trains what finds avatars in photos, and writes it beside the world's other weights.

python -m kits.starter.fit_detector    # half an hour on one core, resumable
"""

from __future__ import annotations

import json
from pathlib import Path

from eclipsed.cache import cache_folder
from eclipsed.editing.photos.finder import Finder
from eclipsed.files import sha256_of, write_atomic
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.world import FRAME, WEIGHTS
from eclipsed.worlds.weights import DETECTOR, RECORD, read_record
from kits.detecting import Pictures, fit_finder, save_finder
from kits.fitting import Job
from kits.starter.design import draw
from kits.starter.renderer import Renderer

AVATARS = 1_500
JOBS = (Job(80_000, 3e-3, seed=81), Job(116_000, 3e-3, seed=82))
_SEED = 80


def avatars(count: int = AVATARS) -> Pictures:
    """Avatars, and what of each is no background."""
    drawing = draw(Renderer(), _SEED, 0, count)[1]
    return Pictures.of(drawing.images, drawing.labels != REGIONS.index("background"))


def fit_detector(folder: Path) -> Finder:
    """Train (or resume) the detector in `folder`."""
    return fit_finder(folder, JOBS, avatars(), FRAME)


def write(finder: Finder, weights: Path) -> None:
    """Write the detector beside the other weights, and its hash into their record."""
    save_finder(finder, weights / DETECTOR)
    data, record = (weights / DETECTOR).read_bytes(), read_record(weights)
    record["sha256"][DETECTOR] = sha256_of(data)
    record["bytes"][DETECTOR] = len(data)
    write_atomic(weights / RECORD, (json.dumps(record, indent=2) + "\n").encode())


if __name__ == "__main__":
    write(fit_detector(cache_folder() / "training"), WEIGHTS)
