"""A model's card: `README.md` of its folder, made from results and facts alone. Enter at `card`.

Every figure comes from a `Result`, so the card can be made again and compared: the same inputs give
the same text, byte for byte.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from sightline.checkpoints import Checkpoint
from sightline.errors import DataError
from sightline.evaluate.facts import Facts, Seen
from sightline.evaluate.result import Result
from sightline.evaluate.shown import Shown, shown_mistakes
from sightline.evaluate.table import rows

SHEET = "mistakes.jpg"
WORST_CLASSES = 5
MOST_CONFUSED = 5
_SEEN = {
    "classes": "yes, its classes",
    "some_classes": "some of its classes",
    "kind": "yes, its kind",
    "no": "no",
}


def card(checkpoint: Checkpoint, results: Sequence[Result], facts: Facts) -> str:
    """Write a card.

    Args:
        checkpoint: The model.
        results: What was measured on it, and on no other model.
        facts: Everything that cannot be measured.

    Raises:
        DataError: A result is of another model, has no command, or is on a set of which the facts
            do not say whether the model was trained on it; or there is no result.
    """
    _check(checkpoint, results, facts)
    sections = [
        _front_matter(facts),
        f"**{facts.terms}** Terms of the weights: {checkpoint.license}",
        f"# {facts.title}",
        facts.summary.strip(),
        "## Figures",
        *_figures(results, facts),
        "## What it is bad at",
        *_weaknesses(results),
        *_pictures(results, facts),
        "## Data and terms",
        *_data(facts),
        "## Recipe",
        facts.recipe.strip(),
        f"Origin: {checkpoint.origin}",
        "## Limits",
        "\n".join(f"- {limit}" for limit in facts.limits),
        "## Identity",
        *_identity(checkpoint, results),
    ]
    return "\n\n".join(sections) + "\n"


def first_difference(written: str, made: str) -> str | None:
    """Say where a card that was found differs from the one that its results give, or None."""
    found, wanted = written.split("\n"), made.split("\n")
    for number in range(max(len(found), len(wanted))):
        here = found[number] if number < len(found) else "nothing"
        there = wanted[number] if number < len(wanted) else "nothing"
        if here != there:
            return f"line {number + 1} has {here!r} but the results and facts give {there!r}"
    return None


def _check(checkpoint: Checkpoint, results: Sequence[Result], facts: Facts) -> None:
    """Refuse what would put a wrong or unexplained figure on a card."""
    if not results:
        raise DataError("a card without results says nothing: evaluate the model first")
    for result in results:
        if result.identity.fingerprint != checkpoint.fingerprint:
            raise DataError(
                f"the result on {result.dataset} is of model {result.identity.fingerprint[:12]} "
                f"but the card is of {checkpoint.fingerprint[:12]}: evaluate this model"
            )
        if not result.command:
            raise DataError(
                f"the result on {result.dataset} has no command that makes it again: "
                "measure it with sightline evaluate MODEL URI --out FILE"
            )
        if result.dataset not in facts.training_distribution:
            raise DataError(
                f"the facts do not say whether {result.dataset} is in the training distribution: "
                f"add [training_distribution.{json.dumps(result.dataset)}]"
            )


def _front_matter(facts: Facts) -> str:
    """Write Hugging Face's YAML; JSON strings are YAML strings."""
    lists = {"language": facts.language, "tags": facts.tags, "datasets": facts.datasets}
    lines = ["license: other", f"license_name: {json.dumps(facts.license_name)}"]
    lines += ["library_name: sightline", "pipeline_tag: zero-shot-image-classification"]
    for key, entries in lists.items():
        if entries:
            lines.append(f"{key}:")
            lines += [f"- {json.dumps(entry, ensure_ascii=False)}" for entry in entries]
    return "\n".join(["---", *lines, "---"])


def _table(heading: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a bar inside a cell would end it."""
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    for row in body:
        cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _figures(results: Sequence[Result], facts: Facts) -> Iterator[str]:
    """Show every figure with its interval, its command and whether its kind was trained on."""
    yield (
        "95 % intervals speak of the choice of images, not of training seeds. A tie counts as a "
        'mistake. "Zero-shot" stands only where neither the classes nor the kind of image were '
        'trained on; elsewhere the same measurement is called "prompted". Every class and group '
        "is in the results; a field of many groups is shown here by its mean and its worst one."
    )
    body = []
    for result in results:
        seen = facts.training_distribution[result.dataset]
        for row in rows([result]):
            metric = f"{_kind(result, seen)}{row.metric}"
            place = [_SEEN[seen.seen], f"`{result.command}`"]
            found = [row.value, row.interval, row.chance, row.count]
            body.append([row.dataset, metric, *found, *place])
    heading = ["set", "figure", "value", "95 % interval", "chance", "counted on"]
    yield _table([*heading, "in the training distribution?", "command"], body)
    yield "\n".join(
        f"- **{result.dataset}**: {facts.training_distribution[result.dataset].note}"
        f"{_left_out(result)}"
        for result in results
    )


def _kind(result: Result, seen: Seen) -> str:
    """Say how an accuracy may be called; recalls have no such word."""
    if result.task != "zeroshot_classification":
        return ""
    return "zero-shot " if seen.seen == "no" else "prompted "


def _left_out(result: Result) -> str:
    """Say what a figure does not speak of."""
    parts = []
    if result.skipped:
        parts.append(f"examples skipped: {result.skipped:,}")
    if result.cut:
        parts.append(f"captions cut to what the model reads: {result.cut:,}")
    return f" ({'; '.join(parts)})" if parts else ""


def _weaknesses(results: Sequence[Result]) -> Iterator[str]:
    """Name the worst classes, the worst groups and the most frequent confusions of each set."""
    for result in results:
        lines = []
        lowest = sorted(result.classes, key=lambda each: (each.recall.value, each.name))
        if len(lowest) > 1:
            named = (f"{c.name} {c.recall.value:.2f}" for c in lowest[:WORST_CLASSES])
            lines.append(f"- lowest recall: {', '.join(named)}")
        for field, value in result.worst.items():
            share = result.metrics[f"acc1/{field}/{value}"]
            lines.append(f"- worst {field}: {value}, {share:.3f}")
        pairs = [
            f"{pair.label} taken for {pair.taken_for} ({pair.count} of {pair.of})"
            for pair in result.confusions[:MOST_CONFUSED]
        ]
        if pairs:
            lines.append(f"- most confused: {'; '.join(pairs)}")
        if not lines:  # retrieval: the share that is not found is the weakness
            cutoff, found = max(result.metrics.items(), key=lambda item: item[1])
            lines.append(f"- even its best figure, {cutoff}, misses {1 - found:.0%}")
        yield f"On {result.dataset}:\n\n" + "\n".join(lines)


def _pictures(results: Sequence[Result], facts: Facts) -> Iterator[str]:
    """Show mistakes on photos that may be shown, with their authors."""
    if facts.pictures is None:
        return
    shown = shown_mistakes(results, facts.pictures)
    yield "## Pictures that it gets wrong"
    if not shown:
        yield f"None of the {len(facts.pictures.photos)} photos that may be shown."
        return
    yield f"![Photos with what the model took them for; listed below]({SHEET})"
    yield _table(
        ["no.", "photo", "is", "taken for", "author", "licence"],
        [_picture_row(number, each) for number, each in enumerate(shown, start=1)],
    )


def _picture_row(number: int, each: Shown) -> list[str]:
    """Describe one photo of the sheet."""
    photo, mistake = each.photo, each.mistake
    described = [photo.file, mistake.label, mistake.taken_for]
    return [str(number), *described, photo.author, f"{photo.licence}, made smaller"]


def _data(facts: Facts) -> Iterator[str]:
    """List what the model was trained on."""
    body = [[each.name, f"{each.samples:,}", each.terms, each.source] for each in facts.data]
    yield _table(["data", "samples", "terms", "source"], body)


def _identity(checkpoint: Checkpoint, results: Sequence[Result]) -> Iterator[str]:
    """Say exactly what was measured, how."""
    yield f"Fingerprint: `{checkpoint.fingerprint}`"
    body = []
    for result in results:
        identity, protocol = result.identity, result.identity.protocol
        classes = f"{protocol.classes} {protocol.classes_from}" if protocol.classes else "none"
        # the rest of a description says how the engine was chosen, which is no part of a figure
        runs = f"{identity.runtime.partition(',')[0]}, {identity.precision}"
        measured = [f"{identity.images:,}", identity.content_digest[:12], protocol.templates]
        made = f"{identity.sightline}, definitions {protocol.definitions}"
        body.append([result.dataset, *measured, classes, runs, made])
    heading = ["set", "images", "content", "templates", "classes", "ran in", "sightline"]
    yield _table(heading, body)
