from __future__ import annotations

import pytest

from benchmarks import paper_step


@pytest.mark.slow
def test_the_fast_step_is_measured_against_the_plain_one() -> None:
    """No times are asserted, but the cause of one: what the fast step need not remember."""
    found = paper_step.measure(64)
    assert tuple(found) == paper_step.VARIANTS
    assert found["fast"]["loss, relative difference"] < 1e-4
    assert found["fast"]["peak GiB"] < found["plain"]["peak GiB"]
    assert found["fast, bfloat16"]["loss, relative difference"] < 1e-2
