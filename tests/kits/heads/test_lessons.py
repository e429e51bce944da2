from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads.predicates import PREDICATES
from kits.heads import store
from kits.heads.captions import phrasings
from kits.heads.lessons import lessons
from kits.heads.store import HELD_OUT, ROW, people_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of a few people, held out and not, whose images are their first value."""
    for chunk in range(HELD_OUT + 1):
        rows = np.zeros(5, dtype=ROW)
        rows["values"] = people_of(chunk, len(rows))
        rows["image"] = (255 * rows["values"][:, :1, None, None]).astype(np.uint8)
        np.save(tmp_path / f"people-{chunk:05d}.npy", rows)
    return tmp_path


def test_batches_are_people_of_the_store_with_their_truths(folder: Path) -> None:
    taught = lessons(folder)
    batch = taught.batch(1, 0, 6)
    shape = (6, len(PREDICATES))
    assert batch.images.shape == (6, store.RESOLUTION, store.RESOLUTION, 3)
    assert batch.value.shape == batch.known.shape == shape
    assert batch.height is not None
    assert batch.takes_part is not None
    assert batch.height.shape == batch.takes_part.shape == shape
    trained = {int(255 * value) for value in people_of(HELD_OUT, 5)[:, 0]}
    assert {int(image[0, 0, 0]) for image in batch.images} <= trained
    again = lessons(folder).batch(1, 0, 6)
    assert np.array_equal(batch.images, again.images)
    assert not np.array_equal(batch.images, taught.batch(1, 1, 6).images)


def test_an_empty_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(EclipsedError, match="still empty"):
        lessons(tmp_path).batch(1, 0, 2)


def test_composites_state_predicates_that_are_taught(tmp_path: Path) -> None:
    taught = lessons(tmp_path)
    made = taught.composites(20, 3)
    assert len(made) == 20
    assert made == taught.composites(20, 3)
    assert all(set(caption.predicates) <= set(phrasings("train")) for caption in made)
