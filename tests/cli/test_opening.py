"""What a person sees while a published model is fetched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hub_server import Hub
from published_models import write_hugging_face_clip
from ran import Ran
from sightline.checkpoints import read

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NAME = "hf-hub:org/model"


@pytest.fixture
def published(hub: Hub, tmp_path: Path) -> Path:
    """Publish a tiny CLIP, and return the folder that it was made of."""
    write_hugging_face_clip(tmp_path / "m")
    hub.publish("org/model", {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()})
    return tmp_path / "m"


def test_the_licence_is_shown_before_and_once(published: Path, run: Callable[..., Ran]) -> None:
    said = (
        "fetching org/model: licence mit (the card of https://huggingface.co/org/model); read "
        "https://huggingface.co/org/model\n"
    )
    first = run("classify", "photo.jpg", "--labels", "cat,dog", "--model", NAME)
    assert (first.code, first.err.startswith(said)) == (0, True)
    again = run("classify", "photo.jpg", "--labels", "cat,dog", "--model", NAME)
    assert (again.code, "licence" in again.err) == (0, False)
    assert again.out == first.out


def test_a_fetched_model_gives_the_vectors_of_its_folder(
    published: Path, run: Callable[..., Ran]
) -> None:
    arguments = ("similarity", "photo.jpg", "--text", "a cat", "--json", "--model")
    assert run(*arguments, NAME).out == run(*arguments, str(published)).out


def test_what_cannot_be_verified_is_said_once_in_a_line(
    published: Path, hub: Hub, run: Callable[..., Ran]
) -> None:
    hub.telling = "names"
    first, again = (run("models", "pull", NAME) for _ in range(2))
    assert first.err.splitlines()[1].endswith("the hub that was asked tells no digest")
    assert (first.code, again.code, again.err) == (0, 0, "")


@pytest.mark.parametrize(
    ("license", "shown"),
    [
        ("\x1b[2Jmit\n\x1b]0;x\x07", "[2Jmit ]0;x"),
        ("x" * 10**6, "x" * 99 + "…"),
    ],
)
def test_a_strangers_licence_does_nothing_to_a_terminal(
    license: str, shown: str, published: Path, hub: Hub, run: Callable[..., Ran]
) -> None:
    files = {path.name: path.read_bytes() for path in published.iterdir()}
    hub.publish("org/model", files, license=license)
    ran = run("models", "pull", NAME)
    assert ran.out.endswith(f"huggingface layout, licence {shown}\n")
    assert all(char.isprintable() or char == "\n" for char in ran.out + ran.err)
    assert len(ran.out + ran.err) < 1000


def test_nor_does_that_of_a_card_on_disk(published: Path, run: Callable[..., Ran]) -> None:
    (published / "README.md").write_bytes(b'---\nlicense: "\x1b[2J%s"\n---\n' % (b"x" * 10**6))
    ran = run("models", "pull", str(published))
    assert ran.out.endswith("huggingface layout, licence \\x1b[2J" + "x" * 92 + "…\n")


def test_a_mistyped_folder_is_not_asked_of_the_hub(hub: Hub, run: Callable[..., Ran]) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat,dog", "--model", "runs/mine")
    assert ran.code == 4
    assert "there is no model folder 'runs/mine'" in ran.err
    assert hub.log == []


def test_what_the_hub_does_not_have_is_one_sentence(hub: Hub, run: Callable[..., Ran]) -> None:
    ran = run("models", "pull", "hf-hub:org/nothing")
    assert ran.code == 4
    assert ran.err.count("\n") == 1
    assert "org/nothing" in ran.err


def test_pull_says_where_it_lies_and_under_which_terms(
    published: Path, run: Callable[..., Ran]
) -> None:
    ran = run("models", "pull", NAME)
    folder, _, rest = ran.out.partition(": ")
    assert rest == "huggingface layout, licence mit\n"
    assert read(folder).fingerprint == read(published).fingerprint
