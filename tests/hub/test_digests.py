import subprocess
from pathlib import Path

import pytest

from sightline.errors import RemoteError
from sightline.hub.digests import Digest, digest_of, verify

# sha256("abc") of FIPS 180-2, appendix B.1; `printf abc | git hash-object --stdin`
ABC = Digest("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
GIT_ABC = Digest("git", "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f")


@pytest.mark.parametrize("digest", [ABC, GIT_ABC])
def test_digests_are_those_of_the_standards(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest_of(tmp_path / "abc", digest.kind) == digest
    verify(tmp_path / "abc", digest, "abc")
    assert (tmp_path / "abc").exists()


def test_gits_digest_is_what_git_says(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 9000)  # longer than a chunk
    command = ["git", "hash-object", "--no-filters", str(tmp_path / "file")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert digest_of(tmp_path / "file", "git").value == said


def test_another_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"abd")
    with pytest.raises(RemoteError) as caught:
        verify(tmp_path / "part", ABC, "model.safetensors of org/model")
    assert str(caught.value) == (
        "model.safetensors of org/model has the sha256 digest "
        "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9 but "
        f"{ABC.value} is expected: it was removed, so fetch it again, and trust no copy that "
        "differs a second time"
    )
    assert list(tmp_path.iterdir()) == []
