"""What a pickle says, without doing any of it. Enter at `read_pickle`.

A pickle is a program: it names functions and calls them. Here it is read by an interpreter that
has no functions to call: a name stays a name (`Named`), and of all calls only the dozen that torch
itself writes for tensors and containers mean something. Whatever else a pickle asks for is an error
that names it. `pickletools` of the standard library knows how long each opcode's argument is.

A few hundred bytes can make a tuple of itself twice, sixty times over: a hash, a comparison or a
message of the whole of it never ends. So names and keys are short texts, calls have few arguments,
and a message names types and numbers only.

Source: Python's pickletools for what each opcode does; torch/serialization.py `persistent_id` and
torch/_utils.py `_rebuild_tensor_v2` for how tensors are written.
"""

import pickletools
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import msgspec

from sightline.errors import CheckpointError
from sightline.tensors.place import MAX_AXES

MAX_BYTES = 8 * 2**20  # a whole training state of a large CLIP takes a quarter of this
MAX_LETTERS = 1000  # of a name: a tensor's has a tenth of that
MAX_ARGUMENTS = 16  # of a call: a tensor's has seven


class Named(msgspec.Struct, frozen=True):
    """A function or a class that a pickle names: never imported, never called."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Storage(msgspec.Struct, frozen=True):
    """A run of numbers beside the pickle."""

    key: str
    kind: str  # torch's class: FloatStorage, HalfStorage …
    count: int  # of numbers


class Tensor(msgspec.Struct, frozen=True):
    """A view of a storage; offset and strides count numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Module(msgspec.Struct):
    """An object of a class that TorchScript compiled: what it holds, by name."""

    attributes: dict[str, Any]


class _Mark:
    """Where a list of arguments begins on the stack."""


def read_pickle(encoded: bytes, where: str) -> Any:
    """Return what a pickle of torch's holds: containers, numbers, texts, `Tensor`s, `Module`s.

    Args:
        encoded: The whole pickle.
        where: Its file, for messages.

    Raises:
        CheckpointError: It is too long, broken, or asks for anything but tensors and containers.
    """
    if len(encoded) > MAX_BYTES:
        raise CheckpointError(
            f"{where} has a table of contents of {len(encoded)} bytes, more than {MAX_BYTES}: "
            "give the weights alone"
        )
    reader, rest = _Reader(where), BytesIO(encoded)
    try:
        while reader.step(rest):
            pass
        [whole] = reader.stack
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{where} has a broken table of contents ({error}): copy it again"
        ) from error
    return whole


class _Reader:
    """A stack and a memory."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def step(self, rest: BytesIO) -> bool:
        """Do what the next opcode says; tells whether another one follows.

        Raises:
            CheckpointError: It is not among those that torch writes; its argument is not looked at.
        """
        opcode = _OPCODES[rest.read(1).decode("latin-1")]
        name = opcode.name
        if not (name in _CONSTANTS or name in _VALUES or name in _STEPS or name in _NOTHING):
            raise CheckpointError(
                f"{self.where} uses {name}, which weights saved by torch do not: it may be "
                "hostile, so nothing of it is read"
            )
        argument = None
        if name == "GLOBAL":  # pickletools would look for escapes, which there are none of
            argument = [rest.readline()[:-1].decode() for _ in range(2)]
        elif opcode.arg is not None:
            argument = opcode.arg.reader(rest)
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            self.stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        return bool(name != "STOP")

    def marked(self) -> list[Any]:
        """Take everything down to the last mark, and the mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _Mark:  # from the top: a stack of millions has many marks
            at -= 1
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken

    def call(self, function: Any, arguments: Any) -> Any:
        """Return what one of torch's calls stands for."""
        known = _CALLS.get(str(function)) if isinstance(function, Named) else None
        if known is None:
            raise CheckpointError(
                f"{self.where} asks to call {_called(function)}, which weights saved by torch do "
                "not: it may be hostile, so nothing of it is read"
            )
        if not isinstance(arguments, tuple) or len(arguments) > MAX_ARGUMENTS:
            raise ValueError(f"a call of {function} with a {type(arguments).__name__}")
        return known(*arguments)


def _called(function: Any) -> str:
    """Return how a message names what a pickle would call."""
    return str(function) if isinstance(function, Named) else f"a {type(function).__name__.lower()}"


def _short(text: Any) -> str:
    """Return what has to be a name."""
    if not isinstance(text, str) or len(text) > MAX_LETTERS:
        raise ValueError(f"a {type(text).__name__} where a short name belongs")
    return text


def _put(whole: Any, key: Any, value: Any) -> None:
    """Set an item of a dictionary."""
    if not isinstance(whole, dict) or not isinstance(key, str | int | None):
        raise ValueError(f"a {type(key).__name__} as a key of a {type(whole).__name__}")
    whole[_short(key) if isinstance(key, str) else key] = value


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """Stand for torch._utils._rebuild_tensor_v2."""
    if not len(shape) == len(strides) <= MAX_AXES or not isinstance(storage, Storage):
        raise ValueError(f"a tensor of {len(shape)} axes with {len(strides)} strides")
    if any(type(number) is not int for number in (offset, *shape, *strides)):
        raise ValueError("a tensor whose place is not said in whole numbers")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _same(items: Any, *_: Any) -> Any:
    """Stand for what copies its first argument: a copy could be asked for a million times."""
    return items


def _storage(reader: _Reader, _: Any) -> None:
    """Take the tuple that stands for a storage: ("storage", class, key, device, count)."""
    said, kind, key, _, count = reader.stack.pop()
    if said != "storage" or not isinstance(kind, Named) or kind.module != "torch":
        raise ValueError("what stands for a storage is none of torch's")
    reader.stack.append(Storage(_short(key), kind.name, count))


def _reduce(reader: _Reader, _: Any) -> None:
    arguments, function = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(reader.call(function, arguments))


def _new(reader: _Reader, _: Any) -> None:
    """Make an object of a class that TorchScript compiled; other classes are calls like any."""
    arguments, kind = reader.stack.pop(), reader.stack.pop()
    compiled = isinstance(kind, Named) and kind.module.split(".")[0] == "__torch__"
    reader.stack.append(Module({}) if compiled else reader.call(kind, arguments))


def _build(reader: _Reader, _: Any) -> None:
    """Fill an object. A state dict's `_metadata` is of no use here."""
    state, whole = reader.stack.pop(), reader.stack[-1]
    if isinstance(whole, Module):
        if not isinstance(state, dict) or whole.attributes:  # pairs, with anything as keys
            raise ValueError(f"an object made of a {type(state).__name__}, or made twice")
        whole.attributes = state  # itself: a copy could be asked for a million times


def _global(reader: _Reader, argument: list[str]) -> None:
    reader.stack.append(Named(*map(_short, argument)))


def _stack_global(reader: _Reader, _: Any) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.stack.append(Named(_short(module), _short(name)))


def _set_items(reader: _Reader, _: Any) -> None:
    items = reader.marked()
    for key, value in zip(items[::2], items[1::2], strict=True):
        _put(reader.stack[-1], key, value)


def _set_item(reader: _Reader, _: Any) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    _put(reader.stack[-1], key, value)


def _append(reader: _Reader, _: Any) -> None:
    item = reader.stack.pop()
    reader.stack[-1].append(item)


def _tuple(count: int) -> Callable[[_Reader, Any], None]:
    """Return the step that makes a tuple of the last few."""

    def step(reader: _Reader, _: Any) -> None:
        taken = tuple(reader.stack[-count:])
        del reader.stack[-count:]
        reader.stack.append(taken)

    return step


_CALLS: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _same,
    "torch.jit._pickle.build_intlist": _same,
    "torch.jit._pickle.build_doublelist": _same,
    "torch.jit._pickle.build_boollist": _same,
    "torch.jit._pickle.build_tensorlist": _same,
    "torch.jit._pickle.restore_type_tag": _same,
    "torch.Size": _same,
    "torch.device": lambda *said: said,
    "collections.OrderedDict": lambda: {},
    "collections.defaultdict": lambda *_: {},
}
_STEPS: Mapping[str, Callable[[_Reader, Any], None]] = {
    "EMPTY_DICT": lambda reader, _: reader.stack.append({}),
    "EMPTY_LIST": lambda reader, _: reader.stack.append([]),
    "MARK": lambda reader, _: reader.stack.append(_Mark),
    "TUPLE": lambda reader, _: reader.stack.append(tuple(reader.marked())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda reader, _: reader.stack.append(reader.marked()),
    "APPEND": _append,
    "APPENDS": lambda reader, _: (items := reader.marked(), reader.stack[-1].extend(items))[1],
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "BINPUT": lambda reader, at: reader.memory.__setitem__(at, reader.stack[-1]),
    "LONG_BINPUT": lambda reader, at: reader.memory.__setitem__(at, reader.stack[-1]),
    "MEMOIZE": lambda reader, _: reader.memory.__setitem__(len(reader.memory), reader.stack[-1]),
    "BINGET": lambda reader, at: reader.stack.append(reader.memory[at]),
    "LONG_BINGET": lambda reader, at: reader.stack.append(reader.memory[at]),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "BINPERSID": _storage,
    "REDUCE": _reduce,
    "NEWOBJ": _new,
    "BUILD": _build,
}
_CONSTANTS: Mapping[str, Any] = {
    "EMPTY_TUPLE": (),
    "NEWTRUE": True,
    "NEWFALSE": False,
    "NONE": None,
}
_TEXTS = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"})
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"})
_VALUES = _TEXTS | _NUMBERS | {"BINBYTES", "SHORT_BINBYTES"}
_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_NOTHING = frozenset({"PROTO", "FRAME", "STOP"})
