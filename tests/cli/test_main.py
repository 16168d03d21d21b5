import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from ran import Ran
from sightline.cli import run as run_and_exit
from sightline.cli.main import exit_code, group
from sightline.cli.verbs import VERBS
from sightline.errors import SightlineError

# A shell's background job, as a CI's may be, ignores Ctrl-C, and its children inherit that.
HEAR_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = (sys.executable, "-c", f"{HEAR_CTRL_C}; from sightline.cli import run; run()")
NO_MEMORY = (
    "sightline: error: there is not enough memory for this: take a smaller model or fewer pictures "
    "at once, or close other programs\n"
)


def test_help_lists_every_verb_by_group_and_ends_with_an_example(run: Callable[..., Ran]) -> None:
    ran = run("--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Look at pictures:" in ran.out
    assert all(f"  {name} " in ran.out for name in VERBS)
    assert ran.out.splitlines()[-1].strip().startswith("Example: sightline ")


def test_a_verb_that_is_not_there_names_the_nearest(run: Callable[..., Ran]) -> None:
    ran = run("clasify")
    assert ran.code == 2
    assert ran.err.splitlines()[-1] == "Error: there is no verb 'clasify': did you mean 'classify'?"
    assert "see sightline --help" in run("xyz").err


def test_an_option_that_is_not_there_is_used_wrongly(run: Callable[..., Ran]) -> None:
    assert run("classify", "photo.jpg", "--labels", "a,b", "--colour").code == 2


def test_the_version_is_printed(run: Callable[..., Ran]) -> None:
    assert run("--version").out.startswith("sightline 0.")


def test_an_error_is_one_sentence_and_debug_shows_where(run: Callable[..., Ran]) -> None:
    wrong = ("classify", "photo.jpg", "--labels", "a,a")
    sentence = "sightline: error: label 'a' is given twice: give each label once\n"
    assert run(*wrong) == Ran(2, "", sentence)
    for arguments in ((*wrong, "--debug"), ("--debug", *wrong)):
        ran = run(*arguments)
        assert ran.code == 2
        assert ran.err.startswith("Traceback")
        assert ran.err.endswith(sentence)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "sightline: interrupted\n"),
        (SightlineError("no"), 4, "sightline: error: no\n"),
        (BrokenPipeError(), 0, ""),
        (
            OSError(28, "No space left on device"),
            4,
            "sightline: error: [Errno 28] No space left on device\n",
        ),
        (MemoryError("Unable to allocate 9 GiB for an array"), 4, NO_MEMORY),
        (MemoryError(), 4, NO_MEMORY),
        (
            RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer"),
            4,
            NO_MEMORY,
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 4, NO_MEMORY),
        (
            KeyError("oops"),
            4,
            "sightline: error: a fault in Sightline itself, KeyError: 'oops' "
            "(--debug shows where)\n",
        ),
    ],
)
def test_every_error_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    def fail(_context: click.Context) -> None:
        raise error

    monkeypatch.setattr(group, "invoke", fail)
    monkeypatch.setattr("sightline.cli.main._abandon", lambda stream: None)
    assert exit_code(["classify"]) == code
    assert capsys.readouterr().err == sentence


def test_the_process_exits_with_the_code() -> None:
    with pytest.raises(SystemExit) as stopped:
        run_and_exit(["classify"])
    assert stopped.value.code == 2


def start(desk: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, cwd=desk, env=environment
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_middle_exits_130_without_a_traceback(
    desk: Path, how: signal.Signals
) -> None:
    with start(desk, "classify", "-", "--labels", "cat,dog", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"photo.jpg\n" * 200)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["path"] == "photo.jpg"
        process.send_signal(how)
        process.stdout.read()
        assert process.stderr.read() == b"sightline: interrupted\n"
    assert process.returncode == 130


@pytest.mark.parametrize(("closed", "code"), [("<&-", 4), (">&-", 0), ("2>&-", 3)])
def test_a_stream_that_the_caller_closed_is_an_empty_one(
    desk: Path, closed: str, code: int
) -> None:
    pictures = "-" if closed == "<&-" else "photo.jpg" if closed == ">&-" else "photo.jpg none.jpg"
    (desk / "none.jpg").write_bytes(b"")
    typed = shlex.join([*COMMAND, "classify", *pictures.split(), "--labels", "cat,dog"])
    ran = subprocess.run(
        ["sh", "-c", f"{typed} {closed}"], cwd=desk, capture_output=True, text=True, check=False
    )
    assert ran.returncode == code
    assert "Error" not in ran.stderr
    assert ("photo.jpg" in ran.stdout) == (closed == "2>&-")


def test_a_reader_who_has_seen_enough_is_no_error(desk: Path) -> None:
    with start(desk, "classify", "-", "--labels", "cat,dog", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"photo.jpg\n" * 200)
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_file_name_that_is_not_unicode_is_printed_and_kept(desk: Path) -> None:
    name = os.fsencode(desk) + b"/caf\xe9.png"
    with open(name, "wb") as file:
        file.write((desk / "photos" / "0.png").read_bytes())
    with start(desk, "classify", ".", "--labels", "cat,dog", "--json") as process:
        out, _ = process.communicate()
    paths = [json.loads(line)["path"] for line in out.splitlines()]
    assert os.fsencode(paths[0]) == b"caf\xe9.png"
    assert process.returncode == 3  # of the empty picture that lies there


def test_a_stranger_s_names_reach_the_terminal_neither_raw_nor_whole(
    run: Callable[..., Ran], desk: Path
) -> None:
    name = "\x1b[31m\n" + "x" * 10_000
    (desk / "model").mkdir()
    (desk / "model" / "model.safetensors").write_bytes(b"")
    (desk / "model" / "config.json").write_text(json.dumps({"model_type": name}))
    ran = run("classify", "photo.jpg", "--labels", "cat,dog", "--model", "model")
    assert ran.code == 4
    assert ran.err.count("\n") == 1
    assert "\x1b" not in ran.err
    assert len(ran.err) < 2000


ENDS = """
import atexit, sys
atexit.register(print, "tidied up", flush=False)
class Held:
    def __del__(self): print("taken apart", flush=True)
held = Held()
from sightline.cli import program
sys.stdout.write("not a whole line")
sys.argv[1:] = {arguments}
program()
"""


def ran_alone(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["classify", "a.jpg", "--labels", "a,a"], 2)]
)
def test_a_program_ends_with_its_code_and_with_all_that_was_written(
    arguments: list[str], code: int
) -> None:
    script = ENDS.format(arguments=arguments)
    ran = ran_alone(script)
    assert ran.returncode == code
    assert ran.stdout.startswith("not a whole line")
    assert ran.stdout.endswith("tidied up\n")
    assert "taken apart" not in ran.stdout
    ran = ran_alone(script.replace("import program", "import run").replace("program()", "run()"))
    assert ran.returncode == code
    assert "taken apart" in ran.stdout  # control
