from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from eclipsed.editing.images import save_png
from eclipsed.types import World
from tests.checkpoints.making import FILES
from tests.cli.conftest import Run, save_card


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("boom"),))  # type: ignore[return-value]


def test_show_a_card(eclipsed: Run, world: World) -> None:
    interval = {"median": 0.9, "low": 0.8, "high": 1.0}
    save_card(world, "c.safetensors", scores={"success": interval, "preservation": None})
    ran = eclipsed("show", "c.safetensors")
    assert ran.code == 0
    assert "the direction 'bright hair'" in ran.out
    assert "0.900 [0.800, 1.000]" in ran.out
    assert "cannot be told" in ran.out
    result = eclipsed("show", "c.safetensors", "--json").json
    assert result["kind"] == "card"
    assert result["generator"] == {"name": "fake", "fingerprint": "f" * 64}
    assert result["scores"]["success"] == interval


def test_show_a_picture_with_and_without_a_recipe(eclipsed: Run) -> None:
    picture = Image.new("RGB", (4, 3))
    save_png(picture, "with.png", {"verb": "edit", "seeds": [1, 2], "edits": [{"card": "c"}]})
    picture.save("without.jpg")
    ran = eclipsed("show", "with.png")
    assert "a PNG picture of 4×3 pixels, made so:" in ran.out
    assert "1, 2" in ran.out
    assert eclipsed("show", "with.png", "--json").json["recipe"]["verb"] == "edit"
    assert eclipsed("show", "without.jpg").out.endswith("pixels without a recipe\n")
    assert eclipsed("show", "without.jpg", "--json").json["recipe"] is None


def test_show_a_checkpoint(eclipsed: Run) -> None:
    tensors = {"a.weight": torch.ones(2, 3), "b": torch.ones(4, dtype=torch.float16)}
    save_file(tensors, "net.pt", metadata={"made": "here"})
    result = eclipsed("show", "net.pt", "--json").json
    assert (result["kind"], result["tensors"], result["numbers"]) == ("checkpoint", 2, 10)
    assert result["names"][0] == {"name": "a.weight", "shape": [2, 3], "type": "F32"}
    assert "2×3" in eclipsed("show", "net.pt").out


def test_show_never_executes(eclipsed: Run) -> None:
    Path("bomb.safetensors").write_bytes(pickle.dumps(Bomb()))
    torch.save({"bomb": Bomb()}, "bomb.pt")
    for name, words in (("bomb.safetensors", "it names pathlib."), ("bomb.pt", "it names ")):
        ran = eclipsed("show", name)
        assert ran.code == 1
        assert words in ran.err
        assert ran.err.count("\n") == 1
    assert not Path("boom").exists()


@pytest.mark.parametrize("name", ["missing", ".", "empty", "text", "cut.safetensors", "cut.png"])
def test_show_refuses_in_one_sentence(eclipsed: Run, world: World, name: str) -> None:
    Path("empty").touch()
    Path("text").write_text("hello")
    save_card(world, "c.safetensors")
    Path("cut.safetensors").write_bytes(Path("c.safetensors").read_bytes()[:-4])
    save_png(Image.new("RGB", (40, 30)), "p.png", {})
    Path("cut.png").write_bytes(Path("p.png").read_bytes()[:60])
    ran = eclipsed("show", name)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert set(eclipsed("show", name, "--json").json) == {"error", "hint"}


def test_a_name_cannot_steer_the_terminal(eclipsed: Run) -> None:
    Image.new("RGB", (4, 3)).save("a\x1b[31m.png")
    ran = eclipsed("show", "a\x1b[31m.png")
    assert ran.code == 0
    assert "\x1b" not in ran.out


def test_show_puts_every_kind_into_words(eclipsed: Run, world: World) -> None:
    Path("net.pt").write_bytes(FILES["rosinality_zip"]())
    shown = eclipsed("show", "net.pt").out
    assert shown.startswith("net.pt: a checkpoint, rosinality's PyTorch file")
    assert "it needs nothing else" in shown
    assert "3×3×3×3" in shown
    torch.save({"up": torch.ones(4, 8), "down": torch.zeros(4, 8)}, "both.pt")
    shown = eclipsed("show", "both.pt").out
    assert shown.startswith("both.pt: 2 directions, tensor\n")
    assert "w+, 32 numbers" in shown
    assert "4 layers of 8 numbers" in shown
    np.save("fs3.npy", np.ones((6048, 3)))
    assert "no direction until" in eclipsed("show", "fs3.npy").out
    Path("cats.pkl").touch()
    Path("cats.toml").write_text(
        'name = "cats"\ngenerator = "cats.pkl"\nencoder = "starter"\nsegmenter = "starter"\n'
        '[regions]\nears = ["pointed ears"]\n'
    )
    shown = eclipsed("show", "cats.toml").out
    assert shown.startswith("cats.toml: world description\n")
    assert "regions     ears\n" in shown
