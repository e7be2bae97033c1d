#!/usr/bin/env python3
"""Clients that leave at every step of a request, a drain at the worst moments,
an upstream that answers before it has read, large events among small ones:
each is cancelled at once, nothing is left behind, the same worker goes on.

Run with CHATMOCK_TEST_BIN=build/san/bin it looks for use after free as well.
"""
import fcntl
import json
import os
import random
import re
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway  # noqa: E402
import fastcgi  # noqa: E402

SANITIZED = "san" in os.environ.get("CHATMOCK_TEST_BIN", "")
KB, MB = 1 << 10, 1 << 20
checks = Checks("aborts")


def chat(text="hi", **more):
    return json.dumps(dict({"model": "gpt-5.5", "messages": [
        {"role": "user", "content": text}]}, **more))


def call(g, text="hi", **more):
    return fastcgi.Call(g.socket, "POST", "/v1/chat/completions",
                        chat(text, **more)).send()


def ask(g, text="hi", **more):
    return fastcgi.Call(g.socket, "POST", "/v1/chat/completions",
                        chat(text, **more)).run()


def text_of(answer):
    """What a stream or a whole answer says."""
    if not answer.body.startswith(b"data:") and b"\n\ndata:" not in answer.body:
        return json.loads(answer.body)["choices"][0]["message"]["content"]
    found = re.findall(r'^data: (\{.*)$', answer.text(), re.M)
    return "".join(c["delta"].get("content") or "" for d in found
                   for c in json.loads(d).get("choices", []))


def until(what, seconds=5.0):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return what()


def ends(g):
    return [line["end"] for line in g.log() if line["event"] == "request"
            and line["path"] != "/"]


def workers(g):
    """Theirs who serve: there are none before."""
    fastcgi.Call(g.socket).run()
    return g.worker_pids()


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return sum(int(line.split()[1]) for line in f
                   if line.startswith("RssAnon:"))


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def same_worker(g, pids, what):
    died = [line for line in g.log("error") if line["event"] == "worker_died"]
    checks.check(g.worker_pids() == pids and not died, what + ": same worker", died)


class Upstream(threading.Thread):
    """An upstream of sockets: act(connection, head) is what it does once it
    has read a request's head."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self.act, self.listener = act, socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.kept, self.accepted = [], 0
        self.start()

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        self.kept.append(c)
        try:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = c.recv(16 * KB)
                    if not piece:
                        return
                    head += piece
                self.act(c, head)
        except OSError:
            pass

    def stop(self):
        self.listener.close()
        for c in self.kept:
            c.close()


def event(kind, **fields):
    return (f"event: {kind}\ndata: "
            + json.dumps(dict(fields, type=kind)) + "\n\n").encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")
DELTA = event("response.output_text.delta", item_id="m", output_index=0,
              content_index=0, delta="one ")


def completed(text="one ", pad=0):
    item = {"type": "message", "id": "m", "role": "assistant", "content": [
        {"type": "output_text", "text": text, "annotations": []}]}
    return event("response.completed", response={
        "id": "r", "status": "completed", "output": [item],
        "instructions": "x" * pad,
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})


# --- clients that leave

def leave_preparing(g):
    c = call(g, "x" * (2 * MB))
    time.sleep(0.004)
    c.hang_up()


def leave_calling(g):
    g.upstream.script({"match": "wait-for-head", "delay_ms": 60000})
    c = call(g, "wait-for-head", stream=True)
    time.sleep(0.02)
    c.hang_up()


def leave_waiting(g):
    g.upstream.script({"match": "busy-please", "status": 503, "body": "{}",
                       "headers": {"retry-after": "30"}})
    c = call(g, "busy-please")
    time.sleep(0.03)
    c.hang_up()


def leave_relaying(g):
    g.upstream.script({"match": "many-words", "say": "word " * 400,
                       "interval_ms": 5})
    c = call(g, "many-words", stream=True)
    next(c.records(5))
    c.hang_up()


def leave_refusing(g):
    g.upstream.script({"match": "slow-refusal", "raw": True, "steps": [
        {"send": "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                 "Content-Length: 100\r\n\r\n{"}, {"stall": True}]})
    c = call(g, "slow-refusal")
    time.sleep(0.03)
    c.hang_up()


def leave_big(g):
    g.upstream.script({"match": "big-please", "say": "y" * (2 * MB),
                       "done_only": True, "then": "stall"})
    c = call(g, "big-please", stream=True)
    time.sleep(0.025)
    c.hang_up()


def leave_full(g):
    g.upstream.script({"match": "pour-please", "steps": [
        {"event": {"type": "response.output_text.delta", "item_id": "m",
                   "output_index": 0, "content_index": 0, "delta": "z" * 60000}}
    ] * 12, "then": "stall"})
    c = call(g, "pour-please", stream=True)
    time.sleep(0.05)        # it reads nothing
    c.hang_up()


LEAVING = (leave_preparing, leave_calling, leave_waiting, leave_relaying,
           leave_refusing, leave_big, leave_full)


def test_leaving():
    rounds = 4 if SANITIZED else 12
    with Gateway(front=False) as g:
        [pid] = pids = workers(g)
        for leave in LEAVING:
            leave(g)
        until(lambda: len(ends(g)) == len(LEAVING))
        rss, files = rss_kb(pid), fds(pid)
        for _ in range(rounds):
            for leave in LEAVING:
                leave(g)
        want = (rounds + 1) * len(LEAVING)
        checks.check(until(lambda: len(ends(g)) == want), "all of them have left",
                     len(ends(g)))
        checks.equal(set(ends(g)), {"client_gone"}, "and that is in the log")
        stats = g.upstream.stats()
        checks.check(until(lambda: g.upstream.stats()["open"] == 0),
                     "upstream has no open stream", stats)
        checks.equal(ask(g).status, 200, "the next request is answered")
        checks.check(until(lambda: fds(pid) <= files + 4),
                     "no descriptor is left behind", (files, fds(pid)))
        if not SANITIZED:
            checks.check(rss_kb(pid) < rss + 8 * KB, "nor memory",
                         (rss, rss_kb(pid)))
        same_worker(g, pids, "leaving")


def test_leaving_login():
    """The lock is another's: many wait for the login, and leave."""
    with Gateway(kind="chatgpt", front=False, login=False) as g:
        pids = workers(g)
        with open(os.path.join(g.home, "auth.json.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            g.write_login(expires_in=-5)
            until(lambda: [x for x in g.log("error") if x["event"] == "login_read"])
            calls = [call(g, f"n {i}", stream=bool(i % 2)) for i in range(20)]
            time.sleep(0.3)
            for c in calls[:19]:
                c.hang_up()
            checks.check(until(lambda: len(ends(g)) == 19), "who leaves is let go",
                         ends(g))
        a = calls[19].answer()
        checks.equal(a.status, 200, "who stays is answered")
        same_worker(g, pids, "login")


def test_no_login():
    """It is known at once that there is none."""
    with Gateway(kind="chatgpt", front=False, login=False) as g:
        time.sleep(0.3)
        pids = workers(g)
        for more in ({}, {"stream": True}):
            checks.equal(ask(g, **more).status, 401, "no login is 401")
            checks.equal(ask(g, "x" * 200 * KB, **more).status, 401, "so is a large one")
        same_worker(g, pids, "no login")


# --- large events

def test_big_events():
    with Gateway(front=False) as g:
        pids = workers(g)
        big = "y" * (300 * KB)
        for stream in (False, True):
            for extra in ({}, {"cut_every": 1000}, {"then": "close"}):
                g.upstream.script(dict({"say": big, "done_only": True}, **extra))
                a = ask(g, stream=stream)
                checks.check(a.status == 200 and text_of(a) == big,
                             f"a large event, {extra}", (a.status, len(a.body)))
            g.upstream.script({"say": "so STOP " + big, "done_only": True})
            a = ask(g, stream=stream, stop="STOP")
            checks.equal(text_of(a), "so ", "a stop string inside one")
            g.upstream.script({"say": big, "done_only": True, "stop_before":
                               "response.completed"})
            a = ask(g, stream=stream)
            checks.check(a.status == 502 or b'"upstream_broke"' in a.body,
                         "the end is missing behind one", a.status)
        checks.equal(ask(g).status, 200, "the next request is answered")
        same_worker(g, pids, "big events")


def test_end_in_a_big_event():
    """The last event is large and the connection breaks right behind it: all
    was said. Unbroken, the connection is used again."""
    broken = [True]

    def act(c, head):
        c.sendall(HEAD + chunk(DELTA) + chunk(completed(pad=400 * KB)))
        if broken[0]:
            c.shutdown(socket.SHUT_WR)
        else:
            c.sendall(b"0\r\n\r\n")

    up = Upstream(act)
    with Gateway(front=False, env={"CHATMOCK_UPSTREAM_URL": up.url}) as g:
        for stream in (False, True):
            a = ask(g, stream=stream)
            checks.check(a.status == 200 and text_of(a) == "one " and
                         b"error" not in a.body, "the end counts", a.body[-300:])
        broken[0] = False
        before = up.accepted
        for _ in range(3):
            checks.equal(ask(g).status, 200, "a large last event")
            time.sleep(0.05)
        checks.equal(up.accepted - before, 1, "the connection is used again")
    up.stop()


# --- an upstream that does not wait for the request

def test_early_answer():
    """It answers when it has the head, and reads the body late or never."""
    def late(c, head):
        c.sendall(HEAD + chunk(DELTA))
        time.sleep(0.3)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        body = head.partition(b"\r\n\r\n")[2]
        while len(body) < length:
            body += c.recv(256 * KB)
        bodies.append(body)
        c.sendall(chunk(completed()) + b"0\r\n\r\n")

    def never(c, head):
        c.sendall(HEAD + chunk(DELTA))
        time.sleep(0.1)
        c.sendall(chunk(completed()) + b"0\r\n\r\n")
        time.sleep(5)

    def garbled(c, head):
        c.sendall(HEAD + chunk(DELTA + b"data: {no json\n\n"))
        time.sleep(5)

    def refused(c, head):
        c.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 33\r\n\r\n" b'{"error":{"message":"too large"}}')
        time.sleep(1)

    bodies, acts = [], [late]
    up = Upstream(lambda c, head: acts[0](c, head))
    with Gateway(front=False, env={"CHATMOCK_UPSTREAM_URL": up.url}) as g:
        pids = workers(g)
        for stream in (True, False):
            a = ask(g, "b" * (8 * MB), stream=stream)
            checks.check(a.status == 200 and text_of(a) == "one ",
                         "an answer before the request", (a.status, a.body[-200:]))
            checks.check(bodies and b"b" * (8 * MB) in bodies[-1],
                         "the rest of the request is sent")
        acts[0] = never
        checks.equal(text_of(ask(g, "b" * (8 * MB), stream=True)), "one ",
                     "it never reads the rest")
        acts[0] = garbled
        a = ask(g, "b" * (8 * MB), stream=True)
        checks.check(b"upstream_garbled" in a.body, "and talks nonsense", a.body[-200:])
        acts[0] = refused
        checks.equal(ask(g, "b" * (8 * MB)).status, 413, "an early refusal is kept")
        same_worker(g, pids, "early")
    up.stop()


# --- silence and retries

def test_heartbeats():
    """Events that say nothing to this client are silence to it."""
    quiet = {"type": "response.in_progress", "response": {"id": "r"}}
    with Gateway(front=False, env={"CHATMOCK_HEARTBEAT": "0.3"}) as g:
        g.upstream.script({"steps": [{"event": json.loads(
            DELTA.decode().partition("data: ")[2])}] + [
                {"event": quiet}, {"wait_ms": 100}] * 12 + [{"say": "end"}]})
        a = ask(g, stream=True)
        beats = len(re.findall(r"^:", a.text(), re.M))
        checks.check(3 <= beats <= 5, "comments while nothing is said", beats)
        # an answer that has begun with one is tried again all the same
        g.upstream.script({"status": 500, "body": "{}", "delay_ms": 500},
                          {"say": "second try"})
        a = ask(g, stream=True)
        checks.check(text_of(a).strip() == "second try" and a.text().count("[DONE]") == 1,
                     "another attempt behind a comment", a.text())
        g.upstream.script({"status": 400, "body": {"error": {"message": "no"}},
                           "delay_ms": 500})
        a = ask(g, stream=True)
        checks.check(a.status == 200 and '"error"' in a.text() and
                     "[DONE]" not in a.text(), "a refusal behind one", a.text())


def test_refused_once():
    """A 401 renews the login once; what fails afterwards does not."""
    with Gateway(kind="chatgpt", front=False) as g:
        g.upstream.script({"status": 401, "body": {"detail": "no"}},
                          {"status": 503, "body": "{}"},
                          {"status": 503, "body": "{}"}, {"say": "fine"})
        a = ask(g)
        checks.check(a.status == 200 and text_of(a).strip() == "fine",
                     "401, two failures, an answer", a.body)
        checks.equal([line["event"] for line in g.log("error")
                      if line["event"].startswith("login_")],
                     ["login_read", "login_renewed"], "one renewal")
        g.upstream.script({"raw": True, "steps": [
            {"send": "HTTP/1.1 400 No\r\nContent-Type: application/json\r\n"
                     "Content-Length: 900\r\n\r\n" '{"detail":"cut'},
            {"reset": True}]})
        checks.equal(ask(g).status, 400, "a refusal that breaks off is one")


# --- all of it at once

WORDS = ("one ", "two STOP ", "\u00e9\u4e16\U0001f600 ", "x" * 3000, "<think>", "\n\n")


def random_script(r):
    """Something upstream may do, good or bad."""
    text = "".join(r.choice(WORDS) for _ in range(r.randint(1, 30)))
    if r.random() < 0.15:
        text += "y" * r.choice((100 * KB, 200 * KB, 900 * KB))
    script = {"say": text, "think": r.choice((None, "hm ", "a\n\nb")),
              "done_only": r.random() < 0.2, "interval_ms": r.choice((0, 0, 1, 5))}
    if r.random() < 0.2:
        script["calls"] = [{"name": "f", "arguments": json.dumps({"a": text[:2000]}),
                            "call_id": "c1"}]
    kind = r.random()
    if kind < 0.1:
        script = {"status": r.choice((400, 401, 429, 500, 503)), "body": "{}",
                  "headers": {"retry-after-ms": "20"}}
    elif kind < 0.2:
        script["stop_before"] = r.choice((
            "response.created", "response.completed", "response.output_item.done",
            "response.output_text.delta"))
    elif kind < 0.3:
        script["failed"] = {"code": "server_error", "message": "no"}
    elif kind < 0.4:
        script["then"] = r.choice(("close", "reset"))
    if r.random() < 0.3:
        script["cut_every"] = r.choice((1, 7, 100, 5000)) if len(text) < 9000 else 5000
    return {k: v for k, v in script.items() if v is not None and v is not False}


def one_of_storm(g, r, faults):
    more = {"stream": r.random() < 0.7}
    if r.random() < 0.3:
        more["stop"] = "STOP"
    if r.random() < 0.2:
        more["response_format"] = {"type": "json_object"}
    text = "z" * r.choice((10, 10, 10, 60 * KB, 600 * KB))
    c = fastcgi.Call(g.socket, "POST", "/v1/chat/completions", chat(text, **more),
                     headers={"X-ChatMock-Reasoning": r.choice(
                         ("think-tags", "o3", "none", "reasoning-content"))}).send()
    if r.random() < 0.25:
        time.sleep(r.random() * 0.05)
        c.hang_up()
        return
    if r.random() < 0.1:
        time.sleep(0.2)         # its buffers fill
    a = c.answer(60)
    ok = a.complete and a.status in (200, 400, 401, 429, 500, 502, 503)
    if ok and a.headers["content-type"].startswith("text/event-stream"):
        # one good end or one error, and nothing behind either
        done, error = a.body.count(b"data: [DONE]"), a.body.count(b'data: {"error"')
        ok = done + error == 1 and (not done or a.body.endswith(b"[DONE]\n\n"))
    elif ok:
        json.loads(a.body)
    if not ok:
        faults.append((a.status, a.complete, more, a.raw[-300:]))


def test_storm():
    seed = int(os.environ.get("SEED", "1"))
    count, faults = 60 if SANITIZED else 100, []
    with Gateway(front=False, env={"CHATMOCK_HEARTBEAT": "0.1"}) as g:
        pids = workers(g)

        def many(seed):
            r = random.Random(seed)
            for _ in range(count):
                g.upstream.script(random_script(r))
                one_of_storm(g, r, faults)

        threads = [threading.Thread(target=many, args=(seed * 100 + i,))
                   for i in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(240)
        checks.check(not faults, f"a storm, seed {seed}", faults[:3])
        checks.check(until(lambda: len(ends(g)) == 6 * count, 10),
                     "a log line for each", len(ends(g)))
        checks.check(until(lambda: g.upstream.stats()["open"] == 0),
                     "no stream is left")
        same_worker(g, pids, "storm")


# --- the end of a worker

def test_drain_with_threads():
    """TERM while a thread reads a request whose client has left, and while it
    parses a large event."""
    for make, more in ((lambda g: call(g, "x" * (24 * MB)), {}),
                       (lambda g: call(g, stream=True), {"big": True})):
        for wait in (0.02, 0.05, 0.1):
            with Gateway(front=False, env={"CHATMOCK_DRAIN_TIMEOUT": "0"}) as g:
                if more:
                    g.upstream.script({"say": "y" * (20 * MB), "done_only": True,
                                       "then": "stall"})
                c = make(g)
                time.sleep(wait)
                c.hang_up()
                g.master.send_signal(signal.SIGTERM)
                checks.equal(g.master.wait(10), 0, "the master ends well")
                died = [line for line in g.log("error")
                        if line["event"] in ("worker_died", "worker_kill")]
                checks.check(not died, "so does the worker", died)


TESTS = (test_leaving, test_leaving_login, test_no_login, test_big_events,
         test_end_in_a_big_event, test_early_answer, test_heartbeats,
         test_refused_once, test_storm, test_drain_with_threads)

if __name__ == "__main__":
    for test in TESTS:
        if sys.argv[1:] and not any(word in test.__name__ for word in sys.argv[1:]):
            continue
        try:
            test()
        except Exception as e:      # a test that breaks is one that failed
            checks.check(False, test.__name__, repr(e)[:2000])
    sys.exit(checks.report())
