from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.encoders.pretrained import IMAGENET
from eclipsed.errors import BadFile, UnknownName
from eclipsed.segmenters.bisenet import (
    LABELS,
    BiSeNet,
    from_checkpoint,
)
from eclipsed.types import Segmenter, Synthesis
from tests.filling import filled, noise
from tests.golden import assert_golden, golden_arrays, golden_case, golden_file


def golden_tensors() -> dict[str, Tensor]:
    manifest = golden_file(golden_case("bisenet")["files"]["manifest"])
    entries = json.loads(manifest.read_text())["entries"]
    return {entry["name"]: filled(entry) for entry in entries}


def test_scores_and_features_equal_the_original() -> None:
    expected = golden_arrays(golden_case("bisenet")["files"]["expected"])
    network = from_checkpoint({}, golden_tensors()).model
    picture = noise("input", (1, 3, 128, 128))
    details, context, context16 = network.cp(picture)
    fused = network.ffm(details, context)
    assert_golden(details[:, ::16].double(), expected["feat8_sample"])
    assert_golden(context[:, ::16].double(), expected["cp8_sample"])
    assert_golden(context16[:, ::16].double(), expected["cp16_sample"])
    assert_golden(fused[:, ::16].double(), expected["fuse_sample"])
    low = network(picture)
    assert_golden(low.double(), expected["head_low"])
    large = F.interpolate(low, (128, 128), mode="bilinear", align_corners=True)
    assert_golden(large[:, :, ::4, ::4], expected["head_sample"])
    best, second = large.topk(2, dim=1).values.unbind(dim=1)
    clear = best - second > 2e-4 * float(large.abs().max())
    assert float(clear.float().mean()) > 0.99
    assert torch.equal(large.argmax(dim=1)[clear], expected["argmax"][clear].long())


def test_preparation_equals_the_originals() -> None:
    arrays = golden_arrays(golden_case("bisenet_preprocess")["files"]["expected"])
    small = arrays["small"].permute(2, 0, 1)[None].float() / 127.5 - 1.0
    prepared = IMAGENET.exactly(small)[0]
    assert prepared.shape == (3, 512, 512)
    torch.testing.assert_close(
        prepared[:, 7::16, 3::16], arrays["small_out_sample"], rtol=0, atol=1e-5
    )
    random = np.random.RandomState(int(arrays["big_seed"]))
    big = torch.from_numpy((random.rand(700, 900, 3) * 255).astype(np.uint8))
    prepared = IMAGENET.exactly(big.permute(2, 0, 1)[None].float() / 127.5 - 1.0)
    spread = torch.tensor(IMAGENET.std)[:, None, None]
    pixels = (prepared[0] * spread + torch.tensor(IMAGENET.mean)[:, None, None]) * 255.0
    levels = pixels[:, 7::16, 3::16].permute(1, 2, 0).round().to(torch.uint8)
    assert torch.equal(levels, arrays["big_out_sample"])


# --- without the golden data --------------------------------------------------------------------


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return BiSeNet().state_dict()


@pytest.mark.parametrize(
    ("label", "inside", "outside"),
    [
        ("l_eye", "eyes", "glasses"),
        ("r_eye", "eyes", "brows"),
        ("eyeglass", "glasses", "eyes"),
        ("u_lip", "mouth", "nose"),
        ("l_lip", "lips", "skin"),
        ("mouth", "mouth", "lips"),
        ("cloth", "clothes", "neck"),
        ("nose", "face", "ears"),
    ],
)
def test_regions_unite_the_classes_that_people_mean(
    tensors: dict[str, Tensor], label: str, inside: str, outside: str
) -> None:
    groups = from_checkpoint({}, tensors).groups
    assert LABELS.index(label) in groups[inside]
    assert LABELS.index(label) not in groups[outside]


def test_every_class_belongs_to_a_region(tensors: dict[str, Tensor]) -> None:
    segmenter = from_checkpoint({}, tensors)
    assert isinstance(segmenter, Segmenter)
    assert {n for numbers in segmenter.groups.values() for n in numbers} == set(range(19))
    # Nothing but people's own words: no class name of the weights is offered.
    assert not {"l_eye", "u_lip", "cloth", "eyeglass"} & set(segmenter.regions)


def test_masks_are_where_a_class_of_the_regions_wins(tensors: dict[str, Tensor]) -> None:
    torch.manual_seed(1)
    random = torch.randn(len(LABELS), 256, 1, 1)
    segmenter = from_checkpoint({}, tensors | {"conv_out.conv_out.weight": random})
    image = torch.rand(1, 3, 64, 48) * 2 - 1
    scores = segmenter.model(IMAGENET.exactly(image))
    large = F.interpolate(scores, (64, 48), mode="bilinear", align_corners=True)
    labels = large.argmax(dim=1)
    common = [LABELS[int(n)] for n in labels.flatten().bincount().argsort(descending=True)[:2]]
    regions = [next(r for r, n in segmenter.groups.items() if LABELS.index(c) in n) for c in common]
    numbers = [n for region in regions for n in segmenter.groups[region]]
    masks = segmenter.masks(Synthesis(image.repeat(2, 1, 1, 1).requires_grad_()), regions)
    assert masks.shape == (2, 64, 48)
    assert masks.dtype == torch.float32
    assert not masks.requires_grad
    expected = torch.isin(labels[0], torch.tensor(numbers)).float()
    assert 0.0 < float(expected.mean()) < 1.0
    # A batch may round otherwise where two classes are all but equal.
    assert float((masks != expected).float().mean()) < 1e-2


def test_auxiliary_heads_are_ignored_and_faults_are_named(tensors: dict[str, Tensor]) -> None:
    more = tensors | {"conv_out16.conv_out.weight": torch.zeros(19, 64, 1, 1)}
    segmenter = from_checkpoint({"n_classes": 19}, more)
    assert all(not p.requires_grad for p in segmenter.parameters())
    assert not any(key.startswith("model.conv_out16") for key in segmenter.state_dict())
    with pytest.raises(UnknownName, match="no region 'l_eye'"):
        segmenter.masks(Synthesis(torch.zeros(1, 3, 8, 8)), ["l_eye"])
    less = {key: value for key, value in tensors.items() if key != "ffm.conv1.weight"}
    with pytest.raises(BadFile, match=r"lack the tensor 'ffm\.conv1\.weight'"):
        from_checkpoint({}, less)
    with pytest.raises(BadFile, match=r"has shape \[3\]"):
        from_checkpoint({}, tensors | {"cp.resnet.bn1.bias": torch.zeros(3)})
    with pytest.raises(BadFile, match="19 classes"):
        from_checkpoint({"n_classes": 11}, tensors)
