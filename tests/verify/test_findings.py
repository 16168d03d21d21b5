from sightline.verify.findings import Findings, Note, agrees, differs, shown, unknown


def findings(*notes: Note) -> Findings:
    return Findings(model="m", layout="sightline", fingerprint="f", notes=notes)


def test_one_difference_outweighs_all_else() -> None:
    found = findings(agrees("a", "fine"), unknown("b", "?"), differs("c", "bad", "x", "y"))
    assert found.is_itself is False
    assert found.fields == ("x", "y")
    assert [note.part for note in found.differing] == ["c"]
    assert [note.part for note in found.unknown] == ["b"]


def test_what_could_not_be_compared_is_not_taken_for_fine() -> None:
    assert findings(agrees("a", "fine"), unknown("b", "?")).is_itself is None
    assert findings(agrees("a", "fine")).is_itself is True


def test_a_field_is_named_once() -> None:
    assert findings(differs("a", "bad", "x"), differs("b", "bad", "x")).fields == ("x",)


def test_what_may_be_of_any_length_is_cut() -> None:
    assert shown("bicubic") == "'bicubic'"
    assert shown("x" * 10**6) == f"'{'x' * 199}…"
    note = differs("a", "b" * 10**6, "c" * 10**6)
    assert (len(note.sentence), len(note.fields[0])) == (2001, 201)
