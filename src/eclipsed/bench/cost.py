"""What a search costs: seconds, processor seconds, and how much memory it takes at most.

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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from eclipsed.cache import cache_folder
from eclipsed.errors import BadFile
from eclipsed.files import write_atomic

Result = TypeVar("Result")
_MEBI = 2**20
# A search that takes longer without its caches is reported as longer than this.
COLD_LIMIT = 600


@dataclass(frozen=True)
class Cost:
    """seconds: on the clock. processor: seconds of all cores together. memory: MiB at the highest
    above where it began, None where the system does not tell."""

    seconds: float
    processor: float
    memory: float | None


def measured(job: Callable[[], Result]) -> tuple[Result, Cost]:
    """What a job returns and what it cost."""
    before = _forget_peak()
    began, worked = time.perf_counter(), time.process_time()
    result = job()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = _resident("VmHWM")
    memory = None if before is None or peak is None else max(0.0, (peak - before) / _MEBI)
    return result, Cost(seconds, processor, memory)


def measured_warm(job: Callable[[], Result]) -> tuple[Result, Cost]:
    """As `measured`, with everything in the cache: a job that put something there is done again."""
    before = _cached()
    result, cost = measured(job)
    return (result, cost) if _cached() == before else measured(job)


def _cached() -> set[Path]:
    return {path for path in cache_folder().rglob("*") if path.is_file()}


def _forget_peak() -> int | None:
    """Start the peak of the resident memory anew; bytes resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _resident("VmRSS")


def _resident(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)


def cold(world: str, device: str, contender: str, prompt: str, image: int | None) -> Cost | None:
    """What the first search on a world costs, in a process of its own with an empty cache.

    world, device: as `load_world` takes them; loading the world is not counted. None where it fails
    or this system cannot be given another cache; a search is stopped at COLD_LIMIT seconds.
    """
    with tempfile.TemporaryDirectory() as empty:
        words = [empty, world, device, contender, prompt]
        words += [] if image is None else [str(image)]
        command = [sys.executable, "-m", "eclipsed.bench.cost", *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=COLD_LIMIT, check=True
            )
            cost = Cost(**json.loads(done.stdout.splitlines()[-1]))
        except subprocess.TimeoutExpired:
            return Cost(float(COLD_LIMIT), float(COLD_LIMIT), None)
        except (subprocess.CalledProcessError, ValueError, IndexError, TypeError):
            return None
        with contextlib.suppress(OSError, BadFile):  # a cache that cannot be written costs time
            adopt(Path(empty))
        return cost


def adopt(cache: Path) -> None:
    """Copy what another cache folder holds of ours into the user's, where that lacks it."""
    for path in [path for path in (cache / "eclipsed").rglob("*") if path.is_file()]:
        place = cache_folder() / path.relative_to(cache / "eclipsed")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, path.read_bytes())


def _main(words: list[str]) -> int:
    """In the new process: load the world with the usual cache, then search with the empty one."""
    from eclipsed.bench.finder import Finder
    from eclipsed.methods.registry import method_named
    from eclipsed.prompts.goals import goal_from_prompt
    from eclipsed.worlds import load_world

    empty, name, device, contender, prompt, *image = words
    world = load_world(name, device)
    goal = goal_from_prompt(prompt, world)
    os.environ["XDG_CACHE_HOME"] = empty
    if not cache_folder().is_relative_to(empty):
        return 1

    def job() -> Any:
        seed = int(image[0]) if image else None
        return Finder(world).find(method_named(contender), goal, seed)

    cost = measured(job)[1]
    sys.stdout.write(json.dumps(asdict(cost)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
