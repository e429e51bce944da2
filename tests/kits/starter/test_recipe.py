from __future__ import annotations

from pathlib import Path

import pytest

from eclipsed.worlds.weights import FILES, RECORD
from kits.starter import recipe
from kits.starter.fit_generator import STAGES, Stage
from kits.starter.recipe import JOBS, Recipe, main, smoke_recipe
from tests.kits.starter.conftest import Smoke


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_one_command_makes_a_world_from_nothing(smoke: Smoke) -> None:
    assert set(contents(smoke.world)) == {*FILES, RECORD}
    jobs = {"generator-0", "generator-1", *JOBS}
    kept = {path.name for path in smoke.work.iterdir()}
    assert kept == {f"{name}.{kind}" for name in jobs for kind in ("safetensors", "jsonl")} | {
        "sentences.safetensors",
        "foreign.safetensors",
    }
    assert sum((smoke.world / name).stat().st_size for name in FILES) < 15e6


@pytest.mark.slow
def test_the_finished_command_only_writes_the_world_again(
    smoke: Smoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(recipe, "evaluate", lambda world, images, draws: {"images": images})
    logs = {path: path.read_bytes() for path in smoke.work.glob("*.jsonl")}
    assert main(["--smoke", "--work", str(smoke.work), "--out", str(tmp_path)]) == 0
    assert logs == {path: path.read_bytes() for path in smoke.work.glob("*.jsonl")}
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (smoke.world / name).read_bytes()
    said = capsys.readouterr()
    assert said.out == '{\n  "images": 16\n}\n'
    assert "judge-segmenter (log:" in said.err


@pytest.mark.slow
def test_one_network_alone(smoke: Smoke, tmp_path: Path) -> None:
    assert main(["--smoke", "--work", str(tmp_path), "--only", "segmenter"]) == 0
    made = (tmp_path / "segmenter.safetensors").read_bytes()
    # The same seeds give the same weights, whatever was trained before.
    assert made == (smoke.work / "segmenter.safetensors").read_bytes()
    assert {path.stem for path in tmp_path.iterdir()} == {"segmenter"}


def test_every_network_can_be_trained_alone(tmp_path: Path) -> None:
    trainers = recipe.trainers(smoke_recipe(), tmp_path, device="cpu", compiled=False)
    assert tuple(trainers) == recipe.NETWORKS
    with pytest.raises(SystemExit):
        main(["--only", "encoder-text"])


def test_what_goes_wrong_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "segmenter.safetensors").write_bytes(b"damaged")
    assert main(["--smoke", "--work", str(tmp_path), "--only", "segmenter"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Remove it to train this network anew." in error


def test_the_shipped_recipe_trains_every_network_at_full_size() -> None:
    shipped, smoke = Recipe(), smoke_recipe()
    assert shipped.stages == STAGES
    assert [stage.resolution for stage in shipped.stages][-1] == 128
    assert set(shipped.jobs) == set(smoke.jobs)
    for name, job in shipped.jobs.items():
        assert job.images > 100 * smoke.jobs[name].images
        assert job.seed == smoke.jobs[name].seed
    assert (shipped.texts.phrasings, shipped.texts.composites) == (240, 6000)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"jobs": {}}, "a job for each of"),
        ({"stages": ()}, "last stage"),
        ({"stages": (Stage(64, 100, 0.1),)}, "last stage"),
        ({"images": 0}, "measure"),
        ({"draws": 0}, "measure"),
    ],
)
def test_senseless_recipes_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Recipe(**wrong)  # type: ignore[arg-type]


def test_networks_are_trained_on_different_seeds() -> None:
    seeds: dict[str, set[int]] = {}
    for name, job in JOBS.items():
        # The world's encoder is trained in three goes; each job also uses the seed after its own.
        network = "encoder" if name.startswith("encoder-") else name
        seeds.setdefault(network, set()).update((job.seed, job.seed + 1))
    assert len(set.union(*seeds.values())) == sum(len(own) for own in seeds.values())
