"""What an encoder is taught about heads: their sentences, and stored renders with exact truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kits.captions import Caption
from kits.fit_encoder import Batch, Lessons
from kits.fitting import rng_of
from kits.heads.captions import (
    NEUTRAL,
    UNRELATED,
    captions,
    foreign_sentences,
    orders,
    phrasings,
    truths,
)
from kits.heads.population import Z_DIM, Floats, values_from_z
from kits.heads.store import People, Rows, read

_REFRESHED = 500  # steps after which the store is looked through again: it may have grown


def _composites(count: int, seed: int) -> list[Caption]:
    rng = np.random.default_rng([seed, 7])
    values = values_from_z(rng.standard_normal((count, Z_DIM)))
    return captions(values, range(count), rng)


def batch_of(rows: Rows) -> Batch:
    """People of the store, with all that can be said of them."""
    values: Floats = rows["values"]
    return Batch(rows["image"], *truths(values), *orders(values))


class _Stored:
    """Random people of a store that may still be growing; repeatable once it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people: People | None = None

    def batch(self, seed: int, step: int, n: int) -> Batch:
        if self.people is None or step % _REFRESHED == 0:
            self.people = read(self.folder)
        chosen = rng_of(seed, step).integers(len(self.people), size=n)
        return batch_of(self.people.take(chosen))


def lessons(store: Path) -> Lessons:
    """Heads as `store.grow` renders them; raises EclipsedError at a batch of an empty store."""
    return Lessons(
        phrasings("train"),
        _composites,
        NEUTRAL,
        UNRELATED,
        foreign_sentences(),
        _Stored(store).batch,
    )
