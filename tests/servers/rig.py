"""What the tests of whole programs stand on: a home, the gateway under
spawn-fcgi, an upstream that does what a request's text says, a FastCGI client
without a web server, and checks that count.

The upstream reads its orders from the last text of the request: "12 words
every 100 ms" is the answer "w1 w2 ... w12 " at that pace; "silence after 3"
stops talking then and keeps the connection open; "silence at once" does not
begin to answer.
"""
import http.server
import json
import os
import re
import select
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

import fastcgi  # noqa: E402
from gateway import free_port  # noqa: E402,F401

BIN = os.environ.get("CHATMOCK_TEST_BIN", os.path.join(ROOT, "build", "bin"))
GATEWAY = os.path.join(BIN, "chatmock.fcgi")
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


class Checks:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0
        self.test = ""

    def skip(self, what, why):
        self.skipped += 1
        print(f"SKIP {what}: {why}", flush=True)

    def check(self, ok, what, *details):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED", self.test, what, *details, flush=True)
        return bool(ok)

    def run(self, *tests):
        only = sys.argv[1:]
        for test in tests:
            if only and not any(word in test.__name__ for word in only):
                continue
            begun, self.test = time.monotonic(), test.__name__ + ":"
            try:
                test(self)
            except Exception as e:      # a test that breaks is one that failed
                import traceback
                traceback.print_exc(file=sys.stdout)
                self.check(False, repr(e))
            print(f"  {test.__name__} {time.monotonic() - begun:.1f} s", flush=True)
        print(f"{self.name}: {self.passed} passed, {self.failed} failed"
              + (f", {self.skipped} skipped" if self.skipped else ""), flush=True)
        return 1 if self.failed else 0


def until(what, seconds=5.0, pause=0.02):
    """The first true value of what() within the time, else its last one."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


# --- upstream

class Seen:
    """One request as upstream saw it."""

    def __init__(self, headers, body):
        self.headers, self.body = headers, body
        self.begun = time.monotonic()
        self.gone = None        # when the gateway closed it early
        self.ended = False


class _Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def event(self, kind, **fields):
        data = b"event: %s\ndata: %s\n\n" % (
            kind.encode(), json.dumps(dict(fields, type=kind)).encode())
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def wait(self, seconds):
        """False when the other side left meanwhile."""
        if not select.select([self.connection], [], [], seconds)[0]:
            return True
        return bool(self.connection.recv(1, socket.MSG_PEEK))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(dict(self.headers), body)
        self.server.seen.append(seen)
        try:
            self.answer(seen)
            seen.ended = True
        except (BrokenPipeError, ConnectionResetError, EOFError):
            seen.gone = time.monotonic()
            self.close_connection = True

    def answer(self, seen):
        text = seen.body[-4096:].decode(errors="replace")
        order = re.findall(r"(\d+) words every (\d+) ms", text)
        words, pause = order[-1] if order else (3, 10)
        silence = re.findall(r"silence after (\d+)", text)
        if "silence at once" in text and not self.wait(120):
            raise EOFError
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event("response.created", response={"id": "resp_1", "model": "gpt-5.5"})
        self.event("response.output_item.added", output_index=0, item={
            "type": "message", "id": "msg_1", "role": "assistant", "content": []})
        for i in range(int(words)):
            if silence and i == int(silence[-1]):
                if not self.wait(120):
                    raise EOFError
            self.event("response.output_text.delta", item_id="msg_1",
                       output_index=0, content_index=0, delta=f"w{i + 1} ")
            if not self.wait(int(pause) / 1000):
                raise EOFError
        self.event("response.completed", response={
            "id": "resp_1", "status": "completed", "output": [],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}})
        self.wfile.write(b"0\r\n\r\n")


class Upstream(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Upstream)
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        pass


def chat(text, stream=True, pad=0):
    """A request's body."""
    messages = [{"role": "user", "content": text}]
    if pad:
        messages.insert(0, {"role": "system", "content": "x" * pad})
    return json.dumps({"model": "gpt-5.5", "stream": stream,
                       "messages": messages}).encode()


# --- the gateway

class Home:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="chatmock-test-")
        self.furnish()

    def furnish(self):
        for name in ("run/tmp", "run/www", "log"):
            os.makedirs(os.path.join(self.dir, name), exist_ok=True)
        self.socket = os.path.join(self.dir, "run", "chatmock.sock")

    def log(self, name="error.log"):
        try:
            with open(os.path.join(self.dir, "log", name)) as f:
                return [json.loads(line) for line in f if line.strip()]
        except FileNotFoundError:
            return []

    def give_to_nobody(self):
        for at, _, files in os.walk(self.dir):
            for path in [at] + [os.path.join(at, f) for f in files]:
                os.chown(path, 65534, 65534)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def environment(**settings):
    """Ours without what the caller's shell may have set."""
    env = {k: v for k, v in os.environ.items()
           if not k.upper().startswith(("CHATMOCK_", "CODEX", "CHATGPT_LOCAL_"))
           and k.upper() not in ("SSL_CERT_FILE", "HTTPS_PROXY", "ALL_PROXY")}
    env["PATH"] = PATH
    env.update({k: str(v) for k, v in settings.items()})
    return env


def children(pid):
    """Living children: who has ended and waits to be reaped is none."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] not in "ZX":
            found.append(int(name))
    return sorted(found)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]


class Gateway:
    """chatmock.fcgi under spawn-fcgi, in a home of its own. plain: where the
    tests run as root, it does not; self.user precedes a command that is to
    run as the same user. home: one that is there already."""

    def __init__(self, upstream, exe=GATEWAY, plain=False, home=None, **settings):
        self.home = home or Home()
        self.user = NOBODY if plain and os.geteuid() == 0 else []
        if self.user:
            exe = shutil.copy(exe, os.path.join(self.home.dir, "gateway"))
            self.home.give_to_nobody()
        self.workers_wanted = settings.setdefault("CHATMOCK_WORKERS", 2)
        self.exe = exe
        env = environment(CHATMOCK_HOME=self.home.dir,
                          CHATMOCK_UPSTREAM_URL=upstream.url,
                          CHATMOCK_UPSTREAM_KIND="responses", **settings)
        self.out = open(os.path.join(self.home.dir, "out"), "wb")
        self.p = subprocess.Popen(
            self.user + ["spawn-fcgi", "-n", "-s", self.home.socket, "-M", "0600",
             "-b", "4096", "--", exe], env=env, stdin=subprocess.DEVNULL,
            stdout=self.out, stderr=self.out, cwd=self.home.dir)
        self.pid = self.p.pid
        if not until(lambda: self.ready() and
                     len(self.workers()) == self.workers_wanted, 10):
            raise RuntimeError("the gateway did not start: " + self.said())

    def said(self):
        with open(os.path.join(self.home.dir, "out"), errors="replace") as f:
            return f.read() + str(self.home.log()[-5:])

    def ready(self):
        try:
            return request(self.home.socket, "GET", "/").status == 200
        except OSError:
            return False

    def workers(self):
        return children(self.pid)

    def signal(self, sig):
        os.kill(self.pid, sig)

    def ended(self, seconds):
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self):
        if self.p.poll() is None:
            for worker in self.workers():
                os.kill(worker, signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGTERM)
            if self.ended(5) is None:
                self.signal(signal.SIGKILL)
                self.p.wait()
        self.out.close()
        self.home.remove()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()


# --- requests without a web server

class Broken(OSError):
    """The connection ended before the answer did."""


class Answer:
    """One request under way: read() gives pieces of the body as they come."""

    def __init__(self, path, method, uri, body=b"", timeout=30, params=None):
        self.timeout, self.ended, self.body = timeout, False, b""
        self.call = fastcgi.Call(path, method, uri, body, params=params).send()
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.read()
            if not piece:
                raise Broken("no answer")
            head += piece
        head, _, self.body = head.partition(b"\r\n\r\n")
        self.headers = {k.strip().lower(): v.strip() for k, _, v in
                        (line.partition(":") for line in head.decode().split("\r\n"))}
        self.status = int(self.headers.get("status", "200").split()[0])

    def read(self):
        """Some bytes of output, b"" at the end of the request."""
        while not self.ended:
            try:
                record = self.call.connection.read(self.timeout)
            except fastcgi.Closed:
                record = None
            if record is None:
                raise Broken("closed inside the answer")
            if record.type == fastcgi.END:
                self.ended = True
                self.close()
            elif record.type == fastcgi.STDOUT and record.content:
                return record.content
        return b""

    def all(self):
        while True:
            piece = self.read()
            if not piece:
                return self
            self.body += piece

    def close(self):
        self.call.hang_up()


def request(path, method, uri, body=b"", **params):
    return Answer(path, method, uri, body, **params).all()


def post_chat(path, text, **params):
    """A stream that has begun."""
    return Answer(path, "POST", "/v1/chat/completions", chat(text), **params)


def words_of(body):
    """How many words of upstream's text came through."""
    return len(re.findall(rb'"content":"w\d+ "', body))


class Crowd:
    """Some threads at the same work(), which asks again and again until stopping
    and counts what came of it."""

    def __init__(self, threads):
        self.done, self.failures, self.stopping = 0, [], False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, daemon=True)
                        for _ in range(threads)]
        for t in self.threads:
            t.start()

    def count(self, fault):
        with self.lock:
            self.done += 1
            if fault:
                self.failures.append(fault)

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join(60)
        return self


class Load(Crowd):
    """Requests one after the other, by FastCGI."""

    def __init__(self, path, method="GET", uri="/", body=b"", threads=4, params=None):
        self.args, self.params = (path, method, uri, body), params
        self.slowest = 0.0
        self.headers = set()    # values of x-chatmock-version
        super().__init__(threads)

    def work(self):
        while not self.stopping:
            begun = time.monotonic()
            try:
                a = request(*self.args, params=self.params)
                fault = None if a.status == 200 else f"status {a.status}"
                if a.status == 200 and self.args[3] and b"[DONE]" not in a.body:
                    fault = "no [DONE]"
                version = a.headers.get("x-chatmock-version")
            except OSError as e:
                fault, version = repr(e), None
            self.count(fault)
            with self.lock:
                self.headers.add(version)
                self.slowest = max(self.slowest, time.monotonic() - begun)
