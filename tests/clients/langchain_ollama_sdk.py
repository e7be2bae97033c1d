"""langchain-ollama from PyPI."""
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaLLM
from ollama import ResponseError
from openai_sdk import MODEL, PIXEL, Point, fails, same


def client(base):
    return ChatOllama(model=MODEL, base_url=base.removesuffix("/v1"),
                      validate_model_on_init=True)


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return f"sun in {city}"


def test_invoke(t):
    t.script({"say": "Hello"})
    r = t.client.invoke("Hi")
    same((r.content, r.usage_metadata["total_tokens"]), ("Hello", 34))
    same((r.response_metadata["done_reason"], r.response_metadata["model"]),
         ("stop", MODEL))


def test_stream(t):
    t.script({"say": "one two three"})
    chunks = list(t.client.stream("Count"))
    same("".join(c.content for c in chunks), "one two three")
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    same(whole.usage_metadata["output_tokens"], 13)


def test_reasoning(t):
    t.script({"think": "Hm.", "say": "Hello."})
    r = t.client.bind(reasoning=True).invoke("Hi")
    same((r.content, r.additional_kwargs["reasoning_content"]), ("Hello.", "Hm."))


def test_tools_there_and_back(t):
    t.script({"calls": [{"name": "weather", "arguments": {"city": c},
                         "call_id": f"call_{c}"} for c in ("Rome", "Oslo")]},
             {"say": "Sunny."})
    bound = t.client.bind_tools([weather])
    messages = [HumanMessage("Weather in Rome and Oslo?")]
    messages.append(bound.invoke(messages))
    same([(c["name"], c["args"]) for c in messages[-1].tool_calls],
         [("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})])
    # the SDK below it sends no ids: the order says which is which
    for call in messages[-1].tool_calls:
        messages.append(ToolMessage(weather.invoke(call["args"]),
                                    tool_call_id=call["id"]))
    same(bound.invoke(messages).content, "Sunny.")
    sent = t.sent(2)[1]["body"]["input"]
    asked = {i["call_id"]: i["arguments"] for i in sent if i["type"] == "function_call"}
    told = {i["call_id"]: i["output"] for i in sent
            if i["type"] == "function_call_output"}
    same({asked[i]: told[i] for i in asked},
         {'{"city":"Rome"}': "sun in Rome", '{"city":"Oslo"}': "sun in Oslo"})


def test_structured_output(t):
    t.script({"say": '{"x": 1, "label": "a"}'})
    same(t.client.with_structured_output(Point).invoke("A point").label, "a")
    same(t.sent(1)[0]["body"]["text"]["format"]["type"], "json_schema")


def test_images(t):
    t.client.invoke([HumanMessage(content=[
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": PIXEL}}])])
    same([p.get("image_url") for p in t.sent(1)[0]["body"]["input"][0]["content"]],
         [None, PIXEL])


def test_legacy(t):
    t.script({"say": " a time."})
    llm = OllamaLLM(model=MODEL, base_url=t.base.removesuffix("/v1"))
    same(llm.invoke("Once upon"), " a time.")


def test_error(t):
    t.script({"status": 400, "body": {"error": {"message": "No.", "type": "x"}}})
    e = fails(ResponseError, lambda: t.client.invoke("Hi"))
    same((e.status_code, "No." in e.error), (400, True))


def test_failure_in_the_stream(t):
    t.script({"say": "one", "failed": {"code": "server_error", "message": "Sorry."}})
    fails(ResponseError, lambda: list(t.client.stream("Hi")))
