from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from eclipsed.errors import BadFile, UnknownName
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config, SynthesisNetwork
from eclipsed.types import Encoder, Generator, Judge, Segmenter, Synthesis
from eclipsed.worlds.starter import sizes
from eclipsed.worlds.starter.attributes import GROUP, JUDGED, REGIONS
from eclipsed.worlds.starter.models import (
    COVERED,
    StarterEncoder,
    StarterJudge,
    StarterSegmenter,
    load_encoder,
    load_generator_file,
    load_judges,
    load_segmenter,
)
from eclipsed.worlds.starter.networks import Classifier, TextImageModel, UNet
from kits.saving import save_encoder, save_generator, save_judges, save_segmenter
from kits.starter.design import W_DIM, mapping_tensors, w_from_codes
from kits.starter.population import Z_DIM, codes_from_z
from kits.starter.renderer import Renderer
from tests.kits.starter.conftest import SMALL, Smoke, people


def shaken(module: nn.Module) -> nn.Module:
    """Random weights everywhere, so that a swapped or forgotten tensor shows."""
    torch.manual_seed(5)
    for key, value in module.state_dict().items():
        if value.is_floating_point() and not key.endswith("resample_filter"):
            value.add_(0.05 * torch.rand_like(value))
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def judges() -> StarterJudge:
    oracle = Classifier(sizes.ORACLE_TOWER, {k: len(v) for k, v in JUDGED.items()})
    encoder = TextImageModel(sizes.JUDGE_TOWER, sizes.JUDGE_HIDDEN)
    seen = torch.zeros(len(COVERED), 8, 18, 5, 5, dtype=torch.uint8)
    seen[:, :, 0] = 1
    parts = (shaken(oracle), shaken(encoder), shaken(UNet(sizes.JUDGE_UNET, len(REGIONS))))
    judge = StarterJudge(parts[0], StarterEncoder(parts[1]), StarterSegmenter(parts[2]), seen)
    return judge.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(2)) * 2 - 1


# --- the generator ------------------------------------------------------------------------------


def test_the_written_generator_draws_as_the_trained_one(tmp_path: Path) -> None:
    config = StyleGAN2Config(resolution=128, channels=SMALL, z_dim=Z_DIM, w_dim=W_DIM)
    synthesis = shaken(SynthesisNetwork(config))
    assert isinstance(synthesis, SynthesisNetwork)
    path = tmp_path / "generator.safetensors"
    save_generator(synthesis, mapping_tensors(), path)
    generator = load_generator_file(path)

    z = np.random.default_rng(1).standard_normal((4, Z_DIM)).astype(np.float32)
    w = torch.from_numpy(w_from_codes(codes_from_z(z)))
    expected, _ = synthesis(synthesis.styles(w[:, None].expand(-1, config.num_ws, -1)))
    expected = expected / expected.abs().max()
    made = generator.synthesize(generator.from_z(torch.from_numpy(z))).image
    made = made / made.abs().max()
    assert float((made - expected).abs().max()) < 0.02
    assert isinstance(generator, Generator)
    assert generator.name == "starter"
    assert not generator.training


def test_the_file_is_small_and_the_mapping_exact(tmp_path: Path) -> None:
    config = StyleGAN2Config(resolution=128, channels=SMALL, z_dim=Z_DIM, w_dim=W_DIM)
    path = tmp_path / "generator.safetensors"
    save_generator(SynthesisNetwork(config), mapping_tensors(), path)
    tensors = load_file(path)
    assert {v.dtype for k, v in tensors.items() if k.startswith("mapping.")} == {torch.float32}
    assert {v.dtype for k, v in tensors.items() if k.endswith("conv1.weight")} == {torch.float16}
    assert not any(key.endswith("resample_filter") for key in tensors)
    torch.testing.assert_close(
        tensors["mapping.fc1.weight"], torch.from_numpy(mapping_tensors()["mapping.fc1.weight"])
    )


def test_what_is_no_generator_is_refused(tmp_path: Path, small_generator: StyleGAN2) -> None:
    path = tmp_path / "generator.safetensors"
    with pytest.raises(BadFile, match="no such file"):
        load_generator_file(path)
    for content in (b"", b"nonsense", b"\x80\x04."):
        path.write_bytes(content)
        with pytest.raises(BadFile, match="damaged"):
            load_generator_file(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(BadFile, match="does not hold a starter generator"):
        load_generator_file(path)
    tensors = {k: v.clone() for k, v in small_generator.state_dict().items()}
    del tensors["synthesis.b64.conv0.weight"]
    save_file(tensors, path)
    with pytest.raises(BadFile, match=r"b64\.conv0\.weight"):
        load_generator_file(path)
    del tensors["synthesis.b64.conv1.weight"]
    save_file(tensors, path)
    with pytest.raises(BadFile, match="64"):
        load_generator_file(path)


# --- encoder and segmenter ----------------------------------------------------------------------


def test_the_encoder_survives_the_disk(tmp_path: Path, images: Tensor) -> None:
    model = shaken(TextImageModel(sizes.WORLD_TOWER, sizes.WORLD_HIDDEN))
    assert isinstance(model, TextImageModel)
    path = tmp_path / "encoder.safetensors"
    save_encoder(model, path)
    encoder = load_encoder(path)
    assert isinstance(encoder, Encoder)
    sentences = torch.randn(5, 384, generator=torch.Generator().manual_seed(1))
    before = StarterEncoder(model)
    one, two = encoder.encode_image(images), before.encode_image(images)
    assert float((one * two).sum(dim=1).min()) > 0.999
    one, two = encoder.encode_sentences(sentences), before.encode_sentences(sentences)
    assert float((one * two).sum(dim=1).min()) > 0.999
    torch.testing.assert_close(one.norm(dim=1), torch.ones(5))
    assert path.stat().st_size < 6 * 2**20


def test_images_of_other_sizes_are_resized_and_gradients_flow(images: Tensor) -> None:
    encoder = StarterEncoder(TextImageModel(sizes.WORLD_TOWER, 8)).eval().requires_grad_(False)
    large = torch.nn.functional.interpolate(images, (192, 192), mode="bilinear").requires_grad_()
    embedded = encoder.encode_image(large)
    assert embedded.shape == (3, 256)
    embedded[0, 0].backward()
    assert large.grad is not None
    assert bool((large.grad[0] != 0).any())
    beyond = torch.full((1, 3, 128, 128), 3.0)
    torch.testing.assert_close(
        encoder.encode_image(beyond), encoder.encode_image(beyond.clamp(-1, 1))
    )


def test_texts_are_unit_vectors() -> None:
    encoder = StarterEncoder(TextImageModel(sizes.WORLD_TOWER, 8)).eval().requires_grad_(False)
    vectors = encoder.encode_text(["curly hair", "a hat"])
    assert vectors.shape == (2, 256)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert not torch.allclose(vectors[0], vectors[1])


def test_the_segmenter_survives_the_disk(tmp_path: Path, images: Tensor) -> None:
    network = shaken(UNet(sizes.WORLD_UNET, len(REGIONS)))
    assert isinstance(network, UNet)
    save_segmenter(network, tmp_path / "segmenter.safetensors")
    segmenter = load_segmenter(tmp_path / "segmenter.safetensors")
    assert isinstance(segmenter, Segmenter)
    same = segmenter.labels(images) == StarterSegmenter(network).labels(images)
    assert float(same.float().mean()) > 0.98


def test_masks_are_unions_of_labels(images: Tensor) -> None:
    segmenter = StarterSegmenter(UNet((4, 4, 4), len(REGIONS)).eval())
    labels = segmenter.labels(images)
    synthesis = Synthesis(images)
    hair, hat = (segmenter.masks(synthesis, [name]) for name in ("hair", "hat"))
    both = segmenter.masks(synthesis, ["hair", "hat"])
    torch.testing.assert_close(both, torch.maximum(hair, hat))
    torch.testing.assert_close(hair, (labels == REGIONS.index("hair")).float())
    torch.testing.assert_close(segmenter.masks(synthesis, REGIONS), torch.ones(3, 128, 128))
    assert float(segmenter.masks(synthesis, ()).sum()) == 0
    with pytest.raises(UnknownName, match="'nose'"):
        segmenter.masks(synthesis, ["hair", "nose"])


@pytest.mark.parametrize("load", [load_encoder, load_segmenter, load_judges])
def test_foreign_weights_are_refused(load: object, tmp_path: Path) -> None:
    assert callable(load)
    path = tmp_path / "weights.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(BadFile, match="does not hold"):
        load(path)
    path.write_bytes(b"junk")
    with pytest.raises(BadFile, match="damaged"):
        load(path)


# --- the judges ---------------------------------------------------------------------------------


def test_judges_survive_the_disk(tmp_path: Path, judges: StarterJudge, images: Tensor) -> None:
    path = tmp_path / "judges.safetensors"
    save_judges(judges.oracle, judges.encoder.model, judges.segmenter.network, judges.seen, path)
    loaded = load_judges(path)
    assert isinstance(loaded, Judge)
    one, two = judges.attributes(images), loaded.attributes(images)
    assert list(one.probabilities) == list(JUDGED) == list(loaded.groups)
    for group, chances in one.probabilities.items():
        assert chances.shape == (3, len(JUDGED[group]))
        torch.testing.assert_close(two.probabilities[group], chances, atol=0.02, rtol=0.1)
        torch.testing.assert_close(chances.sum(dim=1), torch.ones(3))
    assert torch.equal(loaded.seen, judges.seen)
    tensors = load_file(path)
    del tensors["seen"]
    save_file(tensors, path)
    with pytest.raises(BadFile, match="what hides what"):
        load_judges(path)


def test_visibility_is_read_off_the_table(
    judges: StarterJudge, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tops = ["bald", "beanie", "afro"]

    def seen(pixels: Tensor) -> dict[str, Tensor]:
        logits = {name: torch.zeros(len(pixels), len(values)) for name, values in JUDGED.items()}
        for i, top in enumerate(tops):
            logits["top"][i, GROUP["top"].names.index(top)] = 9
        return logits

    monkeypatch.setattr(judges.oracle, "forward", seen)
    visible = judges.attributes(images).visible
    # The table of these judges says that everything is hidden, unless the head is bald.
    assert visible["mouth"].tolist() == visible["clothes color"].tolist() == [True, False, False]
    assert visible["hair color"].tolist() == [False, False, True]
    assert visible["glasses"].all()
    assert set(visible) == set(JUDGED)


def test_identity_does_not_see_what_is_hidden(judges: StarterJudge, images: Tensor) -> None:
    hidden = torch.zeros(3, 128, 128)
    hidden[:, :64] = 1
    changed = images.clone()
    changed[:, :, :64] = 0.9
    one, two = judges.features(images, hidden), judges.features(changed, hidden)
    torch.testing.assert_close(one, two)
    open_eyes = torch.zeros_like(hidden)
    assert not torch.allclose(
        judges.features(images, open_eyes), judges.features(changed, open_eyes)
    )


def test_the_visibility_table_is_the_renderers(smoke: Smoke, renderer: Renderer) -> None:
    table = load_judges(smoke.world / "judges.safetensors").seen  # `visibility_table` takes long
    assert table.dtype == torch.uint8
    assert table.shape == (len(COVERED), 8, 18, 5, 5)
    chosen = people(
        {"mouth": "tongue", "top": "wavy", "glasses": "eyepatch", "beard": "long beard"},
        {"eyes": "hearts", "glasses": "sunglasses"},
        {"clothes": "blazer", "top": "straight", "beard": "long beard"},
        {"brows": "angry", "top": "beanie", "glasses": "round glasses"},
    )
    visible = renderer.render(chosen).visible
    top, glasses, beard = (chosen.index(group) for group in ("top", "glasses", "beard"))
    for number, group in enumerate(COVERED):
        value = chosen.index(group)
        found = table[number, value, top, glasses, beard].bool()
        assert found.tolist() == visible[group].tolist()
    # Values past a group's last are never asked for.
    assert int(table[COVERED.index("brows"), 5:].sum()) == 0
