"""Names → files: what comes from the network is fetched once, checked, and cached.

Only the hosts listed here are asked, over https and without credentials. A file gets its name in
the cache when it is complete and its SHA-256 is right; until then it is a `.part` that the next
call resumes. Where no SHA-256 is public, the first one seen is recorded and holds from then on.

httpx2 speaks HTTP; which hosts, how much and which bytes are accepted is decided here. This module
does not know what any file means and never opens one. Every failure is one sentence.

Environment: ECLIPSED_OFFLINE=1 (or HF_HUB_OFFLINE=1) forbids the network. ECLIPSED_MIRROR names
an https folder that holds the files under their names in the cache; it is asked instead of the
listed hosts, and must give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
from filelock import FileLock

from eclipsed.cache import cache_folder
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import (
    HEAD,
    StrPath,
    check_genuine,
    disk,
    read_bytes,
    shown,
    stand_in,
    write_atomic,
)

# Host → the domains that it redirects downloads to.
HOSTS: Mapping[str, tuple[str, ...]] = {
    "huggingface.co": ("huggingface.co", "hf.co"),
    "github.com": ("githubusercontent.com",),
    "api.ngc.nvidia.com": ("ngc.nvidia.com",),
    "nvlabs-fi-cdn.nvidia.com": (),
    "storage.googleapis.com": (),
    "dl.fbaipublicfiles.com": (),
    "download.pytorch.org": (),
    "s3.amazonaws.com": (),
    "dlib.net": (),
}

Progress = Callable[[int, int | None], object]

TIMEOUT = 30.0  # seconds without a byte
STALL = (60.0, 64 * 2**10)  # in so many seconds at least so many bytes must come
PAUSES = (1.0, 2.0, 4.0)  # seconds before trying again
MAX_REDIRECTS = 5
_MAX_BYTES = 16 * 2**30  # of a file of unknown size
_RESERVE = 64 * 2**20  # bytes that are left free on the disk
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,2}")
_RESERVED = (".part", ".lock", ".part.json", ".lock.json")
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_FAILURES: Mapping[type[BaseException], str] = {
    socket.gaierror: "there is no network, or no such host",
    ConnectionRefusedError: "it refuses the connection",
}


@dataclass(frozen=True)
class Item:
    """A file that can be fetched by name.

    name: the path in the cache, such as "ffhq.pkl" or "clip/config.json".
    urls: https addresses on `HOSTS`, tried in order; none where no program can fetch the file.
    sha256: in hex, complete or its beginning (from 8 digits); None where it is not public.
    size: bytes, or None where it is not public. page: where a person can get the file.

    Raises BadSetting for invalid values.
    """

    name: str
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    size: int | None = None
    licence: str = ""
    page: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.lower().endswith(_RESERVED):
            raise BadSetting(f"{self.name!r} cannot be the name of a file in the cache.")
        for url in self.urls:
            if _origin(url) not in {f"https://{host}" for host in HOSTS}:
                raise BadSetting(f"{url!r} is not an https address on a listed host.")
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{8,64}", self.sha256):
            raise BadSetting(f"The SHA-256 of {self.name} must be 8 to 64 hex digits.")
        if self.size is not None and self.size <= 0:
            raise BadSetting(f"The size of {self.name} must be positive, not {self.size}.")

    @property
    def pinned(self) -> bool:
        """Whether the complete SHA-256 is known beforehand."""
        return len(self.sha256 or "") == 64


def default_cache() -> Path:
    """The cache folder unless another is named."""
    return cache_folder() / "hub"


def locate(item: Item, cache: Path | None = None) -> Path:
    """Where the item's file is, or would be."""
    return (default_cache() if cache is None else cache) / item.name


def is_here(item: Item, cache: Path | None = None) -> bool:
    """Whether the item's file is in the cache; it is not read."""
    return os.path.isfile(locate(item, cache))


def fetch(
    item: Item,
    *,
    cache: Path | None = None,
    offline: bool | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """The item's file, from the cache or else from the network.

    Its SHA-256 is compared every time. Processes that want the same file at once share one
    transfer. `offline` None asks the environment. `on_progress` gets the bytes so far and in total
    (None where unknown).

    Raises BadFile when the file cannot be fetched or is not the right one, BadSetting for a mirror
    that is no https address.
    """
    path = locate(item, cache)
    if not _is_valid(item, path):
        urls = _addresses(item)
        _check_obtainable(item, urls, offline)
        with _locked(path):
            # Another process may have fetched it while this one waited.
            if not _is_valid(item, path):
                _download(item, path, urls, on_progress or (lambda *_: None))
    return path


def adopt(item: Item, source: StrPath, *, cache: Path | None = None) -> Path:
    """Copy a file that the user got elsewhere into the cache, if it is the right one.

    Raises BadFile when it cannot be read or is another file; the cache is then unchanged.
    """
    path = locate(item, cache)
    if not os.path.isfile(source):
        read_bytes(source, limit=0)  # which says what is wrong
    with _locked(path), disk("read", source), open(source, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        check_genuine(file.read(HEAD), source)
        file.seek(0)
        wrong = "" if item.size in (None, size) else f"it has {size:,} bytes, not {item.size:,}"
        digest = "" if wrong else hashlib.file_digest(file, "sha256").hexdigest()
        if wrong := wrong or _mismatch(item, path, digest):
            raise BadFile(f"{shown(source)} is not {item.name}: {wrong}.", _where(item))
        _check_space(item, path, size)
        file.seek(0)
        write_atomic(path, lambda target: shutil.copyfileobj(file, target))
        _record(item, path, digest)
        _discard(path)
    return path


# --- what is in the cache -----------------------------------------------------------------------


def _beside(path: Path, ending: str) -> Path:
    """A file that serves the one at `path`.

    .part: what has arrived so far. .part.json: where it comes from, as url, etag, bytes.
    .lock.json: the SHA-256 seen first. .lock: held by the process that writes any of these.
    """
    return path.with_name(path.name + ending)


def _is_valid(item: Item, path: Path) -> bool:
    """Whether the file is cached; raises BadFile when a file is, but not the right one."""
    with disk("read", path), suppress(FileNotFoundError):
        digest = _digest(path)
        if wrong := _mismatch(item, path, digest):
            record = shown(_beside(path, ".lock.json"))
            also = "" if item.pinned else f" (and {record} if the change is meant)"
            raise BadFile(
                f"{shown(path)} is not the file it was: {wrong}.",
                f"Delete it{also}, and it is fetched again.",
            )
        _record(item, path, digest)
        return True
    return False


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mismatch(item: Item, path: Path, digest: str) -> str:
    """What is wrong with a SHA-256, in words; "" when it is right."""
    for expected in (item.sha256 or "", "" if item.pinned else _recorded(path)):
        if not digest.startswith(expected):
            return f"its SHA-256 begins {digest[:12]}, not {expected[:12]}"
    return ""


def _recorded(path: Path) -> str:
    """The SHA-256 that was seen first, "" before that."""
    record = _beside(path, ".lock.json")
    if not record.is_file():
        return ""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        digest = json.loads(read_bytes(record, limit=2**16))["sha256"]
        if re.fullmatch(r"[0-9a-f]{64}", digest):
            return str(digest)
    raise BadFile(
        f"The record {shown(record)} is damaged.",
        "Delete it together with the file beside it, which is then fetched again.",
    )


def _record(item: Item, path: Path, digest: str) -> None:
    """Record a SHA-256 at its first use."""
    if not item.pinned and not _recorded(path):
        write_atomic(_beside(path, ".lock.json"), json.dumps({"sha256": digest}).encode() + b"\n")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time is in here for one file; the system releases a dead one's lock."""
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(_beside(path, ".lock")).acquire()
    with lock:
        yield


def _check_space(item: Item, path: Path, size: int) -> None:
    with disk("write", path):
        free = shutil.disk_usage(path.parent).free
    if free < size + _RESERVE:
        needed, reserve, left = (f"{n / 2**20:,.1f} MiB" for n in (size, _RESERVE, free))
        raise BadFile(
            f"There is no room for {item.name}: it needs {needed} and {reserve} to spare, and "
            f"{shown(path.parent)} has {left} free.",
            "Free some space and try again.",
        )


def _discard(path: Path) -> None:
    with disk("write", path):
        _beside(path, ".part").unlink(missing_ok=True)
        _beside(path, ".part.json").unlink(missing_ok=True)


# --- which addresses are asked ------------------------------------------------------------------


def _origin(address: str) -> str:
    """scheme://host[:port] of a plain address; "" for one with credentials or an invalid one."""
    with suppress(httpx2.InvalidURL):
        url = httpx2.URL(address)
        plain = address.isascii() and address.isprintable() and " " not in address
        if plain and url.host and not url.userinfo:
            return f"{url.scheme}://{url.netloc.decode()}"
    return ""


def _may_follow(first: str, target: str) -> bool:
    """Whether a download from the address `first` may be redirected to `target`."""
    origin, other = _origin(first), _origin(target)
    domains = HOSTS.get(origin.removeprefix("https://"), ())
    inside = ("." + other.removeprefix("https://")).endswith(tuple(f".{name}" for name in domains))
    return other != "" and (origin == other or (other.startswith("https://") and inside))


def _addresses(item: Item) -> tuple[str, ...]:
    mirror = os.environ.get("ECLIPSED_MIRROR", "").strip()
    if not mirror:
        return item.urls
    if not re.match(r"https://|http://127\.0\.0\.1(:|$)", _origin(mirror)):
        raise BadSetting(
            f"ECLIPSED_MIRROR is {mirror!r}, which is no plain https address.",
            "Set it to one such as https://mirror.example.org/eclipsed/, or unset it.",
        )
    return (mirror.rstrip("/") + "/" + quote(item.name),)


def _check_obtainable(item: Item, urls: tuple[str, ...], offline: bool | None) -> None:
    if not urls:
        raise BadFile(f"No program can fetch {item.name}.", _where(item))
    if offline is None:
        switches = (os.environ.get(name, "") for name in ("ECLIPSED_OFFLINE", "HF_HUB_OFFLINE"))
        offline = any(value.strip().lower() in {"1", "true", "yes", "on"} for value in switches)
    if offline:
        raise BadFile(
            f"{item.name} is not in the cache, and the network is switched off.",
            f"Unset ECLIPSED_OFFLINE and HF_HUB_OFFLINE, or: {_where(item)}",
        )


def _where(item: Item) -> str:
    """How a person gets the file, as a hint."""
    source = item.page or next(iter(item.urls), "its makers")
    facts = [f"{item.size:,} bytes"] if item.size else []
    if item.sha256:
        facts.append(f"SHA-256 {item.sha256}" + ("" if item.pinned else "…"))
    details = f" ({', '.join(facts)})" if facts else ""
    return f"Get {item.name}{details} from {source} and add it with --from FILE."


# --- the transfer -------------------------------------------------------------------------------


class _Refused(Exception):
    """This address does not give the file; another one may. The message ends a sentence."""


class _Broken(_Refused):
    """The connection failed, and the same address may work in a moment."""


def _download(item: Item, path: Path, urls: tuple[str, ...], report: Progress) -> None:
    """Put the file at its path, from the first address that gives it."""
    reason, host = "", ""
    for url in urls:
        try:
            return _persist(item, url, path, report)
        except _Refused as error:
            reason, host = str(error), httpx2.URL(url).host
    raise BadFile(f"Cannot fetch {item.name} from {host}: {reason}.", _where(item))


def _persist(item: Item, url: str, path: Path, report: Progress) -> None:
    """Try an address until it gives the file; only tries without a new byte are counted."""
    failures, most = 0, _partial(path, url)[0]
    while True:
        try:
            return _attempt(item, url, path, report)
        except _Broken:
            size = _partial(path, url)[0]
            failures = 1 if size > most else failures + 1
            most = max(most, size)
            if failures > len(PAUSES):
                raise
        time.sleep(PAUSES[failures - 1])


def _attempt(item: Item, url: str, path: Path, report: Progress) -> None:
    part = _beside(path, ".part")
    size, _, total = _partial(path, url)
    if size == 0 or size != total:
        _transfer(item, url, path, report)
    with disk("read", part):
        with open(part, "rb") as file:
            instead = stand_in(file.read(HEAD))
        digest = _digest(part)
    if instead is not None:
        _discard(path)
        raise _Refused(f"it sends {instead[0]}")
    if wrong := _mismatch(item, path, digest):
        _discard(path)
        # The resumed part may be at fault; only bytes that all came now accuse the address.
        raise (_Broken if size else _Refused)(wrong)
    _record(item, path, digest)
    with disk("write", path):
        # The bytes are on the disk. If a power cut undoes the renaming, the part is complete.
        os.replace(part, path)
    _discard(path)


def _partial(path: Path, url: str) -> tuple[int, str, int | None]:
    """What an earlier transfer from the same address left: bytes, their ETag, bytes in total."""
    with suppress(BadFile, OSError, ValueError, KeyError, TypeError, RecursionError):
        origin = json.loads(read_bytes(_beside(path, ".part.json"), limit=2**16))
        size, etag = _beside(path, ".part").stat().st_size, origin["etag"]
        strong = re.fullmatch(r'"[\x21\x23-\x7e]+"', etag)
        if origin["url"] == url and strong and size <= origin["bytes"]:
            return size, etag, origin["bytes"]
    return 0, "", None  # the part is of unknown origin


def _transfer(item: Item, url: str, path: Path, report: Progress) -> None:
    """Complete the part: what an earlier transfer left is resumed where the server allows it."""
    size, etag, total = _partial(path, url)
    resume = {"Range": f"bytes={size}-", "If-Range": etag} if size else {}
    # The environment's proxies, but not for the loopback interface, the only http address.
    client = httpx2.Client(timeout=TIMEOUT, trust_env=url.startswith("https://"))
    with _connection(), client, closing(_open(client, url, resume)) as response:
        headers, resumed = response.headers, size > 0 and response.status_code in (206, 416)
        if not resumed:
            size, total = 0, _total(response, item)
        elif (headers.get("Content-Range"), headers.get("ETag", etag)) != (
            f"bytes {size}-{(total or 0) - 1}/{total}",
            etag,
        ):
            _discard(path)
            raise _Broken("it cannot resume where it stopped")
        _check_space(item, path, (total or 0) - size)
        if not resumed:
            _discard(path)
            origin = {"url": url, "etag": headers.get("ETag", ""), "bytes": total}
            write_atomic(_beside(path, ".part.json"), json.dumps(origin).encode() + b"\n")
        _append(response, path, size, total, report)


def _append(
    response: httpx2.Response, path: Path, size: int, total: int | None, report: Progress
) -> None:
    """Put the rest of the file behind the `size` bytes of the part."""
    part, most = _beside(path, ".part"), _MAX_BYTES if total is None else total
    seconds, least = STALL
    deadline, goal = time.monotonic() + seconds, size + least
    report(size, total)
    with disk("write", part), open(part, "ab") as file:
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > most:
                raise _Refused("it sends more than it should")
            file.write(chunk)
            file.flush()
            report(size, total)
            if time.monotonic() > deadline:
                if size < goal:
                    raise _Broken("it sends almost nothing")
                deadline, goal = time.monotonic() + seconds, size + least
        os.fsync(file.fileno())
    if total is not None and size < total:
        raise _Broken(f"the connection closed after {size:,} of {total:,} bytes")


@contextmanager
def _connection() -> Iterator[None]:
    """A failed connection in words: worth another try, or not."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise _Broken(f"nothing came for {TIMEOUT:g} seconds") from error
    except httpx2.HTTPError as error:
        cause: BaseException = error
        while cause.__context__:
            cause = cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise _Refused("its certificate cannot be verified") from error
        raise _Broken(_FAILURES.get(type(cause), "the connection broke")) from error


def _open(client: httpx2.Client, url: str, headers: Mapping[str, str]) -> httpx2.Response:
    """The answer to a GET, redirects followed where they are allowed."""
    common = {"User-Agent": "eclipsed", "Accept-Encoding": "identity"}
    request = client.build_request("GET", url, headers={**common, **headers})
    for _ in range(MAX_REDIRECTS + 1):
        if not _may_follow(url, str(request.url)):
            raise _Refused("it redirects to an address that is not allowed")
        response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
    raise _Refused(f"it redirects more than {MAX_REDIRECTS} times")


def _total(response: httpx2.Response, item: Item) -> int | None:
    """Bytes of the file that the answer brings; raises _Refused for what is not the file."""
    headers, status = response.headers, response.status_code
    if status != 200:
        phrase = httpx2.codes.get_reason_phrase(status) or "an unknown code"
        raise (_Broken if status in _RETRIED else _Refused)(f"it answers {status}, {phrase}")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise _Refused("it sends the file compressed")
    if headers.get("Content-Type", "").startswith("text/html"):
        raise _Refused("it answers with a web page, not a file")
    total = int(headers["Content-Length"]) if "Content-Length" in headers else item.size
    if total is None and "Transfer-Encoding" not in headers:
        raise _Refused("it does not say how long the file is")
    if item.size not in (None, total):
        raise _Refused(f"the file there has {total:,} bytes, not {item.size:,}")
    return total
