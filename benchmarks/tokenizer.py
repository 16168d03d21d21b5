"""How many captions a second become rows of ids on one core, ours and the peers'?

Run `python benchmarks/tokenizer.py`; `--tiny` only proves that it runs; `--json` prints one line
for each contestant. Peers that are not installed are left out, by name. Captions are made from
CLIP's own whole words, the early (frequent) ones more often; `--captions FILE` reads one a line.
"""

import argparse
import importlib.util
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[threads] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from setting import setting  # noqa: E402

from sightline import checkpoints  # noqa: E402
from sightline.spec.architectures import CLIP_WORDS  # noqa: E402
from sightline.spec.byte_pairs import BytePairs  # noqa: E402
from sightline.spec.words import Words, open_words  # noqa: E402

Contestant = Callable[[list[str]], object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="64 captions, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--captions", type=Path, help="a file with one caption a line")
    asked = parser.parse_args()
    size, rounds = (64, 1) if asked.tiny else (4000, 9)
    captions = asked.captions.read_text().splitlines() if asked.captions else made(size)
    captions = captions[:size]
    contestants = dict(entered(captions))
    agree(contestants, captions)
    bundled = open_words(checkpoints.read().spec.words, checkpoints.read().folder)
    contestants["sightline, bundled vocabulary"] = lambda texts: bundled.rows(texts, long="cut").ids
    lines = list(results(race(contestants, captions, rounds), len(captions)))
    for line in lines:
        print(json.dumps(line) if asked.json else table_row(line))
    return 0


def made(size: int) -> list[str]:
    """Make captions of 6 to 16 words, always the same ones."""
    clip = BytePairs()
    words = [clip.text([token_id]) for token_id in range(512, 30_000) if is_word(clip, token_id)]
    weights = [1 / (rank + 10) for rank in range(len(words))]
    draw = random.Random(8)
    return [
        " ".join(draw.choices(words, weights, k=draw.randint(6, 16))).capitalize() + "."
        for _ in range(size)
    ]


def is_word(clip: BytePairs, token_id: int) -> bool:
    spelling = clip.text([token_id])
    return spelling.isascii() and spelling.isalpha() and clip.ids(spelling) == [token_id]


def entered(captions: list[str]) -> Iterator[tuple[str, Contestant]]:
    clip = BytePairs()
    words = Words(CLIP_WORDS, clip)
    words.rows(captions)
    yield "sightline", lambda texts: words.rows(texts, long="cut").ids

    def forgetful(texts: list[str]) -> object:
        return Words(CLIP_WORDS, clip).rows(texts, long="cut").ids

    yield "sightline, words not met before", forgetful
    yield (
        "sightline, exact path only",
        lambda texts: [[49406, *clip.ids(words._clean(text)), 49407] for text in texts],
    )
    yield from peers(clip)


def peers(clip: BytePairs) -> Iterator[tuple[str, Contestant]]:
    package = importlib.util.find_spec("open_clip")
    if package is None or package.origin is None:
        print("open_clip is not installed: left out", file=sys.stderr)
        return
    # By its path: the package itself imports torchvision.
    path = Path(package.origin).with_name("tokenizer.py")
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reference = module.SimpleTokenizer()
    yield "open_clip", lambda texts: reference(texts).numpy()
    if importlib.util.find_spec("transformers") is None:
        print("transformers is not installed: left out", file=sys.stderr)
        return
    from transformers import CLIPTokenizer

    # Its published vocabulary cannot be downloaded everywhere; it is the same one by other names.
    vocabulary = dict(reference.encoder)
    vocabulary["<|startoftext|>"] = vocabulary.pop("<start_of_text>")
    vocabulary["<|endoftext|>"] = vocabulary.pop("<end_of_text>")
    ranks = reference.bpe_ranks
    published = CLIPTokenizer(vocab=vocabulary, merges=sorted(ranks, key=ranks.__getitem__))

    def rows(texts: list[str]) -> object:
        kwargs = {"padding": "max_length", "max_length": 77, "truncation": True}
        return published(texts, return_tensors="np", **kwargs)["input_ids"]

    yield "transformers", rows


def agree(contestants: dict[str, Contestant], captions: list[str]) -> None:
    """Refuse to time contestants that do not give the same ids (their padding may differ)."""
    expected: list[list[int]] | None = None
    for name, contestant in contestants.items():
        rows = [list(map(int, row)) for row in contestant(captions)]  # type: ignore[attr-defined]
        real = [row[: row.index(49407) + 1] for row in rows]
        expected = expected or real
        if real != expected:
            raise SystemExit(f"{name} gives other ids: its time would mean nothing")


def race(
    contestants: dict[str, Contestant], captions: list[str], rounds: int
) -> dict[str, list[float]]:
    """Time each contestant once a round, so that a busy minute falls on all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant(captions)
            seconds[name].append(time.perf_counter() - start)
    return seconds


def results(seconds: dict[str, list[float]], size: int) -> Iterator[dict[str, Any]]:
    where = setting(("sightline", "tokenizers", "ftfy"))
    baseline = seconds.get("open_clip")
    for name, times in seconds.items():
        ratios = [slow / fast for slow, fast in zip(baseline or times, times, strict=True)]
        yield {
            "question": "captions a second on one core",
            "contestant": name,
            "captions": size,
            "rounds": len(times),
            "per_second": round(size / statistics.median(times)),
            "per_second_range": [round(size / max(times)), round(size / min(times))],
            "times_open_clip": round(statistics.median(ratios), 2) if baseline else None,
            **where,
        }


def table_row(line: dict[str, Any]) -> str:
    low, high = line["per_second_range"]
    return (
        f"{line['contestant']:<32} {line['per_second']:>9,}/s  ({low:,} to {high:,})  "
        f"× open_clip {line['times_open_clip']}"
    )


if __name__ == "__main__":
    sys.exit(main())
