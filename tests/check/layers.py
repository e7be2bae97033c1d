#!/usr/bin/env python3
"""Nobody includes upwards: the rules are in layers.txt beside this file."""
import fnmatch
import glob
import os
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def read_rules(path):
    levels, folders, only = {}, {}, []
    with open(path) as f:
        for line in f:
            word, _, rest = line.split("#")[0].strip().partition(" ")
            if word == "level":
                height = len(set(levels.values()))
                levels.update((module, height) for module in rest.split())
            elif word == "folder":
                name, _, may = rest.partition(":")
                folders[name] = set(may.split()) | {name}
            elif word == "only":
                headers, _, who = rest.partition(":")
                only += [(h, who.split()) for h in headers.split()]
            elif word:
                sys.exit(f"layers.txt: no such word: {word}")
    return levels, folders, only


def module(path, levels):
    """config_file.c is of the module config; None when there is no such."""
    stem = os.path.splitext(os.path.basename(path))[0]
    while stem not in levels and "_" in stem:
        stem = stem.rpartition("_")[0]
    return stem if stem in levels else None


def fault_of_library(source, header, only):
    rules = [who for pattern, who in only if fnmatch.fnmatch(header, pattern)]
    if not rules or source.startswith("tests/"):
        return None
    if any(fnmatch.fnmatch(source, w) for who in rules for w in who):
        return None
    return f"may not include <{header}>"


def fault_of_ours(source, header, levels, folders):
    target = os.path.normpath(os.path.join(os.path.dirname(source), header))
    here, there = os.path.dirname(source), os.path.dirname(target)
    if not os.path.exists(os.path.join(ROOT, target)):
        return f"{header} is not there"
    if here not in folders:
        return f"{here} has no line in layers.txt"
    if there not in folders[here]:
        return f"{here} may not include {target}"
    if here != "shared" or there != "shared":
        return None
    mine, its = module(source, levels), module(target, levels)
    for path, name in ((source, mine), (target, its)):
        if name is None:
            return f"{path} has no level in layers.txt"
    if levels[its] > levels[mine]:
        return f"may not include {header}: it is a level above"
    return None


def main():
    levels, folders, only = read_rules(
        os.path.join(ROOT, "tests", "check", "layers.txt"))
    passed = failed = 0
    os.chdir(ROOT)
    for source in sorted(glob.glob("**/*.[ch]", recursive=True)):
        if source.startswith("build") or "node_modules" in source:
            continue
        with open(source) as f:
            for number, line in enumerate(f, 1):
                m = INCLUDE.match(line)
                if not m:
                    continue
                if m[1] == "<":
                    fault = fault_of_library(source, m[2], only)
                else:
                    fault = fault_of_ours(source, m[2], levels, folders)
                if fault:
                    print(f"{source}:{number}: {fault}")
                failed += fault is not None
                passed += fault is None
    print(f"layers: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
