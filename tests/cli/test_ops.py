#!/usr/bin/env python3
"""The gateway as its commands run it: start, stop, restart, reload, status,
ensure; races, kills, recycled pids, other web servers.

    tests/cli/test_ops.py [word of a test's name ...]
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "servers"))
from rig import (BIN, NOBODY, ROOT, Checks, Crowd, Home, Upstream, chat,  # noqa: E402
                 environment, free_port, is_alive, until, words_of)

import http.client  # noqa: E402

CHATMOCK = os.path.join(BIN, "chatmock")
up = Upstream()


class Ran:
    def __init__(self, p):
        self.code, self.out, self.err = p.returncode, p.stdout, p.stderr

    def __repr__(self):
        return f"<{self.code} out={self.out!r} err={self.err!r}>"


def kill(pid):
    """Until it is dead: who looks at once may still see it alive."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid))


class Place:
    """A home with a gateway that commands start and stop."""

    def __init__(self, plain=False, **settings):
        self.home = Home()
        self.dir = self.home.dir
        self.command = [CHATMOCK]
        if plain and os.geteuid() == 0:
            self.command = NOBODY + [self.copy()]
        self.port = free_port()
        self.env = environment(**dict({
            "CHATMOCK_HOME": self.dir, "HOME": self.dir,
            "CHATMOCK_PORT": self.port, "CHATMOCK_UPSTREAM_URL": up.url,
            "CHATMOCK_UPSTREAM_KIND": "responses", "CHATMOCK_MODEL_SYNC": 0,
            "CHATMOCK_WORKERS": 2, "CHATMOCK_DRAIN_TIMEOUT": 5}, **settings))

    def copy(self):
        """The programs where another user may reach them, and that user's home."""
        bin = os.path.join(self.dir, "copy", "build", "bin")
        shutil.copytree(BIN, bin, symlinks=True)
        top = os.path.join(self.dir, "copy")
        shutil.copy(os.path.join(ROOT, "lighttpd.conf.sample"), top)
        shutil.copytree(os.path.join(ROOT, "deploy"), os.path.join(top, "deploy"),
                        ignore=lambda d, names: [n for n in names
                                                 if not n.endswith(".sample")])
        self.home.give_to_nobody()
        return os.path.join(bin, "chatmock")

    def run(self, *args, env=None, timeout=120):
        return Ran(subprocess.run(
            [*self.command, *args], env=env or self.env, capture_output=True,
            text=True, timeout=timeout, stdin=subprocess.DEVNULL, cwd=self.dir))

    def popen(self, *args):
        return subprocess.Popen([*self.command, *args], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, cwd=self.dir)

    def status(self):
        r = self.run("status", "--json")
        return r.code, json.loads(r.out)

    def path(self, *name):
        return os.path.join(self.dir, *name)

    def pid(self):
        with open(self.path("run", "pid")) as f:
            return int(f.read().split()[0])

    def part(self, name):
        with open(self.path("run", "state")) as f:
            return json.load(f)["parts"][name]["pid"]

    def get(self, path, timeout=10):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request("GET", path)
            r = c.getresponse()
            r.read()
            return r.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            c.close()

    def chat(self, text="3 words every 1 ms"):
        """A whole stream's bytes."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request("POST", "/v1/chat/completions", chat(text),
                      {"Content-Type": "application/json"})
            return c.getresponse().read()
        finally:
            c.close()

    def left(self):
        """Who still holds this home: by command line, environment, lock."""
        found = {}
        lock = self.path("run", "lock")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid() or not is_alive(int(pid)):
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read()
                with open(f"/proc/{pid}/environ", "rb") as f:
                    text = line + f.read()
                held = any(os.path.realpath(f"/proc/{pid}/fd/{n}") == lock
                           for n in os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue
            if held or self.dir.encode() in text:
                found[int(pid)] = line.replace(b"\0", b" ").decode()
        return found

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            self.run("stop", "-f")
        except subprocess.TimeoutExpired:
            pass
        for pid in self.left():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.home.remove()


class Stream(threading.Thread):
    """A stream that is open while something happens to the gateway."""

    def __init__(self, place, text):
        super().__init__(daemon=True)
        self.place, self.text, self.body = place, text, b""
        self.begun = threading.Event()
        self.start()
        self.begun.wait(10)

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=60)
        c.request("POST", "/v1/chat/completions", chat(self.text),
                  {"Content-Type": "application/json"})
        r = c.getresponse()
        while True:
            piece = r.read1(65536)
            self.body += piece
            if words_of(self.body) or not piece:
                self.begun.set()
            if not piece:
                return


class Load(Crowd):
    """Streams and small requests, one after the other, until stopped."""

    def __init__(self, place, threads=4):
        self.place = place
        super().__init__(threads)

    def work(self):
        while not self.stopping:
            try:
                body = self.place.chat("5 words every 5 ms")
                fault = None if b"[DONE]" in body and words_of(body) == 5 \
                    else repr(body[-200:])
            except (OSError, http.client.HTTPException) as e:
                fault = repr(e)
            self.count(fault)


def test_start_stop(t):
    with Place() as p:
        code, said = p.status()
        t.check(code == 3 and said["status"] == "stopped", "stopped is 3", said)
        r = p.run("stop")
        t.check(r.code == 0, "stop where nothing runs", r)
        r = p.run("start")
        t.check(r.code == 0 and str(p.port) in r.out, "start", r)
        t.check(b"[DONE]" in p.chat(), "it answers")
        first = p.pid()
        r = p.run("start")
        t.check(r.code == 0 and p.pid() == first, "a second start changes nothing", r)
        code, said = until(lambda: (lambda s: s if s[0] == 0 else None)(p.status()),
                           20) or p.status()
        t.check(code == 0 and said["status"] == "running", "running is 0", said)
        t.check(said["pid"] == first and said["port"] == p.port and
                said["web_server"] == "lighttpd", "who and where", said)
        running = {x["name"]: x for x in said["parts"]}
        t.check(all(running[n]["running"] and running[n]["pid"] and
                    running[n]["resident_bytes"] > 0
                    for n in ("gateway", "health", "web")), "the parts", running)
        t.check(said["in_flight"] == 0 and said["requests"]["total"] >= 1 and
                said["requests"]["error_percent"] == 0.0 and
                said["breaker"]["open"] == 0, "figures", said)
        stream = Stream(p, "40 words every 50 ms")
        t.check(until(lambda: p.status()[1]["in_flight"] == 1, 5), "in flight")
        r = p.run("stop")
        stream.join(10)
        t.check(r.code == 0 and b"[DONE]" in stream.body and
                words_of(stream.body) == 40, "stop waits for streams", r,
                stream.body[-200:])
        t.check(not p.left(), "nothing is left", p.left())
        t.check(not [f for f in os.listdir(p.path("run")) if f.endswith(".sock")
                     or f in ("pid", "state", "wish")], "no file either",
                os.listdir(p.path("run")))


def test_force(t):
    with Place(CHATMOCK_DRAIN_TIMEOUT=60) as p:
        p.run("start")
        stream = Stream(p, "400 words every 100 ms")
        begun = time.monotonic()
        waiting = p.popen("stop")
        time.sleep(0.5)
        t.check(waiting.poll() is None, "stop waits")
        r = p.run("stop", "-f")
        waiting.communicate()
        stream.join(10)
        t.check(r.code == 0 and time.monotonic() - begun < 15, "stop -f does not",
                r, time.monotonic() - begun)
        t.check(b'"error"' in stream.body and b"[DONE]" not in stream.body,
                "the stream gets its error event", stream.body[-200:])
        t.check(not p.left(), "nothing is left", p.left())
        # one that hears nothing
        p.run("start")
        os.kill(p.pid(), signal.SIGSTOP)
        os.kill(p.part("gateway"), signal.SIGSTOP)
        r = p.run("stop", "-f")
        t.check(r.code == 0 and "killed" in r.err, "who does not hear is killed", r)
        t.check(until(lambda: not p.left(), 5), "nothing is left", p.left())


def test_races(t):
    """20 of each at once: one gateway or none, and never a fault."""
    with Place() as p:
        orders = ["start", "stop"] * 10
        random.shuffle(orders)
        running = [(o, p.popen(o)) for o in orders]
        for order, process in running:
            out, err = process.communicate(timeout=150)
            t.check(process.returncode == 0, order, process.returncode, out, err)
        code, said = p.status()
        keepers = [pid for pid, line in p.left().items() if "keep" in line.split()]
        if code == 3:
            t.check(not p.left(), "none, and nothing left", p.left())
        else:
            t.check(len(keepers) == 1 and p.get("/") == 200, "one", p.left(), said)
        r = p.run("stop")
        t.check(r.code == 0 and not p.left(), "then none", r, p.left())
        # the same on top of kills
        for _ in range(3):
            p.run("start")
            both = [p.popen("stop"), p.popen("start"), p.popen("restart")]
            os.kill(p.pid(), signal.SIGKILL)
            codes = [(b.communicate(timeout=150), b.returncode) for b in both]
            t.check(all(c == 0 for _, c in codes), "with a kill between", codes)
            r = p.run("stop")
            t.check(r.code == 0 and not p.left(), "none is left", r, p.left())


def test_recycled_pid(t):
    """A pid file that names a living stranger: no signal reaches it."""
    with Place() as p:
        p.run("start")
        with open(p.path("run", "pid")) as f:
            pid, start, boot = f.read().split()
        kill(int(pid))
        stranger = subprocess.Popen(
            [sys.executable, "-c", "import signal,time\n"
             "for s in (1, 2, 10, 12, 15): signal.signal(s, lambda *a: "
             "open('heard', 'w').close())\n"
             "print('up', flush=True)\ntime.sleep(300)"],
            cwd=p.dir, stdout=subprocess.PIPE, start_new_session=True)
        stranger.stdout.readline()
        t.check(p.status()[0] in (3, 4), "its keeper gone is not running")
        with open(p.path("run", "state")) as f:
            state = f.read()
        for what, line in (("start time of another", f"{stranger.pid} {start} {boot}"),
                           ("no start time", f"{stranger.pid}"),
                           ("rubbish", f"{stranger.pid} x y z")):
            with open(p.path("run", "pid"), "w") as f:
                f.write(line + "\n")
            with open(p.path("run", "state"), "w") as f:
                f.write(re.sub(r'"pid":\d+', f'"pid":{stranger.pid}', state))
            for order in ("status", "reload", "stop", "start", "restart"):
                p.run(order)
            t.check(b"[DONE]" in p.chat(), what, "it runs all the same")
            for order in ("ensure", "stop"):
                r = p.run(order)
            t.check(r.code == 0 and stranger.poll() is None and
                    not os.path.exists(p.path("heard")), what,
                    "the stranger hears nothing")
        stranger.kill()
        stranger.wait()
        t.check(not p.left(), "nothing is left", p.left())


def test_keeper_killed(t):
    with Place() as p:
        p.run("start")
        old = [p.part(n) for n in ("gateway", "health", "web")]
        stream = Stream(p, "400 words every 100 ms")
        kill(p.pid())
        r = p.run("start")
        t.check(r.code == 0 and "left behind" in r.err, "start cleans up", r)
        t.check(not [x for x in old if is_alive(x)], "the old ones are gone", old)
        stream.join(10)
        t.check(b"[DONE]" not in stream.body, "the stream is no whole one")
        t.check(p.status()[0] == 0 or until(lambda: p.status()[0] == 0, 20),
                "and it runs", p.status())
        # all that the parts are known by is gone
        kill(p.pid())
        os.unlink(p.path("run", "state"))
        os.unlink(p.path("run", "pid"))
        r = p.run("start")
        t.check(r.code == 0 and b"[DONE]" in p.chat(), "without its files", r)
        # stop after a kill
        kill(p.pid())
        r = p.run("stop")
        t.check(r.code == 0 and not p.left(), "stop cleans up, too", r, p.left())


def test_parts_come_back(t):
    with Place() as p:
        p.run("start")
        for name in ("web", "gateway", "health"):
            pid = p.part(name)
            os.kill(pid, signal.SIGKILL)
            t.check(until(lambda: p.part(name) not in (0, pid) and
                          p.get("/health/live") == 200 and p.get("/") == 200, 20),
                    name, "is back")
            t.check(b"[DONE]" in p.chat(), name, "and answers")
        said = p.status()[1]
        t.check([x["restarts"] for x in said["parts"]][:3] == [1, 1, 1],
                "restarts are counted", said)
        # one that can not come back: degraded, and the cure ends it
        os.unlink(p.path("run", "programs"))
        os.kill(p.part("health"), signal.SIGKILL)
        t.check(until(lambda: p.status()[0] == 4, 10), "degraded is 4", p.status())
        os.symlink(BIN, p.path("run", "programs"))
        t.check(until(lambda: p.status()[0] == 0, 60, 0.2), "the cure is found",
                p.status())
        t.check(p.run("stop").code == 0 and not p.left(), "and ends", p.left())


def test_ensure(t):
    with Place() as p:
        bare = environment(CHATMOCK_HOME=p.dir, HOME=p.dir, PATH="/usr/bin:/bin")
        r = p.run("ensure", env=bare)
        t.check((r.code, r.out, r.err) == (0, "", ""), "nothing should run", r)
        p.run("start")
        r = p.run("ensure", env=bare)
        t.check((r.code, r.out, r.err) == (0, "", ""), "all is well", r)
        kill(p.pid())
        r = p.run("ensure", env=bare)
        t.check(r.code == 0 and "started again" in r.err, "it is brought back", r)
        t.check(b"[DONE]" in p.chat(), "with the settings it was started with")
        both = [p.popen("ensure") for _ in range(4)]
        t.check(all(b.communicate()[1] == "" for b in both), "and then left alone")
        p.run("stop")
        r = p.run("ensure", env=bare)
        t.check((r.code, r.out, r.err) == (0, "", "") and not p.left(),
                "what was stopped stays so", r, p.left())
        # a secret of the environment is written nowhere
        secret = "sk-" + "s3cr3t" * 4
        p.run("start", env=dict(p.env, CHATMOCK_UPSTREAM_KEY=secret))
        found = subprocess.run(["grep", "-rl", secret, p.dir], text=True,
                               capture_output=True).stdout
        t.check(not found, "the key is in no file", found)
        kill(p.pid())
        r = p.run("ensure", env=bare)
        t.check(r.code == 78 and "CHATMOCK_UPSTREAM_KEY" in r.err,
                "ensure says what it lacks", r)
        r = p.run("restart", env=dict(bare, CHATMOCK_UPSTREAM_KEY=secret))
        t.check(r.code == 0 and str(p.port) in r.out, "restart knows the rest", r)


def test_reload(t):
    with Place() as p:
        t.check(p.run("reload").code == 3, "nothing to reload is 3")
        p.run("start")
        load = Load(p)
        for _ in range(3):
            r = p.run("reload")
            t.check(r.code == 0, "reload", r)
        with open(p.path("chatmock.conf"), "w") as f:
            f.write("max_streams = none\n")
        r = p.run("reload")
        t.check(r.code == 78 and "max_streams" in r.err.lower(), "a wrong file", r)
        load.stop()
        t.check(load.done > 20 and not load.failures, "no request fails",
                load.done, load.failures[:3])
        with open(p.path("chatmock.conf"), "w") as f:
            f.write("web_server = nginx\n")
        stream = Stream(p, "20 words every 50 ms")
        r = p.run("reload")
        t.check(r.code == 0, "another web server", r)
        t.check(until(lambda: p.status()[1]["web_server"] == "nginx" and
                      p.get("/") == 200, 10), "stands there", p.status())
        stream.join(10)
        t.check(b"[DONE]" in stream.body, "streams of the old one are finished")
        with open(p.path("chatmock.conf"), "w") as f:
            f.write("web_server = nginx\n[codex]\nenabled = no\n")
        t.check(p.run("reload").code == 0, "the file's word")
        t.check(b"codex_disabled" in p.chat(), "is heard")


def test_web_servers(t):
    for name in ("nginx", "apache"):
        with Place(plain=name == "apache", CHATMOCK_WEB_SERVER=name) as p:
            r = p.run("start")
            t.check(r.code == 0 and b"[DONE]" in p.chat(), name, "answers", r)
            t.check(p.status()[1]["web_server"] == name, name, "is named")
            load = Load(p, 2)
            with open(p.path("chatmock.conf"), "w") as f:
                f.write("heartbeat = 14\n")
            t.check(p.run("reload").code == 0, name, "reload")
            load.stop()
            t.check(not load.failures, name, "no request fails", load.failures[:2])
            old = p.part("web")
            os.kill(old, signal.SIGKILL)
            t.check(until(lambda: p.part("web") not in (0, old) and
                          p.get("/") == 200, 20), name, "comes back")
            stream = Stream(p, "30 words every 30 ms")
            r = p.run("stop")
            stream.join(10)
            t.check(r.code == 0 and b"[DONE]" in stream.body, name,
                    "stop waits for streams", r, stream.body[-200:])
            t.check(not p.left(), name, "nothing is left", p.left())


def fails(t, what, code, word, *args, **settings):
    with Place(**settings) as p:
        r = p.run("start", *args)
        t.check(r.code == code and word in r.err, what, r)
        t.check(not p.left() and not os.path.exists(p.path("run", "wish")), what,
                "nothing runs", p.left())


def test_in_the_way(t):
    import socket
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        fails(t, "port taken", 69, "in use", CHATMOCK_PORT=busy.getsockname()[1])
    fails(t, "no number", 78, "CHATMOCK_PORT", CHATMOCK_PORT="many")
    fails(t, "no such web server", 78, "CHATMOCK_WEB_SERVER",
          CHATMOCK_WEB_SERVER="thttpd")
    fails(t, "a home of quotes", 78, "quote", CHATMOCK_HOME='/tmp/a"b')
    fails(t, "a long home", 78, "107", CHATMOCK_HOME="/tmp/" + "a" * 100)
    fails(t, "no file", 66, "nowhere.conf", "--config", "nowhere.conf")
    if os.geteuid() == 0:
        fails(t, "Apache as root", 78, "root", CHATMOCK_WEB_SERVER="apache")
    # a web server that ends at once
    with Place() as p:
        fake = p.path("bin")
        os.mkdir(fake)
        with open(os.path.join(fake, "lighttpd"), "w") as f:
            f.write("#!/bin/sh\necho the moon is wrong >&2\nexit 9\n")
        os.chmod(os.path.join(fake, "lighttpd"), 0o755)
        r = p.run("start", env=dict(p.env, PATH=fake + ":" + p.env["PATH"]))
        t.check(r.code == 70 and "web ended" in r.err, "a part that ends at once", r)
        t.check(not p.left(), "ends all", p.left())


def test_settings(t):
    """--set and --config reach what is started, and its successors."""
    with Place() as p:
        port = free_port()
        conf = p.path("other.conf")
        with open(conf, "w") as f:
            f.write("[codex]\nenabled = no\n")
        r = p.run("start", "-v", "--config", "other.conf", "--set",
                  f"CHATMOCK_PORT={port}")
        t.check(r.code == 0 and str(port) in r.out, "another port", r)
        p.port = port
        t.check(b"codex_disabled" in p.chat(), "another file")
        bare = environment(CHATMOCK_HOME=p.dir, HOME=p.dir)
        r = p.run("restart", env=bare)
        t.check(r.code == 0 and str(port) in r.out and b"codex_disabled" in p.chat(),
                "restart has them still", r)
        r = p.run("restart", "--set", "CODEX__ENABLED=1", env=bare)
        t.check(r.code == 0 and b"[DONE]" in p.chat(), "and takes new ones", r)


def test_foreground(t):
    with Place() as p:
        f = p.popen("start", "--foreground")
        t.check(until(lambda: p.get("/") == 200, 30), "it answers")
        t.check(p.run("start", "-F").code == 75, "one is enough")
        stream = Stream(p, "20 words every 50 ms")
        f.send_signal(signal.SIGTERM)
        out, err = f.communicate(timeout=20)
        stream.join(10)
        t.check(f.returncode == 0 and b"[DONE]" in stream.body, "TERM ends it",
                f.returncode, err)
        t.check(not p.left(), "nothing is left", p.left())
        f = p.popen("start", "--foreground")
        until(lambda: p.get("/") == 200, 30)
        os.kill(p.part("health"), signal.SIGKILL)
        out, err = f.communicate(timeout=20)
        t.check(f.returncode == 70 and "health ended" in err,
                "there a part that dies ends it", f.returncode, err)
        t.check(not p.left(), "nothing is left", p.left())


TESTS = [test_start_stop, test_force, test_races, test_recycled_pid,
         test_keeper_killed, test_parts_come_back, test_ensure, test_reload,
         test_web_servers, test_in_the_way, test_settings, test_foreground]

if __name__ == "__main__":
    sys.exit(Checks("cli-ops").run(*TESTS))
