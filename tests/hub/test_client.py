import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from huggingface_hub import constants, hf_hub_download

from hub_server import Hub, sha256
from sightline.errors import CheckpointError, RefusedError, RemoteError
from sightline.hub import Entry, Repository, Terms, cached, fetch, repository, resolve
from sightline.hub.catalog import HubFile, HubFiles, WebFile

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WEIGHTS = bytes(range(256)) * 1200
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "flax_model.msgpack": b"flax",
    "onnx/model.onnx": b"onnx",
    "README.md": b"# card",
}
WANTED = ("config.json", "model.safetensors", "tokenizer.json")
MODEL = Repository(name="org/model")
PAGE = "https://huggingface.co/org/model"


def listed_as(hub_files: HubFiles | WebFile, **other: object) -> Entry:
    """Return an entry of the catalog's kind."""
    known = resolve("ViT-B-32/openai")
    assert isinstance(known, Entry)
    plain = {"name": "Tiny/test", "aliases": (), "layout": "huggingface", "source": hub_files}
    return msgspec.structs.replace(known, **(plain | other))


# What comes


def test_a_repository_comes_with_the_files_that_a_checkpoint_needs_and_no_other(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    found = fetch(resolve("org/model"))
    assert (found.name, found.commit, found.license) == ("org/model", commit, "mit")
    assert found.files == WANTED
    assert {path.name for path in found.path.iterdir()} == set(found.files)
    for name in found.files:
        assert (found.path / name).read_bytes() == FILES[name]


def test_a_second_call_asks_nothing(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    assert cached(MODEL) is None
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL) == first == cached(MODEL)
    assert hub.log == []


def test_a_branch_that_is_named_is_asked_for_and_bodies_are_not(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL, revision="main") == first
    assert [one.path for one in hub.log] == ["/api/models/org/model/revision/main"]


def test_what_is_in_the_cache_stays_until_the_branch_is_named(hub: Hub) -> None:
    old = hub.publish("org/model", FILES)
    fetch(MODEL)
    new = hub.publish("org/model", FILES | {"config.json": b"{}"})
    assert fetch(MODEL).commit == old
    assert fetch(MODEL, revision="main").commit == new
    assert fetch(MODEL).commit == new
    assert fetch(MODEL, revision=old).commit == old
    assert len(hub.bodies("model.safetensors")) == 2  # a redirect and the bytes: only once


def test_a_commit_branch_or_tag_is_taken(hub: Hub) -> None:
    old = hub.publish("org/model", FILES, branch="v1")
    hub.publish("org/model", FILES | {"config.json": b"{}"})
    assert fetch(MODEL, revision="v1").commit == old
    assert fetch(Repository(name="org/model", revision=old)).commit == old


def test_large_files_come_from_another_host_that_never_sees_the_token(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL, token="hf_good")
    assert {one.server for one in hub.bodies("model.safetensors")} == {"hub", "cdn"}
    tokens = {(one.server, one.token) for one in hub.log}
    assert tokens == {("hub", "Bearer hf_good"), ("cdn", None)}


def test_a_token_of_the_environment_opens_a_gated_repository(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish("org/model", FILES)
    hub.gated.add("org/model")
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert fetch(MODEL).files == WANTED


def test_progress_only_grows_and_ends_at_the_total(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [100_000, 50_000]
    told: list[tuple[int, int, str]] = []
    fetch(MODEL, progress=lambda *what: told.append(what))
    done = [one[0] for one in told]
    total = sum(len(FILES[name]) for name in WANTED)
    assert done == sorted(set(done))
    assert {one[1] for one in told} == {total} == {done[-1]}
    assert [*dict.fromkeys(one[2] for one in told)] == list(WANTED)
    told.clear()
    fetch(MODEL, progress=lambda *what: told.append(what))
    assert told == []  # nothing was fetched


def test_nothing_is_printed(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL)
    assert capfd.readouterr() == ("", "")


def test_large_bytes_are_hashed_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("org/model", FILES)
    hashed: list[str] = []
    monkeypatch.setattr(
        repository, "verify", lambda path, expected, what: hashed.append(what.split()[0])
    )
    fetch(MODEL)
    fetch(MODEL)
    assert hashed == list(WANTED)


# The catalog's own entries


def test_an_entry_brings_its_files_of_its_revision(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    hub.publish("org/model", FILES | {"config.json": b"newer"})
    files = tuple(
        HubFile(name=name, sha256=sha256(FILES[name]))
        for name in ("config.json", "model.safetensors")
    )
    entry = listed_as(HubFiles(repository="org/model", revision=commit, files=files))
    found = fetch(entry)
    assert (found.name, found.commit, found.license) == ("Tiny/test", commit, "MIT")
    assert found.files == ("config.json", "model.safetensors")
    assert fetch(entry, revision="main").files == WANTED  # chosen anew: another commit


def test_a_layout_is_not_taken_for_the_other_of_its_repository(hub: Hub) -> None:
    both = FILES | {"open_clip_config.json": b"{}", "open_clip_model.safetensors": WEIGHTS}
    hub.publish("org/model", both)
    assert "open_clip_config.json" in fetch(MODEL).files
    entry = listed_as(HubFiles(repository="org/model", revision=None, files=()))
    assert cached(entry) is None
    assert fetch(entry).files == WANTED


def test_a_digest_of_the_catalog_wins_over_the_hubs(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    files = (
        HubFile(name="config.json", sha256=None),
        HubFile(name="model.safetensors", sha256="0" * 64),
    )
    entry = listed_as(HubFiles(repository="org/model", revision=commit, files=files))
    for _ in range(2):  # it is removed, and so fetched again
        with pytest.raises(RemoteError) as caught:
            fetch(entry)
        assert str(caught.value) == (
            f"model.safetensors of org/model has the sha256 digest {sha256(WEIGHTS)} but "
            f"{'0' * 64} is expected: it was removed, so fetch it again, and trust no copy that "
            "differs a second time"
        )
    assert len(hub.bodies(f"/{commit}/model.safetensors")) == 4
    assert cached(entry) is None


def test_a_file_that_the_catalog_names_and_the_repository_lacks(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    files = (HubFile(name="gone.bin", sha256=None), HubFile(name="config.json", sha256=None))
    with pytest.raises(RemoteError) as caught:
        fetch(listed_as(HubFiles(repository="org/model", revision=commit, files=files)))
    assert str(caught.value) == (
        f"org/model lacks gone.bin: look at {PAGE}, or name another revision"
    )


def test_what_cannot_be_loaded_is_not_fetched(hub: Hub) -> None:
    with pytest.raises(CheckpointError) as caught:
        fetch(resolve("MobileCLIP-S2/datacompdr"))
    assert str(caught.value) == (
        "MobileCLIP-S2/datacompdr cannot be loaded: its image tower is a hybrid of convolutions "
        "and a transformer, which a spec cannot describe: take ViT-B-16/datacomp_xl_s13b_b90k or "
        "a TinyCLIP"
    )
    assert hub.log == []


def test_a_repository_without_a_checkpoint_is_refused(hub: Hub) -> None:
    hub.publish("org/model", {"README.md": b""})
    with pytest.raises(CheckpointError, match=r"^org/model holds no checkpoint: it needs sight"):
        fetch(MODEL)


def test_one_file_at_an_address_comes_too(hub: Hub, tmp_path: Path) -> None:
    hub.web["/models/tiny.pt"] = WEIGHTS
    entry = listed_as(
        WebFile(url=f"{hub.url}/models/tiny.pt", sha256=sha256(WEIGHTS)), layout="openai"
    )
    shown: list[Terms] = []
    assert cached(entry) is None
    found = fetch(entry, on_license=shown.append)
    assert found.path.read_bytes() == WEIGHTS
    assert found.path.is_relative_to(tmp_path / "sightline-home" / "hub")
    assert (found.files, found.commit, found.license) == (("tiny.pt",), None, "MIT")
    assert cached(entry) == fetch(entry, offline=True, on_license=shown.append) == found
    assert len(shown) == 1
    with pytest.raises(RemoteError) as caught:
        fetch(entry, revision="main")
    assert str(caught.value) == "Tiny/test is one file without revisions: leave out 'main'"


def test_one_file_that_is_not_there_offline(hub: Hub) -> None:
    entry = listed_as(WebFile(url=f"{hub.url}/tiny.pt", sha256="0" * 64))
    with pytest.raises(RemoteError) as caught:
        fetch(entry, offline=True)
    assert str(caught.value) == (
        "Tiny/test is not in the cache and fetching is off: fetch it once with a connection"
    )
    assert hub.log == []


# The licence


def test_the_licence_is_shown_before_the_first_download_and_not_again(hub: Hub) -> None:
    hub.publish("org/model", FILES, license="apache-2.0")
    shown: list[Terms] = []

    def show(terms: Terms) -> None:
        assert hub.bodies() == []
        shown.append(terms)

    fetch(MODEL, on_license=show)
    fetch(MODEL, on_license=show)
    read_in = f"the card of {PAGE}"
    assert shown == [Terms(name="org/model", license="apache-2.0", read_in=read_in, page=PAGE)]


def test_a_card_without_a_licence_says_so(hub: Hub) -> None:
    hub.publish("org/model", FILES, license=None)
    shown: list[Terms] = []
    fetch(MODEL, on_license=shown.append)
    assert shown == [Terms(name="org/model", license=None, read_in=None, page=PAGE)]


def test_the_catalogs_licence_is_shown_with_its_source(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    source = HubFiles(repository="org/model", revision=None, files=())
    shown: list[Terms] = []
    fetch(listed_as(source, sources={"license": "LICENSE at abc"}), on_license=shown.append)
    [terms] = shown
    assert terms == Terms(name="Tiny/test", license="MIT", read_in="LICENSE at abc", page=PAGE)


def test_who_refuses_the_terms_downloads_nothing(hub: Hub) -> None:
    hub.publish("org/model", FILES)

    def refuse(terms: Terms) -> None:
        raise RefusedError(f"{terms.license} may not be used here")

    with pytest.raises(RefusedError, match=r"^mit may not be used here$"):
        fetch(MODEL, on_license=refuse)
    assert hub.bodies() == []


# Without a connection, and beside other programs


def test_offline_uses_what_was_fetched(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL, offline=True) == fetch(MODEL, offline=True, revision="main") == first
    assert hub.log == []


def test_offline_without_it_says_what_to_do(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL, offline=True)
    assert str(caught.value) == (
        "org/model is not in the cache and fetching is off: fetch it once with a connection and "
        "without HF_HUB_OFFLINE"
    )
    assert hub.log == []


def download_as_another_program(*names: str) -> Path:
    """Let the client alone download, as transformers does."""
    return [Path(hf_hub_download("org/model", name)) for name in names].pop()


def test_what_another_program_downloaded_is_found_offline(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    download_as_another_program(*WANTED)
    assert cached(MODEL) is None  # nobody verified it yet
    hub.log.clear()
    found = fetch(MODEL, offline=True)
    assert (found.files, found.commit, found.license) == (WANTED, commit, None)
    assert hub.log == []
    assert cached(MODEL) == found


def test_what_another_program_downloaded_is_not_fetched_again(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    download_as_another_program("model.safetensors")
    hub.log.clear()
    assert fetch(MODEL).files == WANTED
    assert hub.bodies("model.safetensors") == []


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_file_of_another_program_is_removed(offline: bool, name: str, hub: Hub) -> None:
    hub.publish("org/model", FILES)
    folder = download_as_another_program(*WANTED).parent
    (folder / name).resolve().write_bytes(b"damaged")
    with pytest.raises(RemoteError, match=rf"^{name} of org/model has the (sha256|git) digest "):
        fetch(MODEL, offline=offline)
    assert not (folder / name).exists()
    assert (fetch(MODEL).path / name).read_bytes() == FILES[name]


def test_a_file_that_changed_since_it_was_verified_is_looked_at_again(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    found = fetch(MODEL)
    (found.path / "model.safetensors").resolve().write_bytes(b"\0" * len(WEIGHTS))
    assert cached(MODEL) is None
    with pytest.raises(RemoteError, match="it was removed"):
        fetch(MODEL)


# What goes wrong


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_bytes_that_differ_from_what_the_hub_declares_are_removed(name: str, hub: Hub) -> None:
    hub.publish("org/model", FILES, declared={name: b"what was meant"})
    with pytest.raises(RemoteError, match=rf"^{name} of org/model has the .* digest .* removed"):
        fetch(MODEL)
    left = [path.name for path in Path(constants.HF_HUB_CACHE).rglob("*part*")]
    assert left == []
    assert cached(MODEL) is None
    hub.publish("org/model", FILES)
    assert fetch(MODEL, revision="main").files == WANTED


@pytest.mark.parametrize(
    ("asked", "revision", "message"),
    [
        (
            "org/modle",
            None,
            "the hub has no repository org/modle, or it is private: set HF_TOKEN, or correct the "
            "name, to which the nearest known are ",
        ),
        (
            "org/model",
            "v9",
            f"org/model has no such revision: name a branch, tag or commit that {PAGE} lists",
        ),
        (
            "org/gated",
            None,
            "org/gated is refused (HTTP 401): accept its terms on "
            "https://huggingface.co/org/gated and set HF_TOKEN to a token that may read it",
        ),
        (
            "org/model",
            "../../secret",
            "'../../secret' is no revision of org/model: name a branch, tag or whole commit",
        ),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(
    asked: str, revision: str | None, message: str, hub: Hub
) -> None:
    hub.publish("org/model", FILES)
    hub.publish("org/gated", FILES)
    hub.gated.add("org/gated")
    with pytest.raises(RemoteError) as caught:
        fetch(Repository(name=asked), revision=revision)
    assert str(caught.value).startswith(message)


def test_a_hub_that_cannot_be_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value) == (
        "http://127.0.0.1:1 cannot be reached for org/model ([Errno 111] Connection refused): "
        "check the connection, set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 to use what the "
        "cache holds"
    )


def test_a_cut_connection_goes_on_where_it_was(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [200_000]
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == [None, "bytes=200000-"]


def test_a_connection_that_is_cut_again_and_again_leaves_what_came(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [1000, 0, 0]  # and after bytes came, two more tries
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value).startswith("model.safetensors of org/model was cut at 1000 bytes (")
    assert str(caught.value).endswith("): fetch it again to go on from there")
    hub.log.clear()
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    assert [one.range for one in hub.bodies("model.safetensors")] == ["bytes=1000-"] * 2


# In processes of their own, where the environment is read


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


def test_two_processes_at_once_both_end_well_and_large_bytes_come_once(
    hub: Hub, tmp_path: Path
) -> None:
    hub.publish("org/model", FILES)
    with (
        another_process(hub, tmp_path) as first,
        another_process(hub, tmp_path) as second,
    ):
        answers = [answer_of(first), answer_of(second)]
    assert answers[0] == answers[1]
    assert (Path(str(answers[0]["path"])) / "model.safetensors").read_bytes() == WEIGHTS
    assert len([one for one in hub.bodies("model.safetensors") if one.server == "cdn"]) == 1


def test_a_killed_fetch_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [250_000]
    hub.held.clear()  # the body stops there until the process is dead
    with another_process(hub, tmp_path) as process:
        assert process.stdout is not None
        while int(process.stdout.readline().split()[0]) < 250_000:
            pass
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL
    hub.held.set()
    with another_process(hub, tmp_path) as process:
        answer = answer_of(process)
    assert (Path(str(answer["path"])) / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == [None, "bytes=250000-"]
