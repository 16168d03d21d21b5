"""Where reference libraries write for all test processes, and the table of what was measured."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from parity_checks import Note


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "parity"


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Keep what was measured for the table."""
    return lambda title, found: record_property(title, found)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--parity-table", action="store_true", help="print what was measured")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print for each case and precision the worst difference and the weakest control."""
    if not terminalreporter.config.getoption("--parity-table", default=False):
        return
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for report in terminalreporter.getreports("passed"):
        for title, found in report.user_properties:
            kind, _, rest = title.partition(": ")
            name = (max if kind == "stages" else min)(found, key=found.__getitem__)
            rows[rest][kind] = f"{found[name]:.1e} ({name})"
    terminalreporter.write_line("| library | case | precision | worst stage | weakest control |")
    terminalreporter.write_line("|---|---|---|---|---|")
    for title, row in sorted(rows.items()):
        library, _, rest = title.partition(", ")
        name, _, precision = rest.rpartition(", ")
        cells = [library, name, precision, row.get("stages", "–"), row.get("controls", "–")]
        terminalreporter.write_line(f"| {' | '.join(cells)} |")
