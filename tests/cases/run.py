#!/usr/bin/env python3
"""Plays the conversations of tests/cases/*.case through lighttpd, the gateway
and the scripted upstream, which checks what it is sent.

    run.py [--bin DIR] [FILE ...]

A case reads as the conversation it is:

    # A stream that ends early is an error, never a short success.
    gateway kind=chatgpt CHATMOCK_HEARTBEAT=1     settings, when not the usual
    upstream {"say": "Hello"}                     answers, in their order
    > POST /v1/chat/completions                   the request ...
    > X-Session-Id: abc                           ... its headers
    {"model":"gpt-5.5", ...}                      ... and its body
    sent model="gpt-5.5" input[0].role="user"     what upstream must have been
    sent !temperature                             sent, and must not
    sent-header session-id=abc
    upstream-saw 1                                how many requests
    < 200 text/event-stream                       the answer; then its body, to
    data: {"id":"@ID@",...}                       the letter, or:
    json error.code="model_not_found"             some of it
    text ~ Did you mean                           a pattern in the body
    header retry-after=30                         headers; !name: must be absent
    log end=upstream_broke                        the log line

@ID@ and @TIME@ stand for what differs from run to run. A path without value
(json error.message) must be there.
"""
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway  # noqa: E402

WORDS = ("gateway", "upstream", "sent", "sent-header", "upstream-saw", "json",
         "text", "header", "log")
ID = re.compile(r"\b(chatcmpl|cmpl|req|resp|call)[-_][0-9A-Za-z]{24}\b")
TIME = re.compile(r'"created":\d{9,}')
MISSING = object()


class Exchange:
    def __init__(self):
        self.script, self.asserts, self.headers = [], [], {}
        self.method = self.path = self.body = self.want = self.status = None
        self.type = ""


def parse(path):
    settings, title, exchanges, ex = {}, "", [], None
    part = None
    for number, line in enumerate(open(path), 1):
        line = line.rstrip("\n")
        word = line.split(" ", 1)[0]
        rest = line[len(word) + 1:]
        if line.startswith("# "):
            title = title or rest
        elif word == "gateway":
            settings.update(p.split("=", 1) for p in rest.split())
        elif word == "upstream" or (word == ">" and part != ">"):
            if ex is None or ex.method:
                ex = Exchange()
                exchanges.append(ex)
            part = word
            if word == "upstream":
                ex.script.append(json.loads(rest))
            else:
                ex.method, ex.path = rest.split(" ", 1)
        elif word == ">":
            name, value = rest.split(":", 1)
            ex.headers[name] = value.strip() or None
        elif word == "<":
            part = "<"
            bits = rest.split(" ", 1)
            ex.status, ex.type = int(bits[0]), bits[1] if len(bits) > 1 else ""
        elif word in WORDS:
            part = word
            ex.asserts.append((number, word, rest))
        elif part in (">", "body"):
            if line or ex.body is not None:
                part = "body"
                ex.body = (ex.body + "\n" if ex.body is not None else "") + line
        elif part in ("<", "want"):
            part = "want"
            ex.want = (ex.want + "\n" if ex.want is not None else "") + line
        elif line.strip():
            raise SystemExit(f"{path}:{number}: not understood: {line}")
    return title, settings, exchanges


def find(value, path):
    for step in re.findall(r"[^.\[\]]+|\[-?\d+\]", path):
        try:
            if step.startswith("["):
                value = value[int(step[1:-1])]
            else:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def pairs(text):
    """name=value words; a value may be JSON with blanks inside quotes."""
    for m in re.finditer(r'(!?[^\s=]+)(?:=("(?:[^"\\]|\\.)*"|\S+))?', text):
        yield m[1], m[2]


def check_paths(checks, where, got, text):
    for path, value in pairs(text):
        found = find(got, path.lstrip("!"))
        if path.startswith("!"):
            checks.check(found is MISSING, f"{where}: {path[1:]} must be absent")
        elif value is None:
            checks.check(found is not MISSING, f"{where}: {path} is missing")
        else:
            try:
                want = json.loads(value)
            except ValueError:
                want = value
            checks.equal("absent" if found is MISSING else found, want,
                         f"{where}: {path}")


def check_headers(checks, where, headers, text):
    name, _, value = text.partition("=")
    if name.startswith("!"):
        checks.check(name[1:] not in headers, f"{where}: header {name[1:]}")
    elif value.startswith("~"):
        checks.check(re.search(value[1:], headers.get(name, "")),
                     f"{where}: header {text}", headers.get(name))
    else:
        checks.equal(headers.get(name), value or headers.get(name) or "something",
                     f"{where}: header {name}")


def same(text):
    return TIME.sub('"created":@TIME@', ID.sub("@ID@", text)).strip("\n")


def play(checks, g, where, ex):
    g.upstream.clear()
    before = len(g.log())
    for answer in ex.script:
        g.upstream.script(answer)
    r = g.call(ex.method, ex.path, ex.body, ex.headers)
    seen = g.upstream.requests()
    checks.equal(r.status, ex.status, f"{where}: status ({r.text[:300]})")
    checks.check(r.headers.get("content-type", "").startswith(ex.type),
                 f"{where}: content type", r.headers.get("content-type"))
    checks.check("x-request-id" in r.headers, f"{where}: x-request-id")
    for request in seen:
        checks.check(not request.get("faults"),
                     f"{where}: upstream would refuse", request.get("faults"))
    if ex.want is not None:
        checks.equal(same(r.text), same(ex.want), f"{where}: body")
    for number, word, text in ex.asserts:
        at = f"{where}:{number}"
        if word == "sent":
            check_paths(checks, at, seen[-1]["body"] if seen else {}, text)
        elif word == "sent-header":
            check_headers(checks, at, seen[-1]["headers"] if seen else {}, text)
        elif word == "upstream-saw":
            checks.equal(len(seen), int(text), f"{at}: upstream's requests")
        elif word == "json":
            check_paths(checks, at, r.json(), text)
        elif word == "text":
            pattern = text[2:] if text.startswith("~ ") else re.escape(text)
            checks.check(re.search(pattern, r.text), f"{at}: {text}", r.text[:500])
        elif word == "header":
            check_headers(checks, at, r.headers, text)
        elif word == "log":
            lines = g.log()[before:]
            checks.check(len(lines) == 1, f"{at}: log lines", len(lines))
            check_paths(checks, at, lines[-1] if lines else {}, text)


def main():
    args = sys.argv[1:]
    bin = None
    if args[:1] == ["--bin"]:
        bin, args = args[1], args[2:]
    checks = Checks("cases")
    groups = {}
    for path in sorted(args or glob.glob(os.path.join(HERE, "*.case"))):
        title, settings, exchanges = parse(path)
        key = tuple(sorted(settings.items()))
        groups.setdefault(key, []).append((path, title, exchanges))
    for key, cases in groups.items():
        env = dict(key)
        kind = env.pop("kind", "chatgpt")
        with Gateway(kind=kind, env=env, bin=bin) as g:
            for path, title, exchanges in cases:
                for i, ex in enumerate(exchanges):
                    where = os.path.basename(path)
                    if len(exchanges) > 1:
                        where += f"#{i + 1}"
                    play(checks, g, where, ex)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
