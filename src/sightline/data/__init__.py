"""Pictures with words, from folders, tables and tar shards. Enter at `open_source`."""

from sightline.data.ahead import DecodeAhead, decode_ahead
from sightline.data.caption_table import Columns
from sightline.data.example import Example, Skipped, Tally
from sightline.data.mixture import Mixture, Part
from sightline.data.source import Source, open_source

__all__ = [
    "Columns",
    "DecodeAhead",
    "Example",
    "Mixture",
    "Part",
    "Skipped",
    "Source",
    "Tally",
    "decode_ahead",
    "open_source",
]
