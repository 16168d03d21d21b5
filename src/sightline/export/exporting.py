"""Write a model as a folder that stands alone, and hold it to the model. Enter at `export`."""

from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from sightline.checkpoints import Checkpoint, verify_digests
from sightline.checkpoints.replacement import replacing
from sightline.data import Source
from sightline.embedder import Embedder, embedder_of
from sightline.errors import CheckpointError
from sightline.evaluate.gather import OnProgress
from sightline.export.browser import write_page
from sightline.export.comparing import Compared, compared
from sightline.export.listing import NAME as LISTING
from sightline.export.listing import Listing, check_free, listed, write_listing
from sightline.export.opened import ExportedTowers
from sightline.export.plan import ENDINGS, ENGINES, Plan
from sightline.export.readme import readme
from sightline.export.recipes import classes_json, head_of, pixels_json, text_json
from sightline.export.script import script
from sightline.export.words import whole_tokenizer
from sightline.runtime.certificate import NAME as CERTIFICATE
from sightline.runtime.certificate import Certificate, write_certificate
from sightline.runtime.ranges import Ranges
from sightline.runtime.variants import find_ranges
from sightline.runtime.whole_graph import fits_inside, write_whole
from sightline.spec import Softmax
from sightline.verify import certify


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    sizes: dict[str, int]  # file → bytes
    compared: Compared
    certificate: Certificate | None  # None: no data were given to measure on

    @property
    def failed(self) -> bool:
        """Whether a certificate says that the towers may not stand for the model's."""
        return self.certificate is not None and not self.certificate.passed


def export(
    checkpoint: Checkpoint,
    folder: Path,
    plan: Plan,
    *,
    replace: bool = False,
    check: Source | None = None,
    on_progress: OnProgress | None = None,
) -> Exported:
    """Write a model as a folder that needs no Sightline, whole or not at all.

    What was written is opened again as anyone would open it, and compared with the model.

    Args:
        checkpoint: An opened model.
        folder: Where: a new folder, or an empty one.
        plan: What goes along, in which format and precision.
        replace: Whether an older export that is there may go; a folder with anything else may not.
        check: Pictures with labels or captions, for a certificate; one that did not pass is written
            too, and the folder's README says so.
        on_progress: Called with the number of pictures and texts that were checked since its last
            call.

    Raises:
        CheckpointError: A place that is taken or full, weights that are not what their record says,
            eight bits of a model that was not calibrated, an image tower too large for a page, or
            what was written does not compute what the model does.
        CertificateError: The data say nothing.
        TextError: A label is too long.
        RuntimeUnavailable: OpenVINO is not installed.
    """
    check_free(folder, replace=replace)
    verify_digests(checkpoint)
    ranges = find_ranges(checkpoint, ENGINES[plan.format]) if plan.precision == "int8" else None
    if plan.page:
        _check_page(checkpoint, plan, ranges)
    exact = embedder_of(checkpoint, runtime="onnxruntime", precision="float32")
    model = msgspec.structs.replace(exact, cache=None)
    try:
        with replacing(folder) as draft:
            _write_towers(checkpoint, draft, plan, ranges)
            _write_recipes(checkpoint, model, draft, plan)
            towers = ExportedTowers(draft, plan, model.towers)
            candidate = msgspec.structs.replace(model, towers=towers)
            near = compared(model, candidate)
            certificate = None
            if check is not None:
                alike = embedder_of(checkpoint, runtime=ENGINES[plan.format], precision="float32")
                recipe = "" if ranges is None else ranges.digest
                certificate = certify(
                    model, candidate, check, exact=alike, recipe=recipe, on_progress=on_progress
                )
            _write_words(checkpoint, draft, plan, near, certificate)
            sizes = _sizes(draft)
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be written ({error.strerror or error}): free some space or choose "
            "another place"
        ) from error
    return Exported(sizes=sizes, compared=near, certificate=certificate)


def _check_page(checkpoint: Checkpoint, plan: Plan, ranges: Ranges | None) -> None:
    """Refuse a tower that no browser opens."""
    if not fits_inside(checkpoint, "image", stored=plan.stored, ranges=ranges):
        raise CheckpointError(
            f"the image tower of {checkpoint.folder} takes 2 GB or more in {plan.precision}, and a "
            "page opens a single file of less: export in fewer bits, or without --page"
        )


def _write_towers(checkpoint: Checkpoint, draft: Path, plan: Plan, ranges: Ranges | None) -> None:
    """Write the towers in the plan's format.

    Raises:
        OSError: The disk is full.
    """
    for tower in plan.towers:
        graph = draft / f"{tower}.onnx"
        write_whole(checkpoint, tower, graph, stored=plan.stored, ranges=ranges)
        if plan.format == "openvino":
            from sightline.runtime.openvino_session import write_ir

            write_ir(graph, draft / f"{tower}{ENDINGS[plan.format]}")
            for path in draft.glob(f"{graph.name}*"):
                path.unlink()


def _write_recipes(checkpoint: Checkpoint, model: Embedder, draft: Path, plan: Plan) -> None:
    """Write what goes around the towers, and the script that joins them.

    Raises:
        OSError: The disk is full.
    """
    spec = checkpoint.spec
    (draft / "preprocessing.json").write_bytes(pixels_json(spec.pixels))
    head = head_of(model)
    if plan.classes:
        zero_shot = model.zero_shot(plan.classes, templates=plan.templates)
        np.save(draft / "classes.npy", zero_shot.vectors)
        said = classes_json(zero_shot, head, checkpoint.fingerprint)
        (draft / "classes.json").write_bytes(said)
    else:
        (draft / "text.json").write_bytes(text_json(spec.words, head))
        (draft / "tokenizer.json").write_bytes(whole_tokenizer(checkpoint))
    if plan.page:
        write_page(draft, plan.browser_engine)
    kind = "softmax" if isinstance(spec.head, Softmax) else "sigmoid"
    (draft / "run.py").write_text(script(plan, spec.pixels, kind), encoding="utf-8")


def _write_words(
    checkpoint: Checkpoint,
    draft: Path,
    plan: Plan,
    near: Compared,
    certificate: Certificate | None,
) -> None:
    """Write what people read, and the listing of all that is there.

    Raises:
        OSError: The disk is full.
    """
    if certificate is not None:
        write_certificate(certificate, draft / CERTIFICATE)
    names = [*(path.name for path in draft.iterdir()), LISTING]
    text = readme(checkpoint, plan, near, certificate, names)
    (draft / "README.md").write_text(text, encoding="utf-8")
    listing = Listing(
        model=checkpoint.fingerprint,
        origin=checkpoint.origin,
        license=checkpoint.license,
        format=plan.format,
        precision=plan.precision,
        certified=certificate is not None and certificate.passed,
        made_with={name: version(name) for name in ("sightline", ENGINES[plan.format])},
        files=listed(draft),
    )
    write_listing(draft, listing)


def _sizes(draft: Path) -> dict[str, int]:
    """Return the bytes of each file."""
    paths = (path for path in sorted(draft.rglob("*")) if path.is_file())
    return {path.relative_to(draft).as_posix(): path.stat().st_size for path in paths}
