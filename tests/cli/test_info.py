#!/usr/bin/env python3
"""chatmock info: the account, its token, its limits, and how fresh they are."""
import http.server
import json
import os
import re
import sys
import threading
import time

from terminal import (COLOUR, NOPERM, OK, TEMPFAIL, Checks, Place, Terminal)

from issuer import Issuer, make_token


class Usage(http.server.ThreadingHTTPServer):
    """The backend's wham/usage. It knows one token of one account and refuses
    whatever else it is asked."""
    daemon_threads = True

    def __init__(self, token):
        super().__init__(("127.0.0.1", 0), _Usage)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/backend-api/codex"
        self.token, self.asked, self.problems = token, [], []
        self.status, self.delay = 200, 0
        self.body = document()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Usage(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        s, h = self.server, self.headers
        s.asked.append(self.path)
        time.sleep(s.delay)
        if self.path != "/backend-api/wham/usage" or \
                h.get("originator") != "chatmock" or \
                h.get("chatgpt-account-id") != "acct_new":
            s.problems.append((self.path, dict(h)))
        status, body = s.status, s.body
        if h.get("Authorization") != "Bearer " + s.token:
            status, body = 401, {"detail": "Unauthorized"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def document(first=42.4, second=7, in_s=7380):
    now = int(time.time())
    return {
        "plan_type": "pro",
        "rate_limit": {
            "allowed": True, "limit_reached": False,
            "primary_window": {"used_percent": first, "limit_window_seconds": 18000,
                               "reset_after_seconds": in_s, "reset_at": now + in_s},
            "secondary_window": {"used_percent": second,
                                 "limit_window_seconds": 604800,
                                 "reset_after_seconds": 302400,
                                 "reset_at": now + 302400}},
        "additional_rate_limits": [{
            "limit_name": "Code \x1b[31mreview", "metered_feature": "codex_other",
            "rate_limit": {"allowed": True, "limit_reached": False,
                           "primary_window": {
                               "used_percent": 95, "limit_window_seconds": 86400,
                               "reset_at": now + 5}, "secondary_window": None}},
            {"limit_name": "Spark", "metered_feature": "codex_spark",
             "rate_limit": {"allowed": True, "limit_reached": False,
                            "primary_window": {
                                "used_percent": 100, "limit_window_seconds": 3600,
                                "reset_at": now + 1800},
                            "secondary_window": None}}],
        "credits": {"has_credits": True, "unlimited": False, "balance": "12.50"}}


def put_login(p, token, refresh="rt_1", **more):
    p.write("auth.json", json.dumps(dict({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": None,
        "tokens": {"id_token": make_token(), "access_token": token,
                   "refresh_token": refresh, "account_id": "acct_new"},
        "last_refresh": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                      time.gmtime(time.time() - 600))}, **more)))


def place(i, u, **env):
    return Place(CHATMOCK_UPSTREAM_URL=u.url, CHATMOCK_UPSTREAM_KIND="chatgpt",
                 CHATMOCK_AUTH_ISSUER=i.url, **env)


def test_shown(t):
    token = make_token(expires_in=3000)
    with Issuer() as i, Usage(token) as u, place(i, u, TZ="Asia/Kolkata") as p:
        put_login(p, token)
        r = p.run("info")
        at = time.strftime("%H:%M", time.gmtime(
            u.body["rate_limit"]["primary_window"]["reset_at"] + 19800))
        for pattern in (r"^Account +someone@example\.com$", r"^Workspace +Works$",
                        r"^Plan +pro$", r"^Login +\S+/auth\.json$",
                        r"^Token +good until .*\((50|49) min\), renewed by itself$",
                        r"last renewed .* \(10 min ago\)$",
                        r"^Limits +as of \d s ago$",
                        r"^  5 hours +\[#{8}-{12}\]  42 % used, resets .*" + at +
                        r" \(in 2 h [23] min\)$",
                        r"^  week +\[#-{19}\]   7 % used, resets \w{3} \w{3} +\d+, "
                        r"\d\d:\d\d \(in 3 d 1[12] h\)$",
                        r"^  codex_other$",      # its name would have acted on the terminal
                        r"^  24 hours +\[#{19}-\]  95 % used, resets ",
                        r"^  hour +\[#{20}\] 100 % used, resets .*\((in 30|in 29) min\)$",
                        r"^Credits +12\.50$"):
            t.check(re.search(pattern, r.out, re.M), pattern, r.out)
        t.check(r.code == OK and not r.err and "\x1b" not in r.out, r)
        t.check(u.asked == ["/backend-api/wham/usage"] and not u.problems,
                u.asked, u.problems)
        for secret in (token, "rt_1"):
            t.check(secret not in r.out + r.err, "no token")
        # not asked again within the minute, and the file is there for others
        r = p.run("info")
        t.check(r.code == OK and len(u.asked) == 1 and " 42 % used" in r.out, r)
        kept = json.loads(p.read("limits.json"))
        # what an answer told the gateway meanwhile counts as well
        p.write("limits.json", json.dumps(dict(kept, captured_at=int(time.time()) - 50)))
        r = p.run("info")
        t.check(len(u.asked) == 1 and re.search("as of 5[0-9] s ago", r.out), r)
        p.write("limits.json", json.dumps(dict(kept, captured_at=int(time.time()) - 61)))
        os.utime(p.path("limits.json"), (1, 1))
        u.body = document(90, 100)
        r = p.run("info")
        t.check(len(u.asked) == 2 and "] 100 % used" in r.out and " 90 % used" in r.out
                and re.search(r"as of \d s ago", r.out), r)


def test_json(t):
    token = make_token(expires_in=3000)
    with Issuer() as i, Usage(token) as u, place(i, u) as p:
        put_login(p, token)
        r = p.run("info", "--json")
        j = r.json()
        t.check(r.code == OK and r.out.count("\n") == 1, r)
        t.check(j["account"] == {
            "email": "someone@example.com", "account_id": "acct_new",
            "user_id": "user_1", "workspace": "Works", "plan": "pro"}, j)
        l = j["login"]
        t.check(l["path"] == p.path("auth.json") and l["kind"] == "chatgpt" and
                l["imported_from"] is None and l["renewable"] is True and
                2900 < l["expires_in_seconds"] <= 3000 and
                re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", l["expires_at"]) and
                l["last_refresh"], l)
        w = j["limits"]["rate_limit"]["primary_window"]
        t.check(w["used_percent"] == 42.4 and w["limit_window_seconds"] == 18000 and
                7300 < w["reset_after_seconds"] <= 7380 and
                0 <= j["limits"]["age_seconds"] < 60, j)
        t.check(j["trouble"] is None and j["upstream"] == u.url, j)
        t.check(token not in r.out and "rt_1" not in r.out, "no token")
        put_login(p, token, chatmock={"imported_from": "/somewhere/auth.json"})
        t.check(p.run("info", "--json").json()["login"]["imported_from"] ==
                "/somewhere/auth.json", "a copy says so")
        t.check("a copy of /somewhere" in p.run("info").out, "to people, too")


def test_terminal(t):
    token = make_token(expires_in=3000)
    with Issuer() as i, Usage(token) as u, place(i, u) as p:
        put_login(p, token)
        u.delay = 3.5
        with Terminal(p, columns=100) as term:
            term.type("chatmock info\n")
            t.check(term.wait("asking upstream"), "it says what it waits for",
                    term.screen())
            t.check(term.wait("Credits"), term.screen())
            t.check("asking upstream" not in term.screen(), "and wipes it")
            u.delay = 0
            r = term.run("chatmock info", colour=True)
            t.check(r.code == OK and COLOUR.search(r.out), r)
            plain = COLOUR.sub("", r.out)
            t.check(re.search(r"5 hours +\[█{8}░{12}\] +42 % used", plain), plain)
            t.check("\x1b[31m█" in r.out and "\x1b[32m█" in r.out,
                    "full is red, free is green", r.out)
            r = term.run("NO_COLOR=1 chatmock info", colour=True)
            t.check(not COLOUR.search(r.out), r)
            r = term.run("LC_ALL=C chatmock info")
            t.check("[########------------]" in r.out, r)
            r = term.run("chatmock info --json")
            t.check(r.json()["account"]["plan"] == "pro" and
                    r.out.count("\n") > 10, r)
        with Terminal(p, columns=60) as term:
            r = term.run("LC_ALL=C chatmock info")
            t.check("[####------]" in r.out, r)
        with Terminal(p, columns=140) as term:
            r = term.run("LC_ALL=C chatmock info")
            t.check("[" + 17 * "#" + 23 * "-" + "]" in r.out, r)


def test_login_runs_out(t):
    """A login that is due is renewed on the way, one that upstream refuses,
    too; where that fails, what is known is shown and the exit code says so."""
    old, new = make_token(expires_in=100), None
    with Issuer() as i, Usage(None) as u, place(i, u) as p:
        made = []

        def make(*a, **k):
            made.append(make_token(*a, **k))
            u.token = made[-1] if len(made) % 2 else u.token
            return made[-1]
        i.make_token = make
        i.refresh.add("rt_1")
        put_login(p, old)
        r = p.run("info")
        t.check(r.code == OK and " 42 % used" in r.out and
                len(i.calls("/oauth/token")) == 1, r)
        # not due, but upstream says 401: renewed once, asked again
        p.write("limits.json", "{}")
        u.token = "another"
        r = p.run("info")
        t.check(r.code == OK and " 42 % used" in r.out and
                len(i.calls("/oauth/token")) == 2 and len(u.asked) == 3, r, u.asked)
        # and refused again: no storm, and said
        u.token = "another"
        i.make_token = make_token
        os.unlink(p.path("limits.json"))
        r = p.run("info")
        t.check(r.code == TEMPFAIL and "chatmock login" in r.err and
                "Limits     not known" in r.out and
                len(i.calls("/oauth/token")) == 3, r)
        # the issuer's no, for good
        i.fail["renewal"] = (401, {"error": {"code": "refresh_token_invalidated"}})
        put_login(p, make_token(expires_in=-100), "rt_dead")
        r = p.run("info")
        t.check(r.code == TEMPFAIL and "somebody logged it out" in r.err and
                "chatmock login" in r.err and "ran out" in r.out and
                "(1 min ago)" in r.out, r)
        j = p.run("info", "--json")
        t.check(j.code == TEMPFAIL and "somebody logged it out" in
                j.json()["trouble"] and j.json()["limits"] is None, j)
        t.check(not i.problems and not u.problems, i.problems, u.problems)


def test_trouble(t):
    token = make_token(expires_in=3000)
    with Issuer() as i, Usage(token) as u, place(i, u) as p:
        r = p.run("info")
        t.check(r.code == NOPERM and "chatmock login" in r.err and not r.out, r)
        put_login(p, token)
        for status, body in ((500, {}), (200, b"<html>"), (200, {}), (403, {})):
            u.status, u.body = status, body
            r = p.run("info")
            t.check(r.code == TEMPFAIL and "Limits     not known" in r.out and r.err,
                    status, body, r)
        u.status, u.body = 200, document(in_s=-10)
        u.body["rate_limit"]["primary_window"]["reset_after_seconds"] = 0
        r = p.run("info")
        t.check(r.code == OK and "  0 % used, began anew since (was 42 %)" in r.out, r)
        # upstream is gone: what was known is shown, with its age
        kept = json.loads(p.read("limits.json"))
        p.write("limits.json", json.dumps(dict(kept, captured_at=int(time.time()) - 7300)))
        r = p.run("info", CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/backend-api/codex")
        t.check(r.code == TEMPFAIL and "as of 2 h 1 min ago" in r.out and r.err, r)
        # no window at all, no credits
        p.write("limits.json", json.dumps({
            "plan_type": "business", "captured_at": int(time.time()),
            "credits": {"has_credits": False, "unlimited": False}}))
        r = p.run("info")
        t.check(r.code == OK and "no window is limited" in r.out and
                re.search("^Credits +none$", r.out, re.M) and
                re.search("^Plan +business$", r.out, re.M), r)


def test_others(t):
    """A key has no plan, another upstream no account."""
    with Issuer() as i, Usage(None) as u, place(i, u) as p:
        p.write("auth.json", '{"auth_mode": "apikey", "OPENAI_API_KEY": "sk-x"}')
        r = p.run("info")
        t.check(r.code == OK and "an API key" in r.out and "sk-x" not in r.out and
                not u.asked, r)
        j = p.run("info", "--json").json()
        t.check(j["login"]["kind"] == "key" and j["limits"] is None, j)
        other = dict(CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/v1",
                     CHATMOCK_UPSTREAM_KIND="responses", CHATMOCK_UPSTREAM_KEY="sk-y")
        r = p.run("info", **other)
        t.check(r.code == OK and "without a login" in r.out and not u.asked, r)
        j = p.run("info", "--json", **other).json()
        t.check(j == {"upstream": "http://127.0.0.1:9/v1", "account": None,
                      "login": None, "limits": None, "trouble": None}, j)


def main():
    return Checks("cli-info").run(test_shown, test_json, test_terminal,
                                  test_login_runs_out, test_trouble, test_others)


if __name__ == "__main__":
    sys.exit(main())
