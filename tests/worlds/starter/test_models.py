from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from eclipsed.errors import BadFile, UnknownName
from eclipsed.types import Encoder, Judge, Segmenter, Synthesis
from eclipsed.worlds.starter.attributes import GROUP, JUDGED, REGIONS
from eclipsed.worlds.starter.models import (
    COVERED,
    JUDGE_HIDDEN,
    JUDGE_TOWER,
    JUDGE_UNET,
    ORACLE_TOWER,
    WORLD_HIDDEN,
    WORLD_TOWER,
    WORLD_UNET,
    StarterEncoder,
    StarterJudge,
    StarterSegmenter,
    load_encoder,
    load_judges,
    load_segmenter,
)
from eclipsed.worlds.starter.networks import Classifier, TextImageModel, UNet
from kits.saving import save_networks


def shaken(module: nn.Module) -> nn.Module:
    """Random weights everywhere, so that a swapped or forgotten tensor shows."""
    torch.manual_seed(5)
    for key, value in module.state_dict().items():
        if value.is_floating_point() and not key.endswith("resample_filter"):
            value.add_(0.05 * torch.rand_like(value))
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def judges() -> StarterJudge:
    oracle = Classifier(ORACLE_TOWER, {k: len(v) for k, v in JUDGED.items()})
    encoder = TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN)
    seen = torch.zeros(len(COVERED), 8, 18, 5, 5, dtype=torch.uint8)
    seen[:, :, 0] = 1
    parts = (shaken(oracle), shaken(encoder), shaken(UNet(JUDGE_UNET, len(REGIONS))))
    judge = StarterJudge(parts[0], StarterEncoder(parts[1]), StarterSegmenter(parts[2]), seen)
    return judge.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(2)) * 2 - 1


# --- encoder and segmenter ----------------------------------------------------------------------


def test_the_encoder_survives_the_disk(tmp_path: Path, images: Tensor) -> None:
    model = shaken(TextImageModel(WORLD_TOWER, WORLD_HIDDEN))
    assert isinstance(model, TextImageModel)
    path = tmp_path / "encoder.safetensors"
    save_networks({"": model}, path)
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
    encoder = StarterEncoder(TextImageModel(WORLD_TOWER, 8)).eval().requires_grad_(False)
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
    encoder = StarterEncoder(TextImageModel(WORLD_TOWER, 8)).eval().requires_grad_(False)
    vectors = encoder.encode_text(["curly hair", "a hat"])
    assert vectors.shape == (2, 256)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert not torch.allclose(vectors[0], vectors[1])


def test_the_segmenter_survives_the_disk(tmp_path: Path, images: Tensor) -> None:
    network = shaken(UNet(WORLD_UNET, len(REGIONS)))
    assert isinstance(network, UNet)
    save_networks({"": network}, tmp_path / "segmenter.safetensors")
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
def test_foreign_weights_are_refused(load: Callable[[Path], nn.Module], tmp_path: Path) -> None:
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
    networks = {
        "oracle.": judges.oracle,
        "encoder.": judges.encoder.model,
        "segmenter.": judges.segmenter.network,
    }
    save_networks(networks, path, {"seen": judges.seen})
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


def test_the_judges_are_other_networks() -> None:
    assert not JUDGE_TOWER.residual
    assert not ORACLE_TOWER.residual
    assert WORLD_TOWER.residual
    assert ORACLE_TOWER.outputs == sum(len(values) for values in JUDGED.values())
    assert JUDGE_UNET != WORLD_UNET


def test_what_is_shipped_is_small() -> None:
    judges = [
        Classifier(ORACLE_TOWER, {k: len(v) for k, v in JUDGED.items()}),
        TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN),
        UNet(JUDGE_UNET, 10),
    ]
    world = [TextImageModel(WORLD_TOWER, WORLD_HIDDEN), UNet(WORLD_UNET, 10)]
    count = [sum(p.numel() for n in own for p in n.parameters()) for own in (judges, world)]
    assert 2 * count[0] < 3 * 2**20  # fp16
    assert 2 * count[1] < 6 * 2**20
