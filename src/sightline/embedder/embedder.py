"""The one object: pictures and texts → unit vectors, and what they say. Enter at `Embedder`."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import msgspec
import numpy as np

from sightline import images as image_files
from sightline.embedder.class_cache import ClassCache
from sightline.embedder.encoding import LongText, Skipped, encode_texts, stream_images
from sightline.embedder.sources import Images, is_one_image, keyed
from sightline.errors import ImageError
from sightline.images import ImageSource
from sightline.runtime import Towers
from sightline.scoring import (
    Calibration,
    Classification,
    Head,
    Labels,
    ZeroShotHead,
    as_classes,
    as_templates,
    class_vectors,
    similarity,
)
from sightline.scoring.classes import fill, prompts_by_name
from sightline.scoring.heads import sigmoid_head, softmax_head
from sightline.scoring.vectors import unit
from sightline.shapes import Float32
from sightline.spec import Softmax, Spec, Words


class Embedder(msgspec.Struct, frozen=True, eq=False):
    """A model ready for use. Same input, same vector, whoever asks.

    Wherever pictures are taken, each is a path, bytes, an open binary file, a Pillow image or an
    array (height, width, 3) of uint8, and a single one may stand for a list of one.
    """

    spec: Spec
    towers: Towers
    read_words: Callable[[], Words]  # opens the tokenizer: class vectors that are kept need none
    identify: Callable[[], str]  # gives the fingerprint: of some files only by reading all of them
    calibration: Calibration | None = None
    head: Head | None = None  # the trained scale and bias; None: those the spec starts from
    cache: ClassCache | None = None

    @property
    def fingerprint(self) -> str:
        """The name of exactly this model: weights, spec and tokenizer."""
        return self.identify()

    @property
    def words(self) -> Words:
        """What turns texts into rows of ids.

        Raises:
            SpecError: The tokenizer is missing or damaged, or not the one that the spec means.
        """
        return self.read_words()

    @property
    def trained_head(self) -> Head:
        """What a cosine is worth: as training ended, or as the spec starts."""
        return self.head or _starting_head(self.spec)

    def embed_images(self, images: Images) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one unit vector a picture, in order.

        Raises:
            ImageError: One cannot be read; names it. `stream` goes on past such a one.
        """
        vectors = []
        for key, found in self.stream(images):
            if isinstance(found, Skipped):
                raise ImageError(
                    found.reason if repr(key) in found.reason else f"{key}: {found.reason}"
                )
            vectors.append(found)
        return np.stack(vectors) if vectors else np.zeros((0, self.spec.embed_dim), np.float32)

    def embed_texts(
        self,
        texts: Sequence[str] | str,
        *,
        template: str | None = None,
        long: LongText = "raise",
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one unit vector a text, in order; a single string is a list of one.

        Args:
            texts: Texts as they are, or what goes into the template.
            template: With one `{}`.
            long: A text with more tokens than a row holds is an error ("raise"), loses its last
                tokens ("cut"), or is read in several rows, the windows, whose unit vectors are
                averaged by their number of tokens ("window"): all of it is seen, as a summary.

        Raises:
            TextError: A text is too long, or the template does not have exactly one `{}`.
        """
        whole = [texts] if isinstance(texts, str) else list(texts)
        if template is not None:
            whole = [fill(template, text) for text in whole]
        return encode_texts(whole, self.spec, self.towers, self.words, long=long)

    def stream(
        self, images: Images
    ) -> Iterator[tuple[str, Float32[np.ndarray, " embed_dim"] | Skipped]]:
        """Yield (key, unit vector or why there is none) for any number of pictures, in order.

        A bad picture never stops it, and memory does not grow with the number of pictures.

        Args:
            images: Pictures, or (key, picture) pairs. Without a key, a path is named by itself,
                an open file by its name, and anything else by its position.
        """
        return stream_images(keyed(images), self.spec, self.towers)

    def embed_patches(self, image: ImageSource) -> Float32[np.ndarray, "rows columns embed_dim"]:
        """Return a unit vector for each patch of a picture, to see where a text finds itself.

        Rows and columns lie over what the model saw, which its pixel recipe may have cropped.

        Raises:
            ImageError: It cannot be read, or a patch has no direction.
        """
        if not is_one_image(image):
            raise ImageError("patches were asked of several pictures: give one at a time")
        [(key, source)] = keyed(image)
        recipe = self.spec.pixels
        pixels = recipe.apply(*image_files.read_reduced(source, recipe.reduction))
        patches = unit(self.towers.patches(pixels[None])[0])
        if np.isnan(patches).any():
            raise ImageError(
                f"{key}: the image tower gave a patch a vector without a direction (zero, infinite "
                "or NaN): check the model's weights and precision"
            )
        grid = self.spec.image.grid
        return patches.reshape(grid, grid, self.spec.embed_dim)

    def zero_shot(
        self,
        labels: Labels,
        *,
        templates: Sequence[str] | str | None = None,
        long: LongText = "raise",
    ) -> ZeroShotHead:
        """Turn labels into vectors once, to classify any number of pictures with them.

        Args:
            labels: Names, `Class`es, or a mapping from each name to its whole prompts.
            templates: Templates, or the name of a set in `scoring.TEMPLATES`; None is the one
                that the model recommends.
            long: What happens to a prompt with more tokens than a row holds, as in `embed_texts`.

        Raises:
            TextError: No labels, one empty, given twice or too long; or no such templates.
        """
        classes = as_classes(labels)
        chosen = as_templates(templates, self.spec.words.template)

        def make() -> Float32[np.ndarray, "classes embed_dim"]:
            return class_vectors(lambda texts: self.embed_texts(texts, long=long), classes, chosen)

        if self.cache is None:
            vectors = make()
        else:
            prompts = [prompts_by_name(one, chosen) for one in classes]
            made_by = [self.fingerprint, self.towers.description, self.towers.precision]
            shape = (len(classes), self.spec.embed_dim)
            vectors = self.cache.get_or_make([*made_by, long, prompts], shape, make)
        return ZeroShotHead(
            labels=tuple(one.name for one in classes),
            vectors=vectors,
            head=self.trained_head,
            calibration=self.calibration,
        )

    def prompts(
        self, labels: Labels, *, templates: Sequence[str] | str | None = None
    ) -> tuple[str, ...]:
        """Return the texts that `zero_shot` would embed for these labels, each once."""
        chosen = as_templates(templates, self.spec.words.template)
        groups = chain.from_iterable(prompts_by_name(one, chosen) for one in as_classes(labels))
        return tuple(dict.fromkeys(chain.from_iterable(groups)))

    def classify(
        self,
        images: Images,
        labels: Labels,
        *,
        templates: Sequence[str] | str | None = None,
        none_of_these: bool | None = None,
        long: LongText = "raise",
    ) -> Classification:
        """Score every label for every picture.

        Args:
            images: One picture or several.
            labels: As in `zero_shot`.
            templates: As in `zero_shot`.
            none_of_these: None: on where the model is calibrated.
            long: As in `zero_shot`.

        Raises:
            ImageError: A picture cannot be read; names it.
            TextError: As in `zero_shot`.
            CheckpointError: "None of these" is wanted but the model is not calibrated.
        """
        head = self.zero_shot(labels, templates=templates, long=long)
        return head.classify(self.embed_images(images), none_of_these=none_of_these)

    def similarity(
        self, images: Images, texts: Sequence[str] | str, *, long: LongText = "raise"
    ) -> Float32[np.ndarray, "images captions"]:
        """Return the cosine of every picture with every text.

        Args:
            images: One picture or several.
            texts: Texts as they are; a single string is a list of one.
            long: As in `embed_texts`.

        Raises:
            ImageError: A picture cannot be read; names it.
            TextError: A text is too long.
        """
        return similarity(self.embed_images(images), self.embed_texts(texts, long=long))

    def describe(self) -> dict[str, object]:
        """Say what this is, as JSON can write it."""
        return {
            "fingerprint": self.fingerprint,
            "runtime": self.towers.description,
            "precision": self.towers.precision,
            "embed_dim": self.spec.embed_dim,
            "image_px": self.spec.pixels.size_px,
            "context_length": self.spec.words.context_length,
            "template": self.spec.words.template,
            "calibrated_on": None if self.calibration is None else self.calibration.fitted_on,
        }


def _starting_head(spec: Spec) -> Head:
    """Make the head that a spec starts training from."""
    if isinstance(spec.head, Softmax):
        return softmax_head(spec.head.logit_scale)
    return sigmoid_head(spec.head.logit_scale, spec.head.logit_bias)
