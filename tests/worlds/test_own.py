from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.writing import write_checkpoint
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName, WrongGenerator
from eclipsed.evaluation.evaluate import score_direction
from eclipsed.methods.paper import PaperConfig
from eclipsed.methods.training import train_direction
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.preflight import check
from eclipsed.segmenters.clusters import fit_clusters
from eclipsed.testing import REGIONS, FakeEncoder, FakeGenerator, FakeSegmenter
from eclipsed.types import Judge, Segmenter, World
from eclipsed.worlds import assembling, load_world
from eclipsed.worlds.assembling import own_world
from eclipsed.worlds.catalogue import Part, catalogue, find_part
from eclipsed.worlds.own import (
    Choice,
    OwnWorld,
    forget,
    read_own,
    register,
    registered,
    registry,
    to_toml,
)
from tests.generators.test_stylegan2 import tiny_generator

WHOLE = """\
name = "my-cats_2"
generator = "nets/cats.pkl"
encoder = "clip-vit-base-patch32"
segmenter = "starter"
neutral = "a photo of a cat"
truncation = 0.5
example_prompts = ["pointed ears", " a striped coat "]

[regions]
ears = ["pointed ears", "ear"]
"left eye" = []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a network in it."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "cats.pkl").write_bytes(b"never opened")
    return tmp_path


def write(folder: Path, text: str = WHOLE, name: str = "cats.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def without(key: str) -> str:
    return "".join(line for line in WHOLE.splitlines(True) if not line.startswith(key))


def with_line(key: str, line: str) -> str:
    return "".join(
        f"{line}\n" if text.startswith(f"{key} =") else text for text in WHOLE.splitlines(True)
    )


# --- reading ------------------------------------------------------------------------------------


def test_a_description_is_read(folder: Path) -> None:
    own = read_own(write(folder))
    assert own == OwnWorld(
        name="my-cats_2",
        generator=folder / "nets" / "cats.pkl",
        encoder=find_part("encoder", "clip-vit-base-patch32") or "",
        segmenter="starter",
        neutral="a photo of a cat",
        truncation=0.5,
        example_prompts=("pointed ears", "a striped coat"),
        regions={"ears": ("ears", "pointed ears", "ear"), "left eye": ("left eye",)},
    )


JUDGES = 'judge_encoder = "clip-vit-large-patch14"\njudge_segmenter = "bisenet"\n'
JUDGED = WHOLE.replace("\n[regions]", f"{JUDGES}\n[regions]")


def test_judges_are_read_and_kept(folder: Path) -> None:
    own = read_own(write(folder, JUDGED))
    assert own.judge_encoder == find_part("encoder", "clip-vit-large-patch14")
    assert own.judge_segmenter == find_part("segmenter", "bisenet")
    assert list(own.choices) == [
        "generator",
        "encoder",
        "segmenter",
        "judge_encoder",
        "judge_segmenter",
    ]
    (folder / "kept.toml").write_bytes(to_toml(own))
    assert read_own(folder / "kept.toml") == own
    assert list(read_own(write(folder)).choices) == ["generator", "encoder", "segmenter"]


def test_an_inverter_is_a_file_that_is_kept(folder: Path) -> None:
    (folder / "nets" / "e4e.pt").write_bytes(b"never opened")
    path = folder / "cats.toml"
    path.write_text(WHOLE.replace("[regions]", 'inverter = "nets/e4e.pt"\n[regions]'))
    own = read_own(path)
    assert own.inverter == folder / "nets" / "e4e.pt"
    path.write_bytes(to_toml(own))
    assert read_own(path) == own
    (folder / "nets" / "e4e.pt").unlink()
    with pytest.raises(BadFile, match=r"'inverter' is .*there is no file.*e4e.pt"):
        read_own(path)


def test_what_may_be_left_out(folder: Path) -> None:
    own = read_own(write(folder, "\n".join(WHOLE.splitlines()[:4])))
    assert (own.neutral, own.truncation, own.regions) == ("a photo", 0.7, {})


def test_paths_are_relative_to_the_file_and_may_be_anywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "encoder").mkdir()
    (folder / "deep").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    text = with_line("generator", 'generator = "../nets/cats.pkl"')
    text = text.replace('"clip-vit-base-patch32"', '"~/encoder"')
    text = text.replace('segmenter = "starter"', f'segmenter = "{folder}/nets/cats.pkl"')
    path = write(folder / "deep", text)
    monkeypatch.chdir(folder / "deep")
    for named in (path, path.name, f"./{path.name}"):
        own = read_own(named)
        assert isinstance(own.generator, Path)
        assert own.generator.is_absolute()
        assert own.generator.resolve() == folder / "nets" / "cats.pkl"
        assert own.encoder == folder / "encoder"
        assert own.segmenter == folder / "nets" / "cats.pkl"


def test_the_catalogue_is_named_by_name_or_repository(folder: Path) -> None:
    text = with_line("generator", 'generator = "self-distilled-lions"')
    text = text.replace('"clip-vit-base-patch32"', '"google/siglip-base-patch16-224"')
    text = text.replace('"starter"', '"bisenet"')
    own = read_own(write(folder, text))
    parts = (own.generator, own.encoder, own.segmenter)
    assert [part.name for part in parts if isinstance(part, Part)] == [
        "self-distilled-lions",
        "siglip-base-patch16-224",
        "bisenet",
    ]


def test_a_file_named_as_in_the_catalogue_is_reached_by_its_path(folder: Path) -> None:
    (folder / "stylegan2-cat").write_bytes(b"")
    text = with_line("generator", 'generator = "./stylegan2-cat"')
    assert read_own(write(folder, text)).generator == folder / "stylegan2-cat"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no 'name'"),
        (without("name"), "has no 'name'"),
        (without("generator"), "has no 'generator'"),
        (without("encoder"), "has no 'encoder'"),
        (without("segmenter"), "has no 'segmenter'"),
        (WHOLE + "x = 1\n", "line 12: 'x' must be a list of words"),
        ("colour = 3\n" + WHOLE, "line 1: 'colour' is unknown"),
        ("[colour]\n", "line 1: 'colour' is unknown"),
        ("name = 'a'\nname = 'b'\n", r"not valid TOML: .*line 2"),
        ("name = \n", r"not valid TOML: .*line 1"),
        ("x = " + "[" * 50_000, "not valid TOML"),
        (with_line("name", "name = 3"), "line 1: 'name' must be a line of text"),
        (with_line("name", 'name = " "'), "'name' must be a line of text"),
        (with_line("name", 'name = "../evil"'), "must be of letters, digits"),
        (with_line("name", 'name = "a/b"'), "must be of letters, digits"),
        (with_line("name", 'name = ".."'), "must be of letters, digits"),
        (with_line("name", 'name = "-w"'), "must be of letters, digits"),
        (with_line("name", 'name = "katzé"'), "must be of letters, digits"),
        (with_line("name", f'name = "{"a" * 65}"'), "must be of letters, digits"),
        (with_line("name", 'name = "starter"'), "'starter', which is taken"),
        (with_line("name", 'name = "Starter"'), "'Starter', which is taken"),
        (with_line("name", 'name = "heads"'), "'heads', which is taken"),
        (with_line("name", 'name = "FFHQ"'), "'FFHQ', which is taken"),
        (with_line("name", 'name = "add"'), "'add', which is taken"),
        (with_line("generator", "generator = []"), "line 2: 'generator' must be a line"),
        (with_line("generator", 'generator = "none.pkl"'), "there is no file '.*none.pkl'"),
        (with_line("generator", 'generator = "nets"'), "there is no file '.*nets'"),
        (with_line("generator", 'generator = "starter"'), "there is no file"),
        (with_line("generator", f'generator = "{"a" * 5000}"'), "there is no file"),
        (with_line("generator", 'generator = "a\\u0000b"'), "must be a line of text"),
        (with_line("generator", 'generator = "~nobody-here/x"'), "there is no file"),
        (with_line("encoder", 'encoder = "bisenet"'), "line 3: .*no file or folder"),
        (with_line("encoder", 'encoder = "someone/else"'), "no file or folder"),
        (with_line("segmenter", 'segmenter = "x"'), "line 4: 'segmenter' is 'x', and there is no"),
        (
            JUDGED.replace('judge_segmenter = "bisenet"\n', ""),
            "line 8: 'judge_encoder' stands alone",
        ),
        (
            JUDGED.replace('"clip-vit-large-patch14"', '"clip-vit-base-patch32"'),
            "world's own encoder",
        ),
        (JUDGED.replace('"bisenet"', '"starter"'), "line 9: 'judge_segmenter' is the world's own"),
        (
            JUDGED.replace('"bisenet"', '"nowhere"'),
            "'judge_segmenter' is 'nowhere', and there is no",
        ),
        (with_line("neutral", "neutral = 1"), "line 5: 'neutral' must be a line of text"),
        (with_line("neutral", 'neutral = "a\\nb"'), "'neutral' must be a line of text"),
        (with_line("truncation", 'truncation = "0.7"'), "line 6: 'truncation' must be a number"),
        (with_line("truncation", "truncation = nan"), "must be a number from 0 to 2"),
        (with_line("truncation", "truncation = -0.1"), "must be a number from 0 to 2"),
        (with_line("truncation", "truncation = 2.1"), "must be a number from 0 to 2"),
        (with_line("truncation", "truncation = true"), "must be a number from 0 to 2"),
        (
            with_line("example_prompts", 'example_prompts = "ears"'),
            "line 7: 'example_prompts' must be a list of at most",
        ),
        (
            with_line("example_prompts", "example_prompts = [1]"),
            "line 7: 'example_prompts' must be a line of text",
        ),
        (WHOLE.split("[regions]")[0] + "regions = 3", "line 9: 'regions' must be a table"),
        (WHOLE + 'tail = "tail"\n', "line 12: 'tail' must be a list"),
        (WHOLE + "tail = [1]\n", "line 12: 'tail' must be a line of text"),
        (WHOLE + 'tail = [""]\n', "line 12: 'tail' must be a line of text"),
        (WHOLE + 'auto = ["car"]\n', "line 12: 'auto' cannot be a region's name"),
        (WHOLE + '"a,b" = []\n', "line 12: 'a,b' cannot be a region's name"),
        (WHOLE + '"" = []\n', "cannot be a region's name"),
        (WHOLE + '" ears" = []\n', "cannot be a region's name"),
    ],
)
def test_wrong_descriptions_are_refused_in_one_sentence(
    folder: Path, text: str, words: str
) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        read_own(write(folder, text))
    assert "cats.toml'" in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"\xff\xfe", "not a text in UTF-8"), (b"#" * 2**21, "larger than")],
)
def test_what_is_no_description_is_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(BadFile, match=words):
        read_own(tmp_path / "own.toml")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_windows_writes_is_read(folder: Path, mark: bytes, end: bytes) -> None:
    plain = read_own(write(folder))
    (folder / "cats.toml").write_bytes(mark + WHOLE.encode().replace(b"\n", end))
    assert read_own(folder / "cats.toml") == plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_said(folder: Path, encoding: str) -> None:
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    (folder / "cats.toml").write_bytes(marks.get(encoding, b"") + WHOLE.encode(encoding))
    with pytest.raises(BadFile, match=r"in UTF-16, as PowerShell's > writes\. Save it as UTF-8"):
        read_own(folder / "cats.toml")


@given(st.text(max_size=60), st.sampled_from(["name", "generator", "encoder", "neutral"]))
def test_any_text_as_a_value_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, key: str
) -> None:
    path = write(tmp_path_factory.mktemp("own"), with_line(key, f"{key} = '''{text}'''"))
    said = ""
    try:
        own = read_own(path)
    except EclipsedError as error:
        said = str(error)
    else:
        assert key == "neutral"
        assert own.neutral == text.strip()
    assert said.isprintable()


# --- keeping ------------------------------------------------------------------------------------


def test_a_registered_world_can_be_found_read_and_forgotten(folder: Path) -> None:
    store = folder / "config" / "worlds"
    assert registered(store) == {}
    own = read_own(write(folder))
    kept = register(folder / "cats.toml", folder=store)
    assert kept == store / "my-cats_2.toml"
    assert registered(store) == {"my-cats_2": kept}
    assert read_own(kept) == own
    forget("my-cats_2", folder=store)
    assert registered(store) == {}
    assert (folder / "nets" / "cats.pkl").exists()
    assert (folder / "cats.toml").exists()


def test_the_same_may_be_registered_again_but_not_another(folder: Path) -> None:
    store = folder / "config"
    path = write(folder)
    register(path, folder=store)
    assert register(path, folder=store) == store / "my-cats_2.toml"
    before = (store / "my-cats_2.toml").read_bytes()
    write(folder, with_line("truncation", "truncation = 1"))
    with pytest.raises(BadFile, match="already a world my-cats_2"):
        register(path, folder=store)
    assert (store / "my-cats_2.toml").read_bytes() == before


def test_a_wrong_description_is_not_registered(folder: Path) -> None:
    with pytest.raises(BadFile):
        register(write(folder, without("encoder")), folder=folder / "config")
    assert not (folder / "config").exists()


def test_a_world_whose_network_is_gone_is_still_listed(folder: Path) -> None:
    kept = register(write(folder), folder=folder / "config")
    (folder / "nets" / "cats.pkl").unlink()
    assert list(registered(folder / "config")) == ["my-cats_2"]
    with pytest.raises(BadFile, match=r"line 2: 'generator' is .*cats\.pkl"):
        read_own(kept)


@pytest.mark.parametrize("name", ["", "..", "../cats", "my-cats_2.toml", "MY-CATS_2", "nonsense"])
def test_only_what_is_registered_can_be_forgotten(folder: Path, name: str) -> None:
    store = folder / "config" / "worlds"
    register(write(folder), folder=store)
    write(folder / "config", name="cats.toml")
    with pytest.raises(UnknownName, match="Yours are my-cats_2"):
        forget(name, folder=store)
    with pytest.raises(UnknownName, match="registered none"):
        forget(name, folder=folder / "nowhere")
    assert (folder / "config" / "cats.toml").exists()


def test_other_files_beside_descriptions_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, name="good.toml")
    write(tmp_path, name="bad name.toml")
    write(tmp_path, name=".hidden.toml")
    write(tmp_path, name="notes.txt")
    (tmp_path / "folder.toml").mkdir()
    assert list(registered(tmp_path)) == ["good"]


def test_a_place_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    with pytest.raises(BadFile, match="Cannot make the folder"):
        register(write(folder), folder=folder / "file" / "worlds")


def test_descriptions_are_kept_with_the_users_configuration(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    kept = register(write(folder))
    assert kept.parent == registry()
    assert list(registered()) == ["my-cats_2"]
    forget("my-cats_2")
    assert list(registered()) == []


WORDS = st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable() and bool(t.strip()))


@given(
    name=st.from_regex(r"own-[A-Za-z0-9_-]{0,20}", fullmatch=True),
    file=st.text(min_size=1, max_size=20).filter(
        lambda t: t.isprintable() and t.strip() == t and not {"/", "~"} & set(t) and t.strip(".")
    ),
    neutral=WORDS,
    truncation=st.floats(0, 2),
    example_prompts=st.lists(WORDS, max_size=3),
    regions=st.dictionaries(
        st.from_regex(r"[a-zäß][a-z0-9äß' -]{0,10}[a-z0-9ß]", fullmatch=True).filter(
            lambda t: t not in ("auto", "none")
        ),
        st.lists(WORDS, max_size=3),
        max_size=4,
    ),
)
def test_every_description_survives_being_kept(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    file: str,
    neutral: str,
    truncation: float,
    example_prompts: list[str],
    regions: dict[str, list[str]],
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    (folder / file).write_bytes(b"")
    own = OwnWorld(
        name=name,
        generator=folder / file,
        encoder=find_part("encoder", "clip-vit-large-patch14") or "",
        segmenter="starter",
        neutral=neutral.strip(),
        truncation=truncation,
        example_prompts=tuple(dict.fromkeys(prompt.strip() for prompt in example_prompts)),
        regions={
            key: tuple(dict.fromkeys((key, *(word.strip() for word in words))))
            for key, words in regions.items()
        },
    )
    kept = folder / "kept.toml"
    kept.write_bytes(to_toml(own))
    assert read_own(kept) == own


def test_a_path_that_is_no_text_cannot_be_kept(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.pkl"))
    own = OwnWorld("mine", odd, "starter", "starter")
    with pytest.raises(BadFile, match="whose name is no text"):
        to_toml(own)


# --- assembling ---------------------------------------------------------------------------------


Asked = list[tuple[object, ...]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the loaders, which hand out fakes, were asked for."""
    asked: Asked = []

    def load(network: Any, name: str) -> Any:
        def loader(*arguments: object) -> Any:
            asked.append((name, *arguments))
            return network

        return loader

    for name, network in (
        ("generator", FakeGenerator()),
        ("encoder", FakeEncoder()),
        ("segmenter", FakeSegmenter()),
    ):
        monkeypatch.setattr(assembling, f"load_{name}", load(network, name))
    return asked


def test_a_world_is_assembled_from_its_description(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"hair": ("hair", "curls"), "mouth": ("mouth",)}
    part = find_part("encoder", "clip-vit-base-patch32")
    assert part is not None
    own = OwnWorld(
        "mine", tmp_path / "net", part, "starter", "a thing", 0.4, words, example_prompts=("curls",)
    )
    monkeypatch.setattr(assembling, "is_here", lambda item: True)
    world = own_world(own, "cpu")
    assert sorted(asked, key=str) == [
        ("encoder", part, "cpu"),
        ("generator", tmp_path / "net", "cpu"),
        ("segmenter", "starter", ("hair", "mouth"), "cpu"),
    ]
    assert (world.name, world.neutral, world.truncation) == ("mine", "a thing", 0.4)
    assert world.judge is None
    assert world.example_prompts == ("curls",)
    assert tuple(world.vocabulary) == REGIONS
    assert world.vocabulary["hair"] == ("hair", "curls")
    assert world.vocabulary["eyes"] == ("eyes",)
    assert (world.generator.name, world.encoder.name) == ("fake", "fake-encoder")


def test_a_class_is_bound_when_a_world_is_assembled(
    folder: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = WHOLE.replace("clip-vit-base-patch32", "starter")
    own = read_own(write(folder, f"class = 2\n{text}"))
    assert own.class_index == 2
    assert read_own(write(folder, to_toml(own).decode(), "again.toml")) == own
    monkeypatch.setattr(assembling, "load_generator", lambda *_: tiny_generator(c_dim=3))
    label = own_world(replace(own, regions={}), "cpu").generator.label
    assert label is not None
    assert label.tolist() == [0, 0, 1]
    with pytest.raises(BadSetting, match=r"no class 3\. Its classes are 0 to 2"):
        own_world(replace(own, class_index=3, regions={}), "cpu")
    for wrong in ('"2"', "-1", "true", "1.5"):
        with pytest.raises(BadFile, match="line 1: 'class' must be a whole number from 0"):
            read_own(write(folder, f"class = {wrong}\n{text}"))


def test_a_world_without_a_segmenter_knows_no_regions(folder: Path, asked: Asked) -> None:
    text = without("segmenter").partition("[regions]")[0]
    own = read_own(write(folder, text.replace("clip-vit-base-patch32", "starter")))
    assert own.segmenter is None
    world = own_world(own, "cpu")
    assert isinstance(world.segmenter, Segmenter)
    assert (world.vocabulary, world.segmenter.regions) == ({}, ())
    assert [kind for kind, *_ in asked] == ["generator", "encoder"]
    for regions in (None, ()):
        assert goal_from_prompt("curly hair", world, regions=regions).regions == ()
    with pytest.raises(UnknownName, match="no segmenter that would find any: use --region none"):
        goal_from_prompt("curly hair", world, regions=("hair",))
    goal = goal_from_prompt("bright hair", world)
    assert check(world, goal).verdict in ("likely", "unsure", "unlikely")
    direction = train_direction(world, goal, PaperConfig(steps=2))
    scores = score_direction(world, direction, seeds=range(4))
    assert scores["text_gain"] is not None
    assert scores["locality"] is None
    elsewhere = replace(direction, regions=("hair",))
    assert score_direction(world, elsewhere, seeds=range(4))["locality"] is None
    latents = world.generator.sample([1])
    hard = EditStack((Edit(elsewhere, hard=True),))
    with pytest.raises(BadSetting, match="no segmenter that would find hair"):
        render(world.generator, latents, hard, segmenter=world.segmenter)


@pytest.mark.parametrize("name", ["my cats.pkl", "net.pt", "net.toml"])
def test_a_network_in_place_of_a_world_is_said_to_be_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    tensors = dict(tiny_generator().state_dict())
    write_checkpoint(Checkpoint("own", "stylegan2", {}, tensors), path)
    with pytest.raises(BadFile, match=r"is no world but a generator \(stylegan2\)") as caught:
        load_world(path)
    assert f"eclipsed sample --generator {shlex.quote(str(path))} --seeds 0-15" in caught.value.hint
    stem = path.stem.replace(" ", "-")
    assert f'name = "{stem}", generator = "{path}", encoder = ' in caught.value.hint
    assert f"give -w {stem}.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\x89PNG\r\n\x1a\n\0", "a PNG picture"), (b"\x80\x02N.", "a Python pickle")],
)
def test_another_file_in_place_of_a_world_is_said_to_be_one(
    tmp_path: Path, data: bytes, kind: str
) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(BadFile, match=f"is no world but {kind}. See what it is: eclipsed show"):
        load_world(tmp_path / "x")


def test_judges_are_loaded_once_when_they_are_first_asked_for(tmp_path: Path, asked: Asked) -> None:
    eye, parts = tmp_path / "eye", tmp_path / "parts"
    own = OwnWorld("mine", tmp_path, "starter", "starter", judge_encoder=eye, judge_segmenter=parts)
    world = own_world(own, "cpu")
    assert world.judge is not None
    assert not {eye, parts} & {choice for _, choice, *_ in asked}
    assert world.judge() is world.judge()
    assert asked[-2:] == [("encoder", eye, "cpu"), ("segmenter", parts, (), "cpu")]
    assert isinstance(world.judge(), Judge)


def test_a_segmenter_of_another_generators_features_is_refused(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeGenerator(name="other", fingerprint="0" * 64)
    clusters = fit_clusters(other, range(4), ["layer_2"], 2)

    def segmenters(choice: Choice, *_: object) -> Segmenter:
        return clusters if choice == "clusters" else FakeSegmenter()

    def load(segmenter: str, judge: str) -> World:
        own = OwnWorld("mine", tmp_path, "a", segmenter, judge_encoder="b", judge_segmenter=judge)
        return own_world(own, "cpu")

    monkeypatch.setattr(assembling, "load_segmenter", segmenters)
    with pytest.raises(WrongGenerator, match="not for 'fake'"):
        load("clusters", "fine")
    judge = load("fine", "clusters").judge
    assert judge is not None
    with pytest.raises(WrongGenerator, match="not for 'fake'"):
        judge()


def test_words_for_a_region_that_does_not_exist_are_refused(tmp_path: Path, asked: Asked) -> None:
    own = OwnWorld("mine", tmp_path, "starter", "starter", regions={"wheels": ("wheels",)})
    with pytest.raises(BadFile, match="'wheels', which its segmenter fake-segmenter") as caught:
        own_world(own, "cpu")
    assert "background, skin" in caught.value.hint


def test_no_world_of_the_catalogue_can_be_shadowed(folder: Path) -> None:
    for name in catalogue():
        with pytest.raises(BadFile, match="which is taken"):
            read_own(write(folder, with_line("name", f'name = "{name}"')))
