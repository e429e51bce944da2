"""The fast step of method paper against the plain one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.paper import PaperConfig, draw, paper_losses, start_directions
from eclipsed.types import Goal, Synthesis, World
from tests import reference

SIZE = 40  # does not divide 64 or 128: pooling cells overlap


class Eye:
    """A small random convolutional encoder."""

    fingerprint = "eye"
    name, size, mean, std = "eye", SIZE, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(3)
        self.first = torch.randn(16, 3, 5, 5, generator=random) / 9
        self.last = torch.randn(16 * 25, 24, generator=random) / 20

    def encode_text(self, texts: list[str]) -> Tensor:
        return F.normalize(torch.randn(len(texts), 24, generator=torch.Generator().manual_seed(5)))

    def encode_image(self, images: Tensor) -> Tensor:
        raise AssertionError("the paper's step resizes by itself")

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        seen = F.conv2d(pixels, self.first, stride=2).tanh()
        return F.normalize(F.adaptive_avg_pool2d(seen, 5).flatten(1) @ self.last, dim=1)


class Bright:
    """A segmenter: the region is what is brighter than its image's mean."""

    name, regions, feature_names = "bright", ("bright",), ()
    fingerprint = "bright"

    def masks(self, synthesis: Synthesis, regions: list[str]) -> Tensor:
        shade = synthesis.image.mean(dim=1)
        return (shade > shade.mean(dim=(1, 2), keepdim=True)).float()


def world(resolution: int) -> World:
    torch.manual_seed(resolution)
    channels = {size: min(24, 1024 // size) for size in (4, 8, 16, 32, 64, 128)}
    config = StyleGAN2Config(resolution=resolution, channels=channels, z_dim=32, w_dim=32)
    generator = StyleGAN2(config).eval().requires_grad_(False)
    for name, value in generator.named_parameters():
        if name.endswith("noise_strength"):
            value.fill_(0.3)
        elif name.endswith("bias") and "affine" not in name:
            value.normal_(std=0.1)
    return World("random", generator, Eye(), Bright(), {"bright": ("bright",)})  # type: ignore[arg-type]


@pytest.mark.parametrize("resolution", [64, 128])
@pytest.mark.parametrize("step", [0, 7])
def test_the_fast_step_equals_the_plain_one(resolution: int, step: int) -> None:
    made, config = world(resolution), PaperConfig()
    generator = made.generator
    assert isinstance(generator, StyleGAN2)
    drawn = draw(config, step, z_dim=generator.z_dim)
    text = made.encoder.encode_text(["anything"])[0]
    direction = start_directions(generator, config)[0]
    plain = reference.step(
        generator,
        encode=made.encoder.encode_pixels,
        size=SIZE,
        mean=made.encoder.mean,
        std=made.encoder.std,
        segment=lambda images: made.segmenter.masks(Synthesis(images), ["bright"]),
        text=text,
        direction=direction,
        latents=generator.from_z(drawn.z, truncation=config.truncation),
        strength=drawn.strength,
        local_weight=config.local_weight,
    )
    moving = direction[None].clone().requires_grad_()
    losses = paper_losses(
        made,
        Goal("anything", "", ("bright",)),
        config,
        text=text,
        directions=moving,
        drawn=drawn,
    )
    (gradient,) = torch.autograd.grad(losses["total"], moving)
    torch.testing.assert_close(losses["clip"], plain.clip, rtol=1e-4, atol=0)
    torch.testing.assert_close(losses["localization"], plain.localization, rtol=1e-4, atol=0)
    torch.testing.assert_close(losses["total"], plain.total, rtol=1e-4, atol=0)
    largest = float(plain.gradient.abs().max())
    torch.testing.assert_close(gradient[0], plain.gradient, rtol=0, atol=1e-4 * largest)
    assert largest > 0
