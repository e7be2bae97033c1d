#!/usr/bin/env python3
"""The test upstream itself: what it refuses, plays, counts and issues."""
import copy
import http.client
import json
import socket
import sys
import time

from upstream import Upstream, header

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    if not ok:
        line = sys._getframe(1).f_lineno
        print(f"test_upstream.py:{line}: {what}")


HEADERS = {"content-type": "application/json", "accept": "text/event-stream",
           "authorization": "Bearer x", "chatgpt-account-id": "a"}
TEXT = {"type": "input_text", "text": "hi"}
USER = {"type": "message", "role": "user", "content": [TEXT]}
GOOD = {"model": "gpt-5.5", "stream": True, "store": False, "input": [USER]}
TOOL = {"type": "function", "name": "f", "strict": False,
        "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
DONE = {"type": "function_call_output", "call_id": "c1", "output": "x"}


def ask(up, body, path="/v1/responses", **headers):
    """(status, bytes or None when the answer was cut)"""
    c = http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)
    sent = {**HEADERS, **{k.replace("_", "-"): v for k, v in headers.items()}}
    try:
        data = body if isinstance(body, bytes) else json.dumps(body)
        c.request("POST", path, data, {k: v for k, v in sent.items() if v})
        r = c.getresponse()
        return r.status, r.read()
    except (http.client.HTTPException, OSError):
        return 0, None
    finally:
        c.close()


def events(body):
    return [json.loads(line[6:]) for line in body.decode().split("\n")
            if line.startswith("data: ")]


def types(body):
    return [e["type"] for e in events(body)]


def said(body):
    return "".join(e["delta"] for e in events(body)
                   if e["type"] == "response.output_text.delta")


def items(*more):
    return {"input": [USER, *more]}


# changes to GOOD, and what the ChatGPT backend says; None: it takes it
CHATGPT = [
    ({}, None),
    ({"temperature": 1}, "Unsupported parameter: temperature"),
    ({"max_output_tokens": 5}, "Unsupported parameter: max_output_tokens"),
    ({"metadata": {}}, "Unsupported parameter: metadata"),
    ({"previous_response_id": "r"}, "Unsupported parameter: previous_response_id"),
    ({"stream_options": {"include_usage": True}}, "stream_options.include_usage"),
    ({"stream": False}, "Stream must be set to true"),
    ({"stream": None}, "'stream'"),
    ({"store": True}, "Store must be set to false"),
    ({"input": "hi"}, "Input must be a list"),
    ({"service_tier": "flex"}, "Unsupported service_tier: flex"),
    ({"service_tier": "priority"}, None),
    ({"reasoning": {"effort": "ultra"}}, "Invalid value: 'ultra'"),
    ({"reasoning": {"effort": "high", "summary": "auto"}}, None),
    ({"include": ["reasoning.encrypted_content"]}, None),
    ({"include": ["x"]}, "Invalid value: 'x'"),
    ({"text": {"verbosity": "loud"}}, "Invalid value: 'loud'"),
    ({"text": {"format": {"type": "json_schema", "name": "n",
                          "schema": {}}}}, None),
    ({"text": {"format": {"type": "json_schema", "json_schema": {}}}},
     "'text.format.name'"),
    (items({"type": "message", "role": "system", "content": [TEXT]}),
     "System messages are not allowed"),
    (items({"type": "message", "role": "developer", "content": [TEXT]}), None),
    (items({"type": "message", "role": "assistant", "content": [TEXT]}),
     "Invalid value: 'input_text'"),
    (items({"type": "message", "role": "user",
            "content": [{"type": "output_text", "text": "x"}]}),
     "Invalid value: 'output_text'"),
    (items({"type": "message", "role": "user", "content": "x"}), "an array"),
    (items({"role": "user", "content": [{"type": "input_image",
                                         "image_url": {"url": "x"}}]}), "object"),
    (items({"role": "user", "content": [
        {"type": "input_image", "image_url": "data:image/png;base64,AA"}]}), None),
    (items(CALL, DONE), None),
    (items(CALL), "No tool output found for function call c1"),
    (items(DONE), "No tool call found"),
    (items({**CALL, "call_id": "c" * 65}, {**DONE, "call_id": "c" * 65}),
     "maximum length 64"),
    (items({**CALL, "name": "a.b"}, DONE), "does not match pattern"),
    (items({**CALL, "id": "x1"}, DONE), "begins with 'fc_'"),
    (items({**CALL, "arguments": {}}, DONE), "arguments"),
    (items({"type": "item_reference", "id": "x"}), "item_reference"),
    (items({"type": "reasoning", "summary": []}), "encrypted content"),
    (items({"type": "web_search_call", "action": {"type": "other"}}), "'other'"),
    ({"tools": [TOOL]}, None),
    ({"tools": [{k: v for k, v in TOOL.items() if k != "strict"}]}, "strict"),
    ({"tools": [{"type": "function", "function": TOOL}]}, "name"),
    ({"tools": [{**TOOL, "name": "x" * 65}]}, "maximum length 64"),
    ({"tools": [TOOL, TOOL]}, "Duplicate"),
    ({"tools": [{**TOOL, "parameters": {}}]}, "Invalid schema"),
    ({"tools": [{"type": "web_search_preview"}]}, "Unsupported tool type"),
    ({"tools": [{"type": "web_search"}]}, None),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}}, None),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}},
     "not found"),
    ({"tools": [TOOL], "tool_choice": {
        "type": "allowed_tools", "mode": "auto",
        "tools": [{"type": "function", "name": "f"}]}}, None),
    ({"tool_choice": "required"}, "required"),
]

RESPONSES = [
    ({"temperature": 1, "metadata": {"a": "b"}, "max_output_tokens": 16}, None),
    ({"temperature": 3}, "out of range"),
    ({"max_output_tokens": 1}, "out of range"),
    ({"top_p": "x"}, "a number"),
    ({"foo": 1}, "Unknown parameter: 'foo'"),
    ({"input": "hi", "store": True}, None),
    (items({"role": "system", "content": "x"}), None),
    (items(CALL), "No tool output found"),
    ({"messages": []}, "Unknown parameter"),
]


def refusals(kind, table):
    with Upstream(kind=kind) as up:
        for change, want in table:
            status, body = ask(up, {**copy.deepcopy(GOOD), **change})
            problems = up.requests()[-1]["problems"]
            if want is None:
                check(status == 200 and not problems, (change, problems))
            else:
                check(status == 400 and any(want in p for p in problems),
                      (change, want, problems))
        check(b"is not a JSON object" in ask(up, b"{bad")[1], "bad JSON")
        if kind == "chatgpt":
            old = "Bearer " + up.access_token(expires_in=-5)
            check(b"token_expired" in ask(up, GOOD, authorization=old)[1], "expired")
            check(ask(up, GOOD, authorization="")[0] == 401, "no login")
            check(ask(up, GOOD, chatgpt_account_id="")[0] == 400, "no account")
            check(ask(up, GOOD, accept="*/*")[0] == 400, "accept")
            check(ask(up, GOOD, content_type="text/plain")[0] == 400, "type")


def plays():
    with Upstream() as up:
        check(said(ask(up, GOOD)[1]) == "Hello from the test upstream.", "default")
        up.script({"think": ["a b", "c"], "say": "Hello  world", "cut_every": 7,
                   "calls": [{"name": "f", "arguments": {"x": "\u00e9" * 20},
                              "call_id": "call_1"}], "usage": {"input_tokens": 1}})
        got = events(ask(up, GOOD)[1])
        check([e["sequence_number"] for e in got] == list(range(len(got))), "numbers")
        done = [e["item"] for e in got if e["type"] == "response.output_item.done"]
        check([d["type"] for d in done] == ["reasoning", "message", "function_call"],
              done)
        args = "".join(e["delta"] for e in got if "arguments.delta" in e["type"])
        check(args == done[2]["arguments"] and json.loads(args)["x"], args)
        check(got[-1]["response"]["output"] == []
              and got[-1]["response"]["usage"] == {"input_tokens": 1}, got[-1])
        up.script({"refusal": "no"}, {"say": "x", "incomplete": "content_filter"},
                  {"failed": {"code": "c", "message": "m"}},
                  {"error": {"code": "c"}}, {"say": "x", "done_only": True},
                  {"say": "x", "stop_before": "response.completed"})
        for want in ("response.completed", "response.incomplete", "response.failed",
                     "error", "response.completed", "response.output_item.done"):
            got = types(ask(up, GOOD)[1])
            check(got[0] == "response.created" and got[-1] == want, got)
        up.script({"say": "x", "stop_before": "response.completed", "then": "close"},
                  {"say": "x", "stop_before": "response.completed", "then": "reset"},
                  {"raw": True, "steps": [{"send": "rubbish"}]})
        for _ in range(3):
            check(ask(up, GOOD)[1] is None, "a cut answer")
        up.script({"status": 429, "headers": {"retry-after": "3"},
                   "body": {"error": {}}, "repeat": 2},
                  {"delay_ms": 100, "steps": [{"send_b64": "YQ=="}, {"wait_ms": 100},
                                              {"event": {"type": "t"}}]})
        check([ask(up, GOOD)[0] for _ in range(2)] == [429, 429], "repeat")
        begun = time.monotonic()
        check(ask(up, GOOD)[1] == b'aevent: t\ndata: {"type":"t"}\n\n', "steps")
        check(time.monotonic() - begun >= 0.2, "waits")
        up.script({"match": "magic", "say": "one"}, {"session": "s", "say": "two"},
                  {"path": "/models", "body": {"models": []}})
        check(said(ask(up, {**GOOD, "prompt_cache_key": "magic"})[1]) == "one", "match")
        check(said(ask(up, GOOD, session_id="s")[1]) == "two", "session")
        check(ask(up, {}, path="/v1/models")[1] == b'{"models":[]}', "path")
        check(up.ask("POST", "/_script", {"sey": "x"})[0] == 400, "unknown key")
        big = "word " * 200000
        up.clear()
        up.script({"say": big})
        check(said(ask(up, GOOD)[1]) == big, "a megabyte")
        check(header(up.requests()[0], "Accept") == "text/event-stream", "records")


def wire():
    body = json.dumps(GOOD).encode()
    head = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\n" + b"".join(
        f"{k}: {v}\r\n".encode() for k, v in HEADERS.items())
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    with Upstream() as up:
        s = socket.create_connection(("127.0.0.1", up.port))
        s.sendall((head + length + body) * 3 + head + b"Connection: close\r\n"
                  + length + body)
        got = s.makefile("rb").read()
        check(got.count(b"event: response.completed") == 4, "pipelined")
        s.close()
        s = socket.create_connection(("127.0.0.1", up.port))
        s.sendall(head + b"Expect: 100-continue\r\n" + length)
        check(s.recv(100).startswith(b"HTTP/1.1 100 "), "continue")
        for i in range(len(body)):
            s.sendall(body[i:i + 1])
        check(s.recv(12) == b"HTTP/1.1 200", "byte by byte")
        s.close()
        up.clear()
        up.script({"say": "x", "stop_before": "response.completed", "then": "stall"})
        s = socket.create_connection(("127.0.0.1", up.port))
        s.sendall(head + length + body)
        s.recv(100)
        check(up.stats()["open"] == 1, "open")
        begun = time.monotonic_ns() // 1000
        s.close()
        check(up.wait_requests(1)[0]["aborted"], "aborted")
        check(0 <= up.aborts()[-1] - begun < 1000000, "when")


def issuer():
    with Upstream() as up:
        def renew(token):
            return json.loads(ask(up, {"grant_type": "refresh_token", "client_id": "c",
                                       "refresh_token": token}, "/oauth/token")[1])
        first = renew("r1")
        check("access_token" in renew(first["refresh_token"]), "rotated")
        check(renew("r1")["error"]["code"] == "refresh_token_reused", "reused")
        up.token({"status": 500, "body": {"error": "x"}, "repeat": 2},
                 {"omit": ["refresh_token"], "delay_ms": 50})
        check([renew("a"), renew("b")] == [{"error": "x"}] * 2, "scripted")
        check("refresh_token" not in renew("c"), "omitted")
        up.token(newest_only=True)
        new = renew("d")["access_token"]
        check(ask(up, GOOD, authorization="Bearer " + first["access_token"])[0] == 401,
              "an older token")
        check(ask(up, GOOD, authorization="Bearer " + new)[0] == 200, "the newest")
        check(up.stats()["tokens_issued"] == 4, up.stats())


def models():
    def get(up, query="?client_version=0.169.0", **headers):
        c = http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)
        c.request("GET", "/codex/models" + query, headers={
            "authorization": "Bearer x", "chatgpt-account-id": "a",
            "originator": "t", **headers})
        r = c.getresponse()
        return r.status, r.headers.get("etag"), json.loads(r.read() or b"{}")

    def slugs(answer):
        return [m["slug"] for m in answer[2]["models"]]

    with Upstream() as up:
        got = get(up)
        check(slugs(got) == ["gpt-6-sol", "gpt-7-next", "codex-hidden"], got)
        check(slugs(get(up, "?client_version=0.150.0")) ==
              ["gpt-6-sol", "codex-hidden"], "an old client sees less")
        check(get(up, **{"if-none-match": got[1]})[0] == 304, "304")
        for query in ("", "?client_version=", "?client_version=1",
                      "?client_version=1.2.3&a=b"):
            check(get(up, query)[0] == 400, query)
        check(get(up, version="1.2.3")[0] == 400, "two versions")
        check(get(up, authorization="")[0] == 401, "no login")
        up.models(list=[{"slug": "x"}], etag='"1"',
                  accounts={"b": {"list": [{"slug": "y"}], "etag": '"2"'}})
        check(slugs(get(up)) == ["x"], "scripted")
        check(get(up, **{"chatgpt-account-id": "b"})[1] == '"2"', "by account")
        up.script({"path": "/models", "status": 500, "body": {}, "repeat": 1})
        check([get(up)[0] for _ in "ab"] == [500, 200], "a fault, once")
    with Upstream(kind="responses") as up:
        check(get(up, "")[2]["data"][0]["id"] == "gpt-5.5", "plain")
        check(get(up, "?a=b")[0] == 400, "and strict")


def modes():
    with Upstream("--demo") as up:
        check("no account is used" in said(ask(up, {})[1]), "demo")
    with Upstream("--bench", "--events", "50", "--interval", "1") as up:
        text = said(ask(up, {"input": "x"})[1]).split()
        check([int(t.split(":")[0]) for t in text] == list(range(50)), text)
        when = [int(t.split(":")[1]) for t in text]
        check(when == sorted(when) and when[-1] - when[0] >= 48000, when)
        text = said(ask(up, {"input": "bench-events=3 bench-interval-us=0"})[1])
        check(len(text.split()) == 3, text)
    with Upstream("--lax", key="k") as up:
        check(ask(up, {})[0] == 401 and ask(up, {}, authorization="Bearer k")[0] == 200,
              "key")
    check(up.stop() == 0, "ends well")


def main():
    refusals("chatgpt", CHATGPT)
    refusals("responses", RESPONSES)
    plays()
    wire()
    issuer()
    models()
    modes()
    print(f"test_upstream: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
