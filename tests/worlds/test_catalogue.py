from __future__ import annotations

import copy
import hashlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from eclipsed import hub
from eclipsed.errors import BadFile, BadSetting
from eclipsed.hub import HOSTS, Item
from eclipsed.worlds import catalogue as catalogued
from eclipsed.worlds.catalogue import (
    BUILT_IN,
    KINDS,
    SOURCE,
    Entry,
    Part,
    catalogue,
    fetch_part,
    find_part,
    parse,
    part_names,
    present,
)

DATA: dict[str, Any] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
ENTRIES = list(catalogue().values())
PARTS = [
    part
    for kind in KINDS
    for name in part_names(kind)
    if (part := find_part(kind, name)) is not None
]
ITEMS = {item.name: item for part in PARTS for item in part.files}


def named(thing: Entry | Part | Item) -> str:
    return thing.name


# --- every entry --------------------------------------------------------------------------------


@pytest.mark.parametrize("item", ITEMS.values(), ids=named)
def test_every_file_is_pinned_to_a_host_and_says_its_terms(item: Item) -> None:
    assert item.urls
    for url in item.urls:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc in HOSTS, parts.query) == ("https", True, "")
    assert item.sha256 is None or re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", item.sha256)
    assert item.size is None or 10**4 < item.size < 4 * 2**30
    assert item.licence in {facts["name"] for facts in DATA["licences"].values()}


@pytest.mark.parametrize("part", PARTS, ids=named)
def test_every_part_is_whole(part: Part) -> None:
    weights = part.files[0]
    assert weights.name.endswith((".pkl", ".bin", ".pt", ".pth", ".safetensors"))
    assert part.resolution in {None, 128, 256, 512, 1024}
    if part.repo:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", part.repo)
        assert re.fullmatch(r"[0-9a-f]{40}", part.revision) or (
            part.revision == "main" and "revision" in " ".join(part.doubts)
        )
        assert {"config.json", "preprocessor_config.json"} <= {
            Path(item.name).name for item in part.files
        }
        assert len({Path(item.name).parent for item in part.files}) == 1
    assert len({item.name for item in part.files}) == len(part.files)


def test_no_two_parts_share_a_place_in_the_cache() -> None:
    assert len(ITEMS) == sum(len(part.files) for part in PARTS)
    folders = [part.path(Path("c")) for part in PARTS]
    assert len(set(folders)) == len(folders)


def test_no_two_files_claim_the_same_hash_but_shared_tokenizers() -> None:
    known = [item for item in ITEMS.values() if item.pinned]
    weights = [item.sha256 for item in known if not item.name.endswith("tokenizer.json")]
    assert len(set(weights)) == len(weights) >= 20


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_every_world_fits_together(entry: Entry) -> None:
    assert [part.kind for part in entry.parts] == list(KINDS)[: len(entry.parts)]
    assert entry.resolution in (128, 256, 512, 1024)
    assert entry.neutral.startswith("a ")
    assert len(set(entry.regions)) == len(entry.regions)
    assert 500e6 < entry.size < 2e9
    assert set(entry.licences) == {part.kind for part in entry.parts} >= set(KINDS[:3])
    assert (entry.detector is not None) == ("face" in entry.domain and "'" not in entry.domain)
    told = any("non-commercial" in name or "research" in name for name in entry.licences.values())
    assert entry.non_commercial == told
    assert all(note and not note.endswith(".") for note in entry.notes)


def test_a_part_without_a_public_hash_is_a_doubt() -> None:
    assert any("no SHA-256" in note for note in catalogue()["afhqcat"].notes)
    assert any("only the beginning" in note for note in catalogue()["parrots"].notes)
    assert not any("SHA-256" in note for note in catalogue()["ffhq"].notes)


def test_the_known_worlds_are_there_and_no_name_is_taken() -> None:
    names = set(catalogue())
    assert {"ffhq", "ffhq-ada", "church", "horse", "car", "cat", "metfaces"} <= names
    assert {"afhqcat", "afhqdog", "afhqwild", "stylegan3-t-ffhq", "biggan-deep-256"} <= names
    free = {name for name, entry in catalogue().items() if not entry.non_commercial}
    assert free == {"dogs", "lions", "horses", "parrots", "elephants", "giraffes", "bicycles"}
    # A world of the catalogue may be offered beside the built-in ones, but never in place of one.
    assert "starter" not in names
    assert "starter" in BUILT_IN


def test_a_file_of_a_repository_has_its_revision_in_address_and_place() -> None:
    part = find_part("encoder", "openai/clip-vit-base-patch32")
    assert part is find_part("encoder", "clip-vit-base-patch32")
    assert part is not None
    assert part.files[0] == Item(
        "clip-vit-base-patch32-b33cedfd/model.safetensors",
        (
            "https://huggingface.co/openai/clip-vit-base-patch32/resolve/"
            "b33cedfd0df4e43b8238760678fcc89e1a0d38b3/model.safetensors",
        ),
        "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d",
        605157884,
        part.licence.name,
    )
    assert part.path(Path("c")) == Path("c/clip-vit-base-patch32-b33cedfd")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_listed_is_not_found(kind: catalogued.Kind) -> None:
    assert find_part(kind, "") is None
    assert find_part(kind, "nonsense") is None
    assert find_part(kind, "someone/else") is None


# --- files on disk ------------------------------------------------------------------------------


def test_what_is_present_is_told_without_reading(tmp_path: Path) -> None:
    entry = catalogue()["ffhq"]
    assert set(present(entry, tmp_path).values()) == {False}
    weights = entry.generator.path(tmp_path)
    weights.write_bytes(b"")
    (tmp_path / "bisenet-79999_iter.pth.part").write_bytes(b"")
    there = [name for name, here in present(entry, tmp_path).items() if here]
    assert there == [weights.name]


def small_part(repo: str = "") -> Part:
    files = tuple(
        Item(f"small/{name}", sha256=hashlib.sha256(name.encode()).hexdigest())
        for name in ("weights.bin", "config.json")
    )
    return Part("small", "encoder", "clip", files, catalogued.Licence("MIT", False), repo=repo)


def test_a_part_is_fetched_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    def bring(item: Item, **options: Any) -> Path:
        asked.append((item.name, options["on_progress"]))
        path = hub.locate(item, options["cache"])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(Path(item.name).name.encode())
        return path

    monkeypatch.setattr(catalogued, "fetch", bring)
    shown: list[str] = []

    def on_file(item: Item) -> Callable[[int, int | None], object]:
        shown.append(item.name)
        return lambda done, total: None

    assert fetch_part(small_part(), cache=tmp_path, on_file=on_file) == (
        tmp_path / "small/weights.bin"
    )
    assert shown == ["small/weights.bin", "small/config.json"]
    assert all(callable(report) for _, report in asked)
    # What is here is checked again, but there is no progress to show.
    again = fetch_part(small_part(repo="a/b"), cache=tmp_path, on_file=on_file)
    assert again == tmp_path / "small"
    assert len(shown) == 2
    assert asked[2:] == [("small/weights.bin", None), ("small/config.json", None)]


def test_a_part_that_cannot_be_had_says_so(tmp_path: Path) -> None:
    entry = catalogue()["ffhq"]
    with pytest.raises(BadFile, match=r"stylegan2-ffhq-config-f\.pkl is not in the cache"):
        fetch_part(entry.generator, cache=tmp_path, offline=True)


# --- catalogues that contradict themselves ------------------------------------------------------


def change(data: dict[str, Any], keys: str, value: Any) -> None:
    *path, last = keys.split("/")
    for key in path:
        data = data[key]
    data[last] = value


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        ("worlds/ffhq/generator", "nonsense", "not listed"),
        ("worlds/ffhq/encoder", "bisenet", "not listed"),
        ("worlds/ffhq/truncation", 1.5, "truncation"),
        ("worlds/ffhq/regions", ["hair"], "disagree about regions"),
        ("worlds/cat/regions", [], "disagree about regions"),
        ("worlds/..", {"generator": "stylegan2-ffhq"}, "name of a world"),
        ("generators/stylegan2-ffhq/files", [], "no files"),
        ("generators/stylegan2-ffhq/resolution", None, "resolution"),
        ("encoders/clip-vit-base-patch32/resolution", 224, "resolution"),
        ("encoders/clip-vit-base-patch32/repo", "../..", "https address|name of a file"),
        ("encoders/clip-vit-base-patch32/revision", "x y", "https address|name of a file"),
    ],
)
def test_contradictions_are_refused(keys: str, value: Any, words: str) -> None:
    data = copy.deepcopy(DATA)
    change(data, keys, value)
    if keys.endswith("/repo"):
        change(data, "encoders/clip-vit-base-patch32/files", [{"name": "../weights.bin"}])
    with pytest.raises(BadSetting, match=words):
        parse(data)
