"""The verb that asks whether a generator can do what a prompt says: check."""

from __future__ import annotations

from collections.abc import Sequence

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.cli.wording import table


def check(
    prompt: options.Prompt,
    region: options.Region = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Ask whether this generator can do it.

    Says how the prompt is understood and what sampled images say to it; trains nothing.
    """
    from eclipsed.prompts.goals import goal_from_prompt, understand
    from eclipsed.search import preflight

    loaded = open_world(world, device, which)
    goal = goal_from_prompt(prompt, loaded, regions=region)
    changes = [change.prompt for change in goal.parts or (goal,)]
    why = understand(prompt, loaded).reason if region is None else "The region was given."
    facts = {
        **preflight.check(loaded, goal).to_json(),
        "text": goal.text,
        "keep": list(goal.keep),
        "changes": changes,
        "understood": why,
    }
    console.result(facts, _words, as_json=as_json)


def _words(facts: console.Facts) -> str:
    changes = facts["changes"]
    rows = [
        ["prompt", facts["prompt"]],
        *([["changes", ", ".join(map(repr, changes))]] if changes[1:] else []),
        *([["read as", facts["text"]]] if facts["text"] != facts["prompt"] else []),
        ["neutral text", facts["neutral"]],
        ["regions", ", ".join(facts["regions"]) or "the whole image"],
        *([["keeps", ", ".join(facts["keep"])]] if facts["keep"] else []),
        ["because", facts["understood"]],
        ["in sight", f"in {facts['present']:.0%} of the images"],
        ["coverage", f"{facts['coverage']:.1%} of an image where in sight"],
        ["chance", f"{facts['probability']:.0%}"],
        ["contrast", f"{facts['contrast']:.2f}, more than {facts['rank']:.0%} of unrelated texts"],
        *(
            [name, f"{facts[name]:.1f} standard deviations above theirs"]
            for name in ("clarity", "trial", "spread")
        ),
        *([f"{end} seeds", " ".join(map(str, facts[end][:5]))] for end in ("best", "worst")),
    ]
    near = f"\n{near_words(facts['instead'])}" if facts["instead"] else ""
    return f"{facts['verdict']}: {facts['reason']}\n{table(rows)}{near}"


def near_words(prompts: Sequence[str]) -> str:
    """Prompts near to one that will hardly work, which are likely to."""
    return f"Near to it, and likely: {' or '.join(map(repr, prompts))}."
