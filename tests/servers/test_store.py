#!/usr/bin/env python3
"""The store of responses as programs make, prune and lose it.

    tests/servers/test_store.py [word of a test's name ...]
"""
import json
import os
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import BIN, Checks, until  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from gateway import Gateway  # noqa: E402

FETCH = os.path.join(BIN, "chatmock-fetch")
ITEM = 1 << 24                          # keys of a list: its owner times that


class Stored(Gateway):
    """A gateway of two workers that stores what it answers."""

    def __init__(self, kind="chatgpt", before=None, **env):
        self.before = before            # done to the home, before the start
        bin = os.environ.get("CHATMOCK_TEST_BIN")
        super().__init__(kind=kind, env=env, bin=bin and os.path.abspath(bin),
                         workers=env.pop("workers", 2))

    def write_files(self):
        super().write_files()
        if self.before:
            self.before(self)

    @property
    def file(self):
        return os.path.join(self.home, "responses.db")

    def asides(self):
        return [f for f in os.listdir(self.home) if ".aside-" in f]

    def sql(self, text, *args):
        with sqlite3.connect(self.file, timeout=20) as db:
            return db.execute(text, args).fetchall()

    def events(self):
        path = os.path.join(self.home, "log", "error.log")
        with open(path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def logged(self, event):
        return [e for e in self.events() if e.get("event") == event]

    def made(self):
        def there():
            try:
                return self.sql("SELECT count(tag) FROM conversation_items")
            except sqlite3.OperationalError:
                return None             # not yet in full

        return until(lambda: os.path.exists(self.file), 10) and until(there, 10)

    def prune(self, **more):
        env = {k: v for k, v in dict(self.settings(), **more).items() if v != ""}
        p = subprocess.run([FETCH, "--now", "--job", "prune"], env=env,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
        return p.returncode, p.stdout + p.stderr


def put(g, n, expires, size=10):
    g.sql("INSERT INTO responses VALUES (?, '', ?, '', '', 'm', '', '', 1, ?, 2, "
          "0, 0, 0, ?)", n, f"resp_{n}", expires, b"x" * size)
    g.sql("INSERT INTO items VALUES (?, 0, 'i', '{}', 1)", n * ITEM)


def test_file(t):
    """It is there, for nobody else, and only where it is wanted."""
    with Stored() as g:
        t.check(g.made(), "the store's file is made")
        modes = {f: oct(os.stat(os.path.join(g.home, f)).st_mode & 0o777)
                 for f in os.listdir(g.home) if f.startswith("responses.db")}
        t.check(set(modes.values()) == {"0o600"}, "nobody else reads it", modes)
        t.check(g.sql("PRAGMA journal_mode") == [("wal",)], "it has a journal")
    for more in ({"kind": "responses"}, {"CHATMOCK_STORE": "0"}):
        with Stored(**more) as g:
            g.get("/v1/models")
            time.sleep(0.3)
            t.check(not os.path.exists(g.file), "no file where none is wanted",
                    more)


def test_prune(t):
    """chatmock-fetch forgets what has expired, and the oldest of too many."""
    with Stored(CHATMOCK_STORE_TTL="1h") as g:
        g.made()
        now = int(time.time())
        for n in range(1, 41):
            put(g, n, now - 5 if n <= 10 else now + 1000, 100_000)
        code, said = g.prune()
        t.check(code == 0 and "10 stored responses that had expired" in said,
                "the expired ones go", said)
        t.check(g.sql("SELECT count(*), min(n) FROM responses") == [(30, 11)],
                "and no other")
        t.check(g.sql("SELECT count(*) FROM items") == [(30,)],
                "their items go with them")
        before = os.path.getsize(g.file)
        code, said = g.prune(CHATMOCK_STORE_MAX_MB="1")
        rows, = g.sql("SELECT count(*), max(n) FROM responses")
        t.check(code == 0 and 0 < rows[0] <= 10 and rows[1] == 40,
                "too many: the newest stay", said, rows)
        t.check(os.path.getsize(g.file) < before / 2, "the file is smaller",
                before, os.path.getsize(g.file))


def test_foreign(t):
    """What is no store of ours is set aside, and said."""
    other = sqlite3.connect(":memory:")
    other.execute("CREATE TABLE things (a)")
    for what, content in (("garbage", os.urandom(9000)),
                          ("another program's", other.serialize()
                           if hasattr(other, "serialize") else None)):
        if content is None:
            t.skip(what, "this Python can not write one")
            continue

        def place(g):
            with open(g.file, "wb") as f:
                f.write(content)

        with Stored(before=place) as g:
            ok = until(lambda: g.asides() and g.logged("store_set_aside"), 10)
            t.check(ok, f"{what} is set aside", os.listdir(g.home))
            kept = [open(os.path.join(g.home, f), "rb").read()
                    for f in g.asides() if not f.endswith(("-wal", "-shm"))]
            t.check(kept == [content], f"{what} stays as it was",
                    [len(k) for k in kept])
            t.check(len(g.logged("store_set_aside")) == 1, "said once, by one worker",
                    g.logged("store_set_aside"))
            t.check(g.made(), f"behind {what} a new one is begun")


# As the first version made it, with a response of one item.
FIRST = """
CREATE TABLE responses (n INTEGER PRIMARY KEY, caller TEXT NOT NULL,
 id TEXT NOT NULL, previous TEXT NOT NULL, conversation TEXT NOT NULL,
 model TEXT NOT NULL, account TEXT NOT NULL, owner TEXT NOT NULL,
 created INTEGER NOT NULL, expires INTEGER NOT NULL, status INTEGER NOT NULL,
 events INTEGER NOT NULL, joined INTEGER NOT NULL, background INTEGER NOT NULL,
 body BLOB NOT NULL, UNIQUE (caller, id));
CREATE INDEX responses_expires ON responses (expires);
CREATE INDEX responses_running ON responses (status) WHERE status < 2;
CREATE TABLE items (key INTEGER PRIMARY KEY, output INTEGER NOT NULL,
 id TEXT NOT NULL, json BLOB NOT NULL);
CREATE TABLE events (key INTEGER PRIMARY KEY, json BLOB NOT NULL);
CREATE TABLE conversations (n INTEGER PRIMARY KEY, caller TEXT NOT NULL,
 id TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
 next INTEGER NOT NULL, metadata BLOB NOT NULL, UNIQUE (caller, id));
CREATE INDEX conversations_expires ON conversations (expires);
CREATE TABLE conversation_items (key INTEGER PRIMARY KEY,
 output INTEGER NOT NULL, id TEXT NOT NULL, json BLOB NOT NULL);
INSERT INTO responses VALUES (1, '', 'resp_old', '', '', 'gpt-5.5', '', '', 1,
 strftime('%s', 'now') + 9999, 2, 0, 0, 0, CAST('{"id":"resp_old"}' AS BLOB));
INSERT INTO items VALUES (16777216, 1, 'msg_old', CAST('{"type":"message",
 "id":"msg_old","role":"assistant","content":[{"type":"output_text",
 "text":"Old"}]}' AS BLOB));
PRAGMA application_id = 1667788139;
PRAGMA user_version = 1;
"""


def test_older(t):
    """A file of an earlier version is brought up, with all that is in it."""
    def place(g):
        with sqlite3.connect(g.file) as db:
            db.executescript(FIRST)

    def ask(g, text, **more):
        g.upstream.clear()
        r = g.post("/v1/responses", {"model": "gpt-5.5", "input": text, **more})
        return r, g.upstream.requests()

    with Stored(before=place) as g:
        t.check(g.made(), "it is brought up")
        t.check(not g.asides(), "nothing is set aside", g.asides())
        r, sent = ask(g, "New", previous_response_id="resp_old")
        t.check(r.status == 200 and [i["content"][0]["text"] for i in
                sent[0]["body"]["input"]] == ["Old", "New"],
                "what was in it is found", r.status, r.text)
        r, sent = ask(g, [{"type": "item_reference", "id":
                           r.json()["output"][0]["id"]}])
        t.check(r.status == 200 and len(sent[0]["body"]["input"]) == 1,
                "new items are found by their ids", r.status, r.text)
        r, sent = ask(g, [{"type": "item_reference", "id": "msg_old"}])
        t.check(r.status == 404, "those of then are not", r.status, r.text)
        t.check(g.sql("PRAGMA user_version") == [(2,)], "it is of today's version",
                g.sql("PRAGMA user_version"))
        t.check(g.sql("PRAGMA quick_check") == [("ok",)], "it is sound")
        plan = " ".join(row[3] for row in g.sql(
            "EXPLAIN QUERY PLAN SELECT json FROM items AS i CROSS JOIN responses "
            "AS r ON r.n = i.key >> 24 WHERE i.tag = 5 AND i.tag <> 0 AND i.id = '' "
            "AND r.caller = '' ORDER BY i.output DESC, i.key DESC LIMIT 1"))
        t.check("items_tag" in plan and "SCAN" not in plan and
                "TEMP B-TREE" not in plan, "items are found by an index", plan)


def test_unwritable(t):
    """A store that can not be had is said, and keeps nobody from an answer."""
    with Stored(before=lambda g: os.mkdir(g.file)) as g:
        t.check(until(lambda: len(g.logged("store_off")) == 2, 10),
                "each worker says so", g.events())
        r = g.post("/v1/responses", {"model": "gpt-5.5", "input": "Hi"})
        t.check(r.status == 200, "answers go on", r.status, r.text)
        os.rmdir(g.file)
        t.check(until(lambda: len(g.logged("store_on")) == 2, 30),
                "it is tried again, and said when it works", g.events())


if __name__ == "__main__":
    sys.exit(Checks("store").run(test_file, test_prune, test_foreign,
                                 test_older, test_unwritable))
