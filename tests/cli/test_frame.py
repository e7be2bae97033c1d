#!/usr/bin/env python3
"""The frame of the chatmock command: names, options, help, colour, width,
pipes, exit codes. What holds for every command is asked of every command.
"""
import os
import re
import subprocess
import sys

from terminal import (CHATMOCK, COLOUR, IOERR, OK, USAGE, Checks, Place,
                      Terminal)


def commands(p):
    """Names of all commands, from the help that lists them."""
    out = p.run("help").out
    names = []
    for title, body in re.findall(r"^(\w[^\n]*)\n((?:  .*\n)+)", out, re.M):
        if title.startswith("chatmock "):
            continue
        names += re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?:  |\n)", body, re.M)
    return names


def test_names(t):
    with Place() as p:
        t.check(len(commands(p)) >= 2, "commands are listed", commands(p))
        for args, says in ((["conifg"], "config"), (["config", "shwo"], "config show"),
                           (["hepl"], "help"), (["nonsense"], "no command nonsense")):
            r = p.run(*args)
            t.check(r.code == USAGE and says in r.err and not r.out, args, r)
        for args in ([], ["config"]):
            r = p.run(*args)
            t.check(r.code == USAGE and "config show" in r.err and not r.out,
                    "without a command:", args, r)
        for args in (["--help"], ["-h"], ["help"], ["config", "--help"],
                     ["help", "config"]):
            r = p.run(*args)
            t.check(r.code == OK and "config show" in r.out and not r.err, args, r)
        for word in ("--version", "-V"):
            r = p.run(word)
            t.check(re.fullmatch(r"chatmock \d+\.\d+\.\d+\n", r.out), word, r)
        a, b = p.run("config", "show"), p.run("config", "list")
        t.check(a.out == b.out and a.code == OK, "an alias does the same", a, b)


def test_name_of_program(t):
    """chatmock-X is chatmock X."""
    with Place() as p:
        for name, rest in (("chatmock-help", ["config", "show"]),
                           ("chatmock-config", ["show", "--json"])):
            link = os.path.join(p.top, name)
            os.symlink(CHATMOCK, link)
            r = p.run(*rest, program=link)
            same = p.run(name.partition("-")[2], *rest)
            t.check(r.code == OK and r.out == same.out, name, r, same)


def test_options(t):
    with Place() as p:
        for args, says in (
                (["--jsn"], "the nearest is --json"), (["--json=1"], "takes no value"),
                (["-x"], "no option -x"), (["--set"], "--set wants NAME=VALUE"),
                (["more"], "more is too much"), (["--", "--json"], "--json is too much"),
                (["--color", "blue"], "wanted is one of auto|always|never"),
                (["--color=blue"], "wanted is one of")):
            r = p.run("config", "show", *args)
            t.check(r.code == USAGE and says in r.err and not r.out
                    and r.err.count("\n") == 1, args, r)
        port = p.run("config", "show", "--json", "--set", "port=9999")
        again = p.run("config", "show", "--json", "--set=CHATMOCK_PORT=9999")
        t.check(port.out == again.out and '"value":9999' in port.out, port, again)
        conf = p.write("other.conf", "port = 9998\n")
        for args in (["-c", conf], ["-c" + conf], ["--config", conf],
                     ["--config=" + conf], ["-oc", conf], ["-oc" + conf]):
            r = p.run("config", "show", *args)
            t.check(re.search(r"CHATMOCK_PORT +9998", r.out), args, r)
        r = p.run("config", "show", "--help", "--nonsense")
        t.check(r.code == OK and "Examples" in r.out, "help comes first", r)


def test_help_of_each(t):
    """Every command explains itself, with examples that begin with it."""
    with Place() as p:
        for name in commands(p):
            r = p.run(*name.split(), "--help")
            t.check(r.code == OK and r.out.startswith(f"chatmock {name} - "),
                    name, r)
            part = r.out.partition("\nExamples\n")[2]
            t.check(re.search(r"^  .*chatmock", part), f"{name} has examples", r)
            t.check("--help" in r.out and not r.err, name, r)
            # what is to be copied stays in one line
            long = [x for x in r.out.partition("\nExamples\n")[0].split("\n")
                    if len(x) > 79]
            t.check(not long, f"{name}: help fits 80 columns", long)
            t.check(p.run("help", *name.split()).out == r.out, "help", name)
            r = p.run(*name.split(), "--no-such-option")
            t.check(r.code == USAGE and "--no-such-option" in r.err and not r.out,
                    f"{name} refuses an unknown option", r)


def test_colour(t):
    with Place() as p:
        with Terminal(p) as term:
            r = term.run("chatmock help", colour=True)
            t.check(COLOUR.search(r.out), "colour on a terminal", r)
            r = term.run("chatmock config show --color=never", colour=True)
            t.check(not COLOUR.search(r.out) and "CHATMOCK_PORT" in r.out,
                    "--color=never", r)
            r = term.run("chatmock config show | cat", colour=True)
            t.check(not COLOUR.search(r.out) and "CHATMOCK_PORT" in r.out,
                    "no colour in a pipe", r)
            for word in ("NO_COLOR=1", "TERM=dumb"):
                r = term.run(word + " chatmock help", colour=True)
                t.check(not COLOUR.search(r.out) and "config show" in r.out, word, r)
            r = term.run("NO_COLOR= chatmock help", colour=True)
            t.check(COLOUR.search(r.out), "an empty NO_COLOR says nothing", r)
            r = term.run("chatmock nonsense")
            t.check(r.code == USAGE, "exit code in a terminal", r)
        r = p.run("config", "show", "--color=always")
        t.check("\x1b[" in r.out, "--color=always in a pipe", r)
        r = p.run("config", "show", TERM="xterm")
        t.check("\x1b" not in r.out, "a pipe has no colour", r)


def test_width(t):
    """Help keeps within the terminal, and within 79 columns on wide ones."""
    with Place() as p:
        for columns, most in ((50, 50), (200, 79)):
            with Terminal(p, columns=columns, rows=50) as term:
                r = term.run("chatmock config show --help")
                lines = [x for x in r.out.split("\n")
                         if x.startswith("   ") and "chatmock" not in x]
                t.check(lines and max(map(len, lines)) <= most, columns, r)


def test_json(t):
    """One value, one line in a pipe, the same value on a terminal."""
    with Place(CHATMOCK_UPSTREAM_KEY="sk-secret-of-the-test") as p:
        r = p.run("config", "show", "--json")
        t.check(r.code == OK and r.out.count("\n") == 1 and not r.err, r)
        t.check(r.out == p.run("config", "show", "--json").out, "stable")
        t.check("sk-secret" not in r.out and '"(set)"' in r.out, "masked", r)
        with Terminal(p, columns=250) as term:
            seen = term.run("chatmock config show --json")
            t.check(seen.out.count("\n") > 20 and seen.json() == r.json(),
                    "a terminal shows it indented", seen)


def test_output_lost(t):
    """A full disk is told, a reader that left is not."""
    with Place() as p:
        with open("/dev/full", "w") as full:
            r = subprocess.run([CHATMOCK, "config", "show"], env=p.env,
                               stdout=full, stderr=subprocess.PIPE, text=True)
        t.check(r.returncode == IOERR and "No space left" in r.stderr, r)
        r = subprocess.run(["sh", "-c", '"$0" config show; echo $? >&2', CHATMOCK],
                           env=p.env, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
        t.check(r.stderr == "0\n", "whole", r)
        r = subprocess.run(["bash", "-c", '"$0" config show | head -n 1; '
                            'echo "${PIPESTATUS[0]}"', CHATMOCK], env=p.env,
                           capture_output=True, text=True)
        t.check(r.stdout.count("\n") == 2 and r.stdout.endswith("\n0\n")
                and not r.stderr, "head", r)


def main():
    return Checks("cli-frame").run(
        test_names, test_name_of_program, test_options, test_help_of_each,
        test_colour, test_width, test_json, test_output_lost)


if __name__ == "__main__":
    sys.exit(main())
