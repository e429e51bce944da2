from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eclipsed.errors import BadSetting
from eclipsed.types import World
from reproduction import judging
from reproduction.judging import FIRST_SEED, ROWS, Row, measure
from reproduction.sweeps import Study
from reproduction.training import own_seed
from tests.reproduction.conftest import BRIGHT, OWN, STUDY


def rows_of(
    world: World, folder: Path, study: Study = STUDY, trainings: int = 2, seeds: int = 3
) -> list[Row]:
    return measure(world, study, folder, trainings=trainings, seeds=seeds, note=lambda _: None)


def keys(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    names = ("variant", "training", "seed", "strength")
    return Counter(tuple(row[name] for name in names) for row in rows)


def test_there_is_one_row_for_everything(small: World, tmp_path: Path) -> None:
    rows = rows_of(small, tmp_path / "x")
    wanted = {
        (label, training, seed, strength)
        for label in ("bright", "free")
        for training in range(2)
        for seed in range(FIRST_SEED, FIRST_SEED + 3)
        for strength in (1.0, -1.0)
    }
    wanted |= {("own", training, own_seed(training), 1.0) for training in range(2)}
    assert keys(rows) == Counter(dict.fromkeys(wanted, 1))
    assert len(list((tmp_path / "cards").iterdir())) == 6
    assert {"similarity", "changed", "unrealistic", "locality"} <= set(rows[0]["scores"])


def test_the_same_again_measures_nothing(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(small, tmp_path / "x")
    data = (tmp_path / "x" / ROWS).read_bytes()

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(judging, "trained", never)
    assert rows_of(small, tmp_path / "x") == rows
    assert (tmp_path / "x" / ROWS).read_bytes() == data


def test_what_was_cut_goes_on_with_the_same_rows(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows_of(small, tmp_path / "whole")
    real, calls = judging.judge, 0

    def cut(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(judging, "judge", cut)
    with pytest.raises(KeyboardInterrupt):
        rows_of(small, tmp_path / "other" / "x")
    path = tmp_path / "other" / "x" / ROWS
    with path.open("a") as file:
        file.write('{"variant": "bri')
    assert rows_of(small, tmp_path / "other" / "x") == whole
    assert [json.loads(line) for line in path.read_text().splitlines()][1:] == whole


def test_more_trainings_and_images_are_added(small: World, tmp_path: Path) -> None:
    study = replace(STUDY, variants=(BRIGHT,))
    before = rows_of(small, tmp_path / "x", study)
    rows = rows_of(small, tmp_path / "x", study, trainings=3, seeds=4)
    assert rows[: len(before)] == before
    assert set(keys(rows).values()) == {1}
    assert len(rows) == 3 * 4 * 2


def test_what_a_variant_refuses_is_noted_and_the_others_go_on(small: World, tmp_path: Path) -> None:
    notes: list[str] = []
    study = replace(STUDY, variants=(replace(BRIGHT, label="bad", layers=(9,)), OWN))
    rows = measure(small, study, tmp_path / "x", trainings=1, seeds=3, note=notes.append)
    assert {row["variant"] for row in rows} == {"own"}
    assert any("bad: " in note and "no layer 9" in note for note in notes)


def test_another_world_s_rows_are_refused(small: World, tmp_path: Path) -> None:
    rows_of(small, tmp_path / "x", trainings=1)
    with pytest.raises(BadSetting, match="another world"):
        rows_of(replace(small, name="other"), tmp_path / "x", trainings=1)
