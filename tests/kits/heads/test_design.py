from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from eclipsed.generators.mapping import MappingNetwork
from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork, from_checkpoint
from eclipsed.worlds.heads.attributes import COLUMN, NAMES
from kits.heads.design import (
    COARSE,
    COLUMNS,
    FINE,
    GROUP_WIDTH,
    IDLE,
    MIDDLE,
    NUM_WS,
    PUSH,
    ROWS,
    SCALE,
    W_DIM,
    basis,
    codes_from_values,
    mapping_tensors,
    pushed,
    values_from_rows,
    w_from_values,
    written_out,
)
from kits.heads.population import WIDTH, Z_DIM, Floats, centre, values_from_z
from kits.saving import save_generator

SMALL = StyleGAN2Config(
    resolution=128,
    channels={4: 6, 8: 6, 16: 6, 32: 4, 64: 4, 128: 4},
    z_dim=Z_DIM,
    w_dim=GROUP_WIDTH,
)


def random_z(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, Z_DIM)).astype(np.float32)


def rows_of(w: Floats) -> Floats:
    return np.repeat(w[:, None], NUM_WS, axis=1)


def mapped(z: Floats) -> tuple[Floats, Floats]:
    """w of the written-down mapping network, centred on 0, and its `w_avg`."""
    tensors = {key.removeprefix("mapping."): value for key, value in mapping_tensors().items()}
    width = len(tensors["fc0.weight"])
    network = MappingNetwork(z_dim=Z_DIM, w_dim=W_DIM, layers=2, width=width)
    network.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
    with torch.no_grad():
        return network(torch.from_numpy(z)).numpy() - tensors["w_avg"], tensors["w_avg"]


def test_every_value_belongs_to_one_group_and_every_row_to_one() -> None:
    assert sorted(itertools.chain(*COLUMNS.values())) == list(range(len(NAMES)))
    assert sorted(row for rows in ROWS.values() for row in rows) == list(range(NUM_WS))
    assert COLUMN["age"] in COLUMNS[COARSE]
    assert COLUMN["smile"] in COLUMNS[MIDDLE]
    assert COLUMN["skin_tone"] in COLUMNS[FINE]


def test_the_directions_of_w_are_orthogonal_and_equally_long() -> None:
    np.testing.assert_allclose(basis() @ basis().T, SCALE**2 * np.eye(WIDTH), atol=1e-4)


def test_the_mapping_network_writes_the_values_of_z() -> None:
    z = random_z(500)
    w, average = mapped(z)
    np.testing.assert_allclose(values_from_rows(rows_of(w)), values_from_z(z), atol=1e-4)
    # Nothing is cut off by the last activation, and the average is the median person.
    assert (w + average).min() > 0
    median = values_from_rows(np.zeros((1, NUM_WS, W_DIM), np.float32))
    np.testing.assert_allclose(median[0], centre())


def test_all_of_w_varies_and_what_is_not_written_varies_little() -> None:
    w, _ = mapped(random_z(2000))
    directions, sizes, _ = np.linalg.svd(basis(), full_matrices=True)
    assert directions.shape == (WIDTH, WIDTH)
    idle = w @ np.linalg.svd(basis(), full_matrices=True)[2][len(sizes) :].T
    assert idle.std(axis=0).min() > 0.8 * IDLE
    assert idle.std(axis=0).max() < 1.2 * IDLE
    written = (w @ basis().T / SCALE).std(axis=0)
    assert 0.5 < written.mean() < 1.2


def test_values_beyond_the_ends_show_the_ends() -> None:
    values = values_from_z(random_z(3))
    for psi in (0.5, 1.0, 1.3, 3.0):
        moved = centre() + psi * (values - centre())
        shown = values_from_rows(psi * rows_of(w_from_values(values)))
        np.testing.assert_allclose(shown, np.clip(moved, 0, 1), atol=1e-4)


def test_rows_of_one_group_change_the_values_of_that_group_only() -> None:
    first, second = values_from_z(random_z(2, seed=5))[:, None]
    for group, rows in ROWS.items():
        mixed = rows_of(w_from_values(first))
        mixed[:, list(rows)] = w_from_values(second)
        expected = first.copy()
        expected[:, COLUMNS[group]] = second[:, COLUMNS[group]]
        np.testing.assert_allclose(values_from_rows(mixed), expected, atol=1e-4)


def test_the_written_out_network_draws_what_the_trained_one_draws() -> None:
    torch.manual_seed(0)
    network = SynthesisNetwork(SMALL)
    whole = written_out(network, SMALL)
    values = pushed(np.random.default_rng(0), values_from_z(random_z(2)))
    codes = torch.from_numpy(codes_from_values(values))
    # What lies in the idle directions and in the codes of other groups shows nowhere.
    other = values_from_z(random_z(2, seed=9))
    rows = rows_of(w_from_values(values))
    for group, numbers in ROWS.items():
        foreign = other.copy()
        foreign[:, COLUMNS[group]] = values[:, COLUMNS[group]]
        rows[:, list(numbers)] = w_from_values(foreign)[:, None]
    idle = np.random.default_rng(1).normal(size=(2, NUM_WS, W_DIM)).astype(np.float32)
    idle -= idle @ basis().T @ basis() / SCALE**2
    with torch.no_grad():
        small, _ = network(network.styles(codes), noise="none")
        large, _ = whole(whole.styles(torch.from_numpy(rows + idle)), noise="none")
    torch.testing.assert_close(large, small, rtol=1e-3, atol=1e-3)


def test_only_values_at_the_ends_are_pushed_and_outwards() -> None:
    values = np.tile(np.array([[0.0, 0.4, 1.0]], np.float32), (400, 25))
    moved = pushed(np.random.default_rng(0), values, share=0.5)
    np.testing.assert_array_equal(np.clip(moved, 0, 1), values)
    low, middle, high = (moved[:, start::3] for start in range(3))
    assert (middle == np.float32(0.4)).all()
    assert -PUSH <= low.min() < -0.9 * PUSH
    assert 1 + 0.9 * PUSH < high.max() <= 1 + PUSH
    assert 0.45 < (low < 0).mean() < 0.55


def test_the_written_file_is_a_stylegan2_that_draws_the_values_of_z(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SynthesisNetwork(SMALL)
    save_generator(written_out(network, SMALL), mapping_tensors(), tmp_path / "heads.safetensors")
    generator = from_checkpoint({}, load_file(tmp_path / "heads.safetensors"), name="heads")
    assert (generator.config.z_dim, generator.config.w_dim) == (Z_DIM, W_DIM)
    z = random_z(2)
    image = generator.synthesize(generator.from_z(torch.from_numpy(z), space="w"), "w").image
    with torch.no_grad():
        codes = torch.from_numpy(codes_from_values(values_from_z(z)))
        expected, _ = network(network.styles(codes), noise="none")
    assert float((image - expected).abs().max()) < 0.02 * float(expected.std())
