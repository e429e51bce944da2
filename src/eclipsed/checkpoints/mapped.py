"""Files looked at without reading them whole: checkpoints may be larger than the memory."""

from __future__ import annotations

import errno
import mmap
import os
import stat

from eclipsed.errors import BadFile
from eclipsed.files import HEAD, StrPath, check_genuine, failure, shown

# The largest public checkpoint known, e4e with its training data, stays below 3 GB.
_LIMIT = 32 * 2**30


def map_file(path: StrPath) -> memoryview:
    """The bytes of a regular file; pages are fetched when they are looked at.

    Raises BadFile when it is missing, a folder, a device or a pipe, unreadable, larger than any
    checkpoint, or a page or pointer in the place of a file (`check_genuine`).
    """
    try:
        # Asked before opening: opening a pipe would wait for ever.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise BadFile(f"Cannot read {shown(path)}: it is not a regular file.", "Name a file.")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > _LIMIT:
                raise BadFile(f"Cannot read {shown(path)}: it is larger than any checkpoint known.")
            # An empty file cannot be mapped.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except (OSError, ValueError) as error:
        raise failure("read", path, error) from error
    check_genuine(content[:HEAD], path)
    return memoryview(content)
