from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import structure
from benchmarks.structure import Module

ROOT = Path(__file__).parents[2]
MODULES = structure.modules_of(ROOT / "src" / structure.PACKAGE)
GRAPH = {name: structure.imports_of(module, MODULES) for name, module in MODULES.items()}


def module(name: str, text: str) -> Module:
    tree = ast.parse(text)
    return Module(name, tree, structure.code_lines(text, tree))


def test_there_are_no_circles() -> None:
    assert structure.circles(GRAPH) == []


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    assert structure.upward(GRAPH, MODULES) == []


def test_every_room_has_a_layer() -> None:
    known = {room for rooms in structure.LAYERS for room in rooms}
    assert {each.room for each in MODULES.values()} - known <= {"__init__", "__main__"}


def test_the_root_holds_few_modules() -> None:
    assert len(list((ROOT / "src" / structure.PACKAGE).glob("*.py"))) <= 12


def test_circles_and_upward_imports_are_seen() -> None:
    modules = {
        "eclipsed.types": module("eclipsed.types", "import eclipsed.cli"),
        "eclipsed.cli": module("eclipsed.cli", "def f():\n    from eclipsed import types\n"),
        "eclipsed": module("eclipsed", ""),
    }
    graph = {name: structure.imports_of(each, modules) for name, each in modules.items()}
    assert structure.circles(graph) == [["eclipsed.cli", "eclipsed.types"]]
    assert structure.upward(graph, modules) == ["eclipsed.types → eclipsed.cli"]


def test_lines_of_code_leave_out_docstrings_comments_and_blanks() -> None:
    text = '"""A.\n\nB.\n"""\n\n# why\nx = (\n    1,\n)\n\ndef f():\n    """C."""\n    return x\n'
    assert len(module("eclipsed.x", text).code) == 5


@pytest.mark.parametrize(
    ("page", "lengths"),
    [
        ("# Head line here\n\nOne two three. Four five six seven!\n", [3, 4]),
        ("A [link of words](x.md) ends.\n\n```\ncode is no sentence.\n```\n", [5]),
        ("| a | table row here |\n\n- an item of list\n- and another one here\n", [4, 4]),
    ],
)
def test_sentences(page: str, lengths: list[int]) -> None:
    assert structure.sentence_lengths(page) == lengths


def test_the_report_names_rooms_and_pages() -> None:
    lines = list(structure.report(ROOT))
    assert any(line.startswith("| lines of code | ") for line in lines)
    assert any(line.startswith("| generators | ") for line in lines)
    assert any(line.startswith("| README.md | ") for line in lines)
