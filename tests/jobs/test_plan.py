from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclipsed.editing.choices import CardChoice
from eclipsed.editing.images import load_png, save_png
from eclipsed.errors import BadFile, EclipsedError, UnknownName
from eclipsed.evaluation import evaluate
from eclipsed.jobs.batch import Batch
from eclipsed.jobs.engines import serial
from eclipsed.jobs.job import Job, is_done
from eclipsed.jobs.plan import plan
from eclipsed.jobs.tasks import Training
from eclipsed.jobs.worker import Worker
from eclipsed.search import loop
from eclipsed.testing import FakeEncoder, FakeGenerator
from eclipsed.types import World
from tests.cli.conftest import save_card
from tests.jobs.fakes import load_fake

CARDS = Batch(prompts=("Bright hair!", "dark eyes"), methods=("paper",))


def planned(batch: Batch) -> list[Job]:
    return plan(batch, load_fake, "cpu")


@pytest.fixture
def stack(tmp_path: Path) -> tuple[CardChoice, ...]:
    save_card(load_fake("starter"), tmp_path / "hair.safetensors")
    return (CardChoice(tmp_path / "hair.safetensors", 1.0),)


def test_everything_is_combined_under_names_that_can_be_read() -> None:
    jobs = planned(replace(CARDS, methods=("default", "paper"), seeds=(0, 1)))
    assert [job.name for job in jobs][:3] == [
        "bright-hair--seed-0.safetensors",
        "bright-hair--seed-1.safetensors",
        "dark-eyes--seed-0.safetensors",
    ]
    assert jobs[-1].name == "dark-eyes--paper--seed-1.safetensors"
    assert len({job.id for job in jobs}) == len({job.outs for job in jobs}) == 8


def test_prompts_of_one_file_name_do_not_share_a_file() -> None:
    first, second = planned(replace(CARDS, prompts=("bright hair", "bright, hair")))
    assert first.name == "bright-hair--paper.safetensors"
    assert second.name == f"bright-hair--paper--{second.id[:6]}.safetensors"


def test_the_id_is_of_everything_that_decides_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    world = load_fake("starter")
    task = Training("bright hair", "paper")
    others: list[tuple[Training, World]] = [
        (replace(task, prompt="dark hair"), world),
        (replace(task, method="default"), world),
        (replace(task, seed=3), world),
        (replace(task, steps=3), world),
        (task, replace(world, generator=FakeGenerator(fingerprint="e" * 64))),
        (task, replace(world, encoder=FakeEncoder(seed=4))),
        (task, replace(world, neutral="a head")),
        (task, replace(world, truncation=0.5)),
        (task, replace(world, judge=None)),
        (task, replace(world, vocabulary={**world.vocabulary, "hat": ("hat", "bonnet")})),
    ]
    ids = [each.identity(where) for each, where in [(task, world), *others]]
    with monkeypatch.context() as patch:
        patch.setattr(loop, "VERSION", loop.VERSION + 1)
        ids.append(task.identity(world))
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "QUICK_SEEDS", (1, 2))
        ids.append(task.identity(world))
    assert len(set(ids)) == len(ids)
    assert task.identity(load_fake("starter")) == ids[0]


@pytest.mark.parametrize("change", [{"strength": 2.0}, {"layers": (1,)}, {"hard": True}])
def test_the_id_of_pictures_is_of_their_edits(
    stack: tuple[CardChoice, ...], change: dict[str, object]
) -> None:
    batch = Batch(methods=(), stacks=(stack,), seeds=(1,))
    (job,) = planned(batch)
    (other,) = planned(replace(batch, stacks=((replace(stack[0], **change),),)))
    assert other.id != job.id
    assert other.outs != job.outs


def test_a_longer_list_of_seeds_keeps_the_jobs_that_are_whole(
    stack: tuple[CardChoice, ...],
) -> None:
    short = planned(Batch(methods=(), stacks=(stack,), seeds=tuple(range(64))))
    longer = planned(Batch(methods=(), stacks=(stack,), seeds=tuple(range(70))))
    assert [job.id for job in longer[:2]] == [job.id for job in short]
    assert [len(job.outs) for job in longer] == [32, 32, 6]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cards") / "hair.safetensors"
    save_card(load_fake("starter"), path)
    return path


PROMPTS = ["bright hair", "dark hair", "bright, hair", "dark eyes", "a hat", "a hat!"]


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(PROMPTS), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(0, 99), max_size=3, unique=True),
    st.randoms(use_true_random=False),
)
def test_a_job_is_the_same_whatever_else_a_batch_asks_for(
    prompts: list[str], seeds: list[int], random: Random
) -> None:
    batch = Batch(prompts=tuple(prompts), methods=("paper",), seeds=tuple(seeds), steps=1)
    jobs = planned(batch)
    assert len(jobs) == len(prompts) * max(1, len(seeds))
    assert len({job.id for job in jobs}) == len({job.outs for job in jobs}) == len(jobs)
    random.shuffle(prompts)
    shuffled = planned(replace(batch, prompts=tuple(prompts)))
    assert {job.id for job in shuffled} == {job.id for job in jobs}
    alone = planned(replace(batch, prompts=(prompts[0],)))
    assert {job.id for job in alone} <= {job.id for job in jobs}


@settings(max_examples=25)
@given(st.integers(1, 200), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 0.7]))
def test_pictures_of_seeds_are_cut_into_the_same_jobs(
    card: Path, count: int, first: int, truncation: float
) -> None:
    stack = (CardChoice(card, 1.0),)
    first = min(first, 2**32 - 1 - count)
    seeds = tuple(range(first, first + count))
    asked = Batch(methods=(), stacks=(stack,), seeds=seeds, truncation=truncation)
    jobs = planned(asked)
    outs = [out for job in jobs for out in job.outs]
    assert outs == [f"{Path(outs[0]).parent}/seed-{seed}.png" for seed in seeds]
    assert len({job.id for job in jobs}) == len(jobs)


def test_latents_of_files_are_drawn(stack: tuple[CardChoice, ...], tmp_path: Path) -> None:
    latents = load_fake("starter").generator.sample(range(40), space="w+").numpy()
    np.save(tmp_path / "mine.npy", latents)
    jobs = planned(Batch(methods=(), stacks=(stack,), latents=(tmp_path / "mine.npy",)))
    assert [len(job.outs) for job in jobs] == [32, 8]
    answers = [answer for _, answer in serial(jobs, Worker(load_fake, tmp_path)) if answer]
    assert [answer.error for answer in answers] == ["", ""]
    _, recipe = load_png(tmp_path / "hair_1" / "mine-40.png")
    assert recipe is not None
    assert recipe["space"] == "w+"
    assert all(is_done(job, tmp_path) for job in jobs)


def test_photos_of_a_folder_are_edited_and_a_broken_one_is_told(
    stack: tuple[CardChoice, ...], tmp_path: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    with pytest.raises(BadFile, match="no photos"):
        planned(Batch(methods=(), stacks=(stack,), photos=photos))
    generator = load_fake("starter").generator
    image = generator.synthesize(generator.sample([1])).image[0]
    save_png(image.repeat_interleave(2, 1).repeat_interleave(2, 2), photos / "good.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    before = (photos / "good.png").read_bytes()
    jobs = planned(Batch(methods=(), stacks=(stack,), photos=photos))
    answers = [answer for _, answer in serial(jobs, Worker(load_fake, out)) if answer]
    assert [bool(answer.error) for answer in answers] == [True, False]
    assert "broken.jpg" in answers[0].error
    said = json.loads((out / "hair_1" / "good.png.json").read_text())
    assert said["job"] == jobs[1].id
    assert [is_done(job, out) for job in jobs] == [False, True]
    assert (photos / "good.png").read_bytes() == before
    (out / "hair_1" / "good.png").unlink()
    assert not is_done(jobs[1], out)


def test_what_cannot_be_done_is_told_before_anything_runs(stack: tuple[CardChoice, ...]) -> None:
    with pytest.raises(UnknownName, match="no world 'mars'"):
        planned(replace(CARDS, worlds=("starter", "mars")))
    with pytest.raises(EclipsedError, match="has no words"):
        planned(replace(CARDS, prompts=("bright hair", "...")))
    with pytest.raises(BadFile, match="no such file"):
        planned(Batch(methods=(), stacks=((replace(stack[0], path=Path("x")),),), seeds=(1,)))
