from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests import golden
from tests.golden import SUBSET, assert_golden, golden_arrays, golden_case, golden_file
from tests.make_golden_subset import CASES, corner, make_subset


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_small_part_stays_small() -> None:
    assert sum((SUBSET / name).stat().st_size for name in files_in(SUBSET)) < 1_700_000


def test_the_small_part_is_what_its_command_makes(tmp_path: Path) -> None:
    if not os.environ.get("ECLIPSED_GOLDEN"):
        pytest.skip("needs the whole golden data, which ECLIPSED_GOLDEN names")
    make_subset(golden.golden_folder(), tmp_path / "made")
    assert files_in(tmp_path / "made") == files_in(SUBSET)
    for name in files_in(SUBSET):
        made, kept = tmp_path / "made" / name, SUBSET / name
        if name.endswith(".npz"):  # of which the compression may change
            with np.load(made) as new, np.load(kept) as old:
                assert set(new.files) == set(old.files)
                assert all(np.array_equal(new[key], old[key]) for key in old.files), name
        else:
            assert made.read_bytes() == kept.read_bytes(), name


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECLIPSED_GOLDEN", raising=False)


@pytest.mark.usefixtures("small")
def test_the_small_part_has_its_cases_and_skips_others() -> None:
    assert {golden_case(name)["id"] for name in CASES} == set(CASES)
    for ask in (lambda: golden_case("biggan"), lambda: golden_file("biggan/io.safetensors")):
        with pytest.raises(pytest.skip.Exception, match=r"biggan.*ECLIPSED_GOLDEN"):
            ask()


def test_what_the_whole_lacks_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECLIPSED_GOLDEN", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"lack losses/clip\.npz"):
        golden_arrays("losses/clip.npz")


def test_a_corner_is_compared_in_the_small_part_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.randn(2, 6, 20, 24)
    kept = corner("out.image", whole)
    assert kept.shape == (1, 4, 16, 16)
    monkeypatch.delenv("ECLIPSED_GOLDEN", raising=False)
    assert_golden(whole, kept)
    with pytest.raises(AssertionError):
        assert_golden(whole.roll(1, dims=3), kept)
    monkeypatch.setenv("ECLIPSED_GOLDEN", str(tmp_path))
    with pytest.raises(AssertionError):
        assert_golden(whole, kept)


@pytest.mark.usefixtures("small")
def test_what_is_not_of_one_image_stays_whole() -> None:
    io = load_file(golden_file("stylegan3/sg3_r32.io.safetensors"))
    assert io["in.transform"].shape == (3, 3)
    assert io["in.z"].shape == (1, 64)
