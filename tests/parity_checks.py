"""What every case of every library must do: the tests of `tests/parity/` inherit these.

Enter at `SmallCases`. docs/parity.md has what was measured.
"""

import dataclasses
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
import pytest
import torch

from parity_controls import (
    other_shapes,
    replace,
    spoils,
    wrong_pixels,
    wrong_specs,
    wrong_words,
)
from parity_reference import pictures
from parity_stages import Case, distances, open_case, our_stages, rebuilt, stages_of
from sightline.errors import CheckpointError, SpecError, TextError
from sightline.runtime.torch_towers import load_model
from sightline.spec import Spec, open_words

HERE = Path(__file__).parent
# Twice the worst that was measured, or more: rounding differs between processors.
TOLERANCE = {"float32": 2e-6, "bfloat16": 1.5e-2, "float16": 2.5e-3}
FULL_TOLERANCE = {"float32": 2e-6, "bfloat16": 3e-2, "float16": 5e-3}  # after up to 24 blocks
Note: TypeAlias = Callable[[str, dict[str, float]], None]


def asked(library: str, root: Path, name: str | None = None) -> Path:
    """Have a library write its small cases, or one of full size, once for all test processes.

    Args:
        library: The end of the name of a `parity_….py`.
        root: A folder of this test run.
        name: A case of full size.
    """
    root.mkdir(exist_ok=True)
    folder = root / (library if name is None else f"{library}-full")
    done = root / f"{library}-{name}.done"
    with (root / f"{library}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever is second waits here, and finds it done
        if not done.exists():
            command = [sys.executable, "-W", "ignore", str(HERE / "parity_process.py")]
            command += [library, str(folder)]
            command += [] if name is None else [name]
            alone = os.environ | {"HF_HUB_OFFLINE": "1"}
            alone |= {"OMP_NUM_THREADS": "1"} if name is None else {}
            ran = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
            assert ran.returncode == 0, ran.stderr
            done.touch()
    return folder


class SmallCases:
    """Tests of one library's small cases; who inherits names the library and the cases."""

    library: ClassVar[str]

    @pytest.fixture(autouse=True)
    def one_thread(self) -> Iterator[None]:
        """Keep to one thread: of networks this small, two spend their time on each other."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    @pytest.fixture
    def case(self, name: str, root: Path) -> Case:
        return open_case(asked(self.library, root) / name)

    def test_every_stage_is_theirs(self, name: str, case: Case, note: Note) -> None:
        for precision in case.precisions:
            found = distances(case.theirs(precision), our_stages(case, precision))
            assert {"image tokens", "image projected", "text pooled", "logits"} <= found.keys()
            note(f"stages: {self.library}, {name}, {precision}", found)
            assert max(found.values()) < TOLERANCE[precision], found

    def test_control_whatever_is_wrong_shows(self, name: str, case: Case, note: Note) -> None:
        for precision in case.precisions:
            found = controls(case, precision)
            assert len(found) > 8
            note(f"controls: {self.library}, {name}, {precision}", found)
            assert min(found.values()) > TOLERANCE[precision], found

    def test_a_wrong_field_that_changes_tensors_is_refused(self, case: Case) -> None:
        wrong = other_shapes(case.checkpoint.spec)
        assert len(wrong) > 5
        for spec in wrong.values():
            with pytest.raises(CheckpointError, match="its weights do not belong to its spec"):
                load_model(dataclasses.replace(case.checkpoint, spec=spec))

    def test_pixels_are_theirs_to_the_last_bit(self, case: Case) -> None:
        assert np.array_equal(pixels(case.checkpoint.spec), case.batch.pixels)

    def test_control_wrong_pixels_show(self, case: Case) -> None:
        spec = case.checkpoint.spec
        for wrong in wrong_pixels(spec.pixels):
            assert not np.array_equal(pixels(replace(spec, pixels=wrong)), case.batch.pixels), wrong

    def test_ids_are_theirs(self, case: Case) -> None:
        assert np.array_equal(ids(case, case.checkpoint.spec), case.batch.ids)

    def test_control_wrong_ids_show(self, case: Case) -> None:
        spec = case.checkpoint.spec
        for wrong in wrong_words(spec.words):
            try:
                found = ids(case, replace(spec, words=wrong))
            except (SpecError, TextError):
                continue  # such a mark cannot be meant: it is refused
            assert not np.array_equal(found, case.batch.ids), wrong


@pytest.mark.full
@pytest.mark.timeout(3600)
class FullCases:
    """The same of networks of real size, with the few controls that there is time for."""

    library: ClassVar[str]

    def test_everything_is_theirs(self, name: str, root: Path, note: Note) -> None:
        case = open_case(asked(self.library, root, name) / name)
        assert np.array_equal(pixels(case.checkpoint.spec), case.batch.pixels)
        assert np.array_equal(ids(case, case.checkpoint.spec), case.batch.ids)
        for precision in case.precisions:
            found = distances(case.theirs(precision), our_stages(case, precision))
            note(f"stages: {self.library}, {name}, {precision}", found)
            assert max(found.values()) < FULL_TOLERANCE[precision], found
        wrong = controls(case, "float32", ("image.heads", "text.activation", "text.causal"))
        note(f"controls: {self.library}, {name}, float32", wrong)
        assert min(wrong.values()) > FULL_TOLERANCE["float32"], wrong
        shutil.rmtree(case.folder)  # gigabytes, which pytest would keep for three runs


def controls(case: Case, precision: str, only: tuple[str, ...] = ("",)) -> dict[str, float]:
    """Change one thing at a time; return how far the stage that shows it most then is.

    Args:
        case: What to compare.
        precision: What to compute in.
        only: How the names of those controls begin that are wanted.
    """
    spec, theirs = case.checkpoint.spec, case.theirs(precision)
    model = load_model(case.checkpoint, precision)
    wrong = {name: rebuilt(model, one) for name, one in wrong_specs(spec, precision).items()}
    for name, spoil in spoils(spec).items():
        wrong[name] = rebuilt(model, spec)
        spoil(wrong[name])
    return {
        name: max(distances(theirs, stages_of(one, case)).values())
        for name, one in wrong.items()
        if name.startswith(only)
    }


def pixels(spec: Spec) -> np.ndarray:
    """Return what a spec makes of the pictures."""
    return np.stack([spec.pixels.apply(np.asarray(one)) for one in pictures()])


def ids(case: Case, spec: Spec) -> np.ndarray:
    """Return the rows that a spec makes of the texts."""
    words = open_words(spec.words, case.checkpoint.folder)
    return words.rows(case.batch.texts, long="cut").ids
