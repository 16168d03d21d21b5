"""run.py: a photo is classified without Sightline, in twenty lines. Enter at `script`.

It is put together of what the model needs and of nothing else, so that a reader sees one way and no
branches. Numbers come from the JSON beside it.
"""

from collections.abc import Mapping

from sightline.export.plan import ENGINES, Format, Plan
from sightline.spec import PixelRecipe

_TOP = '''"""Which label fits a photo best?  {usage}"""
import json, {engine}, os, sys
import numpy as np
from PIL import Image, ImageOps
'''
_TOKENIZER = "from tokenizers import Tokenizer\n"
_READ = """
here = os.path.dirname(os.path.abspath(__file__)) + os.sep
how, said = (json.load(open(here + name, "rb")) for name in ("preprocessing.json", "{other}.json"))


def vectors(tower, **rows):
"""
_EXACT = '"CPU", {"INFERENCE_PRECISION_HINT": "f32"}'
_VECTORS: Mapping[Format, str] = {
    "onnx": """    found = onnxruntime.InferenceSession(f"{here}{tower}.onnx").run(None, rows)[0]
""",
    # Without the hint OpenVINO computes in bfloat16 where the processor has it.
    "openvino": f"""    found = openvino.compile_model(f"{{here}}{{tower}}.xml", {_EXACT})(rows)[0]
""",
}
_UNIT = """    return found / np.linalg.norm(found, axis=1, keepdims=True)


photo, size = ImageOps.exif_transpose(Image.open(sys.argv[1])), how["size_px"]
assert photo.mode[0] not in "IF", "more than 8 bits a channel: save the photo with 8 first"
"""
# Resize rule → the width and height to resize to, by the edges before.
_SIZES: Mapping[str, str] = {
    "squash": "(size, size)",
    "shortest": "[size * edge // min(photo.size) for edge in photo.size]",
    "longest_pad": "[max(1, round(e / (max(photo.size) / size))) for e in photo.size]",
}
_RESIZED = """photo = photo.convert("RGB").resize({edges}, Image.{filter})
"""
# Resize rule and crop rounding → where the left and the upper edge of the square lie.
_EDGES: Mapping[tuple[str, str], str] = {
    ("shortest", "half_even"): "round((edge - size) / 2)",
    ("shortest", "floor"): "(edge - size) // 2",
    # Pillow fills with black what is cut out beyond the edges.
    ("longest_pad", "half_even"): "-((size - edge) // 2)",
    ("longest_pad", "floor"): "-((size - edge) // 2)",
}
_CUT = "photo.crop((left, top, left + size, top + size))"
_PIXELS = """pixels = (np.asarray({photo}, np.float32) / 255 - how["mean"]) / how["std"]
picture = vectors("image", pixels=pixels.transpose(2, 0, 1)[None].astype(np.float32))[0]
"""
_TEXTS = """prompts = [said["template"].replace("{}", label) for label in sys.argv[2:]]
tokens = [row.ids for row in Tokenizer.from_file(here + "tokenizer.json").encode_batch(prompts)]
cosines = vectors("text", ids=np.array(tokens)) @ picture
"""
_CLASSES = """cosines = np.load(here + "classes.npy") @ picture
"""
# Head → the line that makes scores of cosines, and what is then read off.
_SCORES: Mapping[str, tuple[str, str]] = {
    "softmax": (
        'shares = np.exp(said["head"]["scale"] * (cosines - cosines.max()).astype(float))\n',
        "shares / shares.sum()",
    ),
    "sigmoid": (
        'odds = np.exp(said["head"]["scale"] * cosines.astype(float) + said["head"]["bias"])\n',
        "odds / (1 + odds)",
    ),
}
_RANKED = "sorted(zip({scores}, {labels}), reverse=True)"
_PRINT = f"""print(*(f"{{{{p:.6f}}}} {{{{name}}}}" for p, name in {_RANKED}), sep="\\n")
"""


def script(plan: Plan, pixels: PixelRecipe, head: str) -> str:
    """Return the script for an export.

    Args:
        plan: What was exported.
        pixels: How the model wants pictures.
        head: "softmax" or "sigmoid".
    """
    alone = bool(plan.classes)
    other, labels = ("classes", 'said["labels"]') if alone else ("text", "sys.argv[2:]")
    usage = "python run.py PHOTO" if alone else "python run.py PHOTO LABEL LABEL ..."
    edges = _EDGES.get((pixels.resize, pixels.crop_rounding))
    logits, scores = _SCORES[head]
    return "".join(
        (
            _TOP.format(usage=usage, engine=ENGINES[plan.format]),
            "" if alone else _TOKENIZER,
            _READ.format(other=other),
            _VECTORS[plan.format],
            _UNIT,
            _RESIZED.format(edges=_SIZES[pixels.resize], filter=pixels.filter.upper()),
            "" if edges is None else f"left, top = ({edges} for edge in photo.size)\n",
            _PIXELS.format(photo="photo" if edges is None else _CUT),
            _CLASSES if alone else _TEXTS,
            logits,
            _PRINT.format(scores=scores, labels=labels),
        )
    )
