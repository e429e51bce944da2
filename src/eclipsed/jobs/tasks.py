"""The kinds of jobs: a card for a prompt, pictures of edits, and a photo that is edited."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eclipsed import __version__
from eclipsed.cache import NETWORKS
from eclipsed.editing.choices import CardChoice, edit_facts_of, open_edits
from eclipsed.editing.images import save_pngs
from eclipsed.editing.latents import read_latents
from eclipsed.editing.photos.files import edit_file
from eclipsed.editing.photos.inversion import InvertConfig, identity_of
from eclipsed.editing.photos.session import invert_photo
from eclipsed.editing.recipes import latent_facts, recipe_head
from eclipsed.editing.stack import BATCH, Edit, EditStack, render
from eclipsed.editing.starts import Start
from eclipsed.evaluation import evaluate
from eclipsed.files import make_folder, read_bytes, sha256_of, write_atomic
from eclipsed.generators.spaces import best_space
from eclipsed.jobs.job import VERSION, Place
from eclipsed.methods import method
from eclipsed.methods.registry import config_for
from eclipsed.methods.training import on_generator, train_direction
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import loop
from eclipsed.search.pool import view_of
from eclipsed.types import Goal, Space, World

PICTURES = 32  # images of one job: a batch of always the same images gives the same bytes
_MOST_BYTES = 2**29


def _digest(world: World, *facts: Any) -> str:
    """SHA-256 over a world's networks, this machine's way to count, and what else decides."""
    view = view_of(world, best_space(world.generator))
    return view.key("jobs", VERSION, NETWORKS, __version__, *facts).digest


# --- a card for a prompt ------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """A direction for a prompt, scored. seed, steps: None for the method's own."""

    prompt: str
    method: str = "default"
    seed: int | None = None
    steps: int | None = None

    @property
    def kind(self) -> str:
        return f"train {self.method}"

    def identity(self, world: World) -> str:
        goal, config = self._asked(world)
        judge = world.judge() if world.judge else world
        judges = [judge.encoder.fingerprint, judge.segmenter.fingerprint]
        known = list(world.vocabulary.items())
        facts = [self.method, asdict(config), asdict(goal), known, judges, *evaluate.QUICK_SEEDS]
        return _digest(world, loop.VERSION, method.VERSION, *facts)

    def carry_out(self, world: World, place: Place) -> Mapping[str, Any]:
        """Goes on from the state of one that was cut short; KeyboardInterrupt after Ctrl-C."""
        goal, config = self._asked(world)
        direction = train_direction(world, goal, config, work=place.work)
        if direction.config.get("interrupted"):
            raise KeyboardInterrupt
        direction = evaluate.scored(world, direction, seeds=evaluate.QUICK_SEEDS)
        replace(direction, config={**direction.config, "job": place.job.id}).save(place.outs[0])
        shutil.rmtree(place.work, ignore_errors=True)
        success = direction.scores.get("success")
        return {
            "verdict": direction.verdict["kind"],
            "success": None if success is None else success["median"],
        }

    def _asked(self, world: World) -> tuple[Goal, Any]:
        config = config_for(self.method, seed=self.seed, steps=self.steps)
        return goal_from_prompt(self.prompt, world), on_generator(config, world)


# --- pictures of edits --------------------------------------------------------------------------


@dataclass(frozen=True)
class Pictures:
    """A stack on some images: of seeds, or of a part of a file's latents from `first` on."""

    stack: tuple[CardChoice, ...]
    seeds: tuple[int, ...] = ()
    truncation: float | None = None
    latents: Path | None = None
    first: int = 0
    kind: str = "edit"

    def identity(self, world: World) -> str:
        psi = self._truncation(world)
        source: Any = [self.seeds, psi]
        if self.latents is not None:
            source = [sha256_of(read_bytes(self.latents, limit=_MOST_BYTES)), self.first]
        return _digest(world, "edit", *_edits(self.stack, world)[1], source)

    def carry_out(self, world: World, place: Place) -> Mapping[str, Any]:
        edits, facts = _edits(self.stack, world)
        latents, space, starts = self._source(world, len(place.outs))
        rendered = partial(
            render,
            world.generator,
            stack=EditStack(tuple(edits)),
            space=space,
            truncation=self._truncation(world) if self.seeds else 1.0,
            segmenter=world.segmenter if any(edit.bounded for edit in edits) else None,
        )
        images = chain.from_iterable(map(rendered, latents.split(BATCH)))
        # First, so that it stands where `is_done` looks.
        recipe = {"job": place.job.id, **recipe_head("edit", world), "edits": facts}
        make_folder(place.outs[0].parent)
        rows = zip(images, place.outs, starts, strict=True)
        save_pngs((image, path, {**recipe, **start}) for image, path, start in rows)
        return {"images": len(latents)}

    def _truncation(self, world: World) -> float:
        return world.truncation if self.truncation is None else self.truncation

    def _source(self, world: World, count: int) -> tuple[Tensor, Space, list[dict[str, Any]]]:
        """The latents, their space, and what a recipe says of each."""
        if self.latents is None:
            psi = self._truncation(world)
            starts = [{"seeds": [seed], "truncation": psi} for seed in self.seeds]
            return world.generator.sample(self.seeds, space="z"), "z", starts
        read = read_latents(self.latents, world.generator)
        part = slice(self.first, self.first + count)
        rows = zip(read.names[part], read.latents[part], strict=True)
        starts = [latent_facts(Start.of(name, read.space, row[None])) for name, row in rows]
        return read.latents[part], read.space, starts


def _edits(stack: Sequence[CardChoice], world: World) -> tuple[list[Edit], list[dict[str, Any]]]:
    edits = open_edits(stack, world)
    facts = edit_facts_of(stack, edits)
    for edit, one in zip(edits, facts, strict=True):
        if edit.hard:  # what it may change is the card's own unless the recipe says otherwise
            one.setdefault("regions", list(edit.direction.regions))
    return edits, facts


# --- photos -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PhotoEdit:
    """A stack on a photo; what was done is written beside it, as JSON."""

    stack: tuple[CardChoice, ...]
    photo: Path
    kind: str = "photo"

    def identity(self, world: World) -> str:
        photo = sha256_of(read_bytes(self.photo, limit=_MOST_BYTES))
        # The inversion's own identity, of an image that stands for none.
        side = world.generator.resolution
        how = identity_of(world, torch.zeros(1, 3, side, side), InvertConfig())
        return _digest(world, "photo", *_edits(self.stack, world)[1], photo, how)

    def carry_out(self, world: World, place: Place) -> Mapping[str, Any]:
        edits, facts = _edits(self.stack, world)
        (said,), (out,) = place.outs, place.others
        make_folder(out.parent)
        kept = partial(evaluate.preservation_of, world, [edit.direction for edit in edits])
        invert = partial(invert_photo, world)
        done = edit_file(world, self.photo, out, edits, facts, invert, kept)
        del done["inversion"]["seconds"]  # all else is the same whenever it is done
        report = {"job": place.job.id, **done, "out": out.name}
        write_atomic(said, (json.dumps(report, indent=2) + "\n").encode())
        return {"changed": done["written"]["changed"], "notes": done["notes"]}
