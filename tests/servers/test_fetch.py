#!/usr/bin/env python3
"""chatmock-fetch as cron runs it: jobs that know when they are due, one run at
a time, files that are whole at any moment.

    tests/servers/test_fetch.py [word of a test's name ...]
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import BIN, Checks, until  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import upstream as upstream_tool  # noqa: E402

FETCH = os.path.join(BIN, "chatmock-fetch")
PATH = os.environ.get("PATH", "/usr/bin:/bin")


class Place:
    """A CHATMOCK_HOME, and the fetcher run on it with nothing in its
    environment but what is given: as cron has it."""

    def __init__(self, **settings):
        self.top = tempfile.mkdtemp(prefix="cm-fetch-", dir="/tmp")
        self.home = os.path.join(self.top, "state")
        os.mkdir(self.home, 0o700)
        self.settings = settings

    def env(self, **more):
        env = dict({"HOME": self.top, "CHATMOCK_HOME": self.home,
                    "CHATMOCK_MODEL_SYNC": "0"}, **self.settings)
        env.update(more)
        return {k: str(v) for k, v in env.items() if v is not None}

    def start(self, *options, **more):
        return subprocess.Popen([FETCH, *options], env=self.env(**more),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd="/")

    def run(self, *options, seconds=120, **more):
        p = self.start(*options, **more)
        out, err = p.communicate(timeout=seconds)
        return Run(p.returncode, out, err)

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.top, ignore_errors=True)


class Run:
    """What a run said and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.lines = [json.loads(line) for line in out.splitlines()
                      if line.startswith("{")]

    def job(self, name):
        return next((l for l in self.lines if l.get("job") == name), {})

    def result(self, name):
        return self.job(name).get("result")

    def __repr__(self):
        return f"code {self.code}\n{self.out}{self.err}"


# --- how it is called

def test_called(t):
    """Exit codes, options, the table of jobs."""
    with Place() as p:
        for options, word in ((["--what"], "--what"), (["--job"], "--job"),
                              (["--job", "nothing"], "nothing"),
                              (["--force=1"], "--force"),
                              (["--set", "CHATMOCK_NOTHING=1"], "no such setting"),
                              (["--set", "CHATMOCK_PORT=x"], "CHATMOCK_PORT")):
            r = p.run(*options)
            t.check(r.code == 100 and word in r.err and not r.out,
                    f"called wrongly: {options}", r)
        r = p.run("--list")
        t.check(r.code == 0 and "login" in r.out, "--list", r)
        r = p.run("--help")
        t.check(r.code == 0 and "--force" in r.out and "111" in r.out, "--help", r)
        r = p.run("--version")
        t.check(r.code == 0 and "chatmock-fetch" in r.out, "--version", r)
        r = p.run("--now")
        t.check(r.code == 0 and r.result("login") == "idle", "nothing to do", r)
        r = p.run("--now", CHATMOCK_HOME=None)
        t.check(r.code == 0 and os.path.isdir(p.top + "/.chatmock"),
                "with HOME alone, as cron has it", r)
        t.check(os.stat(p.top + "/.chatmock").st_mode & 0o077 == 0,
                "a home that it makes is ours alone")


def test_terminal(t):
    """A person sees words, and does not wait at the start."""
    with Place() as p:
        begun = time.monotonic()
        r = subprocess.run(["script", "-qec", FETCH, "/dev/null"],
                           env=dict(p.env(), PATH=PATH), capture_output=True,
                           text=True, timeout=60, stdin=subprocess.DEVNULL)
        t.check(r.returncode == 0 and "login" in r.stdout and
                "{" not in r.stdout, "progress in words", r)
        t.check(time.monotonic() - begun < 10, "at once")


def test_jitter(t):
    """Under cron it begins at a random moment of the next 20 seconds, and
    whoever comes meanwhile leaves at once."""
    with Place() as p:
        for _ in range(4):      # the moment may be now
            first = p.start("--job", "login")
            until(lambda: os.path.exists(p.path("fetch.lock")), 10)
            begun = time.monotonic()
            r = p.run("--now", "--job", "login")
            took = time.monotonic() - begun
            first.terminate()
            first.communicate()
            if r.lines[0]["event"] == "fetch_busy":
                break
        t.check(r.code == 0 and r.lines[0]["event"] == "fetch_busy" and
                "another run is at work" in r.out, "a run that overlaps", r)
        t.check(took < 5, "at once", took)
        r = p.run("--now")
        t.check(r.result("login") == "idle", "a killed one holds up nobody", r)


def test_many(t):
    """20 at once: one does the work, all end well."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        issuer.login(p, 60)
        issuer.token({"delay_ms": 3000})
        runs = [p.start("--now", "--job", "login") for _ in range(20)]
        said = [run.communicate(timeout=60)[0] for run in runs]
        t.check(all(run.returncode == 0 for run in runs), "all end well", said)
        t.check(issuer.asked() == 1, "one asked", issuer.asked(), said)
        t.check(sum('"result":"done"' in s for s in said) == 1, "one did it", said)
        t.check(sum("fetch_busy" in s for s in said) >= 1, "others left", said)


# --- the login

class Issuer(upstream_tool.Upstream):
    """The test upstream as issuer, and logins that it knows."""

    def login(self, place, expires_in, refresh="rt_first-of-a-family"):
        token = self.access_token("acct_test", expires_in)
        login = {"OPENAI_API_KEY": None, "kept": "field", "tokens": {
            "id_token": token, "access_token": token, "refresh_token": refresh,
            "account_id": "acct_test"}}
        path = place.path("auth.json")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600),
                  "w") as f:
            json.dump(login, f)
        return token

    def asked(self):
        return self.stats()["token_requests"]


def auth(place):
    with open(place.path("auth.json")) as f:
        return json.load(f)


def test_login(t):
    """Renewed when it would run out before the next run is over."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        old = issuer.login(p, 1200)
        r = p.run("--now")
        t.check(r.code == 0 and r.result("login") == "idle" and
                not issuer.asked(), "20 minutes are long enough", r)
        t.check(auth(p)["tokens"]["access_token"] == old, "untouched")
        r = p.run("--now", "--force", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "done" and
                issuer.asked() == 1, "--force renews all the same", r)
        old = issuer.login(p, 700, auth(p)["tokens"]["refresh_token"])
        r = p.run("--now")
        t.check(r.code == 0 and r.result("login") == "done" and
                issuer.asked() == 2, "12 minutes are not", r)
        now = auth(p)
        t.check(now["tokens"]["access_token"] != old and now["kept"] == "field",
                "a new token, other fields kept", now)
        r = p.run("--now")
        t.check(r.result("login") == "idle" and issuer.asked() == 2,
                "nothing is due any more", r)
        t.check(old not in r.out + r.err, "no token is said")


def test_login_fails(t):
    """What it can not mend it says, and does not ask for again and again."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        old = issuer.login(p, 60)
        issuer.token({"status": 500, "body": {}, "repeat": 1})
        r = p.run("--now")
        t.check(r.code == 111 and r.result("login") == "failed" and
                r.job("login")["error"] == "login_renewal", "an issuer that fails", r)
        t.check(auth(p)["tokens"]["access_token"] == old, "the old one stays")
        r = p.run("--now")
        t.check(r.code == 0 and r.result("login") == "done", "the next run mends it", r)
        issuer.login(p, 60, "rt_spent-long-ago")
        issuer.token({"status": 400, "repeat": 1, "body": {"error": {
            "code": "refresh_token_reused", "message": "used"}}})
        asked = issuer.asked()
        r = p.run("--now")
        t.check(r.code == 111 and r.job("login").get("error") == "login_stale" and
                "codex login" in r.job("login")["msg"], "the command that helps", r)
        r = p.run("--now")
        t.check(r.code == 111 and issuer.asked() == asked + 1,
                "a dead token is asked about once", r, issuer.asked() - asked)
        with open(p.path("auth.json"), "w") as f:
            f.write("{")
        r = p.run("--now")
        t.check(r.code == 111 and r.job("login").get("error") == "login_broken",
                "half a file is named", r)


if __name__ == "__main__":
    sys.exit(Checks("fetch").run(
        test_called, test_terminal, test_jitter, test_many, test_login,
        test_login_fails))
