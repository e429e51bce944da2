from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.app.library import Library, default_folder, matching
from eclipsed.directions import Direction
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName
from eclipsed.files import sha256_of
from eclipsed.types import World
from tests.app.hostile import HOSTILE
from tests.cli.conftest import save_card


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_no_folder_is_an_empty_library(tmp_path: Path) -> None:
    library = Library(tmp_path / "none")
    assert library.entries() == []
    assert not library.folder.exists()


def test_the_default_folder_belongs_to_the_user() -> None:
    assert default_folder().is_absolute()
    assert default_folder().name == "library"


def test_the_newest_card_comes_first(library: Library) -> None:
    os.utime(library.folder / "hair.safetensors", (2e9, 2e9))
    assert [entry.file for entry in library.entries()] == ["hair.safetensors", "eyes.safetensors"]
    os.utime(library.folder / "eyes.safetensors", (2.1e9, 2.1e9))
    assert library.entries()[0].name == "bright eyes"


def test_a_card_is_read_once_and_again_when_it_changes(library: Library, world: World) -> None:
    first = library.direction("hair.safetensors")
    assert library.direction("hair.safetensors") is first
    save_card(world, library.folder / "hair.safetensors", "bright hair", prompt="something else")
    assert library.direction("hair.safetensors").prompt == "something else"


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\x89PNG\r\n\x1a\n", os.urandom(200)])
def test_a_file_that_is_no_card_is_listed_with_one_sentence(
    library: Library, world: World, content: bytes
) -> None:
    (library.folder / "bad.safetensors").write_bytes(content)
    entry = library.entry("bad.safetensors")
    assert entry.direction is None
    assert entry.name == "bad.safetensors"
    assert entry.trouble(world.generator).startswith("Cannot use ")
    with pytest.raises(BadFile):
        library.direction("bad.safetensors")
    assert len(library.entries()) == 3


def test_other_files_links_and_folders_are_not_cards(library: Library, tmp_path: Path) -> None:
    (library.folder / "notes.txt").write_text("hello")
    (library.folder / "folder.safetensors").mkdir()
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes((library.folder / "hair.safetensors").read_bytes())
    (library.folder / "link.safetensors").symlink_to(outside)
    assert len(library.entries()) == 2


def test_a_card_of_another_generator_says_so(library: Library, world: World) -> None:
    assert library.entry("hair.safetensors").trouble(world.generator) == ""
    path = library.folder / "alien.safetensors"
    save_card(world, path, "bright mouth", generator_fingerprint="0" * 64, generator_name="ffhq")
    assert "'ffhq'" in library.entry("alien.safetensors").trouble(world.generator)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", {"bright hair", "bright eyes"}),
        ("HAIR", {"bright hair"}),
        ("bright hair", {"bright hair"}),
        ("eyes bright", {"bright eyes"}),
        ("hair eyes", set()),
        ("by hand", {"bright hair", "bright eyes"}),
        (".*", set()),
    ],
)
def test_search_wants_every_word(library: Library, words: str, names: set[str]) -> None:
    assert {entry.name for entry in matching(library.entries(), words)} == names


def test_what_is_there_is_not_kept_twice(library: Library) -> None:
    direction = library.direction("hair.safetensors")
    assert library.add(direction) == "hair.safetensors"
    assert len(library.entries()) == 2


def test_equal_names_get_different_files(library: Library) -> None:
    direction = library.direction("hair.safetensors")
    others = [replace(direction, vector=direction.vector * k) for k in (2.0, 3.0)]
    assert [library.add(other) for other in others] == [
        "bright-hair.safetensors",
        "bright-hair-2.safetensors",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_never_becomes_a_path(
    library: Library, tmp_path: Path, world: World, name: str
) -> None:
    direction = replace(library.direction("hair.safetensors"), unit=2.0)
    before = files(tmp_path)
    try:
        direction = replace(direction, name=name)
    except ValueError:
        return  # the card itself cannot carry it
    file = library.add(direction)
    assert files(tmp_path) - before == {f"library/{file}"}
    assert library.entry(file).name == name
    title, _ = library.export(file)
    assert title.isprintable()
    assert "/" not in title
    assert "\\" not in title
    assert not title.startswith(".")


@pytest.mark.parametrize(
    "file", ["../here/x.safetensors", "/etc/passwd", "", ".", "none.safetensors", ".removed"]
)
def test_only_listed_files_can_be_named(library: Library, file: str) -> None:
    (library.folder.parent / "here" / "x.safetensors").write_bytes(b"")
    for verb in (library.direction, library.export, library.delete):
        with pytest.raises(UnknownName):
            verb(file)


def test_a_card_is_imported_from_bytes(library: Library, tmp_path: Path) -> None:
    name, data = library.export("eyes.safetensors")
    assert name == "bright-eyes.safetensors"
    other = Library(tmp_path / "other" / "deep")
    assert other.take(data, "whatever.bin") == "bright-eyes.safetensors"
    taken, given = other.direction("bright-eyes.safetensors"), library.direction("eyes.safetensors")
    assert sha256_of(taken.vector) == sha256_of(given.vector)
    assert taken.range == given.range


@given(st.binary(max_size=300))
def test_bytes_that_are_no_card_are_refused_and_leave_nothing(data: bytes) -> None:
    library = Library(Path("never-made"))
    with pytest.raises(BadFile) as refusal:
        library.take(data, "given/../name.safetensors")
    assert "'given/../name.safetensors'" in str(refusal.value)
    assert not library.folder.exists()


def test_a_damaged_card_is_refused(library: Library) -> None:
    _, data = library.export("hair.safetensors")
    with pytest.raises(BadFile):
        library.take(data[:-4] + b"\0\0\0\x3f", "hair.safetensors")
    assert len(library.entries()) == 2


def test_a_renamed_card_keeps_its_file(library: Library) -> None:
    library.rename("hair.safetensors", "  shining   hair ")
    assert library.entry("hair.safetensors").name == "shining hair"
    assert library.export("hair.safetensors")[0] == "shining-hair.safetensors"


@pytest.mark.parametrize("name", ["", "  \n ", "x" * 201, "a\x00b", "\x1b[2J"])
def test_a_name_that_no_card_can_have_is_refused(library: Library, name: str) -> None:
    with pytest.raises(BadSetting):
        library.rename("hair.safetensors", name)
    assert library.entry("hair.safetensors").name == "bright hair"


def test_a_deleted_card_can_be_brought_back(library: Library) -> None:
    _, data = library.export("hair.safetensors")
    token = library.delete("hair.safetensors")
    assert [entry.file for entry in library.entries()] == ["eyes.safetensors"]
    assert library.restore(token) == "hair.safetensors"
    assert library.export("hair.safetensors")[1] == data
    with pytest.raises(UnknownName):
        library.restore(token)


def test_a_card_comes_back_beside_one_of_its_name(library: Library, world: World) -> None:
    token = library.delete("hair.safetensors")
    save_card(world, library.folder / "hair.safetensors", "bright hair", unit=2.0)
    assert library.restore(token) == "hair-2.safetensors"


@pytest.mark.parametrize("token", ["../eyes.safetensors", "/etc/passwd", ""])
def test_a_made_up_token_brings_nothing_back(library: Library, token: str) -> None:
    with pytest.raises(UnknownName):
        library.restore(token)


def test_scores_are_written_into_a_card(library: Library) -> None:
    library.rename("hair.safetensors", "shining hair")
    scores = {"success": {"median": 1.0, "low": 0.9, "high": 1.0}}
    scored = replace(
        library.direction("hair.safetensors"),
        name="bright hair",
        scores=scores,
        judged_by="independent networks",
    )
    library.update("hair.safetensors", scored)
    card = Direction.load(library.folder / "hair.safetensors")
    assert (card.name, card.scores, card.judged_by) == (
        "shining hair",
        scores,
        "independent networks",
    )
    library.delete("hair.safetensors")
    with pytest.raises(UnknownName):
        library.update("hair.safetensors", scored)


def test_a_card_is_found_by_what_it_holds(library: Library) -> None:
    direction = library.direction("eyes.safetensors")
    entry = library.find(sha256_of(direction.vector), direction.unit)
    assert entry is not None
    assert entry.file == "eyes.safetensors"
    assert library.find(sha256_of(direction.vector), 3.0) is None
    assert library.find("0" * 64) is None


def test_a_card_that_was_replaced_or_deleted_is_still_found(library: Library) -> None:
    first = library.direction("eyes.safetensors")
    library.update("eyes.safetensors", first.turned())
    library.update("eyes.safetensors", replace(first.turned(), scores={}))  # moves images alike
    assert len(library.entries()) == 2
    entry = library.find(sha256_of(first.vector), first.unit)
    assert entry is not None
    assert (entry.file, entry.name) == ("eyes-2.safetensors", first.name)
    library.delete("eyes-2.safetensors")
    entry = library.find(sha256_of(first.vector))
    assert entry is not None
    assert len(library.entries()) == 3
    assert library.find(sha256_of(first.vector), 3.0) is None


def test_a_place_that_is_no_folder_is_one_sentence(tmp_path: Path, library: Library) -> None:
    (tmp_path / "file").write_text("")
    other = Library(tmp_path / "file")
    with pytest.raises(EclipsedError):
        other.add(library.direction("hair.safetensors"))


@pytest.fixture
def with_shipped(library: Library, world: World, tmp_path: Path) -> Library:
    """The library of two cards, in a world that brings two along, one of them of the same name."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    save_card(world, shipped / "mouth.safetensors", "bright mouth")
    save_card(world, shipped / "hair.safetensors", "bright hair", prompt="the world's own")
    return Library(library.folder, shipped)


def test_cards_of_the_world_stand_behind_those_of_the_folder(with_shipped: Library) -> None:
    *own, last = with_shipped.entries()
    assert {entry.name for entry in own} == {"bright hair", "bright eyes"}
    assert not any(entry.shipped for entry in own)
    assert last.shipped
    assert last.name == "bright mouth"
    assert with_shipped.direction("hair.safetensors").prompt != "the world's own"
    # What a stack holds of the hidden one is found all the same.
    hidden = with_shipped.shipped
    assert hidden is not None
    assert with_shipped.direction(str(hidden / "hair.safetensors")).prompt == "the world's own"


def test_a_card_of_the_world_stays_as_it_is(with_shipped: Library, tmp_path: Path) -> None:
    before = files(tmp_path)
    file = with_shipped.entries()[-1].file
    direction = with_shipped.direction(file)
    for change in (
        lambda: with_shipped.delete(file),
        lambda: with_shipped.rename(file, "mine"),
        lambda: with_shipped.update(file, direction),
    ):
        with pytest.raises(BadSetting, match="comes with the world"):
            change()
    assert with_shipped.add(direction) == file
    assert with_shipped.export(file)[0] == "bright-mouth.safetensors"
    assert files(tmp_path) == before


def test_a_world_whose_cards_are_gone_has_none(library: Library, tmp_path: Path) -> None:
    assert len(Library(library.folder, tmp_path / "none").entries()) == 2
