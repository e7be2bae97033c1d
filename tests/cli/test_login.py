#!/usr/bin/env python3
"""chatmock login and logout against an issuer that checks every parameter, in
pipes, in a terminal, and with a real browser that clicks through."""
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

from terminal import (CHATMOCK, NOPERM, OK, OSERR, ROOT, TEMPFAIL, UNAVAILABLE,
                      USAGE, Checks, Place, Terminal, free_port, until)

sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from gateway import Gateway  # noqa: E402
from issuer import Issuer, fetch  # noqa: E402
from upstream import header  # noqa: E402
from webdriver import Browser  # noqa: E402

URL = re.compile(r"http://\S+/oauth/authorize\?\S+")
CALLBACK = re.compile(r"http%3A%2F%2Flocalhost%3A(\d+)%2Fauth%2Fcallback")


def port_pair():
    """A port that is free with its second, on both addresses."""
    for _ in range(100):
        port = free_port()
        try:
            for host, family in (("127.0.0.1", socket.AF_INET),
                                 ("::1", socket.AF_INET6)):
                for p in (port, port + 2):
                    with socket.socket(family) as s:
                        s.bind((host, p))
            return port
        except OSError as e:
            if e.errno == 97 or e.errno == 99:      # no IPv6 here
                return port
    raise RuntimeError("no two ports are free")


def place(issuer, **settings):
    settings.setdefault("CODEX__CALLBACK_PORT", port_pair())
    return Place(CHATMOCK_AUTH_ISSUER=issuer.url, **settings)


class Login:
    """`chatmock login` in pipes, running."""

    def __init__(self, p, *args, wait=URL, stdin=subprocess.PIPE, **env):
        whole = dict(p.env, **{k: str(v) for k, v in env.items()})
        self.p = subprocess.Popen(
            [CHATMOCK, "login", *args], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=p.top,
            env={k: v for k, v in whole.items() if v != ""})
        self.out = self.err = b""
        if wait and not self.see(wait):
            raise RuntimeError(f"nothing like {wait.pattern}: {self.end()}")

    def see(self, pattern, seconds=20):
        """Reads stdout until the pattern stands there; both are looked at."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if pattern.search(self.text()):
                return pattern.search(self.text())
            ready = select.select([self.p.stdout, self.p.stderr], [], [], 0.2)[0]
            for f in ready:
                data = os.read(f.fileno(), 65536)
                if f is self.p.stdout:
                    self.out += data
                else:
                    self.err += data
            if self.p.poll() is not None and not any(
                    os.read(f.fileno(), 0) for f in ready):
                rest_out, rest_err = self.p.communicate()
                self.out, self.err = self.out + rest_out, self.err + rest_err
                return pattern.search(self.text())
        return None

    def text(self):
        return (self.out + self.err).decode(errors="replace")

    @property
    def url(self):
        return URL.search(self.text())[0]

    @property
    def port(self):
        return int(CALLBACK.search(self.url)[1])

    def callback(self, query, host="localhost"):
        return fetch(f"http://127.0.0.1:{self.port}/auth/callback?{query}",
                     headers={"Host": f"{host}:{self.port}"})

    @property
    def state(self):
        return re.search(r"[&?]state=([\w-]+)", self.url)[1]

    def paste(self, line):
        self.p.stdin.write(line.encode() + b"\n")
        self.p.stdin.flush()

    def end(self, seconds=30):
        try:
            if self.p.stdin and not self.p.stdin.closed and seconds == 0:
                self.p.stdin.close()
            out, err = self.p.communicate(timeout=seconds or 30)
            self.out, self.err = self.out + (out or b""), self.err + (err or b"")
        except ValueError:
            self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()
            return "did not end"
        return self.p.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()


def auth(p):
    return json.loads(p.read("auth.json"))


def leaks(issuer, *texts):
    """Tokens that stand where none may."""
    secrets = issuer.tokens_given + list(issuer.codes)
    return [s for s in secrets for text in texts if s in text]


def no_login(p):
    return not [f for f in os.listdir(p.home)
                if not f.endswith((".lock", ".refused"))]


# --- in the browser

def test_browser_flow(t):
    with Issuer() as i, place(i) as p:
        with Login(p, "--no-browser") as l:
            status, text = i.visit(l.url)
            t.check(status == 200 and "<h1>Signed in</h1>" in text, status, text)
            t.check(l.end() == OK, "exit", l.text())
            t.check("Signed in as someone@example.com, plan plus." in l.text(),
                    l.text())
            t.check(l.text().count("\n") == 2 and not l.err,
                    "piped: the address and the outcome", l.text(), l.err)
            t.check(not leaks(i, l.text(), text), "no secret is shown", l.text())
        login = auth(p)
        t.check(login["auth_mode"] == "chatgpt" and
                login["tokens"]["account_id"] == "acct_new" and
                login["tokens"]["refresh_token"] in i.refresh and
                login["OPENAI_API_KEY"] is None and login["last_refresh"], login)
        mode = stat.S_IMODE(os.stat(p.path("auth.json")).st_mode)
        t.check(mode == 0o600, oct(mode))
        t.check(i.problems == [], i.problems)
        t.check(len(i.calls("/oauth/token")) == 1 and not i.revoked, i.seen)
        # once more: the first one is handed back
        first = login["tokens"]["refresh_token"]
        with Login(p, "--no-browser") as l:
            other = l.url
            i.visit(l.url)
            t.check(l.end() == OK, l.text())
        t.check(i.revoked == [first] and
                auth(p)["tokens"]["refresh_token"] != first, i.revoked)
        state = re.compile(r"state=([\w-]+)")
        challenge = re.compile(r"code_challenge=([\w-]+)")
        t.check(len({r.search(u)[1] for r in (state, challenge)
                     for u in (other, l.url)}) == 2, "one sign-in, one state")
        t.check(i.problems == [], i.problems)


def test_page(t):
    """What the small server says, and to whom."""
    with Issuer() as i, place(i) as p, Login(p, "--no-browser") as l:
        base = f"http://127.0.0.1:{l.port}"
        own = {"Host": f"localhost:{l.port}"}
        for path in ("/", "/favicon.ico", "/success", "/auth/callback/x", "/auth"):
            t.check(fetch(base + path, headers=own)[0] == 404, path)
        t.check(fetch(base + "/auth/callback", "POST", own)[0] == 405, "POST")
        t.check(fetch(base + "/auth/callback", "HEAD", own)[0] == 405, "HEAD")
        for host in ("evil.example", f"evil.example:{l.port}", "localhost",
                     "localhost:1", f"localhost.evil.example:{l.port}",
                     f"127.0.0.2:{l.port}"):
            got = fetch(f"{base}/auth/callback?code=c&state={l.state}",
                        headers={"Host": host})
            t.check(got[0] == 403, host, got)
        # a page of the web may not end our sign-in
        for name, value in (("Origin", "https://evil.example"),
                            ("Sec-Fetch-Site", "cross-site"),
                            ("Referer", "https://evil.example/")):
            got = fetch(base + "/cancel", headers=dict(own, **{name: value}))
            t.check(got[0] == 404, name, got)
        # connections that a browser opened and never used, and nonsense
        idle = [socket.create_connection(("127.0.0.1", l.port)) for _ in range(20)]
        idle[0].sendall(b"GET /auth/callback?code=")
        idle[1].sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        idle[2].sendall(b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n\r\n")
        status, headers, text = l.callback("code=c1&state=" + "A" * 43)
        t.check(status == 400 and "State mismatch" in text, status, text)
        csp = headers.get("content-security-policy", "")
        t.check("default-src 'none'" in csp and "frame-ancestors 'none'" in csp,
                headers)
        t.check(headers["cache-control"] == "no-store" and
                headers["referrer-policy"] == "no-referrer" and
                headers["x-content-type-options"] == "nosniff", headers)
        t.check(not re.search(r"https?://|<script|src=|url\(", text), text)
        t.check(i.visit(l.url)[0] == 200, "and the sign-in goes on")
        t.check(l.end() == OK, l.text())
        for s in idle:
            s.close()
        t.check(i.problems == [], i.problems)


def test_only_loopback(t):
    with Issuer() as i, place(i) as p, Login(p, "--no-browser") as l:
        lines = subprocess.run(["ss", "-ltnH"], capture_output=True,
                               text=True).stdout.split("\n")
        mine = {line.split()[3] for line in lines
                if line and line.split()[3].endswith(f":{l.port}")}
        t.check(mine and mine <= {f"127.0.0.1:{l.port}", f"[::1]:{l.port}"}, mine)
        l.p.terminate()
        t.check(l.end() == 128 + signal.SIGTERM, "TERM", l.text())


def test_memory(t):
    """Tokens will be in it: others of the same user do not look in either."""
    if os.geteuid() != 0 or "san" in CHATMOCK.split(os.sep):
        t.skip("memory", "needs root, who becomes somebody else; no sanitizer")
        return
    with Issuer() as i, place(i) as p:
        os.chmod(p.top, 0o755)
        os.chown(p.home, 65534, 65534)
        program = shutil.copy(CHATMOCK, p.top)
        os.chmod(program, 0o755)
        as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534",
                     "--clear-groups"]
        l = subprocess.Popen([*as_nobody, program, "login", "--no-browser"],
                             env=p.env, cwd="/", stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        try:
            t.check(URL.search(l.stdout.readline()), "it waits")
            r = subprocess.run([*as_nobody, "head", "-c", "1",
                                f"/proc/{l.pid}/environ"], capture_output=True)
            t.check(r.returncode != 0 and not r.stdout, "its memory is closed", r)
        finally:
            l.terminate()
            l.communicate()


def test_state_and_replay(t):
    with Issuer() as i, place(i) as p, Login(p, "--no-browser") as l:
        for query in ("code=ac_evil", "code=ac_evil&state=", "", "state=%zz&code=a",
                      "code=ac_evil&state=" + l.state[:-1],
                      "code=ac_evil&state=" + l.state + "x",
                      "state=x&code=ac_evil&state=" + l.state):
            status, _, text = l.callback(query)
            t.check(status == 400 and "State mismatch" in text, query, status)
        t.check(i.visit(l.url, "other-state")[0] == 400, "another state")
        t.check(not i.calls("/oauth/token"), "no code was taken to the issuer")
        # the right one twice, at the same moment: one exchange
        i.delay["token"] = 3
        back = i.visit(l.url, follow=False)
        got = []
        first = threading.Thread(target=lambda: got.append(fetch(back)))
        first.start()
        until(lambda: i.calls("/oauth/token"), 10)
        status, _, text = fetch(back)
        t.check(status == 409 and "Already used" in text, status, text)
        first.join()
        t.check(got and got[0][0] == 200 and "Signed in" in got[0][2], got)
        t.check(l.end() == OK and len(i.calls("/oauth/token")) == 1, l.text())
        t.check(not leaks(i, l.text()), l.text())
        # the code is spent: nobody gets anything for it now
        t.check(i.problems == [], i.problems)


def test_refused(t):
    for action, page, says in (
            ("deny", "The user said no", "refused or cancelled"),
            ("not-entitled", "not enabled for this workspace", "administrator"),
            ("broken", "(server_error): &lt;b&gt;Try&lt;/b&gt;later.",
             "<b>Try</b>later"),
            ("nothing", "missing_authorization_code", "chatmock login")):
        with Issuer() as i, place(i) as p, Login(p, "--no-browser") as l:
            status, text = i.visit(l.url, action)
            t.check(status == 400 and page in text and "<b>" not in text, action,
                    status, text)
            t.check(l.end() == NOPERM and says in l.err.decode(), action, l.text())
            t.check(no_login(p) and not i.calls("/oauth/token"), action)
            t.check(i.problems == [], i.problems)


def test_exchange_refused(t):
    for plan, says in (
            ((400, {"error": "invalid_grant", "error_description": "Gone."}),
             "Gone. It was used already or has run out"),
            ((401, {"error": {"code": "invalid_client", "message": "Who?"}}),
             "Who?. The client id is not known there"),
            ((403, {"error": {"code": "unsupported_country_region_territory",
                              "message": "Country"}}), "not offered where you are"),
            ((429, {}), "wait some minutes"),
            ((500, "<html>rt_secret</html>"), "The fault is the issuer's"),
            ((200, {"id_token": "a.b.c"}), "no usable tokens"),
            ((302, ""), "status 302"),
            ("hang up", "No answer from http://127.0.0.1:")):
        with Issuer() as i, place(i) as p, Login(p, "--no-browser") as l:
            # what an idempotent call may be tried again for is refused again
            i.fail["token"] = plan
            status, text = i.visit(l.url)
            t.check(status == 502 and "Not signed in" in text, says, status, text)
            t.check(l.end() == NOPERM and says in l.err.decode(), says, l.text())
            t.check(no_login(p) and "rt_secret" not in l.text(), says)
            t.check(i.problems == [], i.problems)


def test_ports(t):
    with Issuer() as i, place(i) as p:
        port = int(p.env["CODEX__CALLBACK_PORT"])
        # another program: the second port, and the issuer hears of it
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with socket.socket(family) as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    taken.bind((host, port))
                except OSError:
                    t.skip("second port for " + host, "no IPv6 here")
                    continue
                taken.listen()
                with Login(p, "--no-browser") as l:
                    t.check(l.port == port + 2, host, l.url)
                    t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
        t.check(i.problems == [], i.problems)
        with socket.socket() as a, socket.socket() as b:
            for s, n in ((a, port), (b, port + 2)):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", n))
                s.listen()
            r = p.run("login", "--no-browser")
            t.check(r.code == UNAVAILABLE and f"{port} and {port + 2}" in r.err
                    and "--headless" in r.err, r)
        # a sign-in that somebody forgot lets go of the port
        with Login(p, "--no-browser") as old, Login(p, "--no-browser") as new:
            t.check(old.end() == TEMPFAIL and "Another sign-in" in old.text(),
                    old.text())
            t.check(new.port == port, new.url)
            t.check(i.visit(new.url)[0] == 200 and new.end() == OK, new.text())
        # at once again: the port is not held by what has ended
        with Login(p, "--no-browser") as l:
            t.check(l.port == port, l.url)


def test_timeout(t):
    with Issuer() as i, place(i) as p:
        begun = time.monotonic()
        r = p.run("login", "--no-browser", "--timeout", "1")
        t.check(r.code == NOPERM and "Nobody signed in in time" in r.err, r)
        t.check(time.monotonic() - begun < 10 and no_login(p), "soon, nothing left")
        for wrong in ("0", "901", "x"):
            t.check(p.run("login", "--timeout", wrong).code == USAGE, wrong)


def test_interrupted(t):
    with Issuer() as i, place(i) as p:
        with Terminal(p, columns=100) as term:
            term.type("chatmock login --no-browser\n")
            t.check(term.wait("Waiting for it to come back"), term.screen())
            number = term.prompts()[-1][0]
            term.keys("C-c")
            code = term.wait_prompt(number)
            t.check(code == 130 and "nothing was changed" in term.screen(),
                    code, term.screen())
            t.check(no_login(p), os.listdir(p.home))
        # tokens that are on their way are waited for
        i.delay["token"] = 4
        with Login(p, "--no-browser") as l:
            visit = threading.Thread(target=i.visit, args=(l.url,))
            visit.start()
            until(lambda: i.calls("/oauth/token"), 10)
            l.p.send_signal(signal.SIGINT)
            t.check(l.end() == OK and "waiting for its answer" in l.text(), l.text())
            visit.join()
            t.check(auth(p)["tokens"]["refresh_token"] in i.refresh, "kept")
        i.delay["token"] = 8
        before = p.read("auth.json")
        with Login(p, "--no-browser") as l:
            visit = threading.Thread(
                target=lambda: swallow(lambda: i.visit(l.url)))
            visit.start()
            until(lambda: len(i.calls("/oauth/token")) > 1, 10)
            l.p.send_signal(signal.SIGINT)
            t.check(l.see(re.compile("waiting for its answer")), l.text())
            l.p.send_signal(signal.SIGINT)
            t.check(l.end() == 130 and p.read("auth.json") == before, l.text())
            visit.join()


def swallow(what):
    try:
        return what()
    except OSError as e:
        return e


def test_pasted(t):
    with Issuer() as i, place(i) as p:
        with Login(p, "--no-browser") as l:
            back = i.visit(l.url, follow=False)
            l.paste("")
            l.paste("hello")
            t.check(l.see(re.compile("That is not it")), l.text())
            l.paste(back.replace(l.state, "x" * 43))
            t.check(l.see(re.compile("state is another one")), l.text())
            l.paste("x" * 40000)
            t.check(l.see(re.compile("too long")), l.text())
            l.paste("  " + back + " \r")
            t.check(l.end() == OK and "Signed in as" in l.text(), l.text())
            t.check(i.problems == [], i.problems)
        # the end of the input is no end of the sign-in
        with Login(p, "--no-browser") as l:
            l.p.stdin.close()
            time.sleep(0.3)
            t.check(l.p.poll() is None and i.visit(l.url)[0] == 200, l.text())
            l.p.stdin = None
            t.check(l.end() == OK, l.text())
        with Login(p, "--no-browser", stdin=subprocess.DEVNULL) as l:
            t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
        with Login(p, "--no-browser") as l:
            l.paste(i.visit(l.url, "deny", follow=False))
            t.check(l.end() == NOPERM and "cancelled" in l.text(), l.text())
        with Terminal(p, columns=100) as term:
            term.type("chatmock login --no-browser\n")
            t.check(term.wait("Waiting for it to come back"), term.screen())
            url = URL.search(term.screen())[0]
            number = term.prompts()[-1][0]
            term.type(i.visit(url, follow=False) + "\n")
            t.check(term.wait_prompt(number) == 0 and
                    "Signed in as someone@example.com" in term.screen() and
                    "takes it up by itself" in term.screen(), term.screen())
        # in the background of a shell it waits on, and is not stopped
        with Terminal(p, columns=100) as term:
            term.type("chatmock login --no-browser & sleep 0.1\n")
            t.check(term.wait("Waiting for it to come back"), term.screen())
            t.check(i.visit(URL.search(term.screen())[0])[0] == 200, "background")
            t.check(term.wait("Signed in as"), term.screen())
        t.check(not leaks(i, l.text()), "no leak")


def test_opens_browser(t):
    """What $BROWSER names is started with the address, and outlives nothing."""
    with Issuer() as i, place(i) as p:
        seen = p.path("seen")
        script = p.write("browser", "#!/bin/sh\necho talk; echo talk >&2\n"
                         f'printf "%s\\n" "$@" >{seen}.new\n'
                         f"mv {seen}.new {seen}\n", 0o700)
        for named, args in ((script, []), (f"{script} --new %s --after",
                                           ["--new", "--after"]),
                            ("/nowhere/at-all:" + script, [])):
            if os.path.exists(seen):
                os.unlink(seen)
            with Login(p, BROWSER=named) as l:
                t.check(until(lambda: os.path.exists(seen), 10), named)
                got = open(seen).read().split("\n")[:-1]
                t.check(l.url in got and len(got) == len(args) + 1 and
                        all(a in got for a in args), named, got)
                t.check(i.visit(got[-1] if not args else got[1])[0] == 200
                        and l.end() == OK, l.text())
                t.check("talk" not in l.text(), "it is not heard", l.text())
        os.unlink(seen)
        with Login(p, "--no-browser", BROWSER=script) as l:
            t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
            t.check(not os.path.exists(seen), "--no-browser")
        # no desktop, no browser: only the address
        with Login(p, BROWSER="") as l:
            t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())


def test_settings(t):
    with Issuer() as i:
        i.client, i.scope = "app_other", "openid offline_access"
        i.workspace = "ws-1,ws-2"
        i.account = "ws-2"
        with place(i, CODEX__OAUTH__CLIENT_ID="app_other",
                   CODEX__OAUTH__SCOPES="openid offline_access",
                   CHATMOCK_LOGIN_WORKSPACE="ws-1,ws-2") as p:
            with Login(p, "--no-browser") as l:
                t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
            t.check(i.problems == [], i.problems)
            # another workspace is not kept, and its tokens are handed back
            before = p.read("auth.json")
            i.account = "ws-3"
            with Login(p, "--no-browser") as l:
                status, text = i.visit(l.url)
                t.check(status == 502 and "ws-3" in text and "ws-1,ws-2" in text,
                        status, text)
                t.check(l.end() == NOPERM and p.read("auth.json") == before,
                        l.text())
            t.check(len(i.revoked) == 1 and i.revoked[0] in i.tokens_given,
                    i.revoked)
            t.check(i.problems == [], i.problems)
        i.workspace = None
        i.client, i.scope = "app_other", "openid profile email offline_access"
        # one address alone: an alias of the older program
        for name in ("CHATMOCK_LOGIN_BIND", "CHATGPT_LOCAL_LOGIN_BIND"):
            with place(i, CHATGPT_LOCAL_CLIENT_ID="app_other",
                       **{name: "127.0.0.1"}) as p:
                with Login(p, "--no-browser") as l:
                    t.check(swallow(lambda: socket.create_connection(
                        ("::1", l.port), 2)).__class__ is not socket.socket, name)
                    t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
                with Login(p, "--no-browser", **{name: "0.0.0.0"}) as l:
                    t.check(l.see(re.compile("others than this machine")), l.text())
                    status = fetch(f"http://127.0.0.2:{l.port}/auth/callback")[0]
                    t.check(status == 403, "reached, and refused by its Host", status)
        r = p_run_bad_bind(i)
        t.check(r.code == UNAVAILABLE and "CHATMOCK_LOGIN_BIND" in r.err, r)


def p_run_bad_bind(i):
    with place(i, CHATMOCK_LOGIN_BIND="192.0.2.1") as p:
        return p.run("login", "--no-browser")


def test_unwritable(t):
    with Issuer() as i, place(i) as p:
        p.write("file", "x")
        with Login(p, "--no-browser", CHATMOCK_HOME=p.path("file")) as l:
            status, text = i.visit(l.url)
            t.check(status == 502 and "CHATMOCK_HOME" in text, status, text)
            t.check(l.end() == OSERR and "CHATMOCK_HOME" in l.text(), l.text())
        t.check(not i.calls("/oauth/token"), "the code was not spent")


# --- with a real browser

def test_real_browser(t):
    with Issuer() as i, place(i) as p, Browser() as b:
        seen = p.path("seen")
        script = p.write("browser", f"#!/bin/sh\necho \"$1\" >{seen}.new\n"
                         f"mv {seen}.new {seen}\n", 0o700)
        with Login(p, BROWSER=script) as l:
            t.check(until(lambda: os.path.exists(seen), 20), "it is opened")
            b.open(open(seen).read().strip())
            t.check(b.title() == "Sign in to ChatMock", b.title(), b.text("body"))
            b.click("#continue")
            t.check(until(lambda: b.title() == "Signed in", 60), b.url(),
                    b.text("body"))
            t.check("You can close this window" in b.text("p") and
                    b.url().startswith(f"http://localhost:{l.port}/auth/callback?"),
                    b.url(), b.text("body"))
            t.check(b.css("h1", "border-left-color") == "rgba(42, 138, 62, 1)",
                    "its style is let through by its own policy")
            bad = [m for m in b.log() if f"localhost:{l.port}" in m["message"]]
            t.check(not bad, "the console is silent", bad)
            t.check(l.end() == OK and "Signed in as" in l.text(), l.text())
        t.check(auth(p)["tokens"]["refresh_token"] in i.refresh, "kept")
        # reloaded, the page is gone with its server, and nothing happens
        t.check(swallow(lambda: fetch(b.url())).__class__ is
                ConnectionRefusedError, "the port is closed")
        # an error, and a sign-in that goes on after a page of another one
        with Login(p, "--no-browser") as l:
            b.open(f"http://localhost:{l.port}/auth/callback?code=x&state=y")
            t.check(b.title() == "State mismatch", b.title())
            b.open(f"http://localhost:{l.port}/cancel")
            t.check("Not Found" in b.text("body"), "a browser ends nothing")
            b.open(l.url)
            b.click("#deny")
            t.check(until(lambda: b.title() == "Not signed in", 60), b.title())
            t.check("The user said no" in b.text("body"), b.text("body"))
            t.check(l.end() == NOPERM, l.text())
        # the browser of another machine: its way back leads nowhere
        with Login(p, "--no-browser") as l:
            url = l.url.replace(f"localhost%3A{l.port}", "localhost%3A1")
            try:
                b.open(url)
                b.click("#continue")
            except RuntimeError as e:
                t.check("ERR_" in str(e), "refused", e)
            until(lambda: "localhost:1/" in b.url() or "code=" in b.url(), 60)
            ended = b.url()
            t.check("code=" in ended, ended)
            code = re.search(r"code=([\w-]+)", ended)[1]
            # the issuer knows the code by the address that it was made for
            i.codes[code] = (i.codes[code][0],
                             f"http://localhost:{l.port}/auth/callback")
            l.paste(ended)
            t.check(l.end() == OK and "Signed in as" in l.text(), l.text())
        t.check(i.problems == [], i.problems)


# --- while the gateway runs

def test_while_streaming(t):
    """50 streams are open when another account signs in: none is disturbed,
    and who comes then is answered with the new login."""
    with Issuer() as i, Gateway(
            kind="chatgpt", workers=2, env={"CHATMOCK_AUTH_ISSUER": i.url}) as g:
        i.make_token = lambda account="acct_new", *a, **k: \
            g.upstream.access_token(account)
        port = port_pair()
        p = Place(CHATMOCK_AUTH_ISSUER=i.url, CODEX__CALLBACK_PORT=port,
                  CHATMOCK_HOME=g.home, CHATMOCK_UPSTREAM_URL=g.upstream.url,
                  CHATMOCK_UPSTREAM_KIND="chatgpt")
        with p:
            stream_and_sign_in(t, i, g, p)


def stream_and_sign_in(t, i, g, p):
    words = " ".join(f"w{n}" for n in range(40))
    g.upstream.script(*[{"match": "slow", "say": words, "interval_ms": 100}])
    texts, lock = [], threading.Lock()

    def ask(text, stream=False):
        return g.post("/v1/chat/completions", {
            "model": "gpt-5.5", "stream": stream,
            "messages": [{"role": "user", "content": text}]}, timeout=120)

    def stream():
        answer = ask("slow", True).text
        with lock:
            texts.append(answer)

    threads = [threading.Thread(target=stream) for _ in range(50)]
    for thread in threads:
        thread.start()
    t.check(until(lambda: g.upstream.stats()["open"] == 50, 30),
            "50 streams", g.upstream.stats())
    with Login(p, "--no-browser") as l:
        t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
    t.check(g.upstream.stats()["open"] == 50, "signed in while all are open",
            g.upstream.stats())
    t.check(i.revoked == ["rt_first-of-a-family"], i.revoked)

    def account():
        ask("quick")
        return header(g.upstream.requests()[-1], "chatgpt-account-id")

    t.check(until(lambda: account() == "acct_new", 20, 0.2), "the new login is used")
    for thread in threads:
        thread.join(120)
    whole = [a for a in texts if "w39" in a and "data: [DONE]" in a]
    t.check(len(whole) == 50,
            "no stream was cut", len(whole), texts[:1])
    old = [r for r in g.upstream.requests()
           if "slow" in json.dumps(r["body"])]
    t.check(len(old) == 50 and {header(r, "chatgpt-account-id") for r in old} ==
            {"acct_test"}, "nor asked again", len(old))
    # logged out: clients are told what to do
    r = p.run("logout")
    t.check(r.code == OK, r)
    t.check(until(lambda: "chatmock login" in ask("quick").text, 20, 0.2),
            ask("quick").text)


# --- by device code

CODE = re.compile(r"ABCD-12345")


def test_device(t):
    with Issuer() as i, place(i) as p:
        with Login(p, "--headless", wait=CODE) as l:
            t.check(i.url + "/codex/device" in l.text(), l.text())
            t.check(until(lambda: len(i.calls("/api/accounts/deviceauth/token")) > 1,
                          10), "asks again")
            i.approve()
            t.check(l.end() == OK and "Signed in as someone@example.com" in l.text(),
                    l.text())
            t.check(not leaks(i, l.text()) and l.text().count("\n") == 3 and
                    not l.err, "piped: no countdown", l.text())
        t.check(auth(p)["tokens"]["refresh_token"] in i.refresh, auth(p))
        t.check(i.problems == [], i.problems)
        with Terminal(p, columns=100) as term:
            term.type("chatmock login --headless\n")
            t.check(term.wait(r"\.\.\. 14:5[0-9] left"), term.screen())
            t.check("phishers" in term.screen() and CODE.search(term.screen()),
                    term.screen())
            shown = set()
            until(lambda: shown.update(re.findall(r"(1[45]:\d\d) left",
                                                  term.screen())) or len(shown) > 2,
                  15)
            t.check(len(shown) > 2, "it counts", shown)
            number = term.prompts()[-1][0]
            i.delay["token"] = 3
            i.approve()
            t.check(term.wait("taking the code to the issuer"), term.screen())
            t.check(term.wait_prompt(number) == 0 and "Signed in as" in
                    term.screen() and " left" not in term.screen(), term.screen())
            term.type("chatmock login --headless\n")
            t.check(term.wait(r"\d left"), term.screen())
            term.keys("C-c")
            t.check(term.wait_prompt(number + 1) == 130 and
                    "nothing was changed" in term.screen(), term.screen())


def test_device_refused(t):
    for what, plan, code, says in (
            ("usercode", (404, {}), UNAVAILABLE, "sign in with a browser"),
            ("usercode", (429, {}), NOPERM, "wait some minutes"),
            ("usercode", (200, {"user_code": "x y"}), NOPERM, "no usable device code"),
            ("usercode", "hang up", NOPERM, "No answer from"),
            ("poll", (400, {"error": {"message": "Denied"}}), NOPERM, "Denied"),
            ("poll", (200, {"authorization_code": ""}), NOPERM, "not usable"),
            ("token", (400, {"error": "invalid_grant"}), NOPERM,
             "used already or has run out")):
        with Issuer() as i, place(i) as p:
            i.fail[what] = plan
            with Login(p, "--headless", wait=None) as l:
                if what == "token":
                    until(lambda: i.device, 10)
                    i.approve()
                t.check(l.end() == code and says in l.err.decode(), what, plan,
                        l.p.returncode, l.text())
            t.check(no_login(p) and i.problems == [], what, i.problems)


def test_device_troubles(t):
    """An issuer that stumbles is asked again; a person who does not come is
    not waited for."""
    with Issuer() as i, place(i) as p:
        i.fail["poll"] = [(502, {}), "hang up", (403, {}), (503, {}), (404, {})]
        with Login(p, "--headless", wait=CODE) as l:
            until(lambda: i.fail["poll"] == [], 30)
            i.approve()
            t.check(l.end() == OK, l.text())
        i.fail["poll"] = (502, {})
        with Login(p, "--headless", wait=CODE) as l:
            t.check(l.end(60) == NOPERM and "issuer's" in l.text(), l.text())
        del i.fail["poll"]
        with Login(p, "--headless", "--timeout", "2", wait=CODE) as l:
            t.check(l.end() == NOPERM and "in time" in l.text(), l.text())
        t.check(i.problems == [], i.problems)


# --- copies, and the end

def test_import(t):
    with Issuer() as i, place(i) as p:
        r = p.run("login", "--import")
        t.check(r.code == NOPERM and ".codex/auth.json" in r.err, r)
        os.mkdir(os.path.join(p.top, ".codex"))
        codex = os.path.join(p.top, ".codex", "auth.json")
        tokens = {"id_token": i.make_token(), "access_token": i.make_token(),
                  "refresh_token": "rt_codex", "account_id": "acct_new"}
        with open(codex, "w") as f:
            json.dump({"tokens": tokens, "x_unknown": 7}, f)
        before = open(codex).read()
        r = p.run("login", "--import")
        t.check(r.code == OK and "Signed in as someone@example.com" in r.out and
                "whoever renews first logs the other out" in r.err, r)
        t.check(auth(p)["chatmock"]["imported_from"] == codex and
                auth(p)["x_unknown"] == 7 and open(codex).read() == before, auth(p))
        t.check(stat.S_IMODE(os.stat(p.path("auth.json")).st_mode) == 0o600, "0600")
        t.check("rt_codex" not in r.out + r.err, r)
        r = p.run("login", "--import", codex)
        t.check(r.code == TEMPFAIL and "--force" in r.err, r)
        t.check(p.run("login", "--import", codex, "--force").code == OK, "--force")
        # the copy ends, what it was copied from lives on, and is used
        r = p.run("logout")
        t.check(r.code == OK and not i.revoked and codex in r.err and no_login(p),
                r, i.revoked)
        # a new login takes nothing from the other program either
        p.run("login", "--import")
        with Login(p, "--no-browser") as l:
            t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
        t.check(not i.revoked, i.revoked)
        p.run("login", "--import", "--force")
        r = p.run("logout", "--revoke")
        t.check(r.code == OK and i.revoked == ["rt_codex"], r, i.revoked)
        for args in (["x"], ["--force"], ["--import", "--headless"],
                     ["--import", "a", "b"]):
            t.check(p.run("login", *args).code == USAGE, args)
        t.check(i.problems == [], i.problems)


def test_logout(t):
    with Issuer() as i, place(i) as p:
        r = p.run("logout")
        t.check(r.code == OK and "no login" in r.out, r)
        for plan, says in ((None, "tokens are revoked"),
                           ((500, {}), "could not be revoked"),
                           ("hang up", "could not be revoked")):
            with Login(p, "--no-browser") as l:
                t.check(i.visit(l.url)[0] == 200 and l.end() == OK, l.text())
            mine = auth(p)["tokens"]["refresh_token"]
            p.write("limits.json", "{}")
            i.fail["revoke"] = plan
            r = p.run("logout")
            del i.fail["revoke"]
            t.check(r.code == OK and says in r.out + r.err and no_login(p), plan, r)
            t.check((mine in i.revoked) == (plan is None), plan, i.revoked)
            t.check(mine not in r.out + r.err, r)
        p.write("auth.json", "{")
        r = p.run("logout")
        t.check(r.code == OK and "broken" in r.err and no_login(p), r)
        t.check(i.problems == [], i.problems)


def main():
    return Checks("cli-login").run(
        test_browser_flow, test_page, test_only_loopback, test_memory,
        test_state_and_replay, test_refused, test_exchange_refused, test_ports,
        test_timeout, test_interrupted, test_pasted, test_opens_browser,
        test_settings, test_unwritable, test_real_browser, test_while_streaming,
        test_device, test_device_refused, test_device_troubles, test_import,
        test_logout)


if __name__ == "__main__":
    sys.exit(main())
