"""What the four kinds of network are trained on, and that their training moves the right way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.generators.stylegan2 import SynthesisNetwork
from eclipsed.worlds.starter.attributes import JUDGED, REGIONS
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from eclipsed.worlds.starter.predicates import PREDICATE, PREDICATES
from kits import fit_encoder as texts
from kits.fit_encoder import Texts, text_bank
from kits.fit_text import refit_text
from kits.fitting import Job
from kits.losses import local_contrast, reconstruction_loss
from kits.starter import fit_generator as pictures
from kits.starter.captions import NEUTRAL, UNRELATED, truths
from kits.starter.fit_generator import CONFIG, Stage
from kits.starter.fit_oracle import answers
from kits.starter.fit_segmenter import fit_segmenter
from kits.starter.lessons import lessons
from kits.starter.renderer import Renderer
from tests.kits.starter.conftest import people

# --- generator ----------------------------------------------------------------------------------


def test_details_weigh_more_where_a_stage_asks_for_it(renderer: Renderer) -> None:
    plain, fine = (
        pictures.batch_at(renderer, Stage(128, 4, 0.1, batch=2, detail=detail), 1, 1)
        for detail in (0.0, 5.0)
    )
    torch.testing.assert_close(fine[2], plain[2] * (1 + 5.0 * local_contrast(plain[1])))


@pytest.mark.parametrize("resolution", [32, 128])
def test_batches_of_the_generator(resolution: int, renderer: Renderer) -> None:
    stage = Stage(resolution, 8, 0.1, batch=4)
    rows, target, weight = pictures.batch_at(renderer, stage, 1, 2)
    assert rows.shape == (4, CONFIG.num_ws, CONFIG.w_dim)
    assert target.shape == (4, 3, resolution, resolution)
    assert weight.shape == (4, 1, resolution, resolution)
    assert float(target.abs().max()) <= 1
    again = pictures.batch_at(renderer, stage, 1, 2)
    assert all(torch.equal(a, b) for a, b in zip((rows, target, weight), again, strict=True))
    assert not torch.equal(pictures.batch_at(renderer, stage, 1, 3)[0], rows)


def test_small_parts_and_the_border_weigh_more(renderer: Renderer) -> None:
    weights = pictures.pixel_weights()
    assert len(weights) == len(REGIONS)
    assert weights[REGIONS.index("eyes")] > weights[REGIONS.index("skin")]
    _, _, weight = pictures.batch_at(renderer, Stage(128, 4, 0.1, batch=2), 1, 1)
    corner, inside = weight[0, 0, 0, 0], weight[0, 0, 3, 3]
    assert float(corner - inside) == pytest.approx(pictures.BORDER_WEIGHT - 1)


@pytest.mark.parametrize("wrong", [(48, 100), (256, 100), (32, 8)])
def test_senseless_stages_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a stage"):
        Stage(*wrong, 0.1)


@pytest.mark.parametrize("wrong", [{"detail": -1.0}, {"colour": -1.0}, {"pushed": -0.1}])
def test_a_stage_has_no_negative_weights(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Stage(32, 8, 0.1, batch=4, **wrong)  # type: ignore[arg-type]


def test_the_generator_learns_and_leaves_noise_alone(tmp_path: Path, renderer: Renderer) -> None:
    stage = Stage(16, 160, 0.05, batch=4)
    network = pictures.fit_generator(tmp_path, stages=[stage], compiled=False)
    assert network.resolutions == (4, 8, 16)
    strengths = [v for key, v in network.state_dict().items() if key.endswith("noise_strength")]
    assert len(strengths) == CONFIG.num_ws - 1
    assert not any(strength.item() for strength in strengths)

    torch.manual_seed(1)
    untrained = SynthesisNetwork(CONFIG)
    untrained.resolutions = network.resolutions
    rows, target, weight = pictures.batch_at(renderer, stage, 77, 0)
    losses = []
    for each in (untrained, network):
        with torch.no_grad():
            image, _ = each(each.styles(rows), noise="none")
        losses.append(reconstruction_loss(image, target, weight).item())
    assert losses[1] < 0.7 * losses[0]


# --- segmenter ----------------------------------------------------------------------------------


def test_the_segmenter_resumes(tmp_path: Path) -> None:
    widths = (4, 4, 4)
    short = Job(images=8, rate=2e-3, seed=1, batch=4)
    one = fit_segmenter(tmp_path, short, widths, compiled=False)
    again = fit_segmenter(tmp_path, short, widths, compiled=False)
    for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


# --- oracle -------------------------------------------------------------------------------------


def test_the_oracle_is_asked_only_what_can_be_told(renderer: Renderer) -> None:
    avatars = people(
        {"glasses": "sunglasses", "eyes": "wink"},
        {"top": ("afro", "bun", 0.4), "eyes": "wink"},
        {"top": ("afro", "bun", 0.1), "mouth": "sad"},
    )
    classes, known = answers(avatars, renderer.render(avatars))
    column = {name: i for i, name in enumerate(JUDGED)}
    assert classes.shape == known.shape == (3, len(JUDGED))
    assert classes[:, column["eyes"]].tolist() == [4, 4, 0]
    assert known[:, column["eyes"]].tolist() == [0, 1, 1]
    assert known[:, column["top"]].tolist() == [1, 0, 1]
    assert classes[2, column["mouth"]] == 4
    assert bool((known[:, column["skin"]] == 1).all())


# --- encoder ------------------------------------------------------------------------------------


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
    tmp_path: Path, embedded: list[list[str]], renderer: Renderer
) -> None:
    bank = text_bank(tmp_path, lessons(), Texts(2, 40))
    avatars = people({"top": "curly"}, {"top": "beanie", "glasses": "sunglasses"})
    value, known = truths(avatars, renderer.render(avatars).visible)
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
