from __future__ import annotations

import dataclasses
import io
import json
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from eclipsed.directions import Direction, card_facts, keep_layers, within_range
from eclipsed.editing.stack import Edit, EditStack
from eclipsed.errors import BadFile, UnknownName, WrongGenerator
from eclipsed.files import sha256_of
from eclipsed.testing import FakeGenerator, patch_vector
from eclipsed.types import Layer

LAYERS = FakeGenerator().layers("w+")


def make(**changes: Any) -> Direction:
    fields: dict[str, Any] = {
        "vector": patch_vector("hair"),
        "name": "bright hair",
        "prompt": "bright hair",
        "neutral": "a person",
        "regions": ("hair",),
        "space": "w+",
        "layers": LAYERS,
        "generator_name": "fake",
        "generator_fingerprint": "f" * 64,
        "method": "text",
        "config": {"steps": 40, "betas": [0.9, 0.99]},
        "unit": 0.5,
        "range": (-2.0, 1.5),
        "scores": {"locality": {"median": 0.9, "low": 0.8, "high": 0.95}, "success": None},
    }
    return Direction(**(fields | changes))


def card_of(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What another program sees in a card, by the safetensors library alone."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert set(metadata) == {"eclipsed"}
    return tensors, json.loads(metadata["eclipsed"])


def forge(path: Path, change: Callable[[dict[str, Any]], Any], **tensors: torch.Tensor) -> Path:
    """Write a card whose JSON was changed by someone else."""
    make().save(path)
    held, card = card_of(path)
    result = change(card)
    text = result if isinstance(result, str) else json.dumps(card)
    path.write_bytes(safetensors.torch.save(tensors or held, metadata={"eclipsed": text}))
    return path


def attempt(path: Path) -> Direction | BadFile:
    try:
        return Direction.load(path)
    except BadFile as error:
        return error


def refusal(path: Path) -> str:
    with pytest.raises(BadFile) as caught:
        Direction.load(path)
    message = str(caught.value)
    assert message.isprintable()
    assert str(path)[:40] in message
    assert ".." not in message
    return message


def test_the_card_is_what_the_contract_says(tmp_path: Path) -> None:
    direction = make(judged_by="independent networks")
    direction.save(tmp_path / "card.safetensors")
    tensors, card = card_of(tmp_path / "card.safetensors")
    assert list(tensors) == ["vector"]
    assert torch.equal(tensors["vector"], direction.vector)
    assert card == {
        "format": 1,
        "name": "bright hair",
        "prompt": "bright hair",
        "neutral": "a person",
        "regions": ["hair"],
        "keep": [],
        "space": "w+",
        "layers": [{"name": f"row_{i}", "width": 8} for i in range(4)],
        "generator": {"name": "fake", "fingerprint": "f" * 64},
        "method": "text",
        "config": {"steps": 40, "betas": [0.9, 0.99]},
        "unit": 0.5,
        "range": [-2.0, 1.5],
        "scores": {"locality": {"median": 0.9, "low": 0.8, "high": 0.95}, "success": None},
        "judged_by": "independent networks",
        "verdict": {},
        "sha256": sha256_of(direction.vector),
    }


def test_a_card_says_which_regions_it_keeps(tmp_path: Path) -> None:
    make(keep=("background", "eyes")).save(tmp_path / "card.safetensors")
    assert card_of(tmp_path / "card.safetensors")[1]["keep"] == ["background", "eyes"]
    assert Direction.load(tmp_path / "card.safetensors").keep == ("background", "eyes")
    path = forge(tmp_path / "forged.safetensors", lambda card: card.update(keep="eyes"))
    assert "the 'keep' of its card has the wrong type" in refusal(path)


finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(
    vector=hnp.arrays(
        np.float32, 32, elements=st.floats(width=32, allow_nan=False).filter(math.isfinite)
    ),
    name=texts,
    regions=st.lists(texts, max_size=3).map(tuple),
    unit=st.floats(1e-300, 1e300),
    config=st.dictionaries(texts, plain, max_size=3),
)
def test_a_card_round_trips_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, vector: Any, **fields: Any
) -> None:
    direction = make(vector=torch.from_numpy(vector), **fields)
    path = tmp_path_factory.mktemp("card") / "any.name"
    direction.save(path)
    again = Direction.load(path)
    assert sha256_of(again.vector) == sha256_of(direction.vector) == sha256_of(vector.tobytes())
    for field in dataclasses.fields(Direction):
        if field.name != "vector":
            assert getattr(again, field.name) == getattr(direction, field.name)
    again.save(path.with_name("twice"))
    assert path.with_name("twice").read_bytes() == path.read_bytes()


def test_the_vector_is_its_own(tmp_path: Path) -> None:
    vector = patch_vector("hair")
    direction = make(vector=vector)
    vector.zero_()
    assert torch.equal(direction.vector, patch_vector("hair"))


def test_scaled_zeroes_all_but_the_chosen_layers() -> None:
    direction = make(vector=torch.arange(32.0) + 1.0)
    assert torch.equal(direction.scaled(), 0.5 * (torch.arange(32.0) + 1.0))
    kept = direction.scaled([1, 3]).view(4, 8)
    assert torch.equal(kept[1], 0.5 * (torch.arange(8.0) + 9.0))
    assert kept[[0, 2]].abs().sum() == 0.0


@given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
def test_chosen_layers_add_up(one: set[int], other: set[int]) -> None:
    vector = torch.arange(32.0) + 1.0
    both = keep_layers(vector, LAYERS, one) + keep_layers(vector, LAYERS, other - one)
    assert torch.equal(both, keep_layers(vector, LAYERS, one | other))


@pytest.mark.parametrize("chosen", [(4,), (-1,), (0, 99)])
def test_a_layer_that_does_not_exist_is_named(chosen: tuple[int, ...]) -> None:
    with pytest.raises(UnknownName, match=r"no layer .*has 4\. Choose from 0 to 3\."):
        make().scaled(chosen)


def test_layers_of_unequal_width_are_cut_where_they_are() -> None:
    generator = FakeGenerator()
    direction = make(vector=torch.ones(32), space="s", layers=generator.layers("s"))
    assert direction.scaled([1]).nonzero().flatten().tolist() == [8, 9, 10]
    direction.check(generator)


def test_a_direction_is_refused_by_another_generator() -> None:
    make().check(FakeGenerator())
    with pytest.raises(WrongGenerator, match=r"made for the generator 'fake' \(ffff.*'other'"):
        make().check(FakeGenerator(name="other", fingerprint="0" * 64))
    with pytest.raises(WrongGenerator, match="other layers"):
        make(layers=(Layer("all", 32),)).check(FakeGenerator())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vector": torch.full((32,), math.nan)}, "not finite"),
        ({"vector": torch.full((32,), math.inf)}, "not finite"),
        ({"vector": torch.zeros(31)}, "its layers hold 32"),
        ({"vector": torch.zeros(2, 16)}, "its layers hold 32"),
        ({"layers": ()}, "at least one"),
        ({"layers": (Layer("a", 33), Layer("b", -1))}, "at least one"),
        ({"unit": 0.0}, "positive"),
        ({"unit": math.nan}, "positive"),
        ({"range": (1.0, 1.0)}, "lower to a higher"),
        ({"range": (-math.inf, 1.0)}, "lower to a higher"),
        ({"name": ""}, "name is empty"),
        ({"name": "a\x1b[2J"}, "control characters"),
        ({"prompt": "half \ud83d"}, "control characters"),
        ({"regions": ("hair\n",)}, "control characters"),
        ({"config": {"a": {1, 2}}}, "config cannot be kept"),
        ({"config": {"a": math.nan}}, "config cannot be kept"),
        ({"config": {"a": ["\x1b[2J"]}}, "config holds control characters"),
        ({"scores": {"\ud83d": None}}, "scores cannot be kept"),
    ],
)
def test_nonsense_cannot_be_made(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_a_space_that_does_not_exist_cannot_be_loaded(tmp_path: Path) -> None:
    path = forge(tmp_path / "card", lambda card: card.update(space="w++"))
    assert "'space' of its card is not one of z, w, w+, s" in refusal(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = forge(tmp_path / "card", lambda card: card.update(format=2))
    assert "its format is newer" in refusal(path)
    assert refusal(path).endswith("Upgrade eclipsed.")


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None])
def test_a_format_that_never_was_is_refused(tmp_path: Path, number: Any) -> None:
    refusal(forge(tmp_path / "card", lambda card: card.update(format=number)))


KEYS = (
    *("format", "name", "prompt", "neutral", "regions", "space", "layers", "generator"),
    *("method", "config", "unit", "range", "scores", "sha256"),
)
LONG = "𐀀" * 5000


@pytest.mark.parametrize("key", KEYS)
def test_every_key_must_be_there(tmp_path: Path, key: str) -> None:
    path = forge(tmp_path / "card", lambda card: card.pop(key) and None)
    assert f"lacks '{key}'" in refusal(path)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "value", [None, True, 7, "\x1b[2J", [1], {"a": 1}, 10**400, LONG, LONG * 3], ids=range(9)
)
def test_a_key_of_any_wrong_kind_ends_in_one_sentence(tmp_path: Path, key: str, value: Any) -> None:
    path = forge(tmp_path / "card", lambda card: card.update({key: value}))
    result = attempt(path)
    if isinstance(result, BadFile):
        assert str(result).isprintable()
        assert len(str(result)) < 400
    else:  # a number where a number belongs, a text where any text will do
        good = {("unit", "7"), ("config", "{'a': 1}")}
        good |= {(name, LONG) for name in ("name", "prompt", "neutral", "method")}
        assert (key, str(value)) in good


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"format": 1',
        '{"format": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 10_000,
        "\ufeff{}",
    ],
)
def test_a_broken_description_is_refused(tmp_path: Path, text: str) -> None:
    assert "its description is not" in refusal(forge(tmp_path / "card", lambda _: text))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("key", ["unit", "range", "config", "scores"])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, number: str, key: str) -> None:
    path = tmp_path / "card"
    value = {
        "unit": number,
        "range": f"[-2, {number}]",
        "config": f'{{"a": {number}}}',
        "scores": f'{{"locality": {{"median": {number}}}}}',
    }[key]
    forge(path, lambda card: json.dumps(card | {key: "HERE"}).replace('"HERE"', value))
    refusal(path)


def test_another_vector_under_the_same_checksum_is_refused(tmp_path: Path) -> None:
    path = forge(tmp_path / "card", lambda card: None, vector=patch_vector("eyes"))
    assert "its checksum does not match" in refusal(path)


@pytest.mark.parametrize(
    "vector",
    [
        patch_vector("hair").double(),
        patch_vector("hair").view(4, 8),
        torch.zeros(0),
        torch.zeros(31),
        torch.full((32,), math.nan),
        torch.tensor(1.0),
    ],
)
def test_a_vector_of_another_kind_is_refused(tmp_path: Path, vector: torch.Tensor) -> None:
    checksum = sha256_of(vector)
    refusal(forge(tmp_path / "card", lambda card: card.update(sha256=checksum), vector=vector))


def test_other_tensors_are_refused(tmp_path: Path) -> None:
    vector = patch_vector("hair")
    path = forge(tmp_path / "card", lambda card: None, vector=vector, more=torch.zeros(3))
    assert "nothing else" in refusal(path)
    path = forge(tmp_path / "card", lambda card: None, other=vector)
    assert "not a direction's card" in refusal(path)


class Bomb:
    def __reduce__(self) -> Any:
        return pytest.fail, ("a pickle was executed",)


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind)
    return buffer.getvalue()


def torch_checkpoint() -> bytes:
    buffer = io.BytesIO()
    torch.save({"vector": torch.zeros(32)}, buffer)
    return buffer.getvalue()


def header(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello", "not a file of a known kind"),
        (picture("PNG"), "a PNG picture"),
        (picture("JPEG"), "a JPEG picture"),
        (pickle.dumps(Bomb()), "a Python pickle"),
        (torch_checkpoint(), "a torch checkpoint"),
        (safetensors.torch.save({"weight": torch.zeros(3)}), "a safetensors file"),
        (header(b'{"\xff": 1}'), "damaged"),
        (header(b"{}"), "a safetensors file"),
        (header(b"{" * 50_000), "damaged"),
        (struct.pack("<Q", 2**63) + b"{}", "not a file of a known kind"),
        (struct.pack("<Q", 10**6) + b"{}", "damaged"),
        (b'{"format": 1}', "a JSON text"),
    ],
)
def test_foreign_and_hostile_files_are_named_by_content(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "card.safetensors"
    path.write_bytes(data)
    assert words in refusal(path)


def test_a_card_cut_anywhere_or_with_any_bit_flipped_is_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    make().save(good)
    data = good.read_bytes()
    for length in range(0, len(data), 7):
        bad.write_bytes(data[:length])
        refusal(bad)
    start = len(data) - 32 * 4
    for position in range(start, len(data), 3):
        flipped = bytearray(data)
        flipped[position] ^= 1
        bad.write_bytes(flipped)
        assert "checksum" in refusal(bad)


@given(st.integers(0), st.integers(1, 255))
def test_a_changed_byte_gives_a_direction_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, position: int, change: int
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "card"
    make().save(path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= change
    path.write_bytes(data)
    result = attempt(path)
    assert isinstance(result, Direction) or str(result).isprintable()


def test_a_huge_or_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "card"
    assert "no such file" in refusal(path)
    assert "it is a folder" in refusal(tmp_path)
    with path.open("wb") as file:
        file.truncate(2**30)
    assert "larger than 16 MiB" in refusal(path)


def test_a_failed_save_keeps_the_old_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "card"
    make().save(path)
    old = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BadFile, match="the disk is full"):
        make(name="another").save(path)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["card"]


def test_turned_round_strength_1_is_what_minus_1_was() -> None:
    direction = make(range=(-2.0, 1.5))
    turned = direction.turned()
    assert torch.equal(turned.scaled(), -direction.scaled())
    assert turned.range == (-1.5, 2.0)
    assert turned.turned().range == direction.range


@given(st.floats(0.01, 10.0), st.floats(-9.0, 0.0), st.floats(0.1, 9.0))
def test_strength_1_never_lies_beyond_the_range(unit: float, low: float, high: float) -> None:
    smaller, ends = within_range(unit, (low, high))
    assert ends[1] >= 1.0
    assert smaller * ends[1] == pytest.approx(unit * high)
    # Nothing is promised on the other side that was not promised before.
    assert smaller * ends[0] >= unit * low - 1e-9
    if high >= 1.0:
        assert (smaller, ends) == (unit, (low, high))


def test_a_range_without_positive_strengths_has_no_unit() -> None:
    with pytest.raises(ValueError, match="no positive strength"):
        within_range(1.0, (-1.0, 0.0))


@pytest.mark.parametrize(
    "verdict",
    [
        "works",
        {"kind": "works"},
        {"kind": 1, "sentence": "x", "also": []},
        {"kind": "works", "sentence": "x", "also": [1]},
        {"kind": "works", "sentence": "\x1b[2J", "also": []},
    ],
)
def test_a_verdict_that_is_none_is_refused(tmp_path: Path, verdict: Any) -> None:
    path = forge(tmp_path / "card.safetensors", lambda card: card.update(verdict=verdict))
    refusal(path)


def test_strengths_beyond_the_range_are_said_to_be() -> None:
    direction = make(range=(-0.5, 1.5))
    assert direction.beyond() == direction.beyond(-0.5, 0.0, 1.5) == ""
    assert "is good from -0.5 to 1.5: at 2 the image" in direction.beyond(1.0, 2.0)
    assert ": at -2 or 2 the image" in direction.beyond(-2.0, -1.0, 0.0, 2.0)


# --- arithmetic ---------------------------------------------------------------------------------

strengths = st.floats(-2.0, 2.0)
factors = st.floats(0.25, 4.0).flatmap(lambda size: st.sampled_from([size, -size]))
units = st.floats(0.1, 3.0)


def moved(direction: Direction | EditStack, strength: float) -> torch.Tensor:
    """Latents that a direction moves, or a stack of edits at their own strengths."""
    stack = direction if isinstance(direction, EditStack) else EditStack(Edit(direction, strength))
    generator = FakeGenerator()
    return stack.apply(generator, generator.sample([1, 2]), "w+")


@given(units, units, strengths)
def test_a_sum_does_what_a_stack_of_both_does(one: float, two: float, strength: float) -> None:
    first, second = make(unit=one), make(vector=patch_vector("ground"), unit=two, name="hat")
    stack = EditStack([Edit(first, strength), Edit(second, strength)])
    torch.testing.assert_close(moved(first + second, strength), moved(stack, 0.0))
    stack = EditStack([Edit(first, strength), Edit(second, -strength)])
    torch.testing.assert_close(moved(first - second, strength), moved(stack, 0.0))


@given(units, factors, strengths)
def test_a_multiple_is_the_direction_at_another_strength(
    unit: float, factor: float, strength: float
) -> None:
    direction = make(unit=unit, range=(-2.0, 1.5))
    multiple = direction * factor
    torch.testing.assert_close(moved(multiple, strength), moved(direction, factor * strength))
    ends = sorted(factor * end for end in multiple.range)
    assert ends == pytest.approx([-2.0, 1.5])
    assert card_facts(factor * direction) == card_facts(multiple)


def test_twice_negated_is_the_very_same() -> None:
    direction = make()
    backwards = -direction
    again = -backwards
    assert again.vector.equal(direction.vector)
    for name in ("name", "prompt", "regions", "unit", "range", "space", "layers"):
        assert getattr(again, name) == getattr(direction, name)
    assert (backwards.name, backwards.range) == ("-bright hair", (-1.5, 2.0))


def test_the_card_of_a_sum_says_what_it_is_made_of(tmp_path: Path) -> None:
    hair, hat = make(), make(name="a hat", prompt="a hat", regions=("hat",), range=(-1.0, 3.0))
    both = hair + 0.5 * hat
    both.save(tmp_path / "both.safetensors")
    assert card_facts(Direction.load(tmp_path / "both.safetensors")) == card_facts(both)
    assert both.name == "bright hair + 0.5 * a hat"
    assert (both.prompt, both.regions, both.range) == (
        "bright hair and a hat",
        ("hair", "hat"),
        (-2.0, 1.5),
    )
    assert (both.method, both.scores, both.judged_by) == ("arithmetic", {}, "")
    terms = [(term["name"], term["factor"]) for term in both.config["terms"]]
    assert terms == [("bright hair", 1.0), ("a hat", 0.5)]
    assert (hair - hat).prompt == ""  # nobody says what the absence of a hat is called
    assert (hair + make(regions=())).regions == ()
    verdict = {"kind": "works", "sentence": "It works.", "also": []}
    keeping = hair + make(regions=("hat",), keep=("hair", "background"), verdict=verdict)
    assert (keeping.keep, keeping.verdict) == (("background",), {})
    assert sum([hair, hat]).name == "bright hair + a hat"
