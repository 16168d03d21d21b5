"""Of one list of everyday words, which does the model give a picture, whatever set it is from?

    python benchmarks/everyday_words.py RECIPE SOURCE=SET [SOURCE=SET ...] [--model MODEL]

    python benchmarks/everyday_words.py recipes/bundled-words.toml \\
        tiny-imagenet=../shared/data/val-tinyimagenet.tar.gz \\
        cifar10=../shared/data/val-cifar10.tar.gz flickr8k=../shared/data/val-flickr8k.tar.gz

A user's labels are words of no one set. What is true of a picture is its label or the words of its
captions, with the broader names that the recipe gives them for that source; pictures of which
exactly one word of the list is true are counted. The figure is the mean over words. `--tiny` takes
crops of three photos, which only proves that it runs; `--json` prints one line for each figure.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from setting import setting
from toy_set import toy_set

import sightline
from sightline.checkpoints.reading import BUNDLED
from sightline.data import Example, open_source
from sightline.train import read_recipe
from sightline.train.caption_words import words_of
from sightline.train.recipe import SourcePart

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "bundled-words.toml"
WORDS = [
    "dog",
    "cat",
    "bird",
    "horse",
    "elephant",
    "bear",
    "fish",
    "insect",
    "car",
    "truck",
    "bus",
    "boat",
    "airplane",
    "train",
    "person",
    "house",
    "bridge",
    "mountain",
    "food",
    "flower",
    "furniture",
    "guitar",
    "snake",
    "monkey",
]


def main() -> None:
    """Print the share that is right for each word and each set, then the mean over words."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("recipe", type=Path, nargs="?", default=RECIPE)
    parser.add_argument("sets", nargs="*", metavar="SOURCE=SET")
    parser.add_argument("--model", help="a folder or a name; else the bundled one")
    parser.add_argument("--tiny", action="store_true", help="crops of three photos as the set")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args()
    if not asked.sets and not asked.tiny:
        parser.error("name a SOURCE=SET")
    with TemporaryDirectory() as place:
        sets = [f"cifar10={toy_set(Path(place) / 'set')}"] if asked.tiny else asked.sets
        pictures, truth, names = pictures_of(asked.recipe, sets)
        model = sightline.load(asked.model)
        said = (model.embed_images(pictures) @ model.embed_texts(WORDS).T).argmax(axis=1)
    for line in lines_of(said, np.array(truth), np.array(names)):
        whole = line | setting(("sightline", "onnxruntime"))
        print(json.dumps(whole) if asked.json else table_row(line))


def pictures_of(recipe: Path, sets: Sequence[str]) -> tuple[list[Any], list[int], list[str]]:
    """Return pictures of which one word of the list is true, that word's place, and their set."""
    read = read_recipe(recipe, [f"init={BUNDLED}"])  # only its sources are asked for
    parts = {part.name: part for part in read.sources}
    pictures, truth, names = [], [], []
    for each in sets:
        name, _, uri = each.partition("=")
        for example in open_source(uri):
            true = sorted(true_of(parts[name], example) & set(WORDS))
            if len(true) == 1:
                pictures.append(example.image)
                truth.append(WORDS.index(true[0]))
                names.append(name)
    return pictures, truth, names


def true_of(part: SourcePart, example: Example) -> set[str]:
    """Return what is true of a picture, its broader names among it."""
    own = {str(example.label)} if part.reads == "labels" else set(words_of(example.texts))
    return own | {name for name, narrower in part.broader.items() if not own.isdisjoint(narrower)}


def lines_of(said: np.ndarray, truth: np.ndarray, names: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield the share that is right by word and by set, then the mean over words."""
    right = said == truth
    by_word = {WORDS[word]: right[truth == word] for word in np.unique(truth)}
    by_set = {str(name): right[names == name] for name in np.unique(names)}
    line: dict[str, Any] = {"question": "which everyday word a picture is given"}
    for kind, parts in (("word", by_word), ("set", by_set)):
        for part, hits in parts.items():
            share = round(float(hits.mean()), 3)
            yield line | {"contestant": f"{kind} {part}", "right": share, "pictures": len(hits)}
    mean = round(float(np.mean([hits.mean() for hits in by_word.values()])), 3)
    yield line | {"contestant": "mean over words", "right": mean, "pictures": len(truth)}


def table_row(line: Mapping[str, Any]) -> str:
    return f"{line['contestant']:18} {line['right']:.3f}  of {line['pictures']}"


if __name__ == "__main__":
    main()
