from pathlib import Path

import pytest
from PIL import Image

from sightline.errors import ImageError
from sightline.images import read


def reason(path: str) -> str:
    with pytest.raises(ImageError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("address", ["https://example.org/cat.jpg", "http:/x/y.jpg", "s3://a/b"])
def test_an_address_is_refused_as_one(address: str) -> None:
    assert reason(address) == (
        f"{address!r} is no file here, and addresses are not fetched: download it and give its path"
    )


@pytest.mark.parametrize("path", ["c:/cat.jpg", "http/cat.jpg", "10:/cat.jpg"])
def test_control_a_path_with_a_colon_is_no_address(path: str) -> None:
    assert reason(path) == f"{path!r} does not exist: check the path"


def test_a_file_below_a_folder_named_like_a_scheme_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("http:").mkdir()
    Image.new("RGB", (4, 3)).save("http:/a.png")
    assert read("http://a.png").shape == (3, 4, 3)
