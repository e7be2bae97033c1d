"""Reads a case file; tests/cases/README.md says how one is written."""
import json
import re
import time

import keys

CHECKS = ("sent", "sent-header", "sent-as", "sent-again", "upstream-saw", "json", "text",
          "no-text", "header", "status", "log", "error-log", "took",
          "auth", "stats", "keep")
SETUP = ("gateway", "conf", "file", "keys")
BEFORE = ("upstream", "issuer", "login", "login-now", "via", "upstream-refuses",
          "packed", "lax")
KINDS = ("chatgpt", "responses")


class Exchange:
    """What is asked once, and what must come of it."""

    def __init__(self, number):
        self.number = number            # the line it begins at
        self.script, self.issuer, self.checks, self.headers = [], [], [], {}
        self.login = self.via = None
        self.hasty = False              # the login changes right before it
        self.refused = False            # by upstream, and that is the point
        self.packed = None              # the body's Content-Encoding
        self.lax = False                # events are not those of the description
        self.method = self.path = self.body = self.want = self.status = None
        self.type = ""


class Case:
    def __init__(self, path):
        self.path, self.title = path, ""
        self.settings, self.conf, self.files = {}, [], {}
        self.exchanges = []

    def kinds(self):
        kind = self.settings.get("kind", "both")
        return KINDS if kind == "both" else (kind,)

    def setup(self, kind):
        """What a gateway has to be for it; cases with the same share one."""
        settings = {**self.settings, "kind": kind}
        return (tuple(sorted(settings.items())), tuple(self.conf),
                tuple(sorted(self.files.items())),
                self.path if any(ex.login for ex in self.exchanges) else "")


def expand(text):
    """@3*ab@ is ababab, @now+60@ the Unix time in a minute, @key:ann@ a key."""
    text = re.sub(r"@key:([\w-]+)@", lambda m: keys.text(m[1]), text)
    text = re.sub(r"@(\d+)\*([^@]+)@", lambda m: m[2] * int(m[1]), text)
    return re.sub(r"@now\+(\d+)@", lambda m: str(int(time.time()) + int(m[1])),
                  text)


def parse(path):
    case, ex, part = Case(path), None, None
    with open(path) as f:
        lines = f.read().split("\n")

    def fault(why):
        raise SystemExit(f"{path}:{number}: {why}")

    for number, line in enumerate(lines, 1):
        word, _, rest = line.partition(" ")
        if part == "body" and word not in CHECKS + ("<", "chatgpt:", "responses:"):
            ex.body = (ex.body + "\n" if ex.body is not None else "") + line
        elif line.startswith("#") or not line.strip():
            if line.startswith("# "):
                case.title = case.title or rest
        elif word == "gateway":
            case.settings.update(p.split("=", 1) for p in rest.split())
        elif word == "conf":
            case.conf.append(rest)
        elif word == "file":
            name, _, content = rest.partition(" ")
            case.files[name] = content
        elif word == "keys":
            case.files["keys"] = keys.file_text(rest).rstrip("\n")
        elif word in BEFORE or (word == ">" and part != ">"):
            if ex is None or ex.method:
                ex = Exchange(number)
                case.exchanges.append(ex)
            part = word
            if word == ">":
                ex.method, ex.path = rest.split(" ", 1)
            elif word in ("login", "login-now"):
                ex.login, ex.hasty = rest, word == "login-now"
            elif word == "via":
                ex.via = dict(p.split("=", 1) for p in rest.split()[1:])
            elif word == "upstream-refuses":
                ex.refused = True
            elif word == "packed":
                ex.packed = rest
            elif word == "lax":
                ex.lax = True
            else:
                (ex.script if word == "upstream" else ex.issuer).append(rest)
        elif word == ">":
            name, value = rest.split(":", 1)
            ex.headers[name] = value.strip() or None
        elif ex is None:
            fault(f"not understood: {line}")
        elif word == "<":
            part = "<"
            status, _, ex.type = rest.partition(" ")
            ex.status = [int(n) for n in status.split("|")]
        elif word in CHECKS:
            part = word
            ex.checks.append((number, None, word, rest))
        elif word[:-1] in KINDS and word.endswith(":"):
            part = word
            word, _, rest = rest.partition(" ")
            if word not in CHECKS:
                fault(f"not a check: {word}")
            ex.checks.append((number, line.split(":")[0], word, rest))
        elif part == ">":
            part, ex.body = "body", line
        elif part in ("<", "want"):
            part = "want"
            ex.want = (ex.want or []) + [(number, line)]
        else:
            fault(f"not understood: {line}")
    for ex in case.exchanges:
        if not ex.method or not ex.status:
            number = ex.number
            fault("an exchange has a request (>) and an answer (<)")
        ex.body = ex.body and ex.body.rstrip("\n")
        for text in ex.script + ex.issuer:
            json.loads(expand(text))
    return case


# --- looking into answers

MISSING = object()


def find(value, path):
    """messages[0].content, also [-1]; a last step # is the length."""
    for step in re.findall(r"\[-?\d+\]|#|[^.\[\]#]+", path):
        try:
            if step == "#":
                value = len(value)
            elif step.startswith("["):
                value = value[int(step[1:-1])]
            else:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def pairs(text):
    """name=value words; a value may be a JSON string with blanks in it."""
    for m in re.finditer(r'(!?[^\s=]+)(?:=("(?:[^"\\]|\\.)*"(?=\s|$)|\S+))?', text):
        yield m[1], m[2]


def wanted(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
