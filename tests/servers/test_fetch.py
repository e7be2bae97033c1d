#!/usr/bin/env python3
"""chatmock-fetch as cron runs it: jobs that know when they are due, one run at
a time, files that are whole at any moment.

    tests/servers/test_fetch.py [word of a test's name ...]
"""
import gzip
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import BIN, Checks, until  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "tools"))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import upstream as upstream_tool  # noqa: E402
from gateway import Gateway  # noqa: E402
from test_upstreams import Authority  # noqa: E402

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
        # no test asks anybody but this machine
        env = dict({"HOME": self.top, "CHATMOCK_HOME": self.home,
                    "CHATMOCK_UPSTREAM_URL": "http://127.0.0.1:1/backend-api/codex",
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
        r = p.run("--now", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "idle" and
                not issuer.asked(), "20 minutes are long enough", r)
        t.check(auth(p)["tokens"]["access_token"] == old, "untouched")
        r = p.run("--now", "--force", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "done" and
                issuer.asked() == 1, "--force renews all the same", r)
        old = issuer.login(p, 700, auth(p)["tokens"]["refresh_token"])
        r = p.run("--now", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "done" and
                issuer.asked() == 2, "12 minutes are not", r)
        now = auth(p)
        t.check(now["tokens"]["access_token"] != old and now["kept"] == "field",
                "a new token, other fields kept", now)
        r = p.run("--now", "--job", "login")
        t.check(r.result("login") == "idle" and issuer.asked() == 2,
                "nothing is due any more", r)
        t.check(old not in r.out + r.err, "no token is said")


def test_login_fails(t):
    """What it can not mend it says, and does not ask for again and again."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        old = issuer.login(p, 60)
        issuer.token({"status": 500, "body": {}, "repeat": 1})
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and r.result("login") == "failed" and
                r.job("login")["error"] == "login_renewal", "an issuer that fails", r)
        t.check(auth(p)["tokens"]["access_token"] == old, "the old one stays")
        r = p.run("--now", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "done", "the next run mends it", r)
        issuer.login(p, 60, "rt_spent-long-ago")
        issuer.token({"status": 400, "repeat": 1, "body": {"error": {
            "code": "refresh_token_reused", "message": "used"}}})
        asked = issuer.asked()
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and r.job("login").get("error") == "login_stale" and
                "chatmock login" in r.job("login")["msg"], "the command that helps", r)
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and issuer.asked() == asked + 1,
                "a dead token is asked about once", r, issuer.asked() - asked)
        with open(p.path("auth.json"), "w") as f:
            f.write("{")
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and r.job("login").get("error") == "login_broken",
                "half a file is named", r)


def test_login_killed(t):
    """Killed while the issuer answers: the next run says what helps, and asks
    no second time with a token that is spent."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        issuer.login(p, 60)
        issuer.token({"delay_ms": 1500})
        run = p.start("--now", "--job", "login")
        until(lambda: issuer.asked() == 1, 20)
        run.kill()
        run.communicate()
        time.sleep(2)       # the token is spent by then
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and r.job("login").get("error") == "login_stale" and
                "chatmock login" in r.job("login")["msg"], "what helps", r)
        asked = issuer.asked()
        r = p.run("--now", "--job", "login")
        t.check(r.code == 111 and issuer.asked() == asked, "asked once", r)
        issuer.login(p, 3600, "rt_of-a-new-login")
        r = p.run("--now", "--job", "login")
        t.check(r.code == 0 and r.result("login") == "idle", "a new login", r)


# --- the prompts

LIMIT = 1 << 20
TEXT = "You are {model}. Answer in verse.\n"


class Source(http.server.ThreadingHTTPServer):
    """Where prompts come from, over TLS. What a path answers is its name."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, ca, cert="good"):
        super().__init__(("127.0.0.1", 0), _Source)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(ca.dir, cert + ".pem"),
                                os.path.join(ca.dir, "key.pem"))
        # the handshake belongs to the request's own thread
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        self.asked, self.text = [], TEXT
        self.url = f"https://localhost:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        pass

    def count(self, path):
        return sum(a.path == path for a in self.asked)


class _Source(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, type="text/plain; charset=utf-8",
               length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", len(body) if length is None else length)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def do_GET(self):
        self.server.asked.append(self)
        self.seen = self.headers.get("If-None-Match")
        word = self.path.split("/")[1].partition(".")[0].replace("-", "_")
        getattr(self, word, self.missing)()

    def missing(self):
        self.answer(b"404: Not Found", 404)

    def good(self):
        body = self.server.text.encode()
        tag = '"%s"' % hashlib.md5(body).hexdigest()
        if self.seen == tag:
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
        else:
            self.answer(body, ETag=tag)

    def untagged(self):
        self.answer(self.server.text.encode())

    def flaky(self):
        if self.server.count(self.path) < 3:
            self.answer(b"oops", 503)
        else:
            self.good()

    def limit(self):
        self.answer(b"x" * LIMIT)

    def status(self):
        self.answer(b"no", int(self.path.rpartition("/")[2]))

    def unasked(self):
        self.send_response(304)
        self.end_headers()

    def html(self):
        self.answer(b"Sign in", type="text/html; charset=utf-8")

    def portal(self):
        self.answer(b"\n <!DOCTYPE html><title>Wi-Fi</title>")

    def empty(self):
        self.answer(b"")

    def blank(self):
        self.answer(b" \r\n\t\n")

    def bytes(self):
        self.answer("Gr\u00fc\u00dfe".encode("latin-1"))

    def nul(self):
        self.answer(b"text\0text")

    def truncated(self):
        self.answer(b"half a pro", length=20)

    def cut(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"4\r\nhalf\r\n")
        self.close_connection = True

    def over(self):
        self.answer(b"x" * (LIMIT + 1))

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(64):
            self.wfile.write(b"x" * LIMIT)

    def bomb(self):
        self.answer(gzip.compress(b"x" * (64 * LIMIT)), Content_Encoding="gzip")

    def moved(self):
        self.answer(b"", 302, Location="/good")

    def slow(self):
        time.sleep(60)

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(300):
            self.wfile.write(b"x")
            time.sleep(0.2)


class Prompts(Place):
    """A place whose base prompt has these sources, and whose other one is
    always to be had."""

    def __init__(self, rig, *sources, **more):
        self.rig = rig
        urls = [s if "://" in s else rig.source.url + "/" + s for s in sources]
        # each fault is asked about more often than a breaker would let it be
        more.setdefault("CHATMOCK_BREAKER_FAILURES", "0")
        super().__init__(
            CODEX_CA_CERTIFICATE=rig.ca.ca,
            CHATMOCK_PROMPT_BASE_URLS=", ".join(urls),
            CHATMOCK_PROMPT_CODEX_URLS=rig.source.url + "/good.codex", **more)

    def fetch(self, *options, **more):
        return self.run("--now", "--job", "prompts", *options, **more)

    def read(self, name="base_instructions"):
        """(text, its lines of metadata.json), or None when it is no pair."""
        try:
            with open(self.path("prompt_cache", name + ".md"), "rb") as f:
                text = f.read()
            with open(self.path("prompt_cache", "metadata.json")) as f:
                entry = json.load(f).get(name, {})
        except FileNotFoundError:
            return None
        for meta in (entry, entry.get("next", {})):
            if meta.get("content_hash") == hashlib.sha256(text).hexdigest():
                return text.decode(), meta
        return None

    def bytes(self):
        found = {}
        for name in sorted(os.listdir(self.path("prompt_cache"))):
            with open(self.path("prompt_cache", name), "rb") as f:
                found[name] = f.read()
        return found


class Rig:
    """A CA, a source with a good certificate and some with bad ones."""

    def __enter__(self):
        self.ca = Authority()
        self.source = Source(self.ca)
        return self

    def __exit__(self, *exc):
        self.source.shutdown()
        self.source.server_close()
        self.ca.remove()


def test_prompts(t):
    """Fetched once a day, asked for by ETag, and only where they are used."""
    with Rig() as rig, Prompts(rig, "good") as p:
        r = p.run("--now")
        t.check(r.code == 0 and r.result("prompts") == "idle" and
                not rig.source.asked, "no setting uses them: no call", r)
        used = {"CODEX__SYSTEM_PROMPT_INJECTION_MODE": "override"}
        r = p.run("--now", **used)
        t.check(r.code == 0 and r.result("prompts") == "done", "fetched", r)
        text, meta = p.read()
        t.check(text == TEXT and meta["size"] == len(TEXT) and meta["etag"] and
                meta["source"] == rig.source.url + "/good" and
                meta["cached_at"].endswith("Z"), "as documented", meta)
        t.check(set(meta) == {"cached_at", "content_hash", "size", "etag", "source"},
                "the documented members", meta)
        t.check(p.read("gpt5_codex_instructions") is not None, "the other, too")
        t.check(sorted(p.bytes()) == ["base_instructions.md",
                "gpt5_codex_instructions.md", "metadata.json"], "three files")
        asked = len(rig.source.asked)
        r = p.run("--now", **used)
        t.check(r.result("prompts") == "idle" and len(rig.source.asked) == asked,
                "a valid cache: no call", r)
        r = p.run("--now", CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS="0")
        t.check("fresh" in r.job("prompts").get("msg", ""), "used there, too", r)
        # due before the next run is over
        r = p.run("--now", CHATMOCK_PROMPT_TTL="10m", **used)
        t.check(r.result("prompts") == "done" and "still current" in r.out and
                len(rig.source.asked) == asked + 2, "304", r)
        t.check(rig.source.asked[-1].seen and rig.source.asked[-2].seen,
                "asked with the ETag")
        t.check(p.read()[0] == TEXT, "the text stays")
        rig.source.text = TEXT + "More.\n"
        r = p.fetch("--force")
        t.check(r.code == 0 and p.read()[0] == TEXT + "More.\n" and
                "is new" in r.out, "a new text", r)
        old = p.read()[1]["cached_at"]
        time.sleep(1.1)     # it is told in seconds
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = rig.source.url + "/untagged"
        r = p.fetch("--force")
        t.check(r.code == 0 and "is the same" in r.out and
                p.read()[1]["cached_at"] > old, "the same text from elsewhere", r)


FAULTS = ["status/404", "status/500", "status/429", "status/401", "unasked",
          "html", "portal", "empty", "blank", "bytes", "nul", "truncated", "cut",
          "over", "endless", "bomb", "moved", "slow", "drip",
          "https://no-such-host.invalid/prompt.md", "@CLOSED@", "@EXPIRED@",
          "@WRONG@", "@OTHER@", "@PLAIN@"]
AGAIN = {"status/500", "status/429", "truncated", "cut", "slow", "drip"}


def play_fault(t, rig, fault, url):
    """One source that fails: with nothing, with an expired cache, with a
    second source."""
    with Prompts(rig, url) as p:
        begun = time.monotonic()
        r = p.fetch()
        took = time.monotonic() - begun
        t.check(r.code == 111 and r.result("prompts") == "failed" and
                "base_instructions" in r.out, f"{fault}: fails, and says why", r)
        t.check(p.read() is None and
                p.read("gpt5_codex_instructions") is not None,
                f"{fault}: nothing of it is kept, the other prompt is", p.bytes())
        t.check(took < 45, f"{fault}: within its time", took)
        path = "/" + fault
        if "://" not in fault and "@" not in fault:
            tries = rig.source.count(path)
            t.check(tries == (3 if fault in AGAIN else 1),
                    f"{fault}: so many attempts", tries)
        # an expired one stays as it is, byte by byte
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = rig.source.url + "/good"
        t.check(p.fetch().code == 0, f"{fault}: then a good one")
        p.settings["CHATMOCK_PROMPT_CODEX_URLS"] = url
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = url
        if fault in ("slow", "drip"):
            return
        before = p.bytes()
        r = p.fetch(CHATMOCK_PROMPT_TTL="1")
        t.check(r.code == 111 and p.bytes() == before,
                f"{fault}: what was there stays", r)
        # the next of the list is asked
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = url + ", " + rig.source.url + "/untagged"
        rig.source.text = TEXT
        r = p.fetch("--force")
        t.check(r.code == 111 and p.read()[0] == TEXT and
                p.read()[1]["source"].endswith("/untagged"),
                f"{fault}: the next source has it", r)


def test_prompt_faults(t):
    """Whatever a source does, what was there stays and the next one is asked."""
    with Rig() as rig:
        sick = {"@EXPIRED@": Source(rig.ca, "expired"),
                "@WRONG@": Source(rig.ca, "wrong")}
        alone = Authority()
        sick["@OTHER@"] = Source(alone)
        deaf = socket.socket()
        deaf.bind(("127.0.0.1", 0))         # bound, and nobody listens
        plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Source)
        threading.Thread(target=plain.serve_forever, daemon=True).start()

        def url(fault):
            if fault in sick:
                return sick[fault].url + "/good"
            if fault == "@CLOSED@":
                return "https://localhost:%d/x" % deaf.getsockname()[1]
            if fault == "@PLAIN@":          # no TLS spoken there
                return "https://localhost:%d/x" % plain.server_address[1]
            return fault if "://" in fault else rig.source.url + "/" + fault

        def play(fault):
            try:
                play_fault(t, rig, fault, url(fault))
            except Exception as e:
                t.check(False, f"{fault}: {e!r}")

        threads = [threading.Thread(target=play, args=(f,)) for f in FAULTS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        t.check(not any(thread.is_alive() for thread in threads), "all ended")
        for server in [*sick.values(), plain]:
            server.shutdown()
            server.server_close()
        deaf.close()
        alone.remove()


def test_prompt_limits(t):
    """A megabyte is taken; a fault that passes is waited for; a pinned hash
    is the only one that counts."""
    with Rig() as rig:
        with Prompts(rig, "limit") as p:
            r = p.fetch()
            t.check(r.code == 0 and len(p.read()[0]) == LIMIT, "just the limit", r)
        with Prompts(rig, "flaky") as p:
            begun = time.monotonic()
            r = p.fetch()
            took = time.monotonic() - begun
            t.check(r.code == 0 and p.read()[0] == TEXT and
                    rig.source.count("/flaky") == 3, "the third attempt", r)
            t.check(1.4 < took < 20, "with growing pauses", took)
        pin = hashlib.sha256(TEXT.encode()).hexdigest()
        with Prompts(rig, "good", CHATMOCK_PROMPT_BASE_SHA256=pin.upper(),
                     CHATMOCK_PROMPT_CODEX_SHA256=pin) as p:
            t.check(p.fetch().code == 0, "the pinned one")
            rig.source.text = "another"
            r = p.fetch("--force")
            t.check(r.code == 111 and "pinned" in r.out and p.read()[0] == TEXT,
                    "another is refused", r)
            r = p.fetch(CHATMOCK_PROMPT_BASE_SHA256="123")
            t.check(r.code == 100 and "CHATMOCK_PROMPT_BASE_SHA256" in r.err,
                    "a pin that is none", r)
            r = p.fetch(CHATMOCK_PROMPT_BASE_URLS="https://a.example/x, http://b.example/y")
            t.check(r.code == 100 and "https://" in r.err, "plain http elsewhere", r)


def test_prompt_breaker(t):
    """A source that fails again and again is left alone for a while."""
    with Rig() as rig, Prompts(rig, "status/500", CHATMOCK_BREAKER_FAILURES=2,
                               CHATMOCK_BREAKER_COOLDOWN=3) as p:
        p.settings["CHATMOCK_PROMPT_CODEX_URLS"] = rig.source.url + "/status/500"
        t.check(p.fetch().code == 111 and rig.source.count("/status/500") == 6,
                "two calls of three tries", rig.source.count("/status/500"))
        r = p.fetch()
        t.check(r.code == 111 and "circuit_open" in r.out and "left alone" in r.out and
                rig.source.count("/status/500") == 6, "no third", r)
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = rig.source.url + "/good"
        p.settings["CHATMOCK_PROMPT_CODEX_URLS"] = rig.source.url + "/good.codex"
        r = until(lambda: (lambda r: r.code == 0 and r)(p.fetch()), 15, 0.5)
        t.check(r and p.read()[0] == TEXT, "the time is over: it is asked", r)


def exposition(place):
    """What the page of health.fcgi says of the fetcher, as plain CGI has it."""
    r = subprocess.run([os.path.join(BIN, "health.fcgi")], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=30,
                       env=dict(place.env(), PATH=PATH, REQUEST_METHOD="GET",
                                SCRIPT_NAME="/metrics", REQUEST_URI="/metrics",
                                REMOTE_ADDR="127.0.0.1", HTTP_HOST="127.0.0.1",
                                SERVER_PROTOCOL="HTTP/1.1", QUERY_STRING=""))
    found = {}
    for line in r.stdout.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("chatmock_") and not line.startswith("#"):
            found[name] = float(value)
    return found


def of_job(found, word, job):
    return next((v for k, v in found.items()
                 if k.startswith("chatmock_fetch") and word in k and
                 f'"{job}"' in k), None)


def test_metrics(t):
    """What it did stands in the metrics file, also when it failed."""
    with Rig() as rig, Prompts(rig, "good") as p:
        used = {"CODEX__SYSTEM_PROMPT_INJECTION_MODE": "append"}
        begun = time.time()
        t.check(p.run("--now", **used).code == 0, "a good run")
        found = exposition(p)
        t.check(of_job(found, "runs", "prompts") == 1 and
                of_job(found, "failures", "prompts") == 0 and
                of_job(found, "success", "prompts") >= begun - 1,
                "one run", found)
        fetched = found.get("chatmock_prompt_fetch_timestamp_seconds", 0)
        expires = found.get("chatmock_prompt_expiry_timestamp_seconds", 0)
        t.check(abs(fetched - begun) < 30 and expires - fetched == 86400,
                "how old the prompts are", fetched, expires)
        p.settings["CHATMOCK_PROMPT_BASE_URLS"] = rig.source.url + "/status/404"
        t.check(p.run("--now", "--force", **used).code == 111, "a bad run")
        found = exposition(p)
        t.check(of_job(found, "runs", "prompts") == 2 and
                of_job(found, "failures", "prompts") == 1, "a failure", found)
        t.check(p.run("--now").code == 0, "not used any more")
        t.check("chatmock_prompt_expiry_timestamp_seconds" not in exposition(p),
                "nobody cares how old they are then")
        with open(p.path("metrics"), "r+b") as f:
            f.truncate(100)
        r = p.run("--now", "--force", "--job", "prune")
        t.check(r.code == 0 and of_job(exposition(p), "runs", "prune") == 1,
                "a broken metrics file is made anew", r, exposition(p))
        os.unlink(p.path("metrics"))
        os.mkdir(p.path("metrics"))
        r = p.run("--now")
        t.check(r.code == 0, "without one it works all the same", r)


def test_prune(t):
    """What a killed writer left goes after an hour; nothing else does."""
    with Place() as p:
        os.mkdir(p.path("prompt_cache"))
        os.mkdir(p.path("log"))
        old = ["auth.json.aB3xYz", "models.json.000000", "prompt_cache/metadata.json.QQQQQQ",
               "prompt_cache/base_instructions.md.abcdef", "limits.json.ABCDEF"]
        kept = ["auth.json", "auth.json.lock", "auth.json.backup1", "auth.json.ab-def",
                "auth.json.abcdefg", "notes.abcdef", "chatmock.conf", "log/fetch.log",
                "prompt_cache/metadata.json", "prompt_cache/other.abcdef"]
        young = ["auth.json.young1", "prompt_cache/metadata.json.young2"]
        for name in old + kept + young:
            with open(p.path(name), "w") as f:
                f.write("# nothing")
            if name not in young:
                os.utime(p.path(name), (time.time() - 7200,) * 2)
        os.symlink("chatmock.conf", p.path("auth.json.symlnk"))
        r = p.run("--now", "--job", "prune")
        t.check(r.code == 0 and "5 rests" in r.out, "said", r)
        t.check(not [n for n in old if os.path.lexists(p.path(n))], "gone")
        t.check(all(os.path.lexists(p.path(n)) for n in kept + young +
                    ["auth.json.symlnk"]), "the rest stays", os.listdir(p.home))
        with open(p.path("log", "fetch.log"), "w") as f:
            f.write("x" * (1 << 20) + "y")
        r = p.run("--now", "--job", "prune")
        t.check(os.path.exists(p.path("log", "fetch.log.1")) and
                not os.path.exists(p.path("log", "fetch.log")), "a long log", r)
        r = p.run("--now", "--job", "prune")
        t.check(r.result("prune") == "idle", "then nothing", r)


def test_crontab(t):
    """The line that we ship, run by a shell with cron's environment."""
    with Place() as p:
        os.mkdir(p.path("log"))
        sample = os.path.join(HERE, "..", "..", "deploy", "crontab.sample")
        with open(sample) as f:
            lines = [l.rstrip("\n") for l in f if not l.startswith("#")]
        lines = [l for l in lines if "chatmock-fetch" in l]
        t.check(len(lines) == 1 and lines[0].startswith("*/10 * * * * "),
                "one line, every ten minutes", lines)
        command = lines[0].split(None, 5)[5]
        t.check("CHATMOCK_HOME=" in command and "%" not in command,
                "with CHATMOCK_HOME, and without cron's '%'", command)
        command = command.replace("@HOME@", p.home).replace("@BIN@", BIN)
        r = subprocess.run(["/bin/sh", "-c", command], cwd=p.top,
                           env={"HOME": p.top, "SHELL": "/bin/sh", "LOGNAME": "x",
                                "PATH": "/usr/bin:/bin"}, capture_output=True,
                           timeout=120)
        with open(p.path("log", "fetch.log")) as f:
            jobs = [json.loads(line) for line in f]
        t.check(r.returncode == 0 and not r.stdout + r.stderr and
                {j["job"] for j in jobs} >= {"login", "models", "prompts", "limits",
                                             "prune"},
                "all jobs, into the log", r, jobs)


def test_ended(t):
    """The keeper may tell it to end at any time."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        issuer.login(p, 60)
        issuer.token({"delay_ms": 2000})
        run = subprocess.Popen([FETCH, "--now"], env=p.env(), text=True,
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until(lambda: issuer.asked(), 20)
        run.terminate()             # in the middle of the renewal
        said = run.communicate(timeout=30)[0]
        t.check(run.returncode in (0, -15), "it ends", run.returncode, said)
        t.check('"result":"done"' in said and
                auth(p)["tokens"]["refresh_token"] != "rt_first-of-a-family",
                "the login that cost a token is on disk", said)
        t.check('"job":"prune"' not in said, "and nothing more was begun", said)


# --- the limits

class _Plan(http.server.BaseHTTPRequestHandler):
    """The backend's wham/usage; it knows one token and one account."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        s.asked.append(self.path)
        if self.path != "/backend-api/wham/usage":
            status, body = 404, {"detail": "Not Found"}
        elif self.headers.get("Authorization") != "Bearer " + s.token or \
                self.headers.get("chatgpt-account-id") != "acct_test":
            status, body = 401, {"detail": "Unauthorized"}
        else:
            status, body = s.status, s.body
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def test_limits(t):
    """Asked for when no answer has told them for half an hour."""
    plan = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Plan)
    threading.Thread(target=plan.serve_forever, daemon=True).start()
    root = "http://127.0.0.1:%d/backend-api/codex" % plan.server_address[1]
    plan.asked, plan.status = [], 200
    plan.body = {"plan_type": "plus", "rate_limit": {
        "allowed": True, "limit_reached": False,
        "primary_window": {"used_percent": 42, "limit_window_seconds": 18000,
                           "reset_after_seconds": 600, "reset_at": int(time.time()) + 600},
        "secondary_window": None}, "credits": {
            "has_credits": False, "unlimited": False, "balance": "0"}}
    with Issuer() as issuer, Place(CHATMOCK_UPSTREAM_URL=root,
                                   CHATMOCK_BREAKER_FAILURES="0",
                                   CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        job = lambda *o, **m: p.run("--now", "--job", "limits", *o, **m)
        r = job()
        t.check(r.code == 0 and r.result("limits") == "idle" and not plan.asked,
                "no login: no call", r)
        plan.token = issuer.login(p, 3600)
        r = job(CHATMOCK_UPSTREAM_KIND="responses")
        t.check(r.code == 0 and not plan.asked, "no plan: no call", r)
        r = job()
        t.check(r.code == 0 and r.result("limits") == "done" and
                plan.asked == ["/backend-api/wham/usage"], "asked", r, plan.asked)
        with open(p.path("limits.json")) as f:
            kept = json.load(f)
        t.check(kept["rate_limit"]["primary_window"]["used_percent"] == 42 and
                kept["plan_type"] == "plus", "kept", kept)
        found = exposition(p)
        t.check(any("limit_used_percent" in k and "primary" in k and v == 42
                    for k, v in found.items()), "and in the gauges", found)
        t.check(plan.token not in r.out + json.dumps(kept), "no token in either")
        r = job()
        t.check(r.result("limits") == "idle" and len(plan.asked) == 1, "known", r)
        before = open(p.path("limits.json"), "rb").read()
        for status, body, word in ((500, {}, "500"), (200, b"<html>", "failed"),
                                   (200, {"plan_type": None}, "failed"),
                                   (200, b"", "failed"), (404, {}, "404")):
            plan.status, plan.body = status, body
            r = job("--force")
            t.check(r.code == 111 and word in r.out and
                    open(p.path("limits.json"), "rb").read() == before,
                    f"{status} {body}: what was there stays", r)
        plan.token = "another"
        r = job("--force")
        t.check(r.code == 111 and "401" in r.out and issuer.asked() == 0,
                "a login that it refuses", r)
    plan.shutdown()
    plan.server_close()


# --- who reads them

class Reader(Gateway):
    """A gateway that puts the prompt into requests; the fetcher of its home."""

    def __init__(self, rig, **env):
        self.rig = rig
        self.wanted = dict({
            "CODEX__SYSTEM_PROMPT_INJECTION_MODE": "override",
            "CODEX_CA_CERTIFICATE": rig.ca.ca,
            "CHATMOCK_PROMPT_BASE_URLS": rig.source.url + "/good",
            "CHATMOCK_PROMPT_CODEX_URLS": rig.source.url + "/good.codex"}, **env)
        super().__init__(kind="responses", env=self.wanted)

    def ask(self):
        """(the instructions, the session) that upstream was sent."""
        r = self.post("/v1/chat/completions", {"model": "gpt-5.5", "messages": [
            {"role": "user", "content": "Hi"}]})
        sent = self.upstream.requests()[-1]
        return (json.loads(sent["text"]).get("instructions") if r.status == 200
                else r.text, upstream_tool.header(sent, "session-id"))

    def until(self, text, seconds=15):
        """Puts it in place within a moment, without a restart."""
        return until(lambda: text in (self.ask()[0] or ""), seconds, 0.2)

    def fetch(self, **more):
        env = {k: v for k, v in self.settings().items()
               if k not in ("CHATMOCK_WORKERS",)}
        env.update(more)
        return subprocess.run([FETCH, "--now", "--job", "prompts", "--force"],
                              env=env, capture_output=True, text=True, timeout=120)

    def put(self, name, data):
        """As a peer tool or a person would: not by rename."""
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def said(self, **wanted):
        return [l for l in self.log("error") if l["event"] == "prompts" and
                all(l.get(k) == v for k, v in wanted.items())]


def test_chain(t):
    """Cache, expired cache, local file, built-in text: each as the one before
    goes away, in a gateway that is not restarted."""
    with Rig() as rig, Reader(rig) as g:
        text, session = g.ask()
        t.check("careful and capable" in text, "built in", text)
        g.put("base_instructions.md", b"Local {model}.")
        t.check(g.until("Local gpt-5.5."), "a local file", g.ask())
        g.put("base_instructions.md", b"<html>Local</html>")
        t.check(g.until("careful and capable"), "one that is none", g.ask())
        g.put("base_instructions.md", b"Local {model}.")
        r = g.fetch()
        t.check(r.returncode == 0 and g.until("Answer in verse"), "the cache", r)
        rig.source.text = "Second {model}."
        t.check(g.fetch().returncode == 0 and g.until("Second gpt-5.5."),
                "a new text in it", g.ask())
        t.check(g.ask()[1] == session, "the session is the conversation's alone")
        cache = os.path.join(g.home, "prompt_cache")
        meta = os.path.join(cache, "metadata.json")
        with open(meta) as f:
            told = json.load(f)
        told["base_instructions"]["cached_at"] = "2020-01-01T00:00:00Z"
        g.put("prompt_cache/metadata.json", json.dumps(told).encode())
        t.check(until(lambda: g.said(base_instructions="expired cache"), 15) and
                "Second" in g.ask()[0], "an expired one is used on", g.ask())
        # broken files: the last good one goes on being used
        good = {name: open(os.path.join(cache, name), "rb").read()
                for name in os.listdir(cache)}
        name = "prompt_cache/base_instructions.md"
        for what, file, data in (
                ("half", name, b"Sec"), ("empty", name, b""),
                ("another", name, b"Third {model}."),
                ("no UTF-8", name, b"\xff\xfe"),
                ("half of the metadata", "prompt_cache/metadata.json",
                 good["metadata.json"][:40]),
                ("metadata of another type", "prompt_cache/metadata.json", b"[1]"),
                ("no metadata", "prompt_cache/metadata.json", b"")):
            lines = len(g.said())
            g.put(file, data)
            t.check(until(lambda: len(g.said()) > lines, 15) and
                    "Second" in g.ask()[0], f"{what}: the last good one", g.ask())
            lines = len(g.said())
            for whole, data in good.items():
                g.put("prompt_cache/" + whole, data)
            t.check(until(lambda: len(g.said()) > lines, 15), "put right")
        # a gigabyte, a directory
        with open(os.path.join(g.home, name), "wb") as f:
            f.truncate(1 << 30)
        time.sleep(2)
        t.check("Second" in g.ask()[0], "a gigabyte: the last good one", g.ask())
        os.unlink(os.path.join(g.home, name))
        os.mkdir(os.path.join(g.home, name))
        time.sleep(2)
        t.check("Second" in g.ask()[0], "a directory: the last good one", g.ask())
        # who starts now never saw the good one
        lines = len(g.said(base_instructions="local file"))
        g.master.send_signal(signal.SIGHUP)
        t.check(g.until("Local gpt-5.5."), "a new worker takes the local file",
                g.ask(), g.said()[-3:])
        shutil.rmtree(cache)
        os.unlink(os.path.join(g.home, "base_instructions.md"))
        t.check(g.until("careful and capable"), "all gone: built in", g.ask())
        t.check(g.fetch().returncode == 0 and g.until("Second"), "and back", g.ask())


def test_no_place(t):
    """A cache that can not be written: the gateway serves, the fetcher says so."""
    if os.geteuid() != 0:
        user = []
    else:
        user = ["setpriv", "--reuid", "65534", "--regid", "65534",
                "--clear-groups", "--"]
    with Rig() as rig, Prompts(rig, "good") as p:
        os.mkdir(p.path("prompt_cache"), 0o500)
        os.chmod(rig.ca.dir, 0o755)
        os.chmod(p.top, 0o755)
        for at in (rig.ca.ca,):
            os.chmod(at, 0o644)
        exe = shutil.copy(FETCH, p.top)
        if user:
            for at in (p.home, p.path("prompt_cache")):
                os.chown(at, 65534, 65534)
        r = subprocess.run(user + [exe, "--now", "--job", "prompts"],
                           env=dict(p.env(), PATH=PATH), capture_output=True,
                           text=True, timeout=60)
        t.check(r.returncode == 111 and "prompt_cache" in r.stdout and
                '"error":"system"' in r.stdout, "a read-only cache", r)
        os.chmod(p.path("prompt_cache"), 0o700)
        os.unlink(p.path("fetch.lock"))
        os.chmod(p.home, 0o500)
        r = subprocess.run(user + [exe, "--now"], env=dict(p.env(), PATH=PATH),
                           capture_output=True, text=True, timeout=60)
        t.check(r.returncode == 111 and "fetch.lock" in r.stdout, "a read-only home", r)
        os.chmod(p.home, 0o700)
    with Rig() as rig, Reader(rig) as g:
        open(os.path.join(g.home, "prompt_cache"), "w").close()    # no directory
        time.sleep(2)
        t.check("careful and capable" in g.ask()[0], "served all the same", g.ask())
        r = g.fetch()
        t.check(r.returncode == 111 and "prompt_cache" in r.stdout, "and said", r)


def fill_disk(limit):
    """What a full disk does to one program: no file over so many bytes."""
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def test_disk_full(t):
    """A disk that is full at any byte: old or new, and the fetcher says so."""
    with Rig() as rig, Prompts(rig, "good") as p:
        rig.source.text = "old " * 100
        t.check(p.fetch().code == 0, "the old one")
        before = p.read()
        rig.source.text = "new " * 100
        for limit in range(0, 1200, 60):
            r = subprocess.run([FETCH, "--now", "--job", "prompts", "--force"],
                               env=p.env(), capture_output=True, text=True,
                               timeout=60, preexec_fn=lambda: fill_disk(limit))
            now = p.read()
            t.check(now and now[0] in ("old " * 100, "new " * 100),
                    f"whole with room for {limit} bytes", now)
            if r.returncode == 0:
                t.check(now[0] == "new " * 100, "the new one", r)
                break
            t.check(r.returncode == 111 and now[0] == before[0] or
                    now[0] == "new " * 100, f"and it says so ({limit})", r)
        else:
            t.check(False, "it went well in the end", r)
        t.check([n for n in os.listdir(p.path("prompt_cache")) if "." in n and
                 not n.endswith((".md", ".json"))] == [], "no rests", p.bytes().keys())


def test_login_disk_full(t):
    """No room for new tokens: none is spent. Room that comes back in time:
    what was given is written."""
    with Issuer() as issuer, Place(CHATMOCK_AUTH_ISSUER=issuer.root) as p:
        old = issuer.login(p, 60)
        for limit in (0, 100, 1000):
            r = subprocess.run([FETCH, "--now", "--job", "login"], env=p.env(),
                               capture_output=True, text=True, timeout=60,
                               preexec_fn=lambda: fill_disk(limit))
            t.check(r.returncode == 111 and "can" in r.stdout and
                    not issuer.asked(), f"room for {limit} bytes", r)
        t.check(auth(p)["tokens"]["access_token"] == old, "untouched")
        # the directory's mode changes while the issuer is being asked
        issuer.token({"delay_ms": 2000})
        if os.geteuid() == 0:
            os.chown(p.home, 65534, 65534)
            os.chown(p.path("auth.json"), 65534, 65534)
            for name in os.listdir(p.home):
                os.chown(p.path(name), 65534, 65534)
            os.chmod(p.top, 0o755)
            exe = shutil.copy(FETCH, p.top)
            user = ["setpriv", "--reuid", "65534", "--regid", "65534",
                    "--clear-groups", "--"]
        else:
            exe, user = FETCH, []
        run = subprocess.Popen(user + [exe, "--now", "--job", "login"],
                               env=dict(p.env(), PATH=PATH), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               stdin=subprocess.DEVNULL)
        until(lambda: issuer.asked() == 1, 20)
        os.chmod(p.home, 0o500)
        time.sleep(4)
        t.check(run.poll() is None and auth(p)["tokens"]["access_token"] == old,
                "it stays with what it was given")
        os.chmod(p.home, 0o700)
        out, _ = run.communicate(timeout=60)
        t.check(run.returncode == 0 and issuer.asked() == 1 and
                auth(p)["tokens"]["access_token"] != old, "written at last", out)


# --- killed at any moment

def is_whole(p):
    """One whole pair, of one of the two texts."""
    now = p.read()
    return now is not None and now[0] in ("old " * 3000, "new " * 3000)


def test_killed(t):
    """kill -9 at random moments, over and over, while texts change."""
    with Rig() as rig, Prompts(rig, "good") as p:
        rig.source.text = "old " * 3000
        begun = time.monotonic()
        t.check(p.fetch().code == 0, "the first one")
        took = time.monotonic() - begun
        kills = bad = 0
        for i in range(150):
            rig.source.text = ("new " if i % 2 else "old ") * 3000
            run = p.start("--now", "--job", "prompts", "--force")
            time.sleep(random.uniform(0, took * 1.2))
            run.kill()
            kills += run.wait() == -signal.SIGKILL
            run.communicate()
            bad += not is_whole(p)
        t.check(kills > 20 and not bad, "each time one whole pair", kills, bad)
        r = p.fetch("--force")
        t.check(r.code == 0 and is_whole(p), "and it goes on", r)


def can_trace():
    probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e",
                            "inject=fsync:signal=SIGKILL", "true"],
                           capture_output=True)
    return probe.returncode == 0


def calls_that_write(p):
    """(system call, how many-th of its name) from the first change of a file
    on, as strace counts them: of the main thread, each name by itself."""
    trace = p.path("trace")
    subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=openat,write,fchmod,"
                    "fsync,rename,unlink,close", FETCH, "--now", "--job",
                    "prompts", "--force"], env=p.env(), capture_output=True)
    with open(trace) as f:
        lines = [line.split(None, 1) for line in f]
    begun, seen, found = False, {}, []
    for pid, line in lines:
        name = line.split("(")[0]
        if pid != lines[0][0] or not name.isalpha():
            continue
        seen[name] = seen.get(name, 0) + 1
        begun = begun or "metadata.json." in line
        if begun:
            found.append((name, seen[name]))
    return found


def test_killed_at_each_call(t):
    """kill -9 at each system call that writes, the two texts in turn."""
    try:
        able = can_trace()
    except FileNotFoundError:
        able = False
    if not able:
        t.skip("kills at each system call", "strace can not trace here")
        return
    with Rig() as rig, Prompts(rig, "untagged") as p:
        rig.source.text = "old " * 3000
        t.check(p.fetch().code == 0, "the first one")
        rig.source.text = "new " * 3000
        bad = kills = 0
        for call, when in calls_that_write(p):
            rig.source.text = ("old " if kills % 2 else "new ") * 3000
            run = subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                 f"inject={call}:signal=SIGKILL:when={when}", FETCH, "--now",
                 "--job", "prompts", "--force"], env=p.env(), capture_output=True)
            kills += run.returncode != 0
            if not is_whole(p):
                bad += 1
                print("  not whole:", call, when)
        t.check(kills > 25 and not bad, "each time one whole pair", kills, bad)
        r = p.fetch("--force")
        t.check(r.code == 0 and is_whole(p), "and it goes on", r)


if __name__ == "__main__":
    sys.exit(Checks("fetch").run(
        test_called, test_terminal, test_jitter, test_many, test_login,
        test_login_fails, test_login_killed, test_prompts, test_prompt_faults, test_prompt_limits,
        test_prompt_breaker, test_limits, test_metrics, test_prune, test_crontab, test_ended,
        test_chain, test_no_place, test_disk_full, test_login_disk_full, test_killed,
        test_killed_at_each_call))
