"""Every annotation of shape and type is enforced while testing; seeds and threads are fixed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

# Before torch is imported: one thread each keeps a two-core machine usable and sums in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

from tests import checking

# Before any test module imports the package, so that it finds no unchecked copy.
install_import_hook(["eclipsed", "kits"], f"{checking.__name__}.checked")

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True, warn_only=True)

# No deadline: the first call of a jitted or lazily loaded thing is slow, which is not a failure.
settings.register_profile("eclipsed", deadline=None, derandomize=True)
settings.load_profile("eclipsed")


_numbers = count()


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for the whole run, never this user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_path", lambda app: folder / app)
        yield folder


@pytest.fixture(autouse=True)
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of one test, empty, so that its fakes may all have the same fingerprints."""
    from eclipsed.cache import forget

    forget()
    folder = shared_cache / str(next(_numbers))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: folder)
    return folder


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Each test starts from the same state, so that its order in the suite cannot matter."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - guards against code that reads the global state
