import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest

from sightline.checkpoints.openclip import OpenClip, openclip_spec
from sightline.checkpoints.tokenizer_facts import TokenizerFacts
from sightline.errors import SpecError
from sightline.hub import catalog as entries
from sightline.hub.catalog import FILE, HubFile, HubFiles, Layout, WebFile, _Catalog

FACTS = ("license", "training_data", "zero_shot")
# What a page must say of itself: a commit, a released version, or the page of a repository.
AT = re.compile(r" at (main|refs/pr/\d+|[0-9a-f]{40})( \(.+\))?$|\d+\.\d+\.\d+")

TOKENIZER = TokenizerFacts(
    file=Path("tokenizer.json"),
    clip=False,
    kind=None,
    start_id=None,
    end_id=1,
    pad_id=0,
    ids=9,
)


def test_the_checkpoints_that_people_use_are_there() -> None:
    found = [entry.name for entry in entries()]
    assert len(found) == len(set(found)) == 116
    openai = [name for name in found if name.endswith("/openai")]
    vits = "ViT-B-32 ViT-B-16 ViT-L-14 ViT-L-14-336"
    architectures = f"RN50 RN101 RN50x4 RN50x16 RN50x64 {vits}".split()
    assert openai == [f"{architecture}/openai" for architecture in architectures]
    families = {entry.family for entry in entries()}
    assert {"LAION", "DataComp", "MetaCLIP", "DFN", "SigLIP", "SigLIP 2", "TinyCLIP"} <= families


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_fact_says_where_it_was_read_and_what_was_not_read_is_null(entry: object) -> None:
    fields = msgspec.to_builtins(entry)
    stated = {fact for fact in FACTS if fields[fact]} | {"source"}
    if isinstance(entry.source, HubFiles) and entry.source.revision:  # type: ignore[attr-defined]
        stated.add("files")
    assert fields["sources"].keys() == stated
    assert all(AT.search(page) for page in fields["sources"].values())


def test_every_page_is_used() -> None:
    document = json.loads(FILE.read_bytes())
    used = {page for entry in document["entries"] for page in entry["sources"].values()}
    assert used == document["pages"].keys()


def test_openais_addresses_hold_the_digest_that_is_expected() -> None:
    for entry in entries():
        if entry.layout == "openai":
            assert isinstance(entry.source, WebFile)
            assert entry.source.url.split("/")[-2] == entry.source.sha256
            assert re.fullmatch(r"[0-9a-f]{64}", str(entry.source.sha256))
            assert entry.source.name.endswith(".pt")


def test_a_file_that_could_not_be_verified_cannot_be_asked_for() -> None:
    for entry in entries():
        if isinstance(entry.source, WebFile) and entry.source.sha256 is None:
            assert entry.refusal is not None


def test_the_repositories_that_transformers_opens_are_there_by_their_own_names() -> None:
    """The issue and transformers' documentation name these."""
    by_name = {entry.name: entry for entry in entries()}
    sizes = ("base-patch32", "base-patch16", "large-patch14", "large-patch14-336")
    for name in (
        *(f"openai/clip-vit-{size}" for size in sizes),
        "google/siglip-base-patch16-224",
        "google/siglip-so400m-patch14-384",
        "google/siglip2-base-patch16-224",
        "google/siglip2-so400m-patch16-512",
    ):
        assert by_name[name].layout == "huggingface"
        assert by_name[name].refusal is None
    assert "NaFlex" in str(by_name["google/siglip2-base-patch16-naflex"].refusal)
    for entry in entries():
        if entry.layout == "huggingface" and isinstance(entry.source, HubFiles):
            assert entry.name == entry.source.repository or entry.family == "TinyCLIP"


def test_figures_are_percents_and_revisions_whole_commits() -> None:
    for entry in entries():
        assert all(20 < value < 100 for value in entry.zero_shot.values())
        if isinstance(entry.source, HubFiles):
            revision, files = entry.source.revision, entry.source.files
            assert revision is None or re.fullmatch(r"[0-9a-f]{40}", revision)
            assert bool(files) == (revision is not None)


@pytest.mark.parametrize(
    ("name", "metric", "percent"),
    [  # mlfoundations/open_clip docs/openclip_results.csv, google-research README_siglip2.md
        ("ViT-B-32/openai", "imagenet1k_top1", 63.32),
        ("ViT-L-14/datacomp_xl_s13b_b90k", "average_of_38", 66.27),
        ("ViT-B-16-SigLIP/webli", "imagenet1k_top1", 76.04),
        ("ViT-B-16-SigLIP2-512/webli", "coco_text_to_image_r1", 55.2),
    ],
)
def test_a_figure_is_the_published_one(name: str, metric: str, percent: float) -> None:
    [entry] = [entry for entry in entries() if entry.name == name]
    assert entry.zero_shot[metric] == percent


def test_towers_that_no_spec_describes_are_refused_by_name() -> None:
    refused = {entry.name for entry in entries() if entry.refusal}
    assert {"MobileCLIP-B/datacompdr", "MobileCLIP2-S0/dfndr2b"} <= refused
    assert "ViT-B-32/laion2b_s34b_b79k" not in refused


def test_what_is_refused_is_what_the_reader_of_openclip_s_configs_refuses(
    open_clip: ModuleType,
) -> None:
    folder = Path(str(open_clip.__file__)).with_name("model_configs")
    checked = 0
    for entry in entries():
        config = folder / f"{entry.name.partition('/')[0]}.json"
        if entry.layout == "openclip" and config.exists():
            assert is_read(json.loads(config.read_text())) == (entry.refusal is None), entry.name
            checked += 1
    assert checked > 60


def is_read(config: dict[str, Any]) -> bool:
    """Tell whether a config of OpenCLIP's can be followed."""
    named = "hf_tokenizer_name" in config["text_cfg"]
    try:
        openclip_spec(
            msgspec.convert({"model_cfg": config}, OpenClip), TOKENIZER if named else None
        )
    except SpecError:
        return False
    return True


def test_the_file_is_read_strictly() -> None:
    document = json.loads(FILE.read_bytes())
    document["entries"][0]["licence"] = "MIT"
    with pytest.raises(msgspec.ValidationError, match="unknown field `licence`"):
        msgspec.json.decode(json.dumps(document), type=_Catalog)


def test_a_source_knows_its_page_and_a_file_its_name() -> None:
    hub = HubFiles(
        repository="org/name", revision=None, files=(HubFile(name="config.json", sha256=None),)
    )
    web = WebFile(url="https://example.org/a/b.pth?raw=true", sha256=None)
    assert (hub.page, web.name) == ("https://huggingface.co/org/name", "b.pth")
    assert web.page == web.url
    assert {entry.layout for entry in entries()} == set(get_args(Layout))
