import numpy as np
import pytest

from sightline.evaluate.retrieval import retrieval_figures

AXES = np.eye(12, dtype=np.float32)


def test_recalls_of_a_perfect_model_are_one_at_every_cutoff() -> None:
    figures = retrieval_figures(AXES, np.repeat(AXES, 5, axis=0), np.repeat(np.arange(12), 5))
    assert {name: estimate.value for name, estimate in figures.metrics.items()} == {
        f"{way}_retrieval_recall@{k}": 1.0 for way in ("image", "text") for k in (1, 5, 10)
    }


def test_control_captions_of_the_next_image_are_never_found_first() -> None:
    captions = np.repeat(np.roll(AXES, 1, axis=0), 5, axis=0)
    figures = retrieval_figures(AXES, captions, np.repeat(np.arange(12), 5))
    assert figures.metrics["image_retrieval_recall@1"].value == 0.0
    assert figures.metrics["text_retrieval_recall@1"].value == 0.0


def test_captions_of_one_image_widen_the_interval_of_text_to_image_only() -> None:
    captions = np.repeat(AXES, 5, axis=0)
    captions[30:] = -captions[30:]  # the last six images: all five captions fail together
    figures = retrieval_figures(AXES, captions, np.repeat(np.arange(12), 5))
    found, named = (figures.metrics[f"{way}_retrieval_recall@1"] for way in ("image", "text"))
    assert (found.value, found.count, named.value, named.count) == (0.5, 60, 0.5, 12)
    assert found.high - found.low == pytest.approx(named.high - named.low, rel=0.1)


def test_cutoffs_that_cover_every_image_are_left_out() -> None:
    figures = retrieval_figures(AXES[:5], AXES[:5], np.arange(5))
    assert set(figures.metrics) == {"image_retrieval_recall@1", "text_retrieval_recall@1"}
