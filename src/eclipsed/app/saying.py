"""What is on the screen in other words: a command and Python that make the same pixels."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from eclipsed.app.session import Line, Session


def command(session: Session, device: str = "cpu") -> str:
    """The command that writes this very picture, for a POSIX shell.

    Muted edits are left out, as they are on the screen. Without edits it is the `sample` verb,
    which writes into a folder.
    """
    where = _where(session, device)
    truncation = ["--truncation", repr(float(session.truncation))]
    active = [line for line in session.lines if not line.edit.muted]
    if not active:
        words = ["sample", *where, "--seeds", str(session.seed), *truncation, "-o", "pictures"]
        return shlex.join(["eclipsed", *words])
    cards = [word for line in active for word in ("-d", _card(session, line))]
    words = ["edit", *where, "--seed", str(session.seed), *truncation, *cards, "-o", "picture.png"]
    return shlex.join(["eclipsed", *words])


def strip_command(session: Session, seeds: Sequence[int]) -> str:
    """The command that draws seeds as rows and strengths as columns for the selected card, or
    an empty text where none is selected."""
    if session.selected is None:
        return ""
    path = str(session.library / session.lines[session.selected].file)
    words = ["strip", *_where(session, "cpu"), "-d", path]
    words += ["--seeds", ",".join(map(str, seeds)), "-o", "strip.png"]
    return shlex.join(["eclipsed", *words])


def snippet(session: Session, device: str = "cpu") -> str:
    """Python that saves this very picture as `picture.png`."""
    active = [line for line in session.lines if not line.edit.muted]
    names = "Direction, Edit, EditStack" if active else "EditStack"
    load = f"eclipsed.load_world({session.world!r}{'' if device == 'cpu' else f', {device!r}'})"
    changed = any(line.reach != line.direction.regions for line in active)
    lines = [
        *(["from dataclasses import replace", ""] if changed else []),
        "import eclipsed",
        f"from eclipsed import {names}",
        "",
        f"world = {load}",
        *_stack(session, active),
        f'latents = world.generator.sample([{session.seed}], space="z")',
        "images = eclipsed.render(",
        "    world.generator,",
        "    latents,",
        "    stack,",
        '    space="z",',
        f"    truncation={float(session.truncation)!r},",
        "    segmenter=world.segmenter,",
        ")",
        'eclipsed.to_pil(images[0]).save("picture.png")',
    ]
    return "\n".join(lines) + "\n"


def _where(session: Session, device: str) -> list[str]:
    world = [] if session.world == "starter" else ["-w", session.world]
    return [*world, "--device", device]


def _card(session: Session, line: Line) -> str:
    """CARD=STRENGTH[@LAYERS][@hard[:REGIONS]], as the command line reads it."""
    text = f"{session.library / line.file}={float(line.edit.strength)!r}"
    if line.edit.layers is not None:
        text += "@" + ",".join(map(str, line.edit.layers))
    if line.edit.hard:
        text += "@hard"
        if line.reach != line.direction.regions:
            text += ":" + (",".join(line.reach) or "none")
    return text


def _stack(session: Session, active: Sequence[Line]) -> list[str]:
    if not active:
        return ["stack = EditStack()"]
    return ["stack = EditStack((", *(f"    {_edit(session, line)}," for line in active), "))"]


def _edit(session: Session, line: Line) -> str:
    card = f"Direction.load({str(session.library / line.file)!r})"
    if line.reach != line.direction.regions:
        card = f"replace({card}, regions={line.reach!r})"
    parts = [card, f"strength={float(line.edit.strength)!r}"]
    if line.edit.layers is not None:
        parts.append(f"layers={line.edit.layers!r}")
    if line.edit.hard:
        parts.append("hard=True")
    return f"Edit({', '.join(parts)})"
