import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sightline.errors import CheckpointError
from sightline.hub import Entry, Repository, catalog, resolve
from sightline.hub.spelling import LONGEST, _fold, _names, nearest

OPENAI, LAION = "ViT-B-32/openai", "ViT-B-32/laion2b_s34b_b79k"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ViT-B/32", OPENAI),  # OpenAI
        ("ViT-L/14@336px", "ViT-L-14-336/openai"),
        ("RN50x64", "RN50x64/openai"),
        ("ViT-B/32/openai", OPENAI),
        ("ViT-L/14@336px/openai", "ViT-L-14-336/openai"),
        ("ViT-B-32-quickgelu/openai", OPENAI),  # OpenCLIP
        ("ViT-B-16-quickgelu/dfn2b", "ViT-B-16/dfn2b"),
        ("ViT-B-32:laion2b_s34b_b79k", LAION),
        ("vit_b_32/LAION2B-s34b-b79k", LAION),
        ("hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K", LAION),
        ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", LAION),
        ("https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K", LAION),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", LAION),  # clip-retrieval
        ("hf_clip:laion/CLIP-ViT-B-32-laion2B-s34B-b79K", LAION),
        ("ViT-B-32::laion2b-s34b-b79k", LAION),  # clip-as-service
        ("ViT-B/32::openai", OPENAI),
        ("ViT-B-32__openai", OPENAI),  # Immich
        ("clip/ViT-B-16", "ViT-B-16/openai"),  # Roboflow
        ("clip/ViT-L-14-336px", "ViT-L-14-336/openai"),
        ("ViT-L-14-336px/openai", "ViT-L-14-336/openai"),
        ("openai/clip-vit-base-patch32", "openai/clip-vit-base-patch32"),  # transformers
        ("hf-hub:openai/clip-vit-large-patch14-336", "openai/clip-vit-large-patch14-336"),
        ("hf_clip:OpenAI/clip-vit-base-patch16", "openai/clip-vit-base-patch16"),
        (
            "https://huggingface.co/google/siglip-so400m-patch14-384",
            "google/siglip-so400m-patch14-384",
        ),
        ("google/siglip2-giant-opt-patch16-384", "google/siglip2-giant-opt-patch16-384"),
        ("ViT-B-32,openai", OPENAI),  # CLIP_benchmark's models.txt
        (" ViT-B-32  openai\n", OPENAI),
        ("SigLIP-B-16/webli", "ViT-B-16-SigLIP/webli"),
        ("SigLIP2-SO400M-14-378/webli", "ViT-SO400M-14-SigLIP2-378/webli"),
        ("timm/ViT-B-16-SigLIP", "ViT-B-16-SigLIP/webli"),
        ("ViT-H-14-378", "ViT-H-14-378/dfn5b"),  # the only one of its architecture
    ],
)
def test_what_people_type_is_one_checkpoint(typed: str, name: str) -> None:
    assert resolve(typed).name == name


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("somebody/finetuned", Repository(name="somebody/finetuned")),
        ("hf-hub:somebody/finetuned", Repository(name="somebody/finetuned")),
        ("somebody/finetuned@v1.0", Repository(name="somebody/finetuned", revision="v1.0")),
        (
            "laion/CLIP-ViT-B-32-laion2B-s34B-b79K@abc",
            Repository(name="laion/CLIP-ViT-B-32-laion2B-s34B-b79K", revision="abc"),
        ),
        ("openai/whisper-tiny", Repository(name="openai/whisper-tiny")),
        ("hf-hub:google/vit-base-patch16-224", Repository(name="google/vit-base-patch16-224")),
        (
            "openai/clip-vit-base-patch32@v1",
            Repository(name="openai/clip-vit-base-patch32", revision="v1"),
        ),
    ],
)
def test_a_repository_outside_the_catalog_is_a_repository(typed: str, found: Repository) -> None:
    assert resolve(typed) == found


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)
def test_every_name_of_an_entry_leads_to_it(entry: Entry) -> None:
    for name in _names(entry):
        assert resolve(name) is resolve(name.upper()) is entry


def test_no_name_belongs_to_two() -> None:
    folded = [name for entry in catalog() for name in {_fold(one) for one in _names(entry)}]
    assert len(folded) == len(set(folded))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "ViT-B-32-256-openai",
            "no checkpoint is called 'ViT-B-32-256-openai': the nearest names are "
            "ViT-B-32/openai, ViT-B-16/openai, ViT-L-14-336/openai",
        ),
        (
            "ViT-g-14",
            "ViT-g-14 has 2 checkpoints: name one of ViT-g-14/laion2b_s12b_b42k, "
            "ViT-g-14/laion2b_s34b_b88k",
        ),
        (
            "ViT-g-14/openai",
            "ViT-g-14 has no checkpoint 'openai' in the catalog: it has laion2b_s12b_b42k, "
            "laion2b_s34b_b88k",
        ),
        (
            "  ",
            f"a checkpoint's name has 1 to {LONGEST} characters, but this has 0: give a name such "
            "as ViT-B-32/openai",
        ),
        (
            "x" * 251,
            f"a checkpoint's name has 1 to {LONGEST} characters, but this has 251: give a name "
            "such as ViT-B-32/openai",
        ),
    ],
)
def test_what_names_no_one_checkpoint_is_refused(typed: str, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        resolve(typed)
    assert str(caught.value) == message


def test_a_conversion_is_its_own_checkpoint_in_its_own_layout() -> None:
    """The weights of OpenAI's archive, under another record: its crop is rounded otherwise."""
    converted, original = resolve("openai/clip-vit-base-patch32"), resolve(OPENAI)
    assert isinstance(converted, Entry)
    assert isinstance(original, Entry)
    assert (converted.layout, original.layout) == ("huggingface", "openai")
    assert converted is not original


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("clip-ViT-B-32", OPENAI),  # sentence-transformers
        ("clip-ViT-L-14", "ViT-L-14/openai"),
        ("clip-vit-base-patch16", "openai/clip-vit-base-patch16"),
        ("siglip2-base-patch16-224", "google/siglip2-base-patch16-224"),
    ],
)
def test_a_copy_of_anothers_is_suggested_not_taken(typed: str, first: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        resolve(typed)
    assert f"no checkpoint is called {typed!r}: the nearest names are {first}, " in str(
        caught.value
    )


def test_the_activation_is_never_guessed() -> None:
    """OpenCLIP loads these weights under that name too, and is some points worse."""
    with pytest.raises(CheckpointError, match="has no checkpoint 'laion2b_s34b_b79k'"):
        resolve("ViT-B-32-quickgelu/laion2b_s34b_b79k")


PIECES = st.sampled_from(
    ["vit", "-", "_", "/", ":", "@", "b", "32", "openai", "clip", "hf-hub", "..", " ", "RN50", "::"]
)


@given(text=st.text(max_size=40) | st.lists(PIECES, max_size=8).map("".join))
@example(text="a--b/c")
@example(text="a/b.git")
@example(text="hf-hub:")
@example(text="\ud800/x")
@example(text="clip/vit__x::y,z@1px")
def test_any_text_is_an_entry_a_repository_or_an_error_of_ours(text: str) -> None:
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        found = resolve(text)
    except CheckpointError:
        return
    if isinstance(found, Repository):
        validate_repo_id(found.name)  # the client takes every name that we let through
    else:
        assert resolve(found.name) is found


def test_control_the_client_refuses_what_is_no_repository() -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    with pytest.raises(HFValidationError):
        validate_repo_id("a--b/c")


def test_the_nearest_names_are_three_and_the_nearest_first() -> None:
    assert nearest("vit-l-14/laion2b_s32b")[0] == "ViT-L-14/laion2b_s32b_b82k"
    assert len(set(nearest("anything"))) == 3
