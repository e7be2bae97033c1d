"""llm with its Ollama plugin, as people run it: a program of its own that
finds the models, and asks."""
import base64
import os
import subprocess
import sys
import tempfile

from openai_sdk import MODEL, PIXEL, same

ID = "ollama/" + MODEL


class App:
    def __init__(self, base):
        self.home = tempfile.TemporaryDirectory(prefix="chatmock-llm-")
        self.env = {**os.environ, "OLLAMA_HOST": base.removesuffix("/v1"),
                    "HOME": self.home.name, "LLM_USER_PATH": self.home.name}
        self.program = os.path.join(os.path.dirname(sys.executable), "llm")

    def run(self, *args, fails=False):
        r = subprocess.run([self.program, *args], env=self.env, text=True, timeout=60,
                           stdin=subprocess.DEVNULL, capture_output=True)
        assert (r.returncode != 0) == fails, (args, r.stdout, r.stderr)
        return r.stdout.strip(), r.stderr.strip()


def client(base):
    return App(base)


def test_models(t):
    out, _ = t.client.run("models")
    assert f"Ollama: {ID}" in out.splitlines(), out


def test_a_conversation(t):
    t.script({"think": "Hm.", "say": "Hello there"}, {"say": "Hello again"})
    out, _ = t.client.run("-m", ID, "-s", "Be brief.", "Hi")
    same(out, "Hello there")
    out, _ = t.client.run("-c", "Again?", "--no-stream")
    same(out, "Hello again")
    second = t.sent(2)[1]["body"]["input"]
    same([m["role"] for m in second], ["developer", "user", "assistant", "user"])


def test_a_tool(t):
    t.script({"calls": [{"name": "llm_version", "arguments": {}, "call_id": "call_1"}]},
             {"say": "That one."})
    out, _ = t.client.run("-m", ID, "-T", "llm_version", "Which version?")
    same(out, "That one.")
    calls = [i["type"] for i in t.sent(2)[1]["body"]["input"][1:]]
    same(calls, ["function_call", "function_call_output"])


def test_a_schema(t):
    t.script({"say": '{"name": "Rex"}'})
    out, _ = t.client.run("-m", ID, "--schema", "name: str", "A dog.")
    same(out, '{"name": "Rex"}')
    same(t.sent(1)[0]["body"]["text"]["format"]["schema"]["required"], ["name"])


def test_an_image(t):
    path = os.path.join(t.client.home.name, "pixel.png")
    with open(path, "wb") as f:
        f.write(base64.b64decode(PIXEL.split(",")[1]))
    t.client.run("-m", ID, "-a", path, "What?")
    same(t.sent(1)[0]["body"]["input"][0]["content"][1]["image_url"], PIXEL)


def test_an_error(t):
    t.script({"status": 429, "body": {"error": {"message": "Too much.", "type": "x"}}})
    _, err = t.client.run("-m", ID, "Hi", fails=True)
    assert "Too much." in err and "429" in err, err


def test_a_failure_in_the_stream(t):
    t.script({"say": "one two", "failed": {"code": "server_error", "message": "Sorry."}})
    out, err = t.client.run("-m", ID, "Hi", fails=True)
    assert out.startswith("one two") and "Sorry." in err, (out, err)
