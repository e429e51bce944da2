"""From a sentence to a card in the library, in the background: looked at, stopped, kept.

A search first asks whether the generator can do it, goes on by itself unless that is unlikely,
trains, keeps the card, and scores it last, when it is already in use. Whoever shows it reads
`status`, which is a value.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed.app.library import Library
from eclipsed.directions import Direction
from eclipsed.editing.images import to_pil, to_uint8
from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.errors import BadSetting, EclipsedError, UnknownName
from eclipsed.evaluation.evaluate import QUICK_SEEDS, judged_by, score_direction
from eclipsed.generators.spaces import best_space
from eclipsed.prompts.goals import LONGEST_PROMPT, goal_from_prompt, understand
from eclipsed.search import loop, preflight
from eclipsed.search.logs import StepReport
from eclipsed.search.optimizer import State, initial_state
from eclipsed.search.preflight import Preflight
from eclipsed.types import SPACES, Goal, Space, World

Stage = Literal["checking", "asking", "looking", "training", "scoring", "done", "stopped", "failed"]
RUNNING: tuple[Stage, ...] = ("checking", "looking", "training", "scoring")
SHOWN = 5  # best and worst images of a pre-flight
_WIDEST = 256
_LINE = (217.0, 72.0, 15.0)  # around regions


@dataclass(frozen=True)
class Request:
    """What is searched for, and how. regions: None to choose by the prompt, () for the whole
    image. space, layers, steps: None for what suits the preset and the generator. seed: of the
    image that progress is shown on.

    Raises BadSetting for a prompt that says nothing or goes on for ever.
    """

    prompt: str
    regions: tuple[str, ...] | None = None
    preset: str = "default"
    space: Space | None = None
    layers: tuple[int, ...] | None = None
    steps: int | None = None
    seed: int = 1
    truncation: float = 0.7

    def __post_init__(self) -> None:
        checked_prompt(self.prompt)


def checked_prompt(prompt: str) -> str:
    """A prompt without outer space; BadSetting where it says nothing, goes on for ever, or holds
    what cannot be shown."""
    found = prompt.strip()
    if not found:
        raise BadSetting("The prompt is empty.", "Say what should change, such as 'curly hair'.")
    if len(prompt) > LONGEST_PROMPT:
        raise BadSetting(
            f"The prompt is longer than {LONGEST_PROMPT} characters.", "Say it shorter."
        )
    if any(not c.isprintable() for c in found):
        raise BadSetting("The prompt holds characters that cannot be shown.", "Type it anew.")
    return found


@dataclass(frozen=True)
class Seen:
    """A JPEG of a seed's image, on which its regions are drawn, and the share of it that they
    cover (1 for the whole image)."""

    seed: int
    picture: bytes
    covered: float


@dataclass(frozen=True)
class Look:
    """What pre-flight found: the verdict, why the regions were chosen, and the seeds that answer
    the prompt best and least."""

    found: Preflight
    understood: str
    best: tuple[Seen, ...]
    worst: tuple[Seen, ...]


@dataclass(frozen=True)
class Status:
    """How far a search is. file: of the card in the library, once it is there. snapshots: JPEGs of
    one image under what was learned so far, the image itself first."""

    stage: Stage
    look: Look | None = None
    report: StepReport | None = None
    snapshots: tuple[bytes, ...] = ()
    file: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def running(self) -> bool:
        """Whether something is still being done."""
        return self.stage in RUNNING

    @property
    def left(self) -> float | None:
        """Seconds until the last step, judging by those done; None before the first."""
        if self.report is None:
            return None
        done = self.report.step
        return self.report.seconds / done * (self.report.steps - done)


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
        """End early; what was learned by then is kept."""
        self._stop.set()
        if self._status.stage == "asking":
            self._say(stage="stopped")

    def go_on(self) -> None:
        """Train although pre-flight thinks it unlikely to work."""
        if self._status.stage == "asking":
            self._say(stage="looking")
            self._start(self._train)

    def wait(self, timeout: float | None = None) -> Status:
        """The status once nothing is being done any more, or after so many seconds."""
        self._thread.join(timeout)
        return self.status

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except EclipsedError as error:
                self._say(stage="stopped" if self._stop.is_set() else "failed", error=str(error))
            except Exception as error:  # noqa: BLE001 - nobody else would ever hear of it
                summary = str(error).strip().split("\n")[0]
                what = f"Something unexpected went wrong ({type(error).__name__}: {summary})."
                self._say(stage="failed", error=what)

        self._thread = threading.Thread(target=guarded, name="search", daemon=True)
        self._thread.start()

    def _say(self, **changes: object) -> None:
        seconds = time.monotonic() - self._began
        self._status = replace(self._status, seconds=seconds, **changes)  # type: ignore[arg-type]

    def _goal(self) -> Goal:
        return goal_from_prompt(
            checked_prompt(self.request.prompt), self.world, regions=self.request.regions
        )

    def _check_then_train(self) -> None:
        goal = self._goal()
        found = preflight.check(self.world, goal)
        why = (
            understand(goal.prompt, self.world).reason
            if self.request.regions is None
            else "The region was given."
        )
        best, worst = (
            seen(self.world, goal, seeds) for seeds in (found.best(SHOWN), found.worst(SHOWN))
        )
        self._say(look=Look(found, why, best, worst))
        if self._stop.is_set():
            self._say(stage="stopped")
        elif found.verdict == "unlikely":
            self._say(stage="asking")
        else:
            self._say(stage="looking")
            self._train()

    def _train(self) -> None:
        goal, request = self._goal(), self.request
        config = loop.config_for(
            request.preset,
            space=request.space or best_space(self.world.generator),
            layers=request.layers,
            steps=request.steps,
        )
        plan = loop.make_plan(self.world, goal, config)
        state = initial_state(plan.start)
        self._snapshot(config.space, state)
        self._say(stage="training")
        state = loop.run(
            plan,
            state,
            lambda report: self._say(report=report),
            stop=self._stop.is_set,
            save=lambda reached: self._snapshot(config.space, reached),
        )
        direction = loop.finish(self.world, goal, config, plan, state)[0]
        file = self.library.add(direction)
        self._say(stage="scoring", file=file)
        self._score(file, direction)

    def _score(self, file: str, direction: Direction) -> None:
        scores = score_direction(self.world, direction, seeds=QUICK_SEEDS)
        self.library.keep_scores(file, scores, judged_by(self.world))
        self._say(stage="stopped" if direction.config.get("interrupted") else "done")

    @torch.no_grad()
    def _snapshot(self, space: Space, state: State) -> None:
        """One more picture of what was learned; training's own length stands in for a strength."""
        generator, request = self.world.generator, self.request
        start = generator.sample([request.seed], truncation=request.truncation, space=space)
        learned = state.directions.sum(dim=0)
        moves = [learned] if self._status.snapshots else [torch.zeros_like(learned), learned]
        images = [generator.synthesize(start + move, space).image[0] for move in moves]
        made = [_jpeg(to_pil(image)) for image in images]
        self._say(snapshots=(*self._status.snapshots, *made))


def space_named(name: str | None) -> Space | None:
    """A space by its name; None stays None. Raises UnknownName for any other text."""
    for space in SPACES:
        if name == space:
            return space
    if name is not None:
        raise UnknownName(f"There is no space '{name}'.", f"Choose one of {', '.join(SPACES)}.")
    return None


def layers_written(text: str) -> tuple[int, ...] | None:
    """ "3-5,7" → (3, 4, 5, 7), "" → None (what suits); raises BadSetting for anything else."""
    if not text.strip() or text.strip() == "all":
        return None
    layers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part, re.ASCII)
        if match is None:
            raise BadSetting("These layers make no sense.", "Write them like 3-5,7.")
        layers.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not layers:
        raise BadSetting("No layer is left.", "Write them like 3-5,7.")
    return tuple(sorted(layers))


@torch.no_grad()
def seen(world: World, goal: Goal, seeds: Sequence[int]) -> tuple[Seen, ...]:
    """Images of seeds on which the goal's regions are drawn: the rest is dimmed, and a line runs
    around them; nothing is drawn where the goal is the whole image."""
    generator, segmenter = world.generator, world.segmenter
    latents = generator.sample(list(seeds), truncation=world.truncation, space="z")
    made = generator.synthesize(
        latents, "z", features=segmenter.feature_names, truncation=world.truncation
    )
    pixels = to_uint8(made.image).float()
    inside = torch.ones_like(made.image[:, 0]).cpu()
    if goal.regions:
        inside = segmenter.masks(made, goal.regions).cpu()
        pixels = _drawn(pixels, inside)
    return tuple(
        Seen(seed, _jpeg(Image.fromarray(one.to(torch.uint8).numpy())), float(mask.mean()))
        for seed, one, mask in zip(seeds, pixels, inside, strict=True)
    )


def _drawn(
    pixels: Float[Tensor, "n h w 3"], inside: Float[Tensor, "n h w"]
) -> Float[Tensor, "n h w 3"]:
    """Pixels of 0 … 255 with all but the masks dimmed, and a line just outside of them."""
    grey = pixels.mean(dim=3, keepdim=True) * 0.35 + 140.0
    mixed = torch.lerp(grey, pixels, inside[..., None])
    solid = (inside > 0.5).float()
    line = dilate(solid, pixels_at(inside.shape[-1], 1)) - solid
    return torch.lerp(mixed, torch.tensor(_LINE), line[..., None])


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.thumbnail((_WIDEST, _WIDEST))
    picture.save(buffer, "JPEG", quality=90, subsampling=0)
    return buffer.getvalue()
