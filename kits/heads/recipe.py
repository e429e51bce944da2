"""Trains the networks of the world of heads.

    python -m kits.heads.store --people 50000      # renders, once; may run beside the training
    python -m kits.heads.recipe --only generator   # hours, resumable

Checkpoints and logs lie in the user's cache, outside the work tree; run it again to go on.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from eclipsed.cache import cache_folder
from eclipsed.errors import EclipsedError
from kits.heads.fit_generator import fit_generator
from kits.heads.store import default_folder

NETWORKS = ("generator",)


def default_work() -> Path:
    """Where checkpoints and logs lie."""
    return cache_folder() / "training" / "heads"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the networks of the world of heads.")
    parser.add_argument("--only", choices=NETWORKS, required=True, help="the network to train")
    parser.add_argument("--work", type=Path, default=default_work(), help="checkpoints and logs")
    parser.add_argument("--store", type=Path, default=default_folder(), help="rendered people")
    parser.add_argument("--eager", action="store_true", help="do without torch.compile")
    chosen = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    compiled = not chosen.eager and shutil.which("g++") is not None
    try:
        fit_generator(chosen.work, chosen.store, device=device, compiled=compiled)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
