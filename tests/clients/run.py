#!/usr/bin/env python3
"""Real clients from PyPI against a gateway and the test upstream, of both
kinds: the suites below. Started by python.sh.

A suite is a module with tests, functions test_*(t): t.client is what the
suite's client() made, t.script() says what upstream answers, t.sent() is what
it was sent. A test holds when it raises nothing, and upstream has found no
fault in what it got. A suite with SETTINGS has a gateway of its own.
"""
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import anthropic_sdk  # noqa: E402
import langchain_anthropic_sdk  # noqa: E402
import langchain_ollama_sdk  # noqa: E402
import langchain_sdk  # noqa: E402
import llm_app  # noqa: E402
import ollama_sdk  # noqa: E402
import openai_sdk  # noqa: E402
import responses_sdk  # noqa: E402
from gateway import Checks, Gateway  # noqa: E402

SUITES = {"openai": openai_sdk, "openai-responses": responses_sdk,
          "langchain": langchain_sdk, "ollama": ollama_sdk,
          "langchain-ollama": langchain_ollama_sdk, "llm": llm_app,
          "anthropic": anthropic_sdk,
          "langchain-anthropic": langchain_anthropic_sdk}
KINDS = ({"kind": "responses", "key": "sk-upstream"}, {"kind": "chatgpt"})


class Test:
    """What a test function gets."""

    def __init__(self, g, client):
        self.g, self.client, self.kind = g, client, g.kind
        self.base = g.base + "/v1"
        self.faults = False         # upstream may find some

    def script(self, *answers):
        self.g.upstream.script(*answers)

    def sent(self, count):
        """The requests upstream got; there must be so many."""
        got = self.g.upstream.requests()
        assert len(got) == count, f"upstream got {len(got)} requests, not {count}"
        return got

    def until(self, what, seconds=3):
        """Waits until what(requests) holds."""
        end = time.monotonic() + seconds
        while not what(self.g.upstream.requests()):
            assert time.monotonic() < end, f"not within {seconds} s"
            time.sleep(0.005)


def run(checks, name, suite, g):
    client = suite.client(g.base + "/v1")
    tests = [(n, f) for n, f in vars(suite).items() if n.startswith("test_")]
    for test_name, fn in tests:
        g.upstream.clear()
        t = Test(g, client)
        what = f"{name}, {g.kind}: {test_name[5:].replace('_', ' ')}"
        try:
            fn(t)
            problems = [p for r in g.upstream.requests() for p in r["problems"]]
            assert t.faults or not problems, f"upstream: {problems}"
            checks.check(True, what)
        except Exception:
            checks.check(False, what)
            traceback.print_exc(file=sys.stdout)


def main():
    wanted = sys.argv[1:] or list(SUITES)
    if set(wanted) - set(SUITES):
        print("no such suite; there are", ", ".join(SUITES))
        return 64
    checks = Checks("clients-python")
    for kind in KINDS:
        with Gateway(workers=2, **kind) as g:
            for name in wanted:
                settings = getattr(SUITES[name], "SETTINGS", None)
                begun = time.monotonic()
                if settings:
                    with Gateway(workers=2, env=settings, **kind) as own:
                        run(checks, name, SUITES[name], own)
                else:
                    run(checks, name, SUITES[name], g)
                print(f"{name:16} {g.kind:12} {time.monotonic() - begun:.1f} s",
                      flush=True)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
