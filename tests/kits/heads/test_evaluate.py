from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eclipsed.worlds.heads.attributes import COLUMN
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from kits import fit_encoder
from kits.fitting import Job, run
from kits.heads import evaluate
from kits.heads.evaluate import load, orders_by_attribute, right_order, summary
from kits.heads.store import ROW, People, people_of

_TOWER = TowerConfig(widths=(4, 4, 4, 4), head=1, outputs=4)


def test_right_order_counts_pairs_far_enough_apart() -> None:
    height = np.array([0.0, 0.1, 0.5, 1.0], dtype=np.float32)
    every = np.ones(4, dtype=bool)
    assert right_order(height, height, every, 0.25) == (1.0, 5)
    assert right_order(-height, height, every, 0.25) == (0.0, 5)
    assert right_order(0 * height, height, every, 0.25) == (0.5, 5)
    assert right_order(height, height, np.array([True, True, False, False]), 0.25)[1] == 0


class _Brightness(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(1, 2, 3))[:, None]


class _FirstNumber(nn.Module):
    def forward(self, vectors: Tensor) -> Tensor:
        return vectors[:, :1]


class _Reader(TextImageModel):
    """Reads age off the brightness of an image; a text means older or younger."""

    def __init__(self) -> None:
        super().__init__(_TOWER, hidden=4)
        self.image, self.text = _Brightness(), _FirstNumber()  # type: ignore[assignment]

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        return image * text.T


def _people(n: int) -> People:
    rows = np.zeros(n, dtype=ROW)
    rows["values"] = people_of(0, n)
    rows["image"] = (255 * rows["values"][:, COLUMN["age"], None, None, None]).astype(np.uint8)
    return People((rows,))


def test_a_reader_of_age_orders_by_age_and_nothing_else() -> None:
    vectors = {
        "more: old": torch.ones(2, 384),
        "more: young": -torch.ones(2, 384),
        "more: big nose": torch.ones(1, 384),
    }
    measured = orders_by_attribute(_Reader(), _people(80), vectors)
    assert set(measured) == {"age", "nose_size"}
    assert measured["age"].pairs == measured["age"].told == 1.0
    assert 0.3 < measured["nose_size"].pairs < 0.8
    figures = summary(measured)
    assert figures["attributes"] == 2
    assert figures["reach_93"] == 1


def test_a_training_under_way_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stub:
        def __call__(self, sentences: list[str]) -> Tensor:
            return torch.randn(len(sentences), 384, generator=torch.Generator().manual_seed(1))

    monkeypatch.setattr(fit_encoder, "sentence_encoder", Stub)
    monkeypatch.setitem(evaluate._SHAPES, "encoder", (_TOWER, 4))
    for chunk in range(2):
        np.save(tmp_path / f"people-{chunk:05d}.npy", _people(30).chunks[0])
    asked = ["encoder", "--work", str(tmp_path), "--store", str(tmp_path)]
    assert evaluate.main(asked) == 1
    assert "Train it with" in capsys.readouterr().err
    torch.manual_seed(1)
    network = TextImageModel(_TOWER, 4)
    job = Job(images=4, rate=1e-3, seed=1, batch=4)
    average = run(network, lambda _: network.scale.square(), job, tmp_path, "encoder")
    assert torch.equal(load(tmp_path, "encoder").scale, average.scale)
    assert evaluate.main(asked) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 < figures["median"] < 1
