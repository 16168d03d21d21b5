from sightline.data.example import KEPT, Skipped, Tally


def skipped(kind: str, key: str) -> Skipped:
    return Skipped(key=key, kind=kind, reason=f"{key} is bad")


def test_a_tally_counts_all_and_keeps_the_first_of_each_kind() -> None:
    tally = Tally()
    for number in range(KEPT + 3):
        tally.add(skipped("often", str(number)))
    tally.add(skipped("once", "x"))
    assert tally.total == KEPT + 4
    assert {kind: row.count for kind, row in tally.kinds().items()} == {
        "often": KEPT + 3,
        "once": 1,
    }
    assert list(tally.kinds()) == ["often", "once"]
    assert [row.key for row in tally.kinds()["often"].first] == [str(n) for n in range(KEPT)]


def test_tallies_merge() -> None:
    one, other = Tally(), Tally()
    one.add(skipped("a", "1"))
    other.add(skipped("a", "2"))
    other.add(skipped("b", "3"))
    one.merge(other)
    assert {kind: row.count for kind, row in one.kinds().items()} == {"a": 2, "b": 1}
    assert [row.key for row in one.kinds()["a"].first] == ["1", "2"]
