"""langchain-anthropic from PyPI."""
import anthropic
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from openai_sdk import MODEL, PIXEL, Point, fails, same


def client(base):
    return ChatAnthropic(model=MODEL, base_url=base.removesuffix("/v1"), max_retries=0,
                         api_key="sk-of-the-client", max_tokens=1024)


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return "sun"


def whole_of(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def used(usage):
    same((usage["input_tokens"], usage["output_tokens"], usage["total_tokens"],
          usage["input_token_details"]["cache_read"]), (21, 13, 34, 8))


def test_invoke(t):
    t.script({"say": "Hello"})
    r = t.client.invoke("Hi")
    same((r.content, r.response_metadata["stop_reason"]), ("Hello", "end_turn"))
    used(r.usage_metadata)


def test_stream(t):
    t.script({"say": "one two three"})
    whole = whole_of(t.client.stream("Count"))
    same(whole.text, "one two three")
    used(whole.usage_metadata)
    same(whole.response_metadata["stop_reason"], "end_turn")


def test_tools_there_and_back(t):
    t.script({"say": "I look.", "calls": [{"name": "weather", "call_id": "call_1",
                                           "arguments": {"city": "Rome"}}]},
             {"say": "Sunny."})
    bound = t.client.bind_tools([weather])
    messages = [HumanMessage("Weather in Rome?")]
    messages.append(bound.invoke(messages))
    [call] = messages[-1].tool_calls
    same((call["name"], call["args"]), ("weather", {"city": "Rome"}))
    messages.append(ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]))
    same(bound.invoke(messages).content, "Sunny.")
    same((t.sent(2)[1]["body"]["input"][-1]["call_id"],
          t.sent(2)[1]["body"]["input"][-1]["output"]), ("call_1", "sun"))


def test_tools_streamed(t):
    t.script({"calls": [{"name": "weather", "arguments": {"city": "Rome"},
                         "call_id": "call_1"}]})
    whole = whole_of(t.client.bind_tools([weather]).stream("Weather?"))
    same(whole.tool_calls[0]["args"], {"city": "Rome"})


def test_thinking_there_and_back(t):
    model = ChatAnthropic(model=MODEL, base_url=t.g.base, max_retries=0, api_key="x",
                          max_tokens=8000,
                          thinking={"type": "enabled", "budget_tokens": 5000})
    t.script({"think": "Hm.", "encrypted": "ZW5j", "say": "Yes."}, {"say": "Done."})
    r = whole_of(model.stream("Well?"))
    same([b["type"] for b in r.content], ["thinking", "text"])
    model.invoke([HumanMessage("Well?"), r, HumanMessage("On.")])
    same([i["encrypted_content"] for i in t.sent(2)[1]["body"]["input"]
          if i["type"] == "reasoning"], ["ZW5j"])


def test_structured_output(t):
    for method in ("json_schema", "function_calling"):
        t.g.upstream.clear()
        point = {"x": 2, "label": "p"}
        t.script({"calls": [{"name": "Point", "arguments": point, "call_id": "c"}]}
                 if method == "function_calling" else
                 {"say": '{"x": 2, "label": "p"}'})
        asked = t.client.with_structured_output(Point, method=method)
        same(asked.invoke("A point"), Point(x=2, label="p"))
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
    same(fails(anthropic.BadRequestError,
               lambda: t.client.invoke("Hi")).status_code, 400)
    t.script({"say": "One two", "stop_before": "response.completed"})
    fails(anthropic.APIError, lambda: list(t.client.stream("Hi")))
