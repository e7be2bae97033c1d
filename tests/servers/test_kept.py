#!/usr/bin/env python3
"""Kept FastCGI connections while workers come and go: through nginx and
Apache, and without a web server at the very moment that matters.

    tests/servers/test_kept.py [word of a test's name ...]
"""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from rig import (BIN, GATEWAY, Checks, Crowd, Gateway, Upstream, chat, environment,  # noqa: E402
                 fastcgi, is_alive, until, words_of)
from test_servers import JSON, Server  # noqa: E402

up = Upstream()
NGINX = ("deploy/nginx.conf.sample", ["nginx", "-e", "HOME/log/nginx.log", "-c", "CONF"])
APACHE = ("deploy/apache.conf.sample", ["apache2", "-D", "FOREGROUND", "-f", "CONF"])
COUNT = b'{"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hi."}]}'
COUNTER = "chatmock_kept_connections_moved_total"


class Load(Crowd):
    """Requests through a web server, each thread on a connection of its own,
    until stopped. POST: nginx sends none of these twice."""

    def __init__(self, port, path, body, threads, good, pause=0):
        self.args, self.good, self.pause = (port, path, body), good, pause
        super().__init__(threads)

    def work(self):
        port, path, body = self.args
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not self.stopping:
            try:
                c.request("POST", path, body, JSON)
                r = c.getresponse()
                text = r.read()
                fault = None if r.status == 200 and self.good(text) else (
                    r.status, text[-200:])
            except (OSError, http.client.HTTPException) as e:
                fault = repr(e)
                c.close()
            self.count(fault)
            if self.pause:
                time.sleep(self.pause)


class Front:
    """A web server in front of a gateway, under load of whole answers and of
    streams."""

    def __init__(self, server=NGINX, loaded=True, pause=0, **settings):
        settings.setdefault("CHATMOCK_DRAIN_TIMEOUT", 20)
        self.g = Gateway(up, plain=True, **settings)
        try:
            self.s = Server(self.g, *server)
        except BaseException:
            self.g.end()
            raise
        self.loads = [
            Load(self.s.port, "/v1/messages/count_tokens", COUNT, 4,
                 lambda text: b"input_tokens" in text, pause),
            Load(self.s.port, "/v1/chat/completions", chat("3 words every 5 ms"), 4,
                 lambda text: words_of(text) == 3 and b"[DONE]" in text, pause),
        ] if loaded else []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for load in self.loads:
            load.stop()
        self.s.end()
        self.g.end()

    def check_loads(self, t, least=100):
        for load in self.loads:
            load.stop()
            t.check(not load.failures, "no failed request", len(load.failures),
                    load.failures[:3], load.done)
            t.check(load.done > least, "there was load", load.done)

    def moved(self):
        return moved(self.g)


def moved(gateway):
    """How many connections were taken over, by what health.fcgi would read."""
    program = shutil.copy(os.path.join(BIN, "health.fcgi"), gateway.home.dir)
    text = subprocess.run(
        gateway.user + [program], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=30, env=environment(
            CHATMOCK_HOME=gateway.home.dir, REQUEST_METHOD="GET",
            REQUEST_URI="/metrics", REMOTE_ADDR="127.0.0.1", SERVER_ADDR="127.0.0.1",
            HTTP_HOST="localhost", SERVER_PROTOCOL="HTTP/1.1")).stdout
    return sum(map(int, re.findall(rf"^{COUNTER} (\d+)$", text, re.M)))


def kept_fds(g):
    """Connections that the workers hold at the gateway's socket, by worker."""
    with open("/proc/net/unix") as f:
        ours = {line.split()[6] for line in f if line.rstrip().endswith(g.home.socket)}
    counts = {}
    for pid in g.workers():
        counts[pid] = 0
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                to = os.readlink(f"/proc/{pid}/fd/{fd}")
                counts[pid] += to.startswith("socket:[") and to[8:-1] in ours and fd != "0"
        except FileNotFoundError:
            del counts[pid]
    return counts


def fds_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# --- through nginx

def test_reload(t):
    with Front() as f:
        time.sleep(0.5)
        master = fds_of(f.g.pid)
        for i in range(20):
            f.g.signal(signal.SIGHUP)
            time.sleep(0.05 if i % 3 else 0.4)
        time.sleep(0.5)
        f.check_loads(t)
        t.check(until(lambda: len(f.g.workers()) == 2, 5), "old workers have gone",
                f.g.workers())
        starts = [l for l in f.g.home.log() if l["event"] == "master_start"]
        t.check(len(starts) > 5, "it was executed anew", len(starts))
        t.check(f.moved() >= len(starts) - 1, "connections were handed on", f.moved())
        t.check(fds_of(f.g.pid) == master, "the master leaks none", fds_of(f.g.pid), master)
        held = kept_fds(f.g)
        t.check(sum(held.values()) <= 2 * 64, "nor do the workers", held)


def test_recycling(t):
    for workers in (1, 2):
        with Front(CHATMOCK_WORKERS=workers, CHATMOCK_MAX_REQUESTS=50,
                   CHATMOCK_VERBOSE=1) as f:
            until(lambda: all(l.done >= 1500 for l in f.loads), 60)
            f.check_loads(t, 500)
            events = [l["event"] for l in f.g.home.log()]
            t.check(events.count("worker_born") > 20, "workers were replaced",
                    events.count("worker_born"))
            t.check("worker_died" not in events, "none of them badly")
            t.check(f.moved() > 20, "connections were handed on", f.moved())
            t.check(until(lambda: len(f.g.workers()) == workers, 5), "all others went",
                    f.g.workers())


def test_apache(t):
    with Front(APACHE, CHATMOCK_MAX_REQUESTS=200) as f:
        for i in range(10):
            f.g.signal(signal.SIGHUP)
            time.sleep(0.05 if i % 3 else 0.4)
        until(lambda: f.loads[0].done >= 2000, 60)
        f.check_loads(t)
        t.check(f.moved() > 8, "connections were handed on", f.moved())
        t.check(0 < sum(kept_fds(f.g).values()) <= 16, "Apache keeps some", kept_fds(f.g))


def test_restart(t):
    """Connections that ended with the gateway are not used again."""
    for server in (NGINX, APACHE):
        with Front(server, loaded=False) as f:
            hold_idle(f, 8)
            t.check(sum(kept_fds(f.g).values()) > 0, "some are kept", server[0])
            f.g.signal(signal.SIGTERM)
            t.check(f.g.ended(5) == 0, "it ends")
            f.g = Gateway(up, plain=True, home=f.g.home)
            answers = [f.s.send("POST", "/v1/messages/count_tokens", COUNT).status
                       for _ in range(16)]
            t.check(answers == [200] * 16, "all are answered", server[0], answers)


def test_term_of_one(t):
    for workers in (1, 2):
        with Front(CHATMOCK_WORKERS=workers) as f:
            for _ in range(8):
                old = f.g.workers()
                os.kill(old[0], signal.SIGTERM)
                t.check(until(lambda: not is_alive(old[0]), 5), "it goes", old)
                until(lambda: len(f.g.workers()) == workers, 5)
                time.sleep(0.2)
            f.check_loads(t)
            t.check(f.moved() > 0, "connections were handed on", f.moved())


def hold_idle(f, count):
    """nginx then keeps that many connections that nothing is asked on."""
    results = []

    def one():
        r = f.s.chat("10 words every 100 ms")
        results.append(words_of(r.read()))
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_idle(t):
    """Workers go promptly though nginx holds idle connections of theirs, and
    these are used again."""
    with Front(loaded=False, CHATMOCK_DRAIN_TIMEOUT=60) as f:
        t.check(hold_idle(f, 64) == [10] * 64, "64 at once")
        before = kept_fds(f.g)
        t.check(sum(before.values()) >= 40, "nginx keeps them", before)
        for _ in range(3):
            old, was = set(f.g.workers()), f.moved()
            begun = time.monotonic()
            f.g.signal(signal.SIGHUP)
            t.check(until(lambda: f.g.workers() and not old & set(f.g.workers()), 10),
                    "the old ones go", old, f.g.workers())
            t.check(time.monotonic() - begun < 5, "promptly", time.monotonic() - begun)
            now = kept_fds(f.g)
            t.check(sum(now.values()) == sum(before.values()), "none was closed",
                    before, now)
            # (some by one that was about to go, too)
            t.check(f.moved() - was >= sum(before.values()), "all were taken over",
                    f.moved(), was, before)
            t.check(min(now.values()) > 0, "by all who stay", now)
        t.check(hold_idle(f, 16) == [10] * 16, "they serve")
        t.check(sum(kept_fds(f.g).values()) == sum(before.values()), "no new ones were made",
                kept_fds(f.g), before)
        begun = time.monotonic()
        f.g.signal(signal.SIGTERM)
        t.check(f.g.ended(5) == 0, "at the end nothing waits for them")


def test_crash(t):
    with Front() as f:
        time.sleep(1.2)         # who lived that long is replaced at once
        os.kill(f.g.workers()[0], signal.SIGKILL)
        t.check(until(lambda: len(f.g.workers()) == 2, 5), "it is replaced")
        time.sleep(0.5)
        for load in f.loads:
            load.stop()
            t.check(len(load.failures) <= 8, "what it had is lost, nothing else",
                    load.failures[:9], load.done)


# --- a version that knows nothing of the queue

def ignorant(folder):
    with open(GATEWAY, "rb") as f:
        code = f.read()
    assert code.count(b"KEPT_CONNECTIONS\0") == 1
    path = os.path.join(folder, "ignorant")
    with open(path, "wb") as f:
        f.write(code.replace(b"KEPT_CONNECTIONS\0", b"KEPT_CONNECTIONX\0"))
    os.chmod(path, 0o755)
    return path


def put(source, target):
    shutil.copy(source, target + ".new")
    os.chmod(target + ".new", 0o755)
    os.rename(target + ".new", target)


def test_other_version(t):
    """Nobody takes what the old ones hand on: they serve it to their end."""
    folder = tempfile.mkdtemp(prefix="chatmock-kept-")
    try:
        other = ignorant(folder)
        # nginx ends a connection after 1,000 requests, and so would the old ones
        with Front(pause=0.02, CHATMOCK_DRAIN_TIMEOUT=60) as f:
            exe = f.g.exe
            time.sleep(0.5)
            master = fds_of(f.g.pid)
            for which in (other, GATEWAY):
                old = set(f.g.workers())
                put(which, exe)
                f.g.signal(signal.SIGHUP)
                t.check(until(lambda: len(set(f.g.workers()) - old) == 2, 5), "reloaded")
                time.sleep(3)
                t.check(old & set(f.g.workers()), "the old ones serve on")
                for load in f.loads:
                    t.check(not load.failures or which != other, "no failed request",
                            load.failures[:3])
                t.check(until(lambda: not old & set(f.g.workers()), 30), "old ones went",
                        old, f.g.workers())
            # then a connection is closed behind an answer: nginx may just be writing
            for load in f.loads:
                load.stop()
                t.check(len(load.failures) <= 2 and load.done > 100, "hardly any failed",
                        load.failures, load.done)
            t.check(fds_of(f.g.pid) <= master + 4, "few descriptors are left behind",
                    master, fds_of(f.g.pid))
    finally:
        shutil.rmtree(folder)


# --- without a web server

def kept_call(g, connection=None):
    return fastcgi.Call(g.home.socket, "POST", "/v1/messages/count_tokens", COUNT,
                        keep=True, connection=connection)


def kept_many(t, g, count):
    calls = [kept_call(g) for _ in range(count)]
    t.check(all(c.run().status == 200 for c in calls), "all are answered")
    return [c.connection for c in calls]


def test_moment(t):
    """What is written when the worker already goes, and it does not know yet."""
    with Gateway(up, CHATMOCK_WORKERS=1, CHATMOCK_DRAIN_TIMEOUT=30) as g:
        for order in ("write, then TERM", "TERM, then write"):
            connections = kept_many(t, g, 50)
            worker = g.workers()[0]
            os.kill(worker, signal.SIGSTOP)
            if order.startswith("TERM"):
                os.kill(worker, signal.SIGTERM)
            calls = [kept_call(g, c).send() for c in connections]
            os.kill(worker, signal.SIGTERM)
            os.kill(worker, signal.SIGCONT)
            answers = [c.answer(10) for c in calls]
            t.check(all(a.status == 200 and a.complete and not a.closed for a in answers),
                    order, [a.status for a in answers])
            t.check(until(lambda: not is_alive(worker), 5), "and it goes", order)
            until(lambda: len(g.workers()) == 1, 5)
            for c in connections:
                c.close()


def test_halves(t):
    """Half a request stays where it is; a stream ends where it began, and its
    connection goes on."""
    with Gateway(up, CHATMOCK_WORKERS=1, CHATMOCK_DRAIN_TIMEOUT=30) as g:
        half = kept_call(g).connect()
        data = half.bytes()
        silent = fastcgi.Connection(g.home.socket)
        begun = kept_call(g, kept_many(t, g, 1)[0])
        half.send_raw(data[:30])
        begun.send_raw(data[:4])
        stream = fastcgi.Call(g.home.socket, "POST", "/v1/chat/completions",
                              chat("10 words every 100 ms"), keep=True).send()
        seen = len(up.seen)
        until(lambda: len(up.seen) > seen, 2)
        time.sleep(0.3)
        old = g.workers()[0]
        g.signal(signal.SIGHUP)
        t.check(until(lambda: set(g.workers()) - {old}, 5), "another one serves")
        time.sleep(0.5)
        t.check(is_alive(old), "the old one has something to do")
        a = stream.answer(10)
        t.check(words_of(a.body) == 10 and not a.closed, "the stream is whole", a.body[-99:])
        half.send_raw(data[30:])
        begun.send_raw(data[4:])
        for call in (half, begun):
            a = call.answer(10)
            t.check(a.status == 200 and not a.closed, "half a request is completed", a.status)
        t.check(until(lambda: not is_alive(old), 5), "then it goes")
        for c in (half.connection, begun.connection, stream.connection, silent):
            a = kept_call(g, c).run()
            t.check(a.status == 200 and not a.closed, "each connection goes on", a.status)


def test_nobody(t):
    """Where nobody accepts they are served by who leaves, and handed on later."""
    with Gateway(up, CHATMOCK_WORKERS=1, CHATMOCK_DRAIN_TIMEOUT=30) as g:
        connections = kept_many(t, g, 20)
        old = g.workers()[0]
        g.signal(signal.SIGSTOP)        # the master: it can not replace it
        os.kill(old, signal.SIGTERM)
        time.sleep(0.1)
        for _ in range(3):
            begun = time.monotonic()
            answers = [kept_call(g, c).run(10) for c in connections]
            t.check(all(a.status == 200 and not a.closed for a in answers), "served",
                    [a.status for a in answers])
            t.check(time.monotonic() - begun < 3, "soon", time.monotonic() - begun)
            time.sleep(0.4)
        t.check(is_alive(old), "it stays meanwhile")
        g.signal(signal.SIGCONT)
        t.check(until(lambda: not is_alive(old), 10), "a successor takes them over")
        answers = [kept_call(g, c).run(10) for c in connections]
        t.check(all(a.status == 200 and not a.closed for a in answers), "and serves",
                [a.status for a in answers])


def test_many(t):
    """More than the queue has room for."""
    with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=30) as g:
        connections = kept_many(t, g, 700)
        old = set(g.workers())
        g.signal(signal.SIGHUP)
        t.check(until(lambda: g.workers() and not old & set(g.workers()), 10), "old ones go")
        answers = [kept_call(g, c).run(10) for c in connections]
        t.check(sum(a.status == 200 and not a.closed for a in answers) == 700,
                "all are answered by others")


def test_stop(t):
    """Where all end there is nobody to hand on to: they are closed."""
    for how in ("master", "group", "killed"):
        with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=30) as g:
            connections = kept_many(t, g, 20)
            old, begun = g.workers(), time.monotonic()
            if how == "group":
                for worker in old:
                    os.kill(worker, signal.SIGTERM)
            g.signal(signal.SIGKILL if how == "killed" else signal.SIGTERM)
            t.check(g.ended(5) is not None, how, "it ends")
            t.check(until(lambda: not any(map(is_alive, old)), 5), how, "all end")
            t.check(time.monotonic() - begun < 4, how, "soon", time.monotonic() - begun)
            for c in connections:
                try:
                    c.sock.settimeout(5)
                    t.check(c.sock.recv(1) == b"", how, "closed")
                except socket.timeout:
                    t.check(False, how, "closed")


if __name__ == "__main__":
    sys.exit(Checks("kept").run(
        test_reload, test_recycling, test_apache, test_restart, test_term_of_one, test_idle,
        test_crash,
        test_other_version, test_moment, test_halves, test_nobody, test_many, test_stop))
