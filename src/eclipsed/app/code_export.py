"""What is on the screen in other words: a command and Python that make the same pixels."""

from __future__ import annotations

import shlex
from pathlib import Path

from eclipsed.app.downloads import STRIP_ROWS
from eclipsed.app.photos import OpenPhoto
from eclipsed.app.session import Line, Session, next_seeds
from eclipsed.editing.masks import Mask
from eclipsed.editing.starts import Start


def command(session: Session, device: str = "cpu") -> str:
    """The command that writes this very picture, for a POSIX shell.

    Muted edits are left out, as they are on the screen; drawn masks, a latent and a photo's
    inversion are read from the files that `files_of` names, and the photo from its own. Without
    edits it is the `sample` verb, which writes into a folder; no verb draws a latent without edits,
    and then the text is empty.
    """
    truncation = ["--truncation", repr(float(session.truncation))]
    image = ["--seed", str(session.seed), *truncation]
    out = "picture.png"
    if session.photo is not None:
        image = ["--photo", session.photo.photo.name, "--latent", _inversion_file(session.photo)]
        image += ["--blend"] if session.mixed else []
        out = _edited_file(session.photo)
    elif session.start is not None:
        image = ["--latent", _start_file(session.start)]
    if session.active:
        cards = [word for line in session.active for word in ("-d", _card(session, line))]
        return _shell("edit", session, device, *image, *cards, "-o", out)
    if session.start is not None:
        return ""
    seeds = ["--seeds", str(session.seed)]
    return _shell("sample", session, device, *seeds, *truncation, "-o", "pictures")


def strip_command(session: Session) -> str:
    """The command that draws seeds as rows and strengths as columns for the selected card, or
    an empty text where none is selected."""
    if session.selected is None:
        return ""
    path = str(session.library / session.lines[session.selected].file)
    seeds = ",".join(map(str, next_seeds(session, STRIP_ROWS)))
    return _shell("strip", session, "cpu", "-d", path, "--seeds", seeds, "-o", "strip.png")


def snippet(session: Session, device: str = "cpu") -> str:
    """Python that saves this very picture as `picture.png`."""
    names, replacing, stack = ["EditStack"], [], ["stack = EditStack()"]
    if session.active:
        edits = [f"    {_edit(session, line)}," for line in session.active]
        names, stack = ["Direction", "Edit", "EditStack"], ["stack = EditStack((", *edits, "))"]
    if any(line.edit.drawn for line in session.active):
        names.append("Mask")
    if any(line.regions is not None for line in session.active):
        replacing = ["from dataclasses import replace", ""]
    on_device = "" if device == "cpu" else f", {device!r}"
    names += [] if session.photo is None else ["Inversion"]
    lines = [
        *replacing,
        "import eclipsed",
        f"from eclipsed import {', '.join(sorted(names))}",
        "",
        f"world = eclipsed.load_world({session.world!r}{on_device})",
        *stack,
        *(_image_lines(session) if session.photo is None else _photo_lines(session.photo, session)),
    ]
    return "\n".join(lines) + "\n"


def _image_lines(session: Session) -> list[str]:
    latents = f'"z", world.generator.sample([{session.seed}], space="z")'
    if session.start is not None:
        latents = f'eclipsed.read_latent("{_start_file(session.start)}", world.generator)'
    return [
        f"space, latents = {latents}",
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


def _photo_lines(photo: OpenPhoto, session: Session) -> list[str]:
    mixed = ", mixed=True" if session.mixed else ""
    return [
        f"photo = eclipsed.read_photo({photo.photo.name!r})",
        f"inversion = Inversion.load({_inversion_file(photo)!r})",
        f"edited = eclipsed.edit_photo(world, photo, inversion, stack{mixed})",
        f"eclipsed.write_photo(edited.pasted, {_edited_file(photo)!r})",
    ]


def files_of(session: Session) -> dict[str, bytes]:
    """The files that the command and the snippet read beside the cards: name → content."""
    drawn = [line.edit.drawn for line in session.active]
    files = {_mask_file(mask): mask.png() for mask in drawn if mask is not None}
    start, photo = session.start, session.photo
    if photo is not None:
        return {_inversion_file(photo): photo.inversion.to_bytes(), **files}
    return files if start is None else {_start_file(start): start.npy(), **files}


def _mask_file(mask: Mask) -> str:
    return f"mask-{mask.digest[:8]}.png"


def _inversion_file(photo: OpenPhoto) -> str:
    return f"inversion-{photo.key[:8]}.safetensors"


def _edited_file(photo: OpenPhoto) -> str:
    ending = ".png" if photo.photo.kind == "HEIC" else Path(photo.photo.name).suffix
    return f"edited{ending}"


def _start_file(start: Start) -> str:
    return f"latent-{start.digest[:8]}.npy"


def _shell(verb: str, session: Session, device: str, *words: str) -> str:
    world = [] if session.world == "starter" else ["-w", session.world]
    return shlex.join(["eclipsed", verb, *world, "--device", device, *words])


def _card(session: Session, line: Line) -> str:
    """CARD=STRENGTH[@LAYERS][@hard[:REGIONS]], as the command line reads it."""
    text = f"{session.library / line.file}={float(line.edit.strength)!r}"
    if line.edit.layers is not None:
        text += "@" + ",".join(map(str, line.edit.layers))
    if line.edit.drawn is not None:
        text += f"@hard:{_mask_file(line.edit.drawn)}"
    elif line.edit.hard:
        text += "@hard"
        if line.regions is not None:
            text += ":" + (",".join(line.regions) or "none")
    return text


def _edit(session: Session, line: Line) -> str:
    card = f"Direction.load({str(session.library / line.file)!r})"
    if line.regions is not None:
        card = f"replace({card}, regions={line.regions!r})"
    parts = [card, f"strength={float(line.edit.strength)!r}"]
    if line.edit.layers is not None:
        parts.append(f"layers={line.edit.layers!r}")
    if line.edit.hard:
        parts.append("hard=True")
    if line.edit.drawn is not None:
        parts.append(f"mask=Mask.load({_mask_file(line.edit.drawn)!r})")
    return f"Edit({', '.join(parts)})"
