"""What the package promises: these names, nothing else, and no torch before one is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import eclipsed

NAMES = """
    BadFile BadSetting Direction EclipsedError Edit EditStack Goal Inversion InvertConfig Mask
    Method MissingExtra Preflight State UnknownName World WrongGenerator config_for describe
    edit_photo evaluate goal_from_prompt grid invert invert_photo load_generator load_png
    load_world progress read_latent read_photo register render save_png score_direction scored
    strip strip_picture to_pil train_direction train_directions write_photo __version__
""".split()


def test_the_public_names_are_pinned() -> None:
    assert sorted(eclipsed.__all__) == sorted(NAMES)
    assert dir(eclipsed) == sorted(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_every_public_name_is_there_and_documented(name: str) -> None:
    doc = getattr(eclipsed, name).__doc__
    assert doc
    assert not doc.startswith(f"{name}("), "a dataclass without words documents its signature"


def test_type_checkers_are_told_the_same() -> None:
    tree = ast.parse(Path(eclipsed.__file__).read_text(encoding="utf-8"))
    told = {
        alias.name: (node.module or "").removeprefix("eclipsed.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == eclipsed._HOMES


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = eclipsed.nonsense


def test_the_version_is_the_installed_one() -> None:
    assert metadata.version("eclipsed") == eclipsed.__version__


def test_importing_costs_no_torch() -> None:
    code = "import sys, eclipsed; dir(eclipsed); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
