"""Encoders and segmenters that describe themselves: written, read back, and refused when bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from eclipsed.errors import BadFile, UnknownName
from eclipsed.types import Encoder, Inverter, Segmenter, Synthesis
from eclipsed.worlds.small import (
    load_small_encoder,
    load_small_inverter,
    load_small_segmenter,
    regions_of,
    save_small_encoder,
    save_small_inverter,
    save_small_segmenter,
)
from eclipsed.worlds.starter.networks import (
    InverterHead,
    TextImageModel,
    TowerConfig,
    UNet,
    feature_count,
)
from eclipsed.worlds.weights import Network

TOWER = TowerConfig(widths=(4, 5, 6, 7), head=3, outputs=8, size=32)
REGIONS = ("sky", "roof", "the garden")


def shaken(network: Network) -> Network:
    """Statistics as after some training, so that a forgotten tensor shows."""
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.add_(0.05 * torch.rand_like(value))
    return network.eval()


def small_model() -> TextImageModel:
    torch.manual_seed(5)
    return shaken(TextImageModel(TOWER, 9))


def small_network() -> UNet:
    torch.manual_seed(6)
    return shaken(UNet((4, 6, 5), 3))


@pytest.fixture
def encoder_file(tmp_path: Path) -> Path:
    path = tmp_path / "reader.safetensors"
    save_small_encoder(small_model(), path)
    return path


@pytest.fixture
def segmenter_file(tmp_path: Path) -> Path:
    path = tmp_path / "finder.safetensors"
    save_small_segmenter(small_network(), REGIONS, path)
    return path


def facts_of(path: Path) -> tuple[str, dict[str, Any]]:
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    ((key, text),) = header["__metadata__"].items()
    return key, json.loads(text)


def test_an_encoder_comes_back_as_it_was(encoder_file: Path) -> None:
    model = small_model()
    encoder = load_small_encoder(encoder_file)
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.size) == ("reader", 32)
    assert not encoder.training
    assert not any(p.requires_grad for p in encoder.parameters())
    images, vectors = torch.rand(2, 3, 32, 32) * 2 - 1, torch.randn(2, 384) / 20
    expected = torch.nn.functional.normalize(model.image(images), dim=1)
    torch.testing.assert_close(encoder.encode_image(images), expected, atol=5e-3, rtol=0)
    expected = torch.nn.functional.normalize(model.text(vectors), dim=1)
    torch.testing.assert_close(encoder.encode_sentences(vectors), expected, atol=5e-3, rtol=0)
    # Written and read again, not a bit is lost.
    again = encoder_file.with_name("again.safetensors")
    save_small_encoder(encoder.model, again)
    assert torch.equal(load_small_encoder(again).encode_image(images), encoder.encode_image(images))
    assert load_small_encoder(again).fingerprint == encoder.fingerprint


def test_an_encoder_takes_images_of_other_sizes(encoder_file: Path) -> None:
    encoder = load_small_encoder(encoder_file)
    images = torch.rand(2, 3, 32, 32).repeat_interleave(3, 2).repeat_interleave(3, 3) * 4 - 2
    assert encoder.encode_image(images).shape == (2, 8)
    clamped = encoder.encode_image(images.clamp(-1, 1))
    torch.testing.assert_close(encoder.encode_image(images), clamped)


def test_a_segmenter_comes_back_as_it_was(segmenter_file: Path) -> None:
    network = small_network()
    segmenter = load_small_segmenter(segmenter_file)
    assert isinstance(segmenter, Segmenter)
    assert (segmenter.name, segmenter.regions) == ("finder", REGIONS)
    assert not segmenter.training
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(segmenter.network(images), network(images), atol=5e-3, rtol=0)
    masks = segmenter.masks(Synthesis(images), ["roof", "sky"])
    assert masks.shape == (2, 32, 32)
    assert torch.equal(masks == 1, segmenter.labels(images) < 2)
    with pytest.raises(UnknownName, match="sky, roof, the garden"):
        segmenter.masks(Synthesis(images), ["hat"])


def test_an_inverter_comes_back_with_its_encoder_only(encoder_file: Path, tmp_path: Path) -> None:
    encoder = load_small_encoder(encoder_file)
    head = shaken(InverterHead(feature_count(encoder.model.image.config), 3, rows=2, w_dim=5))
    head.mean.copy_(torch.linspace(50.0, 51.0, 10))
    path = tmp_path / "inverter.safetensors"
    save_small_inverter(head.eval(), encoder, path)
    inverter = load_small_inverter(path, encoder)
    assert isinstance(inverter, Inverter)
    assert inverter.name == "inverter"
    assert torch.equal(inverter.head.mean, head.mean)  # not rounded
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    latents = inverter.latents(images)
    assert latents.shape == (3, 10)
    assert float((latents - head.mean).abs().max()) > 0
    again = load_small_inverter(path, load_small_encoder(encoder_file))
    assert torch.equal(again.latents(images), latents)
    assert again.fingerprint == inverter.fingerprint
    other = tmp_path / "other.safetensors"
    save_small_encoder(shaken(small_model()), other)
    with pytest.raises(BadFile, match="trained on another encoder than 'other'"):
        load_small_inverter(path, load_small_encoder(other))
    with pytest.raises(BadFile, match="no inverter"):
        load_small_inverter(encoder_file, encoder)


def test_files_are_half_as_large_as_the_networks(encoder_file: Path, segmenter_file: Path) -> None:
    for path in (encoder_file, segmenter_file):
        tensors = load_file(path)
        assert {v.dtype for v in tensors.values()} == {torch.float16, torch.int64}
        assert path.stat().st_size < 2 * sum(v.numel() for v in tensors.values()) + 20_000
        assert list(path.parent.glob(".*")) == []


def test_what_the_files_say(encoder_file: Path, segmenter_file: Path) -> None:
    tower = {"widths": [4, 5, 6, 7], "head": 3, "outputs": 8, "residual": True, "size": 32}
    assert facts_of(encoder_file) == (
        "eclipsed_encoder",
        {"format": 1, "tower": tower, "hidden": 9},
    )
    assert facts_of(segmenter_file) == (
        "eclipsed_segmenter",
        {"format": 1, "regions": list(REGIONS), "widths": [4, 6, 5]},
    )


# --- bad files ----------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("kind", ["encoder", "segmenter"])


def load(kind: str, path: Path) -> object:
    return load_small_encoder(path) if kind == "encoder" else load_small_segmenter(path)


@pytest.fixture
def file(kind: str, request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(f"{kind}_file")
    return path


@BOTH
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is an empty file, not an eclipsed "),
        (b"\x80\x04.", "is a Python pickle"),
        (b"nonsense", "is not a file of a known kind"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
    ],
)
def test_other_files_are_refused(kind: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=message):
        load(kind, path)


@BOTH
def test_missing_and_damaged_files_are_refused(kind: str, file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        load(kind, tmp_path / "none.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadFile, match="damaged or cut short"):
        load(kind, file)


@BOTH
def test_one_kind_is_not_the_other(kind: str, file: Path) -> None:
    other = "segmenter" if kind == "encoder" else "encoder"
    with pytest.raises(BadFile, match=f"holds no {other} that eclipsed wrote"):
        load(other, file)
    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(BadFile, match=f"holds no {kind} that eclipsed wrote"):
        load(kind, file)


@BOTH
def test_newer_formats_are_refused(kind: str, file: Path) -> None:
    key, facts = facts_of(file)
    save_file(load_file(file), file, {key: json.dumps(facts | {"format": 2})})
    with pytest.raises(BadFile, match=r"newer format\. Upgrade"):
        load(kind, file)


TOWER_JSON: dict[str, Any] = {
    "widths": [4, 5, 6, 7],
    "head": 3,
    "outputs": 8,
    "residual": True,
    "size": 32,
}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("encoder", {"tower": None}),
        ("encoder", {"hidden": 0}),
        ("encoder", {"hidden": 10**30}),
        ("encoder", {"hidden": True}),
        ("encoder", {"tower": TOWER_JSON | {"widths": [4, 5, 6]}}),
        ("encoder", {"tower": TOWER_JSON | {"widths": "abcd"}}),
        ("encoder", {"tower": TOWER_JSON | {"size": 33}}),
        ("segmenter", {"widths": [4, 6]}),
        ("segmenter", {"widths": [4, 6, -5]}),
        ("segmenter", {"regions": []}),
        ("segmenter", {"regions": "sky"}),
        ("segmenter", {"regions": ["sky", "sky", "roof"]}),
        ("segmenter", {"regions": ["sky", "roof", "\x1b[2J"]}),
        ("segmenter", {"regions": ["sky", "roof", 3]}),
    ],
)
def test_senseless_descriptions_are_refused(kind: str, changes: dict[str, Any], file: Path) -> None:
    key, facts = facts_of(file)
    save_file(load_file(file), file, {key: json.dumps(facts | changes)})
    with pytest.raises(BadFile, match="makes no sense"):
        load(kind, file)


@BOTH
@pytest.mark.parametrize("text", ["{", "[1]", "null", '{"format": "1"}', "[" * 100_000])
def test_what_is_no_description_is_refused(kind: str, text: str, file: Path) -> None:
    key, _ = facts_of(file)
    save_file(load_file(file), file, {key: text})
    with pytest.raises(BadFile, match=r"damaged|holds no"):
        load(kind, file)


def test_other_shapes_than_described_are_refused_before_they_take_memory(
    encoder_file: Path, segmenter_file: Path
) -> None:
    key, facts = facts_of(encoder_file)
    large = facts | {"tower": TOWER_JSON | {"widths": [4096] * 4, "size": 4096, "head": 4096}}
    save_file(load_file(encoder_file), encoder_file, {key: json.dumps(large)})
    with pytest.raises(BadFile, match=r"does not hold .*weight"):
        load_small_encoder(encoder_file)
    key, facts = facts_of(segmenter_file)
    tensors = load_file(segmenter_file)
    more = facts | {"regions": [*REGIONS, "door"]}
    save_file(tensors, segmenter_file, {key: json.dumps(more)})
    with pytest.raises(BadFile, match=r"does not hold .*'coarse\.weight' .*needs \[16, 4, 3, 3\]"):
        load_small_segmenter(segmenter_file)
    del tensors["fine.bias"]
    save_file(tensors, segmenter_file, {key: json.dumps(facts)})
    with pytest.raises(BadFile, match=r"fine\.bias"):
        load_small_segmenter(segmenter_file)


@BOTH
def test_weights_that_are_no_numbers_are_refused(kind: str, file: Path) -> None:
    key, facts = facts_of(file)
    tensors = load_file(file)
    name = "scale" if kind == "encoder" else "fine.bias"
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    save_file(tensors, file, {key: json.dumps(facts)})
    with pytest.raises(BadFile, match=f"{name}.* holds no numbers"):
        load(kind, file)


def test_nothing_is_written_where_it_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file or folder"):
        save_small_encoder(TextImageModel(TOWER, 9), tmp_path / "none" / "x.safetensors")
    for names in (("sky", "roof"), ("sky", "sky", "roof"), ("sky", "roof", "")):
        with pytest.raises(ValueError, match=r"names for|same name|proper name"):
            save_small_segmenter(UNet((4, 6, 5), 3), names, tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


# --- names of regions ---------------------------------------------------------------------------

NAMES = st.lists(
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=100).filter(
        lambda name: bool(name.strip())
    ),
    min_size=1,
    max_size=20,
    unique=True,
)


@given(NAMES)
def test_names_of_regions(names: list[str]) -> None:
    assert regions_of(names) == tuple(names)
    with pytest.raises(ValueError, match="same name"):
        regions_of([*names, names[0]])
    for bad in ("\n", " ", "a" * 101, "a\x07"):
        with pytest.raises(ValueError, match="region"):
            regions_of([*names, bad])
