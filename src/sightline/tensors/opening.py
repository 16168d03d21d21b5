"""One model's tensor files, whatever wrote them. Enter at `open_tensors`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from sightline.errors import CheckpointError
from sightline.regular_file import read_regular
from sightline.tensors.safetensors_file import open_safetensors
from sightline.tensors.tensor_file import TensorFile

MAX_INDEX_BYTES = 16 * 2**20  # a hundred thousand tensors with long names


def _open_torch(path: Path) -> TensorFile:
    """Open what torch wrote, with modules that nothing else needs."""
    from sightline.tensors.torch_archive import open_torch_archive

    return open_torch_archive(path)


_OPENERS: Mapping[str, Callable[[Path], TensorFile]] = {
    ".safetensors": open_safetensors,
    ".bin": _open_torch,
    ".pt": _open_torch,
    ".pth": _open_torch,
    ".ckpt": _open_torch,
}


class _Index(msgspec.Struct, frozen=True):
    """Which shard has which tensor, as transformers writes it."""

    weight_map: dict[str, str]


def open_tensors(path: Path) -> tuple[TensorFile, ...]:
    """Map a file of tensors, or all shards that an index (`….index.json`) names.

    Raises:
        CheckpointError: A file is missing, damaged, hostile or of a kind that is not read.
    """
    if path.name.endswith(".index.json"):
        return _open_shards(path)
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise CheckpointError(
            f"{path} is of no kind that holds weights: give a file that ends with one of "
            f"{', '.join(_OPENERS)}"
        )
    return (opener(path),)


def _open_shards(path: Path) -> tuple[TensorFile, ...]:
    """Open each shard, and check that it holds exactly what the index says."""
    try:
        index = msgspec.json.decode(read_regular(path, MAX_INDEX_BYTES), type=_Index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not an index of shards ({error}): copy again") from error
    shards = sorted(set(index.weight_map.values()))
    for shard in shards:
        # A shard is a neighbour: an index is a stranger's file and may name any path.
        if Path(shard).name != shard or Path(shard).suffix not in _OPENERS:
            raise CheckpointError(f"{path} names the shard {shard!r}, which is no file beside it")
    files = tuple(_OPENERS[Path(shard).suffix](path.with_name(shard)) for shard in shards)
    for file in files:
        wanted = {name for name, shard in index.weight_map.items() if shard == file.path.name}
        odd = sorted(wanted ^ file.places.keys())
        if odd:
            raise CheckpointError(
                f"{file.path} and its index disagree about {len(odd)} tensors "
                f"({', '.join(odd[:3])}): copy both again"
            )
    return files
