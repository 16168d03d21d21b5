"""How close a tower comes to the reference, in figures. Enter at `Figures`."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sightline.errors import CertificateError

# Bounds that a reader holds a stranger's file to. No number passes that is none.
Cosine: TypeAlias = Annotated[float, Meta(ge=-1, le=1)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Points: TypeAlias = Annotated[float, Meta(ge=-100, le=100)]  # of a hundred
Distance: TypeAlias = Annotated[float, Meta(ge=0, le=2)]  # of two unit vectors
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)]


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cosines of each vector with its reference, from the worst to the middle."""

    least: Cosine
    percentile_1: Cosine
    median: Cosine


class Closeness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tower's vectors beside the reference's."""

    count: Count  # different pictures, or different texts
    cosine: Spread
    centred: Spread  # after the reference's mean is taken from both: a part that all share flatters
    batch: Distance  # at most so far apart: a vector alone, among others, and beside extremes


class Flips(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is found first, with the reference and with the candidate."""

    queries: Count
    candidates: Count  # among which each query looks
    first_changed: Share  # of the queries: what is found first is another
    first_ten_kept: Share | None  # None where there are no more than ten


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share of right answers: candidate minus reference, with what chance may have done."""

    queries: Count
    before: Points  # of the reference, in points
    points: Points
    low: Points  # the 99 % interval of `points`, for pictures drawn anew
    high: Points

    def __post_init__(self) -> None:
        if not self.low <= self.points <= self.high:
            raise CertificateError(
                f"a change of {self.points:g} points lies outside its own interval, {self.low:g} "
                f"to {self.high:g}: certify again"
            )


class ZeroShot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures named from the classes that occur, in the model's own template."""

    agreement: Share  # of the pictures: both give them the same name
    accuracy: Change


class Recall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Right answers among the first so many; None where so many are nearly all."""

    at_1: Change
    at_5: Change | None
    at_10: Change | None


class Retrieval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures and their captions, searched for each other."""

    image_to_text: Recall
    text_to_image: Recall


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that was measured of a candidate."""

    exact: Distance | None  # of its engine's own float32, at most; None: that was not measured
    images: Closeness
    texts: Closeness
    prompts: Spread  # cosines of the classes' vectors, names in the model's own template
    image_to_text: Flips
    text_to_image: Flips
    zero_shot: ZeroShot | None  # None where the pictures have no labels, or one only
    retrieval: Retrieval | None  # None where they have no captions
