"""Who takes part in `towers.py`: one model, opened by each. Enter at `image_contestants`."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline import images
from sightline.checkpoints import Checkpoint, read
from sightline.embedder import Embedder, embedder_of
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.choosing import Choice
from sightline.runtime.openvino_session import core
from sightline.runtime.ranges import Ranges
from sightline.runtime.tower_graph import TowerGraph
from sightline.runtime.towers import open_chosen
from sightline.spec.towers import Spec, ViT
from sightline.spec.words import Rows

PHOTOS = Path(__file__).resolve().parents[1] / "photos"
Run = Callable[[], np.ndarray]
OURS = (
    ("onnxruntime", "float32"),
    ("onnxruntime", "int8"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
)
CAPTION = "a dog runs on the beach near two red boats at dusk"  # 14 ids, start and end included
TOGETHER = 16  # captions that go through a tower at once, by hand


class Entered:
    """One random model in every library."""

    def __init__(self, place: Path, threads: int, nncf: str | None) -> None:
        self.place, self.threads, self.nncf = place, threads, nncf
        self.checkpoint: Checkpoint = read(place / "huggingface")
        self.spec: Spec = self.checkpoint.spec

    @property
    def image_gflop(self) -> float:
        """Products of one picture, 2 for each multiplication with an addition."""
        image = self.spec.image
        assert isinstance(image, ViT)
        tokens = image.grid**2 + image.class_token
        return self._blocks(image, tokens) * tokens + 2e-9 * 3 * image.size_px**2 * image.width

    @property
    def token_gflop(self) -> float:
        """Products of one token of a short caption."""
        return self._blocks(self.spec.text, 14)

    @staticmethod
    def _blocks(shape: Any, tokens: int) -> float:
        width, wide = shape.width, shape.mlp_width
        each = 4 * width**2 + 2 * width * wide + 2 * tokens * width
        return float(2e-9 * shape.layers * each)

    @cached_property
    def embedders(self) -> Mapping[str, Embedder]:
        """Return ours, in each engine and precision, as they are when they have been used."""
        plain = embedder_of(self.checkpoint, runtime="onnxruntime", precision="float32")
        found = {}
        for runtime, precision in OURS:
            rounded = self.ranges if precision == "int8" else None
            choice = Choice(runtime=runtime, precision=precision, why="", ranges=rounded)
            towers = open_chosen(self.checkpoint, choice, threads=self.threads)
            found[f"sightline, {runtime} {precision}"] = msgspec.structs.replace(
                plain, towers=towers
            )
        return found

    @cached_property
    def seen(self) -> np.ndarray:
        """Return what towers in eight bits are calibrated on: noise, as is timed, and photos."""
        recipe = self.spec.pixels
        size = (8, 3, recipe.size_px, recipe.size_px)
        noise = np.random.default_rng(1).standard_normal(size).astype(np.float32)
        photos = [recipe.apply(images.read(path)) for path in sorted(PHOTOS.glob("*.jpg"))[:8]]
        return np.concatenate([noise, photos])

    @cached_property
    def ranges(self) -> Ranges:
        """Calibrate on other inputs than those that are timed."""
        plain = embedder_of(self.checkpoint, runtime="onnxruntime", precision="float32")
        towers = WatchedTowers(self.checkpoint)
        towers.image(self.seen)
        draw = np.random.default_rng(1)
        texts = [" ".join(draw.choice(["one", "two", "three", "cat"], 8)) for _ in range(16)]
        msgspec.structs.replace(plain, towers=towers).embed_texts(texts)
        return towers.ranges()

    def rows(self, captions: Sequence[str]) -> Rows:
        """Return captions as rows of 77 ids, as every library has them."""
        return next(iter(self.embedders.values())).words.rows(list(captions))

    @cached_property
    def transformers(self) -> Any:
        sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type] # as the stand-in says
        from transformers import CLIPModel

        return CLIPModel.from_pretrained(self.place / "huggingface").eval()

    @cached_property
    def open_clip(self) -> Any:
        """Return OpenCLIP's model in pure bfloat16, which is quicker here than float32."""
        import torch

        sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
        import torchvision_standin

        package: Any = torchvision_standin.import_open_clip()
        model = package.create_model(f"local-dir:{self.place / 'openclip'}")
        return model.eval().to(torch.bfloat16)

    def by_onnxruntime(self, tower: str, *, dynamic: bool) -> Callable[[np.ndarray], np.ndarray]:
        """Return a tower as a script opens it."""
        import onnxruntime

        path = self.quantised(tower) if dynamic else self.written(tower)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = onnxruntime.InferenceSession(path, options)
        [given] = session.get_inputs()
        return lambda rows: session.run(None, {given.name: rows})[0]

    def written(self, tower: str) -> Path:
        """Write a tower as a file, beside the weights that it names."""
        graph = TowerGraph(self.checkpoint, tower)  # type: ignore[arg-type]
        path = self.place / "huggingface" / f"{tower}.onnx"
        path.write_bytes(graph.contents)
        return path

    def quantised(self, tower: str) -> Path:
        """Quantise a tower by ONNX Runtime's own tool."""
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        whole, done = self.place / f"{tower}.onnx", self.place / f"{tower}.int8.onnx"
        model = onnx.load(self.written(tower))
        onnx.save(model, whole, save_as_external_data=True, location=f"{tower}.data")
        kind, products = QuantType.QInt8, ["MatMul", "Gemm"]
        quantize_dynamic(whole, done, products, weight_type=kind, per_channel=True)
        return done

    def by_openvino(self, tower: str, hint: str, path: Path | None = None) -> Any:
        """Return a tower as somebody who knows OpenVINO compiles it."""
        graph = TowerGraph(self.checkpoint, tower)  # type: ignore[arg-type]
        model = core().read_model(path or BytesIO(graph.over_memory()))
        options = {
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
        }
        request = core().compile_model(model, "CPU", options).create_infer_request()
        return lambda rows: np.array(request.infer({0: rows}, share_inputs=True)[0])

    def by_nncf(self, python: str, tower: str) -> Path:
        """Let another environment quantise a tower."""
        done = self.place / f"{tower}.xml"
        script = Path(__file__).with_name("nncf_quantised.py")
        seen = self.place / "seen.npy"
        np.save(seen, self.seen)
        command = [python, str(script), str(self.written(tower)), str(done), str(seen)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return done

    def engines(self, tower: str) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
        """Yield the engines that a script can call with rows."""
        yield "onnxruntime float32, as used", self.by_onnxruntime(tower, dynamic=False)
        yield "onnxruntime int8 dynamic, as used", self.by_onnxruntime(tower, dynamic=True)
        yield "openvino float32, by hand", self.by_openvino(tower, "f32")
        yield "openvino bfloat16, by hand", self.by_openvino(tower, "bf16")
        if self.nncf is not None:
            path = self.by_nncf(self.nncf, tower)
            yield "openvino int8 by nncf, by hand", self.by_openvino(tower, "f32", path)
            yield "openvino int8 by nncf, rest bf16, by hand", self.by_openvino(tower, "bf16", path)


def image_contestants(entered: Entered, pixels: np.ndarray) -> Mapping[str, Run]:
    """Return all who turn pixels into vectors."""
    import torch

    given = torch.from_numpy(pixels)
    short = given.to(torch.bfloat16)
    their, open_clip = entered.transformers, entered.open_clip

    def transformers() -> np.ndarray:
        with torch.inference_mode():
            return vectors(their.get_image_features(pixel_values=given))

    def openclip() -> np.ndarray:
        with torch.inference_mode():
            return vectors(open_clip.encode_image(short))

    found: dict[str, Run] = {
        "transformers float32, as used": transformers,
        "open_clip bfloat16, as used": openclip,
    }
    for name, run in entered.engines("image"):
        found[name] = lambda run=run: run(pixels)  # type: ignore[misc]
    for name, embedder in entered.embedders.items():
        found[name] = lambda one=embedder: one.towers.image(pixels)  # type: ignore[misc]
    return found


def text_contestants(entered: Entered, captions: Sequence[str]) -> Mapping[str, Run]:
    """Return all who turn captions into vectors; ours are given words, the others ids."""
    import torch

    rows = entered.rows(captions)
    ids, longest = rows.ids, int(rows.lengths.max())
    given = torch.from_numpy(ids)
    mask = torch.from_numpy((np.arange(ids.shape[1]) < rows.lengths[:, None]).astype(np.int64))
    their, open_clip = entered.transformers, entered.open_clip

    def transformers() -> np.ndarray:
        with torch.inference_mode():
            return vectors(their.get_text_features(input_ids=given, attention_mask=mask))

    def openclip() -> np.ndarray:
        with torch.inference_mode():
            return vectors(open_clip.encode_text(given))

    found: dict[str, Run] = {
        "transformers float32, as used": transformers,
        "open_clip bfloat16, as used": openclip,
    }
    for name, run in entered.engines("text"):
        found[name] = lambda run=run: run(ids)  # type: ignore[misc]
        if "by hand" in name:
            cut = np.ascontiguousarray(ids[:, :longest])
            found[f"{name}, trimmed"] = (
                lambda run=run, cut=cut: np.concatenate(  # type: ignore[misc]
                    [run(cut[start : start + TOGETHER]) for start in range(0, len(cut), TOGETHER)]
                )
            )
    for name, embedder in entered.embedders.items():
        found[name] = lambda one=embedder: one.embed_texts(list(captions))  # type: ignore[misc]
    return found


def vectors(answer: Any) -> np.ndarray:
    """Return what a library answered as an array: transformers 5 wraps it."""
    found: np.ndarray = getattr(answer, "pooler_output", answer).float().numpy()
    return found
