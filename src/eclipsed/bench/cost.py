"""A search by any method, and what it costs: seconds, processor seconds, and memory at most.

Memory is how far the process's resident memory rises, at its highest, above where it was before;
Linux tells, other systems do not. `cold` starts a process that has no cache of ours, and leaves
what that process found out in the cache, so that nothing is done twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from eclipsed.cache import cache_folder
from eclipsed.directions import Direction
from eclipsed.errors import BadFile
from eclipsed.files import write_atomic
from eclipsed.methods.method import Method, choose
from eclipsed.types import Goal, World

Result = TypeVar("Result")
# A search that takes longer without its caches is reported as longer than this.
COLD_LIMIT = 600


@dataclass(eq=False)
class Finder:
    """Finds directions by any method on one world, and what needs no prompt only once."""

    world: World
    _ready: dict[tuple[str, tuple[str, ...]], list[Direction]] = field(default_factory=dict)

    def prepare(self, method: Method, goal: Goal) -> list[Direction]:
        """The directions that a method finds without a prompt, of which `find` chooses."""
        key = method.name, goal.regions if method.takes == "regions" else ()
        if key not in self._ready:
            self._ready[key] = method.find(self.world, Goal("", "", key[1]), method.config())
        return self._ready[key]

    def find(self, method: Method, goal: Goal, image: int | None = None) -> Direction:
        """The direction for a goal, of all images or of the one of a seed.

        Raises what the method raises.
        """
        if method.takes != "prompt":
            return choose(self.world, goal, self.prepare(method, goal))
        config = method.config() if image is None else method.config(image=image)
        return method.find(self.world, goal, config)[0]


@dataclass(frozen=True)
class Cost:
    """What a search took."""

    # On the clock.
    seconds: float
    # Of all cores together.
    processor: float
    # MiB at the highest above where it began; None where the system does not tell.
    memory: float | None


def measured(job: Callable[[], Result]) -> tuple[Result, Cost]:
    """What a job returns and what it cost."""
    resident = None
    with contextlib.suppress(OSError):  # starts the peak anew, where that is allowed
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        resident = _mebibytes("VmRSS")
    began, worked = time.perf_counter(), time.process_time()
    result = job()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = _mebibytes("VmHWM")
    memory = None if resident is None or peak is None else max(0.0, peak - resident)
    return result, Cost(seconds, processor, memory)


def measured_warm(job: Callable[[], Result]) -> tuple[Result, Cost]:
    """As `measured`, with everything in the cache: a job that put something there is done again."""
    before = _cached()
    result, cost = measured(job)
    return (result, cost) if _cached() == before else measured(job)


def _cached() -> set[Path]:
    return {path for path in cache_folder().rglob("*") if path.is_file()}


def _mebibytes(name: str) -> float | None:
    """A line of the process's status in MiB; None where the system has none."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), None)


def cold(world: str, device: str, method: str, prompt: str, image: int | None) -> Cost | None:
    """What the first search on a world costs, in a process of its own with an empty cache.

    world, device: as `load_world` takes them; loading the world is not counted. None where it fails
    or this system cannot be given another cache; a search is stopped at COLD_LIMIT seconds.
    """
    with tempfile.TemporaryDirectory() as empty:
        words = [empty, world, device, method, prompt, *([] if image is None else [str(image)])]
        command = [sys.executable, "-m", "eclipsed.bench.cost", *words]
        try:
            done = subprocess.run(command, capture_output=True, timeout=COLD_LIMIT, check=True)
            cost = Cost(**json.loads(done.stdout.splitlines()[-1]))
        except subprocess.TimeoutExpired:
            return Cost(float(COLD_LIMIT), float(COLD_LIMIT), None)
        except (subprocess.CalledProcessError, ValueError, IndexError, TypeError):
            return None
        with contextlib.suppress(OSError, BadFile):  # a cache that cannot be written costs time
            _adopt(Path(empty, "eclipsed"))
        return cost


def _adopt(cache: Path) -> None:
    """Copy what another cache folder holds into the user's, where that lacks it."""
    for path in filter(Path.is_file, cache.rglob("*")):
        own = cache_folder() / path.relative_to(cache)
        if not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(own, path.read_bytes())


def _main(empty: str, name: str, device: str, method: str, prompt: str, *image: str) -> int:
    """In the new process: load the world with the user's cache, then search with the empty one."""
    from eclipsed.methods.registry import method_named
    from eclipsed.prompts.goals import goal_from_prompt
    from eclipsed.worlds import load_world

    world = load_world(name, device)
    goal = goal_from_prompt(prompt, world)
    os.environ["XDG_CACHE_HOME"] = empty
    if not cache_folder().is_relative_to(empty):
        return 1
    finder, seed = Finder(world), int(image[0]) if image else None
    cost = measured(lambda: finder.find(method_named(method), goal, seed))[1]
    sys.stdout.write(json.dumps(asdict(cost)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
