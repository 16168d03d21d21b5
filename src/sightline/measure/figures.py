"""What was measured, as data. Enter at `Report`."""

from collections.abc import Mapping

import msgspec

from sightline.measure.engines import Engine
from sightline.measure.machine import Machine

MANY = 100_000  # photos, of which people ask how long they take


class Latency(msgspec.Struct, frozen=True):
    """How long one takes, in milliseconds: the median, and what 19 of 20 stay below."""

    p50_ms: float
    p95_ms: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One engine's, each the median of the rounds."""

    engine: Engine
    description: str  # what the engine says of itself
    open_s: float  # until both towers have answered once, the engine's own import included
    images_per_s: Mapping[int, float]  # by batch, pixels given
    texts_per_s: Mapping[int, float]  # by batch
    picture: Latency  # from a file to its vector
    text: Latency
    files_per_s: Mapping[str, float]  # from files to vectors, by what they are
    peak_mb: float | None  # resident, of the engine's own process; None where nobody tells
    rounds: int

    @property
    def hours(self) -> dict[str, float]:
        """How long `MANY` photos take, by what they are."""
        return {kind: MANY / rate / 3600 for kind, rate in self.files_per_s.items()}


class Unavailable(msgspec.Struct, frozen=True):
    """An engine that does not run here."""

    engine: Engine
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a machine."""

    machine: Machine
    fingerprint: str
    embed_dim: int
    weights_bytes: int  # on disk
    engines: tuple[Figures | Unavailable, ...]

    @property
    def vector_bytes(self) -> dict[str, int]:
        """What the vectors of `MANY` photos take, without their keys, by type."""
        return {"float32": MANY * self.embed_dim * 4, "float16": MANY * self.embed_dim * 2}
