from __future__ import annotations

import pytest

from eclipsed.errors import UnknownName
from eclipsed.prompts.regions import choose_regions
from eclipsed.segmenters.bisenet import LABELS
from eclipsed.segmenters.labels import (
    PARTS,
    VOCABULARY,
    group_labels,
    label_numbers,
    vocabulary_for,
)

# The order and the names of jonathandinu/face-parsing, which differ from BiSeNet's.
FACE = [
    *("background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear".split()),
    *("mouth u_lip l_lip hair hat ear_r neck_l neck cloth".split()),
]
ADE = ["wall", "building", "sky", "floor", "tree", "bed ", "windowpane", "grass", "car", "road"]


def test_both_face_networks_have_the_same_regions() -> None:
    first, second = group_labels(LABELS), group_labels(FACE)
    assert list(first) == list(second)
    assert [FACE[n] for n in second["eyes"]] == ["l_eye", "r_eye"]
    assert [FACE[n] for n in second["glasses"]] == ["eye_g"]
    assert [FACE[n] for n in second["earrings"]] == ["ear_r"]
    assert {FACE[n] for n in second["mouth"]} == {"mouth", "u_lip", "l_lip"}


def test_scenes_get_peoples_words_and_the_rest_keeps_its_own() -> None:
    groups = group_labels([*ADE, "van", "Door;double;door", "traffic light, signal"])
    assert groups["window"] == (6,)
    assert groups["bed"] == (5,)
    assert groups["car"] == (8, 10)
    assert groups["door"] == (11,)
    assert groups["traffic light"] == (12,)
    assert {n for numbers in groups.values() for n in numbers} == set(range(13))
    assert not {"windowpane", "eyes", "tower"} & set(groups)


def test_labels_of_one_name_and_without_a_name_are_regions_too() -> None:
    assert group_labels(["crate", "", "crate"]) == {"crate": (0, 2), "unnamed": (1,)}


def test_every_part_has_words_and_no_word_is_lost_to_another_region() -> None:
    assert set(VOCABULARY) == set(PARTS)
    face = vocabulary_for(tuple(group_labels(LABELS)))
    scene = vocabulary_for([r for r in PARTS if r not in face])
    for vocabulary in (face, scene):
        words = [word for words in vocabulary.values() for word in words]
        assert len(words) == len(set(words))
        assert all(words)
    assert vocabulary_for(["cluster_0"]) == {"cluster_0": ("cluster 0",)}


@pytest.mark.parametrize(
    ("prompt", "region"),
    [
        ("blue eyes", "eyes"),
        ("a person with sunglasses", "glasses"),
        ("curly hair", "hair"),
        ("red lipstick", "lips"),
        ("a big smile", "mouth"),
        ("angry eyebrows", "brows"),
        ("a surprised face", "face"),
        ("a pearl necklace", "necklace"),
        ("a black suit", "clothes"),
        ("long beard", "skin"),
    ],
)
def test_prompts_about_faces_find_their_region(prompt: str, region: str) -> None:
    assert choose_regions(prompt, vocabulary_for(tuple(group_labels(LABELS)))).regions == (region,)


@pytest.mark.parametrize(
    ("prompt", "region"),
    [
        ("a sunset sky", "sky"),
        ("stained glass windows", "window"),
        ("autumn leaves", "tree"),
        ("a sports car", "car"),
        ("a bed with red sheets", "bed"),
        ("a wooden floor", "floor"),
    ],
)
def test_prompts_about_scenes_find_their_region(prompt: str, region: str) -> None:
    scene = ["building", "window", "sky", "tree", "grass", "car", "road", "bed", "floor", "wall"]
    assert region in choose_regions(prompt, vocabulary_for(scene)).regions


def test_numbers_of_regions_are_united_and_unknown_ones_refused() -> None:
    groups = {"a": (3, 1), "b": (1, 0)}
    assert label_numbers(["a", "b"], groups, segmenter="s") == [0, 1, 3]
    with pytest.raises(UnknownName, match=r"'s' has no region 'c'. Choose from a, b"):
        label_numbers(["a", "c"], groups, segmenter="s")
