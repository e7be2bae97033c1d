#!/usr/bin/env python3
"""The three web servers with their samples in front of chatmock.fcgi: a live
stream, a 1 MB body, the Authorization header, clients that leave, bodies
that are too large, hostile requests; and lighttpd with plain CGI.

    tests/servers/test_servers.py [lighttpd] [nginx] [apache] [cgi]
"""
import http.client
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import keys  # noqa: E402
from rig import (GATEWAY, PATH, ROOT, Checks, Gateway, Upstream, chat, children,
                 fastcgi, free_port, until, words_of)

up = Upstream()
HEARTBEAT = 0.5
JSON = {"Content-Type": "application/json"}


class Server:
    """One web server, started from its sample. renew: the signal that makes it
    begin anew, where it keeps connections."""

    def __init__(self, gateway, sample, command, renew=None):
        self.renew = renew
        self.port = free_port()
        self.home = gateway.home.dir
        conf = os.path.join(self.home, "run", "server.conf")
        with open(os.path.join(ROOT, sample)) as f:
            text = f.read()
        for name, value in (("HOME", self.home), ("BIND", "127.0.0.1"),
                            ("PORT", self.port), ("MAX_FDS", 4096)):
            text = text.replace(f"@{name}@", str(value))
        with open(conf, "w") as f:
            f.write(text)
        self.out = open(os.path.join(self.home, "server.out"), "wb")
        self.p = subprocess.Popen(
            gateway.user + [word.replace("CONF", conf).replace("HOME", self.home)
                            for word in command], stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.out, env=dict(os.environ, PATH=PATH),
            start_new_session=True)
        if not until(self.answers, 10):
            with open(self.out.name) as f:
                raise RuntimeError(f"{command[0]} does not answer: {f.read()}")

    def answers(self):
        try:
            return self.send("GET", "/").status == 200
        except OSError:
            return False

    def params_of(self, method, path, headers):
        """What the web server hands over: a responder of ours takes the
        gateway's place for one request."""
        where = os.path.join(self.home, "run", "chatmock.sock")
        os.rename(where, where + ".kept")
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(where)
                os.chmod(where, 0o666)
                listener.listen(8)
                got = {}
                t = threading.Thread(target=respond, args=(listener, got))
                t.start()
                if self.renew:  # or it asks the gateway, on a kept connection
                    self.p.send_signal(self.renew)
                until(lambda: self.send(method, path, headers=headers).read() and got, 10)
                t.join(10)
                return got
        finally:
            os.rename(where + ".kept", where)

    def send(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, body, dict(JSON if body else {}, **(headers or {})))
        r = c.getresponse()
        r.conn = c
        return r

    def chat(self, text, headers=None, **more):
        return self.send("POST", "/v1/chat/completions", chat(text, **more), headers)

    def end(self):
        self.p.terminate()
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.p.pid, 9)
            self.p.wait()
        self.out.close()


def check_stream(t, s, name):
    begun = time.monotonic()
    r = s.chat("10 words every 100 ms")
    times = []
    body = b""
    while True:
        line = r.readline()
        if not line:
            break
        body += line
        if b'"content":"w' in line:
            times.append(time.monotonic() - begun)
    t.check(r.status == 200 and r.getheader("Content-Type", "")
            .startswith("text/event-stream"), name, "a stream", r.status)
    t.check(len(times) == 10 and b"[DONE]" in body, name, "all of it", times)
    gaps = [b - a for a, b in zip(times, times[1:])]
    t.check(times and times[0] < 0.5, name, "the first event comes at once", times)
    t.check(sum(0.05 < gap < 0.4 for gap in gaps) >= 6, name,
            "events come one by one", gaps)


def check_large_body(t, s, name):
    r = s.chat("3 words every 5 ms", pad=1 << 20)
    t.check(r.status == 200 and words_of(r.read()) == 3, name, "1 MB is taken", r.status)
    t.check(len(up.seen[-1].body) > 1 << 20, name, "and reaches upstream whole")


def respond(listener, got):
    """Answers one FastCGI request and keeps its parameters."""
    listener.settimeout(10)
    peer, _ = listener.accept()
    c = fastcgi.Connection.__new__(fastcgi.Connection)
    c.sock, c.pending, params = peer, b"", b""
    while True:
        record = c.read(10)
        if record is None or record.type == fastcgi.STDIN and not record.content:
            break
        if record.type == fastcgi.PARAMS:
            params += record.content
    got.update(fastcgi.unpair(params))
    c.send(fastcgi.stream(fastcgi.STDOUT, 1, b"Status: 200 OK\r\n\r\nok")
           + fastcgi.record(fastcgi.END, 1, bytes(8)))
    c.close()


def check_params(t, s, name):
    p = s.params_of("GET", "/v1/models?limit=2", {
        "Authorization": "Bearer sk-one", "X-Session-Id": "s-1",
        "X-Api-Key": "sk-two", "Api-Key": "sk-three", "session_id": "s-2",
        "Proxy": "http://evil.example:1"})
    t.check(p.get("HTTP_AUTHORIZATION") == "Bearer sk-one", name,
            "the Authorization header arrives", sorted(p))
    t.check(p.get("HTTP_X_SESSION_ID") == "s-1" and p.get("HTTP_X_API_KEY") == "sk-two"
            and p.get("HTTP_API_KEY") == "sk-three", name, "others too", sorted(p))
    t.check(p.get("HTTP_SESSION_ID") == "s-2", name, "also one with an underscore",
            sorted(p))
    t.check(p.get("REQUEST_METHOD") == "GET" and
            p.get("REQUEST_URI") == "/v1/models?limit=2" and
            p.get("QUERY_STRING") == "limit=2", name, "and the request line", p)
    t.check(p.get("REMOTE_ADDR") == "127.0.0.1", name, "and who asks", p)
    t.check(not p.get("HTTP_PROXY"), name, "nobody sets HTTP_PROXY", p)


def check_keys(t, s, name):
    """Callers' keys, in whichever header. From here on one is needed."""
    path = os.path.join(s.home, "keys")
    with open(path, "w") as f:
        f.write(keys.file_text("ann=generate,models"))
    os.chmod(path, 0o600)
    os.chown(path, os.stat(s.home).st_uid, -1)
    t.check(until(lambda: all(s.send("GET", "/v1/models").status == 401
                              for _ in range(8)), 5), name, "none is a 401")
    for head in ({"Authorization": "Bearer " + keys.text("ann")},
                 {"X-Api-Key": keys.text("ann")}, {"Api-Key": keys.text("ann")}):
        t.check(s.chat("2 words every 1 ms", headers=head).status == 200, name,
                "a right one", *head)
    r = s.chat("2 words every 1 ms", headers={"X-Api-Key": keys.text("bob")})
    t.check(r.status == 401 and r.getheader("WWW-Authenticate", "")
            .startswith("Bearer"), name, "a wrong one", r.status)


def check_abort(t, s, name):
    r = s.chat("10 words every 20 ms, silence after 3")
    while words_of(r.readline()) == 0:
        pass
    seen = up.seen[-1]
    time.sleep(0.2)
    left = time.monotonic()
    r.conn.sock.shutdown(socket.SHUT_RDWR)
    r.close()
    r.conn.close()
    limit = 3 * HEARTBEAT + 1 if name == "apache" else 0.5
    t.check(until(lambda: seen.gone, limit + 1) and seen.gone - left < limit, name,
            "upstream hears of a client that left", seen.gone and seen.gone - left)


def check_heartbeat(t, s, name):
    r = s.chat("4 words every 10 ms, silence after 2")
    begun, beats = time.monotonic(), 0
    while beats < 2 and time.monotonic() - begun < 5:
        beats += r.readline().startswith(b":")
    t.check(beats == 2, name, "comments pass in silence", beats)
    r.close()
    r.conn.close()


def check_too_large(t, s, name):
    body = chat("3 words every 5 ms", pad=(32 << 20) + 500000)
    r = s.send("POST", "/v1/chat/completions", body)
    ours = b'"error"' in r.read()
    t.check(r.status == 413 and (ours or name == "apache"), name,
            "over 32 MiB is 413", r.status, ours)
    with socket.create_connection(("127.0.0.1", s.port), 20) as c:
        c.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Type: application/json\r\n"
                  b"Content-Length: 80000000\r\n\r\n{")
        try:
            c.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        head = c.recv(4096)
    t.check(b" 413 " in head.split(b"\r\n")[0] or b" 400 " in head.split(b"\r\n")[0],
            name, "80 MB are refused", head[:80])
    t.check(s.send("GET", "/").status == 200, name, "and all goes on")


def check_plain(t, s, name):
    r = s.send("HEAD", "/")
    t.check(r.status == 200 and r.read() == b"", name, "HEAD has no body", r.status)
    r = s.send("GET", "/v1/nowhere")
    body = r.read()
    t.check(r.status == 404 and b'"error"' in body, name, "404 is ours", r.status, body)
    r = s.send("GET", "/v1/models%2f..%2f?x=%00")
    t.check(r.status in (200, 400, 404), name, "odd paths are answered", r.status)
    r = s.send("GET", "/v1/models")
    t.check(r.status == 200 and r.getheader("x-request-id", "").startswith("req_"),
            name, "headers pass", r.getheaders())
    r = s.send("DELETE", "/v1/models")
    t.check(r.status == 405 and r.getheader("Allow"), name, "405 says what goes",
            r.status)
    r = s.send("GET", "/", headers={"Host": "evil.example"})
    t.check(r.status == 403, name, "a foreign Host is 403", r.status)


def raw(port, data):
    """Status and error code of the answer to these bytes."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), 10) as c:
        try:
            c.sendall(data)
            while True:
                piece = c.recv(65536)
                if not piece:
                    break
                out += piece
        except OSError:
            pass
    code = re.search(rb'"code":"(\w+)"', out)
    return out[9:12].decode(), code[1].decode() if code else "", out


def lines(*more, method="POST", uri="/v1/chat/completions", host="localhost",
          kind="application/json", body=None):
    body = chat("2 words every 1 ms", stream=False) if body is None else body
    head = [f"{method} {uri} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if method == "POST":
        head += [f"Content-Length: {len(body)}"]
        head += [f"Content-Type: {kind}"] if kind else []
    return "\r\n".join(head + list(more)).encode("latin-1") + b"\r\n\r\n" + \
        (body if method == "POST" else b"")


# what is sent, the statuses that may come: first ours, then a server's own
EVIL = "https://evil.example"
HOSTILE = (
    ("a foreign Host", lines(host="evil.example"), "403"),
    ("and a name that begins well", lines(host="localhost.evil.example"), "403"),
    ("or has a user", lines(host="localhost@evil.example"), "403 400"),
    ("or a strange port", lines(host="localhost:80.evil.example"), "403 400"),
    ("another address", lines(host="0.0.0.0"), "403"),
    ("an address in short", lines(host="127.1"), "403 400"),
    ("two Hosts", lines("Host: evil.example"), "400 403"),
    ("two Hosts, the other way", lines("Host: localhost", host="evil.example"),
     "400 403"),
    ("one with underscores", lines("HTTP_HOST: localhost", "Http_Host: localhost",
                                   host="evil.example"), "403"),
    ("one by a proxy", lines("X-Forwarded-Host: localhost", host="evil.example"),
     "403"),
    ("a whole URL", lines(uri="http://evil.example/v1/models", method="GET",
                          host="evil.example"), "403 400"),
    ("a loopback one", lines(host="[::1]:8000"), "200"),
    ("a foreign Origin", lines("Origin: " + EVIL), "403"),
    ("none", lines("Origin: null"), "403"),
    ("its own", lines("Origin: http://localhost"), "200"),
    ("a cross-site request", lines("Sec-Fetch-Site: cross-site"), "403"),
    ("in capitals", lines("SEC-FETCH-SITE: CROSS-SITE"), "403"),
    ("a foreign preflight", lines("Origin: " + EVIL,
     "Access-Control-Request-Method: POST", method="OPTIONS"), "403"),
    ("a foreign reader", lines("Origin: " + EVIL, method="GET", uri="/v1/models"),
     "403"),
    ("a form", lines(kind="application/x-www-form-urlencoded"), "415"),
    ("text", lines(kind="text/plain"), "415"),
    ("text that says JSON", lines(kind="text/plain; application/json"), "415"),
    ("no type", lines(kind=None), "200"),
    ("no type with an Origin", lines("Origin: http://localhost", kind=None), "415"),
    ("addresses in headers", lines("X-Forwarded-For: 192.0.2.1", "Remote_Addr: "
     "192.0.2.1", "X-Real-IP: 192.0.2.1", "Proxy: http://127.0.0.1:1"), "200"),
    ("the longest URL", lines(method="GET", uri="/v1/models?".ljust(8192, "a")),
     "200"),
    ("one more", lines(method="GET", uri="/v1/models?".ljust(8193, "a")), "414"),
    ("many headers", lines(*(f"X-{i}: 1" for i in range(80))), "200"),
    ("too many", lines(*(f"X-{i}: 1" for i in range(101))), "431"),
    ("large ones", lines(*(f"X-{i}: " + "v" * 3000 for i in range(9))), "200"),
    ("too large", lines(*(f"X-{i}: " + "v" * 4000 for i in range(9))), "431"),
    ("a control byte", lines("X-A: a\1b"), "400"),
    ("both lengths", lines("Transfer-Encoding: chunked"), "400 200"),
)


def check_hostile(t, s, name):
    ours = ("host_refused", "origin_refused", "unsupported_media_type",
            "uri_too_long", "headers_too_large")
    for what, data, statuses in HOSTILE:
        status, code, out = raw(s.port, data)
        want = statuses.split()
        t.check(status in want, name, what, status, code, out[:300])
        t.check(want[0] not in ("403", "415", "414", "431") or status != want[0] or
                code in ours, name, what, "in our words", code, out[:300])
        t.check(b"access-control" not in out.lower(), name, what, "no CORS", out[:300])
    asked = [seen for seen in up.seen if b"evil" in seen.body]
    t.check(not asked, name, "nothing of it went upstream", asked)
    t.check(s.send("GET", "/").status == 200, name, "and all goes on")


def kernel_tells():
    """Can it be asked after TCP connections? An empty list is its answer."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as s:
            s.settimeout(5)
            s.send(struct.pack("=IHHII", 72, 20, 0x301, 1, 0)
                   + bytes([socket.AF_INET, socket.IPPROTO_TCP]) + bytes(54))
            length, kind, _, _, _, error = struct.unpack("=IHHIIi", s.recv(4096)[:20])
            return kind == 3 and error == 0
    except OSError:
        return False


def connect_and_send(port, text, stream, host="localhost"):
    """The request is there as soon as the connection: some servers do not
    look at such a client before they have something for it."""
    body = chat(text, stream=stream)
    c = socket.create_connection(("127.0.0.1", port), 30)
    c.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\n"
              b"Content-Type: application/json\r\nConnection: close\r\n"
              b"Content-Length: %d\r\n\r\n" % (host.encode(), len(body)) + body)
    return c


def called(name):
    """What upstream was called with by this name."""
    return until(lambda: [s for s in up.seen if name.encode() in s.body], 10)


def leave(t, s, name, what, text, stream, after, reset=False):
    """20 clients that go: each upstream call ends. They say when it did."""
    ends, went = [], []
    for i in range(20):
        word = f"{name}-{what}-{i}-".replace(" ", "-")
        c = connect_and_send(s.port, f"{word} {text}", stream,
                             f"127.0.0.1:{s.port}" if i % 2 else "localhost")
        if not t.check(called(word), name, what, "reaches upstream"):
            continue
        went.append((word, c, time.monotonic()))
    for word, c, begun in went:
        time.sleep(max(0, begun + after - time.monotonic()))
        if text.endswith("after 2"):
            while words_of(c.recv(4096)) == 0:
                pass
        if reset:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        left = time.monotonic()
        c.close()
        ends.append((called(word)[0], left))
    until(lambda: all(seen.gone for seen, _ in ends), 5)
    late = [seen.gone and seen.gone - left for seen, left in ends
            if not seen.gone or seen.gone - left > 4]
    t.check(len(ends) == 20 and not late, name, what, "upstream hears of it", late)
    took = [seen.gone - left for seen, left in ends if seen.gone]
    print(f"    {name}: {what}: at the latest after {max(took, default=0):.2f} s",
          flush=True)


def check_leaving(t, s, name):
    patient = [connect_and_send(s.port, "4 words every 1500 ms", i % 2 == 0)
               for i in range(20)]
    leave(t, s, name, "leaves a whole answer", "silence at once", False, 0.6)
    leave(t, s, name, "leaves it soon", "silence at once", False, 0.05)
    leave(t, s, name, "leaves a stream", "silence at once", True, 0.6)
    leave(t, s, name, "leaves it by a reset", "silence at once", True, 0.6, True)
    leave(t, s, name, "leaves a stream that fell silent",
          "4 words every 10 ms, silence after 2", True, 0.3)
    answers = []
    for c in patient:
        whole = b""
        while True:
            piece = c.recv(65536)
            if not piece:
                break
            whole += piece
        c.close()
        answers.append(b" 200 " in whole[:15] and
                       (words_of(whole) == 4 or b'"w1 w2 w3 w4 "' in whole))
    t.check(all(answers), name, "nobody is cut who stays", answers)


def check_server(t, name, sample, command, renew=None):
    # without its heartbeats: who hears of a client that left, hears it so
    with Gateway(up, plain=True, CHATMOCK_HEARTBEAT=60, CHATMOCK_DRAIN_TIMEOUT=1) as g:
        s = Server(g, sample, command)
        try:
            if name == "nginx" or kernel_tells():
                check_leaving(t, s, name)
            else:
                t.skip(f"{name}: clients that leave", "no NETLINK_SOCK_DIAG here")
        finally:
            s.end()
    with Gateway(up, plain=True, CHATMOCK_HEARTBEAT=HEARTBEAT, CHATMOCK_DRAIN_TIMEOUT=1) as g:
        s = Server(g, sample, command, renew)
        try:
            for check in (check_stream, check_large_body, check_params,
                          check_abort, check_heartbeat, check_too_large, check_plain,
                          check_hostile, check_keys):
                try:
                    check(t, s, name)
                except (OSError, http.client.HTTPException) as e:
                    t.check(False, name, check.__name__, repr(e))
        finally:
            s.end()


def lighttpd(t):
    check_server(t, "lighttpd", "lighttpd.conf.sample", ["lighttpd", "-D", "-f", "CONF"])


def nginx(t):
    check_server(t, "nginx", "deploy/nginx.conf.sample",
                 ["nginx", "-e", "HOME/log/nginx.log", "-c", "CONF"], signal.SIGHUP)


def apache(t):
    check_server(t, "apache", "deploy/apache.conf.sample",
                 ["apache2", "-D", "FOREGROUND", "-f", "CONF"], signal.SIGUSR1)


CGI = """
server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
server.bind = "@BIND@"
server.port = @PORT@
server.document-root = "@HOME@/run/www"
server.errorlog = "@HOME@/log/lighttpd.log"
server.upload-dirs = ("@HOME@/run/tmp")
server.stream-response-body = 2
server.max-request-size = 33792
alias.url = ("/" => "%s/")
cgi.assign = ("%s" => "")
setenv.set-environment = (%s)
"""


def cgi(t):
    """lighttpd starts the program anew for each request."""
    with Gateway(up, plain=True) as g:
        program = os.path.join(g.home.dir, "gateway") if g.user else GATEWAY
        settings = {"CHATMOCK_HOME": g.home.dir, "CHATMOCK_UPSTREAM_URL": up.url,
                    "CHATMOCK_UPSTREAM_KIND": "responses",
                    "CHATMOCK_HEARTBEAT": HEARTBEAT}
        sample = os.path.join(g.home.dir, "cgi.sample")
        with open(sample, "w") as f:
            f.write(CGI % (program, os.path.basename(program), ", ".join(
                f'"{k}" => "{v}"' for k, v in settings.items())))
        s = Server(g, sample, ["lighttpd", "-D", "-f", "CONF"])
        try:
            for check in (check_stream, check_large_body, check_abort,
                          check_heartbeat, check_too_large, check_plain):
                check(t, s, "cgi")
            if kernel_tells():
                leave(t, s, "cgi", "leaves a whole answer", "silence at once",
                      False, 0.6)
            r = s.send("GET", "/v1/models", headers={"Proxy": "http://127.0.0.1:1"})
            t.check(r.status == 200, "cgi", "a Proxy header means nothing", r.status)
            t.check(until(lambda: not children(s.p.pid), 3), "cgi",
                    "no process is left", children(s.p.pid))
        finally:
            s.end()


if __name__ == "__main__":
    sys.exit(Checks("servers").run(lighttpd, nginx, apache, cgi))
