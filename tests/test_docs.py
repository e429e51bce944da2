"""Stale pages fail: every block of the pages runs, in order, page by page, in an empty folder.

```console: each line that begins with "$ " is a command. Only `eclipsed` may be called; it must
exit with 0, print what `PRINTS` says, and write what it was asked for. ```python: run in one
namespace per page. A block marked `no-run` is left alone.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageSequence

from eclipsed import cli
from eclipsed.editing.images import load_png, save_png
from eclipsed.inspect import describe
from eclipsed.methods import registry
from eclipsed.text import file_name

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"console", "python", "text", "json"}
_JUDGED = r"^  success +(0\.[5-9]|1\.)", r"^  locality +0\.[5-9]", "judged by independent networks"
# Beginning of a command → patterns of its output. All that fit a command apply to it, and one must.
PRINTS: dict[str, tuple[str, ...]] = {
    "animate": ("^wrote ",),
    "batch": (r"^2 jobs, 0 of them done before; the others take about ",),
    "check": ("^  regions ", "^  in sight ", r"^  best seeds +\d+( \d+)+$"),
    "check 'a lobster'": ("^unlikely: ",),
    "check 'curly hair'": ("^likely: ", "^  regions +hair$"),
    "check sunglasses": ("^likely: ", "^  regions +glasses$"),
    "clusters make": ("^wrote .*: 12 clusters of layer_",),
    "clusters look": ("^wrote ", "0=NAME"),
    "clusters name": ("^wrote ", "hair", "background"),
    "discover": (r"^wrote 3 directions of sefa", r"sheet\.png"),
    "doctor": ("^  torch +2", "^  cache +", "finds 10 of 10 regions", "^Everything is in place"),
    "edit": ("^wrote ",),
    "invert": (r"^wrote .*\.safetensors: [2-9]\d\.\d dB",),
    "sample": ("^wrote ",),
    "score": ('"success": {"median": (0\\.[5-9]|1\\.)', '"judged_by": "independent networks"'),
    "show edited.png": ("edit", r"curly-hair\.safetensors|red\.safetensors", "480d200e63e4"),
    "show party.safetensors": ("^party.safetensors: inversion", "party.jpg", "psnr"),
    "show sunglasses.safetensors": ("sunglasses", "glasses", "480d200e63e4", "success"),
    "strip": ("^wrote ",),
    "train 'a red background'": (r'"card": "red\.safetensors"', r'"regions": \["background"\]'),
    "train 'curly hair'": ("^wrote .* in hair, ", *_JUDGED),
    "train sunglasses": ("^wrote .* in glasses, ", "locality"),
    "train sunglasses --method": ("on the image of seed 7 alone",),
    "world starter": (
        "^  images +128×128",
        "^  regions +background, skin, ",
        "independent networks",
    ),
    "worlds": ("^  starter +built in ", "^  ffhq +public .*non-commercial"),
}


@dataclass(frozen=True)
class Block:
    language: str
    run: bool
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; fails for a language that this test would silently skip."""
    result = []
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, flags, content = match.groups()
        line = text[: match.start()].count("\n") + 1
        assert language in LANGUAGES, f"{page.name}:{line}: unknown language {language!r}"
        run = language in ("console", "python") and "no-run" not in flags.split()
        result.append(Block(language, run, line, content))
    return result


def commands(block: Block) -> list[list[str]]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]


def written(arguments: list[str]) -> Path | None:
    """What a command was asked to write: after -o, or the card that is named after a prompt."""
    if "--dry-run" in arguments:
        return None
    if "-o" in arguments:
        return Path(arguments[arguments.index("-o") + 1])
    return Path(f"{file_name(arguments[1])}.safetensors") if arguments[0] == "train" else None


def check_output(arguments: list[str], output: str) -> None:
    """Fail where a command's output is not what `PRINTS` says."""
    command = shlex.join(arguments)
    beginnings = [beginning for beginning in PRINTS if command.startswith(beginning)]
    assert beginnings, f"PRINTS says nothing of: {command}"
    if "--json" in arguments:
        assert isinstance(json.loads(output), dict)
    for pattern in (pattern for beginning in beginnings for pattern in PRINTS[beginning]):
        assert re.search(pattern, output, re.MULTILINE), f"{command}: no {pattern!r} in:\n{output}"


def check_file(path: Path, verb: str) -> None:
    """Fail where a written file is no card, segmenter or picture with something to see in it."""
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix != ".jsonl"]
        assert files, f"{path} is empty"
        for file in files:
            check_file(file, verb)
    elif path.suffix == ".safetensors":
        kinds = {"clusters": "segmenter", "invert": "inversion"}
        assert describe(path)["kind"] == kinds.get(verb, "card")
    else:
        with Image.open(path) as picture:
            frames = [frame.convert("RGB").copy() for frame in ImageSequence.Iterator(picture)]
        assert all(low < high for low, high in frames[0].getextrema())
        assert (len({frame.tobytes() for frame in frames}) > 2) == (verb == "animate")
        # A photo says of itself what it said before it was edited.
        if verb not in ("animate", "clusters") and path.suffix != ".jpg":
            recipe = load_png(path)[1]
            assert recipe is not None
            assert recipe["verb"] == verb


def name(page: Path) -> str:
    return page.name


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for all pages, so that what one of them caches serves the next."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def _at_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in; cache, configuration and data away from this user's; a method
    that a page registers is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda app: home / "cache" / app)
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))


@pytest.fixture
def _all_cores() -> Iterator[None]:
    """The pages train for real; nothing here depends on the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_all_cores", "_at_home")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}  # as a script
    for block in blocks(page):
        if not block.run:
            continue
        if block.language == "python":
            code = "\n" * block.line + block.text  # so that a traceback names the page's line
            exec(compile(code, str(page), "exec"), namespace)  # noqa: S102
            continue
        for program, *arguments in commands(block):
            assert program == "eclipsed", f"{page.name}:{block.line}: mark {program!r} as no-run"
            capsys.readouterr()
            code = cli.run(arguments)
            output, errors = capsys.readouterr()
            assert code == 0, f"{page.name}:{block.line}: {arguments}: {errors}"
            check_output(arguments, output)
            if (path := written(arguments)) is not None:
                check_file(path, arguments[0])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_local_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_verb_is_documented() -> None:
    verbs = {
        verb.name for verb in (*cli.program.registered_commands, *cli.program.registered_groups)
    }
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


def test_a_command_that_prints_something_else_is_seen() -> None:
    output = "  images  128×128\n  regions  background, skin, \n  scores by  independent networks"
    check_output(["world", "starter"], output)
    with pytest.raises(AssertionError, match=r"no '\^  regions"):
        check_output(["world", "starter"], output.replace("skin", "roof"))
    with pytest.raises(AssertionError, match="says nothing of: undo"):
        check_output(["undo", "it"], output)


def test_a_file_with_something_else_in_it_is_seen(tmp_path: Path) -> None:
    assert written(["train", "red hair"]) == Path("red-hair.safetensors")
    assert written(["edit", "-o", "a.png"]) == Path("a.png")
    assert written(["batch", "a.toml", "-o", "a", "--dry-run"]) is None
    with pytest.raises(AssertionError, match="empty"):
        check_file(tmp_path, "sample")
    shades = Image.linear_gradient("L").convert("RGB")
    for picture, recipe in (
        (Image.new("RGB", (8, 8)), {"verb": "edit"}),
        (shades, {"verb": "strip"}),
    ):
        save_png(picture, tmp_path / "picture.png", recipe)
        with pytest.raises(AssertionError):
            check_file(tmp_path / "picture.png", "edit")
    save_png(shades, tmp_path / "picture.png", {"verb": "edit"})
    check_file(tmp_path / "picture.png", "edit")
