#!/usr/bin/env python3
"""Responses that run in the background: by two gateways on one store, each
with a worker, so that it is known who runs what and who is asked.

    tests/servers/test_background.py [word of a test's name ...]
"""
import json
import os
import re
import signal
import sqlite3
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import Answer, Checks, children, is_alive, until  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import gateway  # noqa: E402

WORDS = " ".join(f"w{i}" for i in range(60))


class Pair(gateway.Gateway):
    """a and b: sockets of two gateways on the same home."""

    def __init__(self, **env):
        bin = os.environ.get("CHATMOCK_TEST_BIN")
        super().__init__(kind="chatgpt", env=env, front=False,
                         bin=bin and os.path.abspath(bin), workers=1)

    def start(self):
        super().start()
        self.a, self.b = self.socket, os.path.join(self.home, "run", "b.sock")
        self.second = self.spawn("b", [
            "spawn-fcgi", "-n", "-s", self.b, "-M", "0600", "-b", "4096", "--",
            os.path.join(self.bin, "chatmock.fcgi")], self.settings())
        for path, master in ((self.a, self.master), (self.b, self.second)):
            self.wait(lambda: ask(path, "GET", "/v1/models").status == 200,
                      "an answer")
            self.wait(lambda: len(children(master.pid)) == 1, "one worker")

    @property
    def worker_a(self):
        return children(self.master.pid)[0]

    def __exit__(self, *exc):
        for p in (self.master, self.second):
            p.terminate()
        for p in (self.master, self.second):
            p.wait(30)
        died = [e for e in self.log("error") if e.get("event") == "worker_died"
                and e.get("signal") != signal.SIGKILL]
        super().__exit__(*exc)
        if died:
            raise RuntimeError(f"a worker died: {died}")

    def row(self, id):
        with sqlite3.connect(os.path.join(self.home, "responses.db"),
                             timeout=20) as db:
            rows = db.execute("SELECT status, owner, body FROM responses "
                              "WHERE id = ?", (id,)).fetchall()
        return rows[0] if rows else None

    def aborted(self, count=1, seconds=5):
        return until(lambda: len(self.upstream.aborts()) >= count, seconds)


def ask(path, method, uri, body=None, headers=None):
    """A whole answer; its JSON in .json."""
    a = start(path, method, uri, body, headers).all()
    try:
        a.json = json.loads(a.body)
    except ValueError:
        a.json = None
    return a


def start(path, method, uri, body=None, headers=None):
    """headers: by the names that a web server gives them."""
    data = json.dumps(body).encode() if body is not None else b""
    params = {"CONTENT_TYPE": "application/json"} if body is not None else {}
    params.update(headers or {})
    return Answer(path, method, uri, data, params=params)


def begin(g, text="go", path=None, **more):
    """Asks a; the id of what runs now."""
    r = ask(path or g.a, "POST", "/v1/responses",
            dict({"model": "gpt-5.5", "input": text, "background": True}, **more))
    if r.status != 200:
        raise AssertionError(f"{r.status} {r.body}")
    return r.json["id"]


def status(path, id):
    return ask(path, "GET", f"/v1/responses/{id}").json.get("status")


def ended(path, id, seconds=20):
    """The response, once it does not run any more."""
    def look():
        r = ask(path, "GET", f"/v1/responses/{id}").json
        if "status" not in r:
            raise AssertionError(r)
        return r if r.get("status") not in ("queued", "in_progress") else None
    return until(look, seconds)


def events_of(body):
    return [json.loads(m) for m in re.findall(rb"^data: (.*)$", body, re.M)]


def read_events(answer, count):
    """The first events; what is behind them is not looked at."""
    while len(events_of(answer.body[:answer.body.rfind(b"\n\n") + 1])) < count:
        piece = answer.read()
        if not piece:
            break
        answer.body += piece
    whole = answer.body[:answer.body.rfind(b"\n\n") + 1]
    return events_of(whole)[:count]


def follow(path, id, after=None):
    return start(path, "GET", f"/v1/responses/{id}?stream=true" +
                 (f"&starting_after={after}" if after is not None else ""))


def text_of(events):
    return "".join(e.get("delta", "") for e in events
                   if e["type"] == "response.output_text.delta")


def numbers_are_whole(events, first=0):
    return [e["sequence_number"] for e in events] == \
        list(range(first, first + len(events)))


def test_runs_on(t):
    """The answer comes at once; the work goes on, and is found."""
    with Pair() as g:
        g.upstream.default({"say": "one two three", "interval_ms": 20})
        begun = time.monotonic()
        r = ask(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "Hi", "background": True,
            "metadata": {"a": "b"}, "instructions": "Be brief."})
        took = time.monotonic() - begun
        t.check(r.status == 200 and r.json["status"] in ("queued", "in_progress") and
                r.json["background"] is True and r.json["store"] is True and
                r.json["metadata"] == {"a": "b"}, "told that it runs", r.body)
        t.check(took < 1, "at once", took)
        id = r.json["id"]
        now = ask(g.b, "GET", f"/v1/responses/{id}")
        t.check(now.status == 200 and now.json["id"] == id, "found while it runs")
        end = ended(g.b, id)
        t.check(end and end["status"] == "completed" and end["id"] == id and
                end["background"] is True and
                end["output"][0]["content"][0]["text"] == "one two three",
                "it ends well", end)
        [sent] = g.upstream.requests()
        t.check(sent["problems"] == [] and sent["body"]["store"] is False and
                "background" not in sent["body"], "upstream hears nothing of it",
                sent["problems"])
        items = ask(g.b, "GET", f"/v1/responses/{id}/input_items").json
        t.check(len(items["data"]) == 1, "its input is found", items)
        r = ask(g.b, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "And?", "previous_response_id": id})
        sent = g.upstream.requests()[-1]["body"]["input"]
        t.check(r.status == 200 and len(sent) == 3, "it can be continued", sent)


def test_refused(t):
    with Pair() as g:
        r = ask(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "Hi", "background": True, "store": False})
        t.check(r.status == 400 and r.json["error"]["param"] == "background",
                "without store", r.body)
        r = ask(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "Hi", "background": "yes"})
        t.check(r.status == 400, "no boolean", r.body)
        plain = ask(g.a, "POST", "/v1/responses",
                    {"model": "gpt-5.5", "input": "Hi"}).json["id"]
        for method, uri in (("POST", f"/v1/responses/{plain}/cancel"),
                            ("GET", f"/v1/responses/{plain}?stream=true")):
            r = ask(g.b, method, uri, {} if method == "POST" else None)
            t.check(r.status == 400 and "background" in r.json["error"]["message"],
                    f"{method} of one that did not run so", r.body)
        for method, uri in (("POST", "/v1/responses/resp_none/cancel"),
                            ("GET", "/v1/responses/resp_none?stream=true")):
            r = ask(g.b, method, uri, {} if method == "POST" else None)
            t.check(r.status == 404, f"{method} of none", r.body)
        r = ask(g.b, "GET", f"/v1/responses/{plain}?stream=true&starting_after=x")
        t.check(r.status == 400, "a number that is none", r.body)


def test_resume(t):
    """A client that lost its stream loses nothing, wherever it was cut."""
    with Pair() as g:
        g.upstream.default({"say": WORDS, "interval_ms": 10})
        for cut in (1, 2, 5, 17, 40, 66):
            first = start(g.a, "POST", "/v1/responses", {
                "model": "gpt-5.5", "input": "go", "background": True,
                "stream": True})
            got = read_events(first, cut)
            id = got[0]["response"]["id"]
            first.close()
            rest = events_of(follow(g.b, id, got[-1]["sequence_number"]).all().body)
            t.check(numbers_are_whole(got + rest) and
                    text_of(got + rest) == WORDS and
                    rest[-1]["type"] == "response.completed" and
                    rest[-1]["response"]["id"] == id,
                    f"cut behind {cut} events: nothing lost, nothing twice",
                    len(got), len(rest), [e["type"] for e in rest[-2:]])
        t.check(g.upstream.aborts() == [], "upstream was never left")
        again = events_of(follow(g.a, id).all().body)
        t.check(again == got + rest, "all of it later, word for word")
        t.check(events_of(follow(g.b, id, again[-1]["sequence_number"]).all().body)
                == [], "nothing is behind the end")


def test_many_follow(t):
    """Each gets all of it, from where it begins."""
    with Pair() as g:
        g.upstream.default({"say": WORDS, "interval_ms": 20})
        id = begin(g)
        got = {}

        def one(n):
            time.sleep(n * 0.05)
            got[n] = events_of(follow((g.a, g.b)[n % 2], id).all().body)

        threads = [threading.Thread(target=one, args=(n,)) for n in range(16)]
        for th in threads:
            th.start()
        for th in threads:
            th.join(60)
        t.check(len(got) == 16 and all(numbers_are_whole(e) and text_of(e) == WORDS
                                       for e in got.values()),
                "sixteen followers, nothing lost", [len(e) for e in got.values()])


def test_large(t):
    """Events larger than what is read of the store at once, in order, and with
    numbers that stand behind others of that name."""
    big = "A" * (5 << 20)
    item = {"id": "ig_1", "type": "image_generation_call", "status": "completed",
            "result": big, "action": {"sequence_number": 500}}
    with Pair() as g:
        g.upstream.default({"steps": [{"event": e} for e in (
            {"type": "response.created", "sequence_number": 0,
             "response": {"id": "resp_1", "output": []}},
            {"type": "response.image_generation_call.partial_image",
             "item_id": "ig_1", "output_index": 0, "partial_image_index": 0,
             "partial_image_b64": big, "sequence_number": 1},
            {"type": "response.output_item.done", "output_index": 0, "item": item,
             "sequence_number": 2},
            {"type": "response.completed", "sequence_number": 3, "response": {
                "id": "resp_1", "status": "completed", "output": []}})]})
        got = events_of(start(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "draw", "background": True,
            "stream": True}).all().body)
        t.check(numbers_are_whole(got) and len(got) == 4 and
                got[-1]["type"] == "response.completed" and
                got[-1]["response"]["output"][0]["result"] == big,
                "the client hears all of it", [e["type"] for e in got])
        id = got[0]["response"]["id"]
        for after in range(4):
            rest = events_of(follow(g.b, id, after).all().body)
            t.check(rest == got[after + 1:], f"behind {after}",
                    [e["sequence_number"] for e in rest])
        end = ended(g.b, id)
        t.check(end and end["output"][0]["result"] == big, "it can be got")


def test_live(t):
    """What upstream says now is heard from the other worker soon."""
    tool = gateway.upstream_tool.Upstream(
        "--bench", kind="chatgpt", base="/backend-api/codex",
        program=os.path.join(gateway.ROOT, "build", "bin",
                             "chatmock-demo-upstream"))
    with tool as up:
        with Pair(CHATMOCK_UPSTREAM_URL=up.url) as g:
            id = begin(g, "bench-events=200 bench-interval-us=20000")
            late = []
            for path in (g.b, g.a):
                answer, seen, done = follow(path, id), len(late), False
                while not done and len(late) < seen + 80:
                    piece = answer.read()
                    now = time.monotonic()
                    if not piece:
                        break
                    answer.body += piece
                    for at in re.findall(rb'"delta":"\d+:(\d+) ', piece):
                        late.append(now - int(at) / 1e6)
                answer.close()
                # what was there before it asked was not late
                late = [x for x in late if x < 5]
                late = late[:seen] + late[seen:][-60:]
            late.sort()
            t.check(len(late) > 60, "there was something to measure", len(late))
            median = statistics.median(late)
            print(f"  live: median {median * 1000:.0f} ms, 95 % within "
                  f"{late[int(len(late) * 0.95)] * 1000:.0f} ms", flush=True)
            t.check(median < 0.25, "half of it within 250 ms", median)


def test_cancel(t):
    """Through the worker that does not run it."""
    with Pair() as g:
        g.upstream.default({"say": WORDS, "interval_ms": 50})
        for n, path in enumerate((g.b, g.a), 1):
            id = begin(g)
            answer = follow(g.b, id)
            read_events(answer, 6)
            begun = time.monotonic()
            r = ask(path, "POST", f"/v1/responses/{id}/cancel", {})
            t.check(r.status == 200 and r.json["status"] == "cancelled" and
                    r.json["id"] == id, "told as cancelled", r.body)
            t.check(g.aborted(n), "upstream is left")
            took = time.monotonic() - begun
            print(f"  cancel: upstream left after {took * 1000:.0f} ms", flush=True)
            t.check(took < 2, "soon", took)
            events = events_of(answer.all().body)
            t.check(events[-1]["type"] == "response.cancelled" and
                    numbers_are_whole(events), "who follows hears it",
                    [(e["type"], e["sequence_number"]) for e in events[-3:]])
            t.check(status(g.a, id) == "cancelled", "and stays so")
            r = ask(g.b, "POST", f"/v1/responses/{id}/cancel", {})
            t.check(r.status == 200 and r.json["status"] == "cancelled", "twice")
        # in silence, and one that is deleted instead
        g.upstream.default({"steps": [{"stall": True}]})
        id = begin(g)
        until(lambda: len(g.upstream.requests()) == 3, 5)
        ask(g.b, "POST", f"/v1/responses/{id}/cancel", {})
        t.check(g.aborted(3), "also in silence")
        id = begin(g)
        until(lambda: len(g.upstream.requests()) == 4, 5)
        t.check(ask(g.b, "DELETE", f"/v1/responses/{id}").status == 200, "deleted")
        t.check(g.aborted(4), "upstream is left then too")
        t.check(ask(g.a, "GET", f"/v1/responses/{id}").status == 404, "and gone")
        # one that has ended stays what it is
        g.upstream.default({"say": "Done."})
        id = begin(g)
        ended(g.a, id)
        r = ask(g.b, "POST", f"/v1/responses/{id}/cancel", {})
        t.check(r.status == 200 and r.json["status"] == "completed",
                "too late to cancel", r.body)


def test_failed(t):
    """What goes wrong stands in the response, and ends its stream."""
    with Pair() as g:
        for what, script, code in (
                ("before", {"status": 400, "body": {"detail": "No."}}, None),
                ("limit", {"status": 429, "body": {"error": {
                    "type": "usage_limit_reached", "message": "Full."}}}, None),
                ("midst", {"say": "one two", "stop_before":
                           "response.output_text.done", "then": "close"}, None),
                ("told", {"say": "x", "failed": {
                    "code": "server_error", "message": "Oh."}}, "server_error")):
            g.upstream.default(script)
            id = begin(g)
            end = ended(g.b, id)
            t.check(end and end["status"] == "failed" and end["error"]["message"],
                    f"{what}: failed, with a reason", end)
            if code:
                t.check(end["error"]["code"] == code, f"{what}: upstream's", end)
            events = events_of(follow(g.b, id).all().body)
            t.check(events and events[-1]["type"] == "response.failed" and
                    events[-1]["response"]["id"] == id and numbers_are_whole(events),
                    f"{what}: a stream of it ends so", events[-1:])


def test_killed(t):
    """Whoever ran it is dead: it has failed, and never seems to run."""
    with Pair() as g:
        g.upstream.default({"say": "one two three", "then": "stall",
                            "stop_before": "response.output_text.done"})
        for n in range(3):
            id = begin(g)
            answer = follow(g.b, id)
            read_events(answer, 6)
            victim = g.worker_a
            os.kill(victim, signal.SIGKILL)
            until(lambda: not is_alive(victim), 5)
            t.check((seen := ask(g.b, "GET", f"/v1/responses/{id}").json).get("status") == "failed", "failed at the first look", seen,
                    status(g.b, id))
            events = events_of(answer.all().body)
            t.check(events[-1]["type"] == "response.failed" and
                    numbers_are_whole(events), "who follows hears it",
                    [(e["type"], e["sequence_number"]) for e in events[-2:]])
            until(lambda: children(g.master.pid), 10)
        id = begin(g)
        os.kill(g.worker_a, signal.SIGKILL)
        t.check(until(lambda: g.row(id)[0] == 4, 20),
                "the next worker says so where nobody asks", g.row(id))


def test_drained(t):
    """A drain waits for it, and ends it at its limit, and says why."""
    with Pair(CHATMOCK_DRAIN_TIMEOUT="1") as g:
        g.upstream.default({"say": "one two three", "interval_ms": 30})
        short = begin(g)
        # it was answered before upstream was asked
        until(lambda: len(g.upstream.requests()) == 1, 5)
        g.upstream.default({"say": "one", "then": "stall",
                            "stop_before": "response.output_text.done"})
        long = begin(g)
        until(lambda: len(g.upstream.requests()) == 2, 5)
        os.kill(g.master.pid, signal.SIGTERM)
        g.master.wait(20)
        end = ask(g.b, "GET", f"/v1/responses/{long}").json
        t.check(end["status"] == "failed" and "stopped" in end["error"]["message"],
                "failed, with the reason", end)
        t.check(status(g.b, short) == "completed", "the short one had its time")
        events = events_of(follow(g.b, long).all().body)
        t.check(events[-1]["type"] == "response.failed", "told in its stream",
                events[-1:])


def test_ceiling(t):
    """So many of one caller, then it is told to wait."""
    with Pair(CHATMOCK_DRAIN_TIMEOUT="1") as g:
        g.upstream.default({"steps": [{"stall": True}]})
        ids = [begin(g) for _ in range(128)]
        r = ask(g.a, "POST", "/v1/responses",
                {"model": "gpt-5.5", "input": "x", "background": True})
        t.check(r.status == 503 and "background" in r.json["error"]["message"],
                "one too many", r.body)
        ask(g.b, "POST", f"/v1/responses/{ids[0]}/cancel", {})
        t.check(until(lambda: ask(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "x", "background": True}).status == 200, 5),
            "room again")


def test_own_login(t):
    """With the caller's own login it runs to its end, also when the first call
    fails, and is nobody else's."""
    ann, bob = [{"HTTP_AUTHORIZATION": f"Bearer tok-{who}",
                 "HTTP_CHATGPT_ACCOUNT_ID": f"acct_{who}"} for who in ("ann", "bob")]
    with Pair(CHATMOCK_FORWARD_AUTH="1", CHATMOCK_DRAIN_TIMEOUT="1") as g:
        g.upstream.script({"status": 503, "body": {"error": {"message": "Busy."}}})
        g.upstream.default({"say": WORDS, "interval_ms": 20})
        first = start(g.a, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "go", "background": True,
            "stream": True}, ann)
        got = read_events(first, 5)
        id = got[0]["response"]["id"]
        first.close()
        uri = f"/v1/responses/{id}"
        for who, headers in (("bob", bob), ("the gateway's login", None)):
            for method, what in (("GET", uri), ("GET", uri + "?stream=true"),
                                 ("POST", uri + "/cancel"), ("DELETE", uri)):
                r = ask(g.b, method, what, {} if method == "POST" else None, headers)
                t.check(r.status == 404, f"{method} by {who}: not there", r.body)
        rest = events_of(start(
            g.b, "GET", f"{uri}?stream=true&starting_after={got[-1]['sequence_number']}",
            headers=ann).all().body)
        t.check(numbers_are_whole(got + rest) and text_of(got + rest) == WORDS and
                rest[-1]["type"] == "response.completed", "its own takes it up",
                [e["type"] for e in rest[-2:]])
        sent = g.upstream.requests()
        t.check([(gateway.upstream_tool.header(s, "authorization"),
                  gateway.upstream_tool.header(s, "chatgpt-account-id"))
                 for s in sent] == [("Bearer tok-ann", "acct_ann")] * 2,
                "each call with its own login", [s["headers"] for s in sent])
        r = ask(g.b, "POST", "/v1/responses", {
            "model": "gpt-5.5", "input": "And?", "previous_response_id": id}, ann)
        t.check(r.status == 200 and
                len(g.upstream.requests()[-1]["body"]["input"]) == 3,
                "it can be continued", r.body)

        # of one caller, so many; of others as many more
        g.upstream.default({"steps": [{"stall": True}]})
        body = {"model": "gpt-5.5", "input": "x", "background": True}
        ids = [ask(g.a, "POST", "/v1/responses", body, ann).json["id"]
               for _ in range(128)]
        t.check(ask(g.a, "POST", "/v1/responses", body, ann).status == 503,
                "one too many of ann's")
        t.check(ask(g.a, "POST", "/v1/responses", body, bob).status == 200,
                "bob has his own")
        r = ask(g.b, "POST", f"/v1/responses/{ids[0]}/cancel", {}, ann)
        t.check(r.status == 200 and r.json["status"] == "cancelled",
                "ann cancels one of hers", r.body)
        t.check(g.aborted(), "upstream is left")
        with open(os.path.join(g.home, "responses.db"), "rb") as f:
            t.check(b"tok-ann" not in f.read(), "no token in the store")


def test_only_background(t):
    """All else ends with its client, as before."""
    with Pair() as g:
        g.upstream.default({"say": WORDS, "interval_ms": 50})
        answer = start(g.a, "POST", "/v1/responses",
                       {"model": "gpt-5.5", "input": "go", "stream": True})
        read_events(answer, 6)
        answer.close()
        t.check(g.aborted(), "upstream is left")


if __name__ == "__main__":
    sys.exit(Checks("background").run(
        test_runs_on, test_refused, test_resume, test_many_follow, test_large,
        test_live, test_cancel, test_failed, test_killed, test_drained, test_ceiling,
        test_own_login, test_only_background))
