"""Preset `default`: directional, sign-symmetric, local, and started from where the answer shows.

A pool of sampled images is ranked by the encoder. A regression of its scores on the latents is the
start: unlike the best images' mean minus the worst's, it does not bring along what merely tends to
come with the answer. A second regression, of the pool's thumbnails outside the region, says what
each way through the latents changes there, and the start is bent away from it. The pool's images
are mixed of two seeds each, so the regression can tell which layers decide; the others are left
out. A few steps refine it: positive strengths on images that lack what is asked for, negative ones
on images that have it, both held to the text's direction in the encoder's space and to the region
in features and pixels. The originals of all steps are the pool's and cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import layer_mask, widths_of
from eclipsed.search.calibration import calibrate
from eclipsed.search.losses import (
    cap_norms,
    localization_loss,
    pixel_change,
    share_inside,
    text_yield,
)
from eclipsed.search.plan import (
    Finish,
    Plan,
    check_layers,
    check_number,
    check_space,
    check_strengths,
)
from eclipsed.search.pool import (
    FIRST_SEED,
    SEEDS,
    Originals,
    View,
    build_pool,
    fast_bfloat16,
    features_between,
    look_at,
    masks_of,
    picture,
    shrink,
    spaced,
    text_direction,
)
from eclipsed.search.start import fit, slope
from eclipsed.types import Goal, Space, World

# Localization reads features of these heights: smaller ones cannot tell regions apart, larger
# ones cost memory and say what the pixels say.
FEATURE_SIZES = (16, 64)
# Masks grow by these pixels (of 128), as the score's do.
DILATION = 2
# Multiples of the warm start that are tried for its length; at 1 its longest layer is at the cap.
START_LENGTHS = (0.5, 0.65, 0.8, 1.0)
# Images of each kind that the search for length and layers looks at.
SEARCH_IMAGES = 6
# A run of fewer layers is taken for this much more loss, because layers that are left out cannot
# change anything in images that were not looked at.
TOLERANCE = 0.01
# A start that yields less than this is taken for one that yields this much.
LEAST_YIELD = 0.02
# Images that calibration looks at.
HELD_OUT = 20


@dataclass(frozen=True, kw_only=True)
class DefaultConfig:
    """The numbers of the default preset.

    space: where the direction lives. steps, batch, rate: of Adam; the rate is in units of each
    layer's spread per coordinate and falls along a cosine. pool: how many seeds are ranked.
    originals: how many of them are trained on, at most half with and half without what is asked
    for. contrast: share of the pool that shows how images score that answer the prompt. ridge: how
    much the start's regression is held back, in units of the latents' variance. aloof: how much it
    is bent away from what changes the image outside the region. strengths: least and greatest
    |strength|, drawn with both signs. feature_weight, pixel_weight: of the change outside the
    region, against the text's weight of 1. norm_cap: longest layer, in units of that layer's
    spread. layers: indices that are trained; None takes a run of those that, in the start, are at
    least as long as the longest times one of `layer_shares`: the shortest that does as well as the
    best of them. half: let the networks count in bfloat16 where the
    hardware is fast at it. seed: of the pool and of all draws.

    Raises BadSetting or UnknownName for numbers that make no sense.
    """

    space: Space = "w+"
    steps: int = 12
    batch: int = 8
    rate: float = 0.03
    pool: int = len(SEEDS)
    originals: int = 48
    contrast: float = 0.05
    ridge: float = 0.5
    aloof: float = 8.0
    strengths: tuple[float, float] = (0.8, 1.6)
    feature_weight: float = 0.5
    pixel_weight: float = 0.5
    norm_cap: float = 0.7
    truncation: float = 0.7
    layers: tuple[int, ...] | None = None
    layer_shares: tuple[float, ...] = (0.75, 0.9, 0.95, 0.99)
    half: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_space(self.space)
        check_layers(self.layers)
        check_number("steps", self.steps, 1)
        check_number("batch", self.batch, 2)
        check_number("originals", self.originals, 4)
        check_number("pool", self.pool, self.originals + 8)
        check_number("seed", self.seed, 0, 9_999)
        check_number("contrast", self.contrast, 0.0, 0.5)
        if not self.layer_shares:
            raise BadSetting("layer_shares must hold a number.")
        for share in self.layer_shares:
            check_number("layer_shares", share, 0.0, 1.0)
        for name in ("ridge", "norm_cap"):
            check_number(name, getattr(self, name), 1e-6)
        for name in (
            "rate",
            "truncation",
            "aloof",
            "feature_weight",
            "pixel_weight",
        ):
            check_number(name, getattr(self, name), 0.0)
        check_strengths(self.strengths)

    @property
    def preset(self) -> str:
        return "default"


@dataclass(frozen=True, eq=False)
class Target:
    """What is asked for, in the encoder's space: the unit direction [E] from neutral to prompt, and
    the levels along it of images that lack what is asked for (`low`) and that have it (`high`)."""

    text: Tensor
    low: float
    high: float

    def scores(self, embeddings: Float[Tensor, "n e"]) -> Float[Tensor, " n"]:
        """Where images lie on the way from low to high: about 0 to about 1."""
        return (embeddings @ self.text - self.low) / (self.high - self.low)


@dataclass(frozen=True, eq=False)
class Stage:
    """All that the steps look at and that does not change.

    originals: first `lacking` images that lack what is asked for, then those that have it.
    held_out: latents [H, D] that lack it and are not trained on. start: the warm start [D].
    yields: the yield that counts as full, which the warm start reaches at its best length.
    """

    view: View
    goal: Goal
    config: DefaultConfig
    target: Target
    originals: Originals
    lacking: int
    held_out: Tensor
    start: Tensor
    yields: float = 1.0

    @property
    def having(self) -> int:
        return self.originals.latents.shape[0] - self.lacking


def view_for(world: World, config: DefaultConfig) -> View:
    """How the preset looks at a world's images."""
    half = config.half and fast_bfloat16(world.generator.device)
    return View(world, config.space, config.truncation, half)


@torch.no_grad()
def set_stage(world: World, goal: Goal, config: DefaultConfig) -> Stage:
    """Sample the pool, rank it along the text and hand out the parts."""
    generator = world.generator
    view = view_for(world, config)
    first = FIRST_SEED + config.seed * 10_000
    seeds = range(first, first + config.pool)
    pool = build_pool(view, seeds, mixed=True)
    text = text_direction(world, goal)
    along = pool.embeddings @ text
    order = along.argsort(descending=True, stable=True)
    lower = order[len(order) // 2 :]
    best = order[: max(2, round(config.contrast * len(order)))]
    low, high = float(along[lower].mean()), float(along[best].mean())
    # A text that no image answers has no levels; any gap keeps the numbers finite.
    target = Target(text, low, max(high, low + 1e-3))
    most = config.originals // 2
    answering = int((target.scores(pool.embeddings) > 0.5).sum())
    having = order[: min(most, max(4, answering))]
    trained_on = spaced(len(lower), most)
    lacking = lower[trained_on]
    held_out = lower[[row for row in range(len(lower)) if row not in set(trained_on)]]
    reading = bool(config.feature_weight and goal.regions)
    names = features_between(generator, *FEATURE_SIZES) if reading else ()
    originals = look_at(view, goal, pool.latents[torch.cat([lacking, having])], names)
    region = dilate(originals.masks, pixels_at(originals.masks.shape[1], DILATION))
    inside = shrink(region[:, None]).amax(dim=(0, 1))
    return Stage(
        view=view,
        goal=goal,
        config=config,
        target=target,
        originals=originals,
        lacking=len(lacking),
        held_out=pool.latents[held_out[spaced(len(held_out), HELD_OUT)]],
        start=slope(fit(pool, config.ridge), sharpened(along), inside, config.aloof),
    )


def sharpened(along: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """Scores for the regression to fit: what counts is who answers the prompt, and how clearly.

    Along the raw scores a cousin of the answer that many images show would win over the answer
    itself; the exponential leaves the cousins behind. The top hundredth is cut off, so that no
    single image decides.
    """
    wide = 2.0 * (along - along.mean()) / along.std().clamp_min(1e-12)
    sharp = wide.exp()
    return sharp.clamp_max(float(sharp.quantile(0.99)))


def draw_batch(
    config: DefaultConfig, step: int, *, lacking: int, having: int
) -> tuple[Tensor, Tensor]:
    """Rows of the originals [B] and strengths [B] of a step, a function of seed and step alone.

    The originals list those that lack what is asked for first; they get positive strengths, the
    others negative ones.
    """
    random = np.random.default_rng([config.seed, step])
    add = config.batch - config.batch // 2
    rows = np.concatenate(
        [
            random.choice(lacking, size=add, replace=add > lacking),
            lacking + random.choice(having, size=config.batch - add),
        ]
    )
    sizes = random.uniform(*config.strengths, size=config.batch)
    signs = np.where(rows < lacking, 1.0, -1.0)
    return torch.from_numpy(rows), torch.from_numpy(sizes * signs).float()


def edit_losses(
    stage: Stage,
    vector: Float[Tensor, " d"],
    rows: Int[Tensor, " b"],
    strengths: Float[Tensor, " b"],
) -> dict[str, Tensor]:
    """The losses of moving the originals of these rows by strengths·vector, weighted into "total".

    "text": what the text's yield lacks, in units of `stage.yields`; with negative strengths images
    are to move against the text. "features", "pixels": the share of the change outside the
    region, before or after the edit.
    """
    config = stage.config
    before, strengths = stage.originals.take(rows.to(vector.device)), strengths.to(vector)
    moved = before.latents + strengths[:, None] * vector
    made, after = picture(stage.view, moved, list(before.features))
    gained = strengths.sign() * text_yield(after - before.embeddings, stage.target.text)
    # To move further than the start already does would cost locality, and earns nothing.
    terms = {"text": (1.0 - gained.mean() / stage.yields).clamp_min(0.0)}
    if stage.goal.regions:
        union = torch.maximum(before.masks, masks_of(stage.view, stage.goal, made))
        mask = dilate(union, pixels_at(union.shape[1], DILATION))
        if before.features:
            # The share outside, not one minus that inside: layers before the first edited one do
            # not change at all, and are not to blame.
            changed = {name: made.features[name] for name in before.features}
            terms["features"] = -localization_loss(
                before.features, changed, mask, mode="background"
            )
        change = pixel_change(before.images, made.image)
        terms["pixels"] = share_inside(change, 1.0 - mask).mean()
    weights = {"text": 1.0, "features": config.feature_weight, "pixels": config.pixel_weight}
    return {**terms, "total": torch.stack([weights[k] * x for k, x in terms.items()]).sum()}


def norms_of(vector: Float[Tensor, " d"], widths: Sequence[int]) -> Float[Tensor, " layers"]:
    """How long each layer of a vector is."""
    return torch.stack([layer.norm() for layer in vector.split(list(widths))])


def reach_of(start: Float[Tensor, " d"], widths: Sequence[int], caps: Sequence[float]) -> float:
    """The factor that brings the longest layer of the start, for its spread, to its cap."""
    norms: list[float] = norms_of(start, widths).tolist()
    return 1.0 / max(1e-12, *(norm / cap for norm, cap in zip(norms, caps, strict=True)))


def search_length(loss: Callable[[float], float]) -> tuple[float, float]:
    """The multiple of the start that the loss likes best, and its loss."""
    losses = {length: loss(length) for length in START_LENGTHS}
    best = min(losses, key=losses.__getitem__)
    return best, losses[best]


def prominent_run(norms: Float[Tensor, " layers"], share: float) -> tuple[int, ...]:
    """The run from the first to the last layer that is at least `share` times as long as the
    longest."""
    long = (norms >= share * norms.max()).nonzero().flatten().tolist()
    return tuple(range(min(long), max(long) + 1))


def runs_of(norms: Float[Tensor, " layers"], shares: Sequence[float]) -> list[tuple[int, ...]]:
    """The different prominent runs of these shares, the longest first; each holds the next.

    norms: how long each layer of a vector is, for its spread. One layer alone takes in the longer
    of its neighbours, if that is of the longest run: what one layer says does not last.
    """
    widest, *others = (prominent_run(norms, share) for share in sorted(shares))
    runs = [widest]
    for run in others:
        if len(run) == 1:
            beside = [layer for layer in (run[0] - 1, run[0] + 1) if layer in widest]
            run = tuple(sorted({*run, *sorted(beside, key=lambda layer: -float(norms[layer]))[:1]}))
        runs.append(run)
    return list(dict.fromkeys(runs))


def shortest_good(losses: Sequence[float]) -> int:
    """The last of the losses that is hardly more than the least."""
    good = min(losses) + TOLERANCE
    return max(index for index, loss in enumerate(losses) if loss <= good)


def averaged(
    vector: Float[Tensor, " d"], widths: Sequence[int], run: Sequence[int]
) -> Float[Tensor, " d"]:
    """The vector with every layer of the run replaced by their mean, and all others zeroed."""
    layers = vector.split(list(widths))
    mean = torch.stack([layers[index] for index in run]).mean(dim=0)
    kept = [mean if index in run else torch.zeros_like(mean) for index in range(len(layers))]
    return torch.cat(kept)


def falling(step: int, steps: int) -> float:
    """A cosine from 1 to 0.1 over the steps."""
    return 0.1 + 0.45 * (1.0 + math.cos(math.pi * step / steps))


def default_plan(world: World, goal: Goal, config: DefaultConfig) -> Plan:
    """Rank the pool, find start and layers, and lay out the steps.

    Raises UnknownName for layers or regions that do not exist.
    """
    generator, space = world.generator, config.space
    layer_mask(generator, space, config.layers)  # refuses strangers before any work
    stage = set_stage(world, goal, config)
    widths = widths_of(generator, space)
    spread = generator.spread(space)
    caps = (config.norm_cap * spread).tolist()

    def constrain(directions: Tensor) -> Tensor:
        return cap_norms(directions, widths, caps)

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        batch = draw_batch(config, step, lacking=stage.lacking, having=stage.having)
        return edit_losses(stage, directions[0], *batch)

    def start_on(run: Sequence[int]) -> Tensor:
        # Layers of W+ take the same words, so their mean says what each says, with less noise.
        trained = layer_mask(generator, space, run)
        start = averaged(stage.start, widths, run) if space == "w+" else stage.start * trained
        return start * reach_of(start, widths, caps)

    runs = [config.layers] if config.layers else None
    runs = runs or runs_of(norms_of(stage.start, widths) / spread, config.layer_shares)
    # The longest run says how far to go, and what yield that brings; then each is as long.
    starts = [start_on(run) for run in runs]
    length, least = search_length(lambda length: look(stage, length * starts[0])["text"])
    stage = replace(stage, yields=max(1.0 - least, LEAST_YIELD))
    starts = [length * start for start in starts]
    best = shortest_good([look(stage, start)["total"] for start in starts]) if runs[1:] else 0
    chosen, start = runs[best], starts[best]
    pieces = zip(spread, widths, strict=True)
    rate = config.rate * torch.cat([(s / width**0.5).expand(width) for s, width in pieces])
    return Plan(
        start=start[None],
        trained=layer_mask(generator, space, chosen),
        steps=config.steps,
        rate=lambda step: falling(step, config.steps) * rate,
        loss=loss,
        finish=lambda vector: finish(stage, vector, reach_of(vector, widths, caps)),
        constrain=constrain,
        facts={
            "trained_layers": list(chosen),
            "precision": "bfloat16" if stage.view.half else "float32",
        },
    )


@torch.no_grad()
def look(stage: Stage, vector: Float[Tensor, " d"]) -> dict[str, float]:
    """The losses of a vector on a few originals of each kind, always the same, at strength ±1."""
    few = [spaced(stage.lacking, SEARCH_IMAGES), spaced(stage.having, SEARCH_IMAGES)]
    rows = torch.tensor([*few[0], *(stage.lacking + row for row in few[1])])
    signs = torch.tensor([1.0] * len(few[0]) + [-1.0] * len(few[1]))
    losses = edit_losses(stage, vector, rows, signs)
    return {name: float(value) for name, value in losses.items()}


def finish(stage: Stage, vector: Float[Tensor, " d"], reach: float) -> Finish:
    """Calibrate on the seeds that were held out; `reach` brings the vector to its cap, so that the
    same lengths are looked at whatever training made of it."""
    text, regions = stage.target.text, stage.goal.regions
    done = calibrate(stage.view, stage.held_out, reach * vector, text, regions)
    return Finish(unit=reach * done.unit, range=done.range, facts={"yields": list(done.yields)})
