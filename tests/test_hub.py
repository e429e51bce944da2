from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eclipsed import hub
from eclipsed.errors import BadFile, BadSetting
from eclipsed.hub import Item

DATA = bytes(range(256)) * 2000  # 512,000 bytes
OTHER = DATA[::-1]
SHA = hashlib.sha256(DATA).hexdigest()
SOURCES = str(Path(hub.__file__).parents[1])
PINNED = Item("net.bin", sha256=SHA, size=len(DATA))
LOOSE = Item("loose.bin")


class Handler(BaseHTTPRequestHandler):
    """Gives the store's files, each request as the store's script for its path says."""

    protocol_version = "HTTP/1.1"
    server: Store

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        store, name = self.server, self.path.lstrip("/")
        with store.guard:
            store.seen.append((name, dict(self.headers)))
            script = store.scripts[name]
            act = script.pop(0) if len(script) > 1 else script[0]
        self.close_connection = True
        act(self, store.files.get(name))

    def do_CONNECT(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        self.send_error(502)

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()


Act = Callable[[Handler, bytes | None], None]


class Store(ThreadingHTTPServer):
    """A server of files on the loopback interface that writes down what it was asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.guard = threading.Lock()
        self.files: dict[str, bytes] = {"net.bin": DATA, "loose.bin": DATA}
        self.scripts: dict[str, list[Act]] = defaultdict(lambda: [serve])
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.free = threading.Event()  # set when whoever hangs should go on

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what these tests are about."""


def etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def serve(handler: Handler, data: bytes | None, *, most: int | None = None) -> None:
    """A careful server: ETag, ranges, If-Range; `most` closes the connection early."""
    if data is None:
        handler.send_error(404)
        return
    wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
    start = 0
    if wanted and condition in (None, etag(data)):
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        length = len(data) - start
        handler.head(206, ETag=etag(data), Content_Length=length, Content_Range=span)
    else:
        handler.head(200, ETag=etag(data), Content_Length=len(data))
    handler.wfile.write(data[start:] if most is None else data[start : start + most])


def cut(most: int) -> Act:
    return lambda handler, data: serve(handler, data, most=most)


def plain(handler: Handler, data: bytes | None, *, most: int | None = None) -> None:
    """A simple server: neither ETag nor ranges."""
    assert data is not None
    handler.head(200, Content_Length=len(data))
    handler.wfile.write(data[:most])


def answer(status: int, **headers: object) -> Act:
    return lambda handler, _: handler.head(status, Content_Length=0, **headers)


def chunked(handler: Handler, data: bytes | None) -> None:
    """In pieces, without saying how many bytes there are."""
    assert data is not None
    handler.head(200, Transfer_Encoding="chunked")
    for piece in (data[:1000], data[1000:], b""):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def short(handler: Handler, data: bytes | None) -> None:
    chunked(handler, DATA[1000:])


def hang(after: int) -> Act:
    """Sends some bytes, then nothing until the store sets it free."""

    def act(handler: Handler, data: bytes | None) -> None:
        serve(handler, data, most=after)
        handler.wfile.flush()
        handler.server.free.wait(20)

    return act


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("ECLIPSED_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "PAUSES", (0.0, 0.0, 0.0))
    with Store() as server:
        monkeypatch.setenv("ECLIPSED_MIRROR", server.url)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.free.set()
        server.shutdown()
        thread.join()


def left(cache: Path) -> list[str]:
    """The files in the cache, without those that only hold a lock."""
    found = (path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


def refusal(item: Item, cache: Path, **options: Any) -> str:
    """What fetching says when it fails: one printable sentence with what to do."""
    with pytest.raises(BadFile) as caught:
        hub.fetch(item, cache=cache, **options)
    assert str(caught.value).isprintable()
    assert caught.value.hint
    return str(caught.value)


# --- what goes well -----------------------------------------------------------------------------


def test_a_file_is_fetched_once_and_then_found(store: Store, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = hub.fetch(PINNED, cache=tmp_path, on_progress=lambda *now: seen.append(now))
    assert path == hub.locate(PINNED, tmp_path) == tmp_path / "net.bin"
    assert path.read_bytes() == DATA
    assert left(tmp_path) == ["net.bin"]
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert hub.fetch(PINNED, cache=tmp_path, offline=True) == path
    assert len(store.seen) == 1


def test_requests_carry_no_credentials(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")  # not for the loopback
    hub.fetch(PINNED, cache=tmp_path)
    (_, headers) = store.seen[0]
    assert set(headers) == {"Accept", "Accept-Encoding", "Connection", "Host", "User-Agent"}
    assert headers["Accept-Encoding"] == "identity"
    assert "secret" not in str(headers)


def test_a_name_may_have_a_folder(store: Store, tmp_path: Path) -> None:
    store.files["clip/config.json"] = b"{}"
    path = hub.fetch(Item("clip/config.json"), cache=tmp_path / "new" / "cache")
    assert path.read_bytes() == b"{}"


def test_a_file_in_pieces_of_unknown_number_arrives(store: Store, tmp_path: Path) -> None:
    store.scripts["loose.bin"] = [chunked]
    assert hub.fetch(LOOSE, cache=tmp_path).read_bytes() == DATA


# --- interrupted transfers ----------------------------------------------------------------------


def test_a_transfer_goes_on_where_it_broke(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [cut(100_000), cut(50_000), cut(0), serve]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    asked = [(headers.get("Range"), headers.get("If-Range")) for _, headers in store.seen]
    tag = etag(DATA)
    assert asked == [
        (None, None),
        ("bytes=100000-", tag),
        ("bytes=150000-", tag),
        ("bytes=150000-", tag),
    ]
    assert left(tmp_path) == ["net.bin"]


def test_only_tries_that_bring_nothing_are_counted(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [cut(60_000)]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert len(store.seen) == 9


def test_a_server_without_ranges_starts_again(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [lambda h, d: plain(h, d, most=100_000), cut(70_000), plain]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [headers.get("Range") for _, headers in store.seen] == [None, None, "bytes=70000-"]


@pytest.mark.parametrize("careful", [True, False])
def test_a_file_that_changed_meanwhile_starts_again(
    store: Store, tmp_path: Path, careful: bool
) -> None:
    """A careless server sends the rest of the new file in spite of If-Range."""

    def careless(handler: Handler, data: bytes | None) -> None:
        handler.headers.replace_header("If-Range", etag(OTHER))
        serve(handler, data)

    def change(handler: Handler, data: bytes | None) -> None:
        serve(handler, data, most=100_000)
        store.files["loose.bin"] = OTHER

    store.scripts["loose.bin"] = [change, serve if careful else careless, serve]
    assert hub.fetch(LOOSE, cache=tmp_path).read_bytes() == OTHER
    assert len(store.seen) == (2 if careful else 3)


@pytest.mark.parametrize(
    "act",
    [
        answer(416),
        answer(206, Content_Range="bytes 5-511999/512000"),
        answer(206, Content_Range="bytes 100000-511998/511999"),
        answer(206),
    ],
)
def test_odd_answers_to_a_range_start_again(store: Store, tmp_path: Path, act: Act) -> None:
    store.scripts["net.bin"] = [cut(100_000), act, serve]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [headers.get("Range") for _, headers in store.seen] == [None, "bytes=100000-", None]


def test_a_damaged_part_costs_one_more_transfer(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [cut(100_000), *[answer(500)] * 3, serve]
    refusal(PINNED, tmp_path)
    assert left(tmp_path) == ["net.bin.part", "net.bin.part.json"]
    part = tmp_path / "net.bin.part"
    part.write_bytes(b"x" * part.stat().st_size)
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [headers.get("Range") for _, headers in store.seen[-2:]] == ["bytes=100000-", None]
    assert left(tmp_path) == ["net.bin"]


def test_a_whole_part_needs_no_transfer(store: Store, tmp_path: Path) -> None:
    (tmp_path / "net.bin.part").write_bytes(DATA)
    origin = {"url": store.url + "net.bin", "etag": etag(DATA), "bytes": len(DATA)}
    (tmp_path / "net.bin.part.json").write_text(json.dumps(origin))
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert store.seen == []


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "not JSON",
        "[]",
        '{"url": "http://127.0.0.1:1/net.bin", "etag": "\\"a\\"", "bytes": 512000}',
        '{"url": "URL", "etag": "W/\\"weak\\"", "bytes": 512000}',
        '{"url": "URL", "etag": "", "bytes": 512000}',
        '{"url": "URL", "etag": null, "bytes": 512000}',
        '{"url": "URL", "etag": "\\"a\\"\\r\\nX: y\\"", "bytes": 512000}',
        '{"url": "URL", "etag": "\\"a\\"", "bytes": 10}',
        '{"url": "URL", "etag": "\\"a\\"", "bytes": "many"}',
        "[" * 60_000,
    ],
)
def test_a_part_of_unknown_origin_is_not_used(
    store: Store, tmp_path: Path, origin: str | None
) -> None:
    (tmp_path / "net.bin.part").write_bytes(b"unknown bytes")
    if origin is not None:
        text = origin.replace("URL", store.url + "net.bin")
        (tmp_path / "net.bin.part.json").write_text(text)
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [headers.get("Range") for _, headers in store.seen] == [None]
    assert left(tmp_path) == ["net.bin"]


def test_a_killed_download_is_gone_on_from(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [hang(200_000), serve]
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from eclipsed.hub import Item, fetch
fetch(Item("net.bin", sha256=sys.argv[3], size=512000), cache=Path(sys.argv[2]))
"""
    command = [sys.executable, "-c", code, SOURCES, str(tmp_path), SHA]
    part = tmp_path / "net.bin.part"
    with subprocess.Popen(command) as child:
        deadline = time.monotonic() + 60
        while not part.exists() or part.stat().st_size < 200_000:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert left(tmp_path) == ["net.bin.part", "net.bin.part.json"]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [headers.get("Range") for _, headers in store.seen] == [None, "bytes=200000-"]


def test_eight_processes_share_each_transfer(store: Store, tmp_path: Path) -> None:
    rounds = 20
    for i in range(rounds):
        store.files[f"net{i}.bin"] = DATA[i:]
    code = """
import hashlib, multiprocessing, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from eclipsed.hub import Item, fetch

def work(barrier):
    for i in range(int(sys.argv[3])):
        barrier.wait(60)
        path = fetch(Item(f"net{i}.bin"), cache=Path(sys.argv[2]))
        data = bytes(range(256)) * 2000
        assert path.read_bytes() == data[i:]

fork = multiprocessing.get_context("fork")
barrier = fork.Barrier(8)
workers = [fork.Process(target=work, args=(barrier,)) for _ in range(8)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
sys.exit(sum(worker.exitcode != 0 for worker in workers))
"""
    command = [sys.executable, "-c", code, SOURCES, str(tmp_path), str(rounds)]
    subprocess.run(command, check=True, timeout=120)
    assert sorted(name for name, _ in store.seen) == sorted(f"net{i}.bin" for i in range(rounds))
    assert len([name for name in left(tmp_path) if name.endswith(".bin")]) == rounds
    assert not [name for name in left(tmp_path) if ".part" in name]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "words", "requests"),
    [
        (answer(404), "it answers 404, Not Found", 1),
        (answer(403), "it answers 403, Forbidden", 1),
        (answer(299), "it answers 299, an unknown code", 1),
        (answer(206, Content_Range="bytes 0-1/2"), "it answers 206, Partial Content", 1),
        (answer(503), "it answers 503, Service Unavailable", 4),
        (answer(200), "the file there has 0 bytes, not 512,000", 1),
        (answer(302), "it answers 302, Found", 1),
        (answer(302, Location="/net.bin"), "it redirects more than 5 times", 6),
        (answer(302, Location="http://127.0.0.1:9/net.bin"), "an address that is not allowed", 1),
        (answer(302, Location="https://127.0.0.1/net.bin"), "an address that is not allowed", 1),
        (answer(307, Location="https://evil.example/x"), "an address that is not allowed", 1),
        (answer(302, Location="file:///etc/passwd"), "an address that is not allowed", 1),
        (answer(302, Location="https://[x/"), "an address that is not allowed", 1),
        (answer(302, Location="/a b"), "it answers 404, Not Found", 2),
        (answer(200, Content_Type="text/html; charset=utf-8"), "a web page, not a file", 1),
        (answer(200, Content_Encoding="gzip"), "it sends the file compressed", 1),
        (cut(0), "the connection broke", 4),
        (short, "the connection closed after 511,000 of 512,000 bytes", 4),
        (lambda handler, _: handler.wfile.write(b"nonsense\r\n"), "the connection broke", 4),
        (lambda *_: None, "the connection broke", 4),
    ],
)
def test_bad_answers_end_in_one_sentence(
    store: Store, tmp_path: Path, act: Act, words: str, requests: int
) -> None:
    store.scripts["net.bin"] = [act]
    said = refusal(PINNED, tmp_path)
    assert said.startswith("Cannot fetch net.bin from 127.0.0.1:")
    assert words in said
    assert f"SHA-256 {SHA}" in said
    assert "--from FILE" in said
    assert len(store.seen) == requests
    assert [name for name in left(tmp_path) if ".part" not in name] == []


def test_a_passing_failure_is_tried_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(hub, "PAUSES", (1.0, 2.0, 4.0))
    monkeypatch.setattr(time, "sleep", slept.append)
    store.scripts["net.bin"] = [answer(500), answer(429), lambda *_: None, serve]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [pause for pause in slept if pause >= 1.0] == [1.0, 2.0, 4.0]


def test_a_redirect_on_the_same_host_is_followed(store: Store, tmp_path: Path) -> None:
    store.files["elsewhere"] = DATA
    store.scripts["net.bin"] = [answer(302, Location="/elsewhere")]
    store.scripts["elsewhere"] = [cut(100_000), serve]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    asked = [(name, headers.get("Range")) for name, headers in store.seen]
    later = "bytes=100000-"
    assert asked == [
        ("net.bin", None),
        ("elsewhere", None),
        ("net.bin", later),
        ("elsewhere", later),
    ]


@pytest.mark.parametrize(
    ("first", "target", "allowed"),
    [
        ("https://huggingface.co/a", "https://cdn-lfs.hf.co/b?signature=1", True),
        ("https://huggingface.co/a", "https://cas-bridge.xethub.hf.co/b", True),
        ("https://huggingface.co/a", "https://huggingface.co:443/b", True),
        ("https://github.com/a", "https://objects.githubusercontent.com/b", True),
        ("https://api.ngc.nvidia.com/a", "https://files.ngc.nvidia.com/b", True),
        ("https://huggingface.co/a", "http://cdn-lfs.hf.co/b", False),
        ("https://huggingface.co/a", "http://huggingface.co/b", False),
        ("https://huggingface.co/a", "https://cdn-lfs.hf.co:8443/b", False),
        ("https://huggingface.co/a", "https://me@cdn-lfs.hf.co/b", False),
        ("https://huggingface.co/a", "https://me:x@huggingface.co/b", False),
        ("https://huggingface.co/a", "https://evilhf.co/b", False),
        ("https://huggingface.co/a", "https://hf.co.evil.example/b", False),
        ("https://huggingface.co/a", "https://objects.githubusercontent.com/b", False),
        ("https://huggingface.co/a", "https://127.0.0.1/b", False),
        ("https://huggingface.co/a", "https://huggingface.co:x/b", False),
        ("https://dlib.net/a", "https://www.dlib.net/b", False),
        ("https://mirror.example/a", "https://mirror.example/b", True),
        ("https://mirror.example/a", "https://cdn.mirror.example/b", False),
        ("http://127.0.0.1:5/a", "http://127.0.0.1:6/b", False),
        ("https://huggingface.co/a", "", False),
        ("https://huggingface.co/a", "https:///b", False),
    ],
)
def test_where_a_redirect_may_lead(first: str, target: str, allowed: bool) -> None:
    assert hub._may_follow(first, target) is allowed


def test_a_stall_is_an_error_and_then_gone_on_from(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    store.scripts["net.bin"] = [hang(100_000), *[hang(0)] * 3, serve]
    assert "nothing came for 0.2 seconds" in refusal(PINNED, tmp_path)
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert store.seen[-1][1]["Range"] == "bytes=100000-"


def test_a_crawl_is_a_stall(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crawl(handler: Handler, data: bytes | None) -> None:
        serve(handler, data, most=0)
        while not handler.server.free.wait(0.02):
            handler.wfile.write(b"x")

    monkeypatch.setattr(hub, "STALL", (0.1, 1000))
    monkeypatch.setattr(hub, "PAUSES", ())
    store.scripts["net.bin"] = [crawl]
    assert "it sends almost nothing" in refusal(PINNED, tmp_path)


def test_a_file_of_unknown_length_is_refused(store: Store, tmp_path: Path) -> None:
    store.scripts["loose.bin"] = [lambda handler, _: handler.head(200)]
    assert "does not say how long" in refusal(LOOSE, tmp_path)


def test_a_flood_is_cut_off(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flood(handler: Handler, _: bytes | None) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        while not handler.server.free.is_set():
            handler.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    monkeypatch.setattr(hub, "_MAX_BYTES", 100_000)
    store.scripts["loose.bin"] = [flood]
    assert "it sends more than it should" in refusal(LOOSE, tmp_path)
    store.scripts["net.bin"] = [flood]
    assert "it sends more than it should" in refusal(PINNED, tmp_path)


def test_a_wrong_file_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.files["net.bin"] = OTHER
    wrong = hashlib.sha256(OTHER).hexdigest()[:12]
    assert f"its SHA-256 begins {wrong}, not {SHA[:12]}" in refusal(PINNED, tmp_path)
    assert left(tmp_path) == []
    assert len(store.seen) == 1


def test_the_next_address_is_asked(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.files["wrong"] = OTHER
    names = ("missing", "wrong", "net.bin")
    monkeypatch.setattr(hub, "_addresses", lambda _: tuple(store.url + name for name in names))
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert [name for name, _ in store.seen] == list(names)
    assert left(tmp_path) == ["net.bin"]


def test_nobody_at_the_address(tmp_path: Path, store: Store, monkeypatch: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ECLIPSED_MIRROR", f"http://127.0.0.1:{free.getsockname()[1]}")
        assert "it refuses the connection" in refusal(PINNED, tmp_path)


@pytest.mark.parametrize(
    ("error", "words", "tries"),
    [
        (socket.gaierror(-2, "unknown"), "there is no network, or no such host", 4),
        (ssl.SSLCertVerificationError("bad"), "its certificate cannot be verified", 1),
        (ssl.SSLEOFError("eof"), "the connection broke", 4),
        (ConnectionResetError(), "the connection broke", 4),
    ],
)
def test_failures_before_any_answer(
    store: Store, tmp_path: Path, monkeypatch: Any, error: OSError, words: str, tries: int
) -> None:
    asked: list[tuple[object, object]] = []

    def fail(address: object, timeout: float, **_: object) -> None:
        asked.append((address, timeout))
        raise error

    monkeypatch.delenv("ECLIPSED_MIRROR")
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "create_connection", fail)
    said = refusal(Item("net.bin", ("https://huggingface.co/a/b",)), tmp_path)
    assert f"from huggingface.co: {words}." in said
    assert asked == [(("huggingface.co", 443), hub.TIMEOUT)] * tries


def test_the_usual_proxy_is_used(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("ECLIPSED_MIRROR")
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", store.url)
    said = refusal(Item("net.bin", ("https://huggingface.co/a/b",)), tmp_path)
    assert "from huggingface.co: the connection broke." in said
    assert [name for name, _ in store.seen] == ["huggingface.co:443"] * 4


# --- first use, damage, offline -----------------------------------------------------------------


def test_the_first_hash_holds_from_then_on(store: Store, tmp_path: Path) -> None:
    path = hub.fetch(LOOSE, cache=tmp_path)
    record = tmp_path / "loose.bin.lock.json"
    assert json.loads(record.read_text()) == {"sha256": SHA}
    path.write_bytes(OTHER)
    said = refusal(LOOSE, tmp_path)
    assert "is not the file it was" in said
    assert "loose.bin.lock.json" in said
    path.unlink()
    store.files["loose.bin"] = OTHER
    assert f"not {SHA[:12]}" in refusal(LOOSE, tmp_path)
    assert left(tmp_path) == ["loose.bin.lock.json"]
    record.unlink()
    assert hub.fetch(LOOSE, cache=tmp_path).read_bytes() == OTHER


def test_a_file_put_there_by_hand_is_recorded_at_first_use(tmp_path: Path) -> None:
    (tmp_path / "loose.bin").write_bytes(DATA)
    hub.fetch(LOOSE, cache=tmp_path)
    (tmp_path / "loose.bin").write_bytes(OTHER)
    refusal(LOOSE, tmp_path)


def test_half_a_hash_is_compared_and_the_rest_recorded(store: Store, tmp_path: Path) -> None:
    item = Item("net.bin", sha256=SHA[:8])
    hub.fetch(item, cache=tmp_path / "a")
    assert left(tmp_path / "a") == ["net.bin", "net.bin.lock.json"]
    store.files["net.bin"] = OTHER
    assert f"not {SHA[:8]}" in refusal(item, tmp_path / "b")
    assert left(tmp_path / "b") == []


@pytest.mark.parametrize("record", ["", "[]", '{"sha256": 1}', '{"sha256": "abc"}', "[" * 60_000])
def test_a_damaged_record_is_named(store: Store, tmp_path: Path, record: str) -> None:
    hub.fetch(LOOSE, cache=tmp_path)
    (tmp_path / "loose.bin.lock.json").write_text(record)
    assert "loose.bin.lock.json' is damaged" in refusal(LOOSE, tmp_path)


def test_a_damaged_file_is_never_handed_out(store: Store, tmp_path: Path) -> None:
    path = hub.fetch(PINNED, cache=tmp_path)
    path.write_bytes(DATA[:-1] + b"\0")
    said = refusal(PINNED, tmp_path)
    assert "Delete it, and it is fetched again" in said
    path.unlink()
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA


@pytest.mark.parametrize(
    ("variable", "value", "off"),
    [
        ("ECLIPSED_OFFLINE", "1", True),
        ("ECLIPSED_OFFLINE", "true", True),
        ("HF_HUB_OFFLINE", "1", True),
        ("HF_HUB_OFFLINE", "YES", True),
        ("ECLIPSED_OFFLINE", "0", False),
        ("ECLIPSED_OFFLINE", "", False),
    ],
)
def test_the_network_can_be_switched_off(
    store: Store, tmp_path: Path, monkeypatch: Any, variable: str, value: str, off: bool
) -> None:
    monkeypatch.setenv(variable, value)
    if off:
        assert "the network is switched off" in refusal(PINNED, tmp_path)
        assert store.seen == []
    assert hub.fetch(PINNED, cache=tmp_path, offline=False).read_bytes() == DATA
    assert "switched off" in refusal(LOOSE, tmp_path, offline=True)


def test_what_no_program_can_fetch_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECLIPSED_MIRROR", raising=False)
    item = Item("drive.pt", sha256=SHA, size=len(DATA), page="https://drive.example/folder")
    assert refusal(item, tmp_path) == (
        "No program can fetch drive.pt. Get drive.pt (512,000 bytes, SHA-256 "
        f"{SHA}) from https://drive.example/folder and add it with --from FILE."
    )


@pytest.mark.parametrize(
    "mirror",
    [
        "http://mirror.example/",
        "http://127.0.0.1.evil.example/",
        "http://localhost/",
        "ftp://127.0.0.1/",
        "https://me:secret@mirror.example/",
        "http://me@127.0.0.1/",
        "mirror.example",
        "/tmp/mirror",
    ],
)
def test_a_mirror_is_https(tmp_path: Path, monkeypatch: Any, mirror: str) -> None:
    monkeypatch.setenv("ECLIPSED_MIRROR", mirror)
    with pytest.raises(BadSetting, match="ECLIPSED_MIRROR"):
        hub.fetch(PINNED, cache=tmp_path, offline=False)


# --- a disk that does not take it ---------------------------------------------------------------


def test_there_must_be_room(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 2**20))
    said = refusal(PINNED, tmp_path)
    assert "There is no room for net.bin: it needs 0.5 MiB" in said
    (tmp_path / "mine.bin").write_bytes(DATA)
    with pytest.raises(BadFile, match="no room"):
        hub.adopt(PINNED, tmp_path / "mine.bin", cache=tmp_path)
    assert left(tmp_path) == ["mine.bin"]


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_full_disk_keeps_the_part(
    store: Store, tmp_path: Path, monkeypatch: Any, moment: str
) -> None:
    class Full(io.FileIO):
        def write(self, chunk: Any) -> int:
            room = 200_000 - self.tell()
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(chunk)[:room])

    def opened(path: Path, mode: str) -> io.BufferedIOBase:
        return io.BufferedWriter(Full(path, mode)) if mode == "ab" else open(path, mode)

    real = getattr(os, moment)

    def full(*places: Any) -> None:
        whole = moment == "fsync" and os.fstat(places[0]).st_size == len(DATA)
        if whole or places[-1] == tmp_path / "net.bin":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*places)

    with monkeypatch.context() as patch:
        if moment == "write":
            patch.setattr(hub, "open", opened, raising=False)
        else:
            patch.setattr(os, moment, full)
        assert "the disk is full. Free some space" in refusal(PINNED, tmp_path)
    assert "net.bin" not in left(tmp_path)
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    asked = [headers.get("Range") for _, headers in store.seen]
    assert asked == ([None, "bytes=200000-"] if moment == "write" else [None])
    assert left(tmp_path) == ["net.bin"]


def test_a_limit_of_the_system_is_met_in_the_middle(store: Store, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        said = refusal_without_hint(PINNED, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Cannot write" in said
    assert (tmp_path / "net.bin.part").stat().st_size == 100_000
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA
    assert store.seen[-1][1]["Range"] == "bytes=100000-"


def refusal_without_hint(item: Item, cache: Path) -> str:
    with pytest.raises(BadFile) as caught:
        hub.fetch(item, cache=cache)
    return str(caught.value)


def test_a_place_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "is a file, not a folder" in refusal(PINNED, tmp_path / "file")
    (tmp_path / "net.bin").mkdir()
    assert "it is a folder" in refusal(PINNED, tmp_path)
    assert store.seen == []


def test_what_watches_may_stop_it(store: Store, tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub.fetch(PINNED, cache=tmp_path, on_progress=stop)
    assert left(tmp_path) == ["net.bin.part", "net.bin.part.json"]
    assert hub.fetch(PINNED, cache=tmp_path).read_bytes() == DATA


# --- a file that the user brings ----------------------------------------------------------------


def test_a_users_file_is_copied_in(tmp_path: Path) -> None:
    cache, mine = tmp_path / "cache", tmp_path / "downloaded (1).pkl"
    mine.write_bytes(DATA)
    path = hub.adopt(PINNED, mine, cache=cache)
    assert path.read_bytes() == DATA
    assert mine.exists()
    assert left(cache) == ["net.bin"]
    assert hub.fetch(PINNED, cache=cache, offline=True) == path


def test_a_users_file_ends_a_started_download(store: Store, tmp_path: Path) -> None:
    store.scripts["net.bin"] = [cut(1000), *[answer(404)]]
    refusal(PINNED, tmp_path)
    assert left(tmp_path) == ["net.bin.part", "net.bin.part.json"]
    mine = tmp_path / "mine"
    mine.write_bytes(DATA)
    hub.adopt(PINNED, mine, cache=tmp_path)
    assert left(tmp_path) == ["mine", "net.bin"]


def test_a_users_file_of_an_item_without_hash_is_recorded(tmp_path: Path) -> None:
    cache, mine = tmp_path / "cache", tmp_path / "mine"
    mine.write_bytes(DATA)
    hub.adopt(LOOSE, mine, cache=cache)
    mine.write_bytes(OTHER)
    with pytest.raises(BadFile, match=r"'.*mine' is not loose\.bin: its SHA-256"):
        hub.adopt(LOOSE, mine, cache=cache)
    assert hub.fetch(LOOSE, cache=cache, offline=True).read_bytes() == DATA


def test_a_damaged_file_can_be_replaced_by_the_users(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"damaged")
    (tmp_path / "mine").write_bytes(DATA)
    assert hub.adopt(PINNED, tmp_path / "mine", cache=tmp_path).read_bytes() == DATA


@pytest.mark.parametrize(
    ("data", "words"),
    [(DATA[1:], "it has 511,999 bytes, not 512,000"), (OTHER, "its SHA-256 begins")],
)
def test_another_file_is_not_taken(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "mine").write_bytes(data)
    with pytest.raises(BadFile, match=words) as caught:
        hub.adopt(PINNED, tmp_path / "mine", cache=tmp_path)
    assert SHA in caught.value.hint
    assert left(tmp_path) == ["mine"]


@pytest.mark.parametrize("name", ["missing", "folder", "pipe", "zero\0byte"])
def test_what_is_no_file_is_not_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="Cannot read"):
        hub.adopt(PINNED, tmp_path / name, cache=tmp_path / "cache")


# --- items --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "../net.bin"},
        {"name": "/net.bin"},
        {"name": "a//b"},
        {"name": ".hidden"},
        {"name": "a\\b"},
        {"name": "a/b/c/d"},
        {"name": "zero\0"},
        {"name": "net.bin\n"},
        {"name": "net.bin.part"},
        {"name": "net.bin.lock.json"},
        {"name": "NET.LOCK"},
        {"urls": ("http://huggingface.co/a",)},
        {"urls": ("https://evil.example/a",)},
        {"urls": ("https://drive.google.com/a",)},
        {"urls": ("https://huggingface.co:8443/a",)},
        {"urls": ("https://me:x@huggingface.co/a",)},
        {"urls": ("https://huggingface.co/a b",)},
        {"urls": ("https://huggingface.co/a\n",)},
        {"urls": ("https://huggingface.co/ü",)},
        {"urls": ("https://huggingface.co:x/a",)},
        {"sha256": "abc"},
        {"sha256": SHA.upper()},
        {"sha256": SHA + "0"},
        {"size": 0},
        {"size": -1},
    ],
)
def test_items_that_cannot_be_meant_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        Item(**{"name": "net.bin", **values})


def test_the_usual_cache_is_the_users(cache: Path) -> None:
    assert hub.default_cache().parent == cache
    assert hub.locate(PINNED) == hub.default_cache() / "net.bin"
    assert hub.default_cache().name == "hub"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "a web page titled 'Sign in'"),
        (
            b"version https://git-lfs.github.com/spec/v1\nsize 381463120\n",
            "Git LFS to a file of 381",
        ),
    ],
)
def test_a_page_or_pointer_is_neither_fetched_nor_copied(
    store: Store, tmp_path: Path, page: bytes, words: str
) -> None:
    """Whatever its type is said to be, and where no hash would tell."""
    store.scripts["loose.bin"] = [lambda handler, _: plain(handler, page)]
    said = refusal(LOOSE, tmp_path)
    assert "it sends a" in said
    assert words in said
    assert left(tmp_path) == []
    mine = tmp_path / "mine"
    mine.write_bytes(page)
    with pytest.raises(BadFile, match=words):
        hub.adopt(LOOSE, mine, cache=tmp_path)
    assert left(tmp_path) == ["mine"]
