from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import eclipsed
from tests.checkpoints import canary, hostile, making
from tests.checkpoints.hostile import Hostile


@pytest.fixture(scope="module")
def corpus() -> list[Hostile]:
    return list(hostile.every_file())


@pytest.fixture(scope="module")
def report(corpus: list[Hostile], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program of its own saw while it read the whole corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    for part in ("good", "hostile"):
        (folder / part).mkdir()
    for name, make in making.FILES.items():
        (folder / "good" / name).write_bytes(make())
    for number, file in enumerate(corpus):
        # Every other file bears the name of a format that would be trusted.
        suffix = (".pkl", ".safetensors")[number % 2]
        (folder / "hostile" / f"{number:05}{suffix}").write_bytes(file.data)
    source = str(Path(eclipsed.__file__).parent.parent)
    made = subprocess.run(
        [sys.executable, canary.__file__, str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    found["left"] = sorted(path.name for path in folder.iterdir())
    return found


def test_the_corpus_is_large(corpus: list[Hostile]) -> None:
    assert len(corpus) >= 300
    assert len({file.title for file in corpus}) == len(corpus)


def test_every_file_is_refused(corpus: list[Hostile], report: dict[str, Any]) -> None:
    outcomes = list(report["outcomes"].values())
    assert len(outcomes) == len(corpus)
    wrong = [file.title for file, o in zip(corpus, outcomes, strict=True) if o == "read"]
    assert wrong == []


def test_the_refusal_names_the_offender(corpus: list[Hostile], report: dict[str, Any]) -> None:
    outcomes = report["outcomes"].values()
    named = [(file, o) for file, o in zip(corpus, outcomes, strict=True) if file.names]
    assert len(named) >= 300
    assert [(f.title, o) for f, o in named if f.names not in o] == []


def test_nothing_was_run_and_nothing_was_asked_of_the_system(report: dict[str, Any]) -> None:
    assert report["events"] == []
    assert report["left"] == ["good", "hostile"]


def test_no_file_hangs_or_swells(report: dict[str, Any]) -> None:
    name, seconds = report["slowest"]
    assert seconds < 20, name
    assert report["grown"] < 50 * 2**20
