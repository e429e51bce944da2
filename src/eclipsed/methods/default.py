"""Method `default`: directional, sign-symmetric, local, and started from a regression.

A pool of sampled images is ranked by the encoder. A regression of its scores on the latents is the
start: unlike the best images' mean minus the worst's, it does not bring along what merely tends to
come with the answer. A second regression, of the pool's thumbnails outside the region, says what
each way through the latents changes there, and the start is bent away from it. The pool's images
are mixed of two seeds each, so the regression can tell which layers decide; the others are left
out. A few steps refine it: positive strengths on images without the attribute (negatives), negative
strengths on images with it (positives), both held to the text's direction in the encoder's space
and to the region in features and pixels. The originals of all steps come from the pool, for
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.editing.masks import change_region
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import layer_mask, widths_of
from eclipsed.search import losses, pool
from eclipsed.search.balance import balanced
from eclipsed.search.calibration import (
    MARGIN,
    alignment_curve,
    calibrate,
    lacking,
    unit_of,
)
from eclipsed.search.coarse import coarse_of
from eclipsed.search.plan import Calibration, Plan
from eclipsed.search.pool import SEEDS, Originals, Pool, View, spaced
from eclipsed.search.settings import check_number, check_settings, setting
from eclipsed.search.start import FIRST, RIDGE, fit, looked_at, slope
from eclipsed.types import Goal, Space, World

# Localization reads features of these heights: smaller ones cannot tell regions apart, larger
# ones cost memory and say what the pixels say.
FEATURE_SIZES = (16, 64)
# Multiples of the warm start that are tried for its length; at 1 its longest layer is at the cap.
START_LENGTHS = (0.5, 0.65, 0.8, 1.0)
# Images of each kind on which length and layers are searched.
SEARCH_IMAGES = 6
# A run of fewer layers is taken for this much more loss, because layers that are left out cannot
# change anything in images outside this search.
TOLERANCE = 0.01
# A start that gains less than this along the text counts as gaining this much.
LEAST_GAIN = 0.02
# Images for calibration.
HELD_OUT = 20


@dataclass(frozen=True, kw_only=True)
class DefaultConfig:
    """The numbers of method `default`.

    Raises BadSetting or UnknownName for a value out of range.
    """

    method: ClassVar[str] = "default"
    # Where the direction lives.
    space: Space = "w+"
    # Steps of Adam.
    steps: int = setting(12, 1)
    # Images a step.
    batch: int = setting(8, 2)
    # Adam's, in units of each layer's spread per coordinate; it falls along a cosine.
    rate: float = setting(0.03, 0.0)
    # How many seeds are ranked by the prompt, at least eight more than are trained on; fewer where
    # the regression has settled before.
    pool: int = setting(len(SEEDS), 12)
    # How many of them are trained on, at most half with the attribute and half without.
    originals: int = setting(48, 4)
    # The best-ranked fraction of the pool, which shows how images with the attribute score.
    contrast: float = setting(0.05, 0.0, 0.5)
    # Ridge penalty of the start's regression, in units of the latents' variance.
    ridge: float = setting(RIDGE, 1e-6)
    # How strongly the start is bent away from what changes the image outside the region.
    leak_penalty: float = setting(8.0, 0.0)
    # Least and greatest |strength|, drawn with both signs.
    strengths: tuple[float, float] = setting((0.8, 1.6), 0.0)
    # Weight of the feature change outside the region; the text's is 1.
    feature_weight: float = setting(0.5, 0.0)
    # Weight of the pixel change outside the region.
    pixel_weight: float = setting(0.5, 0.0)
    # Greatest length of a layer, in units of that layer's spread.
    norm_cap: float = setting(0.7, 1e-6)
    # ψ of all images.
    truncation: float = setting(0.7, 0.0)
    # Indices that are trained; None takes the shortest run that does as well as the best.
    layers: tuple[int, ...] | None = None
    # Candidate runs: layers of the start at least so long, as a fraction of the longest.
    layer_lengths: tuple[float, ...] = setting((0.75, 0.9, 0.95, 0.99), 0.0, 1.0)
    # Compute in bfloat16 where the hardware is fast at it.
    half: bool = True
    # Of the pool and of all draws.
    seed: int = setting(0, 0, 9_999)

    def __post_init__(self) -> None:
        check_settings(self)
        check_number("pool", self.pool, self.originals + 8)
        if not self.layer_lengths:
            raise BadSetting("'layer_lengths' must hold a number.")


@dataclass(frozen=True, eq=False)
class Target:
    """The attribute in the encoder's space: the unit direction [E] from neutral to prompt, and the
    mean levels along it of images without the attribute (`low`) and with it (`high`)."""

    text: Tensor
    low: float
    high: float

    def scores(self, embeddings: Float[Tensor, "n e"]) -> Float[Tensor, " n"]:
        """Where images lie on the way from low to high: about 0 to about 1."""
        return (embeddings @ self.text - self.low) / (self.high - self.low)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """All that the steps need and that does not change.

    originals: first `negatives` images without the attribute, then those with it. held_out:
    images that lack it (`calibration.lacking`) and are not trained on. start: the warm
    start [D]. full_gain: the text gain that counts as full, which the warm start reaches at its
    best length.
    """

    view: View
    goal: Goal
    config: DefaultConfig
    target: Target
    originals: Originals
    negatives: int
    held_out: Pool
    start: Tensor
    full_gain: float = 1.0

    @property
    def positives(self) -> int:
        return self.originals.latents.shape[0] - self.negatives


def view_for(world: World, config: DefaultConfig) -> View:
    """The world as the config has it, its embeddings balanced."""
    half = config.half and pool.fast_bfloat16(world.generator.device)
    view = View(world, config.space, config.truncation, half, coarse=coarse_of(world))
    return balanced(view, seeds_of(world, config), mixed=True)


def seeds_of(world: World, config: DefaultConfig) -> range:
    """The seeds that are ranked."""
    first, count = pool.FIRST_SEED + config.seed * 10_000, config.pool
    if FIRST < count <= len(SEEDS):
        count = min(count, len(looked_at(world)))
    return range(first, first + count)


@torch.no_grad()
def training_set(world: World, goal: Goal, config: DefaultConfig) -> TrainingSet:
    """Sample the pool, rank it along the text and hand out the parts."""
    generator = world.generator
    view = view_for(world, config)
    sampled = pool.build_pool(view, seeds_of(world, config), mixed=True)
    text = pool.text_direction(view, goal)
    along = sampled.embeddings @ text
    order = along.argsort(descending=True, stable=True)
    # As many again as are trained on are held out.
    enough = min(config.originals, len(order) // 2)
    lower = order[-max(enough, len(lacking(along))) :]
    best = order[: max(2, round(config.contrast * len(order)))]
    low, high = float(along[lower].mean()), float(along[best].mean())
    # A text that no image answers has no levels; any gap keeps the numbers finite.
    target = Target(text, low, max(high, low + 1e-3))
    most = config.originals // 2
    answering = int((target.scores(sampled.embeddings) > 0.5).sum())
    positives = order[: min(most, max(4, answering))]
    trained_on = spaced(len(lower), most)
    negatives = lower[trained_on]
    held_out = lower[[row for row in range(len(lower)) if row not in set(trained_on)]]
    held_out = held_out[spaced(len(held_out), HELD_OUT)]
    reading = bool(config.feature_weight and goal.regions)
    names = pool.features_between(generator, *FEATURE_SIZES) if reading else ()
    some = sampled.take(torch.cat([negatives, positives]))
    originals = pool.look_at(view, goal, some.latents, names, some.embeddings)
    region = change_region(originals.masks, originals.masks)
    inside = pool.shrink(region[:, None]).amax(dim=(0, 1))
    return TrainingSet(
        view=view,
        goal=goal,
        config=config,
        target=target,
        originals=originals,
        negatives=len(negatives),
        held_out=sampled.take(held_out),
        start=slope(
            fit(sampled, config.ridge), exponential_scores(along), inside, config.leak_penalty
        ),
    )


def exponential_scores(along: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """Scores for the regression to fit: what counts is which images answer, and how clearly.

    Along the raw scores a cousin of the answer that many images show would win over the answer
    itself; the exponential leaves the cousins behind. The top hundredth is cut off, so that no
    single image decides.
    """
    wide = 2.0 * (along - along.mean()) / along.std().clamp_min(1e-12)
    sharp = wide.exp()
    return sharp.clamp_max(float(sharp.quantile(0.99)))


def draw_batch(
    config: DefaultConfig, step: int, *, negatives: int, positives: int
) -> tuple[Tensor, Tensor]:
    """Rows of the originals [B] and strengths [B] of a step, a function of seed and step alone.

    The originals list the negatives first; they get positive strengths, the positives negative
    ones.
    """
    random = np.random.default_rng([config.seed, step])
    add = config.batch - config.batch // 2
    rows = np.concatenate(
        [
            random.choice(negatives, size=add, replace=add > negatives),
            negatives + random.choice(positives, size=config.batch - add),
        ]
    )
    sizes = random.uniform(*config.strengths, size=config.batch)
    signs = np.where(rows < negatives, 1.0, -1.0)
    return torch.from_numpy(rows), torch.from_numpy(sizes * signs).float()


def edit_losses(
    data: TrainingSet,
    vector: Float[Tensor, " d"],
    rows: Int[Tensor, " b"],
    strengths: Float[Tensor, " b"],
) -> dict[str, Tensor]:
    """The losses of moving the originals of these rows by strengths·vector, weighted into "total".

    "text": what is missing of `data.full_gain`, as a fraction of it; with negative strengths images
    are to move against the text. "features", "pixels": the fraction of the change outside the
    region, before or after the edit.
    """
    config = data.config
    before, strengths = data.originals.take(rows.to(vector.device)), strengths.to(vector)
    moved = before.latents + strengths[:, None] * vector
    synthesis, after = pool.picture(data.view, moved, list(before.features))
    terms = {"text": _missing(data, before, after, strengths)}
    if data.goal.regions:
        mask = change_region(before.masks, pool.masks_of(data.view, data.goal, synthesis))
        if before.features:
            # The fraction outside, not one minus that inside: layers before the first edited one do
            # not change at all, and are not to blame.
            changed = {name: synthesis.features[name] for name in before.features}
            terms["features"] = -losses.localization_loss(
                before.features, changed, mask, mode="background"
            )
        change = losses.pixel_change(before.images, synthesis.image)
        terms["pixels"] = losses.fraction_inside(change, 1.0 - mask).mean()
    weights = {"text": 1.0, "features": config.feature_weight, "pixels": config.pixel_weight}
    return {**terms, "total": torch.stack([weights[k] * x for k, x in terms.items()]).sum()}


def _missing(
    data: TrainingSet, before: Originals, after: Float[Tensor, "b e"], strengths: Tensor
) -> Float[Tensor, ""]:
    """The loss "text" of embeddings after an edit."""
    gained = strengths.sign() * losses.alignment(after - before.embeddings, data.target.text)
    # To move further than the start already does would cost locality, and earns nothing.
    return (1.0 - gained.mean() / data.full_gain).clamp_min(0.0)


def norms_of(vector: Float[Tensor, " d"], widths: Sequence[int]) -> Float[Tensor, " layers"]:
    """How long each layer of a vector is."""
    return torch.stack([layer.norm() for layer in vector.split(list(widths))])


def scale_to_cap(start: Float[Tensor, " d"], widths: Sequence[int], caps: Sequence[float]) -> float:
    """The factor that brings the longest layer of the start, for its spread, to its cap."""
    norms: list[float] = norms_of(start, widths).tolist()
    return 1.0 / max(1e-12, *(norm / cap for norm, cap in zip(norms, caps, strict=True)))


def search_length(loss: Callable[[float], float]) -> tuple[float, float]:
    """The multiple of the start that the loss likes best, and its loss."""
    values = {length: loss(length) for length in START_LENGTHS}
    best = min(values, key=values.__getitem__)
    return best, values[best]


def prominent_run(norms: Float[Tensor, " layers"], length: float) -> tuple[int, ...]:
    """The run from the first to the last layer that is at least `length` times as long as the
    longest."""
    long = (norms >= length * norms.max()).nonzero().flatten().tolist()
    return tuple(range(min(long), max(long) + 1))


def runs_of(norms: Float[Tensor, " layers"], lengths: Sequence[float]) -> list[tuple[int, ...]]:
    """The different prominent runs of these lengths, the longest first; each holds the next.

    norms: how long each layer of a vector is, for its spread. One layer alone takes in the longer
    of its neighbours, if that is of the longest run: what one layer says does not last.
    """
    widest, *others = (prominent_run(norms, length) for length in sorted(lengths))
    runs = [widest]
    for run in others:
        if len(run) == 1:
            beside = [layer for layer in (run[0] - 1, run[0] + 1) if layer in widest]
            run = tuple(sorted({*run, *sorted(beside, key=lambda layer: -float(norms[layer]))[:1]}))
        runs.append(run)
    return list(dict.fromkeys(runs))


def shortest_good(values: Sequence[float]) -> int:
    """The index of the last loss that is within TOLERANCE of the least."""
    good = min(values) + TOLERANCE
    return max(index for index, loss in enumerate(values) if loss <= good)


def averaged(
    vector: Float[Tensor, " d"], widths: Sequence[int], run: Sequence[int]
) -> Float[Tensor, " d"]:
    """The vector with every layer of the run replaced by their mean, and all others zeroed."""
    layers = vector.split(list(widths))
    mean = torch.stack([layers[index] for index in run]).mean(dim=0)
    rest = torch.zeros_like(mean)
    return torch.cat([mean if index in run else rest for index in range(len(layers))])


def falling(step: int, steps: int) -> float:
    """A cosine from 1 to 0.1 over the steps."""
    return 0.1 + 0.45 * (1.0 + math.cos(math.pi * step / steps))


def default_plan(world: World, goal: Goal, config: DefaultConfig) -> Plan:
    """Rank the pool, find start and layers, and lay out the steps.

    Raises UnknownName for layers or regions that do not exist.
    """
    generator, space = world.generator, config.space
    layer_mask(generator, space, config.layers)  # refuses unknown layers before any work
    data = training_set(world, goal, config)
    widths = widths_of(generator, space)
    spread = generator.spread(space)
    caps = (config.norm_cap * spread).tolist()

    def constrain(directions: Tensor) -> Tensor:
        return losses.cap_norms(directions, widths, caps)

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        batch = draw_batch(config, step, negatives=data.negatives, positives=data.positives)
        return edit_losses(data, directions[0], *batch)

    def start_on(run: Sequence[int]) -> Tensor:
        # Layers of W+ take the same codes, so their mean says what each says, with less noise.
        trained = layer_mask(generator, space, run)
        start = averaged(data.start, widths, run) if space == "w+" else data.start * trained
        return start * scale_to_cap(start, widths, caps)

    runs = [config.layers] if config.layers else None
    runs = runs or runs_of(norms_of(data.start, widths) / spread, config.layer_lengths)
    # The longest run says how far to go, and what text gain that brings; then each is as long.
    starts = [start_on(run) for run in runs]
    length, least = search_length(lambda length: glance(data, length * starts[0]))
    data = replace(data, full_gain=max(1.0 - least, LEAST_GAIN))
    starts = [length * start for start in starts]
    best = shortest_good([look(data, start)["total"] for start in starts]) if runs[1:] else 0
    chosen, start = runs[best], starts[best]
    pieces = zip(spread, widths, strict=True)
    rate = config.rate * torch.cat([(s / width**0.5).expand(width) for s, width in pieces])
    return Plan(
        start=start[None],
        trained=layer_mask(generator, space, chosen),
        steps=config.steps,
        rate=lambda step: falling(step, config.steps) * rate,
        loss=loss,
        finish=lambda vector: finish(data, vector, scale_to_cap(vector, widths, caps)),
        unit=lambda vector: unit_for(data, vector, scale_to_cap(vector, widths, caps)),
        constrain=constrain,
        facts={
            "trained_layers": list(chosen),
            "precision": "bfloat16" if data.view.half else "float32",
        },
    )


@torch.no_grad()
def look(data: TrainingSet, vector: Float[Tensor, " d"]) -> dict[str, float]:
    """The losses of a vector on a few originals of each kind, always the same, at strength ±1."""
    terms = edit_losses(data, vector, *_few(data))
    return {name: float(value) for name, value in terms.items()}


@torch.no_grad()
def glance(data: TrainingSet, vector: Float[Tensor, " d"]) -> float:
    """The loss "text" alone of what `look` looks at; no region is looked for."""
    rows, signs = _few(data)
    before = data.originals.take(rows.to(vector.device))
    moved = before.latents + signs.to(vector)[:, None] * vector
    after = pool.picture(data.view, moved)[1]
    return float(_missing(data, before, after, signs.to(vector)))


def _few(data: TrainingSet) -> tuple[Tensor, Tensor]:
    """Rows of a few originals of each kind, and the signs that lead them to the other kind."""
    few = [spaced(data.negatives, SEARCH_IMAGES), spaced(data.positives, SEARCH_IMAGES)]
    rows = torch.tensor([*few[0], *(data.negatives + row for row in few[1])])
    return rows, torch.tensor([1.0] * len(few[0]) + [-1.0] * len(few[1]))


def finish(data: TrainingSet, vector: Float[Tensor, " d"], scale: float) -> Calibration:
    """Calibrate on the held-out images; `scale` brings the vector to its cap, so that the same
    lengths are tried whatever training made of it."""
    text, regions = data.target.text, data.goal.regions
    images = data.held_out
    result = calibrate(
        data.view, images.latents, scale * vector, text, regions, before=images.embeddings
    )
    return replace(result, unit=scale * result.unit)


def unit_for(data: TrainingSet, vector: Float[Tensor, " d"], scale: float) -> float:
    """The unit that `finish` finds, without a range."""
    images, text = data.held_out, data.target.text
    curve = alignment_curve(
        data.view, images.latents, scale * vector, text, before=images.embeddings
    )
    return scale * MARGIN * unit_of(curve)
