"""How cards and searches read on a page: short plain texts, to be shown as text."""

from __future__ import annotations

import time
from typing import Literal

from eclipsed.app.library import Entry
from eclipsed.app.reports import Report
from eclipsed.app.search import Status
from eclipsed.directions import Direction, Scores
from eclipsed.evaluation.scores import CARD
from eclipsed.evaluation.verdict import DirectionVerdict, Kind
from eclipsed.search.preflight import Preflight
from eclipsed.types import Generator, World

DRAWING = "Drawing …"
NO_CARDS = "No cards yet. Find one with a sentence, or import one."
Colour = Literal["green", "orange", "red"]
VERDICTS: dict[str, Colour] = {"likely": "green", "unsure": "orange", "unlikely": "red"}


def where(regions: tuple[str, ...]) -> str:
    """Regions as words."""
    return ", ".join(regions) or "the whole image"


def headline(direction: Direction) -> str:
    """What a card is, in one line."""
    low, high = direction.range
    good = f"good from {low:+.1f} to {high:+.1f}"
    return f"in {where(direction.regions)} · {direction.space} · {direction.method} · {good}"


def provenance(direction: Direction) -> list[str]:
    """Where a card comes from, a line each."""
    lines = [
        f"prompt: {direction.prompt or '–'}",
        f"neutral text: {direction.neutral or '–'}",
        f"generator: {direction.generator_name} ({direction.generator_fingerprint[:12]})",
    ]
    if direction.keep:
        lines.append(f"keeps as they are: {', '.join(direction.keep)}")
    if direction.judged_by:
        lines.append(f"judged by {direction.judged_by}")
    done, steps = direction.config.get("steps_done"), direction.config.get("steps")
    if done is not None and steps is not None:
        lines.append(f"trained for {done} of {steps} steps")
    return lines


def badge(verdict: DirectionVerdict) -> tuple[str, Colour]:
    """What a verdict comes to, "Works on 31 of 32", and how good that is."""
    colours: dict[Kind, Colour] = {"works": "green", "fails": "red", "reversed": "red"}
    first = verdict.sentence.split(". ")[0].removesuffix(".")
    words = first.partition(" images that ")[0].removesuffix(" of the")
    return words, colours.get(verdict.kind, "orange")


def examples(world: World) -> str:
    """A few prompts that a world answers, as a hint in an empty field."""
    return ", ".join([*world.example_prompts[:3], "…"]) if world.example_prompts else ""


def not_here(entry: Entry, generator: Generator) -> str:
    """Why a world cannot use a card, in one line."""
    card = entry.direction
    if card is None or card.generator_name == generator.name:
        return f"{entry.name}: {entry.trouble(generator)}"
    return f"{entry.name}: made with the generator '{card.generator_name}'"


def score_rows(scores: Scores) -> list[dict[str, str]]:
    """Scores as rows of a table: median, interval, and what they say."""
    rows = []
    for name, score in scores.items():
        median, interval = "cannot be told", ""
        if score and {"median", "low", "high"} <= set(score):
            median = f"{score['median']:.3f}"
            interval = f"{score['low']:.3f} … {score['high']:.3f}"
        meaning, _ = CARD.get(name, ("", ""))
        rows.append(
            {"score": name, "median": median, "95% interval": interval, "what it says": meaning}
        )
    return rows


def ago(moment: float) -> str:
    """How long ago a moment (seconds since 1970) was: "3 min ago"."""
    seconds = max(0.0, time.time() - moment)
    for unit, name in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name} ago"
    return "just now"


def check_lines(preflight: Preflight, understood: str) -> list[str]:
    """What pre-flight says, a line each."""
    rank = f"more than {preflight.rank:.0%} of unrelated texts get"
    return [
        f"chance: {preflight.probability:.0%}",
        f"region: {where(preflight.goal.regions)}",
        f"because: {understood}",
        f"neutral text: {preflight.goal.neutral}",
        f"in sight in {preflight.present:.0%} of the images",
        f"coverage {preflight.coverage:.1%} of an image where in sight",
        f"contrast {preflight.contrast:.2f}, {rank}",
    ]


def report_lines(report: Report) -> list[str]:
    """What a report was measured on, and by whom, a line each."""
    measured = len(report.seeds)
    of = "" if measured == report.wanted else f" of {report.wanted}, as time was up"
    return [
        f"{report.direction.name} · {headline(report.direction)}",
        f"measured on {measured} unseen images{of}, in {report.seconds:.0f} s",
        f"judged by {report.judged_by}",
    ]


def progress(status: Status) -> tuple[float, str]:
    """How far a search is, 0 … 1, and what it is doing, in words."""
    state = status.state
    if status.stage == "training" and state is not None:
        left = "" if status.left is None else f", about {status.left:.0f} s left"
        return state.step / state.steps, f"step {state.step} of {state.steps}{left}"
    stored = "The draft" if state is None else "What was learned"
    learned = f" {stored} is in the library and in the stack." if status.file else ""
    draft = " A draft can be used already." if status.file else ""
    words = {
        "checking": "Can this generator do it?",
        "asking": "This is unlikely to work here.",
        "looking": f"Looking at the world; the first time takes longest.{draft}",
        "training": f"Taking the first step.{draft}",
        "scoring": "In the library and in the stack. Now it is scored on unseen images.",
        "done": "Done. It is in the library and in the stack.",
        "stopped": f"Stopped.{learned}",
        "failed": status.error,
    }
    begun = status.stage not in ("checking", "looking", "training")
    return float(begun), f"{words[status.stage]} {status.seconds:.0f} s"
