from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from eclipsed import types
from eclipsed.cli import options
from eclipsed.cli.options import (
    parse_card,
    parse_device,
    parse_layers,
    parse_regions,
    parse_seeds,
    parse_strengths,
)


def test_choices_agree_with_what_the_package_knows() -> None:
    assert set(get_args(options.SpaceName)) == set(types.SPACES)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("1,2,5-9", (1, 2, 5, 6, 7, 8, 9)),
        (" 3 , 1-2 ", (3, 1, 2)),
        ("4,4", (4, 4)),
        ("4294967295", (4294967295,)),
        ("0-0", (0,)),
    ],
)
def test_seeds_are_listed_in_order(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1,",
        "a",
        "-1",
        "1-",
        "5-1",
        "1.5",
        "1:3",
        "4294967296",
        "0-10000",
        "٣",
        "1 2",
        "9" * 99,
    ],
)
def test_what_is_no_seed_list_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_seeds(text)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
def test_a_printed_list_reads_back(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_seeds, parse_strengths, parse_regions, parse_card, parse_layers):
        with suppress(typer.BadParameter):
            parse(text)


def test_layers_are_sorted() -> None:
    assert parse_layers("7-9,3,8") == (3, 7, 8, 9)


@pytest.mark.parametrize(
    ("text", "strengths"),
    [
        ("-2:2:5", (-2.0, -1.0, 0.0, 1.0, 2.0)),
        ("0:1:2", (0.0, 1.0)),
        ("1:-1:3", (1.0, 0.0, -1.0)),
        ("-1,0,.5", (-1.0, 0.0, 0.5)),
        ("1.5", (1.5,)),
        ("−2:2:3", (-2.0, 0.0, 2.0)),
        ("−1,0,1", (-1.0, 0.0, 1.0)),
    ],
)
def test_strengths_are_a_range_or_a_list(text: str, strengths: tuple[float, ...]) -> None:
    assert parse_strengths(text) == strengths


def test_the_middle_of_a_symmetric_range_is_exactly_zero() -> None:
    assert parse_strengths("-2:2:7")[3] == 0.0
    assert parse_strengths("-0.3:0.3:7")[3] == 0.0


@pytest.mark.parametrize(
    "text",
    ["", "a", "1:2", "0:1:1", "0:1:2.5", "0:1:-3", "0:1:102", "nan", "inf:1:3", "1,,2", "1:2:3:4"],
)
def test_malformed_strengths_are_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_strengths(text)


@pytest.mark.parametrize(
    ("text", "path", "strength"),
    [
        ("smile.safetensors", "smile.safetensors", None),
        ("smile.safetensors=-1.5", "smile.safetensors", -1.5),
        ("smile.safetensors=−1.5", "smile.safetensors", -1.5),
        ("a−b.safetensors=1", "a−b.safetensors", 1.0),
        ("a=b.safetensors=.5", "a=b.safetensors", 0.5),
        ("runs=1/smile.safetensors", "runs=1/smile.safetensors", None),
        ("rate=2.safetensors", "rate=2.safetensors", None),
    ],
)
def test_a_card_is_a_path_and_maybe_a_strength(
    text: str, path: str, strength: float | None
) -> None:
    assert parse_card(text) == options.CardChoice(Path(path), strength)


def test_an_existing_file_wins_over_the_equals_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smile=2").touch()
    assert parse_card("smile=2") == options.CardChoice(Path("smile=2"), None)
    assert parse_card("smile=2=3") == options.CardChoice(Path("smile=2"), 3.0)


@pytest.mark.parametrize("text", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_devices_are_named_as_torch_does(text: str) -> None:
    assert parse_device(text) == text


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:x", "cuda:١", "CPU", "cpu,cuda"])
def test_other_devices_are_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is none of auto, cpu"):
        parse_device(text)


@pytest.mark.parametrize("text", ["smile=", "smile=strong", "=1", "smile=nan", "smile=inf"])
def test_a_malformed_strength_of_a_card_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_card(text)


def test_regions_are_auto_none_or_names() -> None:
    assert parse_regions("auto") is None
    assert parse_regions("none") == ()
    assert parse_regions("hair, hat,hair") == ("hair", "hat")
    for text in ("", "hair,", "hair,none", "auto,hair"):
        with pytest.raises(typer.BadParameter):
            parse_regions(text)


def drawn(mask: str, layers: tuple[int, ...] | None = None) -> options.CardChoice:
    return options.CardChoice(Path("a"), 1.0, layers, hard=True, mask=Path(mask))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.safetensors=1@3-5", options.CardChoice(Path("a.safetensors"), 1.0, (3, 4, 5))),
        ("a=-2@hard", options.CardChoice(Path("a"), -2.0, None, True)),
        (
            "b=x/a=1@hard:hair,hat@0",
            options.CardChoice(Path("b=x/a"), 1.0, (0,), True, ("hair", "hat")),
        ),
        ("a=−1@3−5", options.CardChoice(Path("a"), -1.0, (3, 4, 5))),
        ("a=1@hard:none", options.CardChoice(Path("a"), 1.0, None, True, ())),
        ("a@b.safetensors", options.CardChoice(Path("a@b.safetensors"), None)),
        ("a=1@hard:m.png", drawn("m.png")),
        ("a=1@hard:x/y=z/m,1@2.PNG@3-5", drawn("x/y=z/m,1@2.PNG", (3, 4, 5))),
        ("a=1@3-5@hard:C:\\m.png", drawn("C:\\m.png", (3, 4, 5))),
    ],
)
def test_a_card_may_be_kept_to_layers_and_regions(text: str, expected: options.CardChoice) -> None:
    assert parse_card(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a=1@",
        "a=1@x",
        "a=1@hard:",
        "a=1@hard:auto",
        "a=@3",
        "a=@hard:m.png",
        "a=1@hard:hair@hard:m.png",
        "a=1@hard:m.png@hard",
        "a=1@hard:m.png@hard:n.png",
    ],
)
def test_limits_without_sense_are_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_card(text)
