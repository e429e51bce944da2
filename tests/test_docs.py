"""Stale pages fail: every block of the pages runs, in order, page by page, in an empty folder.

```console: each line that begins with "$ " is a command and must exit with 0; only `eclipsed` may
be called. ```python: run in one namespace per page. A block marked `no-run` is left alone.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from eclipsed import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"console", "python", "text", "json"}


@dataclass(frozen=True)
class Block:
    language: str
    run: bool
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; fails for a language that this test would silently skip."""
    found = []
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, flags, content = match.groups()
        line = text[: match.start()].count("\n") + 1
        assert language in LANGUAGES, f"{page.name}:{line}: unknown language {language!r}"
        run = language in ("console", "python") and "no-run" not in flags.split()
        found.append(Block(language, run, line, content))
    return found


def commands(block: Block) -> list[list[str]]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]


def name(page: Path) -> str:
    return page.name


@pytest.fixture
def _all_cores() -> Iterator[None]:
    """The pages train for real; nothing here depends on the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_all_cores")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shared_cache: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda app: shared_cache / app)
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if not block.run:
            continue
        if block.language == "python":
            code = "\n" * block.line + block.text  # so that a traceback names the page's line
            exec(compile(code, str(page), "exec"), namespace)  # noqa: S102
            continue
        for program, *arguments in commands(block):
            assert program == "eclipsed", f"{page.name}:{block.line}: mark {program!r} as no-run"
            code = cli.run(arguments)
            assert code == 0, f"{page.name}:{block.line}: {arguments}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_local_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_verb_is_documented() -> None:
    verbs = {verb.name for verb in (*cli.app.registered_commands, *cli.app.registered_groups)}
    called = {words[1] for block in blocks(ROOT / "docs" / "cli.md") for words in commands(block)}
    assert verbs == called


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("x\n```python\n1 / 0\n```\n```console no-run\n$ rm -r x\n```\n")
    python, console = blocks(page)
    assert (python.run, python.line, python.text) == (True, 2, "1 / 0\n")
    assert (console.run, commands(console)) == (False, [["rm", "-r", "x"]])
    page.write_text("```ruby\n```\n")
    with pytest.raises(AssertionError, match="unknown language"):
        blocks(page)
