#!/usr/bin/env python3
"""What scripts rely on: the members of each --json, the same text piped as in a
terminal, and silence where there is nothing to say.
"""
import re
import sys

from terminal import COLOUR, OK, Checks, Place, Terminal

SETTINGS = {"CHATMOCK_UPSTREAM_URL": "http://127.0.0.1:9/v1",
            "CHATMOCK_MODEL_SYNC": "0"}
# command, members of the document, a list in it and the members of its first
SHAPES = [
    (["config", "show", "--json"], "file models settings warnings",
     "settings", "name origin value"),
    (["check", "--json"], "checks exit_code", "checks", "result text"),
    (["models", "--json"], "fetched_at from models", "models",
     "context_window default_effort efforts id listed max_output_tokens name "
     "priority_tier tools vision"),
    (["prompts", "list", "--json"], "in_use prompts", "prompts",
     "broken cached_at content_hash etag fresh_seconds from name size source"),
    (["codex", "info", "--json"], "kind login models models_from settings upstream",
     None, None),
    (["codex", "cache", "--raw"], "models prompts", None, None),
    (["codex", "test", "--json"], "endpoint error first_text_ms input_tokens model "
     "ms ok output_tokens request_id status stream text", None, None),
    (["config", "schema"], "$schema additionalProperties description properties "
     "title type", None, None),
]


def timeless(d):
    """Without what no two runs have in common."""
    kept = {k: v for k, v in d.items() if k not in ("ms", "first_text_ms")}
    if "error" in kept:
        kept["error"] = re.sub(r"\d+ ms", "N ms", kept["error"])
    return kept


def test_members(t):
    with Place(**SETTINGS) as p:
        for args, members, within, inner in SHAPES:
            r = p.run(*args)
            d = r.json()
            t.check(sorted(d) == sorted(members.split()), args, sorted(d))
            t.check(r.out.count("\n") == 1 and r.out.endswith("\n"), args, "one line")
            if within:
                t.check(sorted(d[within][0]) == sorted(inner.split()), args,
                        sorted(d[within][0]))
            with Terminal(p, columns=230, rows=50) as term:
                seen = term.run("chatmock " + " ".join(args), colour=True)
                t.check(seen.code == r.code and not COLOUR.search(seen.out), args)
                t.check(timeless(seen.json()) == timeless(d), args,
                        "the same on a terminal", d, seen.out)


TEXTS = [["config", "show"], ["check"], ["models"], ["models", "--all"],
         ["prompts", "list"], ["prompts", "invalidate"], ["codex", "info"],
         ["codex", "cache"], ["codex", "cache", "--clear"],
         ["config", "set", "port", "9001"], ["config", "set", "-u", "port"],
         ["codex", "set", "--verbose-logging"], ["config", "validate"]]
SILENT = {"prompts invalidate", "codex cache --clear", "config set port 9001",
          "config set -u port", "codex set --verbose-logging", "config validate"}


def test_texts(t):
    """Piped: what was asked for, else nothing. In a terminal that, and notes."""
    with Place(**SETTINGS) as p:
        with Terminal(p, columns=230, rows=50) as term:
            for args in TEXTS:
                line = " ".join(args)
                r = p.run(*args)
                t.check(r.code == OK and not r.err and "\x1b" not in r.out, line, r)
                t.check(bool(r.out) != (line in SILENT), line, r)
                seen = term.run("chatmock " + line)
                t.check(seen.code == OK, line, seen)
                t.check(bool(seen.out.strip()), line, "says something to a person")
                t.check(set(r.out.split("\n")) <= set(seen.out.split("\n"))
                        or line == "check", line, r, seen)


def main():
    return Checks("cli-shapes").run(test_members, test_texts)


if __name__ == "__main__":
    sys.exit(main())
