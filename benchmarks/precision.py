"""What half precision costs in exactness and saves in time, family by family.

    python -m benchmarks.precision [--json] [CASE …] [PRECISION …]     # all unless some are named

The starter's own generator, and networks of random weights at the sizes that were published. Every
image is compared with the float32 one. Prints a table in Markdown, or one JSON object; times are
processor seconds, so other work on the machine hardly counts.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch

import eclipsed
from benchmarks.speed import machine
from eclipsed.generators.biggan import AttentionSize, BigGAN, BigGANConfig, BlockSize
from eclipsed.generators.generator import NetworkGenerator
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.generators.stylegan3 import StyleGAN3, StyleGAN3Config
from eclipsed.types import PRECISIONS

SEEDS = range(2)
REPEATS = 2
PATIENCE = 10.0  # seconds of a run after which it is not repeated


def starter() -> NetworkGenerator:
    return eclipsed.load_world("starter").generator


def stylegan2() -> NetworkGenerator:
    """Config F at 256²."""
    channels = {2**k: min(32_768 // 2**k, 512) for k in range(2, 9)}
    return StyleGAN2(StyleGAN2Config(256, channels)).eval().requires_grad_(False)


def stylegan3() -> NetworkGenerator:
    """Config T at 256²: 14 layers, the last two critically sampled."""
    shares = [min(i / 12, 1.0) for i in range(15)]
    cutoffs = [2.0 * 64.0**share for share in shares]
    widths = [round(min(16_384 / cutoff, 512)) for cutoff in cutoffs]
    config = StyleGAN3Config(256, (*widths[:-1], 3))
    return StyleGAN3(config).eval().requires_grad_(False)


def biggan() -> NetworkGenerator:
    """BigGAN-deep at 256²."""
    widths = (16, 16, 16, 16, 8, 8, 8, 8, 4, 4, 2, 2, 1)
    layers: list[BlockSize | AttentionSize] = [
        BlockSize(32 * inputs, 128 * outputs, i % 2 == 1)
        for i, (inputs, outputs) in enumerate(pairwise(widths))
    ]
    layers.insert(8, AttentionSize(128, 512))
    config = BigGANConfig(
        z_dim=128, classes=1_000, class_dim=128, inputs=2_048, layers=tuple(layers), outputs=128
    )
    return BigGAN(config).eval().requires_grad_(False)


CASES: dict[str, Callable[[], NetworkGenerator]] = {
    "starter": starter,
    "stylegan2": stylegan2,
    "stylegan3": stylegan3,
    "biggan": biggan,
}


@torch.no_grad()
def measure(generator: NetworkGenerator, precisions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Precision → seconds an image, largest error and PSNR; the smallest time of some repeats.

    The first of the precisions is float32, with which the others are compared.
    """
    latents = generator.sample(SEEDS, space="z")
    found: dict[str, dict[str, Any]] = {}
    exact = torch.empty(0)
    for precision in precisions:
        times = []
        try:
            chosen = generator.in_precision(precision)
            for _ in range(REPEATS):
                began = time.process_time()
                image = chosen.synthesize(latents, "z", truncation=0.7).image
                times.append((time.process_time() - began) / len(latents))
                if sum(times) * len(latents) > PATIENCE:
                    break
        except (eclipsed.EclipsedError, RuntimeError) as error:
            found[precision] = {"failed": str(error).split("\n")[0]}
            continue
        if precision == "float32":
            exact = image
        found[precision] = {"seconds": round(min(times), 4), **_errors(image, exact)}
    return found


def _errors(image: torch.Tensor, exact: torch.Tensor) -> dict[str, float | None]:
    """The largest difference by the largest value, and PSNR, whose peak is twice that value."""
    largest = float(exact.abs().max())
    difference = (image - exact).double()
    noise = float(difference.square().mean())
    psnr = round(10 * math.log10((2 * largest) ** 2 / noise), 1) if noise else None
    return {"error": float(f"{float(difference.abs().max()) / largest:.2g}"), "PSNR": psnr}


def table(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The measurements as Markdown: seconds an image, largest error, PSNR."""
    precisions = list(next(iter(found.values())))
    lines = [f"| | {' | '.join(precisions)} |", "|---" * (len(precisions) + 1) + "|"]
    for name, row in found.items():
        lines.append(f"| {name} | {' | '.join(_cell(row[precision]) for precision in row)} |")
    return "\n".join(lines)


def _cell(facts: dict[str, Any]) -> str:
    if "failed" in facts:
        return f"failed: {facts['failed']}"
    if facts["PSNR"] is None:
        return f"{facts['seconds']:.3g} s"
    return f"{facts['seconds']:.3g} s, {facts['error']:.2g}, {facts['PSNR']:.0f} dB"


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if name in CASES] or list(CASES)
    others = [name for name in arguments if name in PRECISIONS[1:]] or PRECISIONS[1:]
    found = {}
    for name in names:
        torch.manual_seed(0)
        found[name] = measure(CASES[name](), ["float32", *others])
    if "--json" in arguments:
        json.dump({"machine": machine(), "precision": found}, sys.stdout, indent=2)
        print()
    else:
        print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
