from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from eclipsed.bench import cost


def test_the_result_of_a_job_is_handed_on() -> None:
    assert cost.measured(lambda: 2 + 2)[0] == 4


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells")
def test_memory_is_what_a_job_takes_at_most() -> None:
    def job() -> float:
        return float(torch.ones(40 * 2**20).sum())

    took = cost.measured(job)[1]
    if took.memory is not None:  # some containers do not let a process forget its peak
        assert 150.0 < took.memory < 400.0


def test_a_job_that_fills_the_cache_is_measured_again(
    cache: Path,
) -> None:
    cache.mkdir()
    calls: list[int] = []

    def job() -> int:
        calls.append(1)
        (cache / "pool").write_text("")
        return len(calls)

    assert cost.measured_warm(job)[0] == 2
    assert cost.measured_warm(job)[0] == 3


def test_a_first_search_that_fails_has_no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert cost.cold("starter", "cpu", "default", "curly hair", None) is None


def test_what_the_new_process_says_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text(
        '#!/bin/sh\necho noise\necho \'{"seconds": 3.0, "processor": 2.0, "memory": null}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert cost.cold("starter", "cpu", "default", "x", 7) == cost.Cost(3.0, 2.0, None)
    program.write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(cost, "COLD_LIMIT", 0.05)
    late = cost.cold("starter", "cpu", "default", "x", 7)
    assert late is not None
    assert late.seconds == 0.05


def test_what_a_first_search_found_out_is_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "pools").mkdir(parents=True)
    (cache / "pools" / "old").write_text("mine")
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\n"
        'mkdir -p "$3/eclipsed/pools" && echo theirs > "$3/eclipsed/pools/old"\n'
        'echo new > "$3/eclipsed/pools/new"\n'
        'echo \'{"seconds": 3.0, "processor": 2.0, "memory": null}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert cost.cold("starter", "cpu", "default", "x", None) is not None
    assert (cache / "pools" / "old").read_text() == "mine"
    assert (cache / "pools" / "new").read_text() == "new\n"


@pytest.mark.slow
def test_the_first_search_on_the_starter_is_really_the_first() -> None:
    """In a new process, whose cache is empty whatever this user's holds."""
    took = cost.cold("starter", "cpu", "latent-arithmetic", "curly hair", None)
    assert took is not None
    assert took.processor > 1.0
    assert cost.cold("starter", "cpu", "nobody", "curly hair", None) is None
