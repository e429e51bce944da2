"""The lessons of avatars, through both trainings of an encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from eclipsed.worlds.starter.predicates import PREDICATE, PREDICATES
from kits import fit_encoder as texts
from kits.captions import UNRELATED, Caption
from kits.fit_encoder import Batch, Lessons, Texts, fit_encoder, heights_at, text_bank
from kits.fit_text import refit_text
from kits.fitting import Job
from kits.starter.captions import NEUTRAL, truths
from kits.starter.lessons import lessons
from kits.starter.renderer import Renderer
from tests.kits.starter.conftest import people


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Sentence vectors without the sentence encoder; the lists of texts that were asked for."""
    asked: list[list[str]] = []

    class Stub:
        def __call__(self, sentences: list[str]) -> Tensor:
            asked.append(sentences)
            random = torch.Generator().manual_seed(len(asked))
            return torch.randn(len(sentences), 384, generator=random)

    monkeypatch.setattr(texts, "sentence_encoder", Stub)
    return asked


def test_a_bank_holds_the_sentences_asked_for(tmp_path: Path, embedded: list[list[str]]) -> None:
    bank = text_bank(tmp_path, lessons(), Texts(phrasings=3, composites=12))
    assert len(bank.predicates) == len(PREDICATES)
    assert {len(each) for each in bank.predicates} == {3}
    assert len(bank.composites) == len(bank.stated) == 12
    stated = bank.stated.sum(axis=1)
    assert stated.min() >= 2
    assert stated.max() <= 4
    assert len(bank.neutral) == len(NEUTRAL)
    assert len(bank.unrelated) == len(UNRELATED) == len(set(UNRELATED))
    others = len(NEUTRAL) + len(UNRELATED)
    assert len(embedded[0]) == 3 * len(PREDICATES) + 12 + others


def test_a_bank_is_embedded_once_and_again_when_its_texts_change(
    tmp_path: Path, embedded: list[list[str]]
) -> None:
    one = text_bank(tmp_path, lessons(), Texts(2, 5))
    again = text_bank(tmp_path, lessons(), Texts(2, 5))
    assert len(embedded) == 1
    assert torch.equal(one.composites, again.composites)
    text_bank(tmp_path, lessons(), Texts(2, 6))
    assert len(embedded) == 2
    (tmp_path / "sentences.safetensors").write_bytes(b"damaged")
    text_bank(tmp_path, lessons(), Texts(2, 6))
    assert len(embedded) == 3


def test_every_step_pairs_all_texts_with_exact_truths(
    tmp_path: Path, embedded: list[list[str]]
) -> None:
    bank = text_bank(tmp_path, lessons(), Texts(2, 40))
    avatars = people({"top": "curly"}, {"top": "beanie", "glasses": "sunglasses"})
    value, known = truths(avatars, Renderer().render(avatars).visible)
    sentences, true, sure = texts.texts_at(bank, value, known, np.random.default_rng(1))
    p, c = len(PREDICATES), texts.COMPOSITES_PER_STEP
    n = p + c + texts.NEUTRAL_PER_STEP + texts.UNRELATED_PER_STEP
    assert sentences.shape == (n, 384)
    assert true.shape == sure.shape == (2, n)
    assert (true[:, :p] == value).all()
    assert (sure[:, :p] == known).all()
    column = list(PREDICATE).index("curly hair")
    assert true[:, column].tolist() == [True, False]
    neutral = slice(p + c, p + c + texts.NEUTRAL_PER_STEP)
    assert true[:, neutral].all()
    assert not true[:, neutral.stop :].any()
    assert sure[:, p + c :].all()


def test_a_caption_holds_when_all_that_it_states_holds(
    tmp_path: Path, embedded: list[list[str]]
) -> None:
    bank = text_bank(tmp_path, lessons(), Texts(1, 30))
    rng = np.random.default_rng(3)
    value, known = rng.random((6, len(PREDICATES))) < 0.9, rng.random((6, len(PREDICATES))) < 0.9
    _, true, sure = texts.texts_at(bank, value, known, np.random.default_rng(5))
    rows = np.random.default_rng(5)
    _ = [rows.integers(len(each)) for each in bank.predicates]
    chosen = rows.integers(len(bank.composites), size=texts.COMPOSITES_PER_STEP)
    for j, caption in enumerate(chosen):
        stated = np.flatnonzero(bank.stated[caption])
        for i in range(6):
            fails = any(known[i, s] and not value[i, s] for s in stated)
            holds = all(known[i, s] and value[i, s] for s in stated)
            assert true[i, len(PREDICATES) + j] == holds
            assert sure[i, len(PREDICATES) + j] == (holds or fails)


def test_a_text_tower_is_trained_again_beside_a_frozen_image_tower(
    tmp_path: Path, embedded: list[list[str]]
) -> None:
    tower = TowerConfig(widths=(4, 4, 4, 4), head=2, outputs=6)
    job = Job(images=64, rate=2e-3, seed=3, batch=8)
    size = Texts(phrasings=2, composites=20, images=16)
    refits = []
    for _ in range(2):
        torch.manual_seed(0)
        model = TextImageModel(tower, hidden=8).eval()
        before = {key: value.clone() for key, value in model.state_dict().items()}
        refits.append(refit_text(tmp_path, lessons(), model, job, size=size).state_dict())
    assert refits[0].keys() == before.keys()
    for key, value in refits[0].items():
        assert torch.equal(value, refits[1][key])  # the second was only loaded
        frozen = not key.startswith("text.")
        assert torch.equal(value, before[key]) == frozen


@pytest.mark.parametrize("wrong", [(0, 10), (10, 0)])
def test_an_encoder_needs_sentences(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not enough"):
        Texts(*wrong)


def _ordered(seed: int, step: int, n: int) -> Batch:
    """Grey images; a predicate says "light" and another "dark", with an order."""
    height = np.random.default_rng([seed, step]).random((n, 1), dtype=np.float32)
    images = np.broadcast_to((255 * height[:, :, None, None]), (n, 16, 16, 3)).astype(np.uint8)
    value = np.concatenate([height > 0.6, height < 0.4], axis=1)
    known = np.broadcast_to(np.abs(height - 0.5) > 0.1, (n, 2))
    return Batch(images, value, known, np.concatenate([height, -height], 1), np.ones((n, 2), bool))


def test_an_encoder_learns_an_order(tmp_path: Path, embedded: list[list[str]]) -> None:
    said = {"light": ["light"], "dark": ["dark"]}
    light = Caption("light", ("light",))
    taught = Lessons(said, lambda n, _: n * [light], ["a face"], ["a car"], [], _ordered)
    tower = TowerConfig(widths=(4, 4, 4, 4), head=2, outputs=6, size=16)
    model = fit_encoder(
        tmp_path,
        taught,
        Job(images=2_400, rate=1e-2, seed=3, batch=16),
        tower,
        hidden=8,
        size=Texts(1, 4),
        order=1.0,
        compiled=False,
    )
    bank = text_bank(tmp_path, taught, Texts(1, 4))
    images = torch.linspace(-0.9, 0.9, 7).view(-1, 1, 1, 1).expand(-1, 3, 16, 16)
    with torch.no_grad():
        logits = model.logits(model.image(images), model.text(torch.cat(bank.predicates)))
    rises = logits.diff(dim=0)
    assert (rises[:, 0] > 0).all()
    assert (rises[:, 1] < 0).all()


def test_without_an_order_nothing_takes_part() -> None:
    whole = _ordered(1, 0, 3)
    height, takes_part = heights_at(Batch(whole.images, whole.value, whole.known))
    assert height.shape == takes_part.shape == (3, 2)
    assert not takes_part.any()
    assert heights_at(whole)[1].all()
