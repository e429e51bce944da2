"""The networks of the world of heads besides the generator: their sizes, and its judge."""

from __future__ import annotations

from eclipsed.worlds.heads.attributes import NAMES
from eclipsed.worlds.starter.networks import TowerConfig

WORLD_UNET = (24, 56, 96)
# The judges: another architecture (no shortcuts, ReLU), other widths, other seeds.
JUDGE_UNET = (16, 36, 60)
ORACLE_TOWER = TowerConfig(widths=(24, 56, 112, 160), head=32, outputs=len(NAMES), residual=False)
