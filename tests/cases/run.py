#!/usr/bin/env python3
"""Plays the conversations of tests/cases/*.case through lighttpd, the gateway
and the scripted upstream, which checks what it is sent. README.md here says
how a case is written.

    run.py [--bin DIR] [--jobs N] [FILE ...]

Beside what a case says, each of its answers is held against OpenAI's API
description, each stream must end in one of the two ways there are, and no
secret may be found in a log, an answer or, where it is not upstream's own,
with upstream. Played with all files, the settings must have a case each.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import anthropic_shape as anthropic  # noqa: E402
import case as cases  # noqa: E402
import fastcgi  # noqa: E402
import keys  # noqa: E402
import ollama  # noqa: E402
import packed  # noqa: E402
import settings  # noqa: E402
import stored  # noqa: E402
from case import MISSING, expand, find, pairs, wanted  # noqa: E402
from gateway import Answer, Checks, Gateway  # noqa: E402
from openapi import OLLAMA, OpenAPI  # noqa: E402

# What every client here calls itself by: nobody else may ever see it.
CLIENT_KEY = "sk-canary-client-5d1f0a77"
FILES_PER_GATEWAY = 16
# The gateway looks at the login's file once a second.
LOGIN_IS_SEEN_S = 1.2
ID = re.compile(r"\b(?:chatcmpl|cmpl|req|msg|resp)[-_][0-9A-Za-z]{24}\b")
TIME = re.compile(r'"created":\d{9,}')
MESSAGES = re.compile(r"/messages/?$")
GENERATING = re.compile(r"/(chat/)?completions/?$")
RESPONSES = re.compile(r"/responses/?$")


def same(text):
    """Without what differs from run to run."""
    return TIME.sub('"created":"@TIME@"', ID.sub("@ID@", text)).strip("\n")


# --- checks of one exchange

class Play:
    """One exchange with its gateway; where is the prefix of its failures."""

    def __init__(self, checks, apis, g, where, ex, done):
        self.checks, self.g, self.where = checks, g, where
        self.api, self.ollama = apis
        self.ex, self.done = ex, done           # done: the exchanges before
        self.kept = {}

    def check(self, ok, what, got=None):
        return self.checks.check(ok, f"{self.where}{what}", got)

    def equal(self, got, want, what):
        return self.checks.equal(got, want, f"{self.where}{what}")

    def log_size(self, name):
        path = os.path.join(self.g.home, "log", name + ".log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def log_lines(self, name, start, fits, seconds=2):
        """The lines since then that fit; waits a moment for the first."""
        path = os.path.join(self.g.home, "log", name + ".log")
        until = time.monotonic() + seconds
        while True:
            lines = []
            if os.path.exists(path):
                with open(path) as f:
                    f.seek(start)
                    lines = [json.loads(line) for line in f
                             if line.endswith("\n")]
            found = [line for line in lines if fits(line)]
            if found or time.monotonic() > until:
                return found, lines
            time.sleep(0.01)

    def prepare(self):
        ex, g = self.ex, self.g
        g.upstream.clear()
        self.stats = g.upstream.stats()
        g.upstream.script(*[json.loads(g.fill(expand(t))) for t in ex.script])
        for text in ex.issuer:
            g.upstream.token(json.loads(expand(text)))
        if ex.login is not None:
            g.write_login(**{k: wanted(v) for k, v in pairs(ex.login)})
            g.secrets |= secrets_of(g)
            if not ex.hasty:
                time.sleep(LOGIN_IS_SEEN_S)

    def fill(self, text):
        """What an answer before this one had in the place of @NAME@."""
        for play in self.done:
            for name, value in play.kept.items():
                text = text.replace(f"@{name}@", value)
        return text

    def check_keep(self, text):
        for name, path in pairs(text):
            self.kept[name] = find(self.r.json(), path)

    def ask(self):
        ex = self.ex
        body = None if ex.body is None else self.fill(expand(ex.body)).encode()
        headers = {"Authorization": "Bearer " + CLIENT_KEY,
                   **{k: v and expand(v) for k, v in ex.headers.items()}}
        if (headers["Authorization"] or "").startswith("Bearer "):
            self.g.secrets.add(headers["Authorization"][7:])
        path = self.fill(expand(ex.path))
        if ex.packed:
            body = packed.pack(ex.packed, body)
            headers["Content-Encoding"] = ex.packed.split(" ")[0]
        if ex.via is None:
            return self.g.call(ex.method, path, body, headers)
        headers = {k: v for k, v in headers.items() if v is not None}
        got = fastcgi.Call(self.g.socket, ex.method, path, body or b"",
                           headers, ex.via).run()
        return Answer(got.status, got.headers, got.body)

    def run(self):
        ex = self.ex
        self.prepare()
        self.log_begins = self.log_size("error")
        begun = time.monotonic()
        self.r = r = self.ask()
        self.took = time.monotonic() - begun
        self.seen = self.g.upstream.requests()
        self.g.said.append(r.text + json.dumps(r.headers))
        self.check(r.status in ex.status, f": status, wanted {ex.status}, got "
                   f"{r.status}", r.text[:400])
        kind = r.headers.get("content-type", "")
        self.check(kind.startswith(ex.type), ": content type", kind)
        for request in self.seen:
            if not ex.refused:
                self.check(not request["problems"], ": upstream would refuse",
                           request["problems"])
            self.check(not any(text in json.dumps(request) for text in
                               {CLIENT_KEY, *map(keys.text, keys.names(
                                   self.g.files.get("keys", "")))}),
                       ": upstream got the client's key")
        self.usual_headers()
        if "/api/" in ex.path and "usage" not in ex.path:
            ollama.usual(self)
        elif self.is_anthropic():
            self.usual_anthropic(kind)
        elif kind.startswith("text/event-stream"):
            self.usual_stream()
        elif kind.startswith("application/json") and ex.method != "HEAD":
            self.usual_json()
        if ex.want is not None:
            self.compare(ex.want)
        for number, only, word, text in ex.checks:
            if only in (None, self.g.kind):
                self.at = f"{number}"
                getattr(self, "check_" + word.replace("-", "_"))(text)

    # --- what holds for every answer

    def usual_headers(self):
        h = self.r.headers
        self.check(re.fullmatch(r"req_[0-9A-Za-z]{24}", h.get("x-request-id", "")),
                   ": x-request-id", h.get("x-request-id"))
        self.equal(h.get("x-content-type-options"), "nosniff", ": nosniff")
        if not any(w == "header" and "access-control" in t
                   for _, _, w, t in self.ex.checks):
            self.check(not any(k.startswith("access-control") for k in h),
                       ": CORS headers that nobody asked for", h)

    def is_anthropic(self):
        return bool(MESSAGES.search(self.ex.path.split("?")[0])) or \
            "/count_tokens" in self.ex.path or \
            "anthropic-version" in map(str.lower, self.ex.headers)

    def usual_anthropic(self, kind):
        """The same for Anthropic's tongue: its grammar, its shapes."""
        r = self.r
        self.equal(r.headers.get("request-id"), r.headers.get("x-request-id"),
                   ": request-id")
        if kind.startswith("text/event-stream"):
            fault, _ = anthropic.read_stream(r.text)
        elif self.ex.method == "HEAD" or not kind.startswith("application/json"):
            return
        elif r.status >= 400:
            fault = anthropic.error_fault(r.json())
        elif MESSAGES.search(self.ex.path.split("?")[0]):
            fault = anthropic.message_fault(r.json())
        elif "count_tokens" in self.ex.path:
            fault = None if list(r.json()) == ["input_tokens"] else "a number only"
        else:
            fault = (anthropic.list_fault if "data" in r.json() else
                     anthropic.model_fault)(r.json())
        self.check(fault is None, f": {fault}", r.text[:600])

    def usual_json(self):
        try:
            value = self.r.json()
        except ValueError:
            self.check(False, ": the answer is not JSON", self.r.text[:300])
            return
        path = self.ex.path.split("?")[0].rstrip("/")
        codex = "client_version" in self.ex.path or "backend-api" in path
        if self.r.status < 400 and codex and path.endswith("models"):
            self.check(list(value) == ["models"] and
                       all(m["slug"] for m in value["models"]),
                       ": Codex' list", value)
            return
        if self.r.status < 400 and path.endswith("usage"):
            return      # a shape of ChatGPT's own, which its case has
        is_stored, name = stored.shape(self.ex.method, path)
        if self.r.status >= 400:
            name = "ErrorResponse"
        elif path.endswith("/input_tokens"):
            name = "TokenCountsResource"
        elif RESPONSES.search(path):
            name = "Response"
        elif is_stored:
            if name is None:
                return
        elif GENERATING.search(path):
            name = "CreateChatCompletionResponse" if "/chat/" in path \
                else "CreateCompletionResponse"
        else:
            name = "ListModelsResponse" if path.endswith("models") else "Model"
        self.valid(name, value)

    def valid(self, name, value):
        fault = self.api.fault(name, value)
        self.check(fault is None, f": {fault}", value)

    def usual_stream(self):
        chat = "/chat/" in self.ex.path
        if RESPONSES.search(self.ex.path.split("?")[0]):
            self.usual_responses_stream()
            return
        try:
            events = self.r.events()
        except ValueError as e:
            self.check(False, f": the stream is not JSON: {e}", self.r.text[-300:])
            return
        errors = [e for e in events if "error" in e]
        chunks = [e for e in events if e != "[DONE]" and "error" not in e]
        for chunk in chunks:
            self.valid("CreateChatCompletionStreamResponse" if chat else
                       "CreateCompletionResponse", chunk)
        for error in errors:
            self.valid("ErrorResponse", error)
        for key in ("id", "object", "created", "model"):
            self.check(len({c[key] for c in chunks}) <= 1,
                       f": {key} changes in the stream")
        ends = [c["choices"][0]["finish_reason"] for c in chunks
                if c["choices"] and c["choices"][0]["finish_reason"]]
        if errors:
            self.check(events[-1] == errors[0] and not ends and
                       "[DONE]" not in events,
                       ": an error ends a stream, and nothing else does", events[-3:])
        else:
            self.check(events[-1:] == ["[DONE]"] and events.count("[DONE]") == 1
                       and len(ends) == 1,
                       ": one finish_reason, one [DONE] at the end", events[-3:])
        if chat and chunks:
            roles = [c["choices"][0]["delta"].get("role")
                     for c in chunks if c["choices"]]
            self.check(roles[:1] == ["assistant"] and not any(roles[1:]),
                       ": the role, once, in the first chunk", roles)

    def usual_responses_stream(self):
        """Numbers without a gap, a first event and a last one."""
        events, names = self.r.events(), re.findall(r"^event: (.*)$", self.r.text,
                                                    re.M)
        self.equal(names, [e["type"] for e in events], ": names of events")
        numbers = [e["sequence_number"] for e in events if "sequence_number" in e]
        self.equal(numbers, list(range(numbers[0], numbers[0] + len(numbers)))
                   if numbers else [], ": numbers of events")
        ends = [i for i, e in enumerate(events) if e["type"] in (
            "response.completed", "response.failed", "response.incomplete")]
        self.equal(ends, [len(events) - 1], ": one end, and that is the last")
        self.check("[DONE]" not in self.r.text, ": [DONE] is none of this API's")
        for event in events:
            if event["type"] in self.api.events() and "sequence_number" in event \
                    and not self.ex.lax:
                self.valid(self.api.events()[event["type"]], event)

    # --- the answer's body, to the letter or in short

    def compare(self, want):
        if want[0][1].split(" ")[0] == "line":
            ollama.compare(self, want)
            return
        short = ("delta", "finish", "usage", "done", "error", "comment", "event")
        if want[0][1].split(" ")[0] in short:
            self.compare_short(want)
            return
        apart = "\n\n" if "event-stream" in self.ex.type else "\n"
        text = apart.join(line for _, line in want)
        got, text = same(self.r.text), same(expand(text))
        try:
            got, text = json.loads(got), json.loads(text)
        except ValueError:
            pass
        self.equal(got, text, ": body")

    def compare_short(self, want):
        got = [part for part in self.r.text.split("\n\n") if part]
        for i, (number, line) in enumerate(want):
            word, _, rest = line.partition(" ")
            rest = expand(rest)
            if i >= len(got):
                self.check(False, f":{number}: the stream has ended before {line}")
                return
            if not self.event_is(got[i], word, rest):
                self.check(False, f":{number}: wanted {line}, got", got[i][:600])
                return
        self.check(len(got) == len(want), ": more events", got[len(want):][:3])

    def event_is(self, got, word, rest):
        if word == "comment":
            return got == ": " + rest
        if word == "done":
            return got == "data: [DONE]"
        if word == "event":
            name, _, rest = rest.partition(" ")
            head, _, data = got.partition("\ndata: ")
            return head == "event: " + name and all(
                find(json.loads(data), p) == wanted(v) for p, v in pairs(rest))
        event = json.loads(got[6:]) if got.startswith("data: {") else {}
        if word == "error":
            return all((find(event["error"], p) if "error" in event else MISSING)
                       == wanted(v) for p, v in pairs(rest))
        choices = event.get("choices", [])
        if word == "usage":
            return choices == [] and event.get("usage") == json.loads(rest)
        if not choices or event.get("usage"):
            return False
        said = choices[0]["delta"] if "delta" in choices[0] else choices[0]["text"]
        if word == "finish":
            return not said and choices[0]["finish_reason"] == rest
        return said == json.loads(rest) and choices[0]["finish_reason"] is None

    # --- the checks that a case asks for

    def paths(self, got, text):
        for path, value in pairs(text):
            found = find(got, path.lstrip("!"))
            what = f":{self.at}: {path}"
            if path.startswith("!"):
                self.check(found is MISSING, f"{what[:-len(path)]}{path[1:]} is there",
                           None if found is MISSING else found)
            elif value is None:
                self.check(found is not MISSING, f"{what} is missing")
            elif value.startswith("~"):
                self.check(found is not MISSING and
                           re.search(value[1:], str(found)), f"{what} {value}",
                           "absent" if found is MISSING else found)
            else:
                self.equal("absent" if found is MISSING else found,
                           wanted(expand(value)), what)

    def headers(self, headers, text):
        name, _, value = text.partition("=")
        got = headers.get(name.lstrip("!"))
        if name.startswith("!"):
            self.check(got is None, f":{self.at}: header {name[1:]}", got)
        elif value.startswith("~"):
            self.check(got and re.search(value[1:], got),
                       f":{self.at}: header {text}", got)
        elif value:
            self.equal(got, value, f":{self.at}: header {name}")
        else:
            self.check(got is not None, f":{self.at}: header {name} is missing")

    def asked(self):
        return self.seen[-1] if self.seen else {"body": {}, "headers": [], "text": ""}

    def asked_headers(self):
        return {k.lower(): v for k, v in self.asked()["headers"]}

    def check_sent(self, text):
        self.paths(self.asked()["body"], text)

    def check_sent_header(self, text):
        self.headers(self.asked_headers(), self.g.fill(text))

    def check_sent_as(self, text):
        """body, or a header, is or (!) is not the one of the exchange named
        (1 is the first; else the one before)."""
        what, _, which = text.partition(" ")
        other = self.done[int(which) - 1] if which else self.done[-1]
        name = what.lstrip("!")
        now, then = [p.asked()["text"] if name == "body" else
                     p.asked_headers().get(name) for p in (self, other)]
        self.check((now == then) != what.startswith("!"), f":{self.at}: {text}",
                   (now, then))

    def check_sent_again(self, text):
        """Another attempt is the same request, to the letter."""
        self.equal(len({r["text"] for r in self.seen}), 1, f":{self.at}: bodies")

    def check_upstream_saw(self, text):
        self.equal(len(self.seen), int(text), f":{self.at}: upstream's requests")

    def check_auth(self, text):
        self.paths(self.g.read_login(), text)

    def check_stats(self, text):
        """Upstream's counters, what this exchange added to them."""
        now = self.g.upstream.stats()
        self.paths({k: v - self.stats[k] if isinstance(v, int) else v
                    for k, v in now.items()}, text)

    def check_json(self, text):
        try:
            self.paths(self.r.json(), text)
        except ValueError:
            self.check(False, f":{self.at}: not JSON", self.r.text[:300])

    def matches(self, text):
        return re.search(text[2:] if text.startswith("~ ") else
                         re.escape(expand(text)), self.r.text)

    def check_text(self, text):
        self.check(self.matches(text), f":{self.at}: no {text}", self.r.text[:500])

    def check_no_text(self, text):
        self.check(not self.matches(text), f":{self.at}: {text}", self.r.text[:500])

    def check_header(self, text):
        self.headers(self.r.headers, text)

    def check_status(self, text):
        self.equal(self.r.status, int(text), f":{self.at}: status")

    def check_took(self, text):
        sign, seconds = text.split()
        self.check(self.took < float(seconds) if sign == "<" else
                   self.took > float(seconds), f":{self.at}: took {text}", self.took)

    def check_log(self, text):
        own = self.r.headers.get("x-request-id")
        lines, _ = self.log_lines("access", 0,
                                  lambda line: line.get("request_id") == own)
        self.equal(len(lines), 1, f":{self.at}: log lines")
        self.paths(lines[-1] if lines else {}, text)

    def check_error_log(self, text):
        """Some line of the error log is so, or (!) none is."""
        none, text = text.startswith("! "), text.removeprefix("! ")
        found, lines = self.log_lines(
            "error", self.log_begins, lambda line: all(
                self.fits(find(line, p), v) for p, v in pairs(text)),
            0.1 if none else 2)
        self.check(bool(found) != none, f":{self.at}: error log {text}", lines)

    @staticmethod
    def fits(got, value):
        if got is MISSING or value is None:
            return got is not MISSING
        if value.startswith("~"):
            return re.search(value[1:], str(got))
        return got == wanted(value)


# --- secrets

def secrets_of(g):
    """What the gateway knows and nobody may read anywhere else."""
    texts = [*g.env.values(), *g.files.values()]
    found = {CLIENT_KEY, *re.findall(r"[\w-]*canary[\w-]*", " ".join(texts))}
    if g.key:
        found.add(g.key)
    found |= {keys.text(name) for name in keys.names(g.files.get("keys", ""))}
    if os.path.exists(os.path.join(g.home, "auth.json")):
        try:
            tokens = g.read_login()["tokens"]
        except ValueError:
            tokens = {}
        for name in ("access_token", "id_token", "refresh_token"):
            if tokens.get(name):
                # of a JWT the claims are what nobody else has
                found.add(tokens[name].split(".")[1] if "." in tokens[name]
                          else tokens[name])
    return found


def check_secrets(checks, g):
    g.secrets |= secrets_of(g)
    texts = {"an answer": "\n".join(g.said), "output": g.output()}
    for path in glob.glob(os.path.join(g.home, "log", "*")):
        with open(path, errors="replace") as f:
            texts["log/" + os.path.basename(path)] = f.read()
    for where, text in texts.items():
        for secret in g.secrets:
            checks.check(secret not in text, f"{g.label}: a secret in {where}",
                         secret[:12] if secret in text else None)


# --- gateways

class Deaf:
    """A port that lets nobody in: its queue is full, so that a connection is
    never made. closed is one where nobody listens at all."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(s)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.closed = s.getsockname()[1]

    def close(self):
        for s in self.waiting + [self.listener]:
            s.close()


def play_group(checks, apis, bin, setup, group):
    pairs_, conf, files, _ = setup
    env = dict(pairs_)
    kind, key = env.pop("kind"), env.pop("key", None)
    login = env.pop("login", "yes") != "none"
    deaf = Deaf()
    env = {k: v.replace("@DEAF@", f"127.0.0.1:{deaf.port}")
           .replace("@CLOSED@", f"127.0.0.1:{deaf.closed}")
           for k, v in env.items()}
    try:
        with Gateway(kind=kind, key=key, login=login, env=env, bin=bin,
                     conf=conf, files=dict(files)) as g:
            g.label, g.said = f"{kind} {env or ''}", []
            g.secrets = secrets_of(g)
            for case in group:
                done = []
                for ex in case.exchanges:
                    where = f"{os.path.basename(case.path)} ({kind}):{ex.number}"
                    play = Play(checks, apis, g, where, ex, done)
                    play.run()
                    done.append(play)
            check_secrets(checks, g)
    except Exception as e:      # a gateway that breaks is a test that failed
        names = ", ".join(os.path.basename(c.path) for c in group)
        checks.check(False, f"{names} ({kind}): {type(e).__name__}: {e}")
    finally:
        deaf.close()


def grouped(all_cases):
    """Cases of one set-up share a gateway, so many at a time."""
    setups = {}
    for case in all_cases:
        for kind in case.kinds():
            setups.setdefault(case.setup(kind), []).append(case)
    for setup, group in setups.items():
        for at in range(0, len(group), FILES_PER_GATEWAY):
            yield setup, group[at:at + FILES_PER_GATEWAY]


def main():
    p = argparse.ArgumentParser(description="Plays conversations.")
    p.add_argument("--bin")
    p.add_argument("--jobs", type=int, default=4)
    p.add_argument("files", nargs="*")
    o = p.parse_args()
    checks, apis = Checks("cases"), (OpenAPI(), OpenAPI(OLLAMA))
    for why in {api.why for api in apis if api.why}:
        checks.skip("answers against the API description", why)
    all_cases = [cases.parse(path) for path in
                 sorted(o.files or glob.glob(os.path.join(HERE, "*.case")))]
    groups = sorted(grouped(all_cases), key=lambda g: -len(g[1]))
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        list(pool.map(lambda g: play_group(checks, apis, o.bin, *g), groups))
    if not o.files:
        settings.check(checks, all_cases, o.bin)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
