"""README.md of an exported folder. Enter at `readme`."""

from collections.abc import Mapping, Sequence

import msgspec

from sightline.checkpoints import Checkpoint
from sightline.export.comparing import Compared
from sightline.export.plan import ENGINES, Plan
from sightline.runtime.certificate import Certificate

_PRECISIONS: Mapping[str, str] = {
    "float32": "Weights and sums are float32.",
    "float16": "Matrices are stored in half precision (float16) and everything is computed in "
    "float32: half the size, not twice the speed.",
    "int8": "Products are of 8 bits, said with QuantizeLinear and DequantizeLinear; every step is "
    "fixed, so a vector does not depend on its neighbours in a batch.",
}
_FILES: Mapping[str, str] = {
    "image.onnx": "pictures to vectors, weights included",
    "image.onnx.data": "its weights: no ONNX file may have 2 GB; keep the two together",
    "text.onnx": "rows of ids to vectors, weights included",
    "text.onnx.data": "its weights: keep the two together",
    "image.xml": "pictures to vectors, for OpenVINO",
    "image.bin": "its weights",
    "text.xml": "rows of ids to vectors, for OpenVINO",
    "text.bin": "its weights",
    "preprocessing.json": "how a picture becomes pixels, in words and numbers",
    "text.json": "how a text becomes a row of ids, and what a cosine is worth",
    "tokenizer.json": "texts to rows, for the tokenizers library",
    "classes.json": "the labels, and what a cosine is worth",
    "classes.npy": "a unit vector for each label",
    "certificate.json": "how near the vectors are to the model's own, measured",
    "run.py": "classifies a photo",
    "index.html": "the same in a browser, with four files of its own",
    "onnxruntime-web": "what the page computes with (MIT, from npm)",
    "export.json": "what this was made from, and the sha256 of each file",
}

_PAGE = (
    "For the page, serve this folder (`python -m http.server`) and open it in a browser: no other "
    "server is asked for anything.\n\n"
)


def readme(
    checkpoint: Checkpoint,
    plan: Plan,
    compared: Compared,
    certificate: Certificate | None,
    names: Sequence[str],
) -> str:
    """Say what a folder is, whose it is, how it is run, and whether it may be relied on.

    Args:
        checkpoint: What was exported.
        plan: How.
        compared: What made pictures and texts showed.
        certificate: What data showed; None: none were given.
        names: The files that are there.
    """
    packages = ["numpy", "pillow", ENGINES[plan.format]]
    packages += [] if plan.classes else ["tokenizers"]
    usage = "photo.jpg" if plan.classes else 'photo.jpg "a cat" "a dog"'
    # ONNX Runtime leaves a device's id under the user's home unless it is told not to.
    quiet = "ORT_DISABLE_TELEMETRY=1 " if plan.format == "onnx" else ""
    license_name = msgspec.json.encode(checkpoint.license).decode()  # YAML reads JSON's strings
    files = "".join(f"| `{name}` | {_FILES[name]} |\n" for name in _FILES if name in names)
    page = _PAGE if plan.page else ""
    return f"""---
license: {license_name}
---

# {_title(plan)}

Origin: {checkpoint.origin}.
Terms of the weights: {checkpoint.license}.
Model: `{checkpoint.fingerprint}`.

{_PRECISIONS[plan.precision]}

{_not_certified(compared) if certificate is None else verdict(certificate)}

## Run it

```console
$ pip install {" ".join(packages)}
$ {quiet}python run.py {usage}
```

Sightline is not needed. `run.py` follows the two JSON files; a program in another language follows
their words. {page}Vectors are not of unit length: divide each by its length before you compare it.

| file | what it is |
|---|---|
{files}
## What can go wrong

{_traps(checkpoint, plan)}"""


def _title(plan: Plan) -> str:
    """Say in a line what the folder does."""
    what = f"pictures, told apart by {len(plan.classes)} labels" if plan.classes else "CLIP towers"
    return f"{what[0].upper()}{what[1:]}, for {ENGINES[plan.format]} in {plan.precision}"


def verdict(certificate: Certificate) -> str:
    """Say whether the vectors may stand for the model's own."""
    on = f"{certificate.measured_on.images:,} pictures of {certificate.measured_on.name}"
    if certificate.passed:
        return f"**Certified** on {on} ({certificate.date}): `certificate.json` has the figures."
    reasons = "".join(f"\n- {one}" for one in certificate.failures)
    return f"**FAILED** its certificate, measured on {on}: do not rely on it.\n{reasons}"


def _not_certified(compared: Compared) -> str:
    """Say what is known without data."""
    return (
        "**Not certified**: how near real pictures come was not measured (`sightline export "
        "--check DATA` does). Of made pictures and texts the lowest cosine with the model's own "
        f"vectors was {compared.pictures:.6f} and {compared.texts:.6f}."
    )


def _traps(checkpoint: Checkpoint, plan: Plan) -> str:
    """List what this folder does otherwise than the model in Sightline."""
    size = checkpoint.spec.pixels.size_px
    lines = [
        f"A picture in another size, filter or crop than `preprocessing.json` says still gives a "
        f"vector, and a wrong one: the model sees {size} × {size} pixels.",
        "`run.py` opens its towers for one photo; a program that sees many opens them once.",
        "Sightline decodes a JPEG of at least 1024 pixels on its short side at a part of its size, "
        "which moves a pixel by 0.2 of 255 in the mean, and lays what is transparent over white; "
        "`run.py` does neither.",
        "Scores are shares among the labels, not probabilities, where the model is not calibrated; "
        'the answer "none of these" stays behind.',
    ]
    if not plan.classes:
        lines.append(
            "`tokenizer.json` cleans texts as the model does but for what `text.json` names under "
            "`cleaning_left_out`; a text that spells a mark of the tokenizer is read as the mark."
        )
    if plan.format == "openvino":
        lines.append(
            "Without `INFERENCE_PRECISION_HINT` OpenVINO computes in bfloat16 where the processor "
            "has it: twice as fast, and not what was measured here."
        )
    return "".join(f"- {line}\n" for line in lines)
