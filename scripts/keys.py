#!/usr/bin/env python3
"""Give people keys with which they may change the models of a server, and take them back.

  keys.py add anna        makes a key and shows it, once; a second one for the same name replaces the first
  keys.py list
  keys.py remove anna

A running server knows at once. It keeps hashes alone: a key that is lost cannot be shown again.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from rich.console import Console

from objectcut.keys import Keys, new_key
from objectcut.network.weightfiles import locked
from rundir import RunDir

console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port of the server")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|remove")
    verbs.add_parser("list", help="whose keys there are")
    for verb, what in (("add", "make a key"), ("remove", "take a key back")):
        verbs.add_parser(verb, help=what).add_argument("name", help="whose key it is")
    options = parser.parse_args()
    path = RunDir.of(options.port).keys
    try:
        with locked(path.parent, "keys"):
            keys = Keys.read(path)
            if options.verb == "list":
                sys.stdout.write("".join(f"{name}\n" for name in keys.hashes))
                return 0
            changed, said = _added(keys, options.name) if options.verb == "add" else _removed(keys, options.name)
            changed.write(path)
    except (OSError, ValueError) as error:
        console.print(str(error), style="red")
        return 1
    sys.stdout.write(said)
    return 0


def _added(keys: Keys, name: str) -> tuple[Keys, str]:
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        raise ValueError(f"'{name}' can be no name of a key: letters, digits and . @ _ - do, up to 64")
    key = new_key()
    console.print(f"The key of {name}. It is shown this once, and lets whoever has it change the server's models:")
    return keys.with_key(name, key), f"{key}\n"


def _removed(keys: Keys, name: str) -> tuple[Keys, str]:
    if name not in keys.hashes:
        raise ValueError(f"'{name}' has no key; these have: {', '.join(keys.hashes) or 'nobody'}")
    console.print(f"The key of {name} is of no use any more.")
    return keys.without(name), ""


if __name__ == "__main__":
    sys.exit(main())
