"""What transformers opens, held to the model."""

from pathlib import Path

from code_tree import ROOT
from sightline.checkpoints import read, write
from sightline.data import open_source
from sightline.export import share
from sightline.runtime.certificate import read_certificate
from sightline.spec import Spec
from sightline.verify import check
from tiny_folder import changed
from tiny_models import RECORD, random_model, tiny_clip_spec


def write_model(folder: Path, spec: Spec) -> None:
    """Write a random model."""
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    write(folder, spec=spec, tensors=tensors, record=RECORD)


def test_a_certificate_shows_what_a_rule_of_transformers_changes(tmp_path: Path) -> None:
    source = open_source(str(ROOT / "photos" / "demo-photos.csv"))
    least = {}
    for rounding in ("floor", "half_even"):
        folder = tmp_path / rounding
        write_model(folder, changed(tiny_clip_spec(), pixels={"crop_rounding": rounding}))
        done = share(read(folder), tmp_path / f"{rounding}-out", check=source)
        found = read_certificate(tmp_path / f"{rounding}-out" / "certificate.json")
        assert found == done.certificate
        assert done.failed  # ten photos are too few for any certificate
        assert found.fingerprint == read(folder).fingerprint
        least[rounding] = found.figures.images.cosine.least
    assert least["floor"] > 1 - 1e-9
    assert least["half_even"] < 0.9999  # transformers crops a pixel beside


def test_the_card_says_so_and_the_folder_is_whole(tmp_path: Path) -> None:
    source = open_source(str(ROOT / "photos" / "demo-photos.csv"))
    write_model(tmp_path / "model", tiny_clip_spec())
    share(read(tmp_path / "model"), tmp_path / "out", check=source)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "**FAILED** its certificate, measured on 10 pictures of demo-photos.csv" in card
    assert check(tmp_path / "out").differing == ()


def test_without_data_nothing_is_claimed(tmp_path: Path) -> None:
    write_model(tmp_path / "model", tiny_clip_spec())
    done = share(read(tmp_path / "model"), tmp_path / "out")
    assert (done.certificate, done.failed) == (None, False)
    assert not (tmp_path / "out" / "certificate.json").exists()
