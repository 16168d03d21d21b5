"""Run trainings in processes of their own and kill them. A program: it reads orders as JSON
lines and answers each with one.

It imports everything once and forks for each case, before torch has started a thread. A case names
the run folder, whether to resume, and when SIGKILL comes: at the n-th event inside the run folder
(opening, making, renaming or removing something there, or a step), or never. An event comes before
what it announces, so a file that is opened for writing is left empty, and so on.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from sightline.train import pretrain
from sightline.train.recipe_file import recipe_from_json

LATE = ("onnx", "tokenizers", "torch._dynamo", "torch.utils.tensorboard")  # imported by a run
EVENTS = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"})


def killer(folder: Path, kill_at: int) -> tuple[Callable[[], None], list[str]]:
    """Return what counts an event and kills at the n-th, and the list of what has happened."""
    seen: list[str] = []

    def happens(what: str = "step") -> None:
        seen.append(what)
        if len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in EVENTS and str(args[0]).startswith(str(folder)):
            happens(f"{event} {Path(str(args[0])).name}")

    sys.addaudithook(hook)
    return happens, seen


def run_case(recipe: dict[str, Any], case: dict[str, Any]) -> None:
    """Train in this process; say at the end what happened."""
    folder = Path(case["folder"])
    happens, seen = killer(folder, case["kill_at"])
    pretrain(
        recipe_from_json(recipe),
        folder,
        resume=case["resume"],
        watch=lambda *_: happens(),
    )
    (folder.parent / f"{folder.name}.events").write_text(json.dumps(seen), encoding="utf-8")


def main() -> None:
    """Run orders, one a line; the cases of each one after another, each in its own process."""
    for name in LATE:
        import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps([end_of(order["recipe"], case) for case in order["cases"]]), flush=True)


def end_of(recipe: dict[str, Any], case: dict[str, Any]) -> int:
    """Run one case and return how its process ended."""
    child = os.fork()
    if child == 0:
        try:
            run_case(recipe, case)
        except BaseException as error:  # the child must never go on as the parent
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
