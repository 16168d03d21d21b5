"""What a model can run in. Enter at `ENGINES` and `engines_like`."""

import msgspec


class Engine(msgspec.Struct, frozen=True):
    """A runtime and the precision that it computes in, as `embedder.load` takes them."""

    runtime: str
    precision: str

    @property
    def name(self) -> str:
        """Both, for people."""
        return f"{self.runtime} {self.precision}"


# The first that can run is what the others are compared with. What is not installed, or not
# possible on this machine, says so itself when it is opened.
ENGINES: tuple[Engine, ...] = (
    Engine("onnxruntime", "float32"),
    Engine("onnxruntime", "int8"),
    Engine("openvino", "float32"),
    Engine("openvino", "bfloat16"),
    Engine("openvino", "int8"),
    Engine("torch", "float32"),
    Engine("torch", "bfloat16"),
)


def engines_like(runtime: str | None, precision: str | None) -> tuple[Engine, ...]:
    """Return the rows of the table that fit what was named; None fits all.

    A runtime and a precision that were both named are a row, whether the table has it or not:
    whether it runs, the runtime knows.
    """
    if runtime is not None and precision is not None:
        return (Engine(runtime, precision),)
    found = tuple(
        one
        for one in ENGINES
        if runtime in (None, one.runtime) and precision in (None, one.precision)
    )
    return found or (Engine(runtime or "auto", precision or "auto"),)
