from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from reproduction import engine, variants
from reproduction.engine import Looks, carry_variants
from reproduction.study import FIRST_SEED, Job
from reproduction.variants import PAPER, Variant, own_seed

BRIGHT = Variant(label="bright", prompt="bright hair", strengths=(1.0, 2.0))
FREE = replace(BRIGHT, label="free", config=replace(PAPER, local_weight=0.0))
OWN = replace(BRIGHT, label="own", images=1, own=True, strengths=(1.0,))


def keys(job: Job) -> Counter[tuple[Any, ...]]:
    names = ("variant", "training", "seed", "strength")
    return Counter(tuple(row[name] for name in names) for row in job.records.of("judged"))


def test_there_is_one_row_for_everything(job: Job) -> None:
    carry_variants(job, (BRIGHT, FREE, OWN))
    seeds = range(FIRST_SEED, FIRST_SEED + 3)
    wanted = {
        (label, training, seed, strength)
        for label in ("bright", "free")
        for training in range(2)
        for seed in seeds
        for strength in (1.0, 2.0)
    }
    wanted |= {("own", training, own_seed(training), 1.0) for training in range(2)}
    assert keys(job) == Counter(dict.fromkeys(wanted, 1))
    cards = {row["card"] for row in job.records.of("direction")}
    assert len(cards) == 6
    assert {path.name for path in job.cards.iterdir()} == cards


def test_what_was_cut_goes_on_with_the_same_rows(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replace(job, records=engine_records(job, "whole"), cards=folder(job, "elsewhere"))
    carry_variants(whole, (BRIGHT, FREE))
    real, calls = engine.judge, 0

    def cut(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(engine, "judge", cut)
    with pytest.raises(KeyboardInterrupt):
        carry_variants(job, (BRIGHT, FREE))
    assert 0 < len(job.records.rows) < len(whole.records.rows)
    carry_variants(job, (BRIGHT, FREE))
    assert calls == 9
    assert job.records.rows[1:] == whole.records.rows[1:]


def test_more_trainings_and_images_are_added(job: Job) -> None:
    carry_variants(job, (BRIGHT,))
    before = list(job.records.rows)
    carry_variants(replace(job, trainings=3, seeds=4), (BRIGHT,))
    assert job.records.rows[: len(before)] == before
    assert set(keys(job).values()) == {1}
    assert len(keys(job)) == 3 * 4 * 2


def test_a_card_that_is_there_is_not_trained_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_variants(job, (BRIGHT,))

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(variants, "run", never)
    other = replace(job, records=engine_records(job, "other"))
    same = replace(BRIGHT, label="of another study", layers=(0,), strengths=(1.0,))
    carry_variants(other, (same,))
    assert len(keys(other)) == 6
    with pytest.raises(AssertionError):
        carry_variants(replace(other, trainings=3), (same,))


def test_a_training_that_was_cut_goes_on(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    once = replace(job, trainings=1)
    carry_variants(replace(once, cards=folder(job, "elsewhere")), (BRIGHT,))
    real, steps = variants.run, []

    def after_one(*arguments: Any, **options: Any) -> Any:
        stops = iter((False, True))
        return real(*arguments, stop=lambda: next(stops), **options)

    def watched(plan: Any, state: Any, *arguments: Any, **options: Any) -> Any:
        steps.append(state.step)
        return real(plan, state, *arguments, **options)

    again = replace(once, records=engine_records(job, "again"))
    monkeypatch.setattr(variants, "run", after_one)
    with pytest.raises(KeyboardInterrupt):
        carry_variants(again, (BRIGHT,))
    assert [path.suffix for path in job.cards.iterdir()] == [".state"]
    monkeypatch.setattr(variants, "run", watched)
    carry_variants(again, (BRIGHT,))
    assert steps == [1]
    (card,) = job.cards.iterdir()
    assert card.read_bytes() == (job.cards.parent / "elsewhere" / card.name).read_bytes()


def test_what_a_variant_refuses_is_a_row(job: Job) -> None:
    notes: list[str] = []
    told = replace(job, note=notes.append)
    bad = replace(BRIGHT, label="bad", layers=(9,))
    for _ in range(2):
        carry_variants(told, (bad, OWN))
    (row,) = job.records.of("failure")
    assert row["variant"] == "bad"
    assert "no layer 9" in row["error"]
    assert {key[0] for key in keys(job)} == {"own"}
    assert any("bad: There is no layer 9" in note for note in notes)


def test_rows_say_what_the_judge_sees(job: Job) -> None:
    carry_variants(job, (BRIGHT,), Looks(places=True, artifact=True))
    before = {row["seed"]: row["shows"] for row in job.records.of("image")}
    for row in job.records.of("judged"):
        scores = row["scores"]
        assert {"similarity", "gained", "locality", "preservation", "artifact", "strange"} <= set(
            scores
        )
        first = before[row["seed"]]["hair"]  # None under a hat
        assert row["has"] == (None if first is None else first == "bright")
        if row["has"] is None:
            assert scores["success"] is scores["reversal"] is None
        elif row["has"]:
            assert scores["success"] is None
            assert scores["reversal"] in (True, False)
        else:
            assert scores["reversal"] is None
            assert scores["success"] in (True, False)
        assert scores["risen"] is not None
        # The score's mask is the same one, grown.
        assert 0.0 < row["places"]["hair"] <= scores["locality"] + 1e-6


def engine_records(job: Job, name: str) -> Any:
    from eclipsed.bench.records import open_records

    return open_records(job.records.path.parent.parent / name, {"study": "own"})


def folder(job: Job, name: str) -> Any:
    made = job.cards.parent / name
    made.mkdir()
    return made
