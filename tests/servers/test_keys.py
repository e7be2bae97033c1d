#!/usr/bin/env python3
"""Callers' keys in a running gateway: made and revoked without a restart, by
worker and health.fcgi; their file broken, gone and back; streams that go on;
and no key in any log, page, process list or memory of the disk.

    tests/servers/test_keys.py [word of a test's name ...]
"""
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import keys  # noqa: E402
from rig import (BIN, GATEWAY, Answer, Checks, Gateway, Home, Load, Upstream,  # noqa: E402
                 chat, children, environment, is_alive, request, until, words_of)
from test_health import Health  # noqa: E402

up = Upstream()
CHATMOCK = os.path.join(BIN, "chatmock")
# A second, and what it takes to find out on a machine that may be busy.
SOON = 1.5


def chatmock(home, *args):
    r = subprocess.run([CHATMOCK, "keys", *args], capture_output=True, text=True,
                       env=environment(CHATMOCK_HOME=home.dir), timeout=30)
    if r.returncode:
        raise RuntimeError(r.stderr)
    return r.stdout.strip()


def write(home, text, mode=0o600):
    path = os.path.join(home.dir, "keys")
    with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY, mode), "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def bearer(key):
    return {"HTTP_AUTHORIZATION": "Bearer " + key} if key else {}


def status(where, key=None, path="/v1/models", **more):
    return request(where.socket if hasattr(where, "socket") else where.home.socket,
                   "GET", path, params=dict(bearer(key), **more)).status


def all_say(g, want, key=None, path="/v1/models", tries=24):
    """Of so many at once each worker has some."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return set(pool.map(lambda _: status(g, key, path), range(tries))) == {want}


def within(t, g, want, key, what):
    asked = time.monotonic()
    all_say(g, want, key)
    begun = time.monotonic()
    limit = SOON + 10 * (begun - asked)
    ok = until(lambda: all_say(g, want, key), 10, 0.01)
    took = time.monotonic() - begun
    t.check(ok and took < limit, what, f"{took:.2f} s", want)
    # a worker that was asked nothing has no excuse either
    time.sleep(max(0.0, limit - took))
    t.check(all_say(g, want, key), what, "and stays so")


def test_taken_up(t):
    """Made and revoked, a key is so for all workers within a second."""
    with Gateway(up) as g:
        before = g.workers()
        t.check(all_say(g, 200), "open without keys")
        key = chatmock(g.home, "add", "ann")
        within(t, g, 401, None, "the first key closes it")
        t.check(all_say(g, 200, key), "to others than who has it")
        second = chatmock(g.home, "add", "bob")
        within(t, g, 200, second, "a second one")
        chatmock(g.home, "revoke", "ann")
        within(t, g, 401, key, "revoked")
        t.check(all_say(g, 200, second), "the other is not")
        chatmock(g.home, "revoke", "bob")
        within(t, g, 401, second, "the last one")
        t.check(all_say(g, 401), "which opens nothing")
        t.check(g.workers() == before, "by the same workers", before, g.workers())
        told = [line for line in g.home.log() if line["event"] == "keys"]
        t.check(told and told[-1]["keys"] == 2 and told[-1]["in_force"] == 0,
                "the log says so", told)


def test_made_by_root(t):
    """The gateway's user reads what root made for it."""
    if os.geteuid() != 0:
        t.skip("a key that root makes", "we are not root")
        return
    with Gateway(up, plain=True) as g:
        key = chatmock(g.home, "add", "ann")
        t.check(os.stat(os.path.join(g.home.dir, "keys")).st_uid == 65534, "its owner")
        t.check(until(lambda: all_say(g, 401) and all_say(g, 200, key), 5), "it counts",
                status(g, key))


def test_expiry(t):
    with Gateway(up, CHATMOCK_WORKERS=1) as g:
        now = int(time.time())
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 3))
        write(g.home, keys.file_text("ann=models").replace("never", stamp))
        key = keys.text("ann")
        t.check(until(lambda: status(g, None) == 401, 5) and
                (status(g, key) == 200 or time.time() >= now + 3), "before")
        t.check(until(lambda: status(g, key) == 401, 10) and time.time() >= now + 3,
                "it runs out by itself", time.time() - now)


def test_stream_goes_on(t):
    with Gateway(up) as g:
        key = chatmock(g.home, "add", "ann")
        until(lambda: all_say(g, 401), 5)
        a = Answer(g.home.socket, "POST", "/v1/chat/completions",
                   chat("30 words every 100 ms"), params=bearer(key))
        chatmock(g.home, "revoke", "ann")
        t.check(until(lambda: all_say(g, 401, key), 5), "no new ones")
        t.check(words_of(a.all().body) == 30 and b"[DONE]" in a.body,
                "what has begun goes on to its end", a.body[-200:])


def break_file(home, how):
    path = os.path.join(home.dir, "keys")
    if how == "a bad line":
        write(home, keys.file_text("ann=models") + "what is this\n")
    elif how == "cut":
        write(home, keys.file_text("ann=models")[:-20])
    elif how == "empty":
        write(home, "")
    elif how == "a directory":
        os.unlink(path)
        os.mkdir(path)
    elif how == "a link to nowhere":
        os.unlink(path)
        os.symlink("/nowhere/at/all", path)
    elif how == "huge":
        with open(path, "r+b") as f:
            f.truncate(1 << 30)
    elif how == "gone":
        os.unlink(path)


def clear(home):
    path = os.path.join(home.dir, "keys")
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
    elif os.path.lexists(path):
        os.unlink(path)


def test_broken(t):
    """Whatever befalls the file: nobody is let in, and then all is well again."""
    ann = keys.text("ann")
    with Gateway(up) as g, Health(g.home) as h:
        for how in ("a bad line", "cut", "empty", "a directory", "a link to nowhere",
                    "huge", "gone"):
            clear(g.home)
            write(g.home, keys.file_text("ann=generate,models,operator"))
            t.check(until(lambda: all_say(g, 200, ann) and all_say(g, 401) and
                          status(h, ann, "/health") == 200, 5), how, "well before")
            break_file(g.home, how)
            t.check(until(lambda: all_say(g, 503, ann) and all_say(g, 503), 5), how,
                    "closed")
            body = json.loads(request(g.home.socket, "GET", "/v1/models").body)
            t.check(body["error"]["code"] == "keys_broken" and g.home.dir not in
                    json.dumps(body), how, "said so, without a path", body)
            t.check(until(lambda: all_say(h, 503, ann, "/health"), 5), how, "health")
            live = request(h.socket, "GET", "/health/live")
            ready = request(h.socket, "GET", "/health/ready")
            t.check(live.status == 200 and ready.status == 503 and
                    json.loads(ready.body) == {"status": "fail"}, how,
                    "probes, with nothing in them", live.body, ready.body)
            told = [line for line in g.home.log() if line["event"] == "keys"]
            t.check(told[-1]["end"] == "keys_broken" and told[-1]["why"], how,
                    "the log says why", told[-1:])
        # a worker that has never seen the file is no way in
        for pid in g.workers():
            os.kill(pid, signal.SIGKILL)
        t.check(until(lambda: len(g.workers()) == 2 and all_say(g, 503), 10),
                "nor for a new worker")
    with Gateway(up) as g:
        t.check(all_say(g, 200), "without the file a new start serves without keys")


def test_start_refused(t):
    """What lets nobody in is told at the start."""
    home = Home()
    try:
        write(home, keys.file_text("ann=models") + "what is this\n")
        r = subprocess.run([GATEWAY, "--check"], capture_output=True, text=True,
                           env=environment(CHATMOCK_HOME=home.dir,
                                           CHATMOCK_UPSTREAM_URL=up.url))
        t.check(r.returncode == 65 and "line 3" in r.stdout, "broken", r)
        write(home, keys.file_text("ann=models;revoked"))
        r = subprocess.run([GATEWAY, "--check"], capture_output=True, text=True,
                           env=environment(CHATMOCK_HOME=home.dir,
                                           CHATMOCK_UPSTREAM_URL=up.url))
        t.check(r.returncode == 0 and "nobody is let in" in r.stdout, "none in force", r)
        write(home, keys.file_text("ann=models"))
        os.chmod(os.path.join(home.dir, "keys"), 0o666)
        r = subprocess.run([GATEWAY, "--check"], capture_output=True, text=True,
                           env=environment(CHATMOCK_HOME=home.dir,
                                           CHATMOCK_UPSTREAM_URL=up.url))
        t.check(r.returncode == 77 and "chmod 600" in r.stdout, "open to others", r)
    finally:
        home.remove()


def test_health(t):
    ann, ops = keys.text("ann"), keys.text("ops")
    with Gateway(up) as g, Health(g.home) as h:
        write(g.home, keys.file_text("ann=generate,models,read ops=operator"))
        t.check(until(lambda: all_say(h, 401, None, "/health"), 5), "closed")
        time.sleep(SOON)
        for path in ("/health", "/metrics", "/status"):
            t.check((status(h, None, path), status(h, ann, path), status(h, ops, path))
                    == (401, 403, 200), path)
        for path in ("/health/live", "/health/ready"):
            t.check((status(h, None, path), status(h, "unused", path),
                     status(h, ann, path), status(h, ops, path)) == (200,) * 4, path)
            t.check(status(h, None, path, REMOTE_ADDR="192.0.2.7",
                           SERVER_ADDR="192.0.2.1") == 200, path, "from elsewhere")
        t.check(until(lambda: status(g, ops) == 403, 5), "the API is another thing")
        health = json.loads(request(h.socket, "GET", "/health",
                                    params=bearer(ops)).body)
        t.check(health["checks"]["keys"] == {"status": "pass", "value": 2,
                                             "unit": "keys"}, "as a check", health)
        body = json.loads(request(h.socket, "GET", "/status").body)
        t.check(body["error"]["code"] == "invalid_api_key" and "operator" in
                body["error"]["message"], "what to do is said", body)
        for pid in g.workers():
            os.kill(pid, signal.SIGSTOP)
        g.signal(signal.SIGSTOP)
        live = until(lambda: (a := request(h.socket, "GET", "/health/live")).status
                     == 503 and a, 15)
        t.check(live and json.loads(live.body) == {"status": "fail"},
                "without a key the verdict alone", live and live.body)
        t.check("output" in json.loads(request(h.socket, "GET", "/health/live",
                                               params=bearer(ops)).body), "with one why")
        g.signal(signal.SIGCONT)


def test_changes_under_load(t):
    """Others' keys come and go; who has a good one notices nothing."""
    with Gateway(up) as g:
        key = chatmock(g.home, "add", "ann")
        until(lambda: all_say(g, 401), 5)
        load = Load(g.home.socket, uri="/v1/models", params=bearer(key))
        for i in range(20):
            chatmock(g.home, "add", f"k{i}")
            chatmock(g.home, "revoke", f"k{i}")
        until(lambda: load.done > 500, 20)
        load.stop()
        t.check(not load.failures and load.done > 500, "no request failed", load.done,
                load.failures[:5])


def files_below(top):
    for at, _, names in os.walk(top):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def test_no_trace(t):
    """The key's text is in what the client sent, and nowhere else."""
    with Gateway(up, CHATMOCK_VERBOSE=1, CHATMOCK_LOG_BODIES=1,
                 CODEX__VERBOSE_LOGGING=1) as g, Health(g.home) as h:
        key, ops = chatmock(g.home, "add", "ann"), \
            chatmock(g.home, "add", "ops", "--scope", "operator")
        gone, strange = chatmock(g.home, "add", "gone"), keys.text("stranger")
        chatmock(g.home, "revoke", "gone")
        until(lambda: all_say(g, 401), 5)
        said = b""
        for k in (key, ops, gone, strange, "sk-canary-of-somebody"):
            for name in ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_API_KEY"):
                head = {name: ("Bearer " if "AUTH" in name else "") + k}
                for uri in ("/v1/chat/completions", "/v1/messages", "/api/chat",
                            "/v1/responses", "/v1/nothing"):
                    a = Answer(g.home.socket, "POST", uri, chat("1 words every 1 ms"),
                               params=head).all()
                    said += a.body + repr(a.headers).encode()
        pages = b"".join(request(h.socket, "GET", p, params=bearer(ops)).body
                         for p in ("/metrics", "/health", "/status"))
        t.check(b'key="ann"' in pages, "tokens are counted by the key's name")
        secrets = [key, ops, gone, strange, "sk-canary-of-somebody"]
        where = {"an answer": said, "a page of health.fcgi": pages,
                 "what upstream got": b"".join(
                     s.body + repr(sorted(s.headers.items())).encode() for s in up.seen)}
        for path in files_below(g.home.dir):
            with open(path, "rb") as f:
                where[path] = f.read()
        for pid in [g.pid, h.p.pid] + g.workers() + children(h.p.pid):
            for name in ("cmdline", "environ", "comm"):
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as f:
                        where[f"/proc/{pid}/{name}"] = f.read()
                except OSError:
                    pass
        for place, text in where.items():
            found = [s[:6] for s in secrets if s.encode() in text or
                     s[3:].encode() in text]
            t.check(not found, "no key in", place, found)
        lines = [line for line in g.home.log("access.log")
                 if line.get("key_name") == "ann"]
        t.check(lines and all(re.fullmatch("key_[0-9a-f]{12}", line["key"])
                              for line in lines), "the log names it", lines[:1])
        t.check(not any("key" in line for line in g.home.log("access.log")
                        if line["end"] in ("key_refused", "key_missing")),
                "and nothing of what was refused")


def test_cgi(t):
    home = Home()
    try:
        write(home, keys.file_text("ann=models"))
        for key, want in ((None, "401"), (keys.text("bob"), "401"),
                          (keys.text("ann"), "200")):
            r = subprocess.run(
                [GATEWAY], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                timeout=20, env=environment(
                    CHATMOCK_HOME=home.dir, CHATMOCK_UPSTREAM_URL=up.url,
                    REQUEST_METHOD="GET", REQUEST_URI="/v1/models",
                    GATEWAY_INTERFACE="CGI/1.1", SERVER_PROTOCOL="HTTP/1.1",
                    REMOTE_ADDR="192.0.2.7", HTTP_HOST="127.0.0.1", **bearer(key)))
            t.check(r.returncode == 0 and r.stdout.startswith("Status: " + want), want,
                    r)
    finally:
        home.remove()


if __name__ == "__main__":
    sys.exit(Checks("keys").run(
        test_taken_up, test_made_by_root, test_expiry, test_stream_goes_on, test_broken,
        test_start_refused, test_health, test_changes_under_load, test_no_trace,
        test_cgi))
