"""Anthropic's SDK from PyPI."""
import asyncio
import time

import anthropic
from anthropic import Anthropic, AsyncAnthropic, beta_tool
from anthropic.lib.tools import ToolError
from openai_sdk import HELLO, MODEL, PIXEL, Point, error, fails, same

WEATHER = {"name": "weather", "description": "Tells the weather.", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}},
    "required": ["city"]}}
TWO = [{"name": "weather", "arguments": {"city": "Rome"}, "call_id": "call_rome"},
       {"name": "weather", "arguments": {"city": "Oslo"}, "call_id": "call_oslo"}]
PNG = {"type": "base64", "media_type": "image/png", "data": PIXEL.split(",")[1]}


def client(base):
    return Anthropic(base_url=base.removesuffix("/v1"), api_key="sk-of-the-client",
                     max_retries=0)


def full(**more):
    return {"model": MODEL, "max_tokens": 1024, "messages": HELLO, **more}


def ask(t, **more):
    return t.client.messages.create(**full(**more))


def items(sent, kind):
    return [i for i in sent["body"]["input"] if i.get("type") == kind]


def used(usage):
    same((usage.input_tokens, usage.cache_read_input_tokens,
          usage.cache_creation_input_tokens, usage.output_tokens), (13, 8, 0, 13))


# --- answers

def test_stream(t):
    t.script({"say": "one two three four", "interval_ms": 20})
    times, events = [], []
    for e in ask(t, stream=True):
        events.append(e)
        times.append(time.monotonic())
    same([e.type for e in events],
         ["message_start", "content_block_start"] + ["content_block_delta"] * 4 +
         ["content_block_stop", "message_delta", "message_stop"])
    same([e.delta.text for e in events if e.type == "content_block_delta"],
         ["one ", "two ", "three ", "four"])
    assert times[-1] - times[0] > 0.05, "they came all at once"
    same((events[0].message.role, events[0].message.model, events[0].message.content,
          events[0].message.usage.output_tokens), ("assistant", MODEL, [], 0))
    same(events[-2].delta.stop_reason, "end_turn")
    used(events[-2].usage)


def test_whole(t):
    t.script({"say": "Hello, world"})
    r = ask(t, system="Be brief.")
    same([(b.type, b.text) for b in r.content], [("text", "Hello, world")])
    same((r.type, r.role, r.stop_reason, r.stop_sequence),
         ("message", "assistant", "end_turn", None))
    used(r.usage)
    assert r.id.startswith("msg_") and r._request_id.startswith("req_")
    same(t.sent(1)[0]["body"]["input"][0]["role"], "developer")


def test_stream_helper(t):
    t.script({"think": "Hm.", "encrypted": "ZW5j", "say": "Hello to you",
              "calls": TWO})
    with t.client.messages.stream(**full(
            tools=[WEATHER], thinking={"type": "adaptive"})) as stream:
        kinds = {e.type for e in stream}
        m = stream.get_final_message()
    assert {"thinking", "signature", "text", "input_json", "message_stop"} <= kinds, kinds
    same([b.type for b in m.content], ["thinking", "text", "tool_use", "tool_use"])
    same((m.content[0].thinking, m.content[1].text), ("Hm.", "Hello to you"))
    same([b.input for b in m.content[2:]], [c["arguments"] for c in TWO])
    same(m.stop_reason, "tool_use")
    used(m.usage)


def test_text_stream(t):
    t.script({"say": "Grüße — 你好 🙂", "cut_every": 1})
    with t.client.messages.stream(**full()) as stream:
        same("".join(stream.text_stream), "Grüße — 你好 🙂")


def test_how_it_ends(t):
    for reason, script, more, said in (
        ("max_tokens", {"say": "one two", "incomplete": "max_output_tokens"}, {}, "one two"),
        ("refusal", {"refusal": "I can not."}, {}, "I can not."),
        ("stop_sequence", {"say": "alpha beta gamma"},
         {"stop_sequences": ["gamma"]}, "alpha beta "),
    ):
        t.script(script, script)
        with t.client.messages.stream(**full(**more)) as stream:
            streamed = stream.get_final_message()
        for m in (ask(t, **more), streamed):
            same((m.stop_reason, "".join(b.text for b in m.content)), (reason, said))
            same(m.stop_sequence, "gamma" if reason == "stop_sequence" else None)


def test_thinking_there_and_back(t):
    more = {"thinking": {"type": "enabled", "budget_tokens": 5000}, "max_tokens": 8000}
    t.script({"think": "First.", "encrypted": "ZW5jcnlwdGVk", "say": "Yes."},
             {"say": "Done."})
    r = ask(t, **more)
    same([b.type for b in r.content], ["thinking", "text"])
    ask(t, **more, messages=HELLO + [{"role": "assistant", "content": r.content},
                                     {"role": "user", "content": "On."}])
    first, second = t.sent(2)
    same(first["body"]["reasoning"]["effort"], "medium")
    same([i["encrypted_content"] for i in items(second, "reasoning")], ["ZW5jcnlwdGVk"])


def test_structured_output(t):
    t.script({"say": '{"x": 1.5, "label": "p"}'})
    r = t.client.messages.parse(**full(output_format=Point))
    same(r.parsed_output, Point(x=1.5, label="p"))
    same(t.sent(1)[0]["body"]["text"]["format"]["type"], "json_schema")


def test_pictures_and_documents(t):
    url = "https://example.com/a.pdf"
    ask(t, messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image", "source": PNG},
        {"type": "document", "source": {"type": "url", "url": url}},
        {"type": "document", "source": {"type": "base64", "data": "JVBERi0xLjQK",
                                        "media_type": "application/pdf"}}]}])
    parts = t.sent(1)[0]["body"]["input"][0]["content"]
    same([p["type"] for p in parts],
         ["input_text", "input_image", "input_file", "input_file"])
    same((parts[1]["image_url"], parts[2]["file_url"]), (PIXEL, url))


# --- tools

def test_tools_there_and_back(t):
    t.script({"calls": TWO}, {"say": "Sun and rain."})
    r = ask(t, tools=[WEATHER], tool_choice={"type": "any"})
    results = [{"type": "tool_result", "tool_use_id": b.id,
                "content": [{"type": "text", "text": "sun in " + b.input["city"]},
                            {"type": "image", "source": PNG}]} for b in r.content]
    same(ask(t, tools=[WEATHER], messages=HELLO + [
        {"role": "assistant", "content": r.content},
        {"role": "user", "content": results}]).content[0].text, "Sun and rain.")
    first, second = t.sent(2)
    same(first["body"]["tool_choice"], "required")
    same([(i["call_id"], i["output"][0]["text"], i["output"][1]["image_url"])
          for i in items(second, "function_call_output")],
         [("call_rome", "sun in Rome", PIXEL), ("call_oslo", "sun in Oslo", PIXEL)])
    same(first["body"]["prompt_cache_key"], second["body"]["prompt_cache_key"])


def test_tool_runner(t):
    asked = []

    @beta_tool
    def weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: where
        """
        asked.append(city)
        if city == "Oslo":
            raise ToolError("no such city")
        return "sun"

    for stream in (False, True):
        t.g.upstream.clear()
        t.script({"say": "I look.", "calls": TWO}, {"say": "Sun in Rome."})
        last = t.client.beta.messages.tool_runner(
            **full(tools=[weather], stream=stream)).until_done()
        same((last.content[0].text, last.stop_reason), ("Sun in Rome.", "end_turn"))
        rome, oslo = items(t.sent(2)[1], "function_call_output")
        same(rome["output"], "sun")
        assert "no such city" in str(oslo["output"]), oslo
    same(sorted(asked), ["Oslo", "Oslo", "Rome", "Rome"])


# --- the other routes

def test_count_tokens(t):
    few = t.client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens
    more = t.client.messages.count_tokens(model=MODEL, messages=HELLO,
                                          tools=[WEATHER]).input_tokens
    assert 2 < few < more - 10, (few, more)
    t.sent(0)


def test_models(t):
    ids = [m.id for m in t.client.models.list(limit=2)]
    assert MODEL in ids and len(ids) > 4, ids
    same(t.client.models.retrieve(MODEL).id, MODEL)
    fails(anthropic.NotFoundError, lambda: t.client.models.retrieve("nobody"))


# --- errors

def test_errors_have_their_classes(t):
    for script, kind, status, word, count in (
        ({"status": 400, "body": error("No.", "invalid_value")},
         anthropic.BadRequestError, 400, "invalid_request_error", 1),
        ({"status": 403, "body": error("No.", "country")},
         anthropic.PermissionDeniedError, 403, "permission_error", 1),
        ({"status": 404, "body": error("No model.", "model_not_found")},
         anthropic.NotFoundError, 404, "not_found_error", 1),
        ({"status": 413, "body": "too large"},
         anthropic.RequestTooLargeError, 413, "request_too_large", 1),
        ({"status": 422, "body": error("Unprocessable.", "what")},
         anthropic.UnprocessableEntityError, 422, "invalid_request_error", 1),
        ({"status": 429, "headers": {"retry-after": "7"},
          "body": error("Slower.", "rate_limit_exceeded")},
         anthropic.RateLimitError, 429, "rate_limit_error", 1),
        ({"status": 500, "repeat": 3,
          "body": error("Oops.", "server_error", "server_error")},
         anthropic.InternalServerError, 500, "api_error", 3),
        ({"status": 529, "repeat": 3, "body": error("Busy.", None, "overloaded_error")},
         anthropic.OverloadedError, 529, "overloaded_error", 3),
    ):
        t.g.upstream.clear()
        t.script(script)
        e = fails(kind, lambda: ask(t, stream=status % 2 == 0))
        same((e.status_code, e.body["error"]["type"]), (status, word))
        same(e.request_id, e.response.headers["request-id"])
        same(e.body["request_id"], e.request_id)
        if status == 429:
            same(e.response.headers["retry-after"], "7")
        t.sent(count)


def test_our_own_refusals(t):
    for more, param in (({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
                        ({"max_tokens": 0}, "max_tokens")):
        e = fails(anthropic.BadRequestError, lambda: ask(t, extra_body=more))
        same((e.body["error"]["type"], e.body["error"]["param"]),
             ("invalid_request_error", param))
    t.sent(0)


def test_sdk_retries(t):
    t.script({"status": 429, "headers": {"retry-after": "3"},
              "body": error("Slower.", "rate_limit_exceeded")}, {"say": "Now"})
    r = t.client.with_options(max_retries=2).messages.create(**full())
    same(r.content[0].text, "Now")
    t.sent(2)


def test_a_stream_that_breaks_raises(t):
    for then in ("end", "close", "reset"):
        t.g.upstream.clear()
        t.script({"say": "One two three", "stop_before": "response.output_text.done",
                  "then": then})
        said = []

        def read():
            with t.client.messages.stream(**full()) as stream:
                for text in stream.text_stream:
                    said.append(text)
        e = fails(anthropic.APIError, read)
        assert "broke off" in str(e), e
        same("".join(said), "One two three")


def test_a_stream_that_fails_raises(t):
    t.script({"say": "So far", "failed": {"code": "server_error", "message": "Sorry."}})
    e = fails(anthropic.APIError, lambda: list(ask(t, stream=True)))
    assert "Sorry." in str(e), e


# --- leaving, and many at once

def test_abort(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})
    with t.client.messages.stream(**full()) as stream:
        next(iter(stream.text_stream))
    t.until(lambda got: got and got[0]["aborted"], 1)


def test_abort_while_upstream_is_silent(t):
    t.script({"delay_ms": 20000, "say": "Too late"})
    impatient = t.client.with_options(timeout=1)
    fails(anthropic.APITimeoutError, lambda: impatient.messages.create(**full()))
    t.until(lambda got: got and got[0]["aborted"], 1)


def test_fifty_at_once(t):
    words = {n: f"answer {n} " + "word " * 20 for n in range(50)}
    t.script(*[{"match": f"question {n}.", "say": text, "interval_ms": 5}
               for n, text in words.items()])

    async def one(c, n):
        async with c.messages.stream(**full(
                messages=[{"role": "user", "content": f"question {n}."}])) as stream:
            return await stream.get_final_text()

    async def all_of_them():
        async with AsyncAnthropic(base_url=t.g.base, api_key="x", max_retries=0) as c:
            return await asyncio.gather(*[one(c, n) for n in words])

    same(asyncio.run(all_of_them()), list(words.values()))
    t.sent(50)
