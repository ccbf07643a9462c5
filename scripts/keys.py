#!/usr/bin/env python3
"""Give people keys, and take them back.

  keys.py add anna             makes a key for changing the models of the server, and shows it, once;
                               a second one for the same name replaces the first
  keys.py add --caller shop    one for sending photos
  keys.py list
  keys.py remove anna
  keys.py remove --caller shop

Photos can be sent without a key unless the server runs with OBJECTCUT_CALLERS=keys. A running server knows at once. It
keeps hashes alone: a key that is lost cannot be shown again.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from rich.console import Console

from objectcut.keys import ROLES, Keys, Role, new_key
from objectcut.network.weightfiles import locked
from rundir import RunDir

console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port of the server")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|remove")
    verbs.add_parser("list", help="whose keys there are")
    for verb, what in (("add", "make a key"), ("remove", "take a key back")):
        own = verbs.add_parser(verb, help=what)
        own.add_argument("name", help="whose key it is")
        own.add_argument("--caller", action="store_true", help="one for sending photos")
    options = parser.parse_args()
    path = RunDir.of(options.port).keys
    try:
        with locked(path.parent, "keys"):
            keys = Keys.read(path)
            if options.verb == "list":
                sys.stdout.write("".join(f"{name}\t{role}\n" for role in ROLES for name in keys.owners(role)))
                return 0
            role: Role = "caller" if options.caller else "admin"
            changed, said = (_added if options.verb == "add" else _removed)(keys, options.name, role)
            changed.write(path)
    except (OSError, ValueError) as error:
        console.print(str(error), style="red")
        return 1
    sys.stdout.write(said)
    return 0


def _added(keys: Keys, name: str, role: Role) -> tuple[Keys, str]:
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        raise ValueError(f"'{name}' can be no name of a key: letters, digits and . @ _ - do, up to 64")
    key = new_key()
    may = {"admin": "change the server's models", "caller": "send photos to the server"}[role]
    console.print(f"The key of {name}. It is shown this once, and lets whoever has it {may}:")
    return keys.with_key(name, key, role), f"{key}\n"


def _removed(keys: Keys, name: str, role: Role) -> tuple[Keys, str]:
    owners = keys.owners(role)
    if name not in owners:
        raise ValueError(f"'{name}' has no {role} key; these have: {', '.join(owners) or 'nobody'}")
    console.print(f"The key of {name} is of no use any more.")
    return keys.without(name, role), ""


if __name__ == "__main__":
    sys.exit(main())
