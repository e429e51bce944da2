from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from eclipsed.testing import PATCHES
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card


@pytest.fixture(autouse=True)
def _cards(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair", range=(-1.0, 1.5))
    save_card(world, "eyes.safetensors", "bright eyes")


def brightness(path: str, patch: str) -> list[float]:
    """How bright a patch is in every picture, those that are shown twice as long counted once."""
    rows, columns = PATCHES[patch]
    result = ImageSequence.Iterator(Image.open(io.BytesIO(Path(path).read_bytes())))
    return [float(np.asarray(one.convert("RGB"), float)[rows, columns].mean()) for one in result]


def test_a_card_goes_through_its_range_and_back(eclipsed: Run) -> None:
    ran = eclipsed("animate", "-d", "hair.safetensors", "-o", "x.gif", "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert (facts["strengths"][0], facts["strengths"][-1]) == (-1.0, 1.5)
    assert (len(facts["strengths"]), facts["pictures"], facts["seeds"]) == (25, 48, [1])
    assert "strength" not in facts["edits"][0]
    hair = brightness("x.gif", "hair")
    top = int(np.argmax(hair))
    assert hair[top] > hair[0] + 100
    assert np.all(np.diff(hair[: top + 1]) >= 0)
    assert np.all(np.diff(hair[top:]) <= 0)
    assert np.ptp(brightness("x.gif", "mouth")) < 2.0


def test_the_last_card_moves_and_the_others_stay(eclipsed: Run) -> None:
    words = ("animate", "--seed", "5", "-d", "eyes.safetensors=0.5", "-d", "hair.safetensors")
    assert eclipsed(*words, "--strengths", "-1:1:5", "-o", "x.webp").out == "wrote x.webp\n"
    eyes, hair = brightness("x.webp", "eyes"), brightness("x.webp", "hair")
    assert len(hair) == 8
    assert np.ptp(hair) > 100
    assert np.ptp(eyes) < 12.0  # WebP's loss
    eclipsed(
        "animate", "--seed", "5", "-d", "hair.safetensors", "--strengths", "0,1", "-o", "y.webp"
    )
    assert eyes[0] > brightness("y.webp", "eyes")[0] + 20


def test_a_strength_after_the_moving_card_is_where_it_goes(eclipsed: Run) -> None:
    card = "hair.safetensors=1.2@0@hard"
    facts = eclipsed("animate", "-d", card, "-o", "x.webp", "--json").json
    assert (facts["strengths"][0], facts["strengths"][-1]) == (0.0, 1.2)
    assert (facts["edits"][0]["layers"], facts["edits"][0]["hard"]) == ([0], True)


def test_a_strength_beyond_the_range_is_warned_of(eclipsed: Run) -> None:
    ran = eclipsed("animate", "-d", "hair.safetensors", "--strengths", "0,3", "-o", "x.webp")
    assert ran.code == 0
    assert "good from -1.0 to 1.5: at 3 the image" in ran.err
    assert "good from" not in eclipsed("animate", "-d", "hair.safetensors", "-o", "x.webp").err


def test_an_mp4_is_written(eclipsed: Run) -> None:
    pytest.importorskip("av", reason="an MP4 needs PyAV: pip install 'eclipsed[video]'")
    assert eclipsed("animate", "-d", "hair.safetensors", "-o", "x.MP4").code == 0
    assert Path("x.MP4").read_bytes()[4:8] == b"ftyp"


def test_what_is_missing_for_an_mp4_is_said_before_any_work(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    ran = eclipsed("animate", "-w", "nowhere", "-d", "hair.safetensors", "-o", "x.mp4")
    assert ran.code == 1
    assert "-m pip install 'av>=" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-d", "hair.safetensors", "-o", "x.png"], 2),
        (["-d", "hair.safetensors", "-o", "x"], 2),
        (["-o", "x.gif"], 2),
        (["-d", "hair.safetensors", "--seed", "-1", "-o", "x.gif"], 2),
        (["-d", "hair.safetensors", "--strengths", "1:2", "-o", "x.gif"], 2),
        (["-d", "hair.safetensors", "--strengths", "0:1:999", "-o", "x.gif"], 2),
        (["-d", "hair.safetensors", "--truncation", "9", "-o", "x.gif"], 2),
        (["-d", "none.safetensors", "-o", "x.gif"], 1),
        (["-d", "hair.safetensors", "-o", "no/x.gif"], 1),
        (["-d", "hair.safetensors", "--layers", "9", "-o", "x.gif"], 1),
        (["-d", "hair.safetensors=1@hard:nose", "-o", "x.gif"], 1),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, ["animate", *words], code)
