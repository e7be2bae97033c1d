"""langchain-openai from PyPI."""
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai_sdk import MODEL, PIXEL, Point, fails, same
import openai


def client(base):
    return ChatOpenAI(model=MODEL, base_url=base, api_key="sk-of-the-client",
                      max_retries=0, stream_usage=True, use_responses_api=False)


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return "sun"


def test_invoke(t):
    t.script({"say": "Hello"})
    r = t.client.invoke("Hi")
    same((r.content, r.usage_metadata["total_tokens"]), ("Hello", 34))
    same(r.response_metadata["finish_reason"], "stop")


def test_stream(t):
    t.script({"say": "one two three"})
    chunks = list(t.client.stream("Count"))
    same("".join(c.content for c in chunks), "one two three")
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    same(whole.usage_metadata["output_tokens"], 13)


def test_tools_there_and_back(t):
    t.script({"calls": [{"name": "weather", "arguments": {"city": "Rome"},
                         "call_id": "call_1"}]}, {"say": "Sunny."})
    bound = t.client.bind_tools([weather])
    messages = [HumanMessage("Weather in Rome?")]
    messages.append(bound.invoke(messages))
    [call] = messages[-1].tool_calls
    same((call["name"], call["args"], call["id"]),
         ("weather", {"city": "Rome"}, "call_1"))
    messages.append(ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]))
    same(bound.invoke(messages).content, "Sunny.")
    same(t.sent(2)[1]["body"]["input"][-1]["output"], "sun")


def test_tools_streamed(t):
    t.script({"calls": [{"name": "weather", "arguments": {"city": "Rome"},
                         "call_id": "call_1"}]})
    whole = None
    for chunk in t.client.bind_tools([weather]).stream("Weather?"):
        whole = chunk if whole is None else whole + chunk
    same(whole.tool_calls[0]["args"], {"city": "Rome"})


def test_structured_output(t):
    for method in ("json_schema", "function_calling", "json_mode"):
        t.g.upstream.clear()
        point = {"x": 2, "label": "p"}
        t.script({"calls": [{"name": "Point", "arguments": point, "call_id": "c"}]}
                 if method == "function_calling" else
                 {"say": '{"x": 2, "label": "p"}'})
        asked = t.client.with_structured_output(Point, method=method)
        same(asked.invoke("A point, as JSON"), Point(x=2, label="p"))
        if method == "function_calling":
            same(t.sent(1)[0]["body"]["tool_choice"],
                 {"type": "function", "name": "Point"})


def test_pictures(t):
    t.client.invoke([HumanMessage([
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": PIXEL}}])])
    same(t.sent(1)[0]["body"]["input"][0]["content"][1]["image_url"], PIXEL)


def test_history(t):
    t.client.invoke([("system", "Be brief."), ("human", "Hi"),
                     AIMessage("Hello."), ("human", "Bye")])
    same([i["role"] for i in t.sent(1)[0]["body"]["input"]],
         ["developer", "user", "assistant", "user"])


def test_errors(t):
    t.script({"status": 400, "body": {"detail": "No."}})
    same(fails(openai.BadRequestError, lambda: t.client.invoke("Hi")).status_code, 400)
    t.script({"say": "One two", "stop_before": "response.completed"})
    fails(openai.APIError, lambda: list(t.client.stream("Hi")))
