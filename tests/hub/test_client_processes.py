"""Fetching in processes of their own: the environment, two at once, one that is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub_server import Hub
from tiny_repository import FILES, WEIGHTS

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@contextmanager
def another_process(hub: Hub, tmp_path: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Fetch org/model in a fresh interpreter; it may not outlive the block."""
    program = Path(__file__).parents[1] / "hub_client.py"
    keep = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    places = {"HF_HOME": str(tmp_path / "hf"), "SIGHTLINE_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(program), "org/model"],
        env=keep | {"HF_ENDPOINT": hub.url} | places | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(process: subprocess.Popen[str]) -> dict[str, object]:
    """Wait for the end and return the last line."""
    said, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (0, "")
    answer: dict[str, object] = json.loads(said.splitlines()[-1])
    return answer


def test_a_mirror_a_token_and_no_telemetry_by_the_environment(hub: Hub, tmp_path: Path) -> None:
    commit = hub.publish("org/model", FILES)
    hub.gated.add("org/model")
    with another_process(hub, tmp_path, HF_TOKEN="hf_good") as process:
        assert answer_of(process)["commit"] == commit
    assert all("torch/" not in one.agent for one in hub.log)
    assert "/api/agent-harnesses" not in {one.path for one in hub.log}  # who is calling?
    assert {one.agent.split(";")[0] for one in hub.log if "/api/" in one.path} == {"sightline/None"}
    hub.log.clear()
    with another_process(hub, tmp_path, HF_HUB_OFFLINE="1") as process:
        assert answer_of(process)["commit"] == commit
    assert hub.log == []


def test_offline_by_the_environment(hub: Hub, tmp_path: Path) -> None:
    hub.publish("org/model", FILES)
    with another_process(hub, tmp_path, HF_HUB_OFFLINE="1") as process:
        assert answer_of(process) == {
            "error": "org/model is not in the cache and fetching is off: fetch it once with a "
            "connection and without HF_HUB_OFFLINE"
        }
    assert hub.log == []


def wait_until_cut(process: subprocess.Popen[str], there: int) -> None:
    """Read what a process tells until it has so many bytes."""
    assert process.stdout is not None
    while int(process.stdout.readline().split()[0]) < there:
        pass


def test_two_processes_at_once_both_end_well_and_large_bytes_come_once(
    hub: Hub, tmp_path: Path
) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [250_000]
    hub.held.clear()  # the first one's bytes stop there until the second one wants them too
    with another_process(hub, tmp_path) as first:
        wait_until_cut(first, 250_000)
        with another_process(hub, tmp_path) as second:
            hub.wait_for("/api/models/org/model", times=2)
            hub.held.set()
            answers = [answer_of(first), answer_of(second)]
    assert answers[0] == answers[1]
    assert (Path(str(answers[0]["path"])) / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == [None, "bytes=250000-"]


def test_a_killed_fetch_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [250_000]
    hub.held.clear()  # the body stops there until the process is dead
    with another_process(hub, tmp_path) as process:
        wait_until_cut(process, 250_000)
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL
    hub.held.set()
    with another_process(hub, tmp_path) as process:
        answer = answer_of(process)
    assert (Path(str(answer["path"])) / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == [None, "bytes=250000-"]
