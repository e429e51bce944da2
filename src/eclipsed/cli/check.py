"""The verb that asks whether a generator can do what a prompt says: check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclipsed.cli import console
from eclipsed.cli.loading import open_world
from eclipsed.cli.options import (
    DeviceOption,
    JsonOption,
    PromptArgument,
    RegionOption,
    WorldOption,
    check_prompt,
    parse_regions,
)
from eclipsed.cli.wording import table

if TYPE_CHECKING:
    from eclipsed.search.preflight import Preflight


def check(
    prompt: PromptArgument,
    region: RegionOption = "auto",
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Ask whether this generator can do it.

    Says how the prompt is understood and what sampled images say to it; trains nothing.
    """
    words, regions = check_prompt(prompt), parse_regions(region)

    from eclipsed.prompts.goals import goal_from_prompt, understand
    from eclipsed.search import preflight

    loaded = open_world(world, device)
    goal = goal_from_prompt(words, loaded, regions=regions)
    why = understand(words, loaded).reason if regions is None else "The region was given."
    found = preflight.check(loaded, goal)
    changes = [change.prompt for change in goal.parts or (goal,)]
    console.result(
        {**found.to_json(), "changes": changes, "understood": why},
        as_json=as_json,
        words=lambda: _check_words(found, changes, why),
    )


def _check_words(found: Preflight, changes: list[str], why: str) -> str:
    several = [["changes", ", ".join(map(repr, changes))]] if changes[1:] else []
    rows = [
        ["prompt", found.goal.prompt],
        *several,
        ["neutral text", found.goal.neutral],
        ["regions", ", ".join(found.goal.regions) or "the whole image"],
        ["because", why],
        ["in sight", f"in {found.present:.0%} of the images"],
        ["coverage", f"{found.coverage:.1%} of an image where in sight"],
        ["chance", f"{found.probability:.0%}"],
        ["contrast", f"{found.contrast:.2f}, more than {found.rank:.0%} of unrelated texts get"],
        ["clarity", f"{found.clarity:.1f} standard deviations above theirs"],
        ["trial", f"{found.trial:.1f} standard deviations above theirs"],
        ["spread", f"{found.spread:.1f} standard deviations above theirs"],
        ["best seeds", " ".join(map(str, found.best()))],
        ["worst seeds", " ".join(map(str, found.worst()))],
    ]
    near = f"\n{near_words(found)}" if found.instead else ""
    return f"{found.verdict}: {found.reason}\n{table(rows)}{near}"


def near_words(found: Preflight) -> str:
    """Prompts near to one that will hardly work, which are likely to."""
    return f"Near to it, and likely: {' or '.join(repr(phrase) for phrase in found.instead)}."
