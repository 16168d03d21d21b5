"""What is to be exported, and how. Enter at `Plan`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from sightline.errors import DataError
from sightline.scoring import Class

Format: TypeAlias = Literal["onnx", "openvino"]
Precision: TypeAlias = Literal["float32", "float16", "int8"]

# Format → the engine that opens it.
ENGINES: dict[Format, str] = {"onnx": "onnxruntime", "openvino": "openvino"}
ENDINGS: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a folder is to be."""

    format: Format
    precision: Precision = "float32"
    classes: tuple[Class, ...] = ()  # none: the text tower goes along, for labels of any kind
    templates: Sequence[str] | str | None = None  # of the classes; None: the model's own
    page: bool = False  # whether a page for browsers goes along; it needs classes and ONNX
    # The npm package onnxruntime-web as it was installed; None: the page asks for it.
    browser_engine: Path | None = None

    def __post_init__(self) -> None:
        if self.page and (self.format != "onnx" or not self.classes):
            raise DataError(
                "a page for browsers needs class vectors and ONNX: give labels (--labels), and the "
                "format onnx"
            )

    @property
    def towers(self) -> tuple[Literal["image", "text"], ...]:
        """The towers that go along."""
        return ("image",) if self.classes else ("image", "text")

    @property
    def stored(self) -> Literal["float32", "float16"]:
        """What matrices are stored in that are not in eight bits."""
        return "float16" if self.precision == "float16" else "float32"
