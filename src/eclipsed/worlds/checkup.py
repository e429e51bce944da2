"""What can be checked of a world without knowing what it should show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from eclipsed.cache import cache_folder
from eclipsed.files import read_bytes, write_atomic
from eclipsed.types import Synthesis, World

SEEDS = tuple(range(8))
# Texts that no sensible generator's images are nearer to than to the world's neutral text.
STRANGE = ("random noise", "an empty white page", "a page of text")
GRID = 8  # reference pixels each way
NEAR = 0.02  # of a range of 2, by which reference pixels may differ between machines


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is fine, and what was found, in words."""

    check: str
    ok: bool
    words: str


@torch.no_grad()
def check_world(world: World, *, cache: Path | None = None) -> list[Finding]:
    """Images, reference pixels, encoder and segmenter of a world that was loaded.

    Reference pixels of seed 0 are recorded in `cache` the first time and compared from then on, so
    that a change of files, of machine or of version shows.
    """
    latents = world.generator.sample(SEEDS, truncation=world.truncation, space="z")
    features = world.segmenter.feature_names
    synthesis = world.generator.synthesize(
        latents, "z", truncation=world.truncation, features=features
    )
    # A class and a precision follow the digits of the weights, of which the first will do.
    fingerprint = world.generator.fingerprint
    name = f"{fingerprint[:24]}{fingerprint[64:]}.json"
    path = (cache or cache_folder() / "reference") / name
    return [
        _images(synthesis.image),
        _pixels(synthesis.image[0].cpu(), path),
        _texts(world, synthesis.image),
        _regions(world, synthesis),
    ]


def _images(images: Tensor) -> Finding:
    finite = bool(images.isfinite().all())
    spread = float((images - images.mean(dim=0)).abs().mean()) if finite else 0.0
    size = f"{images.shape[3]}×{images.shape[2]}"
    if not finite:
        return Finding("images", False, "they hold numbers that are not finite")
    words = f"{size} pixels; those of different seeds differ by {spread:.2f} of 2 on average"
    return Finding("images", spread > 0.01, words)


def _pixels(image: Tensor, path: Path) -> Finding:
    rows, columns = (torch.linspace(0, size - 1, GRID).long() for size in image.shape[1:])
    pixels = image[:, rows][:, :, columns].double()
    recorded = _recorded(path)
    if recorded is None or recorded.shape != pixels.shape:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(pixels.tolist()).encode())
        return Finding("reference pixels", True, "recorded, to be compared from now on")
    worst = float((pixels - recorded).abs().max())
    words = f"differ by at most {worst:.1e} from those recorded before"
    return Finding("reference pixels", worst <= NEAR, words)


def _recorded(path: Path) -> Tensor | None:
    if not path.is_file():
        return None
    try:
        return torch.tensor(json.loads(read_bytes(path, limit=2**20)), dtype=torch.float64)
    except (ValueError, TypeError):
        return None  # damaged: it is made anew


def _texts(world: World, images: Tensor) -> Finding:
    seen = world.encoder.encode_image(images.clamp(-1.0, 1.0))
    texts = world.encoder.encode_text([world.neutral, *STRANGE])
    cosines = (seen @ texts.t()).mean(dim=0).tolist()
    nearest = STRANGE[max(range(len(STRANGE)), key=lambda i: cosines[i + 1])]
    words = (
        f"images are nearer to '{world.neutral}' ({cosines[0]:.2f}) than to "
        f"'{nearest}' ({max(cosines[1:]):.2f})"
    )
    if cosines[0] <= max(cosines[1:]):
        words = words.replace("are nearer", "are NOT nearer")
    return Finding("encoder", cosines[0] > max(cosines[1:]), words)


def _regions(world: World, synthesis: Synthesis) -> Finding:
    regions = world.segmenter.regions
    if not regions:
        return Finding("segmenter", True, "there is none, so that no regions can be named")
    visible = [r for r in regions if float(world.segmenter.masks(synthesis, [r]).mean()) > 0.0005]
    words = f"finds {len(visible)} of {len(regions)} regions on 8 images"
    if missing := [region for region in regions if region not in visible]:
        words += f"; not {', '.join(missing)}"
    return Finding("segmenter", bool(visible), words)
