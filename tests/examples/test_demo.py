"""`make demo` on the fake world: everything it promises is written, in seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from eclipsed import worlds
from eclipsed.editing.images import load_png
from eclipsed.evaluation import evaluate
from eclipsed.methods import registry
from eclipsed.testing import fake_world

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def load_demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demo_writes_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = registry.config_for
    monkeypatch.setattr(registry, "config_for", lambda method, **_: real(method, steps=2))
    monkeypatch.setattr(worlds, "load_world", lambda *_: fake_world())
    score = evaluate.score_direction
    monkeypatch.setattr(
        evaluate, "score_direction", lambda world, card: score(world, card, seeds=range(8))
    )
    demo = load_demo()
    demo.main(tmp_path / "demo")
    written = sorted(path.name for path in (tmp_path / "demo").iterdir())
    pictures = [name for name in written if name.endswith(".png")]
    assert set(pictures) == {
        "blond-hair.png",
        "composed.png",
        "curly-hair.png",
        "paper-against-default.png",
        "sunglasses.png",
    }
    assert len([name for name in written if name.endswith(".safetensors")]) == 5
    for name in pictures:
        picture, recipe = load_png(tmp_path / "demo" / name)
        assert recipe is not None
        assert min(picture.size) > 200
    out = capsys.readouterr().out
    assert all(name in out for name in written)
    assert out.count("curly hair (paper-scaled)") == 2
