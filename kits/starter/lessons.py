"""What an encoder is taught about avatars: their sentences, and renders with exact truths."""

from __future__ import annotations

from functools import cache

import numpy as np

from kits.captions import UNRELATED, Caption
from kits.fit_encoder import Batch, Lessons
from kits.starter.captions import (
    NEUTRAL,
    captions,
    foreign_sentences,
    phrasings,
    truths,
)
from kits.starter.design import draw
from kits.starter.renderer import Renderer

_TOGETHER = 500  # avatars drawn in one call


@cache
def _renderer() -> Renderer:
    return Renderer()


def _composites(count: int, seed: int) -> list[Caption]:
    rng = np.random.default_rng([seed, 7])
    composites: list[Caption] = []
    while len(composites) < count:
        n = min(_TOGETHER, count - len(composites))
        avatars, drawing = draw(_renderer(), seed, len(composites) // _TOGETHER, n)
        composites += captions(avatars, range(n), rng, "train", drawing.visible)
    return composites


def _batch(seed: int, step: int, n: int) -> Batch:
    avatars, drawing = draw(_renderer(), seed, step, n)
    return Batch(drawing.images, *truths(avatars, drawing.visible))


def lessons() -> Lessons:
    """Avatars, drawn anew every step."""
    return Lessons(phrasings("train"), _composites, NEUTRAL, UNRELATED, foreign_sentences(), _batch)
