"""Pictures of the starter world for its page, made by its own generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from eclipsed.editing.images import grid, save_png, strip_picture
from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.worlds.starter.attributes import GROUPS
from kits.fitting import to_images
from kits.starter.design import avatars_from_codes, w_from_codes
from kits.starter.population import COLUMNS, prior, uniform_codes
from kits.starter.renderer import Floats, Renderer

PSI = 0.7
FRAMES = 9
TRUNCATIONS = (0.0, 0.3, 0.5, 0.7, 1.0, 1.3)


def save_sheets(generator: StyleGAN2, folder: Path) -> None:
    """Write every sheet as `starter-NAME.png`."""
    for name, draw in SHEETS.items():
        recipe = {"picture": name, "generator": generator.fingerprint}
        save_png(draw(generator), folder / f"starter-{name}.png", recipe)


@torch.no_grad()
def _from_codes(generator: StyleGAN2, codes: Floats) -> Tensor:
    w = torch.from_numpy(w_from_codes(codes)) + generator.mapping.w_avg
    return generator.synthesize(w, "w").image


@torch.no_grad()
def samples(generator: StyleGAN2) -> Image.Image:
    """The first seeds at ψ .7, as anybody gets them."""
    return grid(generator.synthesize(generator.sample(range(24), PSI)).image, 8)


def values(generator: StyleGAN2) -> Image.Image:
    """Every value of every group on one person."""
    base = prior().copy()
    for group in GROUPS:
        _show(base, group.name, int(base[COLUMNS[group.name]].argmax()))
    base[COLUMNS["skin"]], base[COLUMNS["background"]] = 0.3, (-0.5, -0.5)
    codes, labels = [], []
    for group in GROUPS:
        for number, value in enumerate(group.names):
            code = base.copy()
            _show(code, group.name, number)
            codes.append(code)
            part = group.name.removesuffix(" color")
            plain = value if part == group.name else f"{value} {part}"
            labels.append(f"no {part}" if value == "none" else plain)
    return grid(_from_codes(generator, np.stack(codes)), 10, labels)


def _show(code: Floats, group: str, number: int) -> None:
    """Make a code [WIDTH] show one value of a group, in place."""
    code[COLUMNS[group]] = 0
    code[COLUMNS[group].start + number] = 1


@torch.no_grad()
def truncations(generator: StyleGAN2) -> Image.Image:
    """Three seeds from the mean avatar to beyond."""
    z = generator.sample((3, 5, 8), space="z")
    rows = [generator.synthesize(generator.from_z(z, psi)).image for psi in TRUNCATIONS]
    columns = [f"psi {psi:g}" for psi in TRUNCATIONS]
    return strip_picture(torch.stack(rows, dim=1), ["seed 3", "seed 5", "seed 8"], columns)


@torch.no_grad()
def interpolation(generator: StyleGAN2) -> Image.Image:
    """From one seed to another along a great circle of z, at ψ .7."""
    seeds = ((1, 2), (4, 6), (7, 9))
    strips = []
    for pair in seeds:
        z = generator.sample(pair, space="z")
        a, b = z / z.norm(dim=1, keepdim=True) * z.shape[1] ** 0.5
        angle = torch.arccos(a @ b / len(a))
        t = torch.linspace(0, 1, FRAMES)[:, None]
        path = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
        strips.append(generator.synthesize(generator.from_z(path, PSI)).image)
    return strip_picture(torch.stack(strips), [f"{a} to {b}" for a, b in seeds], ())


def pairs(generator: StyleGAN2) -> Image.Image:
    """Exact renders above what the generator makes of the same codes."""
    codes = uniform_codes(np.random.default_rng(12), 10)
    renders = to_images(Renderer().render(avatars_from_codes(codes)).images)
    made = _from_codes(generator, codes)
    return strip_picture(torch.stack([renders, made]), ["render", "generated"], ())


SHEETS: Mapping[str, Callable[[StyleGAN2], Image.Image]] = {
    "samples": samples,
    "values": values,
    "truncation": truncations,
    "interpolation": interpolation,
    "pairs": pairs,
}
