import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sightline import settings
from sightline.checkpoints import read
from sightline.errors import CertificateError
from sightline.runtime.certificate import (
    MAX_BYTES,
    NAME,
    Certificate,
    Engine,
    accept,
    certificates,
    engine_of,
    own_place,
    places,
    read_certificate,
    write_certificate,
)
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.parity_figures import Spread
from sightline.runtime.parity_limits import LIMITS
from tiny_certificates import CLOSE, certificate, figures

LAX = Spread(least=-1.0, percentile_1=-1.0, median=-1.0)
FAR = Spread(least=0.1, percentile_1=0.2, median=0.3)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "towers" / "onnxruntime-int8" / NAME
    write_certificate(certificate(), path)
    assert read_certificate(path) == certificate()
    assert certificate().passed
    assert "passed" not in path.read_text(encoding="utf-8")


def test_limits_that_somebody_wrote_do_not_help() -> None:
    limits = msgspec.structs.replace(LIMITS["int8"], cosine=LAX, centred=LAX, images=0)
    far = msgspec.structs.replace(CLOSE, cosine=FAR, count=3)
    found = certificate(figures=figures(images=far), limits=limits)
    assert not found.passed
    assert found.failures == (
        "it was measured on 3 different pictures and needs 500: give more",
        "pictures: cosine, the lowest is 0.1 where at least 0.96 is needed",
        "pictures: cosine, all but 1 % is 0.2 where at least 0.985 is needed",
        "pictures: cosine, the median is 0.3 where at least 0.995 is needed",
    )


def test_its_own_limits_count_where_they_are_stricter() -> None:
    assert certificate(limits=LIMITS["float32"], figures=figures()).passed
    near = msgspec.structs.replace(CLOSE, cosine=Spread(least=0.99, percentile_1=1.0, median=1.0))
    assert certificate(figures=figures(texts=near)).passed
    assert not certificate(limits=LIMITS["float32"], figures=figures(texts=near)).passed


def test_a_reference_that_is_rounded_itself_does_not_count() -> None:
    reference = Engine(runtime="torch", version="2", precision="bfloat16")
    assert certificate(reference=reference).failures == (
        "it was held to a reference in 'bfloat16', not float32",
    )


def test_a_precision_without_limits_does_not_pass() -> None:
    found = certificate(precision="int4")
    assert found.failures == ("no limits are known for the precision 'int4'",)
    assert found.verdicts == ()


def test_towers_say_which_engine_they_are(tiny_model_folder: Path) -> None:
    import onnxruntime  # type: ignore[import-untyped]

    towers = OnnxTowers(read(tiny_model_folder))
    assert engine_of(towers) == Engine(
        runtime="onnxruntime", version=onnxruntime.__version__, precision="float32"
    )


def test_torch_says_so_too(tiny_model_folder: Path) -> None:
    import torch

    from sightline.runtime.torch_towers import open_torch_towers

    towers = open_torch_towers(read(tiny_model_folder), device="cpu")
    said = engine_of(towers)
    assert (said.runtime, said.version) == ("torch", torch.__version__)


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a certificate's JSON with something of it changed."""
    document = msgspec.to_builtins(certificate())
    change(document)
    return json.dumps(document).encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "is no certificate (Input data was truncated): certify again"),
    "not UTF-8": (
        b'{"version": 1, "\xff": 1}',
        "is no certificate ('utf-8' codec can't decode byte 0xff in position 0: invalid start "
        "byte): certify again",
    ),
    "nested without end": (
        b'{"a":' + b"[" * 30_000,
        "is no certificate (maximum recursion depth exceeded while deserializing an object): "
        "certify again",
    ),
    "another version": (
        edited(lambda one: one.update(version=2)),
        "is of version 2 but this Sightline reads version 1: certify again",
    ),
    "a verdict of its own": (
        edited(lambda one: one.update(passed=True)),
        "is no certificate (Object contains unknown field `passed`): certify again",
    ),
    "a number that is none": (
        edited(lambda one: one["figures"]["images"].update(batch=float("nan"))),
        "is no certificate (JSON is malformed: invalid character",
    ),
    "a number beyond all": (
        edited(lambda one: one["figures"]["images"].update(batch=2.5)).replace(b"2.5", b"1e999"),
        "is no certificate (Number out of range - at `$.figures.images.batch`): certify again",
    ),
    "a cosine above 1": (
        edited(lambda one: one["figures"]["texts"]["cosine"].update(least=1.1)),
        "is no certificate (Expected `float` <= 1.0 - at `$.figures.texts.cosine.least`): certify "
        "again",
    ),
    "fewer than no pictures": (
        edited(lambda one: one["figures"]["texts"].update(count=-1)),
        "is no certificate (Expected `int` >= 0 - at `$.figures.texts.count`): certify again",
    ),
    "no figures": (
        edited(lambda one: one.pop("figures")),
        "is no certificate (Object missing required field `figures`): certify again",
    ),
    "a fingerprint that is a path": (
        edited(lambda one: one.update(fingerprint="../..")),
        "is no certificate (Expected `str` matching regex '^[0-9a-f]{64}$' - at "
        "`$.fingerprint`): certify again",
    ),
    "a name without end": (
        edited(lambda one: one["candidate"].update(runtime="x" * 65)),
        "is no certificate (Expected `str` of length <= 64 - at `$.candidate.runtime`): certify "
        "again",
    ),
    "a change outside its interval": (
        edited(lambda one: one["figures"]["zero_shot"]["accuracy"].update(points=5)),
        ": a change of 5 points lies outside its own interval, -0.26 to 0.26: certify again",
    ),
    "too long": (
        b" " * (MAX_BYTES + 1),
        f"has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}: refused",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_no_certificate_says_is_refused(case: str, tmp_path: Path) -> None:
    content, message = HOSTILE[case]
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(CertificateError) as caught:
        read_certificate(tmp_path / NAME)
    said = str(caught.value)
    assert said.startswith(str(tmp_path / NAME))
    assert message in said
    assert "\n" not in said


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(CertificateError, match="is no regular file"):
        read_certificate(tmp_path / NAME)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / NAME
    with pytest.raises(CertificateError) as caught:
        write_certificate(certificate(), path)
    assert str(caught.value) == (
        f"{path} cannot be written (File exists): free some space or choose a folder that can be "
        "written to"
    )


ENGINE = certificate().candidate
REFUSED: dict[str, tuple[Certificate, str]] = {
    "another model": (
        certificate(fingerprint="ef" * 32),
        f"speaks of another model, {'ef' * 32} instead of {'ab' * 32}: certify again",
    ),
    "another runtime": (
        certificate(candidate=msgspec.structs.replace(ENGINE, runtime="openvino")),
        "speaks of another runtime, openvino instead of onnxruntime: certify again",
    ),
    "an older engine": (
        certificate(candidate=msgspec.structs.replace(ENGINE, version="1.0")),
        "speaks of another version of the runtime, 1.0 instead of 1.31.1: certify again",
    ),
    "another precision": (
        certificate(candidate=msgspec.structs.replace(ENGINE, precision="float16")),
        "speaks of another precision, float16 instead of int8: certify again",
    ),
    "other scales": (
        certificate(recipe="12" * 32),
        f"speaks of another recipe, {'12' * 32} instead of none: certify again",
    ),
    "a failure": (
        certificate(figures=figures(images=msgspec.structs.replace(CLOSE, count=1, batch=1.0))),
        "did not pass (it was measured on 1 different pictures and needs 500: give more; and 1 "
        "more): use another precision or runtime",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_tower_is_not_accepted_on(case: str, tmp_path: Path) -> None:
    found, message = REFUSED[case]
    write_certificate(found, tmp_path / NAME)
    with pytest.raises(CertificateError) as caught:
        accept(tmp_path / NAME, "ab" * 32, ENGINE)
    assert str(caught.value) == f"{tmp_path / NAME} {message}"


def test_a_tower_is_accepted_on_its_own_certificate(tmp_path: Path) -> None:
    write_certificate(certificate(), tmp_path / NAME)
    assert accept(tmp_path / NAME, "ab" * 32, ENGINE) == certificate()


def test_certificates_lie_at_home_and_beside_the_weights(tiny_model_folder: Path) -> None:
    checkpoint = read(tiny_model_folder)
    home = settings.home()
    assert home is not None
    assert places(checkpoint) == (tiny_model_folder / "towers",)  # no fingerprint is asked for
    (home / "variants").mkdir(parents=True)
    own, beside = places(checkpoint)
    assert beside == tiny_model_folder / "towers"
    assert own == own_place(checkpoint)
    assert own == home / "variants" / checkpoint.fingerprint
    right = certificate(fingerprint=checkpoint.fingerprint)
    write_certificate(right, own / "onnxruntime-int8" / NAME)
    write_certificate(certificate(), own / "openvino-int8" / NAME)
    write_certificate(right, own / "torch-int8" / NAME)
    [(path, found), (_, stranger), (_, misplaced)] = certificates(checkpoint)
    assert (path, found) == (own / "onnxruntime-int8" / NAME, right)
    assert str(stranger) == (
        f"{own / 'openvino-int8' / NAME} is of the model {'ab' * 32}, not of this one: certify "
        "again"
    )
    assert str(misplaced) == (
        f"{own / 'torch-int8' / NAME} is of onnxruntime-int8, which its folder is not named: "
        "certify again"
    )


def test_without_a_home_only_the_folder_is_looked_at(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "home", lambda: None)
    assert places(read(tiny_model_folder)) == (tiny_model_folder / "towers",)


def test_without_a_home_there_is_no_place_of_one_s_own(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "home", lambda: None)
    with pytest.raises(CertificateError) as caught:
        own_place(read(tiny_model_folder))
    assert str(caught.value) == (
        "there is no folder to keep a certificate in: set SIGHTLINE_HOME to one, or keep it with "
        "the model"
    )
