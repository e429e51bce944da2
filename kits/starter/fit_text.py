"""Trains an encoder's text tower once more, against the embeddings of a fixed set of images.

With the image tower frozen a step costs almost nothing, so the text tower can see every phrasing
many times, with more noise and dropout than the joint training bears; unseen phrasings gain by it.
Here it also meets what this world cannot show: a tower that knows only what can be drawn finds
something drawn in every prompt.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.worlds.starter.networks import TextImageModel, TextTower
from kits.fitting import Job, disturb, rng_of, run, to_images
from kits.losses import pair_loss
from kits.starter.captions import foreign_sentences, truths
from kits.starter.design import draw
from kits.starter.fit_encoder import TextBank, Texts, embedded, text_bank, texts_at
from kits.starter.renderer import Renderer

NOISE = 0.03
DROPOUT = 0.2
BATCH = 64
UNRELATED = 24  # sentences a step that are true of no image


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
    images = cache(partial(_embed_renders, model, size.images, job.seed))  # unless all is done
    tower = TextTower(model.text.linear.out_features, model.text.inner.out_features, DROPOUT)
    scale, offset = model.scale.detach().exp(), model.offset.detach()

    def loss_at(step: int) -> Tensor:
        embeddings, value, known = images()
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
def _embed_renders(
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
