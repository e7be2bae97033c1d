#!/usr/bin/env python3
"""chatmock check, codex, prompts, models: with a gateway that runs, an upstream
that checks what it is sent, and sources of prompts that can fail.
"""
import hashlib
import http.server
import json
import os
import re
import stat
import sys
import threading

from terminal import (BIN, COLOUR, CONFIG, DATAERR, NOPERM, OK, ROOT, TEMPFAIL,
                      UNAVAILABLE, USAGE, Checks, Place, Terminal, free_port)

sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from gateway import Gateway  # noqa: E402

PROTOCOL = 76


class Running(Gateway):
    """A gateway, and a Place whose commands mean it."""

    def __enter__(self):
        super().__enter__()
        self.place = Place()
        self.place.home = self.home
        self.place.env.update(
            {k: v for k, v in self.settings().items() if k.startswith("CHATMOCK_")},
            CHATMOCK_PORT=str(self.port))
        self.run = self.place.run
        return self

    def __exit__(self, *exc):
        self.place.__exit__()
        super().__exit__(*exc)


class Source(http.server.ThreadingHTTPServer):
    """Where prompts come from: /NAME answers texts[NAME]."""
    daemon_threads = True

    def __init__(self, **texts):
        self.texts, self.asked = texts, []
        super().__init__(("127.0.0.1", 0), _Source)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Source(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.path[1:]
        self.server.asked.append((name, self.headers.get("If-None-Match")))
        body = self.server.texts.get(name, "").encode()
        tag = '"%s"' % hashlib.md5(body).hexdigest()
        known = body and self.headers.get("If-None-Match") == tag
        self.send_response(304 if known else 200 if body else 404)
        self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(b"" if known else body)


# --- check

def test_check(t):
    with Place(CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/v1") as p:
        os.mkdir(p.path("log"), 0o700)
        r = p.run("check")
        lines = r.out.splitlines()
        t.check(r.code == OK and not r.err and len(lines) > 20
                and all(re.match(r"(pass|warn)  \S", x) for x in lines), r)
        quiet = p.run("check", "--quiet")
        t.check("pass" not in quiet.out and quiet.code == OK, quiet)
        j = p.run("check", "--json").json()
        t.check(j["exit_code"] == 0 and {c["result"] for c in j["checks"]} <=
                {"pass", "warn"} and all(c["text"] for c in j["checks"]), j)
        starting = p.run("check", "--before-start", CHATMOCK_PORT=free_port())
        t.check(len(starting.out.splitlines()) > len(lines)
                and "port is free" in starting.out, starting)
        for env, code, says in (
                ({"CHATMOCK_PORT": "x"}, CONFIG, "CHATMOCK_PORT"),
                ({"CODEX_CA_CERTIFICATE": "/etc/no/ca.pem"}, 66, "/etc/no/ca.pem")):
            r = p.run("check", **env)
            t.check(r.code == code and re.search(r"^fail  .*" + re.escape(says),
                                                 r.out, re.M), env, r)
            j = p.run("check", "--json", **env)
            t.check(j.code == code and j.json()["exit_code"] == code
                    and any(c["result"] == "fail" and says in c["text"]
                            for c in j.json()["checks"]), env, j)
        r = p.run("check", "--set", "port=0")
        t.check(r.code == CONFIG and "fail" in r.out, "--set goes through", r)
        conf = p.write("bad.conf", "prot = 1\n")
        r = p.run("check", "-c", conf)
        t.check(r.code == CONFIG and "CHATMOCK_PROT" in r.out, "-c goes through", r)
        with Terminal(p, columns=60) as term:
            r = term.run("chatmock check", colour=True)
            t.check(COLOUR.search(r.out) and re.search(r"\d+ passed, \d+ warned, "
                                                       r"0 failed", r.out), r)


# --- codex set

FLAGS = [
    (["--enable-dynamic-model-info"], "enable_dynamic_model_info = true"),
    (["--disable-dynamic-model-info"], "enable_dynamic_model_info = false"),
    (["--max-output-tokens-fallback", "99"], "max_output_tokens_fallback = 99"),
    (["--propagate-unsupported-params"], "propagate_unsupported_params = true"),
    (["--block-unsupported-params"], "propagate_unsupported_params = false"),
    (["--system-prompt-injection-mode", "append"],
     "system_prompt_injection_mode = append"),
    (["--verbose-logging"], "verbose_logging = true"),
    (["--no-verbose-logging"], "verbose_logging = false"),
    (["--header-override-enabled"], "header_override_enabled = true"),
    (["--header-override-disabled"], "header_override_enabled = false"),
    (["--enabled"], "enabled = true"), (["--disabled"], "enabled = false"),
]


def test_codex_set(t):
    with Place() as p:
        for flags, line in FLAGS:
            conf = p.write("one.conf", "# mine\n[codex]\n# here\n")
            r = p.run("codex", "set", "-c", conf, *flags)
            t.check(r.code == OK and not r.out + r.err and
                    p.read("one.conf") == f"# mine\n[codex]\n# here\n{line}\n",
                    flags, r, p.read("one.conf"))
        r = p.run("codex", "set", *[f for flags, _ in FLAGS[::3] for f in flags])
        t.check(r.code == OK and p.read("chatmock.conf").count("=") == 4, r)
        before = p.read("chatmock.conf")
        for args, code in ((["--enabled", "--disabled"], USAGE), ([], USAGE),
                           (["--system-prompt-injection-mode", "first"], USAGE),
                           (["--max-output-tokens-fallback", "0"], CONFIG),
                           (["--verbose-logging", "--base-url", "ftp://x"], CONFIG)):
            r = p.run("codex", "set", *args)
            t.check(r.code == code and r.err.count("\n") == 1
                    and p.read("chatmock.conf") == before, args, r)


# --- codex test

def test_codex_test(t):
    with Running(kind="chatgpt") as g:
        for endpoint in ("chat", "response"):
            for stream in ([], ["--stream"]):
                what = ["-e", endpoint, *stream]
                g.upstream.script({"say": "Good morning, all is well."})
                r = g.run("codex", "test", *what)
                t.check(r.code == OK and not r.err
                        and r.out == "Good morning, all is well.\n", what, r)
                j = g.run("codex", "test", "--json", *what)
                d = j.json()
                t.check(j.code == OK and d["ok"] and d["status"] == 200
                        and d["text"] == "Hello from the test upstream."
                        and d["endpoint"] == endpoint
                        and d["stream"] == bool(stream) and d["output_tokens"] > 0
                        and d["error"] is None and d["request_id"], what, j)
        seen = g.upstream.requests()
        t.check(len(seen) == 8 and not any(q["problems"] for q in seen),
                "upstream was asked each time, and well")
        g.run("codex", "test", "-m", "gpt-5.5-high", "Why?")
        body = json.loads(g.upstream.requests()[-1]["text"])
        t.check(body["model"] == "gpt-5.5" and body["reasoning"]["effort"] == "high"
                and "Why?" in json.dumps(body["input"]), body)
        refusals(t, g)
        with Terminal(g.place, columns=120) as term:
            r = term.run("chatmock codex test --stream")
            t.check(r.code == OK and "Hello from the test upstream." in r.out
                    and re.search(r"first text after \d+ ms", r.out), r)
            g.upstream.script({"say": "slow one", "delay_ms": 2500})
            term.type("chatmock codex test\n")
            t.check(term.wait(r"waiting for the model \.\.\. \d s"), "progress",
                    term.screen())
            t.check(term.wait("slow one"), term.screen())
            t.check("waiting for" not in term.screen(), "and it is wiped",
                    term.screen())
            g.upstream.script({"say": "\x1b[31mred\x07"})
            r = term.run("chatmock codex test", colour=True)
            t.check("\x1b[31mred" not in r.out and "[31mred" in r.out,
                    "a model's text gives the terminal no orders", r)


def refusals(t, g):
    for script, code, says in (
            ({"status": 429, "body": {"error": {"type": "usage_limit_reached",
                                                "message": "no more",
                                                "plan_type": "plus",
                                                "resets_in_seconds": 999}}},
             TEMPFAIL, "status 429"),
            ({"status": 400, "body": {"detail": "Unsupported thing"}},
             DATAERR, "Unsupported thing"),
            ({"failed": {"code": "invalid_prompt", "message": "it broke"}},
             DATAERR, "it broke")):
        g.upstream.script(script)
        r = g.run("codex", "test")
        t.check(r.code == code and says in r.err and not r.out, script, r)
        g.upstream.script(script)
        r = g.run("codex", "test", "--json")
        t.check(r.code == code and not r.json()["ok"]
                and says in r.json()["error"], script, r)
    for endpoint in ("chat", "response"):
        g.upstream.script({"say": "half of it", "stop_before": "response.completed",
                           "then": "close"})
        r = g.run("codex", "test", "--stream", "-e", endpoint)
        t.check(r.code == PROTOCOL and "half of it" in r.out
                and "did not come whole" in r.err, endpoint, r)
    g.upstream.script({"say": "late", "delay_ms": 3000})
    r = g.run("codex", "test", "--timeout", "1")
    t.check(r.code == TEMPFAIL and "1 s" in r.err, r)
    r = g.run("codex", "test", CHATMOCK_PORT=free_port())
    t.check(r.code == UNAVAILABLE and "is it running?" in r.err, r)
    r = g.run("codex", "test", "--timeout", "0")
    t.check(r.code == USAGE, r)
    r = g.run("codex", "test", "--key-file", "/no/such/file")
    t.check(r.code != OK and "/no/such/file" in r.err, r)


# --- codex info, models, cache

def test_models(t):
    with Running(kind="chatgpt", env={"CHATMOCK_MODEL_SYNC": "1"}) as g:
        built_in = g.run("models", "--json").json()
        t.check(built_in["from"] == "built in" and built_in["models"], built_in)
        r = g.run("models", "--refresh", "--json")
        t.check(r.code == OK and not r.err, r)
        d = r.json()
        t.check(d["from"] == "upstream" and d["fetched_at"].endswith("Z")
                and d["models"] and all(m["id"] and m["efforts"] is not None
                                        for m in d["models"]), d)
        t.check(r.out == g.run("models", "--json").out, "and so it stays")
        plain = g.run("models").out
        t.check(all(m["id"] in plain for m in d["models"]), plain)
        everything = g.run("models", "--all", "--json").json()["models"]
        t.check(len(everything) >= len(d["models"]), "--all")
        info = g.run("codex", "info", "--json").json()
        t.check(info["kind"] == "chatgpt" and info["models_from"] == "upstream"
                and info["models"] == [m["id"] for m in d["models"]]
                and info["settings"]["CODEX__ENABLED"] is True
                and info["login"] == os.path.join(g.home, "auth.json"), info)
        text = g.run("codex", "info").out
        token = json.load(open(os.path.join(g.home, "auth.json")))["tokens"]
        t.check(not any(v in text + str(info) for k, v in token.items()
                        if k != "account_id"), "no token is told")
        raw = g.run("codex", "cache", "--raw").json()
        t.check(raw["models"]["account_id"] == "acct_test"
                and raw["models"]["models"], raw)
        r = g.run("codex", "cache")
        t.check(re.search(r"^models.json +\d+ models of http://127\S+, \d+ s old$",
                          r.out, re.M), r)
        r = g.run("codex", "cache", "--clear")
        t.check(r.code == OK and not os.path.exists(g.home + "/models.json"), r)
        t.check(g.run("models", "--json").json() == built_in, "built in again")
        os.unlink(os.path.join(g.home, "auth.json"))
        r = g.run("models", "--refresh")
        t.check(r.code == UNAVAILABLE and "no login" in r.err, r)
        with Terminal(g.place, columns=120) as term:
            r = term.run("chatmock models")
            t.check("built-in table" in r.out and r.code == OK, r)


# --- prompts

def test_prompts(t):
    base, codex = "You are the base.\n", "You are Codex, {model}.\n"
    source = Source(base=base, codex=codex)
    with Place(CHATMOCK_PROMPT_BASE_URLS=source.url + "/base",
               CHATMOCK_PROMPT_CODEX_URLS=source.url + "/codex",
               CHATMOCK_BREAKER_FAILURES=0) as p:
        def listed():
            return {x["name"]: x for x in
                    p.run("prompts", "list", "--json").json()["prompts"]}
        t.check({x["from"] for x in listed().values()} == {"built in"}, listed())
        r = p.run("prompts", "refresh")
        t.check(r.code == OK and not r.out + r.err, r)
        x = listed()["base_instructions"]
        t.check(x["from"] == "cache" and x["size"] == len(base)
                and x["content_hash"] == hashlib.sha256(base.encode()).hexdigest()
                and x["source"] == source.url + "/base"
                and 86000 < x["fresh_seconds"] <= 86400, x)
        raw = p.run("codex", "cache", "--raw").json()
        t.check(raw["prompts"]["gpt5_codex_instructions"]["text"] == codex
                and raw["models"] is None, raw)
        n = len(source.asked)
        r = p.run("prompts", "invalidate", "base_instructions")
        x = listed()
        t.check(r.code == OK and len(source.asked) == n
                and x["base_instructions"]["from"] == "expired cache"
                and x["base_instructions"]["size"] == len(base)
                and x["gpt5_codex_instructions"]["from"] == "cache", x)
        source.texts["base"] = "A new base.\n"
        r = p.run("prompts", "refresh", "base_instructions")
        t.check(r.code == OK and source.asked[n:] == [("base", None)],
                "one is got, whole", r, source.asked[n:])
        t.check(listed()["base_instructions"]["size"] == len("A new base.\n"), "new")
        faults(t, p, source, listed)
        p.run("prompts", "invalidate")
        t.check({x["from"] for x in listed().values()} == {"expired cache"}, listed())
        r = p.run("codex", "cache", "--clear")
        t.check(r.code == OK and {x["from"] for x in listed().values()} ==
                {"built in"} and os.listdir(p.path("prompt_cache")) == [], r)
        source.texts["base"] = base
        with Terminal(p, columns=150) as term:
            r = term.run("chatmock prompts refresh")
            t.check(r.code == OK and "base_instructions is new" in r.out, r)
            r = term.run("chatmock prompts list", colour=True)
            t.check(COLOUR.search(r.out) and "fresh for 24 h" in r.out
                    and source.url in r.out, r)
    source.shutdown()


def faults(t, p, source, listed):
    """What is there stays, and the exit code says so."""
    before = listed()["base_instructions"]["content_hash"]
    source.texts["base"] = "<!doctype html><p>sign in</p>"
    r = p.run("prompts", "refresh", "base_instructions")
    t.check(r.code == TEMPFAIL and "HTML" in r.err and not r.out, r)
    x = listed()["base_instructions"]
    t.check(x["from"] == "expired cache" and x["content_hash"] == before, x)
    for command in ("refresh", "invalidate"):
        r = p.run("prompts", command, "base_instruction")
        t.check(r.code == USAGE and "no prompt base_instruction" in r.err, r)
    lock = open(p.path("fetch.lock"), "r+")
    import fcntl
    fcntl.flock(lock, fcntl.LOCK_EX)
    r = p.run("prompts", "refresh")
    t.check(r.code == TEMPFAIL and "at work" in r.err, r)
    lock.close()
    mode = stat.S_IMODE(os.stat(p.path("prompt_cache", "metadata.json")).st_mode)
    t.check(mode == 0o600, oct(mode))


def main():
    t = Checks("cli-codex")
    if not os.path.exists(os.path.join(BIN, "chatmock-demo-upstream")):
        print("build first")
        return 1
    return t.run(test_check, test_codex_set, test_codex_test, test_models,
                 test_prompts)


if __name__ == "__main__":
    sys.exit(main())
