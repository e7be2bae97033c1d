"""An OAuth issuer for tests: the pages a person clicks through, device codes,
tokens, renewals, revocation. It checks every parameter that it is sent; what
is wrong stands in `problems` and is refused.

    with Issuer() as i:
        i.url                           # CHATMOCK_AUTH_ISSUER
        i.visit(url)                    # as a browser that clicks "Continue"
        i.fail["token"] = (400, {"error": "invalid_grant"})
        i.problems, i.revoked, i.calls("/oauth/token")
"""
import base64
import hashlib
import html
import http.client
import http.server
import json
import re
import secrets
import sys
import threading
import time
import urllib.parse

CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
SCOPE = "openid profile email offline_access"

PAGE = """<!DOCTYPE html><html lang="en"><head><title>%s</title></head>
<body><h1>%s</h1>%s</body></html>"""


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(account="acct_new", plan="plus", email="someone@example.com",
               expires_in=3600, **more):
    claims = {
        "exp": int(time.time()) + expires_in, "jti": secrets.token_hex(8),
        "email": email,
        "https://api.openai.com/auth": dict({
            "chatgpt_account_id": account, "chatgpt_plan_type": plan,
            "chatgpt_user_id": "user_1",
            "organizations": [{"id": "org_1", "title": "Personal"},
                              {"id": "org_2", "title": "Works", "is_default": True}],
        }, **more)}
    return ".".join((encode(b'{"alg":"none","typ":"JWT"}'),
                     encode(json.dumps(claims).encode()), encode(b"sig")))


class Issuer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.problems, self.seen, self.revoked = [], [], []
        self.codes = {}         # code: (challenge, redirect)
        self.used, self.refresh = set(), set()
        self.fail = {}          # "token": (status, body), once each by a list
        self.delay = {}         # the same: seconds
        self.account, self.plan, self.expires_in = "acct_new", "plus", 3600
        self.workspace = None   # allowed_workspace_id that must come
        self.scope, self.client = SCOPE, CLIENT
        self.device = None      # {"id", "code", "ready", "verifier"}
        self.interval, self.make_token = "1", make_token
        self.tokens_given = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):      # a peer that left
            super().handle_error(request, client_address)

    def wrong(self, what):
        self.problems.append(what)

    def calls(self, path):
        return [s for s in self.seen if s[0] == path]

    def approve(self):
        """The person entered the device's code."""
        self.device["ready"] = True

    def visit(self, url, action="continue", follow=True):
        """A browser without a screen: the authorize page, then its button, then
        the way back. (status, text) of the last page; follow=False: its URL."""
        status, _, text = fetch(url)
        if status != 200:
            return status, text
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))
        form = {k: html.unescape(v) for k, v in form.items()}
        query = urllib.parse.urlencode(dict(form, action=action))
        status, headers, text = fetch(self.url + "/choose?" + query)
        if status != 302:
            return status, text
        if not follow:
            return headers["location"]
        status, _, text = fetch(headers["location"])
        return status, text


def fetch(url, method="GET", headers=None, timeout=40):
    """(status, headers, text), no redirects."""
    u = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
    try:
        c.request(method, u.path + ("?" + u.query if u.query else ""),
                  headers=headers or {})
        r = c.getresponse()
        return (r.status, {k.lower(): v for k, v in r.getheaders()},
                r.read().decode())
    finally:
        c.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, body, kind="application/json", **headers):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def page(self, title, body="", status=200):
        self.say(status, PAGE % (title, title, body), "text/html")

    def planned(self, what):
        """True when a test wants another answer, which was given."""
        s = self.server
        time.sleep(s.delay.get(what, 0))
        plan = s.fail.get(what)
        if isinstance(plan, list):
            plan = plan.pop(0) if plan else None
        if plan is None:
            return False
        if plan == "hang up":
            self.close_connection = True
            self.connection.close()
        else:
            self.say(*plan)
        return True

    def expect(self, got, want, where):
        for name in sorted(set(got) | set(want)):
            rule, value = want.get(name), got.get(name)
            ok = (value is not None and re.fullmatch(rule, value)
                  if rule is not None else False)
            if not ok:
                self.server.wrong(f"{where}: {name}={value!r}")

    def one_each(self, text, where):
        pairs = urllib.parse.parse_qsl(text, True, True)
        if len(dict(pairs)) != len(pairs):
            self.server.wrong(f"{where}: a name comes twice: {text}")
        return dict(pairs)

    # --- pages

    def do_GET(self):
        s, u = self.server, urllib.parse.urlsplit(self.path)
        s.seen.append((u.path, u.query, dict(self.headers)))
        if u.path == "/oauth/authorize":
            self.authorize(u.query)
        elif u.path == "/choose":
            self.choose(dict(urllib.parse.parse_qsl(u.query)))
        elif u.path == "/codex/device":
            self.page("Enter the code")
        else:
            self.page("Not found", status=404)

    def authorize(self, query):
        s, before = self.server, len(self.server.problems)
        q = self.one_each(query, "authorize")
        want = {
            "response_type": "code", "client_id": re.escape(s.client),
            "redirect_uri": r"http://localhost:\d+/auth/callback",
            "code_challenge": r"[\w-]{43}", "code_challenge_method": "S256",
            "state": r"[\w-]{43}", "scope": re.escape(s.scope),
            "id_token_add_organizations": "true",
            "codex_cli_simplified_flow": "true", "originator": "chatmock"}
        if s.workspace:
            want["allowed_workspace_id"] = re.escape(s.workspace)
        self.expect(q, want, "authorize")
        if len(s.problems) > before:
            self.page("Bad request", status=400)
            return
        inputs = "".join(
            f'<input type="hidden" name="{n}" value="{html.escape(q[n])}">'
            for n in ("state", "redirect_uri", "code_challenge"))
        self.page("Sign in to ChatMock", f'<form action="/choose">{inputs}'
                  '<button id="continue" name="action" value="continue">Continue'
                  '</button><button id="deny" name="action" value="deny">Cancel'
                  "</button></form>")

    def choose(self, q):
        s, back = self.server, {"state": q["state"]}
        if q["action"] == "continue":
            code = "ac_" + secrets.token_urlsafe(24)
            s.codes[code] = (q["code_challenge"], q["redirect_uri"])
            back.update(code=code, scope=s.scope)
        elif q["action"] == "deny":
            back.update(error="access_denied", error_description="The user said no")
        elif q["action"] == "not-entitled":
            back.update(error="access_denied",
                        error_description="missing_codex_entitlement")
        elif q["action"] == "broken":
            back.update(error="server_error",
                        error_description="<b>Try</b>\nlater")
        elif q["action"] == "other-state":
            back.update(state="x" + q["state"][1:], code="ac_evil")
        self.say(302, "", Location=q["redirect_uri"] + "?" +
                 urllib.parse.urlencode(back))

    # --- calls

    def do_POST(self):
        s = self.server
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        s.seen.append((self.path, body, dict(self.headers)))
        if self.headers.get("originator") != "chatmock" or \
                not self.headers.get("User-Agent", "").startswith("chatmock/"):
            s.wrong(f"{self.path}: originator or User-Agent")
        kind = self.headers.get("Content-Type", "")
        if kind == "application/x-www-form-urlencoded":
            q = self.one_each(body, self.path)
        elif kind == "application/json":
            q = json.loads(body)
        else:
            s.wrong(f"{self.path}: Content-Type {kind}")
            q = {}
        with s.lock:
            if self.path == "/oauth/token":
                self.token(q, kind)
            elif self.path == "/oauth/revoke":
                self.revoke(q)
            elif self.path == "/api/accounts/deviceauth/usercode":
                self.usercode(q)
            elif self.path == "/api/accounts/deviceauth/token":
                self.poll(q)
            else:
                s.wrong("no such path: " + self.path)
                self.say(404, {})

    def token(self, q, kind):
        s = self.server
        if q.get("grant_type") == "refresh_token":
            self.renew(q)
            return
        self.expect(q, {
            "grant_type": "authorization_code", "client_id": re.escape(s.client),
            "code": r"ac_[\w-]+", "redirect_uri": r"http://.*",
            "code_verifier": r"[A-Za-z0-9._~-]{43,128}"}, "token")
        if kind != "application/x-www-form-urlencoded":
            s.wrong("token: not a form")
        if self.planned("token"):
            return
        code = q.get("code")
        known = s.codes.get(code)
        sum_ = encode(hashlib.sha256(q.get("code_verifier", "").encode()).digest())
        if not known or code in s.used:
            s.used.add(code)
            self.say(400, {"error": "invalid_grant",
                           "error_description": "The code was used before."})
        elif known != (sum_, q.get("redirect_uri")):
            s.wrong("token: verifier or redirect_uri do not fit the code")
            self.say(400, {"error": "invalid_grant"})
        else:
            s.used.add(code)
            self.give()

    def give(self):
        s = self.server
        refresh = "rt_" + secrets.token_urlsafe(24)
        s.refresh.add(refresh)
        access = s.make_token(s.account, s.plan, expires_in=s.expires_in)
        answer = {"id_token": s.make_token(s.account, s.plan),
                  "access_token": access,
                  "refresh_token": refresh, "token_type": "Bearer",
                  "expires_in": s.expires_in, "scope": s.scope}
        s.tokens_given += [refresh, access, answer["id_token"]]
        self.say(200, answer)

    def renew(self, q):
        s = self.server
        self.expect(q, {"grant_type": "refresh_token",
                        "client_id": re.escape(s.client), "refresh_token": r"\S+",
                        "refresh_reason": r"proactive_expiry|scheduled|"
                                          r"unauthorized_recovery"}, "renewal")
        if self.planned("renewal"):
            return
        if q.get("refresh_token") not in s.refresh:
            self.say(401, {"error": {"code": "refresh_token_reused"}})
            return
        s.refresh.remove(q["refresh_token"])
        self.give()

    def revoke(self, q):
        s = self.server
        self.expect(q, {"token": r"\S+", "token_type_hint": "refresh_token",
                        "client_id": re.escape(s.client)}, "revoke")
        if self.planned("revoke"):
            return
        s.revoked.append(q.get("token"))
        s.refresh.discard(q.get("token"))
        self.say(200, {})

    def usercode(self, q):
        s = self.server
        self.expect(q, {"client_id": re.escape(s.client)}, "usercode")
        if self.planned("usercode"):
            return
        s.device = {"id": "dev_" + secrets.token_hex(8),
                    "code": "ABCD-12345", "ready": False,
                    "verifier": secrets.token_urlsafe(48)}
        self.say(200, {"device_auth_id": s.device["id"],
                       "user_code": s.device["code"], "interval": s.interval,
                       "expires_at": "2030-01-01T00:00:00Z"})

    def poll(self, q):
        s, d = self.server, self.server.device or {}
        self.expect(q, {"device_auth_id": re.escape(d.get("id", "-")),
                        "user_code": re.escape(d.get("code", "-"))}, "poll")
        if self.planned("poll"):
            return
        if not d.get("ready"):
            self.say(403, {"error": {"code": "authorization_pending"}})
            return
        code = "ac_" + secrets.token_urlsafe(24)
        challenge = encode(hashlib.sha256(d["verifier"].encode()).digest())
        s.codes[code] = (challenge, s.url + "/deviceauth/callback")
        self.say(200, {"authorization_code": code, "code_challenge": challenge,
                       "code_verifier": d["verifier"]})
