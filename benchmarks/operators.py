"""Which operators of a tower take the time in OpenVINO, ours beside nncf's?

Run `python benchmarks/operators.py`; `--tiny` only proves that it runs; `--json` prints one line
for each tower. OpenVINO times each operator as it runs; shown are the kinds that take most, in
milliseconds for 16 pictures or 16 captions of 14 ids, by the median of the rounds. An operator that
was worked into another counts as that one: an activation after a product is part of it.

It needs torch, transformers, openvino. `--nncf PYTHON` as in `towers.py`.
"""

import argparse
import json
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from random_model import write_models
from setting import at_least_one, setting
from towers_entered import CAPTION, Entered

from sightline.runtime.graphs import Tower
from sightline.runtime.openvino_session import HINTS, core
from sightline.runtime.tower_graph import TowerGraph

BATCH = 16
MOST = 8  # kinds that are shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=15)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--nncf", help="the Python of an environment with openvino and nncf")
    asked = parser.parse_args()
    where = setting(("sightline", "openvino")) | {"threads": asked.threads}
    with TemporaryDirectory() as place:
        os.environ["SIGHTLINE_HOME"] = str(Path(place) / "home")
        write_models(Path(place), tiny=asked.tiny)
        entered = Entered(Path(place), asked.threads, asked.nncf)
        for tower in ("image", "text"):
            for line in tower_lines(entered, tower, 1 if asked.tiny else asked.rounds):
                print(json.dumps(line | where) if asked.json else table_row(line), flush=True)
    return 0


def tower_lines(entered: Entered, tower: Tower, rounds: int) -> Iterator[dict[str, Any]]:
    """Let the kinds of one tower take turns."""
    rows = given(entered, tower)
    requests = {}
    for name, model, hint in graphs(entered, tower):
        options = {
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": entered.threads,
            "PERF_COUNT": "YES",
        }
        requests[name] = core().compile_model(model, "CPU", options).create_infer_request()
    taken: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in requests}
    for _ in range(rounds + 1):
        for name, request in requests.items():
            request.infer({0: rows}, share_inputs=True)
            for kind, ms in kinds(request).items():
                taken[name][kind].append(ms)
    for name, each in taken.items():
        medians = {kind: statistics.median(ms[-rounds:]) for kind, ms in each.items()}
        most = sorted(medians.items(), key=lambda item: -item[1])[:MOST]
        yield {
            "question": f"operators of the {tower} tower, batch {BATCH}",
            "contestant": name,
            "ms": {kind: round(ms, 2) for kind, ms in most},
            "in_all_ms": round(sum(medians.values()), 1),
        }


def kinds(request: Any) -> Mapping[str, float]:
    """Return the milliseconds of each kind of operator in the last run."""
    found: dict[str, float] = defaultdict(float)
    for one in request.get_profiling_info():
        found[one.node_type] += 1000 * one.real_time.total_seconds()
    return found


def graphs(entered: Entered, tower: Tower) -> Iterator[tuple[str, Any, str]]:
    """Yield each contestant's name, its graph and what it computes in between products."""
    for precision in ("float32", "bfloat16", "int8"):
        ranges = entered.ranges if precision == "int8" else None
        graph = TowerGraph(entered.checkpoint, tower, ranges)
        model = core().read_model(BytesIO(graph.over_memory()))
        yield f"sightline {precision}", model, HINTS[precision]
    if entered.nncf is not None:
        yield "int8 by nncf", core().read_model(entered.by_nncf(entered.nncf, tower)), "f32"


def given(entered: Entered, tower: Tower) -> np.ndarray:
    """Return what goes into a tower."""
    if tower == "text":
        return entered.rows([CAPTION] * BATCH).ids[:, :14].copy()
    size = entered.spec.image.size_px
    return np.random.default_rng(0).standard_normal((BATCH, 3, size, size)).astype(np.float32)


def table_row(line: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{kind} {ms}" for kind, ms in line["ms"].items())
    return f"{line['question']:40} {line['contestant']:20} {line['in_all_ms']:7} ms: {parts}"


if __name__ == "__main__":
    raise SystemExit(main())
