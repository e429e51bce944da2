from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer

from eclipsed.cli import console
from eclipsed.errors import BadFile
from tests.cli.conftest import Run


def app_raising(error: BaseException) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def verb(as_json: bool = typer.Option(False, "--json")) -> NoReturn:
        raise error

    return app


def test_an_error_is_a_sentence_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    error = BadFile("Cannot read 'x': it is a folder.", "Name a file.")
    assert console.run(app_raising(error), []) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "eclipsed: Cannot read 'x': it is a folder. Name a file.\n"


def test_an_error_is_one_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(app_raising(BadFile("It is bad.", "Mend it.")), ["--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": "It is bad.", "hint": "Mend it."}
    assert err == ""


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(app_raising(KeyboardInterrupt()), []) == 130
    assert capsys.readouterr().err == "eclipsed: Stopped.\n"
    assert console.run(app_raising(console.Stopped("Stopped at 3.", "Go on.")), ["--json"]) == 130
    assert json.loads(capsys.readouterr().out) == {"error": "Stopped at 3.", "hint": "Go on."}


def test_a_system_error_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert console.run(app_raising(error), []) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_a_bug_shows_no_traceback_unless_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECLIPSED_TRACEBACK", raising=False)
    assert console.run(app_raising(RuntimeError("boom\nmore")), []) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: boom)" in err
    assert "Traceback" not in err
    monkeypatch.setenv("ECLIPSED_TRACEBACK", "1")
    assert console.run(app_raising(RuntimeError("boom")), ["--json"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" in err
    assert set(json.loads(out)) == {"error", "hint"}


def test_nothing_printed_can_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.run(app_raising(BadFile("It is \x1b[31mred\x07.")), [])
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\x07" not in err


def test_a_closed_pipe_is_quiet() -> None:
    """`eclipsed --help | true`: nothing about a broken pipe, whoever wins the race."""
    code = "import sys; from eclipsed.cli import main; sys.argv[1:] = ['--help']; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


def program(*words: str, code: str = "pass", **options: Any) -> tuple[int, bytes]:
    """The program in a process of its own: its exit code, and what it says on stderr."""
    code = f"import os, signal; from eclipsed import cli; {code}; cli.main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, *words],
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
        **{"stdout": subprocess.DEVNULL, **options},
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--help",), b"The system refused: [Errno 28] No space left on device."),
        (("sing", "--json"), b"No such command 'sing'. See 'eclipsed --help'."),
    ],
)
def test_a_full_disk_behind_the_output_is_one_sentence(words: tuple[str, ...], says: bytes) -> None:
    with open("/dev/full", "wb") as full:
        code, said = program(*words, stdout=full)
    assert code != 0
    assert said == b"eclipsed: " + says + b"\n"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_that_is_closed_stops_nothing(number: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    write = f"lambda: print(open({str(path)!r}, 'w').write('mine'), os.write(1, b'x'))"
    verb = f"cli.program.command('write')({write})"
    assert program("write", code=verb, stdout=None, preexec_fn=lambda: os.close(number))[0] == 0
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_to_end_stop_it_as_ctrl_c_does(name: str) -> None:
    # As a shell starts a command, whatever the tests themselves were started with.
    handler = "default_int_handler" if name == "SIGINT" else "SIG_DFL"
    verb = f"signal.signal(signal.{name}, signal.{handler}); "
    verb += f"cli.program.command('wait')(lambda: os.kill(os.getpid(), signal.{name}))"
    assert program("wait", code=verb) == (130, b"eclipsed: Stopped.\n")


def test_a_signal_that_nohup_has_ignored_stays_so() -> None:
    verb = "signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    verb += "cli.program.command('wait')(lambda: os.kill(os.getpid(), signal.SIGHUP))"
    assert program("wait", code=verb) == (0, b"")


def test_a_poor_terminal_stops_nothing() -> None:
    code = "from eclipsed.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "x", "-o", "é.png"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"eclipsed: Invalid value for -o: '\\xe9.png' must end in")


def test_what_typer_says_becomes_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    error = typer.BadParameter("Value error, 'q' is not one of 'w', 'z'", param_hint="--space")
    assert console.run(app_raising(error), []) == 2
    err = capsys.readouterr().err
    assert err.startswith("eclipsed: Invalid value for --space: 'q' is not one of 'w', 'z'. See ")


def test_help_imports_no_torch() -> None:
    code = (
        "import sys, eclipsed; from eclipsed.cli import run; code = run(['train', '--help']);"
        "sys.exit(code or sum(m in sys.modules for m in ('torch', 'numpy', 'transformers', 'PIL')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert b"ganspace" in done.stdout


def test_no_verb_prints_help_and_is_wrong_usage(eclipsed: Run) -> None:
    ran = eclipsed()
    assert (ran.code, ran.out) == (2, "")
    assert "train" in ran.err
    assert eclipsed("--help").code == 0
    assert eclipsed("--version").out.startswith("eclipsed 0.")
    assert eclipsed("sing").code == 2


def test_every_line_of_the_help_is_whole(eclipsed: Run) -> None:
    lines = eclipsed("--help").out.splitlines()[1:]
    assert not [line for line in lines if line.endswith(("...", "…"))]
