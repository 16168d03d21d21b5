"""What a training run is, as frozen data. Enter at `Recipe`; `recipe_file.py` reads it."""

from typing import Literal

import msgspec

from sightline.errors import DataError
from sightline.spec.towers import Spec

Reads = Literal["labels", "captions"]
Towers = Literal["text", "image", "both"]
LossName = Literal[
    "contrast", "class_head", "words", "all_words", "paraphrase", "names_apart", "relations"
]
# Those that look at pictures.
SEEING: frozenset[LossName] = frozenset({"contrast", "class_head", "words", "all_words"})


class SourcePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of examples and its share of every batch."""

    uri: str | list[str]  # a relative one starts at the folder that the run is started in
    name: str
    share: float  # of each batch, relative to the other sources
    reads: Reads  # labels: against all class names; captions: against the batch's other captions
    terms: str  # licence or terms, repeated in the model's record
    # Name → the labels or words of captions that it is true of too ("dog" → breeds), for the losses
    # that teach words.
    broader: dict[str, list[str]] = msgspec.field(default_factory=dict)


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of steps in which the same towers learn at the same size."""

    name: str
    steps: int
    towers: Towers  # a tower that is not named is locked (Zhai et al., LiT, arXiv 2111.07991)
    batch: int  # images a step; in a text stage, groups of captions or names
    # Images, and texts, that go through a tower at once; None: all. It saves memory and keeps the
    # gradient of the whole batch, for a forward pass more (Gao et al., GradCache, 2101.06983).
    micro_batch: int | None = None
    lr: float
    lr_end: float  # reached along a cosine
    warmup: int  # steps of linear warm-up from 0
    size_px: int | None = None  # None: the spec's; smaller is quicker and fine early on
    text_lr: float = 1.0  # the text tower's rate, relative to lr
    losses: dict[LossName, float]  # name in `losses.LOSSES` → weight
    smoothing: float = 0.0  # label smoothing of the class losses
    patch_dropout: float = 0.0  # share of patches left out (Li et al., FLIP, arXiv 2212.00794)

    def is_at(self, spec: Spec) -> bool:
        """Whether models are measured at the spec's own size here, as they will be used."""
        return self.size_px in (None, spec.pixels.size_px)


class Optimizer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101)."""

    weight_decay: float = 0.05  # not on biases, norms, positions, temperatures
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-6
    clip_norm: float = 1.0


class Augment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random views of a picture."""

    store_px: int = 72  # each picture is decoded once and kept at this edge
    crop: tuple[float, float] = (0.5, 1.0)  # share of an edge
    aspect: float = 0.2  # largest logarithm of the stretch
    flip: bool = True
    brightness: float = 0.3
    contrast: float = 0.3
    grey: float = 0.05  # share of pictures shown without colour
    flat: float = 0.0  # share of pictures painted in a few flat colours, as in a cartoon
    edges: float = 0.0  # share of pictures drawn as dark lines on white, as in a sketch
    erase: float = 0.0  # share of pictures that lose a rectangle (arXiv 1708.04896)


class Relations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How close names are to each other by a published model's text vectors: a teacher."""

    file: str  # .npz
    names: str  # array of names in it
    vectors: str  # array of vectors in it
    source: str  # said in the model's record


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the live model is measured on, and how often."""

    every: int
    uris: list[str]
    # Metric whose best model is kept, as "set/metric"; "": the last is kept. Stages at another size
    # than the spec's are measured but not selected in: their figures cannot be compared.
    select: str = ""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole run; saved beside its results as it was resolved."""

    name: str
    spec: Spec
    sources: list[SourcePart]
    stages: list[Stage]
    vocabulary: int = 0  # ids of a vocabulary learnt from the captions; 0: CLIP's
    init: str = ""  # a model folder to begin from; "": drawn at random
    templates: list[str] = msgspec.field(default_factory=lambda: ["{}", "a photo of a {}."])
    relations: Relations | None = None
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    ema: float = 0.0  # decay of the averaged weights, which are what is kept; 0: none
    evaluation: Evaluation | None = None
    save_every: int = 500
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: int = 0  # 0: all
    compile: bool = False  # the towers by torch.compile, which takes minutes to begin
    license: str = "unknown"

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def examples_after(self, steps: int) -> int:
        """Return how many examples are left after so many steps."""
        left = 0
        for stage in self.stages:
            left += max(stage.steps - max(steps, 0), 0) * stage.batch
            steps -= stage.steps
        return left

    def stage_at(self, step: int) -> tuple[int, Stage, int]:
        """Return the number of the stage that step (from 0) is in, the stage, the step in it."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, stage, step
            step -= stage.steps
        raise DataError(f"step {step} is after the end of the recipe's stages")
