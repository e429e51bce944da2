"""Trains what finds avatars in photos, and writes it beside the world's other weights.

python -m kits.starter.fit_detector    # half an hour on one core, resumable
"""

from __future__ import annotations

from pathlib import Path

from eclipsed.cache import cache_folder
from eclipsed.editing.photos.finder import Finder
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.world import DETECTOR, FRAME, WEIGHTS
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


if __name__ == "__main__":
    save_finder(fit_detector(cache_folder() / "training"), WEIGHTS / DETECTOR)
