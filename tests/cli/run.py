#!/usr/bin/env python3
"""The chatmock command: every test_*.py beside this file, each a program that
prints "name: N passed, M failed" and ends with 0 or 1.

    tests/cli/run.py                all of them
    tests/cli/run.py config keys    those whose file has one of these words
"""
import glob
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 600       # for one file, on a slow machine


def main():
    bad = 0
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        name = os.path.basename(path)[5:-3]
        if sys.argv[1:] and not any(w in name for w in sys.argv[1:]):
            continue
        begun = time.monotonic()
        try:
            code = subprocess.run([sys.executable, path], timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            print(f"cli-{name}: 0 passed, 1 failed", flush=True)
            print(f"test_{name}.py had not ended after {SECONDS} s", flush=True)
            code = 1
        bad += code != 0
        print(f"test_{name}.py {time.monotonic() - begun:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
