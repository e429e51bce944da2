"""Bytes on disk: read with care, written whole or not at all.

This module does not know what any file means. Every failure is a BadFile with one sentence.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import os
import re
import secrets
import stat
import tomllib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
from torch import Tensor

from eclipsed.errors import BadFile

StrPath = str | os.PathLike[str]
Writer = Callable[[BinaryIO], object]

_UTF16 = "a text in UTF-16, as PowerShell's > writes"
# What the first bytes of a file say it is, in words for a message.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"PK\x03\x04", "a zip archive or a torch checkpoint"),
    (b"\x80", "a Python pickle"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF\r\n", "an HDF5 file, such as Keras writes"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)
# Of the kinds that stand where something else was meant: what to do.
_INSTEAD: dict[str, str] = {
    "an empty file": "The download failed: get it again.",
    "a JSON text": "Where a download was meant, it is the server's answer: get the file again.",
    **dict.fromkeys(
        ["a tar archive", *(words for _, words in _SIGNATURES if words.endswith("archive"))],
        "Unpack it, and give the file inside.",
    ),
}
HEAD = 4096  # bytes that tell a web page and its title
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/.*?^size (\d{1,18})", re.S | re.M
)

_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("there is no such file or folder", "Check the path, or make the folder first."),
    errno.ENOTDIR: ("a part of its path is a file, not a folder", "Check the path."),
    errno.EEXIST: ("a file has this name", "Choose another name."),
    errno.EISDIR: ("it is a folder", "Name a file."),
    errno.EACCES: ("permission is denied", "Choose another place or change its permissions."),
    errno.EPERM: ("permission is denied", "Choose another place or change its permissions."),
    errno.EROFS: ("the file system is read-only", "Choose another place."),
    errno.ENOSPC: ("the disk is full", "Free some space and try again."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and try again."),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
    errno.ELOOP: ("its links lead in a circle", "Check the path."),
}


def failure(action: str, path: StrPath, error: OSError | ValueError) -> BadFile:
    """An operating system's refusal as one sentence, for example for `action` "write"."""
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ValueError):  # a path with a zero byte, or one that cannot be encoded
        reason, hint = "its name is not a valid path", "Choose another name."
    elif code in _REASONS:
        reason, hint = _REASONS[code]
    else:
        reason, hint = (error.strerror or str(error) or "the system refused").lower(), ""
    return BadFile(f"Cannot {action} {shown(path)}: {reason}.", hint)


def shown(path: StrPath) -> str:
    """A path for a message: quoted, and nothing in it can move a terminal's cursor."""
    text = os.fspath(path)
    return "'" + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) + "'"


@contextmanager
def disk(action: str, path: StrPath) -> Iterator[None]:
    """The system's refusals become a BadFile, for example for `action` "write"."""
    try:
        yield
    except OSError as error:
        raise failure(action, path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, unless it is there; BadFile where that cannot be."""
    with disk("make the folder", path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def refused(path: StrPath, hint: str = "") -> Iterator[None]:
    """A BadFile that is a reason only becomes a sentence about this file; hint: if it has none."""
    try:
        yield
    except BadFile as error:
        message = f"Cannot use {shown(path)}: {error.message.removesuffix('.')}."
        raise BadFile(message, error.hint or hint) from error


def sha256_of(data: bytes | Tensor) -> str:
    """SHA-256 in hex of bytes, or of a tensor's numbers as little-endian bytes in row order."""
    if isinstance(data, Tensor):
        array = data.detach().cpu().contiguous().numpy()
        data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return hashlib.sha256(data).hexdigest()


def kind_of(data: bytes) -> str:
    """What a file's bytes look like, in words for a message; the name it has is never asked."""
    # First, because the length that a safetensors file starts with can look like anything.
    if data[5:9] == b"\0\0\0{":
        return "a safetensors file"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP picture"
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and 0 in data[2:4]:
        return _UTF16
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            return words
    if data[257:262] == b"ustar":
        return "a tar archive"
    if data.lstrip()[:1] in (b"{", b"[") and b"\0" not in data[:HEAD]:
        return "a JSON text"
    return "an empty file" if not data else "not a file of a known kind"


def hint_for(words: str) -> str:
    """What to do about a file of a kind that `kind_of` told, "" where nothing is to be said."""
    return _INSTEAD.get(words, "")


def check_genuine(data: bytes, path: StrPath) -> None:
    """Raise BadFile for what a failed download or checkout leaves in a file's place.

    data: the file, or its first few thousand bytes. These are web pages, plain or compressed, and
    pointers of Git LFS and git-annex, none of which is ever what was meant.
    """
    instead = stand_in(data[:HEAD])
    if instead is not None:
        reason, hint = instead
        raise BadFile(f"Cannot read {shown(path)}: it is {reason}.", hint)


def stand_in(head: bytes) -> tuple[str, str] | None:
    """(what it is, what to do) of a page or pointer whose first HEAD bytes these are, else None."""
    packed = ""
    if head.startswith(b"\x1f\x8b"):
        packed = "compressed "
        with suppress(zlib.error):
            head = zlib.decompressobj(wbits=31).decompress(head, HEAD)
    pointer = _POINTER.match(head)
    if pointer:
        return (
            f"a pointer of Git LFS to a file of {in_bytes(int(pointer[1]))}, not the file",
            "Run git lfs pull in its folder, or download the file itself.",
        )
    if head.startswith((b"/annex/objects/", b"../.git/annex/", b".git/annex/")):
        return "a pointer of git-annex, not the file", "Run git annex get on it."
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    # A safetensors file may begin with such a letter, but has zeros in its length.
    if b"\0" in head or not re.match(rb"<[a-zA-Z!?]", text):
        return None
    title = _TITLE.search(text)
    name = title[1].decode("utf-8", "replace").split() if title else []
    titled = f" titled {shown(' '.join(name)[:80])}" if name else ""
    kind = "web page" if re.search(rb"<(!doctype )?html|<head|<body", text, re.I) else "XML text"
    answer = "the download was answered with a page and not with the file"
    article = "a" if packed or kind == "web page" else "an"
    hint = (
        "Open the link in a browser, where it may ask to log in or to confirm, and save the file."
    )
    if b"virus scan" in text.lower() or b"google drive" in text.lower():
        hint = f"Google Drive asks before it sends a large file. {hint}"
    return f"{article} {packed}{kind}{titled}: {answer}", hint


def in_bytes(count: int) -> str:
    """A size for people, in powers of a thousand."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def read_bytes(path: StrPath, *, limit: int) -> bytes:
    """The whole of a regular file of at most `limit` bytes.

    Raises BadFile when it is missing, a folder, a device or a pipe, unreadable, larger, or a page
    or pointer in the place of a file (`check_genuine`).
    """
    try:
        # Asked before opening: opening a pipe would wait for ever.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise BadFile(f"Cannot read {shown(path)}: it is not a regular file.", "Name a file.")
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise failure("read", path, error) from error
    if len(data) > limit:
        raise BadFile(
            f"Cannot read {shown(path)}: it is larger than {limit / 2**20:.0f} MiB.",
            "It cannot be what was asked for.",
        )
    check_genuine(data, path)
    return data


def read_text(path: StrPath, *, limit: int) -> str:
    """The whole of a text file in UTF-8, without the mark that Windows puts before the first line.

    Raises BadFile as `read_bytes` does, and for other encodings.
    """
    data = read_bytes(path, limit=limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if kind_of(data) == _UTF16:
            raise BadFile(f"{shown(path)} is {_UTF16}.", "Save it as UTF-8.") from error
        raise BadFile(f"{shown(path)} is not a text in UTF-8.", "Save it as UTF-8.") from error


def read_toml(path: StrPath, *, limit: int) -> tuple[dict[str, Any], str]:
    """What a TOML file says, and its text. Raises BadFile as `read_text`, and for other texts."""
    text = read_text(path, limit=limit)
    try:
        return tomllib.loads(text), text
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise BadFile(f"{shown(path)} is not valid TOML: {reason}.", "Mend that line.") from error


def fault_at(path: StrPath, source: str, key: str, reason: str, hint: str) -> BadFile:
    """What is wrong with a key of a TOML file, and in which line of its text it stands."""
    shape = re.compile(rf"""\s*(?:["']?{re.escape(key)}["']?\s*=|\[\s*{re.escape(key)}\s*\])""")
    lines = enumerate(source.splitlines(), start=1)
    where = next((f", line {n}" for n, line in lines if shape.match(line)), "")
    return BadFile(f"In {shown(path)}{where}: {shown(key[:60])} {reason}.", hint)


def read_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file's bytes, and the texts that it carries beside them.

    Raises BadFile, the reason only, for other files and for damaged ones.
    """
    if kind_of(data) != "a safetensors file":
        raise BadFile(f"it is {kind_of(data)}")
    try:
        tensors = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadFile("it is a safetensors file that is damaged or cut short") from error
    return tensors, header.get("__metadata__") or {}


@cache
def word_lists(package: str, name: str) -> dict[str, Any]:
    """The tables of a TOML file that lies beside the code of a package, read once."""
    return tomllib.loads(resources.files(package).joinpath(name).read_text(encoding="utf-8"))


def metadata_of(path: StrPath) -> dict[str, str]:
    """The texts that a safetensors file carries, none for any other file; reads no tensor."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError):
        return {}


def write_atomic(path: StrPath, content: bytes | Writer) -> None:
    """Write a file so that at every moment the path holds the old content or the new, whole.

    `content` is the bytes, or a function that writes them to an open binary file. The bytes go to
    a temporary file in the same folder, are flushed to the disk, and take the path's place in one
    step; a link is followed and a replaced file's permissions are kept. After any failure or
    interruption nothing is left behind and what was there is untouched.

    Raises BadFile when the place cannot be written.
    """
    target, mode = _place(path)
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        try:
            _fill(temporary, content, mode)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _flush_folder(target.parent)
    except OSError as error:
        raise failure("write", path, error) from error


def _place(path: StrPath) -> tuple[Path, int | None]:
    """Where the bytes go, and the permissions to keep there (None for a new file)."""
    try:
        target = Path(os.path.realpath(path))
        status = target.stat()
    except FileNotFoundError:
        return target, None
    except (OSError, ValueError) as error:
        raise failure("write", path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise failure("write", path, IsADirectoryError(errno.EISDIR, "is a folder"))
    if not stat.S_ISREG(status.st_mode):
        # Replacing /dev/null or a pipe by a file would break far more than this program.
        raise BadFile(f"Cannot write {shown(path)}: it is not a regular file.", "Name a file.")
    if not os.access(target, os.W_OK):
        raise failure("write", path, PermissionError(errno.EACCES, "is read-only"))
    return target, stat.S_IMODE(status.st_mode)


def _fill(temporary: Path, content: bytes | Writer, mode: int | None) -> None:
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(handle, "wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
        file.flush()
        if mode is not None:
            os.chmod(temporary, mode)
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets a folder be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot; the file itself is already safe.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
