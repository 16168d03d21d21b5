"""Fetch in a process of its own, as a command would: one name, then one JSON line at the end.

Each progress call prints a line before that, so that whoever waits for it can kill this.
"""

import json
import sys

from sightline.errors import SightlineError
from sightline.hub import fetch, resolve


def main() -> None:
    """Fetch and say what came, or why not."""

    def tell(done: int, total: int, name: str) -> None:
        print(f"{done} of {total}: {name}", flush=True)

    try:
        found = fetch(resolve(sys.argv[1]), progress=tell)
    except SightlineError as error:
        print(json.dumps({"error": str(error)}))
        return
    print(json.dumps({"path": str(found.path), "files": found.files, "commit": found.commit}))


if __name__ == "__main__":
    main()
