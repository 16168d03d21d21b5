"""`models list`: what the catalog knows, without a network."""

import json
from collections.abc import Callable

from ran import Ran
from sightline.hub import catalog


def test_all_are_listed_with_figures_and_terms(run: Callable[..., Ran]) -> None:
    lines = run("models", "list").out.splitlines()
    assert len(lines) == 1 + len(catalog())
    [openai] = [line for line in lines if line.startswith("ViT-B-32/openai ")]
    assert openai.split()[1:] == ["OpenAI", "CLIP", "63.3", "%", "MIT"]


def test_words_choose(run: Callable[..., Ran]) -> None:
    names = run("models", "list", "SigLIP", "apache").out.splitlines()[1:]
    assert names
    assert all("SigLIP" in name and "Apache-2.0" in name for name in names)


def test_what_cannot_be_loaded_says_so(run: Callable[..., Ran]) -> None:
    ran = run("models", "list", "MobileCLIP-B")
    assert "--json says why 2 of these cannot be loaded" in ran.err
    lines = run("models", "list", "--json", "MobileCLIP-B").out.splitlines()
    assert all("its image tower" in json.loads(line)["refusal"] for line in lines)


def test_json_has_every_fact_with_its_source(run: Callable[..., Ran]) -> None:
    [line] = run("models", "list", "--json", "ViT-B-32/laion2b_s34b_b79k").out.splitlines()
    entry = json.loads(line)
    assert round(entry["zero_shot"]["imagenet1k_top1"], 1) == 66.6
    assert entry["sources"]["zero_shot"].startswith("mlfoundations/open_clip docs/")
    assert entry["here"] is False


def test_what_is_not_there_is_an_answer(run: Callable[..., Ran]) -> None:
    ran = run("models", "list", "no such model")
    assert (ran.code, ran.err) == (1, "no checkpoint of the catalog is like this\n")
    assert run("models", "list", "--here", "ViT-B-32/openai").code == 1
