from __future__ import annotations

import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.rows import choices, oriented, spread_over, title
from eclipsed.testing import FakeGenerator


def test_rows_are_offered_as_a_whole_and_in_three_parts() -> None:
    sizes = {4: 2, 8: 2, 16: 2, 32: 2, 64: 2}
    generator = StyleGAN2(StyleGAN2Config(64, sizes, z_dim=2, w_dim=2))
    assert choices(generator, None) == (
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        (0, 1, 2),
        (3, 4, 5, 6),
        (7, 8, 9),
    )
    assert choices(FakeGenerator(), None) == ((0, 1, 2, 3), (0, 1, 2), (3,))
    assert choices(FakeGenerator(spaces=("z",)), None) == ((0,),)


def test_rows_that_are_given_are_taken() -> None:
    assert choices(FakeGenerator(), (3, 1)) == ((1, 3),)
    with pytest.raises(UnknownName, match="no layer 4"):
        choices(FakeGenerator(), (0, 4))
    with pytest.raises(UnknownName, match="no layer 1"):
        choices(FakeGenerator(spaces=("z",)), (1,))


def test_a_row_is_repeated_where_it_should_be() -> None:
    row = torch.arange(1.0, 9.0)
    spread = spread_over(FakeGenerator(), row, (0, 2)).view(4, 8)
    assert torch.equal(spread, torch.stack([row, 0 * row, row, 0 * row]))
    assert torch.equal(spread_over(FakeGenerator(spaces=("z",)), row, (0,)), row)


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ((0, 1, 2, 3), "component 3"),
        ((0, 1, 2), "component 3 of layers 0-2"),
        ((1,), "component 3 of layers 1"),
        ((0, 2, 3), "component 3 of layers 0,2-3"),
    ],
)
def test_components_are_called_by_number_and_rows(rows: tuple[int, ...], name: str) -> None:
    assert title(3, FakeGenerator(), rows) == name


def test_the_greatest_number_of_a_component_is_positive() -> None:
    given = torch.tensor([[0.1, -0.9], [0.8, -0.2]])
    expected = torch.tensor([[-0.1, 0.9], [0.8, -0.2]])
    assert torch.equal(oriented(given), expected)
    assert torch.equal(oriented(-given), expected)
