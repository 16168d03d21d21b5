"""Quantise a tower as OpenVINO's own tools do; `towers.py --nncf` runs it where nncf is.

`python nncf_quantised.py image.onnx image.xml seen.npy`: calibrated on those pixels; or
`text.onnx text.xml seen.npy`: on short rows of ids.
"""

import sys

import numpy as np


def quantise(source: str, wanted: str, seen: str) -> None:
    import nncf  # type: ignore[import-not-found]
    import openvino  # type: ignore[import-untyped]

    draw = np.random.default_rng(1)
    if source.endswith("image.onnx"):
        given = np.array_split(np.load(seen), 4)
    else:
        start, end = (np.full((4, 1), each) for each in (49406, 49407))
        words = [draw.integers(300, 49000, (4, count)) for count in (6, 8, 10, 12)]
        given = [np.concatenate([start, one, end], axis=1) for one in words]
    model = openvino.Core().read_model(source)
    kind = nncf.ModelType.TRANSFORMER
    rounded = nncf.quantize(model, nncf.Dataset(given), model_type=kind, subset_size=4)
    openvino.save_model(rounded, wanted)


if __name__ == "__main__":
    quantise(sys.argv[1], sys.argv[2], sys.argv[3])
