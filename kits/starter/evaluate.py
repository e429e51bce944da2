"""Measures the starter world's networks against exact truth, on draws that no training saw.

Everything is compared with what the renderer draws of the same codes. A number that cannot be had,
because none of the images shows the thing, is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.evaluation.metrics import psnr, ssim
from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.types import World
from eclipsed.worlds.starter.attributes import GROUPS, JUDGED, REGIONS
from eclipsed.worlds.starter.models import StarterEncoder, StarterJudge, StarterSegmenter
from eclipsed.worlds.starter.predicates import PREDICATE
from kits.fitting import to_images
from kits.measuring import BATCH, batched, intersection_over_union, mean_of
from kits.starter.captions import phrasings, truths
from kits.starter.design import avatars_from_codes, codes_from_w, training_rows, w_from_codes
from kits.starter.population import COLUMNS, COUPLINGS, Z_DIM, codes_from_z, prior, uniform_codes
from kits.starter.renderer import Avatars, Drawing, Floats, Renderer, class_of

SEED = 4242
CLEAN = 0.93  # weight from which a value shows alone
TRUNCATIONS = (0.5, 0.7, 1.0, 1.3)
STRENGTHS = (-2.0, -1.0, 1.0, 2.0)
FRAMES = 17
CHUNK = 5000  # draws of a census at once


@dataclass(frozen=True)
class Held:
    """Held-out avatars, what the renderer draws of them and what the generator makes of them."""

    avatars: Avatars
    drawing: Drawing
    renders: Tensor
    generated: Tensor


def evaluate(world: World, n: int = 512, draws: int = 5) -> dict[str, Any]:
    """Every score of the world: on `n` images each, the encoders on `draws` draws of phrasings.

    About 5 minutes for the defaults on two cores.
    """
    generator, encoder, segmenter = world.generator, world.encoder, world.segmenter
    judge = world.judge() if world.judge else None
    assert isinstance(generator, StyleGAN2)
    assert isinstance(encoder, StarterEncoder)
    assert isinstance(segmenter, StarterSegmenter)
    assert isinstance(judge, StarterJudge)
    renderer, sentences = Renderer(), draw_sentences(draws)
    held = _held(generator, renderer, uniform_codes(np.random.default_rng(SEED), n))

    def zero_shots(encoder: StarterEncoder, images: Tensor) -> dict[str, Any]:
        return zero_shot(encoder, images, held, sentences)

    return {
        "images": n,
        "phrasings": draws,
        "generator": reconstruction(held)
        | {"style-mixed and edited": _edited(generator, renderer, n)}
        | {"strengths": _strengths(generator, renderer, n)}
        | {"from z": _truncations(generator, judge, renderer, n)},
        "oracle": {
            "on renders": accuracy(judge, held.renders, held),
            "on generated": accuracy(judge, held.generated, held),
        },
        "segmenter": {
            f"{who} on {what}": intersection_over_union(network, images, held.drawing.labels)
            for who, network in (("world", segmenter), ("judge", judge.segmenter))
            for what, images in (("renders", held.renders), ("generated", held.generated))
        },
        "encoder": {
            "world": zero_shots(encoder, held.renders),
            "world on generated": zero_shots(encoder, held.generated),
            "judge": zero_shots(judge.encoder, held.renders),
        },
        "z": interpolations(generator, judge, renderer, pairs=max(1, n // 32)),
        "population": census(100 * n),
    }


def _held(generator: StyleGAN2, renderer: Renderer, codes: Floats) -> Held:
    """Codes [N, WIDTH], the same for all rows of W+."""
    rows = np.repeat(w_from_codes(codes)[:, None], generator.num_ws, axis=1)
    return _drawn(generator, renderer, rows, avatars_from_codes(codes))


@torch.no_grad()
def _drawn(generator: StyleGAN2, renderer: Renderer, rows: Floats, avatars: Avatars) -> Held:
    """Rows of W+ [N, NUM_WS, W_DIM] centred on 0, and the avatars that they mean."""
    drawing = renderer.render(avatars)
    latents = (torch.from_numpy(rows) + generator.mapping.w_avg).flatten(1)
    generated = batched(lambda part: generator.synthesize(part).image, latents).clamp(-1, 1)
    return Held(avatars, drawing, to_images(drawing.images), generated)


def _known(held: Held, group: str) -> NDArray[np.bool_]:
    """Where a group's value can be told: it shows and is no blend, [N]."""
    known = held.drawing.visible[group]
    if group in held.avatars.weights:
        known = known & (held.avatars.weights[group].max(axis=1) > CLEAN)
    return known


def reconstruction(held: Held) -> dict[str, Any]:
    """PSNR and SSIM of generated images against exact renders, means over images.

    l1: mean |error| of values in [-1, 1], over all pixels, the two outermost, and each region.
    """
    each = batched(psnr, held.generated, held.renders)
    error = (held.generated - held.renders).abs().mean(dim=1)
    labels = torch.from_numpy(held.drawing.labels)
    border = torch.ones_like(error, dtype=torch.bool)
    border[:, 2:-2, 2:-2] = False
    return {
        "psnr": mean_of(each.numpy(), 2),
        "psnr 10th percentile": round(float(each.quantile(0.1)), 2),
        "ssim": mean_of(batched(ssim, held.generated, held.renders).numpy(), 4),
        "l1": round(float(error.mean()), 4),
        "l1 at the border": round(float(error[border].mean()), 4),
        "l1 by region": {
            name: mean_of(error[labels == i].numpy(), 4) for i, name in enumerate(REGIONS)
        },
    }


def _brief(held: Held) -> dict[str, Any]:
    scores = reconstruction(held)
    return {key: scores[key] for key in ("psnr", "ssim", "l1")}


def _edited(generator: StyleGAN2, renderer: Renderer, n: int) -> dict[str, Any]:
    """On rows as training makes them: style-mixed, blended, overshot, noisy."""
    rows, avatars = training_rows(np.random.default_rng([SEED, 1]), n)
    return _brief(_drawn(generator, renderer, rows, avatars))


def _strengths(generator: StyleGAN2, renderer: Renderer, n: int) -> dict[str, Any]:
    """Strength → picture quality when one group's code moves towards another value, or away."""
    rng = np.random.default_rng([SEED, 6])
    codes, other = uniform_codes(rng, n), uniform_codes(rng, n)
    move = np.zeros_like(codes)
    for i, group in enumerate(rng.choice([group.name for group in GROUPS], n)):
        move[i, COLUMNS[group]] = (other - codes)[i, COLUMNS[group]]
    return {
        f"{strength:+g}": _brief(
            _held(generator, renderer, (codes + strength * move).astype(np.float32))
        )
        for strength in STRENGTHS
    }


def _truncations(
    generator: StyleGAN2, judge: StarterJudge, renderer: Renderer, n: int
) -> dict[str, Any]:
    """ψ → fraction of clean z, picture quality, and the oracle's accuracy, from z.

    A z is clean where each group shows one value alone. The mapping network is run, not the rule.
    """
    z = np.random.default_rng([SEED, 2]).standard_normal((n, Z_DIM)).astype(np.float32)
    scores = {}
    for psi in TRUNCATIONS:
        codes = (prior() + psi * (codes_from_z(z) - prior())).astype(np.float32)
        latents = generator.from_z(torch.from_numpy(z), truncation=psi)
        rows = latents.unflatten(1, (generator.num_ws, -1)) - generator.mapping.w_avg
        held = _drawn(generator, renderer, rows.numpy(), avatars_from_codes(codes))
        clean = _clean(held.avatars)
        scores[f"psi {psi}"] = {
            "clean, mean of groups": mean_of(clean.ravel()),
            "clean, all groups at once": mean_of(np.asarray(clean.all(axis=0))),
            **{key: value for key, value in _brief(held).items() if key != "l1"},
            "oracle": accuracy(judge, held.generated, held)["mean"],
        }
    return scores


def _clean(avatars: Avatars) -> NDArray[np.bool_]:
    """Whether a group shows one value alone, [groups, N]."""
    return np.stack([avatars.weights[g.name].max(axis=1) > CLEAN for g in GROUPS])


def _right(judge: StarterJudge, images: Tensor, held: Held) -> dict[str, NDArray[np.bool_]]:
    """Group → whether the oracle names the value that shows, of images where it can be told."""
    truth = class_of(held.avatars)
    verdicts = [judge.attributes(part).probabilities for part in images.split(BATCH)]
    right = {}
    for group in JUDGED:
        guess = torch.cat([verdict[group].argmax(dim=1) for verdict in verdicts]).numpy()
        right[group] = (guess == truth[group])[_known(held, group)]
    return right


def accuracy(judge: StarterJudge, images: Tensor, held: Held) -> dict[str, float | None]:
    """The oracle's accuracy per group, where the value can be told, and the mean of the groups.

    The bins of skin and background have borders that nobody can tell; they are not in the mean.
    """
    scores = {group: mean_of(right) for group, right in _right(judge, images, held).items()}
    return scores | {"mean": mean_of(scores[group.name] for group in GROUPS)}


def draw_sentences(draws: int) -> dict[str, list[Tensor]]:
    """`seen` and `held-out` → per draw the vectors [P, 384] of one phrasing of every predicate."""
    encoder = sentence_encoder()
    vectors = {}
    for name, sentences in (("seen", phrasings("train")), ("held-out", phrasings("held-out"))):
        rng = np.random.default_rng([SEED, 3])
        vectors[name] = [
            encoder([texts[int(rng.integers(len(texts)))] for texts in sentences.values()])
            for _ in range(draws)
        ]
    return vectors


def zero_shot(
    encoder: StarterEncoder, images: Tensor, held: Held, sentences: dict[str, list[Tensor]]
) -> dict[str, Any]:
    """Zero-shot accuracy and AUC, by phrasings seen in training and held out.

    Zero-shot: which value of a group an image shows, by the nearest of one phrasing of each; mean
    of groups and draws, where it can be told. AUC: whether a phrasing puts the images that it is
    true of first; mean of predicates and draws, over images with known truth.
    """
    image = batched(encoder.encode_image, images)
    value, known = truths(held.avatars, held.drawing.visible)
    scores: dict[str, Any] = {}
    for split, drawn in sentences.items():
        shots: dict[str, list[float | None]] = {}
        areas: list[float | None] = []
        for vectors in drawn:
            cosine = (image @ encoder.encode_sentences(vectors).t()).numpy()
            for group, columns in _single_values().items():
                sure = known[:, columns].all(axis=1) & value[:, columns].any(axis=1)
                right = cosine[:, columns].argmax(axis=1) == value[:, columns].argmax(axis=1)
                shots.setdefault(group, []).append(mean_of(right[sure], 6))
            areas += [auc(c[k], v[k]) for c, v, k in zip(cosine.T, value.T, known.T, strict=True)]
        by_group = {group: mean_of(each) for group, each in shots.items()}
        scores[split] = {
            "zero-shot": mean_of(by_group.values()),
            "auc": mean_of(areas),
            "by group": by_group,
        }
    return scores


def _single_values() -> dict[str, list[int]]:
    """Group → the predicates that name exactly one value of it, in PREDICATES' order."""
    columns: dict[str, dict[str, int]] = {}
    for p, predicate in enumerate(PREDICATE.values()):
        if len(predicate.values) == 1:
            columns.setdefault(predicate.group, {}).setdefault(predicate.values[0], p)
    return {group: list(each.values()) for group, each in columns.items() if len(each) > 1}


def auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve: the chance that a true one outranks a false one, ties halved.

    scores, truth: [N]. None unless there are both.
    """
    true, false = int(truth.sum()), int((~truth).sum())
    if not true or not false:
        return None
    ordered = np.sort(scores)
    below = np.searchsorted(ordered, scores, side="left")
    ranks = (below + np.searchsorted(ordered, scores, side="right") + 1) / 2
    return float((ranks[truth].sum() - true * (true + 1) / 2) / (true * false))


@torch.no_grad()
def interpolations(
    generator: StyleGAN2, judge: StarterJudge, renderer: Renderer, pairs: int
) -> dict[str, Any]:
    """Along great circles between two z, in FRAMES frames: is every frame an avatar, is it smooth?

    Lengths are in W, means over paths: the sum of steps between frames, and the straight line.
    A path's largest step says how suddenly w, or the image (mean |Δ|), changes.
    """
    right: list[NDArray[np.bool_]] = []
    clean, lengths, straight, largest, largest_seen = [], [], [], [], []
    for z in _paths(pairs):
        w = generator.from_z(torch.from_numpy(z), space="w")
        centred = (w - generator.mapping.w_avg).numpy()
        avatars = avatars_from_codes(codes_from_w(centred))
        rows = np.repeat(centred[:, None], generator.num_ws, axis=1)
        held = _drawn(generator, renderer, rows, avatars)
        right += _right(judge, held.generated, held).values()
        clean.append(float(_clean(avatars).mean()))
        steps, seen = (
            w.diff(dim=0).norm(dim=1),
            held.generated.diff(dim=0).abs().mean(dim=(1, 2, 3)),
        )
        lengths.append(float(steps.sum()))
        straight.append(float((w[-1] - w[0]).norm()))
        largest.append(float(steps.max() / steps.sum()))
        largest_seen.append(float(seen.max() / seen.sum()))
    return {
        "paths": pairs,
        "frames": FRAMES,
        "oracle accuracy": mean_of(np.concatenate(right)),
        "clean, mean of groups": mean_of(clean),
        "path length in W": mean_of(lengths, 1),
        "straight distance in W": mean_of(straight, 1),
        "largest step in W, share of the path": mean_of(largest),
        "largest step of the image, share of the path": mean_of(largest_seen),
    }


def _paths(pairs: int) -> Iterable[Floats]:
    """Great circles [FRAMES, Z_DIM] between pairs of z of typical length."""
    rng = np.random.default_rng([SEED, 4])
    t = np.linspace(0, 1, FRAMES)[:, None]
    for _ in range(pairs):
        a, b = (v / np.linalg.norm(v) * np.sqrt(Z_DIM) for v in rng.standard_normal((2, Z_DIM)))
        angle = np.arccos(np.clip(a @ b / Z_DIM, -1, 1))
        path = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
        yield path.astype(np.float32)


def census(draws: int) -> dict[str, Any]:
    """Frequencies among so many draws of z.

    shares: group → value → share of everybody.
    couplings: for each of COUPLINGS the (group, value) that is given, the (group, value) that
    follows, the share of everybody that shows the second, and of those that show the first.
    """
    rng = np.random.default_rng(4249)
    sizes = [min(CHUNK, draws - done) for done in range(0, draws, CHUNK)]
    codes = np.concatenate([codes_from_z(rng.standard_normal((n, Z_DIM))) for n in sizes])
    shown = class_of(avatars_from_codes(codes))
    shows = {
        (group, value): shown[group] == k
        for group, values in JUDGED.items()
        for k, value in enumerate(values)
    }
    couplings = []
    for given, (group, value), strength in COUPLINGS:
        # Skin is one number, without values: less of it is paler.
        then = (group, ("pale" if strength < 0 else "dark") if group == "skin" else value)
        shares = (shows[then].mean(), shows[then][shows[given]].mean())
        couplings.append([list(given), list(then), *(round(float(s), 4) for s in shares)])
    return {
        "draws": draws,
        "shares": {
            group: {value: round(float(shows[group, value].mean()), 4) for value in values}
            for group, values in JUDGED.items()
        },
        "couplings": couplings,
    }
