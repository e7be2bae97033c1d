"""A gateway for a test: upstream, chatmock.fcgi and lighttpd in a directory
of their own, stopped and removed at the end.

    with Gateway(kind="chatgpt") as g:
        g.upstream.script({"say": "Hello"})
        r = g.post("/v1/chat/completions", {"model": "gpt-5.5", ...})
        r.status, r.headers["x-request-id"], r.text, r.json()
        g.base                      # http://127.0.0.1:PORT
        g.log()                     # lines of access.log, as dicts
        g.upstream.requests()       # what upstream was sent

For tests in another language it is a program: it starts one, says in one line
of JSON where everything is, and stays until its input ends.

    tests/lib/gateway.py --serve [--kind KIND] [--key KEY] [--keys WORDS]
        [NAME=VALUE ...]
"""
import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "tools"),
                os.path.join(ROOT, "tests", "lib")]

import keys  # noqa: E402
import upstream as upstream_tool  # noqa: E402


ports = {"next": os.getpid() * 7, "lock": threading.Lock()}


# what browsers and Node refuse to ask (fetch.spec.whatwg.org, "bad port")
BAD_PORTS = (1719, 1720, 1723)


def free_port():
    """A port below the range from which the system takes local ones, so that
    no closed connection of another test holds it; another one each time."""
    for _ in range(900):
        with ports["lock"]:
            ports["next"] += 1
            port = 1100 + ports["next"] % 900
        if port in BAD_PORTS:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def events(self):
        """The data lines of a stream, parsed; "[DONE]" as it is."""
        found = []
        for line in self.text.split("\n"):
            if line.startswith("data: "):
                data = line[6:]
                found.append(data if data == "[DONE]" else json.loads(data))
        return found


def listens(path):
    """The socket is there and listens, which are two steps; it is not tried,
    for who connects is counted."""
    with open("/proc/net/unix") as f:
        return any(line.split()[3] == "00010000" and
                   line.rstrip("\n").endswith(" " + path) for line in f)


class Gateway:
    """env: settings; "" is one that is not given, @HOME@ is the gateway's
    directory and @UPSTREAM@ its upstream, also in conf, the lines of its
    settings file, and in files, {name: content}."""

    def __init__(self, kind="responses", env=None, bin=None, workers=1,
                 upstream=True, login=True, front=True, key=None, conf=(),
                 files=None):
        self.bin = os.path.join(ROOT, bin or os.environ.get(
            "CHATMOCK_TEST_BIN", "build/bin"))
        self.kind, self.env, self.workers = kind, env or {}, workers
        self.with_upstream, self.with_login, self.front = upstream, login, front
        self.key = key
        self.conf, self.files = conf, files or {}
        self.procs = []

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="cm-", dir="/tmp")
        for d in ("run", "run/tmp", "run/www", "log", "user"):
            os.makedirs(os.path.join(self.home, d), mode=0o700, exist_ok=True)
        self.socket = os.path.join(self.home, "run", "chatmock.sock")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def settings(self):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("CHATMOCK_", "CODEX", "CHATGPT_LOCAL"))}
        env.update(HOME=os.path.join(self.home, "user"), CHATMOCK_HOME=self.home,
                   CHATMOCK_WORKERS=str(self.workers),
                   CHATMOCK_UPSTREAM_KIND=self.kind,
                   # upstream hears of what a test asks, and of nothing else
                   CHATMOCK_MODEL_SYNC="0",
                   # many a test is all failures; those of the breaker say so
                   CHATMOCK_BREAKER_FAILURES="0")
        if self.with_upstream:
            env["CHATMOCK_UPSTREAM_URL"] = self.upstream.url
            env["CHATMOCK_AUTH_ISSUER"] = self.upstream.root
            if self.key:
                env["CHATMOCK_UPSTREAM_KEY"] = self.key
        env.update({k: self.fill(v) for k, v in self.env.items()})
        return {k: v for k, v in env.items() if v != ""}

    def fill(self, text):
        text = str(text).replace("@HOME@", self.home)
        if self.with_upstream:
            text = text.replace("@UPSTREAM@", self.upstream.root)
        return text

    def write_files(self):
        files = dict(self.files)
        if self.conf:
            files["chatmock.conf"] = "\n".join(self.conf)
        for name, content in files.items():
            path = os.path.join(self.home, name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
                f.write(self.fill(content) + "\n")

    def start(self):
        if self.with_upstream:
            self.upstream = upstream_tool.Upstream(
                kind=self.kind, key=self.key,
                base="/backend-api/codex" if self.kind == "chatgpt" else "/v1",
                program=os.path.join(self.bin, "chatmock-demo-upstream"))
            self.upstream.start()
            if self.kind == "chatgpt" and self.with_login:
                self.write_login()
        self.write_files()
        self.start_fcgi()
        if self.front:
            self.start_lighttpd()

    def write_login(self, account="acct_test", expires_in=3600,
                    refresh_token="rt_first-of-a-family", **more):
        token = self.upstream.access_token(account, expires_in)
        login = {"OPENAI_API_KEY": None, "tokens": {
            "id_token": token, "access_token": token,
            "refresh_token": refresh_token, "account_id": account}, **more}
        path = os.path.join(self.home, "auth.json")
        with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY, 0o600),
                  "w") as f:
            json.dump(login, f, indent=2)
        os.rename(path + ".new", path)

    def read_login(self):
        with open(os.path.join(self.home, "auth.json")) as f:
            return json.load(f)

    def spawn(self, name, command, env=None):
        out = open(os.path.join(self.home, name + ".out"), "ab")
        p = subprocess.Popen(command, env=env, stdout=out, stderr=out,
                             stdin=subprocess.DEVNULL)
        self.procs.append(p)
        return p

    def start_fcgi(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.master = self.spawn(
            "fcgi", ["spawn-fcgi", "-n", "-s", self.socket, "-M", "0600",
                     "-b", "4096", "--",
                     os.path.join(self.bin, "chatmock.fcgi")], self.settings())
        self.wait(lambda: listens(self.socket), "the FastCGI socket")

    def start_lighttpd(self):
        """Twice more on another port if one is taken that was free."""
        for attempt in range(3):
            try:
                self.try_lighttpd()
                return
            except RuntimeError:
                dead = [p for p in self.procs if p.poll() is not None]
                if attempt == 2 or self.procs[-1] not in dead:
                    raise
                self.procs.pop()

    def try_lighttpd(self):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(ROOT, "lighttpd.conf.sample")) as f:
            conf = f.read()
        for name, value in (("HOME", self.home), ("BIND", "127.0.0.1"),
                            ("PORT", self.port), ("MAX_FDS", 4096)):
            conf = conf.replace(f"@{name}@", str(value))
        path = os.path.join(self.home, "run", "lighttpd.conf")
        with open(path, "w") as f:
            f.write(conf)
        self.spawn("lighttpd", ["lighttpd", "-D", "-f", path])
        # with keys it is none of our business
        fine = (200, 401) if "keys" in self.files else (200,)
        self.wait(lambda: self.get("/").status in fine, "an answer of GET /")

    def wait(self, ready, what, seconds=15):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if ready():
                    return
            except (OSError, http.client.HTTPException):
                pass
            dead = [p for p in self.procs if p.poll() is not None]
            if dead:
                break
            time.sleep(0.02)
        raise RuntimeError(f"no {what}: {self.output()}")

    def output(self, most=4000):
        text = ""
        for name in ("fcgi.out", "lighttpd.out", "log/error.log"):
            path = os.path.join(self.home, name)
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    text += f"--- {name}\n{f.read()[-most:]}\n"
        return text

    # --- asking

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, timeout=30):
        c = self.connect(timeout)
        head = {"Content-Type": "application/json"} if body is not None else {}
        head.update(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        try:
            c.request(method, path, body,
                      {k: v for k, v in head.items() if v is not None})
            r = c.getresponse()
            try:
                data = r.read()
            except http.client.IncompleteRead as e:
                data = e.partial
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, data)
        finally:
            c.close()

    def get(self, path, headers=None):
        return self.call("GET", path, None, headers)

    def post(self, path, body, headers=None, timeout=30):
        return self.call("POST", path, body, headers, timeout)

    def log(self, name="access"):
        """The log's lines; waits a moment for the last one to be written."""
        time.sleep(0.05)
        with open(os.path.join(self.home, "log", name + ".log")) as f:
            return [json.loads(line) for line in f]

    def worker_pids(self):
        out = subprocess.run(["pgrep", "-P", str(self.master.pid)],
                             capture_output=True, text=True).stdout
        return [int(pid) for pid in out.split()]

    def __exit__(self, *_):
        for p in reversed(self.procs):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if self.with_upstream and hasattr(self, "upstream"):
            self.upstream.stop()
        self.sanitizer = re.findall(r"(?:ERROR: \w+Sanitizer|runtime error).*",
                                    self.output(1 << 20))
        shutil.rmtree(self.home, ignore_errors=True)
        if self.sanitizer:
            raise RuntimeError("sanitizer: " + "; ".join(self.sanitizer[:5]))


class Checks:
    """Counts checks; report() prints the line that the runner reads."""

    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0

    def check(self, ok, what, got=None):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {what}" + (f": {got!r}" if got is not None else ""),
                  flush=True)
        return ok

    def equal(self, got, want, what):
        return self.check(got == want, f"{what}: wanted {want!r}, got", got)

    def skip(self, what, why):
        self.skipped += 1
        print(f"SKIP {what}: {why}", flush=True)

    def report(self):
        print(f"{self.name}: {self.passed} passed, {self.failed} failed"
              + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed else 0


def serve():
    p = argparse.ArgumentParser(description="A gateway until the input ends.")
    p.add_argument("--serve", action="store_true", required=True)
    p.add_argument("--kind", default="responses", choices=("responses", "chatgpt"))
    p.add_argument("--key", help="upstream wants it, and the gateway has it")
    p.add_argument("--no-login", action="store_true")
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--keys", help="callers' keys, as tests/lib/keys.py has them")
    p.add_argument("settings", nargs="*", metavar="NAME=VALUE")
    o = p.parse_args()
    files = {"keys": keys.file_text(o.keys)} if o.keys else {}
    with Gateway(kind=o.kind, key=o.key, workers=o.workers, login=not o.no_login,
                 env=dict(s.split("=", 1) for s in o.settings), files=files) as g:
        print(json.dumps({"base": g.base, "upstream": g.upstream.root,
                          "home": g.home, "kind": g.kind, "key": g.key,
                          "keys": {name: keys.text(name) for name in
                                   keys.names(files.get("keys", ""))}}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    serve()
