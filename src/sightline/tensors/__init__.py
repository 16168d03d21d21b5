"""Tensors as they lie in files: mapped, never run, read when asked for. Enter at `open_tensors`."""

from sightline.tensors.opening import open_tensors
from sightline.tensors.place import STORED, Place
from sightline.tensors.tensor_file import TensorFile

__all__ = ["STORED", "Place", "TensorFile", "open_tensors"]
