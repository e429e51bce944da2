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

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.worlds.starter.networks import TextImageModel, TextTower
from kits.fit_encoder import Lessons, TextBank, Texts, embedded, heights_at, text_bank, texts_at
from kits.fitting import Job, disturb, rng_of, run, to_images
from kits.losses import order_loss, pair_loss

NOISE = 0.03
DROPOUT = 0.2
BATCH = 64
UNRELATED = 24  # sentences a step that are true of no image


def refit_text(
    folder: Path,
    lessons: Lessons,
    model: TextImageModel,
    job: Job,
    *,
    size: Texts,
    name: str = "encoder-text",
    order: float = 0.0,
) -> TextImageModel:
    """Train (or resume) a fresh text tower for the frozen image tower of `model`, and put it in.

    order: weight of `order_loss`.
    """
    torch.manual_seed(job.seed)
    bank = _with_foreign(text_bank(folder, lessons, size), lessons, folder)
    images = cache(partial(_embed_images, lessons, model, size.images, job.seed))  # unless all done
    tower = TextTower(model.text.linear.out_features, model.text.inner.out_features, DROPOUT)
    scale, offset = model.scale.detach().exp(), model.offset.detach()

    def loss_at(step: int) -> Tensor:
        embeddings, value, known, *heights = images()
        rng = rng_of(job.seed + 1, step)
        torch.manual_seed(job.seed * 1_000_003 + step)  # for dropout and noise
        rows = rng.integers(len(embeddings), size=job.batch)
        texts, true, sure = texts_at(bank, value[rows].numpy(), known[rows].numpy(), rng, UNRELATED)
        texts = F.normalize(texts + NOISE * torch.randn(texts.shape), dim=1)
        logits = embeddings[rows] @ F.normalize(tower(texts), dim=1).t() * scale + offset
        loss = pair_loss(logits, torch.from_numpy(true), torch.from_numpy(sure))
        if order:
            own = logits[:, : value.shape[1]]
            loss = loss + order * order_loss(own, *(height[rows] for height in heights))
        return loss

    model.text.load_state_dict(run(tower, loss_at, job, folder, name).state_dict())
    return model.eval()


def _with_foreign(bank: TextBank, lessons: Lessons, folder: Path) -> TextBank:
    vectors = embedded(folder / "foreign.safetensors", list(lessons.foreign))
    return replace(bank, unrelated=torch.cat([bank.unrelated, vectors]))


@torch.no_grad()
def _embed_images(
    lessons: Lessons, model: TextImageModel, images: int, seed: int
) -> tuple[
    Float[Tensor, "n e"],
    Bool[Tensor, "n p"],
    Bool[Tensor, "n p"],
    Float[Tensor, "n p"],
    Bool[Tensor, "n p"],
]:
    """Embeddings of disturbed images; of each predicate, what is true, and known, and its order."""
    parts: list[tuple[Tensor, ...]] = []
    for step in range(-(-images // BATCH)):
        batch = lessons.batch(seed, step, BATCH)
        pictures = disturb(to_images(batch.images), rng_of(seed + 2, step), shift=2)
        embeddings = F.normalize(model.image(pictures), dim=1)
        truths = torch.from_numpy(batch.value), torch.from_numpy(batch.known)
        parts.append((embeddings, *truths, *heights_at(batch)))
    embeddings, value, known, height, takes_part = map(torch.cat, zip(*parts, strict=True))
    return embeddings, value, known, height, takes_part
