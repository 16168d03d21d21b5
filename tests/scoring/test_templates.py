from types import ModuleType

from sightline.scoring import TEMPLATES


def test_every_template_has_one_place_for_the_name() -> None:
    assert all(text.count("{}") == 1 for texts in TEMPLATES.values() for text in texts)


def test_the_sets_have_the_papers_sizes_without_repeats() -> None:
    sizes = {name: len(set(texts)) for name, texts in TEMPLATES.items()}
    assert sizes == {"plain": 1, "photo": 1, "imagenet7": 7, "imagenet80": 80}


def test_the_papers_templates_equal_another_copy_of_the_notebook(open_clip: ModuleType) -> None:
    # open_clip/zero_shot_metadata.py, taken from the same notebook
    theirs = {
        "imagenet80": open_clip.OPENAI_IMAGENET_TEMPLATES,
        "imagenet7": open_clip.SIMPLE_IMAGENET_TEMPLATES,
    }
    for name, functions in theirs.items():
        assert tuple(make("{}") for make in functions) == TEMPLATES[name]
