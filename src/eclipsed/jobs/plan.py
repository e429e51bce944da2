"""A batch becomes jobs: each with its id and the names of its files, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from eclipsed.editing.latents import read_latents
from eclipsed.editing.photos.files import edited_name, photos_of
from eclipsed.files import sha256_of
from eclipsed.jobs.batch import Batch, Stack
from eclipsed.jobs.job import Job, Task
from eclipsed.jobs.tasks import PICTURES, PhotoEdit, Pictures, Training
from eclipsed.text import file_name
from eclipsed.types import World

# Name and device → the world, such as `worlds.load_world`.
Load = Callable[[str, str], World]
# What a file of a batch is called that has its world, method or seed by default.
_DEFAULT_WORLD, _DEFAULT_METHOD = "starter", "default"
_LONGEST = 80


def plan(batch: Batch, load: Load, device: str) -> list[Job]:
    """The jobs of a batch, those of one world together.

    load: how a world is had; each is loaded, as the ids need its fingerprints and the prompts its
    words. Raises what loading and reading raise, and EclipsedError for what cannot be a prompt.
    """
    jobs: dict[tuple[str, ...], Job] = {}
    for name in batch.worlds:
        world = load(name, device)
        for asked in _tasks(batch, name, world):
            id_ = asked.task.identity(world)
            outs = asked.outs if asked.outs not in jobs else asked.renamed(id_[:6])
            if outs not in jobs:
                jobs[outs] = Job(id_, name, asked.task, outs, asked.others)
    return list(jobs.values())


@dataclass(frozen=True)
class _Asked:
    task: Task
    outs: tuple[str, ...]
    others: tuple[str, ...] = ()

    def renamed(self, mark: str) -> tuple[str, ...]:
        """Of a file whose name another job has: two prompts may differ in what no name holds."""
        paths = map(Path, self.outs)
        return tuple(str(path.with_stem(f"{path.stem}--{mark}")) for path in paths)


def _tasks(batch: Batch, name: str, world: World) -> Iterator[_Asked]:
    for method, prompt, seed in product(batch.methods, batch.prompts, batch.seeds or (None,)):
        words = [
            file_name(prompt),
            *([] if name == _DEFAULT_WORLD else [file_name(Path(name).stem)]),
            *([] if method == _DEFAULT_METHOD else [method]),
            *([] if seed is None else [f"seed-{seed}"]),
        ]
        task = Training(prompt, method, seed, batch.steps)
        yield _Asked(task, (f"{'--'.join(words)}.safetensors",))
    for stack in batch.stacks:
        yield from _edits(batch, stack, world)


def _edits(batch: Batch, stack: Stack, world: World) -> Iterator[_Asked]:
    folder = _called(stack)
    for first in range(0, len(batch.seeds), PICTURES):
        seeds = batch.seeds[first : first + PICTURES]
        outs = tuple(f"{folder}/seed-{seed}.png" for seed in seeds)
        yield _Asked(Pictures(stack, seeds, batch.truncation), outs)
    for path in batch.latents:
        names = read_latents(path, world.generator).names
        for first in range(0, len(names), PICTURES):
            outs = tuple(
                f"{folder}/{file_name(path.stem)}-{number}.png"
                for number in range(first + 1, min(first + PICTURES, len(names)) + 1)
            )
            yield _Asked(Pictures(stack, latents=path, first=first), outs)
    for path in [] if batch.photos is None else photos_of(batch.photos):
        said, out = f"{folder}/{path.name}.json", f"{folder}/{edited_name(path)}"
        yield _Asked(PhotoEdit(stack, path), (said,), (out,))


def _called(stack: Stack) -> str:
    """A folder's name for a stack: readable, and different for whatever differs."""
    words = [
        f"{file_name(choice.path.stem)}{'' if choice.strength is None else f'_{choice.strength:g}'}"
        for choice in stack
    ]
    name = "+".join(words)
    limited = any(choice.layers or choice.hard for choice in stack)
    if limited or len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}--{sha256_of(repr(stack).encode())[:6]}"
    return name
