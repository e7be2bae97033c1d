"""What holds for every answer of Ollama's API, and its streams in short."""
import json
import re

from case import expand

SHAPES = {"/api/chat": "Chat", "/api/generate": "Generate"}
WHOLE = {"/api/tags": "ListResponse", "/api/show": "ShowResponse",
         "/api/ps": "PsResponse", "/api/version": "VersionResponse"}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DURATIONS = ("total_duration", "prompt_eval_duration", "eval_duration")
# Of what is not counted and not measured nothing may be said.
MEMBERS = {"model", "created_at", "message", "response", "thinking", "done",
           "done_reason", "prompt_eval_count", "eval_count", *DURATIONS}


def usual(play):
    kind, ex, r = play.r.headers.get("content-type", ""), play.ex, play.r
    path = ex.path.split("?")[0].rstrip("/").removeprefix("/v1")
    if ex.method == "HEAD":
        play.equal(r.body, b"", ": a body behind HEAD")
    elif kind.startswith("application/x-ndjson"):
        stream(play, SHAPES[path])
    elif r.status >= 400:
        error(play, r.json())
    elif path in SHAPES:
        piece(play, r.json(), SHAPES[path], True)
        play.equal(kind, "application/json", ": the type of a whole answer")
    else:
        valid(play, WHOLE[path], r.json())


def valid(play, name, value):
    fault = play.ollama.fault(name, value)
    play.check(fault is None, f": {fault}", value)


def error(play, value):
    play.check(set(value) == {"error"} and isinstance(value["error"], str) and
               value["error"], ": an error is a sentence", value)


def piece(play, value, shape, last):
    """One line of a stream, or a whole answer."""
    valid(play, shape + ("Response" if last else "StreamEvent"), value)
    what = "message" if shape == "Chat" else "response"
    play.check(STAMP.fullmatch(value.get("created_at", "")), ": created_at", value)
    play.check(what in value and "model" in value, f": {what}, model", value)
    play.check(value.get("done") is last, f": done is {last}", value)
    play.check(("done_reason" in value) is last, ": done_reason at the end", value)
    play.check(not set(value) - MEMBERS, ": unknown members", value)
    if what == "message":
        play.equal(value["message"].get("role"), "assistant", ": role")
        for call in value["message"].get("tool_calls", []):
            play.check(isinstance(call["function"]["arguments"], dict),
                       ": arguments are an object", call)
    said = [value[d] for d in DURATIONS if d in value]
    play.check(all(d > 0 for d in said) and (last or not said),
               ": durations", value)
    if len(said) == 3:
        play.equal(said[0], said[1] + said[2], ": the sum of the durations")
        play.check(said[0] <= play.took * 1e9, ": a duration beyond the request's",
                   (said[0], play.took))


def stream(play, shape):
    play.check(play.r.text.endswith("\n"), ": the last line has no end")
    try:
        lines = [json.loads(line) for line in play.r.text.split("\n")[:-1]]
    except ValueError as e:
        play.check(False, f": a line is not JSON: {e}", play.r.text[-300:])
        return
    failed = "error" in lines[-1]
    for line in lines[:-1]:
        piece(play, line, shape, False)
    if failed:
        error(play, lines[-1])
    else:
        piece(play, lines[-1], shape, True)
    play.check(len({line.get("model") for line in lines[:len(lines) - failed]}) <= 1,
               ": the model changes in the stream")


def in_short(line):
    return {k: v for k, v in line.items()
            if k not in ("model", "created_at", *DURATIONS)}


def compare(play, want):
    got = play.r.text.split("\n")[:-1]
    for i, (number, text) in enumerate(want):
        wanted = json.loads(expand(text.partition(" ")[2]))
        if i >= len(got):
            play.check(False, f":{number}: the stream has ended before {text}")
            return
        play.equal(in_short(json.loads(got[i])), wanted, f":{number}: {text}")
    play.check(len(got) == len(want), ": more lines", got[len(want):][:3])
