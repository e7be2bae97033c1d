#!/usr/bin/env python3
"""chatmock config show, set, validate, schema."""
import json
import os
import random
import re
import stat
import subprocess
import sys
import threading

from terminal import (CHATMOCK, COLOUR, CONFIG, NOINPUT, OK, USAGE, Checks, Place,
                      Terminal)


def shown(p, *args, **env):
    """{name: (value, origin)}"""
    r = p.run("config", "show", "--json", *args, **env)
    if r.code != OK:
        raise AssertionError(r)
    return {s["name"]: (s["value"], s["origin"]) for s in r.json()["settings"]}


def test_show(t):
    secret = "sk-nobody-may-see-this"
    with Place(CHATMOCK_UPSTREAM_KEY=secret, CHATMOCK_WORKERS=3) as p:
        p.write("chatmock.conf", "port = 9001\n[models]\ngpt-4o = gpt-5.5\n")
        s = shown(p, "--set", "fast_mode=yes")
        t.check(s["CHATMOCK_PORT"] == (9001, p.path("chatmock.conf") + " line 1"), s)
        t.check(s["CHATMOCK_WORKERS"] == (3, "the environment"), s)
        t.check(s["CHATMOCK_FAST_MODE"] == (True, "--set"), s)
        t.check(s["CHATMOCK_UPSTREAM_URL"] == (None, "default"), s)
        t.check(s["CHATMOCK_CONNECT_TIMEOUT"] == (10, "default"), s)
        t.check(s["CHATMOCK_UPSTREAM_KEY"][0] == "(set)", s)
        whole = p.run("config", "show", "--json").json()
        t.check(whole["models"] == {"gpt-4o": "gpt-5.5"}
                and whole["file"] == p.path("chatmock.conf")
                and whole["warnings"] == [], whole)
        for args in ([], ["--origin"], ["--json"]):
            r = p.run("config", "show", *args)
            t.check(r.code == OK and secret not in r.out + r.err, args, r)
        r = p.run("config", "show", "--origin")
        t.check(re.search(r"^CHATMOCK_PORT +9001 +\S+chatmock.conf line 1$", r.out,
                          re.M), r)
        t.check("origin" not in p.run("config", "show").out and "line 1" not in
                p.run("config", "show").out, "no origins without --origin")
        with Terminal(p, columns=200) as term:
            r = term.run("chatmock config show --origin", colour=True)
            t.check("# settings file: " in r.out and COLOUR.search(r.out), r)
            r = term.run("chatmock config list --origin")
            t.check(re.search(r"CHATMOCK_PORT +9001 +\S+chatmock.conf line 1", r.out)
                    and secret not in r.out, r)
        p.write("chatmock.conf", "port = nine\n")
        r = p.run("config", "show")
        t.check(r.code == CONFIG and "line 1" in r.err and "nine" in r.err
                and not r.out, r)


def test_set(t):
    with Place() as p:
        conf = p.path("chatmock.conf")
        r = p.run("config", "set", "port", "9002")
        t.check(r.code == OK and not r.out and not r.err, "piped: silent", r)
        t.check(p.read("chatmock.conf") == "port = 9002\n", p.read("chatmock.conf"))
        t.check(stat.S_IMODE(os.stat(conf).st_mode) == 0o600, "a new file is 0600")
        os.chmod(conf, 0o644)
        for name in ("CHATMOCK_PORT", "Port", "chatmock_port", "port"):
            r = p.run("config", "set", name, "9003")
            t.check(r.code == OK and p.read("chatmock.conf") == "port = 9003\n", name, r)
        t.check(stat.S_IMODE(os.stat(conf).st_mode) == 0o644, "its mode stays")
        inode = os.stat(conf).st_ino
        p.run("config", "set", "port", "9003")
        t.check(os.stat(conf).st_ino == inode, "the same again touches nothing")
        before = p.read("chatmock.conf")
        for args, says in (
                (["prot", "1"], "CHATMOCK_PORT"), (["port", "0"], "1 to 65535"),
                (["port", "http"], "wanted is a number"),
                (["reasoning_effort", "hgih"], "one of none|minimal"),
                (["upstream_url", "ftp://x"], "http:// or https://"),
                (["codex.enabled", "maybe"], "wanted is"),
                (["models.[x", "y"], "name of a model"),
                (["models.x", ""], "NAME = MODEL"),
                (["config", "x"], "CHATMOCK_CONFIG")):
            r = p.run("config", "set", *args)
            t.check(r.code == CONFIG and says in r.err and not r.out
                    and r.err.count("\n") == 1, args, r)
        r = p.run("config", "set", "port")
        t.check(r.code == USAGE, r)
        r = p.run("config", "set", "--unset", "port", "1")
        t.check(r.code == USAGE, r)
        t.check(p.read("chatmock.conf") == before, "refusals change nothing")
        r = p.run("config", "set", "workers", "2", CHATMOCK_WORKERS="5")
        t.check(r.code == OK and "stands in the environment" in r.err, r)
        other = p.path("sub", "dir", "other.conf")
        r = p.run("config", "set", "-c", other, "codex.enabled", "off")
        t.check(r.code == OK and open(other).read() == "[codex]\nenabled = off\n", r)
        t.check(shown(p, "-c", other)["CODEX__ENABLED"][0] is False, "it counts")
        with Terminal(p, columns=150) as term:
            r = term.run("chatmock config set port 9004")
            t.check(r.code == OK and "was changed" in r.out and "reload" in r.out, r)
            r = term.run("chatmock config set port 9004")
            t.check(r.code == OK and "says so already" in r.out, r)


def test_secret(t):
    """Never on a command line, never shown, and the file is its owner's."""
    with Place() as p:
        conf = p.write("chatmock.conf", "port = 9001\n", 0o644)
        r = p.run("config", "set", "upstream_key", "sk-oops")
        t.check(r.code == USAGE and "command line" in r.err
                and "sk-oops" not in r.err, r)
        r = p.run("config", "set", "upstream_key", "-", stdin="sk-piped\n")
        t.check(r.code == OK and not r.out + r.err, r)
        t.check("upstream_key = sk-piped\n" in p.read("chatmock.conf"), "written")
        t.check(stat.S_IMODE(os.stat(conf).st_mode) == 0o600, "0600 from now on")
        r = p.run("config", "set", "upstream_key", "-", stdin="two words\n")
        t.check(r.code == CONFIG and "two words" not in r.err, r)
        r = p.run("config", "set", "upstream_key", "-")
        t.check(r.code == USAGE and "no value" in r.err, r)
        with Terminal(p) as term:
            term.type("chatmock config set upstream_key -\n")
            t.check(term.wait(r"not shown\): "), term.screen())
            before = term.prompts()[-1][0]
            term.type("sk-typed\n")
            term.wait_prompt(before)
            t.check("sk-typed" not in term.screen(), term.screen())
        t.check("upstream_key = sk-typed\n" in p.read("chatmock.conf"),
                p.read("chatmock.conf"))


def test_broken_file(t):
    """What was broken before can be mended line by line."""
    with Place() as p:
        p.write("chatmock.conf", "port = nine\nworkers = many\n")
        r = p.run("config", "set", "port", "9001")
        t.check(r.code == OK and "line 2" in r.err, r)
        t.check(p.read("chatmock.conf") == "port = 9001\nworkers = many\n", "mended")
        r = p.run("config", "set", "workers", "2")
        t.check(r.code == OK and not r.err, r)
        t.check(shown(p)["CHATMOCK_WORKERS"][0] == 2, "whole again")


# --- any file, any change: nothing else moves

NAMES = {
    # name as typed: (environment's name, values, section of a new line)
    "port": ("CHATMOCK_PORT", ["1", "9001", "65535"], ""),
    "verbose": ("CHATMOCK_VERBOSE", ["yes", "0"], ""),
    "CHATMOCK_FAST_MODE": ("CHATMOCK_FAST_MODE", ["on", "off"], ""),
    "debug_model": ("CHATMOCK_DEBUG_MODEL",
                    ["gpt-5.5", "a b", "#hash", "x # y", "x ; y", '"q', "é", "a#b"],
                    ""),
    "codex.enabled": ("CODEX__ENABLED", ["true", "no"], "codex"),
    "codex.oauth.client_id": ("CODEX__OAUTH__CLIENT_ID", ["app", "id 2"], "codex"),
    "reasoning_effort": ("CHATMOCK_REASONING_EFFORT", ["high", "low"], ""),
}
ALIASES = {"CHATMOCK_FAST_MODE": "CHATGPT_LOCAL_FAST_MODE",
           "CHATMOCK_DEBUG_MODEL": "CHATGPT_LOCAL_DEBUG_MODEL",
           "CHATMOCK_REASONING_EFFORT": "CHATGPT_LOCAL_REASONING_EFFORT"}


def quoted(random, value):
    if value != value.strip() or value[:1] in '#;"' or " #" in value or " ;" in value:
        return f'"{value}"' if '"' not in value else None
    return random.choice([value, f'"{value}"']) if '"' not in value else value


def line_of(random, section):
    """A line that may stand in a section; comments of all kinds among them."""
    kind = random.random()
    if kind < 0.3:
        return random.choice([
            "# a comment", "#port = 1", "; semicolon", "# enabled = true",
            "  # indented", "# [codex]", "#", "#verbose=1", "# ümläut \u20ac"])
    if kind < 0.45:
        return random.choice(["", "   ", "\t"])
    if section == "models":
        return random.choice(["gpt-4o", "llama3:8b", "claude-*", "a b"]) + \
            random.choice([" = ", "=", "\t=\t"]) + random.choice(["gpt-5.5", "x"]) + \
            random.choice(["", "  # why", " ; why"])
    name = random.choice(list(NAMES))
    whole, values, home = NAMES[name]
    forms = [whole, whole.lower()]
    if home == section and home:
        forms = [whole[7:], whole[7:].lower(), whole[7:].lower().replace("__", ".")]
    elif not home and not section:
        forms += [whole[9:].lower(), whole[9:].title()]
    if whole in ALIASES:
        forms.append(ALIASES[whole])
    value = quoted(random, random.choice(values)) or "gpt-5.5"
    return random.choice(["", "", "  "]) + random.choice(forms) + \
        random.choice([" = ", "=", " =", "= ", "   =   "]) + value + \
        random.choice(["", "", "  ", "   # kept", " ; kept = too"])


def generate(random):
    lines, section = [], ""
    for part in range(random.randrange(4)):
        if part or random.random() < 0.3:
            section = random.choice(["codex", "models", ""])
            lines.append({"codex": "[codex]", "models": "[models]",
                          "": "[chatmock]"}[section] + random.choice(["", "  # head"]))
        lines += [line_of(random, section) for _ in range(random.randrange(7))]
    end = random.choice(["\n", "\n", "\r\n"])
    text = end.join(lines) + (end if lines and random.random() < 0.8 else "")
    return random.choice(["", "", "", "\ufeff"]) + text, end


def difference(before, after):
    """(lines gone, lines come) where all others are the same, in order."""
    a, b = before, after
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return a, b


def normal(value):
    """As config show has it."""
    value = {"yes": True, "on": True, "true": True, "no": False, "off": False,
             "0": False}.get(value, value)
    return int(value) if isinstance(value, str) and value.isdigit() else value


def fault_of_set(p, random, text, end):
    """None, or what is wrong with one change of one file."""
    path = p.write("any.conf", text)
    old = shown(p, "-c", path)
    name = random.choice(list(NAMES))
    whole, values, _ = NAMES[name]
    value = random.choice(values)
    r = p.run("config", "set", "-c", path, name, value)
    with open(path, newline="") as f:
        now = f.read()
    if '"' in value:        # no line can hold it
        return None if r.code == CONFIG and now == text else f"{value}: {r}"
    if r.code != OK:
        return f"{name}={value} refused: {r}"
    new = shown(p, "-c", path)
    if new[whole][0] != normal(value):
        return f"{name}={value} is {new[whole]}"
    for other in old:
        if other != whole and old[other][0] != new[other][0]:
            return f"{other} changed with {name}"
    if text[:1] == "\ufeff" and now[:1] != "\ufeff":
        return "the byte order mark is gone"
    text, now = text.lstrip("\ufeff"), now.lstrip("\ufeff")
    gone, come = difference(text.splitlines(True), now.splitlines(True))
    if len(gone) > 1:
        return f"{name}={value}: more than a line changed: {gone} {come}"
    if gone and text.endswith(gone[0]) and come and come[0].strip() == gone[0].strip():
        gone, come = [], come[1:]       # it got the line end it lacked
    if gone:
        if len(come) != 1:
            return f"{name}={value}: a line became {come}"
        tail = re.search(r"(?:\s[#;].*)?\s*$", gone[0])[0]
        if '"' not in gone[0] and not come[0].endswith(tail):
            return f"{name}={value}: the comment of {gone} became {come}"
        if come[0].partition("=")[0] != gone[0].partition("=")[0]:
            return f"{name}={value}: the name of {gone} became {come}"
    if not gone and len([x for x in come if x.strip()]) > 2:
        return f"{name}={value}: too much came: {come}"
    if any(not x.endswith(end) for x in come if "\n" in text and "\n" in x):
        return f"{name}={value}: line ends of {come!r}"
    r = p.run("config", "set", "-c", path, name, value)
    with open(path, newline="") as f:
        if f.read().lstrip("\ufeff") != now or r.code != OK:
            return f"{name}={value}: set again changes more"
    return fault_of_unset(p, path, now, whole, name, new)


def fault_of_unset(p, path, text, whole, name, old):
    r = p.run("config", "set", "-c", path, "--unset", name)
    with open(path, newline="") as f:
        now = f.read()
    new = shown(p, "-c", path)
    if r.code != OK or new[whole][1] not in ("default", "guessed"):
        return f"--unset {name}: {r} {new[whole]}"
    if any(new[o][0] != old[o][0] for o in old if o != whole):
        return f"--unset {name} changed another"
    left = iter(text.splitlines(True))
    if not all(any(x == y for y in left)
               for x in now.lstrip("\ufeff").splitlines(True)):
        return f"--unset {name}: {now!r} is not {text!r} with lines left out"
    return None


def test_any_file(t):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 30)
    rand = random.Random(seed)
    with Place() as p:
        tried = 0
        while tried < 100:
            text, end = generate(rand)
            path = p.write("any.conf", text)
            if p.run("config", "validate", path).code != OK:
                continue        # two of them do not go together
            tried += 1
            fault = fault_of_set(p, rand, text, end)
            t.check(not fault, f"SEED={seed}", fault, repr(text))
            if fault:
                break


def test_at_once(t):
    """Twenty who change the file at the same time: nobody's change is lost."""
    names = ["port", "workers", "max_streams", "max_requests", "breaker_failures"]
    with Place() as p:
        p.write("chatmock.conf", "# begin\n\n[models]\n# end\n")
        codes = []

        def change(i):
            name = names[i] if i < len(names) else f"models.m{i}"
            codes.append(p.run("config", "set", name, str(100 + i)).code)
        threads = [threading.Thread(target=change, args=(i,)) for i in range(20)]
        for th in threads:
            th.start()
        for th in threads:
            th.join()
        s = p.run("config", "show", "--json").json()
        values = {x["name"]: x["value"] for x in s["settings"]}
        t.check(codes == [0] * 20, codes)
        t.check(all(values[f"CHATMOCK_{n.upper()}"] == 100 + i
                    for i, n in enumerate(names)), values)
        t.check(len(s["models"]) == 15, s["models"])
        text = p.read("chatmock.conf")
        t.check(text.startswith("# begin\n") and "# end\n" in text, text)
        left = [f for f in os.listdir(p.home) if f not in
                ("chatmock.conf", "chatmock.conf.lock")]
        t.check(not left, "nothing is left beside it", left)


def test_killed(t):
    """Killed at any moment it leaves the old file or the new one."""
    with Place() as p:
        before = "# kept\nport = 1000\n" + "# filler\n" * 2000
        p.write("chatmock.conf", before)
        after = before.replace("1000", "2000")
        seen = set()
        for i in range(60):
            p.write("chatmock.conf", before)
            child = subprocess.Popen([CHATMOCK, "config", "set", "port", "2000"],
                                     env=p.env, cwd=p.top)
            try:
                child.wait(i * 0.0002)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            text = p.read("chatmock.conf")
            seen.add(text == after)
            if not t.check(text in (before, after), "half a file", len(text)):
                break
        t.check(p.run("config", "set", "port", "2000").code == OK
                and p.read("chatmock.conf") == after, "and a later one goes well")


def test_validate(t):
    with Place() as p:
        r = p.run("config", "validate")
        t.check(r.code == NOINPUT and "no settings file" in r.err, r)
        path = p.write("new.conf", "prot = 1\nport = x\n[nowhere]\n[codex]\nenabled\n"
                       "enabled = maybe\n[models]\n= y\n")
        r = p.run("config", "validate", path)
        lines = r.out.splitlines()
        t.check(r.code == CONFIG and not r.err and len(lines) == 6
                and all(x.startswith("fault: ") for x in lines), r)
        for n, line in zip((1, 2, 3, 5, 6, 8), lines):
            t.check(f"line {n}" in line, n, line)
        r = p.run("config", "validate", path, CHATMOCK_PORT="9000")
        t.check(len(r.out.splitlines()) == 6, "environment hides nothing", r)
        # whether others may reach it is a matter of keys, and of the start
        path = p.write("new.conf", "bind = 0.0.0.0\n")
        r = p.run("config", "validate", path)
        t.check(r.code == OK, r)
        path = p.write("chatmock.conf", "port = 9000\n")
        for args in ([], [path], ["-c", path]):
            r = p.run("config", "validate", *args)
            t.check(r.code == OK and not r.out + r.err, args, r)
        r = p.run("config", "validate", p.path("gone.conf"))
        t.check(r.code == NOINPUT and "gone.conf" in r.err, r)
        with Terminal(p) as term:
            r = term.run("chatmock config validate")
            t.check(r.code == OK and "in order" in r.out, r)


# python3-jsonschema is Debian's, so it is Debian's python that has it
JUDGE = """
import json, sys, jsonschema
schema, values = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
jsonschema.Draft202012Validator.check_schema(schema)
judge = jsonschema.Draft202012Validator(schema)
print(json.dumps([[list(e.path) for e in judge.iter_errors(v)] for v in values]))
"""


def test_schema(t):
    with Place(CHATMOCK_REASONING_EFFORT="xhigh", CHATMOCK_CONNECT_TIMEOUT="0.25") as p:
        r = p.run("config", "schema")
        t.check(r.code == OK and not r.err, r)
        schema = r.json()
        values = {n: v for n, (v, _) in shown(p).items() if v is not None}
        t.check(sorted(schema["properties"]) == sorted(shown(p)), "every setting")
        with Place() as plain:
            for name, (value, origin) in shown(plain).items():
                said = schema["properties"][name].get("default")
                if origin == "default" and name != "CHATMOCK_HOME":
                    t.check(said == value, name, said, value)
        wrong = [dict(values, CHATMOCK_PORT=0), dict(values, CHATMOCK_PORT="8000"),
                 dict(values, CHATMOCK_VERBOSE="yes"), dict(values, CHATMOCK_PROT=1),
                 dict(values, CHATMOCK_REASONING_EFFORT="hgih"),
                 dict(values, CHATMOCK_WORKERS=1.5)]
        a = p.write("schema.json", json.dumps(schema))
        b = p.write("values.json", json.dumps([values, *wrong]))
        run = subprocess.run(["/usr/bin/python3", "-c", JUDGE, a, b],
                             capture_output=True, text=True)
        t.check(run.returncode == 0, run.stderr)
        faults = json.loads(run.stdout or "[]")
        t.check(faults[:1] == [[]], "what config show says is valid", faults)
        t.check(len(faults) == 7 and all(faults[1:]), "what is wrong is not", faults)


def main():
    return Checks("cli-config").run(
        test_show, test_set, test_secret, test_broken_file, test_any_file,
        test_at_once, test_killed, test_validate, test_schema)


if __name__ == "__main__":
    sys.exit(main())
