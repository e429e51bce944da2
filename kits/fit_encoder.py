"""Trains text-image encoders: every step, every predicate's text against every image.

The loss is SigLIP's sigmoid (Zhai et al. 2023, arXiv:2303.15343), but each pair carries its exact
truth, pairs that cannot be known are left out, and the two answers weigh the same for every text.
Where a world's attributes are continuous, a second loss puts images in order (`order_loss`).

`Lessons` is all that a world has to bring along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from eclipsed.files import write_atomic
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.search.pool import fast_bfloat16
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from kits.captions import Caption
from kits.fitting import Job, channels_last, disturb, rng_of, run, to_images
from kits.losses import order_loss, pair_loss

COMPOSITES_PER_STEP, NEUTRAL_PER_STEP, UNRELATED_PER_STEP = 32, 3, 6

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """Images uint8 [N, H, W, 3] and, of each predicate, bool [N, P]: is it true, is that known.

    height [N, P], takes_part bool [N, P]: by what a predicate orders images, and which of them;
    None where attributes have no order.
    """

    images: NDArray[np.uint8]
    value: Bools
    known: Bools
    height: NDArray[np.float32] | None = None
    takes_part: Bools | None = None


@dataclass(frozen=True)
class Lessons:
    """What an encoder is taught about a world.

    phrasings: predicate → its training sentences. composites: (how many, seed) → captions about
    several things. neutral, unrelated, foreign: sentences true of every image, and of none; the
    last are met by the text tower's own training only. batch: (seed, step, N) → N images.
    """

    phrasings: Mapping[str, Sequence[str]]
    composites: Callable[[int, int], list[Caption]]
    neutral: Sequence[str]
    unrelated: Sequence[str]
    foreign: Sequence[str]
    batch: Callable[[int, int, int], Batch]


@dataclass(frozen=True)
class Texts:
    """How many sentences an encoder is trained on: of each predicate, and about several things;
    and how many images the text tower alone is trained on at last."""

    phrasings: int = 240
    composites: int = 6_000
    images: int = 3_000

    def __post_init__(self) -> None:
        if min(self.phrasings, self.composites, self.images) < 1:
            raise ValueError(f"not enough sentences: {self}")


@dataclass(frozen=True)
class TextBank:
    """Sentence vectors to train on.

    predicates: one [phrasings, 384] per predicate. composites: [C, 384], and the predicates that
    each states, bool [C, P]. neutral, unrelated: true of every image, and of none.
    """

    predicates: list[Tensor]
    composites: Tensor
    stated: Bools
    neutral: Tensor
    unrelated: Tensor


def text_bank(folder: Path, lessons: Lessons, size: Texts = Texts(), seed: int = 5) -> TextBank:
    """Every training sentence's vector; they are kept in `folder`."""
    sentences = [_spread(texts, size.phrasings) for texts in lessons.phrasings.values()]
    composites = lessons.composites(size.composites, seed)
    stated = np.zeros((len(composites), len(lessons.phrasings)), dtype=bool)
    column = {name: i for i, name in enumerate(lessons.phrasings)}
    for row, caption in enumerate(composites):
        stated[row, [column[name] for name in caption.predicates]] = True
    stating = [caption.text for caption in composites]
    parts = [*sentences, stating, lessons.neutral, lessons.unrelated]
    vectors = embedded(folder / "sentences.safetensors", [text for part in parts for text in part])
    *predicates, several, neutral, unrelated = vectors.split([len(part) for part in parts])
    return TextBank(predicates, several, stated, neutral, unrelated)


def _spread(texts: Sequence[str], most: int) -> Sequence[str]:
    """At most so many of them, evenly over the list."""
    if len(texts) <= most:
        return texts
    return [texts[int(i)] for i in np.linspace(0, len(texts) - 1, most)]


def embedded(path: Path, texts: list[str]) -> Float[Tensor, "n 384"]:
    """Sentence vectors [N, 384], from `path` when it holds those of exactly these texts."""
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("texts") == digest:
                return file.get_tensor("vectors")
    except (OSError, SafetensorError):
        pass  # not there yet, or damaged: it is made anew
    vectors = sentence_encoder()(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save({"vectors": vectors}, {"texts": digest}))
    return vectors


def texts_at(
    bank: TextBank,
    value: Bools,
    known: Bools,
    rng: np.random.Generator,
    unrelated: int = UNRELATED_PER_STEP,
) -> tuple[Tensor, Bools, Bools]:
    """One step's sentence vectors [M, 384]; which are true, and known, of each image, [N, M].

    value, known: of each predicate, bool [N, P]; the first P sentences are the predicates'.
    unrelated: how many sentences that are true of no image.
    """
    n = len(value)
    rows = torch.stack([each[int(rng.integers(len(each)))] for each in bank.predicates])
    chosen = rng.integers(len(bank.composites), size=COMPOSITES_PER_STEP)
    stated = bank.stated[chosen].T.astype(np.float32)
    fails = (~value & known).astype(np.float32) @ stated > 0
    holds = (~(value & known)).astype(np.float32) @ stated == 0
    neutral = rng.integers(len(bank.neutral), size=NEUTRAL_PER_STEP)
    foreign = rng.integers(len(bank.unrelated), size=unrelated)
    texts = torch.cat(
        [rows, bank.composites[chosen], bank.neutral[neutral], bank.unrelated[foreign]]
    )
    always = np.ones((n, NEUTRAL_PER_STEP), dtype=bool)
    never = np.zeros((n, unrelated), dtype=bool)
    true = np.concatenate([value, holds, always, never], axis=1)
    return texts, true, np.concatenate([known, holds | fails, always, ~never], axis=1)


def heights_at(batch: Batch) -> tuple[Tensor, Tensor]:
    """What `order_loss` takes of a batch; nothing takes part where there is no order."""
    if batch.height is None or batch.takes_part is None:
        return torch.zeros(batch.value.shape), torch.zeros(batch.value.shape, dtype=torch.bool)
    return torch.from_numpy(batch.height), torch.from_numpy(batch.takes_part)


def fit_encoder(
    folder: Path,
    lessons: Lessons,
    job: Job,
    tower: TowerConfig,
    *,
    hidden: int,
    size: Texts = Texts(),
    name: str = "encoder",
    start: TextImageModel | None = None,
    undecided: float = 0.0,
    order: float = 0.0,
    device: str = "cpu",
    compiled: bool = True,
) -> TextImageModel:
    """Train (or resume) an encoder in `folder`; returns the moving average.

    tower, hidden: sizes of the image tower and of the text tower's inner layer. start: a network
    to go on from. undecided: see `pair_loss`. order: weight of `order_loss`.
    """
    torch.manual_seed(job.seed)
    network = channels_last(TextImageModel(tower, hidden)).to(device)
    if start is not None:
        network.load_state_dict(start.state_dict())
    bank = text_bank(folder, lessons, size)
    half = fast_bfloat16(torch.device(device))

    def loss(
        images: Tensor, texts: Tensor, true: Tensor, known: Tensor, *heights: Tensor
    ) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            image = network.image(images)
        logits = network.logits(image.float(), network.text(texts))
        total = pair_loss(logits, true, known, undecided)
        if order:
            total = total + order * order_loss(logits[:, : heights[0].shape[1]], *heights)
        return total

    step_loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        rng = rng_of(job.seed + 1, step)
        torch.manual_seed(job.seed * 1_000_003 + step)  # for dropout
        batch = lessons.batch(job.seed, step, job.batch)
        texts, true, known = texts_at(bank, batch.value, batch.known, rng)
        texts = F.normalize(texts + 0.02 * torch.randn(texts.shape), dim=1)
        images = disturb(to_images(batch.images), rng, shift=4)
        tensors = [images, texts, torch.from_numpy(true), torch.from_numpy(known)]
        tensors += heights_at(batch) if order else ()
        return step_loss(*(tensor.to(device) for tensor in tensors))

    return run(network, loss_at, job, folder, name)
