"""Quantise a tower as OpenVINO's own tools do; `towers.py --nncf` runs it where nncf is.

`python nncf_quantised.py image.onnx image.xml SIZE`, or `text.onnx text.xml 0`: calibrated on
random pixels of that size, or on short rows of ids.
"""

import sys

import numpy as np


def quantise(source: str, wanted: str, size: int) -> None:
    import nncf  # type: ignore[import-not-found]
    import openvino  # type: ignore[import-untyped]

    draw = np.random.default_rng(1)
    if size:
        given = [draw.standard_normal((4, 3, size, size)).astype(np.float32) for _ in range(4)]
    else:
        start, end = (np.full((4, 1), each) for each in (49406, 49407))
        words = [draw.integers(300, 49000, (4, count)) for count in (6, 8, 10, 12)]
        given = [np.concatenate([start, one, end], axis=1) for one in words]
    model = openvino.Core().read_model(source)
    kind = nncf.ModelType.TRANSFORMER
    rounded = nncf.quantize(model, nncf.Dataset(given), model_type=kind, subset_size=4)
    openvino.save_model(rounded, wanted)


if __name__ == "__main__":
    quantise(sys.argv[1], sys.argv[2], int(sys.argv[3]))
