from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.writing import write_checkpoint
from eclipsed.editing.images import load_png
from eclipsed.segmenters.clusters import ClusterSegmenter
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal
from tests.generators import test_stylegan2

MAKE = ("clusters", "make", "--count", "4", "--seeds", "0-9", "-o", "parts.safetensors")


@pytest.fixture
def parts(eclipsed: Run) -> Path:
    assert eclipsed(*MAKE).code == 0
    return Path("parts.safetensors")


def test_clusters_are_made_of_the_worlds_generator(eclipsed: Run, world: World) -> None:
    result = eclipsed(*MAKE, "--json").json
    clusters = ClusterSegmenter.load("parts.safetensors")
    clusters.check(world.generator)
    assert clusters.regions == ("cluster_0", "cluster_1", "cluster_2", "cluster_3")
    # Images of 32 pixels: the feature of 8.
    assert result == {
        "out": "parts.safetensors",
        "clusters": 4,
        "layers": ["layer_2"],
        "seeds": 10,
        "generator": {"name": "fake", "fingerprint": world.generator.fingerprint},
    }
    layers = ("--layer", "layer_1", "--layer", "layer_4")
    assert eclipsed(*MAKE, *layers, "--json").json["layers"] == ["layer_1", "layer_4"]
    again = ClusterSegmenter.load("parts.safetensors")
    eclipsed(*MAKE, *layers, "--seed", "5")
    other = ClusterSegmenter.load("parts.safetensors")
    assert not torch.equal(again.centres, other.centres)


def test_a_generators_file_does_where_there_is_no_world_yet(eclipsed: Run) -> None:
    tensors = dict(test_stylegan2.tiny_generator().state_dict())
    write_checkpoint(Checkpoint("own", "stylegan2", {}, tensors), "net.safetensors")
    alone = ("--generator", "net.safetensors")
    ran = eclipsed(*MAKE, *alone)
    assert ran.code == 0, ran.err
    line = ran.out.splitlines()[-1]
    assert "clusters look parts.safetensors --generator net.safetensors -o" in line
    assert eclipsed("clusters", "look", "parts.safetensors", "-o", "a.png", *alone).code == 0
    ran = eclipsed("clusters", "look", "parts.safetensors", "-o", "b.png")
    assert ran.code == 1
    assert "were made for the generator 'net'" in ran.err
    assert eclipsed(*MAKE, *alone, "-w", "mars").code == 2
    ran = eclipsed(*MAKE, *alone, "--layer", "layer_9")
    assert ran.code == 1
    assert "no feature 'layer_9'" in ran.err


def test_a_sheet_and_a_list_tell_what_there_is_to_name(eclipsed: Run, parts: Path) -> None:
    ran = eclipsed("clusters", "look", str(parts), "-o", "sheet.png", "--seeds", "1,2")
    assert ran.code == 0, ran.err
    assert "cluster_3  cluster 3" in ran.out
    wide = load_png("sheet.png")[0].width
    result = eclipsed("clusters", "look", str(parts), "-o", "sheet.png", "--seeds", "1", "--json")
    assert result.json["regions"] == {f"cluster_{n}": [n] for n in range(4)}
    assert load_png("sheet.png")[0].width < wide


def test_named_clusters_are_regions_that_can_be_trained_in(
    eclipsed: Run, parts: Path, world: World
) -> None:
    ran = eclipsed("clusters", "name", str(parts), "0,2-3=front wall", "1=sky")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1].split() == ["front", "wall", "clusters", "0,", "2,", "3"]
    named = ClusterSegmenter.load(parts)
    assert named.groups == {"front wall": (0, 2, 3), "sky": (1,)}
    synthesis = world.generator.synthesize(
        world.generator.sample([1]), features=named.feature_names
    )
    assert float(named.masks(synthesis, ["front wall", "sky"]).mean()) == 1.0


def test_naming_elsewhere_leaves_the_file_alone(eclipsed: Run, parts: Path) -> None:
    before = parts.read_bytes()
    ran = eclipsed("clusters", "name", str(parts), "1=sky", "-o", "named.safetensors", "--json")
    assert ran.json["out"] == "named.safetensors"
    assert ran.json["regions"]["sky"] == [1]
    assert parts.read_bytes() == before
    again = eclipsed("clusters", "name", "named.safetensors", "2=sky", "1=door", "--json").json
    assert again["regions"] == {"cluster_0": [0], "door": [1], "sky": [2], "cluster_3": [3]}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("make", 2),
        ("make -o x.png", 2),
        ("make -o no/x.safetensors", 1),
        ("make -o x.safetensors --count 1", 2),
        ("make -o x.safetensors --count 300", 2),
        ("make -o x.safetensors --seeds 3-1", 2),
        ("make -o x.safetensors --seed -1", 2),
        ("make -o x.safetensors -w mars", 1),
        ("make -o x.safetensors --generator none.pkl", 1),
        ("look parts.safetensors", 2),
        ("look parts.safetensors -o x.jpg", 2),
        ("look none.safetensors -o x.png", 1),
        ("look parts.safetensors -o x.png --seeds 0-2000", 2),
        ("name parts.safetensors", 2),
        ("name parts.safetensors roof", 2),
        ("name parts.safetensors 1=", 2),
        ("name parts.safetensors x=roof", 2),
        ("name parts.safetensors 1=a,b", 2),
        ("name parts.safetensors 1=none", 2),
        ("name parts.safetensors 1=roof 0-2=sky", 2),
        ("name parts.safetensors 4=roof", 1),
        ("name none.safetensors 1=roof", 1),
        ("name parts.safetensors 1=roof -o x.png", 2),
        ("paint parts.safetensors", 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, parts: Path, words: str, code: int
) -> None:
    before = parts.read_bytes()
    check_refusal(eclipsed, ["clusters", *words.split()], code)
    assert parts.read_bytes() == before
