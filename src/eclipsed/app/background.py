"""Work that goes on while the page is looked at: a thread that tells how it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from eclipsed.errors import EclipsedError, unexpected


def begin(
    name: str, work: Callable[[], None], failed: Callable[[str, bool], None]
) -> threading.Thread:
    """Start work in a thread of that name.

    failed: told in one sentence why it ended early, and whether that was foreseen.
    """

    def guarded() -> None:
        try:
            work()
        except EclipsedError as error:
            failed(str(error), True)
        except Exception as error:  # noqa: BLE001 - nobody else would ever hear of it
            failed(str(unexpected(error)), False)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread
