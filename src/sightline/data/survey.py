"""Look through a source once and say what is in it. Enter at `survey`."""

import random
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from sightline import images
from sightline.data.ahead import decode_ahead
from sightline.data.example import Counted, Example, Skipped, Tally
from sightline.data.source import Source
from sightline.images.decoders import DECODERS

SAMPLES = 5
SAMPLE_SEED = 0  # the same samples each time


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Smallest, middle and largest of some numbers."""

    least: int
    median: float
    most: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One example without its picture."""

    key: str
    texts: tuple[str, ...]
    label: str | None


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What a source holds. Counts are of pictures that can be decoded, unless they say else."""

    source: str
    uri: str
    shards: int
    images: int
    captions: int  # a text that only repeats the label is no caption
    captions_per_image: Spread | None
    labels: dict[str, int]  # the most frequent first
    unlabelled: int
    formats: dict[str, int]
    width_px: Spread | None
    height_px: Spread | None
    file_bytes: Spread | None
    groups: dict[str, dict[str, int]]  # field, value, pictures
    samples: tuple[Sample, ...]
    skipped: dict[str, Counted]  # by kind
    skipped_count: int


class _Findings:
    """What the pass has met so far."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.groups: dict[str, Counter[str]] = {}
        self.captions: list[int] = []
        self.heights: list[int] = []
        self.widths: list[int] = []
        self.sizes: list[int] = []
        self.samples: list[Sample] = []
        self._random = random.Random(SAMPLE_SEED)

    def add(self, example: Example, shape: tuple[int, int]) -> None:
        """Take in one example whose picture was decoded."""
        self.heights.append(shape[0])
        self.widths.append(shape[1])
        self.sizes.append(len(example.image))
        self.formats[_format(example.image)] += 1
        self.captions.append(0 if example.texts == (example.label,) else len(example.texts))
        if example.label is not None:
            self.labels[example.label] += 1
        for field, value in example.group.items():
            self.groups.setdefault(field, Counter())[value] += 1
        self._sample(Sample(key=example.key, texts=example.texts, label=example.label))

    def _sample(self, sample: Sample) -> None:
        """Keep each of those seen so far with the same chance (Vitter's algorithm R)."""
        if len(self.samples) < SAMPLES:
            self.samples.append(sample)
        elif (place := self._random.randrange(len(self.sizes))) < SAMPLES:
            self.samples[place] = sample


def survey(
    source: Source,
    *,
    workers: int = 2,
    limit: int | None = None,
    on_image: Callable[[], None] = lambda: None,
) -> Survey:
    """Read a source once, decode every picture and count what is there.

    Args:
        source: Read in its stored order.
        workers: Threads that decode.
        limit: Look at so many examples only.
        on_image: Called after each.

    Raises:
        DataError: The source gives no example at all.
    """
    found = _Findings()
    tally = Tally()
    with decode_ahead(islice(source, limit), _shape, workers) as decoded:
        for example, shape in decoded:
            if isinstance(shape, Skipped):
                tally.add(shape)
            else:
                found.add(example, shape)
            on_image()
    tally.merge(source.skipped)
    return Survey(
        source=source.name,
        uri=source.uri,
        shards=len(source.shards),
        images=len(found.sizes),
        captions=sum(found.captions),
        captions_per_image=_spread(found.captions) if any(found.captions) else None,
        labels=dict(found.labels.most_common()),
        unlabelled=len(found.sizes) - found.labels.total(),
        formats=dict(found.formats.most_common()),
        width_px=_spread(found.widths),
        height_px=_spread(found.heights),
        file_bytes=_spread(found.sizes),
        groups={field: dict(values.most_common()) for field, values in found.groups.items()},
        samples=tuple(found.samples),
        skipped=tally.kinds(),
        skipped_count=tally.total,
    )


def _shape(example: Example) -> tuple[int, int]:
    """Decode a picture for its height and width."""
    height, width, _ = images.read(example.image).shape
    return height, width


def _format(image: bytes) -> str:
    """Name the format by its first bytes."""
    return next((row.name for row in DECODERS if row.begins.match(image)), "unknown")


def _spread(numbers: Sequence[int]) -> Spread | None:
    if not numbers:
        return None
    return Spread(least=min(numbers), median=statistics.median(numbers), most=max(numbers))
