"""Photos there and back, in numbers: avatars that no network ever saw, in scenes of a camera.

    python -m benchmarks.photos [--photos 24] [--compared 6] [-o FOLDER]

Every scene has noise, blur, another light, a rotation of the avatar, and half are JPEGs. Where the
avatar lies is known, so that only inversion, edits and pasting are measured. Pictures of the first
photos, and the plot of the three ways to invert, go to the folder.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F

import eclipsed
from eclipsed import Direction, Edit, Inversion, InvertConfig, World
from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.faces import Placement
from eclipsed.editing.photos.pasting import Pasted
from eclipsed.editing.photos.session import view_of
from eclipsed.types import Claim, Judge
from kits.starter.fit_inverter import population_rows
from kits.starter.renderer import Renderer

CARDS = ("sunglasses", "curly-hair", "a-hoodie", "a-long-beard", "gray-hair")
FIRST = 3_000_000  # of the avatars' random numbers; trainings and their scores use others
RING = 4  # pixels on both sides of a mask's edge
REACHED = 0.5  # a judge's probability from which an attribute is there


@dataclass(frozen=True)
class Scene:
    """A photo's file, and where in it the avatar is."""

    path: Path
    placement: Placement


def scene(number: int, folder: Path) -> Scene:
    """A scene of 1 to 4 million pixels with one avatar."""
    rng = np.random.default_rng(FIRST + number)
    avatar = Renderer().render(population_rows(rng, 1)[1]).images[0]
    width = int(rng.integers(1100, 2300))
    height = width * 3 // 4
    side = float(rng.uniform(180, 0.6 * height))
    turn, x, y = math.radians(rng.uniform(-12, 12)), width * rng.uniform(0.4, 0.6), height / 2
    across = np.array([math.cos(turn), math.sin(turn)]) * side / 2
    down = np.array([-across[1], across[0]])
    middle = np.array([x, y])
    corners = (
        middle - across - down, middle - across + down, middle + across + down,
        middle + across - down,
    )  # fmt: skip
    crop = Crop(tuple((float(a), float(b)) for a, b in corners))  # type: ignore[arg-type]
    ground = rng.integers(40, 220, (7, 9, 3)).astype(np.uint8)
    large = Image.fromarray(avatar).resize((512, 512), Image.Resampling.LANCZOS)
    values = (torch.from_numpy(np.array(large)).float() / 255.0).permute(2, 0, 1)
    (left, top, right, bottom), laid, inside = crop.back(values, height, width)
    back = Image.fromarray(ground).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(back).astype(np.float32) / 255.0
    window = pixels[top:bottom, left:right]
    share = (inside > 0).float()[..., None].numpy()
    window += (laid.permute(1, 2, 0).numpy() - window) * share
    pixels = _camera(pixels, rng)
    picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))
    path = folder / f"{number}.{'jpg' if number % 2 else 'png'}"
    options: dict[str, Any] = {"quality": int(rng.integers(70, 96))} if number % 2 else {}
    picture.save(path, **options)
    return Scene(path, Placement(crop))


def _camera(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Another light, a little blur, noise."""
    tint = rng.uniform(0.9, 1.06, 3).astype(np.float32)
    picture = Image.fromarray((pixels * tint * 255).clip(0, 255).astype(np.uint8))
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 1.5)))
    noise = rng.normal(0, rng.uniform(0.005, 0.03), pixels.shape).astype(np.float32)
    return np.asarray(blurred).astype(np.float32) / 255.0 + noise


# --- what is measured ---------------------------------------------------------------------------


@torch.no_grad()
def shows(judge: Judge, image: Tensor, claim: Claim) -> bool:
    """Whether a judge sees what a card claims in an image [1, 3, H, W]."""
    values = judge.groups[claim.group]
    chances = judge.attributes(image.clamp(-1, 1)).probabilities[claim.group][0]
    return float(sum(chances[values.index(value)] for value in claim.values)) > REACHED


def seeds_reach(world: World, judge: Judge, card: Direction, claim: Claim, count: int) -> float:
    """The fraction of seeds that show a card's attribute at strength 1."""
    latents = world.generator.sample(range(FIRST, FIRST + count), world.truncation)
    images = eclipsed.render(world.generator, latents, Edit(card))
    return float(np.mean([shows(judge, image[None], claim) for image in images]))


def seam(pasted: Pasted) -> float:
    """The mean change, in 1/255, of the pixels on a ring along the mask's edge."""
    mask = torch.from_numpy(pasted.mask)[None, None].float()
    inner = 1.0 - F.max_pool2d(F.pad(1.0 - mask, [RING] * 4, value=1.0), 2 * RING + 1, 1)
    ring = (mask - inner)[0, 0].bool().numpy()
    change = np.abs(pasted.pixels.astype(int) - pasted.before).mean(axis=-1)
    return float(change[ring].sum() / max(1, 2 * ring.sum()))  # as much lies outside, unchanged


@dataclass(frozen=True)
class Edited:
    """What one edit of one photo came to."""

    card: str
    reached: bool
    seam: float
    outside: int


def edited(world: World, scenes: Sequence[Scene], folder: Path) -> tuple[list[Edited], int]:
    """Every photo with every card, and how many photos strength 0 leaves byte-identical."""
    assert world.judge is not None
    assert world.shipped is not None
    judge, results, same = world.judge(), [], 0
    cards = {
        name: Direction.load(world.shipped / "cards" / f"{name}.safetensors") for name in CARDS
    }
    for number, one in enumerate(scenes):
        photo = eclipsed.read_photo(one.path)
        inversion = eclipsed.invert_photo(world, photo, placement=one.placement)
        for name, card in cards.items():
            claim = judge.claim(card.prompt)
            assert claim is not None
            done = eclipsed.edit_photo(world, photo, inversion, Edit(card))
            out = folder / f"{one.path.stem}-{name}{one.path.suffix}"
            written = eclipsed.write_photo(done.pasted, out)
            view = view_of(world, eclipsed.read_photo(out), one.placement.crop)
            results.append(
                Edited(name, shows(judge, view, claim), seam(done.pasted), written.outside)
            )
            if number >= 4:
                out.unlink()
        untouched = eclipsed.edit_photo(world, photo, inversion, Edit(cards[CARDS[0]], 0.0))
        zero = folder / f"zero{one.path.suffix}"
        eclipsed.write_photo(untouched.pasted, zero)
        same += zero.read_bytes() == one.path.read_bytes()
    return results, same


def compared(world: World, scenes: Sequence[Scene]) -> dict[str, list[Inversion]]:
    """The three ways to invert, on the same photos."""
    inversions: dict[str, list[Inversion]] = {"encoder": [], "optimise": [], "tune": []}
    for one in scenes:
        image = view_of(world, eclipsed.read_photo(one.path), one.placement.crop)
        for method, results in inversions.items():
            results.append(eclipsed.invert(world, image, InvertConfig(method=method)))
    return inversions


def plot(inversions: dict[str, list[Inversion]], path: Path) -> None:
    """PSNR over seconds, a dot for each photo."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for method, results in inversions.items():
        seconds = [max(each.seconds, 0.01) for each in results]
        axes.scatter(seconds, [each.scores["psnr"] for each in results], label=method)
    axes.set(xscale="log", xlabel="seconds", ylabel="PSNR in dB")
    axes.legend()
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str]) -> int:
    """Print the table; the pictures go to a folder."""
    parser = argparse.ArgumentParser(description="Photos there and back, in numbers.")
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--compared", type=int, default=6, help="photos for all methods, from 1")
    parser.add_argument("-o", "--out", type=Path, help="where pictures go")
    chosen = parser.parse_args(arguments)
    out = chosen.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    world = eclipsed.load_world("starter")
    assert world.judge is not None
    scenes = [scene(number, out) for number in range(chosen.photos)]
    began = time.monotonic()
    results, same = edited(world, scenes, out)
    print(f"{chosen.photos} photos, {len(CARDS)} edits each, {time.monotonic() - began:.0f} s\n")
    print("| edit | reached on photos | on seeds | seam, 1/255 | pixels outside |")
    print("|---|---|---|---|---|")
    for name in CARDS:
        card = Direction.load(world.shipped / "cards" / f"{name}.safetensors")  # type: ignore[operator]
        claim = world.judge().claim(card.prompt)
        assert claim is not None
        rows = [row for row in results if row.card == name]
        seeds = seeds_reach(world, world.judge(), card, claim, 32)
        print(
            f"| {name} | {np.mean([row.reached for row in rows]):.2f} | {seeds:.2f} | "
            f"{np.mean([row.seam for row in rows]):.2f} (worst {max(r.seam for r in rows):.2f}) | "
            f"{sum(row.outside for row in rows)} |"
        )
    print(f"\nstrength 0: {same} of {chosen.photos} files byte-identical\n")
    inversions = compared(world, scenes[: chosen.compared])
    print("| method | PSNR, dB | lowest | feature distance | latent distance | seconds |")
    print("|---|---|---|---|---|---|")
    for method, each in inversions.items():
        psnr = [one.scores["psnr"] for one in each]
        middle = [
            np.median([one.scores[k] for one in each])
            for k in ("feature_distance", "latent_distance")
        ]
        print(
            f"| {method} | {np.median(psnr):.1f} | {min(psnr):.1f} | {middle[0]:.3f} | "
            f"{middle[1]:.2f} | {np.median([one.seconds for one in each]):.1f} |"
        )
    plot(inversions, out / "methods.png")
    print(f"\npictures: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
