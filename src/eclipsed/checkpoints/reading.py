"""One entrance for checkpoint files of every format.

What a file is, its bytes say; its name is never asked.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import safetensors
from torch import Tensor

from eclipsed.checkpoints import state_dicts, tensorflow
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.mapped import map_file
from eclipsed.checkpoints.torch_files import load
from eclipsed.checkpoints.unpickling import damage, in_brief, shown_name
from eclipsed.checkpoints.unwrapping import Contents
from eclipsed.checkpoints.writing import FORMAT, KEY, checksum
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, kind_of, shown

# Some 40,000 tensors; safetensors itself would take 100 MB of header.
_HEADER_LIMIT = 4 * 2**20
_AGAIN = "Get it again, and compare its size with what the source says."


def read_checkpoint(path: StrPath) -> Checkpoint:
    """The network in a file, told from its content; executes nothing.

    Raises BadFile, with one sentence, for anything else and for what is damaged or refused.
    """
    data = map_file(path)
    with _told(path), damage():
        return _read(data, path)


def read_table(path: StrPath) -> dict[str, Tensor]:
    """The tensors of a file by name, whatever network they are of; executes nothing.

    Keys and prefixes that all of them share, such as "state_dict" and "module.", are left out.
    Raises BadFile as `read_checkpoint` does, and for a file without tensors.
    """
    data = map_file(path)
    with _told(path), damage():
        if kind_of(bytes(data[:16])) == "a safetensors file":
            return _safetensors(data, path)[0]
        tensors = Contents.of(load(data)).table()
        if not tensors:
            raise BadFile("it holds no table of tensors")
        return tensors


@contextmanager
def _told(path: StrPath) -> Iterator[None]:
    """A reason becomes a sentence about this file."""
    try:
        yield
    except BadFile as error:
        reason = error.message[0].lower() + error.message[1:].removesuffix(".")
        again = re.search(r"cut short|damaged|ends too early", reason)
        hint = error.hint or (_AGAIN if again else "")
        raise BadFile(f"Cannot read {shown(path)}: {reason}.", hint) from error


def _read(data: memoryview, path: StrPath) -> Checkpoint:
    if kind_of(bytes(data[:16])) == "a safetensors file":
        return _from_safetensors(data, path)
    content = load(data)
    folder = Path(os.fspath(path)).parent
    checkpoint = tensorflow.recognise(content) or state_dicts.recognise(content, folder)
    if checkpoint is None:
        raise BadFile(f"it holds no network that is known here, but {in_brief(content)}")
    return checkpoint


# --- safetensors --------------------------------------------------------------------------------


def _from_safetensors(data: memoryview, path: StrPath) -> Checkpoint:
    tensors, metadata = _safetensors(data, path)
    if KEY in metadata:
        return _own(metadata[KEY], tensors)
    checkpoint = state_dicts.recognise(tensors, Path(os.fspath(path)).parent)
    if checkpoint is None:
        names = ", ".join(shown_name(name)[:40] for name in sorted(tensors)[:3])
        raise BadFile(f"its tensors are of no network that is known here: {names or 'none'}")
    return checkpoint


def _safetensors(data: memoryview, path: StrPath) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, texts beside them)."""
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, _HEADER_LIMIT):
        raise BadFile("it is a safetensors file that is cut short, or whose header is absurd")
    try:
        with safetensors.safe_open(os.fspath(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise BadFile("it is a safetensors file that is damaged or cut short") from error
    return tensors, metadata


def _own(text: str, tensors: Mapping[str, Tensor]) -> Checkpoint:
    facts = json.loads(text)
    if not isinstance(facts, dict) or type(facts.get("format")) is not int:
        raise BadFile("it says that this program wrote it, but not in which format")
    if facts["format"] != FORMAT:
        raise BadFile(
            f"it has format {facts['format']}, and this version reads {FORMAT}",
            "A newer version of eclipsed may read it.",
        )
    family, config = facts.get("family"), facts.get("config")
    if not isinstance(family, str) or not isinstance(config, dict):
        raise BadFile("it does not say which network it holds")
    if "sha256" in facts and facts["sha256"] != checksum(tensors):
        raise BadFile("it is damaged, its checksum does not match its numbers")
    return Checkpoint("eclipsed checkpoint", family, config, tensors)
