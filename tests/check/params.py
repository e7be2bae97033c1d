#!/usr/bin/env python3
"""Each parameter that is asked for is one that wire keeps.

Of what the web server says itself fcgi/wire/params.c keeps the names of one
list. Who asks for another would find it missing, and only behind a server.
"""
import glob
import os
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
ASKED = re.compile(r'request_param\([^;]*?"([A-Z][A-Z0-9_]*)"', re.S)


def main():
    with open(os.path.join(ROOT, "fcgi", "wire", "params.c")) as f:
        kept = set(re.findall(r'WORD\("([A-Z_]+)"\)', f.read()))
    passed = failed = 0
    for path in sorted(glob.glob(os.path.join(ROOT, "fcgi", "**", "*.c"),
                                 recursive=True)):
        with open(path) as f:
            names = ASKED.findall(f.read())
        for name in names:
            # CHATMOCK_: our own, put in behind wire; of the client's headers
            # the list has those that are left out
            good = (name not in kept if name.startswith("HTTP_") else
                    name in kept or name.startswith("CHATMOCK_"))
            if not good:
                print(f"{os.path.relpath(path, ROOT)}: {name} is not kept")
            passed += good
            failed += not good
    if not kept or not passed:
        print("params.py finds no names")
        failed += 1
    print(f"params: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
