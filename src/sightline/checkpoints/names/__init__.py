"""Each layout's names of tensors and ours, read both ways. Enter at `fit` and `spelt`."""

from sightline.checkpoints.names.fitting import fit, nearest_table, some, table_that_reads
from sightline.checkpoints.names.spelling import spelt
from sightline.checkpoints.names.table import NameTable
from sightline.checkpoints.names.tables import NAME_TABLES

__all__ = ["NAME_TABLES", "NameTable", "fit", "nearest_table", "some", "spelt", "table_that_reads"]
