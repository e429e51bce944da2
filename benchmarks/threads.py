"""What waiting threads cost beside a busy program: `python -m benchmarks.threads [ROUNDS]`.

Runs `eclipsed train` with OpenMP's own waiting and with the program's, quiet and beside one process
that never rests, in turns, so many rounds (3). Prints one JSON object: seconds, the median and the
worst of each; every time goes to stderr as it is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.speed import PROMPT, machine
from eclipsed.cli import _WAIT_SETTINGS

# How it is named here → the setting; 300,000 rounds are what libgomp takes where nothing is set.
WAITS: dict[str, dict[str, str]] = {
    "OpenMP's own": {"GOMP_SPINCOUNT": "300000"},
    "the program's": {},
}


@contextmanager
def busy_process() -> Iterator[subprocess.Popen[bytes]]:
    """One process that keeps a core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def train(folder: Path, setting: dict[str, str]) -> float:
    """Seconds of one `eclipsed train`, whose look at the world is cached."""
    left_out = (*_WAIT_SETTINGS, "OMP_NUM_THREADS")
    environment = {name: text for name, text in os.environ.items() if name not in left_out}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "eclipsed", "train", PROMPT, "-o", str(folder / "card.safetensors")],
        env=environment | setting,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def measure(rounds: int) -> dict[str, Any]:
    """Every setting, quiet and beside a busy process, in turns, after one that is not counted."""
    times: dict[str, dict[str, list[float]]] = {name: {"quiet": [], "busy": []} for name in WAITS}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder), {})
        for _ in range(rounds):
            for situation in ("quiet", "busy"):
                for name, setting in WAITS.items():
                    with busy_process() if situation == "busy" else nullcontext():
                        seconds = train(Path(folder), setting)
                    times[name][situation].append(seconds)
                    print(f"{situation}, {name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    table = {
        name: {
            situation: {"median": round(statistics.median(each), 1), "worst": round(max(each), 1)}
            for situation, each in situations.items()
        }
        for name, situations in times.items()
    }
    return {"machine": machine(), "load before": load, "rounds": rounds, "seconds": table}


if __name__ == "__main__":
    json.dump(measure(int(sys.argv[1]) if sys.argv[1:] else 3), sys.stdout, indent=2)
    print()
