"""Answers against the published descriptions of OpenAI's and Ollama's APIs, which
lie beside the clone (../shared/specs). The validator comes from PyPI; see
pyenv.sh."""
import glob
import json
import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
SPECS = os.path.join(HERE, "..", "..", "..", "shared", "specs")
OPENAI, OLLAMA = "openai.openapi.json", "ollama.openapi.yaml"


def _nullable(node):
    """OpenAPI 3.0's "nullable", which the description still has here and
    there, as JSON Schema says it."""
    if isinstance(node, list):
        return [_nullable(v) for v in node]
    if not isinstance(node, dict):
        return node
    made = {k: _nullable(v) for k, v in node.items()}
    if made.pop("nullable", False) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def _amend(schemas):
    """Where it contradicts its own examples and its own service: the chunks
    of a completion have no reason yet, usage may be null (also a response's
    that goes on), and calls of custom tools are streamed, too."""
    call = schemas["ChatCompletionMessageToolCallChunk"]["properties"]
    call["type"]["enum"].append("custom")
    choice = schemas["CreateCompletionResponse"]["properties"]["choices"]["items"]
    reason = choice["properties"]["finish_reason"]
    choice["properties"]["finish_reason"] = {"anyOf": [reason, {"type": "null"}]}
    for name in ("CreateChatCompletionResponse", "CreateCompletionResponse",
                 "CreateChatCompletionStreamResponse"):
        has = schemas[name]["properties"]
        has["usage"] = {"anyOf": [has["usage"], {"type": "null"}]}
    for part in schemas["Response"]["allOf"]:
        has = part.get("properties", {})
        if "usage" in has:
            has["usage"] = {"anyOf": [has["usage"], {"type": "null"}]}
    # newer than many a server
    details = schemas["ResponseUsage"]["properties"]["input_tokens_details"]
    details["required"] = [name for name in details["required"]
                           if name != "cache_write_tokens"]


class OpenAPI:
    """why says what is missing when there is nothing to validate with."""

    def __init__(self, name=OPENAI):
        self.why, self.validators, self.lock = "", {}, threading.Lock()
        path = os.path.join(SPECS, name)
        if not os.path.exists(path):
            self.why = "../shared/specs is not there"
            return
        made = subprocess.run([os.path.join(HERE, "pyenv.sh")],
                              capture_output=True, text=True)
        if made.returncode != 0:
            self.why = made.stdout.strip() or "no packages from PyPI"
            return
        # before Debian's own, which are older
        sys.path[:0] = glob.glob(made.stdout.strip() + "/lib/python3*/site-packages")
        import jsonschema
        import referencing
        import referencing.jsonschema
        import yaml
        with open(path) as f:
            self.spec = _nullable(json.load(f) if name.endswith("json") else
                                  yaml.safe_load(f))
        if name == OPENAI:
            _amend(self.spec["components"]["schemas"])
        resource = referencing.Resource(
            contents=self.spec,
            specification=referencing.jsonschema.DRAFT202012)
        self.registry = referencing.Registry().with_resource("urn:spec", resource)
        self.make = jsonschema.Draft202012Validator

    def events(self):
        """The events of a response's stream: type -> name of the schema."""
        if self.why:
            return {}
        if not hasattr(self, "event_names"):
            schemas = self.spec["components"]["schemas"]
            names = [ref["$ref"].rsplit("/", 1)[1] for ref in
                     schemas["ResponseStreamEvent"]["anyOf"]]
            self.event_names = {
                schemas[n]["properties"]["type"]["enum"][0]: n for n in names
                if "enum" in schemas[n]["properties"]["type"]}
        return self.event_names

    def fault(self, name, value):
        """What is wrong with it, or None."""
        if self.why:
            return None
        with self.lock:
            if name not in self.validators:
                self.validators[name] = self.make(
                    {"$ref": f"urn:spec#/components/schemas/{name}"},
                    registry=self.registry)
            found = next(self.validators[name].iter_errors(value), None)
        if found is None:
            return None
        where = "/".join(str(p) for p in found.absolute_path)
        return f"{name}: {where}: {found.message[:200]}"
