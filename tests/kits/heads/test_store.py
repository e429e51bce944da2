from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads.attributes import COLUMN, REGIONS
from kits.heads import store
from kits.heads.population import WIDTH, Floats
from kits.heads.renderer import Drawing
from kits.heads.store import HELD_OUT, RESOLUTION, Sampler, grow, people_of, read


class Flat:
    """Pictures of one colour, the first three values, and one region."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, values: Floats) -> Drawing:
        n, size = len(values), RESOLUTION
        self.drawn += n
        images = np.broadcast_to(values[:, None, None, :3] * 255, (n, size, size, 3))
        masks = np.zeros((n, len(REGIONS), size, size), np.uint8)
        masks[:, 2] = 255
        return Drawing(images.astype(np.uint8), masks)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Flat:
    monkeypatch.setattr(store, "CHUNK", 4)
    return Flat()


def test_a_store_grows_and_is_read_back(tmp_path: Path, small: Flat) -> None:
    with pytest.raises(EclipsedError, match="empty"):
        read(tmp_path)
    grow(tmp_path, 18, small)
    assert small.drawn == 20
    people, held = read(tmp_path), read(tmp_path, held_out=True)
    assert (len(people), len(held)) == (12, 8)
    row = people.take(np.array([5]))[0]
    np.testing.assert_array_equal(row["values"], people_of(HELD_OUT + 1, 4)[1])
    assert row["image"].shape == (128, 128, 3)
    assert (row["image"] == (row["values"][:3] * 255).astype(np.uint8)).all()
    assert (row["label"] == 2).all()
    # What is there is not drawn again, and more people are added to it.
    grow(tmp_path, 24, small)
    assert small.drawn == 24


def test_a_chunk_that_another_process_has_begun_is_left_to_it(tmp_path: Path, small: Flat) -> None:
    claim = tmp_path / "people-00001.begun"
    claim.touch()
    grow(tmp_path, 12, small)
    assert {path.name for path in tmp_path.glob("*.npy")} == {
        "people-00000.npy",
        "people-00002.npy",
    }
    os.utime(claim, (0, 0))  # given up long ago
    grow(tmp_path, 12, small)
    assert len(list(tmp_path.glob("*.npy"))) == 3
    assert not list(tmp_path.glob("*.begun"))


def test_people_are_the_same_again_and_others_in_every_chunk() -> None:
    np.testing.assert_array_equal(people_of(7, 20), people_of(7, 20))
    assert not np.array_equal(people_of(7, 20), people_of(8, 20))


def test_rare_things_are_more_frequent_where_the_generator_is_trained() -> None:
    plain, trained = people_of(0, 2000), people_of(HELD_OUT, 2000)
    assert plain.shape == trained.shape == (2000, WIDTH)
    assert 0 <= trained.min() <= trained.max() <= 1
    hats = [(values[:, COLUMN["hat"]] > 0.1).mean() for values in (plain, trained)]
    assert hats[1] > 1.5 * hats[0]


def test_samplers_see_what_was_added_to_the_store(
    tmp_path: Path, small: Flat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "REFRESHED", 10)
    grow(tmp_path, 12, small)
    sampler = Sampler(tmp_path, 3, seed=1)
    rows, rng = sampler.at(0)
    assert rows.shape == (3,)
    assert rng.uniform() != Sampler(tmp_path, 3, seed=2).at(0)[1].uniform()
    grow(tmp_path, 20, small)
    assert len(sampler.people_at(9)) == 4
    assert len(sampler.people_at(10)) == 12
    again = Sampler(tmp_path, 3, seed=1)
    np.testing.assert_array_equal(sampler.at(10)[0]["values"], again.at(10)[0]["values"])
