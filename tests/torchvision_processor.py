"""Run the torchvision processor of transformers on pictures, in a process of its own.

    python tests/torchvision_processor.py SIZE_PX PICTURES.npz PIXELS.npz

torchvision's published build was compiled against a CUDA torch, so beside a CPU torch its compiled
operators (boxes, video) are not there, and importing it fails where it describes them to torch.
Resizing is not among them: it is torch's own. So the two modules that describe them stay empty.
"""

import sys
from types import ModuleType

import numpy as np
from PIL import Image

for described in ("_meta_registrations", "_autograd_registrations"):
    sys.modules[f"torchvision.{described}"] = ModuleType(f"torchvision.{described}")

from transformers.models.clip.image_processing_clip import CLIPImageProcessor  # noqa: E402


def main(size_px: int, pictures: str, pixels: str) -> None:
    """Write the processor's grey levels, 0 to 255, of each picture under its name."""
    processor = CLIPImageProcessor(
        size={"shortest_edge": size_px},
        crop_size={"height": size_px, "width": size_px},
        do_rescale=False,
        do_normalize=False,
    )
    with np.load(pictures) as arrays:
        seen = {
            name: processor(Image.fromarray(arrays[name]), return_tensors="np")["pixel_values"][0]
            for name in arrays.files
        }
    np.savez(pixels, **seen)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
