"""The two text-image encoders of heads: the world's, and one of the judges'."""

from __future__ import annotations

from eclipsed.worlds.starter.networks import TowerConfig

WORLD_TOWER = TowerConfig(widths=(24, 48, 96, 160), head=28, outputs=192)
WORLD_HIDDEN = 256
# Another architecture (no shortcuts, ReLU), other widths; its seed differs as well.
JUDGE_TOWER = TowerConfig(widths=(24, 48, 96, 112), head=24, outputs=128, residual=False)
JUDGE_HIDDEN = 192
