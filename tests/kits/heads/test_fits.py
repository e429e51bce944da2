"""What segmenter and oracle of heads are trained on, and that training moves the right way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from eclipsed.worlds.heads.attributes import COLUMN, NAMES, REGIONS
from eclipsed.worlds.starter.networks import TowerConfig
from kits.fitting import Job
from kits.heads import store
from kits.heads.fit_oracle import answers, attribute_weights, fit_oracle, regression_loss
from kits.heads.fit_segmenter import fit_segmenter
from kits.heads.recipe import JOBS, TRAINERS
from kits.heads.store import grow, read
from tests.kits.heads.test_fit_generator import draw


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK", 16)
        grow(folder, 96, draw)
    return folder


def test_every_job_has_a_seed_of_its_own() -> None:
    assert set(JOBS) - {"encoder-text"} == set(TRAINERS) - {"generator"}
    assert len({job.seed for job in JOBS.values()}) == len(JOBS)


def test_the_segmenter_learns_and_resumes(tmp_path: Path, rendered: Path) -> None:
    job = Job(images=16, rate=2e-3, seed=1, batch=8)
    one, again = (
        fit_segmenter(tmp_path, rendered, job, (4, 4, 4), compiled=False) for _ in range(2)
    )
    assert one.fine.out_channels == len(REGIONS)
    for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_oracle_learns_to_measure(tmp_path: Path, rendered: Path) -> None:
    """Skin and hair are all that these drawings show."""
    tower = TowerConfig((4, 4, 8, 8), head=4, outputs=len(NAMES), residual=False)
    job = Job(images=640, rate=1e-2, seed=1, batch=8)
    oracle = fit_oracle(tmp_path, rendered, job, tower, compiled=False)
    rows = read(rendered, held_out=True).take(np.arange(32))
    pixels = torch.from_numpy(rows["image"]).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        guess = oracle(pixels).numpy()
    skin = COLUMN["skin_tone"]
    assert np.corrcoef(guess[:, skin], rows["values"][:, skin])[0, 1] > 0.7
    assert json.loads((tmp_path / "oracle.jsonl").read_text().splitlines()[-1])["step"] == 80


def test_the_oracle_is_asked_only_what_can_be_told(rendered: Path) -> None:
    rows = read(rendered).take(np.arange(24))
    values, told = answers(rows)
    assert values.shape == told.shape == (24, len(NAMES))
    bald = values[:, COLUMN["hair_length"]] < 0.2
    assert not told[bald, COLUMN["hair_curl"]].any()
    assert told[:, COLUMN["skin_tone"]].all()


def test_errors_of_what_is_hidden_cost_nothing() -> None:
    values = torch.zeros(2, 3)
    guess = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.3]])
    weights = torch.ones(3)
    told = torch.tensor([[False, True, True], [False, True, True]])
    small = regression_loss(guess, values, told, weights)
    assert float(small) == pytest.approx((0.3 - 0.025) / 2 / 3)
    assert float(regression_loss(guess, values, torch.ones_like(told), weights)) > 0.3
    told[0, 2] = False  # of whom an attribute can be told, the mean counts
    assert float(regression_loss(guess, values, told, weights)) == pytest.approx(2 * float(small))


def test_what_few_people_have_weighs_more() -> None:
    values = np.random.default_rng(1).uniform(size=(400, 2)).astype(np.float32)
    values[values[:, 1] < 0.95, 1] = 0.0
    common, rare = attribute_weights(values).tolist()
    assert rare > 1.5 * common
    assert attribute_weights(np.zeros((4, 1), np.float32)).isfinite().all()
