#!/usr/bin/env python3
"""The commands that run a gateway, typed into a real terminal; and with keys,
when only who has one is let in.

    tests/cli/test_watch.py [word of a test's name ...]
"""
import os
import re
import socket
import sys
import threading
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import Checks, Place, Terminal, free_port, until  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "servers"))
from rig import Upstream, chat  # noqa: E402

up = Upstream()
ESCAPE = "\x1b["


def gateway(**settings):
    return Place(**{"CHATMOCK_PORT": free_port(), "CHATMOCK_UPSTREAM_URL": up.url,
                    "CHATMOCK_UPSTREAM_KIND": "responses", "CHATMOCK_MODEL_SYNC": 0,
                    "CHATMOCK_WORKERS": 2, "CHATMOCK_DRAIN_TIMEOUT": 5, **settings})


def ask(p, text, key=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{p.env['CHATMOCK_PORT']}/v1/chat/completions",
        chat(text), {"Content-Type": "application/json",
                     **({"Authorization": "Bearer " + key} if key else {})})
    with urllib.request.urlopen(request, timeout=60) as r:
        return r.read()


def test_terminal(t):
    """A day with it, as it stands on the screen."""
    with gateway() as p, Terminal(p, columns=100, rows=50) as tty:
        r = tty.run("chatmock status")
        t.check(r.code == 3 and "stopped" in r.out, "stopped", r)
        r = tty.run("chatmock start")
        t.check(r.code == 0 and f"127.0.0.1:{p.env['CHATMOCK_PORT']}" in r.out,
                "started, and where", r)
        r = tty.run("chatmock status")
        t.check(r.code == 0 and all(w in r.out for w in (
            "running", "lighttpd", "workers", "in flight", "breaker")), "status", r)
        t.check(ESCAPE in tty.screen(colour=True), "in colour")
        t.check(max(map(len, r.out.splitlines())) <= 100, "within the screen", r)
        r = tty.run("NO_COLOR=1 chatmock status | cat -v")
        t.check("^[" not in r.out, "none in a pipe", r)
        t.check(b"[DONE]" in ask(p, "3 words every 1 ms"), "it answers")
        r = tty.run("chatmock start")
        t.check(r.code in (0, 75) and "run" in r.out, "it runs already", r)
        r = tty.run("chatmock reload")
        t.check(r.code == 0, "reload", r)
        r = tty.run("chatmock ensure")
        t.check(r.code == 0 and not r.out.strip(), "ensure is silent", r)
        r = tty.run("chatmock restart")
        t.check(r.code == 0, "restart", r)
        heard = []
        stream = threading.Thread(target=lambda: heard.append(
            ask(p, "60 words every 50 ms")))
        stream.start()
        until(lambda: p.run("status", "--json").json()["in_flight"] == 1, 10)
        tty.type("chatmock stop\n")
        # an open stream has its time, and it is seen that something goes on
        t.check(tty.wait(r"stop|wait", 10), "progress", tty.screen())
        tty.wait_prompt(8)
        stream.join(20)
        t.check(heard and b"[DONE]" in heard[0], "the stream had its end")
        r = tty.run("chatmock status")
        t.check(r.code == 3, "stopped", r)


def test_pipes(t):
    """What is printed there is what was asked for."""
    with gateway() as p:
        for command in ("start", "reload", "restart", "stop"):
            r = p.run(command)
            t.check(r.code == 0 and ESCAPE not in r.out + r.err, command, r)
            t.check(not re.search(r"[\r\b]", r.out + r.err), "no progress", r)
        r = p.run("status")
        t.check(r.code == 3 and ESCAPE not in r.out, "status", r)


def test_keys(t):
    """Keys shut the operator's commands out of nothing."""
    with gateway() as p:
        key = p.run("keys", "add", "me").out.strip()
        t.check(p.run("start").code == 0, "start")
        t.check(b"[DONE]" in ask(p, "3 words every 1 ms", key), "with it: an answer")
        r = p.run("status", "--json")
        t.check(r.code == 0 and r.json()["requests"]["total"] >= 1, "status", r)
        r = p.run("reload")
        t.check(r.code == 0, "reload", r)
        t.check(key not in p.read("log/access.log") + p.read("log/error.log"),
                "it is in no log")
        t.check(p.run("stop").code == 0, "stop")


def own_address():
    """One of this machine's that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.77", 9))        # sends nothing
        except OSError:
            return None
        address = s.getsockname()[0]
        return None if address.startswith("127.") else address


def test_reachable(t):
    """An address that others reach: with a key only, whatever names it has."""
    address = own_address()
    if not address:
        t.skip("this machine has no address but loopback")
        return
    with gateway(CHATMOCK_BIND=address) as p:
        r = p.run("start")
        t.check(r.code == 78 and "key" in r.err, "no key: refused", r)
        p.run("keys", "add", "me")
        r = p.run("start")
        t.check(r.code == 0, "with a key it starts", r)
        r = p.run("status")
        t.check(r.code == 0, "status", r)
        t.check(p.run("reload").code == 0 and p.run("stop").code == 0, "and stops")


if __name__ == "__main__":
    sys.exit(Checks("cli-watch").run(test_terminal, test_pipes, test_keys,
                                     test_reachable))
