#!/usr/bin/env python3
"""chatmock logs: piped and in a terminal, filtered, across rotation.

    tests/cli/test_logs.py [word of a test's name ...]
"""
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import CHATMOCK, COLOUR, Checks, Place, Terminal, until  # noqa: E402


def line(n, level="info", **more):
    return json.dumps(dict({"ts": "2026-11-22T10:03:11.482Z", "level": level,
                            "event": "request", "request_id": f"req_{n}",
                            "method": "POST", "path": "/v1/chat/completions",
                            "status": 200, "ms": n, "end": "ok"}, **more))


class Logs(Place):
    def __init__(self):
        super().__init__()
        self.write("log/access.log", "")
        self.write("log/error.log", "")

    def add(self, name, *lines):
        with open(self.path("log", name + ".log"), "a") as f:
            f.write("".join(l + "\n" for l in lines))


class Follow:
    """chatmock logs in a pipe, and what came out of it."""

    def __init__(self, place, *args):
        self.p = subprocess.Popen([CHATMOCK, "logs", *args], env=place.env,
                                  stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for l in self.p.stdout:
            self.lines.append(l.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.kill()
        self.p.wait()
        self.thread.join(5)


def test_piped(t):
    with Logs() as p:
        lines = [line(n) for n in range(50)]
        p.add("access", *lines)
        p.add("error", line(7, "warn", event="worker_died", msg="it died"),
              line(8, "error"), "no JSON at all")
        r = p.run("logs", "access")
        t.check(r.code == 0 and r.out.splitlines() == lines[-20:],
                "the last 20, as they stand in the file", r)
        r = p.run("logs", "access", "-n", "3")
        t.check(r.out.splitlines() == lines[-3:], "-n", r)
        t.check(p.run("logs", "access", "-n", "0").out == "", "-n 0")
        r = p.run("logs", "access", "-n", "1000")
        t.check(r.out.splitlines() == lines, "all", r)
        r = p.run("logs", "-n", "1000")
        t.check(len(r.out.splitlines()) == 53 and "==>" not in r.out,
                "both, no headers in a pipe", r)
        r = p.run("logs", "--id", "req_7")
        t.check([json.loads(l)["request_id"] for l in r.out.splitlines()] ==
                ["req_7", "req_7"], "one request, in both", r)
        r = p.run("logs", "error", "--level", "error")
        t.check(r.out.splitlines() == [line(8, "error")], "a level", r)
        t.check(p.run("logs", "nonsense").code == 64, "no such log")
        t.check(p.run("logs", "--level", "loud").code == 64, "no such level")
        t.check(p.run("logs", "-n", "many").code == 64, "no number")
        # a line without its end is no line yet
        with open(p.path("log", "access.log"), "a") as f:
            f.write('{"half":')
        r = p.run("logs", "access", "-n", "2")
        t.check("half" not in r.out, "half a line is left out", r)
    with Place() as p:
        r = p.run("logs")
        t.check((r.code, r.out, r.err) == (0, "", ""), "no logs yet", r)


def test_long(t):
    """The end of a large file is found without reading all of it."""
    with Logs() as p:
        with open(p.path("log", "access.log"), "w") as f:
            for n in range(50000):
                f.write(line(n) + "\n")
        begun = time.monotonic()
        r = p.run("logs", "access", "-n", "5")
        took = time.monotonic() - begun
        t.check([json.loads(l)["ms"] for l in r.out.splitlines()] ==
                list(range(49995, 50000)), "the last five", r)
        t.check(took < 2, "at once", took)
        p.add("access", "x" * (2 << 20), line(1))
        r = p.run("logs", "access", "-n", "1")
        t.check(r.out.splitlines() == [line(1)], "behind a line of 2 MB", r.code)


def test_follow(t):
    with Logs() as p:
        p.add("access", line(1))
        with Follow(p, "-f", "-n", "1") as f:
            t.check(until(lambda: f.lines == [line(1)], 5), "what was there", f.lines)
            p.add("access", line(2))
            p.add("error", line(3))
            t.check(until(lambda: sorted(f.lines) == sorted(
                [line(1), line(2), line(3)]), 5), "what comes, of both", f.lines)
            f.lines.clear()
            # logrotate's way: the writer goes on into the renamed one for a
            # moment
            path = p.path("log", "access.log")
            with open(path, "a") as old:
                os.rename(path, path + ".1")
                p.add("access", line(5))
                old.write(line(4) + "\n")
                old.flush()
                t.check(until(lambda: f.lines == [line(4), line(5)], 10),
                        "across a rename nothing is lost", f.lines)
            f.lines.clear()
            os.rename(path, path + ".2")
            t.check(not until(lambda: f.p.poll() is not None, 1), "without a file")
            p.add("access", line(6))
            t.check(until(lambda: f.lines == [line(6)], 10), "a new one", f.lines)
            f.lines.clear()
            # copytruncate
            os.truncate(path, 0)
            time.sleep(0.5)
            p.add("access", line(7))
            t.check(until(lambda: f.lines == [line(7)], 5), "cut to nothing", f.lines)
        with Follow(p, "access", "-f", "-n", "0", "--id", "req_9") as f:
            time.sleep(0.3)
            p.add("access", line(8), line(9), line(10))
            t.check(until(lambda: f.lines == [line(9)], 5) and
                    not until(lambda: len(f.lines) > 1, 0.5), "filtered", f.lines)
    # who reads has left
    with Logs() as p:
        p.add("access", line(1))
        f = subprocess.Popen([CHATMOCK, "logs", "-f"], env=p.env,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        f.stdout.read(10)
        f.stdout.close()
        p.add("access", *[line(n) for n in range(100)])
        t.check(until(lambda: f.poll() is not None, 10) and not f.stderr.read(),
                "it ends without a word when nobody reads", f.poll())
        f.kill()
        f.wait()


def test_terminal(t):
    with Logs() as p:
        p.add("access", line(1), line(2, "error", status=502, end="upstream_broke"),
              line(3, path="/v1/\x1b[31mred\x07"))
        p.add("error", line(4, "warn", event="worker_died", msg="signal 9", path=""))
        with Terminal(p, columns=160) as term:
            term.type("chatmock logs\n")
            t.check(term.wait("worker_died"), "it is followed", term.screen())
            screen = term.screen()
            t.check("==> access.log <==" in screen and "==> error.log <==" in screen,
                    "headers", screen)
            t.check("10:03:11 info  POST /v1/chat/completions 200 1 ms" in screen,
                    "readable", screen)
            t.check("request_id=req_1" in screen and "end=upstream_broke" in screen,
                    "the rest", screen)
            t.check('{"ts"' not in screen, "no JSON", screen)
            coloured = term.screen(colour=True)
            t.check(COLOUR.search(coloured), "in colour")
            t.check("\x1b[31mred" not in coloured, "no colour of others")
            p.add("access", line(77))
            t.check(term.wait("req_77"), "what comes")
            t.check(term.screen().count("==> access.log <==") == 2,
                    "under its header", term.screen())
            term.keys("C-c")
            t.check(term.wait_prompt(1) == 130, "Ctrl-C ends it")
        with Terminal(p, columns=160, NO_COLOR="1") as term:
            r = term.run("chatmock logs access --no-follow -n 1", colour=True)
            t.check(r.code == 0 and "req_77" in r.out and not COLOUR.search(r.out),
                    "NO_COLOR, --no-follow", r)


if __name__ == "__main__":
    sys.exit(Checks("cli-logs").run(test_piped, test_long, test_follow,
                                    test_terminal))
