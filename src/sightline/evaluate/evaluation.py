"""One model on one source, with intervals and identity. Enter at `run`.

The source decides the task: where images have labels they are named from the classes (zero-shot
classification); where they have captions only, captions and images are searched for each other.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec
import numpy as np

from sightline.data import Source
from sightline.embedder import Embedder
from sightline.errors import DataError
from sightline.evaluate.figures import Figures
from sightline.evaluate.gather import Gathered, OnProgress, gather
from sightline.evaluate.identity import DEFINITIONS, Identity, Protocol, digest, package_version
from sightline.evaluate.result import Result, Skip
from sightline.evaluate.retrieval import retrieval_figures
from sightline.evaluate.zero_shot import zero_shot_figures
from sightline.scoring import Class, Labels, as_classes, as_templates

MOST_SKIPPED_NAMED = 100
NO_LABEL = "it has no label, in a source of labelled images"
_SUFFIXES = frozenset({".tar", ".gz", ".csv", ".tsv", ".parquet", ".jsonl"})


def run(
    embedder: Embedder,
    source: Source,
    *,
    classes: Labels | None = None,
    templates: str | None = None,
    on_progress: OnProgress | None = None,
) -> Result:
    """Measure a model on a source.

    Args:
        embedder: The model, ready to embed; a live one in training is measured the same way.
        source: Read once, in its stored order.
        classes: What labelled images may be taken for; None means the labels that occur.
        templates: A name in `scoring.TEMPLATES`, or one template; None means the model's own
            recommended one. Captions are used as they are.
        on_progress: Called with the number of images done since its last call.

    Raises:
        DataError: No image could be read, a label is not among the classes, there are fewer than
            two classes or images to choose from, or `classes` is given for a source without labels.
        TextError: No templates have this name, or a prompt is too long for the model.
    """
    gathered = gather(embedder, source, on_progress)
    if not gathered.examples:
        first = gathered.skipped[0]
        raise DataError(
            f"{source.name} gave no image that can be read ({first.key}: {first.reason}): check it"
        )
    if any(example.label is not None for example in gathered.examples):
        figures, protocol = _classification(embedder, gathered, source, classes, templates)
    elif classes is not None:
        raise DataError(
            f"{source.name} has captions and no labels, so a list of classes means nothing there: "
            "leave it out"
        )
    else:
        figures, protocol = _retrieval(embedder, gathered, source)
    identity = Identity(
        fingerprint=embedder.fingerprint,
        runtime=embedder.towers.description,
        precision=embedder.towers.precision,
        uri=source.uri,
        images=len(gathered.examples) - len(figures.left_out),
        content_digest=gathered.content_digest,
        protocol=protocol,
        sightline=package_version(),
    )
    return _result(source, gathered, figures, identity)


def _classification(
    embedder: Embedder,
    gathered: Gathered,
    source: Source,
    given: Labels | None,
    templates: str | None,
) -> tuple[Figures, Protocol]:
    """Name every labelled image from the classes."""
    rows = [i for i, example in enumerate(gathered.examples) if example.label is not None]
    examples = [gathered.examples[i] for i in rows]
    labels = [example.label for example in examples if example.label is not None]
    classes = _classes(labels, given, source)
    prompts = as_templates(templates, embedder.spec.words.template)
    figures = zero_shot_figures(
        gathered.vectors[rows],
        embedder.zero_shot(classes, templates=prompts).vectors,
        [one.name for one in classes],
        examples,
    )
    protocol = Protocol(
        task="zeroshot_classification",
        definitions=DEFINITIONS,
        templates=templates or f"the model's own, {embedder.spec.words.template!r}",
        templates_digest=digest(prompts),
        classes=len(classes),
        classes_digest=digest(msgspec.json.encode(one).decode() for one in classes),
        classes_from="labels" if given is None else "given",
    )
    left_out = tuple(
        Skip(key=example.key, reason=NO_LABEL)
        for example in gathered.examples
        if example.label is None
    )
    return replace(figures, left_out=left_out), protocol


def _classes(labels: Sequence[str], given: Labels | None, source: Source) -> tuple[Class, ...]:
    """Decide what an image may be taken for, and refuse what cannot be measured."""
    classes = as_classes(sorted(set(labels)) if given is None else given)
    names = {one.name for one in classes}
    for label in labels:
        if label not in names:
            raise DataError(
                f"{source.name} has the label {label!r}, which is not among the "
                f"{len(names)} classes given: add it, or leave the list of classes out"
            )
    if len(classes) < 2:
        raise DataError(
            f"{source.name} has one class only, {classes[0].name!r}, and any model is "
            "right about it: give a list of classes with others"
        )
    return classes


def _retrieval(embedder: Embedder, gathered: Gathered, source: Source) -> tuple[Figures, Protocol]:
    """Search images by captions and captions by images."""
    if len(gathered.examples) < 2:
        raise DataError(
            f"{source.name} has one image only, and any model finds it: give more images"
        )
    texts = [text for example in gathered.examples for text in example.texts]
    owners = [i for i, example in enumerate(gathered.examples) for _ in example.texts]
    figures = retrieval_figures(
        gathered.vectors, embedder.embed_texts(texts, long="cut"), np.array(owners, dtype=np.int64)
    )
    protocol = Protocol(
        task="zeroshot_retrieval",
        definitions=DEFINITIONS,
        templates="none",
        templates_digest="",
        classes=0,
        classes_digest="",
        classes_from="none",
    )
    return replace(figures, cut=int(embedder.words.rows(texts, long="cut").cut.sum())), protocol


def _result(source: Source, gathered: Gathered, figures: Figures, identity: Identity) -> Result:
    """Put figures and identity together with what was left out."""
    unread = [
        Skip(key=each.key, reason=each.reason)
        for counted in source.skipped.kinds().values()
        for each in counted.first
    ]
    named = (*unread, *gathered.skipped, *figures.left_out)
    estimates = figures.metrics
    return Result(
        dataset=dataset_name(source.name),
        task=identity.protocol.task,
        metrics={name: estimate.value for name, estimate in estimates.items()},
        intervals={name: estimate.interval for name, estimate in estimates.items()},
        counts={name: estimate.count for name, estimate in estimates.items()},
        worst=figures.worst,
        groups_left_out=figures.groups_left_out,
        classes=figures.classes,
        confusions=figures.confusions,
        mistakes=figures.mistakes,
        skipped=source.skipped.total + len(gathered.skipped) + len(figures.left_out),
        skipped_first=named[:MOST_SKIPPED_NAMED],
        cut=figures.cut,
        identity=identity,
    )


def dataset_name(uri: str) -> str:
    """Return a short name for tables: the last part of an address without its suffixes.

    Example:
        >>> dataset_name("../shared/eval-pacs.tar.gz"), dataset_name("a/val-{000..004}.tar")
        ('eval-pacs', 'val-{000..004}')
    """
    path = PurePosixPath(uri.rstrip("/"))
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name or "source"
