"""How good is a model, on what, and how sure is that? Enter at `run`."""

from sightline.evaluate.evaluation import run
from sightline.evaluate.identity import Identity
from sightline.evaluate.intervals import Estimate
from sightline.evaluate.result import Result, read_results, to_json, write_results

__all__ = ["Estimate", "Identity", "Result", "read_results", "run", "to_json", "write_results"]
