"""Sizes and training lengths of every network of the starter world, in one place."""

from __future__ import annotations

from eclipsed.worlds.starter.batches import JUDGED, Job
from eclipsed.worlds.starter.networks import TowerConfig

WORLD_TOWER = TowerConfig(widths=(32, 64, 128, 160), head=48, outputs=256)
WORLD_HIDDEN = 512
UNDECIDED = 0.3  # in the second training: what hides a part speaks neither for nor against it
WORLD_UNET = (32, 64, 96)

# The judges: another architecture (no shortcuts, ReLU), other widths, other seeds.
JUDGE_TOWER = TowerConfig(widths=(24, 48, 96, 112), head=24, outputs=128, residual=False)
JUDGE_HIDDEN = 256
JUDGE_UNET = (16, 36, 60)
ORACLE_TOWER = TowerConfig(
    widths=(24, 56, 96, 128), head=24, outputs=sum(map(len, JUDGED.values())), residual=False
)

JOBS: dict[str, Job] = {
    "segmenter": Job(images=22_000, rate=2e-3, batch=32, seed=11),
    "encoder": Job(images=100_000, rate=2e-3, seed=21),
    "encoder-again": Job(images=90_000, rate=1e-3, seed=22),
    "encoder-text": Job(images=2_000_000, rate=2e-3, batch=256, seed=61),
    "oracle": Job(images=64_000, rate=2e-3, seed=31),
    "judge-encoder": Job(images=150_000, rate=2e-3, seed=41),
    "judge-segmenter": Job(images=32_000, rate=2e-3, batch=32, seed=51),
}
