"""Of one list of everyday words, which does the model give a picture, whatever set it is from?

    python benchmarks/everyday_words.py RECIPE SOURCE=SET [SOURCE=SET ...] [--model MODEL]

    python benchmarks/everyday_words.py recipes/bundled-words.toml \\
        tiny-imagenet=../shared/data/val-tinyimagenet.tar.gz \\
        cifar10=../shared/data/val-cifar10.tar.gz flickr8k=../shared/data/val-flickr8k.tar.gz

A user's labels are words of no one set. What is true of a picture is its label or the words of its
captions, with the broader names that the recipe gives them for that source; pictures of which
exactly one word of the list is true are counted. The figure is the mean over words.
"""

import argparse
from pathlib import Path

import numpy as np

import sightline
from sightline.checkpoints.reading import BUNDLED
from sightline.data import Example, open_source
from sightline.train import read_recipe
from sightline.train.caption_words import words_of
from sightline.train.recipe import SourcePart

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
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("recipe", type=Path)
    asked.add_argument("sets", nargs="+", metavar="SOURCE=SET")
    asked.add_argument("--model", default="bundled")
    typed = asked.parse_args()
    model = sightline.load(None if typed.model == "bundled" else typed.model)
    recipe = read_recipe(typed.recipe, [f"init={BUNDLED}"])  # only its sources are asked for
    parts = {part.name: part for part in recipe.sources}
    pictures, truth, sets = [], [], []
    for each in typed.sets:
        name, _, uri = each.partition("=")
        for example in open_source(uri):
            true = sorted(true_of(parts[name], example) & set(WORDS))
            if len(true) == 1:
                pictures.append(example.image)
                truth.append(WORDS.index(true[0]))
                sets.append(name)
    said = (model.embed_images(pictures) @ model.embed_texts(WORDS).T).argmax(axis=1)
    show(said, np.array(truth), np.array(sets))


def true_of(part: SourcePart, example: Example) -> set[str]:
    """Return what is true of a picture, its broader names among it."""
    own = {str(example.label)} if part.reads == "labels" else set(words_of(example.texts))
    return own | {name for name, narrower in part.broader.items() if not own.isdisjoint(narrower)}


def show(said: np.ndarray, truth: np.ndarray, sets: np.ndarray) -> None:
    """Print the figures."""
    right = said == truth
    by_word = {WORDS[word]: right[truth == word] for word in np.unique(truth)}
    for word, hits in by_word.items():
        print(f"{word:10} {hits.mean():.2f}  of {len(hits)}")
    for name in np.unique(sets):
        print(f"{name:14} {right[sets == name].mean():.3f}  of {(sets == name).sum()}")
    mean = np.mean([hits.mean() for hits in by_word.values()])
    print(f"mean over {len(by_word)} words {mean:.3f}, {len(truth)} pictures")


if __name__ == "__main__":
    main()
