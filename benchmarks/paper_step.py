"""One training step of method paper against the plain transcription in tests/reference.py.

    python -m benchmarks.paper_step [RESOLUTION …]     # 256 unless named; 1024 takes minutes
    python -m benchmarks.paper_step finished           # what bfloat16 changes in a whole training

Random weights at the sizes of StyleGAN2's config F, a random CLIP ViT-B/32 and a random BiSeNet,
two images a step. Every variant runs in a process of its own, so that its peak of memory is its
own, and does the step twice; the second is timed. Prints one JSON object.

A label map jumps: where two classes are as likely, rounding decides between them. So gradients are
also compared with every variant given the label maps of the plain one; up to 256 pixels, each with
the plain step in float64 as well, because the plain step in float32 rounds too.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import eclipsed
from benchmarks.speed import PROMPT, machine
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.paper import PaperConfig, draw, paper_losses, start_directions
from eclipsed.segmenters.bisenet import BiSeNet, segmenter_of
from eclipsed.types import Goal, Segmenter, Synthesis, World
from tests import reference

VARIANTS = ("plain", "fast", "fast, bfloat16")
EXACT = "plain, float64"
MOST_EXACT = 256  # pixels; beyond, float64 needs more memory than many machines have
REGION = "face"

Step = Callable[[], tuple[Tensor, Tensor]]


class Clip:
    """A random CLIP ViT-B/32 image tower; the plain variant leaves its parameters trainable."""

    name, size = "random ViT-B/32", 224
    fingerprint = name
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


class Watched:
    """A segmenter whose masks are noted; where some are given, those take their place."""

    feature_names: tuple[str, ...] = ()

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter, self.name, self.regions = segmenter, segmenter.name, segmenter.regions
        self.fingerprint = segmenter.fingerprint
        self.noted: list[Tensor] = []
        self.given: list[Tensor] = []

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        if self.given:
            return self.given.pop(0)
        self.noted.append(self.segmenter.masks(synthesis, regions))
        return self.noted[-1]


@torch.no_grad()
def world(resolution: int, *, frozen: bool) -> World:
    """Random networks, the same ones for every variant, with images and label maps of some sense.

    Colours mostly stay within what pictures hold, and the segmenter's running statistics are those
    of these images; untouched ones give one class everywhere, and nothing to localize.
    """
    torch.manual_seed(resolution)
    channels = {2**k: min(32_768 // 2**k, 512) for k in range(2, resolution.bit_length())}
    generator = StyleGAN2(StyleGAN2Config(resolution, channels)).eval().requires_grad_(False)
    for name, value in generator.named_parameters():
        if name.endswith("torgb.weight"):
            value *= 0.3
        elif name.endswith("noise_strength"):
            value.fill_(0.1)
    network = BiSeNet().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    segmenter = segmenter_of(network, name="random")
    segmenter.masks(generator.synthesize(generator.sample(range(2))), [REGION])
    network.eval()
    return World("random", generator, Clip(frozen=frozen), Watched(segmenter), {REGION: (REGION,)})


def plain_step(made: World, *, exact: bool = False) -> Step:
    """The transcription's step; `exact` does it in float64, from the same float32 numbers."""
    config, generator, encoder = PaperConfig(), made.generator, made.encoder
    drawn = draw(config, 0, z_dim=generator.z_dim)
    inputs = {
        "latents": generator.from_z(drawn.z, truncation=config.truncation),
        "direction": start_directions(generator, config)[0],
        "text": encoder.encode_text(["anything"])[0],
    }
    if exact:
        inputs = {name: value.double() for name, value in inputs.items()}
        for network in (generator, encoder.model):  # type: ignore[attr-defined]
            network.double()  # type: ignore[attr-defined]

    def step() -> tuple[Tensor, Tensor]:
        done = reference.step(
            generator,  # type: ignore[arg-type]
            encode=encoder.encode_pixels,
            size=encoder.size,
            mean=encoder.mean,
            std=encoder.std,
            segment=lambda images: made.segmenter.masks(Synthesis(images), [REGION]),
            strength=drawn.strength,
            local_weight=config.local_weight,
            **inputs,
        )
        return done.total, done.gradient

    return step


def fast_step(made: World, *, half: bool) -> Step:
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


def child(variant: str, resolution: int, out: Path, plain: Path) -> None:
    """Measure a variant; write its results, its masks, the seconds and the peak of memory.

    plain: the results of the plain variant, whose masks are used for one further step.
    """
    made = world(resolution, frozen=variant != "plain")
    watched = made.segmenter
    assert isinstance(watched, Watched)
    if variant == EXACT:
        step = plain_step(made, exact=True)
        torch.set_default_dtype(torch.float64)
        watched.given = list(load_file(plain)["masks"].double())
        total, gradient = step()
        save_file({"given total": total.reshape(1), "given gradient": gradient}, out)
        return
    half = "bfloat16" in variant
    step = plain_step(made) if variant == "plain" else fast_step(made, half=half)
    facts = timed(step)
    facts["masks"] = torch.stack(watched.noted[-2:])
    if variant != "plain":
        watched.given = list(load_file(plain)["masks"])
        total, gradient = step()
        facts |= {"given total": total.reshape(1), "given gradient": gradient}
    save_file(facts, out)


def timed(step: Step) -> dict[str, Tensor]:
    """Do a step twice and time the second."""
    step()
    began = time.perf_counter(), time.process_time()
    total, gradient = step()
    took = time.perf_counter() - began[0], time.process_time() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "total": total.reshape(1),
        "gradient": gradient,
        "costs": torch.tensor([*took, peak], dtype=torch.float64),
    }


def measure(resolution: int) -> dict[str, Any]:
    """All variants at one resolution, compared with the plain one and, if small, with float64."""
    variants = (*VARIANTS, EXACT) if resolution <= MOST_EXACT else VARIANTS
    found: dict[str, dict[str, Tensor]] = {}
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "0.safetensors"
        for number, variant in enumerate(variants):
            out = Path(folder) / f"{number}.safetensors"
            command = [sys.executable, "-m", "benchmarks.paper_step", "--child", variant]
            subprocess.run([*command, str(resolution), str(out), str(first)], check=True)
            found[variant] = load_file(out)
    plain, exact = found["plain"], found.pop(EXACT, None)
    plain |= {"given total": plain["total"], "given gradient": plain["gradient"]}
    return {variant: report(facts, plain, exact) for variant, facts in found.items()}


def report(
    facts: dict[str, Tensor], plain: dict[str, Tensor], exact: dict[str, Tensor] | None
) -> dict[str, float]:
    """What is said about one variant."""
    seconds, processor, peak = facts["costs"].tolist()
    compared = {
        "loss, relative difference": away(facts["total"], plain["total"]),
        "gradient, relative difference": away(facts["gradient"], plain["gradient"]),
        "the same with the plain label maps": away(
            facts["given gradient"], plain["given gradient"]
        ),
    }
    if exact is not None:
        compared |= {
            "loss, with these label maps, from float64": away(
                facts["given total"], exact["given total"]
            ),
            "gradient, with these label maps, from float64": away(
                facts["given gradient"], exact["given gradient"]
            ),
        }
    return {
        "seconds": round(seconds, 2),
        "processor seconds": round(processor, 2),
        "peak GiB": round(peak, 2),
        "region, share of the images": float(facts["masks"].mean()),
        "label maps, share of pixels that differ": float(
            (facts["masks"] != plain["masks"]).float().mean()
        ),
        **{name: float(f"{value:.2g}") for name, value in compared.items()},
    }


def away(value: Tensor, truth: Tensor) -> float:
    """The length of the difference, relative to the truth's."""
    return float((value.double() - truth.double()).norm() / truth.double().norm())


def finished(**changes: Any) -> dict[str, float]:
    """A direction trained in bfloat16 against the same in float32, on the starter world.

    "what was added" is the direction less its random start, which is the same for both.
    """
    made = eclipsed.load_world("starter")
    goal = eclipsed.goal_from_prompt(PROMPT, made)
    vectors: list[Tensor] = []
    times: list[float] = []
    for half in (False, True):
        config = PaperConfig(half=half, **changes)
        began = time.process_time()
        vectors.append(eclipsed.train_direction(made, goal, config).vector)
        times.append(round(time.process_time() - began, 2))
    start = start_directions(made.generator, PaperConfig(**changes))[0]
    added = [vector - start for vector in vectors]
    return {
        "processor seconds, float32": times[0],
        "processor seconds, bfloat16": times[1],
        "cosine of the directions": float(F.cosine_similarity(*vectors, dim=0)),
        "cosine of what was added": float(F.cosine_similarity(*added, dim=0)),
        "added, relative to the start": float(added[0].norm() / start.norm()),
    }


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--child"]:
        child(arguments[1], int(arguments[2]), Path(arguments[3]), Path(arguments[4]))
        return
    found: dict[str, Any] = {"machine": machine()}
    if arguments == ["finished"]:
        found["finished"] = finished()
    else:
        found["steps"] = {size: measure(size) for size in [int(x) for x in arguments] or [256]}
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
