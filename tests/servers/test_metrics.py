#!/usr/bin/env python3
"""What the gateway counts, seen from outside: exact under load, kills and
reloads, and whatever is done to the metrics file.

    tests/servers/test_metrics.py [word of a test's name ...]
"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import (BIN, Checks, Gateway, Home, Load, Upstream, chat, environment,
                 post_chat, request, until)

up = Upstream()
HEALTH = os.path.join(BIN, "health.fcgi")
CHAT = "/v1/chat/completions"
SERIES = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Page:
    """/metrics, as one plain CGI request of health.fcgi gives it."""

    def __init__(self, home, **env):
        out = subprocess.run([HEALTH], stdin=subprocess.DEVNULL, timeout=30,
                             capture_output=True, env=environment(
            CHATMOCK_HOME=home, REQUEST_METHOD="GET", REQUEST_URI="/metrics",
            SCRIPT_NAME="", PATH_INFO="/metrics", REMOTE_ADDR="127.0.0.1",
            SERVER_ADDR="127.0.0.1", HTTP_HOST="localhost",
            SERVER_PROTOCOL="HTTP/1.1", **env)).stdout.decode()
        self.text = out
        self.series = []
        for line in out.split("\n"):
            m = SERIES.match(line)
            if m:
                self.series.append((m[1], dict(LABEL.findall(m[2] or "")),
                                    float(m[3])))

    def sum(self, name, **labels):
        return sum(value for n, have, value in self.series if n == name and
                   all(have.get(k) == v for k, v in labels.items()))

    def requests(self, **labels):
        return self.sum("http_requests_total", **labels)


def metrics_of(g):
    return os.path.join(g.home.dir, "metrics")


def readable(g):
    return Page(g.home.dir).sum("chatmock_metrics_file_readable") == 1


def chats(home, **env):
    return Page(home.dir, **env).requests(route=CHAT)


def counted(t, home, want, what, seconds=15, **env):
    """A request is counted a moment after its client has the answer."""
    t.check(until(lambda: chats(home, **env) == want, seconds), what,
            chats(home, **env), want)


def test_counts(t):
    with Gateway(up) as g:
        path = g.home.socket
        before = Page(g.home.dir)
        for _ in range(3):
            request(path, "POST", CHAT, chat("3 words every 1 ms", False))
        for _ in range(4):
            request(path, "POST", CHAT, chat("3 words every 1 ms"),
                    params={"HTTP_AUTHORIZATION": "Bearer sk-secret-of-mine"})
        request(path, "GET", "/nothing/here")
        request(path, "POST", CHAT, b"{")
        a = post_chat(path, "5000 words every 20 ms")
        a.read()
        a.close()
        counted(t, g.home, 9, "all of them")
        t.check(until(lambda: Page(g.home.dir).sum("chatmock_requests_in_flight") == 0, 5),
                "none is in flight")
        page = Page(g.home.dir)
        check = lambda got, want, what: t.check(got == want, what, got, want)  # noqa: E731
        check(page.requests(route=CHAT, status="200"), 7, "answers by route")
        check(page.requests(route=CHAT, status="400"), 1, "refusals by route")
        check(page.requests(route=CHAT, status="499"), 1, "who left, by route")
        check(page.requests(status="404"), 1, "what is not there")
        check(page.requests(route="/nothing/here"), 0, "no path of a client's")
        check(page.sum("http_request_duration_seconds_count", tongue="chat"),
              page.requests(tongue="chat"), "one duration a request")
        check(page.sum("chatmock_time_to_first_token_seconds_count"), 8, "first tokens")
        check(page.sum("chatmock_upstream_duration_seconds_count"), 8, "upstream's times")
        check(page.sum("chatmock_own_duration_seconds_count"), 8, "own times")
        own = page.sum("chatmock_own_duration_seconds_sum")
        t.check(0 < own < 8 * 0.5, "own time is little", own)
        check(page.sum("chatmock_tokens_total", type="input", model="gpt-5.5"), 7,
              "tokens in")
        check(page.sum("chatmock_tokens_total", type="output", model="gpt-5.5"), 14,
              "tokens out")
        check(page.sum("chatmock_answers_total", usage="complete"), 7, "answers")
        check(page.sum("chatmock_answers_total", usage="partial"), 1, "partial ones")
        check(page.sum("chatmock_stream_aborts_total", side="client"), 1, "aborts")
        check(page.sum("chatmock_upstream_requests_total", outcome="ok"), 7, "calls")
        check(page.sum("chatmock_upstream_requests_total", outcome="aborted"), 1,
              "calls that we ended")
        check(page.sum("chatmock_upstream_requests_total"), 8, "all calls")
        check(page.sum("chatmock_master_starts_total"), 1, "masters")
        check(page.requests() - before.requests(), 10, "all of them")
        key = hashlib.sha256(b"sk-secret-of-mine").hexdigest()[:8]
        check(page.sum("chatmock_key_tokens_total", type="output", key=key), 8,
              "tokens by the key's hash")
        check(page.sum("chatmock_key_tokens_total", type="output"), 14,
              "by all keys and none")
        lines = [x for x in g.home.log("access.log") if x["path"] == CHAT]
        check(len([x for x in lines if x.get("key") == key and x.get("out") == 2]),
              4, "the log has the key's hash and its tokens")
        check([x.get("usage_partial") for x in lines if x["end"] == "client_gone"],
              [True], "the log says what is partial")
        everything = page.text + json.dumps(lines)
        t.check("sk-secret" not in everything, "no key anywhere")
        with open(metrics_of(g), "rb") as f:
            raw = f.read()
        t.check(key.encode() in raw and b"sk-secret" not in raw,
                "the file has the hash alone")


def test_cgi(t):
    """A process for one request counts into the same file."""
    with Gateway(up) as g:
        body = chat("2 words every 1 ms", False)
        request(g.home.socket, "POST", CHAT, body)
        counted(t, g.home, 1, "a worker's")
        path = os.path.join(g.home.dir, "body")
        with open(path, "wb") as f:
            f.write(body)
        with open(path, "rb") as f:
            r = subprocess.run(
                [os.path.join(BIN, "chatmock.fcgi")], stdin=f, timeout=30,
                capture_output=True, env=environment(
                    CHATMOCK_HOME=g.home.dir, CHATMOCK_UPSTREAM_URL=up.url,
                    REQUEST_METHOD="POST", REQUEST_URI=CHAT, SCRIPT_NAME="",
                    PATH_INFO=CHAT, CONTENT_TYPE="application/json",
                    CONTENT_LENGTH=str(len(body)), REMOTE_ADDR="127.0.0.1",
                    HTTP_HOST="localhost", SERVER_PROTOCOL="HTTP/1.1",
                    GATEWAY_INTERFACE="CGI/1.1"))
        t.check(r.returncode == 0 and b"chat.completion" in r.stdout, "answered", r)
        page = Page(g.home.dir)
        t.check(page.requests(route=CHAT, status="200") == 2, "both", page.text)
        t.check(page.sum("chatmock_answers_total", usage="complete") == 2, "both whole")


# --- what may lie there

def lay_good(path):
    home = Home()
    with Gateway(up, home=home) as g:
        shutil.copy(metrics_of(g), path)


def lay(path, content=None, size=None, good=False, patch=None):
    if good:
        lay_good(path)
    else:
        with open(path, "wb") as f:
            f.write(content or b"")
    if size is not None:
        os.truncate(path, size)
    if patch:
        with open(path, "r+b") as f:
            f.seek(patch[0])
            f.write(patch[1])
    os.chmod(path, 0o600)


def lay_link(path):
    with open(path + ".target", "wb") as f:
        f.write(b"precious")
    os.symlink(path + ".target", path)


def lay_foreign(path):
    lay(path, good=True)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)


CASES = {
    "empty": lambda p: lay(p),
    "zeros": lambda p: lay(p, size=300000),
    "noise": lambda p: lay(p, os.urandom(300000)),
    "cut": lambda p: lay(p, good=True, size=5000),
    "one byte": lambda p: lay(p, b"C"),
    "wrong version": lambda p: lay(p, good=True, patch=(8, b"\1\2\3\4")),
    "noise behind the head": lambda p: lay(
        p, good=True, patch=(4096, random.Random(7).randbytes(60000))),
    "symlink": lay_link,
    "dangling symlink": lambda p: os.symlink("nowhere", p),
    "fifo": lambda p: os.mkfifo(p, 0o600),
    "another's": lay_foreign,
    "half-made": lambda p: lay(p + ".new", os.urandom(1000)),
}


def test_whatever_lies_there(t):
    for name, prepare in CASES.items():
        home = Home()
        prepare(os.path.join(home.dir, "metrics"))
        page = Page(home.dir)
        t.check("chatmock_build_info" in page.text, name, "the page is said")
        with Gateway(up, home=home) as g:
            before = chats(home)
            t.check(request(home.socket, "POST", CHAT,
                            chat("2 words every 1 ms")).status == 200, name)
            counted(t, home, before + 1, name)
            t.check(os.path.isfile(metrics_of(g)) and
                    not os.path.islink(metrics_of(g)) and
                    os.stat(metrics_of(g)).st_mode & 0o777 == 0o600, name, "file")
            target = os.path.join(home.dir, "metrics.target")
            if os.path.exists(target):
                with open(target, "rb") as f:
                    t.check(f.read() == b"precious", name, "the target is as it was")


def test_no_place(t):
    """A directory in its place: private memory, and the file once it is gone."""
    home = Home()
    os.mkdir(os.path.join(home.dir, "metrics"))
    with Gateway(up, home=home) as g:
        for _ in range(5):
            t.check(request(home.socket, "POST", CHAT,
                            chat("2 words every 1 ms")).status == 200, "served")
        t.check(any(x["event"] == "metrics" for x in home.log()), "the log says so")
        os.rmdir(metrics_of(g))
        counted(t, home, 5, "what was counted meanwhile is there")


def test_under_us(t):
    """Truncated, removed and overwritten while requests go on."""
    def cut_all(path): os.truncate(path, 0)                        # noqa: E704
    def cut_some(path): os.truncate(path, 30000)                   # noqa: E704
    def remove(path): os.unlink(path)                              # noqa: E704

    def overwrite(path):
        with open(path, "r+b") as f:
            f.write(os.urandom(os.path.getsize(path)))

    with Gateway(up) as g:
        workers = g.workers()
        load = Load(g.home.socket, "POST", CHAT, chat("3 words every 1 ms"))
        for act in (cut_all, cut_some, remove, overwrite, cut_all, remove):
            try:
                act(metrics_of(g))
            except FileNotFoundError:
                t.check(False, act.__name__, "no file to be hurt")
            t.check(until(lambda: readable(g), 15), act.__name__, "is made anew")
            done = Page(g.home.dir).requests()
            t.check(until(lambda: Page(g.home.dir).requests() > done + 5, 10),
                    act.__name__, "is counted in")
        load.stop()
        t.check(not load.failures, "no request failed", load.failures[:5])
        t.check(g.workers() == workers, "no worker died", g.workers(), workers)
        page = Page(g.home.dir)
        t.check(page.sum("chatmock_metrics_file_total") >= 1, "it is counted itself")
        t.check(any("made anew" in x.get("msg", "") for x in g.home.log()),
                "and logged")


def test_removed_loses_nothing(t):
    with Gateway(up) as g:
        load = Load(g.home.socket, "POST", CHAT, chat("1 words every 1 ms"))
        for _ in range(3):
            os.unlink(metrics_of(g))
            t.check(until(lambda: readable(g), 15), "made anew")
            time.sleep(0.7)
        load.stop()
        counted(t, g.home, load.done, "each request is counted once")


def test_kills(t):
    """kill -9 of a worker again and again, under load: what was answered is
    counted, and nothing of a dead one is in flight."""
    with Gateway(up, CHATMOCK_WORKERS=3) as g:
        load = Load(g.home.socket, "POST", CHAT, chat("3 words every 2 ms"), threads=6)
        kills = 0
        end = time.monotonic() + 6
        while time.monotonic() < end:
            workers = g.workers()
            if len(workers) == 3:
                os.kill(random.choice(workers), signal.SIGKILL)
                kills += 1
            # who dies within a second of its birth is replaced more slowly
            time.sleep(1.2)
        load.stop()
        t.check(kills >= 3, "workers were killed", kills)
        good = load.done - len(load.failures)
        page = Page(g.home.dir)
        # the last of a killed worker may have been said and not yet counted
        t.check(good - kills <= page.requests(route=CHAT) <= load.done,
                "counted: all that ended well, none twice",
                good, page.requests(route=CHAT), load.done)
        t.check(until(lambda: Page(g.home.dir).sum("chatmock_requests_in_flight") == 0, 10),
                "nothing is in flight")
        t.check(until(lambda: Page(g.home.dir).sum(
            "chatmock_worker_restarts_total", reason="crash") == kills, 10),
            "the kills are counted", kills, page.sum("chatmock_worker_restarts_total",
                                                     reason="crash"))


def test_reload_and_recycling(t):
    with Gateway(up, CHATMOCK_MAX_REQUESTS=50) as g:
        load = Load(g.home.socket, "POST", CHAT, chat("1 words every 1 ms"))
        for _ in range(3):
            g.signal(signal.SIGHUP)
            time.sleep(1)
        load.stop()
        t.check(not load.failures, "no request failed", load.failures[:5])
        counted(t, g.home, load.done, "each request is counted once, whoever served it")
        page = Page(g.home.dir)
        t.check(page.sum("chatmock_worker_restarts_total", reason="recycled") > 0,
                "recycled ones", page.sum("chatmock_worker_restarts_total"))
        t.check(page.sum("chatmock_worker_restarts_total", reason="crash") == 0,
                "are no crashes")
        t.check(page.sum("chatmock_master_starts_total") == 4, "reloads are counted",
                page.sum("chatmock_master_starts_total"))


class SameHome(Home):
    """Another gateway's place in a home that is there."""

    def __init__(self, other):
        self.dir, self.socket = other.dir, other.socket + "2"

    def remove(self):
        pass


def test_two_versions(t):
    old = {"CHATMOCK_TEST_METRICS_LAYOUT": "old"}
    with Gateway(up, **old) as a, Gateway(up, home=SameHome(a.home)) as b:
        for g, count in ((a, 3), (b, 5)):
            for _ in range(count):
                request(g.home.socket, "POST", CHAT, chat("1 words every 1 ms"))
        counted(t, a.home, 3, "the old one's count", **old)
        counted(t, a.home, 5, "the new one's count")


def test_another_boot(t):
    home = Home()
    keep = home.dir + ".kept"
    with Gateway(up, home=home, CHATMOCK_TEST_BOOT="abc0") as g:
        for _ in range(3):
            request(home.socket, "POST", CHAT, chat("1 words every 1 ms"))
        counted(t, home, 3, "the boot before", CHATMOCK_TEST_BOOT="abc0")
        shutil.copy(metrics_of(g), keep)
    home = Home()
    shutil.move(keep, os.path.join(home.dir, "metrics"))
    with Gateway(up, home=home) as g:
        request(home.socket, "POST", CHAT, chat("1 words every 1 ms"))
        counted(t, home, 4, "counters go on")
        page = Page(home.dir)
        t.check(page.sum("chatmock_requests_in_flight") == 0, "slots do not")
        t.check(page.sum("chatmock_workers") == 2, "workers are those of this boot",
                page.sum("chatmock_workers"))


def fill_up(path):
    try:
        with open(path, "wb", buffering=0) as f:
            while f.write(bytes(256)):
                pass
    except OSError:
        pass


def test_full_disk(t):
    """64 KB of disk for all: served all the same, counted all the same."""
    home = Home()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tiny", home.dir],
        capture_output=True).returncode == 0
    if not mounted:
        print("SKIP test_full_disk: mounting is not allowed here")
        home.remove()
        return
    try:
        home.furnish()
        with Gateway(up, home=home) as g:
            fill_up(os.path.join(home.dir, "ballast"))
            for _ in range(20):
                t.check(request(home.socket, "POST", CHAT,
                                chat("2 words every 1 ms")).status == 200, "served")
            t.check(not os.path.exists(metrics_of(g)), "there is no file")
            subprocess.run(["mount", "-o", "remount,size=8m", home.dir], check=True)
            counted(t, home, 20, "the file comes with the space, and has all")
            t.check(until(lambda: Page(home.dir).sum("chatmock_log_dropped_total") > 0, 5),
                    "lines that found no place are counted")
    finally:
        subprocess.run(["umount", "-l", home.dir], check=False)
        home.remove()


if __name__ == "__main__":
    sys.exit(Checks("test_metrics").run(
        test_counts, test_cgi, test_whatever_lies_there, test_no_place, test_under_us,
        test_removed_loses_nothing, test_kills, test_reload_and_recycling,
        test_two_versions, test_another_boot, test_full_disk))
