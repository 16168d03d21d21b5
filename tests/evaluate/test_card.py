from pathlib import Path

import pytest
from msgspec.structs import replace

from sightline.errors import DataError
from sightline.evaluate.card import card, first_difference
from sightline.evaluate.facts import Facts, Seen
from sightline.evaluate.result import Result
from tiny_card import card_inputs


def lines_with(text: str, *parts: str) -> list[str]:
    return [line for line in text.split("\n") if all(part in line for part in parts)]


def test_the_front_matter_and_the_first_line_say_the_terms(tmp_path: Path) -> None:
    made = card(*card_inputs(tmp_path / "model"))
    head, first, *_ = made.split("\n\n")
    assert head == "\n".join(
        [
            "---",
            "license: other",
            'license_name: "non-commercial-research"',
            "library_name: sightline",
            "pipeline_tag: zero-shot-image-classification",
            "language:",
            '- "en"',
            "tags:",
            '- "clip"',
            '- "zero-shot-image-classification"',
            "datasets:",
            '- "colours"',
            "---",
        ]
    )
    assert first.startswith("**For non-commercial research only.** ")


def test_every_figure_stands_with_its_interval_and_command(tmp_path: Path) -> None:
    checkpoint, results, facts = card_inputs(tmp_path / "model")
    made = card(checkpoint, results, facts)
    [line] = lines_with(made, "| eval-colours | prompted top-1 |")
    assert line == (
        "| eval-colours | prompted top-1 | 0.750 | 0.301 to 0.954 | 0.333 | 4 images "
        "| yes, its classes | `sightline evaluate m sets/eval-colours` |"
    )
    for result in results:
        table = lines_with(made, f"| {result.dataset} |", "sightline evaluate")
        assert len(table) == len(result.metrics)


def test_zero_shot_is_said_only_of_what_was_not_seen(tmp_path: Path) -> None:
    checkpoint, results, facts = card_inputs(tmp_path / "model")
    made = card(checkpoint, results, facts)
    assert lines_with(made, "| photos |", "zero-shot top-1")
    assert not lines_with(made, "| eval-colours |", "zero-shot")
    seen = facts.training_distribution | {"photos": Seen(seen="kind", note="old walls")}
    # control: the word goes away when the facts change
    other = card(checkpoint, results, replace(facts, training_distribution=seen))
    assert not lines_with(other, "| photos |", "zero-shot")


def test_what_it_is_bad_at_comes_from_the_results(tmp_path: Path) -> None:
    made = card(*card_inputs(tmp_path / "model"))
    assert "- lowest recall: green 0.50, blue 1.00, red 1.00" in made
    assert "- worst place: outdoors, 0.500" in made
    assert "- most confused: green taken for blue (1 of 2)" in made
    assert "- even its best figure, image_retrieval_recall@1, misses 50%" in made
    assert "| 1 | wall.png | green | blue | A. Painter | CC0-1.0, made smaller |" in made


def test_data_recipe_limits_and_identity_are_there(tmp_path: Path) -> None:
    checkpoint, results, facts = card_inputs(tmp_path / "model")
    made = card(checkpoint, results, facts)
    assert "| walls | 1,200 | non-commercial \\| research | a painter |" in made
    assert "Counted by hand." in made
    assert "- knows no yellow" in made
    assert f"Fingerprint: `{checkpoint.fingerprint}`" in made


def test_what_a_figure_leaves_out_is_said(tmp_path: Path) -> None:
    checkpoint, results, facts = card_inputs(tmp_path / "model")
    made = card(checkpoint, [replace(results[0], skipped=2, cut=1), *results[1:]], facts)
    assert (
        "- **eval-colours**: all three colours were trained on (examples skipped: 2; "
        "captions cut to what the model reads: 1)"
    ) in made


def test_the_same_inputs_give_the_same_card(tmp_path: Path) -> None:
    inputs = card_inputs(tmp_path / "model")
    assert first_difference(card(*inputs), card(*inputs)) is None


def test_control_a_figure_that_was_changed_is_found(tmp_path: Path) -> None:
    made = card(*card_inputs(tmp_path / "model"))
    found = first_difference(made.replace("0.750", "0.850", 1), made)
    assert found is not None
    assert "0.850" in found
    assert first_difference(made + "more", made) == (
        f"line {made.count(chr(10)) + 1} has 'more' but the results and facts give ''"
    )


def refusal(folder: Path, results: list[Result] | None = None, facts: Facts | None = None) -> str:
    checkpoint, own_results, own_facts = card_inputs(folder)
    with pytest.raises(DataError) as caught:
        card(checkpoint, own_results if results is None else results, facts or own_facts)
    return str(caught.value)


def test_a_card_without_results_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model", results=[]) == (
        "a card without results says nothing: evaluate the model first"
    )


def test_results_of_another_model_are_refused(tmp_path: Path) -> None:
    _, [result, *_], _ = card_inputs(tmp_path / "other")
    other = replace(result, identity=replace(result.identity, fingerprint="cd" * 32))
    assert refusal(tmp_path / "model", results=[other]) == (
        f"the result on eval-colours is of model cdcdcdcdcdcd but the card is of "
        f"{result.identity.fingerprint[:12]}: evaluate this model"
    )


def test_results_without_a_command_are_refused(tmp_path: Path) -> None:
    _, [result, *_], _ = card_inputs(tmp_path / "other")
    assert refusal(tmp_path / "model", results=[replace(result, command="")]) == (
        "the result on eval-colours has no command that makes it again: "
        "measure it with sightline evaluate MODEL URI --out FILE"
    )


def test_a_set_of_which_the_facts_say_nothing_is_refused(tmp_path: Path) -> None:
    _, _, facts = card_inputs(tmp_path / "other")
    seen = {"photos": facts.training_distribution["photos"]}
    assert refusal(tmp_path / "model", facts=replace(facts, training_distribution=seen)) == (
        "the facts do not say whether eval-colours is in the training distribution: "
        'add [training_distribution."eval-colours"]'
    )
