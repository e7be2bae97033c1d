#!/usr/bin/env python3
"""The master and its workers under load, from outside: reload, recycling,
kill, hang, drain, refusals. FastCGI without a web server, so nothing is
retried on the way.

    tests/servers/test_process.py [word of a test's name ...]
"""
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import (GATEWAY, Checks, Gateway, Load, Upstream, chat, environment,
                 is_alive, post_chat, request, until, words_of)

up = Upstream()
VERSION = subprocess.run([GATEWAY, "--version"], capture_output=True,
                         text=True).stdout.split()[-1]


class Streams:
    """Streams that run beside: texts are collected to their ends."""

    def __init__(self, path, count, text):
        self.bodies, self.broken = [], 0
        self.threads = [threading.Thread(target=self.work, args=(path, text))
                        for _ in range(count)]
        for t in self.threads:
            t.start()

    def work(self, path, text):
        try:
            self.bodies.append(post_chat(path, text).all().body)
        except OSError:
            self.broken += 1

    def wait(self):
        for t in self.threads:
            t.join(60)
        return self

    def whole(self, words):
        return sum(words_of(b) == words and b"[DONE]" in b for b in self.bodies)


def other_version(source, target, version):
    """A copy that says another version: as an update would put it there."""
    with open(source, "rb") as f:
        code = f.read()
    changed = code.replace(VERSION.encode(), version.encode())
    assert changed != code and len(version) == len(VERSION)
    with open(target + ".new", "wb") as f:
        f.write(changed)
    os.chmod(target + ".new", 0o755)
    os.rename(target + ".new", target)


def test_reload_new_binary(t):
    with Gateway(up) as probe:
        exe = os.path.join(probe.home.dir, "gateway")
        other_version(GATEWAY, exe, VERSION[::-1] if VERSION != VERSION[::-1]
                      else re.sub(r"\d", "8", VERSION))
        with Gateway(up, exe) as g:
            old = g.workers()
            first = request(g.home.socket, "GET", "/").headers.get("x-chatmock-version")
            load = Load(g.home.socket)
            posts = Load(g.home.socket, "POST", "/v1/chat/completions",
                         chat("5 words every 10 ms"), threads=2)
            streams = Streams(g.home.socket, 6, "30 words every 100 ms")
            time.sleep(0.5)
            new = re.sub(r"\d", "9", VERSION)
            other_version(GATEWAY, exe, new)
            g.signal(signal.SIGHUP)
            seen = until(lambda: new in load.headers, 5)
            t.check(seen, "the new version answers", first, load.headers)
            time.sleep(0.3)
            now = set(g.workers()) - set(old)
            t.check(len(now) == 2, "two new workers", now)
            t.check(g.p.poll() is None, "the master kept its pid")
            streams.wait()
            load.stop(), posts.stop()
            t.check(not load.failures, "no failed request", load.failures[:5], load.done)
            t.check(not posts.failures, "no failed stream", posts.failures[:5], posts.done)
            t.check(load.done > 200, "there was load", load.done)
            t.check(streams.whole(30) == 6, "old streams ended well",
                    streams.broken, [words_of(b) for b in streams.bodies])
            t.check(until(lambda: not set(old) & set(g.workers()), 3),
                    "old workers have gone", old, g.workers())


def test_reload_many(t):
    with Gateway(up) as g:
        load = Load(g.home.socket)
        posts = Load(g.home.socket, "POST", "/v1/chat/completions",
                     chat("3 words every 5 ms"), threads=2)
        for i in range(20):
            g.signal(signal.SIGHUP)
            time.sleep(0.02 if i % 3 else 0.3)
        time.sleep(1)
        load.stop(), posts.stop()
        t.check(not load.failures, "no failed request", load.failures[:5], load.done)
        t.check(not posts.failures, "no failed stream", posts.failures[:5])
        t.check(until(lambda: len(g.workers()) == 2, 5), "two workers are left",
                g.workers())
        starts = [l for l in g.home.log() if l["event"] == "master_start"]
        t.check(len(starts) > 5, "it was executed anew", len(starts))
        t.check(starts[-1]["generation"] == len(starts), "and counted", starts[-1])


def test_reload_settings(t):
    with Gateway(up) as g:
        conf = os.path.join(g.home.dir, "chatmock.conf")
        old = g.workers()
        with open(conf, "w") as f:
            f.write("[codex]\nenabled = maybe\n")
        g.signal(signal.SIGHUP)
        refused = until(lambda: [l for l in g.home.log()
                                 if l["event"] == "reload_refused"], 5)
        t.check(refused, "the refusal is logged")
        t.check(refused and "ENABLED" in refused[-1].get("said", ""),
                "with the setting's name", refused)
        t.check(g.workers() == old, "the old workers go on", old, g.workers())
        t.check(request(g.home.socket, "GET", "/").status == 200, "and answer")
        with open(conf, "w") as f:
            f.write("[codex]\nenabled = false\n")
        g.signal(signal.SIGHUP)
        body = chat("3 words every 5 ms")

        def disabled():
            a = request(g.home.socket, "POST", "/v1/chat/completions", body)
            return a.status == 503 and b"codex_disabled" in a.body
        t.check(until(disabled, 5), "a good file takes effect")
        t.check(until(lambda: not set(old) & set(g.workers()), 5), "old ones went")


def test_reload_broken_binary(t):
    with Gateway(up) as probe:
        exe = os.path.join(probe.home.dir, "gateway")
        other_version(GATEWAY, exe, re.sub(r"\d", "7", VERSION))
        for content in (b"#!/bin/false\n", b"\x7fELF garbage", None):
            with Gateway(up, exe) as g:
                old = g.workers()
                if content is None:
                    os.unlink(exe)
                else:
                    with open(exe + ".new", "wb") as f:
                        f.write(content)
                    os.chmod(exe + ".new", 0o755)
                    os.rename(exe + ".new", exe)
                g.signal(signal.SIGHUP)
                t.check(until(lambda: any(l["event"] == "reload_refused"
                                          for l in g.home.log()), 5),
                        "refused", content)
                time.sleep(0.3)
                t.check(g.workers() == old and g.ready(), "the old ones go on", content,
                        old, g.workers(), g.home.log()[-4:])
                g.end()
            other_version(GATEWAY, exe, re.sub(r"\d", "7", VERSION))


def test_recycling(t):
    with Gateway(up, CHATMOCK_WORKERS=1, CHATMOCK_MAX_REQUESTS=50,
                 CHATMOCK_VERBOSE=1) as g:
        load = Load(g.home.socket)
        posts = Load(g.home.socket, "POST", "/v1/chat/completions",
                     chat("3 words every 5 ms"), threads=2)
        until(lambda: load.done + posts.done >= 5000, 30)
        load.stop(), posts.stop()
        t.check(not load.failures, "no failed request", load.failures[:5], load.done)
        t.check(not posts.failures, "no failed stream", posts.failures[:5])
        events = [l["event"] for l in g.home.log()]
        born = events.count("worker_born")
        t.check(20 < born <= (load.done + posts.done) / 50 + 2,
                "workers were replaced", born, load.done + posts.done)
        t.check(load.slowest < 1, "nobody waited", load.slowest)
        t.check("worker_died" not in events, "none of them badly")
        t.check(until(lambda: len(g.workers()) == 1, 5), "one is left", g.workers())


def test_many_streams(t):
    """More than either worker would take if it looked at itself alone."""
    with Gateway(up) as g:
        begun = time.monotonic()
        held = [post_chat(g.home.socket, "40 words every 50 ms", timeout=5)
                for _ in range(60)]
        t.check(time.monotonic() - begun < 1.5, "60 streams begin",
                time.monotonic() - begun)
        counts = [len(os.listdir(f"/proc/{w}/fd")) for w in g.workers()]
        t.check(max(counts) < 2 * min(counts) + 20, "both have their share", counts)
        t.check(all(b"[DONE]" in h.all().body for h in held), "all end well")


def test_kill(t):
    with Gateway(up) as g:
        time.sleep(1.1)         # who lived that long is replaced at once
        streams = Streams(g.home.socket, 8, "20 words every 100 ms")
        until(lambda: len(up.seen) >= 8, 2)
        time.sleep(0.4)
        victim, other = g.workers()
        os.kill(victim, signal.SIGKILL)
        begun = time.monotonic()
        t.check(until(lambda: len(set(g.workers()) - {victim}) == 2, 2, 0.005),
                "it is replaced", g.workers())
        t.check(time.monotonic() - begun < 1, "within a second")
        t.check(other in g.workers(), "the other one lives")
        load = Load(g.home.socket)
        time.sleep(0.5)
        t.check(not load.stop().failures, "requests go on", load.failures[:3])
        streams.wait()
        t.check(streams.broken + streams.whole(20) == 8,
                "a stream ends well or is cut, nothing between", streams.broken,
                [b[-80:] for b in streams.bodies])
        died = [l for l in g.home.log() if l["event"] == "worker_died"]
        t.check(len(died) == 1 and died[0].get("signal") == 9, "logged once", died)


def test_watchdog(t):
    with Gateway(up, CHATMOCK_WATCHDOG=1) as g:
        victim = g.workers()[0]
        os.kill(victim, signal.SIGSTOP)
        t.check(until(lambda: not is_alive(victim), 3), "a hung worker is killed")
        t.check(until(lambda: len(g.workers()) == 2, 1), "and replaced")
        hung = [l for l in g.home.log() if l["event"] == "worker_hung"]
        t.check(len(hung) == 1, "logged once", hung)


def test_drain(t):
    with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=10) as g:
        streams = Streams(g.home.socket, 4, "15 words every 100 ms")
        time.sleep(0.5)
        g.signal(signal.SIGTERM)
        streams.wait()
        t.check(streams.whole(15) == 4, "what runs is finished", streams.broken)
        t.check(g.ended(2) == 0, "then it ends with 0", g.p.poll())


def test_drain_limit(t):
    with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=0.5) as g:
        old = g.workers()
        streams = Streams(g.home.socket, 4, "100 words every 100 ms")
        time.sleep(0.5)
        begun = time.monotonic()
        g.signal(signal.SIGTERM)
        code = g.ended(4)
        took = time.monotonic() - begun
        t.check(code == 0 and 0.4 < took < 2.5, "it ends within the limit", code, took)
        streams.wait()
        ends = [b for b in streams.bodies if b'"error"' in b and b"[DONE]" not in b]
        t.check(len(ends) == 4, "open streams end with an error event",
                streams.broken, [b[-100:] for b in streams.bodies])
        t.check(not any(map(is_alive, old)), "no worker is left")


def test_drain_second_signal(t):
    for sig in (signal.SIGTERM, signal.SIGINT):
        with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=60) as g:
            streams = Streams(g.home.socket, 2, "100 words every 100 ms")
            time.sleep(0.4)
            g.signal(signal.SIGTERM)
            time.sleep(0.3)
            t.check(g.p.poll() is None, "one signal drains")
            g.signal(sig)
            t.check(g.ended(2) == 0, "the second cuts", sig)
            streams.wait()
            t.check(all(b'"error"' in b for b in streams.bodies) and
                    len(streams.bodies) == 2, "with an error event")


def test_master_killed(t):
    with Gateway(up, CHATMOCK_DRAIN_TIMEOUT=0.3) as g:
        old = g.workers()
        g.signal(signal.SIGKILL)
        g.ended(2)
        t.check(until(lambda: not any(map(is_alive, old)), 3), "no worker is left")


def test_max_streams(t):
    with Gateway(up, CHATMOCK_WORKERS=1, CHATMOCK_MAX_STREAMS=2) as g:
        held = [post_chat(g.home.socket, "40 words every 50 ms") for _ in range(2)]
        begun = time.monotonic()
        a = request(g.home.socket, "POST", "/v1/chat/completions",
                    chat("1 words every 1 ms"))
        t.check(a.status == 503, "one too many is 503", a.status, a.body)
        t.check(int(a.headers.get("retry-after", 0)) > 0, "says when to retry", a.headers)
        t.check(time.monotonic() - begun < 0.5, "at once")
        t.check(all(b"[DONE]" in h.all().body for h in held), "the others go on")
        a = request(g.home.socket, "POST", "/v1/chat/completions",
                    chat("1 words every 1 ms"))
        t.check(a.status == 200, "room again", a.status)


def test_logs_reopened(t):
    with Gateway(up) as g:
        log = os.path.join(g.home.dir, "log", "access.log")
        request(g.home.socket, "GET", "/")
        os.rename(log, log + ".1")
        g.signal(signal.SIGUSR1)
        t.check(until(lambda: os.path.exists(log), 2), "USR1 makes a new file")
        for _ in range(10):
            request(g.home.socket, "GET", "/")
        t.check(until(lambda: len(g.home.log("access.log")) >= 10, 2),
                "lines go there", len(g.home.log("access.log")))
        t.check(len(g.workers()) == 2 and g.p.poll() is None, "all live on")


def test_secrets_kept(t):
    """No core, no debugger, nothing for others to read."""
    with Gateway(up) as g:
        for pid in [g.pid] + g.workers():
            with open(f"/proc/{pid}/limits") as f:
                core = [l for l in f if l.startswith("Max core")][0].split()
            t.check(core[4] == "0" and core[5] == "0", "no core file", core)
            with open(f"/proc/{pid}/status") as f:
                umask = [l.split()[1] for l in f if l.startswith("Umask")]
            t.check(umask == ["0077"], "umask", umask)
        for name in ("error.log", "access.log"):
            mode = os.stat(os.path.join(g.home.dir, "log", name)).st_mode & 0o777
            t.check(mode == 0o600, name, oct(mode))
        kept = [f for f in os.listdir(f"/proc/{g.workers()[0]}/fd")]
        t.check(len(kept) < 24, "few descriptors", len(kept))


def run(*args, stdin=subprocess.DEVNULL, **env):
    return subprocess.run([GATEWAY, *args], env=environment(**env), stdin=stdin,
                          capture_output=True, text=True, timeout=20)


def test_started_wrongly(t):
    with Gateway(up) as g:
        home = g.home.dir
        key = os.path.join(home, "nokey")
        broken = os.path.join(home, "broken.conf")
        with open(broken, "w") as f:
            f.write("colour = blue\n")
        base = dict(CHATMOCK_HOME=home, CHATMOCK_UPSTREAM_URL=up.url)
        rows = [
            # arguments, environment, exit code, what it says
            ([], {}, 64, "spawn-fcgi -n -s"),
            (["--bogus"], {}, 64, "--bogus"),
            (["--set"], {}, 64, "NAME=VALUE"),
            (["--get", "NOPE"], {}, 64, "NOPE"),
            (["--check=1"], {}, 64, "--check"),
            (["--check"], {}, 0, "ok"),
            (["--check", "--set", "CHATMOCK_PORT=0"], {}, 78, "CHATMOCK_PORT"),
            (["--check"], {"CHATMOCK_COLOUR": "blue"}, 78, "CHATMOCK_COLOUR"),
            (["--check"], {"CHATMOCK_WORKERS": "many"}, 78, "CHATMOCK_WORKERS"),
            (["--check"], {"CHATMOCK_CONFIG": broken}, 78, "colour"),
            (["--check"], {"CHATMOCK_BIND": "0.0.0.0"}, 78, "CHATMOCK_BIND"),
            (["--check"], {"CHATMOCK_UPSTREAM_URL": "http://example.com/v1"}, 78, "http"),
            (["--check"], {"CHATMOCK_UPSTREAM_URL": "ftp://127.0.0.1/"}, 78, "ftp"),
            (["--check"], {"CHATMOCK_HOME": "/proc/nowhere"}, 73, "/proc/nowhere"),
            (["--check"], {"CHATMOCK_HOME": broken}, 73, broken),
            (["--check"], {"CHATMOCK_UPSTREAM_KEY_FILE": key}, 66, key),
            (["--check"], {"SSL_CERT_FILE": key}, 66, key),
            (["--check"], {"CODEX_CA_CERTIFICATE": key}, 66, key),
            (["--check"], {"CHATMOCK_MAX_STREAMS": "90000"}, 0, "CHATMOCK_MAX_STREAMS"),
        ]
        for args, env, code, says in rows:
            r = run(*args, **dict(base, **env))
            t.check(r.returncode == code, args, env, r.returncode, r.stdout, r.stderr)
            t.check(says.lower() in (r.stdout + r.stderr).lower(), args, env,
                    r.stdout, r.stderr)
        r = run("--get", "chatmock_port", CHATMOCK_PORT="1234", **base)
        t.check(r.stdout == "1234\n", "--get", r)
        r = run("--settings", CHATMOCK_UPSTREAM_KEY="sk-canary-123", **base)
        t.check("CHATMOCK_UPSTREAM_KEY" in r.stdout and "canary" not in r.stdout,
                "secrets are masked")
        r = run("--check", CHATMOCK_HOME=home, HOME=home)
        t.check(r.returncode == 0 and "login" in r.stdout, "no login is a warning", r)
        r = run("--login-file", CHATMOCK_HOME=home, HOME=home)
        t.check(r.returncode == 1 and not r.stdout, "no login", r)


def test_cgi(t):
    with Gateway(up) as g:
        base = dict(CHATMOCK_HOME=g.home.dir, CHATMOCK_UPSTREAM_URL=up.url,
                    GATEWAY_INTERFACE="CGI/1.1", SERVER_PROTOCOL="HTTP/1.1",
                    REMOTE_ADDR="127.0.0.1", SERVER_NAME="127.0.0.1",
                    HTTP_HOST="127.0.0.1")
        r = run(REQUEST_METHOD="GET", REQUEST_URI="/v1/models", SCRIPT_NAME="",
                PATH_INFO="/v1/models", **base)
        t.check(r.returncode == 0 and '"object"' in r.stdout, "models by CGI", r)
        body = chat("4 words every 5 ms")
        path = os.path.join(g.home.dir, "body")
        with open(path, "wb") as f:
            f.write(body)
        with open(path, "rb") as f:
            r = run(REQUEST_METHOD="POST", REQUEST_URI="/v1/chat/completions",
                    CONTENT_TYPE="application/json", CONTENT_LENGTH=str(len(body)),
                    stdin=f, **base)
        t.check(r.returncode == 0 and words_of(r.stdout.encode()) == 4 and
                "[DONE]" in r.stdout, "a stream by CGI", r)
        r = run(REQUEST_METHOD="GET", REQUEST_URI="/", CHATMOCK_COLOUR="blue", **base)
        t.check(r.returncode == 78 and r.stdout.startswith("Status: 500"),
                "wrong settings are a 500", r)
        base["CHATMOCK_HOME"] = os.path.join(g.home.dir, "new")
        r = run(REQUEST_METHOD="GET", REQUEST_URI="/",
                CHATMOCK_UPSTREAM_KEY_FILE="/nowhere/key", **base)
        t.check(r.returncode != 0 and r.stdout.startswith("Status: 500") and
                "/nowhere/key" in r.stderr, "so is a key that is not there", r)
        r = run(REQUEST_METHOD="GET", REQUEST_URI="/", **base)
        t.check(r.returncode == 0 and not r.stderr and os.path.getsize(
            os.path.join(g.home.dir, "new", "log", "access.log")) > 0,
            "a first request makes its home", r)


if __name__ == "__main__":
    sys.exit(Checks("process").run(
        test_reload_new_binary, test_reload_many, test_reload_settings,
        test_reload_broken_binary, test_recycling, test_many_streams, test_kill, test_watchdog,
        test_drain, test_drain_limit, test_drain_second_signal,
        test_master_killed, test_max_streams, test_logs_reopened,
        test_secrets_kept, test_started_wrongly, test_cgi))
