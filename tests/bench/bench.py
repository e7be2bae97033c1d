#!/usr/bin/env python3
"""The benchmark: one run, one table of ratios (make bench).

    bench.py                    every row, prints the table
    bench.py ttft whole         some rows
    bench.py --write            the table goes into README.md too

Load generator, web server, gateway and upstream share the machine, so only
ratios from one run mean anything: each row is measured against nginx
proxy_pass (or lighttpd's mod_proxy) in front of the same upstream, by turns.
Where it may, it runs in a network namespace of its own with the full port
range; where not, rows that need more ports are measured at the cap, and the
table says so.
"""
import base64
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "bin")
LOAD = os.path.join(ROOT, "build", "bench", "load")
PORTS = {"proxy": 1811, "nginx": 1812, "lighttpd": 1813, "mod_proxy": 1814,
         "anew": 1815, "health": 1816}
UPSTREAM = 1810

NGINX = """
{user}worker_processes 2; daemon off; master_process on; worker_rlimit_nofile 20000;
pid {dir}/nginx.pid; error_log {dir}/nginx.log error;
events {{ worker_connections 19500; }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  keepalive_requests 1000000; client_max_body_size 64m;
  upstream direct {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  upstream gateway {{ server unix:{sock}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{proxy} reuseport backlog=16384;
    location / {{ proxy_pass http://direct; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_buffering off;
      proxy_read_timeout 3600s; proxy_buffer_size 4k; }}
  }}
  server {{
    listen 127.0.0.1:{nginx} reuseport backlog=16384;
    location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass gateway;
      fastcgi_keep_conn on; fastcgi_param HTTP_PROXY ""; fastcgi_buffering off;
      fastcgi_buffer_size 4k; fastcgi_read_timeout 3600s; }}
  }}
  server {{
    listen 127.0.0.1:{health} backlog=16384;
    location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass unix:{health_sock};
      fastcgi_param HTTP_PROXY ""; }}
  }}
  server {{
    listen 127.0.0.1:{anew} reuseport backlog=16384;
    location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass unix:{sock};
      fastcgi_param HTTP_PROXY ""; fastcgi_buffering off;
      fastcgi_buffer_size 4k; fastcgi_read_timeout 3600s; }}
  }}
}}
"""

LIGHTTPD = """
server.modules = ( "mod_fastcgi", "mod_proxy" )
server.document-root = "{dir}"
server.bind = "127.0.0.1"
server.port = {lighttpd}
server.errorlog = "{dir}/lighttpd.log"
server.max-fds = 19000
server.max-connections = 9000
server.max-keep-alive-requests = 1000000
server.stream-response-body = 2
server.stream-request-body = 0
server.max-read-idle = 3600
server.max-write-idle = 3600
$SERVER["socket"] == "127.0.0.1:{mod_proxy}" {{
  proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {upstream} )) )
}}
else $SERVER["socket"] == "127.0.0.1:{lighttpd}" {{
  fastcgi.server = ( "/" => (( "socket" => "{sock}", "check-local" => "disable",
                               "tcp-fin-propagate" => "enable" )) )
}}
"""


class Rig:
    """Upstream, gateway and web servers of one row."""

    def __init__(self, events, interval_ms, delay_ms=0, env=None, workers=2):
        self.dir = tempfile.mkdtemp(prefix="chatmock-bench-")
        self.sock = os.path.join(self.dir, "run", "chatmock.sock")
        self.health_sock = os.path.join(self.dir, "run", "health.sock")
        os.makedirs(os.path.dirname(self.sock))
        self.procs = []
        try:
            self.start_all(events, interval_ms, delay_ms, env, workers)
        except BaseException:
            self.stop()
            raise

    def start_all(self, events, interval_ms, delay_ms, env, workers):
        # a root master's workers would be nobody, who may not use the socket
        user = "user root; " if os.geteuid() == 0 else ""
        names = dict(PORTS, dir=self.dir, sock=self.sock, upstream=UPSTREAM,
                     user=user, health_sock=self.health_sock)
        self.start("upstream", [os.path.join(BIN, "chatmock-demo-upstream"),
                                "--bench", "--port", str(UPSTREAM),
                                "--events", str(events),
                                "--interval", str(interval_ms),
                                "--delay", str(delay_ms)])
        self.wait_port(UPSTREAM)
        full = dict(os.environ, CHATMOCK_HOME=self.dir,
                    CHATMOCK_UPSTREAM_URL=f"http://127.0.0.1:{UPSTREAM}/v1",
                    CHATMOCK_UPSTREAM_KIND="responses",
                    CHATMOCK_WORKERS=str(workers),
                    CHATMOCK_MAX_STREAMS="9800", CHATMOCK_MAX_REQUESTS="0")
        full.update(env or {})
        self.gateway = self.start(
            "gateway", ["spawn-fcgi", "-n", "-s", self.sock, "-b", "4096", "--",
                        os.path.join(BIN, "chatmock.fcgi")], full)
        self.start("health", ["spawn-fcgi", "-n", "-s", self.health_sock, "--",
                              os.path.join(BIN, "health.fcgi")], full)
        self.conf("nginx.conf", NGINX.format(**names))
        self.conf("lighttpd.conf", LIGHTTPD.format(**names))
        self.start("nginx", ["nginx", "-c", f"{self.dir}/nginx.conf",
                             "-p", self.dir])
        self.start("lighttpd", ["lighttpd", "-D", "-f",
                                f"{self.dir}/lighttpd.conf"])
        for port in PORTS.values():
            self.wait_port(port)
        self.wait_answer()

    def conf(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def start(self, name, command, env=None):
        log = open(os.path.join(self.dir, name + ".out"), "wb")
        # lighttpd's workers end with their whole process group
        p = subprocess.Popen(command, env=env, stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        self.procs.append(p)
        return p

    def wait_port(self, port):
        import socket
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"bench: nothing listens on {port}; see {self.dir}")

    def wait_answer(self):
        for _ in range(200):
            try:
                url = f"http://127.0.0.1:{PORTS['nginx']}/v1/models"
                urllib.request.urlopen(url, timeout=2).read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"bench: the gateway does not answer; see {self.dir}")

    def workers(self):
        out = subprocess.run(["pgrep", "-P", str(self.gateway.pid)],
                             capture_output=True, text=True).stdout.split()
        return [int(pid) for pid in out]

    def memory_kb(self):
        total = 0
        for pid in self.workers():
            with open(f"/proc/{pid}/status") as f:
                for line in f:
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1])
        return total

    def peak_kb(self, fresh=False):
        """The most that the workers held at once, since the last fresh."""
        total = 0
        for pid in self.workers():
            if fresh:
                with open(f"/proc/{pid}/clear_refs", "w") as f:
                    f.write("5")
            with open(f"/proc/{pid}/status") as f:
                total += next(int(line.split()[1]) for line in f
                              if line.startswith("VmHWM:"))
        return total

    def fds(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers())

    def cpu_s(self):
        ticks = 0
        for pid in self.workers():
            with open(f"/proc/{pid}/stat") as f:
                part = f.read().rsplit(")", 1)[1].split()
            ticks += int(part[11]) + int(part[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        for p in reversed(self.procs):
            p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Awake:
    """Cores that do not sleep meanwhile. Waking one takes a virtual machine's
    host longer than the gateway needs for its work."""

    def __enter__(self):
        self.procs = [subprocess.Popen([LOAD, "awake"])
                      for _ in range(os.cpu_count())]

    def __exit__(self, *_):
        for p in self.procs:
            p.kill()
            p.wait()


def load(mode, front, wait=True, **options):
    """front: where it asks. "passed" is nginx's with the tongue of upstream."""
    chat = front in ("nginx", "lighttpd", "anew")
    port = (UPSTREAM if front == "direct" else
            PORTS["nginx" if front == "passed" else front])
    path = "/v1/chat/completions" if chat else "/v1/responses"
    command = [LOAD, mode, "--url", f"http://127.0.0.1:{port}{path}",
               "--tongue", "chat" if chat else "responses"]
    for name, value in options.items():
        command += ["--" + name, str(value)]
    p = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if not wait:
        return p
    return result(p)


def result(p):
    out, _ = p.communicate(timeout=600)
    return json.loads(out)


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{UPSTREAM}{path}") as r:
        return json.load(r)


def verdict(ok):
    return "yes" if ok else "**no**"


def turns(rig, fronts, rounds, pick, mode, **options):
    """Median of each front's figure, measured by turns."""
    got = {f: [] for f in fronts}
    for _ in range(rounds):
        for front in fronts:
            r = load(mode, front, **options)
            if r["errors"]:
                print(f"  {mode} {front}: {r['errors']} errors", file=sys.stderr)
            got[front].append(pick(r))
    return {f: statistics.median(v) for f, v in got.items()}


def added(t, front, base):
    return (f"{t[front]:.0f} µs, +{t[front] - t[base]:.0f} µs, "
            f"{t[front] / t[base]:.2f} × its proxy")


def row_ttft():
    fronts = ["proxy", "nginx", "anew", "mod_proxy", "lighttpd", "passed"]
    with Rig(events=4, interval_ms=1) as rig:
        with Awake():
            t = turns(rig, fronts, 5, lambda r: r["ttft_us"]["p50"], "ttft", n=300)
        asleep = turns(rig, fronts, 3, lambda r: r["ttft_us"]["p50"], "ttft", n=300)
    for front, base in (("nginx", "proxy"), ("lighttpd", "mod_proxy")):
        yield (f"time to first token through {front}, cores kept awake",
               added(t, front, base), "≤ 4 ×, ≤ +150 µs",
               verdict(t[front] <= 4 * t[base] and t[front] <= t[base] + 150))
    yield ("the same of /v1/responses, nginx", added(t, "passed", "proxy"), "", "")
    yield ("the same with a FastCGI connection each, nginx",
           added(t, "anew", "proxy"), "", "")
    for front, base in (("nginx", "proxy"), ("lighttpd", "mod_proxy"),
                        ("passed", "proxy")):
        name = "nginx, /v1/responses" if front == "passed" else front
        yield (f"time to first token through {name}, cores left to sleep",
               added(asleep, front, base), "", "")


def row_whole():
    with Rig(events=4, interval_ms=0) as rig:
        t = turns(rig, ["proxy", "nginx", "anew", "mod_proxy", "lighttpd"], 5,
                  lambda r: r["per_second"], "whole", n=20000, conns=32)
        cpu0, n = rig.cpu_s(), 20000
        load("whole", "nginx", n=n, conns=32)
        cpu = (rig.cpu_s() - cpu0) / n * 1e6
    for front, base, want, name in (
            ("nginx", "proxy", 0.30, "nginx"),
            ("lighttpd", "mod_proxy", 1.0, "lighttpd")):
        ratio = t[front] / t[base]
        yield (f"whole answers a second through {name}",
               f"{t[front]:.0f}, {ratio:.2f} × its proxy ({t[base]:.0f})",
               f"≥ {want} ×", verdict(ratio >= want))
    yield ("the same with a FastCGI connection each, nginx",
           f"{t['anew']:.0f}, {t['anew'] / t['proxy']:.2f} × its proxy", "", "")
    yield ("gateway's CPU a whole answer", f"{cpu:.0f} µs", "≤ 45 µs",
           verdict(cpu <= 45))


def saturated(ours):
    """100,000 events/s offered: what ours and the proxy deliver a second while
    all 2,000 streams are open, for before and after it is less that is
    offered; and what ours lost. The second ratio is of the whole time, with
    the 2,000 beginnings at 1,000 a second."""
    rate = {ours: [], "proxy": []}
    whole = {ours: [], "proxy": []}
    lost = errors = 0
    with Rig(events=600, interval_ms=20):
        for _ in range(3):
            for front in rate:
                r = load("hold", front, n=2000, ramp=1000)
                rate[front].append(r["window_events"] / r["window_seconds"]
                                   if r["window_seconds"] > 1 else 0)
                whole[front].append(r["events"] / r["seconds"])
                if front == ours:
                    lost += r["lost"]
                    errors += r["errors"]
    n, p = (statistics.median(rate[f]) for f in (ours, "proxy"))
    all_n, all_p = (statistics.median(whole[f]) for f in (ours, "proxy"))
    ratio = n / max(p, 1)
    return (f"{n:.0f} delivered, {ratio:.2f} × proxy ({p:.0f}); {lost} lost, "
            f"{errors} errors; beginnings included {all_n:.0f}, "
            f"{all_n / all_p:.2f} ×", 0 if lost + errors else ratio)


def row_saturate():
    said, ratio = saturated("nginx")
    yield ("100,000 events/s offered, 2,000 streams", said,
           "≥ 0.90 ×, none lost", verdict(ratio >= 0.90))


def row_pass():
    """POST /v1/responses: upstream's events handed on, not made anew."""
    said, ratio = saturated("passed")
    yield ("the same, passed on by /v1/responses", said,
           "≥ 0.95 ×, none lost", verdict(ratio >= 0.95))


def row_body():
    """What a request's size costs: time and memory, up to 8 MB."""
    sizes = {"1 KB": 1 << 10, "64 KB": 64 << 10, "1 MB": 1 << 20, "8 MB": 8 << 20}
    for front, name in (("nginx", "chat"), ("passed", "/v1/responses")):
        with Rig(events=4, interval_ms=0, workers=1) as rig:
            ms = {s: statistics.median(
                      load("ttft", front, n=20, body=b)["ttft_us"]["p50"]
                      for _ in range(3)) / 1000 for s, b in sizes.items()}
        with Rig(events=4, interval_ms=0, workers=1) as rig:
            load("ttft", front, n=1, body=1 << 10)      # pools and pages
            before = rig.peak_kb(fresh=True)
            load("ttft", front, n=1, body=8 << 20)
            copies = (rig.peak_kb() - before) / (8 << 10)
        step = (ms["8 MB"] - ms["1 KB"]) / (ms["1 MB"] - ms["1 KB"])
        yield (f"time to first token against the request's size, {name}",
               ", ".join(f"{s} {ms[s]:.1f} ms" for s in sizes)
               + f"; 8 MB cost {step:.1f} × what 1 MB does",
               "linear: ≤ 10 ×", verdict(step <= 10))
        yield (f"memory for a request of 8 MB, {name}",
               f"{copies:.1f} × its size", "≤ 3 ×", verdict(copies <= 3))


def port_room():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        low, high = map(int, f.read().split())
    return high - low


class Backend(Rig):
    """A rig whose upstream is the ChatGPT backend, so that we are the store."""

    def start_all(self, events, interval_ms, delay_ms, env, workers):
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
                         for part in (b'{"alg":"none"}', json.dumps(
                             {"exp": int(time.time()) + 86400}).encode(), b"none"))
        with open(os.open(os.path.join(self.dir, "auth.json"),
                          os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            json.dump({"tokens": {"id_token": token, "access_token": token,
                                  "refresh_token": "rt_bench",
                                  "account_id": "acct_bench"}}, f)
        super().start_all(events, interval_ms, delay_ms, dict(env or {}, **{
            "CHATMOCK_UPSTREAM_URL": f"http://127.0.0.1:{UPSTREAM}/backend-api/codex",
            "CHATMOCK_UPSTREAM_KIND": "chatgpt", "CHATMOCK_MODEL_SYNC": "0"}), workers)


def row_store():
    """What it costs that an answer can be found again."""
    n, rate, cpu = 5000, {"0": [], "1": []}, {"0": [], "1": []}
    for _ in range(3):
        for store in rate:
            with Backend(events=4, interval_ms=0,
                         env={"CHATMOCK_STORE": store}) as rig:
                load("whole", "passed", n=500, conns=32)
                before = rig.cpu_s()
                r = load("whole", "passed", n=n, conns=32)
                if r["errors"]:
                    print(f"  store {store}: {r['errors']} errors", file=sys.stderr)
                cpu[store].append((rig.cpu_s() - before) / n * 1e6)
                rate[store].append(r["per_second"])
    without, stored = (statistics.median(rate[s]) for s in ("0", "1"))
    added = statistics.median(cpu["1"]) - statistics.median(cpu["0"])
    yield ("whole /v1/responses a second, stored",
           f"{stored:.0f}, {stored / without:.2f} × unstored ({without:.0f})", "", "")
    yield ("CPU to store a response", f"{added:.0f} µs", "", "")


def background(port):
    """Asks for an answer in the background; its id."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/responses", method="POST",
        headers={"Content-Type": "application/json"},
        data=json.dumps({"model": "gpt-5.5", "input": "Go on.",
                         "background": True}).encode())
    with urllib.request.urlopen(request, timeout=10) as r:
        return json.load(r)["id"]


def row_resume():
    """How late a live event is for who took the stream up again."""
    port, late, seen = PORTS["nginx"], [], 0
    with Backend(events=100, interval_ms=20) as rig:
        for _ in range(10):
            url = (f"http://127.0.0.1:{port}/v1/responses/{background(port)}"
                   "?stream=true&starting_after=0")
            with urllib.request.urlopen(url, timeout=30) as r:
                for line in r:
                    m = re.search(rb'"delta":"\d+:(\d+) "', line)
                    if m:
                        late.append(time.monotonic() * 1000 - int(m[1]) / 1000)
            seen += 1
    late.sort()
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    yield ("a live event after taking a background stream up again",
           f"median {p50:.0f} ms, p99 {p99:.0f} ms; {len(late)} of {100 * seen}",
           "≤ 250 ms, none lost",
           verdict(p50 <= 250 and len(late) == 100 * seen))


def row_hold():
    want = 17000
    n = want if port_room() > 40000 else 12000
    name = f"{n:,} streams held, 1 event/s, 2 workers"
    if n < want:
        name += " (the port range caps it)"
    with Rig(events=60, interval_ms=1000) as rig:
        before, fds = rig.memory_kb(), rig.fds()
        cpu = rig.cpu_s()
        p = load("hold", "nginx", wait=False, n=n, ramp=1500, seconds=15)
        time.sleep(n / 1500 + 8)
        held, open_fds = rig.memory_kb() - before, rig.fds() - fds
        r = result(p)
        cpu = (rig.cpu_s() - cpu) / max(r["events"], 1) * 1e6
    p99 = r["delay_us"]["p99"] / 1000
    yield (name, f"{r['held']} held, {r['errors']} errors, {r['lost']} lost",
           "no error", verdict(r["held"] == n and not r["errors"] + r["lost"]))
    yield ("event delay, p99, while held", f"{p99:.2f} ms", "≤ 5 ms",
           verdict(p99 <= 5))
    yield ("memory a stream", f"{held / n:.1f} KB", "≤ 32 KB",
           verdict(held / n <= 32))
    # curl opens a pair for each handle that calls share (shared/http_multi.c)
    rest = open_fds - 2 * n
    yield ("descriptors a stream", f"2 each, and {rest} for all {n:,} together",
           "≤ 2", verdict(rest <= 2 * (n // 256 + 2)))
    yield ("gateway's CPU an event, while held", f"{cpu:.1f} µs", "", "")


def row_abort():
    for front in ("nginx", "lighttpd"):
        with Rig(events=1000, interval_ms=60000) as rig:
            r = load("abort", front, n=500, ramp=1000, seconds=2)
            time.sleep(1.5)
            seen = get("/_aborts")["aborts"]
        late = sorted(at - left for at, left in
                      zip(sorted(seen), r["closed_at_us"]))
        ok = len(late) == 500
        p99 = late[int(len(late) * 0.99) - 1] / 1000 if late else float("inf")
        yield (f"abort reaches a silent upstream through {front}, p99",
               f"{p99:.2f} ms, {len(late)} of 500", "≤ 20 ms",
               verdict(ok and p99 <= 20))


def row_reload():
    with Rig(events=4, interval_ms=1, workers=2) as rig:
        p = load("whole", "nginx", wait=False, n=60000, conns=32)
        reloads = 0
        while p.poll() is None and reloads < 20:
            time.sleep(0.4)
            rig.gateway.send_signal(signal.SIGHUP)
            reloads += 1
        r = result(p)
    yield (f"{reloads} rolling reloads during {r['finished']:,} requests",
           f"{r['errors']} failed", "0", verdict(r["errors"] == 0))
    with Rig(events=4, interval_ms=1, env={"CHATMOCK_MAX_REQUESTS": "500"}) as rig:
        r = load("whole", "nginx", n=60000, conns=32)
    yield (f"workers replaced every 500 of {r['finished']:,} requests",
           f"{r['errors']} failed", "0", verdict(r["errors"] == 0))


def times_of(path, n):
    times = []
    for _ in range(n):
        begun = time.monotonic()
        with urllib.request.urlopen(
                f"http://127.0.0.1:{PORTS['health']}{path}", timeout=10) as r:
            r.read()
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(0.005)
    return sorted(times)


def row_health():
    with Rig(events=4, interval_ms=0) as rig:
        p = load("whole", "nginx", wait=False, n=2000000, conns=64)
        time.sleep(1)
        cpu, begun = rig.cpu_s(), time.monotonic()
        for path in ("/health/ready", "/health", "/metrics"):
            t = times_of(path, 500)
            p99 = t[int(len(t) * 0.99) - 1]
            yield (f"{path} while every worker is saturated, p99",
                   f"{p99:.2f} ms (median {statistics.median(t):.2f} ms)",
                   "≤ 20 ms", verdict(p99 <= 20))
        busy = (rig.cpu_s() - cpu) / (time.monotonic() - begun)
        p.kill()
        p.wait()
    print(f"  the workers used {busy:.2f} cores meanwhile", file=sys.stderr)


def row_event():
    """What a delta costs in each tongue, beside chat's: no server, one core."""
    out = subprocess.run([os.path.join(ROOT, "build", "bench", "bench_event")],
                         capture_output=True, text=True, check=True).stdout
    plain, escapes = ({k.strip(): int(ns) for k, ns in re.findall(
        r"^(.+?) {2,}(\d+) +[\d.]+x$", part, re.M)}
        for part in out.split("a quarter with escapes"))
    chat = "+ filter + emit, chat"
    yield ("a text delta through the gateway's own code, chat",
           f"{plain[chat]} ns, with escapes {escapes[chat]} ns", "", "")
    for name in plain:
        if name != chat and ("emit" in name or "pass on" in name):
            worst = max(plain[name] / plain[chat], escapes[name] / escapes[chat])
            yield (f"the same, {name.split(', ')[1]}",
                   f"{plain[name] / plain[chat]:.2f} × chat's, with escapes "
                   f"{escapes[name] / escapes[chat]:.2f} ×", "≤ 1.3 ×",
                   verdict(worst <= 1.3))


ROWS = {"ttft": row_ttft, "whole": row_whole, "saturate": row_saturate,
        "pass": row_pass, "body": row_body,
        "store": row_store, "resume": row_resume,
        "hold": row_hold, "abort": row_abort, "reload": row_reload,
        "health": row_health, "event": row_event}


def own_namespace():
    """A network of our own, with ports enough; False where that is not allowed."""
    if os.environ.get("BENCH_NAMESPACE"):
        return
    os.environ["BENCH_NAMESPACE"] = "1"
    script = ("ip link set lo up && "
              "echo 2048 64999 >/proc/sys/net/ipv4/ip_local_port_range && "
              "echo 65535 >/proc/sys/net/core/somaxconn; exec \"$0\" \"$@\"")
    flags = "-n" if os.geteuid() == 0 else "-rn"
    if subprocess.run(["unshare", flags, "sh", "-c", "ip link set lo up"],
                      capture_output=True).returncode == 0:
        os.execvp("unshare", ["unshare", flags, "sh", "-c", script,
                              sys.executable, *sys.argv])


def cores_time():
    """Ticks of all cores, and of them those that a virtual machine's host
    gave to others while we wanted them."""
    with open("/proc/stat") as f:
        ticks = [int(n) for n in f.readline().split()[1:9]]
    return sum(ticks), ticks[7]


def conditions(begun):
    with open("/proc/cpuinfo") as f:
        model = next((l.split(":")[1].strip() for l in f if "model name" in l), "")
    total, stolen = (now - then for now, then in zip(cores_time(), begun))
    taken = 100 * stolen / max(total, 1)
    lib = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr
    return (f"{os.cpu_count()} cores shared by load generator, web server, gateway "
            f"and upstream ({model or platform.machine()}); "
            f"{lib.strip().replace('nginx version: ', '')}; "
            f"{port_room():,} local ports; plain HTTP/1.1 to upstream on loopback; "
            f"{time.strftime('%Y-%m-%d')}; the machine's host took {taken:.1f} % of "
            "the cores' time away.")


def main():
    own_namespace()
    write = "--write" in sys.argv
    wanted = [a for a in sys.argv[1:] if a != "--write"] or list(ROWS)
    begun = cores_time()
    lines = ["| what | measured | wanted | reached |", "|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for name in wanted:
        for row in ROWS[name]():
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    under = conditions(begun)
    text = "\n".join(lines) + "\n\n" + under + "\n"
    print("\n" + under)
    if write:
        path = os.path.join(ROOT, "README.md")
        with open(path) as f:
            readme = f.read()
        begin, end = "<!-- bench:begin -->\n", "<!-- bench:end -->"
        head, rest = readme.split(begin, 1)
        tail = rest.split(end, 1)[1]
        with open(path, "w") as f:
            f.write(head + begin + text + end + tail)


if __name__ == "__main__":
    main()
