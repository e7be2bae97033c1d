"""Every type of event that a Responses upstream is known to send, and some that
nobody knows, through POST /v1/responses: to any client and to a Codex client,
streamed and whole.

Each stands in an answer of its own, between a beginning and an end, and then
all stand in one. What must come out is made of what went in, as text: the same
bytes, but for the numbers behind an event that was left out and for the empty
output of the end, into which the items are put.
"""
import base64
import json
import re

import fastcgi

PLAIN, CODEX = "/v1/responses", "/backend-api/codex/responses"
NUMBER = re.compile(r'("sequence_number"\s*:\s*)\d+')
OPEN = '{"sequence_number" :@N@,"type":"%s", "odd" : "\\u00e4\\/\\ud83d\\ude42 ä🙂",\t"x":[1.50,1e2,null]'

IO = '"item_id":"i_1","output_index":0'
PART = IO + ',"content_index":0'
SUMMARY = IO + ',"summary_index":0'
TEXT = '"part":{"type":"output_text","text":"","annotations":[]}'
USAGE = '"usage":{"input_tokens":21,"output_tokens":13,"total_tokens":34}'
STATE = ('"response":{"id":"resp_9","object":"response","created_at":7,'
         '"model":"gpt-5.5","status":"%s","output":[],%s}')

# type, its members
EVENTS = [
    ("response.created", STATE % ("in_progress", '"usage":null')),
    ("response.in_progress", STATE % ("in_progress", '"usage":null')),
    ("response.queued", STATE % ("queued", '"usage":null')),
    ("keepalive", '"y":0'),
    ("response.output_item.added", '"output_index":0,"item":{"id":"i_1","type":"message",'
     '"status":"in_progress","role":"assistant","content":[]}'),
    ("response.content_part.added", PART + "," + TEXT),
    ("response.content_part.done", PART + "," + TEXT),
    ("response.output_text.delta", PART + ',"delta":"D ","logprobs":[],"obfuscation":"aX3"'),
    ("response.output_text.done", PART + ',"text":"D ","logprobs":[]'),
    ("response.refusal.delta", PART + ',"delta":"No"'),
    ("response.refusal.done", PART + ',"refusal":"No"'),
    ("response.reasoning_summary_part.added",
     SUMMARY + ',"part":{"type":"summary_text","text":""}'),
    ("response.reasoning_summary_part.done",
     SUMMARY + ',"part":{"type":"summary_text","text":"Hm"},"status":"completed"'),
    ("response.reasoning_summary_text.delta", SUMMARY + ',"delta":"Hm"'),
    ("response.reasoning_summary_text.done", SUMMARY + ',"text":"Hm"'),
    ("response.reasoning_text.delta", PART + ',"delta":"Hm"'),
    ("response.reasoning_text.done", PART + ',"text":"Hm"'),
    ("response.function_call_arguments.delta", IO + ',"delta":"{\\"a\\":"'),
    ("response.function_call_arguments.done", IO + ',"arguments":"{}","name":"f"'),
    ("response.custom_tool_call_input.delta", IO + ',"delta":"ls"'),
    ("response.custom_tool_call_input.done", IO + ',"input":"ls"'),
    ("response.code_interpreter_call_code.delta", IO + ',"delta":"1+"'),
    ("response.code_interpreter_call_code.done", IO + ',"code":"1+1"'),
    ("response.image_generation_call.partial_image",
     IO + ',"partial_image_index":0,"partial_image_b64":"' + "QUJD" * 9000 +
     '","size":"1024x1024","quality":"high","background":"opaque","output_format":"png"'),
    ("response.mcp_call_arguments.delta", IO + ',"delta":"{}"'),
    ("response.mcp_call_arguments.done", IO + ',"arguments":"{}"'),
    ("response.audio.delta", '"delta":"AAAA"'),
    ("response.audio.done", '"response_id":"resp_9"'),
    ("response.audio.transcript.delta", '"delta":"a"'),
    ("response.audio.transcript.done", '"response_id":"resp_9"'),
    *((f"response.{call}.{step}", IO) for call, steps in (
        ("web_search_call", ("in_progress", "searching", "completed")),
        ("file_search_call", ("in_progress", "searching", "completed")),
        ("code_interpreter_call", ("in_progress", "interpreting", "completed")),
        ("image_generation_call", ("in_progress", "generating", "completed")),
        ("mcp_call", ("in_progress", "completed", "failed")),
        ("mcp_list_tools", ("in_progress", "completed", "failed")))
      for step in steps),
    *(("response.output_text.annotation.added",
       PART + f',"annotation_index":0,"annotation":{a}') for a in (
        '{"type":"url_citation","url":"https://example.com/","title":"é",'
        '"start_index":0,"end_index":1}',
        '{"type":"file_citation","file_id":"file_1","filename":"a","index":0}',
        '{"type":"container_file_citation","container_id":"c","file_id":"file_1",'
        '"filename":"a","start_index":0,"end_index":1}',
        '{"type":"file_path","file_id":"file_1","index":0}')),
    # nobody knows them: they pass
    ("response.brand_new", '"y":{"z":[]}'),
    ("response.brand_new.delta", '"delta":{"no":"text"}'),
    ("another.word", '"y":{}'),
]
PRIVATE = [
    ("codex.rate_limits", '"plan_type":"plus","rate_limits":{"allowed":true,"primary":'
     '{"used_percent":4,"window_minutes":300,"reset_after_seconds":9}},"credits":null'),
    ("codex.response.metadata", '"headers":{"openai-model":"gpt-real"}'),
    ("response.metadata", '"metadata":{"openai_verification_recommendation":[]}'),
    ("responsesapi.websocket_timing", '"ms":3'),
    ("codex.brand_new", '"y":1'),
]
ITEMS = [
    '{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],'
    '"encrypted_content":"gAAA"}',
    '{"id":"i_1","type":"message","role":"assistant", "status":"completed","content":'
    '[{"type":"output_text","text":"\\u00e4 🙂","annotations":[],"logprobs":[]},'
    '{"type":"refusal","refusal":"No"}]}',
    '{"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":"{ }"}',
    '{"id":"ct_1","type":"custom_tool_call","call_id":"c2","name":"p","input":"ls"}',
    '{"id":"ls_1","type":"local_shell_call","call_id":"c3","status":"completed",'
    '"action":{"type":"exec","command":["ls"]}}',
    '{"id":"ws_1","type":"web_search_call","status":"completed",'
    '"action":{"type":"search","query":"q"}}',
    '{"id":"fs_1","type":"file_search_call","status":"completed","queries":["q"],'
    '"results":null}',
    '{"id":"ci_1","type":"code_interpreter_call","status":"completed","code":"1+1",'
    '"container_id":"c","outputs":null}',
    '{"id":"ig_1","type":"image_generation_call","status":"completed","result":"AAAA"}',
    '{"id":"mc_1","type":"mcp_call","server_label":"s","name":"n","arguments":"{}"}',
    '{"id":"ml_1","type":"mcp_list_tools","server_label":"s","tools":[]}',
    '{"id":"ts_1","type":"tool_search_call","call_id":"c4","execution":"client",'
    '"arguments":{}}',
    '{"type":"compaction","encrypted_content":"gBBB"}',
    '{"id":"n_1","type":"brand_new","deep":{"x":1.50}}',
]


def event(kind, members):
    return kind, OPEN % kind + "," + members + "}"


def item(at, text):
    return event("response.output_item.done", f'"output_index":{at},"item":{text}')


CREATED = event(*EVENTS[0])


def end(kind="response.completed", status="completed", more=USAGE):
    return event(kind, STATE % (status, more))


def numbered(events, first=0):
    """Their numbers put in; what has none takes none."""
    done = []
    for kind, data in events:
        if "@N@" in data:
            data, first = data.replace("@N@", str(first)), first + 1
        done.append((kind, data))
    return done


def wire(events):
    return "".join(f"event: {kind}\ndata: {data}\n\n" for kind, data in events)


def heard(events, items, codex, renamed=None):
    """What must come of events, which bear their numbers."""
    private = {kind for kind, _ in PRIVATE}
    kept = [e for e in events if codex or e[0] not in private]
    made = []
    for kind, data in kept:
        if kind in ("response.completed", "response.incomplete", "response.done"):
            data = data.replace('"output":[]', f'"output":[{",".join(items)}]', 1)
        if renamed and kind == renamed:
            data = data.replace(renamed, "response.completed", 1)
            kind = "response.completed"
        made.append((kind, NUMBER.sub(r"\1@N@", data, count=1)))
    return wire(numbered(made))


class Catalogue:
    def __init__(self, checks, g):
        self.checks, self.g = checks, g

    def ask(self, events, path, stream, store=True):
        steps = [{"send_b64": base64.b64encode(wire(events).encode()).decode().rstrip("=")}]
        self.g.upstream.clear()
        self.g.upstream.script({"steps": steps})
        body = json.dumps({"model": "gpt-5.5", "stream": stream, "input": "Say it.",
                           "store": store})
        answer = fastcgi.Call(self.g.socket, "POST", path, body).run()
        problems = [p for r in self.g.upstream.requests() for p in r["problems"]]
        self.checks.equal(problems, [], "upstream's objections")
        return answer

    def heard_by(self, answer, where, store=True, ours=0):
        """The stream without what the gateway says of its own: whether the
        response is kept, where it keeps them itself. ours: so many of its
        events are of our own making, and do not say it."""
        text, response = answer.body.decode(), '"response":{'
        if self.g.kind == "chatgpt":
            said = response + f'"store":{json.dumps(store)},'
            self.checks.equal(text.count(said), text.count(response) - ours,
                              f"{where}: whether it is kept")
            text = text.replace(said, response)
        return text

    def play(self, what, events, items, renamed=None):
        """One answer, to all who may ask for it."""
        what = f"{self.g.kind}, {what}"
        events = numbered(events)
        for path in (PLAIN, CODEX):
            answer = self.ask(events, path, True)
            where = f"{what}, {path}, stream"
            self.checks.equal(answer.status, 200, f"{where}: status")
            wanted = heard(events, items, path == CODEX, renamed)
            self.checks.equal(self.heard_by(answer, where), wanted, where)
            answer = self.ask(events, path, True, store=False)
            self.checks.equal(self.heard_by(answer, where, store=False), wanted,
                              f"{where}, not kept")
            self.whole(f"{what}, {path}, whole", events, items, path)

    def whole(self, where, events, items, path):
        answer = self.ask(events, path, False)
        if not self.checks.equal(answer.status, 200, f"{where}: status"):
            return
        text = answer.body.decode()
        body = json.loads(text)
        self.checks.check(f'"output":[{",".join(items)}]' in text, f"{where}: its items",
                          text[:400])
        self.checks.equal([body["id"], body["status"], body["usage"]["total_tokens"]],
                          ["resp_9", json.loads(events[-1][1])["response"]["status"], 34],
                          f"{where}: the response")

    def fails(self, what, last, words, passed):
        """An answer whose last event says that it failed."""
        what = f"{self.g.kind}, {what}"
        events = numbered([CREATED, event("response.output_text.delta",
                                          PART + ',"delta":"So far"'), last])
        for path in (PLAIN, CODEX):
            answer = self.ask(events, path, True)
            where = f"{what}, {path}"
            text = self.heard_by(answer, where, ours=0 if passed else 1)
            before = wire(events[:2])
            self.checks.check(text.startswith(before), f"{where}: what was before", text)
            if passed:
                self.checks.equal(text, wire(events), f"{where}: as it came")
            name, data = re.fullmatch(r"event: (.*)\ndata: (.*)\n\n",
                                      text[len(before):]).groups()
            data = json.loads(data)
            self.checks.equal([name, data["type"], data["sequence_number"],
                               data["response"]["status"],
                               data["response"]["error"]["message"]],
                              ["response.failed", "response.failed", 2, "failed", words],
                              f"{where}: the end")
            answer = self.ask(events, path, False)
            self.checks.equal([answer.status, json.loads(answer.body)["error"]["message"]],
                              [502, words], f"{where}, whole")

    def run(self):
        message = ITEMS[1]
        for n, (kind, members) in enumerate(EVENTS + PRIVATE):
            begun = [] if kind == "response.created" else [CREATED]
            self.play(f"{kind} ({n})", [*begun, event(kind, members), item(0, message),
                                        end()], [message])
        for n, one in enumerate(ITEMS):
            self.play(f"item {n}", [CREATED, item(0, one), end()], [one])
        unnumbered = [(k, data.replace('"sequence_number" :@N@,', "")) for k, data in
                      (event(*p) for p in PRIVATE)]
        everything = [event(*e) for e in EVENTS]
        mixed = [e for pair in zip(everything, [event(*PRIVATE[n % len(PRIVATE)])
                                                for n in range(len(everything))])
                 for e in pair]
        told = [item(n, text) for n, text in enumerate(ITEMS)]
        self.play("all of it", [*mixed, *unnumbered, *told, end()], ITEMS)
        self.play("items in another order", [CREATED, *reversed(told), end()], ITEMS)
        self.play("the WebSocket's end", [CREATED, told[0], end("response.done")],
                  ITEMS[:1], renamed="response.done")
        for reason in ("max_output_tokens", "content_filter"):
            self.play(reason, [CREATED, told[0], end(
                "response.incomplete", "incomplete",
                f'"incomplete_details":{{"reason":"{reason}"}},{USAGE}')], ITEMS[:1])
        error = '"code":"server_error","message":"Oops."'
        self.fails("response.failed", end("response.failed", "failed",
                   f'"error":{{{error}}},"usage":null'), "Oops.", True)
        self.fails("error, flat", event("error", error + ',"param":null'), "Oops.", False)
        self.fails("error, nested", event("error", f'"error":{{{error}}}'), "Oops.", False)
