"""What the encoder says to images and texts: the paper's Figures 3 to 5 on one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.app.rendering import png
from eclipsed.app.tables import Cell, Table
from eclipsed.editing.images import to_pil
from eclipsed.errors import BadSetting
from eclipsed.types import World

MOST_TEXTS, MOST_IMAGES = 12, 16
LONGEST_TEXT = 300
# What CLIP multiplies cosines with before it makes probabilities of them.
SCALE = 100.0


@dataclass(frozen=True, eq=False)
class Answers:
    """pictures: PNGs, one a seed. cosines [I, T] of images and texts; probabilities [I, T] over the
    texts, for each image, as CLIP makes them."""

    seeds: tuple[int, ...]
    texts: tuple[str, ...]
    pictures: tuple[bytes, ...]
    cosines: Float[Tensor, "i t"]
    probabilities: Float[Tensor, "i t"]

    @property
    def size(self) -> int:
        """Bytes of the pictures."""
        return sum(map(len, self.pictures))


def texts_written(text: str) -> tuple[str, ...]:
    """The texts of some lines; BadSetting for none, too many, or one that goes on for ever."""
    texts = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not texts or len(texts) > MOST_TEXTS:
        raise BadSetting(f"Give 1 to {MOST_TEXTS} texts, one a line.")
    if any(len(one) > LONGEST_TEXT for one in texts):
        raise BadSetting(f"A text is longer than {LONGEST_TEXT} characters.", "Shorten it.")
    return texts


@torch.no_grad()
def ask(world: World, seeds: Sequence[int], texts: Sequence[str]) -> Answers:
    """How well each image of the seeds goes with each text.

    Raises BadSetting for no images or too many.
    """
    if not 1 <= len(seeds) <= MOST_IMAGES:
        raise BadSetting(f"Give 1 to {MOST_IMAGES} seeds.")
    latents = world.generator.sample(list(seeds), space="z")
    images = world.generator.synthesize(latents, "z", truncation=world.truncation).image
    seen = world.encoder.encode_image(images.clamp(-1.0, 1.0))
    cosines = (seen @ world.encoder.encode_text(list(texts)).t()).float().cpu()
    return Answers(
        seeds=tuple(seeds),
        texts=tuple(texts),
        pictures=tuple(png(to_pil(image)) for image in images),
        cosines=cosines,
        probabilities=(SCALE * cosines).softmax(dim=1),
    )


def matrix(found: Answers, unit: Literal["probability", "cosine"]) -> Table:
    """Texts as rows, images as columns; the darker a cell, the greater its number. What an image
    goes with best stands out."""
    numbers = found.probabilities if unit == "probability" else found.cosines
    low, high = (0.0, 1.0) if unit == "probability" else (numbers.min(), numbers.max())
    shades = ((numbers - low) / max(1e-9, float(high - low))).tolist()
    best = numbers.argmax(dim=1).tolist()
    listed = numbers.tolist()
    pairs = zip(found.seeds, found.pictures, strict=True)
    return Table(
        (Cell(), *(Cell(f"seed {seed}", (picture,)) for seed, picture in pairs)),
        tuple(
            (
                Cell(text),
                *(
                    Cell(f"{listed[i][t]:.2f}", shade=shades[i][t], strong=best[i] == t)
                    for i in range(len(found.seeds))
                ),
            )
            for t, text in enumerate(found.texts)
        ),
    )
