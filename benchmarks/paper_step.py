"""One training step of preset paper against the plain transcription in tests/reference.py.

    python -m benchmarks.paper_step [RESOLUTION …]     # 256 unless named; 1024 takes minutes

Random weights at the sizes of StyleGAN2's config F, a random CLIP ViT-B/32 and a random BiSeNet,
two images a step. Every variant runs in a process of its own, so that its peak of memory is its
own, and does the step twice; the second is timed. Prints one JSON object.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.speed import machine
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.presets.paper import PaperConfig, draw, paper_losses, start_directions
from eclipsed.segmenters.bisenet import BiSeNet, BiSeNetSegmenter
from eclipsed.types import Goal, Synthesis, World
from tests import reference

VARIANTS = ("plain", "fast", "fast, bfloat16")
REGION = "hair"


class Clip:
    """A random CLIP ViT-B/32 image tower; the plain variant leaves its parameters trainable."""

    name, size = "random ViT-B/32", 224
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

    def __init__(self, *, frozen: bool) -> None:
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        config = CLIPVisionConfig(
            hidden_size=768,
            intermediate_size=3072,
            num_hidden_layers=12,
            num_attention_heads=12,
            image_size=self.size,
            patch_size=32,
            projection_dim=512,
        )
        self.model = CLIPVisionModelWithProjection(config).eval().requires_grad_(not frozen)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        return F.normalize(self.model(pixel_values=pixels).image_embeds, dim=1)

    def encode_image(self, images: Tensor) -> Tensor:  # noqa: ARG002
        raise AssertionError("the paper's step resizes by itself")

    def encode_text(self, texts: list[str]) -> Tensor:
        random = torch.Generator().manual_seed(5)
        return F.normalize(torch.randn(len(texts), 512, generator=random), dim=1)


def world(resolution: int, *, frozen: bool) -> World:
    """Random networks, the same ones for every variant."""
    torch.manual_seed(resolution)
    channels = {2**k: min(32_768 // 2**k, 512) for k in range(2, resolution.bit_length())}
    generator = StyleGAN2(StyleGAN2Config(resolution, channels)).eval().requires_grad_(False)
    segmenter = BiSeNetSegmenter(BiSeNet().eval().requires_grad_(False), name="random")
    return World("random", generator, Clip(frozen=frozen), segmenter, {REGION: (REGION,)})


def plain_step(made: World) -> Callable[[], tuple[Tensor, Tensor]]:
    config, generator = PaperConfig(), made.generator
    drawn = draw(config, 0, z_dim=generator.z_dim)
    encoder = made.encoder

    def step() -> tuple[Tensor, Tensor]:
        done = reference.step(
            generator,  # type: ignore[arg-type]
            encode=encoder.encode_pixels,
            size=encoder.size,
            mean=encoder.mean,
            std=encoder.std,
            segment=lambda image: made.segmenter.masks(Synthesis(image), [REGION]),
            text=encoder.encode_text(["anything"])[0],
            direction=start_directions(generator, config)[0],
            latents=generator.from_z(drawn.z, truncation=config.truncation),
            strength=drawn.strength,
            local_weight=config.local_weight,
        )
        return done.total, done.gradient

    return step


def fast_step(made: World, *, half: bool) -> Callable[[], tuple[Tensor, Tensor]]:
    config = PaperConfig(half=half)
    text = made.encoder.encode_text(["anything"])[0]
    drawn = draw(config, 0, z_dim=made.generator.z_dim)

    def step() -> tuple[Tensor, Tensor]:
        moving = start_directions(made.generator, config).requires_grad_()
        goal = Goal("anything", "", (REGION,))
        losses = paper_losses(made, goal, config, text=text, directions=moving, drawn=drawn)
        (gradient,) = torch.autograd.grad(losses["total"], moving)
        return losses["total"].detach(), gradient[0]

    return step


def child(variant: str, resolution: int, out: Path) -> None:
    """Do the step twice; write its results, the seconds of the second, and the peak of memory."""
    made = world(resolution, frozen=variant != "plain")
    half = "bfloat16" in variant
    step = plain_step(made) if variant == "plain" else fast_step(made, half=half)
    step()
    began = time.perf_counter(), time.process_time()
    total, gradient = step()
    facts = {
        "total": total.reshape(1),
        "gradient": gradient,
        "seconds": torch.tensor([time.perf_counter() - began[0]], dtype=torch.float64),
        "processor seconds": torch.tensor([time.process_time() - began[1]], dtype=torch.float64),
        "peak": torch.tensor(
            [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20], dtype=torch.float64
        ),
    }
    save_file(facts, out)


def measure(resolution: int) -> dict[str, Any]:
    """All variants at one resolution, compared with the plain one."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            out = Path(folder) / "step.safetensors"
            command = [sys.executable, "-m", "benchmarks.paper_step", "--child", variant]
            subprocess.run([*command, str(resolution), str(out)], check=True)
            found[variant] = load_file(out)
    plain = found["plain"]
    return {
        variant: {
            "seconds": round(float(facts["seconds"]), 2),
            "processor seconds": round(float(facts["processor seconds"]), 2),
            "peak GiB": round(float(facts["peak"]), 2),
            "loss, relative difference": float((facts["total"] / plain["total"] - 1).abs()),
            "gradient, relative difference": float(
                (facts["gradient"] - plain["gradient"]).norm() / plain["gradient"].norm()
            ),
        }
        for variant, facts in found.items()
    }


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--child"]:
        child(arguments[1], int(arguments[2]), Path(arguments[3]))
        return
    sizes = [int(text) for text in arguments] or [256]
    found = {"machine": machine(), "steps": {size: measure(size) for size in sizes}}
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
