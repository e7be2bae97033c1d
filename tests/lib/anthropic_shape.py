"""Anthropic's answers: the grammar of a stream as a state machine, the shape
of messages, errors and lists. Each check returns what is wrong, or None."""
import json

STOPS = {"end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal"}
ERRORS = {"invalid_request_error", "authentication_error", "billing_error",
          "permission_error", "not_found_error", "request_too_large",
          "rate_limit_error", "timeout_error", "api_error", "overloaded_error"}
# a block's type, as it begins -> the deltas that it may have
DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "redacted_thinking": set(),
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "web_search_tool_result": set(),
}
FIELDS = {
    "text": {"text": str}, "thinking": {"thinking": str, "signature": str},
    "redacted_thinking": {"data": str},
    "tool_use": {"id": str, "name": str, "input": dict},
    "server_tool_use": {"id": str, "name": str, "input": dict},
    "web_search_tool_result": {"tool_use_id": str, "content": list},
    "text_delta": {"text": str}, "thinking_delta": {"thinking": str},
    "signature_delta": {"signature": str}, "input_json_delta": {"partial_json": str},
    "citations_delta": {"citation": dict},
}
USAGE = ("input_tokens", "cache_creation_input_tokens",
         "cache_read_input_tokens", "output_tokens")


def events(text):
    """[(name, data)]; ValueError for what is no event of this tongue."""
    found = []
    for part in text.split("\n\n"):
        if not part:
            continue
        lines = part.split("\n")
        if len(lines) != 2 or not lines[0].startswith("event: ") or \
                not lines[1].startswith("data: "):
            raise ValueError(f"no event: {part[:200]!r}")
        found.append((lines[0][7:], json.loads(lines[1][6:])))
    return found


def fields(value):
    kind = value.get("type")
    if kind not in FIELDS:
        return f"the type {kind!r}"
    for name, wanted in FIELDS[kind].items():
        if not isinstance(value.get(name), wanted):
            return f"{kind} without {name}: {value}"
    return None


def usage_fault(usage):
    for name in USAGE:
        if not isinstance(usage.get(name), int) or usage[name] < 0:
            return f"usage.{name}: {usage}"
    return None


def error_fault(value):
    error = value.get("error", {})
    if value.get("type") != "error" or error.get("type") not in ERRORS or \
            not error.get("message") or not isinstance(error["message"], str) or \
            not str(value.get("request_id", "")).startswith("req_"):
        return f"no error of the API: {value}"
    return None


def message_fault(value, whole=True):
    if value.get("type") != "message" or value.get("role") != "assistant" or \
            not value.get("id", "").startswith("msg_") or not value.get("model"):
        return f"no message: {value}"
    if whole:
        for block in value["content"]:
            if fields(block):
                return fields(block)
        if value["stop_reason"] not in STOPS:
            return f"stop_reason {value['stop_reason']!r}"
        if (value["stop_reason"] == "stop_sequence") != \
                isinstance(value["stop_sequence"], str):
            return f"stop_sequence {value['stop_sequence']!r}"
    elif value["content"] or value["stop_reason"] is not None or \
            value["usage"]["output_tokens"]:
        return f"a message that begins with something: {value}"
    return usage_fault(value["usage"])


def model_fault(value):
    if value.get("type") != "model" or not value.get("id") or \
            not value.get("display_name") or not value.get("created_at"):
        return f"no model: {value}"
    return None


def list_fault(value):
    data = value.get("data")
    if not isinstance(data, list) or not isinstance(value.get("has_more"), bool):
        return f"no list: {value}"
    ends = [data[0]["id"], data[-1]["id"]] if data else [None, None]
    if [value.get("first_id"), value.get("last_id")] != ends:
        return f"first_id, last_id: {value.get('first_id')}, {value.get('last_id')}"
    return next(filter(None, map(model_fault, data)), None)


class Stream:
    """step() takes one event after the other; end() is asked at the end."""

    def __init__(self):
        self.state, self.block, self.count, self.blocks = "begin", None, 0, []

    def step(self, name, data):
        if data.get("type") != name:
            return f"event: {name} says it is {data.get('type')}"
        if self.state in ("over", "failed"):
            return f"{name} behind the end"
        if name == "ping":
            return None if set(data) == {"type"} else f"ping: {data}"
        if name == "error":
            self.state = "failed"
            return error_fault(data)
        step = getattr(self, "on_" + name, None)
        return step(data) if step else f"an event {name}"

    def on_message_start(self, data):
        if self.state != "begin":
            return "message_start, twice"
        self.state = "between"
        return message_fault(data["message"], whole=False)

    def on_content_block_start(self, data):
        if self.state != "between":
            return f"content_block_start, state {self.state}"
        if data["index"] != self.count:
            return f"block {data['index']} is the {self.count}th"
        self.state, self.block = "inside", dict(data["content_block"])
        self.blocks.append(self.block)
        self.block["json"] = ""
        return fields(self.block)

    def on_content_block_delta(self, data):
        if self.state != "inside" or data["index"] != self.count:
            return f"a delta of {data['index']}, state {self.state} {self.count}"
        delta = data["delta"]
        if delta["type"] not in DELTAS[self.block["type"]]:
            return f"{delta['type']} in {self.block['type']}"
        for delta_kind, into, key in (("text_delta", "text", "text"),
                                      ("thinking_delta", "thinking", "thinking"),
                                      ("signature_delta", "signature", "signature"),
                                      ("input_json_delta", "json", "partial_json")):
            if delta["type"] == delta_kind:
                self.block[into] += delta[key]
        if delta["type"] == "citations_delta":
            self.block.setdefault("citations", []).append(delta["citation"])
        return fields(delta)

    def on_content_block_stop(self, data):
        if self.state != "inside" or data["index"] != self.count:
            return f"a stop of {data['index']}, state {self.state} {self.count}"
        self.state, self.count = "between", self.count + 1
        return None

    def on_message_delta(self, data):
        if self.state != "between":
            return f"message_delta, state {self.state}"
        self.state, self.delta = "ended", data
        if data["delta"]["stop_reason"] not in STOPS:
            return f"stop_reason {data['delta']['stop_reason']!r}"
        return usage_fault(data["usage"])

    def on_message_stop(self, data):
        if self.state != "ended":
            return f"message_stop, state {self.state}"
        self.state = "over"
        return None

    def end(self):
        if self.state not in ("over", "failed"):
            return f"the stream ends, state {self.state}"
        return None

    def content(self):
        """The blocks as a whole message has them."""
        found = []
        for block in self.blocks:
            block = dict(block)
            text = block.pop("json")
            if block["type"] in ("tool_use", "server_tool_use"):
                block["input"] = json.loads(text) if text else {}
            found.append(block)
        return found


def read_stream(text):
    """(what is wrong or None, the Stream)."""
    s = Stream()
    try:
        for name, data in events(text):
            fault = s.step(name, data)
            if fault:
                return fault, s
    except (ValueError, KeyError, TypeError) as e:
        return f"{type(e).__name__}: {e}", s
    return s.end(), s
