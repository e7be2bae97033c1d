#!/usr/bin/env python3
"""Upstream, the network and the machine at their worst. Of each fault it is
said what the clients get, in several tongues, which word the log has for it,
which counter moved, and that the next request works.

    tests/servers/test_faults.py [word of a test's name ...]
"""
import concurrent.futures
import datetime
import json
import os
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway  # noqa: E402
from test_upstreams import Authority  # noqa: E402
import fastcgi  # noqa: E402
import upstream as upstream_tool  # noqa: E402

checks = Checks("faults")
OPEN = "Circuit breaker OPEN after %d failures"
SKIPPED = "Circuit breaker OPEN - skipping POST "
PROBED = "Circuit breaker cooldown expired, allowing retry"
CLOSED = "Circuit breaker CLOSED"
FAILS = {"status": 500, "body": {"error": {"message": "No", "type": "server_error"}}}

SECRET = "sk-canary-in-a-page"
ENV = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

# What a tongue is asked with.
TONGUES = {
    "chat": ("/v1/chat/completions", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream,
        "messages": [{"role": "user", "content": text}]}),
    "completion": ("/v1/completions", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream, "prompt": text}),
    "anthropic": ("/v1/messages", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream, "max_tokens": 1000,
        "messages": [{"role": "user", "content": text}]}),
    "ollama": ("/api/chat", lambda text, stream: {
        "model": "gpt-5.5", "stream": stream,
        "messages": [{"role": "user", "content": text}]}),
}


def read(tongue, a):
    """Into the answer: fault (what it says of one, or None), code (OpenAI's
    word for it) and well (it has the end that only a good answer has)."""
    a.fault, a.code = None, None
    text = a.body.decode("utf-8", "replace")
    said = []
    for line in [text] + text.split("\n"):
        line = line.removeprefix("data: ")
        if line.startswith("{"):
            try:
                said.append(json.loads(line))
            except ValueError:
                continue
    for value in said:
        error = value.get("error")
        if error:
            a.fault = error
            a.code = error.get("code") if isinstance(error, dict) else None
    if tongue in ("chat", "completion"):
        a.well = "data: [DONE]" in text or any(
            v.get("usage") and v.get("choices") for v in said)
    elif tongue == "anthropic":
        a.well = "event: message_stop" in text or any(
            v.get("type") == "message" for v in said)
    else:
        a.well = any(v.get("done") for v in said)
    return a


class Rig(Gateway):
    """The gateway asked at its socket: no web server has a say in it. With
    metrics=True health.fcgi is there as well, and counted says so."""

    def __init__(self, metrics=False, **more):
        env = {"CHATMOCK_BREAKER_FAILURES": "", **more.pop("env", {})}
        super().__init__(front=False, env=env, **more)
        self.counted = metrics

    def start(self):
        super().start()
        self.ready()
        if self.counted:
            self.health = os.path.join(self.home, "run", "health.sock")
            env = self.settings()
            env.pop("LD_PRELOAD", None)
            self.spawn("health", ["spawn-fcgi", "-n", "-s", self.health, "-M",
                                  "0600", "--", os.path.join(self.bin, "health.fcgi")],
                       env)
            self.wait(lambda: self.counters(), "GET /metrics")

    def ready(self):
        self.wait(lambda: fastcgi.Call(self.socket).run().status == 200,
                  "an answer of GET /")
        self.wait(lambda: len(self.worker_pids()) >= self.workers, "all workers")

    def restart(self, **env):
        """Another gateway in the same home."""
        self.procs.remove(self.master)
        self.master.terminate()
        self.master.wait(20)
        self.env.update(env)
        self.start_fcgi()
        self.ready()

    def counters(self):
        """The page of metrics, by name with labels."""
        if not self.counted:
            return {}
        a = fastcgi.Call(self.health, "GET", "/metrics").run()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in a.text().splitlines()
                 if line and not line.startswith("#"))} if a.status == 200 else {}

    def everything(self):
        """All that was logged or printed."""
        text = self.output(1 << 20)
        for name in os.listdir(os.path.join(self.home, "log")):
            with open(os.path.join(self.home, "log", name), errors="replace") as f:
                text += f.read()
        return text

    def send(self, text="hi", tongue="chat", stream=False, **headers):
        path, body = TONGUES[tongue]
        return fastcgi.Call(self.socket, "POST", path,
                            json.dumps(body(text, stream)), headers).send()

    def ask(self, text="hi", tongue="chat", stream=False, timeout=60, **headers):
        return self.hear(self.send(text, tongue, stream, **headers), timeout, tongue)

    @staticmethod
    def hear(call, timeout=60, tongue="chat"):
        return read(tongue, call.answer(timeout))

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
    with Rig(workers=4, metrics=True,
             env={"CHATMOCK_BREAKER_COOLDOWN": "4"}) as g:
        g.upstream.default(FAILS)
        answers = at_once(4, lambda i: g.ask(tongue=tuple(TONGUES)[i % 4]))
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
            a = g.ask(tongue=tuple(TONGUES)[i % 4], stream=i % 8 > 3)
            took.append(time.perf_counter() - begun)
            checks.check(a.status == 503 and a.fault and
                         a.code in (None, "circuit_open") and 1 <= int(a.headers["retry-after"]) <= 4, "refused",
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
                tongue=tuple(TONGUES)[i % 4]))
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
        counted = g.counters()
        for name, want in (('transitions_total{to="open"}', 2),
                           ('transitions_total{to="half_open"}', 2),
                           ('transitions_total{to="closed"}', 1),
                           ("rejected_total", 100 + 2 * 63)):
            checks.equal(counted.get("chatmock_circuit_" + name), want, name)


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
            tongue=tuple(TONGUES)[i % 4]) for _ in range(4)])
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


# --- the usual four: what the client gets, the log's word, the counter, and
# --- that the next request works

HALF = {"say": "Half a", "stop_before": "response.completed"}


def one_fault(g, what, script, code, status, word=None, tries=None,
              kinds=(("chat", True), ("anthropic", True), ("ollama", True),
                     ("completion", False), ("anthropic", False))):
    """code: as OpenAI's tongue has it; word: of the log, where it is another.
    status None: the stream has begun, the fault comes as an event."""
    word = word or code
    for tongue, stream in kinds:
        label = f"{what}, {tongue}, stream {stream}"
        if script is not None:
            g.upstream.clear()
            g.upstream.default(script)
        before = g.counters()
        a = g.ask(tongue=tongue, stream=stream)
        line = g.log()[-1]
        begun = status is None and stream
        checks.equal(a.status, 200 if begun else status or 502, label + ": status")
        if tongue in ("chat", "completion"):
            checks.equal(a.code, code, label + ": code")
        checks.check(a.fault and not a.well, label + ": told, and no good end",
                     a.body[-300:])
        checks.check("<html" not in a.text() and SECRET not in a.text(),
                     label + ": nothing of upstream's page", a.body[-300:])
        checks.equal(line["end"], word, label + ": log")
        if tries:
            checks.equal(line.get("attempts", 1), tries, label + ": attempts")
        name = 'chatmock_request_ends_total{end="%s"}' % word
        if g.counted:
            checks.equal(g.counters().get(name, 0) - before.get(name, 0), 1,
                         label + ": counter " + name)
        if script is not None:
            g.upstream.clear()
            g.upstream.default({"say": "Well"})
            a = g.ask(tongue=tongue, stream=stream)
            checks.check(a.status == 200 and a.well and not a.fault,
                         label + ": the next works", (a.status, a.body[-200:]))


def test_refused_and_limits():
    """F12 to F17: what upstream answers with instead of a stream."""
    with Rig(env={"CHATMOCK_BREAKER_FAILURES": "5"}, metrics=True) as g:
        for status in (400, 403, 404, 413, 422):
            one_fault(g, f"F15 {status}", {"status": status, "body": {
                "error": {"message": "No", "type": "t", "code": "some_code"}}},
                "some_code", status, "upstream_refused", 1)
        one_fault(g, "F12 429", {"status": 429, "headers": {
            "retry-after": "17", "x-ratelimit-remaining-requests": "0"}, "body": {
                "error": {"message": "Slowly", "code": "rate_limit_exceeded"}}},
            "rate_limit_exceeded", 429, "upstream_limit", 1)
        g.upstream.default({"status": 429, "headers": {
            "retry-after": "17", "x-ratelimit-remaining-requests": "0"}, "body": ""})
        for tongue in TONGUES:
            a = g.ask(tongue=tongue)
            checks.equal((a.headers.get("retry-after"),
                          a.headers.get("x-ratelimit-remaining-requests")),
                         ("17", "0"), f"F12 {tongue}: its headers")
        quota = {"status": 429, "body": {"error": {
            "type": "usage_limit_reached", "message": "The limit has been reached",
            "plan_type": "plus", "resets_in_seconds": 1}}}
        one_fault(g, "F13 plan", quota, "usage_limit_reached", 429,
                  "upstream_limit", 1)
        g.upstream.default(quota)
        for tongue in TONGUES:
            a = g.ask(tongue=tongue)
            checks.equal((a.headers.get("retry-after"),
                          a.headers.get("x-should-retry")), ("1", "false"),
                         f"F13 {tongue}: when it ends, and no retry")
        one_fault(g, "F17 a portal's page", {
            "status": 200, "headers": {"content-type": "text/html"},
            "body": f"<html><title>Log in to {SECRET}</title></html>"},
            "upstream_garbled", 502, tries=1)
        checks.check(SECRET not in g.everything(), "F17: not in the logs either")
        checks.equal(g.breaker_lines(), [], "none of it moves the breaker")
    with Rig(env={"CHATMOCK_BREAKER_FAILURES": "0"}, metrics=True) as g:
        for status in (500, 502, 503, 504, 529):
            one_fault(g, f"F16 {status}", {"status": status, "body": {
                "error": {"message": "Down", "type": "t", "code": "its_code"}}},
                "its_code", status, "upstream_error", 3,
                (("chat", True), ("ollama", False)))


def test_login_refused():
    """F14: a 401 of the backend is mended once; for good it is a 401 that says
    what to do, and no failure of the breaker's."""
    said = {"status": 401, "body": {"error": {
        "message": "Provided authentication token is expired.",
        "code": "token_expired"}}}
    env = {"CHATMOCK_BREAKER_FAILURES": "1"}
    for tongue in TONGUES:
        with Rig(kind="chatgpt", env=env) as g:
            g.upstream.script(said)
            a = g.ask(tongue=tongue)
            checks.check(a.status == 200 and a.well, f"F14 {tongue}: mended",
                         (a.status, a.body))
            checks.equal(g.breaker_lines(), [], f"F14 {tongue}: no failure")
    with Rig(kind="chatgpt", env=env, metrics=True) as g:
        one_fault(g, "F14 for good", said, "upstream_auth_required", 401,
                  "login_stale", kinds=(("chat", True), ("ollama", False)))
        checks.equal(g.breaker_lines(), [], "F14: no failure of upstream's")


def test_connect():
    """F1, F2: nobody listens; nobody lets in."""
    dead, deaf = Deaf(), Deaf()
    for what, port, word in (("F1 refused", dead.closed, "upstream_connect"),
                             ("F2 black hole", deaf.port, "upstream_connect")):
        with Rig(metrics=True, env={
                "CHATMOCK_UPSTREAM_URL": f"http://127.0.0.1:{port}/v1",
                "CHATMOCK_CONNECT_TIMEOUT": "0.3",
                "CHATMOCK_BREAKER_FAILURES": "5"}) as g:
            begun = time.monotonic()
            one_fault(g, what, None, word, 502 if port == dead.closed else 504,
                      tries=3)
            checks.check(time.monotonic() - begun < 60, what + ": not for minutes")
            checks.equal([line["msg"] for line in g.breaker_lines()], [OPEN % 5],
                         what + ": five requests are five failures, not fifteen")
            if port == dead.closed:     # somebody listens after all
                g.upstream.default({"say": "Well"})
                with Relay(port, g.upstream.port):
                    g.restart(CHATMOCK_BREAKER_COOLDOWN="0.05")
                    a = g.ask()
                    checks.check(a.status == 200 and a.well,
                                 what + ": the next works", a.body)
    dead.close()
    deaf.close()


def test_time_limits():
    """F5, F6: slow to begin, and silent in the middle; the client hears a
    heartbeat meanwhile, and a good end never."""
    with Rig(metrics=True, env={
            "CHATMOCK_BREAKER_FAILURES": "0", "CHATMOCK_HEARTBEAT": "0.2",
            "CHATMOCK_FIRST_BYTE_TIMEOUT": "1", "CHATMOCK_IDLE_TIMEOUT": "1"}) as g:
        one_fault(g, "F5 first byte", {"delay_ms": 60000}, "upstream_timeout",
                  504, tries=1, kinds=(("completion", False), ("anthropic", False),
                                       ("ollama", False)))
        one_fault(g, "F5 first byte", {"delay_ms": 60000}, "upstream_timeout",
                  None, tries=1, kinds=(("chat", True), ("anthropic", True)))
        g.upstream.default({"delay_ms": 60000})
        checks.check(g.ask(stream=True).text().count("\n: ") >= 1 or
                     g.ask(stream=True).text().startswith(": "),
                     "F5: heartbeats before the fault")
        one_fault(g, "F6 silent", dict(HALF, then="stall"), "upstream_silent",
                  None, tries=1, kinds=(("chat", True), ("anthropic", True),
                                        ("ollama", True)))
        one_fault(g, "F6 silent", dict(HALF, then="stall"), "upstream_silent",
                  504, tries=1, kinds=(("completion", False),))
        g.upstream.default(dict(HALF, then="stall"))
        text = g.ask(stream=True).text()
        checks.check(": " in text.split("Half")[-1], "F6: heartbeats meanwhile",
                     text[-300:])


def test_cuts():
    """F7: cut in the middle, in each way that HTTP knows. (At every byte:
    tests/cases/cuts.py; HTTP/2's ways: tests/unit/test_http2.c.)"""
    frame = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" \
        "Transfer-Encoding: chunked\r\n\r\n"
    event = 'data: {"type":"response.output_text.delta","item_id":"m",' \
        '"output_index":0,"content_index":0,"delta":"Half a"}\n\n'
    good = f"{len(event):x}\r\n{event}\r\n"
    with Rig(metrics=True, env={"CHATMOCK_BREAKER_FAILURES": "0"}) as g:
        for what, script in (
                ("FIN", dict(HALF, then="close")),
                ("RST", dict(HALF, then="reset")),
                ("a clean end", dict(HALF, then="end")),
                ("a broken chunk", {"raw": True, "steps": [
                    {"send": frame + good + "zz\r\nwhat"}, {"close": True}]}),
                ("a short chunk", {"raw": True, "steps": [
                    {"send": frame + good + "ffff\r\ndata: {"}, {"close": True}]})):
            one_fault(g, "F7 " + what, script, "upstream_broke", None,
                      kinds=(("chat", True), ("anthropic", True),
                             ("ollama", True), ("completion", True)), tries=1)
            one_fault(g, "F7 " + what, script, "upstream_broke", 502,
                      kinds=(("chat", False), ("ollama", False)))


# --- TLS

class Server(threading.Thread):
    """Accepts, and does to each connection what it was made for."""

    def __init__(self, serve):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve, self.seen = serve, 0
        self.start()

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        try:
            self.serve(c)
        except OSError:
            pass
        finally:
            c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Relay(Server):
    """At a given port, what another one says."""

    def __init__(self, port, to):
        self.to = to
        threading.Thread.__init__(self, daemon=True)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(16)
        self.port, self.serve, self.seen = port, self.pass_on, 0
        self.start()

    def pass_on(self, c):
        other = socket.create_connection(("127.0.0.1", self.to))
        pumps = [threading.Thread(target=pump, args=pair, daemon=True)
                 for pair in ((c, other), (other, c))]
        for p in pumps:
            p.start()
        for p in pumps:
            p.join()
        other.close()


def pump(a, b):
    try:
        while True:
            piece = a.recv(65536)
            if not piece:
                break
            b.sendall(piece)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Deaf:
    """A port that lets nobody in, for its queue is full; closed is one where
    nobody listens."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(s)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.closed = s.getsockname()[1]

    def close(self):
        for s in self.waiting + [self.listener]:
            s.close()


def test_tls():
    """F4: never without TLS, never with a certificate that is not good; what
    was wrong is said, and a bad certificate is tried once."""
    ca = Authority()
    context = {}
    for name in ("good", "expired", "wrong"):
        context[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context[name].load_cert_chain(os.path.join(ca.dir, name + ".pem"),
                                      os.path.join(ca.dir, "key.pem"))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(os.path.join(ca.dir, "good.pem"),
                        os.path.join(ca.dir, "key.pem"))
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1

    def tls(which):
        def serve(c):
            with which.wrap_socket(c, server_side=True) as t:
                t.recv(100)
        return serve

    def stall(c):
        time.sleep(30)

    def hang_up(c):
        c.recv(20)

    env = {"CODEX_CA_CERTIFICATE": ca.ca, "CHATMOCK_CONNECT_TIMEOUT": "0.5",
           "CHATMOCK_BREAKER_FAILURES": "0"}
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
                 "SSL_CERT_FILE"):
        env[name] = ""
    for what, serve, trust, code, status, words, tries in (
            ("expired", tls(context["expired"]), ca.ca, "upstream_tls", 502,
             "expired", 1),
            ("another name", tls(context["wrong"]), ca.ca, "upstream_tls", 502,
             "name", 1),
            ("unknown CA", tls(context["good"]), ca.other, "upstream_tls", 502,
             "CODEX_CA_CERTIFICATE", 1),
            ("TLS 1.0", tls(old), ca.ca, "upstream_tls", 502, "", 1),
            ("a stalled handshake", stall, ca.ca, "upstream_connect", 504, "", 3),
            ("closed in the handshake", hang_up, ca.ca, None, 502, "", None)):
        with Server(serve) as server, Rig(metrics=True, env=dict(
                env, CODEX_CA_CERTIFICATE=trust,
                CHATMOCK_UPSTREAM_URL=f"https://localhost:{server.port}/v1")) as g:
            if code:
                one_fault(g, "F4 " + what, None, code, status, tries=tries,
                          kinds=(("chat", True), ("anthropic", False)))
            a = g.ask(tongue="completion")
            checks.check(a.status == status and a.code and
                         a.code.startswith("upstream_") and words in a.text(),
                         f"F4 {what}: says what is wrong", a.body)
    ca.remove()


# --- the clock and the machine

def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def build_shim():
    """Compiles shim_clock.c into a directory of its own; None: no compiler."""
    out = os.path.join(tempfile.mkdtemp(prefix="cm-shim-", dir="/tmp"), "shim.so")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", out,
                        os.path.join(HERE, "shim_clock.c"), "-ldl"], check=True)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(os.path.dirname(out))
        return None
    return out


def test_clock_jumps():
    """F23: the wall clock jumps; limits go by another clock."""
    if "san" in os.environ.get("CHATMOCK_TEST_BIN", ""):
        return checks.skip("F23 clock jumps", "a sanitizer has to be loaded first")
    shim = build_shim()
    if not shim:
        return checks.skip("F23 clock jumps", "no C compiler")
    offset = os.path.join(os.path.dirname(shim), "offset")
    with Rig(metrics=True, env={
            "LD_PRELOAD": shim, "CHATMOCK_TEST_OFFSET": offset,
            "CHATMOCK_IDLE_TIMEOUT": "5", "CHATMOCK_BREAKER_COOLDOWN": "2",
            "CHATMOCK_BREAKER_FAILURES": "1"}) as g:
        g.upstream.default({"say": "word " * 12, "interval_ms": 100})
        for jump in (3600, -3600, 315360000, -315360000):
            calls = [(t, g.send(tongue=t, stream=True))
                     for t in ("chat", "anthropic", "ollama")]
            time.sleep(0.4)
            with open(offset, "w") as f:
                f.write(str(jump))
            for tongue, call in calls:
                a = g.hear(call, tongue=tongue)
                checks.check(a.status == 200 and a.well, f"F23 {jump:+d} s: a "
                             f"stream goes on, {tongue}", a.body[-200:])
            a = g.ask(tongue="completion")
            checks.check(a.well, f"F23 {jump:+d} s: the next works", a.body)
            line = g.log()[-1]
            shift = abs(time.time() + jump - parse_time(line["ts"]))
            checks.check(shift < 60, "F23: the log has the new time", line["ts"])
            checks.check(0 <= line["ms"] < 60000, "F23: and no length of a jump",
                         line["ms"])
        g.upstream.default(dict(FAILS, headers={"x-should-retry": "false"}))
        g.ask()
        for jump in (86400, -86400):
            with open(offset, "w") as f:
                f.write(str(jump))
            checks.equal(g.ask().code, "circuit_open",
                         "F23: nor does the breaker go by it")
    shutil.rmtree(os.path.dirname(shim))


def test_reboot():
    """F24: a breaker that another boot has opened is closed, one of this boot
    stays open over a restart."""
    with Rig(metrics=True, env={"CHATMOCK_BREAKER_FAILURES": "1",
                                "CHATMOCK_BREAKER_COOLDOWN": "600"}) as g:
        g.upstream.default(dict(FAILS, headers={"x-should-retry": "false"}))
        checks.equal(g.ask().status, 500, "F24: it opens")
        checks.equal(g.ask().code, "circuit_open", "F24: and is open")
        g.upstream.default({"say": "Well"})
        g.restart()
        for tongue in TONGUES:
            a = g.ask(tongue=tongue)
            checks.check(a.status == 503 and a.fault,
                         f"F24: also for the next gateway, {tongue}", a.body)
        g.restart(CHATMOCK_TEST_BOOT="0123456789abcdef")
        for tongue in TONGUES:
            a = g.ask(tongue=tongue)
            checks.check(a.status == 200 and a.well,
                         f"F24: after a reboot it is forgotten, {tongue}", a.body)


def test_killed_workers():
    """F25: workers killed while idle, reading, streaming: only their own
    streams die, without a good end; others take over within a second."""
    with Rig(workers=2, metrics=True,
             env={"CHATMOCK_BREAKER_FAILURES": "5"}) as g:
        g.upstream.default({"say": "word " * 10, "interval_ms": 30})
        served = 0
        for i in range(20):
            victims = g.worker_pids()
            calls = [(t, g.send(tongue=t, stream=True))
                     for t in ("chat", "anthropic", "ollama", "completion")]
            half = fastcgi.Call(g.socket, "POST", "/v1/chat/completions",
                                b"{" + b" " * 1000)
            half.connect()
            half.send_raw(half.bytes()[:300])
            time.sleep(0.013 * (i % 10))
            os.kill(victims[i % 2], signal.SIGKILL)
            killed = time.monotonic()
            for tongue, call in calls:
                a = g.hear(call, tongue=tongue)
                served += a.well
                checks.check(a.well if a.complete else not a.well,
                             f"F25: whole, or no good end, {tongue}",
                             (a.complete, a.body[-100:]))
            half.hang_up()
            ok = until(lambda: len(set(g.worker_pids()) - {victims[i % 2]}) == 2, 10)
            checks.check(ok, "F25: another worker comes", time.monotonic() - killed)
            checks.check(g.ask().well, "F25: the next works")
        checks.check(served > 10, "F25: those of others end well", served)
        checks.equal(g.breaker_lines(), [], "F25: no failure of upstream's")
        if g.counted:
            total = sum(v for k, v in g.counters().items()
                        if k.startswith('chatmock_request_ends_total{end="ok"'))
            checks.check(total >= served + 20, "F25: the counters keep their sums",
                         (total, served))


# --- a network of our own, where that is allowed

class Names(threading.Thread):
    """A resolver on port 53 that does as it is told: "ok", "nxdomain",
    "servfail" or "mute"."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.mode, self.asked = "ok", 0
        self.start()

    def run(self):
        while True:
            asked, peer = self.socket.recvfrom(2000)
            self.asked += 1
            if self.mode == "mute":
                continue
            end = asked.index(b"\0", 12) + 5
            kind = asked[end - 4:end - 2]
            code = {"ok": 0, "servfail": 2, "nxdomain": 3}[self.mode]
            found = self.mode == "ok" and kind == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if found else b""
            self.socket.sendto(
                asked[:2] + bytes([0x81, 0x80 | code]) + b"\0\1" +
                (b"\0\1" if found else b"\0\0") + b"\0\0\0\0" + asked[12:end] +
                answer, peer)


class TlsRelay(Relay):
    """Speaks TLS for the scripted upstream; cut() ends all connections."""

    def __init__(self, certificate, key, to):
        self.to, self.open = to, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        Server.__init__(self, self.pass_tls)

    def pass_tls(self, c):
        t = self.context.wrap_socket(c, server_side=True)
        self.open.append(t)
        self.pass_on(t)
        t.close()

    def cut(self):
        for t in self.open:
            try:
                t.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []


def inside_names():
    """F3: a name that is none, a resolver that fails, one that is mute."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ca = Authority()
    conf = os.path.join(ca.dir, "resolv.conf")
    with open(conf, "w") as f:
        f.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)
    names = Names()
    up = upstream_tool.Upstream(kind="responses").start()
    relay = TlsRelay(os.path.join(ca.dir, "good.pem"),
                     os.path.join(ca.dir, "key.pem"), up.port)
    env = {name: "" for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY",
                                 "all_proxy", "SSL_CERT_FILE")}
    env.update(CODEX_CA_CERTIFICATE=ca.ca, CHATMOCK_BREAKER_FAILURES="0",
               CHATMOCK_UPSTREAM_URL=f"https://api.test.invalid:{relay.port}/v1")
    for mode, code, status in (("nxdomain", "upstream_dns", 502),
                               ("servfail", "upstream_dns", 502),
                               ("mute", "upstream_connect", 504)):
        # sooner than the C library gives up
        env["CHATMOCK_CONNECT_TIMEOUT"] = "0.4" if mode == "mute" else "3"
        with Rig(metrics=True, env=env) as g:
            names.mode = mode
            begun = time.monotonic()
            one_fault(g, "F3 " + mode, None, code, status, tries=3,
                      kinds=(("chat", True), ("anthropic", False)))
            checks.check(time.monotonic() - begun < 30, f"F3 {mode}: in time")
            if code == "upstream_dns":
                a = g.ask()
                checks.check("api.test.invalid" in a.text() and
                             "/etc/resolv.conf" in a.text(),
                             f"F3 {mode}: names the host and where to look", a.body)
            names.mode = "ok"
            up.default({"say": "Well"})
            a = g.ask()
            checks.check(a.well, f"F3 {mode}: the next works", a.body)
            # and when names fail again, the last address is remembered
            names.mode = mode
            relay.cut()
            a = g.ask(tongue="anthropic", stream=True)
            checks.check(a.well, f"F3 {mode}: by the last good address", a.body)
            if mode == "nxdomain":      # longer than curl remembers a name
                time.sleep(62)
                relay.cut()
                asked = names.asked
                for tongue in TONGUES:
                    a = g.ask(tongue=tongue)
                    checks.check(a.well, f"F3 {mode}, {tongue}: by the last good "
                                 "address, also after a minute", a.body)
                checks.check(names.asked > asked, "F3: after asking for its name")
    relay.__exit__()
    up.stop()
    ca.remove()


def inside_half_open():
    """F8: the peer vanishes in the middle of a stream, without a word; TCP's
    own probes find it within a minute or so."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with Rig(metrics=True, env={"CHATMOCK_BREAKER_FAILURES": "0",
                                "CHATMOCK_IDLE_TIMEOUT": "600"}) as g:
        g.upstream.default(dict(HALF, then="stall"))
        calls = [(t, g.send(tongue=t, stream=True)) for t in ("chat", "anthropic")]
        until(lambda: g.upstream.stats()["streams"] == 2)
        time.sleep(0.5)
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        gone = time.monotonic()
        for tongue, call in calls:
            a = g.hear(call, 120, tongue)
            checks.check(a.fault and not a.well, f"F8 {tongue}: told", a.body)
        took = time.monotonic() - gone
        checks.check(25 < took < 80, "F8: within a minute", took)
        checks.equal([line["end"] for line in g.log()[-2:]],
                     ["upstream_broke"] * 2, "F8: log")
        if g.counted:
            checks.equal(g.counters().get(
                'chatmock_request_ends_total{end="upstream_broke"}'), 2,
                "F8: counter")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        g.upstream.default({"say": "Well"})
        checks.check(g.ask().well, "F8: the next works")


INSIDE = {"names": inside_names, "half-open": inside_half_open}


class Inside:
    """A test in namespaces of its own, beside the others; join() counts it."""

    def __init__(self, name, what):
        self.name, self.what, self.process = name, what, None
        flags = ["--net", "--mount", "--propagation", "private"]
        for more in ([], ["--user", "--map-root-user"]):
            if subprocess.run(["unshare", *more, *flags, "--", "ip", "link", "set",
                               "lo", "up"], env=ENV, capture_output=True
                              ).returncode == 0:
                self.process = subprocess.Popen(
                    ["unshare", *more, *flags, "--", sys.executable, __file__,
                     "--inside", name], env=ENV, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True)
                return

    def join(self):
        if not self.process:
            return checks.skip(self.what, "no network namespace may be made here")
        text = self.process.communicate()[0]
        counts = re.findall(r"^faults: (\d+) passed, (\d+) failed", text, re.M)
        print("\n".join(line for line in text.splitlines()
                        if not line.startswith("faults: ")), flush=True)
        checks.passed += int(counts[-1][0]) if counts else 0
        checks.failed += int(counts[-1][1]) if counts else 0
        checks.check(bool(counts), self.what, text[-2000:])


# --- the plan's limits

def test_limits_file():
    """Gauges at once, limits.json at most every five seconds for all workers
    together, whole at any moment, and for its owner alone."""
    with Rig(workers=2, metrics=True) as g:
        path = os.path.join(g.home, "limits.json")
        begun, states, used = time.monotonic(), set(), 0
        while time.monotonic() < begun + 12:
            used += 1
            g.upstream.default({"say": "Well", "headers": {
                "x-codex-primary-used-percent": str(used / 10),
                "x-codex-primary-window-minutes": "300"}})
            for a in at_once(4, lambda i: g.ask(tongue=tuple(TONGUES)[i])):
                checks.equal(a.headers.get("x-codex-primary-used-percent"),
                             str(used / 10), "each client is told")
            checks.equal(g.counters().get(
                'chatmock_limit_used_percent{window="primary"}'), used / 10,
                "the gauge has it at once")
            try:
                st = os.stat(path)
                with open(path) as f:
                    json.load(f)
            except FileNotFoundError:
                continue
            states.add((st.st_ino, st.st_mtime_ns))
            checks.equal(st.st_mode & 0o777, 0o600, "limits.json is ours alone")
            time.sleep(0.05)
        checks.check(2 <= len(states) <= 4, "writes in twelve seconds", len(states))

        def written():
            with open(path) as f:
                window = json.load(f)["rate_limit"]["primary_window"]
            return window["used_percent"] == used / 10
        checks.check(until(written, 15), "the last of it is written in the end")
        for path_ in ("/v1/usage", "/api/codex/usage"):
            seen = json.loads(fastcgi.Call(g.socket, "GET", path_).run().body)
            checks.check(seen["age_seconds"] < 60 and abs(
                seen["rate_limit"]["primary_window"]["used_percent"] - used / 10)
                <= 0.5, path_, seen)
        g.restart()
        seen = json.loads(fastcgi.Call(g.socket, "GET", "/v1/usage").run().body)
        checks.equal(seen["rate_limit"]["primary_window"]["used_percent"],
                     used / 10, "the next gateway knows it from the file")


TESTS = (test_limits_file, test_breaker_over_workers, test_breaker_probe_killed,
         test_breaker_ignores, test_amplification, test_refused_and_limits,
         test_login_refused, test_connect, test_time_limits, test_cuts, test_tls,
         test_clock_jumps, test_reboot, test_killed_workers)


def run(test):
    begun = time.monotonic()
    try:
        test()
    except Exception as e:      # a test that breaks is one that failed
        import traceback
        traceback.print_exc(file=sys.stdout)
        checks.check(False, test.__name__, repr(e)[:2000])
    print(f"  {test.__name__} {time.monotonic() - begun:.1f} s", flush=True)


def main():
    only = sys.argv[1:]
    if only[:1] == ["--inside"]:
        run(INSIDE[only[1]])
        return checks.report()
    beside = [Inside(name, what) for name, what in (
        ("names", "F3 names that do not resolve"),
        ("half-open", "F8 a peer that vanished"))
        if not only or any(word in name for word in only)]
    for test in TESTS:
        if not only or any(word in test.__name__ for word in only):
            run(test)
    for one in beside:
        one.join()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
