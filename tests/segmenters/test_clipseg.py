from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import transformers
from PIL import Image

from eclipsed.errors import BadFile, BadSetting, UnknownName
from eclipsed.segmenters.clipseg import load_clipseg
from eclipsed.types import Segmenter, Synthesis
from tests.segmenters.tiny import save_clipseg, save_segformer

PHRASES = ["a cat", "curly hair", "the wheels of a car"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phrases")
    save_clipseg(folder)
    return folder


def pictures(count: int = 2) -> list[Image.Image]:
    random = np.random.default_rng(2)
    return [
        Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)) for _ in range(count)
    ]


def as_synthesis(*made: Image.Image) -> Synthesis:
    stacked = torch.from_numpy(np.stack([np.array(p) for p in made])).permute(0, 3, 1, 2)
    return Synthesis(stacked.float() / 127.5 - 1.0)


def probabilities(folder: Path, picture: Image.Image, phrases: list[str]) -> torch.Tensor:
    """[P, 40, 40]: what transformers' own pipeline makes of one picture."""
    model: Any = transformers.CLIPSegForImageSegmentation.from_pretrained(folder).eval()
    tokens = transformers.CLIPTokenizer.from_pretrained(folder)(
        phrases, padding=True, truncation=True, max_length=16, return_tensors="pt"
    )
    processor = transformers.ViTImageProcessorPil.from_pretrained(folder)
    pixels = processor(images=[picture] * len(phrases), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        scores = model(pixel_values=pixels, **tokens).logits
    large = F.interpolate(scores[:, None], (40, 40), mode="bilinear", align_corners=False)
    return large[:, 0].sigmoid()


def test_masks_are_where_transformers_sees_the_phrase(folder: Path) -> None:
    picture = pictures(1)[0]
    expected = probabilities(folder, picture, PHRASES)
    threshold = float(expected.median())
    segmenter = load_clipseg(folder, PHRASES, threshold=threshold)
    assert isinstance(segmenter, Segmenter)
    assert segmenter.regions == tuple(PHRASES)
    for phrase, chance in zip(PHRASES, expected, strict=True):
        mask = segmenter.masks(as_synthesis(picture), [phrase])
        assert mask.shape == (1, 40, 40)
        assert mask.dtype == torch.float32
        assert not mask.requires_grad
        assert float((mask[0] != (chance >= threshold).float()).float().mean()) < 1e-2
    union = segmenter.masks(as_synthesis(picture), PHRASES[:2])
    several = (expected[:2] >= threshold).any(dim=0).float()
    assert float((union[0] != several).float().mean()) < 1e-2
    assert 0.0 < float(union.mean()) < 1.0


def test_the_tower_looks_once_and_every_phrase_scores_as_in_a_call_of_its_own(
    folder: Path,
) -> None:
    segmenter = load_clipseg(folder, PHRASES, threshold=0.5)
    model: Any = segmenter.model
    made = as_synthesis(*pictures())
    pixels = segmenter.preparation.exactly(made.image)
    union = torch.zeros(2, 40, 40)
    for number in range(len(PHRASES)):
        phrase = segmenter.phrases[number].expand(2, -1)
        with torch.no_grad():
            plain = model(pixel_values=pixels, conditional_embeddings=phrase).logits
        assert torch.equal(segmenter._scores(segmenter._seen(pixels), number)[:, 0], plain)
        large = F.interpolate(plain[:, None], (40, 40), mode="bilinear", align_corners=False)
        union = torch.maximum(union, (large[:, 0].sigmoid() >= 0.5).float())
    looks: list[int] = []
    handle = model.clip.vision_model.register_forward_hook(lambda *_: looks.append(1))
    assert torch.equal(segmenter.masks(made, PHRASES), union)
    handle.remove()
    assert len(looks) == 1


def test_pictures_of_a_batch_do_not_touch_each_other(folder: Path) -> None:
    first, second = pictures()
    segmenter = load_clipseg(folder, PHRASES, threshold=0.5)
    both = segmenter.masks(as_synthesis(first, second), PHRASES[1:2])
    for number, picture in enumerate((first, second)):
        alone = segmenter.masks(as_synthesis(picture), PHRASES[1:2])
        assert float((both[number] != alone[0]).float().mean()) < 5e-3


def test_a_lower_threshold_takes_in_more(folder: Path) -> None:
    made = as_synthesis(*pictures())
    masks = [load_clipseg(folder, PHRASES, threshold=t).masks(made, PHRASES) for t in (0.9, 0.3)]
    assert bool((masks[0] <= masks[1]).all())
    for threshold in (0.0, 1.0, float("nan")):
        with pytest.raises(BadSetting, match="between 0 and 1"):
            load_clipseg(folder, PHRASES, threshold=threshold)


def test_regions_must_be_named(folder: Path) -> None:
    with pytest.raises(BadSetting, match="told nothing"):
        load_clipseg(folder, [])
    with pytest.raises(BadSetting, match="told nothing"):
        load_clipseg(folder, ["hat", " "])
    segmenter = load_clipseg(folder, ["hat", " a  hat", "hat"])
    assert segmenter.regions == ("hat", "a hat")
    with pytest.raises(UnknownName, match="no region 'cap'"):
        segmenter.masks(as_synthesis(*pictures(1)), ["cap"])


def test_other_networks_are_refused(tmp_path: Path) -> None:
    save_segformer(tmp_path, ["sky", "sea"])
    with pytest.raises(BadFile, match="of kind 'segformer', not a CLIPSeg"):
        load_clipseg(tmp_path, ["sky"])
