"""OpenAI's own SDK for Python: responses.create and responses.stream."""
import asyncio
import threading
import time

import openai

SETTINGS = {"CHATMOCK_HEARTBEAT": "0.5"}
MODEL = "gpt-5.5"
WEATHER = {"type": "function", "name": "weather", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}},
    "required": ["city"], "additionalProperties": False}}
CALL = {"name": "weather", "call_id": "call_rome", "arguments": {"city": "Rome"}}


def client(base):
    return openai.OpenAI(base_url=base, api_key="sk-client", max_retries=0)


def raises(kind, fn):
    try:
        got = fn()
    except kind as e:
        return e
    raise AssertionError(f"no {kind.__name__} but {got}")


def test_create(t):
    t.script({"think": "Hm.", "say": "Hello there"})
    r = t.client.responses.create(model=MODEL, input="Say hello.", temperature=0.5,
                                  metadata={"a": "b"}, instructions="Be brief.")
    assert r.output_text == "Hello there"
    assert r.status == "completed" and r.error is None and r.object == "response"
    assert r.usage.total_tokens == 34
    assert r.instructions == "Be brief."
    assert t.kind == "responses" or (r.temperature, r.metadata) == (0.5, {"a": "b"})
    assert [i.type for i in r.output] == ["reasoning", "message"]
    t.sent(1)


def test_a_turn_that_follows(t):
    t.script({"think": "I look.", "calls": [CALL]}, {"say": "Sun."})
    first = t.client.responses.create(model=MODEL, input="Weather?", tools=[WEATHER],
                                      include=["reasoning.encrypted_content"])
    call = next(i for i in first.output if i.type == "function_call")
    assert (call.name, call.call_id) == ("weather", "call_rome")
    items = [{"role": "user", "content": "Weather?"}, *first.output,
             {"type": "function_call_output", "call_id": call.call_id, "output": "sun"}]
    r = t.client.responses.create(model=MODEL, input=items, tools=[WEATHER])
    assert r.output_text == "Sun."
    sent = t.sent(2)[1]["body"]["input"]
    assert [i["type"] for i in sent if "type" in i][-3:] == [
        "reasoning", "function_call", "function_call_output"]


def test_stream_of_create(t):
    t.script({"say": "one two three"})
    events = list(t.client.responses.create(model=MODEL, input="x", stream=True))
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert "".join(e.delta for e in events
                   if e.type == "response.output_text.delta") == "one two three"
    assert events[-1].type == "response.completed"


def test_stream(t):
    t.script({"think": "Hm.", "say": "Hello", "calls": [CALL],
              "rate_limits": {"primary": {"used_percent": 1}}})
    with t.client.responses.stream(model=MODEL, input="x", tools=[WEATHER]) as stream:
        types = [e.type for e in stream]
        r = stream.get_final_response()
    assert "response.function_call_arguments.delta" in types
    assert not any(kind.startswith("codex.") for kind in types)
    assert r.output_text == "Hello" and len(r.output) == 3


def test_heartbeats(t):
    response = {"id": "resp_1", "object": "response", "output": []}
    t.script({"steps": [
        {"wait_ms": 700},
        {"event": {"type": "response.created", "sequence_number": 0,
                   "response": response}},
        {"wait_ms": 700},
        {"event": {"type": "response.completed", "sequence_number": 1,
                   "response": {**response, "status": "completed"}}}]})
    with t.client.responses.stream(model=MODEL, input="x") as stream:
        assert [e.type for e in stream if e.type != "keepalive"] == [
            "response.created", "response.completed"]
        assert stream.get_final_response().status == "completed"


def test_a_stream_that_breaks(t):
    t.script({"say": "one two", "stop_before": "response.completed"})
    events = list(t.client.responses.create(model=MODEL, input="x", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "server_error"
    assert not any(e.type == "response.completed" for e in events)


def test_async(t):
    async def ask():
        c = openai.AsyncOpenAI(base_url=t.base, api_key="sk-client", max_retries=0)
        async with c.responses.stream(model=MODEL, input="x") as stream:
            async for _ in stream:
                pass
            return (await stream.get_final_response()).output_text

    t.script({"say": "Hello"})
    assert asyncio.run(ask()) == "Hello"


def test_a_limit(t):
    t.script({"status": 429, "body": {"error": {
        "type": "usage_limit_reached", "message": "No more.", "resets_in_seconds": 9}}})
    e = raises(openai.RateLimitError,
               lambda: t.client.responses.create(model=MODEL, input="x"))
    assert e.response.headers["retry-after"] == "9"


def test_stored(t):
    if t.kind == "responses":
        return
    t.script({"think": "Hm.", "encrypted": "gAAA", "say": "Hello Ann"},
             {"say": "You are Ann."})
    first = t.client.responses.create(model=MODEL, input="I am Ann.",
                                      instructions="Be brief.")
    again = t.client.responses.retrieve(first.id)
    assert (again.id, again.output_text, again.status) == (
        first.id, "Hello Ann", "completed")
    assert again.output[0].encrypted_content is None
    full = t.client.responses.retrieve(first.id,
                                       include=["reasoning.encrypted_content"])
    assert full.output[0].encrypted_content == "gAAA"
    with t.client.responses.stream(model=MODEL, input="Who am I?",
                                   previous_response_id=first.id) as stream:
        r = stream.get_final_response()
    assert r.previous_response_id == first.id and r.output_text == "You are Ann."
    sent = t.sent(2)[1]["body"]
    assert [i["type"] for i in sent["input"]] == [
        "message", "reasoning", "message", "message"]
    assert sent["input"][1]["encrypted_content"] == "gAAA"
    assert sent["store"] is False and "previous_response_id" not in sent
    t.client.responses.delete(first.id)
    raises(openai.NotFoundError, lambda: t.client.responses.retrieve(first.id))
    e = raises(openai.BadRequestError, lambda: t.client.responses.create(
        model=MODEL, input="x", previous_response_id=first.id))
    assert e.code == "previous_response_not_found"


def test_pages_of_input(t):
    if t.kind == "responses":
        return
    texts = [f"text {i}" for i in range(25)]
    t.script({"say": "x"})
    r = t.client.responses.create(model=MODEL, input=[
        {"role": "user", "content": text} for text in texts])
    items = t.client.responses.input_items.list(r.id, limit=10, order="asc")
    assert [i.content[0].text for i in items] == texts
    page = t.client.responses.input_items.list(r.id)
    assert len(page.data) == 20 and page.has_more
    assert page.data[0].content[0].text == "text 24"


def test_compact(t):
    if t.kind == "responses":
        return
    t.script({"steps": [
        {"event": {"type": "response.output_item.done", "output_index": 0, "item": {
            "type": "compaction", "id": "cmp_1", "encrypted_content": "gCCC"}}},
        {"event": {"type": "response.completed", "response": {
            "id": "resp_c", "object": "response", "status": "completed", "output": [],
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0},
                      "output_tokens": 3, "output_tokens_details": {
                          "reasoning_tokens": 0}, "total_tokens": 12}}}}]})
    r = t.client.responses.compact(model=MODEL, input=[
        {"role": "user", "content": "A long story."}])
    assert r.object == "response.compaction"
    assert [i.encrypted_content for i in r.output] == ["gCCC"]


def test_conversations(t):
    if t.kind == "responses":
        return
    c = t.client.conversations.create(metadata={"topic": "x"}, items=[
        {"type": "message", "role": "user", "content": "I am Ann."}])
    t.script({"say": "Hello Ann"}, {"say": "You are Ann."})
    r = t.client.responses.create(model=MODEL, input="Hi.", conversation=c.id)
    assert r.conversation.id == c.id
    t.client.responses.create(model=MODEL, input="Who am I?",
                              conversation={"id": c.id})
    assert [i["content"][0]["text"] for i in t.sent(2)[1]["body"]["input"]] == [
        "I am Ann.", "Hi.", "Hello Ann", "Who am I?"]
    items = list(t.client.conversations.items.list(c.id, order="asc", limit=2))
    assert [i.content[0].text for i in items] == [
        "I am Ann.", "Hi.", "Hello Ann", "Who am I?", "You are Ann."]
    added = t.client.conversations.items.create(c.id, items=[
        {"type": "message", "role": "user", "content": "More."}])
    one = t.client.conversations.items.retrieve(added.data[0].id, conversation_id=c.id)
    assert one.content[0].text == "More."
    t.client.conversations.items.delete(one.id, conversation_id=c.id)
    assert t.client.conversations.update(
        c.id, metadata={"topic": "y"}).metadata == {"topic": "y"}
    assert t.client.conversations.delete(c.id).deleted
    raises(openai.NotFoundError, lambda: t.client.conversations.retrieve(c.id))


def test_what_upstream_keeps(t):
    if t.kind == "chatgpt":
        return
    t.script({"path": "/responses/resp_u1", "status": 200, "body": {
        "id": "resp_u1", "object": "response", "output": []}})
    assert t.client.responses.retrieve("resp_u1").id == "resp_u1"
    t.script({"path": "/conversations/conv_u", "status": 404, "body": {"error": {
        "message": "Not here.", "type": "invalid_request_error"}}})
    e = raises(openai.NotFoundError,
               lambda: t.client.conversations.retrieve("conv_u"))
    assert "Not here." in str(e)


def test_leaving(t):
    t.script({"say": "word " * 2000, "interval_ms": 20})
    stream = t.client.responses.create(model=MODEL, input="x", stream=True)
    next(iter(stream))
    threading.Thread(target=stream.close).start()
    t.until(lambda got: got and got[0]["aborted"])


def answer(connection, **request):
    connection.response.create(model=MODEL, **request)
    got = []
    for event in connection:
        got.append(event)
        if event.type in ("response.completed", "response.failed", "error"):
            return got


def said(events):
    return "".join(e.delta for e in events if e.type == "response.output_text.delta")


def test_by_websocket(t):
    t.script({"say": "Hello there", "calls": [CALL]}, {"say": "Sun."},
             {"status": 429, "body": {"error": {"type": "usage_limit_reached",
                                                "message": "No more."}}})
    with t.client.responses.connect() as c:
        one = answer(c, input="Weather?", tools=[WEATHER])
        assert said(one) == "Hello there"
        two = answer(c, previous_response_id=one[-1].response.id, tools=[WEATHER],
                     input=[{"type": "function_call_output", "call_id": "call_rome",
                             "output": "sun"}])
        assert said(two) == "Sun."
        assert len(t.sent(2)[1]["body"]["input"]) == 4
        limit = answer(c, input="x")[-1]
        assert (limit.type, limit.error.message) == ("error", "No more."), limit
def test_background(t):
    if t.kind != "chatgpt":
        return
    t.script({"say": "one two three", "interval_ms": 20})
    r = t.client.responses.create(model=MODEL, input="x", background=True)
    assert r.status in ("queued", "in_progress") and r.background is True
    for _ in range(500):
        now = t.client.responses.retrieve(r.id)
        if now.status not in ("queued", "in_progress"):
            break
        time.sleep(0.02)
    assert now.status == "completed" and now.output_text == "one two three", now
    t.sent(1)


def test_background_taken_up_again(t):
    if t.kind != "chatgpt":
        return
    words = " ".join(f"w{i}" for i in range(40))
    t.script({"say": words, "interval_ms": 10})
    stream = t.client.responses.create(model=MODEL, input="x", background=True,
                                       stream=True)
    got = []
    for event in stream:
        got.append(event)
        if len(got) == 12:
            break
    stream.close()
    id = got[0].response.id
    got += t.client.responses.retrieve(id, stream=True,
                                       starting_after=got[-1].sequence_number)
    assert [e.sequence_number for e in got] == list(range(len(got)))
    assert "".join(e.delta for e in got
                   if e.type == "response.output_text.delta") == words
    assert got[-1].type == "response.completed"
    # by the SDK's own helper, from the beginning
    with t.client.responses.stream(response_id=id) as again:
        for _ in again:
            pass
        assert again.get_final_response().output_text == words


def test_background_cancelled(t):
    if t.kind != "chatgpt":
        return
    t.script({"say": "word " * 500, "interval_ms": 20})
    r = t.client.responses.create(model=MODEL, input="x", background=True)
    assert t.client.responses.cancel(r.id).status == "cancelled"
    assert t.client.responses.retrieve(r.id).status == "cancelled"
    raises(openai.NotFoundError, lambda: t.client.responses.cancel("resp_none"))
