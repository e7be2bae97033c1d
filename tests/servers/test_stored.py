#!/usr/bin/env python3
"""Stored responses and conversations: two workers at one store, what is sent
again to the letter, a store that is slow, and what is too long."""
import concurrent.futures
import gzip
import json
import os
import signal
import sqlite3
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from gateway import Checks, Gateway  # noqa: E402

checks = Checks("stored")
RESPONSES, CONVERSATIONS = "/v1/responses", "/v1/conversations"


def create(g, text="x", **more):
    return g.post(RESPONSES, {"model": "gpt-5.5", "input": text, **more})


def last_event(r):
    return r.events()[-1]


def pages(g, path, limit=20):
    """All items of a list, by its pages."""
    found, after = [], ""
    while True:
        page = g.get(f"{path}?order=asc&limit={limit}{after}").json()
        found += page["data"]
        if not page["has_more"]:
            return found
        after = "&after=" + page["last_id"]


def raw_item(line):
    """The item in an event's line, as it stands there."""
    at = line.index('"item":') + 7
    return line[at:json.JSONDecoder().raw_decode(line, at)[1]]


CALL_RESULT = {"type": "function_call_output", "call_id": "call_l", "output": "o"}


def three_items(g):
    """An answer that is hard to write twice alike: its id, and its items as
    they came."""
    g.upstream.clear()
    g.upstream.script({"think": ["One \u00e4.", "Two \u2028."], "encrypted": "gAAA/+==",
                       "say": "Hello \"you\" \\ \u20ac \U0001f600",
                       "calls": [{"name": "f", "call_id": "call_l",
                                  "arguments": {"a": "\n", "b": 1.5}}]})
    r = create(g, stream=True, tools=[{"type": "function", "name": "f",
                                       "parameters": {"type": "object"}, "strict": False}])
    items = [raw_item(line) for line in r.text.split("\n")
             if line.startswith("data:") and '"response.output_item.done"' in line]
    checks.equal(len(items), 3, "items of the answer")
    return last_event(r)["response"]["id"], items


def to_the_letter(g):
    """An answer's items go upstream again as upstream wrote them."""
    response, items = three_items(g)
    create(g, [CALL_RESULT], previous_response_id=response)
    sent = g.upstream.requests()[-1]
    for item in items:
        kind = json.loads(item)["type"]
        checks.check(item in sent["text"], f"letter: {kind} as it came",
                     (item, sent["text"]))
    checks.equal(sent["problems"], [], "letter: upstream's faults")


def by_their_ids(g):
    """Items that are only named go upstream as upstream wrote them, through
    either worker, in a small body and in one that a thread reads."""
    _, items = three_items(g)
    named = [{"type": "item_reference", "id": json.loads(i)["id"]} for i in items]
    for size in [1] * 8 + [300_000]:
        g.upstream.clear()
        r = create(g, [{"role": "user", "content": "z" * size}, *named, CALL_RESULT])
        checks.equal(r.status, 200, "ids: the answer")
        sent = g.upstream.requests()[-1]
        checks.check(",".join(items) in sent["text"], f"ids: as they came, {size}",
                     (items, sent["text"][-3000:]))
        checks.equal(sent["problems"], [], "ids: upstream's faults")
    # above the ceiling of both, and what is only a part of it
    g.upstream.clear()
    r = create(g, named[:1] * 10_001)
    checks.equal((r.status, r.json()["error"]["param"]), (413, "input"),
                 "ids: too many")
    create(g, [{"type": "message", "role": "user", "id": "msg_mega",
                "content": "y" * (4 << 20)}], store=True)
    g.upstream.clear()
    r = create(g, [{"id": "msg_mega"}] * 7)
    checks.equal((r.status, r.json()["error"]["param"]), (413, "input"),
                 "ids: too large together")
    checks.equal(len(g.upstream.requests()), 0, "ids: upstream is not asked")
    r = create(g, [{"id": "msg_mega"}] * 2)
    checks.equal((r.status, len(g.upstream.requests())), (200, 1),
                 "ids: as large as they may be")


def large_and_packed(g):
    """What a thread reads is recalled in it, too."""
    g.upstream.clear()
    first = create(g, "one").json()["id"]
    for name, size in (("small", 10), ("large", 300_000)):
        body = json.dumps({"model": "gpt-5.5", "input": "z" * size,
                           "previous_response_id": first})
        for encoding in (None, "gzip"):
            g.upstream.clear()
            r = g.call("POST", RESPONSES,
                       gzip.compress(body.encode()) if encoding else body,
                       {"Content-Type": "application/json",
                        "Content-Encoding": encoding})
            sent = g.upstream.requests()[-1]["body"]["input"]
            checks.equal((r.status, [i["role"] for i in sent],
                          len(sent[-1]["content"][0]["text"])),
                         (200, ["user", "assistant", "user"], size),
                         f"{name}, {encoding or 'plain'}")
            listed = g.get(f"{RESPONSES}/{r.json()['id']}/input_items").json()
            checks.equal([len(i["content"][0]["text"]) for i in listed["data"]],
                         [size], f"{name}, {encoding or 'plain'}: its own input alone")


def many_at_once(g):
    """Turns and items for one conversation, from all sides: none is lost."""
    g.upstream.clear()
    conversation = g.post(CONVERSATIONS, {}).json()["id"]
    path = f"{CONVERSATIONS}/{conversation}/items"

    def turn(n):
        if n % 2:
            return g.post(path, {"items": [{"role": "user", "content": f"item {n}"}]})
        return create(g, f"turn {n}", conversation=conversation, stream=n % 4 == 0)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(turn, range(80)))
    checks.equal({a.status for a in answers}, {200}, "conversation: answers")
    said = [i["content"][0]["text"] for i in pages(g, path, 7)]
    want = [f"turn {n}" if n % 2 == 0 else f"item {n}" for n in range(80)]
    checks.equal(sorted(t for t in said if "Hello" not in t), sorted(want),
                 "conversation: what was asked")
    checks.equal(len(said), 120, "conversation: with the answers")
    # an answer stands behind its question
    for i, text in enumerate(said):
        if text.startswith("turn"):
            checks.check("Hello" in said[i + 1], f"{text}: its answer", said[i + 1])
    ids = [i["id"] for i in pages(g, path, 100)]
    checks.equal(len(set(ids)), 120, "conversation: ids")


def across_workers(g):
    """What one worker stored the other gives, also when the first was killed."""
    g.upstream.clear()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = [r.json()["id"] for r in pool.map(lambda n: create(g, f"n {n}"),
                                                range(40))]
        got = list(pool.map(lambda id: g.get(f"{RESPONSES}/{id}"), ids * 2))
    checks.equal({r.status for r in got}, {200}, "workers: each is there")
    for pid in g.worker_pids():
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if g.get(f"{RESPONSES}/{ids[0]}").status == 200:
                break
        except OSError:
            pass
        time.sleep(0.1)
    got = [g.get(f"{RESPONSES}/{id}").status for id in ids]
    checks.equal(set(got), {200}, "workers: after kill -9")


def too_long(g):
    """A chain beyond its ceiling is told as one, and upstream hears nothing."""
    id, text = None, "z" * 9_000_000
    for n in range(3):
        r = create(g, text, **({"previous_response_id": id} if id else {}))
        checks.equal(r.status, 200, f"too long: turn {n}")
        id = r.json()["id"]
    g.upstream.clear()
    r = create(g, "x", previous_response_id=id)
    checks.equal((r.status, r.json()["error"]["param"]),
                 (413, "previous_response_id"), "too long: the next")
    checks.equal(len(g.upstream.requests()), 0, "too long: upstream")


def slow_store(g):
    """A file that another holds: answers leave after a second, and say so;
    who stores nothing does not wait at all."""
    g.upstream.clear()
    create(g)
    held = sqlite3.connect(os.path.join(g.home, "responses.db"),
                           isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    try:
        results = {}

        def ask(name, **more):
            begun = time.monotonic()
            r = create(g, **more)
            results[name] = (r, time.monotonic() - begun)

        threads = [threading.Thread(target=ask, args=(name,), kwargs=more)
                   for name, more in (("whole", {}), ("stream", {"stream": True}),
                                      ("apart", {"store": False}))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        held.execute("ROLLBACK")
        held.close()
    whole, took = results["whole"]
    checks.equal((whole.status, whole.json()["status"], whole.json()["store"]),
                 (200, "completed", False), "slow: a whole answer")
    checks.check(0.8 < took < 10, "slow: it waited a second", took)
    stream, took = results["stream"]
    checks.equal((last_event(stream)["type"], last_event(stream)["response"]["store"]),
                 ("response.completed", False), "slow: a stream")
    checks.check(0.8 < took < 10, "slow: it waited, too", took)
    apart, took = results["apart"]
    checks.check(apart.status == 200 and took < 0.8, "slow: others do not wait", took)
    checks.check(any(line.get("event") == "store" for line in g.log("error")),
                 "slow: the log says it")
    r = create(g)
    checks.check(r.json()["store"], "slow: and then it stores again", r.text[:200])
    checks.equal(g.get(f"{RESPONSES}/{r.json()['id']}").status, 200,
                 "slow: what it said is there")


def main():
    with Gateway(kind="chatgpt", workers=2) as g:
        for test in (to_the_letter, by_their_ids, large_and_packed, many_at_once,
                     across_workers, too_long, slow_store):
            try:
                test(g)
            except Exception as e:
                checks.check(False, f"{test.__name__}: {type(e).__name__}: {e}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
