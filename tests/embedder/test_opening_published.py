from pathlib import Path

import numpy as np
import pytest
import torch

import sightline
import tiny_siglip
from sightline.checkpoints import convert, read
from sightline.errors import CheckpointError
from tiny_models import picture
from tiny_siglip import LABELS, TEXTS, ids, logits

TOLERANCE = 1e-5  # of probabilities between 0.01 and 0.99, in two engines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SigLIP that transformers wrote."""
    return tmp_path_factory.mktemp("siglip") / "model"


@pytest.fixture(scope="module")
def probabilities(folder: Path) -> np.ndarray:
    """Return transformers' own answer."""
    said = logits(tiny_siglip.write(folder), picture(0), ids(folder))
    return np.asarray(torch.sigmoid(said))


def test_a_siglip_gives_siglip_s_probabilities_of_labels_as_people_write_them(
    folder: Path, probabilities: np.ndarray
) -> None:
    """Template, cleaning, padding, scale and bias all come from the folder."""
    answer = sightline.load(folder).classify(picture(0), list(LABELS))
    assert np.abs(answer.scores - probabilities).max() < TOLERANCE
    assert probabilities.min() > 0.01
    assert probabilities.max() < 0.99


def test_control_a_softmax_or_a_shorter_row_would_be_seen(
    folder: Path, probabilities: np.ndarray
) -> None:
    model = tiny_siglip.write(folder)
    said = logits(model, picture(0), ids(folder))
    assert np.abs(np.asarray(torch.softmax(said, dim=1)) - probabilities).max() > 100 * TOLERANCE
    short = torch.sigmoid(logits(model, picture(0), ids(folder, "longest")))
    assert np.abs(np.asarray(short) - probabilities).max() > 100 * TOLERANCE


def test_a_label_s_probability_does_not_depend_on_the_others(
    folder: Path, probabilities: np.ndarray
) -> None:
    alone = sightline.load(folder).classify(picture(0), [LABELS[1]])
    assert alone.scores[0, 0] == pytest.approx(probabilities[0, 1], abs=TOLERANCE)


def test_its_rows_are_those_of_transformers(folder: Path, probabilities: np.ndarray) -> None:
    model = sightline.load(folder)
    assert model.words.rows(model.prompts(list(LABELS))).ids.tolist() == ids(folder).tolist()
    assert probabilities.shape == (1, len(TEXTS))


def test_a_bare_file_opens_by_the_name_of_its_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.spec.architectures import named
    from sightline.spec.document import spec_from_json, spec_to_json
    from tiny_canaries import any_layout_spec
    from tiny_towers import saved, tiny_model

    spec = spec_from_json(spec_to_json(any_layout_spec()))
    known = {**named.ARCHITECTURES, "tiny": spec}
    monkeypatch.setattr(named, "ARCHITECTURES", known)
    model = saved(tmp_path / "native", tiny_model(spec))
    convert(read(tmp_path / "native"), tmp_path / "openclip", "openclip")
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes((tmp_path / "openclip" / "open_clip_model.safetensors").read_bytes())
    opened = sightline.load(bare, architecture="tiny")
    assert opened.fingerprint == model.fingerprint
    with pytest.raises(CheckpointError, match="name it, as in architecture="):
        sightline.load(bare)
