#!/usr/bin/env python3
"""Upstream's list of models on its way: fetched, kept, told, changed under
load; with an upstream that wants to be asked as the real one does.

    tests/servers/test_models.py [word of a test's name ...]
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import BIN, Checks, until  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from gateway import Gateway  # noqa: E402

FETCH = os.path.join(BIN, "chatmock-fetch")
CHAT = {"model": "gpt-6-sol", "messages": [{"role": "user", "content": "Hi"}]}


class Models(Gateway):
    """A gateway on a home with a list, and the fetcher on the same."""

    def __init__(self, kind="chatgpt", **env):
        bin = os.environ.get("CHATMOCK_TEST_BIN")
        env.setdefault("CHATMOCK_MODEL_SYNC", "1")
        super().__init__(kind=kind, env=env, bin=bin and os.path.abspath(bin),
                         workers=2)

    @property
    def file(self):
        return os.path.join(self.home, "models.json")

    def kept(self):
        with open(self.file) as f:
            return json.load(f)

    def text(self):
        with open(self.file) as f:
            return f.read()

    def put(self, text):
        with open(os.open(self.file + ".new", os.O_CREAT | os.O_WRONLY, 0o600),
                  "w") as f:
            f.write(text)
        os.rename(self.file + ".new", self.file)

    def fetch(self, *options, **more):
        env = dict(self.settings(), CHATMOCK_MODEL_SYNC="1")
        env.update(more)
        env = {k: v for k, v in env.items() if v != ""}
        p = subprocess.run([FETCH, "--now", "--job", "models", *options], env=env,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
        lines = [json.loads(l) for l in p.stdout.splitlines() if l[:1] == "{"]
        return p.returncode, next((l for l in lines if l.get("job") == "models"),
                                  {"out": p.stdout + p.stderr})

    def asked(self):
        """Upstream's requests for the list."""
        return [r for r in self.upstream.requests()
                if r["path"].endswith("/models")]

    def ids(self):
        return [m["id"] for m in self.get("/v1/models").json()["data"]]

    def knows(self, *ids, seconds=10):
        """Each of the workers: the same answer many times."""
        return until(lambda: all(self.ids() == list(ids) for _ in range(12)),
                     seconds, 0.1)

    def events(self):
        path = os.path.join(self.home, "log", "error.log")
        with open(path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def settle(self):
        """Until no worker asks upstream any more."""
        before = -1
        while len(self.asked()) != before:
            before = len(self.asked())
            time.sleep(0.5)


def entry(slug, **more):
    return {"slug": slug, "visibility": "list", "priority": 1, **more}


def file_text(g, slugs, etag="", account="acct_test", age=0):
    return json.dumps({"version": 1, "upstream": g.upstream.url,
                       "account_id": account, "client_version": "0.169.0",
                       "fetched_at": int(time.time()) - age, "etag": etag,
                       "announced": "", "models": [entry(s) for s in slugs]})


def fetched_at(g):
    """When the list was last had, as health.fcgi tells it by plain CGI."""
    r = subprocess.run([os.path.join(BIN, "health.fcgi")], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=30, env=dict(
        PATH=os.environ["PATH"], HOME=g.home, CHATMOCK_HOME=g.home,
        REQUEST_METHOD="GET", REQUEST_URI="/metrics", SCRIPT_NAME="/metrics",
        REMOTE_ADDR="127.0.0.1", HTTP_HOST="127.0.0.1", QUERY_STRING="",
        SERVER_PROTOCOL="HTTP/1.1"))
    name = "chatmock_models_fetch_timestamp_seconds "
    return next((float(line[len(name):]) for line in r.stdout.splitlines()
                 if line.startswith(name)), 0)


def test_fetched(t):
    """The fetcher's job, then what both workers answer, without restart."""
    with Models() as g:
        t.check(g.ids()[0] == "gpt-6.1-sol", "the table at first", g.ids())
        g.settle()
        os.path.exists(g.file) and os.unlink(g.file)
        g.upstream.clear()
        code, said = g.fetch()
        t.check(code == 0 and said.get("result") == "done", "fetched", code, said)
        asked = g.asked()
        t.check(len(asked) == 1 and not asked[0]["problems"], "asked well", asked)
        t.check(asked and asked[0]["query"] == "client_version=0.169.0", "version", asked)
        t.check(os.stat(g.file).st_mode & 0o777 == 0o600, "mode")
        kept = g.kept()
        t.check(kept["etag"] == 'W/"list-1"' and kept["account_id"] == "acct_test" and
                kept["upstream"] == g.upstream.url, "whose it is", kept)
        t.check(g.knows("gpt-6-sol", "gpt-7-next"), "the workers know it", g.ids())
        code, said = g.fetch()
        t.check(code == 0 and said.get("result") != "done" and len(g.asked()) == 1,
                "fresh: upstream is not asked", said, len(g.asked()))
        before, first = g.kept()["fetched_at"], fetched_at(g)
        t.check(abs(first - time.time()) < 60, "the metrics say when", first)
        time.sleep(1.1)
        code, said = g.fetch("--force")
        asked = g.asked()
        t.check(len(asked) == 2 and dict(map(tuple, asked[1]["headers"])).get(
            "If-None-Match") == 'W/"list-1"', "conditional", asked[-1])
        t.check(g.kept()["fetched_at"] > before and len(g.kept()["models"]) == 3,
                "304 renews it", g.kept()["fetched_at"], before)
        t.check(fetched_at(g) > first, "which the metrics say", fetched_at(g), first)
        r = g.get("/v1/models?client_version=0.170.0")
        t.check(r.json()["models"] == kept["models"], "Codex gets its own", r.text)
        t.check(not [e for e in g.events() if e["event"].endswith("failed")],
                "no complaints", g.events())


def test_settings(t):
    """CHATMOCK_CLIENT_VERSION, the interval, both switches, old names."""
    with Models() as g:
        g.fetch(CHATMOCK_CLIENT_VERSION="0.150.0")
        t.check(g.asked()[-1]["query"] == "client_version=0.150.0", "version",
                g.asked())
        t.check(len(g.kept()["models"]) == 2, "an old one sees less", g.kept())
        code, said = g.fetch()
        t.check(len(g.kept()["models"]) == 3, "another version is due at once", said)
        count = len(g.asked())
        for name in ("CHATMOCK_MODEL_SYNC", "CHATGPT_LOCAL_MODEL_SYNC",
                     "CODEX__ENABLE_DYNAMIC_MODEL_INFO"):
            more = {"CHATMOCK_MODEL_SYNC": ""} if "LOCAL" in name else {}
            code, said = g.fetch("--force", **more, **{name: "0"})
            t.check(code == 0 and len(g.asked()) == count, name, code, said)
        for name in ("CHATMOCK_MODEL_REFRESH_INTERVAL",
                     "CHATGPT_LOCAL_MODEL_REFRESH_INTERVAL"):
            g.put(file_text(g, ["a"], age=3000))
            code, said = g.fetch(**{name: "2h"})
            t.check(g.kept()["models"] == [entry("a")], name + " long", said)
            code, said = g.fetch(**{name: "50m"})
            t.check(len(g.kept()["models"]) == 3, name + " short", said)
        g.put(file_text(g, ["a"], age=3100))
        g.fetch()
        t.check(len(g.kept()["models"]) == 3, "due before the next run is due now")
        code, said = g.fetch("--force", CHATMOCK_CLIENT_VERSION="1 2")
        t.check(code == 111, "no version", code, said)


FAULTS = [
    ("500", {"status": 500, "body": {"error": {"message": "no"}}}),
    ("404", {"status": 404, "body": {}}),
    ("challenge", {"status": 403, "body": "<html>no</html>"}),
    ("html", {"status": 200, "body": "<html>hello</html>"}),
    ("empty", {"status": 200, "body": ""}),
    ("no list", {"status": 200, "body": {"models": []}}),
    ("no names", {"status": 200, "body": {"models": [{"name": "x"}]}}),
    ("other JSON", {"status": 200, "body": {"ok": True}}),
    ("half", {"status": 200, "raw": True, "steps": [
        {"send": "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"models\":[{"},
        {"close": True}]}),
    ("cut JSON", {"status": 200, "body": "{\"models\":[{\"slug\":\"a\"}"}),
    ("reset", {"raw": True, "steps": [{"reset": True}]}),
    ("too large", {"status": 200, "body": "x" * (5 << 20)}),
    ("redirect", {"status": 302, "headers": {"location": "http://127.0.0.1:1/"},
                  "body": {}}),
    ("304 unasked", {"status": 304, "body": ""}),
    ("silent", {"raw": True, "steps": [{"stall": True}]}),
]


def test_faults(t):
    """Whatever upstream does, the list that was there stays, to the byte."""
    with Models(CHATMOCK_MODEL_SYNC="0") as g:
        g.put(file_text(g, ["kept"], age=90000))
        before = g.text()
        t.check(g.knows("kept"), "stale, but in use")
        for name, script in FAULTS:
            g.upstream.clear()
            g.upstream.script({"path": "/models", **script})
            begun = time.monotonic()
            code, said = g.fetch()
            t.check(code == 111, name + " is a failure", code, said)
            t.check(g.text() == before, name + " changes nothing")
            t.check(time.monotonic() - begun < 12, name + " ends", time.monotonic() - begun)
        t.check(g.ids() == ["kept"], "and it is still told", g.ids())
        left = [n for n in os.listdir(g.home) if n.startswith("models.json")]
        t.check(set(left) <= {"models.json", "models.json.lock"}, "nothing is left", left)
        g.upstream.stop()
        code, said = g.fetch()
        t.check(code == 111 and g.text() == before, "nobody there", said)


def test_broken_files(t):
    """A file in any state never stops an answer; it is replaced at once."""
    huge = "huge"
    with Models() as g:
        good = file_text(g, ["good"])
        for text in ("", "{", "null", good[:-5], "[]", "\0" * 4096, good + good,
                     good.replace("good", "g\\u0000"), huge):
            if text is huge:
                g.put("")
                os.truncate(g.file, 1 << 30)
            else:
                g.put(text)
            time.sleep(0.2)
            begun = time.monotonic()
            t.check(g.get("/v1/models").status == 200, "list", text[:40])
            t.check(g.post("/v1/chat/completions", CHAT).status == 200, "chat",
                    text[:40])
            t.check(time.monotonic() - begun < 2, "at once", text[:40])
        g.settle()
        code, said = g.fetch("--force")
        t.check(code == 0 and g.knows("gpt-6-sol", "gpt-7-next"), "mended", said)
        os.unlink(g.file)
        os.mkdir(g.file)
        time.sleep(1.5)
        t.check(g.post("/v1/chat/completions", CHAT).status == 200, "a directory")
        os.rmdir(g.file)
        t.check(until(lambda: [e for e in g.events() if e["event"] == "models_lost"], 3),
                "the log says it")


def test_replaced_under_load(t):
    """The file changes 40 times under load: each answer is one list or the
    other, no request fails, memory does not grow with it."""
    def memory():
        total = 0
        for pid in g.worker_pids():
            with open(f"/proc/{pid}/statm") as f:
                total += int(f.read().split()[1]) * 4096
        return total

    with Models(CHATMOCK_MODEL_SYNC="0") as g:
        filler = {"base_instructions": "x" * 20000}
        texts = []
        for name in ("even", "odd"):
            v = json.loads(file_text(g, []))
            v["models"] = [entry(f"{name}-{i}", **filler) for i in range(20)]
            texts.append(json.dumps(v))
        bad, done, stop = [], [0], threading.Event()

        def load():
            while not stop.is_set():
                ids = g.ids()
                kinds = {i.split("-")[0] for i in ids}
                if len(ids) != 20 and ids[0] != "gpt-6.1-sol" or len(kinds) != 1:
                    bad.append(ids)
                r = g.post("/v1/chat/completions", dict(CHAT, stream=True))
                if r.status != 200 or "[DONE]" not in r.text:
                    bad.append(r.text)
                done[0] += 1

        threads = [threading.Thread(target=load) for _ in range(4)]
        g.put(texts[0])
        time.sleep(1.5)
        for thread in threads:
            thread.start()
        half = 0
        for i in range(40):
            g.put(texts[i % 2])
            time.sleep(0.25)
            if i == 19:
                half = memory()
        stop.set()
        for thread in threads:
            thread.join()
        t.check(not bad, "each answer is whole", bad[:2], len(bad))
        t.check(done[0] > 40, "there was load", done[0])
        if "san" not in BIN.split(os.sep):      # which keeps what was freed
            t.check(memory() < half + (24 << 20), "old lists go", half, memory())
        read = [e for e in g.events() if e["event"] == "models_read"]
        t.check(len(read) > 10, "they were read", len(read))


def test_announced(t):
    """An answer says that the list has changed: of 64 requests, in two
    workers, one question to upstream, and nobody waits for it."""
    with Models() as g:
        g.put(file_text(g, ["old"], etag='"1"'))
        t.check(g.knows("old"), "as it was")
        g.settle()
        g.upstream.clear()
        g.upstream.models(list=[entry("new")], etag='"2"')
        # the list takes its time; an answer must not
        g.upstream.script({"path": "/models", "delay_ms": 1500, "repeat": 1,
                           "headers": {"etag": '"2"'},
                           "body": {"models": [entry("new")]}})
        g.upstream.default({"say": "Hi", "headers": {"x-models-etag": '"2"'}})
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda _: g.post("/v1/chat/completions", CHAT),
                                range(64)))
        took = time.monotonic() - begun
        t.check(all(r.status == 200 for r in got), "all answered")
        early = len(g.asked())
        t.check(g.knows("new"), "the new one is known", g.ids())
        t.check(early == 1 and len(g.asked()) == 1, "asked once", early, len(g.asked()))
        t.check(not g.asked()[0]["problems"], "and well", g.asked())
        t.check(g.kept()["announced"] == '"2"', "by that name", g.kept())
        for _ in range(8):
            g.post("/v1/chat/completions", CHAT)
        time.sleep(1)
        t.check(len(g.asked()) == 1, "and that was it", len(g.asked()), took)


def test_contradicted(t):
    """An upstream whose answers never name its own list's ETag is not asked
    again and again; one that fails is left alone for a while."""
    with Models() as g:
        g.upstream.models(list=[entry("one")], etag='"list"')
        g.upstream.default({"say": "Hi", "headers": {"x-models-etag": '"answer"'}})
        g.put(file_text(g, ["old"], etag='"1"'))
        t.check(g.knows("old"), "as it was")
        for _ in range(30):
            g.post("/v1/chat/completions", CHAT)
            time.sleep(0.05)
        t.check(g.knows("one"), "asked", g.ids())
        for _ in range(30):
            g.post("/v1/chat/completions", CHAT)
        g.settle()
        t.check(len(g.asked()) == 1, "once", len(g.asked()))
        g.upstream.script({"path": "/models", "status": 500, "body": {}})
        g.upstream.default({"say": "Hi", "headers": {"x-models-etag": '"third"'}})
        os.utime(g.file + ".lock", (1, 1))
        time.sleep(6)           # the workers' own pause
        for _ in range(40):
            g.post("/v1/chat/completions", CHAT)
            time.sleep(0.02)
        g.settle()
        t.check(len(g.asked()) == 2, "one attempt", len(g.asked()))
        failed = [e for e in g.events() if e["event"] == "models_refresh_failed"]
        t.check(len(failed) == 1 and "500" in failed[0]["why"], "told", failed)
        t.check(g.ids() == ["one"], "the old list stays", g.ids())


def test_nobody_fetches(t):
    """Without a fetcher who reads a list that is too old sees to the next
    reader: one question, not one for each."""
    with Models() as g:
        t.check(g.ids()[0] == "gpt-6.1-sol", "the table first", g.ids())
        t.check(g.knows("gpt-6-sol", "gpt-7-next"), "then upstream's", g.ids())
        g.settle()
        t.check(len(g.asked()) == 1, "asked once", len(g.asked()))
    with Models(CHATMOCK_MODEL_SYNC="0") as g:
        for _ in range(5):
            g.ids()
        time.sleep(1)
        t.check(not g.asked() and not os.path.exists(g.file), "or never")


def test_accounts(t):
    """Another login has another list; the old one's is not shown to it."""
    with Models() as g:
        g.upstream.models(accounts={
            "acct_test": {"list": [entry("mine")], "etag": '"m"'},
            "acct_other": {"list": [entry("yours")], "etag": '"y"'}})
        g.fetch("--force")
        t.check(g.knows("mine"), "mine", g.ids())
        g.write_login(account="acct_other")
        t.check(until(lambda: "mine" not in g.ids(), 5), "not mine any more")
        g.settle()
        code, said = g.fetch()
        t.check(g.knows("yours"), "yours", g.ids(), said)
        heads = dict(map(tuple, g.asked()[-1]["headers"]))
        t.check("If-None-Match" not in heads, "another's ETag is not sent", heads)


def test_plain(t):
    """A plain API's list has ids; with a key, which the file does not hold."""
    with Models(kind="responses") as g:
        code, said = g.fetch()
        t.check(code == 0 and g.knows("gpt-5.5", "qwen3:8b"), "ids", said, g.ids())
        t.check(not g.asked()[0]["problems"], "asked well", g.asked())
        g.upstream.script({"path": "/models", "status": 404, "body": {}})
        code, said = g.fetch("--force")
        t.check(code == 0 and "no list" in json.dumps(said), "none is no fault", said)
    g = Models(kind="responses")
    g.key = "sk-canary-models-77"
    with g:
        code, said = g.fetch()
        t.check(code == 0 and g.knows("gpt-5.5", "qwen3:8b"), "with a key", said)
        text = g.text()
        t.check("canary" not in text and '"key-' in text, "which stays secret",
                text[:300])


def test_renewed(t):
    """A token that upstream refuses is renewed once by the fetcher."""
    with Models() as g:
        g.upstream.token(newest_only=True)
        g.write_login(refresh_token="rt_a")
        g.upstream.script({"path": "/models", "status": 401, "repeat": 1,
                           "body": {"error": {"code": "token_expired"}}})
        code, said = g.fetch("--force")
        t.check(code == 0 and len(g.asked()) == 2, "asked again", said, len(g.asked()))
        t.check(g.upstream.stats()["token_requests"] == 1, "one renewal",
                g.upstream.stats())
        os.unlink(os.path.join(g.home, "auth.json"))
        code, said = g.fetch("--force")
        t.check(code == 0 and "no login" in json.dumps(said), "no login, no fault",
                said)


def test_killed(t):
    """Killed at any moment: the old list or the new one, never half of one."""
    with Models(CHATMOCK_MODEL_SYNC="0") as g:
        big = {"base_instructions": "y" * 100000}
        lists = {name: [entry(name, **big)] for name in ("one", "two")}
        seen = set()
        env = dict(g.settings(), CHATMOCK_MODEL_SYNC="1")
        g.upstream.models(list=lists["one"], etag='"one"')
        g.fetch("--force")
        for i in range(30):
            name = ("two", "one")[i % 2]
            g.upstream.models(list=lists[name], etag=f'"{name}"')
            p = subprocess.Popen([FETCH, "--job", "models", "--force"], env=env,
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(0.004 * (i % 15))
            p.kill()
            p.wait()
            kept = g.kept()
            slug = kept["models"][0]["slug"]
            seen.add(slug)
            t.check(kept["models"] == lists[slug] and kept["etag"] == f'"{slug}"',
                    "whole", i)
        code, said = g.fetch("--force")
        t.check(code == 0, "and it goes on", said)
        t.check(len(seen) >= 1, "lists seen", seen)


if __name__ == "__main__":
    sys.exit(Checks("models").run(
        test_fetched, test_settings, test_faults, test_broken_files,
        test_replaced_under_load, test_announced, test_contradicted,
        test_nobody_fetches, test_accounts, test_plain, test_renewed,
        test_killed))
