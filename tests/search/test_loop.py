from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eclipsed.directions import Direction
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.paper import PaperConfig, PaperScaledConfig, paper_config, paper_plan
from eclipsed.methods.registry import config_for
from eclipsed.methods.training import train_direction, train_directions
from eclipsed.search.loop import training_identity
from eclipsed.search.optimizer import State
from eclipsed.testing import FakeGenerator, fake_world
from eclipsed.types import Goal

GOAL = Goal("bright hair", "a person", ("hair",))
CONFIGS = {
    "paper": paper_config(steps=17),
    "two": paper_config(directions=2, steps=17),
    # The start is not bent and every layer takes part, so that steps have work to do.
    "default": DefaultConfig(
        steps=17, pool=40, originals=16, half=False, leak_penalty=0.0, layer_lengths=(0.0,)
    ),
}
ROOT = Path(__file__).parents[2]


class Interrupting:
    """Presses Ctrl-C after a step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.seen: list[int] = []

    def __call__(self, report: State) -> None:
        self.seen.append(report.step)
        if report.step == self.step:
            raise KeyboardInterrupt


def vectors(directions: list[Direction]) -> torch.Tensor:
    return torch.stack([direction.vector for direction in directions])


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_the_same_goal_gives_the_same_bits(name: str) -> None:
    world = fake_world()
    one, again = (train_directions(world, GOAL, CONFIGS[name]) for _ in range(2))
    assert torch.equal(vectors(one), vectors(again))
    assert one[0].config == again[0].config
    assert one[0].unit == again[0].unit


def test_without_a_configuration_the_space_is_the_generators_best() -> None:
    for generator, space in ((FakeGenerator(), "w+"), (FakeGenerator(spaces=("z",)), "z")):
        world = replace(fake_world(), generator=generator)
        (made,) = train_directions(world, GOAL, on_step=Interrupting(1))
        assert made.space == space
        assert made.layers == generator.layers(space)
        assert made.config["space"] == space


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_a_generator_without_w_is_trained_in_z(name: str) -> None:
    world = fake_world(spaces=("z",))
    (made, *_) = train_directions(world, GOAL, replace(CONFIGS[name], space="z", steps=2))
    assert made.vector.shape == (FakeGenerator(spaces=("z",)).z_dim,)
    assert float(made.vector.norm()) > 0.0
    with pytest.raises(UnknownName, match=r"no latent space 'w\+'"):
        train_directions(world, GOAL, CONFIGS[name])


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize("cut", [1, 5, 12, 16])
def test_a_training_cut_short_goes_on_to_the_same_bits(name: str, cut: int, tmp_path: Path) -> None:
    world, config = fake_world(), CONFIGS[name]
    whole = train_directions(world, GOAL, config)
    half = train_directions(world, GOAL, config, Interrupting(cut), work=tmp_path)
    assert half[0].config["interrupted"] is True
    assert half[0].config["steps_done"] == cut
    assert not torch.equal(vectors(half), vectors(whole))
    seen: list[int] = []
    rest = train_directions(world, GOAL, config, lambda r: seen.append(r.step), work=tmp_path)
    assert seen == list(range(cut + 1, 18))
    assert torch.equal(vectors(rest), vectors(whole))
    assert rest[0].config == whole[0].config
    # Once done, asking again costs no step.
    again = train_directions(world, GOAL, config, Interrupting(0), work=tmp_path)
    assert torch.equal(vectors(again), vectors(whole))


SCRIPT = """
import sys, time
from contextlib import suppress
from pathlib import Path
import torch
torch.set_num_threads(1)
from eclipsed.methods.training import train_direction
from eclipsed.testing import fake_world
from tests.search.test_loop import CONFIGS, GOAL
folder = Path(sys.argv[1])
made = train_direction(
    fake_world(), GOAL, CONFIGS["default"], lambda r: time.sleep(0.02),
    work=folder, log=folder / "log.jsonl",
)
made.save(folder / "card.safetensors")
"""


def start_script(folder: Path) -> subprocess.Popen[bytes]:
    paths = [str(ROOT / "src"), str(ROOT)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=ROOT,
    )


def wait_for_lines(log: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.005)
    raise AssertionError("the training did not get that far")


def test_kill_minus_nine_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    process = start_script(tmp_path)
    wait_for_lines(log, 9, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "card.safetensors").exists()
    assert start_script(tmp_path).wait() == 0
    whole = train_direction(fake_world(), GOAL, CONFIGS["default"])
    card = Direction.load(tmp_path / "card.safetensors")
    assert torch.equal(card.vector, whole.vector)
    assert card.unit == whole.unit
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 18))


@pytest.mark.slow
def test_many_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    log = tmp_path / "log.jsonl"
    for _ in range(8):
        process = start_script(tmp_path)
        # From the first import to the last write: wherever it happens to be.
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=float(random.uniform(1.0, 8.0)))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start_script(tmp_path).wait() == 0
    card = Direction.load(tmp_path / "card.safetensors")
    whole = train_direction(fake_world(), GOAL, CONFIGS["default"])
    assert torch.equal(card.vector, whole.vector)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 18))


def test_ctrl_c_keeps_what_was_learned() -> None:
    world, config = fake_world(), CONFIGS["paper"]
    direction = train_direction(world, GOAL, config, Interrupting(6))
    assert direction.config["interrupted"] is True
    assert direction.config["steps_done"] == 6
    shorter = paper_plan(world, GOAL, config)
    assert not torch.equal(direction.vector, shorter.start[0])


def test_ctrl_c_before_the_first_step_is_ctrl_c() -> None:
    def pressed() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_direction(fake_world(), GOAL, CONFIGS["paper"], stop=pressed)


def test_stop_is_asked_before_every_step() -> None:
    answers = iter([False, False, False, True])
    direction = train_direction(fake_world(), GOAL, CONFIGS["default"], stop=lambda: next(answers))
    assert direction.config["steps_done"] == 3
    with pytest.raises(EclipsedError, match="nothing was learned"):
        train_direction(fake_world(), GOAL, CONFIGS["paper"], stop=lambda: True)


def test_steps_are_reported_with_their_losses(tmp_path: Path) -> None:
    seen: list[State] = []
    log = tmp_path / "log.jsonl"
    train_direction(fake_world(), GOAL, CONFIGS["paper"], seen.append, log=log)
    assert [report.step for report in seen] == list(range(1, 18))
    assert {report.steps for report in seen} == {17}
    assert set(seen[0].losses) == {"clip", "localization", "total"}
    assert seen[0].seconds <= seen[-1].seconds
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["losses"] for line in lines] == [report.losses for report in seen]


def test_several_directions_come_as_several_cards(tmp_path: Path) -> None:
    made = train_directions(fake_world(), GOAL, CONFIGS["two"])
    assert [direction.name for direction in made] == ["bright hair 1", "bright hair 2"]
    assert not torch.equal(made[0].vector, made[1].vector)
    with pytest.raises(BadSetting, match="train_directions"):
        train_direction(fake_world(), GOAL, CONFIGS["two"])


@pytest.mark.parametrize("method", ["default", "paper", "paper-scaled"])
def test_the_card_tells_how_it_was_made(method: str, tmp_path: Path) -> None:
    world = fake_world()
    direction = train_direction(world, GOAL, config_for(method, steps=2))
    direction.save(tmp_path / "card.safetensors")
    card = Direction.load(tmp_path / "card.safetensors")
    card.check(world.generator)
    assert (card.prompt, card.neutral, card.regions) == ("bright hair", "a person", ("hair",))
    assert (card.method, card.space) == (method, "w+")
    assert card.config["steps"] == card.config["steps_done"] == 2
    assert card.config["interrupted"] is False
    assert set(card.config["made_with"]) == {"torch", "device", "threads"}
    assert card.unit > 0


def test_anothers_state_is_not_taken(tmp_path: Path) -> None:
    world, config = fake_world(), CONFIGS["paper"]
    train_direction(world, GOAL, config, Interrupting(6), work=tmp_path)
    other: list[int] = []
    train_direction(
        world, replace(GOAL, prompt="dark hair"), config, lambda r: other.append(r.step),
        work=tmp_path,
    )  # fmt: skip
    assert other[0] == 1


@pytest.mark.parametrize("how", ["damaged", "a folder", "no room"])
def test_a_state_that_is_of_no_use_costs_a_warning(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, config = fake_world(), CONFIGS["paper"]
    expected = train_direction(world, GOAL, config)
    path = tmp_path / f"{training_identity(world, GOAL, config)[:16]}.safetensors"
    says = {
        "damaged": "begins anew",
        "a folder": "cannot be resumed",
        "no room": "the disk is full",
    }
    if how == "damaged":
        path.write_bytes(b"junk")
    elif how == "a folder":
        path.mkdir()
    else:
        monkeypatch.setattr(os, "fsync", full)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        direction = train_direction(world, GOAL, config, work=tmp_path)
    assert len(caught) == (2 if how == "a folder" else 1)
    assert says[how] in str(caught[-1].message)
    assert torch.equal(direction.vector, expected.vector)
    assert [each.name for each in tmp_path.iterdir()] == ([] if how == "no room" else [path.name])


def full(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_identity_depends_on_all_that_decides_the_result() -> None:
    world, config = fake_world(), CONFIGS["paper"]
    one = training_identity(world, GOAL, config)
    assert one == training_identity(fake_world(), GOAL, paper_config(steps=17))
    generator, encoder, segmenter = world.generator, world.encoder, world.segmenter
    others = [
        training_identity(world, replace(GOAL, neutral="a face"), config),
        training_identity(world, GOAL, replace(config, seed=1)),
        training_identity(world, GOAL, PaperScaledConfig(**asdict(config))),
        training_identity(world, GOAL, CONFIGS["default"]),
        *(
            training_identity(replace(world, **changes), GOAL, config)
            for changes in (
                {"generator": replace(generator, fingerprint="e" * 64)},
                {"encoder": replace(encoder, seed=4)},
                {"segmenter": replace(segmenter, fingerprint="e" * 64)},
                {"vocabulary": {"hair": ("hair",)}},
                {"truncation": 0.5},
            )
        ),
    ]
    assert len({one, *others}) == 10


def test_a_work_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadFile, match="Cannot make the folder"):
        train_direction(fake_world(), GOAL, CONFIGS["paper"], work=tmp_path / "file" / "work")


@pytest.mark.parametrize(
    ("method", "made"),
    [
        ("default", DefaultConfig(seed=3)),
        ("paper", PaperConfig(seed=3)),
        ("paper-scaled", PaperScaledConfig(seed=3)),
    ],
)
def test_methods_by_name(method: str, made: Any) -> None:
    assert config_for(method, seed=3, steps=None) == made
    assert made.method == method


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"paper-scaled"):
        config_for("best")


def test_the_default_method_is_the_default() -> None:
    direction = train_direction(fake_world(), GOAL)
    assert direction.method == "default"
    assert direction.config["steps_done"] == DefaultConfig().steps
