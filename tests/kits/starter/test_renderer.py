from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from python_avatars import (
    AccessoryType,
    Avatar,
    AvatarStyle,
    ClothingType,
    EyebrowType,
    EyeType,
    FacialHairType,
    HairType,
    HatType,
    MouthType,
)

from eclipsed.editing.masks import dilate
from eclipsed.errors import MissingExtra
from eclipsed.worlds.starter.attributes import GROUP, GROUPS, JUDGED, REGIONS
from eclipsed.worlds.starter.models import COVERED, load_judges
from eclipsed.worlds.starter.world import WEIGHTS
from eclipsed.worlds.weights import JUDGES
from kits.starter import renderer as module
from kits.starter.renderer import (
    VISIBLE_SHARE,
    Avatars,
    Renderer,
    background_color,
    class_of,
    hex_color,
    skin_color,
)
from tests.kits.starter.conftest import people

# People whose hair file leaves beard and glasses where the others put them, so that the library's
# own picture of the whole avatar must be ours.
WHOLE = (
    {"top": "short", "mouth": "scream", "eyes": "wide", "beard": "full beard"},
    {"top": "bob", "hair color": "pink", "clothes": "hoodie"},
    {"top": "straight", "hair color": "blond", "brows": "angry", "clothes color": "yellow"},
    {"top": "afro", "glasses": "round glasses", "beard": "moustache", "clothes": "blazer"},
    {"top": "mohawk", "mouth": "tongue", "eyes": "hearts", "clothes": "overalls"},
    {"top": "wavy", "mouth": "sad", "eyes": "closed", "brows": "worried"},
)


def whole(choice: dict[str, str], skin: str) -> Avatar:
    """The library's own avatar of the same values."""
    files = {}
    for group in GROUPS:
        value = group.values[group.names.index(choice.get(group.name, group.names[0]))]
        files[group.name] = value.color if value.file is None else value.file.split("/")[1]
    hat = GROUP["top"].values[GROUP["top"].names.index(choice["top"])].region == "hat"
    return Avatar(
        style=AvatarStyle.TRANSPARENT,
        top=(HatType if hat else HairType)(files["top"]),
        mouth=MouthType(files["mouth"]),
        eyes=EyeType(files["eyes"]),
        eyebrows=EyebrowType(files["brows"]),
        accessory=AccessoryType(files["glasses"]) if files["glasses"] else AccessoryType.NONE,
        facial_hair=FacialHairType(files["beard"]) if files["beard"] else FacialHairType.NONE,
        facial_hair_color="#4A312C",
        clothing=ClothingType(files["clothes"]),
        clothing_color=files["clothes color"],
        hair_color=files["hair color"],
        skin_color=skin,
    )


@pytest.mark.parametrize("choice", WHOLE, ids=lambda choice: choice["top"])
def test_images_are_the_librarys_own(choice: dict[str, str], renderer: Renderer) -> None:
    tone = "#DDA06B"  # the ramp's third colour
    avatars = people(choice, skin=0.4)
    svg = (
        whole(choice, tone)
        .render()
        .replace('viewBox="0 0 264 280"', f'viewBox="{module.VIEW_BOX}"')
    )
    svg = svg.replace('width="264px" height="280px"', "")
    drawn = module._premultiplied(module._rasterise(svg, 128))
    ground = background_color(avatars.background)[0]
    expected = 255 * (drawn[..., :3] + (1 - drawn[..., 3:]) * ground)
    error = np.abs(renderer.render(avatars).images[0] - expected)
    assert error.max() < 4
    assert error.mean() < 0.2


def test_drawing_is_deterministic_and_independent_of_the_batch(renderer: Renderer) -> None:
    second = {"top": "beanie", "mouth": ("sad", "laugh", 0.4)}
    avatars = people({"top": "curly"}, second)
    one, again = renderer.render(avatars), Renderer().render(avatars)
    assert (one.images == again.images).all()
    assert (one.labels == again.labels).all()
    alone = renderer.render(people(second))
    assert (alone.images[0] == one.images[1]).all()
    assert (alone.labels[0] == one.labels[1]).all()


@pytest.mark.parametrize(
    ("group", "before", "after"),
    [
        ("mouth", "serious", "scream"),
        ("eyes", "plain", "wide"),
        ("brows", "natural", "raised"),
        ("glasses", "none", "square glasses"),
        ("beard", "none", "long beard"),
        ("clothes", "t-shirt", "blazer"),
        ("top", "short", "afro"),
        ("top", "bald", "turban"),
    ],
)
def test_labels_are_where_a_part_changes_the_image(
    group: str, before: str, after: str, renderer: Renderer
) -> None:
    drawing = renderer.render(people({group: before}, {group: after}))
    value = GROUP[group].values[GROUP[group].names.index(after)]
    own = {REGIONS.index(value.region or GROUP[group].region), REGIONS.index(GROUP[group].region)}
    labels = torch.from_numpy(drawing.labels.astype(np.int64))
    mask = torch.isin(labels, torch.tensor(sorted(own))).any(dim=0, keepdim=True).float()
    change = np.abs(drawing.images[0].astype(int) - drawing.images[1]).max(axis=2)
    # Soft edges lie outside the label by a pixel; a shadow may be softer still.
    assert change[dilate(mask, 2)[0].numpy() == 0].max() < 40
    assert (change[mask[0].numpy() > 0] > 8).mean() > 0.2


def test_a_hat_has_its_own_region_and_hides_the_hair(renderer: Renderer) -> None:
    drawing = renderer.render(people({"top": "beanie"}, {"top": "curly"}, {"top": "bald"}))
    hat, hair = REGIONS.index("hat"), REGIONS.index("hair")
    assert [(drawing.labels[i] == hat).sum() > 500 for i in range(3)] == [True, False, False]
    assert [(drawing.labels[i] == hair).sum() > 500 for i in range(3)] == [False, True, False]
    assert drawing.visible["hair color"].tolist() == [False, True, False]


def test_what_is_covered_is_not_visible(renderer: Renderer) -> None:
    covered = renderer.render(
        people({}, {"glasses": "sunglasses"}, {"beard": "long beard"}, {"top": "straight"})
    ).visible
    assert covered["eyes"].tolist()[:2] == [True, False]
    assert covered["mouth"].tolist()[0]
    assert covered["skin"].all()
    assert covered["background"].all()


def test_visibility_counts_a_parts_own_pixels(renderer: Renderer) -> None:
    """Against masks drawn part by part, not against the renderer's own count."""
    chosen = [{"top": top, "glasses": "sunglasses"} for top in ("bald", "messy", "dreads", "bob")]
    drawing = renderer.render(people(*chosen))
    bare = renderer.render(people(*[{"top": "bald"} for _ in chosen]))
    for i in range(len(chosen)):
        for group in ("mouth", "brows"):
            own = bare.labels[i] == REGIONS.index(group)
            seen = (drawing.labels[i] == REGIONS.index(group)) & own
            assert drawing.visible[group][i] == (seen.sum() >= VISIBLE_SHARE * own.sum())


@pytest.mark.parametrize("group", [group.name for group in GROUPS])
def test_a_blend_begins_and_ends_at_the_pure_values(group: str, renderer: Renderer) -> None:
    first, second = GROUP[group].names[1], GROUP[group].names[2]
    ends = renderer.render(people({group: first}, {group: second})).images.astype(int)
    near = renderer.render(people({group: (first, second, 0.002)}, {group: (first, second, 0.998)}))
    error = np.abs(near.images.astype(int) - ends)
    assert error.mean() < 0.5
    # Not every pixel of an edge: the outline is a distance, which knows soft edges less well.
    assert (error.max(axis=3) > 40).mean() < 0.005


def test_a_blend_in_the_middle_lies_between(renderer: Renderer) -> None:
    pictures = renderer.render(
        people({"top": "short"}, {"top": ("short", "afro", 0.5)}, {"top": "afro"})
    )
    hair = [(pictures.labels[i] == REGIONS.index("hair")).sum() for i in range(3)]
    assert hair[0] < hair[1] < hair[2]


def test_a_part_thins_out_against_nothing(renderer: Renderer) -> None:
    steps = (0.0, 0.2, 0.4, 0.7, 1.0)
    chosen = [{"beard": ("full beard", "none", t)} for t in steps]
    labels = renderer.render(people(*chosen)).labels
    sizes = [(own == REGIONS.index("beard")).sum() for own in labels]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 100
    assert sizes[-1] == 0


def test_colours_are_the_tables() -> None:
    assert (255 * hex_color("#FF8000")).round().tolist() == [255, 128, 0]
    assert (255 * skin_color(np.array([0.0, 1.0], np.float32))).round().astype(int).tolist() == [
        [255, 227, 200],
        [87, 52, 35],
    ]
    ground = background_color(np.array([[0, 0], [1, 0], [3, 0]], np.float32))
    assert np.ptp(ground[0]) == 0
    np.testing.assert_allclose(ground[1], ground[2])  # no more than fully saturated
    assert ground[1].argmax() == 0  # the ring starts at red


def test_colours_reach_the_picture(renderer: Renderer) -> None:
    drawing = renderer.render(people({"top": "bob", "hair color": "blond", "clothes color": "red"}))
    for region, color in (("hair", "#E3BF6A"), ("clothes", "#E8443F")):
        pixels = drawing.images[0][drawing.labels[0] == REGIONS.index(region)]
        near = np.abs(pixels - 255 * hex_color(color)).max(axis=1) < 3
        assert near.mean() > 0.3
    ground = 255 * background_color(np.array([[0.2, 0.1]], np.float32))[0]
    corner: NDArray[np.uint8] = drawing.images[0][0, 0]
    assert np.abs(corner - ground).max() <= 1


def test_names_and_indices() -> None:
    avatars = people({"top": "bun"}, {"top": ("bun", "afro", 0.3)}, {"top": ("bun", "afro", 0.7)})
    assert avatars.index("top").tolist() == [5, 5, 7]
    assert len(avatars) == 3


def test_without_the_art_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"-m pip install .*python-avatars>="):
        Renderer(16).render(people({}))


def test_other_resolutions(renderer: Renderer) -> None:
    avatars = people({"top": "curly"})
    small = Renderer(32).render(avatars)
    assert small.images.shape == (1, 32, 32, 3)
    large = renderer.render(avatars).images.astype(float)
    pooled = large.reshape(1, 32, 4, 32, 4, 3).mean(axis=(2, 4))
    assert np.abs(pooled - small.images).mean() < 3


def test_an_empty_batch(renderer: Renderer) -> None:
    assert renderer.render(people()).images.shape == (0, 128, 128, 3)


def test_classes_are_the_shown_values_and_the_nearest_names() -> None:
    plain = people({"top": "afro", "mouth": "sad"}, {"top": ("afro", "bald", 0.6)}, {}, {})
    skin = np.array([0.0, 0.19, 0.5, 1.0], np.float32)
    turns = 2 * np.pi * np.array([0.01, 0.99, 0.16, 0.62])
    background = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    classes = class_of(Avatars(plain.weights, skin, background))
    assert list(classes) == list(JUDGED)
    assert classes["top"].tolist() == [7, 0, 0, 0]
    assert classes["mouth"].tolist() == [4, 0, 0, 0]
    assert [JUDGED["skin"][i] for i in classes["skin"]] == ["pale", "pale", "tan", "dark"]
    colors = ["red", "red", "yellow", "blue"]
    assert [JUDGED["background"][i] for i in classes["background"]] == colors


def test_the_visibility_table_is_the_renderers(renderer: Renderer) -> None:
    table = load_judges(WEIGHTS / JUDGES).seen  # `visibility_table` takes long
    assert table.dtype == torch.uint8
    assert table.shape == (len(COVERED), 8, 18, 5, 5)
    chosen = people(
        {"mouth": "tongue", "top": "wavy", "glasses": "eyepatch", "beard": "long beard"},
        {"eyes": "hearts", "glasses": "sunglasses"},
        {"clothes": "blazer", "top": "straight", "beard": "long beard"},
        {"brows": "angry", "top": "beanie", "glasses": "round glasses"},
    )
    visible = renderer.render(chosen).visible
    top, glasses, beard = (chosen.index(group) for group in ("top", "glasses", "beard"))
    for number, group in enumerate(COVERED):
        value = chosen.index(group)
        found = table[number, value, top, glasses, beard].bool()
        assert found.tolist() == visible[group].tolist()
    # Values past a group's last are never asked for.
    assert int(table[COVERED.index("brows"), 5:].sum()) == 0
