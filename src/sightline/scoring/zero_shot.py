"""Which of these labels fits a picture best? Enter at `ZeroShotHead.classify`."""

import msgspec
import numpy as np

from sightline.errors import TextError
from sightline.scoring.heads import Head
from sightline.scoring.presence import Calibration, score
from sightline.scoring.vectors import similarity
from sightline.shapes import Float32


class Classification(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Scores of labels for pictures, in the order in which both were given."""

    labels: tuple[str, ...]
    scores: Float32[np.ndarray, "images classes"]
    none: Float32[np.ndarray, " images"] | None  # score of "none of these"; None: has no meaning

    def best(self) -> list[str | None]:
        """Return each picture's best label; None where "none of these" scores higher."""
        columns = self.scores.argmax(axis=1)
        names: list[str | None] = [self.labels[column] for column in columns]
        if self.none is None:
            return names
        beaten = self.none > self.scores.max(axis=1, initial=-np.inf)
        return [None if lost else name for name, lost in zip(names, beaten, strict=True)]

    def top(self, k: int) -> list[tuple[tuple[str, float], ...]]:
        """Return each picture's k best labels with their scores, best first.

        Args:
            k: At least 1; more than there are labels means all. Ties keep the order of the labels.

        Raises:
            TextError: k is less than 1.
        """
        if k < 1:
            raise TextError(f"top {k} labels were asked for: ask for at least 1")
        order = np.argsort(-self.scores, axis=1, kind="stable")[:, :k]
        return [
            tuple((self.labels[column], float(row[column])) for column in columns)
            for row, columns in zip(self.scores, order, strict=True)
        ]


class ZeroShotHead(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Labels as unit vectors, with the head that says what a cosine is worth."""

    labels: tuple[str, ...]
    vectors: Float32[np.ndarray, "classes embed_dim"]
    head: Head
    calibration: Calibration | None

    def classify(
        self,
        images: Float32[np.ndarray, "images embed_dim"],
        *,
        none_of_these: bool | None = None,
    ) -> Classification:
        """Score every label for every picture.

        Args:
            images: Unit vectors, from the model that made this head's vectors.
            none_of_these: None turns "none of these" on where the model is calibrated.

        Raises:
            CheckpointError: "None of these" is wanted but the model is not calibrated.
        """
        logits = self.head.logits(similarity(images, self.vectors))
        scores, none = score(self.head, logits, self.calibration, none_of_these)
        return Classification(
            labels=self.labels,
            scores=scores.astype(np.float32),
            none=None if none is None else none.astype(np.float32),
        )
