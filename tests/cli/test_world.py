from __future__ import annotations

from pathlib import Path

import pytest

from eclipsed.hub import Item
from eclipsed.types import World
from eclipsed.worlds import assembling, catalogue, own
from eclipsed.worlds.catalogue import Entry, Licence, Part
from tests.cli.conftest import Run

TOML = """
name = "pets"
generator = "pets.safetensors"
encoder = "starter"
segmenter = "starter"
"""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own worlds and fetched files lie in the test's folder; the catalogue has one world."""
    monkeypatch.setattr(own, "registry", lambda: tmp_path / "own")
    monkeypatch.setattr("eclipsed.hub.default_cache", lambda: tmp_path / "hub")
    monkeypatch.setattr(catalogue, "BUILT_IN", {"starter": "avatars"})
    for module in (catalogue, own):
        monkeypatch.setattr(module, "catalogue", lambda: {"moon": moon()})
    monkeypatch.setenv("ECLIPSED_OFFLINE", "1")


def part(kind: str, name: str, *, content: bytes | None = None) -> Part:
    import hashlib

    item = Item(
        name=name,
        sha256=None if content is None else hashlib.sha256(content).hexdigest(),
        size=None if content is None else len(content),
        page="https://example.org",
    )
    return Part(
        name=name.split(".")[0],
        kind=kind,  # type: ignore[arg-type]
        family="stylegan2",
        files=(item,),
        licence=Licence("for the curious", non_commercial=True),
        resolution=64 if kind == "generator" else None,
    )


def moon() -> Entry:
    return Entry(
        name="moon",
        domain="craters",
        generator=part("generator", "moon.pkl", content=b"craters"),
        encoder=part("encoder", "eye.bin", content=b"eye"),
        segmenter=part("segmenter", "parts.bin"),
        neutral="a photo of the moon",
    )


def test_worlds_are_listed_with_what_is_missing(eclipsed: Run) -> None:
    lines = eclipsed("worlds").out.splitlines()
    assert lines[0].split() == ["starter", "built", "in", "avatars", "here"]
    assert "craters, 64×64 pixels" in lines[1]
    assert lines[1].endswith("to fetch  non-commercial")
    starter, result = eclipsed("worlds", "--json").json["worlds"]
    assert starter == {"name": "starter", "kind": "built in", "about": "avatars", "here": True}
    assert result["files"] == {"moon.pkl": False, "eye.bin": False, "parts.bin": False}
    assert result["licences"]["generator"] == "for the curious"
    assert result["bytes"] == 10


def test_world_says_what_it_holds(eclipsed: Run) -> None:
    result = eclipsed("world", "starter", "--json").json
    assert result["generator"]["resolution"] == 32
    assert result["spaces"]["w+"] == {"layers": 4, "numbers": 32}
    assert "hair" in result["regions"]
    assert "32 numbers, layers: 4" in eclipsed("world", "starter").out
    assert eclipsed("world", "mars").code == 1


def test_a_file_without_an_address_is_asked_for(eclipsed: Run, tmp_path: Path) -> None:
    ran = eclipsed("world", "moon")
    assert ran.code == 1
    assert "NOT for commercial use" in ran.err
    assert "moon.pkl" in ran.err.splitlines()[-1]
    assert "--from" in ran.err.splitlines()[-1]


def test_files_are_taken_by_name_or_by_their_hash(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (Path("renamed")).write_bytes(b"craters")
    (Path("eye.bin")).write_bytes(b"eye")
    (Path("parts.bin")).write_bytes(b"anything")
    asked = ["world", "moon", "--from", "renamed", "--from", "eye.bin", "--from", "parts.bin"]
    monkeypatch.setattr("eclipsed.cli.world.open_world", lambda name, device: world)
    result = eclipsed(*asked, "--json").json
    assert result["licences"]["segmenter"] == "for the curious"
    for name, content in (
        ("moon.pkl", b"craters"),
        ("eye.bin", b"eye"),
        ("parts.bin", b"anything"),
    ):
        assert (tmp_path / "hub" / name).read_bytes() == content
    assert eclipsed("worlds", "--json").json["worlds"][1]["here"] is True


def test_a_wrong_file_is_not_taken(eclipsed: Run, tmp_path: Path) -> None:
    Path("moon.pkl").write_bytes(b"cheese!")
    Path("unknown").write_bytes(b"cheese!")
    for name, words in (("moon.pkl", "is not moon.pkl"), ("unknown", "is not ")):
        ran = eclipsed("world", "moon", "--from", name)
        assert ran.code == 1
        assert words in ran.err.splitlines()[-1]
    assert not list((tmp_path / "hub").glob("*.pkl"))


def test_a_world_of_ones_own_is_added_listed_and_forgotten(eclipsed: Run) -> None:
    Path("pets.toml").write_text(TOML)
    Path("pets.safetensors").write_bytes(b"")
    assert "-w pets" in eclipsed("world", "add", "pets.toml").out
    assert [w["name"] for w in eclipsed("worlds", "--json").json["worlds"]][1] == "pets"
    assert eclipsed("world", "forget", "pets", "--json").json == {"forgotten": "pets"}
    assert eclipsed("world", "forget", "pets").code == 1


@pytest.mark.parametrize(
    "arguments", [("world", "add"), ("world", "forget"), ("world", "starter", "what")]
)
def test_wrong_usage(eclipsed: Run, arguments: tuple[str, ...]) -> None:
    assert eclipsed(*arguments).code == 2


def test_what_was_not_fetched_says_how_to_fetch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from eclipsed.errors import BadFile

    with pytest.raises(BadFile, match="eclipsed world moon"):
        assembling.public_world(moon(), "cpu")
