"""What an accelerator changes: the same images as on the processor, and how soon they are there.

    python -m benchmarks.accelerator [--device cuda] [--sizes 256,512,1024] [--json]

First parity: small networks of every family make the same images on the device as on the
processor, in float32 with TF32 off, and in bfloat16 within what docs/real.md documents. Then times
at 256², 512² and 1024²: networks of random weights at the sizes of StyleGAN2's config F, CLIP
ViT-B/32 and BiSeNet. Prints Markdown tables, or one JSON object. Exits 1 where an image differs.

Without an accelerator the processor is compared with itself, and nothing is timed.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

import eclipsed
from benchmarks.paper_step import REGION, Clip
from benchmarks.paper_step import world as random_world
from benchmarks.speed import machine
from eclipsed import Edit, EditStack, Goal, World
from eclipsed.encoders.resizing import resize
from eclipsed.search.pool import SEEDS, build_pool, view_of
from eclipsed.types import Generator
from tests.families import GENERATORS

# The largest difference from the processor's image, as a fraction of the image's largest value.
EXACT, ROUNDED = 1e-3, 0.06
LOOKED_AT = 256  # images of a first look
DRAGGED = 20  # pictures of one drag
GOAL = Goal("anything", "nothing", (REGION,))


@torch.no_grad()
def parity(
    device: str, generators: Mapping[str, Generator] = GENERATORS
) -> dict[str, dict[str, float]]:
    """Family → how far its images on the device are from the processor's, for each precision."""
    found = {}
    for family, generator in generators.items():
        latents = generator.sample(range(2), space="z")
        expected = generator.synthesize(latents, "z", truncation=0.7).image
        there = copy.deepcopy(generator).to(device)  # type: ignore[attr-defined]
        found[family] = {
            precision: _apart(
                there.in_precision(precision).synthesize(latents.to(device), "z", truncation=0.7),
                expected,
            )
            for precision in ("float32", "bfloat16")
        }
    return found


def _apart(made: Any, expected: Float[Tensor, "n 3 h w"]) -> float:
    return float((made.image.cpu() - expected).abs().max() / expected.abs().max())


def differing(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The families whose images are not the same."""
    limits = {"float32": EXACT, "bfloat16": ROUNDED}
    return [
        family
        for family, apart in found.items()
        if any(not apart[precision] <= limit for precision, limit in limits.items())
    ]


class Eyes(Clip):
    """A random CLIP that takes images of any size."""

    def encode_image(self, images: Tensor) -> Tensor:
        sized = resize(images, self.size)
        middle, spread = (sized.new_tensor(each)[:, None, None] for each in (self.mean, self.std))
        return self.encode_pixels(((sized + 1.0) / 2.0 - middle) / spread)

    def encode_text(self, texts: list[str]) -> Tensor:
        return super().encode_text(texts).to(self.model.device)


def world_at(size: int, device: str) -> World:
    """Random networks on a device."""
    made, encoder = random_world(size, frozen=True), Eyes(frozen=True)
    encoder.model.to(device)
    segmenter = made.segmenter.segmenter.to(device)  # type: ignore[attr-defined]
    generator = made.generator.to(device)  # type: ignore[attr-defined]
    return replace(made, generator=generator, encoder=encoder, segmenter=segmenter)


def times(world: World) -> dict[str, float]:
    """Seconds of the first look, of a training that follows it, of an edit, and of a drag."""
    generator = world.generator
    view = view_of(world, "w+")
    found = {f"look at {LOOKED_AT}": _seconds(lambda: build_pool(view, SEEDS[:LOOKED_AT]))}
    made: list[Any] = []
    # What the first training fits once a world, the second finds done.
    for name in ("train, first", "train, next"):
        found[name] = _seconds(lambda: made.append(eclipsed.train_direction(world, GOAL)))
    latents = generator.sample([1])

    def drag(count: int) -> None:
        for number in range(count):
            stack = EditStack((Edit(made[-1], number / count),))
            eclipsed.render(generator, latents, stack).clamp(-1.0, 1.0).cpu()

    drag(1)
    found["edit an image"] = _seconds(lambda: drag(1))
    found["a picture of a drag"] = _seconds(lambda: drag(DRAGGED)) / DRAGGED
    return {name: round(value, 4) for name, value in found.items()}


def _seconds(job: Callable[[], Any]) -> float:
    began = time.perf_counter()
    job()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def tables(found: Mapping[str, Any]) -> list[str]:
    """What was found, in Markdown."""
    lines = ["| family | float32 | bfloat16 |", "|---|---|---|"]
    for family, apart in found["parity"].items():
        lines.append(f"| {family} | {apart['float32']:.1e} | {apart['bfloat16']:.1e} |")
    if found["seconds"]:
        sizes = list(found["seconds"])
        lines += ["", f"| seconds | {' | '.join(f'{size}²' for size in sizes)} |"]
        lines.append("|---" * (len(sizes) + 1) + "|")
        for name in found["seconds"][sizes[0]]:
            cells = (f"{found['seconds'][size][name]:.3g}" for size in sizes)
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main(arguments: Sequence[str]) -> int:
    """Compare, and time where there is an accelerator; the exit code."""
    parser = argparse.ArgumentParser(description="An accelerator against the processor.")
    has = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if has else "cpu")
    parser.add_argument("--sizes", default="256,512,1024")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found: dict[str, Any] = {"machine": machine(), "device": chosen.device, "seconds": {}}
    found["parity"] = parity(chosen.device)
    if chosen.device == "cpu":
        print("No accelerator was used: the processor was compared with itself.", file=sys.stderr)
    else:
        found["machine"]["accelerator"] = torch.cuda.get_device_name(chosen.device)
        for size in map(int, chosen.sizes.split(",")):
            found["seconds"][str(size)] = times(world_at(size, chosen.device))
    print(json.dumps(found, indent=2) if chosen.json else "\n".join(tables(found)))
    wrong = differing(found["parity"])
    if wrong:
        print(f"Images differ: {', '.join(wrong)}.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
