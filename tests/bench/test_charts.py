from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

from eclipsed.bench import charts
from eclipsed.bench.charts import Panel
from eclipsed.errors import MissingExtra

SVG = "{http://www.w3.org/2000/svg}"
LINE = {"a & b": [(0.0, 1.0), (1.0, 2.0)], "c": [(0.0, 2.0), (1.0, 0.5)]}


def texts(svg: bytes) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_chart_names_its_axes_and_whatever_it_shows() -> None:
    panels = [
        Panel("strength", "projection <", LINE, level=0.5),
        Panel("strength", "success", LINE),
    ]
    words = texts(charts.svg(panels, ["nobody", "c", "a & b"]))
    assert words.count("strength") == 2
    assert {"projection <", "success"} <= set(words)
    assert words[-2:] == ["c", "a & b"]
    assert "nobody" not in words


def test_the_same_numbers_give_the_same_bytes_in_any_process() -> None:
    program = (
        "import sys; from eclipsed.bench.charts import Panel, svg; "
        "sys.stdout.buffer.write(svg([Panel('x', 'y', {'a': [(1, 2), (3, 4)]})], ['a'])); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert b"</svg>" in runs[0].stdout
    assert b"dc:date" not in runs[0].stdout


@pytest.mark.parametrize("points", [[(1.0, 2.0)], [(0.5, 0.5), (1.0, 0.5)]])
def test_charts_hold_for_any_number_of_methods(points: list[tuple[float, float]]) -> None:
    names = [f"method {number}" for number in range(25)]
    panel = Panel("x", "y", dict.fromkeys(names, points), log=True)
    assert set(names) <= set(texts(charts.svg([panel], names)))


def test_a_method_looks_the_same_in_every_chart() -> None:
    def colours(names: list[str]) -> set[str]:
        svg = charts.svg([Panel("x", "y", {"c": LINE["c"]})], names).decode()
        return {colour for colour in charts._COLOURS if colour.lower() in svg}

    assert colours(["a & b", "c"]) == colours(["b", "c", "d"]) == {charts._COLOURS[1]}


def test_global_settings_stay_as_they_are() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    charts.svg([Panel("x", "y", LINE)], list(LINE))
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_a_chart_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"-m pip install 'matplotlib>="):
        charts.svg([Panel("x", "y", LINE)], list(LINE))
