"""What becomes of each method where the encoder is weak, on the starter world.

    python -m benchmarks.weak_encoder [--kinds a,b] [--aucs .95,.9,.86] [--methods a,b]
        [--prompts "a;b"] [--rows ROWS.jsonl]

The starter's encoder is spoiled in several ways until it can tell PROMPTS apart on images only so
well (median area under the curve). Then each method finds directions with it, and the independent
judges, which are not spoiled, score them on 32 unseen seeds. Rows are kept in the file
(docs/bench/weak.jsonl) and are not measured again. Prints a Markdown table: for each kind and area
the median over the prompts of each method's success and locality, the worst prompt's success, and
the success as a fraction of what the same method reaches with the whole encoder.

    nuisance    a network of random weights looks at the image as well, and adds what it sees
    pattern     another, deeper one, of other activations
    rough       what is added jumps from image to image, as if it were noise
    quantised   numbers of embeddings keep few levels, and fewer
    misread     texts are misread: a fixed random vector for each sentence is added
    other       the judges' own encoder, of another architecture, as it is
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

import eclipsed
from eclipsed import World
from eclipsed.evaluation.credibility import SecondLook, area
from eclipsed.evaluation.evaluate import evaluate, summary
from eclipsed.evaluation.observe import Observation
from eclipsed.prompts.goals import encoded
from eclipsed.types import Encoder, Judge

ROWS = Path("docs/bench/weak.jsonl")
PROMPTS = (
    "curly hair",
    "blond hair",
    "sunglasses",
    "an open mouth",
    "a full beard",
    "closed eyes",
    "a beanie",
    "a hoodie",
    "red hair",
    "a blue background",
)
AUCS = (0.95, 0.9, 0.86)
METHODS = ("default", "forward", "latent-arithmetic", "styleclip-global")
SEEDS = range(1_000_000, 1_000_032)
LOOKED_AT = range(30_000_000, 30_000_512)  # seeds by which an encoder is spoiled and measured
WHOLE = 1.0  # the area that stands for the encoder as it is
_STRONGEST = 64.0
_BISECTIONS = 12

Spoiled = Callable[[float], Encoder]


class Spoiler(nn.Module):
    """An encoder whose image embeddings get something added, or whose texts do.

    added: images → what is added to their embeddings, which have length 1, for a level of 1.
    misread: how far each sentence's embedding is moved, in a direction of its own.
    """

    def __init__(
        self, inner: Encoder, name: str, level: float, added: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.inner, self.name, self.level, self.added = inner, name, level, added
        self.size, self.mean, self.std = inner.size, inner.mean, inner.std
        self.fingerprint = f"{name} {level:.4f} {inner.fingerprint}"

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        embeddings = self.inner.encode_text(texts)
        if self.name != "misread" or not self.level:
            return embeddings
        noise = torch.stack([_of_sentence(text, embeddings.shape[1]) for text in texts])
        return F.normalize(embeddings + self.level * noise.to(embeddings), dim=1)

    def encode_image(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        embeddings = self.inner.encode_image(images)
        if self.added is not None and self.level:
            return F.normalize(embeddings + self.level * self.added(images.clamp(-1.0, 1.0)), dim=1)
        if self.name == "quantised" and self.level:
            step = self.level / embeddings.shape[1] ** 0.5
            # The gradient is that of what is not rounded, or nothing could be trained.
            embeddings = embeddings + ((embeddings / step).round() * step - embeddings).detach()
        return embeddings

    def encode_pixels(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        return self.encode_image(pixels * 1.0)


def _of_sentence(text: str, width: int) -> Float[Tensor, " e"]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    noise = torch.randn(width, generator=torch.Generator().manual_seed(seed))
    return noise / noise.norm()


class Standard(nn.Module):
    """A network whose outputs have mean 0 and together length 1 on some images."""

    def __init__(self, network: nn.Module, images: Float[Tensor, "n 3 h w"]) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        with torch.no_grad():
            seen = torch.cat([network(part) for part in images.split(64)])
        self.mean, self.spread = seen.mean(dim=0), seen.std(dim=0) * seen.shape[1] ** 0.5

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        seen: Tensor = (self.network(images) - self.mean) / self.spread.clamp_min(1e-9)
        return seen


class Rough(nn.Module):
    """Sines of a projection of the image that turn many times between any two of them."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.projection = torch.randn(3 * 16 * 16, width, generator=generator)

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        coarse = F.adaptive_avg_pool2d(images, 16).flatten(1)
        turned: Tensor = torch.sin(20.0 * coarse @ self.projection)
        return turned


def networks(kind: str, width: int) -> nn.Module | None:
    """What is added for a kind, with random weights of a fixed seed; None where nothing is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        if kind == "nuisance":
            return nn.Sequential(
                *(nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), nn.Conv2d(32, 64, 5, 2, 2), nn.ReLU()),
                *(nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()),
                nn.Linear(1024, width),
            )
        if kind == "pattern":
            pairs = ((3, 32), (32, 64), (64, 96), (96, 128))
            layers: list[nn.Module] = []
            for inputs, outputs in pairs:
                layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(8, outputs), nn.Tanh()]
            return nn.Sequential(
                *layers, nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(128 * 64, width)
            )
        if kind == "rough":
            return Rough(width, torch.Generator().manual_seed(7))
    return None


@dataclass(frozen=True, eq=False)
class Bench:
    """What encoders are spoiled and measured by: images, and which of them show each prompt."""

    world: World
    judge: Judge
    images: Tensor
    shows: dict[str, Tensor]

    @classmethod
    @torch.no_grad()
    def of(cls, world: World, prompts: Sequence[str], seeds: Sequence[int] = LOOKED_AT) -> Bench:
        """Of a world with a judge that knows the prompts."""
        assert world.judge is not None
        judge, generator = world.judge(), world.generator
        latents = generator.sample(list(seeds), truncation=world.truncation, space="w+")
        images = torch.cat([generator.synthesize(part).image for part in latents.split(32)])
        verdicts = [judge.attributes(part) for part in images.split(32)]
        shows = {}
        for prompt in prompts:
            claim = judge.claim(prompt)
            if claim is None:
                raise ValueError(f"the judges know nothing of {prompt!r}")
            columns = [judge.groups[claim.group].index(value) for value in claim.values]
            chances = torch.cat([one.probabilities[claim.group][:, columns] for one in verdicts])
            shows[prompt] = chances.sum(dim=1) > 0.5
        return cls(world, judge, images, shows)

    @torch.no_grad()
    def auc(self, encoder: Encoder) -> float:
        """The median over the prompts: how well an encoder tells images that show one apart."""
        seen = torch.cat([encoder.encode_image(part) for part in self.images.split(32)])
        areas = []
        for prompt, shows in self.shows.items():
            text, neutral = encoded(encoder, eclipsed.goal_from_prompt(prompt, self.world))
            along = seen @ (text - neutral)
            areas.append(area(along[~shows], along[shows]))
        return median(areas)

    def spoiled(self, kind: str, auc: float) -> Encoder:
        """The world's encoder, spoiled until its median area is about this."""
        inner = self.world.encoder
        if auc >= WHOLE:
            return inner
        if kind == "other":
            return self.judge.encoder  # type: ignore[attr-defined, no-any-return]
        width = inner.encode_text(["a"]).shape[1]
        added = networks(kind, width)
        if added is not None:
            added = Standard(added, self.images)
        low, high = 0.0, _STRONGEST
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2 if low else high / 8
            low, high = (
                (middle, high)
                if self.auc(Spoiler(inner, kind, middle, added)) > auc
                else (low, middle)
            )
        return Spoiler(inner, kind, (low + high) / 2, added)


def measured(world: World, spoiled: World, method: str, prompt: str) -> dict[str, Any]:
    """Success and locality of the direction that a method finds with the spoiled encoder; and what
    that encoder says when it is asked again: an area, and whether success is doubted."""
    goal = eclipsed.goal_from_prompt(prompt, world)
    direction = eclipsed.train_direction(spoiled, goal, eclipsed.config_for(method))
    again, latents = SecondLook(spoiled, goal), world.generator.sample(SEEDS, space="z")

    def watch(seen: Mapping[float, Observation]) -> None:
        again.see(seen[0.0].synthesis, seen[1.0].synthesis)

    scores = summary(evaluate(world, direction, latents, strengths=(), watch=watch))
    found = {name: scores[name] for name in ("success", "locality")}
    told = {name: None if one is None else one["median"] for name, one in found.items()}
    return {**told, "second_look": round(again.auc, 3), "doubted": bool(again.doubt)}


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown of all rows."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = [
        "| kind | AUC | method | success | worst | of whole | locality |",
        "|---|---|---|---|---|---|---|",
    ]
    whole = {method: _middle(rows, "whole", WHOLE, method, "success") for method in methods}
    for kind, auc in dict.fromkeys((row["kind"], row["auc"]) for row in rows):
        for method in methods:
            success = _middle(rows, kind, auc, method, "success")
            if success is None:
                continue
            worst = min(_values(rows, kind, auc, method, "success"))
            locality = _middle(rows, kind, auc, method, "locality")
            of = whole[method]
            part = f"{success / of:.2f}" if of else "–"
            inside = "–" if locality is None else f"{locality:.2f}"
            cells = (kind, f"{auc:.2f}", method, f"{success:.2f}", f"{worst:.2f}", part, inside)
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _values(
    rows: Sequence[dict[str, Any]], kind: str, auc: float, method: str, name: str
) -> list[float]:
    wanted = [r for r in rows if (r["kind"], r["auc"], r["method"]) == (kind, auc, method)]
    return [row[name] for row in wanted if row[name] is not None]


def _middle(
    rows: Sequence[dict[str, Any]], kind: str, auc: float, method: str, name: str
) -> float | None:
    values = _values(rows, kind, auc, method, name)
    return median(values) if values else None


def main(arguments: Sequence[str]) -> None:
    """Measure what the file lacks, and print the table."""
    split = lambda text: tuple(text.split(","))  # noqa: E731
    parser = argparse.ArgumentParser(description="Methods with weak encoders.")
    kinds = ("nuisance", "pattern", "rough", "quantised", "misread", "other")
    parser.add_argument("--kinds", type=split, default=kinds)
    parser.add_argument(
        "--aucs", type=lambda text: tuple(map(float, text.split(","))), default=AUCS
    )
    parser.add_argument("--methods", type=split, default=METHODS)
    parser.add_argument("--prompts", type=lambda text: tuple(text.split(";")), default=PROMPTS)
    parser.add_argument("--rows", type=Path, default=ROWS)
    chosen = parser.parse_args(arguments)
    world = eclipsed.load_world("starter")
    bench = cache(partial(Bench.of, world, PROMPTS))
    lines = chosen.rows.read_text().splitlines() if chosen.rows.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(r["kind"], r["auc"], r["method"], r["prompt"]) for r in rows}
    cases = [("whole", WHOLE)]
    cases += [(k, auc) for k in chosen.kinds for auc in (chosen.aucs if k != "other" else (0.0,))]
    for kind, auc in cases:
        wanted = [(m, p) for m in chosen.methods for p in chosen.prompts]
        wanted = [pair for pair in wanted if (kind, auc, *pair) not in done]
        if not wanted:
            continue
        encoder = bench().spoiled(kind, auc)
        # What came with the world was made with the encoder as it is.
        spoiled = world if kind == "whole" else replace(world, encoder=encoder, shipped=None)
        reached = round(bench().auc(encoder), 3)
        for method, prompt in wanted:
            row = {"kind": kind, "auc": auc, "reached": reached, "method": method, "prompt": prompt}
            rows.append({**row, **measured(world, spoiled, method, prompt)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            with chosen.rows.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
