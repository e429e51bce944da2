"""What is on the screen in other words: a command and Python that make the same pixels."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from eclipsed.app.downloads import STRIP_ROWS
from eclipsed.app.session import Line, Session, next_seeds
from eclipsed.editing.masks import Mask
from eclipsed.editing.starts import Start


def command(session: Session, device: str = "cpu") -> str:
    """The command that writes this very picture, for a POSIX shell.

    Muted edits are left out, as they are on the screen; drawn masks and a latent are read from the
    files that `files_of` names. Without edits it is the `sample` verb, which writes into a folder;
    no verb draws a latent without edits, and then the text is empty.
    """
    where = _where(session, device)
    active = [line for line in session.lines if not line.edit.muted]
    truncation = ["--truncation", repr(float(session.truncation))]
    if session.start is None and not active:
        words = ["sample", *where, "--seeds", str(session.seed), *truncation, "-o", "pictures"]
        return shlex.join(["eclipsed", *words])
    if not active:
        return ""
    image = ["--seed", str(session.seed), *truncation]
    if session.start is not None:
        image = ["--latent", _start_file(session.start)]
    cards = [word for line in active for word in ("-d", _card(session, line))]
    return shlex.join(["eclipsed", "edit", *where, *image, *cards, "-o", "picture.png"])


def strip_command(session: Session) -> str:
    """The command that draws seeds as rows and strengths as columns for the selected card, or
    an empty text where none is selected."""
    if session.selected is None:
        return ""
    seeds = next_seeds(session, STRIP_ROWS)
    path = str(session.library / session.lines[session.selected].file)
    words = ["strip", *_where(session, "cpu"), "-d", path]
    words += ["--seeds", ",".join(map(str, seeds)), "-o", "strip.png"]
    return shlex.join(["eclipsed", *words])


def snippet(session: Session, device: str = "cpu") -> str:
    """Python that saves this very picture as `picture.png`."""
    active = [line for line in session.lines if not line.edit.muted]
    drawn = any(line.edit.drawn for line in active)
    names = f"Direction, Edit, EditStack{', Mask' if drawn else ''}" if active else "EditStack"
    load = f"eclipsed.load_world({session.world!r}{'' if device == 'cpu' else f', {device!r}'})"
    changed = any(_other_regions(line) for line in active)
    lines = [
        *(["from dataclasses import replace", ""] if changed else []),
        "import eclipsed",
        f"from eclipsed import {names}",
        "",
        f"world = {load}",
        *_stack(session, active),
        f"space, latents = {_latents(session)}",
        "images = eclipsed.render(",
        "    world.generator,",
        "    latents,",
        "    stack,",
        "    space=space,",
        f"    truncation={float(session.truncation)!r},",
        "    segmenter=world.segmenter,",
        ")",
        'eclipsed.to_pil(images[0]).save("picture.png")',
    ]
    return "\n".join(lines) + "\n"


def files_of(session: Session) -> dict[str, bytes]:
    """The files that the command and the snippet read beside the cards: name → content."""
    drawn = [line.edit.drawn for line in session.lines if not line.edit.muted]
    files = {_mask_file(mask): mask.png() for mask in drawn if mask is not None}
    start = session.start
    return files if start is None else {_start_file(start): start.npy(), **files}


def _mask_file(mask: Mask) -> str:
    return f"mask-{mask.digest[:8]}.png"


def _start_file(start: Start) -> str:
    return f"latent-{start.digest[:8]}.npy"


def _latents(session: Session) -> str:
    if session.start is None:
        return f'"z", world.generator.sample([{session.seed}], space="z")'
    return f'eclipsed.read_latent("{_start_file(session.start)}", world.generator)'


def _where(session: Session, device: str) -> list[str]:
    world = [] if session.world == "starter" else ["-w", session.world]
    return [*world, "--device", device]


def _card(session: Session, line: Line) -> str:
    """CARD=STRENGTH[@LAYERS][@hard[:REGIONS]], as the command line reads it."""
    text = f"{session.library / line.file}={float(line.edit.strength)!r}"
    if line.edit.layers is not None:
        text += "@" + ",".join(map(str, line.edit.layers))
    if line.edit.drawn is not None:
        text += f"@hard:{_mask_file(line.edit.drawn)}"
    elif line.edit.hard:
        text += "@hard"
        if line.reach != line.direction.regions:
            text += ":" + (",".join(line.reach) or "none")
    return text


def _stack(session: Session, active: Sequence[Line]) -> list[str]:
    if not active:
        return ["stack = EditStack()"]
    return ["stack = EditStack((", *(f"    {_edit(session, line)}," for line in active), "))"]


def _other_regions(line: Line) -> bool:
    return line.edit.drawn is None and line.reach != line.direction.regions


def _edit(session: Session, line: Line) -> str:
    card = f"Direction.load({str(session.library / line.file)!r})"
    if _other_regions(line):
        card = f"replace({card}, regions={line.reach!r})"
    parts = [card, f"strength={float(line.edit.strength)!r}"]
    if line.edit.layers is not None:
        parts.append(f"layers={line.edit.layers!r}")
    if line.edit.hard:
        parts.append("hard=True")
    if line.edit.drawn is not None:
        parts.append(f"mask=Mask.load({_mask_file(line.edit.drawn)!r})")
    return f"Edit({', '.join(parts)})"
