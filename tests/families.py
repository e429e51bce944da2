"""The table of what can be read: `python -m tests.families` prints it as docs/real.md holds it.

Every row is found out, not written: tiny networks are asked, and tiny files are read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.generators.biggan import AttentionSize, BigGAN, BigGANConfig, BlockSize
from eclipsed.generators.dcgan import DCGAN, DCGANConfig
from eclipsed.generators.stylegan1 import StyleGAN1, StyleGAN1Config
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.generators.stylegan3 import StyleGAN3, StyleGAN3Config
from eclipsed.types import Generator
from tests.checkpoints.making import FILES

GENERATORS: dict[str, Generator] = {
    "stylegan2": StyleGAN2(StyleGAN2Config(8, {4: 2, 8: 2}, z_dim=4, w_dim=4)),
    "stylegan3": StyleGAN3(StyleGAN3Config(16, (4, 4, 4, 3), z_dim=4, w_dim=4, margin_size=4)),
    "stylegan1": StyleGAN1(StyleGAN1Config({4: 2, 8: 2}, (4, 4))),
    "biggan": BigGAN(
        BigGANConfig(
            z_dim=4,
            classes=5,
            class_dim=4,
            inputs=8,
            layers=(BlockSize(2, 4, True), AttentionSize(2, 2)),
            outputs=4,
        )
    ),
    "dcgan": DCGAN(DCGANConfig(4, (4, 4, 3))),
}

_HEAD = "| family | spaces | features | files that are read |\n| --- | --- | --- | --- |"


def table() -> str:
    """One row per family of generators, from a tiny file of every format."""
    with TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in FILES}
        for name, path in files.items():
            path.write_bytes(FILES[name]())
        read = {name: read_checkpoint(path) for name, path in files.items()}
    rows = [_row(family, generator, read) for family, generator in GENERATORS.items()]
    return "\n".join([_HEAD, *rows])


def _row(family: str, generator: Generator, read: dict[str, Checkpoint]) -> str:
    formats = dict.fromkeys(c.format for c in read.values() if c.family == family)
    spaces = ", ".join(generator.spaces)
    first = generator.feature_names[0]
    return f"| {family} | {spaces} | {first} … layer_n | {', '.join(formats)} |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
