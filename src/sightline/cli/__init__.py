"""The command line: the only floor that prints, reads arguments and exits. Enter at `run`."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with the code that tells how it went.

    Codes: 0 done; 1 the answer is "no"; 2 used wrongly; 3 done with some inputs skipped; 4 could
    not run, or every input was skipped; 130 interrupted, by Ctrl-C or by SIGTERM, which is how a
    service or a container is stopped.

    Args:
        arguments: Without the program's name; None takes the process's own.
    """
    stop = _Stop()
    # A handler can be set in the main thread only; a caller who ignores SIGTERM means it.
    is_ours = threading.current_thread() is threading.main_thread()
    if is_ours and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)
    try:
        from sightline.cli.main import exit_code

        code = exit_code(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while the modules above were being imported, or in the last flush
        code = 130
    sys.exit(130 if stop.was_asked else code)


def program() -> NoReturn:
    """Run a command in a process of its own, as the installed `sightline` does.

    Ends it without taking Python and the engines apart, which would take an eighth of the time of
    classifying a photo and changes nothing: all that was to be written is. What libraries want done
    at the end is done.
    """
    try:
        run()
    except SystemExit as stop:
        atexit._run_exitfuncs()  # there is no other way to ask for it
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads any more
                stream.flush()
        os._exit(stop.code if isinstance(stop.code, int) else 1)


class _Stop:
    """Takes SIGTERM as Ctrl-C. A module that is being loaded may make another error of it."""

    was_asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal; a second one changes nothing."""
        if not self.was_asked:
            self.was_asked = True
            raise KeyboardInterrupt
