"""The editor in Chromium, on the starter world: no time is asserted here, only what happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import eclipsed
from eclipsed.app.library import Library
from eclipsed.editing.images import load_png
from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import EditStack
from tests.app import browsing
from tests.app.browsing import Hands
from tests.app.hostile import ENDLESS, HOSTILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browsing.why_not()), reason=browsing.why_not() or "-"),
]

# The page and the label of the field.
FIELDS = (
    ("library", "Search"),
    ("find", "Prompt"),
    ("explore", "and a style channel"),
)


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of three quickly trained cards."""
    folder = tmp_path_factory.mktemp("cards") / "library"
    world = eclipsed.load_world("starter")
    library = Library(folder)
    for prompt in ("curly hair", "sunglasses", "a red background"):
        goal = eclipsed.goal_from_prompt(prompt, world)
        library.add(eclipsed.train_direction(world, goal, eclipsed.config_for("default", steps=1)))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture
def library(cards: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cards, tmp_path / "library"))


@pytest.fixture
def address(library: Path) -> Iterator[str]:
    with browsing.served(library) as (opened, _):
        yield opened


@pytest.fixture
def hands(browser: Any, address: str) -> Iterator[Hands]:
    opened = Hands(browser, address).open()
    opened.shown()
    yield opened
    assert opened.scripts_run == []
    assert opened.errors == []
    opened.context.close()


def add(hands: Hands, name: str) -> None:
    hands.page.locator(".card", has_text=name).click()
    hands.page.locator(".line .name", has_text=name).wait_for()
    hands.quiet()


def find(hands: Hands, prompt: str) -> None:
    """Ask for a direction and wait until it is trained, scored and in the stack."""
    hands.page.locator(".prompt").fill(prompt)
    hands.page.locator(".prompt").press("Enter")
    hands.page.locator(".line .name", has_text=prompt).wait_for(timeout=300_000)
    hands.page.wait_for_selector(".search .words:has-text('done in')", timeout=300_000)
    hands.quiet()


def test_a_slider_moves_the_picture_under_the_hand(hands: Hands) -> None:
    add(hands, "curly hair")
    hands.shown("frames")
    before = hands.image()
    noted = hands.drag(moves=40)
    shown = {value for _, value in noted["draws"] if value != "exact"}
    assert len(shown) >= 20
    assert hands.image() != before


def test_a_long_session_comes_back_from_its_picture(
    hands: Hands, browser: Any, address: str, tmp_path: Path
) -> None:
    find(hands, "a blue background")
    for name in ("curly hair", "sunglasses"):
        add(hands, name)
    hands.drag(0, moves=9)
    hands.drag(2, moves=7)
    hands.click('[aria-label="Earlier"]:not(:disabled)')
    hands.click('[aria-label="Mute"]')
    hands.click('[data-do="following"]')
    for _ in range(5):
        hands.click('[data-do="undo"]')
    for _ in range(4):
        hands.click('[data-do="redo"]')
    hands.page.keyboard.press("]")
    hands.quiet()
    hands.page.keyboard.press("ArrowRight")
    hands.quiet()
    hands.click('[aria-label="Layers and region"]')
    hands.click('.chip[aria-label="Layer 1"]')
    hands.page.locator(".hardrow input").first.check()
    hands.quiet()
    hands.click('[aria-label="Paint where the edit may change the image"]')
    hands.stroke((0.2, 0.8), (0.8, 0.8))
    hands.click('[data-brush="done"]')
    hands.page.locator(".badge").wait_for()
    saved = hands.save(tmp_path / "saved.png")
    image = hands.image()
    other = Hands(browser, address).open()
    other.shown()
    assert other.image() != image
    other.drop(saved)
    other.page.locator(".line").nth(2).wait_for()
    assert other.image() == image
    again = other.save(tmp_path / "again.png")
    assert load_png(again)[0].tobytes() == load_png(saved)[0].tobytes()
    assert load_png(again)[1] == load_png(saved)[1]
    other.context.close()


def test_before_is_shown_while_it_is_held(hands: Hands) -> None:
    plain = hands.pixels()
    add(hands, "curly hair")
    hands.quiet()
    edited = hands.pixels()
    assert edited != plain
    hands.page.locator(".readout").click()
    hands.page.keyboard.down(" ")
    assert hands.pixels() == plain
    hands.page.keyboard.up(" ")
    assert hands.pixels() == edited


def test_every_comparison_shows_something_else(hands: Hands) -> None:
    add(hands, "curly hair")
    seen = [hands.pixels()]
    for compare in ("split", "difference", "outside"):
        hands.click(f'[data-compare="{compare}"]')
        seen.append(hands.pixels())
    assert len(set(seen)) == 4
    assert "lies inside hair" in hands.page.locator(".readout").inner_text()


def test_two_browsers_do_not_disturb_each_other(hands: Hands, browser: Any, address: str) -> None:
    other = Hands(browser, address).open()
    other.shown()
    image = other.image()
    add(hands, "curly hair")
    hands.click('[data-do="following"]')
    assert other.image() == image
    other.click('[data-do="following"]')
    assert other.image() != image
    assert other.page.locator(".line").count() == 0
    other.context.close()


def huge(path: Path) -> Path:
    Image.new("1", (12_000, 12_000)).save(path)
    return path


def test_files_of_no_use_are_one_sentence(hands: Hands, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("<script>alert(8)</script>")
    bad = tmp_path / "<img src=x onerror=alert(9)>.safetensors"
    bad.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    for file in (text, bad, huge(tmp_path / "huge.png")):
        hands.drop(file)
        assert hands.page.locator(".notice.bad").inner_text().endswith(".")
        hands.click('[data-do="following"]')
    assert hands.page.locator(".notice").is_hidden()


def test_hostile_words_are_text(browser: Any, library: Path) -> None:
    cards = Library(library)
    original = cards.entries()[0]
    assert original.direction is not None
    from dataclasses import replace

    names = [" ".join(words.split()) for words in HOSTILE]
    for number, name in enumerate(names):
        config = {**original.direction.config, name: name}
        card = replace(original.direction, name=name, prompt=name, method=name, config=config)
        cards.add(replace(card, unit=1.0 + number))
    before = {path.name for path in library.parent.rglob("*")}
    with browsing.served(library) as (address, _):
        hands = Hands(browser, address).open()
        hands.shown()
        assert set(names[-12:]) <= set(hands.page.locator(".card span").all_text_contents())
        add(hands, names[-1])
        hands.open("library").still()
        text = hands.page.locator(".stMain").inner_text()
        assert [name for name in names if name not in text] == []
        for page in ("library", "explore", "judge", "find"):
            hands.open(page)
            hands.page.wait_for_load_state("networkidle")
            hands.page.wait_for_timeout(1_500)
            assert hands.page.locator("iframe[srcdoc], svg[onload], img[onerror]").count() == 0
        assert hands.scripts_run == []
        hands.context.close()
    assert {path.name for path in library.parent.rglob("*")} - before <= {"server.log"}


def test_hostile_words_in_any_field_are_text(browser: Any, library: Path) -> None:
    before = {path.name for path in library.parent.rglob("*")}
    some = ["\n".join(HOSTILE[at : at + 8]) for at in range(0, len(HOSTILE), 8)]
    with browsing.served(library) as (address, _):
        hands = Hands(browser, address)
        for page, label in FIELDS:
            hands.open(page).still()
            field = hands.page.get_by_label(label, exact=True)
            for words in (*some, ENDLESS):
                field.fill(words)
                field.press("Enter")
                hands.still()
                assert hands.page.locator(".stException").count() == 0, (label, words)
                assert hands.page.locator("iframe[srcdoc], svg[onload], img[onerror]").count() == 0
            assert hands.scripts_run == []
        log = (library.parent / "server.log").read_text()
        assert "Traceback" not in log
        hands.context.close()
    written = {path for path in library.parent.rglob("*") if path.name not in before}
    assert {path.parent for path in written if path.name != "server.log"} <= {library}


def test_a_prompt_ends_on_a_slider(hands: Hands) -> None:
    find(hands, "a blue background")
    hands.shown("frames")
    before = hands.image()
    hands.drag(moves=10)
    assert hands.image() != before


@pytest.fixture(scope="module")
def one_server(cards: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for several tests that leave the library as it is."""
    library = shutil.copytree(cards, tmp_path_factory.mktemp("served") / "library")
    with browsing.served(library) as (opened, _):
        yield opened


@pytest.mark.parametrize("size", list(browsing.SIZES))
def test_the_editor_fits_its_window(browser: Any, one_server: str, size: str) -> None:
    hands = Hands(browser, one_server, size).open()
    hands.shown()
    for name in ("curly hair", "sunglasses"):
        add(hands, name)
    hands.click('[aria-label="Layers and region"]')
    assert hands.misfits() == []
    width, height = browsing.SIZES[size]
    frame = hands.page.locator(".frame").bounding_box()
    assert frame is not None
    assert frame["width"] >= min(0.4 * width, 0.65 * height)
    hands.page.locator(".slider").last.click(trial=True)
    frame = hands.page.locator(".frame").bounding_box()
    assert frame is not None
    assert frame["y"] >= 0, "it stays in sight of the sliders"
    # Whatever is scrolled to can be reached: the picture that stays covers none of it.
    for reached in ('[data-do="following"]', ".hold", ".ask button", ".card", '[data-do="save"]'):
        hands.page.locator(reached).last.click(trial=True)
    assert hands.errors == []
    hands.context.close()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ("narrow", "light"),
        ("phone", "dark"),
        ("half", "light"),
        ("wide", "dark"),
        ("largest", "light"),
    ],
)
def test_every_page_fits_its_window(browser: Any, one_server: str, size: str, scheme: str) -> None:
    hands = Hands(browser, one_server, size, scheme).open()
    hands.shown()
    for page in ("Find", "Library", "Explore", "Judge"):
        hands.page.get_by_role("link", name=page).click()
        hands.still()
        hands.page.wait_for_timeout(500)
        assert hands.too_wide() == []
        assert hands.page.locator(".stException").count() == 0
    assert hands.errors == []
    hands.context.close()


def test_the_keyboard_does_all(hands: Hands) -> None:
    assert hands.page.locator(".prompt").evaluate(
        "(box) => box.getRootNode().activeElement === box"
    )
    hands.page.keyboard.press("Escape")
    hands.page.keyboard.press("?")
    hands.page.locator(".keys").wait_for()
    hands.page.keyboard.press("Escape")
    hands.page.locator(".keys").wait_for(state="hidden")
    add(hands, "curly hair")
    slider = hands.page.locator(".slider")
    slider.focus()
    low, high = (float(slider.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
    for key, value in (
        ("Home", low),
        ("End", high),
        ("PageDown", 1.0),
        ("PageDown", 0.0),
        ("PageUp", 1.0),
        ("ArrowLeft", 0.95),
    ):
        hands.page.keyboard.press(key)
        hands.quiet()
        assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(value, abs=0.011)
    value = hands.page.locator(".value")
    value.fill("\u22120,5")
    value.press("Enter")
    hands.quiet()
    assert slider.get_attribute("aria-valuenow") == "-0.50"
    assert hands.page.locator(".warning").is_hidden()
    value.fill("50")
    value.press("Enter")
    hands.quiet()
    assert "beyond its range" in hands.page.locator(".warning").inner_text()
    seed = hands.page.locator(".seed-box")
    seed.fill("-5")
    seed.press("Enter")
    hands.quiet()
    assert seed.input_value() == "1"
    assert "is not a seed" in hands.page.locator(".notice").inner_text()


def test_marks_lie_at_the_same_places_on_every_slider(hands: Hands) -> None:
    for name in ("curly hair", "sunglasses", "a red background"):
        add(hands, name)
    boxes = [box.bounding_box() for box in hands.page.locator(".mark").all()]
    assert hands.page.locator(".mark").all_inner_texts() == ["\u22121", "0", "+1"] * 3
    assert len({round(box["x"], 1) for box in boxes if box}) == 3


@pytest.mark.parametrize("times", ["1", "4"])
def test_a_saved_picture_says_its_size_and_comes_back(
    hands: Hands, tmp_path: Path, times: str
) -> None:
    add(hands, "curly hair")
    image = hands.image()
    assert "128×128" in hands.page.locator(".readout").inner_text()
    hands.page.locator(".times").select_option(times)
    saved = hands.save(tmp_path / "saved.png")
    side = 128 * int(times)
    assert load_png(saved)[0].size == (side, side)
    assert f"{side}×{side} pixels" in hands.page.locator(".notice").inner_text()
    hands.click('[data-do="reset"]')
    hands.drop(saved)
    hands.page.locator(".line").wait_for()
    assert hands.image() == image


def test_a_server_that_was_stopped_is_said(browser: Any, library: Path) -> None:
    with browsing.served(library) as (address, server):
        hands = Hands(browser, address).open()
        hands.shown()
        server.terminate()
        server.wait(30)
        dialog = hands.page.locator(".stDialog [role=dialog]")
        dialog.wait_for()
        said = dialog.evaluate("(box) => getComputedStyle(box, '::before').content")
        assert "The editor was stopped" in said
        assert dialog.inner_text() == ""
        hands.context.close()


def test_the_exact_image_is_what_python_makes(hands: Hands) -> None:
    import base64
    import io

    data = hands.image().partition(",")[2]
    shown = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    world = eclipsed.load_world("starter")
    latents = world.generator.sample([1], space="z")
    images = eclipsed.render(
        world.generator, latents, EditStack(), space="z", truncation=world.truncation
    )
    difference = [
        abs(a - b)
        for a, b in zip(shown.tobytes(), eclipsed.to_pil(images[0]).tobytes(), strict=True)
    ]
    assert max(difference) <= 1  # the server may count with more threads


def greys_of(hands: Hands) -> np.ndarray:
    """The drawn mask of the only line, from the file that the page offers."""
    if not hands.page.get_by_role("button", name="Save mask").is_visible():
        hands.page.get_by_text("The same on the command line").click()
    with hands.page.expect_download() as waiting:
        hands.page.get_by_role("button", name="Save mask").click()
    mask = Mask.load(waiting.value.path())
    return np.frombuffer(mask.greys, np.uint8).reshape(mask.height, mask.width)


def test_a_mask_is_painted_over_the_picture(hands: Hands) -> None:
    add(hands, "curly hair")
    hands.click('[aria-label="Layers and region"]')
    hands.page.locator(".hardrow input").check()
    hands.quiet()
    by_region = hands.image()
    paint = '[aria-label="Paint where the edit may change the image"]'
    veil = hands.page.locator(".veil")
    hands.click(paint)
    veil.wait_for()
    hands.page.keyboard.press("Escape")
    veil.wait_for(state="hidden")
    assert hands.page.locator(".badge").count() == 0
    hands.click(paint)
    veil.wait_for()
    hands.click('[data-brush="done"]')
    hands.page.locator(".badge").wait_for()
    assert hands.image() == by_region, "the region's mask, drawn as it is, changes nothing"
    hands.click(paint)
    hands.click('[data-brush="clear"]')
    hands.stroke((0.2, 0.3), (0.8, 0.3))
    hands.page.keyboard.down("Alt")
    hands.stroke((0.5, 0.15), (0.5, 0.45))
    hands.page.keyboard.up("Alt")
    hands.click('[data-tool="erase"]')
    hands.stroke((0.2, 0.3))
    hands.stroke((0.7, 0.3))
    hands.page.keyboard.press("Control+z")
    hands.click('[data-tool="paint"]')
    hands.stroke((0.5, 0.8))
    hands.click('[data-brush="undo"]')
    hands.click('[data-brush="done"]')
    greys = greys_of(hands)
    rows, columns = greys.shape
    at = {x: int(greys[round(0.3 * rows), round(x * columns)]) for x in (0.2, 0.35, 0.5, 0.7)}
    assert at == {0.2: 0, 0.35: 255, 0.5: 0, 0.7: 255}
    assert greys[round(0.6 * rows) :].max() == 0
    assert hands.image() != by_region
    hands.click('[aria-label="Keep to the region again"]')
    assert hands.image() == by_region


def test_a_finger_paints_on_a_phone(browser: Any, address: str) -> None:
    hands = Hands(browser, address, "phone").open()
    hands.shown()
    add(hands, "curly hair")
    hands.click('[aria-label="Layers and region"]')
    hands.click('[aria-label="Paint where the edit may change the image"]')
    veil = hands.page.locator(".veil")
    veil.wait_for()
    hands.click('[data-brush="clear"]')
    box = veil.bounding_box()
    assert box is not None
    hands.page.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    hands.click('[data-brush="done"]')
    hands.page.locator(".badge").wait_for()
    greys = greys_of(hands)
    assert greys[greys.shape[0] // 2, greys.shape[1] // 4] == 255
    assert (greys > 0).mean() < 0.05
    assert hands.errors == []
    hands.context.close()


def test_a_latent_is_dropped_and_left_again(hands: Hands, tmp_path: Path) -> None:
    world = eclipsed.load_world("starter")
    np.save(tmp_path / "<b>friend<b>.npy", world.generator.sample([77]).numpy())
    plain = hands.image()
    hands.drop(tmp_path / "<b>friend<b>.npy")
    assert hands.page.locator(".latent").inner_text() == "latent <b>friend<b>.npy"
    assert hands.page.locator(".seed-box").is_hidden()
    assert hands.image() != plain
    hands.click('[data-do="previous"]')
    hands.click('[data-do="following"]')
    assert hands.page.locator(".latent").is_hidden()
    assert hands.image() == plain


def test_an_animation_is_saved(hands: Hands, tmp_path: Path) -> None:
    add(hands, "curly hair")
    hands.page.locator(".kind").select_option("gif")
    with hands.page.expect_download() as waiting:
        hands.page.locator('[data-do="animation"]').click()
    waiting.value.save_as(tmp_path / "x.gif")
    assert waiting.value.suggested_filename == "curly-hair.gif"
    with Image.open(tmp_path / "x.gif") as picture:
        assert picture.n_frames > 20


def names_of(hands: Hands) -> list[str]:
    names: list[str] = hands.page.locator(".line .name").all_text_contents()
    return names


def test_a_reload_keeps_the_stack_and_a_second_tab_is_independent(hands: Hands) -> None:
    add(hands, "curly hair")
    hands.click('[data-do="following"]')
    image = hands.image()
    hands.page.reload()
    hands.page.locator(".line .name").wait_for()
    assert (names_of(hands), hands.image()) == (["curly hair"], image)
    hands.page.get_by_role("link", name="Explore").click()
    hands.page.get_by_text("Cards on seed 2").wait_for()
    hands.page.reload()
    hands.page.get_by_text("Cards on seed 2").wait_for()
    hands.page.get_by_role("link", name="Edit").click()
    hands.page.locator(".line .name").wait_for()
    with hands.context.expect_page() as opening:  # a window opened so knows what its opener knows
        hands.page.evaluate("() => { window.open(location.href); }")
    twin = hands.beside(opening.value)
    twin.page.locator(".line .name").wait_for()
    assert twin.image() == image
    twin.click('[data-do="reset"]')
    hands.click('[data-do="undo"]')
    assert (names_of(hands), names_of(twin)) == (["curly hair"], [])
    twin.click('[data-do="undo"]')
    hands.page.reload()
    hands.page.locator(".line .name").wait_for()
    assert hands.page.locator(".seed-box").input_value() == "1"
    assert twin.page.locator(".seed-box").input_value() == "2"
    assert names_of(twin) == ["curly hair"]


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of 1200×900 pixels with seed 12 in a scene, 480 pixels wide, from (240, 300) on, and
    seed 13 to the right of it: of two faces a person has to choose one."""
    world = eclipsed.load_world("starter")
    image = world.generator.synthesize(world.generator.sample([12, 13], space="z"), "z").image
    y, x = np.mgrid[0:900, 0:1200]
    scene = Image.fromarray(np.stack([x // 8 + 60, y // 9 + 90, 160 + 0 * x], -1).astype(np.uint8))
    avatar = eclipsed.to_pil(image[0]).resize((480, 480), Image.Resampling.LANCZOS)
    scene.paste(avatar, (240, 300))
    other = eclipsed.to_pil(image[1]).resize((320, 320), Image.Resampling.LANCZOS)
    scene.paste(other, (820, 460))
    path = tmp_path_factory.mktemp("photos") / "party.jpg"
    scene.save(path, quality=90)
    return path


def test_a_photo_is_opened_edited_and_saved(hands: Hands, party: Path, tmp_path: Path) -> None:
    hands.drop(party)
    hands.choose(240 / 1200, 300 / 1200, 480 / 1200)
    before = hands.pixels()
    add(hands, "sunglasses")
    hands.still()
    assert hands.pixels() != before
    notes = hands.drag()
    assert len({shown for _, shown in notes["draws"]}) > 10, "the photo follows the pointer"
    whole = hands.pixels()
    hands.click('[data-near="true"]')
    hands.still()
    assert hands.pixels() != whole
    with Image.open(hands.save(tmp_path / "saved.jpg")) as saved, Image.open(party) as photo:
        assert (saved.format, saved.size) == ("JPEG", photo.size)
        changed = (np.array(saved) != np.array(photo)).any(axis=-1)
    assert changed.any()
    assert not changed[:280].any()
    assert not changed[:, 740:].any()
    assert "0 of them outside the edit" in hands.page.locator(".notice").inner_text()
    hands.click('[data-photo="leave"]')
    assert hands.page.locator(".seed-box").is_visible()


def test_a_face_that_is_found_is_clicked(hands: Hands, party: Path) -> None:
    hands.drop(party)
    face = hands.page.locator(".face").first
    assert hands.page.locator(".face").count() == 2
    frame, box = hands.page.locator(".frame").bounding_box(), face.bounding_box()
    assert frame is not None
    assert box is not None
    assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx(240 / 1200, abs=0.03)
    assert box["width"] / frame["width"] == pytest.approx(480 / 1200, abs=0.04)
    face.click()
    hands.page.locator(".ofphoto").wait_for()
    hands.quiet()
    before = hands.pixels()
    add(hands, "sunglasses")
    hands.still()
    assert hands.pixels() != before


@pytest.mark.parametrize("size", ["narrow", "landscape", "wide"])
def test_a_photo_fits_the_window(browser: Any, one_server: str, party: Path, size: str) -> None:
    hands = Hands(browser, one_server, size).open()
    hands.shown()
    hands.drop(party)
    assert hands.misfits() == []
    square = hands.page.locator(".square")
    square.focus()
    at = square.bounding_box()
    for key in ("ArrowRight", "Shift+ArrowDown"):
        hands.page.keyboard.press(key)
    moved = square.bounding_box()
    assert at is not None
    assert moved is not None
    assert moved["width"] < at["width"], "with Shift the arrow keys size it"
    for reached in ('[data-open="square"]', ".method", '[data-open="leave"]'):
        hands.page.locator(reached).click(trial=True)
    hands.click('[data-open="leave"]')
    assert hands.page.locator(".opener").is_hidden()
    assert hands.errors == []
    hands.context.close()
