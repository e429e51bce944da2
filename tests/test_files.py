from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from eclipsed import files
from eclipsed.checkpoints.mapped import map_file
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.directions import Direction
from eclipsed.errors import BadFile
from eclipsed.foreign import read_directions
from eclipsed.inspect import describe
from eclipsed.segmenters import load_segmenter
from eclipsed.worlds.own import read_own
from eclipsed.worlds.small import load_small_encoder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_written_file_reads_back_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    files.write_atomic(path, b"one")
    files.write_atomic(path, lambda file: file.write(b"two"))
    assert files.read_bytes(path, limit=10) == b"two"
    assert names(tmp_path) == ["a.bin"]


@given(st.binary(max_size=200))
def test_every_content_round_trips(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("trip") / "a"
    files.write_atomic(path, data)
    assert files.read_bytes(path, limit=len(data)) == data


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_failed_write_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, moment: str
) -> None:
    path = tmp_path / "a.bin"
    files.write_atomic(path, b"old")

    def fail(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    content: Any = b"new"
    if moment == "write":
        content = fail
    else:
        monkeypatch.setattr(os, moment, fail)
    with pytest.raises(BadFile, match=r"^Cannot write '.*a\.bin': .*\.") as caught:
        files.write_atomic(path, content)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_full_disk_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BadFile, match=r"the disk is full\. Free some space"):
        files.write_atomic(tmp_path / "a.bin", b"new")
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("odd"), MemoryError])
def test_an_interrupted_writer_leaves_the_old_file(tmp_path: Path, error: Any) -> None:
    path = tmp_path / "a.bin"
    files.write_atomic(path, b"old")

    def writer(file: Any) -> None:
        file.write(b"half")
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        files.write_atomic(path, writer)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_replaced_file_keeps_its_permissions_and_links_are_followed(tmp_path: Path) -> None:
    path, link = tmp_path / "a.bin", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    files.write_atomic(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_that_open_gives(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folder", "it is a folder"),
        ("missing/a.bin", "there is no such file or folder"),
        ("file/a.bin", "is a file, not a folder"),
        ("x" * 300, "its name is too long"),
        ("zero\0byte", "its name is not a valid path"),
        ("loop", "its links lead in a circle"),
        ("pipe", "it is not a regular file"),
    ],
)
def test_places_that_cannot_be_used_are_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    with pytest.raises(BadFile, match=words) as caught:
        files.write_atomic(tmp_path / name, b"new")
    assert str(caught.value).startswith("Cannot write '")
    with pytest.raises(BadFile, match=words):
        files.read_bytes(tmp_path / name, limit=10)
    assert names(tmp_path) == before
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_an_unwritable_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    # Permission bits do not stop root, so the refusal is played.
    def fail(*_: Any, **__: Any) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(BadFile, match=r"(permission is denied|file system is read-only)\. Choose"):
        files.write_atomic(tmp_path / "a.bin", b"new")


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadFile, match="permission is denied"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_device_is_refused() -> None:
    with pytest.raises(BadFile, match="not a regular file"):
        files.write_atomic("/dev/null", b"new")
    with pytest.raises(BadFile, match="not a regular file"):
        files.read_bytes("/dev/zero", limit=10)


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 11)
    with pytest.raises(BadFile, match="larger than"):
        files.read_bytes(path, limit=10)


def test_a_message_cannot_move_the_cursor(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        files.read_bytes(tmp_path / "a\x1b[2J\nb", limit=10)
    assert str(caught.value).isprintable()


def test_sha256_of_bytes_and_of_the_same_numbers_agree() -> None:
    numbers = torch.tensor([1.0, -2.5])
    data = b"\x00\x00\x80\x3f\x00\x00\x20\xc0"
    assert files.sha256_of(data) == hashlib.sha256(data).hexdigest() == files.sha256_of(numbers)
    assert files.sha256_of(torch.stack([numbers, numbers]).T[:, 0]) == files.sha256_of(numbers)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n...", "a PNG picture"),
        (b"RIFF....WEBPVP8 ", "a WebP picture"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"PK\x03\x04", "a zip archive or a torch checkpoint"),
        (b"\x80\0\0\0\0\0\0\0{}", "a safetensors file"),
        (b"", "an empty file"),
        (b"hello", "not a file of a known kind"),
    ],
)
def test_content_says_what_a_file_is(data: bytes, words: str) -> None:
    assert files.kind_of(data) == words


def test_tensors_and_texts_are_read_from_whole_safetensors_files_only(tmp_path: Path) -> None:
    data = save({"a": torch.arange(3.0)}, {"who": "me"})
    tensors, texts = files.read_tensors(data)
    assert torch.equal(tensors["a"], torch.arange(3.0))
    assert texts == {"who": "me"}
    assert files.read_tensors(save({}))[1] == {}
    for damaged, words in ((data[:-1], "damaged"), (data[:40], "damaged"), (b"GIF89a", "a GIF")):
        with pytest.raises(BadFile, match=words):
            files.read_tensors(damaged)
    path = tmp_path / "file"
    for content, expected in ((data, {"who": "me"}), (data[:40], {}), (b"", {})):
        path.write_bytes(content)
        assert files.metadata_of(path) == expected
    assert files.metadata_of(tmp_path / "none") == {}


# --- what stands in the place of a file ---------------------------------------------------------

PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 381463120\n" % (
    b"0" * 64
)
STAND_INS: dict[str, tuple[bytes, str]] = {
    "google": (PAGE, r"a web page titled 'Google Drive - Virus scan warning': .*Google Drive asks"),
    "plain page": (b"\xef\xbb\xbf\n <HTML><body>404", "a web page: the download was answered"),
    "comment first": (
        b"<!-- cdn -->\n<html lang=en><title>\n 429 </title>",
        "web page titled '429'",
    ),
    "script first": (b"<script>go()</script><body>", "a web page"),
    "compressed page": (gzip.compress(PAGE), "a compressed web page titled 'Google Drive"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML text"),
    "pointer": (POINTER, r"pointer of Git LFS to a file of 381 MB, not the file.* git lfs pull"),
    "large pointer": (POINTER.replace(b"381463120", b"5000000000"), "of 5 GB"),
    "annex": (b"/annex/objects/MD5E-s381463120--0123.pkl\n", "pointer of git-annex"),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_a_page_or_pointer_is_called_that_by_every_reader(tmp_path: Path, name: str) -> None:
    data, words = STAND_INS[name]
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(data)
    for read in (
        lambda: files.read_bytes(path, limit=2**20),
        lambda: map_file(path),
        lambda: read_checkpoint(path),
        lambda: describe(path),
        lambda: read_directions(path),
        lambda: Direction.load(path),
        lambda: read_own(path),
        lambda: load_segmenter(path),
        lambda: load_small_encoder(path),
    ):
        with pytest.raises(BadFile, match=words) as caught:
            read()
        assert caught.value.hint
        assert str(path) in caught.value.message


def test_what_only_begins_like_a_page_is_read(tmp_path: Path) -> None:
    # 8508 bytes of header: the length's first bytes spell "<!".
    header = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(8508)
    data = len(header).to_bytes(8, "little") + header + bytes(4)
    assert data[:2] == b"<!"
    assert files.read_tensors(data)[0].keys() == {"x"}
    path = tmp_path / "file"
    path.write_bytes(data)
    assert files.read_bytes(path, limit=2**20) == data
    path.write_bytes(b"\x1f\x8b\x08\x00 not really compressed")
    assert files.read_bytes(path, limit=2**20)


@pytest.mark.parametrize(
    ("data", "words", "hint"),
    [
        (b"", "an empty file", "The download failed"),
        (b'{"error": "Repository not found"}', "a JSON text", "the server's answer"),
        (gzip.compress(b"weights", mtime=0), "a gzip archive", "Unpack it"),
        (b"\0" * 257 + b"ustar\0", "a tar archive", "Unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", ""),
    ],
)
def test_other_kinds_come_with_what_to_do(
    tmp_path: Path, data: bytes, words: str, hint: str
) -> None:
    path = tmp_path / "net.pkl"
    path.write_bytes(data)
    for read in (read_checkpoint, describe):
        with pytest.raises(BadFile, match=f"it is {words}") as caught:
            read(path)
        assert hint in caught.value.hint
