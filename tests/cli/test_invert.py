"""Photos on the command line: inverted, reopened, edited, and pasted back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.editing.images import to_pil
from eclipsed.editing.photos.inversion import InvertConfig
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.types import World
from tests.cli.conftest import Ran, Run, save_card

BOX = (40, 20, 168, 148)


@pytest.fixture(autouse=True)
def _photos(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair")
    scene(world, 5).save("photo.png")


def scene(world: World, seed: int) -> Image.Image:
    """One of the generator's images, four times larger, in a noisy scene."""
    image = world.generator.synthesize(world.generator.sample([seed])).image
    noise = np.random.default_rng(seed).integers(0, 256, (160, 220, 3)).astype(np.uint8)
    picture = Image.fromarray(noise)
    picture.paste(to_pil(image).resize((128, 128), Image.Resampling.NEAREST), BOX[:2])
    return picture


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def check_said(ran: Ran, code: int, sentence: str) -> None:
    """The command line ended so, with one sentence that holds these words."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") == 1
    assert sentence in ran.err


WHERE = ("--box", ",".join(map(str, BOX)))
EDIT = ("edit", "--photo", "photo.png", *WHERE)


def test_an_edit_changes_its_region_of_the_photo_and_nothing_else(eclipsed: Run) -> None:
    before = Path("photo.png").read_bytes()
    ran = eclipsed(*EDIT, "-d", "hair.safetensors=1", "-o", "out.png", "--json")
    assert ran.code == 0, ran.err
    assert Path("photo.png").read_bytes() == before
    change = np.abs(pixels("out.png") - pixels("photo.png")).max(axis=-1)
    # The patch of hair, four times larger, and some pixels of the generator's around it.
    near = np.zeros_like(change, dtype=bool)
    near[20 : 20 + 4 * 14, 40 + 4 * 0 : 40 + 4 * 32] = True
    assert change[20 : 20 + 4 * 8, 40 + 4 * 10 : 40 + 4 * 22].mean() > 20
    assert not change[~near].any()
    facts = ran.json
    assert facts["written"] == {"kind": "PNG", "changed": int((change > 0).sum()), "outside": 0}
    assert facts["photo"]["crop"]["corners"][0] == [40.0, 20.0]
    assert facts["scores"]["edit"] > facts["scores"]["error"]
    assert facts["scores"]["leakage"] < 0.1 * facts["scores"]["edit"]
    assert facts["scores"]["preservation"] == 1.0, "the patches of the others stay"
    assert facts["inversion"]["method"] == "optimise"
    assert facts["edits"][0]["strength"] == 1.0


def test_strength_zero_gives_the_file_s_own_bytes(eclipsed: Run) -> None:
    ran = eclipsed(*EDIT, "-d", "hair.safetensors=0", "-o", "out.png")
    assert ran.code == 0, ran.err
    assert Path("out.png").read_bytes() == Path("photo.png").read_bytes()
    assert "0 pixels differ" in ran.out


def test_a_photo_is_inverted_once(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from eclipsed.editing.photos import session

    first = eclipsed(*EDIT, "-d", "hair.safetensors", "-o", "one.png")
    assert first.code == 0, first.err

    count, whole = [0], session.invert

    def counted(*given: Any, **more: Any) -> Inversion:
        count[0] += 1
        return whole(*given, **more)

    monkeypatch.setattr(session, "invert", counted)
    assert eclipsed(*EDIT, "-d", "hair.safetensors", "-o", "two.png").code == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert (
        eclipsed(*EDIT, "--method", "optimise", "-d", "hair.safetensors", "-o", "3.png").code == 0
    )
    assert count[0] == 0  # which is the method that is taken by default
    other = ("edit", "--photo", "photo.png", "--no-align", "-d", "hair.safetensors", "-o", "4.png")
    assert eclipsed(*other).code == 0
    assert count[0] == 1


def test_an_inversion_is_a_latent_for_all_that_takes_one(eclipsed: Run, world: World) -> None:
    ran = eclipsed("invert", "photo.png", *WHERE, "-o", "l.safetensors", "--sheet", "s.png")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("wrote l.safetensors: ")
    with Image.open("s.png") as sheet:
        assert sheet.width > 3 * 96
    inversion = Inversion.load("l.safetensors")
    expected = world.generator.synthesize(world.generator.sample([5])).image
    assert float((inversion.image(world.generator) - expected).abs().mean()) < 0.05
    latent, card = ("--latent", "l.safetensors"), ("-d", "hair.safetensors")
    assert eclipsed("edit", *latent, *card, "-o", "e.png").code == 0
    assert eclipsed("strip", *latent, *card, "-o", "s.png").code == 0
    assert eclipsed("animate", *latent, *card, "-o", "a.gif").code == 0
    scores = eclipsed("score", "hair.safetensors", *latent, "--json")
    assert scores.code == 0, scores.err
    assert scores.json["locality"]["median"] > 0.9
    whole = eclipsed("edit", "--photo", "photo.png", *latent, *card, "-o", "p.png")
    assert whole.code == 0, whole.err
    assert eclipsed(*EDIT, *card, "-o", "q.png").code == 0
    assert Path("p.png").read_bytes() == Path("q.png").read_bytes()


def test_an_inversion_of_another_photo_is_refused(eclipsed: Run, world: World) -> None:
    eclipsed("invert", "photo.png", *WHERE, "-o", "l.safetensors")
    scene(world, 6).save("other.png")
    ran = eclipsed(
        "edit", "--photo", "other.png", "--latent", "l.safetensors", "-d", "hair.safetensors",
        "-o", "x.png",
    )  # fmt: skip
    check_said(ran, 1, "of another photo than 'other.png'")
    assert not Path("x.png").exists()


def test_latents_of_other_programs_say_nothing_of_a_photo(eclipsed: Run, world: World) -> None:
    np.save("w.npy", world.generator.sample([1]).numpy())
    ran = eclipsed(
        "edit", "--photo", "photo.png", "--latent", "w.npy", "-d", "hair.safetensors", "-o", "x.png"
    )
    check_said(ran, 1, "NumPy array")


def test_without_a_detector_the_middle_is_taken(eclipsed: Run) -> None:
    ran = eclipsed("invert", "photo.png", "-o", "l.safetensors", "--json", "--method", "optimise")
    assert ran.code == 0, ran.err
    assert ran.json["photo"]["crop"]["corners"][0] == [30.0, 0.0]
    assert len(ran.json["losses"]) == InvertConfig().steps
    assert not ran.json["notes"]


def test_what_is_no_picture_of_the_generator_is_said(eclipsed: Run) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    Image.fromarray(np.stack([np.tile(ramp, (64, 1))] * 3, axis=-1)).save("ramp.png")
    ran = eclipsed("invert", "ramp.png", "-o", "l.safetensors", "--json")
    assert ran.code == 0, ran.err
    assert any("not of what this generator makes" in note for note in ran.json["notes"])
    assert "not of what this generator makes" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--box", "1,2,3"), 2, "LEFT,TOP,RIGHT,BOTTOM"),
        (("--box", "30,2,3,9"), 2, "LEFT,TOP,RIGHT,BOTTOM"),
        (("--points", "1,2 3,4"), 2, "five points"),
        (("--face", "0"), 2, "--face"),
        (("--face", "1", "--no-align"), 2, "give one of them"),
        (("--face", "1"), 1, "looks for no faces"),
        (("--method", "encoder"), 1, "no inverter"),
        (("--method", "magic"), 2, "--method"),
        (("--box", "5000,5000,5100,5100"), 1, "outside the photo"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    eclipsed: Run, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = eclipsed("invert", "photo.png", *words, "-o", "l.safetensors")
    check_said(ran, code, sentence)
    assert not Path("l.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--seed", "1", "--blend"), "they are about photos"),
        (("--seed", "1", "--box", "0,0,50,50"), "they are about photos"),
        (("--seed", "1", "--photo", "photo.png"), "exactly one"),
        (("--photo", "photo.png", "--photos", "."), "exactly one"),
        (("--photo", "photo.png", "--latent", "l.safetensors", "--no-align"), "says already"),
    ],
)
def test_options_that_do_not_go_together(
    eclipsed: Run, words: tuple[str, ...], sentence: str
) -> None:
    ran = eclipsed("edit", *words, "-d", "hair.safetensors", "-o", "out.png")
    check_said(ran, 2, sentence)


def test_the_photo_itself_is_never_written_to(eclipsed: Run) -> None:
    before = Path("photo.png").read_bytes()
    ran = eclipsed(*EDIT, "-d", "hair.safetensors", "-o", "photo.png")
    check_said(ran, 1, "the file that is read")
    assert Path("photo.png").read_bytes() == before


def test_a_file_that_is_no_photo(eclipsed: Run) -> None:
    Path("text.jpg").write_text("hello")
    ran = eclipsed("edit", "--photo", "text.jpg", "-d", "hair.safetensors", "-o", "out.jpg")
    check_said(ran, 1, "text.jpg")
    assert not Path("out.jpg").exists()


# --- folders ------------------------------------------------------------------------------------


def test_a_folder_is_edited_photo_by_photo_and_goes_on_where_it_stood(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    album = Path("album")
    album.mkdir()
    for seed in (1, 2):
        scene(world, seed).save(album / f"{seed}.png")
    (album / "broken.png").write_bytes(b"no picture")
    (album / "notes.txt").write_text("not a photo")
    words = ("edit", "--photos", "album", *WHERE, "-d", "hair.safetensors", "-o", "out")
    ran = eclipsed(*words)
    assert ran.code == 1
    assert "edited 2 photos, 1 could not be: out" in ran.out
    assert "broken.png: " in ran.out
    report = json.loads(Path("out/report.json").read_text())
    assert sorted(report["photos"]) == ["1.png", "2.png"]
    assert report["photos"]["1.png"]["written"]["outside"] == 0
    assert list(report["failures"]) == ["broken.png"]
    (album / "broken.png").unlink()
    scene(world, 3).save(album / "2.png")  # another photo of the same name is edited anew
    ran = eclipsed(*words, "--json")
    assert ran.code == 0, ran.err
    assert "1.png" not in ran.err
    assert "2.png" in ran.err
    assert ran.json["failures"] == {}
    # Another edit is another task.
    again = eclipsed(*words[:-4], "-d", "hair.safetensors=0.5", "-o", "out")
    assert again.code == 0
    assert "1.png" in again.err


def test_a_folder_without_photos(eclipsed: Run) -> None:
    Path("empty").mkdir()
    words = ("-d", "hair.safetensors", "-o", "out")
    check_said(eclipsed("edit", "--photos", "empty", *words), 1, "no photos in 'empty'")
    check_said(eclipsed("edit", "--photos", "gone", *words), 1, "no such file or folder")
    check_said(
        eclipsed("edit", "--photos", ".", "-d", "hair.safetensors", "-o", "."), 1, "own folder"
    )


def test_a_generator_that_is_tuned_to_a_photo_shows_it_everywhere(
    eclipsed: Run, world: World
) -> None:
    from dataclasses import replace

    inversion = replace(
        Inversion(
            latent=world.generator.sample([1]),
            space="w+",
            method="tune",
            config={},
            generator_name=world.generator.name,
            generator_fingerprint=world.generator.fingerprint,
            error=torch.zeros(32, 32),
            scores={"psnr": 1.0},
        ),
        factors={"synthesis.bias.whole": torch.ones(3)},
    )
    inversion.save("tuned.safetensors")
    np.save("w.npy", world.generator.sample([1]).numpy())
    one = ("strip", "--latent", "tuned.safetensors", "-d", "hair.safetensors", "-o", "s.png")
    # A fake has no weights, which shows that they are asked for.
    check_said(eclipsed(*one), 1, "no weights to tune")
    check_said(eclipsed(*one, "--latent", "w.npy"), 1, "Give it alone")
    other = replace(inversion, generator_fingerprint="0" * 64)
    other.save("other.safetensors")
    words = ("edit", "--latent", "other.safetensors", "-d", "hair.safetensors", "-o", "e.png")
    check_said(eclipsed(*words), 1, "inverted with the generator")
