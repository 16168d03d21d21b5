"""Everything Sightline raises on purpose, with the exit code each one means at the terminal.

SightlineError
├── CheckpointError     a model folder or file: missing, left over, wrong shape, unknown, hostile
├── SpecError           a description of a model that does not hold together
├── ImageError          one picture: unreadable, too large, empty, not an image
├── TextError           one text: too long, not a string
├── DataError           a data source or recipe
├── TrainingError       a run that cannot go on
├── StoreError          a collection: mixed fingerprints, locked, damaged, full
├── RuntimeUnavailable  an extra that is not installed
├── CertificateError    a tower that did not pass its parity certificate
├── RemoteError         a hub or server
└── RefusedError        a policy said no
"""

from typing import ClassVar


class SightlineError(Exception):
    """The base: catch this to catch all of ours. The message is one sentence."""

    exit_code: ClassVar[int] = 4


class CheckpointError(SightlineError, ValueError):
    """A checkpoint cannot be read or written exactly."""


class SpecError(SightlineError, ValueError):
    """A spec is inconsistent, or its JSON is not ours."""


class ImageError(SightlineError, ValueError):
    """One picture cannot be turned into pixels."""


class TextError(SightlineError, ValueError):
    """One text cannot be turned into token ids."""

    exit_code: ClassVar[int] = 2


class DataError(SightlineError, ValueError):
    """A source of examples, or a recipe, is not usable."""


class TrainingError(SightlineError, RuntimeError):
    """A training run cannot go on."""


class StoreError(SightlineError, RuntimeError):
    """A collection is locked, damaged, full, or of another model."""


class RuntimeUnavailable(SightlineError, ImportError):
    """A library behind an extra is not installed; the message names the extra."""


class CertificateError(SightlineError, RuntimeError):
    """A converted tower failed its parity certificate, or has none."""


class RemoteError(SightlineError, OSError):
    """A hub or server did not give what was asked for."""


class RefusedError(SightlineError, PermissionError):
    """A policy said no."""

    exit_code: ClassVar[int] = 1
