"""What the project stands on: accepted licences, and versions without known holes.

    python -m benchmarks.audit [LOCK]        # or: make audit

The licences are those that the installed packages of the lock say they have. The versions are
compared by pip-audit, which is no part of the development environment: it asks a database over the
network. Where it is not there, the audit says so and fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
# Each may be used, changed and passed on beside a work under Apache-2.0; those of Mozilla ask for
# their own files only.
ACCEPTED = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CNRI-Python HPND ISC LLVM-exception "
    "MIT MIT-CMU MPL-2.0 PSF-2.0 Zlib".split()
)
# What older packages call them.
NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages whose metadata say nothing, by the text that comes along.
UNSAID = {"resvg_py": "MIT"}


def main() -> None:
    """The command line."""
    lock = Path(sys.argv[1]) if len(sys.argv) > 1 else LOCK
    known = licences(lock)
    for package, licence in known.items():
        print(f"{package:30} {licence}{'' if accepted(licence) else '   NOT ACCEPTED'}")
    refused = [package for package, licence in known.items() if not accepted(licence)]
    print(f"{len(known)} licences, {len(refused)} not accepted{': ' * bool(refused)}", end="")
    print(", ".join(refused))
    sys.exit(bool(refused) | has_holes(lock))


def licences(lock: Path = LOCK) -> dict[str, str]:
    """Package → its licence as it says itself, of all that the lock pins; "" where none is said."""
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)
    return {package: UNSAID.get(package) or licence_of(package) for package in pinned}


def licence_of(package: str) -> str:
    """The SPDX expression of an installed package, made of its classifiers where it has none."""
    try:
        facts = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return ""
    if said := facts.get("License-Expression"):
        return str(said)
    lines = [line for line in facts.get_all("Classifier") or [] if line.startswith("License :: ")]
    words = [line.rpartition(" :: ")[2] for line in lines if not line.endswith("OSI Approved")]
    words = words or [str(facts.get("License") or "").split("\n")[0]]
    return " AND ".join(NAMES.get(word, word) for word in words)


def accepted(licence: str) -> bool:
    """Whether each part of an SPDX expression is, or one of those that one may choose among."""
    return any(
        all(part.strip("() ") in ACCEPTED for part in re.split(r" AND | WITH ", choice))
        for choice in licence.split(" OR ")
    )


def has_holes(lock: Path) -> bool:
    """Whether a version has a known hole, or nobody could tell."""
    if find_spec("pip_audit") is None:
        print("Known holes were not looked for: pip-audit, which needs a network, is not here:")
        print(f"{sys.executable} -m pip install pip-audit")
        return True
    words = ["--requirement", str(lock), "--no-deps", "--disable-pip"]
    return subprocess.run([sys.executable, "-m", "pip_audit", *words], check=False).returncode != 0


if __name__ == "__main__":
    main()
