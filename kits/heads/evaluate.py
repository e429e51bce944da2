"""Measures the networks of heads on held-out people.

    python -m kits.heads.evaluate encoder          # the world's; of a training under way as well
    python -m kits.heads.evaluate judge-encoder
    python -m kits.heads.evaluate world --weights FOLDER    # everything, beside what is enough

A world is a folder that `kits.heads.assemble` wrote; its scores go into its record too.

Of an encoder: do held-out phrases of an attribute put two people into their order? The AUC of an
attribute is the share of pairs in the right order, over pairs that differ by APART of the range,
and over phrases of both of its ends. Prints a line per attribute, then one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads import encoder
from eclipsed.worlds.heads.predicates import PREDICATES
from eclipsed.worlds.heads.world import WEIGHTS, load_heads
from eclipsed.worlds.starter.models import StarterEncoder
from eclipsed.worlds.starter.networks import TextImageModel
from eclipsed.worlds.weights import read_record
from kits.fit_encoder import embedded
from kits.fitting import averaged, to_images
from kits.heads.assemble import write_record
from kits.heads.captions import orders, phrasings, truths
from kits.heads.population import Floats
from kits.heads.recipe import default_work
from kits.heads.renderer import Renderer
from kits.heads.scores import PEOPLE, Draw, Scores, measure, table
from kits.heads.store import RESOLUTION, SAMPLES, People, default_folder, read

APART = 0.25  # of a parameter's range
PHRASES = 6  # held-out sentences of each predicate
FEWEST = 30  # pairs that an attribute needs to be measured
_TOGETHER = 50
_SHAPES = {
    "encoder": (encoder.WORLD_TOWER, encoder.WORLD_HIDDEN),
    "judge-encoder": (encoder.JUDGE_TOWER, encoder.JUDGE_HIDDEN),
}


@dataclass(frozen=True)
class Order:
    """Of an attribute: shares of pairs in the right order (.5 is chance), and how many pairs.

    pairs: APART or more. told: one for which the words are true, one for which they are false.
    """

    pairs: float
    told: float
    count: int


def load(work: Path, name: str) -> TextImageModel:
    """An encoder as far as it is trained in `work`; its own text tower where there is one.

    Raises EclipsedError where no training has begun.
    """
    path = work / f"{name}.safetensors"
    if not path.is_file():
        raise EclipsedError(
            f"There is no {name} of heads yet.",
            f"Train it with: python -m kits.heads.recipe --only {name}",
        )
    model, _ = averaged(TextImageModel(*_SHAPES[name]), path)
    text = work / f"{name}-text.safetensors"
    if text.is_file():
        averaged(model.text, text)
    return model


def right_order(
    logits: NDArray[np.floating], height: Floats, takes_part: NDArray[np.bool_], apart: float
) -> tuple[float, int]:
    """Share of pairs `apart` in height of which the higher has the higher logit, and their number.

    logits, height, takes_part: [N]. Ties count one half.
    """
    score, value = logits[takes_part], height[takes_part]
    higher = value[:, None] - value[None, :] >= apart
    count = int(higher.sum())
    lead = score[:, None] - score[None, :]
    right = (higher & (lead > 0)).sum() + 0.5 * (higher & (lead == 0)).sum()
    return float(right) / max(count, 1), count


@torch.no_grad()
def orders_by_attribute(
    model: TextImageModel, people: People, vectors: dict[str, Tensor]
) -> dict[str, Order]:
    """Attribute → how its held-out phrases order people; those of too few pairs are left out.

    vectors: predicate → sentence vectors [M, 384] of its held-out phrases.
    """
    rows = people.take(np.arange(len(people)))
    images = to_images(rows["image"])
    embeddings = torch.cat([model.image(part) for part in images.split(_TOGETHER)])
    value, known = truths(rows["values"])
    height, takes_part = orders(rows["values"])
    measured: dict[str, list[Order]] = defaultdict(list)
    for p, predicate in enumerate(PREDICATES):
        if predicate.name not in vectors:
            continue
        logits = model.logits(embeddings, model.text(vectors[predicate.name])).numpy()
        true = value[:, p].astype(np.float32)
        for scores in logits.T:
            pairs, count = right_order(scores, height[:, p], takes_part[:, p], APART)
            told, _ = right_order(scores, true, known[:, p], 1.0)
            if count >= FEWEST:
                measured[predicate.main.name].append(Order(pairs, told, count))
    return {
        name: Order(
            float(np.mean([each.pairs for each in own])),
            float(np.mean([each.told for each in own])),
            max(each.count for each in own),
        )
        for name, own in measured.items()
    }


def held_out_vectors(folder: Path) -> dict[str, Tensor]:
    """Predicate → vectors of some held-out sentences, for predicates that order people."""
    chosen = {
        predicate.name: phrasings("held-out")[predicate.name][:: _stride(predicate.name)][:PHRASES]
        for predicate in PREDICATES
        if predicate.main.sign and predicate.degree in ("plain", "more")
    }
    texts = [text for own in chosen.values() for text in own]
    vectors = embedded(folder / "held-out-sentences.safetensors", texts)
    parts = vectors.split([len(own) for own in chosen.values()])
    return dict(zip(chosen, parts, strict=True))


def _stride(name: str) -> int:
    return max(1, len(phrasings("held-out")[name]) // PHRASES)


def summary(measured: dict[str, Order]) -> dict[str, float]:
    """Median, worst tenth, and how many attributes reach .88 and .93."""
    shares = np.array([each.pairs for each in measured.values()])
    return {
        "attributes": len(shares),
        "median": round(float(np.median(shares)), 3),
        "worst_tenth": round(float(np.quantile(shares, 0.1)), 3),
        "median_told": round(float(np.median([each.told for each in measured.values()])), 3),
        "reach_88": int((shares >= 0.88).sum()),
        "reach_93": int((shares >= 0.93).sum()),
    }


def measure_world(
    weights: Path, work: Path, store: Path, draw: Draw, count: int = PEOPLE
) -> Scores:
    """All scores of the world in a folder, on `count` people, which its record keeps as well.

    Raises EclipsedError for a folder without a world, and where no people are held out yet.
    """
    world = load_heads(weights)
    assert isinstance(world.encoder, StarterEncoder)
    scores = measure(world, store, draw, count)
    vectors = held_out_vectors(work)
    people = read(store, held_out=True)
    scores["encoder"] = summary(orders_by_attribute(world.encoder.model, people, vectors))
    write_record(weights, read_record(weights) | {"scores": scores})
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the networks of heads.")
    parser.add_argument("network", choices=("world", *_SHAPES))
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the world's folder")
    parser.add_argument("--work", type=Path, default=default_work(), help="checkpoints and logs")
    parser.add_argument("--store", type=Path, default=default_folder(), help="rendered people")
    parser.add_argument("--people", type=int, default=PEOPLE, help="to measure a world on")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.network == "world":
            draw = Renderer(RESOLUTION, SAMPLES).render
            scores = measure_world(chosen.weights, chosen.work, chosen.store, draw, chosen.people)
            print(table(scores))
            return 0
        model = load(chosen.work, chosen.network)
        people = read(chosen.store, held_out=True)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    measured = orders_by_attribute(model, people, held_out_vectors(chosen.work))
    for name, each in sorted(measured.items(), key=lambda item: item[1].pairs):
        print(f"{name:15} {each.pairs:.3f} (true from false {each.told:.3f}, {each.count} pairs)")
    print(json.dumps(summary(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
