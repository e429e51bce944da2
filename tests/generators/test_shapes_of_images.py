"""Grey and RGBA images, images that are not square, and what a file lacks or has too much of."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.writing import write_checkpoint
from eclipsed.cli.wording import network_rows
from eclipsed.editing.images import to_pil
from eclipsed.errors import BadFile
from eclipsed.generators import stylegan1
from eclipsed.generators.biggan import AttentionSize, BigGAN, BigGANConfig, BlockSize
from eclipsed.generators.dcgan import DCGAN, DCGANConfig
from eclipsed.generators.generator import NetworkGenerator, Rendering
from eclipsed.generators.loading import build, describe_checkpoint, load_generator
from eclipsed.generators.seeds import noise_maps
from eclipsed.generators.stylegan1 import StyleGAN1, StyleGAN1Config
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.generators.stylegan3 import StyleGAN3, StyleGAN3Config
from eclipsed.inspect import describe
from tests.checkpoints.making import rosinality_state, saved

SG2 = StyleGAN2Config(16, {4: 4, 8: 4, 16: 2}, z_dim=4, w_dim=4, mapping_layers=2)


def stylegan2(**changes: Any) -> StyleGAN2:
    torch.manual_seed(0)
    network = StyleGAN2(StyleGAN2Config(**{**vars(SG2), **changes})).requires_grad_(False)
    for _, conv in network.named_modules():
        if hasattr(conv, "noise_strength"):
            conv.noise_strength.fill_(0.3)
    return network


def of_channels(count: int) -> dict[str, Callable[[], NetworkGenerator]]:
    """A tiny generator of every family whose files tell how many channels there are."""
    return {
        "stylegan2": lambda: stylegan2(colours=count),
        "stylegan1": lambda: StyleGAN1(StyleGAN1Config({4: 2, 8: 2}, (4, 4), colours=count)),
        "stylegan3": lambda: StyleGAN3(
            StyleGAN3Config(16, (4, 4, 4, count), z_dim=4, w_dim=4, margin_size=4)
        ),
        "dcgan": lambda: DCGAN(DCGANConfig(4, (4, 4, 3), count)),
    }


# What shapes do not tell.
CONFIGS: dict[str, dict[str, Any]] = {
    "stylegan3": {"margin_size": 4},
    "biggan": {"layers": [[True, 1, 1]]},
}


def checkpoint_of(network: NetworkGenerator, family: str) -> Checkpoint:
    return Checkpoint("x", family, CONFIGS.get(family, {}), network.state_dict())


def shown(path: Path) -> str:
    """What `show` prints of the network."""
    return "\n".join(": ".join(row) for row in network_rows(describe(path)))


def image(generator: NetworkGenerator, **options: Any) -> Tensor:
    return generator.synthesize(generator.sample([0, 1], truncation=0.7), **options).image


@pytest.mark.parametrize("family", of_channels(1))
def test_grey_images_are_repeated(family: str) -> None:
    made = of_channels(1)[family]().eval().requires_grad_(False)
    generator = build(checkpoint_of(made, family), name="grey")
    images = image(generator)
    assert images.shape[1] == 3
    assert torch.equal(images[:, 0], images[:, 1])
    assert torch.equal(images[:, 0], images[:, 2])
    assert float(images.std()) > 0
    assert generator.colours == 1
    found = describe_checkpoint(checkpoint_of(made, family))
    assert found["images"]["channels"] == 1


def test_grey_is_one_channel_of_the_same_network() -> None:
    colour = stylegan2()
    tensors = {
        name: value[:1] if "torgb" in name and "affine" not in name else value
        for name, value in colour.state_dict().items()
    }
    grey = build(Checkpoint("x", "stylegan2", {}, tensors), name="grey")
    torch.testing.assert_close(image(grey)[:, 2], image(colour)[:, 0])


@pytest.mark.parametrize("family", of_channels(4))
def test_transparent_images_lie_on_white(family: str) -> None:
    made = of_channels(4)[family]().eval().requires_grad_(False)
    generator = build(checkpoint_of(made, family), name="rgba")
    assert generator.notes == ("its images have an alpha channel: they are laid on white.",)
    layers = generator.render(
        generator.convert(generator.sample([0, 1]), generator.home, generator.spaces[-1]).split(
            [layer.width for layer in generator.layers(generator.spaces[-1])], dim=1
        ),
        Rendering("const", 1.0, frozenset()),
    )[0]
    opacity = ((layers[:, 3:] + 1) / 2).clamp(0, 1)
    expected = layers[:, :3] * opacity + 1 * (1 - opacity)
    torch.testing.assert_close(generator.synthesize(generator.sample([0, 1])).image, expected)


@pytest.mark.parametrize("count", [2, 5, 6, 96])
def test_other_channels_are_refused_in_words_by_every_verb(tmp_path: Path, count: int) -> None:
    tensors = {
        name: value.repeat(count, *[1] * (value.dim() - 1))[:count]
        if "torgb" in name and "affine" not in name
        else value
        for name, value in stylegan2().state_dict().items()
    }
    path = tmp_path / "net.pt"
    path.write_bytes(saved(tensors))
    with pytest.raises(BadFile, match=f"have {count} channels.*Only grey, RGB and RGBA"):
        load_generator(path)
    assert (
        f"this file cannot be used: The images of this StyleGAN2 have {count} channels."
        in shown(path)
    )


@pytest.mark.parametrize("family", ["stylegan1", "stylegan3", "dcgan"])
def test_six_channels_are_refused_by_every_family(family: str) -> None:
    with pytest.raises(BadFile, match="have 6 channels"):
        of_channels(6)[family]()


# --- not square ---------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [(4, 2), (2, 4), (8, 4), (4, 8), (5, 3), (1, 1), (8, 8)])
def test_the_constant_gives_the_shape(tmp_path: Path, start: tuple[int, int]) -> None:
    made = stylegan2(start=start)
    path = tmp_path / "net.pt"
    path.write_bytes(saved(made.state_dict()))
    generator = load_generator(path)
    height, width = start[0] * 4, start[1] * 4
    assert generator.size == (height, width)
    assert generator.resolution == max(height, width)
    for noise in ("const", "none", 7):
        assert image(generator, noise=noise).shape == (2, 3, height, width)
        assert torch.equal(image(generator, noise=noise), image(made, noise=noise))
    assert generator.notes == ()
    found = describe_checkpoint(read_checkpoint(path))
    assert found["images"] == {"height": height, "width": width, "channels": 3}
    assert to_pil(image(generator)[0]).size == (width, height)
    assert f"{width}×{height} pixels" in shown(path)


def test_what_is_wide_is_what_is_high_turned() -> None:
    wide, high = stylegan2(start=(2, 4)), stylegan2(start=(4, 2))
    turned = {
        name: value.transpose(-1, -2).contiguous()
        if value.dim() in (3, 4) or "const" in name
        else value
        for name, value in wide.state_dict().items()
    }
    high.load_state_dict(turned)
    torch.testing.assert_close(image(high), image(wide).transpose(2, 3), rtol=1e-4, atol=1e-4)


def test_a_stylegan1_may_be_high(tmp_path: Path) -> None:
    made = StyleGAN1(StyleGAN1Config({4: 2, 8: 2}, (4, 4), start=(4, 2))).requires_grad_(False)
    generator = build(checkpoint_of(made, "stylegan1"), name="high")
    assert generator.size == (8, 4)
    assert image(generator).shape == (2, 3, 8, 4)
    assert image(generator, noise=3).shape == (2, 3, 8, 4)


def test_others_that_are_not_square_are_refused_in_words() -> None:
    state = DCGAN(DCGANConfig(4, (4, 3))).state_dict()
    state["main.0.weight"] = state["main.0.weight"][..., :2]
    with pytest.raises(BadFile, match=r"are 16 by 8 pixels\. Only square ones are supported"):
        build(Checkpoint("x", "dcgan", {}, state), name="x")


def test_absurd_shapes_are_refused() -> None:
    for start in ((0, 4), (2**20, 1)):
        with pytest.raises(BadFile, match="make no StyleGAN2"):
            StyleGAN2Config(**{**vars(SG2), "start": start})


# --- what a file lacks --------------------------------------------------------------------------


def test_noise_maps_that_a_file_lacks_come_from_a_seed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = {n: v for n, v in rosinality_state().items() if not n.startswith("noises.")}
    for content in (
        {"g": state, "d": {}, "g_ema": state, "g_optim": {}, "d_optim": {}},
        {"g_ema": {f"module.{name}": value for name, value in state.items()}},
        state,
    ):
        path = tmp_path / "550000.pt"
        path.write_bytes(saved(content))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            generator = load_generator(path)
        assert "lacks 3 of its noise maps: maps drawn from seed 0" in caplog.text
        assert "has no average latent" in caplog.text
        for layer, (key, own) in enumerate(generator.noise_consts()):  # type: ignore[attr-defined]
            drawn = noise_maps(0, layer, 1, own.shape[0])[0, 0]
            assert torch.equal(generator.state_dict()[key], drawn)
        again = load_generator(path)
        assert again.fingerprint == generator.fingerprint
        assert torch.equal(image(again), image(generator))
    assert "note: the file lacks 3 of its noise maps" in shown(path)
    assert len(json.loads(json.dumps(describe(path)))["notes"]) == 2


def test_some_noise_maps_may_be_there(tmp_path: Path) -> None:
    made = stylegan2(start=(4, 2))
    own = made.state_dict()
    tensors = {n: v for n, v in own.items() if not n.startswith("synthesis.b8.conv0.noise_c")}
    generator = build(Checkpoint("x", "stylegan2", {}, tensors), name="x")
    assert generator.notes[0].startswith("the file lacks 1 of its noise maps")
    key = "synthesis.b16.conv1.noise_const"
    assert torch.equal(generator.state_dict()[key], own[key])
    assert generator.state_dict()["synthesis.b8.conv0.noise_const"].shape == (8, 4)


def test_a_file_without_filters_says_so(tmp_path: Path) -> None:
    state = {n: v for n, v in rosinality_state().items() if not n.endswith("kernel")}
    average = torch.ones(4)
    path = tmp_path / "net.pt"
    path.write_bytes(saved({"g_ema": state, "latent_avg": average}))
    generator = load_generator(path)
    assert generator.notes == (
        "the file has no low-pass filters: those of [1, 3, 3, 1] take their place.",
    )
    full = tmp_path / "full.pt"
    full.write_bytes(saved({"g_ema": rosinality_state(), "latent_avg": average}))
    assert generator.fingerprint == load_generator(full).fingerprint


def test_a_converted_file_still_says_what_it_lacked(tmp_path: Path) -> None:
    state = {n: v for n, v in rosinality_state().items() if not n.startswith("noises.")}
    first, second = tmp_path / "net.pt", tmp_path / "net.safetensors"
    first.write_bytes(saved({"g_ema": state}))
    write_checkpoint(read_checkpoint(first), second)
    one, two = load_generator(first), load_generator(second)
    assert one.notes == two.notes
    assert one.fingerprint == two.fingerprint


def test_a_stylegan1_without_noise_maps_says_so() -> None:
    made = StyleGAN1(StyleGAN1Config({4: 2, 8: 2}, (4, 4)))
    tensors = {n: v for n, v in made.state_dict().items() if not n.endswith("noise.noise")}
    assert "noise maps" in stylegan1.from_checkpoint({}, tensors, name="x").notes[0]
    assert stylegan1.from_checkpoint({}, made.state_dict(), name="x").notes == ()


# --- what a file has too much of ----------------------------------------------------------------

BIGGAN = BigGANConfig(4, 5, 4, 8, (BlockSize(2, 4, True), AttentionSize(2, 2)), 4)


@pytest.mark.parametrize("family", [*of_channels(3), "biggan"])
def test_an_extra_tensor_is_named_in_every_family(family: str) -> None:
    make = of_channels(3).get(family, lambda: BigGAN(BIGGAN))
    tensors = dict(make().state_dict())
    config = CONFIGS.get(family, {})
    plain = Checkpoint("x", family, config, tensors)
    assert build(plain, name="x").notes == ()
    for extra, named in (
        ("synthesis.b4.attention.weight", True),
        ("surprise", True),
        ("discriminator.b4.weight", False),
        ("main_optim.step", False),
        ("x.num_batches_tracked", False),
    ):
        more = Checkpoint("x", family, config, tensors | {extra: torch.zeros(1)})
        notes = build(more, name="x").notes
        expected = (f"1 tensor of the file is not used: {extra}.",) if named else ()
        assert notes == expected
        assert describe_checkpoint(more)["notes"] == list(expected)
