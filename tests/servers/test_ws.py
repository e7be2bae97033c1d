#!/usr/bin/env python3
"""WebSockets through lighttpd, nginx and Apache: turns, conversations, errors,
clients that leave, reloads and drains, and what breaks the protocol.

    tests/servers/test_ws.py [names of tests]

Clients are the package `websockets` of tests/clients/requirements.txt and, for
what no library would send, sockets. CHATMOCK_TEST_BIN=build/san/bin looks for
use after free as well.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

try:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect as ws_connect
except ImportError:
    made = subprocess.run([os.path.join(ROOT, "tests", "lib", "pyenv.sh")],
                          stdout=subprocess.PIPE, text=True)
    words = made.stdout.strip()
    if made.returncode or os.environ.get("CHATMOCK_WS_AGAIN"):
        skip = "pinned for Python" in words
        print(("SKIP ws: " if skip else "ws: ") + words)
        print("ws: 0 passed, %d failed, %d skipped" % (not skip, skip))
        sys.exit(not skip)
    python = os.path.join(words, "bin", "python")
    os.environ["CHATMOCK_WS_AGAIN"] = "1"
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])

from gateway import Checks, Gateway, free_port, listens, upstream_tool  # noqa: E402

KB, MB = 1 << 10, 1 << 20
SECONDS = 60
ENDS = ("response.completed", "response.failed", "response.incomplete", "error")
checks = Checks("ws")


def until(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not (got := what()) and time.monotonic() < end:
        time.sleep(0.01)
    return got


# --- web servers

SERVERS = {
    "lighttpd": None,
    "nginx": ("deploy/nginx.conf.sample", ["nginx", "-e", "HOME/log/nginx.log",
                                           "-c", "CONF"]),
    "apache": ("deploy/apache.conf.sample", ["apache2", "-D", "FOREGROUND",
                                             "-f", "CONF"]),
}


class Front(Gateway):
    """A gateway behind one of the servers."""

    def __init__(self, server="lighttpd", **more):
        super().__init__(front=server == "lighttpd", **more)
        self.server = server

    def start(self):
        super().start()
        if SERVERS[self.server]:
            self.start_server(*SERVERS[self.server])
        until(lambda: listens(self.ws_socket))

    @property
    def ws_socket(self):
        return os.path.join(self.home, "run", "ws.sock")

    def start_server(self, sample, command):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(ROOT, sample)) as f:
            conf = f.read()
        if self.server == "nginx" and os.geteuid() == 0:
            conf = "user root;\n" + conf    # else its workers are nobody
        for name, value in (("HOME", self.home), ("BIND", "127.0.0.1"),
                            ("PORT", self.port), ("MAX_FDS", 4096)):
            conf = conf.replace(f"@{name}@", str(value))
        path = os.path.join(self.home, "run", "server.conf")
        with open(path, "w") as f:
            f.write(conf)
        words = [w.replace("CONF", path).replace("HOME", self.home) for w in command]
        self.spawn("server", words, dict(os.environ, PATH=os.environ["PATH"]
                                         + ":/usr/local/sbin:/usr/sbin:/sbin"))
        self.wait(lambda: self.get("/").status == 200, "an answer of GET /")

    def ends(self):
        """How the requests ended, but for handshakes."""
        return [line["end"] for line in self.log() if line["event"] == "request"
                and line["method"] == "POST"]


class Socket:
    """A connection that asks."""

    def __init__(self, g, path="/v1/responses", headers=None, **more):
        self.ws = ws_connect(g.base.replace("http", "ws", 1) + path,
                             additional_headers=headers, open_timeout=SECONDS,
                             max_size=None, compression=None, ping_interval=None,
                             proxy=None, legacy=True, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close()

    def say(self, message, **more):
        self.ws.send(json.dumps(dict({"type": "response.create",
                                      "model": "gpt-5.5"}, **message, **more)))

    def hear(self, seconds=SECONDS):
        return json.loads(self.ws.recv(timeout=seconds))

    def rest(self):
        """All messages of an answer."""
        got = [self.hear()]
        while got[-1]["type"] not in ENDS:
            got.append(self.hear())
        return got

    def ask(self, message=None, **more):
        self.say(message or {}, **more)
        return self.rest()

    def closed(self, seconds=SECONDS):
        """The code that it is closed with."""
        try:
            while True:
                self.ws.recv(timeout=seconds)
        except ConnectionClosed as e:
            return e.rcvd.code if e.rcvd else 1006


def text_of(messages):
    return "".join(m["delta"] for m in messages
                   if m["type"] == "response.output_text.delta")


def id_of(messages):
    return messages[-1]["response"]["id"]


# --- a client that sends what it likes

class Raw:
    """Frames by hand. where: (host, port) or the path of a socket."""

    def __init__(self, where, handshake=True, path="/v1/responses"):
        local = isinstance(where, str)
        self.s = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
        self.s.settimeout(SECONDS)
        self.s.connect(where)
        self.got = b""
        if handshake:
            self.s.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "X-Forwarded-For: 127.0.0.1\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            self.head = self.read_head()

    def read_head(self):
        while b"\r\n\r\n" not in self.got:
            piece = self.s.recv(64 * KB)
            if not piece:
                break
            self.got += piece
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        return head.decode()

    def frame(self, first, text=b"", mask=b"\x01\x7f\x80\xff", length=None):
        n = len(text) if length is None else length
        size = (bytes([0x80 | n]) if n < 126 else
                b"\xfe" + struct.pack(">H", n) if n < 65536 else
                b"\xff" + struct.pack(">Q", n))
        if mask:
            pad = (mask * (len(text) // 4 + 1))[:len(text)]
            text = (int.from_bytes(text, "big") ^ int.from_bytes(pad, "big")
                    ).to_bytes(len(text), "big")
        else:
            size = bytes([size[0] & 0x7f]) + size[1:]
        return bytes([first]) + size + (mask or b"") + text

    def send(self, *args, **kw):
        self.s.sendall(self.frame(*args, **kw))

    def read(self):
        """(first byte, text) of a frame; None: closed."""
        while True:
            if len(self.got) >= 2:
                n, at = self.got[1], 2
                if n == 126 and len(self.got) >= 4:
                    n, at = struct.unpack(">H", self.got[2:4])[0], 4
                elif n == 127 and len(self.got) >= 10:
                    n, at = struct.unpack(">Q", self.got[2:10])[0], 10
                elif n > 125:
                    n, at = 1 << 62, 0
                if len(self.got) >= at + n:
                    frame = self.got[0], self.got[at:at + n]
                    self.got = self.got[at + n:]
                    return frame
            try:
                piece = self.s.recv(64 * KB)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return None
            self.got += piece

    def close_code(self):
        """Of the close frame that comes, whatever comes before; None: none."""
        while frame := self.read():
            if frame[0] == 0x88:
                return struct.unpack(">H", frame[1][:2])[0] if frame[1] else 1005
        return None

    def gone(self):
        """Nothing comes any more, and it is closed."""
        return self.read() is None

    def end(self):
        self.s.close()


CREATE = {"type": "response.create", "model": "gpt-5.5", "input": "Hi"}


# --- turns

def test_turns(server):
    name = server
    with Front(server, kind="chatgpt", env={"CHATMOCK_HEARTBEAT": "0.3"}) as g:
        g.upstream.script(
            {"say": "Hello there", "interval_ms": 120},
            {"calls": [{"name": "f", "arguments": {"a": 1}, "call_id": "call_1"}]},
            {"say": "Done"},
            {"delay_ms": 1000, "say": "Late"})
        with Socket(g) as s:
            checks.equal(s.ws.response.status_code, 101, f"{name}: opened")
            checks.check(s.ws.response.headers["x-request-id"], f"{name}: it has an id")
            begun = time.monotonic()
            s.say({"input": "Hi"})
            times = []
            got = [s.hear()]
            while got[-1]["type"] not in ENDS:
                times.append(time.monotonic() - begun)
                got.append(s.hear())
            checks.equal(text_of(got), "Hello there", f"{name}: the text")
            gaps = [b - a for a, b in zip(times, times[1:])]
            checks.check(sum(gap > 0.05 for gap in gaps) >= 5,
                         f"{name}: events come one by one", gaps)
            checks.equal([m["sequence_number"] for m in got], list(range(len(got))),
                         f"{name}: numbers")
            one = s.ask(input=[{"role": "user", "content": "Call f"}],
                        tools=[{"type": "function", "name": "f",
                                "parameters": {"type": "object"}, "strict": False}])
            two = s.ask(previous_response_id=id_of(one), input=[
                {"type": "function_call_output", "call_id": "call_1",
                 "output": "42"}])
            checks.equal(text_of(two), "Done", f"{name}: after the tool")
            sent = g.upstream.requests()[-1]["body"]["input"]
            checks.equal([i["type"] for i in sent], ["message", "function_call",
                                                     "function_call_output"],
                         f"{name}: upstream has all of the conversation")
            pongs = []
            s.ws.protocol_pings = pongs
            checks.equal(text_of(s.ask(input="wait")), "Late",
                         f"{name}: silence is no end")
            waiter = s.ws.ping()
            checks.check(waiter.wait(SECONDS), f"{name}: a ping is answered")
        checks.equal(s.ws.close_code, 1000, f"{name}: closed")
        for asked in g.upstream.requests():
            checks.equal(asked["problems"], [], f"{name}: upstream has nothing to refuse")
        checks.check(g.get("/v1/responses").status == 426, f"{name}: a plain GET is 426")
        r = g.get("/v1/models", {"Upgrade": "websocket", "Connection": "Upgrade"})
        checks.equal(r.status, 200, f"{name}: elsewhere Upgrade means nothing")
        checks.equal(g.ends(), ["ok"] * 4, f"{name}: each response has its line in the log")
        for path in ("/responses", "/v1/v1/responses/", "/codex/responses",
                     "/codex/v1/responses", "/codex/one/responses",
                     "/backend-api/codex/responses"):
            with Socket(g, path) as s:
                checks.equal(text_of(s.ask(input="Hi")), "Hello from the test upstream.",
                             f"{name}: {path}")


def test_own_login(server):
    """Each connection with its own caller's login, at each of its turns."""
    ann, bob = [{"Authorization": f"Bearer tok-{who}",
                 "chatgpt-account-id": f"acct_{who}"} for who in ("ann", "bob")]
    with Front(server, kind="chatgpt", env={"CHATMOCK_FORWARD_AUTH": "1"}) as g:
        with Socket(g, headers=ann) as a, Socket(g, headers=bob) as b, \
                Socket(g) as ours:
            one = a.ask(input="Hi")
            checks.equal(text_of(one), "Hello from the test upstream.",
                         f"{server}: ann is answered")
            two = a.ask(input="And?", previous_response_id=id_of(one))
            checks.equal(two[-1]["type"], "response.completed",
                         f"{server}: ann goes on")
            end = b.ask(input="And?", previous_response_id=id_of(one))[-1]
            checks.equal((end["type"], end.get("error", {}).get("code")),
                         ("error", "previous_response_not_found"),
                         f"{server}: bob does not find it")
            b.ask(input="Hi")
            ours.ask(input="Hi")
            g.upstream.script({"status": 401, "body": {"error": {
                "code": "token_expired", "message": "expired"}}})
            end = a.ask(input="Hi")[-1]
            checks.equal((end["type"], end["status"]), ("error", 401),
                         f"{server}: upstream's 401 is told")
        got = [(upstream_tool.header(r, "authorization")[:14],
                upstream_tool.header(r, "chatgpt-account-id"))
               for r in g.upstream.requests()]
        checks.equal(got, [("Bearer tok-ann", "acct_ann")] * 2 +
                     [("Bearer tok-bob", "acct_bob"), ("Bearer eyJhbGc", "acct_test"),
                      ("Bearer tok-ann", "acct_ann")], f"{server}: whose logins")
        checks.equal(g.upstream.stats()["token_requests"], 0,
                     f"{server}: nothing is renewed for it")


def test_leaving(server):
    with Front(server) as g:
        slow = {"say": "word " * 400, "interval_ms": 20}
        g.upstream.script(slow, slow)
        s = Socket(g)
        s.say({"input": "Hi"})
        while s.hear()["type"] != "response.output_text.delta":
            pass
        begun = time.monotonic()
        s.ws.close()
        gone = until(lambda: g.upstream.aborts())
        checks.check(gone and time.monotonic() - begun < 5,
                     f"{server}: a client that closes ends the call", gone)
        s = Socket(g)
        s.say({"input": "Hi"})
        while s.hear()["type"] != "response.output_text.delta":
            pass
        s.ws.socket.shutdown(socket.SHUT_RDWR)
        gone = until(lambda: len(g.upstream.aborts()) == 2)
        checks.check(gone, f"{server}: and one that vanishes")
        checks.equal(until(lambda: g.ends() == ["client_gone"] * 2 and g.ends()),
                     ["client_gone"] * 2, f"{server}: the log says so")


def test_refused(server):
    with Front(server) as g:
        def status(path="/v1/responses", **more):
            try:
                Socket(g, path, **more).ws.close()
                return 101
            except InvalidStatus as e:
                return e.response.status_code

        checks.equal(status(headers={"Origin": "https://evil.example"}), 403,
                     f"{server}: a foreign origin")
        checks.equal(status(headers={"Origin": g.base}), 101,
                     f"{server}: the own origin")
        checks.equal(status(headers={"X-Forwarded-For": "127.0.0.1"}), 101,
                     f"{server}: a forwarded address of the client's own")
        c = g.connect()
        c.request("GET", "/v1/responses", headers={
            "Host": "evil.example", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        r = c.getresponse()
        checks.equal(r.status, 403, f"{server}: a foreign host")
        checks.equal(json.loads(r.read())["error"]["code"], "host_refused",
                     f"{server}: with its error")
        c.close()
        r = g.get("/v1/responses", {"Upgrade": "websocket", "Connection": "Upgrade",
                                    "Sec-WebSocket-Version": "8"})
        checks.equal(r.status, 426, f"{server}: another version")


def test_large(server):
    with Front(server) as g:
        with Socket(g) as s:
            got = s.ask(input="x" * (8 * MB))
            checks.equal(got[-1]["type"], "response.completed", f"{server}: 8 MB")
            [asked] = g.upstream.requests()
            checks.check(asked["bytes"] > 8 * MB, f"{server}: arrive", asked["bytes"])
            got = s.ask(input="more", previous_response_id=id_of(got))
            checks.equal(got[-1]["type"], "response.completed", f"{server}: and once more")
            g.upstream.script({"say": "y" * (3 * MB)})
            got = s.ask(input="Hi")
            checks.equal(len(text_of(got)), 3 * MB, f"{server}: 3 MB come back")


# --- conversations

def test_memory():
    with Front(kind="chatgpt") as g:
        with Socket(g) as s:
            warm = s.ask(generate=False, input=[{"type": "message", "role": "developer",
                         "content": [{"type": "input_text", "text": "Be brief."}]}])
            checks.equal([m["type"] for m in warm], ["response.created",
                         "response.completed"], "prepared")
            checks.equal(warm[-1]["response"]["output"], [], "with no output")
            checks.equal(len(g.upstream.requests()), 0, "upstream was not asked")
            # kept nowhere else, so that only the connection can know of them
            one = s.ask(input="One", previous_response_id=id_of(warm), store=False)
            s.ws.send(json.dumps({"type": "response.processed",
                                  "response_id": id_of(one)}))
            two = s.ask(input="Two", previous_response_id=id_of(one), store=False)
            sent = g.upstream.requests()[-1]["body"]
            checks.equal([i.get("role") for i in sent["input"]],
                         ["developer", "user", "assistant", "user"], "all turns")
            checks.check("previous_response_id" not in sent, "and no id")
            for message in (two[0], two[-1]):
                checks.equal(message["response"].get("previous_response_id"),
                             id_of(one), "the answer says what it continues")
            old = s.ask(input="Old", previous_response_id=id_of(one))
            checks.equal((old[-1]["type"], old[-1]["status"], old[-1]["error"]["code"]),
                         ("error", 400, "previous_response_not_found"), "an older id")
            again = s.ask(input="Three", previous_response_id=id_of(two))
            checks.equal(again[-1]["type"], "response.completed", "an error forgets nothing")
            g.upstream.script({"failed": {"code": "server_error", "message": "no"},
                               "say": "so far"})
            checks.equal(s.ask(input="Four", previous_response_id=id_of(again))
                         [-1]["type"], "response.failed", "failed")
            last = s.ask(input="Four", previous_response_id=id_of(again))
            checks.equal(last[-1]["type"], "response.completed", "nor does a failure")
            checks.equal(len(g.upstream.requests()[-1]["body"]["input"]), 8, "eight items")
            for _ in range(60):
                s.ask(input="Behind", background=True)
                got = s.ask(generate=False, input="x")
                if got[-1]["type"] == "error":
                    break
            checks.equal(got[-1]["type"], "response.completed",
                         "its last event is the end of one in the background")
            kept = s.ask(input="Kept")
            s.ask(input="Between")
            back = s.ask(input="Back", previous_response_id=id_of(kept))
            checks.equal(back[-1]["type"], "response.completed", "a stored one is found")
            checks.equal(len(g.upstream.requests()[-1]["body"]["input"]), 3, "its turn")
            checks.equal(s.ask(input="x", generate="no")[-1]["error"]["code"],
                         "invalid_value", "generate is a boolean")
        with Socket(g) as s:
            got = s.ask(input="x", previous_response_id=id_of(two))
            checks.equal(got[-1]["error"]["code"], "previous_response_not_found",
                         "another connection's id")
            got = s.ask(input="Hi", temperature=0.5, user="me")
            checks.equal((got[0]["type"], sorted(got[0]["params"])),
                         ("chatmock.dropped_params", ["temperature", "user"]),
                         "what was dropped is told")
            checks.equal(got[1]["type"], "response.created", "before the response")


def test_errors():
    limit = {"error": {"type": "usage_limit_reached", "message": "Enough.",
                       "plan_type": "plus", "resets_in_seconds": 3600,
                       "resets_at": int(time.time()) + 3600}}
    with Front(kind="chatgpt") as g:
        with Socket(g) as s:
            g.upstream.script(
                {"status": 429, "body": limit,
                 "headers": {"x-codex-primary-used-percent": "100"}},
                {"status": 400, "body": {"detail": "Not so."}},
                {"say": "Hello", "stop_before": "response.completed"})
            [e] = s.ask(input="Hi")
            checks.equal((e["type"], e["status"], e["error"]["type"],
                          e["error"].get("plan_type")),
                         ("error", 429, "usage_limit_reached", "plus"), "a limit")
            checks.check("status_code" not in e, "status alone")
            checks.equal(e["headers"].get("x-codex-primary-used-percent"), "100",
                         "with upstream's headers")
            checks.check(e["headers"]["x-request-id"].startswith("req_"), "and an id")
            [e] = s.ask(input="Hi")
            checks.equal((e["status"], "Not so." in e["error"]["message"]),
                         (400, True), "a refusal")
            got = s.ask(input="Hi")
            checks.equal((text_of(got), got[-1]["type"]), ("Hello", "response.failed"),
                         "cut in the midst")
            [e] = s.ask(input=7)
            checks.equal((e["status"], e["error"]["param"]), (400, "input"),
                         "a wrong request")
            for text, code in (("nonsense", "bad_json"), ("[1]", "bad_json"),
                               ('{"type":"session.update"}', "invalid_value"),
                               ("[" * 200, "too_deep")):
                s.ws.send(text)
                checks.equal(s.hear()["error"]["code"], code, f"message {text[:20]}")
            g.upstream.script({"say": "a b c", "interval_ms": 100})
            s.say({"input": "Hi"})
            first = s.hear()
            s.say({"input": "me too"})
            s.ws.send('{"type":"response.processed"}')
            got = [first] + s.rest()
            busy = [m for m in got if m["type"] == "error"]
            got += s.rest() if got[-1]["type"] == "error" else []
            checks.equal([m["error"]["code"] for m in busy], ["response_in_progress"],
                         "one response at a time")
            checks.check(first["response"]["id"] in busy[0]["error"]["message"],
                         "and which", busy[0])
            checks.equal((got[-1]["type"], text_of(got)), ("response.completed", "a b c"),
                         "the one that runs goes on")
            checks.equal(len(g.upstream.requests()), 4, "and was alone")


def test_switched_off():
    with Front(env={"CHATMOCK_WEBSOCKET": "0"}) as g:
        try:
            Socket(g)
            checks.check(False, "CHATMOCK_WEBSOCKET=0")
        except InvalidStatus as e:
            checks.equal(e.response.status_code, 426, "CHATMOCK_WEBSOCKET=0")
    with Front(env={"CHATMOCK_ENABLE_RESPONSES_API": "0"}) as g:
        try:
            Socket(g)
            checks.check(False, "no Responses API")
        except InvalidStatus as e:
            checks.equal(e.response.status_code, 404, "no Responses API")


# --- the protocol, byte by byte

def raw_cases():
    """What is sent, and the close code or the frames that come."""
    f = Raw.frame
    bad = object.__new__(Raw)

    def frame(*args, **kw):
        return f(bad, *args, **kw)

    create = json.dumps(CREATE).encode()
    yield "unmasked", frame(0x81, b"{}", mask=None), 1002
    yield "reserved bit 1", frame(0xc1, b"{}"), 1002
    yield "reserved bit 3", frame(0x91, b"{}"), 1002
    yield "binary", frame(0x82, b"\x00\x01"), 1003
    yield "opcode 3", frame(0x83, b"x"), 1002
    yield "opcode 11", frame(0x8b, b"x"), 1002
    yield "a continuation of nothing", frame(0x80, b"x"), 1002
    yield "text inside a fragmented text", frame(0x01, b"a") + frame(0x81, b"b"), 1002
    yield "a fragmented ping", frame(0x09, b"a"), 1002
    yield "a ping of 126 bytes", frame(0x89, b"x" * 126), 1002
    yield "not UTF-8", frame(0x81, b'{"type":"\xff"}'), 1007
    yield "a surrogate", frame(0x81, b'{"type":"\xed\xa0\x80"}'), 1007
    yield "cut inside a character", frame(0x81, b'{"a":"\xe2\x82'), 1007
    yield "33 MiB said", frame(0x81, b"{", length=33 * MB), 1009
    yield "2^62 bytes said", frame(0x81, b"x", length=1 << 62), 1009
    yield "close 1000", frame(0x88, struct.pack(">H", 1000) + b"bye"), 1000
    yield "close 3000", frame(0x88, struct.pack(">H", 3000)), 3000
    yield "close without a code", frame(0x88), 1005
    yield "close with half a code", frame(0x88, b"\x03"), 1002
    yield "close 1005", frame(0x88, struct.pack(">H", 1005)), 1002
    yield "close 999", frame(0x88, struct.pack(">H", 999)), 1002
    yield "close, not UTF-8", frame(0x88, struct.pack(">H", 1000) + b"\xff"), 1007
    yield "after a message", frame(0x81, create) + frame(0x82, b"x"), 1003
    half = len(create) // 2
    yield ("fragments with pings between",
           frame(0x01, create[:half]) + frame(0x89, b"1") + frame(0x00, b"")
           + frame(0x00, create[half:-1]) + frame(0x89, b"2")
           + frame(0x80, create[-1:]), [b"1", b"2"])
    yield ("many small fragments", frame(0x01, create[:1])
           + b"".join(frame(0x00, create[i:i + 1]) for i in range(1, len(create)))
           + frame(0x80, b""), [])
    yield "a pong nobody asked for", frame(0x8a, b"x") + frame(0x81, create), []


def play_raw(where, name, text, want, step):
    r = Raw(where)
    if not checks.check(r.head.startswith("HTTP/1.1 101"), f"{name}: opened", r.head):
        return
    for i in range(0, len(text), step):
        try:
            r.s.sendall(text[i:i + step])
        except OSError:
            break       # it was refused at its first bytes
        if step < 4096:
            time.sleep(0.0005)
    if isinstance(want, int):
        checks.equal(r.close_code(), want, name)
        checks.check(r.gone(), f"{name}: and closed")
    else:
        pongs, end = [], None
        while end not in ENDS:
            first, data = r.read() or (0, b"")
            if first == 0x8a:
                pongs.append(data)
            elif first == 0x81:
                end = json.loads(data)["type"]
            elif first not in (0x89,):
                break
        checks.equal((end, pongs), ("response.completed", want), name)
        r.send(0x88, struct.pack(">H", 1000))
        checks.equal(r.close_code(), 1000, f"{name}: closed")
    r.end()


def test_protocol():
    with Front() as g:
        pids = until(g.worker_pids)
        for name, text, want in raw_cases():
            play_raw(g.ws_socket, name, text, want, 1 << 20)
            play_raw(g.ws_socket, name + ", byte by byte", text, want, 1)
            play_raw(("127.0.0.1", g.port), name + ", lighttpd", text, want, 1 << 20)
        checks.equal(g.worker_pids(), pids, "the same worker")


def test_handshakes():
    good = ["GET /v1/responses HTTP/1.1", "Host: localhost",
            "X-Forwarded-For: 127.0.0.1", "Connection: Upgrade",
            "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]

    def status(lines, end="\r\n\r\n", step=1 << 20):
        r = Raw(g.ws_socket, handshake=False)
        text = ("\r\n".join(lines) + end).encode("latin-1")
        for i in range(0, len(text), step):
            try:
                r.s.sendall(text[i:i + step])
            except OSError:
                break
        head = r.read_head()
        r.end()
        return head.split(" ")[1] if head else "", head

    def without(word):
        return [line for line in good if not line.startswith(word)]

    with Front(kind="chatgpt") as g:
        pids = until(g.worker_pids)
        code, head = status(good)
        checks.check("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head,
                     "the answer to the key", head)
        checks.check("Sec-WebSocket-Extensions" not in head, "no extension")
        checks.equal(status(good, step=1)[0], "101", "byte by byte")
        for word in ("Connection", "Upgrade", "Sec-WebSocket-Version",
                     "Sec-WebSocket-Key"):
            code, head = status(without(word))
            checks.equal(code, "426", f"without {word}")
            checks.check("Upgrade: websocket" in head and
                         "Sec-WebSocket-Version: 13" in head, "and what is wanted", head)
        for lines, want, what in (
                (without("X-Forwarded-For"), "403", "nobody says who asks"),
                (good + ["X-Forwarded-For: 8.8.8.8"], "403", "from elsewhere"),
                (good + ["X-Forwarded-For: 127.0.0.1, 8.8.8.8"], "403", "by another proxy"),
                (without("X-For") + ["X-Forwarded-For: 8.8.8.8, 127.0.0.1"], "101",
                 "the last address counts"),
                (without("Host") + ["Host: evil.example"], "403", "a foreign host"),
                (good + ["Host: localhost"], "400", "two hosts"),
                (good + ["Sec-Fetch-Site: cross-site", "Origin: https://a.example"],
                 "403", "a foreign page"),
                (["POST" + good[0][3:]] + good[1:], "400", "a POST"),
                (["GET /v1/respond HTTP/1.1"] + good[1:], "404", "another path"),
                (good + ["Content-Length: 4"], "400", "a body"),
                (["nonsense"], "400", "nonsense"),
                (good + ["X-Long: " + "x" * 40000], "431", "a long head"),
                (good + [f"X-{i}: y" for i in range(150)], "431", "many lines")):
            checks.equal(status(lines)[0], want, what)
        idle = Raw(g.ws_socket, handshake=False)
        idle.s.sendall(b"GET /v1/resp")
        idle.s.shutdown(socket.SHUT_WR)
        checks.check(idle.gone(), "half a head and away")
        idle.end()
        checks.equal(g.worker_pids(), pids, "the same worker")


# --- backpressure

def test_slow_reader():
    """Who does not read holds up upstream, and nobody else."""
    with Front() as g:
        g.upstream.default({"say": "z" * 20000 + " ", "interval_ms": 0})
        g.upstream.script({"say": ("w" * 2000 + " ") * 10000})
        r = Raw(g.ws_socket)
        r.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KB)
        r.send(0x81, json.dumps(CREATE).encode())
        time.sleep(1.5)
        open_ = g.upstream.stats()["open"] if "open" in g.upstream.stats() else 1
        checks.check(open_, "upstream waits", g.upstream.stats())
        [pid] = g.worker_pids()
        with open(f"/proc/{pid}/status") as f:
            rss = [int(line.split()[1]) for line in f if line.startswith("RssAnon")][0]
        checks.check(rss < (400 if "san" in g.bin else 40) * KB, "little is held", rss)
        with Socket(g) as s:
            checks.equal(s.ask(input="Hi")[-1]["type"], "response.completed",
                         "another is served")
        size, end = 0, None
        while end not in ENDS:
            frame = r.read()
            if not frame:
                break
            if frame[0] == 0x81:
                size += len(frame[1])
                end = json.loads(frame[1])["type"]
        checks.check(end == "response.completed" and size > 40 * MB,
                     "then it reads all", (end, size))
        r.end()
        # who pings and does not read is not heard for ever
        r = Raw(g.ws_socket)
        r.s.settimeout(3)
        sent = 0
        try:
            while sent < 64 * MB:
                sent += r.s.send(r.frame(0x89, b"p" * 125) * 500)
        except TimeoutError:
            pass
        checks.check(sent < 64 * MB, "pings without reading", sent)
        r.end()
        checks.equal(g.worker_pids(), [pid], "the same worker")


# --- the gateway's own end

def test_reload():
    with Front(workers=2) as g:
        g.upstream.script({"say": "one two three", "interval_ms": 300})
        idle, busy = Socket(g), Socket(g)
        busy.say({"input": "Hi"})
        first = busy.hear()
        os.kill(g.master.pid, signal.SIGHUP)
        checks.equal(idle.closed(), 1001, "reload: an idle one is told to go")
        got = [first] + busy.rest()
        checks.equal((text_of(got), got[-1]["type"]),
                     ("one two three", "response.completed"),
                     "reload: a response is finished")
        checks.equal(busy.closed(), 1001, "reload: and then closed")
        with Socket(g) as s:
            checks.equal(s.ask(input="Hi")[-1]["type"], "response.completed",
                         "reload: a new one at the same socket")
        os.kill(g.master.pid, signal.SIGHUP)
        until(lambda: len([line for line in g.log("error")
                           if line["event"] == "master_start"]) == 3)
        with Socket(g) as s:
            checks.equal(s.ask(input="Hi")[-1]["type"], "response.completed",
                         "and after another reload")


def test_stop():
    with Front(env={"CHATMOCK_DRAIN_TIMEOUT": "30"}) as g:
        g.upstream.script({"say": "one two three", "interval_ms": 200})
        mode = os.stat(g.ws_socket).st_mode & 0o777
        checks.equal(mode, 0o600, "the socket is its owner's")
        idle, busy, half = Socket(g), Socket(g), Raw(g.ws_socket, handshake=False)
        busy.say({"input": "Hi"})
        first = busy.hear()
        os.kill(g.master.pid, signal.SIGTERM)
        checks.equal(idle.closed(), 1001, "stop: an idle one is told to go")
        got = [first] + busy.rest()
        checks.equal(got[-1]["type"], "response.completed", "stop: a response is finished")
        checks.equal(busy.closed(), 1001, "stop: and then closed")
        half.end()
        checks.equal(g.master.wait(30), 0, "it ends")
        checks.check(not os.path.exists(g.ws_socket), "and leaves no socket")
        g.procs.remove(g.master)
    with Front(env={"CHATMOCK_DRAIN_TIMEOUT": "0.5"}) as g:
        g.upstream.script({"say": "word " * 500, "interval_ms": 50})
        s = Socket(g)
        s.say({"input": "Hi"})
        s.hear()
        os.kill(g.master.pid, signal.SIGTERM)
        got = s.rest()
        checks.equal(got[-1]["type"], "response.failed", "cut: the response fails")
        checks.equal(s.closed(), 1001, "cut: and is closed")
        checks.equal(g.master.wait(30), 0, "it ends")
        g.procs.remove(g.master)


def test_stale_socket():
    """What a killed gateway left is taken; a living one's is not."""
    with Front() as g:
        g.master.send_signal(signal.SIGKILL)
        g.master.wait()
        g.procs.remove(g.master)
        checks.check(os.path.exists(g.ws_socket), "a killed one leaves its socket")
        until(lambda: not g.worker_pids())
        g.start_fcgi()
        g.wait(lambda: g.get("/").status == 200, "an answer")
        with Socket(g) as s:
            checks.equal(s.ask(input="Hi")[-1]["type"], "response.completed",
                         "the next one takes it")


def many(g, count):
    """So many connections, each with its own response. How many had one."""
    sockets = [Raw(g.ws_socket) for _ in range(count)]
    for r in sockets:
        r.send(0x81, json.dumps(CREATE).encode())
    good = 0
    for r in sockets:
        end = None
        while end not in ENDS:
            frame = r.read()
            if not frame:
                break
            end = json.loads(frame[1])["type"] if frame[0] == 0x81 else None
        good += end == "response.completed"
    for r in sockets[:count // 2]:
        r.end()             # without a word
    for r in sockets[count // 2:]:
        r.send(0x88, struct.pack(">H", 1000))
    left = sum(r.close_code() == 1000 for r in sockets[count // 2:])
    for r in sockets[count // 2:]:
        r.end()
    checks.equal(left, count - count // 2, "goodbyes are answered")
    return good


def test_many():
    with Front() as g:
        g.upstream.default({"say": "Hello"})
        [pid] = until(g.worker_pids)

        def descriptors():
            return len(os.listdir(f"/proc/{pid}/fd"))

        checks.equal(many(g, 200), 200, "200 at once")
        # upstream's connections are kept for a while: the same for each round
        time.sleep(0.2)
        before = descriptors()
        checks.equal(many(g, 200), 200, "200 more")
        checks.check(until(lambda: descriptors() <= before + 5),
                     "no descriptor is left", (before, descriptors()))


TESTS = [test_memory, test_errors, test_switched_off, test_protocol, test_handshakes,
         test_slow_reader, test_reload, test_stop, test_stale_socket, test_many]
EACH = [test_turns, test_own_login, test_leaving, test_refused, test_large]


def run(name, test, *args):
    begun = time.monotonic()
    try:
        test(*args)
    except Exception:
        import traceback
        traceback.print_exc(file=sys.stdout)
        checks.check(False, name)
    print(f"  {name} {time.monotonic() - begun:.1f} s", flush=True)


def main():
    only = sys.argv[1:]
    jobs = [(f"{t.__name__} {server}", t, server) for server in SERVERS for t in EACH]
    jobs += [(t.__name__, t) for t in TESTS]
    for name, test, *args in jobs:
        if not only or any(word in name for word in only):
            run(name, test, *args)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
