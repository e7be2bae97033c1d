#!/usr/bin/env python3
"""`make run` as a newcomer meets it: the demo answers by the printed curl line,
one signal stops all of it, and each thing in the way is one clear line.

    tests/servers/test_run.py [word of a test's name ...]
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import keys  # noqa: E402
from rig import (BIN, ROOT, Checks, Home, Upstream, chat, environment, free_port,
                 is_alive, until, words_of)

up = Upstream()
RUN = [os.path.join(BIN, "chatmock"), "start", "--try"]


def processes_of(home):
    """Everybody whose command line or environment speaks of this home."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read()
            with open(f"/proc/{pid}/environ", "rb") as f:
                text = line + f.read()
        except OSError:
            continue
        if home.encode() in text and is_alive(pid) and int(pid) != os.getpid():
            found[int(pid)] = line.replace(b"\0", b" ").decode()
    return found


class Run:
    """The whole gateway in a home of its own."""

    def __init__(self, command=RUN, upstream=None, close_stdin=False, **settings):
        self.home = Home()
        os.rename(self.home.dir, self.home.dir + "-h")
        self.home.dir += "-h"
        self.port = settings.pop("CHATMOCK_PORT", free_port())
        if "keys" in settings:
            with open(os.path.join(self.home.dir, "keys"), "w") as f:
                f.write(keys.file_text(settings.pop("keys")))
            os.chmod(f.name, 0o600)
        env = environment(**dict({
            "CHATMOCK_HOME": self.home.dir, "HOME": self.home.dir,
            "CHATMOCK_PORT": self.port}, **settings))
        if upstream:
            env.update(CHATMOCK_UPSTREAM_URL=upstream.url,
                       CHATMOCK_UPSTREAM_KIND="responses")
        self.path = os.path.join(self.home.dir, "out")
        with open(self.path, "wb") as out:
            self.p = subprocess.Popen(
                command, env=env, stdout=out, stderr=out, cwd=ROOT,
                stdin=None if close_stdin else subprocess.DEVNULL,
                preexec_fn=(lambda: os.close(0)) if close_stdin else None,
                start_new_session=True)

    def said(self):
        with open(self.path) as f:
            return f.read()

    def ready(self, seconds=120):
        until(lambda: "Ctrl-C" in self.said() or self.p.poll() is not None, seconds)
        return "Ctrl-C" in self.said()

    def ended(self, seconds):
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def left(self):
        return until(lambda: not processes_of(self.home.dir), 1) or \
            processes_of(self.home.dir)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for pid in processes_of(self.home.dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.p.wait()
        self.home.remove()


def curl_of(run):
    """The line that it printed, as a newcomer pastes it."""
    line = [l for l in run.said().splitlines() if l.startswith("curl ")][-1]
    return subprocess.run(["bash", "-c", line], capture_output=True, timeout=30,
                          env=environment())


def health_of(run):
    """What /health says once workers are there, else None. Without a network
    the fetcher has nothing good to tell, so it may be degraded."""
    with urllib.request.urlopen(f"http://127.0.0.1:{run.port}/health", timeout=10) as r:
        doc = json.load(r)
    return doc if doc["workers"]["accepting"] else None


def test_newcomer(t):
    """make run: no login, no settings but where."""
    with Run(["make", "-s", "run"], close_stdin=True) as r:
        if not t.check(r.ready(), "it starts", r.said()):
            return
        said = r.said()
        t.check("DEMO" in said and "no login" in said, "it says that it is a demo", said)
        t.check(f"http://127.0.0.1:{r.port}/v1" in said, "and the base URL")
        t.check(said.count(f"http://127.0.0.1:{r.port}\n") >= 2, "and the others")
        t.check("chatgpt.com" not in said, "the demo asks nothing of ChatGPT", said)
        done = curl_of(r)
        t.check(b"[DONE]" in done.stdout and b"demo" in done.stdout.lower(),
                "the curl line answers", done.stdout[-300:], done.stderr)
        t.check("root" not in said or os.geteuid() == 0, "a word about root")
        health = until(lambda: health_of(r), 5)
        t.check(health and health["checks"]["master"]["status"] == "pass" and
                health["metrics"]["requests"]["total"] >= 1, "and it is well", health)
        begun = time.monotonic()
        os.killpg(r.p.pid, signal.SIGTERM)
        code = r.ended(6)
        t.check(code is not None and time.monotonic() - begun < 5,
                "TERM stops it within 5 s", code, time.monotonic() - begun)
        t.check(r.left() is True, "nothing is left", r.left())
        t.check(not [f for f in os.listdir(os.path.join(r.home.dir, "run"))
                     if f.endswith(".sock")], "no socket either")
        modes = [os.stat(os.path.join(r.home.dir, d)).st_mode & 0o077
                 for d in ("log/access.log", "run/lighttpd.conf")]
        t.check(modes == [0, 0], "files are one's own", modes)


class Stream(threading.Thread):
    def __init__(self, run, text):
        super().__init__()
        self.body = b""
        self.s = socket.create_connection(("127.0.0.1", run.port), 20)
        body = chat(text)
        self.s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                       % len(body) + body)
        self.start()
        until(lambda: words_of(self.body), 5)

    def run(self):
        while True:
            piece = self.s.recv(65536)
            self.body += piece
            if not piece:
                return


def test_stop_with_streams(t):
    for name, sig, group in (("TERM", signal.SIGTERM, False),
                             ("Ctrl-C", signal.SIGINT, True)):
        with Run(upstream=up) as r:
            if not t.check(r.ready(), name, "it starts", r.said()):
                return
            t.check("DEMO" not in r.said(), name, "no demo where there is an upstream")
            long = Stream(r, "200 words every 100 ms")
            short = Stream(r, "10 words every 100 ms")
            begun = time.monotonic()
            (os.killpg if group else os.kill)(r.p.pid, sig)
            code = r.ended(6)
            took = time.monotonic() - begun
            t.check(code == 0 and took < 5, name, "stops it within 5 s", code, took)
            long.join(2), short.join(2)
            t.check(b'"error"' in long.body and b"[DONE]" not in long.body, name,
                    "an open stream gets its error event", long.body[-200:])
            t.check(b"[DONE]" in short.body and words_of(short.body) == 10, name,
                    "a short one is finished", short.body[-200:])
            t.check(r.left() is True, name, "nothing is left", r.left())


def test_second_signal(t):
    with Run(upstream=up, CHATMOCK_DRAIN_TIMEOUT=60) as r:
        r.ready()
        stream = Stream(r, "200 words every 100 ms")
        os.kill(r.p.pid, signal.SIGTERM)
        time.sleep(1)
        t.check(r.p.poll() is None, "a drain that was set is kept")
        os.kill(r.p.pid, signal.SIGTERM)
        t.check(r.ended(4) == 0, "a second signal ends it")
        stream.join(2)
        t.check(b'"error"' in stream.body, "with an error event", stream.body[-200:])
        t.check(r.left() is True, "nothing is left", r.left())


def test_parts_that_die(t):
    for name in ("lighttpd", "chatmock.fcgi", "health.fcgi"):
        with Run(upstream=up) as r:
            r.ready()
            # a process that just ends has no command line any more
            victims = [pid for pid, line in processes_of(r.home.dir).items()
                       if os.path.basename(line.partition(" ")[0]) == name]
            os.kill(min(victims), signal.SIGKILL)
            t.check(r.ended(5) == 70, name, "dies: all ends", r.p.poll())
            part = {"chatmock.fcgi": "gateway", "health.fcgi": "health",
                    "lighttpd": "web"}[name]
            t.check(part + " ended" in r.said(), name, "is named", r.said()[-300:])
            t.check(r.left() is True, name, "nothing is left", r.left())
    with Run() as r:
        r.ready()
        os.kill(r.p.pid, signal.SIGKILL)
        t.check(until(lambda: not processes_of(r.home.dir), 5), "the script itself",
                processes_of(r.home.dir))


def test_reload(t):
    with Run(upstream=up) as r:
        r.ready()
        master = int(re.search(r"gateway (\d+)", r.said())[1])
        with open(os.path.join(r.home.dir, "chatmock.conf"), "w") as f:
            f.write("[codex]\nenabled = no\n")
        os.kill(master, signal.SIGHUP)
        t.check(until(lambda: b"503" in subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
             "-H", "Content-Type: application/json", "-d", chat("1 words every 1 ms"),
             f"http://127.0.0.1:{r.port}/v1/chat/completions"],
            capture_output=True).stdout, 5), "HUP takes the file's word")
        t.check(r.p.poll() is None, "and all runs on")


def fails(t, what, code, says, **settings):
    with Run(upstream=up, **settings) as r:
        got = r.ended(15)
        lines = [l for l in r.said().splitlines() if "warning" not in l]
        t.check(got == code, what, "exit code", got, r.said())
        t.check(len(lines) == 1 and says in lines[0], what, "one line", lines)
        t.check(r.left() is True, what, "nothing is left", r.left())


def test_in_the_way(t):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        port = busy.getsockname()[1]
        fails(t, "port taken", 69, str(port), CHATMOCK_PORT=port)
    fails(t, "wide bind", 78, "CHATMOCK_BIND", CHATMOCK_BIND="0.0.0.0")
    fails(t, "no number", 78, "CHATMOCK_PORT", CHATMOCK_PORT="many")
    fails(t, "unknown setting", 78, "CHATMOCK_COLOUR", CHATMOCK_COLOUR="blue")
    fails(t, "long path", 78, "107", CHATMOCK_HOME="/tmp/" + "a" * 100)
    fails(t, "no directory", 73, "/proc/nowhere", CHATMOCK_HOME="/proc/nowhere")
    with Run(upstream=up) as r:
        r.ready()
        with Run(upstream=up, CHATMOCK_HOME=r.home.dir) as second:
            t.check(second.ended(10) == 75, "one home, one gateway", second.said())
            t.check(str(r.p.pid) in second.said(), "whose pid is named", second.said())
            t.check(is_alive(r.p.pid), "the first goes on")


def status_of(run, host, path, key=None, address="127.0.0.1"):
    asked = urllib.request.Request(f"http://{address}:{run.port}{path}")
    asked.add_header("Host", host)
    if key:
        asked.add_header("Authorization", "Bearer " + keys.text(key))
    try:
        with urllib.request.urlopen(asked, timeout=10) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def own_address():
    """One at which others would reach this machine; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))     # nothing is sent
            return s.getsockname()[0]
        except OSError:
            return None


def test_keys(t):
    """A bind that others can reach: not without a key, and then all need one."""
    gone = "gone=generate;revoked old=generate;expired"
    fails(t, "wide bind, no key in force", 78, "CHATMOCK_BIND",
          CHATMOCK_BIND="0.0.0.0", keys=gone)
    with Run(upstream=up, CHATMOCK_BIND="0.0.0.0", keys="ann=generate,models " + gone,
             CHATMOCK_ALLOWED_HOSTS="gate.example,other.example") as r:
        if not t.check(r.ready(30), "with one it starts", r.said()):
            return
        said = r.said()
        t.check(f"http://gate.example:{r.port}/v1" in said and
                "Authorization: Bearer" in said, "how to ask is told", said)
        t.check("not encrypted" in said, "that it is plain text, too", said)
        places = ["127.0.0.1", own_address()]
        if not places[1] or places[1].startswith("127."):
            places.pop()
            t.skip("from an address of the network", "this machine has none")
        for at in places:
            for key, path, want in (
                    (None, "/v1/models", 401), ("gone", "/v1/models", 401),
                    ("old", "/v1/models", 401), ("ann", "/v1/models", 200),
                    (None, "/", 401), (None, "/health", 401),
                    ("ann", "/health", 403), (None, "/metrics", 401),
                    (None, "/status", 401), (None, "/health/live", 200)):
                got = status_of(r, "gate.example", path, key, at)
                t.check(got == want, at, path, key, got)
            t.check(status_of(r, "evil.example", "/v1/models", "ann", at) == 403,
                    at, "a name that is not listed")
        r.p.terminate()
        t.check(r.ended(10) == 0 and r.left() is True, "and ends", r.left())
    with Run(upstream=up, keys="ann=generate,models") as r:
        t.check(r.ready(30), "on loopback, too", r.said())
        t.check(status_of(r, "localhost", "/v1/models") == 401 and
                status_of(r, "localhost", "/v1/models", "ann") == 200,
                "all need one there, as well")


def test_config_file(t):
    """Port and upstream by file; blanks in the path."""
    home = Home()
    try:
        base = os.path.join(home.dir, "a home & more")
        os.makedirs(base)
        port = free_port()
        with open(os.path.join(base, "chatmock.conf"), "w") as f:
            f.write(f"port = {port}\nupstream_url = {up.url}\nupstream_kind = responses\n"
                    "drain_timeout = 1\n")
        env = environment(CHATMOCK_HOME=base, HOME=base)
        p = subprocess.Popen(RUN, env=env, stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        said = ""
        for line in p.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        t.check(f"http://127.0.0.1:{port}" in said and "DEMO" not in said,
                "the file's word is heard", said)
        stop = time.monotonic()
        p.terminate()
        rest = p.stdout.read()
        t.check(p.wait(5) == 0 and "have 1 s" in rest, "the drain, too", rest)
        t.check(time.monotonic() - stop < 3, "at once without streams")
    finally:
        home.remove()


def test_installed(t):
    """What `make install` put somewhere runs from there, without the tree."""
    home = Home()
    dest = os.path.join(home.dir, "dest")
    made = subprocess.run(["make", "-s", "install", "DESTDIR=" + dest,
                           "PREFIX=/opt/gw"], cwd=ROOT, capture_output=True,
                          timeout=600)
    top = os.path.join(dest, "opt", "gw")
    t.check(made.returncode == 0 and os.listdir(dest) == ["opt"] and
            sorted(os.listdir(top)) == ["bin", "lib", "share"],
            "it is where it belongs", made.stderr)
    with Run([os.path.join(top, "bin", "chatmock"), "start", "--try"]) as r:
        if t.check(r.ready(10), "it starts", r.said()):
            t.check(b"[DONE]" in curl_of(r).stdout, "and answers")
            r.p.terminate()
            t.check(r.ended(5) == 0 and r.left() is True, "and ends", r.left())
    home.remove()


def test_packages(t):
    """Nothing is missing here, so nothing is asked."""
    r = subprocess.run([os.path.join(ROOT, "deploy", "deps.sh"), "build", "run"],
                       capture_output=True, text=True, env=environment())
    t.check(r.returncode == 0 and not r.stdout + r.stderr, "nothing to do", r)
    r = subprocess.run([os.path.join(ROOT, "deploy", "deps.sh")],
                       capture_output=True, text=True, env=environment())
    t.check(r.returncode == 64 and "build" in r.stderr, "it wants to know for what", r)
    # As a machine without lighttpd would see it.
    with open(os.path.join(ROOT, "deploy", "deps.sh")) as f:
        changed = f.read().replace("run lighttpd lighttpd", "run no-such-program lighttpd")
    r = subprocess.run(["bash", "-c", changed, "deps.sh", "--list", "build", "run"],
                       capture_output=True, text=True, env=environment())
    t.check(r.returncode == 0 and r.stdout == "lighttpd\n", "what is missing is named", r)


if __name__ == "__main__":
    sys.exit(Checks("run").run(
        test_newcomer, test_stop_with_streams, test_second_signal,
        test_parts_that_die, test_reload, test_in_the_way, test_config_file,
        test_keys, test_installed, test_packages))
