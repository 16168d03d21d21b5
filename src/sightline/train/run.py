"""Everything that a run is made of, built from a recipe. Enter at `build_run`."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from sightline import checkpoints
from sightline.checkpoints import Checkpoint, Record
from sightline.data import Source
from sightline.data.vocabulary import train_vocabulary
from sightline.embedder import Embedder
from sightline.errors import DataError
from sightline.model import CLIP
from sightline.runtime.torch_towers import TorchTowers, load_model
from sightline.scoring.classes import fill
from sightline.scoring.heads import Head, sigmoid_head, softmax_head
from sightline.spec import ResNet, Softmax, Spec, Words, open_words
from sightline.train.batches import BatchStream
from sightline.train.catalog import Catalog, open_parts, survey
from sightline.train.optimizer import build_optimizer
from sightline.train.publish import publish, record_of
from sightline.train.recipe import Recipe, Stage
from sightline.train.state import STATE, Learner, Position
from sightline.train.texts import TextEncoder
from sightline.train.watched import open_watched

TOKENIZER, MODEL = "tokenizer.json", "model"
Measure = Callable[[Embedder, Source], Mapping[str, float]]  # figures by "set/metric"


@dataclass(slots=True)
class Run:
    """A run in memory. The seam for many devices: wrap `learner.model`, gather in `losses`."""

    recipe: Recipe
    folder: Path
    device: torch.device
    learner: Learner
    words: Words
    encoder: TextEncoder
    catalog: Catalog
    stream: BatchStream
    watched: tuple[Source, ...]
    measures: Measure | None
    record: Record  # of the model that is kept

    @property
    def state_folder(self) -> Path:
        """Where the state is saved."""
        return self.folder / STATE

    @property
    def model_folder(self) -> Path:
        """Where the best model so far is kept."""
        return self.folder / MODEL

    @property
    def kept(self) -> CLIP:
        """The weights that are measured and kept."""
        average = self.learner.average
        return self.learner.model if average is None else average

    @property
    def stride(self) -> int:
        """Pixels a patch, along one edge."""
        image = self.recipe.spec.image
        return 32 if isinstance(image, ResNet) else image.stem.stride

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Give every parameter that may learn."""
        for name, parameter in self.learner.model.named_parameters():
            yield f"model.{name}", parameter
        for name, parameter in self.learner.heads.named_parameters():
            yield f"heads.{name}", parameter

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context a forward pass runs in."""
        mixed = self.recipe.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=mixed)

    def lock_texts(self, stage: Stage) -> None:
        """Keep the vectors of all texts while the text tower is locked."""
        if stage.towers != "image":
            self.encoder.unlock()
            return
        prompts = self.catalog.prompts(self.recipe.templates)
        with self.autocast():
            self.encoder.lock([*prompts, *self.catalog.every_caption()])

    def scale(self) -> float:
        """Return the exponential of the logit scale."""
        return float(self.learner.model.logit_scale.detach().exp())

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Hold the temperature where softmax training stays stable (CLIP, section 2.5)."""
        head = self.recipe.spec.head
        if isinstance(head, Softmax):
            self.learner.model.logit_scale.clamp_(max=math.log(head.max_scale))

    def embedder(self, stage: Stage) -> Embedder:
        """Return the live model as users meet it, at the stage's input size."""
        return Embedder(
            spec=_at_size(self.recipe.spec, stage.size_px),
            towers=TorchTowers(self.kept),
            read_words=lambda: self.words,
            identify=lambda: "in training",
            head=_head(self.kept),
        )

    def measure(self, stage: Stage) -> dict[str, float]:
        """Measure the live model on each set of the recipe's evaluation."""
        embedder = self.embedder(stage)
        figures: dict[str, float] = {}
        for source in self.watched:
            assert self.measures is not None  # `pretrain` asks for it
            figures |= self.measures(embedder, source)
        return figures

    def keep_best(self, stage: Stage, position: Position, figures: Mapping[str, float]) -> Position:
        """Write the model folder if the metric that selects is the best so far at its size."""
        plan = self.recipe.evaluation
        if plan is None or not plan.select:
            return position
        if plan.select not in figures:
            raise DataError(
                f"evaluation.select {plan.select!r} is not measured: "
                f"choose one of {sorted(figures)}"
            )
        best = -math.inf if position.best is None else position.best
        if not stage.is_at(self.recipe.spec) or figures[plan.select] <= best:
            return position
        self.publish()
        return replace(position, best=figures[plan.select], best_of=plan.select)

    def publish(self) -> None:
        """Write the model folder."""
        file = self.folder / TOKENIZER
        publish(self.kept, self.record, self.model_folder, file if file.exists() else None)


def build_run(recipe: Recipe, folder: Path, measure: Measure | None = None) -> Run:
    """Read the sources, learn the vocabulary if there is none yet, and build the network.

    Raises:
        DataError: A source or the vocabulary does not fit the recipe.
    """
    device = torch.device(recipe.device)
    sources = open_parts(recipe.sources)
    catalog = survey(recipe, sources)
    begun_from = _read_init(recipe)
    words = _open_words(recipe, catalog, folder, begun_from)
    learner = _first_learner(recipe, catalog, device, begun_from)
    return Run(
        recipe=recipe,
        folder=folder,
        device=device,
        learner=learner,
        words=words,
        encoder=TextEncoder(learner.model, words),
        catalog=catalog,
        stream=BatchStream(recipe, sources),
        watched=open_watched(recipe, words),
        measures=measure,
        record=record_of(recipe, None if begun_from is None else begun_from.record),
    )


def _read_init(recipe: Recipe) -> Checkpoint | None:
    if not recipe.init:
        return None
    checkpoint = checkpoints.read(recipe.init)
    if checkpoint.spec != recipe.spec:
        raise DataError(f"init {recipe.init} is of another spec than the recipe: make them equal")
    return checkpoint


def _first_learner(
    recipe: Recipe, catalog: Catalog, device: torch.device, begun_from: Checkpoint | None
) -> Learner:
    """Draw all weights from the recipe's seed; whoever else draws from torch is not disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = CLIP(recipe.spec) if begun_from is None else load_model(begun_from)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = CLIP(recipe.spec).to(device) if recipe.ema else None
        heads = nn.ModuleDict(
            {
                name: nn.Linear(recipe.spec.embed_dim, len(names))
                for name, names in catalog.names.items()
            }
        ).to(device)
    if recipe.compile:  # in place: the names of weights and states stay what they are
        model.image.compile()
        model.text.compile()
    if average is not None:
        average.load_state_dict(model.state_dict())
    optimizer, names = build_optimizer(model, heads, recipe.optimizer)
    return Learner(model, average, heads, optimizer, names)


def _head(model: CLIP) -> Head:
    """Return the head as it stands, so that shares are those of the model as it is."""
    logit_scale = float(model.logit_scale.detach())
    if model.logit_bias is not None:
        return sigmoid_head(logit_scale, float(model.logit_bias.detach()))
    return softmax_head(logit_scale)


def _open_words(
    recipe: Recipe, catalog: Catalog, folder: Path, begun_from: Checkpoint | None
) -> Words:
    """Open the vocabulary of the run, learnt from its own captions the first time."""
    file = folder / TOKENIZER
    draft = file.with_suffix(".writing")
    if recipe.vocabulary and not file.exists():
        size = train_vocabulary(
            [*catalog.every_caption(), *_names_as_text(recipe, catalog)],
            recipe.vocabulary,
            draft,
            clean=recipe.spec.words.clean,
        )
        if size > recipe.spec.text.vocab_size:
            raise DataError(
                f"the vocabulary has {size} ids but the text tower {recipe.spec.text.vocab_size}: "
                "raise spec.text.vocab_size"
            )
        draft.replace(file)
    elif begun_from and recipe.spec.words.tokenizer == "file" and not file.exists():
        draft.write_bytes((begun_from.folder / TOKENIZER).read_bytes())
        draft.replace(file)
    return open_words(recipe.spec.words, folder)


def _names_as_text(recipe: Recipe, catalog: Catalog) -> list[str]:
    """Write each name in each template, so that names are learnt as whole words."""
    return [fill(t, name) for name in catalog.all_names for t in recipe.templates]


def _at_size(spec: Spec, size_px: int | None) -> Spec:
    if size_px is None or size_px == spec.pixels.size_px:
        return spec
    changed: dict[str, Any] = {
        "image": replace(spec.image, size_px=size_px),
        "pixels": replace(spec.pixels, size_px=size_px),
    }
    return replace(spec, **changed)
