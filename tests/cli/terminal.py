"""The chatmock command as a person uses it: piped, and in a real terminal.

    with Place() as p:                          # a CHATMOCK_HOME of its own
        r = p.run("config", "show", "--json")   # piped: r.code r.out r.err
        r.json()
        with Terminal(p) as t:                  # 80x24, tmux, bash
            r = t.run("chatmock config show")   # r.code, r.out: as it stands
            t.type("chatmock login\n")          # without waiting for its end
            t.wait("Waiting")                   # until that is on the screen
            t.keys("C-c")
            t.screen(colour=True)               # with its escape sequences

Nothing of the caller's environment gets in but PATH.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "servers"))

from rig import BIN, Checks, environment, free_port, until  # noqa: E402,F401

CHATMOCK = os.path.abspath(os.path.join(BIN, "chatmock"))
OK, USAGE, DATAERR, NOINPUT, UNAVAILABLE, SOFTWARE, OSERR, CANTCREAT, IOERR, \
    TEMPFAIL, NOPERM, CONFIG = 0, 64, 65, 66, 69, 70, 71, 73, 74, 75, 77, 78


class Result:
    def __init__(self, code, out, err=""):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}, out {self.out[-2000:]!r}, err {self.err[-2000:]!r}"


class Place:
    """A home, and the environment of whoever uses it. Settings are names as
    in the environment."""

    def __init__(self, **settings):
        self.top = tempfile.mkdtemp(prefix="cm-cli-", dir="/tmp")
        self.home = os.path.join(self.top, "home")
        os.mkdir(self.home, 0o700)
        self.env = {"PATH": os.path.dirname(CHATMOCK) + ":" + environment()["PATH"],
                    "HOME": self.top, "CHATMOCK_HOME": self.home,
                    "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.update({k: str(v) for k, v in settings.items()})

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode),
                  "w", newline="") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def read(self, name):
        with open(self.path(name), newline="") as f:
            return f.read()

    def run(self, *args, seconds=60, stdin="", program=CHATMOCK, **env):
        """Piped. env: "" is one that is not given."""
        whole = dict(self.env, **{k: str(v) for k, v in env.items()})
        p = subprocess.run([program, *args], input=stdin, timeout=seconds,
                           capture_output=True, text=True, cwd=self.top,
                           errors="surrogateescape",
                           env={k: v for k, v in whole.items() if v != ""})
        return Result(p.returncode, p.stdout, p.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.top, ignore_errors=True)


class Terminal:
    """A tmux server of our own with one bash in it, whose prompt tells the
    number of the command and the exit code of the last one."""

    PROMPT = re.compile(r"^<(\d+):(\d+)> ", re.M)

    def __init__(self, place, columns=80, rows=24, shell=None, **env):
        self.socket = os.path.join(place.top, f"tmux-{time.monotonic_ns()}")
        self.env = {**place.env, "PS1": r"<\#:$?> ", **env,
                    # it would write one when the home is being removed
                    "HISTFILE": "/dev/null/none"}
        self.env = {k: v for k, v in self.env.items() if v != ""}
        del self.env["TERM"]
        config = os.path.join(place.top, "tmux.conf")
        with open(config, "w") as f:
            f.write("set -g default-terminal screen-256color\n"
                    "set -g history-limit 20000\nset -g status off\n"
                    "set -sg escape-time 0\n")
        self.shell = shell or ["bash", "--norc", "--noprofile", "-i"]
        self.tmux("-f", config, "new-session", "-d", "-x", str(columns),
                  "-y", str(rows), "-c", place.top, *self.shell, env=self.env)
        if not shell:
            self.wait_prompt(0)

    def tmux(self, *args, env=None):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *args],
                              capture_output=True, text=True, timeout=30,
                              check=True, env=env or self.env).stdout

    def screen(self, colour=False, history=True):
        """Lines that wrapped are whole again."""
        args = ["-S", "-"] if history else []
        return self.tmux("capture-pane", "-p", "-J", *args,
                         *(["-e"] if colour else []))

    def keys(self, *keys):
        """As tmux names them: "C-c", "Enter", "Tab"."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        lines = text.split("\n")
        for i, line in enumerate(lines):
            if line:
                self.tmux("send-keys", "-l", line)
            if i < len(lines) - 1:
                self.keys("Enter")

    def wait(self, pattern, seconds=20):
        """The match of a pattern on the screen; None when it does not come."""
        return until(lambda: re.search(pattern, self.screen()), seconds, 0.05)

    def prompts(self):
        return [(int(a), int(b)) for a, b in
                self.PROMPT.findall(self.screen() + " ")]

    def wait_prompt(self, number, seconds=20):
        """The exit code before the first prompt whose number is greater."""
        found = until(lambda: [p for p in self.prompts() if p[0] > number],
                      seconds, 0.05)
        if not found:
            raise RuntimeError("no prompt comes:\n" + self.screen())
        return found[-1][1]

    def run(self, line, seconds=60, colour=False):
        """What stands between this command's prompt and the next one."""
        self.tmux("send-keys", "-R")
        self.tmux("clear-history")
        before = self.prompts()
        if not before:
            # clearing took the prompt with it: an empty line brings it back
            self.keys("Enter")
            until(self.prompts, 20, 0.05)
            before = self.prompts()
        number = before[-1][0]
        self.type(line + "\n")
        code = self.wait_prompt(number, seconds)
        text = self.screen(colour)
        first = text.find(line)
        end = re.search(r"^(\x1b\[[\d;]*m)*<%d:" % (number + 1), text, re.M)
        out = text[first + len(line):end.start() if end else None]
        return Result(code, out.lstrip("\n"))

    def close(self):
        try:
            self.tmux("kill-server")
        except subprocess.CalledProcessError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


COLOUR = re.compile(r"\x1b\[[\d;]*m")
