"""A photo becomes a latent: on the fake world, whose images tell their latents exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from eclipsed.cache import forget
from eclipsed.editing.photos import statistics, tuning
from eclipsed.editing.photos.descent import Progress
from eclipsed.editing.photos.inversion import InvertConfig, invert
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.errors import BadFile, BadSetting, WrongGenerator
from eclipsed.testing import W_DIM, fake_world
from eclipsed.types import World
from tests.families import GENERATORS

QUICK = InvertConfig(method="optimise", steps=30, rate=0.2, tune_steps=20, rank=2)


def image_of(world: World, seed: int = 7) -> Tensor:
    latents = world.generator.sample([seed], space="w+")
    return world.generator.synthesize(latents, "w+").image.clamp(-1.0, 1.0)


@dataclass(frozen=True)
class Glance:
    """An inverter that gives the same latent for every image."""

    latent: Tensor
    name: str = "glance"
    fingerprint: str = "glance"

    def latents(self, images: Tensor) -> Tensor:
        return self.latent.expand(len(images), -1)


def with_inverter(world: World, seed: int) -> World:
    glance = Glance(world.generator.sample([seed], space="w+"))
    return replace(world, inverter=lambda: glance)


def test_a_latent_shows_the_image_again() -> None:
    world = fake_world()
    image = image_of(world)
    inversion = invert(world, image, QUICK)
    mean = world.generator.from_z(torch.zeros(1, W_DIM), space="w+")
    before = world.generator.synthesize(mean, "w+").image - image
    after = inversion.image(world.generator) - image
    assert float(after.abs().mean()) < 0.2 * float(before.abs().mean())
    torch.testing.assert_close(inversion.error, after.abs().mean(dim=1)[0], atol=1e-4, rtol=0)
    assert inversion.scores["psnr"] > 30
    assert inversion.scores["feature_distance"] < 0.05
    assert [each["stage"] for each in inversion.losses] == ["optimise"] * QUICK.steps
    assert inversion.losses[-1]["total"] < 0.3 * inversion.losses[0]["total"]


def test_a_generator_alone_is_inverted_by_its_pixels() -> None:
    world = fake_world(spaces=("z",))
    image = world.generator.synthesize(world.generator.sample([3], space="z"), "z").image
    inversion = invert(world.generator, image.clamp(-1, 1), QUICK)
    assert inversion.space == "z"
    assert inversion.scores["psnr"] > 25
    assert "feature_distance" not in inversion.scores


def test_an_encoder_gives_the_inverter_s_latent_at_a_glance() -> None:
    world = fake_world()
    image = image_of(world)
    known = with_inverter(world, seed=7)
    assert known.inverter is not None
    glance = invert(known, image, InvertConfig(method="encoder"))
    assert not glance.losses
    torch.testing.assert_close(glance.latent, known.inverter().latents(image))
    for lacking in (world, world.generator):
        with pytest.raises(BadSetting, match=r"no inverter.*--method optimise"):
            invert(lacking, image, InvertConfig(method="encoder"))


def test_optimising_starts_where_the_inverter_ends() -> None:
    world = fake_world()
    image = image_of(world)
    one_step = replace(QUICK, steps=1)
    from_mean = invert(world, image, one_step).losses[0]["pixels"]
    from_inverter = invert(with_inverter(world, seed=7), image, one_step).losses[0]["pixels"]
    assert from_inverter < 0.2 * from_mean


def test_the_prior_holds_the_latent_near_the_generator_s_own() -> None:
    world = fake_world()
    strange = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32).clone()
    free = invert(world, strange, replace(QUICK, prior=0.0, rows=0.0))
    held = invert(world, strange, replace(QUICK, prior=1.0))
    assert held.scores["latent_distance"] < 0.7 * free.scores["latent_distance"]


def test_what_the_generator_does_not_make_is_said() -> None:
    world = fake_world()
    stripes = torch.ones(1, 3, 32, 32)
    stripes[..., ::2] = -1.0
    notes = invert(world, stripes, QUICK).notes
    assert any("not of what this generator makes" in note for note in notes)
    assert not invert(world, image_of(world), QUICK).notes


def test_a_latent_far_out_is_said() -> None:
    world = fake_world()
    bright = torch.full((1, 3, 32, 32), 1.0)
    far = invert(world, bright, replace(QUICK, steps=60, rate=0.5, prior=0.0, rows=0.0))
    assert far.scores["latent_distance"] > 1.5
    assert any("times as far out" in note for note in far.notes)


@pytest.mark.parametrize("family", ["stylegan2", "stylegan1", "stylegan3", "dcgan", "biggan"])
def test_tuning_comes_nearer_in_every_family(family: str) -> None:
    generator = GENERATORS[family]
    image = torch.rand(1, 3, generator.resolution, generator.resolution) * 2 - 1
    config = replace(QUICK, method="tune", steps=5, tune_rate=0.02)
    inversion = invert(generator, image, config)
    tuning = [each["total"] for each in inversion.losses if each["stage"] == "tune"]
    assert tuning[-1] < tuning[0]
    plain, own = generator.fingerprint, inversion.generator(generator)
    assert own.fingerprint.startswith(plain + "+tuned ")
    assert generator.fingerprint == plain
    exact = inversion.image(generator).clamp(-1, 1) - image
    torch.testing.assert_close(inversion.error, exact.abs().mean(dim=1)[0], atol=1e-3, rtol=0)


def test_a_fake_has_nothing_to_tune() -> None:
    world = fake_world()
    with pytest.raises(BadSetting, match="no weights to tune"):
        invert(world, image_of(world), replace(QUICK, method="tune", steps=1))


def test_a_rank_that_takes_too_much_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MOST_BYTES", 100)
    with pytest.raises(BadSetting, match="Choose a lower rank"):
        tuning.first_factors(GENERATORS["stylegan2"], 8)


def test_every_step_is_seen_and_can_be_the_last() -> None:
    world = fake_world()
    seen: list[Progress] = []
    inversion = invert(world, image_of(world), QUICK, seen.append, stop=lambda: len(seen) >= 3)
    assert [each.step for each in seen] == [1, 2, 3]
    assert seen[0].steps == QUICK.steps
    assert seen[0].image.shape == (1, 3, 32, 32)
    assert len(inversion.losses) == 3


def test_an_inversion_that_was_cut_short_goes_on_to_the_same_latent(tmp_path: Path) -> None:
    world, whole = fake_world(), invert(fake_world(), image_of(fake_world()), QUICK)

    class Cut(Exception):
        pass

    def cut(progress: Progress) -> None:
        if progress.step == 25:
            raise Cut

    with pytest.raises(Cut):
        invert(world, image_of(world), QUICK, cut, work=tmp_path)
    seen: list[Progress] = []
    resumed = invert(world, image_of(world), QUICK, seen.append, work=tmp_path)
    assert seen[0].step == 21  # the state of every tenth step is kept
    assert torch.equal(resumed.latent, whole.latent)
    assert len(resumed.losses) == QUICK.steps


def test_a_state_of_another_photo_is_not_taken(tmp_path: Path) -> None:
    world = fake_world()
    short = replace(QUICK, steps=10)
    invert(world, image_of(world, 1), short, work=tmp_path)
    other = invert(world, image_of(world, 2), short, work=tmp_path)
    assert torch.equal(other.latent, invert(world, image_of(world, 2), short).latent)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadFile, match=r"damaged.*[Dd]elete it"):
        invert(world, image_of(world, 2), short, work=tmp_path)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"method": "magic"}, "Choose one of encoder, optimise, tune"),
        ({"steps": 0}, "'steps' must be from 1"),
        ({"rate": float("nan")}, "finite number"),
        ({"rate": 0}, "nothing moves"),
        ({"prior": -1}, "'prior' must be from 0"),
    ],
)
def test_settings_that_make_no_sense(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        InvertConfig(**setting)


def test_images_of_other_shapes() -> None:
    world = fake_world()
    small = image_of(world)[..., ::2, ::2]
    assert invert(world, small, replace(QUICK, steps=1)).error.shape == (32, 32)
    with pytest.raises(BadSetting, match=r"\[1, 3, H, W\]"):
        invert(world, torch.zeros(2, 3, 32, 32))


# --- the file -----------------------------------------------------------------------------------


def test_a_file_holds_all_of_it(tmp_path: Path) -> None:
    generator = GENERATORS["stylegan2"]
    image = torch.rand(1, 3, 8, 8) * 2 - 1
    inversion = replace(
        invert(generator, image, replace(QUICK, method="tune", steps=2)),
        photo={"sha256": "ab", "crop": None},
    )
    inversion.save(tmp_path / "photo.safetensors")
    again = Inversion.load(tmp_path / "photo.safetensors")
    assert torch.equal(again.latent, inversion.latent)
    assert torch.equal(again.image(generator), inversion.image(generator))
    assert again.losses == inversion.losses
    assert again.photo == inversion.photo
    assert again.config == inversion.config
    torch.testing.assert_close(again.error, inversion.error, atol=0.005, rtol=0)
    with pytest.raises(WrongGenerator, match="inverted with the generator"):
        again.generator(fake_world().generator)
    with pytest.raises(BadSetting, match="tuned already"):
        again.generator(again.generator(generator))


def test_a_file_of_latents_in_all_that_reads_some(tmp_path: Path) -> None:
    from eclipsed.editing.latents import read_latent

    world = fake_world()
    inversion = invert(world, image_of(world), replace(QUICK, steps=3))
    inversion.save(tmp_path / "photo.safetensors")
    space, latent = read_latent(tmp_path / "photo.safetensors", world.generator)
    assert space == "w+"
    assert torch.equal(latent, inversion.latent)


def test_damaged_and_other_files(tmp_path: Path) -> None:
    from safetensors.torch import load, save

    world, path = fake_world(), tmp_path / "photo.safetensors"
    whole = invert(world, image_of(world), replace(QUICK, steps=1)).to_bytes()
    tensors = load(whole)
    for content, words in [
        (whole[:-5], "damaged or cut short"),
        (b"GIF89a", "a GIF picture"),
        (save(tensors), "no inversion that eclipsed wrote"),
        (save(tensors, {"eclipsed_inversion": "[]"}), "damaged"),
        (save(tensors, {"eclipsed_inversion": '{"format": 99}'}), "newer format"),
        (whole.replace(b'\\"space\\": \\"w+\\"', b'\\"space\\": \\"q+\\"'), "damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(BadFile, match=words):
            Inversion.load(path)
    tensors["latent"][0, 0] = torch.nan
    path.write_bytes(save(tensors, {"eclipsed_inversion": "{}"}))
    with pytest.raises(BadFile, match="damaged"):
        Inversion.load(path)


def test_what_is_known_of_a_generator_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    first = invert(world, image_of(world), QUICK)
    measured = []
    for name in ("_measured", "_unlike"):
        monkeypatch.setattr(statistics, name, lambda *_: measured.append(1))
    again = invert(world, image_of(world), QUICK)
    forget()  # then it is read from the disk
    from_disk = invert(world, image_of(world), QUICK)
    assert not measured
    assert first.scores == again.scores == from_disk.scores
