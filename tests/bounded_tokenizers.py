"""Hostile tokenizers, each opened and run where it can do no harm. Enter at `followed`."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

TEXT = "a photo of é cat, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
# One process imports and then forks a child for each file, with 2 s and 4 GB: each child says what
# came of it, or dies of what it was asked to do.
RUN = """
import json, os, resource, sys
from pathlib import Path
import tokenizers
from sightline.errors import SightlineError
from sightline.spec.words import TextRecipe, open_words

recipe = TextRecipe(tokenizer="file", clean="none", context_length=16, start_id=None, end_id=None,
                    pad_id=0, template="{}")

def ours(folder, text):
    return len(open_words(recipe, folder).encode(text))

def library(folder, text):
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    return len(tokenizer.encode(text, add_special_tokens=False).ids)

run = {"ours": ours, "library": library}[sys.argv[1]]
for folder in map(Path, sys.argv[3:]):
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if status:
            print(json.dumps([folder.name, f"died of {status}"]), flush=True)
        continue
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    try:
        said = f"{run(folder, sys.argv[2])} ids"
    except SightlineError as error:
        said = f"{type(error).__name__}: {error}"
    except BaseException as error:
        said = f"fault: {type(error).__name__}: {error}"
    print(json.dumps([folder.name, said]), flush=True)
    os._exit(0)
"""


def followed(
    folder: Path, cases: Mapping[str, Any], *, by: Literal["ours", "library"] = "ours"
) -> dict[str, str]:
    """Return what comes of each tokenizer.json: how many ids it wrote, a sentence, or its death.

    Args:
        folder: An empty one.
        cases: Name → a tokenizer.json as an object, or as bytes.
        by: What opens it: `open_words`, or the tokenizers library itself.
    """
    for name, case in cases.items():
        (folder / name).mkdir()
        content = case if isinstance(case, bytes) else json.dumps(case).encode()
        (folder / name / "tokenizer.json").write_bytes(content)
    command = [sys.executable, "-c", RUN, by, TEXT, *(str(folder / name) for name in cases)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return dict(json.loads(line) for line in ran.stdout.splitlines())
