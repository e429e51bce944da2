from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from eclipsed import foreign, inspect
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from eclipsed.inspect import describe
from eclipsed.segmenters.clusters import ClusterSegmenter
from eclipsed.worlds.catalogue import part_names
from eclipsed.worlds.small import save_small_encoder, save_small_segmenter
from tests.checkpoints import making
from tests.checkpoints.hostile import every_file
from tests.checkpoints.making import FILES
from tests.worlds.test_small import REGIONS, small_model, small_network


def told(path: Path, data: bytes | None = None) -> dict[str, Any]:
    if data is not None:
        path.write_bytes(data)
    result = describe(path)
    json.dumps(result, allow_nan=False)
    return result


@pytest.mark.parametrize("name", FILES)
def test_a_checkpoint_of_every_format_says_what_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net"
    result = told(path, FILES[name]())
    expected = read_checkpoint(path)
    assert (result["kind"], result["format"]) == ("checkpoint", expected.format)
    assert (result["family"], result["config"]) == (expected.family, dict(expected.config))
    assert result["tensors"] == len(expected.tensors)
    assert result["numbers"] == sum(value.numel() for value in expected.tensors.values())
    assert sum(result["types"].values()) == result["tensors"]
    shapes = {entry["name"]: entry["shape"] for entry in result["names"]}
    assert shapes == {key: list(value.shape) for key, value in expected.tensors.items()}
    assert "it needs" in result["needs"] or "it has" in result["needs"]


def test_tensors_of_no_known_network_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "net"
    save_file({"a": torch.ones(2, 3), "b": torch.ones(4)}, path, metadata={"made": "here"})
    result = told(path)
    assert (result["kind"], result["format"], result["tensors"]) == ("checkpoint", "safetensors", 2)
    assert result["metadata"] == {"made": "here"}
    assert "family" not in result
    save_file({"a": torch.ones(70, 3)}, path)  # one shape, but no direction's
    assert told(path)["kind"] == "checkpoint"


def test_a_damaged_checkpoint_of_our_own_is_not_listed_as_sound(tmp_path: Path) -> None:
    data = bytearray(FILES["own"]())
    facts = json.dumps({"format": 9, "family": "stylegan2", "config": {}})
    save_file({"a": torch.ones(3)}, tmp_path / "new", metadata={"eclipsed_checkpoint": facts})
    with pytest.raises(BadFile, match="format 9"):
        describe(tmp_path / "new")
    with pytest.raises(BadFile, match="damaged"):
        told(tmp_path / "cut", bytes(data[:-8]))


@pytest.mark.parametrize("kind", ["npy", "npz", "pt", "safetensors"])
def test_directions_of_other_tools_are_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "smile"
    rows = torch.arange(32.0).view(4, 8)
    with path.open("wb") as file:
        if kind == "npy":
            np.save(file, rows.numpy())
        elif kind == "npz":
            np.savez_compressed(file, smile=rows.numpy())
        elif kind == "pt":
            torch.save(rows, file)
    if kind == "safetensors":
        save_file({"smile": rows}, path)
    result = told(path)
    assert result["kind"] == "directions"
    (one,) = result["directions"]
    assert (one["name"], one["space"], one["widths"]) == ("smile", "w+", [8] * 4)
    assert result["needs"] == "a generator whose space w+ has 4 layers of 8 numbers"


def test_directions_say_what_their_file_says(tmp_path: Path) -> None:
    state = {
        "latent_space": "Z",
        "latent_dirs": np.ones((2, 8), np.float32),
        "semantic_parts": ["hair"],
    }
    data = making.pickled(making.Call(making.Name("lelsd", "LELSD"), state=state, new=True))
    result = told(tmp_path / "model.pth", data)
    assert result["format"] == "LELSD model.pth"
    assert [one["name"] for one in result["directions"]] == ["hair_1", "hair_2"]
    assert result["directions"][0]["facts"]["regions"] == ["hair"]
    np.save(tmp_path / "v.npy", np.ones((1, 8)))
    assert "the file names none" in told(tmp_path / "v.npy")["needs"]


def test_arrays_that_are_no_direction_are_shown_with_the_reason(tmp_path: Path) -> None:
    np.save(tmp_path / "fs3.npy", np.ones((6048, 3), np.float16))
    result = told(tmp_path / "fs3.npy")
    assert (result["kind"], result["format"]) == ("arrays", "NumPy")
    assert result["names"] == [{"name": "", "shape": [6048, 3], "type": "float16"}]
    assert "no direction until" in result["note"]
    torch.save(torch.ones(5, 4, 8), tmp_path / "latents.pt")
    result = told(tmp_path / "latents.pt")
    assert (result["kind"], result["names"][0]["shape"]) == ("arrays", [5, 4, 8])
    assert "5 latents" in result["note"]
    np.savez(tmp_path / "mixed.npz", a=np.ones(3), b=np.arange(4))
    result = told(tmp_path / "mixed.npz")
    assert [entry["type"] for entry in result["names"]] == ["float64", "int64"]
    assert result["note"] == "it holds no direction that is known here"


def test_what_eclipsed_writes_for_worlds_is_told(tmp_path: Path) -> None:
    save_small_encoder(small_model(), tmp_path / "encoder")
    result = told(tmp_path / "encoder")
    assert (result["kind"], result["name"], result["size"]) == ("encoder", "encoder", 32)
    save_small_segmenter(small_network(), REGIONS, tmp_path / "segmenter")
    result = told(tmp_path / "segmenter")
    assert (result["kind"], result["regions"]) == ("segmenter", list(REGIONS))
    ClusterSegmenter(
        feature_names=("layer_1",),
        widths=(2,),
        names=("sky", "roof"),
        centres=torch.eye(2),
        generator_name="houses",
        generator_fingerprint="a" * 64,
    ).save(tmp_path / "clusters")
    result = told(tmp_path / "clusters")
    assert (result["kind"], result["regions"]) == ("segmenter", ["sky", "roof"])
    assert result["generator"] == {"name": "houses", "fingerprint": "a" * 64}


def test_a_world_description_is_told(tmp_path: Path) -> None:
    (tmp_path / "cats.pkl").write_bytes(b"never opened")
    segmenter = part_names("segmenter")[0]
    text = f"""
        name = "cats"
        generator = "cats.pkl"
        encoder = "starter"
        segmenter = "{segmenter}"
        [regions]
        ears = ["pointed ears"]
    """
    result = told(tmp_path / "cats.toml", text.encode())
    assert (result["kind"], result["name"]) == ("world description", "cats")
    assert result["generator"] == str(tmp_path / "cats.pkl")
    assert (result["encoder"], result["segmenter"]) == ("starter", segmenter)
    assert result["regions"] == {"ears": ["ears", "pointed ears"]}
    assert told(tmp_path / "bom.toml", b"\xef\xbb\xbf" + text.encode()) == result
    with pytest.raises(BadFile, match=r"dogs\.pkl"):
        told(tmp_path / "dogs.toml", text.replace("cats.pkl", "dogs.pkl").encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (making.pickled(making.Call(making.Name("os", "system"), ("touch x",))), "os.system"),
        (making.saved({"epoch": 3, "loss": 0.5}), "epoch, loss"),
        (making.saved({"x": torch.ones(1)}), "no direction's"),
        (making.pickled(making.Call(making.Name("lelsd", "LELSD"), new=True)), "latent_dirs"),
        (b"name = 'a text'", "not a file of a known kind"),
        (b"name = ", "not a file of a known kind"),
        (b"\xff\xfe" * 100, "not a file of a known kind"),
        ("name = 'a'".encode("utf-16"), "PowerShell"),
        (b"", "an empty file"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_what_is_unknown_or_refused_gets_one_sentence(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        told(tmp_path / "file", data)
    assert "\n" not in str(caught.value)


def test_settings_that_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    kwargs = {**making.ADA_KWARGS, "synthesis_kwargs": making.easy_dict(conv_clamp=float("inf"))}
    data = making.nvidia_file(making.nvidia_stylegan2(), **kwargs)
    with pytest.raises(BadFile):
        told(tmp_path / "net.pkl", data)


def test_large_files_are_not_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "LIMIT", 100)
    monkeypatch.setattr(inspect, "_numbers", lambda _: pytest.fail("read again"))
    with pytest.raises(BadFile, match="no network"):
        told(tmp_path / "latents.pt", making.saved(torch.ones(5, 4, 8)))


def test_hostile_files_are_refused_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for hostile in islice((one for one in every_file() if one.names), 0, None, 6):
        with pytest.raises(BadFile) as caught:
            told(tmp_path / "file", hostile.data)
        assert hostile.names in str(caught.value), hostile.title
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"], hostile.title
