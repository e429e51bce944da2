"""Trains text-image encoders: every step, every predicate's text against every image.

The loss is SigLIP's sigmoid (Zhai et al. 2023, arXiv:2303.15343), but each pair carries its exact
truth, pairs that cannot be known are left out, and the two answers weigh the same for every text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from eclipsed.text import sentence_encoder
from eclipsed.worlds.starter.batches import Job, disturb, draw, run, to_images
from eclipsed.worlds.starter.captions import Caption, captions, phrasings, truths
from eclipsed.worlds.starter.fitting import rng_of
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from eclipsed.worlds.starter.predicates import PREDICATE
from eclipsed.worlds.starter.renderer import Renderer

COMPOSITES = 6_000
PHRASINGS = 110  # sentences per predicate
PER_STEP = {"composites": 32, "neutral": 3, "unrelated": 6}

# True of every image: what a direction starts from.
NEUTRAL = (
    "a person",
    "a face",
    "an avatar",
    "a portrait",
    "someone",
    "a photo of a person",
    "a picture of a face",
    "a cartoon character",
    "a portrait of a person",
    "an illustration of a person",
    "a drawing of somebody",
    "the head of a human",
    "a photo of a face",
    "a person looking at the camera",
)
# True of none: what this world cannot show.
UNRELATED = tuple(
    ["a truck", "a photo of a car", "a sailing boat", "an alien", "a green monster", "a dog", "a sleeping cat", "a horse", "a bowl of fruit", "a slice of pizza", "the Eiffel tower", "a church", "a mountain landscape", "a beach at sunset", "a forest", "a bicycle", "an airplane in the sky", "a robot", "a dragon", "a computer keyboard", "a cup of coffee", "a chair", "a wooden table", "a bedroom", "a kitchen", "a football match", "a guitar", "a piano", "a bridge", "a river", "a skyscraper", "a city street at night", "a bird on a branch", "a fish", "an elephant", "a tiger", "a spider", "a rocket", "the moon", "an abstract painting", "a page of text", "a map", "a road sign", "a tractor", "a train", "a flower", "a tree", "a snowman", "a castle", "a pumpkin", "a zombie", "a skeleton", "a vampire", "a werewolf", "a person with wings", "a person riding a bicycle", "a crowd of people", "two people", "a baby", "a hand", "a foot", "a burning house", "a clock", "a book", "an umbrella", "a pair of shoes", "a soccer ball", "a cake", "a hamburger", "a waterfall", "a desert", "a helicopter", "a submarine", "a washing machine", "an old photograph of a street"]
)


@dataclass(frozen=True)
class TextBank:
    """Embedded training sentences: per predicate, composites with what they state, neutral, unrelated."""

    predicates: list[Tensor]
    composites: Tensor
    stated: NDArray[np.bool_]
    neutral: Tensor
    unrelated: Tensor


def text_bank(folder: Path, seed: int = 5) -> TextBank:
    """Embed every training sentence once; the vectors are kept in `folder`."""
    sentences = {name: _spread(texts) for name, texts in phrasings("train").items()}
    made = _composites(seed)
    stated = np.zeros((len(made), len(PREDICATE)), dtype=bool)
    index = {name: i for i, name in enumerate(PREDICATE)}
    for row, caption in enumerate(made):
        stated[row, [index[name] for name in caption.predicates]] = True
    texts = [s for name in PREDICATE for s in sentences[name]]
    texts += [c.text for c in made] + [*NEUTRAL, *UNRELATED]
    vectors = _embed(folder / "sentences.safetensors", texts)
    sizes = [len(sentences[name]) for name in PREDICATE]
    *predicates, composites, neutral, unrelated = vectors.split(
        [*sizes, len(made), len(NEUTRAL), len(UNRELATED)]
    )
    return TextBank(list(predicates), composites, stated, neutral, unrelated)


def _spread(texts: list[str]) -> list[str]:
    """At most PHRASINGS of them, evenly over the list."""
    if len(texts) <= PHRASINGS:
        return texts
    return [texts[int(i)] for i in np.linspace(0, len(texts) - 1, PHRASINGS)]


def _composites(seed: int) -> list[Caption]:
    rng = np.random.default_rng([seed, 7])
    made: list[Caption] = []
    renderer = Renderer()
    for step in range(COMPOSITES // 500):
        avatars, drawing = draw(renderer, seed, step, 500)
        made += captions(avatars, range(500), rng, "train", drawing.visible)
    return made


def _embed(path: Path, texts: list[str]) -> Tensor:
    if path.exists():
        vectors = load_file(path)["vectors"]
        if len(vectors) == len(texts):
            return vectors
    vectors = sentence_encoder().encode(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"vectors": vectors}, path)
    return vectors


def _texts_at(
    bank: TextBank, value: NDArray[np.bool_], known: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.bool_], NDArray[np.bool_]]:
    """This step's sentence vectors [M, 384], and which are true and known of each image, bool [N, M]."""
    n = len(value)
    rows = torch.stack([each[int(rng.integers(len(each)))] for each in bank.predicates])
    chosen = rng.integers(len(bank.composites), size=PER_STEP["composites"])
    stated = bank.stated[chosen]
    fails = (~value & known).astype(np.float32) @ stated.T.astype(np.float32) > 0
    holds = (~(value & known)).astype(np.float32) @ stated.T.astype(np.float32) == 0
    neutral = rng.integers(len(bank.neutral), size=PER_STEP["neutral"])
    unrelated = rng.integers(len(bank.unrelated), size=PER_STEP["unrelated"])
    texts = torch.cat(
        [rows, bank.composites[chosen], bank.neutral[neutral], bank.unrelated[unrelated]]
    )
    always = np.ones((n, PER_STEP["neutral"]), dtype=bool)
    never = np.zeros((n, PER_STEP["unrelated"]), dtype=bool)
    sure = np.ones((n, PER_STEP["neutral"] + PER_STEP["unrelated"]), dtype=bool)
    true = np.concatenate([value, holds, always, never], axis=1)
    return texts, true, np.concatenate([known, holds | fails, sure], axis=1)


def pair_loss(logits: Tensor, true: Tensor, known: Tensor) -> Tensor:
    """Sigmoid loss of [N, M] pairs; per text, true and false pairs weigh the same, unknown ones nothing."""
    yes, no = (true & known).float(), (~true & known).float()
    hit = (F.softplus(-logits) * yes).sum(0) / yes.sum(0).clamp(min=1)
    miss = (F.softplus(logits) * no).sum(0) / no.sum(0).clamp(min=1)
    return (hit + miss).mean()


def fit_encoder(
    folder: Path,
    job: Job,
    tower: TowerConfig,
    *,
    hidden: int,
    name: str = "encoder",
    compiled: bool = True,
) -> TextImageModel:
    """Train (or resume) an encoder in `folder`; returns the moving average."""
    torch.manual_seed(job.seed)
    network = TextImageModel(tower, hidden).to(memory_format=torch.channels_last)
    bank, renderer = text_bank(folder), Renderer()

    def loss(images: Tensor, texts: Tensor, true: Tensor, known: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            image = network.image(images)
        return pair_loss(network.logits(image.float(), network.text(texts)), true, known)

    step_loss = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        rng = rng_of(job.seed + 1, step)
        torch.manual_seed(job.seed * 1_000_003 + step)  # for dropout
        avatars, drawing = draw(renderer, job.seed, step, job.batch)
        texts, true, known = _texts_at(bank, *truths(avatars, drawing.visible), rng)
        texts = F.normalize(texts + 0.02 * torch.randn(texts.shape), dim=1)
        images = disturb(to_images(drawing.images), rng, shift=4)
        return step_loss(images, texts, torch.from_numpy(true), torch.from_numpy(known))

    average = run(network, loss_at, job, folder, name)
    assert isinstance(average, TextImageModel)
    return average
