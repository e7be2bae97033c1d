#!/usr/bin/env python3
"""No function over 60 lines, no file over 400.

A function is what stands between a '{' and a '}' of their own in the first
column; it begins with the first line of its head.
"""
import glob
import os
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
MAX_FUNCTION, MAX_FILE = 60, 400


def functions(lines):
    """(name, first line, length) of each, lines counted from 1."""
    begin = None
    for i, line in enumerate(lines):
        if line == "{":
            begin = i
            while begin > 0 and not re.search(r"^$|[;}/\\]$|^#", lines[begin - 1]):
                begin -= 1
        elif line == "}" and begin is not None:
            head = " ".join(lines[begin:i])
            name = re.search(r"(\w+)\s*\(", head)
            yield name[1] if name else "?", begin + 1, i - begin + 1
            begin = None


def main():
    passed = failed = 0
    os.chdir(ROOT)
    for path in sorted(glob.glob("**/*.[ch]", recursive=True)):
        if path.startswith("build") or "node_modules" in path:
            continue
        with open(path) as f:
            lines = f.read().split("\n")[:-1]
        long = [f"{path}:{line}: {name}() has {length} lines, not {MAX_FUNCTION}"
                for name, line, length in functions(lines)
                if length > MAX_FUNCTION]
        if len(lines) > MAX_FILE and not path.startswith("tests/"):
            long.append(f"{path}: {len(lines)} lines, not {MAX_FILE}")
        for fault in long:
            print(fault)
        passed += not long
        failed += bool(long)
    print(f"lengths: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
