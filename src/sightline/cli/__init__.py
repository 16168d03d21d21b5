"""The command line: the only floor that prints, reads arguments and exits. Enter at `run`."""

import signal
import sys
from collections.abc import Sequence
from typing import NoReturn


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with the code that tells how it went.

    Codes: 0 done; 1 the answer is "no"; 2 used wrongly; 3 done with some inputs skipped; 4 could
    not run, or every input was skipped; 130 interrupted, by Ctrl-C or by SIGTERM, which is how a
    service or a container is stopped.

    Args:
        arguments: Without the program's name; None takes the process's own.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from sightline.cli.main import exit_code

        code = exit_code(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while the modules above were being imported, or in the last flush
        code = 130
    sys.exit(code)
