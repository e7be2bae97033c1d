#!/usr/bin/env python3
"""README's tables are what the program prints.

    tests/check/docs.py            compares
    tests/check/docs.py --write    puts the program's tables into README.md

A table stands between <!-- NAME:begin --> and <!-- NAME:end -->.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.path.join(ROOT, "build", "bin")
README = os.path.join(ROOT, "README.md")
# what stands between the marks, and who prints it
TABLES = {
    "settings": ["chatmock.fcgi", "--settings-markdown"],
    "routes": ["chatmock.fcgi", "--routes-markdown"],
    "errors": ["chatmock.fcgi", "--errors-markdown"],
    "commands": ["chatmock", "page", "markdown"],
}


def main():
    write = sys.argv[1:] == ["--write"]
    passed = failed = 0
    for program in sorted({command[0] for command in TABLES.values()}):
        if not os.path.exists(os.path.join(BIN, program)):
            subprocess.run(["make", "-s", "build/bin/" + program], cwd=ROOT)
    with open(README) as f:
        text = f.read()
    for name, (program, *words) in TABLES.items():
        run = subprocess.run([os.path.join(BIN, program), *words],
                             capture_output=True, text=True)
        marks = re.compile(f"(<!-- {name}:begin -->\n)(.*?)(<!-- {name}:end -->)",
                           re.S)
        found = marks.findall(text)
        fault = None
        if run.returncode or not run.stdout.startswith("|"):
            fault = f"the program does not print its {name}: {run.stderr}"
        elif len(found) != 1:
            fault = f"README.md has {len(found)} places for {name}, not 1"
        elif write:
            text = marks.sub(lambda m: m[1] + run.stdout + m[3], text)
        elif found[0][1] != run.stdout:
            fault = f"README.md: {name} differ: tests/check/docs.py --write"
        if fault:
            print(fault)
        failed += fault is not None
        passed += fault is None
    if write and not failed:
        with open(README, "w") as f:
            f.write(text)
    print(f"docs: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
