import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import ImageError
from sightline.images import find, read


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a folder as people's folders are, and work in it."""
    for name in [
        "photos/b.JPG",
        "photos/a.png",
        "photos/notes.txt",
        "photos/.hidden.jpg",
        "photos/.git/in.jpg",
        "photos/@eaDir/thumb.jpg",
        "photos/node_modules/logo.png",
        "photos/__pycache__/x.png",
        "photos/trip/c.heic",
        "photos/trip/deep/d.webp",
        "photos/trip-2/e.tiff",
        "odd.dat",
        "file[1].jpg",
    ]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str | Path) -> list[str]:
    return [path.as_posix() for path in find(paths)]


IN_PHOTOS = [
    "photos/a.png",
    "photos/b.JPG",
    "photos/trip/c.heic",
    "photos/trip/deep/d.webp",
    "photos/trip-2/e.tiff",
]


def test_a_folder_stands_for_its_pictures_in_one_order(photos: Path) -> None:
    assert found("photos") == IN_PHOTOS
    assert [str(path) for path in find(photos / "photos")] == [
        str(photos / path) for path in IN_PHOTOS
    ]


def test_one_path_needs_no_list(photos: Path) -> None:
    assert [str(path) for path in find("photos/a.png")] == ["photos/a.png"]


def test_a_named_file_comes_whatever_its_suffix(photos: Path) -> None:
    assert found("odd.dat", "photos/.hidden.jpg") == ["odd.dat", "photos/.hidden.jpg"]


def test_the_order_of_the_arguments_is_kept(photos: Path) -> None:
    assert found("photos/trip", "odd.dat", "photos/a.png") == [
        "photos/trip/c.heic",
        "photos/trip/deep/d.webp",
        "odd.dat",
        "photos/a.png",
    ]


@pytest.mark.parametrize(
    "paths",
    [
        ("photos", "photos"),
        ("photos", "photos/trip", "./photos"),
        ("photos/*", "photos/notes.txt", "photos"),
        ("photos", "photos/a.png", "photos/a.png"),
    ],
)
def test_no_file_comes_twice(paths: tuple[str, ...], photos: Path) -> None:
    listed = found(*paths)
    assert len(listed) == len(set(listed))
    assert set(IN_PHOTOS) <= set(listed)


def test_a_glob_stands_for_its_hits(photos: Path) -> None:
    assert found("photos/*.png") == ["photos/a.png"]
    assert found("photos/**/*.webp") == ["photos/trip/deep/d.webp"]
    assert found("photos/trip*") == [*IN_PHOTOS[2:4], IN_PHOTOS[4]]


def test_a_name_that_looks_like_a_glob_is_itself(photos: Path) -> None:
    assert found("file[1].jpg") == ["file[1].jpg"]


def test_a_missing_path_is_refused_before_anything_is_listed(photos: Path) -> None:
    with pytest.raises(ImageError) as caught:
        find(["photos", "no\nsuch.jpg"])
    assert str(caught.value) == r"'no\nsuch.jpg' does not exist: check the path"


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(ImageError) as caught:
        find("")
    assert str(caught.value) == "'' does not exist: check the path"


def test_a_glob_without_hits_is_refused(photos: Path) -> None:
    with pytest.raises(ImageError) as caught:
        find("photos/*.gif")
    assert str(caught.value) == "'photos/*.gif' matches no file: check the pattern"


def test_an_address_is_refused_as_one_though_it_looks_like_a_glob() -> None:
    with pytest.raises(ImageError) as caught:
        find("https://example.org/cat.jpg?size=2")
    assert str(caught.value) == (
        "'https://example.org/cat.jpg?size=2' is no file here, and addresses are not fetched: "
        "download it and give its path"
    )


def test_an_empty_folder_has_no_pictures(photos: Path) -> None:
    (photos / "empty").mkdir()
    assert found("empty") == []


def test_links_are_followed_once(photos: Path) -> None:
    (photos / "photos/trip/round").symlink_to(photos / "photos")
    (photos / "photos/trip/again").symlink_to(photos / "photos/trip-2")
    (photos / "photos/trip/itself").symlink_to("itself")
    (photos / "photos/trip/gone.jpg").symlink_to("nothing.jpg")
    listed = found("photos")
    assert len(listed) == 6
    assert "photos/trip/again/e.tiff" in listed  # the first way to a folder counts
    assert "photos/trip/gone.jpg" in listed  # so that its reason is given


def test_a_folder_that_may_not_be_listed_is_given_as_itself(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "deep":
            raise PermissionError(13, "Permission denied")  # root is never refused
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found("photos/trip") == ["photos/trip/c.heic", "photos/trip/deep"]
    with pytest.raises(ImageError):
        read(photos / "photos/trip/deep")


def test_folders_may_nest_deeper_than_pythons_stack(photos: Path) -> None:
    depth = 1100
    os.mkdir("nest")
    os.chdir("nest")
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("z.jpg").touch()
    os.chdir(photos)
    listed = found("nest")
    os.chdir("nest/" + "d/" * depth)
    os.remove("z.jpg")
    for _ in range(depth):  # step by step: what removes a test's folder is itself recursive
        os.chdir("..")
        os.rmdir("d")
    os.chdir(photos)
    assert [len(path.split("/")) for path in listed] == [depth + 2]


@settings(max_examples=30, deadline=None)
@given(names=st.lists(st.text("ab.é\n*[?", min_size=1, max_size=5), max_size=6, unique=True))
def test_odd_names_are_listed_as_sorted_python_strings(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    made = [f"{name}.png" for name in names if not name.startswith(".")]
    for name in made:
        (folder / name).touch()
    assert [path.name for path in find(folder)] == sorted(made)
