from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import transformers
from PIL import Image

from eclipsed.errors import BadFile, UnknownName
from eclipsed.segmenters.segformer import best_labels, load_segformer
from eclipsed.types import Segmenter, Synthesis
from tests.segmenters.tiny import save_segformer, save_upernet

LABELS = ["background", "skin", "l_eye", "r_eye", "eye_g", "u_lip", "hair", "cloth"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parsing")
    save_segformer(folder, LABELS)
    return folder


def picture(size: int = 48) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def as_synthesis(*pictures: Image.Image) -> Synthesis:
    stacked = torch.from_numpy(np.stack([np.array(p) for p in pictures])).permute(0, 3, 1, 2)
    return Synthesis(stacked.float() / 127.5 - 1.0)


def test_masks_equal_what_transformers_makes_of_a_picture(folder: Path) -> None:
    segmenter = load_segformer(folder)
    assert isinstance(segmenter, Segmenter)
    model: Any = transformers.SegformerForSemanticSegmentation.from_pretrained(folder).eval()
    processor = transformers.SegformerImageProcessorPil.from_pretrained(folder)
    with torch.no_grad():
        made = model(**processor(images=picture(), return_tensors="pt"))
    (labels,) = processor.post_process_semantic_segmentation(made, target_sizes=[(48, 48)])
    assert len(labels.unique()) > 2
    wanted = [LABELS[int(labels.flatten().mode().values)]]
    regions = [r for r, n in segmenter.groups.items() if LABELS.index(wanted[0]) in n][:1]
    numbers = torch.tensor(segmenter.groups[regions[0]])
    masks = segmenter.masks(as_synthesis(picture(), picture()), regions)
    assert masks.shape == (2, 48, 48)
    assert masks.dtype == torch.float32
    assert not masks.requires_grad
    assert float((masks[0] != torch.isin(labels, numbers).float()).float().mean()) < 5e-3


def test_masks_of_all_labels_fill_the_picture_once(folder: Path) -> None:
    segmenter = load_segformer(folder)
    made = as_synthesis(picture(40))
    alone = ["background", "skin", "eyes", "glasses", "lips", "hair", "clothes"]
    total = sum(segmenter.masks(made, [region]) for region in alone)
    assert torch.equal(total, torch.ones(1, 40, 40))
    assert torch.equal(segmenter.masks(made, alone), torch.ones(1, 40, 40))
    assert torch.equal(segmenter.masks(made, []), torch.zeros(1, 40, 40))
    with pytest.raises(UnknownName, match="no region 'wheels'"):
        segmenter.masks(made, ["wheels"])


def test_labels_are_chosen_after_enlarging() -> None:
    scores = torch.tensor([[1.0, 0.0], [0.0, 4.0]])[None, :, None, :]
    assert best_labels(scores, (1, 8)).tolist() == [[[0, 0, 0, 1, 1, 1, 1, 1]]]
    many = torch.randn(3, 5, 4, 4)
    expected = F.interpolate(many, (16, 12), mode="bilinear", align_corners=False).argmax(dim=1)
    assert torch.equal(best_labels(many, (16, 12)), expected)


def test_upernet_is_read_too(tmp_path: Path) -> None:
    model = save_upernet(tmp_path, ["wall", "building", "sky", "windowpane"])
    segmenter = load_segformer(tmp_path)
    assert segmenter.regions == ("building", "window", "sky", "wall")
    assert segmenter.preparation.size == 512
    made = as_synthesis(picture(64))
    pixels = segmenter.preparation.exactly(made.image)
    with torch.no_grad():
        labels = best_labels(model(pixel_values=pixels).logits, (64, 64))
    expected = (labels == 3).float()
    assert float((segmenter.masks(made, ["window"]) != expected).float().mean()) < 5e-3


def test_other_networks_and_bad_configurations_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())

    def refuse(message: str, **changes: Any) -> None:
        (copy / "config.json").write_text(json.dumps({**config, **changes}))
        with pytest.raises(BadFile, match=message):
            load_segformer(copy)

    refuse("of kind 'bert'", model_type="bert")
    refuse("does not name the labels", id2label=None)
    refuse("does not name the labels", id2label={"0": "sky", "2": "sea"})
    refuse("in two parts", backbone="someone/else")
    refuse("cannot be read as a SegformerFor", id2label={"0": "sky", "1": "sea"})
    (copy / "config.json").write_text("{")
    with pytest.raises(BadFile, match="not a JSON object"):
        load_segformer(copy)
