"""The official Ollama SDK from PyPI."""
import asyncio
import base64
import time

from ollama import AsyncClient, Client, ResponseError
from openai_sdk import MODEL, PIXEL, Point, fails, same

HELLO = [{"role": "user", "content": "Say hello."}]
PNG = base64.b64decode(PIXEL.split(",")[1])


def client(base):
    return Client(host=base.removesuffix("/v1"))


def ask(t, **more):
    return t.client.chat(**{"model": MODEL, "messages": HELLO, **more})


def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: Where.
    """
    return f"sun in {city}"


# --- answers

def test_chat(t):
    t.script({"think": "Hm.", "say": "Hello there"})
    r = ask(t)
    same((r.message.role, r.message.content, r.message.thinking),
         ("assistant", "Hello there", "Hm."))
    same((r.model, r.done, r.done_reason), (MODEL, True, "stop"))
    same((r.prompt_eval_count, r.eval_count), (21, 13))
    assert r.total_duration > 0 and r.prompt_eval_duration > 0, r
    assert r.load_duration is None, "nobody loads here"


def test_stream(t):
    t.script({"say": "one two three four", "interval_ms": 20})
    times, chunks = [], []
    for chunk in ask(t, stream=True):
        chunks.append(chunk)
        times.append(time.monotonic())
    same([c.message.content for c in chunks], ["one ", "two ", "three ", "four", ""])
    same([c.done for c in chunks], [False] * 4 + [True])
    assert times[-1] - times[0] > 0.05, "they came all at once"
    last = chunks[-1]
    # three words and the end follow the first word, 20 ms apart each
    assert last.eval_duration > 40e6, last
    same(last.total_duration, last.prompt_eval_duration + last.eval_duration)


def test_generate(t):
    t.script({"say": "Hello there"}, {"say": "one two"})
    r = t.client.generate(model=MODEL, prompt="Hi", system="Be brief.",
                          options={"num_predict": 100, "stop": ["STOP"]})
    same((r.response, r.done, r.done_reason), ("Hello there", True, "stop"))
    chunks = list(t.client.generate(model=MODEL, prompt="Hi", stream=True))
    same([c.response for c in chunks], ["one ", "two", ""])
    sent = t.sent(2)[0]["body"]
    same([m["role"] for m in sent["input"]], ["developer", "user"])
    same(sent.get("max_output_tokens"), None if t.kind == "chatgpt" else 100)


def test_thinking_streamed(t):
    t.script({"think": "Hm, hello.", "say": "Hello."})
    chunks = list(ask(t, stream=True, think="high"))
    same("".join(c.message.thinking or "" for c in chunks), "Hm, hello.")
    same("".join(c.message.content for c in chunks), "Hello.")
    same(t.sent(1)[0]["body"]["reasoning"], {"effort": "high", "summary": "auto"})


def test_no_thinking(t):
    t.script({"think": "Hm.", "say": "Hello."})
    r = ask(t, think=False)
    same((r.message.content, r.message.thinking), ("Hello.", None))
    same(t.sent(1)[0]["body"]["reasoning"], {"effort": "low"})


def test_format(t):
    t.script({"say": '{"x": 1, "label": "a"}'}, {"say": "{}"})
    r = ask(t, format=Point.model_json_schema())
    same(Point.model_validate_json(r.message.content).label, "a")
    ask(t, format="json")
    first, second = (s["body"] for s in t.sent(2))
    same(first["text"]["format"]["schema"]["required"], ["x", "label"])
    same(second["text"]["format"], {"type": "json_object"})


def test_length(t):
    t.script({"say": "one two", "incomplete": "max_output_tokens"})
    same(ask(t).done_reason, "length")


def test_stop_string(t):
    t.script({"say": "one two three", "interval_ms": 5})
    r = ask(t, options={"stop": ["two"]})
    same((r.message.content, r.done_reason), ("one ", "stop"))
    same(r.eval_count, None)


def test_images(t):
    messages = [{"role": "user", "content": "What?", "images": [PNG]}]
    ask(t, messages=messages)
    t.client.generate(model=MODEL, prompt="What?", images=[PNG])
    for sent in t.sent(2):
        same([p["type"] for p in sent["body"]["input"][0]["content"]],
             ["input_text", "input_image"])
        same(sent["body"]["input"][0]["content"][1]["image_url"], PIXEL)


# --- tools

def test_tools_there_and_back(t):
    calls = [{"name": "weather", "arguments": {"city": c}, "call_id": f"call_{c}"}
             for c in ("Rome", "Oslo")]
    t.script({"calls": calls}, {"say": "Sunny."})
    messages = list(HELLO)
    r = ask(t, messages=messages, tools=[weather])
    messages.append(r.message)
    for call in r.message.tool_calls:
        same(call.function.name, "weather")
        messages.append({"role": "tool", "tool_name": call.function.name,
                         "content": weather(**call.function.arguments)})
    same(ask(t, messages=messages, tools=[weather]).message.content, "Sunny.")
    first, second = (s["body"] for s in t.sent(2))
    same(first["tools"][0]["parameters"]["required"], ["city"])
    same([i["output"] for i in second["input"] if i["type"] == "function_call_output"],
         ["sun in Rome", "sun in Oslo"])


def test_tools_streamed(t):
    t.script({"calls": [{"name": "weather", "arguments": {"city": "Rome"},
                         "call_id": "call_1"}]})
    chunks = list(ask(t, tools=[weather], stream=True))
    [call] = [c for chunk in chunks for c in chunk.message.tool_calls or []]
    same(call.function.arguments, {"city": "Rome"})
    same(chunks[-1].done_reason, "stop")


# --- models

def test_models(t):
    names = [m.model for m in t.client.list().models]
    assert MODEL in names, names
    shown = t.client.show(MODEL)
    same(shown.modelinfo["gpt.context_length"], 272000)
    same(shown.capabilities, ["completion", "tools", "vision", "thinking"])
    same(list(t.client.ps().models), [])
    same(fails(ResponseError, lambda: t.client.show("none")).status_code, 404)
    t.sent(0)


def test_load_and_unload(t):
    same(t.client.generate(model=MODEL).done_reason, "load")
    same(t.client.generate(model=MODEL, keep_alive=0).done_reason, "unload")
    same(t.client.chat(model=MODEL).done_reason, "load")
    t.sent(0)


# --- errors

def test_errors(t):
    for status in (400, 404, 429):
        t.script({"status": status, "body": {"error": {
            "message": f"It is a {status}.", "type": "x", "code": "y"}}})
        e = fails(ResponseError, lambda: ask(t))
        same(e.status_code, status)
        assert f"It is a {status}." in e.error, e.error


def test_faults_of_ours(t):
    e = fails(ResponseError, lambda: ask(t, options={"temperature": 9}))
    same(e.status_code, 400)
    assert "options.temperature" in e.error, e.error
    t.sent(0)


def test_what_is_not_served(t):
    for fn in (lambda: t.client.embed(MODEL, "x"), lambda: t.client.pull("x"),
               lambda: t.client.embeddings(MODEL, "x"), lambda: t.client.delete("x"),
               lambda: t.client.copy("a", "b"), lambda: t.client.push("x"),
               lambda: t.client.create("a", from_="b")):
        e = fails(ResponseError, fn)
        same(e.status_code, 501)
        assert "not served here" in e.error, e.error


def test_stream_that_fails(t):
    for end in ({"failed": {"code": "server_error", "message": "Sorry."}},
                {"stop_before": "response.completed", "then": "reset"}):
        t.script({"say": "one two", **end})
        got = []

        def read():
            for chunk in ask(t, stream=True):
                got.append(chunk)
        fails(ResponseError, read)
        same("".join(c.message.content for c in got), "one two")
        assert not any(c.done for c in got), got


def test_abort(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})
    stream = ask(t, stream=True)
    for _ in range(3):
        next(stream)
    stream.close()
    t.until(lambda got: got and got[0]["aborted"])


def test_async(t):
    names = [f"<chat {i} of twenty>" for i in range(20)]
    t.script(*[{"match": n, "say": f"{n} one two", "interval_ms": 5} for n in names])

    async def one(client, name):
        said = ""
        async for chunk in await client.chat(
                MODEL, [{"role": "user", "content": name}], stream=True):
            said += chunk.message.content
        same(said, f"{name} one two")

    async def main():
        client = AsyncClient(host=t.base.removesuffix("/v1"))
        await asyncio.gather(*[one(client, n) for n in names])
    asyncio.run(main())
    t.sent(20)
