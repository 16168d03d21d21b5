"""What a run was and what came of it, as one page that needs nothing else. Enter at `write_report`.

The page asks for nothing from outside, and its policy would not let it.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec

from sightline.checkpoints.replacement import replace_file
from sightline.data import Source, Tally
from sightline.embedder import load
from sightline.train.curves import Line, draw_chart
from sightline.train.journal import read_journal
from sightline.train.recipe import Recipe
from sightline.train.recipe_file import recipe_to_json
from sightline.train.samples import Sample, show_samples

REPORT = "report.html"
_NOT_LOSSES = frozenset({"rate", "scale", "examples/s"})
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #20272c; background: #fafbfb; margin: 0 auto;
  max-width: 1190px; padding: 24px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 10px; }
h3 { font-size: 15px; margin: 18px 0 8px; }
table { border-collapse: collapse; } td, th { padding: 3px 14px 3px 0; text-align: left;
  vertical-align: top; } th { color: #5b6770; font-weight: 600; }
* { box-sizing: border-box; }
figure { margin: 0 0 12px; max-width: 560px; background: #fff;
  border: 1px solid #e0e5e8; border-radius: 6px; padding: 10px 10px 4px; }
svg { max-width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #5b6770; }
svg text.title { font-size: 13px; font-weight: 600; fill: #20272c; }
figcaption { font-size: 12px; padding: 4px 0 4px 58px; } figcaption span { margin-right: 16px;
  white-space: nowrap; }
figcaption i { display: inline-block; width: 11px; height: 11px; border-radius: 2px;
  margin-right: 5px; }
.charts, .samples { display: flex; flex-wrap: wrap; gap: 12px; }
.sample { width: 274px; background: #fff; border: 1px solid #e0e5e8; border-radius: 6px;
  padding: 10px; font-size: 13px; }
.sample img { display: block; height: 112px; max-width: 100%; margin-bottom: 6px;
  image-rendering: auto; } .sample p { margin: 2px 0; }
.right { color: #2c7a45; } .wrong { color: #b4412f; }
.bar { background: #e8edf0; border-radius: 2px; position: relative; padding: 0 4px; margin: 2px 0;
  overflow: hidden; } .bar i { position: absolute; inset: 0 auto 0 0; background: #c6dcee; }
.bar span { position: relative; display: flex; justify-content: space-between; gap: 8px; }
pre { background: #fff; border: 1px solid #e0e5e8; border-radius: 6px; padding: 12px;
  overflow-x: auto; font-size: 12px; line-height: 1.4; }
"""


def write_report(recipe: Recipe, folder: Path, watched: Sequence[Source], skipped: Tally) -> None:
    """Write report.html into a run folder that holds a model, whole or not at all."""
    records = read_journal(folder)
    parts = [
        f"<h1>Training of {escape(recipe.name)}</h1>",
        _summary(recipe, records),
        "<h2>Curves</h2>",
        f'<div class="charts">{"".join(_charts(recipe, records))}</div>',
        _samples(folder, watched),
        _skipped(skipped),
        "<h2>Recipe</h2>",
        f"<pre>{escape(_recipe_text(recipe))}</pre>",
    ]
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(recipe.name)}: training report</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )
    replace_file(folder / REPORT, page.encode())


def _summary(recipe: Recipe, records: Sequence[Mapping[str, Any]]) -> str:
    rows = [("steps", f"{recipe.steps:,} in {len(recipe.stages)} stages")]
    if records:
        last = records[-1]
        rows.append(("pictures seen", f"{last['images']:,}"))
        rows.append(("time", f"{float(last.get('seconds', 0)) / 60:,.1f} minutes"))
    rows.append(("run on", f"{recipe.device}, {recipe.precision}"))
    rows += [
        (f"{part.name}", f"share {part.share:g}, read by {part.reads}; {part.terms}")
        for part in recipe.sources
    ]
    measured = [record for record in records if record["kind"] == "evaluate"]
    if measured:
        rows += [(name, f"{value:.3f}") for name, value in measured[-1]["values"].items()]
    return _table(rows)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    return f"<table>{''.join(cells)}</table>"


def _charts(recipe: Recipe, records: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Draw the losses of each stage, then what goes over all of them."""
    train = [record for record in records if record["kind"] == "train"]
    for number, stage in enumerate(recipe.stages):
        own = [record for record in train if record.get("stage") == number]
        names = sorted({name for record in own for name in record["values"]} - _NOT_LOSSES)
        lines = [Line(name, _points(own, name), is_noisy=True) for name in names]
        yield draw_chart(f"loss (nats): {stage.name}", lines)
    ends = [float(step) for step in accumulate(stage.steps for stage in recipe.stages)]
    measured = [record for record in records if record["kind"] == "evaluate"]
    by_set: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for record in measured for name in record["values"]):
        by_set.setdefault(name.rpartition("/")[0], []).append(name)
    for dataset, names in by_set.items():
        lines = [Line(name.rpartition("/")[2], _points(measured, name)) for name in names]
        yield draw_chart(f"measured on {dataset}", lines, ends)
    titles = {"rate": "learning rate", "scale": "scale", "examples/s": "examples a second"}
    for name, title in titles.items():
        yield draw_chart(title, [Line(name, _points(train, name))], ends)


def _points(records: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    return [
        (float(record["step"]), float(record["values"][name]))
        for record in records
        if record["values"].get(name) is not None
    ]


def _samples(folder: Path, watched: Sequence[Source]) -> str:
    """Show what the kept model, opened as a user would, says of pictures it is measured on."""
    if not watched:
        return ""
    embedder = load(folder / "model")
    parts = ["<h2>Sample predictions of the kept model</h2>"]
    for source in watched:
        cards = "".join(_card(sample) for sample in show_samples(embedder, source))
        parts.append(f'<h3>{escape(source.name)}</h3><div class="samples">{cards}</div>')
    return "".join(parts)


def _card(sample: Sample) -> str:
    verdict = '<b class="right">✓</b>' if sample.is_right else '<b class="wrong">✗</b>'
    bars = "".join(
        f'<div class="bar"><i style="width:{100 * min(max(score, 0.0), 1.0):.0f}%"></i>'
        f"<span><span>{escape(guess)}</span><span>{score:.2f}</span></span></div>"
        for guess, score in sample.guesses
    )
    return (
        f'<div class="sample"><img src="{sample.picture}" alt="{escape(sample.truth)}">'
        f"<p>{verdict} {escape(sample.truth)}</p>{bars}</div>"
    )


def _skipped(skipped: Tally) -> str:
    if not skipped.total:
        return "<h2>Skipped inputs</h2><p>None.</p>"
    rows = []
    for kind, counted in skipped.kinds().items():
        rows.append((f"{kind}: {counted.count:,}", "; ".join(one.reason for one in counted.first)))
    return f"<h2>Skipped inputs</h2>{_table(rows)}"


def _recipe_text(recipe: Recipe) -> str:
    return msgspec.json.format(msgspec.json.encode(recipe_to_json(recipe)), indent=2).decode()
