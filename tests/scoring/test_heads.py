import math

import numpy as np
import pytest

from sightline.scoring.heads import sigmoid_head, softmax_head


def test_the_scale_is_the_exponential_of_the_stored_logarithm() -> None:
    head = softmax_head(math.log(20))
    assert head.logits(np.array([[0.5]], np.float32)).item() == pytest.approx(10)


def test_a_scale_beyond_the_clamp_of_training_is_taken_as_it_is() -> None:
    assert softmax_head(5.0).scale == pytest.approx(148.4132)  # as transformers and OpenCLIP do


def test_a_sigmoid_head_adds_its_bias() -> None:
    head = sigmoid_head(math.log(10), -10.0)
    assert head.logits(np.array([[1.0, 0.0]], np.float32)).tolist()[0] == pytest.approx([0, -10])
