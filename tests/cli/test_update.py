#!/usr/bin/env python3
"""chatmock update and rollback: real builds of real commits, under load. What
does not work goes back by itself, and no request fails.

    tests/cli/test_update.py [word of a test's name ...]
"""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_ops  # noqa: E402
from terminal import Terminal  # noqa: E402
from test_ops import BIN, ROOT, Checks, Load, Place, environment, until  # noqa: E402

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid",
       "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
NOT_TREE = (".git", "build", "node_modules", "__pycache__", ".cache")


def git(where, *args):
    r = subprocess.run([*GIT, "-C", where, *args], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL)
    if r.returncode:
        raise RuntimeError(f"git {args}: {r.stdout}{r.stderr}")
    return r.stdout.strip()


class Updated(Place):
    """A gateway that runs from a git tree with an origin: tree is the user's,
    author pushes."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.tree, self.author = self.path("a tree"), self.path("author")
        origin = self.path("origin.git")
        shutil.copytree(ROOT, self.author, symlinks=True, ignore=lambda d, names:
                        [n for n in names if n in NOT_TREE or n.startswith("build")
                         and os.path.isdir(os.path.join(d, n)) and d == ROOT])
        git(self.author, "init", "-q")
        git(self.author, "add", "-A")
        git(self.author, "commit", "-q", "-m", "one")
        git(self.dir, "clone", "-q", "--bare", self.author, origin)
        git(self.author, "remote", "add", "origin", origin)
        git(self.dir, "clone", "-q", origin, self.tree)
        git(self.tree, "config", "user.name", "t")
        git(self.tree, "config", "user.email", "t@example.invalid")
        # as if make had run there: objects newer than the sources
        for build in ("build", "build/update"):
            self.seed(os.path.join(self.tree, build))
        self.command = [os.path.join(self.tree, "build", "bin", "chatmock")]

    def seed(self, to):
        build = os.path.dirname(BIN)
        for name in ("obj", "bin", "libshared.a", "libfcgi.a"):
            path = os.path.join(build, name)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(to, name), symlinks=True,
                                ignore=lambda d, names: [n for n in names
                                                         if n == "tests"])
            else:
                shutil.copy(path, to)
        # the tools are a program of make's list
        tools = os.path.join(build, "obj", "tests", "tools")
        shutil.copytree(tools, os.path.join(to, "obj", "tests", "tools"))
        now = time.time()
        for round in (".o", ".a", ""):      # objects, libraries, programs
            now += 0.02
            for at, _, files in os.walk(to):
                for f in files:
                    path = os.path.join(at, f)
                    suffix = os.path.splitext(f)[1] if os.sep + "bin" not in at else ""
                    if suffix == round or (round == ".o" and suffix == ".d"):
                        os.utime(path, (now, now), follow_symlinks=False)

    def push(self, subject, **changes):
        """A commit: {path: (old, new)}, with __ for / and _dot_ for the dot."""
        for name, (old, new) in changes.items():
            path = os.path.join(self.author, name.replace("__", "/")
                                .replace("_dot_", "."))
            with open(path) as f:
                text = f.read()
            if old not in text:
                raise RuntimeError(f"{path} has no {old!r}")
            with open(path, "w") as f:
                f.write(text.replace(old, new, 1))
        git(self.author, "commit", "-q", "-a", "-m", subject)
        git(self.author, "push", "-q", "origin", "main")
        return git(self.author, "rev-parse", "HEAD")

    def take_back(self):
        git(self.author, "reset", "-q", "--hard", "HEAD~1")
        git(self.author, "push", "-q", "-f", "origin", "main")
        git(self.tree, "fetch", "-q")

    def version(self):
        return subprocess.run([self.path("run", "programs", "chatmock.fcgi"),
                               "--version"], capture_output=True, text=True).stdout

    def builds(self):
        return json.loads(self.run("rollback", "--list", "--json").out)

    def head(self):
        return git(self.tree, "rev-parse", "HEAD")

    def update(self, *args):
        return self.run("update", *args, timeout=600)

    def runs(self):
        """The file that the gateway's master executes, where it may be seen."""
        try:
            return os.readlink(f"/proc/{self.part('gateway')}/exe")
        except PermissionError:
            return os.path.realpath(self.path("run", "programs", "chatmock.fcgi"))


NAME = '"chatmock.fcgi " CHATMOCK_VERSION '


def test_update_and_rollback(t):
    with Updated(CHATMOCK_DRAIN_TIMEOUT=60) as p:
        conf = p.path("chatmock.conf")
        with open(conf, "w") as f:
            f.write("# of one\nheartbeat = 14\n")
        r = p.run("start")
        if not t.check(r.code == 0, "start", r):
            return
        r = p.update()
        t.check(r.code == 0 and "up to date" in r.out, "nothing is new", r)
        keeper, gateway = p.pid(), p.part("gateway")
        with open(os.path.join(p.tree, "README.md"), "a") as f:
            f.write("a local change\n")
        two = p.push("two", fcgi__chatmock_dot_c=(NAME + '"\\n"', NAME + '"-two\\n"'))
        load = Load(p, 3)
        long = test_ops.Stream(p, "300 words every 50 ms")
        r = p.update()
        t.check(r.code == 0 and "two" in r.out, "update", r)
        t.check("-two" in p.version() and p.head() == two, "it is the new one")
        t.check(p.runs().startswith(p.path("builds")), "which runs", p.runs())
        t.check((p.pid(), p.part("gateway")) == (keeper, gateway), "as the same "
                "processes")
        with open(os.path.join(p.tree, "README.md")) as f:
            t.check(f.read().endswith("a local change\n"), "local changes are back")
        t.check(git(p.tree, "stash", "list") == "", "no stash is left")
        t.check([b["current"] for b in p.builds()] == [True, False], "two builds",
                p.builds())
        # what is killed comes back as the new one, by the new keeper
        with open(conf, "w") as f:
            f.write("# of two\nheartbeat = 13\n")
        begun = time.monotonic()
        r = p.run("rollback")
        took = time.monotonic() - begun
        t.check(r.code == 0 and took < 60, "rollback", r, took)
        t.check("-two" not in p.version(), "to what was before", p.version())
        with open(conf) as f:
            t.check(f.read() == "# of one\nheartbeat = 14\n", "with its settings")
        r = p.run("rollback")
        t.check(r.code == 69, "there is none before that", r)
        newest = p.builds()[0]["id"]
        r = p.run("rollback", newest)
        t.check(r.code == 0 and "-two" in p.version(), "and forward again", r)
        with open(conf) as f:
            t.check(f.read() == "# of two\nheartbeat = 13\n", "settings, too")
        load.stop()
        long.join(30)
        t.check(load.done > 20 and not load.failures, "no request failed",
                load.done, load.failures[:3])
        t.check(b"[DONE]" in long.body and test_ops.words_of(long.body) == 300,
                "a long stream went through all of it", long.body[-200:])
        os.kill(p.part("health"), 9)
        t.check(until(lambda: p.get("/health/live") == 200, 20), "the keeper keeps")
        t.check(p.run("restart").code == 0 and "-two" in p.version(),
                "a restart stays with it")
        t.check(p.run("stop").code == 0 and not p.left(), "and it ends", p.left())


def test_going_back(t):
    """Four ways to be bad: none of them is noticed by who talks to it."""
    with Updated() as p:
        r = p.run("start")
        if not t.check(r.code == 0, "start", r):
            return
        with open(os.path.join(p.tree, "README.md"), "a") as f:
            f.write("a local change\n")
        was, programs = p.head(), p.version()
        load = Load(p, 3)
        bad = {
            "does not build": dict(fcgi__chatmock_dot_c=(
                "static int put_out(", "static imt put_out(")),
            "fails its self-check": dict(fcgi__chatmock_dot_c=(
                "\tstatus = starting ?",
                '\tbuf_str(out, "fault: the moon\\n");\n'
                "\tif (c)\n\t\treturn 78;\n\tstatus = starting ?")),
            "has workers that die": dict(fcgi__process__worker_dot_c=(
                "int worker_run(struct worker *w, const struct worker_hooks *hooks)\n{\n",
                "int worker_run(struct worker *w, const struct worker_hooks *hooks)\n{\n"
                "\tif (w)\n\t\t_exit(70);\n")),
            "is never ready": dict(fcgi__process__worker_dot_c=(
                "int worker_run(struct worker *w, const struct worker_hooks *hooks)\n{\n",
                "int worker_run(struct worker *w, const struct worker_hooks *hooks)\n{\n"
                "\tif (w)\n\t\tsleep(100);\n")),
        }
        for what, change in bad.items():
            p.push(what, **change)
            r = p.update()
            t.check(r.code != 0 and "went back" in r.err, what, r)
            t.check(p.head() == was and p.version() == programs, what,
                    "all is as it was", p.head(), p.version())
            with open(os.path.join(p.tree, "README.md")) as f:
                t.check(f.read().endswith("a local change\n"), what,
                        "local changes, too")
            t.check(len(p.builds()) == 1 and p.status()[0] == 0 or
                    until(lambda: p.status()[0] == 0, 30), what, "and well",
                    p.status())
            p.take_back()
        load.stop()
        t.check(load.done > 20 and not load.failures, "no request failed",
                load.done, load.failures[:3])


def test_tree(t):
    """What git says no to changes nothing."""
    with Updated() as p:
        first = p.head()
        with open(os.path.join(p.tree, "LICENSE"), "w") as f:
            f.write("mine\n")
        p.push("a conflict", LICENSE=("MIT", "TIM"))
        for args in ((), ("--no-stash",)):
            r = p.update(*args)
            with open(os.path.join(p.tree, "LICENSE")) as f:
                t.check(r.code == 69 and p.head() == first and f.read() == "mine\n",
                        args, "local changes that do not fit", r)
            t.check(git(p.tree, "stash", "list") == "", args, "no stash is left")
        p.take_back()
        git(p.tree, "checkout", "-q", "LICENSE")
        git(p.tree, "commit", "-q", "--allow-empty", "-m", "local")
        p.push("parted", LICENSE=("MIT", "ITM"))
        r = p.update()
        t.check(r.code == 69 and "brought forward" in r.err, "branches that parted", r)
        git(p.tree, "reset", "-q", "--hard", first)
        git(p.tree, "checkout", "-q", "-b", "alone")
        r = p.update()
        t.check(r.code == 69 and "set-upstream-to" in r.err, "no upstream", r)
        git(p.tree, "checkout", "-q", "main")
        git(p.tree, "remote", "set-url", "origin", p.path("nowhere"))
        r = p.update()
        t.check(r.code == 69 and "git fetch" in r.err, "no origin", r)
        # programs of no tree
        lone = p.path("lone", "bin")
        shutil.copytree(BIN, lone, symlinks=True)
        p.command = [os.path.join(lone, "chatmock")]
        r = p.update()
        t.check(r.code == 69 and "git tree" in r.err, "not built from git", r)


class Seat:
    """Where a terminal stands that types the commands of an updated gateway."""

    def __init__(self, p):
        self.top = p.dir
        self.env = dict(p.env, PATH=os.path.dirname(p.command[0]) + ":" +
                        p.env["PATH"], TERM="dumb")


def test_terminal(t):
    """Seen to go on for as long as it takes, and told how it went."""
    with Updated() as p, Terminal(Seat(p), columns=100, rows=50) as tty:
        t.check(tty.run("chatmock start").code == 0, "start", tty.screen())
        p.push("two", fcgi__chatmock_dot_c=(NAME + '"\\n"', NAME + '"-two\\n"'))
        tty.type("chatmock update\n")
        t.check(tty.wait(r"1 new commit", 60), "it says what it does", tty.screen())
        t.check(until(lambda: tty.screen().rstrip().splitlines()[-1].startswith("<"),
                      300, 0.2), "it ends", tty.screen())
        t.check("two" in tty.screen() and "-two" in p.version(), "and says what is new",
                tty.screen())
        r = tty.run("chatmock rollback --list")
        t.check(r.code == 0 and len(r.out.strip().splitlines()) >= 2, "the builds", r)
        r = tty.run("chatmock rollback", seconds=90)
        t.check(r.code == 0 and "-two" not in p.version(), "rollback", r)
        t.check(tty.run("chatmock stop", seconds=60).code == 0, "stop")


if __name__ == "__main__":
    if os.environ.get("CHATMOCK_TEST_BIN"):     # objects of another build
        print("SKIP update: it is about the build in build/")
        print("cli-update: 0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    sys.exit(Checks("cli-update").run(test_update_and_rollback, test_going_back,
                                      test_tree, test_terminal))
