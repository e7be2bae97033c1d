#!/usr/bin/env python3
"""One behaviour in all tongues: the same streams of upstream, asked for in each
of them, streamed and whole, must say the same.

    tongues.py [--bin DIR]

A tongue is a class that writes a request and reads an answer into a Said; what
a tongue has no word for (reasoning in a text completion, cached tokens in
Ollama's) is left out of its comparison and named in its class. Then one stream
is cut at each of its bytes: in no tongue may that look like success, and what
was said before must be the beginning of the whole.
"""
import argparse
import base64
import concurrent.futures
import json
import os
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import fastcgi  # noqa: E402
from catalogue import Catalogue  # noqa: E402
from gateway import Checks, Gateway  # noqa: E402

THREADS = 96                    # most of them wait for the next attempt
BATCH = 150
ENDS = ("end", "close", "reset")
MODEL = "gpt-5.5"


class Said:
    """What a client has heard."""

    def __init__(self):
        self.end = None         # stop, calls, length, filter, refusal; failed
        self.text = self.thought = self.refusal = ""
        self.calls = []         # [name, arguments]
        self.usage = None       # input, output, cached, reasoning
        self.words = ""         # of a failure
        self.status = 200
        self.late = False       # it failed behind its first words

    def all(self):
        return self.thought + self.text + self.refusal + \
            "".join(a for _, a in self.calls)

    def fail(self, words):
        self.end, self.words = "failed", words


def sse(body):
    """(name, data) of each event; comments are none."""
    for part in body.decode().split("\n\n"):
        lines = [line for line in part.split("\n") if line and line[0] != ":"]
        name = "".join(line[7:] for line in lines if line.startswith("event: "))
        data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
        if data:
            yield name, data


# --- the tongues

class Tongue:
    stream_default = False
    silent = ()                 # what it has no word for

    def body(self, prompt, stream):
        raise NotImplementedError

    def read(self, answer, stream):
        """An answer as it was heard; what is no answer raises."""
        said = Said()
        assert answer.complete, f"incomplete: {answer.raw[-200:]!r}"
        said.status = answer.status
        if answer.status >= 400:
            said.fail(self.error(json.loads(answer.body)))
        elif stream:
            self.stream(answer.body, said)
            said.late = said.end == "failed"
        else:
            self.whole(json.loads(answer.body), said)
        return said

    def error(self, body):
        return body["error"]["message"]


class Chat(Tongue):
    path = "/v1/chat/completions"
    ends = {"stop": "stop", "tool_calls": "calls", "length": "length",
            "content_filter": "filter"}

    def body(self, prompt, stream):
        return {"model": MODEL, "stream": stream,
                "stream_options": {"include_usage": True} if stream else None,
                "messages": [{"role": "user", "content": prompt}],
                "tools": [{"type": "function", "function": {"name": "f"}},
                          {"type": "function", "function": {"name": "g"}}]}

    @staticmethod
    def usage(u):
        return {"input": u["prompt_tokens"], "output": u["completion_tokens"],
                "cached": u["prompt_tokens_details"]["cached_tokens"],
                "reasoning": u["completion_tokens_details"]["reasoning_tokens"]}

    def add(self, m, said):
        said.text += m.get("content") or ""
        said.thought += m.get("reasoning_content") or ""
        said.refusal += m.get("refusal") or ""

    def stream(self, body, said):
        done = False
        for _, data in sse(body):
            assert not done and said.end != "failed", "something behind the end"
            if data == "[DONE]":
                done = True
                continue
            event = json.loads(data)
            if "error" in event:
                said.fail(event["error"]["message"])
                continue
            if event.get("usage"):
                said.usage = self.usage(event["usage"])
            for choice in event["choices"]:
                self.choice(choice, said)
        assert done == (said.end not in (None, "failed")), "half an end"
        if said.end == "stop" and said.refusal:
            said.end = "refusal"

    def choice(self, choice, said):
        self.add(choice["delta"], said)
        for call in choice["delta"].get("tool_calls", ()):
            if call["index"] == len(said.calls):
                said.calls.append([call["function"]["name"], ""])
            said.calls[call["index"]][1] += call["function"].get("arguments", "")
        if choice["finish_reason"]:
            assert said.end is None, "two ends"
            said.end = self.ends[choice["finish_reason"]]

    def whole(self, body, said):
        choice = body["choices"][0]
        self.add(choice["message"], said)
        said.calls = [[c["function"]["name"], c["function"]["arguments"]]
                      for c in choice["message"].get("tool_calls", ())]
        said.end = self.ends[choice["finish_reason"]]
        if said.end == "stop" and said.refusal:
            said.end = "refusal"
        said.usage = self.usage(body["usage"])


class Completion(Chat):
    path = "/v1/completions"
    silent = ("thought", "calls", "refusal")

    def body(self, prompt, stream):
        return {"model": MODEL, "prompt": prompt, "stream": stream,
                "stream_options": {"include_usage": True} if stream else None}

    def choice(self, choice, said):
        said.text += choice["text"]
        if choice["finish_reason"]:
            assert said.end is None, "two ends"
            said.end = self.ends[choice["finish_reason"]]

    def whole(self, body, said):
        self.choice(body["choices"][0], said)
        said.usage = self.usage(body["usage"])


class Responses(Tongue):
    path = "/v1/responses"

    def body(self, prompt, stream):
        tool = {"type": "function", "parameters": {"type": "object"}, "strict": False}
        return {"model": MODEL, "input": prompt, "stream": stream,
                "tools": [{**tool, "name": "f"}, {**tool, "name": "g"}]}

    def stream(self, body, said):
        names, calls = {}, {}
        for name, data in sse(body):
            event = json.loads(data)
            kind = event["type"]
            assert kind == name, f"{kind} is called {name}"
            assert said.end is None, "something behind the end"
            if kind == "response.output_text.delta":
                said.text += event["delta"]
            elif kind == "response.refusal.delta":
                said.refusal += event["delta"]
            elif kind == "response.reasoning_summary_text.delta":
                said.thought += event["delta"]
            elif kind == "response.function_call_arguments.delta":
                calls[event["item_id"]] = calls.get(event["item_id"], "") + \
                    event["delta"]
            elif kind == "response.output_item.done":
                names[event["item"]["id"]] = event["item"].get("name")
            elif kind == "response.failed":
                said.fail(event["response"]["error"]["message"])
            elif kind in ("response.completed", "response.incomplete"):
                whole = Said()
                self.whole(event["response"], whole)
                said.end, said.usage = whole.end, whole.usage
                # its last event holds all of it; what came before agrees
                assert whole.text.startswith(said.text), "the last event's text"
                said.text, said.refusal = whole.text, whole.refusal
                said.thought = whole.thought
                said.calls = whole.calls
                return
        said.calls = [[names.get(i), a] for i, a in calls.items()]

    def whole(self, body, said):
        why = (body.get("incomplete_details") or {}).get("reason")
        summaries = []
        for item in body["output"]:
            if item["type"] == "function_call":
                said.calls.append([item["name"], item["arguments"]])
            elif item["type"] == "reasoning":
                summaries += [s["text"] for s in item["summary"]]
            for part in item.get("content") or ():
                said.text += part.get("text") or ""
                said.refusal += part.get("refusal") or ""
        said.thought = "\n\n".join(summaries)
        assert body["status"] == ("incomplete" if why else "completed")
        said.end = {"max_output_tokens": "length", "content_filter": "filter"}[why] \
            if why else "calls" if said.calls else \
            "refusal" if said.refusal else "stop"
        u = body["usage"]
        said.usage = u and {
            "input": u["input_tokens"], "output": u["output_tokens"],
            "cached": u.get("input_tokens_details", {}).get("cached_tokens", 0),
            "reasoning": u.get("output_tokens_details", {}).get("reasoning_tokens", 0)}


class Ollama(Tongue):
    path = "/api/chat"
    # a refusal is text, and of tokens two figures are all there is
    silent = ("cached", "reasoning", "refusal")
    ends = {"stop": "stop", "length": "length", "content_filter": "filter"}

    def body(self, prompt, stream):
        tool = {"type": "function", "function": {"name": "f", "parameters": {
            "type": "object", "properties": {}}}}
        other = json.loads(json.dumps(tool).replace('"f"', '"g"'))
        return {"model": MODEL, "messages": [{"role": "user", "content": prompt}],
                "stream": stream, "think": True, "tools": [tool, other]}

    def error(self, body):
        return body["error"]

    def piece(self, event, said):
        assert said.end is None, "something behind the end"
        if "error" in event:
            said.fail(event["error"])
            return
        self.add(event, said)
        if event["done"]:
            said.end = self.ends[event["done_reason"]]
            if said.end == "stop" and said.calls:
                said.end = "calls"
            if "prompt_eval_count" in event:
                said.usage = {"input": event["prompt_eval_count"],
                              "output": event["eval_count"]}

    def add(self, event, said):
        m = event["message"]
        said.text += m.get("content") or ""
        said.thought += m.get("thinking") or ""
        said.calls += [[c["function"]["name"], json.dumps(
            c["function"]["arguments"], separators=(",", ":"), ensure_ascii=False)]
            for c in m.get("tool_calls", ())]

    def stream(self, body, said):
        for line in body.decode().split("\n"):
            if line:
                self.piece(json.loads(line), said)

    def whole(self, body, said):
        self.piece(body, said)


class Generate(Ollama):
    path = "/api/generate"
    silent = Ollama.silent + ("calls",)

    def body(self, prompt, stream):
        return {"model": MODEL, "prompt": prompt, "stream": stream, "think": True}

    def add(self, event, said):
        said.text += event.get("response") or ""
        said.thought += event.get("thinking") or ""


class Anthropic(Tongue):
    path = "/v1/messages"
    silent = ("reasoning",)
    ends = {"end_turn": "stop", "tool_use": "calls", "max_tokens": "length",
            "refusal": "refusal"}

    def body(self, prompt, stream):
        tool = {"input_schema": {"type": "object"}}
        return {"model": MODEL, "stream": stream, "max_tokens": 1000,
                "thinking": {"type": "adaptive"},
                "messages": [{"role": "user", "content": prompt}],
                "tools": [{**tool, "name": "f"}, {**tool, "name": "g"}]}

    @staticmethod
    def usage(u):
        cached = u.get("cache_read_input_tokens") or 0
        return {"input": u["input_tokens"] + cached +
                (u.get("cache_creation_input_tokens") or 0),
                "output": u["output_tokens"], "cached": cached}

    def stream(self, body, said):
        for name, data in sse(body):
            event = json.loads(data)
            kind = event["type"]
            assert kind == name, f"{kind} is called {name}"
            assert said.end in (None, "open"), "something behind the end"
            if kind == "content_block_start":
                block = event["content_block"]
                if block["type"] == "tool_use":
                    said.calls.append([block["name"], ""])
            elif kind == "content_block_delta":
                delta = event["delta"]
                said.text += delta.get("text", "")
                said.thought += delta.get("thinking", "")
                if "partial_json" in delta:
                    said.calls[-1][1] += delta["partial_json"]
            elif kind == "message_delta":
                reason = event["delta"]["stop_reason"]
                said.usage = self.usage(event["usage"])
            elif kind == "message_stop":
                said.end = self.ends[reason]
            elif kind == "error":
                said.fail(event["error"]["message"])

    def whole(self, body, said):
        for block in body["content"]:
            said.text += block.get("text", "")
            said.thought += block.get("thinking", "")
            if block["type"] == "tool_use":
                said.calls.append([block["name"], json.dumps(
                    block["input"], separators=(",", ":"), ensure_ascii=False)])
        said.end = self.ends[body["stop_reason"]]
        said.usage = self.usage(body["usage"])


TONGUES = {"chat": Chat(), "completion": Completion(), "responses": Responses(),
           "ollama": Ollama(), "generate": Generate(), "anthropic": Anthropic()}


# --- what is said, and what must be heard

USAGE = {"input": 21, "output": 13, "cached": 8, "reasoning": 4}
CALLS = [{"name": "f", "arguments": {"a": 1}, "call_id": "call_1"},
         {"name": "g", "arguments": {"b": "é"}, "call_id": "call_2"}]
HEARD = [["f", '{"a":1}'], ["g", '{"b":"é"}']]
SILENT = "data: {\"type\":\"keepalive\",\"sequence_number\":%d}\n\n"
CREATED = {"event": {"type": "response.created", "sequence_number": 0,
                     "response": {"id": "resp_1", "output": []}}}


def failure(words, status=None):
    return {"end": "failed", "words": words, "status": status}


# name, upstream's script, what is heard; of a failure the status of a whole one
TABLE = [
    ("text", {"say": "Hello, 世界 🙂"}, {"end": "stop", "text": "Hello, 世界 🙂"}),
    ("nothing", {"say": ""}, {"end": "stop"}),
    ("reasoning", {"think": ["One.", "Two."], "say": "So."},
     {"end": "stop", "text": "So.", "thought": "One.\n\nTwo."}),
    ("parallel calls", {"calls": CALLS}, {"end": "calls", "calls": HEARD}),
    ("all of it", {"think": "Hm.", "say": "I look.", "calls": CALLS},
     {"end": "calls", "thought": "Hm.", "text": "I look.", "calls": HEARD}),
    ("no deltas", {"think": "Hm.", "say": "I look.", "calls": CALLS,
                   "done_only": True},
     {"end": "calls", "thought": "Hm.", "text": "I look.", "calls": HEARD}),
    ("no names", {"say": "Hello", "names": False}, {"end": "stop", "text": "Hello"}),
    ("in pieces", {"say": "Grüße", "calls": CALLS, "cut_every": 3},
     {"end": "calls", "text": "Grüße", "calls": HEARD}),
    ("refusal", {"refusal": "I will not."}, {"end": "refusal", "refusal": "I will not."}),
    ("too long", {"say": "One two", "incomplete": "max_output_tokens"},
     {"end": "length", "text": "One two"}),
    ("filtered", {"say": "One", "incomplete": "content_filter"},
     {"end": "filter", "text": "One"}),
    ("private events", {"say": "x", "rate_limits": {"primary": {"used_percent": 9}}},
     {"end": "stop", "text": "x"}),
    ("keepalives", {"steps": [
        {"send": SILENT % 0}, CREATED, {"send": SILENT % 1},
        {"send": ": comment\n\n"}, {"wait_ms": 100},
        {"event": {"type": "response.output_item.done", "sequence_number": 2,
                   "output_index": 0, "item": {
                       "type": "message", "id": "msg_1", "role": "assistant",
                       "content": [{"type": "output_text", "text": "x",
                                    "annotations": []}]}}},
        {"send": SILENT % 3},
        {"event": {"type": "response.completed", "sequence_number": 4, "response": {
            "id": "resp_1", "status": "completed", "output": [], "usage": {
                "input_tokens": 21, "input_tokens_details": {"cached_tokens": 8},
                "output_tokens": 13, "output_tokens_details": {
                    "reasoning_tokens": 4}, "total_tokens": 34}}}}]},
     {"end": "stop", "text": "x"}),
    ("failed", {"say": "So far", "failed": {"code": "server_error", "message": "No."}},
     {**failure("No.", 502), "text": "So far"}),
    ("too much context", {"say": "So far", "failed": {
        "code": "context_length_exceeded", "message": "Too long."}},
     {**failure("Too long.", 400), "text": "So far"}),
    ("limit within", {"say": "So far", "failed": {
        "code": "rate_limit_exceeded", "message": "Slower."}},
     {**failure("Slower.", 429), "text": "So far"}),
    ("error event", {"say": "So far", "error": {
        "code": "server_error", "message": "Oops."}},
     {**failure("Oops.", 502), "text": "So far"}),
    ("no end", {"say": "So far", "stop_before": "response.completed"},
     {**failure("Upstream broke off its answer.", 502), "text": "So far"}),
    ("only [DONE]", {"steps": [{"say": "So far", "stop_before": "response.completed"},
                               {"send": "data: [DONE]\n\n"}]},
     {**failure("Upstream broke off its answer.", 502), "text": "So far"}),
    ("garbled", {"steps": [{"say": "So far", "stop_before": "response.completed"},
                           {"send": "data: {\"type\": oops}\n\n"}]},
     {**failure("Upstream's answer was not a stream of events.", 502),
      "text": "So far"}),
    ("a plan's limit", {"status": 429, "body": {"error": {
        "type": "usage_limit_reached", "message": "No more.", "plan_type": "plus",
        "resets_in_seconds": 99}}}, failure("No more.", 429)),
    ("refused", {"status": 400, "body": {"detail": "Not like this."}},
     failure("Not like this.", 400)),
    ("no such model", {"status": 404, "body": {"error": {
        "code": "model_not_found", "message": "No such model."}}},
     failure("No such model.", 404)),
    ("broken upstream", {"status": 500, "body": {"error": {"message": "Oops."}},
                         "repeat": 3}, failure("Oops.", 500)),
    ("mended", [{"status": 500, "body": {"error": {"message": "Oops."}}},
                {"say": "Here."}], {"end": "stop", "text": "Here."}),
]


def wanted(tongue, want):
    """What of it this tongue can say."""
    want = {"text": "", "thought": "", "refusal": "", "calls": [], "usage": USAGE,
            "words": "", **want}
    if want["end"] == "failed":
        want["usage"] = None
    if isinstance(tongue, Anthropic):
        # its refusal is text and a reason, and is the filter's too
        want["text"] += want["refusal"]
        want["refusal"] = ""
        want["end"] = "refusal" if want["end"] == "filter" else want["end"]
    if "refusal" in tongue.silent:
        if isinstance(tongue, Ollama) or isinstance(tongue, Completion):
            want["text"] += want["refusal"]
        want["end"] = "stop" if want["end"] == "refusal" else want["end"]
        want["refusal"] = ""
    if "calls" in tongue.silent and want["calls"]:
        want["end"] = "stop"
    for name in tongue.silent:
        if name in ("thought", "calls"):
            want[name] = type(want[name])()
        elif want["usage"]:
            want["usage"] = {k: v for k, v in want["usage"].items() if k != name}
    return want


class Asker:
    """Asks the gateway over FastCGI, each thread on a connection it keeps."""

    def __init__(self, g):
        self.g, self.local = g, threading.local()

    def ask(self, tongue, stream, prompt):
        kept = getattr(self.local, "connection", None)
        body = {k: v for k, v in tongue.body(prompt, stream).items() if v is not None}
        call = fastcgi.Call(self.g.socket, "POST", tongue.path, json.dumps(body),
                            keep=True, connection=kept)
        answer = call.run()
        self.local.connection = None if answer.closed else call.connection
        return answer


# --- the table

def compare(checks, where, tongue, stream, said, want):
    what = wanted(tongue, want)
    for key in ("end", "usage"):
        checks.equal(getattr(said, key), what[key], f"{where}: {key}")
    # some put a word of their own before or behind upstream's
    checks.check(what["words"] in said.words if what["words"] else not said.words,
                 f"{where}: {what['words']!r}", said.words)
    if what["end"] != "failed":
        for key in ("text", "thought", "refusal", "calls"):
            checks.equal(getattr(said, key), what[key], f"{where}: {key}")
        return
    if said.late:
        checks.equal(said.text, what["text"], f"{where}: text so far")
    else:
        checks.equal(said.text, "", f"{where}: text of what failed")
        wide = {429: (429,), 502: (502, 529), 500: (500, 529)}
        checks.check(said.status in wide.get(want["status"], (want["status"],)),
                     f"{where}: status {want['status']}", said.status)
    # whole, or before its first words, there is a status; within, an event
    within = stream and bool(want.get("text"))
    checks.equal(said.late, within, f"{where}: an event, or a status")


def table(checks, g, asker):
    for name, script, want in TABLE:
        for word, tongue in TONGUES.items():
            for stream in (True, False):
                where = f"{name}, {word}, {'stream' if stream else 'whole'}"
                g.upstream.clear()
                g.upstream.script(*(script if isinstance(script, list) else [script]))
                answer = asker.ask(tongue, stream, "Say it.")
                try:
                    said = tongue.read(answer, stream)
                except Exception as e:  # no answer of that API at all
                    checks.check(False, f"{where}: {e!r}", answer.body[-400:])
                    continue
                compare(checks, where, tongue, stream, said, want)
                problems = [p for r in g.upstream.requests() for p in r["problems"]]
                checks.equal(problems, [], f"{where}: upstream's objections")


# --- cuts

def recorded(asker, g):
    """A stream with all there is in it, as the test upstream says it."""
    events = []

    def add(kind, **more):
        events.append({"type": kind, "sequence_number": len(events), **more})

    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [
        {"type": "output_text", "text": "Grüße, 🙂", "annotations": []}]}
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f",
            "arguments": "{\"a\":1}"}
    add("response.created", response={"id": "resp_1", "output": []})
    add("response.reasoning_summary_text.delta", item_id="rs_1", output_index=0,
        summary_index=0, delta="Hm — ")
    add("response.output_item.done", output_index=0, item={
        "id": "rs_1", "type": "reasoning", "encrypted_content": "gAAA",
        "summary": [{"type": "summary_text", "text": "Hm — "}]})
    add("response.output_text.delta", item_id="msg_1", output_index=1,
        content_index=0, delta="Grüße, ")
    add("response.output_text.delta", item_id="msg_1", output_index=1,
        content_index=0, delta="🙂")
    add("response.output_item.done", output_index=1, item=message)
    add("response.output_item.added", output_index=2, item={**call, "arguments": ""})
    add("response.function_call_arguments.delta", item_id="fc_1", output_index=2,
        delta="{\"a\":")
    add("response.output_item.done", output_index=2, item=call)
    add("response.completed", response={
        "id": "resp_1", "status": "completed", "output": [], "usage": {
            "input_tokens": 5, "output_tokens": 7, "total_tokens": 12}})
    return "".join(
        f"event: {e['type']}\ndata: "
        f"{json.dumps(e, ensure_ascii=False, separators=(',', ':'))}\n\n"
        for e in events).encode()


def script(prompt, data, end):
    return {"match": prompt, "then": end, "steps": [
        {"send_b64": base64.b64encode(data).decode().rstrip("=")}] if data else []}


def cut_verdict(tongue, stream, answer, whole):
    try:
        said = tongue.read(answer, stream)
    except Exception as e:
        return f"{e!r}: {answer.body[-200:]!r}"
    if said.end is None:
        return f"no end at all: {answer.body[-200:]!r}"
    if said.end != "failed":
        return "success"
    if said.words != "Upstream broke off its answer.":
        return said.words
    if not whole.startswith(said.all()):
        return f"not the beginning of the whole: {said.all()!r}"
    return "failure"


def cuts(checks, g, asker, pool):
    stream = recorded(asker, g)
    g.upstream.clear()
    g.upstream.script(script("whole;", stream, "end"))
    whole = {word: tongue.read(asker.ask(tongue, True, "whole;"), True).all()
             for word, tongue in TONGUES.items()}
    for word in ("chat", "responses", "ollama", "anthropic"):
        checks.equal(whole[word], 'Hm — Grüße, 🙂{"a":1}', f"the whole, {word}")
    variants = [(word, streamed) for word in TONGUES for streamed in (True, False)]
    seen, overtaken = {}, 0

    def one(at, word, streamed, end):
        tongue = TONGUES[word]
        answer = asker.ask(tongue, streamed, f"cut={at},{end};")
        return at, word, streamed, end, cut_verdict(tongue, streamed, answer,
                                                    whole[word])

    for begin in range(0, len(stream) + 1, BATCH):
        batch = range(begin, min(begin + BATCH, len(stream) + 1))
        g.upstream.clear()
        g.upstream.script(*[script(f"cut={at},{end};", stream[:at], end)
                            for at in batch for end in ENDS])
        jobs = [(at, *variant, ENDS[(at + i) % 3]) for at in batch
                for i, variant in enumerate(variants)]
        for at, word, streamed, end, got in pool.map(lambda job: one(*job), jobs):
            want = "success" if at == len(stream) else "failure"
            if at == len(stream) and end == "reset" and got == "failure":
                # a reset throws away what its receiver has not read yet
                overtaken += 1
                continue
            checks.check(got == want, f"{word}, {'stream' if streamed else 'whole'},"
                         f" cut at {at} of {len(stream)}, {end}: {want}", got)
            seen[got] = seen.get(got, 0) + 1
    checks.equal(seen.get("success", 0) + overtaken, len(variants),
                 "only the whole is a success")
    print(f"  {len(stream)} bytes, {sum(seen.values())} cuts: {seen}")


def main():
    p = argparse.ArgumentParser(description="One behaviour in all tongues.")
    p.add_argument("--bin")
    o = p.parse_args()
    checks = Checks("tongues")
    with Gateway(kind="chatgpt", bin=o.bin, front=False, workers=2) as g:
        table(checks, g, Asker(g))
    for kind in ("chatgpt", "responses"):
        with Gateway(kind=kind, bin=o.bin, front=False) as g:
            Catalogue(checks, g).run()
    # a worker that is replaced closes the connections that were kept
    with Gateway(kind="chatgpt", bin=o.bin, front=False, workers=2,
                 env={"CHATMOCK_MAX_REQUESTS": "0"}) as g:
        asker = Asker(g)
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            cuts(checks, g, asker, pool)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
