#!/usr/bin/env python3
"""Upstream's stream, cut at each of its bytes: nothing but the whole of it may
look like success. And in pieces of any size it must read the same.

    cuts.py [--bin DIR]

Each cut is asked for in each tongue, streamed and whole, and ends in one of
three ways: a clean end of the body, a closed connection, a reset one. A
stream's cut must be told by an error event (or, before its first words, by
502), never by finish_reason, [DONE], message_stop or "done":true; a whole
answer's by 502. What came before the cut must be the beginning of the whole.
"""
import argparse
import base64
import concurrent.futures
import json
import os
import re
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import anthropic_shape  # noqa: E402
import fastcgi  # noqa: E402
from gateway import Checks, Gateway  # noqa: E402

THREADS = 96                    # most of them wait for the next attempt
BATCH = 150                     # cuts at a time: upstream looks through them
ENDS = ("end", "close", "reset")
VARIANTS = [("chat", True), ("chat", False),
            ("completion", True), ("completion", False),
            ("anthropic", True), ("anthropic", False),
            ("ollama", True), ("ollama", False),
            ("generate", True), ("generate", False)]
PATHS = {"chat": "/v1/chat/completions", "completion": "/v1/completions",
         "anthropic": "/v1/messages", "ollama": "/api/chat",
         "generate": "/api/generate"}
BROKEN = "Upstream broke off its answer."

EVENTS = [
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1",
     "output_index": 0, "summary_index": 0, "delta": "Hm — "},
    {"type": "response.output_item.done", "output_index": 0, "item": {
        "id": "rs_1", "type": "reasoning", "summary": [
            {"type": "summary_text", "text": "Hm — "}]}},
    {"type": "response.output_item.added", "output_index": 1, "item": {
        "id": "msg_1", "type": "message", "role": "assistant", "content": []}},
    {"type": "response.output_text.delta", "item_id": "msg_1",
     "output_index": 1, "content_index": 0, "delta": "Grüße, "},
    {"type": "response.output_text.delta", "item_id": "msg_1",
     "output_index": 1, "content_index": 0, "delta": "\"Welt\" 🙂"},
    {"type": "response.output_item.done", "output_index": 1, "item": {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "Grüße, \"Welt\" 🙂"}]}},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1",
     "output_index": 2, "delta": "{\"a\":"},
    {"type": "response.output_item.done", "output_index": 2, "item": {
        "id": "fc_1", "type": "function_call", "call_id": "call_1",
        "name": "f", "arguments": "{\"a\":1}"}},
    {"type": "response.completed", "response": {
        "id": "resp_1", "status": "completed", "output": [], "usage": {
            "input_tokens": 5, "output_tokens": 7, "total_tokens": 12}}},
]
# ids, times, durations, and the head of a seal, which has the reasoning's id in it
VARYING = re.compile(rb'("(?:chatcmpl-|cmpl-|msg_|req_)|"created":|"cm1\.)'
                     rb'[0-9A-Za-z]+(\.rs_\d+)?|'
                     rb'"created_at":"[^"]*"|'
                     rb',"(total|eval|prompt_eval)_duration":\d+')


def recorded():
    text = ""
    for event in EVENTS:
        data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        text += f"event: {event['type']}\ndata: {data}\n\n"
    return text.encode()


class Asker:
    """Asks the gateway over FastCGI, each thread on a connection it keeps."""

    def __init__(self, g):
        self.g, self.local = g, threading.local()

    def ask(self, api, stream, prompt):
        body = {"model": "gpt-5.5", "stream": stream}
        if api in ("chat", "ollama"):
            body["messages"] = [{"role": "user", "content": prompt}]
            body["tools"] = [{"type": "function", "function": {"name": "f"}}]
        elif api == "anthropic":
            body["messages"] = [{"role": "user", "content": prompt}]
            body["tools"] = [{"name": "f", "input_schema": {"type": "object"}}]
            body.update(max_tokens=1000, thinking={"type": "adaptive"})
        else:
            body["prompt"] = prompt
        kept = getattr(self.local, "connection", None)
        call = fastcgi.Call(self.g.socket, "POST", PATHS[api], json.dumps(body),
                            keep=True, connection=kept)
        answer = call.run()
        self.local.connection = None if answer.closed else call.connection
        return answer


def text_of(body):
    """All that a stream said, one thing behind the other."""
    said = ""
    for line in body.split(b"\n"):
        event = json.loads(line[6:]) if line.startswith(b"data: {") else {}
        for choice in event.get("choices", ()):
            delta = choice.get("delta", {"content": choice.get("text")})
            said += (delta.get("reasoning_content") or "") + \
                (delta.get("content") or "")
            for call in delta.get("tool_calls", ()):
                said += call["function"].get("arguments", "")
        if event.get("type") == "content_block_delta":
            for key in ("thinking", "text", "partial_json"):
                said += event["delta"].get(key, "")
    return said


def message_verdict(body, whole_text):
    """The same for Anthropic's stream, by its grammar."""
    fault, stream = anthropic_shape.read_stream(body.decode())
    if fault:
        return fault
    if stream.state == "over":
        return "success"
    if b'"upstream_broke"' not in body.rstrip(b"\n").split(b"\n\n")[-1]:
        return f"not its error: {body[-200:]!r}"
    return "failure" if whole_text.startswith(text_of(body)) else \
        f"not the beginning of the whole: {text_of(body)!r}"


def text_of_lines(body):
    """The same of an Ollama stream."""
    said = ""
    for line in body.split(b"\n")[:-1]:
        piece = json.loads(line)
        message = piece.get("message", piece)
        said += message.get("thinking", "") + \
            message.get("content", message.get("response", ""))
        for call in message.get("tool_calls", ()):
            said += json.dumps(call["function"]["arguments"], separators=(",", ":"))
    return said


def verdict_of_lines(answer, stream, whole_text):
    ended = re.search(rb'"done":true', answer.body)
    if not stream or ended:
        return "success" if ended else f"no end at all: {answer.body[-200:]!r}"
    if json.loads(answer.body.split(b"\n")[-2]) != {"error": BROKEN}:
        return f"no end at all: {answer.body[-200:]!r}"
    return "failure" if whole_text.startswith(text_of_lines(answer.body)) else \
        f"not the beginning of the whole: {answer.body[-200:]!r}"


def verdict(answer, api, stream, whole_text):
    """How the client reads it: "success", "failure", or what is wrong."""
    if not answer.complete:
        return f"the answer is incomplete: {answer.raw[-200:]!r}"
    if answer.status == 502:
        error = json.loads(answer.body)["error"]
        code = error if isinstance(error, str) else error["code"]
        return "failure" if code in ("upstream_broke", BROKEN) else code
    if answer.status != 200:
        return f"status {answer.status}"
    if api in ("ollama", "generate"):
        return verdict_of_lines(answer, stream, whole_text)
    if not stream:
        return "success"
    if api == "anthropic":
        return message_verdict(answer.body, whole_text)
    ended = b"[DONE]" in answer.body or \
        re.search(rb'"finish_reason":"', answer.body)
    last = answer.body.rstrip(b"\n").split(b"\n\n")[-1]
    if not ended and b'{"error":' in last and b'"upstream_broke"' in last:
        if whole_text.startswith(text_of(answer.body)):
            return "failure"
        return f"not the beginning of the whole: {text_of(answer.body)!r}"
    return "success" if ended else f"no end at all: {answer.body[-200:]!r}"


def script(prompt, data, end):
    # the script's end is that of the body, the others cut the connection
    return {"match": prompt, "then": end, "steps": [
        {"send_b64": base64.b64encode(data).decode().rstrip("=")}] if data else []}


def cuts(checks, g, asker, pool):
    stream = recorded()
    g.upstream.script(script("whole;", stream, "end"))
    whole = {api: (text_of if "/v1/" in path else text_of_lines)(
        asker.ask(api, True, "whole;").body) for api, path in PATHS.items()}
    for api in ("chat", "anthropic", "ollama"):
        checks.equal(whole[api], 'Hm — Grüße, "Welt" 🙂{"a":1}',
                     f"the whole stream, {api}")
    seen = {"success": 0, "failure": 0}
    events = 0

    def one(at, api, streamed, end):
        answer = asker.ask(api, streamed, f"cut={at},{end};")
        return (at, api, streamed, end, answer,
                verdict(answer, api, streamed, whole[api]))

    for begin in range(0, len(stream) + 1, BATCH):
        batch = range(begin, min(begin + BATCH, len(stream) + 1))
        g.upstream.clear()
        g.upstream.script(*[script(f"cut={at},{end};", stream[:at], end)
                            for at in batch for end in ENDS])
        # a chat's stream ends in each way at each byte, the others in turn
        jobs = [(at, api, streamed, end) for at in batch
                for i, (api, streamed) in enumerate(VARIANTS)
                for j, end in enumerate(ENDS) if i == 0 or (at + i) % 3 == j]
        for at, api, streamed, end, answer, got in pool.map(
                lambda job: one(*job), jobs):
            want = "success" if at == len(stream) else "failure"
            checks.check(got == want, f"{api}, {'stream' if streamed else 'whole'},"
                         f" cut at {at} of {len(stream)}, {end}: {want}", got)
            seen[got] = seen.get(got, 0) + 1
            events += got == "failure" and answer.status == 200
    checks.check(events > 1000, "most cuts of streams are told by an event", events)
    print(f"  {len(stream)} bytes, {sum(seen.values())} cuts: {seen}")


def pieces(checks, g, asker):
    """The same stream in other pieces gives the same bytes."""
    stream = recorded()
    scripts = [
        {"steps": [{"send": stream.decode()}]},
        {"think": ["One two.", "Three."], "say": "Grüße — 你好 🙂 \\ \"x\"",
         "calls": [{"name": "f", "arguments": {"k": "v" * 50}, "call_id": "c"}],
         "annotations": [{"type": "url_citation", "url": "https://example.com/",
                          "title": "é", "start_index": 0, "end_index": 3}]},
        {"refusal": "I can not.", "incomplete": "max_output_tokens"},
        {"say": "So far", "failed": {"code": "server_error", "message": "No."}},
    ]
    for n, one in enumerate(scripts):
        for api, streamed in VARIANTS:
            def ask(size):
                g.upstream.clear()
                g.upstream.script({**one, "cut_every": size} if size else one)
                answer = asker.ask(api, streamed, "in pieces")
                return answer.status, VARYING.sub(rb"\1", answer.body)
            once = ask(0)
            if api == "anthropic" and streamed:
                checks.equal(anthropic_shape.read_stream(once[1].decode())[0], None,
                             f"stream {n}: the grammar")
            for size in (1, 2, 3, 7, 64):
                checks.equal(ask(size), once, f"stream {n}, {api}, "
                             f"{'stream' if streamed else 'whole'}, in pieces of {size}")


def main():
    p = argparse.ArgumentParser(description="Cuts upstream's stream.")
    p.add_argument("--bin")
    o = p.parse_args()
    checks = Checks("cuts")
    # more requests than a worker serves before it is replaced, and a
    # connection that is kept ends with its worker
    with Gateway(kind="chatgpt", bin=o.bin, front=False, workers=2,
                 env={"CHATMOCK_MAX_REQUESTS": "0"}) as g:
        asker = Asker(g)
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            cuts(checks, g, asker, pool)
        pieces(checks, g, asker)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
