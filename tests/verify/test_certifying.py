from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from photo_crops import photo_source
from planted_towers import (
    bundled,
    by_channel,
    by_tensor,
    planted,
    reference,
    rounded_activations,
    with_outliers,
    with_spec,
    with_weights,
)
from sightline.embedder import Embedder
from sightline.errors import CertificateError
from sightline.runtime.certificate import Certificate
from sightline.runtime.torch_towers import TorchTowers, load_model
from sightline.verify import certify
from sightline.verify.certifying import machine
from tiny_embedder import ColourTowers, colour_embedder, example, source_of


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep torch from waiting for a core that others are using."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def certified(candidate: Embedder) -> Certificate:
    """Hold a candidate to the bundled model, on the project's own photos."""
    return certify(reference(), candidate, photo_source(), exact=reference())


def tried(candidate: Embedder, **changes: Any) -> set[str]:
    """Return what fails on a few of the pictures, but for there being too few of them."""
    before = msgspec.structs.replace(reference(), **changes)
    found = certify(before, candidate, photo_source(every=13), exact=reference())
    too_few = ("measured on", "cannot exclude")
    return {
        one.what
        for one in found.verdicts
        if one.failure is not None and not any(said in one.failure for said in too_few)
    }


def failing(certificate: Certificate) -> set[str]:
    """Return what failed, by its name."""
    return {one.what for one in certificate.verdicts if one.failure is not None}


def test_torch_may_stand_for_onnx_runtime() -> None:
    found = certified(planted(TorchTowers(load_model(bundled()))))
    assert found.failures == ()
    assert found.passed


def test_bfloat16_passes() -> None:
    found = certified(planted(TorchTowers(load_model(bundled(), "bfloat16")), "bfloat16"))
    assert found.failures == ()


def test_weights_rounded_by_channel_pass(tmp_path: Path) -> None:
    found = certified(planted(with_weights(tmp_path / "rounded", by_channel), "int8-weights"))
    assert found.failures == ()


WRONG_TOWERS: Mapping[str, Mapping[str, Any]] = {
    "causal mask dropped": {"side": "text", "causal": False},
    "pooled at the last position": {"side": "text", "pool": "last"},
    "quick GELU in the text tower": {"side": "text", "activation": "quick_gelu"},
    "quick GELU in the image tower": {"side": "image", "activation": "quick_gelu"},
    "exact GELU for that of tanh": {"side": "image", "activation": "gelu"},
}


@pytest.mark.parametrize("fault", WRONG_TOWERS)
def test_a_tower_that_is_other_than_its_weights_fails(fault: str) -> None:
    found = tried(with_spec(**WRONG_TOWERS[fault]))
    of = {"text": "texts", "image": "pictures"}[WRONG_TOWERS[fault]["side"]]
    other = {"texts": "pictures", "pictures": "texts"}[of]
    assert f"{of}: cosine, all but 1 %" in found
    assert f"{other}: cosine, all but 1 %" not in found


def test_control_the_same_towers_fail_nothing() -> None:
    assert tried(planted(reference().towers)) == set()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_mean_and_deviation_swapped_fail_in_any_precision(precision: str) -> None:
    pixels = bundled().spec.pixels
    swapped = msgspec.structs.replace(pixels, mean=pixels.std, std=pixels.mean)
    spec = msgspec.structs.replace(bundled().spec, pixels=swapped)
    found = tried(planted(reference().towers, precision, spec=spec))
    assert {"pictures: cosine, the median", "same class"} <= found


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_lost_template_fails_in_any_precision(precision: str) -> None:
    words = msgspec.structs.replace(bundled().spec.words, template="a photo of a {}.")
    spec = msgspec.structs.replace(bundled().spec, words=words)
    found = tried(planted(reference().towers, precision), spec=spec)
    assert "classes: cosine, the median" in found
    assert "texts: cosine, the median" not in found


@pytest.mark.parametrize("precision", ["int8-weights", "int8"])
def test_channels_crushed_by_one_scale_for_all_fail(precision: str, tmp_path: Path) -> None:
    crushed = with_weights(tmp_path / "crushed", with_outliers, by_tensor)
    found = tried(planted(crushed, precision))
    assert {"texts: cosine, all but 1 %", "texts found for a picture: first changed"} <= found


def test_control_large_channels_alone_change_nothing(tmp_path: Path) -> None:
    assert tried(planted(with_weights(tmp_path / "large", with_outliers))) == set()


def test_an_activation_scale_of_the_whole_batch_fails() -> None:
    found = tried(planted(rounded_activations(from_batch=True), "int8"))
    assert {"texts: moved by another batch", "pictures: moved by another batch"} <= found


def test_control_a_scale_that_is_kept_depends_on_no_batch() -> None:
    found = tried(planted(rounded_activations(from_batch=False), "int8"))
    assert {"texts: moved by another batch", "pictures: moved by another batch"}.isdisjoint(found)


class Collapsed(ColourTowers):
    """Every picture is the same."""

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Return one vector for all."""
        return np.ones((len(pixels), 3), np.float32)


class Silent(ColourTowers):
    """A picture that is red has no vector."""

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Return zeros for red."""
        vectors = super().image(pixels)
        vectors[vectors[:, 0] > 0.5] = 0
        return vectors


class Mute(ColourTowers):
    """Texts have no vectors."""

    def text(self, ids: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros((len(ids), 3), np.float32)


class Engined(ColourTowers):
    """In another precision."""

    def __init__(self, precision: str) -> None:
        super().__init__()
        self.precision = precision


COLOURS = (
    example("1", (250, 0, 0), "red"),
    example("2", (0, 250, 0), "green"),
    example("3", (0, 0, 250), "blue"),
    example("4", (0, 0, 250), "blue"),
)


def test_too_few_pictures_and_texts_do_not_pass() -> None:
    found = certify(colour_embedder(), colour_embedder(), source_of(*COLOURS))
    assert found.failures[:2] == (
        "it was measured on 3 different pictures and needs 500: give more",
        "it was measured on 3 different texts and needs 100: give more",
    )
    assert found.measured_on.images == 4
    assert found.measured_on.classes == 3
    assert found.measured_on.captions == 0


def test_a_collapsed_tower_is_seen_on_four_pictures() -> None:
    found = certify(colour_embedder(), colour_embedder(towers=Collapsed()), source_of(*COLOURS))
    assert "same class" in failing(found)


def test_class_vectors_kept_for_the_reference_do_not_hide_the_candidate(tmp_path: Path) -> None:
    from sightline.embedder.class_cache import ClassCache

    class Other(ColourTowers):
        """The same description, other texts."""

        def text(self, ids: np.ndarray) -> np.ndarray:
            """Return red for green."""
            return np.ascontiguousarray(super().text(ids)[:, ::-1])

    cache = ClassCache(tmp_path)
    before = colour_embedder(cache=cache)
    before.zero_shot(["red", "green", "blue"])
    found = certify(before, colour_embedder(cache=cache, towers=Other()), source_of(*COLOURS))
    assert found.figures.zero_shot is not None
    assert found.figures.zero_shot.agreement < 0.5


def test_progress_counts_what_both_models_see() -> None:
    seen: list[int] = []
    source = source_of(*COLOURS)
    certify(colour_embedder(), colour_embedder(), source, on_progress=seen.append)
    assert sum(seen) == 2 * (4 + 3)


def test_a_wrong_activation_that_rounding_hides_shows_in_float32() -> None:
    wrong = with_spec("image", activation="quick_gelu")
    rounded = planted(wrong.towers, precision="int8", spec=wrong.spec)
    name = "moved by the engine alone, in float32"
    found = certify(reference(), rounded, photo_source(every=13), exact=wrong)
    assert name in failing(found)
    found = certify(reference(), rounded, photo_source(every=13), exact=reference())
    assert name not in failing(found)  # control: told by the float32 towers alone
    found = certify(reference(), rounded, photo_source(every=13))
    assert name in failing(found)
    assert (
        "the engine was not measured in float32, and rounding hides faults: certify with `exact`"
        in found.failures
    )


def test_the_machine_is_named() -> None:
    assert machine().count(", ") >= 2


REFUSED: Mapping[str, tuple[Callable[[], tuple[Embedder, Embedder]], str]] = {
    "another model": (
        lambda: (colour_embedder(), colour_embedder(identify=lambda: "cd" * 32)),
        f"the candidate is of the model {'cd' * 32} and the reference of {'ab' * 32}: open both "
        "from one",
    ),
    "a reference that is rounded itself": (
        lambda: (colour_embedder(towers=Engined("bfloat16")), colour_embedder()),
        "the reference computes in 'bfloat16': open it with precision 'float32'",
    ),
    "a precision without limits": (
        lambda: (colour_embedder(), colour_embedder(towers=Engined("int4"))),
        "no limits are known for the precision 'int4': choose one of float32, bfloat16, float16, "
        "int8-weights, int8",
    ),
    "a picture without a vector": (
        lambda: (colour_embedder(), colour_embedder(towers=Silent())),
        "the candidate gives 1 of 4 pictures no vector, 1 first, where the reference does: its "
        "image tower is broken",
    ),
    "texts without vectors": (
        lambda: (colour_embedder(), colour_embedder(towers=Mute())),
        "the texts of eval-colours.tar.gz cannot be embedded (the text tower gave 'red' a vector "
        "without a direction (zero, infinite or NaN): check the model's weights and precision): "
        "correct them, or mend the model",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(CertificateError) as caught:
        certify(*make(), source_of(*COLOURS))
    assert str(caught.value) == message


def test_a_source_that_changes_meanwhile_is_refused() -> None:
    class Turning(type(source_of())):  # type: ignore[misc]
        """Other captions each time."""

        times = 0

        def __iter__(self) -> Iterator[Any]:
            self.times += 1
            yield example("1", (250, 0, 0), texts=(f"red {self.times}",))

    source = Turning("sets/turning", "turning", [])
    with pytest.raises(CertificateError) as caught:
        certify(colour_embedder(), colour_embedder(), source)
    assert str(caught.value) == (
        "turning gave other examples when it was read again: leave it alone meanwhile"
    )
