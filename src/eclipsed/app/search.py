"""From a sentence to a card in the library, in the background: looked at, stopped, stored.

A search first asks whether the generator can do it and goes on by itself unless that is unlikely.
It stores a draft at once, trains, puts what was trained in the draft's place, and scores it last,
when it is already in use. Whoever shows it reads `status`, which is a value.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed.app.background import begin
from eclipsed.app.library import Library
from eclipsed.app.rendering import jpeg
from eclipsed.cache import cache_folder
from eclipsed.directions import Direction
from eclipsed.editing.images import to_pil, to_uint8
from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.editing.stack import EditStack
from eclipsed.editing.starts import Start
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.evaluation.evaluate import QUICK_SEEDS, scored
from eclipsed.evaluation.verdict import DirectionVerdict, verdict_of_card
from eclipsed.generators.spaces import best_space
from eclipsed.methods.forward import draft
from eclipsed.methods.registry import config_for
from eclipsed.methods.training import train_directions
from eclipsed.prompts.goals import checked_prompt, goal_from_prompt, understand
from eclipsed.search import preflight
from eclipsed.search.optimizer import State
from eclipsed.search.preflight import Preflight
from eclipsed.text import whole_numbers
from eclipsed.types import SPACES, Goal, Space, World

Stage = Literal["checking", "asking", "looking", "training", "scoring", "done", "stopped", "failed"]
Captioned = tuple[tuple[bytes, str], ...]  # JPEGs, each with a caption
RUNNING: tuple[Stage, ...] = ("checking", "looking", "training", "scoring")
SNAPSHOT_EVERY = 5  # steps
_WIDEST = 256
_LINE = (217.0, 72.0, 15.0)  # around regions


@dataclass(frozen=True)
class Request:
    """What is searched for, and how. regions: None to choose by the prompt, () for the whole
    image. space, layers, steps: None for what suits the method and the generator. seed, start,
    truncation, stack: the image that progress is shown on, a latent's in place of a seed's, and its
    edits.

    Raises EclipsedError for a prompt that cannot be one.
    """

    prompt: str
    regions: tuple[str, ...] | None = None
    method: str = "default"
    space: Space | None = None
    layers: tuple[int, ...] | None = None
    steps: int | None = None
    seed: int = 1
    start: Start | None = None
    truncation: float = 0.7
    stack: EditStack = field(default_factory=EditStack)

    def __post_init__(self) -> None:
        checked_prompt(self.prompt)


@dataclass(frozen=True)
class Look:
    """What pre-flight found, and why the regions were chosen."""

    preflight: Preflight
    understood: str


@dataclass(frozen=True)
class Status:
    """How far a search is. file: of the card in the library, once it is there. version: how often
    the direction in it has changed. verdict: on it, once it is scored. snapshots: JPEGs of one
    image under what was learned so far, the image itself first."""

    stage: Stage
    look: Look | None = None
    state: State | None = None
    snapshots: tuple[bytes, ...] = ()
    file: str = ""
    version: int = 0
    verdict: DirectionVerdict | None = None
    error: str = ""
    seconds: float = 0.0

    @property
    def running(self) -> bool:
        """Whether something is still being done."""
        return self.stage in RUNNING

    @property
    def left(self) -> float | None:
        """Seconds until the last step, judging by those done; None before the first."""
        if self.state is None:
            return None
        done = self.state.step
        return self.state.seconds / done * (self.state.steps - done)


class Search:
    """One search, which begins at once in a thread of its own.

    Networks are asked without a lock: they are frozen, and nothing in them changes when they are
    asked, so images can be drawn meanwhile.
    """

    def __init__(self, world: World, library: Library, request: Request) -> None:
        self.world, self.library, self.request = world, library, request
        self._status = Status("checking")
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._start(self._check_then_train)

    @property
    def status(self) -> Status:
        """How far it is now."""
        if not self._status.running:
            return self._status
        return replace(self._status, seconds=time.monotonic() - self._began)

    def stop(self) -> None:
        """End early; what was learned by then is stored."""
        self._stop.set()
        if self._status.stage == "asking":
            self._say(stage="stopped")

    def train_anyway(self) -> None:
        """Train although pre-flight thinks it unlikely to work."""
        if self._status.stage == "asking":
            self._say(stage="looking")
            self._start(self._train)

    def _start(self, work: Callable[[], None]) -> None:
        def failed(why: str, foreseen: bool) -> None:
            stopped = foreseen and self._stop.is_set()
            self._say(stage="stopped" if stopped else "failed", error=why)

        self.thread = begin("search", work, failed)

    def _say(self, **changes: object) -> None:
        seconds = time.monotonic() - self._began
        self._status = replace(self._status, seconds=seconds, **changes)  # type: ignore[arg-type]

    def _check_then_train(self) -> None:
        regions = self.request.regions
        self._goal = goal_from_prompt(self.request.prompt, self.world, regions=regions)
        result = preflight.check(self.world, self._goal)
        reason = "The region was given."
        if regions is None:
            reason = understand(self._goal.prompt, self.world).reason
        self._say(look=Look(result, reason))
        if self._stop.is_set():
            self._say(stage="stopped")
        elif result.verdict == "unlikely":
            self._say(stage="asking")
        else:
            self._say(stage="looking")
            self._train()

    def _train(self) -> None:
        request = self.request
        config = config_for(
            request.method,
            space=request.space or best_space(self.world.generator),
            layers=request.layers,
            steps=request.steps,
        )
        entry = self.library.answer(self.world, self._goal, request.method, config)
        if entry is not None and entry.direction is not None:
            self._say(stage="done", file=entry.file, verdict=verdict_of_card(entry.direction))
            return
        if request.method == "default" and request.layers is None:
            self._store(draft(self.world, self._goal, config.space))
        (direction,) = train_directions(
            self.world,
            self._goal,
            config,
            lambda state: self._show(config.space, state),
            stop=self._stop.is_set,
            work=cache_folder() / "directions",
        )
        self._store(direction, stage="scoring")
        direction = scored(self.world, direction, seeds=QUICK_SEEDS)
        self._store(direction, verdict=verdict_of_card(direction))
        self._say(stage="stopped" if direction.config.get("interrupted") else "done")

    def _store(self, direction: Direction, **changes: object) -> None:
        """Keep a direction, in the place of an earlier one of this search."""
        file = self._status.file
        try:
            self.library.update(file, direction)
        except UnknownName:  # there is none yet, or it was deleted meanwhile
            file = self.library.add(direction)
        self._say(file=file, version=self._status.version + 1, **changes)

    def _start_of(self, space: Space) -> Float[Tensor, "1 d"]:
        """The latent that progress is shown on, with its edits where they leave it in this space or
        before it."""
        generator, request = self.world.generator, self.request
        latents, first = generator.sample([request.seed], space="z"), SPACES[0]
        if request.start is not None and _leads(request.start.space, space):
            latents, first = request.start.latent(generator), request.start.space
        last = request.stack.space(first)
        stack = request.stack if _leads(last, space) else EditStack()
        latents = stack.apply(generator, latents, first, truncation=request.truncation)
        return generator.convert(latents, stack.space(first), space, request.truncation)

    @torch.no_grad()
    def _show(self, space: Space, state: State) -> None:
        """Say how far training is, with a picture of what was learned every few steps; training's
        own length stands in for a strength."""
        self._say(stage="training", state=state)
        if state.step % SNAPSHOT_EVERY and state.step < state.steps:
            return
        generator, start = self.world.generator, self._start_of(space)
        latents = [start + state.directions.sum(dim=0)]
        if not self._status.snapshots:
            latents.insert(0, start)
        images = [generator.synthesize(latent, space).image[0] for latent in latents]
        pictures = [jpeg(to_pil(image), _WIDEST) for image in images]
        self._say(snapshots=(*self._status.snapshots, *pictures))


def _leads(first: Space, second: Space) -> bool:
    """Whether a latent of the first space can become one of the second."""
    return SPACES.index(first) <= SPACES.index(second)


def layers_written(text: str) -> tuple[int, ...] | None:
    """ "3-5,7" → (3, 4, 5, 7), "" → None (what suits); raises BadSetting for anything else."""
    if text.strip() in ("", "all"):
        return None
    try:
        return tuple(sorted(set(whole_numbers(text, largest=9_999, most=10_000))))
    except BadSetting as error:
        raise BadSetting(f"Layers: {error.message}", "Write them like 3-5,7.") from error


@torch.no_grad()
def images_of(world: World, goal: Goal, seeds: Sequence[int]) -> Captioned:
    """Images of seeds on which the goal's regions are drawn: the rest is pale, and a line runs
    around them; nothing is drawn where the goal is the whole image. A caption says how much of the
    image the regions cover."""
    generator, segmenter = world.generator, world.segmenter
    latents = generator.sample(list(seeds), truncation=world.truncation, space="z")
    synthesis = generator.synthesize(
        latents, "z", features=segmenter.feature_names, truncation=world.truncation
    )
    pixels = to_uint8(synthesis.image).float()
    inside = torch.ones_like(synthesis.image[:, 0]).cpu()
    if goal.regions:
        inside = segmenter.masks(synthesis, goal.regions).cpu()
        pixels = _drawn(pixels, inside)
    pictures = [Image.fromarray(image.numpy()) for image in pixels.to(torch.uint8)]
    return tuple(
        (jpeg(picture, _WIDEST), f"{float(mask.mean()):.0%}")
        for picture, mask in zip(pictures, inside, strict=True)
    )


def _drawn(
    pixels: Float[Tensor, "n h w 3"], inside: Float[Tensor, "n h w"]
) -> Float[Tensor, "n h w 3"]:
    """Pixels of 0 … 255 with all but the masks pale, and a line just outside of them."""
    pale = pixels * 0.4 + 150.0
    mixed = torch.lerp(pale, pixels, inside[..., None])
    solid = (inside > 0.5).float()
    line = dilate(solid, pixels_at(max(inside.shape[-2:]), 1)) - solid
    return torch.lerp(mixed, torch.tensor(_LINE), line[..., None])
