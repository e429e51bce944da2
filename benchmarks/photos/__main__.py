"""Photos there and back, in numbers.

    python -m benchmarks.photos --avatars 100 [--method encoder]… [--report docs/bench/photos.md]
    python -m benchmarks.photos -w heads --heads 200
    python -m benchmarks.photos --worst sheet.png          # pictures of the worst

Each photo that is done is a line of a file in the cache, so that the same command goes on where it
was stopped; it prints a page of tables.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import eclipsed
from benchmarks.photos import report
from benchmarks.photos.measuring import Bench, Row, measured, sheet_of
from eclipsed.cache import cache_folder
from eclipsed.editing.photos.inversion import METHODS

VERSION = 3  # to be raised when the same row comes to mean something else
CARDS: dict[str, tuple[str, ...]] = {
    "starter": ("sunglasses", "curly-hair", "closed-eyes", "a-hoodie", "gray-hair")
}
_WORST = 12  # photos of a sheet


def rows_of(path: Path) -> list[Row]:
    """What was measured so far; a line that was cut short is measured again."""
    rows = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def measure(bench: Bench, count: int, methods: Sequence[str], path: Path) -> list[Row]:
    """The rows of so many photos by each method; those that a file lacks are added to it."""
    rows = rows_of(path)
    done = {(row["number"], row["method"]) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            lacking = [method for method in methods if (number, method) not in done]
            if not lacking:
                continue
            for row in measured(bench, number, lacking, Path(folder), path.with_suffix("")):
                with path.open("a") as file:
                    # A line that was cut short must not swallow this one.
                    file.write("\n" + json.dumps(row) + "\n")
                rows.append(row)
                print(f"{number} by {row['method']}", file=sys.stderr)
    wanted = set(range(count))
    return [row for row in rows if row["number"] in wanted]


def worst(rows: Sequence[Row], path: Path) -> list[Path]:
    """The sheets of photos whose edits fail first, then those with the strongest ghosts."""

    def badness(row: Row) -> tuple[float, ...]:
        edits = row["edits"].values()
        missed = sum(e["seed_reaches"] and not e["had"] and not e["reached"] for e in edits)
        return -missed, -max(e["seam"] for e in edits), -max(e["ghosting"] for e in edits)

    chosen = sorted(rows, key=badness)[:_WORST]
    return [path.with_suffix("") / f"{row['number']}-{row['method']}.webp" for row in chosen]


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description="Photos there and back, in numbers.")
    parser.add_argument("-w", "--world", default="starter", choices=("starter", "heads"))
    parser.add_argument("--avatars", "--heads", type=int, default=0, help="how many photos")
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--cards", help="five of the world's, with commas between them")
    parser.add_argument("--rows", type=Path, help="the file of what is measured")
    parser.add_argument("--report", type=Path, help="a .md to write, with its plot beside it")
    parser.add_argument("--worst", type=Path, help="a .png to write")
    chosen = parser.parse_args(arguments)
    default = cache_folder() / "benchmarks" / f"photos-{chosen.world}-{VERSION}.jsonl"
    path = chosen.rows or default
    rows = rows_of(path)
    if chosen.avatars:
        world = eclipsed.load_world(chosen.world)
        names = tuple(chosen.cards.split(",")) if chosen.cards else _cards(world)
        rows = measure(Bench.of(world, names), chosen.avatars, chosen.method or ["encoder"], path)
    if rows:
        print(page := report.page(rows, chosen.world))
        if chosen.report:
            chosen.report.write_text(page)
            report.plot(rows, chosen.report.with_suffix(".png"))
        if chosen.worst:
            sheet_of(worst(rows, path)).save(chosen.worst)
    return 0


def _cards(world: eclipsed.World) -> tuple[str, ...]:
    """Five that the world brings along."""
    assert world.shipped is not None
    brought = sorted(path.stem for path in (world.shipped / "cards").glob("*.safetensors"))
    return CARDS.get(world.name, tuple(brought[:5]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
