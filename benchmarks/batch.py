"""Many jobs: what a batch saves, and whether anything is lost when it is killed.

    python -m benchmarks.batch prompts [--prompts 200] [--workers 2]   # against `eclipsed train`
    python -m benchmarks.batch images [--images 10000]      # against the generator alone
    python -m benchmarks.batch kills [--kills 100]          # the batch itself is killed (-9)
    python -m benchmarks.batch workers [--on ray]           # its workers are, twice in every job

Each prints one JSON object. The last two run on the fake world of `eclipsed.testing`, where a job
takes a fraction of a second; every fourth of their jobs is a training, the others are pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

from benchmarks.speed import machine
from eclipsed.cli.loading import Source, draw, draw_folder, open_source
from eclipsed.directions import Direction
from eclipsed.editing.choices import CardChoice
from eclipsed.editing.stack import BATCH, Edit
from eclipsed.evaluation import evaluate
from eclipsed.files import sha256_of
from eclipsed.jobs.batch import Batch
from eclipsed.jobs.engines import Pool, Processes, serial, shared_out
from eclipsed.jobs.job import Answer, Job, is_done
from eclipsed.jobs.plan import plan
from eclipsed.jobs.run import run
from eclipsed.jobs.worker import Worker
from eclipsed.testing import fake_world, patch_vector
from eclipsed.types import World
from eclipsed.worlds import load_world

WORDS = ("afro", "beanie", "turban", "beard", "glasses", "curly hair", "red hair", "smile")
COLOURS = ("", "black ", "blond ", "red ", "blue ", "green ", "grey ", "brown ", "white ", "pink ")
# Of each job on the way to its files: how often its workers die.
DEATHS = 2


def load(name: str, device: str = "cpu") -> World:  # noqa: ARG001 - as `worlds.load_world`
    """The fake world, whatever it is called; its cards are scored on few seeds."""
    evaluate.QUICK_SEEDS = evaluate.HELD_OUT_SEEDS[:4]
    return fake_world()


# --- against single calls -----------------------------------------------------------------------


def prompts(count: int, workers: int) -> dict[str, Any]:
    """Seconds and CPU seconds of `count` trainings on the starter, both ways."""
    colours = product(COLOURS, COLOURS, WORDS)
    texts = [f"{one}{other}{word}" for one, other, word in islice(colours, count)]
    result: dict[str, Any] = {"machine": machine(), "prompts": count, "workers": workers}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        (out / "jobs.toml").write_text(f"prompts = {json.dumps(texts)}\n")
        words = ["batch", str(out / "jobs.toml"), "-o", str(out / "all")]
        result["batch"] = measured([[*words, "--workers", str(workers)]])
        cards = [str(out / f"{number}.safetensors") for number in range(count)]
        calls = [["train", text, "-o", card] for text, card in zip(texts, cards, strict=True)]
        result["single"] = measured(calls)
    return result


def measured(calls: Sequence[Sequence[str]]) -> dict[str, float]:
    """Calls of the program one after another: seconds, and those of all their processes' cores."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for call in calls:
        subprocess.run([sys.executable, "-m", "eclipsed", *call], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(time.perf_counter() - began, 1), "cpu_seconds": round(cpu, 1)}


# --- against the generator alone ----------------------------------------------------------------


def images(count: int) -> dict[str, Any]:
    """Seconds and CPU seconds of `count` images of the starter: drawn, and edited and written."""
    world = load_world("starter")
    source = open_source(world, range(count))
    with tempfile.TemporaryDirectory() as name:
        card = Direction.load(write_card(world, Path(name) / "card.safetensors"))
        small = source.part(0, 4 * BATCH)
        draw(world, small)
        draw_folder(world, small, [Edit(card)], Path(name), {})  # all that the first ones load
        bare, before = timed(lambda: draw_only(world, source)), memory()
        folder, quarter = Path(name) / "all", source.part(0, count // 4)
        timed(lambda: draw_folder(world, quarter, [Edit(card)], folder, {}))
        then, edited = memory(), timed(lambda: draw_folder(world, source, [Edit(card)], folder, {}))
        size = sum(path.stat().st_size for path in folder.iterdir()) / count
    return {
        "machine": machine(),
        "images": count,
        "bare": bare,
        "edited": edited,
        "speed": {key: round(bare[key] / edited[key], 3) for key in bare},
        "bytes": round(size),
        "memory_mb": {"before": before, "after_a_quarter": then, "after": memory()},
    }


def write_card(world: World, path: Path) -> Path:
    """A card of a small step that means nothing."""
    generator = world.generator
    latents = generator.sample([0, 1], space="w+")
    Direction(
        vector=0.1 * (latents[1] - latents[0]),
        name="step",
        prompt="step",
        neutral="",
        regions=(),
        space="w+",
        layers=generator.layers("w+"),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="by hand",
    ).save(path)
    return path


def draw_only(world: World, source: Source) -> None:
    """Draw each image, and forget it."""
    for first in range(0, len(source.labels), BATCH):
        draw(world, source.part(first, BATCH))


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds of the clock and of all cores."""
    began, before = time.perf_counter(), time.process_time()
    work()
    cpu = time.process_time() - before
    return {"seconds": round(time.perf_counter() - began, 2), "cpu_seconds": round(cpu, 2)}


def memory() -> float:
    """What this process has in memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


# --- killed and resumed -------------------------------------------------------------------------


def jobs_in(folder: Path, images: int = 96) -> list[Job]:
    """Trainings and pictures on the fake world, whose cards lie in `folder`."""
    world, stacks = fake_world(), []
    for region in ("hair", "eyes", "mouth"):
        generator, path = world.generator, folder / f"{region}.safetensors"
        Direction(
            vector=patch_vector(region),
            name=region,
            prompt=region,
            neutral="",
            regions=(region,),
            space="w+",
            layers=generator.layers("w+"),
            generator_name=generator.name,
            generator_fingerprint=generator.fingerprint,
            method="by hand",
        ).save(path)
        stacks.append((CardChoice(path, 1.0),))
    texts = ("bright hair", "dark eyes", "bright mouth")
    cards = Batch(prompts=texts, methods=("paper",), steps=12)
    pictures = Batch(methods=(), stacks=tuple(stacks), seeds=tuple(range(images)))
    return plan(cards, load, "cpu") + plan(pictures, load, "cpu")


def hashes(folder: Path, jobs: Sequence[Job]) -> dict[str, str]:
    """File → hash, of those that are there."""
    paths = {out: folder / out for job in jobs for out in job.outs}
    return {out: sha256_of(path.read_bytes()) for out, path in paths.items() if path.exists()}


def undisturbed(jobs: Sequence[Job], folder: Path) -> float:
    """Carry jobs out; the seconds that took."""
    began = time.perf_counter()
    report = run(jobs, folder, lambda todo: serial(todo, Worker(load, folder, threads=1)))
    assert not report["failed"], report["failures"]
    return time.perf_counter() - began


def killed(jobs: Sequence[Job], folder: Path, seconds: float | None, save: int | None) -> int:
    """Begin jobs in a process of their own, and kill it: after so many seconds, or in so manieth
    save; the signal that ended it, 0 where it was done before."""
    child = os.fork()
    if child == 0:
        if save is not None:
            die_in_save(save)
        undisturbed(jobs, folder)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def die_in_save(number: int) -> None:
    """Have this process killed in a save: before its bytes are on the disk, or before they take
    their place."""
    left = [number]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return call

    os.fsync, os.replace = dying(os.fsync), dying(os.replace)


def kills(count: int) -> dict[str, Any]:
    """Kill a batch so often, half of the times in a save, and finish it."""
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        cards, whole, folder = (Path(name) / part for part in ("cards", "whole", "killed"))
        for each in (cards, whole, folder):
            each.mkdir()
        jobs = jobs_in(cards)
        took = undisturbed(jobs, whole)
        expected, ended, in_save, unreadable = hashes(whole, jobs), 0, 0, 0
        while ended < count:
            if all(is_done(job, folder) for job in jobs):  # some begin again
                for job in chance.sample(jobs, len(jobs) // 2):
                    for out in job.outs:
                        (folder / out).unlink(missing_ok=True)
            save = chance.randint(1, 60) if ended % 2 else None
            after = None if save else chance.uniform(0.0, 0.5 * took)
            died = killed(jobs, folder, after, save) == signal.SIGKILL
            ended, in_save = ended + died, in_save + (died and save is not None)
            unreadable += sum(
                sha256_of((folder / out).read_bytes()) != digest
                for out, digest in expected.items()
                if (folder / out).exists()
            )
        undisturbed(jobs, folder)
        return {
            "machine": machine(),
            "files": len(expected),
            "seconds": round(took, 1),
            "kills": ended,
            "in_a_save": in_save,
            "unreadable_or_other": unreadable,
            "left_behind": len(list(folder.rglob("*.tmp"))),
            "same_sha256": hashes(folder, jobs) == expected,
        }


class Dying:
    """A worker that dies `DEATHS` times in each job, in its first save and then in its second."""

    def __init__(self, folder: Path, marks: Path) -> None:
        self._work, self._marks = Worker(load, folder, threads=1), marks

    def __call__(self, job: Job) -> Answer:
        for number in range(1, DEATHS + 1):
            mark = self._marks / f"{job.id[:16]}-{number}"
            if not mark.exists():
                mark.touch()
                die_in_save(number)
                break
        return self._work(job)


def workers_die(count: int, on: str | None) -> dict[str, Any]:
    """Carry jobs out by workers that are killed in every one of them."""
    with tempfile.TemporaryDirectory() as name:
        cards, whole, folder, marks = (Path(name) / part for part in ("cards", "whole", "out", "m"))
        for each in (cards, whole, folder, marks):
            each.mkdir()
        jobs = jobs_in(cards)
        undisturbed(jobs, whole)
        make = partial(Dying, folder, marks)

        def pool() -> Pool:
            if on is None:
                return Processes(make)
            from eclipsed.jobs.on_ray import RayPool

            return RayPool(make, on, count, 1, 0)

        began = time.perf_counter()
        report = run(jobs, folder, lambda todo: shared_out(todo, pool(), count))
        return {
            "machine": machine(),
            "engine": on or "processes",
            "jobs": len(jobs),
            "workers_killed": len(list(marks.iterdir())),
            "failures": report["failures"],
            "seconds": round(time.perf_counter() - began, 1),
            "same_sha256": hashes(folder, jobs) == hashes(whole, jobs),
        }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["prompts", "images", "kills", "workers"])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--on", choices=["ray"])
    asked = parser.parse_args()
    if asked.what == "prompts":
        result = prompts(asked.prompts, asked.workers)
    elif asked.what == "images":
        result = images(asked.images)
    elif asked.what == "kills":
        result = kills(asked.kills)
    else:
        result = workers_die(asked.workers, asked.on)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
