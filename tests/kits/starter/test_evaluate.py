from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.types import Verdict
from eclipsed.worlds.starter.attributes import GROUPS, JUDGED, REGIONS
from eclipsed.worlds.starter.models import StarterEncoder, StarterJudge
from eclipsed.worlds.starter.predicates import PREDICATES
from eclipsed.worlds.weights import read_record
from kits.fitting import to_images
from kits.starter.captions import truths
from kits.starter.evaluate import (
    CHUNK,
    FRAMES,
    Held,
    _held,
    _paths,
    accuracy,
    auc,
    census,
    draw_sentences,
    interpolations,
    reconstruction,
    zero_shot,
)
from kits.starter.population import COLUMNS, COUPLINGS, Z_DIM, prior, uniform_codes
from kits.starter.renderer import Renderer, class_of
from tests.kits.starter.conftest import Smoke, people


@pytest.fixture(scope="module")
def held(renderer: Renderer) -> Held:
    """Renders that the generator draws perfectly."""
    avatars = people(
        {"top": "curly", "mouth": "sad", "glasses": "sunglasses", "clothes": "hoodie"},
        {"top": "beanie", "mouth": "laugh", "beard": "full beard", "brows": "angry"},
        {"top": ("bob", "bun", 0.5), "eyes": "wink", "hair color": "pink"},
        {"top": "bald", "mouth": "tongue", "clothes color": "green"},
    )
    drawing = renderer.render(avatars)
    images = to_images(drawing.images)
    return Held(avatars, drawing, images, images)


# --- numbers ------------------------------------------------------------------------------------


@given(
    scores=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    seed=st.integers(0, 2**32 - 1),
)
def test_auc_is_the_chance_that_true_outranks_false(scores: list[int], seed: int) -> None:
    truth = np.random.default_rng(seed).random(len(scores)) < 0.5
    values = np.array(scores, dtype=np.float32)
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0 for a in values[truth] for b in values[~truth]
    ]
    expected = sum(pairs) / len(pairs) if pairs else None
    assert auc(values, truth) == (None if expected is None else pytest.approx(expected))


# --- generator ----------------------------------------------------------------------------------


def test_reconstruction_of_known_noise(held: Held) -> None:
    noise = 0.1 * torch.randn(held.renders.shape, generator=torch.Generator().manual_seed(1))
    noisy = Held(held.avatars, held.drawing, held.renders, held.renders + noise)
    scores = reconstruction(noisy)
    assert scores["psnr"] == pytest.approx(20 * math.log10(2 / 0.1), abs=0.05)
    assert scores["l1"] == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.02)
    assert scores["l1 at the border"] == pytest.approx(scores["l1"], rel=0.05)
    assert scores["psnr 10th percentile"] <= scores["psnr"]
    assert 0 < scores["ssim"] < 0.99
    assert set(scores["l1 by region"]) == set(REGIONS)


def test_errors_are_found_where_they_are(held: Held) -> None:
    made = held.renders.clone()
    mouth = torch.from_numpy(held.drawing.labels == REGIONS.index("mouth"))
    made += 0.3 * mouth[:, None]
    scores = reconstruction(Held(held.avatars, held.drawing, held.renders, made))
    assert scores["l1 by region"]["mouth"] == pytest.approx(0.3, abs=1e-3)
    assert scores["l1 by region"]["eyes"] == 0
    nothing = reconstruction(Held(held.avatars, held.drawing, held.renders, held.renders + 0.1))
    assert nothing["l1 by region"]["mouth"] == pytest.approx(0.1, abs=1e-3)


def test_held_out_codes_are_drawn_by_both(small_generator: StyleGAN2, renderer: Renderer) -> None:
    held = _held(small_generator, renderer, uniform_codes(np.random.default_rng(1), 3))
    assert held.generated.shape == held.renders.shape == (3, 3, 128, 128)
    assert float(held.generated.abs().max()) <= 1


# --- oracle -------------------------------------------------------------------------------------


class Knowing(StarterJudge):
    """Says what it is told for each image in turn."""

    def __init__(self, classes: dict[str, np.ndarray]) -> None:
        nn.Module.__init__(self)
        self.classes = {name: torch.from_numpy(np.asarray(own)) for name, own in classes.items()}
        self.at = 0

    def attributes(self, images: Tensor) -> Verdict:
        rows = slice(self.at, self.at + len(images))
        self.at += len(images)
        chances = {
            name: F.one_hot(own[rows].long(), len(JUDGED[name])).float()
            for name, own in self.classes.items()
        }
        return Verdict(chances, {})


def test_an_oracle_that_knows_is_always_right(held: Held) -> None:
    scores = accuracy(Knowing(class_of(held.avatars)), held.renders, held)
    assert scores == dict.fromkeys([*JUDGED, "mean"], 1.0)


def test_an_oracle_is_not_asked_what_cannot_be_told(held: Held) -> None:
    classes = class_of(held.avatars)
    classes["eyes"][0] = (classes["eyes"][0] + 1) % 6  # behind sunglasses
    classes["top"][2] = 0  # a blend
    classes["hair color"][1] = 7  # under a beanie
    assert accuracy(Knowing(classes), held.renders, held)["mean"] == 1.0
    classes["mouth"] = (classes["mouth"] + 1) % 8
    scores = accuracy(Knowing(classes), held.renders, held)
    assert scores["mouth"] == 0
    assert scores["mean"] == pytest.approx(1 - 1 / len(GROUPS), abs=1e-3)


# --- encoder ------------------------------------------------------------------------------------


class Reading(StarterEncoder):
    """Embeds an image as the predicates that are true of it, and a text as its predicate."""

    def __init__(self, value: np.ndarray, sign: float = 1.0) -> None:
        nn.Module.__init__(self)
        self.value = sign * torch.from_numpy(value).float()

    def encode_image(self, images: Tensor) -> Tensor:
        return F.pad(self.value, (0, 384 - self.value.shape[1]))

    def encode_sentences(self, vectors: Tensor) -> Tensor:
        return vectors


def test_an_encoder_that_reads_everything_is_right(held: Held) -> None:
    value, _ = truths(held.avatars, held.drawing.visible)
    one_each = {"seen": [torch.eye(len(PREDICATES), 384)]}
    scores = zero_shot(Reading(value), held.renders, held, one_each)["seen"]
    assert scores["zero-shot"] == scores["auc"] == 1
    assert set(scores["by group"]) == set(JUDGED)
    wrong = zero_shot(Reading(value, -1.0), held.renders, held, one_each)["seen"]
    assert wrong["zero-shot"] == wrong["auc"] == 0


def test_drawn_sentences_are_of_their_split_and_fixed() -> None:
    drawn = draw_sentences(1)
    assert list(drawn) == ["seen", "held-out"]
    assert drawn["seen"][0].shape == drawn["held-out"][0].shape == (len(PREDICATES), 384)
    nearness = (drawn["seen"][0] * drawn["held-out"][0]).sum(dim=1)
    assert 0.2 < float(nearness.mean()) < 0.95


# --- z ------------------------------------------------------------------------------------------


def test_paths_stay_on_the_sphere_and_step_evenly() -> None:
    for path in _paths(3):
        assert path.shape == (FRAMES, Z_DIM)
        np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.sqrt(Z_DIM), rtol=1e-4)
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)


def test_interpolations_are_measured(small_generator: StyleGAN2, renderer: Renderer) -> None:
    zeros = {name: np.zeros(FRAMES, dtype=np.int64) for name in JUDGED}
    scores = interpolations(small_generator, Knowing(zeros), renderer, pairs=1)
    assert scores["path length in W"] > scores["straight distance in W"] > 1
    assert 0 <= scores["oracle accuracy"] < 0.7
    assert 0.5 < scores["clean, mean of groups"] <= 1
    for name in (
        "largest step in W, share of the path",
        "largest step of the image, share of the path",
    ):
        assert 1 / FRAMES < scores[name] < 0.6


# --- all of it ----------------------------------------------------------------------------------


def numbers(record: Any) -> list[float | None]:
    if isinstance(record, dict):
        return [number for value in record.values() for number in numbers(value)]
    if isinstance(record, list):
        return [number for value in record for number in numbers(value)]
    return [] if isinstance(record, str) else [record]


@pytest.mark.slow
def test_every_score_of_a_whole_world(smoke: Smoke) -> None:
    scores = read_record(smoke.world)["scores"]
    assert list(scores) == [
        "images",
        "phrasings",
        "generator",
        "oracle",
        "segmenter",
        "encoder",
        "z",
        "population",
    ]
    found = numbers(scores)
    assert len(found) > 300
    known = [number for number in found if number is not None]
    assert len(known) > 0.95 * len(found)
    assert all(math.isfinite(number) for number in known)
    assert list(scores["generator"]["from z"]) == ["psi 0.5", "psi 0.7", "psi 1.0", "psi 1.3"]
    assert list(scores["generator"]["strengths"]) == ["-2", "-1", "+1", "+2"]
    # Known of the design, whatever the networks have learned.
    assert scores["generator"]["from z"]["psi 1.0"]["clean, mean of groups"] > 0.85


# --- the population ------------------------------------------------------------------------------


def test_a_census_counts_values_and_couplings() -> None:
    counted = census(2 * CHUNK + 17)
    assert counted["draws"] == 2 * CHUNK + 17
    assert list(counted["shares"]) == list(JUDGED)
    for group, shares in counted["shares"].items():
        assert list(shares) == list(JUDGED[group])
        assert sum(shares.values()) == pytest.approx(1, abs=0.002)
    for group in GROUPS:
        expected = dict(zip(group.names, prior()[COLUMNS[group.name]], strict=True))
        assert counted["shares"][group.name] == pytest.approx(expected, abs=0.03)
    assert len(counted["couplings"]) == len(COUPLINGS)
    for cause, then, everybody, some in counted["couplings"]:
        assert cause[1] in JUDGED[cause[0]]
        assert counted["shares"][then[0]][then[1]] == everybody
        assert some > 1.1 * everybody


def test_a_census_is_deterministic() -> None:
    assert census(500) == census(500)
