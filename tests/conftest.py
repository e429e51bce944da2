"""Every annotation of shape and type is enforced while testing; seeds and threads are fixed."""

from __future__ import annotations

import os

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


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Each test starts from the same state, so that its order in the suite cannot matter."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - guards against code that reads the global state
