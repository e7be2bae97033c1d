#!/usr/bin/env python3
"""Manual pages, completion in real shells, the old names, and all of it where
`make install` puts it.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

from terminal import (CHATMOCK, OK, ROOT, USAGE, Checks, Place, Terminal)
from test_frame import commands

PAGES = sorted(glob.glob(os.path.join(os.path.dirname(CHATMOCK), "..", "man", "*")))
ALIASES = """servercodex sc servercodexstart servercodexstop scstop
servercodexrestart servercodexstatus scstatus servercodexlogs sclogs scaccesslogs
scerrorlogs servercodexupdate scupdate servercodexlogin sclogin""".split()


def said(*command, **more):
    r = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    return r.stdout + r.stderr


def plain(page):
    """As it is read, in one line."""
    text = said("mandoc", "-Tutf8", "-O", "width=200", page)
    return re.sub(r"\s+", " ", re.sub(".\b", "", text))


def test_pages(t):
    names = [os.path.basename(p) for p in PAGES]
    t.check(names == ["chatmock-fetch.8", "chatmock.1", "chatmock.conf.5"], names)
    for page in PAGES:
        name = os.path.basename(page)
        t.check(not said("groff", "-ww", "-man", "-Tutf8", "-z", page), name,
                said("groff", "-ww", "-man", "-Tutf8", "-z", page))
        t.check(not said("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                         page, env=dict(os.environ, MANWIDTH="80"))
                .startswith("troff"), name, "man --warnings")
        lint = said("mandoc", "-Tlint", "-W", "warning", page)
        t.check(not lint, name, lint)
        with open(page) as f:
            t.check("@RUN" not in f.read(), name, "is whole")


def test_pages_say_all(t):
    one, five, eight = (plain(next(p for p in PAGES if p.endswith(n)))
                        for n in ("chatmock.1", "conf.5", "fetch.8"))
    with Place() as p:
        for name in commands(p):
            t.check(re.search(rf" {name} ", one), "chatmock(1) has", name)
            for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)",
                                     p.run(*name.split(), "--help").out, re.M):
                t.check(option in one, "chatmock(1) has", name, option)
        for s in p.run("config", "show", "--json").json()["settings"]:
            t.check(s["name"] in five, "chatmock.conf(5) has", s["name"])
        fetch = os.path.join(os.path.dirname(CHATMOCK), "chatmock-fetch")
        for option in re.findall(r"^  (--[a-z]+)", said(fetch, "--help"), re.M):
            t.check(option in eight, "chatmock-fetch(8) has", option)
        for line in said(fetch, "--list").splitlines():
            t.check(line.split()[0] in eight, "chatmock-fetch(8) has", line)
        with Terminal(p, columns=100, rows=40) as term:
            term.type("man -l %s\n" % next(x for x in PAGES if x.endswith(".1")))
            t.check(term.wait("sign in to, run, watch, check and configure"),
                    term.screen())
            term.keys("q")


def test_complete(t):
    """The one command that all shells ask."""
    with Place() as p:
        def words(*line):
            r = p.run("complete", "--", *line)
            t.check(r.code == OK and not r.err, line, r)
            return [x.partition("\t")[0] for x in r.out.splitlines()]
        first = words("")
        for name in commands(p):
            parts = name.split()
            t.check(parts[0] in first, "first words", name)
            if len(parts) == 2:
                t.check(parts[1] in words(parts[0], ""), "second words", name)
            options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)",
                                 p.run(*parts, "--help").out, re.M)
            t.check(sorted(options) == sorted(words(*parts, "--")), "options", name)
        t.check("complete" not in first and "page" not in first, "hidden ones")
        t.check(len(first) == len(set(first)), "each once", first)
        for line, wanted in (
                (["conf"], ["config"]), (["config", "v"], ["validate"]),
                (["codex", "test", "--endpoint", ""], ["chat", "response"]),
                (["codex", "test", "-e", "r"], ["response"]),
                (["codex", "test", "--endpoint=c"], ["--endpoint=chat"]),
                (["codex", "test", "--endpoint", "chat", "--str"], ["--stream"]),
                (["config", "set", "codex.ena"],
                 ["codex.enable_dynamic_model_info", "codex.enabled"]),
                (["config", "set", "codex.enabled", ""], ["true", "false"]),
                (["config", "set", "CODEX__ENABLED", "f"], ["false"]),
                (["config", "set", "-u", "por"], ["port"]),
                (["check", "--set", "verbos"], ["verbose="]),
                (["check", "--set", "verbose=t"], ["verbose=true"]),
                (["check", "--set=verbose=t"], ["--set=verbose=true"]),
                (["check", "-c", ""], [":file"]), (["check", "--config=x"], [":file"]),
                (["config", "validate", "x"], [":file"]),
                (["prompts", "refresh", "g"], ["gpt5_codex_instructions"]),
                (["check", "--", "--q"], []), (["nonsense", ""], [])):
            got = words(*line)
            t.check(sorted(got) == sorted(wanted), line, got)


def tries(t, term, prompt, cases):
    """Types, presses Tab, and looks for what the line has become."""
    for typed, wanted in cases:
        term.keys("C-u")
        term.type(typed)
        t.check(term.wait(re.escape(prompt + typed)), typed, term.screen())
        term.keys("Tab")
        t.check(term.wait(re.escape(prompt + wanted)), f"{typed!r} Tab {wanted!r}",
                term.screen()[-600:])
    term.keys("C-u")


SAME = [("chatmock conf", "chatmock config "),
        ("chatmock config sho", "chatmock config show "),
        ("chatmock codex test --en", "chatmock codex test --endpoint "),
        ("chatmock codex test --endpoint r", "chatmock codex test --endpoint response "),
        ("chatmock config set reasoning_eff", "chatmock config set reasoning_effort "),
        ("chatmock config set reasoning_effort xh",
         "chatmock config set reasoning_effort xhigh "),
        ("chatmock prompts refresh bas", "chatmock prompts refresh base_instructions "),
        ("chatmock config validate my-fi", "chatmock config validate my-file.conf ")]


def furnished():
    p = Place()
    with open(os.path.join(p.top, "my-file.conf"), "w"):
        pass
    return p


def test_bash(t):
    with furnished() as p, Terminal(p, columns=120) as term:
        term.type("PS1='<bash> '; source <(chatmock completion bash)\n")
        term.wait(r"(?m)^<bash> ")
        tries(t, term, "<bash> ", SAME + [
            ("chatmock codex test --endpoint=r",
             "chatmock codex test --endpoint=response "),
            ("chatmock check --set verbos", "chatmock check --set verbose="),
            ("chatmock check --set verbose=t", "chatmock check --set verbose=true ")])
        term.type("chatmock config s")
        term.keys("Tab", "Tab")
        t.check(term.wait(r"schema +set +show"), "what there is", term.screen())


def test_zsh(t):
    with furnished() as p:
        shell = ["zsh", "-f", "-i"]
        with Terminal(p, columns=120, shell=shell, PS1="<zsh> ",
                      ZDOTDIR=p.top) as term:
            t.check(term.wait("<zsh> "), term.screen())
            term.type("autoload -Uz compinit; compinit -u -D; "
                      "source <(chatmock completion zsh); echo rea''dy\n")
            t.check(term.wait(r"(?m)^ready"), term.screen())
            tries(t, term, "<zsh> ", SAME)
            term.type("chatmock config s")
            term.keys("Tab", "Tab")
            t.check(term.wait("all settings in effect, secrets masked"),
                    "with their meaning", term.screen())


def test_fish(t):
    with furnished() as p:
        shell = ["fish", "--no-config", "-i", "-C",
                 "function fish_prompt; echo '<fish> '; end; "
                 "function fish_greeting; end; chatmock completion fish | source"]
        with Terminal(p, columns=120, shell=shell,
                      XDG_DATA_HOME=p.path("data"),
                      XDG_RUNTIME_DIR=p.path()) as term:
            t.check(term.wait("<fish> "), term.screen())
            tries(t, term, "<fish> ", SAME)
            term.type("chatmock config s")
            term.keys("Tab", "Tab")
            t.check(term.wait("all settings in effect"), "with their meaning",
                    term.screen())


def test_aliases(t):
    """Every old name is there, in both shells, and means one command."""
    path = os.path.join(ROOT, "deploy", "chatmock.aliases.sh")
    for shell in (["bash", "--norc"], ["zsh", "-f"]):
        out = said(*shell, "-c", f"source '{path}'; alias")
        found = dict(re.findall(r"^(?:alias )?(\w+)='?(chatmock[\w ]*)'?$", out, re.M))
        t.check(sorted(found) == sorted(ALIASES), shell[0], out)
    with Place() as p, Terminal(p) as term:
        term.run(f"source {path}")
        r = term.run("sc config set --help")
        t.check(r.code == OK and "chatmock config set" in r.out, r)


def test_install(t):
    """Where shells and man look for it, whatever the directory."""
    with Place() as p:
        top = tempfile.mkdtemp(dir=p.top)
        r = subprocess.run(["make", "install", f"DESTDIR={top}", "PREFIX=/usr"],
                           cwd=ROOT, capture_output=True, text=True, timeout=600)
        t.check(r.returncode == 0, r.stderr)
        for name in ("share/man/man1/chatmock.1", "share/man/man8/chatmock-fetch.8",
                     "share/man/man5/chatmock.conf.5",
                     "share/bash-completion/completions/chatmock",
                     "share/zsh/site-functions/_chatmock",
                     "share/fish/vendor_completions.d/chatmock.fish",
                     "share/chatmock/chatmock.aliases.sh"):
            path = os.path.join(top, "usr", name)
            t.check(os.path.exists(path) and os.path.getsize(path) > 200, name)
        bin = os.path.join(top, "usr", "bin")
        r = p.run("check", "--quiet", "--json", program=os.path.join(bin, "chatmock"))
        t.check(r.out.startswith('{"exit_code"'), "it finds the others", r)
        r = p.run("--version", program=os.path.join(bin, "chatmock-fetch"))
        t.check(r.code == OK, r)
        for name in ("start", "stop", "restart", "status", "logs", "update"):
            link = os.path.join(bin, "chatmock-" + name)
            r = p.run("--help", program=link)
            same = p.run(name, "--help")
            t.check(os.path.islink(link) and (r.code, r.out) == (same.code, same.out)
                    and r.code in (OK, USAGE), link, r)


def main():
    return Checks("cli-pages").run(
        test_pages, test_pages_say_all, test_complete, test_bash, test_zsh,
        test_fish, test_aliases, test_install)


if __name__ == "__main__":
    sys.exit(main())
