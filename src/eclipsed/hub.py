"""Names → files: what comes from the network is fetched once, checked, and kept in a cache.

Only the hosts listed here are asked, over https and without credentials. A file gets its name in
the cache when it is whole and its SHA-256 is right; until then it is a `.part` that the next call
goes on from. Where no SHA-256 is public, the first one seen is recorded and holds from then on.

This module does not know what any file means and never opens one. Every failure is one sentence.

Environment: ECLIPSED_OFFLINE=1 (or HF_HUB_OFFLINE=1) forbids the network. ECLIPSED_MIRROR names
an https folder that holds the files under their names in the cache; it is asked instead of the
listed hosts, and must give the same bytes.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NoReturn
from urllib.parse import quote, urljoin, urlsplit

from filelock import FileLock
from platformdirs import user_cache_path

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import StrPath, failure, read_bytes, shown, write_atomic

# Host → the domains that it hands downloads over to.
HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
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
)

Progress = Callable[[int, int | None], object]

TIMEOUT = 30.0  # seconds without a byte
STALL = (60.0, 64 * 2**10)  # in so many seconds at least so many bytes must come
PAUSES = (1.0, 2.0, 4.0)  # seconds before trying again
MOST_REDIRECTS = 5
_MOST_BYTES = 16 * 2**30  # of a file whose size nobody says
_RESERVE = 64 * 2**20  # bytes that are left free on the disk
_CHUNK = 2**20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK = "127.0.0.1"
_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Item:
    """A file that can be had by name.

    name: the path in the cache, such as "ffhq.pkl" or "clip/config.json".
    urls: https addresses on `HOSTS`, tried in order; none where no program can fetch the file.
    sha256: in hex, whole or its beginning (from 8 digits); None where it is not public.
    size: bytes, or None where it is not public. page: where a person can get the file.

    Raises BadSetting for values that cannot be meant.
    """

    name: str
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    size: int | None = None
    licence: str = ""
    page: str = ""

    def __post_init__(self) -> None:
        parts = self.name.split("/")
        reserved = (".part", ".lock", ".part.json", ".lock.json")
        if len(parts) > 3 or not all(
            re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", part) for part in parts
        ):
            raise BadSetting(f"{self.name!r} cannot be the name of a file in the cache.")
        if self.name.lower().endswith(reserved):
            raise BadSetting(f"{self.name!r} has an ending that the cache itself uses.")
        for url in self.urls:
            _check_address(url)
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{8,64}", self.sha256):
            raise BadSetting(f"The SHA-256 of {self.name} must be 8 to 64 hex digits.")
        if self.size is not None and self.size <= 0:
            raise BadSetting(f"The size of {self.name} must be positive, not {self.size}.")

    @property
    def pinned(self) -> bool:
        """Whether the whole SHA-256 is known beforehand."""
        return len(self.sha256 or "") == 64


def default_cache() -> Path:
    """The folder that files are kept in unless another is named."""
    return user_cache_path("eclipsed") / "hub"


def locate(item: Item, cache: Path | None = None) -> Path:
    """Where the item's file is, or would be."""
    return (default_cache() if cache is None else cache) / item.name


def is_here(item: Item, cache: Path | None = None) -> bool:
    """Whether the item's file is in the cache; it is not looked into."""
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
    transfer. `offline` None asks the environment. `on_progress` gets bytes so far and in all
    (None where unknown).

    Raises BadFile when the file cannot be had or is not the right one, BadSetting for a mirror
    that is no https address.
    """
    place = _Place(locate(item, cache))
    if _in_place(item, place):
        return place.file
    addresses = _addresses(item)
    _check_obtainable(item, addresses, offline)
    with _locked(place):
        # Another process may have brought it while this one waited.
        if not _in_place(item, place):
            _download(item, place, addresses, on_progress or _say_nothing)
    return place.file


def adopt(item: Item, path: StrPath, *, cache: Path | None = None) -> Path:
    """Copy a file that the user got elsewhere into the cache, if it is the right one.

    Raises BadFile when it cannot be read or is another file; the cache is then unchanged.
    """
    place = _Place(locate(item, cache))
    if not os.path.isfile(path):
        read_bytes(path, limit=0)  # which says what is wrong
    with _locked(place), _disk("read", path), open(path, "rb") as source:
        size = os.fstat(source.fileno()).st_size
        if item.size not in (None, size):
            raise BadFile(
                f"{shown(path)} is not {item.name}: it has {size:,} bytes, not {item.size:,}.",
                _where(item),
            )
        _check_space(item, place, size)
        write_atomic(place.file, partial(_copy, source, item, place, path))
        _discard(place)
    return place.file


def _copy(source: BinaryIO, item: Item, place: _Place, path: StrPath, target: BinaryIO) -> None:
    digest = hashlib.sha256()
    while True:
        with _disk("read", path):
            chunk = source.read(_CHUNK)
        if not chunk:
            break
        digest.update(chunk)
        target.write(chunk)
    found = digest.hexdigest()
    if wrong := _mismatch(item, place, found):
        raise BadFile(f"{shown(path)} is not {item.name}: {wrong}.", _where(item))
    _remember(item, place, found)


# --- what lies in the cache ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """A file in the cache and the files that serve it."""

    file: Path

    def _beside(self, ending: str) -> Path:
        return self.file.with_name(self.file.name + ending)

    @property
    def part(self) -> Path:
        """What has come so far."""
        return self._beside(".part")

    @property
    def origin(self) -> Path:
        """Where the part comes from: JSON with url, etag, bytes."""
        return self._beside(".part.json")

    @property
    def record(self) -> Path:
        """The SHA-256 seen first, where none was known beforehand: JSON."""
        return self._beside(".lock.json")

    @property
    def lock(self) -> Path:
        """Held by the process that writes any of these."""
        return self._beside(".lock")


def _in_place(item: Item, place: _Place) -> bool:
    """Whether the file is here; raises BadFile when a file is, but not the right one."""
    try:
        with open(place.file, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise failure("read", place.file, error) from error
    if wrong := _mismatch(item, place, found):
        also = "" if item.pinned else f" (and {shown(place.record)} if the change is meant)"
        raise BadFile(
            f"{shown(place.file)} is not the file it was: {wrong}.",
            f"Delete it{also}, and it is fetched again.",
        )
    _remember(item, place, found)
    return True


def _mismatch(item: Item, place: _Place, found: str) -> str:
    """What is wrong with a SHA-256, in words; "" when it is right."""
    known = [item.sha256 or "", "" if item.pinned else _recorded(place)]
    for expected in known:
        if not found.startswith(expected):
            return f"its SHA-256 begins {found[:12]}, not {expected[:12]}"
    return ""


def _recorded(place: _Place) -> str:
    """The SHA-256 that was seen first, "" before that."""
    if not place.record.is_file():
        return ""
    try:
        found = json.loads(read_bytes(place.record, limit=2**16))["sha256"]
        if re.fullmatch(r"[0-9a-f]{64}", found):
            return str(found)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BadFile(
        f"The record {shown(place.record)} is damaged.",
        "Delete it together with the file beside it, which is then fetched again.",
    )


def _remember(item: Item, place: _Place, found: str) -> None:
    """Record a SHA-256 at its first use."""
    if not item.pinned and not _recorded(place):
        write_atomic(place.record, json.dumps({"sha256": found}).encode() + b"\n")


@contextmanager
def _locked(place: _Place) -> Iterator[None]:
    """Only one process at a time is in here for one file; the system lets go of a dead one's."""
    with _disk("write", place.file):
        place.file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.lock)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk(action: str, path: StrPath) -> Iterator[None]:
    """The system's refusals about a file become a BadFile."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise failure(action, path, error) from error


def _check_space(item: Item, place: _Place, needed: int) -> None:
    with _disk("write", place.file):
        free = shutil.disk_usage(place.file.parent).free
    if free < needed + _RESERVE:
        raise BadFile(
            f"There is no room for {item.name}: it needs {_mib(needed)} and {_mib(_RESERVE)} to "
            f"spare, and {shown(place.file.parent)} has {_mib(free)} free.",
            "Free some space and try again.",
        )


def _discard(place: _Place) -> None:
    with _disk("write", place.part):
        place.part.unlink(missing_ok=True)
        place.origin.unlink(missing_ok=True)


# --- which addresses are asked ------------------------------------------------------------------


def _check_address(url: str) -> None:
    """Raise BadSetting unless the address is a plain https one on a listed host."""
    if _origin(url) not in {("https", host) for host in HOSTS}:
        raise BadSetting(f"{url!r} is not an https address on a listed host.")


def _origin(url: str) -> tuple[str, str] | None:
    """(scheme, host[:port]) of a plain address; None for one with credentials or nonsense."""
    try:
        parts = urlsplit(url)
        default = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, default) else f":{parts.port}"
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname + port


def _may_follow(first: str, target: str) -> bool:
    """Whether a download from the address `first` may be handed over to `target`."""
    origin, then = _origin(first), _origin(target)
    if origin is None or then is None:
        return False
    if origin == then:
        return True
    domains = HOSTS.get(origin[1], ())
    return then[0] == "https" and any(
        then[1] == domain or then[1].endswith("." + domain) for domain in domains
    )


def _addresses(item: Item) -> tuple[str, ...]:
    mirror = os.environ.get("ECLIPSED_MIRROR", "").strip()
    if not mirror:
        return item.urls
    origin = _origin(mirror)
    secure = origin is not None and origin[0] == "https"
    if not secure and (origin is None or origin[0] != "http" or not _is_loopback(mirror)):
        raise BadSetting(
            f"ECLIPSED_MIRROR is {mirror!r}, which is no plain https address.",
            "Set it to one such as https://mirror.example.org/eclipsed/, or unset it.",
        )
    return (mirror.rstrip("/") + "/" + quote(item.name),)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname == _LOOPBACK


def _check_obtainable(item: Item, addresses: tuple[str, ...], offline: bool | None) -> None:
    if not addresses:
        raise BadFile(f"No program can fetch {item.name}.", _where(item))
    if offline is None:
        switches = (os.environ.get(name, "") for name in ("ECLIPSED_OFFLINE", "HF_HUB_OFFLINE"))
        offline = any(value.strip().lower() in _YES for value in switches)
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
    told = f" ({', '.join(facts)})" if facts else ""
    return f"Get {item.name}{told} from {source} and add it with --from FILE."


# --- the transfer -------------------------------------------------------------------------------


class _Refused(Exception):
    """This address does not give the file; another one may. The message ends a sentence."""


class _Broken(_Refused):
    """The connection failed, and the same address may work in a moment."""


@dataclass(frozen=True)
class _Held:
    """What an earlier transfer from the same address left: bytes, their ETag, bytes in all."""

    size: int = 0
    etag: str = ""
    total: int | None = None

    @property
    def whole(self) -> bool:
        return self.size > 0 and self.size == self.total


def _say_nothing(done: int, total: int | None) -> None:
    """Report progress to nobody."""


def _download(item: Item, place: _Place, addresses: tuple[str, ...], report: Progress) -> None:
    """Bring the file into its place, from the first address that gives it."""
    reason, host = "", ""
    for url in addresses:
        try:
            return _persist(item, url, place, report)
        except _Refused as error:
            reason, host = str(error), urlsplit(url).netloc
    raise BadFile(f"Cannot fetch {item.name} from {host}: {reason}.", _where(item))


def _persist(item: Item, url: str, place: _Place, report: Progress) -> None:
    """Try an address until it gives the file; only tries that bring nothing new are counted."""
    failures, most = 0, _held(place, url).size
    while True:
        try:
            return _attempt(item, url, place, report)
        except _Broken:
            reached = _held(place, url).size
            failures = 1 if reached > most else failures + 1
            most = max(most, reached)
            if failures > len(PAUSES):
                raise
            time.sleep(PAUSES[failures - 1])


def _attempt(item: Item, url: str, place: _Place, report: Progress) -> None:
    held = _held(place, url)
    if held.whole:
        found = _receive(iter(()), place, held.size)
    else:
        resume = {"Range": f"bytes={held.size}-", "If-Range": held.etag} if held.size else {}
        with closing(_open(url, resume)) as response:
            start, total = _terms(response, item, place, held)
            _check_space(item, place, (total or 0) - start)
            if start == 0:
                _begin(place, url, response.headers.get("ETag", ""), total)
            chunks = _chunks(response, start, total, report)
            found = _receive(chunks, place, start)
    if wrong := _mismatch(item, place, found):
        _discard(place)
        # What was kept may be at fault; only bytes that all came now accuse the address.
        raise (_Broken if held.size else _Refused)(wrong)
    _remember(item, place, found)
    with _disk("write", place.file):
        # The bytes are on the disk. If a power cut undoes the renaming, the whole part is left.
        os.replace(place.part, place.file)
        place.origin.unlink(missing_ok=True)


def _held(place: _Place, url: str) -> _Held:
    """What can be gone on from; nothing when the part is of unknown origin."""
    with suppress(BadFile, OSError, ValueError, KeyError, TypeError, RecursionError):
        origin = json.loads(read_bytes(place.origin, limit=2**16))
        held = _Held(place.part.stat().st_size, origin["etag"], origin["bytes"])
        if origin["url"] == url and re.fullmatch(r'"[\x21\x23-\x7e]+"', held.etag):
            return held if held.total is None or held.size <= held.total else _Held()
    return _Held()


def _begin(place: _Place, url: str, etag: str, total: int | None) -> None:
    """Start from nothing: the old part goes before the new origin is written."""
    _discard(place)
    origin = {"url": url, "etag": etag, "bytes": total}
    write_atomic(place.origin, json.dumps(origin).encode() + b"\n")


def _open(url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    """The answer to a GET, redirects followed where they are allowed."""
    address = url
    for _ in range(MOST_REDIRECTS + 1):
        response = _get(address, headers)
        if response.status not in _REDIRECTS:
            return response
        response.close()
        with suppress(ValueError):
            address = urljoin(address, response.headers.get("Location", ""))
            if _may_follow(url, address):
                continue
        raise _Refused("it redirects to an address that is not allowed")
    raise _Refused(f"it redirects more than {MOST_REDIRECTS} times")


def _get(url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    opener = urllib.request.OpenerDirector()
    if _is_loopback(url):
        opener.add_handler(urllib.request.HTTPHandler())
    else:
        opener.add_handler(urllib.request.ProxyHandler())
    context = ssl.create_default_context()
    opener.add_handler(urllib.request.HTTPSHandler(context=context))
    common = {"User-Agent": "eclipsed", "Accept": "*/*", "Accept-Encoding": "identity"}
    try:
        request = urllib.request.Request(url, headers={**common, **headers})
        answer = opener.open(request, timeout=TIMEOUT)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _give_up(error)
    if not isinstance(answer, http.client.HTTPResponse):
        raise _Refused("nothing here can speak to it")
    return answer


def _give_up(error: Exception) -> NoReturn:
    """A failed connection in words: worth another try, or not."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        raise _Refused("its certificate cannot be verified") from error
    if isinstance(error, socket.gaierror):
        raise _Broken("there is no network, or no such host") from error
    if isinstance(error, TimeoutError):
        raise _Broken(f"nothing came for {TIMEOUT:g} seconds") from error
    if isinstance(error, ConnectionRefusedError):
        raise _Broken("it refuses the connection") from error
    raise _Broken("the connection broke") from error


def _terms(
    response: http.client.HTTPResponse, item: Item, place: _Place, held: _Held
) -> tuple[int, int | None]:
    """From which byte the answer goes on, and how many bytes the file has in all."""
    headers, status = response.headers, response.status
    if status == 200:
        _check_plain(headers)
        total = response.length if response.length is not None else item.size
        if total is None and not response.chunked:
            raise _Refused("it does not say how long the file is")
        if item.size not in (None, total):
            raise _Refused(f"the file there has {total:,} bytes, not {item.size:,}")
        return 0, total
    if held.size and status == 206:
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        same = headers.get("ETag", held.etag) == held.etag
        if given and same and int(given[1]) == held.size and int(given[2]) == held.total:
            return held.size, held.total
    if held.size and status in (206, 416):
        _discard(place)
        raise _Broken("it cannot go on from where it stopped")
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "an unknown code"
    raise (_Broken if status in _PASSING else _Refused)(f"it answers {status}, {phrase}")


def _check_plain(headers: http.client.HTTPMessage) -> None:
    """Raise _Refused for what is not the bytes of a file."""
    if headers.get("Content-Encoding", "identity") != "identity":
        raise _Refused("it sends the file compressed")
    if headers.get("Content-Type", "").startswith("text/html"):
        raise _Refused("it answers with a web page, not a file")


def _chunks(
    response: http.client.HTTPResponse, start: int, total: int | None, report: Progress
) -> Iterator[bytes]:
    """The rest of the file; raises _Broken when it stops or crawls, _Refused when it overflows."""
    done, seconds, least = start, *STALL
    since, seen = time.monotonic(), start
    report(done, total)
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            _give_up(error)
        if not chunk:
            break
        done += len(chunk)
        if done > (_MOST_BYTES if total is None else total):
            raise _Refused("it sends more than it should")
        yield chunk
        report(done, total)
        if time.monotonic() - since > seconds:
            if done - seen < least:
                raise _Broken("it sends almost nothing")
            since, seen = time.monotonic(), done
    if total is not None and done < total:
        raise _Broken(f"the connection closed after {done:,} of {total:,} bytes")


def _receive(chunks: Iterator[bytes], place: _Place, start: int) -> str:
    """Put the chunks behind the first `start` bytes of the part; the SHA-256 of all of it."""
    digest = hashlib.sha256()
    with _disk("write", place.part):
        # Unbuffered, so that closing has nothing left to write and cannot fail a second time.
        file = FileIO(place.part, "rb+" if start else "wb")
    with file:
        left = start
        while left:
            with _disk("read", place.part):
                old = file.read(min(left, _CHUNK))
            if not old:
                raise _Broken("the part that was kept has become shorter")
            digest.update(old)
            left -= len(old)
        for chunk in chunks:
            digest.update(chunk)
            with _disk("write", place.part):
                _write(file, chunk)
        with _disk("write", place.part):
            os.fsync(file.fileno())
    return digest.hexdigest()


def _write(file: FileIO, chunk: bytes) -> None:
    """All of the chunk; one call may write less, which is how a full disk begins."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
