"""Can this generator do it? A look at sampled images before any training.

Three questions are asked of the world's own encoder and segmenter: do some images answer the prompt
clearly better than others, is what these have in common what the prompt says, and is the region to
be changed in sight? For the second, a few images are moved towards the best ones. How clear an
answer is depends on the encoder, so it is compared with the encoder's answers to texts that have
nothing to do with the world. This module trains nothing and knows no judge; its verdict is an
expectation, not a score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.cache import cached_tensors
from eclipsed.files import word_lists
from eclipsed.generators.spaces import best_space, longest_layer
from eclipsed.prompts.goals import encoded
from eclipsed.prompts.language import segments, stem
from eclipsed.prompts.languages import unread
from eclipsed.prompts.regions import near_examples, near_phrases
from eclipsed.search import pool
from eclipsed.search.balance import balanced
from eclipsed.search.calibration import few_lacking
from eclipsed.search.coarse import coarse_of
from eclipsed.search.pool import View, picture, spaced
from eclipsed.types import Goal, World

# Not among the seeds that training draws (from 54321 on) or that scores use.
SEEDS: tuple[int, ...] = tuple(range(7_000_000, 7_000_256))

Verdict = Literal["likely", "unsure", "unlikely"]

# Probabilities from which a prompt is called likely to work, and below which it is not.
LIKELY = 0.6
UNLIKELY = 0.2
# The evidence at which half of the prompts work, and how fast that changes: a logistic curve
# through what became of 126 prompts on the starter world (`python -m benchmarks.preflight`).
_MIDDLE, _WIDTH = 1.87, 0.5
# Scores that spread by more than this, in standard deviations, are those of something common.
_COMMON_SPREAD, _BROAD = 3.5, 2.0
# To be raised when what is cached here changes: the texts, the trials, the coverage.
_VERSION = 2
# How far the trial goes, in units of the spread of the layer that goes farthest; how many images
# are moved; and how many of UNRELATED are tried as well.
_TRIED, _MOVED, _TRIALS = 0.6, 6, 25
# How many images are searched for the regions.
_MASKED = 64
# Of so many of the vocabulary's phrases that are nearest to the prompt, a few are offered instead
# that are likely to work and answered more clearly than at least this fraction of UNRELATED.
_NEAREST, _OFFERED, _CLEAR = 16, 3, 0.9
# Scores of images that go together with those of the prompt by at least this much are of what the
# prompt would bring; those that go against them are of its opposite.
_ALIKE, _AGAINST = 0.4, 0.0
_LISTS = word_lists("eclipsed.search", "preflight.toml")
# Texts about everything and nothing. A world may well draw some of them, but not most.
UNRELATED: tuple[str, ...] = tuple(_LISTS["unrelated"])
# Pairs of lists of words, each of which denies those of the other.
_OPPOSITES = [
    tuple(frozenset(map(stem, side.split())) for side in pair) for pair in _LISTS["opposites"]
]
# The best of so many answer; rare things are shown by few. Of normally distributed numbers they lie
# so many deviations up, on average.
_OF, _BEST = 32, 2.253
# A region is in sight where it covers this fraction of an image.
IN_SIGHT = 0.003
RARELY_IN_SIGHT = 0.1


_NUMBERS = ("contrast", "rank", "clarity", "trial", "spread", "coverage", "present")


@dataclass(frozen=True)
class Preflight:
    """What sampled seeds say about a goal.

    scores: per seed, the cosine between its embedding minus the mean one and the prompt's minus the
    neutral text's. contrast: how well the best of 32 answer, where 1 is what they would score for a
    text that means nothing, if embeddings were normally distributed. rank: fraction of UNRELATED
    that these images answer less clearly. clarity, trial, spread: z-scores against UNRELATED, so
    they mean the same on every world; of the contrast, of the cosine between what a trial edit
    changes and the text, and of the standard deviation of the scores. coverage: mean fraction of an
    image that the region covers where it is in sight; present: fraction of images where it is. Both
    are 1 for the whole image. probability: that a training will work, by the z-scores, and less
    where the region is rarely in sight. instead: where that is not likely, near prompts that are.
    """

    goal: Goal
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    contrast: float
    rank: float
    clarity: float
    trial: float
    spread: float
    coverage: float
    present: float
    probability: float
    verdict: Verdict
    reason: str
    instead: tuple[str, ...] = ()

    def best(self, count: int = 5) -> tuple[int, ...]:
        """The seeds whose images answer the prompt best, best first."""
        order = sorted(range(len(self.seeds)), key=lambda i: (-self.scores[i], i))
        return tuple(self.seeds[i] for i in order[:count])

    def worst(self, count: int = 5) -> tuple[int, ...]:
        """The seeds whose images answer it least, worst first."""
        return self.best(len(self.seeds))[::-1][:count]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON, ten seeds of each end."""
        return {
            "prompt": self.goal.prompt,
            "neutral": self.goal.neutral,
            "regions": list(self.goal.regions),
            "verdict": self.verdict,
            "probability": round(self.probability, 4),
            "reason": self.reason,
            "instead": list(self.instead),
            **{name: round(getattr(self, name), 4) for name in _NUMBERS},
            "best": list(self.best(10)),
            "worst": list(self.worst(10)),
            "score": {
                "best": round(max(self.scores), 4),
                "median": round(sorted(self.scores)[len(self.scores) // 2], 4),
                "worst": round(min(self.scores), 4),
            },
            "seeds": len(self.seeds),
        }


@torch.no_grad()
def check(world: World, goal: Goal, seeds: Sequence[int] = SEEDS) -> Preflight:
    """Look at what the world's generator makes of `seeds` with the goal in mind.

    A prompt that asks for several changes is as likely to work as the least likely of them, whose
    numbers, reason and neighbours are given; scores, coverage and sight are of the whole.

    At least two seeds are needed, some hundreds for a verdict worth having; raises ValueError for
    fewer than two and UnknownName for a region that the world lacks.
    """
    if len(seeds) < 2:
        raise ValueError("a pre-flight needs at least two seeds")
    whole, look = _look_at(world, goal, seeds)
    foreign = unread(goal.prompt, world)
    if foreign:
        # What such words are near to says nothing, so nothing is offered instead either.
        return replace(whole, probability=0.0, verdict="unlikely", reason=foreign)
    if not goal.parts:
        return whole if whole.verdict == "likely" else _advised(whole, look)
    each = [_look_at(world, part, seeds) for part in goal.parts]
    weakest, look = min(each, key=lambda result: result[0].probability)
    if weakest.verdict != "likely":
        weakest = _advised(weakest, look)
        weakest = replace(weakest, reason=f"Of '{weakest.goal.prompt}': {weakest.reason}")
    facts = {name: getattr(whole, name) for name in ("scores", "coverage", "present")}
    return replace(weakest, goal=goal, **facts)


def _look_at(world: World, goal: Goal, seeds: Sequence[int]) -> tuple[Preflight, _Look]:
    """The result for one change, without anything to try instead."""
    space = best_space(world.generator)
    half, coarse = pool.fast_bfloat16(world.generator.device), coarse_of(world)
    view = View(world, space, half=half, coarse=coarse)
    view = balanced(view, seeds)
    sampled = pool.build_pool(view, seeds)
    line, unrelated = _lines(view, goal)
    images = sampled.embeddings.cpu()
    look = _Look(view, tuple(seeds), goal.neutral, sampled.latents, images, unrelated)
    contrast, scores = compare(look.images, line)
    clarity, trial, spread = look.clarity(contrast), look.trial(line), look.spread(scores)
    covered = _covered(view, goal, seeds, sampled.latents)
    visible = covered > IN_SIGHT
    present = float(visible.float().mean())
    probability = probability_of(clarity, trial, spread) * min(1.0, present / RARELY_IN_SIGHT)
    verdict, reason = _judge(probability, present, goal, scores)
    result = Preflight(
        goal=goal,
        seeds=tuple(seeds),
        scores=tuple(scores.tolist()),
        contrast=contrast,
        rank=look.rank(contrast),
        clarity=clarity,
        trial=trial,
        spread=spread,
        coverage=float(covered[visible].mean()) if present else 0.0,
        present=present,
        probability=probability,
        verdict=verdict,
        reason=reason,
    )
    return result, look


def evidence(clarity: float, trial: float, spread: float) -> float:
    """What speaks for a prompt: how clearly images answer, and what the trial says.

    Neither suffices: near misses are answered clearly, and what the best images have in common can
    be hidden by what else they are. If half the images already show it, there is no top tail; then
    the scores spread wider than for any unrelated text.
    """
    return (clarity + trial) / 2.0 + _BROAD * max(0.0, spread - _COMMON_SPREAD)


def probability_of(clarity: float, trial: float, spread: float) -> float:
    """That a training will work, by the evidence."""
    return 0.5 + 0.5 * math.tanh((evidence(clarity, trial, spread) - _MIDDLE) / (2.0 * _WIDTH))


def _lines(view: View, goal: Goal) -> tuple[Tensor, Tensor]:
    """The differences of the prompt [E] and of UNRELATED [U, E], cached, to the neutral text."""
    encoder = view.world.encoder
    prompt, neutral = encoded(encoder, goal).cpu()

    def others() -> dict[str, Tensor]:
        return {"lines": encoder.encode_text(list(UNRELATED)).cpu() - neutral}

    key = view.key("unrelated", _VERSION, ("encoder",), goal.neutral, UNRELATED)
    lines = cached_tensors(key, others)["lines"]
    return view.weighed(prompt - neutral), view.weighed(lines)


@dataclass(frozen=True, eq=False)
class _Look:
    """Sampled images: latents [N, D], embeddings [N, E]; and the differences of unrelated texts to
    the neutral one [U, E]."""

    view: View
    seeds: tuple[int, ...]
    neutral: str
    latents: Tensor
    images: Tensor
    unrelated: Tensor

    @cached_property
    def answers(self) -> tuple[tuple[float, Tensor], ...]:
        """Contrast and scores of each unrelated text."""
        return tuple(compare(self.images, line) for line in self.unrelated)

    def rank(self, contrast: float) -> float:
        """Fraction of unrelated texts that are answered less clearly."""
        return sum(other < contrast for other, _ in self.answers) / len(self.answers)

    def clarity(self, contrast: float) -> float:
        """The z-score of a contrast."""
        return _z_score(contrast, torch.tensor([other for other, _ in self.answers]))

    def spread(self, scores: Tensor) -> float:
        """The z-score of the standard deviation of scores."""
        return _z_score(scores.std(), torch.stack([others.std() for _, others in self.answers]))

    @cached_property
    def examples(self) -> Float[Tensor, "p e"]:
        """The differences of the world's example prompts, at least one, to the neutral text."""
        world = self.view.world

        def compute() -> dict[str, Tensor]:
            texts = world.encoder.encode_text([self.neutral, *world.example_prompts]).cpu()
            return {"lines": texts[1:] - texts[0]}

        facts = self.neutral, world.example_prompts
        key = self.view.key("examples", _VERSION, ("encoder",), *facts)
        return self.view.weighed(cached_tensors(key, compute)["lines"])

    def alike(self, lines: Float[Tensor, "p e"], scores: Float[Tensor, " n"]) -> Tensor:
        """How much the images' answers to texts go together with some scores: correlations [P]."""
        around = torch.stack([compare(self.images, line)[1] for line in lines])
        around = around - around.mean(dim=1, keepdim=True)
        return F.cosine_similarity(around, (scores - scores.mean())[None], dim=1)

    @cached_property
    def trials(self) -> Tensor:
        """The trials of some unrelated texts, cached for the world."""
        lines = self.unrelated[:: len(self.unrelated) // _TRIALS]
        facts = list(self.seeds), self.neutral, UNRELATED

        def compute() -> dict[str, Tensor]:
            return {"cosines": torch.tensor([self.trial_cosine(line) for line in lines])}

        key = self.view.key("trials", _VERSION, ("generator", "encoder"), *facts)
        return cached_tensors(key, compute)["cosines"]

    def trial(self, line: Tensor) -> float:
        """The z-score of a text's trial."""
        return _z_score(self.trial_cosine(line), self.trials)

    def trial_cosine(self, line: Tensor) -> float:
        """Move images that answer a text least towards the best: the cosine between what that
        changes and the line [E] from the neutral text."""
        _, scores = compare(self.images, line)
        order = scores.argsort(descending=True, stable=True)
        rest = order[len(order) // 2 :]
        step = self.latents[order[: _best(len(order))]].mean(dim=0)
        step = step - self.latents[rest].mean(dim=0)
        longest = longest_layer(self.view.world.generator, self.view.space, step)
        rows = rest[spaced(len(rest), _MOVED)]
        moved = self.latents[rows] + step * (_TRIED / max(1e-12, longest))
        change = picture(self.view, moved)[1].cpu() - self.images[rows]
        return float((F.normalize(change, dim=1) @ F.normalize(line, dim=0)).mean())


def _z_score(value: float | Tensor, others: Tensor) -> float:
    return float((value - others.mean()) / others.std().clamp_min(1e-6))


def _covered(view: View, goal: Goal, seeds: Sequence[int], latents: Tensor) -> Float[Tensor, " n"]:
    """The fraction of some of the images that the goal's regions cover."""
    rows = spaced(len(seeds), _MASKED)
    if not goal.regions:
        return torch.ones(len(rows))

    def covered() -> dict[str, Tensor]:
        # The pictures of so many seeds need not fit together.
        parts = [
            pool.masks_of(view, goal, picture(view, some)[0]).mean(dim=(1, 2)).cpu()
            for some in latents[rows].split(pool.BATCH)
        ]
        return {"fraction": torch.cat(parts)}

    facts = sorted(goal.regions), [seeds[row] for row in rows]
    key = view.key("coverage", _VERSION, ("generator", "segmenter"), *facts)
    return cached_tensors(key, covered)["fraction"]


def _advised(result: Preflight, look: _Look) -> Preflight:
    """With what the prompt would rather give, and what is likely to work instead."""
    goal, scores = result.goal, torch.tensor(result.scores)
    reason = result.reason
    examples = look.view.world.example_prompts
    if examples and result.present >= RARELY_IN_SIGHT:
        alike = look.alike(look.examples, scores)
        best = int(alike.argmax())
        example = examples[best]
        if alike[best] >= _ALIKE and example not in (goal.prompt, goal.text):
            reason = f"{reason} What you get is rather '{example}'."
    return replace(result, reason=reason, instead=_instead(look, goal, scores))


def _instead(look: _Look, goal: Goal, scores: Tensor) -> tuple[str, ...]:
    """The nearest prompts that are likely to work: of the world's examples, or, where it has none,
    of its words for regions. None says the opposite of the goal's prompt."""
    near = [phrase for phrase in _near(look, goal, scores) if not contradicts(goal.text, phrase)]
    phrases = near[:_NEAREST]
    if not phrases:
        return ()
    texts = look.view.world.encoder.encode_text([goal.neutral, *phrases]).cpu()
    lines = look.view.weighed(texts[1:] - texts[0])
    likely: list[str] = []
    for phrase, line, alike in zip(phrases, lines, look.alike(lines, scores), strict=True):
        contrast, answers = compare(look.images, line)
        if alike < _AGAINST or look.rank(contrast) < _CLEAR:
            continue  # and no image need be made
        numbers = look.clarity(contrast), look.trial(line), look.spread(answers)
        if probability_of(*numbers) >= LIKELY:
            likely.append(phrase)
        if len(likely) == _OFFERED:
            break
    return tuple(likely)


def _near(look: _Look, goal: Goal, scores: Tensor) -> list[str]:
    """What could be offered, the nearest first: by meaning, or for the whole image by which images
    answer."""
    world = look.view.world
    examples, vocabulary = world.example_prompts, world.vocabulary
    if not examples:
        near = near_phrases(goal.text, vocabulary, goal.neutral)
        # The bare name of a region is no prompt: every house has walls.
        return [phrase for phrase in near if stem(phrase) not in map(stem, vocabulary)]
    near = near_examples(goal.text, examples, goal.regions, vocabulary, goal.neutral)
    if goal.regions:
        return near
    order = look.alike(look.examples, scores).argsort(descending=True, stable=True).tolist()
    return list(dict.fromkeys([*near, *(examples[row] for row in order)]))


def contradicts(prompt: str, phrase: str) -> bool:
    """Whether a phrase names what a prompt denies, or says the opposite by a list of words."""
    said, denied = _said(prompt)
    offered, without = _said(phrase)
    if denied & offered or without & said:
        return True
    return any(
        said & one and offered & other for pair in _OPPOSITES for one, other in (pair, pair[::-1])
    )


def _said(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of the words that a text says, and of those that it denies."""
    parts = segments(text)
    return tuple(  # type: ignore[return-value]
        frozenset(stem(word) for part in parts if part.negated is denied for word in part.words)
        for denied in (False, True)
    )


def _best(count: int) -> int:
    return max(1, count // _OF)


def compare(
    images: Float[Tensor, "n e"], line: Float[Tensor, " e"]
) -> tuple[float, Float[Tensor, " n"]]:
    """How the images [N, E] answer a text that moves along the line [E]: contrast, and scores."""
    around = F.normalize(images - images.mean(dim=0), dim=1)
    scores = around @ F.normalize(line, dim=0)
    best = scores.topk(_best(len(scores))).values.mean()
    return float(best) * images.shape[1] ** 0.5 / _BEST, scores


def _judge(probability: float, present: float, goal: Goal, scores: Tensor) -> tuple[Verdict, str]:
    region = " and ".join(goal.regions) or "image"
    if present == 0.0:
        return "unlikely", f"No sampled image shows any {region} to change."
    if present < RARELY_IN_SIGHT:
        verdict: Verdict = "unlikely" if probability < UNLIKELY else "unsure"
        return verdict, f"Only {present:.0%} of the sampled images show any {region}."
    if probability < UNLIKELY:
        return "unlikely", f"None of {len(scores)} images clearly shows it."
    if probability < LIKELY:
        return "unsure", "Images of this world show only something like it."
    some = "Images" if few_lacking(scores) is None else "Most images"
    return "likely", f"{some} of this world already show it."
