"""One entrance for checkpoint files of every format.

What a file is, its bytes say; its name is never asked.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors
from torch import Tensor

from eclipsed.checkpoints import state_dicts, tensorflow
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.mapped import map_file
from eclipsed.checkpoints.torch_files import load
from eclipsed.checkpoints.unpickling import damage, in_brief, shown_name
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
    try:
        with damage():
            return _read(data, path)
    except BadFile as error:
        reason = error.message[0].lower() + error.message[1:].removesuffix(".")
        hint = error.hint or (
            _AGAIN if re.search(r"cut short|damaged|ends too early", reason) else ""
        )
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
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, _HEADER_LIMIT):
        raise BadFile("it is a safetensors file that is cut short, or whose header is absurd")
    try:
        with safetensors.safe_open(os.fspath(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise BadFile("it is a safetensors file that is damaged or cut short") from error
    if KEY in metadata:
        return _own(metadata[KEY], tensors)
    checkpoint = state_dicts.recognise(tensors, Path(os.fspath(path)).parent)
    if checkpoint is None:
        names = ", ".join(shown_name(name)[:40] for name in sorted(tensors)[:3])
        raise BadFile(f"its tensors are of no network that is known here: {names or 'none'}")
    return checkpoint


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
