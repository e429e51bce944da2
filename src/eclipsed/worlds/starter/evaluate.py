"""Measures the starter world's networks against exact truth, on draws that no training saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.metrics import psnr, ssim
from eclipsed.types import World
from eclipsed.worlds.starter.attributes import GROUPS, REGIONS
from eclipsed.worlds.starter.batches import JUDGED, class_of, to_images
from eclipsed.worlds.starter.captions import phrasings, truths
from eclipsed.worlds.starter.design import (
    avatars_from_codes,
    codes_from_w,
    training_rows,
    w_from_codes,
)
from eclipsed.worlds.starter.models import StarterEncoder, StarterJudge, StarterSegmenter
from eclipsed.worlds.starter.population import Z_DIM, codes_from_z, prior, uniform_codes
from eclipsed.worlds.starter.predicates import PREDICATE
from eclipsed.worlds.starter.renderer import Avatars, Drawing, Renderer

SEED = 4242
BATCH = 32
Floats = NDArray[np.float32]


def evaluate(world: World, n: int = 512) -> dict[str, Any]:
    """Every score of the world, on `n` held-out draws each; about 3 minutes for 512 on two cores."""
    generator, judge = world.generator, world.judge() if world.judge else None
    assert isinstance(generator, StyleGAN2) and isinstance(judge, StarterJudge)
    assert isinstance(world.encoder, StarterEncoder) and isinstance(
        world.segmenter, StarterSegmenter
    )
    renderer = Renderer()
    rng = np.random.default_rng(SEED)
    clean = uniform_codes(rng, n)
    avatars = avatars_from_codes(clean)
    drawing = renderer.render(avatars)
    images = to_images(drawing.images)
    made = synthesize(generator, np.repeat(w_from_codes(clean)[:, None], generator.num_ws, axis=1))
    return {
        "images": n,
        "generator": _reconstruction(made, images, drawing)
        | {"style-mixed and edited": _edited(generator, renderer, n)}
        | {
            "from z": {
                f"psi {psi}": _from_z(generator, judge, renderer, n, psi)
                for psi in (0.5, 0.7, 1.0, 1.3)
            }
        },
        "oracle": {
            "on renders": accuracy(judge, images, avatars, drawing),
            "on generated": accuracy(judge, made, avatars, drawing),
        },
        "segmenter": _segmenters(world.segmenter, judge.segmenter, images, made, drawing),
        "encoder": {
            "world": zero_shot(world.encoder, images, avatars, drawing),
            "world on generated": zero_shot(world.encoder, made, avatars, drawing),
            "judge": zero_shot(judge.encoder, images, avatars, drawing),
        },
        "z": interpolations(generator, judge, renderer),
    }


@torch.no_grad()
def synthesize(generator: StyleGAN2, rows: Floats | NDArray[np.floating]) -> Tensor:
    """Rows of W+ [N, NUM_WS, W_DIM] centred on 0 → images [N, 3, R, R] clamped to [-1, 1]."""
    latents = torch.from_numpy(np.asarray(rows, dtype=np.float32)) + generator.mapping.w_avg
    parts = [generator.synthesize(part.flatten(1)).image for part in latents.split(BATCH)]
    return torch.cat(parts).clamp(-1, 1)


def _reconstruction(made: Tensor, images: Tensor, drawing: Drawing) -> dict[str, Any]:
    """PSNR and SSIM against exact renders, and mean |error| per region (of values in [-1, 1])."""
    each = psnr(made, images)
    error = (made - images).abs().mean(dim=1)
    labels = torch.from_numpy(drawing.labels).long()
    border = torch.ones_like(error, dtype=torch.bool)
    border[:, 2:-2, 2:-2] = False
    return {
        "psnr": round(float(each.mean()), 2),
        "psnr 10th percentile": round(float(each.quantile(0.1)), 2),
        "ssim": round(float(ssim(made, images).mean()), 4),
        "l1": round(float(error.mean()), 4),
        "l1 at the border": round(float(error[border].mean()), 4),
        "l1 by region": {
            name: round(float(error[labels == i].mean()), 4) for i, name in enumerate(REGIONS)
        },
    }


def _edited(generator: StyleGAN2, renderer: Renderer, n: int) -> dict[str, Any]:
    rows, avatars = training_rows(np.random.default_rng([SEED, 1]), n)
    drawing = renderer.render(avatars)
    scores = _reconstruction(synthesize(generator, rows), to_images(drawing.images), drawing)
    return {key: scores[key] for key in ("psnr", "ssim", "l1")}


def _from_z(
    generator: StyleGAN2, judge: StarterJudge, renderer: Renderer, n: int, psi: float
) -> dict[str, Any]:
    """From z at a truncation: share of clean z, picture quality, and the oracle against the rule."""
    z = np.random.default_rng([SEED, 2]).standard_normal((n, Z_DIM)).astype(np.float32)
    avatars = avatars_from_codes((prior() + psi * (codes_from_z(z) - prior())).astype(np.float32))
    clean = np.stack([avatars.weights[g.name].max(axis=1) > 0.93 for g in GROUPS])
    drawing = renderer.render(avatars)
    with torch.no_grad():
        latents = generator.from_z(torch.from_numpy(z), truncation=psi)
        made = torch.cat([generator.synthesize(part).image for part in latents.split(BATCH)]).clamp(
            -1, 1
        )
    scores = _reconstruction(made, to_images(drawing.images), drawing)
    return {
        "clean, mean of groups": round(float(clean.mean()), 3),
        "clean, all groups at once": round(float(clean.all(axis=0).mean()), 3),
        "psnr": scores["psnr"],
        "ssim": scores["ssim"],
        "oracle": accuracy(judge, made, avatars, drawing)["mean"],
    }


def accuracy(
    judge: StarterJudge, images: Tensor, avatars: Avatars, drawing: Drawing
) -> dict[str, float]:
    """The oracle's accuracy per group where the part shows and is no blend, and their mean."""
    truth = class_of(avatars)
    found: dict[str, float] = {}
    guesses: dict[str, list[Tensor]] = {group: [] for group in JUDGED}
    for part in images.split(BATCH):
        for group, chances in judge.attributes(part).probabilities.items():
            guesses[group].append(chances.argmax(dim=1))
    for group in JUDGED:
        known = drawing.visible[group].copy()
        if group in avatars.weights:
            known &= avatars.weights[group].max(axis=1) > 0.93
        right = torch.cat(guesses[group]).numpy() == truth[group]
        found[group] = round(float(right[known].mean()), 3)
    found["mean"] = round(float(np.mean([found[g.name] for g in GROUPS])), 3)
    return found


def intersection_over_union(
    segmenter: StarterSegmenter, images: Tensor, labels: NDArray[np.uint8]
) -> dict[str, float]:
    """IoU per region over all images together, and their mean."""
    guess = torch.cat([segmenter.labels(part) for part in images.split(BATCH)]).numpy()
    found = {}
    for i, name in enumerate(REGIONS):
        both = ((guess == i) & (labels == i)).sum()
        either = ((guess == i) | (labels == i)).sum()
        found[name] = round(float(both / max(1, either)), 3)
    found["mean"] = round(float(np.mean([found[name] for name in REGIONS])), 3)
    return found


def _segmenters(
    own: StarterSegmenter, judge: StarterSegmenter, images: Tensor, made: Tensor, drawing: Drawing
) -> dict[str, Any]:
    return {
        f"{who} on {what}": intersection_over_union(network, pictures, drawing.labels)
        for who, network in (("world", own), ("judge", judge))
        for what, pictures in (("renders", images), ("generated", made))
    }


@torch.no_grad()
def zero_shot(
    encoder: StarterEncoder, images: Tensor, avatars: Avatars, drawing: Drawing
) -> dict[str, Any]:
    """Zero-shot accuracy and AUC by seen and held-out phrasings.

    Zero-shot: argmax over the single values of a group, one random phrasing each, mean of groups and
    of five draws of phrasings, where the value shows. AUC: of every predicate, over images with known
    truth, mean over predicates and five phrasings.
    """
    image = torch.cat([encoder.encode_image(part) for part in images.split(BATCH)])
    value, known = truths(avatars, drawing.visible)
    found: dict[str, Any] = {}
    for split in ("train", "held-out"):
        sentences = phrasings(split)  # type: ignore[arg-type]
        rng = np.random.default_rng([SEED, 3])
        shots: dict[str, list[float]] = {}
        areas = []
        for _ in range(5):
            picked = [texts[int(rng.integers(len(texts)))] for texts in sentences.values()]
            cosine = (image @ encoder.encode_text(picked).t()).numpy()
            for group, columns in _single_values().items():
                sure = known[:, columns].all(axis=1) & value[:, columns].any(axis=1)
                right = cosine[:, columns].argmax(axis=1) == value[:, columns].argmax(axis=1)
                shots.setdefault(group, []).append(float(right[sure].mean()))
            areas += [
                auc(cosine[known[:, p], p], value[known[:, p], p]) for p in range(len(picked))
            ]
        by_group = {group: round(float(np.mean(each)), 3) for group, each in shots.items()}
        found["seen" if split == "train" else "held-out"] = {
            "zero-shot": round(float(np.mean(list(by_group.values()))), 3),
            "auc": round(float(np.nanmean(areas)), 3),
            "by group": by_group,
        }
    return found


def _single_values() -> dict[str, list[int]]:
    """Group → the predicates that name exactly one value of it, in PREDICATES' order."""
    columns: dict[str, list[int]] = {}
    taken: set[tuple[str, str]] = set()
    for p, predicate in enumerate(PREDICATE.values()):
        if len(predicate.values) == 1 and (predicate.group, predicate.values[0]) not in taken:
            taken.add((predicate.group, predicate.values[0]))
            columns.setdefault(predicate.group, []).append(p)
    return {group: each for group, each in columns.items() if len(each) > 1}


def auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a true one outranks a false one; NaN without both."""
    true, false = int(truth.sum()), int((~truth).sum())
    if not true or not false:
        return float("nan")
    ranks = scores.argsort().argsort() + 1
    return float((ranks[truth].sum() - true * (true + 1) / 2) / (true * false))


@torch.no_grad()
def interpolations(
    generator: StyleGAN2, judge: StarterJudge, renderer: Renderer, pairs: int = 16, frames: int = 17
) -> dict[str, Any]:
    """Along spherical paths between two z: oracle accuracy, and how evenly the image changes.

    Path length: mean over paths of Σ‖Δw‖ between frames; largest step: the largest Δ of w as a share of it.
    """
    rng = np.random.default_rng([SEED, 4])
    right, total, lengths, largest = 0, 0, [], []
    for _ in range(pairs):
        a, b = (v / np.linalg.norm(v) * np.sqrt(Z_DIM) for v in rng.standard_normal((2, Z_DIM)))
        omega = np.arccos(np.clip(a @ b / Z_DIM, -1, 1))
        t = np.linspace(0, 1, frames)[:, None]
        z = ((np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)).astype(
            np.float32
        )
        w = generator.from_z(torch.from_numpy(z), space="w")
        steps = w.diff(dim=0).norm(dim=1)
        lengths.append(float(steps.sum()))
        largest.append(float(steps.max() / steps.sum()))
        avatars = avatars_from_codes(codes_from_w((w - generator.mapping.w_avg).numpy()))
        drawing = renderer.render(avatars)
        images = generator.synthesize(w, "w").image
        truth, verdict = class_of(avatars), judge.attributes(images)
        for g in GROUPS:
            known = drawing.visible[g.name] & (avatars.weights[g.name].max(axis=1) > 0.93)
            guess = verdict.probabilities[g.name].argmax(dim=1).numpy()
            right += int((guess == truth[g.name])[known].sum())
            total += int(known.sum())
    return {
        "paths": pairs,
        "frames": frames,
        "oracle accuracy": round(right / total, 3),
        "path length in W": round(float(np.mean(lengths)), 1),
        "straight distance in W": round(_straight(generator), 1),
        "largest step, share of the path": round(float(np.mean(largest)), 3),
    }


@torch.no_grad()
def _straight(generator: StyleGAN2, n: int = 256) -> float:
    z = torch.from_numpy(
        np.random.default_rng([SEED, 5]).standard_normal((2 * n, Z_DIM)).astype(np.float32)
    )
    w = generator.from_z(z, space="w")
    return float(F.pairwise_distance(w[:n], w[n:]).mean())


def summary(scores: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """The lines of the world's report: (what, number)."""
    generator, oracle = scores["generator"], scores["oracle"]
    drop = {g: round(oracle["on renders"][g] - oracle["on generated"][g], 3) for g in JUDGED}
    encoder = scores["encoder"]["world"]
    segmenter = scores["segmenter"]
    z = generator["from z"]
    return (
        (
            "generator against exact render, PSNR / SSIM",
            f"{generator['psnr']} dB / {generator['ssim']}",
        ),
        (
            "oracle accuracy on generated images minus on renders, mouth / eyes",
            f"{-drop['mouth']} / {-drop['eyes']}",
        ),
        (
            "the same, worst other group",
            f"{-max(v for g, v in drop.items() if g not in ('mouth', 'eyes'))}",
        ),
        (
            "segmenter mean IoU, renders / generated",
            f"{segmenter['world on renders']['mean']} / {segmenter['world on generated']['mean']}",
        ),
        (
            "encoder zero-shot, seen / held-out phrasings",
            f"{encoder['seen']['zero-shot']} / {encoder['held-out']['zero-shot']}",
        ),
        ("encoder AUC, held-out phrasings", f"{encoder['held-out']['auc']}"),
        (
            "clean z per group, ψ 1 / .7",
            " / ".join(str(z[f"psi {p}"]["clean, mean of groups"]) for p in (1.0, 0.7)),
        ),
        (
            "clean z in all groups at once, ψ 1 / .7",
            " / ".join(str(z[f"psi {p}"]["clean, all groups at once"]) for p in (1.0, 0.7)),
        ),
        ("oracle accuracy along z interpolations", f"{scores['z']['oracle accuracy']}"),
    )
