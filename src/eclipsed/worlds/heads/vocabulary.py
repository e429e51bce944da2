"""Words for the regions of heads, and prompts that they answer."""

from __future__ import annotations

from eclipsed.worlds.heads.attributes import REGIONS

HEADS_VOCABULARY: dict[str, tuple[str, ...]] = {region: (region,) for region in REGIONS}
HEADS_PROMPTS: tuple[str, ...] = ("curly hair", "older", "a wider smile")
