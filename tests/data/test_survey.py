import json
from pathlib import Path

import msgspec

from sightline.data import open_source
from sightline.data.survey import Sample, Spread, survey
from tiny_sets import TarMember, picture, write_shard

MEMBERS: list[TarMember] = [
    ("a.png", picture(size=(4, 3))),
    ("a.json", b'{"captions": ["x", "y"], "group": {"domain": "photo"}}'),
    ("b.png", picture(size=(8, 5))),
    ("b.json", b'{"label": "pear", "captions": ["pear"], "group": {"domain": "sketch"}}'),
    ("c.png", picture(size=(8, 5))),
    ("c.json", b'{"label": "pear", "captions": ["z"], "group": {"domain": "photo"}}'),
    ("d.png", b"no picture"),
    ("d.txt", b"d"),
    ("e.png", picture()),
]


def test_everything_in_a_source_is_counted(tmp_path: Path) -> None:
    seen: list[None] = []
    source = open_source(write_shard(tmp_path / "s.tar", MEMBERS))
    found = survey(source, on_image=lambda: seen.append(None))
    assert (found.source, found.shards, found.images, found.captions) == ("s.tar", 1, 3, 3)
    assert (found.labels, found.unlabelled) == ({"pear": 2}, 1)
    assert found.captions_per_image == Spread(least=0, median=1, most=2)
    assert (found.width_px, found.height_px) == (
        Spread(least=4, median=8, most=8),
        Spread(least=3, median=5, most=5),
    )
    assert found.formats == {"PNG": 3}
    assert found.groups == {"domain": {"photo": 2, "sketch": 1}}
    assert found.samples[0] == Sample(key="a", texts=("x", "y"), label=None)
    assert {kind: row.count for kind, row in found.skipped.items()} == {
        "bad image": 1,
        "image without text": 1,
    }
    assert found.skipped_count == 2
    assert len(seen) == 4
    assert json.loads(msgspec.json.encode(found))["images"] == 3


def test_a_limit_ends_the_pass(tmp_path: Path) -> None:
    source = open_source(write_shard(tmp_path / "s.tar", MEMBERS))
    assert survey(source, limit=2).images == 2


def test_a_source_whose_pictures_are_all_broken_has_no_sizes(tmp_path: Path) -> None:
    source = open_source(write_shard(tmp_path / "s.tar", [("d.png", b"x"), ("d.txt", b"d")]))
    found = survey(source)
    assert (found.images, found.width_px, found.captions_per_image) == (0, None, None)
    assert found.skipped_count == 1
