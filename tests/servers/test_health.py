#!/usr/bin/env python3
"""health.fcgi: its pages through the three web servers, while the gateway is
well, saturated, hung, dead and back; its metrics under promtool, a checker of
our own and a real Prometheus; and the rules of deploy/chatmock.rules.yml.

    tests/servers/test_health.py [word of a test's name ...]
"""
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
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import (BIN, PATH, ROOT, Checks, Gateway, Home, Upstream, chat, children,
                 environment, free_port, request, until)
from test_servers import Server

import exposition
from rules import ALERTS, rule_tests

up = Upstream()
HEALTH = os.path.join(BIN, "health.fcgi")
LOAD = os.path.join(os.path.dirname(BIN), "bench", "load")
# seconds; a sanitized program is no fast one
LIMIT = 1.0 if "/san/" in BIN + "/" else 0.25
RULES = os.path.join(ROOT, "deploy", "chatmock.rules.yml")
OPENMETRICS = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
               "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
LIGHTTPD = ("lighttpd.conf.sample", ["lighttpd", "-D", "-f", "CONF"])
NGINX = ("deploy/nginx.conf.sample", ["nginx", "-e", "HOME/log/nginx.log", "-c", "CONF"])
APACHE = ("deploy/apache.conf.sample", ["apache2", "-D", "FOREGROUND", "-f", "CONF"])


class Health:
    """health.fcgi beside a gateway, or alone in a home."""

    def __init__(self, home, user=(), upstream=up, **settings):
        self.home, self.dir = home, home.dir
        self.socket = os.path.join(self.dir, "run", "health.sock")
        exe = HEALTH
        if user:
            exe = shutil.copy(HEALTH, os.path.join(self.dir, "health"))
        env = environment(**dict({
            "CHATMOCK_HOME": self.dir, "HOME": self.dir,
            "CHATMOCK_UPSTREAM_URL": upstream.url, "CHATMOCK_WORKERS": 2,
            "CHATMOCK_UPSTREAM_KIND": "responses"}, **settings))
        self.out = open(os.path.join(self.dir, "health.out"), "wb")
        self.p = subprocess.Popen(
            list(user) + ["spawn-fcgi", "-n", "-s", self.socket, "-M", "0600",
                          "--", exe], env=env, stdin=subprocess.DEVNULL,
            stdout=self.out, stderr=self.out, cwd=self.dir)
        if not until(lambda: os.path.exists(self.socket) and
                     len(children(self.p.pid)) == 2, 10):
            raise RuntimeError("health.fcgi did not start")

    def get(self, path, method="GET", **params):
        return request(self.socket, method, path, **params)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.code = self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.code = self.p.wait()
        self.out.close()
        with open(self.out.name, errors="replace") as f:
            said = re.findall(r"(?:ERROR: \w+Sanitizer|runtime error).*", f.read())
        if said:
            raise RuntimeError("sanitizer: " + "; ".join(said[:5]))


def ready(h):
    return h.get("/health/ready").status


def fetch(port, path, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        c.request("GET", path, headers={k.replace("_", "-"): v
                                        for k, v in headers.items()})
        r = c.getresponse()
        r.body = r.read()
        return r
    finally:
        c.close()


# --- starting

def test_started_wrongly(t):
    home = Home()
    env = environment(CHATMOCK_HOME=home.dir, CHATMOCK_UPSTREAM_URL=up.url)
    run = lambda *args, **more: subprocess.run(       # noqa: E731
        [HEALTH, *args], env=dict(env, **more), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=20)
    r = run()
    t.check(r.returncode == 64 and "health.sock" in r.stderr and
            "spawn-fcgi" in r.stderr, "without a socket it says how", r)
    t.check(run("--check").returncode == 0, "--check")
    r = run("--help")
    t.check(r.returncode == 0 and "/metrics" in r.stdout, "--help", r)
    t.check(run("--settings").returncode == 64, "options of chatmock.fcgi are none")
    r = run(CHATMOCK_PORT="many")
    t.check(r.returncode == 78 and "CHATMOCK_PORT" in r.stderr, "a wrong setting", r)
    r = run(CHATMOCK_PORT="many", REQUEST_METHOD="GET")
    t.check("Status: 500" in r.stdout and "many" not in r.stdout,
            "which a CGI caller hears of", r)
    cgi = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1",
           "HTTP_HOST": "localhost", "SERVER_PROTOCOL": "HTTP/1.1"}
    r = run(REQUEST_URI="/health/live", **cgi)
    t.check(r.returncode == 0 and r.stdout.startswith("Status: 503") and
            "does not run" in r.stdout, "plain CGI", r)
    r = run(REQUEST_URI="/metrics", **cgi)
    t.check(r.stdout.startswith("Status: 200") and
            "chatmock_metrics_file_readable 0\n" in r.stdout, "its metrics", r)
    r = run(REQUEST_URI="/metrics", **dict(cgi, REMOTE_ADDR="10.1.1.1"))
    t.check(r.stdout.startswith("Status: 403"), "not for others", r)
    s = socket.socket()
    s.bind(("0.0.0.0", 0))
    s.listen(8)
    r = subprocess.run([HEALTH], env=env, stdin=s, capture_output=True, timeout=20)
    s.close()
    t.check(r.returncode == 78, "not on a socket that others reach", r)
    libs = subprocess.run(["ldd", HEALTH], capture_output=True, text=True).stdout
    t.check("libfcgi" in libs and "libcurl" not in libs, "it can call nobody", libs)
    home.remove()


def test_process(t):
    """As chatmock.fcgi: reload, a killed worker, the end."""
    home = Home()
    with Health(home) as h:
        first = children(h.p.pid)
        os.kill(first[0], signal.SIGKILL)
        t.check(until(lambda: len(children(h.p.pid)) == 2 and
                      first[0] not in children(h.p.pid), 10), "a worker is replaced")
        before = children(h.p.pid)
        h.p.send_signal(signal.SIGHUP)
        t.check(until(lambda: not set(before) & set(children(h.p.pid)) and
                      len(children(h.p.pid)) == 2, 15), "HUP replaces both",
                before, children(h.p.pid))
        t.check(h.get("/metrics").status == 200, "and it answers")
        half = socket.socket(socket.AF_UNIX)
        half.connect(h.socket)
        half.sendall(b"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0")
        begun = time.monotonic()
    half.close()
    t.check(h.code == 0 and time.monotonic() - begun < 5, "TERM ends it", h.code)
    said = [line for line in home.log() if line["level"] == "error" and
            line["event"] != "worker_died"]
    t.check(not said, "nothing went wrong", said)
    home.remove()


# --- pages

def check_pages(t, s, name):
    r = fetch(s.port, "/health")
    doc = json.loads(r.body)
    t.check(r.status == 200 and r.getheader("Content-Type") == "application/json",
            name, "/health", r.status, r.body)
    t.check(list(doc)[:4] == ["status", "timestamp", "metrics", "prompt_cache"] and
            list(doc["metrics"]) == ["uptime_seconds", "uptime_human", "requests",
                                     "last_request"] and
            list(doc["metrics"]["requests"]) == ["total", "success", "error",
                                                 "success_rate"] and
            list(doc["prompt_cache"]) == ["cache_dir", "metadata", "ttl_hours"],
            name, "is the document that users know", doc)
    t.check(r.getheader("x-request-id", "").startswith("req_") and
            r.getheader("Cache-Control") == "no-store", name, "headers", r.getheaders())
    r = fetch(s.port, "/health", Accept="application/health+json")
    doc = json.loads(r.body)
    t.check(r.getheader("Content-Type") == "application/health+json" and
            doc["status"] in ("pass", "warn") and doc["releaseId"] and
            all(isinstance(v, list) and v[0]["status"] in ("pass", "warn") and
                "componentType" in v[0] and ":" in k
                for k, v in doc["checks"].items()), name, "the draft's form", doc)
    for path in ("/health/live", "/health/ready", "/health/", "/health/ready/"):
        r = fetch(s.port, path)
        t.check(r.status == 200 and json.loads(r.body)["status"] in
                ("pass", "warn", "healthy", "degraded"), name, path, r.status, r.body)
    r = fetch(s.port, "/status")
    t.check(r.status == 200 and b"ChatMock" in r.body and
            r.getheader("Content-Type").startswith("text/plain"), name, "/status", r.body)
    r = fetch(s.port, "/metrics?x=1")
    t.check(r.status == 200 and "version=0.0.4" in r.getheader("Content-Type"),
            name, "/metrics", r.getheaders())
    t.check(not exposition.read(r.body.decode()).faults, name, "is well-formed",
            exposition.read(r.body.decode()).faults[:5])
    r = fetch(s.port, "/metrics", Accept=OPENMETRICS)
    t.check("openmetrics-text; version=1.0.0" in r.getheader("Content-Type") and
            not exposition.read(r.body.decode(), True).faults, name, "OpenMetrics",
            r.getheaders(), exposition.read(r.body.decode(), True).faults[:5])


def check_access(t, s, name):
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"},
                    {"Sec_Fetch_Site": "cross-site"}):
        for path in ("/health", "/metrics", "/status", "/health/ready"):
            r = fetch(s.port, path, **headers)
            t.check(r.status == 403 and b"chatmock_" not in r.body and
                    b"workers" not in r.body, name, path, headers, r.status)
    r = s.send("HEAD", "/metrics")
    t.check(r.status == 200 and r.read() == b"", name, "HEAD has no body", r.status)
    r = s.send("DELETE", "/health")
    t.check(r.status == 405 and "GET" in (r.getheader("Allow") or ""), name,
            "other methods are refused", r.status)
    r = s.send("POST", "/metrics", b"{}")
    t.check(r.status == 405, name, "POST, too", r.status)
    r = s.send("GET", "/healthy")
    t.check(r.status == 404 and b"GET / lists" in r.read(), name,
            "what only begins so is the gateway's", r.status)


def behind(t, name, sample, command):
    with Gateway(up, plain=True, CHATMOCK_DRAIN_TIMEOUT=1) as g, \
            Health(g.home, g.user) as h:
        s = Server(g, sample, command)
        until(lambda: ready(h) == 200, 3)
        try:
            check_pages(t, s, name)
            check_access(t, s, name)
            t.check(s.chat("2 words every 1 ms").status == 200, name,
                    "the API is where it was")
        finally:
            s.end()


def test_lighttpd(t):
    behind(t, "lighttpd", *LIGHTTPD)


def test_nginx(t):
    behind(t, "nginx", *NGINX)


def test_apache(t):
    behind(t, "apache", *APACHE)


def test_secrets(t):
    """What must not be seen is on no page."""
    key = "sk-very-secret-key-0123456789"
    with Gateway(up, CHATMOCK_UPSTREAM_KEY=key) as g, \
            Health(g.home, CHATMOCK_UPSTREAM_KEY=key) as h:
        request(g.home.socket, "POST", "/v1/chat/completions",
                chat("hush-this-prompt 1 words every 1 ms"),
                params={"HTTP_AUTHORIZATION": "Bearer sk-of-the-caller"})
        for path in ("/health", "/health/ready", "/health/live", "/metrics", "/status"):
            body = h.get(path).body
            t.check(not re.search(rb"sk-|secret|hush|Bearer", body), path, body[:500])


# --- the gateway is not well

class Flood:
    """An upstream that answers as fast as it can, and who asks it through the
    gateway without end."""

    def __init__(self):
        self.up = subprocess.Popen(
            [os.path.join(BIN, "chatmock-demo-upstream"), "--bench", "--port", "0",
             "--events", "500", "--interval", "0"], stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True)
        self.url = self.up.stdout.readline().split()[-1] + "/v1"
        self.load = None

    def begin(self, port):
        self.load = subprocess.Popen(
            [LOAD, "whole", "--url", f"http://127.0.0.1:{port}/v1/chat/completions",
             "--tongue", "chat", "--n", "200000", "--conns", "32"],
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def end(self):
        for p in (self.load, self.up):
            if p:
                p.kill()
                p.wait()


def cpu_of(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks


def p99(port, path, n=100):
    times = []
    for _ in range(n):
        begun = time.monotonic()
        if fetch(port, path).status != 200:
            return None
        times.append(time.monotonic() - begun)
    return sorted(times)[int(n * 0.99) - 1]


def test_saturated(t):
    """Every worker of the API as busy as it can be."""
    flood = Flood()
    try:
        with Gateway(flood, plain=True, CHATMOCK_DRAIN_TIMEOUT=1) as g, \
                Health(g.home, g.user):
            s = Server(g, *LIGHTTPD)
            flood.begin(s.port)
            workers, before = g.workers(), cpu_of(g.workers())
            begun = time.monotonic()
            t.check(until(lambda: cpu_of(workers) - before > 20, 20),
                    "the workers are busy", cpu_of(workers) - before)
            before = cpu_of(workers)
            for path in ("/health/live", "/health/ready", "/health", "/metrics"):
                # others may load the machine just now
                took = [p99(s.port, path)]
                while len(took) < 3 and (took[-1] is None or took[-1] >= LIMIT):
                    took.append(p99(s.port, path))
                t.check(took[-1] is not None and took[-1] < LIMIT, path, "p99", took)
            t.check(flood.load.poll() is None and cpu_of(workers) > before, "meanwhile",
                    cpu_of(workers) - before, time.monotonic() - begun)
            s.end()
    finally:
        flood.end()


def test_hung_and_dead(t):
    """Ready within 2 s, and not within 2 s."""
    with Gateway(up) as g, Health(g.home) as h:
        status = lambda path: h.get(path).status        # noqa: E731
        doc = lambda: json.loads(h.get("/health").body)         # noqa: E731
        t.check(until(lambda: doc()["status"] == "healthy", 3), "healthy", doc())
        t.check(doc()["workers"]["accepting"] == 2, "two workers", doc()["workers"])
        workers = g.workers()
        os.kill(workers[0], signal.SIGSTOP)
        t.check(until(lambda: doc()["status"] == "degraded", 2) and
                status("/health") == 200 and status("/health/ready") == 200,
                "one hangs: degraded, ready all the same", doc())
        os.kill(workers[1], signal.SIGSTOP)
        t.check(until(lambda: status("/health/ready") == 503, 2), "all hang: not ready")
        t.check(doc()["status"] == "unhealthy" and status("/health") == 503 and
                status("/health/live") == 200, "unhealthy, but with a master", doc())
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        t.check(until(lambda: status("/health/ready") == 200, 2), "ready again")
        check_deaths(t, g, h, status, doc)


def check_deaths(t, g, h, status, doc):
    # the master looks away: nobody reaps, nobody replaces
    g.signal(signal.SIGSTOP)
    t.check(until(lambda: status("/health/live") == 503, 2), "a stopped master: not live")
    for pid in g.workers():
        os.kill(pid, signal.SIGKILL)
    t.check(until(lambda: status("/health/ready") == 503, 2), "all dead: not ready")
    body = h.get("/metrics").body.decode()
    t.check('\nchatmock_workers{state="accepting"} 0\n' in body and
            "\nchatmock_masters 0\n" in body, "as the metrics say", body[-3000:])
    g.signal(signal.SIGCONT)
    t.check(until(lambda: status("/health/ready") == 200 and
                  status("/health/live") == 200, 4), "back again", doc())
    counted = exposition.read(h.get("/metrics").body.decode())
    t.check(counted.value("chatmock_worker_restarts_total", reason="crash") == 2,
            "two crashes are counted", counted.value(
                "chatmock_worker_restarts_total", reason="crash"))
    workers = g.workers()
    os.kill(g.pid, signal.SIGKILL)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    t.check(until(lambda: status("/health/ready") == 503 and
                  status("/health/live") == 503, 2), "nobody left", doc())
    t.check(status("/metrics") == 200 and status("/status") == 200, "the pages stay")


def corrupt(path, how):
    if how == "empty":
        open(path, "w").close()
    elif how == "missing":
        os.unlink(path)
    elif how == "noise":
        with open(path, "r+b") as f:
            size = os.path.getsize(path)
            f.write(os.urandom(size))
    elif how == "words":
        # the head is whole, what is counted is not
        with open(path, "r+b") as f:
            f.seek(4096)
            f.write(os.urandom(os.path.getsize(path) - 4096))
    elif how == "short":
        os.truncate(path, 1000)
    elif how == "long":
        os.truncate(path, 1 << 33)
    elif how == "directory":
        os.unlink(path)
        os.mkdir(path)
    elif how == "symlink":
        os.rename(path, path + ".real")
        os.symlink("/dev/zero", path)
    elif how == "fifo":
        os.unlink(path)
        os.mkfifo(path)
    elif how == "version":
        with open(path, "r+b") as f:
            f.seek(8)
            f.write(b"\xff" * 8)
    elif how == "owner" and os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    elif how == "unreadable":
        os.chmod(path, 0)


def real_metrics(path):
    """A whole file, as a gateway left it."""
    with Gateway(up, CHATMOCK_WORKERS=1) as g:
        shutil.copy(os.path.join(g.home.dir, "metrics"), path)


def test_metrics_race(t):
    """The file is cut, filled and replaced while it is read."""
    with Gateway(up) as g, Health(g.home) as h:
        path = os.path.join(g.home.dir, "metrics")
        workers, stopping = children(h.p.pid), []

        def disturb():
            hows = ["short", "empty", "noise", "missing", "words"]
            while not stopping:
                try:
                    corrupt(path, hows[0])
                except OSError:
                    pass            # the gateway has just made it anew
                hows.append(hows.pop(0))
                time.sleep(0.003)
        thread = threading.Thread(target=disturb)
        thread.start()
        faults = []
        for i in range(400):
            a = h.get(("/metrics", "/health", "/status", "/health/ready")[i % 4])
            if a.status not in (200, 503):
                faults.append(a.status)
            if i % 4 == 0:
                faults += exposition.read(a.body.decode()).faults
        stopping.append(True)
        thread.join()
        t.check(not faults, "each page is whole", faults[:3])
        t.check(children(h.p.pid) == workers, "nobody died")
        t.check(until(lambda: ready(h) == 200, 10, 0.1) and
                until(lambda: "readable 1\n" in h.get("/metrics").body.decode(), 10, 0.1),
                "the gateway makes the file anew")


def test_metrics_file(t):
    """Whatever befalls the file: a page, at once, from the same workers."""
    for how in ("empty", "missing", "noise", "words", "short", "long", "directory",
                "symlink", "fifo", "version", "owner", "unreadable"):
        home = Home()
        with Health(home) as h:
            workers = children(h.p.pid)
            path = os.path.join(home.dir, "metrics")
            real_metrics(path)
            t.check("readable 1\n" in h.get("/metrics").body.decode(), how, "before")
            corrupt(path, how)
            for page in ("/metrics", "/health", "/status", "/health/ready"):
                begun = time.monotonic()
                a = h.get(page, timeout=10)
                t.check(a.status in (200, 503) and time.monotonic() - begun < 5, how,
                        page, a.status)
                if page == "/metrics":
                    faults = exposition.read(a.body.decode()).faults
                    t.check(a.status == 200 and not faults, how, "a page", faults[:3])
            t.check(children(h.p.pid) == workers, how, "nobody died")
        home.remove()


# --- rules and Prometheus

def tool(*args):
    return subprocess.run(["promtool", *args], capture_output=True, text=True,
                          timeout=120)


def test_promtool(t):
    exposition.check_itself()
    with Gateway(up) as g, Health(g.home) as h:
        request(g.home.socket, "POST", "/v1/chat/completions",
                chat("2 words every 1 ms"))
        until(lambda: json.loads(h.get("/health").body)["workers"]
              ["accepting"] == 2, 3)
        first = h.get("/metrics").body.decode()
        r = subprocess.run(["promtool", "check", "metrics"], input=first, text=True,
                           capture_output=True)
        t.check(r.returncode == 0 and not r.stdout + r.stderr, "promtool check metrics",
                r)
        page = exposition.read(first)
        t.check(not page.faults, "our own checker", page.faults[:5])
        t.check(len(page.series) <= 2000 and len(first) <= 256 << 10, "its size",
                len(page.series), len(first))
        again = exposition.read(h.get("/metrics").body.decode())
        t.check(again.order == page.order, "the order stays")
        om = exposition.read(h.get("/metrics", params={
            "HTTP_ACCEPT": OPENMETRICS}).body.decode(), True)
        t.check(not om.faults and om.order == page.order, "OpenMetrics is the same",
                om.faults[:5])


def test_rules(t):
    r = tool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    t.check(r.returncode == 0, "promtool check rules", r.stdout, r.stderr)
    with open(RULES) as f:
        named = set(re.findall(r"^ +- alert: (\w+)$", f.read(), re.M))
    t.check(named == set(ALERTS), "each alert has its tests", named ^ set(ALERTS))
    with open(os.path.join(ROOT, "README.md")) as f:
        readme = f.read()
    missing = [n for n in named if f"`{n}`" not in readme]
    t.check(not missing, "each alert is explained in README", missing)
    work = tempfile.mkdtemp(prefix="chatmock-test-")
    for name, test in rule_tests(RULES):
        path = os.path.join(work, "test.json")
        with open(path, "w") as f:
            json.dump(test, f)
        r = tool("test", "rules", path)
        t.check(r.returncode == 0, name, r.stdout[-1500:], r.stderr[-1500:])
    shutil.rmtree(work)


class Prometheus:
    """A real one that scrapes the gateway behind its web server."""

    def __init__(self, target, work):
        self.port, self.work = free_port(), work
        self.url = f"http://127.0.0.1:{self.port}"
        conf = os.path.join(work, "prometheus.json")
        with open(conf, "w") as f:
            json.dump({
                "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
                "rule_files": [RULES],
                "scrape_configs": [{"job_name": "chatmock", "static_configs": [
                    {"targets": [f"127.0.0.1:{target}"]}]}]}, f)
        self.log = open(os.path.join(work, "prometheus.log"), "wb")
        self.p = subprocess.Popen(
            ["prometheus", f"--config.file={conf}", f"--storage.tsdb.path={work}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=dict(os.environ, PATH=PATH))

    def api(self, path, **params):
        query = urllib.parse.urlencode(params)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}",
                                        timeout=10) as r:
                return json.load(r)["data"]
        except (OSError, ValueError):
            return None

    def query(self, expr):
        data = self.api("query", query=expr)
        return [(r["metric"], float(r["value"][1])) for r in data["result"]] \
            if data else []

    def sum(self, expr):
        return sum(v for _, v in self.query(expr))

    def end(self):
        self.p.terminate()
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        self.log.close()
        with open(self.log.name, errors="replace") as f:
            return f.read()


def test_prometheus(t):
    work = tempfile.mkdtemp(prefix="chatmock-test-")
    with Gateway(up, plain=True, CHATMOCK_DRAIN_TIMEOUT=1) as g, \
            Health(g.home, g.user):
        s = Server(g, *LIGHTTPD)
        p = Prometheus(s.port, work)
        try:
            t.check(until(lambda: p.sum("up") == 1, 30, 0.2), "up == 1", p.query("up"))
            t.check(until(lambda: p.sum("chatmock_build_info") == 1, 10, 0.2),
                    "it reads what stands there")
            targets = p.api("targets") or {"activeTargets": [{}]}
            t.check(targets["activeTargets"][0].get("lastError") == "", "no error",
                    targets)
            check_counts(t, s, p)
        finally:
            log = p.end()
            s.end()
    bad = [l for l in log.splitlines() if re.search("level=(warn|error)", l) and
           "Received SIGTERM" not in l]
    t.check(not bad, "no warning of a scrape or a rule", bad[:5])
    shutil.rmtree(work)


def totals(s):
    return json.loads(fetch(s.port, "/health").body)["metrics"]["requests"]


def check_counts(t, s, p):
    """What was asked is what Prometheus has, to the last request."""
    before = totals(s)
    for _ in range(5):
        s.chat("2 words every 1 ms").read()
    for _ in range(3):
        s.chat("2 words every 1 ms", stream=False).read()
    for _ in range(4):
        s.send("GET", "/v1/nowhere").read()
    for _ in range(2):
        s.send("GET", "/v1/models", headers={"Host": "evil.example"}).read()
    # a request is counted a moment after its client has the answer
    until(lambda: totals(s)["total"] - before["total"] >= 14, 10)
    after = totals(s)
    t.check(after["total"] - before["total"] == 14 and
            after["error"] - before["error"] == 6 and
            after["success"] + after["error"] == after["total"], "/health counts",
            before, after)
    chats = 'http_requests_total{route="/v1/chat/completions",status="200",' \
        'method="POST",tongue="chat"}'
    for expr, want in (
            (chats, 8), ('http_requests_total{status="404"}', 4),
            ('http_requests_total{status="403"}', 2),
            ("http_requests_total", after["total"]),
            ("http_request_duration_seconds_count", after["total"]),
            ('http_request_duration_seconds_bucket{le="+Inf"}', after["total"]),
            ("chatmock_request_ends_total", after["total"]),
            ("chatmock_upstream_requests_total", 8),
            ('chatmock_tokens_total{type="input"}', 8),
            ('chatmock_tokens_total{type="output"}', 16),
            ("chatmock_time_to_first_token_seconds_count", 8),
            ("chatmock_own_duration_seconds_count", 8),
            ('request_count{service_type="codex",status_code="404"}', 4),
            ('request_count{service_type="codex"}', after["total"]),
            ('request_duration_seconds_bucket{service_type="codex",le="+Inf"}',
             after["total"])):
        t.check(until(lambda: p.sum(f"sum({expr})") == want, 15, 0.2), expr, "is", want,
                p.query(expr))
    t.check(until(lambda: p.query(
        'histogram_quantile(0.9, rate(request_duration_seconds_bucket[1m])) > 0'),
        15, 0.2), "a quantile of a recorded histogram")
    t.check(p.sum('ALERTS{alertstate="firing"}') == 0, "no alert fires",
            p.query("ALERTS"))


if __name__ == "__main__":
    sys.exit(Checks("health").run(
        test_started_wrongly, test_process, test_lighttpd, test_nginx, test_apache,
        test_secrets, test_saturated, test_hung_and_dead, test_metrics_file,
        test_metrics_race, test_promtool, test_rules, test_prometheus))
