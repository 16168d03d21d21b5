"""A file that torch saved: state dict or TorchScript, without torch. Enter at `open_torch_archive`.

Such a file is a zip archive: a pickle says which tensors there are, and each storage lies beside it
uncompressed, so that it can be mapped where it is. TorchScript adds code, which is never looked at.
Source: torch/serialization.py `_save`; torch/csrc/jit/serialization for TorchScript.
"""

import math
import mmap
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from re import fullmatch
from typing import Any

from sightline.errors import CheckpointError
from sightline.regular_file import open_regular
from sightline.tensors.pickled import Module, Tensor, read_pickle
from sightline.tensors.place import STORED, Place, bytes_of, is_shape
from sightline.tensors.tensor_file import TensorFile, map_file

MAX_ENTRIES = 50_000
MAX_DIRECTORY_BYTES = 8 * 2**20  # of a whole training state, a fiftieth
MAX_LETTERS = 4 * 2**20  # of all names of a model's parts: the largest CLIP has a twentieth
ENCRYPTED = 1  # the flag of an entry
MAX_DEPTH = 20  # modules inside modules
LOCAL_HEADER = 30  # bytes before an entry's name in the archive

# torch's class of a storage → safetensors' name of its type
KINDS: Mapping[str, str] = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
WHOLE = ("state_dict", "model_state_dict", "model")  # where training checkpoints keep the weights


def open_torch_archive(path: Path) -> TensorFile:
    """Map a file and find each tensor of its state dict or of its TorchScript module.

    A training checkpoint gives the weights that it keeps under "state_dict"; the names that data
    parallel training put before all of them ("module.") are taken off.

    Raises:
        CheckpointError: The file is missing, cut short, of the old kind without an archive, or
            holds anything but tensors and containers.
    """
    mapped, state = map_file(path)
    entries = _entries(path)
    root = _root(path, entries)
    pickled = _stored(path, mapped, entries[f"{root}/data.pkl"])
    order = entries.get(f"{root}/byteorder")
    if order is not None and bytes(_stored(path, mapped, order)) != b"little":
        raise CheckpointError(f"{path} was saved on a big-endian machine: save it on another")
    contents = read_pickle(bytes(pickled), str(path))
    tensors = dict(_tensors(_weights(contents), path))
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors: give a file with a model's weights")
    starts: dict[str, tuple[int, int]] = {}
    for key in sorted({tensor.storage.key for tensor in tensors.values()}):
        starts[key] = _extent(path, mapped, entries, f"{root}/data/{key}")
    places = {name: _place(path, name, tensor, starts) for name, tensor in tensors.items()}
    digest = sha256(bytes(pickled) + repr(sorted(starts.items())).encode()).hexdigest()
    return TensorFile(path=path, mapped=mapped, state=state, places=places, digest=digest)


class _Archive(BufferedReader):
    """A file of which zipfile reads no more than it should, whatever length a directory claims."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(
                f"its directory has {size} bytes, more than {MAX_DIRECTORY_BYTES}"
            )
        return super().read(size)


def _entries(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Read the archive's directory."""
    try:
        with _Archive(open_regular(path).detach()) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except CheckpointError:
        raise
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not an archive of torch's ({error}): copy it again, or, if torch before "
            "1.6 wrote it, load it there and save it anew"
        ) from error
    if len(entries) > MAX_ENTRIES:
        raise CheckpointError(
            f"{path} has {len(entries)} entries, more than {MAX_ENTRIES}: refused"
        )
    # Of two entries with one name, other readers may take the other.
    twice = [name for name, count in Counter(one.filename for one in entries).items() if count > 1]
    hidden = [one.filename for one in entries if one.flag_bits & ENCRYPTED]
    for fault, names in (("twice", twice), ("encrypted", hidden)):
        if names:
            raise CheckpointError(
                f"{path} has {names[0]} {fault}, which torch never writes: copy it again"
            )
    return {entry.filename: entry for entry in entries}


def _root(path: Path, entries: Mapping[str, zipfile.ZipInfo]) -> str:
    """Return the one folder of the archive."""
    roots = [name.split("/")[0] for name in entries if fullmatch(r"[^/]*/data\.pkl", name)]
    if len(roots) != 1:
        raise CheckpointError(
            f"{path} is a zip archive with {len(roots)} tables of contents (data.pkl), so torch "
            "did not save it: give weights that torch or safetensors wrote"
        )
    return roots[0]


def _stored(path: Path, mapped: mmap.mmap, entry: zipfile.ZipInfo) -> memoryview:
    """Return the bytes of an entry, where they lie."""
    begin, length = _place_of(path, mapped, entry)
    return memoryview(mapped)[begin : begin + length]


def _place_of(path: Path, mapped: mmap.mmap, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where an uncompressed entry begins and how long it is."""
    at = entry.header_offset
    header = mapped[at : at + LOCAL_HEADER] if at >= 0 else b""  # zipfile may compute any
    # Before the data: the header, the name, and an "extra" with which torch aligns it.
    begin = at + LOCAL_HEADER + int.from_bytes(header[26:28], "little")
    begin += int.from_bytes(header[28:30], "little")
    whole = header[:4] == b"PK\3\4" and begin + entry.file_size <= len(mapped)
    if entry.compress_type != zipfile.ZIP_STORED or not whole:
        raise CheckpointError(
            f"{path} has {entry.filename} compressed or cut short, which torch never writes: copy "
            "it again"
        )
    return begin, entry.file_size


def _extent(
    path: Path, mapped: mmap.mmap, entries: Mapping[str, zipfile.ZipInfo], name: str
) -> tuple[int, int]:
    """Return where a storage begins and how many bytes it has."""
    if name not in entries:
        raise CheckpointError(
            f"{path} lacks {name}, which its table of contents names: copy it again"
        )
    return _place_of(path, mapped, entries[name])


def _weights(contents: Any) -> Any:
    """Return what holds the weights in what was saved."""
    if isinstance(contents, dict):
        for name in WHOLE:
            if isinstance(contents.get(name), dict):
                return contents[name]
    return contents


def _tensors(contents: Any, path: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield name and tensor; of TorchScript, modules inside modules with dots between."""
    found: list[tuple[str, Tensor]] = []
    letters = 0
    for name, value in _walk(contents, "", 0, path):
        # Modules may be shared, and twenty that name each other ten times make 10^20 names.
        letters += 1 + len(name)
        if letters > MAX_LETTERS:
            raise CheckpointError(
                f"{path} has parts whose names have more than {MAX_LETTERS} letters: refused"
            )
        if isinstance(value, Tensor):
            found.append((name, value))
    # The keys 1 and "1", or "a.b" and b of a module a: of two tensors one would be lost.
    twice = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
    if twice:
        raise CheckpointError(
            f"{path} has two tensors of the name {twice[0]}: save the state_dict() of a model"
        )
    wrapped = bool(found) and all(name.startswith("module.") for name, _ in found)
    for name, tensor in found:
        yield name.removeprefix("module.") if wrapped else name, tensor


def _walk(whole: Any, prefix: str, depth: int, path: Path) -> Iterator[tuple[str, Any]]:
    """Yield what is below a prefix: each part, whether it is a tensor or not."""
    if depth > MAX_DEPTH:
        raise CheckpointError(f"{path} nests modules more than {MAX_DEPTH} deep: refused")
    items = whole.attributes if isinstance(whole, Module) else whole
    if not isinstance(items, dict):
        raise CheckpointError(
            f"{path} holds a {type(whole).__name__.lower()}, not the tensors of a model: save its "
            "state_dict()"
        )
    for name, value in items.items():
        yield f"{prefix}{name}", value
        if isinstance(value, Module):
            yield from _walk(value, f"{prefix}{name}.", depth + 1, path)


def _place(path: Path, name: str, tensor: Tensor, starts: Mapping[str, tuple[int, int]]) -> Place:
    """Return where a tensor lies, checked against its storage."""
    dtype = KINDS.get(tensor.storage.kind)
    if dtype is None:
        raise CheckpointError(
            f"{path} stores {name} as {tensor.storage.kind}, which is not read here: convert it "
            f"to one of {', '.join(KINDS)}"
        )
    start, held = starts[tensor.storage.key]
    size, width = bytes_of(dtype, tensor.shape), STORED[dtype].itemsize
    begin = tensor.offset * width
    if not is_shape(tensor.shape) or tensor.offset < 0 or begin + size > held:
        raise CheckpointError(
            f"{path} places {name} (shape {list(tensor.shape)} of {dtype}) outside its storage of "
            f"{held} bytes: copy it again"
        )
    turned = _is_turned(path, name, tensor)
    return Place(
        path=path,
        dtype=dtype,
        shape=tensor.shape,
        offset=start + begin,
        length=size,
        turned=turned,
    )


def _is_turned(path: Path, name: str, tensor: Tensor) -> bool:
    """Tell a matrix kept column after column; any other order but row after row is refused."""
    shape, strides = tensor.shape, tensor.strides
    rows = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    seen = [axis for axis, length in enumerate(shape) if length > 1]  # others' strides say nothing
    if math.prod(shape) <= 1 or all(strides[axis] == rows[axis] for axis in seen):
        return False
    if len(shape) == 2 and strides == (1, shape[0]):
        return True
    raise CheckpointError(
        f"{path} keeps {name} (shape {list(shape)}) with strides {list(strides)}: save it again "
        "with its tensors contiguous"
    )
