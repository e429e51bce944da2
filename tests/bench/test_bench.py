from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from eclipsed.bench import bench
from eclipsed.bench.bench import run_bench
from eclipsed.bench.cost import Cost
from eclipsed.bench.protocol import BenchConfig
from eclipsed.bench.summary import overall, results_of
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods import registry
from eclipsed.methods.registry import method_named
from eclipsed.types import World

CONFIG = BenchConfig(
    prompts=("bright hair", "bright mouth"),
    methods=("clean", "weak", "leaky"),
    seeds=6,
    ladder_seeds=4,
    images=2,
)


def lines(folder: Path) -> list[str]:
    return (folder / "rows.jsonl").read_text().splitlines()


def test_a_bench_has_a_row_for_everything(world: World, tmp_path: Path) -> None:
    notes: list[str] = []
    done = run_bench(world, CONFIG, tmp_path / "b", note=notes.append)
    count = {kind: len(list(done.records.of(kind))) for kind in ("prompt", "direction", "seed")}
    assert count == {"prompt": 2, "direction": 6, "seed": 36}
    assert len(list((tmp_path / "b" / "cards").iterdir())) == 6
    assert len(notes) == 6
    for line in lines(tmp_path / "b"):
        json.loads(line)
    direction = next(done.records.of("direction"))
    assert direction["warm"]["seconds"] > 0.0
    assert direction["cold"] is None


def test_methods_are_compared_where_they_reach_as_far(world: World, tmp_path: Path) -> None:
    done = run_bench(world, CONFIG, tmp_path)
    results = results_of(done.records, CONFIG.prompts, CONFIG.methods)
    strengths = {}
    for name in CONFIG.methods:
        rows = results.rows("matched", name, ["bright hair"])
        assert len(rows) == CONFIG.seeds
        level = rows[0]["level"]
        projection = sorted(row["scores"]["projection"] for row in rows)
        assert projection[0] - 0.1 <= level <= projection[-1] + 0.1
        strengths[name] = rows[0]["strength"]
    assert strengths["weak"] == pytest.approx(strengths["clean"] / 0.3, rel=0.2)
    numbers = overall(results)
    assert numbers["clean"]["matched"]["locality"]["median"] > 0.99
    assert numbers["leaky"]["matched"]["locality"]["median"] < 0.7
    at_one = {name: numbers[name]["at_one"]["projection"]["median"] for name in CONFIG.methods}
    assert at_one["weak"] < 0.5 * at_one["clean"]


def test_methods_are_also_compared_where_half_of_the_seeds_have_changed(
    world: World, tmp_path: Path
) -> None:
    done = run_bench(world, CONFIG, tmp_path)
    results = results_of(done.records, CONFIG.prompts, CONFIG.methods)
    strengths = {}
    for name in CONFIG.methods:
        rows = results.rows("half", name, ["bright hair"])
        assert len(rows) == CONFIG.seeds
        successes = [
            row["scores"]["success"] for row in rows if row["scores"]["success"] is not None
        ]
        assert any(successes)
        strengths[name] = rows[0]["strength"]
    assert strengths["weak"] == pytest.approx(strengths["clean"] / 0.3, rel=0.3)
    assert overall(results)["clean"]["half_prompts"] == 2
    before = lines(tmp_path)
    run_bench(world, CONFIG, tmp_path)
    assert lines(tmp_path) == before


def test_what_was_cut_goes_on_with_the_same_rows(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_bench(world, CONFIG, tmp_path / "whole")
    real, calls = bench.try_direction, 0

    def cut(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bench, "try_direction", cut)
    with pytest.raises(KeyboardInterrupt):
        run_bench(world, CONFIG, tmp_path / "cut")
    assert 4 < len(lines(tmp_path / "cut")) < len(lines(tmp_path / "whole"))
    run_bench(world, CONFIG, tmp_path / "cut")
    assert calls == 7

    def rows(name: str) -> list[dict[str, object]]:
        whole = [json.loads(line) for line in lines(tmp_path / name)]
        return [{key: row[key] for key in row if key not in ("warm", "cold")} for row in whole]

    assert rows("cut") == rows("whole")
    before = lines(tmp_path / "cut")
    run_bench(world, CONFIG, tmp_path / "cut")
    assert lines(tmp_path / "cut") == before


def test_one_more_method_is_added_and_levels_follow(world: World, tmp_path: Path) -> None:
    first = replace(CONFIG, methods=("clean",))
    run_bench(world, first, tmp_path)
    done = run_bench(world, CONFIG, tmp_path)
    results = results_of(done.records, CONFIG.prompts, CONFIG.methods)
    for name in CONFIG.methods:
        levels = {row["level"] for row in results.rows("matched", name, ["bright hair"])}
        assert len(levels) == 1
    with pytest.raises(BadSetting, match="seeds"):
        run_bench(world, replace(CONFIG, seeds=7), tmp_path)


def test_what_edits_one_image_is_tried_on_some(world: World, tmp_path: Path) -> None:
    config = replace(CONFIG, methods=("single", "clean"), prompts=("bright hair",))
    done = run_bench(world, config, tmp_path)
    rows = list(done.records.of("seed", method="single"))
    assert [row["seed"] for row in rows] == [row["image"] for row in rows]
    assert len(rows) == config.images
    matched = list(done.records.of("matched", method="single"))
    assert {row["image"] for row in matched} == {row["image"] for row in rows}


def test_what_needs_no_prompt_is_found_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = method_named("untold")
    calls: list[object] = []

    def find(*arguments: object) -> object:
        calls.append(arguments)
        return method.find(*arguments)  # type: ignore[arg-type]

    counted = replace(method, find=find)  # type: ignore[arg-type]
    monkeypatch.setitem(registry._REGISTERED, "untold", counted)
    config = replace(CONFIG, methods=("untold",), prompts=("bright hair", "bright eyes"))
    done = run_bench(world, config, tmp_path)
    assert len(calls) == 1
    assert len(list(done.records.of("direction"))) == 2
    successes = [row["scores"]["success"] for row in done.records.of("seed")]
    assert (
        sum(map(bool, successes))
        > len([success for success in successes if success is not None]) / 2
    )


def test_what_a_method_refuses_is_a_row(world: World, tmp_path: Path) -> None:
    config = replace(CONFIG, prompts=("forbidden hair", "bright hair"), methods=("clean",))
    done = run_bench(world, config, tmp_path)
    (row,) = done.records.of("failure")
    assert "Ask for another" in row["error"]
    assert {row["prompt"] for row in done.records.of("seed")} == {"bright hair"}
    before = lines(tmp_path)
    run_bench(world, config, tmp_path)
    assert lines(tmp_path) == before


def test_time_runs_out_between_prompts(world: World, tmp_path: Path) -> None:
    notes: list[str] = []
    config = replace(CONFIG, methods=("clean",), minutes=0.0)
    done = run_bench(world, config, tmp_path, note=notes.append)
    assert "2 of 2 prompts are left out" in notes[-1]
    assert list(done.records.of("seed")) == []
    run_bench(world, replace(config, minutes=None), tmp_path)
    assert len(lines(tmp_path)) > 12


def test_what_is_done_once_does_not_leave_prompts_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(bench, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def cold(method: str, prompt: str, image: int | None) -> Cost:
        clock[0] += 1000.0
        return Cost(9.0, 8.0, 100.0)

    config = replace(CONFIG, methods=("clean",), minutes=20.0)
    done = run_bench(world, config, tmp_path, cold=cold)
    assert {row["prompt"] for row in done.records.of("seed")} == set(CONFIG.prompts)
    config = replace(config, prompts=(*config.prompts, "bright eyes"))
    clock[0] = 0.0
    real = bench.try_direction

    def slow(*arguments: object) -> object:
        clock[0] += 700.0
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bench, "try_direction", slow)
    done = run_bench(world, config, tmp_path / "slow")
    assert {row["prompt"] for row in done.records.of("seed")} == {config.prompts[0]}


def test_the_first_search_without_caches_is_measured_once(world: World, tmp_path: Path) -> None:
    asked: list[tuple[str, str, int | None]] = []

    def cold(method: str, prompt: str, image: int | None) -> Cost:
        asked.append((method, prompt, image))
        return Cost(9.0, 8.0, 100.0)

    config = replace(CONFIG, methods=("clean", "single"))
    done = run_bench(world, config, tmp_path, cold=cold)
    first = done.sample.seeds[0]
    assert asked == [("clean", "bright hair", None), ("single", "bright hair", first)]
    results = results_of(done.records, config.prompts, config.methods)
    assert overall(results)["clean"]["cold_seconds"] == 9.0


def test_a_world_without_a_judge_is_benched_by_its_own_networks(
    silent_world: World, tmp_path: Path
) -> None:
    done = run_bench(silent_world, CONFIG, tmp_path)
    assert done.records.rows[0]["judged_by"] == "the world's own networks"
    numbers = overall(results_of(done.records, CONFIG.prompts, CONFIG.methods))
    assert numbers["clean"]["at_one"]["success"] is None
    assert numbers["clean"]["matched"]["locality"]["median"] > 0.99
    assert {row["basis"] for row in done.records.of("matched")} == {"strength 1"}


def test_an_unknown_method_is_a_sentence(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="clean, weak"):
        run_bench(world, replace(CONFIG, methods=("nobody",)), tmp_path)
    assert list(tmp_path.iterdir()) == []
