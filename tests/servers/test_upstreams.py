#!/usr/bin/env python3
"""Upstream as it is in life: TLS and HTTP/2 by a real nginx, certificates that
are good and that are not, a proxy that asks for a password, redirects, time
limits, connections that are used again and that go away.

    tests/servers/test_upstreams.py [word of a test's name ...]
"""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway, free_port  # noqa: E402
import fastcgi  # noqa: E402

PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
HOST = socket.gethostname()     # a name that is not one of loopback's
SECRET = "sk-canary-of-the-upstream"
checks = Checks("upstreams")

NGINX = """
daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log @DIR@/nginx-error.log;
events { worker_connections 512; }
http {
	log_format line '$server_port $server_protocol $connection $status $request';
	access_log @DIR@/nginx.log line;
	client_body_temp_path @DIR@/body;
	proxy_temp_path @DIR@/proxy;
	fastcgi_temp_path @DIR@/fastcgi;
	uwsgi_temp_path @DIR@/uwsgi;
	scgi_temp_path @DIR@/scgi;
	client_max_body_size 64m;
	proxy_http_version 1.1;
	proxy_buffering off;
	proxy_request_buffering off;
	proxy_read_timeout 60s;
	ssl_certificate_key @DIR@/key.pem;
	@SERVERS@
}
"""
SERVER = """
	server {
		listen @ADDR@:@PORT@ ssl@H2@;
		ssl_certificate @DIR@/@CERT@.pem;
		keepalive_requests @REQUESTS@;
		location / { proxy_pass @UPSTREAM@; }
	}
"""


def openssl(directory, *words, stdin=None):
    return subprocess.run(["openssl", *words], cwd=directory, input=stdin,
                          check=True, capture_output=True).stdout


class Authority:
    """A CA of our own, and certificates that it signed."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cm-ca-", dir="/tmp")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl(self.dir, "req", "-x509", *curve, "-keyout", "ca.key", "-out",
                "ca.pem", "-days", "30", "-subj", "/CN=the tests' CA")
        openssl(self.dir, "req", "-x509", *curve, "-keyout", "other.key", "-out",
                "other-ca.pem", "-days", "30", "-subj", "/CN=another CA")
        openssl(self.dir, "genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", "key.pem")
        names = f"DNS:localhost,IP:127.0.0.1,DNS:{HOST},DNS:api.test.invalid"
        self.sign("good", names, "20")
        self.sign("expired", names, "-1")
        self.sign("wrong", "DNS:other.example", "20")
        self.ca, self.other = (os.path.join(self.dir, name)
                               for name in ("ca.pem", "other-ca.pem"))

    def sign(self, name, names, days):
        asked = openssl(self.dir, "req", "-new", "-key", "key.pem", "-subj",
                        "/CN=" + name, "-addext", "subjectAltName=" + names)
        openssl(self.dir, "x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-copy_extensions", "copy", "-days", days, "-out",
                name + ".pem", stdin=asked)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Front(Gateway):
    """The gateway, asked at its socket, in front of an nginx with TLS that
    stands before the scripted upstream."""

    def __init__(self, ca, cert="good", h2=True, requests=1000, host="localhost",
                 trust=True, **more):
        env = {name: "" for name in (
            "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY",
            "no_proxy", "HTTP_PROXY", "http_proxy", "SSL_CERT_FILE")}
        if trust:
            env["CODEX_CA_CERTIFICATE"] = ca.ca
        env.update(more.pop("env", {}))
        self.ca, self.cert, self.h2, self.host = ca, cert, h2, host
        self.most = requests
        more.setdefault("key", SECRET if more.get("kind") != "chatgpt" else None)
        super().__init__(front=False, env=env, **more)

    def start(self):
        self.tls_port = free_port()
        self.root = f"https://{self.host}:{self.tls_port}"
        self.env.setdefault("CHATMOCK_UPSTREAM_URL", self.root + (
            "/backend-api/codex" if self.kind == "chatgpt" else "/v1"))
        super().start()
        fastcgi.Call(self.socket).run()

    def start_fcgi(self):
        self.nginx = self.start_nginx()
        super().start_fcgi()

    def start_nginx(self):
        text = NGINX.replace("@SERVERS@", SERVER).replace("@DIR@", self.ca.dir)
        for name, value in (("PORT", self.tls_port), ("CERT", self.cert),
                            ("ADDR", socket.gethostbyname(self.host)
                             if self.host == HOST else "127.0.0.1"),
                            ("H2", " http2" if self.h2 else ""),
                            ("REQUESTS", self.most),
                            ("UPSTREAM", self.upstream.root)):
            text = text.replace(f"@{name}@", str(value))
        conf = os.path.join(self.home, "nginx.conf")
        with open(conf, "w") as f:
            f.write(text)
        p = self.spawn("nginx", ["nginx", "-e", os.path.join(
            self.ca.dir, "nginx-error.log"), "-c", conf], dict(os.environ, PATH=PATH))
        self.wait(lambda: not socket.create_connection(
            (socket.gethostbyname(self.host) if self.host == HOST else "127.0.0.1",
             self.tls_port), 1).close(), "nginx")
        return p

    def stop_nginx(self):
        self.procs.remove(self.nginx)
        self.nginx.terminate()
        self.nginx.wait(10)

    def seen(self):
        """(protocol, connection, status) of each request at nginx."""
        time.sleep(0.05)
        with open(os.path.join(self.ca.dir, "nginx.log")) as f:
            lines = [line.split() for line in f]
        return [tuple(line[1:4]) for line in lines if line[0] == str(self.tls_port)]

    def send(self, text="hi", **more):
        body = dict({"model": "gpt-5.5", "messages": [
            {"role": "user", "content": text}]}, **more)
        return fastcgi.Call(self.socket, "POST", "/v1/chat/completions",
                            json.dumps(body)).send()

    def ask(self, text="hi", timeout=20, **more):
        a = self.send(text, **more).answer(timeout)
        a.code = None
        if a.status != 200 and a.body:
            a.code = json.loads(a.body)["error"]["code"]
        return a

    def all_logs(self):
        return "".join(self.read(os.path.join(self.home, "log", name))
                       for name in os.listdir(os.path.join(self.home, "log"))) \
            + self.output(1 << 20)

    @staticmethod
    def read(path):
        with open(path, errors="replace") as f:
            return f.read()


class Proxy(threading.Thread):
    """CONNECT to anywhere leads to one port; the rest is refused."""

    def __init__(self, port, user=None):
        super().__init__(daemon=True)
        self.port, self.user, self.asked = port, user, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://%s127.0.0.1:%d" % (
            user + "@" if user else "", self.listener.getsockname()[1])
        self.start()

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = c.recv(4096)
            if not piece:
                return c.close()
            head += piece
        self.asked.append(head.decode())
        wanted = self.user and base64.b64encode(self.user.encode()).decode()
        if not head.startswith(b"CONNECT "):
            c.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
        elif wanted and f"Basic {wanted}" not in head.decode():
            c.sendall(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
        else:
            other = socket.create_connection(("127.0.0.1", self.port))
            c.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
            threading.Thread(target=self.pump, args=(other, c), daemon=True).start()
            return self.pump(c, other)
        c.close()

    @staticmethod
    def pump(a, b):
        try:
            while True:
                piece = a.recv(65536)
                if not piece:
                    break
                b.sendall(piece)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.close()


# --- certificates

def test_certificates(ca):
    with Front(ca) as g:
        a = g.ask()
        checks.check(a.status == 200 and g.seen(), "CODEX_CA_CERTIFICATE is trusted",
                     a.body)
        checks.check(SECRET not in g.all_logs(), "the key is in no log")
    with Front(ca, trust=False, env={"SSL_CERT_FILE": ca.ca}) as g:
        checks.equal(g.ask().status, 200, "so is SSL_CERT_FILE")
    with Front(ca, env={"SSL_CERT_FILE": ca.other}) as g:
        checks.equal(g.ask().status, 200, "CODEX_CA_CERTIFICATE wins")
    with Front(ca, host="127.0.0.1") as g:
        checks.equal(g.ask().status, 200, "a certificate for an address")
    for what, kind in (("untrusted", {"trust": False}),
                       ("another CA's", {"trust": False, "env": {
                           "CODEX_CA_CERTIFICATE": ca.other}}),
                       ("expired", {"cert": "expired"}),
                       ("for another name", {"cert": "wrong"})):
        with Front(ca, **kind) as g:
            begun = time.monotonic()
            a = g.ask()
            checks.equal((a.status, a.code), (502, "upstream_tls"), what)
            checks.check(time.monotonic() - begun < 1, what + ": tried once")
            checks.check(not g.upstream.requests(), what + ": nothing was sent",
                         g.upstream.requests())
            why = g.log()[-1].get("why", "")
            checks.check("certificate" in why or "name" in why, what + ": logged", why)
            a = g.ask(stream=True)
            checks.equal((a.status, a.code), (502, "upstream_tls"),
                         what + ", as a stream")


def test_old_tls(ca):
    """What cannot do TLS 1.2 is not spoken to; what speaks no TLS neither."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = "https://localhost:%d/v1" % listener.getsockname()[1]

    def say():
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            c.recv(1000)
            c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            c.close()
    threading.Thread(target=say, daemon=True).start()
    with Front(ca, env={"CHATMOCK_UPSTREAM_URL": url}) as g:
        a = g.ask()
        checks.equal((a.status, a.code), (502, "upstream_tls"), "a peer without TLS")
    listener.close()


# --- proxies

def test_proxy(ca):
    proxy = Proxy(1, user="joe:canary-password")
    env = {"CHATMOCK_UPSTREAM_URL": "https://api.test.invalid/v1",
           "HTTPS_PROXY": proxy.url}
    with Front(ca, env=env) as g:
        proxy.port = g.tls_port
        a = g.ask()
        checks.equal(a.status, 200, "through the proxy")
        checks.check(proxy.asked and proxy.asked[0].startswith(
            "CONNECT api.test.invalid:443 HTTP/1.1"), "asked for the name", proxy.asked)
        checks.check(SECRET not in "".join(proxy.asked), "which learns no key")
        for _ in range(3):
            checks.equal(g.ask().status, 200, "again")
        checks.equal(len(proxy.asked), 1, "on the same connection")
        checks.check("canary-password" not in g.all_logs(), "no password in logs")
    for name in ("https_proxy", "ALL_PROXY"):
        with Front(ca, env=dict(env, HTTPS_PROXY="", **{name: proxy.url})) as g:
            proxy.port = g.tls_port
            before = len(proxy.asked)
            checks.equal((g.ask().status, len(proxy.asked) - before), (200, 1), name)
    with Front(ca, env=dict(env, HTTPS_PROXY=re.sub("joe:[^@]*", "joe:bad",
                                                    proxy.url))) as g:
        a = g.ask()
        checks.check(a.status == 502 and not g.upstream.requests(),
                     "a proxy that refuses us is 502", (a.status, a.code))
    proxy.stop()


def test_no_proxy(ca):
    """NO_PROXY is kept; what is loopback never goes through a proxy."""
    proxy = Proxy(1)
    for what, env, host in (
            ("NO_PROXY", {"NO_PROXY": HOST}, HOST),
            ("a list", {"no_proxy": f"example.com, {HOST}"}, HOST),
            ("all", {"NO_PROXY": "*"}, HOST),
            ("https to loopback", {}, "localhost")):
        with Front(ca, host=host, env=dict(env, HTTPS_PROXY=proxy.url)) as g:
            checks.equal(g.ask().status, 200, what)
    with Gateway(front=False, env={"HTTPS_PROXY": proxy.url, "ALL_PROXY": proxy.url,
                                   "http_proxy": proxy.url, "NO_PROXY": "",
                                   "no_proxy": ""}) as g:
        a = fastcgi.Call(g.socket, "POST", "/v1/chat/completions", json.dumps(
            {"model": "m", "messages": [{"role": "user", "content": "x"}]})).run()
        checks.equal(a.status, 200, "http to loopback")
    checks.equal(proxy.asked, [], "the proxy was not asked")
    with Front(ca, host=HOST, env={"HTTPS_PROXY": proxy.url}) as g:
        proxy.port = g.tls_port
        checks.equal((g.ask().status, len(proxy.asked)), (200, 1),
                     "any other name goes through it")
    proxy.stop()


# --- redirects

def test_redirects(ca):
    with Front(ca) as g:
        for status in (301, 302, 303, 307, 308):
            g.upstream.clear()
            g.upstream.script({"status": status, "body": "moved", "headers": {
                "location": g.upstream.root + "/v1/elsewhere"}})
            a = g.ask()
            checks.equal(a.status, 502, f"{status} is 502")
            asked = g.upstream.requests()
            checks.check(len(asked) == 1 and asked[0]["path"].endswith("/responses"),
                         f"{status} is not followed", asked)


# --- time limits

def test_limits(ca):
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    filler = [socket.socket() for _ in range(3)]
    for s in filler:            # its backlog: who comes later waits
        s.setblocking(False)
        s.connect_ex(full.getsockname())
    mute = socket.create_server(("127.0.0.1", 0))       # accepts, says nothing
    for what, port in (("nobody accepts", full.getsockname()[1]),
                       ("no handshake", mute.getsockname()[1])):
        with Front(ca, env={"CHATMOCK_CONNECT_TIMEOUT": "0.4",
                            "CHATMOCK_UPSTREAM_URL": f"https://localhost:{port}/v1"
                            }) as g:
            begun = time.monotonic()
            a = g.ask()
            took = time.monotonic() - begun
            line = g.log()[-1]
            checks.check((a.status, a.code) == (504, "upstream_connect") and
                         0.3 * line.get("attempts", 1) < took < 4, what,
                         (a.status, a.code, took, line))
    for s in filler + [full, mute]:
        s.close()
    for h2 in (True, False):
        with Front(ca, h2=h2, env={"CHATMOCK_FIRST_BYTE_TIMEOUT": "0.4",
                                   "CHATMOCK_IDLE_TIMEOUT": "0.8",
                                   "CHATMOCK_TOTAL_TIMEOUT": "1.6"}) as g:
            one = {"type": "response.output_text.delta", "item_id": "m",
                   "output_index": 0, "content_index": 0, "delta": "w "}
            for stream in (False, True):
                for what, script, code, low, high in (
                        ("first byte", {"delay_ms": 5000}, "upstream_timeout",
                         0.3, 0.8),
                        ("silence", {"steps": [{"event": one}, {"stall": True}]},
                         "upstream_silent", 0.7, 1.2),
                        ("total", {"steps": [{"event": one}, {"wait_ms": 300}] * 30},
                         "upstream_total_time", 1.5, 2.0)):
                    g.upstream.script(script)
                    begun = time.monotonic()
                    a = g.ask(stream=stream)
                    took = time.monotonic() - begun
                    end = g.log()[-1]["end"]
                    checks.check(code.encode() in a.body and low < took < high,
                                 f"{what}, stream {stream}, h2 {h2}",
                                 (a.status, end, took))
                    checks.check(stream and code != "upstream_timeout" or
                                 a.status == 504, f"{what} is 504", a.status)


# --- connections

def test_pool(ca):
    with Front(ca, h2=False) as g:
        for _ in range(6):
            checks.equal(g.ask(stream=True).status, 200, "HTTP/1.1")
            time.sleep(0.02)
        seen = g.seen()
        checks.check(len(seen) == 6 and {s[0] for s in seen} == {"HTTP/1.1"},
                     "six times", seen)
        checks.equal(len({s[1] for s in seen}), 1, "on one connection")
    with Front(ca, env={"CHATMOCK_UPSTREAM_HTTP": "1.1"}) as g:
        checks.equal((g.ask().status, g.seen()[0][0]), (200, "HTTP/1.1"),
                     "HTTP/1.1 where it is wanted")


def hold(g, count, **more):
    g.upstream.script({"match": "slowly", "say": "word " * 40, "interval_ms": 20})
    return [g.send(f"slowly {i}", stream=True, **more) for i in range(count)]


def test_http2(ca):
    with Front(ca) as g:
        checks.equal(g.ask().status, 200, "the first")
        calls = hold(g, 20)
        answers = [c.answer() for c in calls]
        checks.check(all(a.text().count("word ") == 40 and "[DONE]" in a.text()
                         for a in answers), "twenty streams")
        seen = g.seen()
        checks.equal({s[0] for s in seen}, {"HTTP/2.0"}, "HTTP/2")
        checks.equal(len({s[1] for s in seen}), 1, "on one connection")

        # one leaves, one does not read: the others go on
        g.upstream.clear()
        calls = hold(g, 6)
        for c in calls:
            next(c.records(5))
        left = time.monotonic()
        calls[0].hang_up()
        while not g.upstream.aborts() and time.monotonic() < left + 2:
            time.sleep(0.005)
        took = time.monotonic() - left
        checks.check(len(g.upstream.aborts()) == 1 and took < 0.5,
                     "upstream hears of one that left", took)
        checks.check(all(c.answer().raw.endswith(b"[DONE]\n\n") for c in calls[1:]),
                     "the others of the connection end well")
        checks.equal(len({s[1] for s in g.seen()}), 1, "still one connection")


def test_http2_slow_client(ca):
    with Front(ca) as g:
        g.upstream.script({"match": "pour", "steps": [
            {"event": {"type": "response.output_text.delta", "item_id": "m",
                       "output_index": 0, "content_index": 0, "delta": "z" * 30000}},
            {"wait_ms": 1}] * 60 + [{"say": "end"}]})
        slow = g.send("pour", stream=True)
        time.sleep(0.3)         # its buffers are full
        begun = time.monotonic()
        for _ in range(5):
            checks.equal(g.ask().status, 200, "beside one that does not read")
        checks.check(time.monotonic() - begun < 1, "nobody waits for it")
        text = slow.answer().text()
        checks.check(text.count("z" * 30000) == 60 and "[DONE]" in text,
                     "which gets all of it", len(text))


def test_http2_large_event(ca):
    """What piles up behind a large event comes in its order."""
    def delta(text):
        return {"event": {"type": "response.output_text.delta", "item_id": "m",
                          "output_index": 0, "content_index": 0, "delta": text}}
    with Front(ca) as g:
        steps = [delta("A" * 1500000)] + [delta(f"<{i}>" + "b" * 500)
                                          for i in range(2500)]
        steps[1000:1000] = [delta("C" * 300000)]
        want = "".join(step["event"]["delta"] for step in steps)
        for stream in (False, True):
            g.upstream.script({"steps": steps + [{"say": "end"}]})
            a = g.ask(stream=stream)
            if stream:
                text = "".join(c["delta"].get("content") or "" for d in
                               re.findall(r"^data: (\{.*)$", a.text(), re.M)
                               for c in json.loads(d).get("choices", ()))
            else:
                text = a.status == 200 and json.loads(a.body)[
                    "choices"][0]["message"]["content"]
            checks.check(a.status == 200 and text and text[:len(want)] == want,
                         f"large events among 2,500 small ones, stream {stream}",
                         (a.status, len(text or ""), a.body[-200:]))
        g.upstream.script({"steps": [delta("A" * 3000000)] * 5 + [{"say": "end"}]})
        a = g.ask()
        checks.check(a.status == 200 and b"A" * 15000000 in a.body,
                     "five large ones", (a.status, g.log()[-1].get("why")))


def test_connections_that_end(ca):
    for h2 in (True, False):
        with Front(ca, h2=h2, requests=3) as g:
            answers = [g.ask(stream=bool(i % 2)).status for i in range(10)]
            checks.equal(answers, [200] * 10, f"three requests each, h2 {h2}")
            checks.check(len({s[1] for s in g.seen()}) >= 3, "connections change",
                         g.seen())
            calls = hold(g, 8)
            checks.check(all("[DONE]" in c.answer().text() for c in calls),
                         f"eight at once, h2 {h2}")
        with Front(ca, h2=h2) as g:
            checks.equal(g.ask().status, 200, "before")
            g.stop_nginx()
            a = g.ask()
            checks.equal((a.status, a.code), (502, "upstream_connect"), "nobody there")
            g.nginx = g.start_nginx()
            checks.equal(g.ask().status, 200, f"there again, h2 {h2}")


def test_large_bodies(ca):
    for h2 in (True, False):
        with Front(ca, h2=h2) as g:
            text = "b" * (8 << 20)
            a = g.ask(text)
            checks.equal(a.status, 200, f"8 MB, h2 {h2}")
            checks.check(g.upstream.requests()[-1]["bytes"] > 8 << 20, "all of it")


# --- the login

def test_login(ca):
    """The issuer is called by the same rules as upstream."""
    for what, trust, proxy_wanted in (("trusted", True, False),
                                      ("untrusted", False, False),
                                      ("through a proxy", True, True)):
        g = Front(ca, kind="chatgpt", login=False)
        proxy = Proxy(1) if proxy_wanted else None
        g.env["CHATMOCK_AUTH_ISSUER"] = "@ISSUER@"
        g.fill = lambda text, g=g: str(text).replace(
            "@ISSUER@", "https://api.test.invalid" if proxy else g.root)
        if not trust:
            g.env["CODEX_CA_CERTIFICATE"] = ca.other
        if proxy:
            g.env["HTTPS_PROXY"] = proxy.url
        with g:
            if proxy:
                proxy.port = g.tls_port
            g.write_login(expires_in=-5)
            before = g.read_login()["tokens"]["access_token"]
            end = time.monotonic() + 5
            while time.monotonic() < end and not any(
                    line["event"].startswith("login_renew")
                    for line in g.log("error")):
                time.sleep(0.05)
            renewed = g.read_login()["tokens"]["access_token"] != before
            checks.equal(renewed, trust, f"renewal, {what}")
            a = g.ask()
            checks.equal(a.status, 200 if trust else 503, f"an answer, {what}")
            if proxy:
                checks.check(any("api.test.invalid:443" in head
                                 for head in proxy.asked), "by the proxy", proxy.asked)
                proxy.stop()


# --- wrong settings

def test_refused_urls(ca):
    with Front(ca) as g:
        program = os.path.join(g.bin, "chatmock.fcgi")
        for what, env, code, word in (
                ("plain http elsewhere", {"CHATMOCK_UPSTREAM_URL":
                 "http://192.0.2.1/v1"}, 78, "https"),
                ("a user in the URL", {"CHATMOCK_UPSTREAM_URL":
                 "https://joe:canary@example.com/v1"}, 78, "user"),
                ("another scheme", {"CHATMOCK_UPSTREAM_URL": "file:///etc/passwd"},
                 78, "CHATMOCK_UPSTREAM_URL"),
                ("no such bundle", {"CODEX_CA_CERTIFICATE": "/nowhere/ca.pem"},
                 66, "CODEX_CA_CERTIFICATE")):
            r = subprocess.run([program, "--check"], capture_output=True, text=True,
                               env=dict(g.settings(), **env))
            checks.check(r.returncode == code and word in r.stdout + r.stderr and
                         "canary" not in r.stdout + r.stderr, what,
                         (r.returncode, r.stdout, r.stderr))


TESTS = (test_certificates, test_old_tls, test_proxy, test_no_proxy,
         test_redirects, test_limits, test_pool, test_http2,
         test_http2_slow_client, test_http2_large_event, test_connections_that_end, test_large_bodies,
         test_login, test_refused_urls)

if __name__ == "__main__":
    authority = Authority()
    try:
        for test in TESTS:
            only = sys.argv[1:]
            if only and not any(word in test.__name__ for word in only):
                continue
            try:
                test(authority)
            except Exception as e:      # a test that breaks is one that failed
                checks.check(False, test.__name__, repr(e)[:2000])
    finally:
        authority.remove()
    sys.exit(checks.report())
