"""Trains what finds a world's images in photos, on exact pictures pasted into invented scenes.

A kit gives its pictures and what in them is the figure; scenes are shapes, colours and noise. The
pictures are pasted turned and scaled, whole, round or cut out, in another light, blurred, noisy and
as JPEG.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter
from safetensors.torch import save
from torch import Tensor

from eclipsed.editing.photos.finder import MARGIN, SEEN, VIEW, Aligner, Finder, Scout
from eclipsed.files import write_atomic
from eclipsed.types import Point
from kits.fitting import Job, channels_last, rng_of, run

_SCENES, _SCENE = 800, 192  # invented scenes, and their side in pixels
_PATCH = 2 * SEEN  # what the scout is trained on
_TURN = math.radians(40)
_CELL = 4


@dataclass(frozen=True)
class Pictures:
    """A world's images, premultiplied: [N, 4, S, S] in 0..1, at several sizes S, the largest first.

    whole, round_, figure: what may be pasted of each image, as alpha.
    """

    sizes: tuple[Tensor, ...]

    @classmethod
    def of(cls, images: np.ndarray, figures: np.ndarray) -> Pictures:
        """images: uint8 [N, S, S, 3]; figures: bool [N, S, S]. A third each is pasted whole, round,
        and cut out."""
        n, side = len(images), images.shape[1]
        y, x = np.mgrid[:side, :side] / side - 0.5 + 0.5 / side
        alpha = np.ones((n, side, side), np.float32)
        alpha[1::4] = np.clip((0.5 - np.hypot(x, y)) * side + 0.5, 0, 1)
        alpha[2::4] = figures[2::4]
        alpha[3::4] = figures[3::4]
        planes = np.concatenate([images / 255 * alpha[..., None], alpha[..., None]], -1)
        first = torch.from_numpy(planes.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
        smaller = [F.interpolate(first, (size, size), mode="area") for size in (64, 32, 16)]
        return cls((first, *smaller))

    def __len__(self) -> int:
        return len(self.sizes[0])


def scenes(seed: int, count: int = _SCENES) -> Float[Tensor, "n 3 s s"]:
    """Invented surroundings in 0..1: soft colours, shapes, lines and grain."""
    pictures = [_scene(rng_of(seed, number)) for number in range(count)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def _scene(rng: np.random.Generator) -> np.ndarray:
    ground = np.zeros((_SCENE, _SCENE, 3), np.float32)
    for cells in rng.choice([1, 2, 3, 6, 12, 24, 48, 96], 3):
        coarse = Image.fromarray(rng.integers(0, 256, (cells + 1, cells + 1, 3), np.uint8))
        ground += np.asarray(coarse.resize((_SCENE, _SCENE), Image.Resampling.BICUBIC)) / 3
    picture = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, 40))):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        x, y = rng.uniform(0, _SCENE, 2)
        wide, high = _SCENE * rng.exponential(0.1, 2) + 2
        box = (x - wide, y - high, x + wide, y + high)
        shape = rng.integers(0, 5)
        if shape == 0:
            draw.rectangle(box, fill=colour)
        elif shape in (1, 2):
            draw.ellipse(box, fill=colour, outline=(20, 20, 20) if rng.uniform() < 0.3 else None)
        elif shape == 3:
            draw.line(box, fill=colour, width=int(rng.integers(1, 9)))
        else:
            corners = rng.normal((x, y), (wide, high), (int(rng.integers(3, 7)), 2))
            draw.polygon([(float(a), float(b)) for a, b in corners], fill=colour)
    picture = picture.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.7))))
    grain = rng.normal(0, rng.exponential(6), (_SCENE, _SCENE, 3))
    return np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)


# --- one batch ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Places:
    """Where pictures lie in views, [N] each: centre in halves of the view from its middle, side in
    views, turn in radians."""

    x: Tensor
    y: Tensor
    side: Tensor
    turn: Tensor

    def grid(self, size: int) -> Float[Tensor, "n h w 2"]:
        cos, sin = torch.cos(self.turn) / self.side, torch.sin(self.turn) / self.side
        shift_x, shift_y = cos * self.x + sin * self.y, cos * self.y - sin * self.x
        rows = [torch.stack([cos, sin, -shift_x], 1), torch.stack([-sin, cos, -shift_y], 1)]
        theta = torch.stack(rows, 1).float()
        return F.affine_grid(theta, [len(theta), 3, size, size], align_corners=False)


def _grounds(rng: np.random.Generator, pool: Tensor, count: int, size: int) -> Tensor:
    """Random cut-outs of random scenes."""
    side = torch.from_numpy(rng.uniform(0.25, 1.0, count)) ** -1
    turn, x, y = (torch.from_numpy(rng.uniform(-1, 1, count)) for _ in range(3))
    grid = _Places(x * side * 0.5, y * side * 0.5, side, turn).grid(size)
    chosen = pool[rng.integers(0, len(pool), count)]
    return F.grid_sample(chosen, grid, padding_mode="reflection", align_corners=False)


def _paste(
    rng: np.random.Generator,
    pictures: Pictures,
    grounds: Tensor,
    places: _Places,
    some: Tensor,
    alone: float = 0.0,
) -> Tensor:
    """Grounds with a random picture each at its place, where `some` says so.

    alone: of so many, the picture is all there is: its reflection continues it, as a Crop does.
    """
    count, size = len(grounds), grounds.shape[-1]
    pixels = float((places.side * size).median())
    fitting = min(pictures.sizes, key=lambda each: abs(math.log(each.shape[-1] / pixels)))
    chosen = fitting[rng.integers(0, len(pictures), count)]
    laid = F.grid_sample(chosen, places.grid(size), align_corners=False)
    if alone:
        which = np.flatnonzero(rng.uniform(size=count) < alone)
        whole = fitting[rng.integers(0, len(pictures) // 4, len(which)) * 4]
        grid = places.grid(size)[which]
        laid[which] = F.grid_sample(whole, grid, padding_mode="reflection", align_corners=False)
    laid = laid * some.float()[:, None, None, None]
    return grounds * (1 - laid[:, 3:]) + laid[:, :3]


def _spoilt(rng: np.random.Generator, views: Tensor) -> Tensor:
    """In another light, blurred, noisy, and some of them as JPEG."""
    count = len(views)

    def per_view(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).reshape(count, -1, 1, 1)

    views = views.clamp(0, 1) ** per_view(np.exp(rng.normal(0, 0.25, count)))
    views = views * per_view(rng.uniform(0.5, 1.15, count)) + per_view(rng.normal(0, 0.06, count))
    views = views * per_view(np.exp(rng.normal(0, 0.1, (count, 3))))
    half = F.interpolate(F.avg_pool2d(views, 2), scale_factor=2.0, mode="bilinear")
    views = views.lerp(half, per_view(rng.uniform(0, 1, count) * (rng.uniform(size=count) < 0.5)))
    noise = torch.from_numpy(rng.standard_normal(views.shape, np.float32))
    views = (views + noise * per_view(rng.exponential(0.03, count))).clamp(0, 1)
    for index in np.flatnonzero(rng.uniform(size=count) < 0.2):
        pixels = (views[index].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(50, 96)))
        views[index] = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    return views * 2 - 1


def _either(rng: np.random.Generator, count: int, near: float, far: float) -> Tensor:
    """Numbers of up to ±`far`, half of them of up to ±`near`."""
    limits = np.where(rng.uniform(size=count) < 0.5, near, far)
    return torch.from_numpy(rng.uniform(-1, 1, count) * limits)


# --- the two networks ---------------------------------------------------------------------------


def fit_scout(folder: Path, job: Job, pictures: Pictures, pool: Tensor) -> Scout:
    """Train (or resume) a scout in `folder`; returns the moving average."""
    torch.manual_seed(job.seed)
    scout = channels_last(Scout())
    at = (torch.arange(_PATCH // _CELL) + 0.5) * _CELL / SEEN

    def loss_at(step: int) -> Tensor:
        rng, n = rng_of(job.seed, step), job.batch
        octaves = _either(rng, n, 0.3, 1.8)
        side = torch.exp2(octaves)  # in SEEN pixels; a patch has twice as many
        x, y = (torch.from_numpy(rng.uniform(-0.9, 0.9, n)) for _ in range(2))
        places = _Places(x, y, side / 2, torch.from_numpy(rng.uniform(-_TURN, _TURN, n)))
        some = torch.from_numpy(rng.uniform(size=n) < 0.8)
        views = _paste(rng, pictures, _grounds(rng, pool, n, _PATCH), places, some)
        answers = scout(_spoilt(rng, views))
        # From each cell to the centre, in SEEN pixels.
        to_x = (x[:, None] + 1 - at)[:, None, :].expand(n, len(at), len(at))
        to_y = (y[:, None] + 1 - at)[:, :, None].expand(n, len(at), len(at))
        far = torch.hypot(to_x, to_y) / side[:, None, None]
        fits = (some & (octaves.abs() <= 0.32))[:, None, None]
        nearly = (some & (octaves.abs() <= 0.75))[:, None, None]
        there = fits & (far < 0.13)
        known = there | ~(nearly & (far < 0.4))
        weight = known * torch.where(there, 8.0, 1.0)
        score = F.binary_cross_entropy_with_logits(
            answers[:, 0], there.float(), weight.float(), reduction="sum"
        ) / float(weight.sum())
        truth = torch.stack([to_x, to_y, side.log()[:, None, None].expand_as(to_x)], 1).float()
        wrong = F.smooth_l1_loss(answers[:, 1:], truth, reduction="none", beta=0.1).mean(1)
        return score + 4 * (wrong * there).sum() / there.sum().clamp(min=1)

    return run(scout, loss_at, job, folder, "scout")


def fit_aligner(folder: Path, job: Job, pictures: Pictures, pool: Tensor) -> Aligner:
    """Train (or resume) an aligner in `folder`; returns the moving average."""
    torch.manual_seed(job.seed)
    aligner = channels_last(Aligner())

    def loss_at(step: int) -> Tensor:
        rng, n = rng_of(job.seed, step), job.batch
        x, y = _either(rng, n, 0.05, 0.25), _either(rng, n, 0.05, 0.25)
        scale, turn = _either(rng, n, 0.06, 0.35), _either(rng, n, 0.08, _TURN)
        # What is no square at all, or one that is too far off.
        kind = torch.from_numpy(rng.uniform(size=n))
        some, off = kind >= 0.3, (kind >= 0.3) & (kind < 0.45)
        angle = torch.from_numpy(rng.uniform(0, 2 * np.pi, n))
        sign = torch.from_numpy(rng.choice([-1.0, 1.0], n))
        how = torch.from_numpy(rng.uniform(size=n)) < 0.5
        away = torch.from_numpy(rng.uniform(0.5, 1.0, n))
        x = torch.where(off & how, away * angle.cos(), x)
        y = torch.where(off & how, away * angle.sin(), y)
        wrong_scale = torch.from_numpy(rng.uniform(0.75, 1.5, n)) * sign
        scale = torch.where(off & ~how, wrong_scale, scale)
        places = _Places(x * 2 / MARGIN, y * 2 / MARGIN, scale.exp() / MARGIN, turn)
        views = _paste(rng, pictures, _grounds(rng, pool, n, VIEW), places, some, 0.15)
        views = _spoilt(rng, views)
        views[~some] = _mistaken(rng, aligner, pool, int((~some).sum()))
        answers = aligner(views)
        there = some & ~off
        score = F.binary_cross_entropy_with_logits(answers[:, 0], there.float())
        truth = torch.stack([x, y, scale, turn], 1).float()
        wrong = F.smooth_l1_loss(answers[:, 1:], truth, reduction="none", beta=0.02).mean(1)
        return score + 10 * (wrong * there).sum() / there.sum().clamp(min=1)

    return run(aligner, loss_at, job, folder, "aligner")


@torch.no_grad()
def _mistaken(rng: np.random.Generator, aligner: Aligner, pool: Tensor, count: int) -> Tensor:
    """Of several times as many views of scenes, those most like a square to the aligner."""
    if not count:
        return pool.new_empty(0, 3, VIEW, VIEW)
    views = _spoilt(rng, _grounds(rng, pool, 4 * count, VIEW))
    scores = aligner.eval()(views)[:, 0]
    aligner.train()
    return views[scores.argsort(descending=True)[:count]]


def fit_finder(
    folder: Path, jobs: Sequence[Job], pictures: Pictures, frame: Sequence[Point]
) -> Finder:
    """Train (or resume) the scout and the aligner in `folder`, by a job each."""
    pool = scenes(jobs[0].seed)
    scout = fit_scout(folder, jobs[0], pictures, pool)
    return Finder(scout, fit_aligner(folder, jobs[1], pictures, pool), tuple(frame))


def save_finder(finder: Finder, path: Path) -> None:
    """Write it as `load_finder` reads it, in fp16."""
    tensors = {
        f"{name}.{key}": value.half() if value.is_floating_point() else value
        for name, network in (("scout", finder.scout), ("aligner", finder.aligner))
        for key, value in network.state_dict().items()
    }
    whole = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_atomic(path, save(whole, {"format": "pt"}))
