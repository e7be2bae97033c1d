"""The official SDK from PyPI."""
import asyncio
import time

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

MODEL = "gpt-5.5"
HELLO = [{"role": "user", "content": "Say hello."}]
PIXEL = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAA"
         "ADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
WEATHER = {"type": "function", "function": {
    "name": "weather", "description": "Tells the weather.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": False}}}


class Point(BaseModel):
    x: float
    label: str


def client(base):
    return OpenAI(base_url=base, api_key="sk-of-the-client", max_retries=0)


def ask(t, **more):
    return t.client.chat.completions.create(
        **{"model": MODEL, "messages": HELLO, **more})


def fails(kind, fn):
    try:
        got = fn()
    except kind as e:
        return e
    raise AssertionError(f"no {kind.__name__} but {got!r}")


def same(got, want):
    assert got == want, f"wanted {want!r}, got {got!r}"


def error(message, code, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


# --- answers

def test_stream(t):
    t.script({"say": "one two three four", "interval_ms": 20})
    times, chunks = [], []
    for chunk in ask(t, stream=True):
        chunks.append(chunk)
        times.append(time.monotonic())
    same([c.choices[0].delta.content for c in chunks if c.choices[0].delta.content],
         ["one ", "two ", "three ", "four"])
    assert times[-1] - times[0] > 0.05, "they came all at once"
    same(chunks[0].choices[0].delta.role, "assistant")
    same([c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason],
         ["stop"])
    same({c.id for c in chunks}, {chunks[0].id})
    same(chunks[0].model, MODEL)


def test_whole(t):
    t.script({"say": "Hello, world"})
    r = ask(t)
    same(r.choices[0].message.content, "Hello, world")
    same(r.choices[0].finish_reason, "stop")
    same((r.usage.prompt_tokens, r.usage.completion_tokens, r.usage.total_tokens),
         (21, 13, 34))
    same(r.usage.prompt_tokens_details.cached_tokens, 8)
    same(r.usage.completion_tokens_details.reasoning_tokens, 4)
    assert r._request_id.startswith("req_")


def test_usage_of_a_stream(t):
    chunks = list(ask(t, stream=True, stream_options={"include_usage": True}))
    same(chunks[-1].choices, [])
    same(chunks[-1].usage.total_tokens, 34)
    assert not any(c.usage for c in chunks[:-1])


def test_stream_helper(t):
    t.script({"say": "Hello there", "calls": [
        {"name": "weather", "arguments": {"city": "Rome"}, "call_id": "call_1"}]})
    kinds = []
    with t.client.chat.completions.stream(model=MODEL, messages=HELLO,
                                          tools=[{**WEATHER, "function": {
                                              **WEATHER["function"], "strict": True}}]) as s:
        for event in s:
            kinds.append(event.type)
        final = s.get_final_completion()
    assert "content.delta" in kinds and "tool_calls.function.arguments.done" in kinds
    same(final.choices[0].message.content, "Hello there")
    same(final.choices[0].message.tool_calls[0].function.parsed_arguments,
         {"city": "Rome"})
    same(t.sent(1)[0]["body"]["tools"][0]["strict"], True)


def test_reasoning(t):
    t.script({"think": "Let me see.", "say": "Done"}, {"think": "Hm.", "say": "Done"})
    same(ask(t, reasoning_effort="high").choices[0].message.reasoning_content,
         "Let me see.")
    chunks = list(ask(t, stream=True))
    same("".join(getattr(c.choices[0].delta, "reasoning_content", "") or ""
                 for c in chunks), "Hm.")
    same(t.sent(2)[0]["body"]["reasoning"]["effort"], "high")


def test_structured_output(t):
    t.script({"say": '{"x": 1.5, "label": "p"}'})
    r = t.client.chat.completions.parse(model=MODEL, messages=HELLO,
                                        response_format=Point)
    same(r.choices[0].message.parsed, Point(x=1.5, label="p"))
    form = t.sent(1)[0]["body"]["text"]["format"]
    same((form["type"], form["name"], form["strict"]), ("json_schema", "Point", True))


def test_structured_output_cut_short(t):
    t.script({"say": '{"x": 1', "incomplete": "max_output_tokens"})
    fails(openai.LengthFinishReasonError, lambda: t.client.chat.completions.parse(
        model=MODEL, messages=HELLO, response_format=Point))
    t.script({"say": '{"x": 1', "incomplete": "content_filter"})
    fails(openai.ContentFilterFinishReasonError,
          lambda: t.client.chat.completions.parse(
              model=MODEL, messages=HELLO, response_format=Point))


def test_refusal(t):
    t.script({"refusal": "I can not."})
    r = t.client.chat.completions.parse(model=MODEL, messages=HELLO,
                                        response_format=Point)
    same((r.choices[0].message.refusal, r.choices[0].message.parsed),
         ("I can not.", None))


def test_pictures(t):
    ask(t, messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]}])
    part = t.sent(1)[0]["body"]["input"][0]["content"][1]
    same(part, {"type": "input_image", "image_url": PIXEL, "detail": "low"})


def test_citations(t):
    t.script({"search": "x", "say": "See this.", "annotations": [
        {"type": "url_citation", "url": "https://example.com/", "title": "E",
         "start_index": 4, "end_index": 8}]})
    note = ask(t, web_search_options={}).choices[0].message.annotations[0]
    same((note.type, note.url_citation.url, note.url_citation.start_index),
         ("url_citation", "https://example.com/", 4))
    same(t.sent(1)[0]["body"]["tools"], [{"type": "web_search"}])


# --- tools

def test_tools_there_and_back(t):
    t.script({"calls": [
        {"name": "weather", "arguments": {"city": "Rome"}, "call_id": "call_rome"},
        {"name": "weather", "arguments": {"city": "Oslo"}, "call_id": "call_oslo"}]},
        {"say": "Sun and rain."})
    messages = list(HELLO)
    message = ask(t, tools=[WEATHER], tool_choice="required").choices[0].message
    same([c.id for c in message.tool_calls], ["call_rome", "call_oslo"])
    messages.append(message)
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id,
                         "content": "sun" if "Rome" in call.function.arguments
                         else "rain"})
    same(ask(t, messages=messages, tools=[WEATHER]).choices[0].message.content,
         "Sun and rain.")
    first, second = t.sent(2)
    same(first["body"]["tool_choice"], "required")
    same([(i["type"], i.get("call_id"), i.get("output"))
          for i in second["body"]["input"][1:]],
         [("function_call", "call_rome", None), ("function_call", "call_oslo", None),
          ("function_call_output", "call_rome", "sun"),
          ("function_call_output", "call_oslo", "rain")])
    same(first["body"]["prompt_cache_key"], second["body"]["prompt_cache_key"])


def test_tools_streamed(t):
    t.script({"calls": [
        {"name": "weather", "arguments": {"city": "Rome", "note": "x" * 50},
         "call_id": "call_1"}]})
    name = args = ""
    for chunk in ask(t, stream=True, tools=[WEATHER]):
        for call in chunk.choices[0].delta.tool_calls or ():
            name += call.function.name or ""
            args += call.function.arguments or ""
    same((name, '"city"' in args, args.count("x")), ("weather", True, 50))


def test_long_tool_names(t):
    name = "mcp__a_server_with_a_long_name__a_tool_whose_name_is_longer_than_allowed"
    tool = {"type": "function", "function": {"name": name}}
    ask(t, tools=[tool])
    short = t.sent(1)[0]["body"]["tools"][0]["name"]
    assert len(short) <= 64
    t.script({"calls": [{"name": short, "arguments": {}, "call_id": "call_1"}]})
    same(ask(t, tools=[tool]).choices[0].message.tool_calls[0].function.name, name)


# --- the other routes

def test_completions(t):
    t.script({"say": "jumps over"}, {"say": "jumps over"})
    same(t.client.completions.create(model=MODEL, prompt="The fox").choices[0].text,
         "jumps over")
    chunks = list(t.client.completions.create(model=MODEL, prompt="The fox",
                                              stream=True))
    same("".join(c.choices[0].text for c in chunks), "jumps over")
    same(chunks[-1].choices[0].finish_reason, "stop")


def test_models(t):
    ids = [m.id for m in t.client.models.list()]
    assert MODEL in ids, ids
    same(t.client.models.retrieve(MODEL).id, MODEL)
    e = fails(openai.NotFoundError, lambda: t.client.models.retrieve("gpt-5.55"))
    same(e.code, "model_not_found")


# --- errors

def test_errors_have_their_classes(t):
    for script, kind, status, code, count in (
        ({"status": 400, "body": error("No.", "invalid_value")},
         openai.BadRequestError, 400, "invalid_value", 1),
        ({"status": 400, "body": {"detail": "Unsupported parameter: x"}},
         openai.BadRequestError, 400, "upstream_refused", 1),
        ({"status": 403, "headers": {"cf-ray": "8-FRA", "cf-mitigated": "challenge"},
          "body": "<html>Just a moment...</html>"},
         openai.PermissionDeniedError, 403, "upstream_blocked", 1),
        ({"status": 404, "body": error("No model.", "model_not_found")},
         openai.NotFoundError, 404, "model_not_found", 1),
        ({"status": 409, "body": error("Conflict.", "conflict")},
         openai.ConflictError, 409, "conflict", 1),
        ({"status": 422, "body": error("Unprocessable.", "what")},
         openai.UnprocessableEntityError, 422, "what", 1),
        ({"status": 429, "headers": {"retry-after": "7"},
          "body": error("Slower.", "rate_limit_exceeded")},
         openai.RateLimitError, 429, "rate_limit_exceeded", 1),
        ({"status": 500, "repeat": 3, "body": error("Oops.", "server_error", "server_error")},
         openai.InternalServerError, 500, "server_error", 3),
    ):
        t.g.upstream.clear()
        t.script(script)
        e = fails(kind, lambda: ask(t, stream=status % 2 == 0))
        same((e.status_code, e.code), (status, code))
        same(e.request_id, e.response.headers["x-request-id"])
        assert e.type and e.message and "<html" not in e.message
        if status == 429:
            same(e.response.headers["retry-after"], "7")
        t.sent(count)


def test_our_own_refusals(t):
    e = fails(openai.BadRequestError, lambda: ask(t, n=2))
    same((e.param, e.code), ("n", "unsupported_parameter"))
    e = fails(openai.BadRequestError, lambda: ask(t, messages=[
        {"role": "user", "content": "a"}, {"role": "robot", "content": "b"}]))
    same(e.param, "messages[1].role")
    t.sent(0)


def test_usage_limit(t):
    at = int(time.time()) + 600
    t.script({"status": 429, "body": {"error": {
        "type": "usage_limit_reached", "message": "The usage limit has been reached",
        "plan_type": "plus", "resets_at": at, "resets_in_seconds": 600}}})
    # the SDK is told not to come again
    e = fails(openai.RateLimitError,
              lambda: t.client.with_options(max_retries=2).chat.completions.create(
                  model=MODEL, messages=HELLO))
    same((e.body["plan_type"], e.body["resets_at"], e.type),
         ("plus", at, "usage_limit_reached"))
    t.sent(1)


def test_sdk_retries(t):
    t.script({"status": 429, "headers": {"retry-after-ms": "50"},
              "body": error("Slower.", "rate_limit_exceeded")}, {"say": "Now"})
    r = t.client.with_options(max_retries=2).chat.completions.create(
        model=MODEL, messages=HELLO)
    same(r.choices[0].message.content, "Now")
    t.sent(2)


def test_gateway_retries(t):
    t.script({"status": 503, "body": ""}, {"steps": [], "then": "close"},
             {"say": "Third"})
    same(ask(t).choices[0].message.content, "Third")
    t.sent(3)


def test_a_stream_that_breaks_raises(t):
    for then in ("end", "close", "reset"):
        t.g.upstream.clear()
        t.script({"say": "One two three", "stop_before": "response.output_text.done",
                  "then": then})
        said = []

        def read():
            for chunk in ask(t, stream=True):
                said.append(chunk.choices[0].delta.content)
        e = fails(openai.APIError, read)
        same(e.code, "upstream_broke")
        same("".join(filter(None, said)), "One two three")


def test_a_stream_that_fails_raises(t):
    t.script({"say": "So far", "failed": {"code": "server_error", "message": "Sorry."}})
    e = fails(openai.APIError, lambda: list(ask(t, stream=True)))
    same((e.code, e.message), ("server_error", "Sorry."))


def test_a_whole_answer_that_breaks_raises(t):
    t.script({"say": "One two", "stop_before": "response.completed"})
    e = fails(openai.InternalServerError, lambda: ask(t))
    same((e.status_code, e.code), (502, "upstream_broke"))


# --- leaving

def test_abort(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})
    stream = ask(t, stream=True)
    next(iter(stream))
    stream.close()
    t.until(lambda got: got and got[0]["aborted"], 1)


def test_abort_while_upstream_is_silent(t):
    t.script({"delay_ms": 20000, "say": "Too late"})
    impatient = t.client.with_options(timeout=1)
    fails(openai.APITimeoutError, lambda: impatient.chat.completions.create(
        model=MODEL, messages=HELLO))
    t.until(lambda got: got and got[0]["aborted"], 1)


def test_helper_abort(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})
    with t.client.chat.completions.stream(model=MODEL, messages=HELLO) as s:
        next(iter(s))
    t.until(lambda got: got and got[0]["aborted"], 1)


# --- many at once

def test_fifty_at_once(t):
    words = {n: f"answer {n} " + "word " * 20 for n in range(50)}
    t.script(*[{"match": f"question {n}.", "say": text, "interval_ms": 5}
               for n, text in words.items()])

    async def one(c, n):
        parts = []
        stream = await c.chat.completions.create(
            model=MODEL, stream=True,
            messages=[{"role": "user", "content": f"question {n}."}])
        async for chunk in stream:
            parts.append(chunk.choices[0].delta.content or "")
        return "".join(parts)

    async def all_of_them():
        async with AsyncOpenAI(base_url=t.base, api_key="x", max_retries=0) as c:
            return await asyncio.gather(*[one(c, n) for n in words])

    begun = time.monotonic()
    same(asyncio.run(all_of_them()), list(words.values()))
    assert time.monotonic() - begun < 5, "they waited for each other"
    t.sent(50)


def test_async_abort(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})

    async def leave():
        async with AsyncOpenAI(base_url=t.base, api_key="x", max_retries=0) as c:
            stream = await c.chat.completions.create(model=MODEL, messages=HELLO,
                                                     stream=True)
            async for _ in stream:
                break
            await stream.close()

    asyncio.run(leave())
    t.until(lambda got: got and got[0]["aborted"], 1)
