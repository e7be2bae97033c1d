#!/usr/bin/env python3
"""Upstream, the network and the machine at their worst. Of each fault it is
said what the clients get, in several tongues, which word the log has for it,
which counter moved, and that the next request works.

    tests/servers/test_faults.py [word of a test's name ...]
"""
import concurrent.futures
import json
import os
import signal
import socket
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway  # noqa: E402
import fastcgi  # noqa: E402

checks = Checks("faults")
OPEN = "Circuit breaker OPEN after %d failures"
SKIPPED = "Circuit breaker OPEN - skipping POST "
PROBED = "Circuit breaker cooldown expired, allowing retry"
CLOSED = "Circuit breaker CLOSED"
FAILS = {"status": 500, "body": {"error": {"message": "No", "type": "server_error"}}}

# What a tongue is asked with, and where its answers have the words.
TONGUES = {
    "chat": ("/v1/chat/completions", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream,
        "messages": [{"role": "user", "content": text}]}),
    "completion": ("/v1/completions", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream, "prompt": text}),
}


class Rig(Gateway):
    """The gateway asked at its socket: no web server has a say in it."""

    def __init__(self, **more):
        env = {"CHATMOCK_BREAKER_FAILURES": "", **more.pop("env", {})}
        super().__init__(front=False, env=env, **more)

    def start(self):
        super().start()
        self.wait(lambda: fastcgi.Call(self.socket).run().status == 200,
                  "an answer of GET /")
        self.wait(lambda: len(self.worker_pids()) >= self.workers, "all workers")

    def send(self, text="hi", tongue="chat", stream=False, **headers):
        path, body = TONGUES[tongue]
        return fastcgi.Call(self.socket, "POST", path,
                            json.dumps(body(text, stream)), headers).send()

    def ask(self, text="hi", tongue="chat", stream=False, timeout=60, **headers):
        return self.hear(self.send(text, tongue, stream, **headers), timeout)

    @staticmethod
    def hear(call, timeout=60):
        """The answer; code: the word for its fault, or None."""
        a = call.answer(timeout)
        a.code = None
        text = a.body.decode("utf-8", "replace")
        for line in [text] + text.split("\n"):
            line = line.removeprefix("data: ")
            if line.startswith("{") and '"error"' in line:
                try:
                    a.code = json.loads(line)["error"]["code"]
                except (ValueError, KeyError, TypeError):
                    continue
        return a

    def breaker_lines(self, start=""):
        return [line for line in self.log("error") if line["event"] == "breaker"
                and line["msg"].startswith(start)]

    def asked(self):
        """How many calls have reached upstream."""
        return self.upstream.stats()["streams"]


def at_once(count, work):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def until(ready, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = ready()
        if got:
            return got
        time.sleep(0.01)
    return ready()


# --- the circuit breaker

def test_breaker_over_workers():
    """Failures of all workers together, the fifth opens it for all of them;
    64 clients after the cool-down are one probe."""
    with Rig(workers=4, env={"CHATMOCK_BREAKER_COOLDOWN": "4"}) as g:
        g.upstream.default(FAILS)
        answers = at_once(4, lambda i: g.ask(tongue=("chat", "completion")[i % 2]))
        checks.check(all(a.status == 500 for a in answers), "four failures pass",
                     [a.status for a in answers])
        checks.equal(g.breaker_lines(), [], "and change nothing")
        checks.equal(g.ask().status, 500, "so does the fifth")
        opened = time.monotonic()
        checks.equal([line["msg"] for line in g.breaker_lines()], [OPEN % 5],
                     "the fifth opens it, once")
        calls = g.asked()
        took = []
        for i in range(100):
            begun = time.perf_counter()
            a = g.ask(tongue=("chat", "completion")[i % 2], stream=i % 4 > 1)
            took.append(time.perf_counter() - begun)
            checks.check((a.status, a.code) == (503, "circuit_open") and
                         1 <= int(a.headers["retry-after"]) <= 4, "refused",
                         (a.status, a.code, a.headers))
        checks.check(statistics.median(took) < 0.005, "within 5 ms", sorted(took))
        checks.equal(g.asked(), calls, "without a call")
        checks.equal(len(g.breaker_lines(SKIPPED)), 100, "a line for each")
        checks.equal({line["end"] for line in g.log()[-100:]}, {"circuit_open"},
                     "the log's word")
        for status in (200, 500):       # what the probe gets: first a failure
            time.sleep(max(0, opened + 4.1 - time.monotonic()))
            before = g.asked()
            g.upstream.default({"say": "Well", "delay_ms": 500} if status == 500
                               else dict(FAILS, delay_ms=500))
            answers = at_once(64, lambda i: g.ask(
                tongue=("chat", "completion")[i % 2]))
            opened = time.monotonic()
            checks.equal(g.asked() - before, 1, "64 clients are one probe")
            checks.equal(sum(a.status == 503 for a in answers), 63,
                         "and 63 that are told to come again")
            waits = {a.headers.get("retry-after") for a in answers
                     if a.status == 503}
            checks.check(waits <= {"2", "3", "4"} and len(waits) > 1,
                         "not all at the same time", waits)
        checks.equal(len(g.breaker_lines(PROBED)), 2, "each probe is told")
        checks.equal([line["msg"] for line in g.breaker_lines(OPEN[:26])],
                     [OPEN % 5, OPEN % 6], "the failed one opened it again")
        checks.equal(len(g.breaker_lines(CLOSED)), 1, "the good one closed it")
        answers = at_once(16, lambda i: g.ask())
        checks.check(all(a.status == 200 for a in answers), "and all is well")


def test_breaker_probe_killed():
    """A prober that is killed loses its lease, one that only takes long keeps
    it."""
    with Rig(workers=2, env={"CHATMOCK_BREAKER_FAILURES": "1",
                             "CHATMOCK_BREAKER_COOLDOWN": "2"}) as g:
        g.upstream.script({"status": 400, "body": "", "match": "neutral"})
        g.upstream.script(dict(FAILS, headers={"x-should-retry": "false"}))
        checks.equal(g.ask().status, 500, "one failure opens it")
        time.sleep(2.1)
        # its own failure of another kind is no verdict: the next is the probe
        checks.equal((g.ask("neutral").status, g.asked()), (400, 2), "no verdict")
        g.upstream.script({"delay_ms": 60000, "match": "for ever"})
        probe = g.send("for ever")
        until(lambda: g.asked() == 3)
        checks.equal(g.ask().code, "circuit_open", "one probe at a time")
        victims = g.worker_pids()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        checks.check(g.hear(probe).status is None, "the prober is dead")
        until(lambda: set(g.worker_pids()) - set(victims) and
              len(g.worker_pids()) == 2)
        g.upstream.default({"say": "slow " * 25, "interval_ms": 200})
        first = until(lambda: (lambda a: a if a.status == 200 else None)(
            g.ask(stream=True)))
        took = time.monotonic() - killed
        checks.check(first and "[DONE]" in first.text() and took < 12,
                     "its lease is over, another takes its place", took)
        checks.equal(len(g.breaker_lines(CLOSED)), 1, "which closes it")
        # longer than a lease, and nobody else may try meanwhile
        g.upstream.default({"say": "Well"})
        g.upstream.script(dict(FAILS, headers={"x-should-retry": "false"}))
        checks.equal(g.ask().status, 500, "open again")
        time.sleep(2.1)
        before = g.asked()
        g.upstream.script({"say": "slow " * 25, "interval_ms": 200, "match": "long"})
        probe = g.send("long")
        until(lambda: g.asked() == before + 1)
        refused = 0
        begun = time.monotonic()
        while time.monotonic() < begun + 4.5:
            refused += g.ask().code == "circuit_open"
            time.sleep(0.1)
        checks.equal(g.asked(), before + 1, "a long probe stays the only one")
        checks.check(refused >= 10, "all others are refused", refused)
        checks.equal(g.hear(probe).status, 200, "it ends well")
        checks.equal(g.ask().status, 200, "for all")


def test_breaker_ignores():
    """Limits, refusals, clients that leave: none of it says that upstream is
    ill. A stream that begins well and is cut does."""
    with Rig(env={"CHATMOCK_BREAKER_FAILURES": "2",
                  "CHATMOCK_BREAKER_COOLDOWN": "60"}) as g:
        for status in (400, 402, 403, 404, 413, 422, 429, 501, 505):
            g.upstream.default({"status": status, "body": {"detail": "No"}})
            for _ in range(2):
                g.ask()
        g.upstream.default({"delay_ms": 60000})
        for _ in range(3):
            before = g.asked()
            call = g.send(stream=True)
            until(lambda: g.asked() > before)
            call.hang_up()
        until(lambda: [line["end"] for line in g.log()[-3:]] == ["client_gone"] * 3)
        checks.equal(g.breaker_lines(), [], "none of it counts")
        g.upstream.default({"say": "Half", "stop_before": "response.completed",
                            "then": "close"})
        for tongue in ("chat", "completion"):
            a = g.ask(tongue=tongue, stream=True)
            checks.check(a.code == "upstream_broke" and b"[DONE]" not in a.body,
                         f"a cut, {tongue}", a.body[-200:])
        checks.equal([line["msg"] for line in g.breaker_lines()], [OPEN % 2],
                     "two cuts open it")
        checks.equal(g.ask().code, "circuit_open", "no call any more")


# --- attempts

def test_amplification():
    """Upstream fails altogether, slowly, with a hundred clients that come
    again at once: it gets at most 1.2 times their calls. And with the breaker
    hardly any."""
    with Rig(workers=2, env={"CHATMOCK_BREAKER_FAILURES": "0"}) as g:
        g.upstream.default(dict(FAILS, delay_ms=700))
        answers = at_once(100, lambda i: [g.ask(
            tongue=("chat", "completion")[i % 2]) for _ in range(4)])
        asked = sum(len(a) for a in answers)
        checks.check(all(a.status == 500 for four in answers for a in four),
                     "all of them fail")
        checks.check(1 < g.asked() / asked <= 1.2, "calls for each request",
                     (g.asked(), asked))
        tries = [line.get("attempts", 1) for line in g.log()]
        checks.check(max(tries) <= 3 and tries.count(1) > 300, "not all try again")
        until(lambda: g.ask("again").status)
        g.upstream.default({"say": "Well"})
        checks.equal(g.ask().status, 200, "the next works")
        # what was taken was given back: one request may try thrice
        g.upstream.default(FAILS)
        g.ask()
        checks.equal(g.log()[-1].get("attempts"), 3, "three attempts of one")
    with Rig(workers=2) as g:
        g.upstream.default(FAILS)
        answers = at_once(50, lambda i: [g.ask() for _ in range(4)])
        checks.check(g.asked() < 200, "with the breaker there are fewer calls "
                     "than requests", g.asked())
        checks.equal({a.status for four in answers for a in four}, {500, 503},
                     "most are refused")


TESTS = (test_breaker_over_workers, test_breaker_probe_killed,
         test_breaker_ignores, test_amplification)


def main():
    only = sys.argv[1:]
    for test in TESTS:
        if only and not any(word in test.__name__ for word in only):
            continue
        begun = time.monotonic()
        try:
            test()
        except Exception as e:      # a test that breaks is one that failed
            import traceback
            traceback.print_exc(file=sys.stdout)
            checks.check(False, test.__name__, repr(e)[:2000])
        print(f"  {test.__name__} {time.monotonic() - begun:.1f} s", flush=True)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
