from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.errors import BadFile, BadSetting, UnknownName, WrongGenerator
from eclipsed.foreign import ForeignDirection, doubt_of, in_words, read_directions, to_card
from eclipsed.testing import FakeGenerator, patch_vector
from eclipsed.types import Space
from tests.checkpoints.hostile import every_file
from tests.checkpoints.making import Call, Name, pickled, saved
from tests.golden import golden_arrays, golden_case, golden_file

GENERATOR = FakeGenerator()
ONLY_Z = FakeGenerator(spaces=("z",))

GOLDEN = [
    "eclipsed_S_conv_K1",
    "eclipsed_Splus_K1",
    "eclipsed_W_K1",
    "eclipsed_Wplus_K2",
    "eclipsed_Z_K3",
    "lelsd_S10_K2",
    "lelsd_W_K2",
    "lelsd_Wplus_K1",
    "lelsd_Z_K1",
]
GOLDEN_SPACES: dict[str, Space] = {"Z": "z", "W": "w", "W+": "w+"}


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def write(folder: Path, data: bytes, name: str = "smile.bin") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), **options)
    return file.getvalue()


def npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **content)
    return file.getvalue()


def safe(array: Tensor) -> bytes:
    return safetensors.torch.save({"smile": array.contiguous()})


def model_pth(class_name: str = "eCLIPsed", **attributes: Any) -> bytes:
    """An instance as the tools save it, numbers as NumPy's."""
    module = {"eCLIPsed": "eclipsed", "LELSD": "lelsd"}[class_name]
    state = {
        "latent_space": "W+",
        "latent_dirs": numbers(1, 4, 8).numpy(),
        "semantic_parts": ["hair"],
        "min_alpha_value": -1.0,
        "max_alpha_value": 1.0,
        "log_dir": "/home/somebody/out",
        **attributes,
    }
    return pickled(Call(Name(module, class_name), state=state, new=True))


# --- model.pth ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOLDEN)
def test_model_pth_holds_exactly_what_the_originals_saved(name: str) -> None:
    attributes = golden_case(f"pth_{name}")["attributes"]
    expected = golden_arrays(f"model_pth/{name}.npz")
    directions = read_directions(golden_file(f"model_pth/{name}.pth"))
    assert len(directions) == attributes["num_latent_dirs"]
    space = GOLDEN_SPACES.get(attributes["latent_space"], "s")
    for k, direction in enumerate(directions):
        assert direction.space == space
        assert direction.told
        assert direction.facts["regions"] == attributes["semantic_parts"]
        ends = [attributes["min_alpha_value"], attributes["max_alpha_value"]]
        assert direction.facts["strengths"] == list(direction.range) == ends
        if space == "s":
            used_layers = attributes["s_layers_to_apply"]
            for i, layer in enumerate(direction.layers):
                used = used_layers is None or i in used_layers
                assert torch.equal(layer, expected[f"dirs.{i}"][k] * used)
            assert len(direction.layers) == 26
        else:
            assert torch.equal(torch.cat(direction.layers), expected["dirs"][k].flatten())
        json.dumps(dict(direction.facts), allow_nan=False)


def test_model_pth_says_how_it_was_found_but_not_on_which_machine(tmp_path: Path) -> None:
    path = write(tmp_path, model_pth(lr=0.001, mode="foreground", loss_function="L2\x1b[31m"))
    (direction,) = read_directions(path)
    assert (direction.name, direction.origin, direction.range) == (
        "hair",
        "eCLIPsed model.pth",
        (-1.0, 1.0),
    )
    assert direction.facts == {
        "method": "eCLIPsed",
        "regions": ["hair"],
        "strengths": [-1.0, 1.0],
        "latent_space": "W+",
        "lr": 0.001,
        "mode": "foreground",
    }


def test_styles_lose_their_last_layer_and_the_layers_left_alone(tmp_path: Path) -> None:
    dirs = [numbers(2, width).numpy() for width in (5, 5, 4, 4, 3, 3)]
    for chosen, used_layers in (
        (None, {0, 1, 2, 3, 4}),
        ([], {0, 1, 2, 3, 4}),
        ([0, 3, 5], {0, 3}),
    ):
        data = model_pth("LELSD", latent_space="S+", latent_dirs=dirs, s_layers_to_apply=chosen)
        first, second = read_directions(write(tmp_path, data))
        assert (first.name, second.name) == ("hair_1", "hair_2")
        assert second.widths == (5, 5, 4, 4, 3)
        for i, layer in enumerate(second.layers):
            assert torch.equal(layer, torch.from_numpy(dirs[i][1]) * (i in used_layers))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"latent_space": "V"}, "latent_space"),
        ({"latent_space": ["W"]}, "latent_space|damaged"),
        ({"latent_space": "S_all"}, "latent_space"),
        ({"latent_dirs": numbers(4, 8).numpy()}, r"\[K, rows, w\]"),
        ({"latent_dirs": "none"}, r"\[K, rows, w\]"),
        ({"latent_space": "W"}, r"\[K, w\]"),
        ({"latent_dirs": np.full((1, 4, 8), np.inf)}, "not finite"),
        ({"latent_dirs": np.full((1, 4, 8), 1e300)}, "not finite"),
        ({"latent_dirs": np.zeros((0, 4, 8))}, r"\[K, rows, w\]"),
        ({"latent_dirs": np.zeros((2000, 1, 8))}, "2000 directions"),
        ({"latent_space": "S", "latent_dirs": numbers(1, 8).numpy()}, "no list"),
        ({"latent_space": "S", "latent_dirs": [np.ones(3)] * 6}, r"\[K, channels\]"),
        ({"latent_space": "S", "latent_dirs": [np.ones((1, 3)), np.ones((2, 3))] * 3}, "channels"),
        (
            {"latent_space": "S", "latent_dirs": [np.ones((1, 3))] * 6, "s_layers_to_apply": [6]},
            "from 0 to 5",
        ),
        (
            {"latent_space": "S", "latent_dirs": [np.ones((1, 3))] * 6, "s_layers_to_apply": 3},
            "from 0 to 5",
        ),
    ],
)
def test_a_model_pth_that_makes_no_sense_is_refused(
    tmp_path: Path, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadFile, match=words):
        read_directions(write(tmp_path, model_pth(**attributes)))


def test_alphas_that_make_no_sense_leave_the_usual_range(tmp_path: Path) -> None:
    for low, high in ((1.0, 1.0), (float("nan"), 1.0), ("0", 1.0), (True, 2.0)):
        data = model_pth(min_alpha_value=low, max_alpha_value=high)
        assert read_directions(write(tmp_path, data))[0].range == (-10.0, 10.0)


# --- arrays -------------------------------------------------------------------------------------

WRITERS: dict[str, Callable[[Tensor], bytes]] = {
    "npy": lambda array: npy(array.numpy()),
    "npz": lambda array: npz(smile=array.numpy()),
    "pt": saved,
    "old pt": lambda array: saved(array, old=True),
    "dictionary": lambda array: saved({"smile": array}),
    "safetensors": safe,
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("shape", [(4, 8), (1, 4, 8)])
def test_rows_are_a_direction_of_w_plus(tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
    vector = numbers(32).view(shape)
    (direction,) = read_directions(write(tmp_path, WRITERS[kind](vector)))
    assert (direction.name, direction.space, direction.widths) == ("smile", "w+", (8, 8, 8, 8))
    assert torch.equal(torch.cat(direction.layers), vector.flatten())
    assert (direction.unit, direction.range) == (1.0, (-10.0, 10.0))


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("shape", [(8,), (1, 8), (1, 1, 8)])
def test_one_row_is_a_direction_of_w_unless_said_otherwise(
    tmp_path: Path, kind: str, shape: tuple[int, ...]
) -> None:
    vector = numbers(8).view(shape)
    (direction,) = read_directions(write(tmp_path, WRITERS[kind](vector)))
    assert (direction.space, direction.told) == ("w", False)
    assert to_card(direction, GENERATOR).space == "w"
    card = to_card(direction, GENERATOR, space="z", name="happy")
    assert (card.space, card.name) == ("z", "happy")
    assert torch.equal(card.vector, vector.flatten())


def test_a_boundary_is_told_by_its_length(tmp_path: Path) -> None:
    boundary = torch.nn.functional.normalize(numbers(1, 8), dim=1)
    for data in (npy(boundary.numpy()), saved(boundary)):
        (direction,) = read_directions(write(tmp_path, data))
        assert (direction.origin, direction.range) == ("InterFaceGAN boundary", (-3.0, 3.0))
    (other,) = read_directions(write(tmp_path, npy(2 * boundary.numpy())))
    assert (other.origin, other.range) == ("NumPy array", (-10.0, 10.0))


def test_two_latents_are_subtracted_and_it_is_said(tmp_path: Path) -> None:
    pair = numbers(2, 4, 8)
    (direction,) = read_directions(write(tmp_path, saved(pair)))
    assert torch.equal(torch.stack(direction.layers), pair[1] - pair[0])
    assert "second minus first" in direction.origin
    assert to_card(direction, GENERATOR).method == direction.origin


def test_several_named_vectors_are_several_directions(tmp_path: Path) -> None:
    table = {"smile": numbers(4, 8), "age": -numbers(4, 8)}
    arrays = {name: value.numpy() for name, value in table.items()}
    for data in (saved(table), npz(**arrays), safetensors.torch.save(table)):
        directions = {one.name: one for one in read_directions(write(tmp_path, data))}
        assert set(directions) == set(table)
        for name, value in table.items():
            assert torch.equal(torch.stack(directions[name].layers), value)


def test_an_array_without_a_name_takes_the_files(tmp_path: Path) -> None:
    data = io.BytesIO()
    np.savez(data, np.ones(8))
    assert read_directions(write(tmp_path, data.getvalue()))[0].name == "smile"


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
def test_numbers_of_every_width_become_float32(tmp_path: Path, dtype: str) -> None:
    vector = np.arange(8, dtype=dtype)
    (direction,) = read_directions(write(tmp_path, npy(vector)))
    assert direction.layers[0].dtype == torch.float32
    assert direction.layers[0].tolist() == list(range(8))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy(np.ones((6048, 512), np.float16)), "fs3.npy.*no direction"),
        (npy(np.ones((3, 4, 8))), r"3 latents \[3, 4, 8\]"),
        (npy(np.ones((1, 1, 4, 8))), r"\[1, 1, 4, 8\]"),
        (npy(np.float64(3)), r"shape \[\]"),
        (npy(np.ones(1)), r"shape \[1\]"),
        (npy(np.ones((0, 8))), r"shape \[0, 8\]"),
        (npy(np.full(8, np.nan)), "not finite"),
        (npy(np.full(8, 1e300)), "not finite"),
        (npy(np.ones(8, np.int64)), "no direction"),
        (npy(np.ones(8, np.complex64)), "no direction"),
        (npy(np.array([print], dtype=object), allow_pickle=True), "objects"),
        (npz(a=np.array([print], dtype=object)), "in its part a, .*objects"),
        (npy(np.ones(8))[:-3], "cut short"),
        (npz(a=np.ones((4, 8)), b=np.ones(3)), "a dictionary of a, b"),
        (saved({"weight": torch.ones(2, 3, 3, 3), "bias": torch.ones(2)}), "weight, bias"),
        (saved({"epoch": 3}), "a dictionary of epoch"),
        (saved({}), "without names"),
        (saved([1, 2]), "a list"),
        (saved(3), "a int"),
        (pickled(Call(Name("argparse", "Namespace"), state={"a": 1}, new=True)), "Namespace"),
        (pickled(Call(Name("eclipsed", "eCLIPsed"), state={"a": 1}, new=True)), "latent_dirs"),
        (pickled(Call(Name("eclipsed", "eCLIPsed"), new=True)), "latent_dirs"),
        (pickled(Call(Name("os", "system"), ("touch canary",))), "os.system"),
        (safe(torch.ones(4, 8))[:-2], "damaged|cut short"),
        (b"", "empty"),
        (b"hello", "not a file"),
    ],
)
def test_what_is_no_direction_is_refused_in_one_sentence(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        read_directions(write(tmp_path, data))
    assert "smile.bin" in caught.value.message
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message


def test_a_card_is_not_imported_again(tmp_path: Path) -> None:
    path = write(tmp_path, npy(numbers(4, 8).numpy()))
    to_card(read_directions(path)[0], GENERATOR).save(tmp_path / "card")
    with pytest.raises(BadFile, match="a card already"):
        read_directions(tmp_path / "card")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(BadFile):
            read_directions(path)


@pytest.mark.parametrize(
    "some", ["attacks", pytest.param("bombs and damage", marks=pytest.mark.slow)]
)
def test_hostile_files_are_refused_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for hostile in every_file():
        harmless = hostile.title == "a state dict of nobody"  # a vector by name is a direction
        if bool(hostile.names) != (some == "attacks") or harmless:
            continue
        path = write(tmp_path, hostile.data)
        with pytest.raises(BadFile) as caught:
            read_directions(path)
        assert hostile.names in str(caught.value), hostile.title
        assert [entry.name for entry in tmp_path.iterdir()] == ["smile.bin"], hostile.title


@given(st.binary(max_size=200))
def test_garbage_leads_to_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("garbage"), data)
    with pytest.raises(BadFile):
        read_directions(path)


# --- GANSpace -----------------------------------------------------------------------------------


def components(count: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "act_comp": np.array([print], dtype=object),  # never looked at
        "lat_comp": numbers(count, 1, 8).numpy(),
        "lat_mean": np.zeros((1, 8), np.float32),
        "lat_stdev": np.array([2.0, 1.0, 0.5], np.float32)[:count],
        **changes,
    }


def test_components_are_directions_in_units_of_their_deviation(tmp_path: Path) -> None:
    content = components()
    directions = read_directions(write(tmp_path, npz(**content)))
    assert [one.name for one in directions] == ["pc_0", "pc_1", "pc_2"]
    assert [one.unit for one in directions] == [2.0, 1.0, 0.5]
    assert {(one.space, one.range) for one in directions} == {("w", (-2.0, 2.0))}
    card = to_card(directions[2], GENERATOR)
    assert torch.equal(card.vector, torch.from_numpy(content["lat_comp"][2, 0]))
    assert torch.equal(card.scaled(), 0.5 * card.vector)
    assert card.config == {"method": "GANSpace", "component": 2, "deviation": 0.5}


def test_components_without_deviations_were_found_in_z(tmp_path: Path) -> None:
    data = npz(**components(lat_stdev=np.ones(3, np.float32)))
    assert to_card(read_directions(write(tmp_path, data))[0], GENERATOR).space == "z"


def test_the_short_form_of_components_is_read_too(tmp_path: Path) -> None:
    content = {
        "mean": torch.zeros(1, 8),
        "comp": numbers(3, 1, 8),
        "std": torch.tensor([2, 1.0, 3]),
    }
    arrays = {name: value.numpy() for name, value in content.items()}
    for data in (saved(content), pickled(arrays), npz(**arrays)):
        directions = read_directions(write(tmp_path, data))
        assert [one.unit for one in directions] == [2.0, 1.0, 3.0]
        assert torch.equal(directions[1].layers[0], content["comp"][1, 0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lat_comp": np.ones(8, np.float32)}, "lat_comp"),
        ({"lat_comp": np.ones((3, 8), np.int32)}, "lat_comp"),
        ({"lat_stdev": np.ones(2, np.float32)}, "lat_stdev"),
        ({"lat_stdev": np.array([1, 0, 1], np.float32)}, "not positive"),
        ({"lat_stdev": np.array([1, np.nan, 1], np.float32)}, "not finite"),
        ({"lat_comp": np.full((3, 8), np.inf)}, "not finite"),
        ({"lat_comp": np.array([print], dtype=object)}, "in its part lat_comp, .*objects"),
    ],
)
def test_components_that_make_no_sense_are_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadFile, match=words):
        read_directions(write(tmp_path, npz(**components(**changes))))


# --- StyleCLIP ----------------------------------------------------------------------------------

WIDTHS = (9, 9, 4, 4, 4)


def styles(count: int, widths: tuple[int, ...] = WIDTHS) -> list[Tensor]:
    return [numbers(count, 1, width, 1, 1) + i for i, width in enumerate(widths)]


@pytest.mark.parametrize("count", [1, 2])
def test_styles_take_this_packages_convention(tmp_path: Path, count: int) -> None:
    arrays = styles(count)
    as_numpy = [array.numpy() for array in arrays]
    for data in (saved(arrays), pickled(as_numpy)):
        (direction,) = read_directions(write(tmp_path, data))
        assert (direction.space, direction.widths) == ("s", WIDTHS)
        for i, (layer, array) in enumerate(zip(direction.layers, arrays, strict=True)):
            expected = array[0] if count == 1 else array[1] - array[0]
            gain = 1 / math.sqrt(len(layer)) if i in (1, 4) else 1.0
            torch.testing.assert_close(layer, expected.flatten() * gain)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (styles(3), "styles of 3 images"),
        (styles(1, (9, 9, 4, 4)), "in 4 layers"),
        (styles(1, (9, 0, 4, 4, 4)), "styles"),
        ([*styles(1)[:4], torch.ones(2, 1, 4, 1, 1)], "a list"),
        ([*styles(1)[:4], torch.full((1, 1, 4, 1, 1), math.nan)], "not finite"),
        ([*styles(1)[:4], torch.ones(4)], "a list"),
        ([], "a list"),
    ],
)
def test_styles_that_make_no_sense_are_refused(
    tmp_path: Path, arrays: list[Tensor], words: str
) -> None:
    with pytest.raises(BadFile, match=words):
        read_directions(write(tmp_path, saved(arrays)))


# --- cards --------------------------------------------------------------------------------------


def foreign(*widths: int, **changes: Any) -> ForeignDirection:
    fields: dict[str, Any] = {
        "name": "smile",
        "origin": "a test",
        "space": "w+",
        "layers": tuple(numbers(width) for width in widths),
    }
    return ForeignDirection(**(fields | changes))


def test_a_file_becomes_a_card_that_edits(tmp_path: Path) -> None:
    path = write(tmp_path, npy(patch_vector("hair").view(4, 8).numpy()))
    card = to_card(read_directions(path)[0], GENERATOR)
    card.save(tmp_path / "smile.safetensors")
    loaded = Direction.load(tmp_path / "smile.safetensors")
    loaded.check(GENERATOR)
    assert (loaded.name, loaded.prompt, loaded.regions) == ("smile", "", ())
    latents = GENERATOR.sample([1, 2])
    before = GENERATOR.synthesize(latents).image
    after = render(GENERATOR, latents, EditStack((Edit(loaded, 0.5),)))
    direct = GENERATOR.synthesize(latents + 0.5 * patch_vector("hair")).image
    torch.testing.assert_close(after, direct)
    assert not torch.allclose(after, before)


def test_a_long_vector_finds_the_space_it_fits() -> None:
    for space, expected in ((None, "w+"), ("w+", "w+"), ("s", "s")):
        flat = foreign(32, space="w", told=False)
        card = to_card(flat, GENERATOR, space=space)  # type: ignore[arg-type]
        assert card.space == expected
        assert torch.equal(card.vector, flat.layers[0])


def test_a_generator_without_w_gets_what_fits_z() -> None:
    assert to_card(foreign(8, space="w", told=False), ONLY_Z).space == "z"
    with pytest.raises(WrongGenerator, match=r"space z .* has 1 layer of 8 numbers"):
        to_card(foreign(7, space="w", told=False), ONLY_Z)
    with pytest.raises(UnknownName):
        to_card(foreign(8, space="w"), ONLY_Z)
    with pytest.raises(UnknownName):
        to_card(foreign(8, space="w", told=False), ONLY_Z, space="w")


@pytest.mark.parametrize(
    ("direction", "space", "words"),
    [
        (foreign(*[8] * 5), None, "5 layers of 8 numbers.*4 layers of 8 numbers"),
        (foreign(32), None, "1 layer of 32 numbers.*4 layers of 8"),
        (foreign(8, 8, 8, 8, space="s"), None, "1 layer of 8 numbers, 1 of 3, 1 of 5 and 2 of 8"),
        (foreign(512, space="w", told=False), None, "1 layer of 512 numbers.*1 layer of 8"),
        (foreign(8, space="w", told=False), "w+", "1 layer of 8 numbers.*4 layers of 8"),
    ],
)
def test_both_widths_are_named_where_they_differ(
    direction: ForeignDirection, space: Space | None, words: str
) -> None:
    with pytest.raises(WrongGenerator, match=words):
        to_card(direction, GENERATOR, space=space)


def test_a_file_that_says_its_space_is_not_contradicted() -> None:
    told = foreign(8, space="w")
    assert to_card(told, GENERATOR, space="w").space == "w"
    with pytest.raises(BadSetting, match="space w, not z"):
        to_card(told, GENERATOR, space="z")


def test_zeros_and_odd_names_become_no_card() -> None:
    with pytest.raises(BadFile, match="zero"):
        to_card(foreign(8, space="w", layers=(torch.zeros(8),)), GENERATOR)
    with pytest.raises(BadFile, match="control characters"):
        to_card(foreign(8, space="w"), GENERATOR, name="a\x1b[31m")


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (9216, (512,) * 18),
        (8192, (512,) * 16),
        (7168, (512,) * 14),
        (1536, (128,) * 12),
        (512, (512,)),
        (128, (128,)),
        (1024, (1024,)),
        (700, (700,)),
    ],
)
def test_a_flat_vector_of_w_plus_has_the_rows_of_a_stylegan(
    tmp_path: Path, size: int, widths: tuple[int, ...]
) -> None:
    for shape in ((size,), (1, size)):
        vector = numbers(*shape)
        (direction,) = read_directions(write(tmp_path, npy(vector / vector.norm())))
        assert direction.widths == widths
        assert direction.space == ("w" if len(widths) == 1 else "w+")
        assert torch.equal(torch.cat(direction.layers), (vector / vector.norm()).flatten())


def test_rows_that_a_generator_cuts_otherwise_still_fit_it() -> None:
    flat = ForeignDirection(
        name="a", origin="", space="w+", layers=(torch.ones(16), torch.ones(16)), told=False
    )
    assert to_card(flat, GENERATOR).layers == GENERATOR.layers("w+")
    with pytest.raises(WrongGenerator):
        to_card(replace(flat, told=True), GENERATOR)


def test_closed_form_factors_are_the_columns(tmp_path: Path) -> None:
    matrix = torch.linalg.qr(numbers(8, 8))[0]
    data = saved({"ckpt": "550000.pt", "eigvec": matrix})
    factors = read_directions(write(tmp_path, data, "factor.pt"))
    assert [factor.name for factor in factors] == [f"factor_{i}" for i in range(8)]
    assert all((f.space, f.told, f.range) == ("w", True, (-5.0, 5.0)) for f in factors)
    assert torch.equal(torch.stack([f.layers[0] for f in factors], dim=1), matrix)
    with pytest.raises(BadFile, match="its eigvec is no matrix"):
        read_directions(write(tmp_path, saved({"ckpt": "", "eigvec": matrix[0]})))


@dataclass(frozen=True)
class FarGenerator(FakeGenerator):
    """One whose w lies far from zero, as of the networks that people train."""

    def from_z(self, z: Tensor, *args: Any, **named: Any) -> Tensor:
        latents = super().from_z(z, *args, **named)
        return latents if named.get("space") == "z" else latents + 9.0


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
@pytest.mark.parametrize("truncation", [0.5, 1.0])
def test_what_lies_where_images_do_is_doubted(space: Space, truncation: float) -> None:
    generator = FarGenerator()

    def doubt(vector: Tensor) -> str:
        layers = tuple(vector.split([layer.width for layer in generator.layers(space)]))
        foreign = ForeignDirection(name="it", origin="", space=space, layers=layers)
        return doubt_of(to_card(foreign, generator), generator)

    place = generator.sample([3], truncation=truncation, space=space)[0]
    other = generator.sample([4], truncation=truncation, space=space)[0]
    assert "'it' looks like a place and no direction" in doubt(place)
    assert "give it to --latent" in doubt(place)
    assert doubt(place / place.norm()) == ""
    assert doubt((place - other) / 4) == ""
    assert "times as long as images" in doubt(30 * (place - other) / (place - other).norm())


def test_widths_in_words() -> None:
    assert in_words([512]) == "1 layer of 512 numbers"
    assert in_words([8, 8]) == "2 layers of 8 numbers"
    assert in_words([8, 8, 4]) == "2 layers of 8 numbers and 1 of 4"
