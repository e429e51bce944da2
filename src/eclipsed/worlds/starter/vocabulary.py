"""Words for the starter world's regions, and prompts that it answers; see vocabulary.toml."""

from __future__ import annotations

from eclipsed.files import word_lists

_TABLE = word_lists(__package__, "vocabulary.toml")

STARTER_VOCABULARY: dict[str, tuple[str, ...]] = {
    region: tuple(words) for region, words in _TABLE["regions"].items()
}
STARTER_PROMPTS: tuple[str, ...] = tuple(_TABLE["example_prompts"])
