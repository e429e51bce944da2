"""Trains an encoder's text tower once more, against the embeddings of a fixed set of images.

With the image tower frozen a step costs almost nothing, so the text tower can see every phrasing
many times, with more noise and dropout than the joint training bears; unseen phrasings gain by it.
Here it also meets what this world cannot show, in foreign.toml's words: a tower that knows only
what can be drawn finds something drawn in every prompt.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.worlds.starter.batches import Job, disturb, draw, run, to_images
from eclipsed.worlds.starter.captions import truths
from eclipsed.worlds.starter.fit_encoder import (
    TextBank,
    Texts,
    embedded,
    pair_loss,
    text_bank,
    texts_at,
)
from eclipsed.worlds.starter.fitting import rng_of
from eclipsed.worlds.starter.networks import TextImageModel, TextTower
from eclipsed.worlds.starter.renderer import Renderer

NOISE = 0.03
DROPOUT = 0.2
BATCH = 64
UNRELATED = 24  # sentences a step that are true of no image

# How foreign.toml's words are said, by their kind.
_SAID: dict[str, tuple[str, ...]] = {
    "has": ("{}", "a person with {}", "someone who has {}", "a face with {}"),
    "person": ("{}", "a photo of {}", "a picture of {}"),
    "thing": ("{}", "a photo of {}", "a picture of {}"),
    "scene": ("{}", "a photo of {}"),
    "nothing": ("{}",),
}


def foreign_sentences() -> list[str]:
    """What this world cannot show, in several wordings."""
    text = files(__package__).joinpath("foreign.toml").read_text(encoding="utf-8")
    words: dict[str, list[str]] = tomllib.loads(text)
    return [said.format(word) for kind in _SAID for word in words[kind] for said in _SAID[kind]]


def refit_text(
    folder: Path,
    model: TextImageModel,
    job: Job,
    *,
    size: Texts,
    name: str = "encoder-text",
) -> TextImageModel:
    """Train (or resume) a fresh text tower for the frozen image tower of `model`, and put it in."""
    torch.manual_seed(job.seed)
    bank = _with_foreign(text_bank(folder, size), folder)
    look = cache(partial(_look, model, size.images, job.seed))  # a finished run need not look
    tower = TextTower(model.text.linear.out_features, model.text.inner.out_features, DROPOUT)
    scale, offset = model.scale.detach().exp(), model.offset.detach()

    def loss_at(step: int) -> Tensor:
        embeddings, value, known = look()
        rng = rng_of(job.seed + 1, step)
        torch.manual_seed(job.seed * 1_000_003 + step)  # for dropout and noise
        rows = rng.integers(len(embeddings), size=job.batch)
        texts, true, sure = texts_at(bank, value[rows].numpy(), known[rows].numpy(), rng, UNRELATED)
        texts = F.normalize(texts + NOISE * torch.randn(texts.shape), dim=1)
        cosine = embeddings[rows] @ F.normalize(tower(texts), dim=1).t()
        return pair_loss(cosine * scale + offset, torch.from_numpy(true), torch.from_numpy(sure))

    model.text.load_state_dict(run(tower, loss_at, job, folder, name).state_dict())
    return model.eval()


def _with_foreign(bank: TextBank, folder: Path) -> TextBank:
    vectors = embedded(folder / "foreign.safetensors", foreign_sentences())
    return replace(bank, unrelated=torch.cat([bank.unrelated, vectors]))


@torch.no_grad()
def _look(
    model: TextImageModel, images: int, seed: int
) -> tuple[Float[Tensor, "n e"], Bool[Tensor, "n p"], Bool[Tensor, "n p"]]:
    """Embeddings of disturbed renders, and which predicates are true, and known, of each."""
    renderer = Renderer()
    parts: list[Tensor] = []
    values: list[np.ndarray] = []
    knowns: list[np.ndarray] = []
    for step in range(-(-images // BATCH)):
        avatars, drawing = draw(renderer, seed, step, BATCH)
        pictures = disturb(to_images(drawing.images), rng_of(seed + 2, step), shift=2)
        parts.append(F.normalize(model.image(pictures), dim=1))
        value, known = truths(avatars, drawing.visible)
        values.append(value)
        knowns.append(known)
    value, known = np.concatenate(values), np.concatenate(knowns)
    return torch.cat(parts), torch.from_numpy(value), torch.from_numpy(known)
