from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import eclipsed.checkpoints.reading
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.errors import BadFile, BadSetting
from eclipsed.segmenters import load_segmenter
from eclipsed.segmenters.bisenet import BiSeNet
from eclipsed.segmenters.clipseg import PhraseSegmenter
from eclipsed.segmenters.clusters import ClusterSegmenter, fit_clusters
from eclipsed.segmenters.segformer import LabelSegmenter
from eclipsed.testing import FakeGenerator
from tests.segmenters.tiny import save_clip, save_clipseg, save_segformer


def test_folders_are_told_apart_by_content(tmp_path: Path) -> None:
    save_segformer(tmp_path / "one", ["sky", "sea", "sand"])
    save_clipseg(tmp_path / "two")
    scene = load_segmenter(tmp_path / "one")
    assert isinstance(scene, LabelSegmenter)
    assert (scene.name, scene.regions) == ("one", ("sky", "ground", "water"))
    phrases = load_segmenter(str(tmp_path / "two"), regions=["wheels"])
    assert isinstance(phrases, PhraseSegmenter)
    assert phrases.regions == ("wheels",)
    with pytest.raises(BadSetting):
        load_segmenter(tmp_path / "two")
    save_clip(tmp_path / "three")
    with pytest.raises(BadFile, match="of kind 'clip'"):
        load_segmenter(tmp_path / "three")
    with pytest.raises(BadFile, match="no folder"):
        load_segmenter(tmp_path / "four")


def test_files_are_told_apart_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    families = {"face.pth": "bisenet", "generator.pt": "stylegan2"}

    def read(path: Path) -> Checkpoint:
        tensors = BiSeNet().state_dict() if path.name == "face.pth" else {}
        return Checkpoint("a test", families[path.name], {}, tensors)

    monkeypatch.setattr(eclipsed.checkpoints.reading, "read_checkpoint", read)
    fit_clusters(FakeGenerator(), range(4), ["layer_2"], 2).save(tmp_path / "clusters")
    save_file({"vector": torch.zeros(3)}, tmp_path / "generator.pt", {"eclipsed": "{}"})
    (tmp_path / "face.pth").write_bytes(b"PK\x03\x04")
    assert isinstance(load_segmenter(tmp_path / "clusters"), ClusterSegmenter)
    face = load_segmenter(tmp_path / "face.pth")
    assert isinstance(face, LabelSegmenter)
    assert isinstance(face.model, BiSeNet)
    assert face.name == "face"
    with pytest.raises(BadFile, match="no segmenter, but a network of kind stylegan2"):
        load_segmenter(tmp_path / "generator.pt")
