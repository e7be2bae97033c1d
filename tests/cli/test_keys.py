#!/usr/bin/env python3
"""chatmock keys: made, listed, revoked, piped and in a terminal; and nothing
ever shows a key twice.
"""
import concurrent.futures
import datetime
import fcntl
import hashlib
import os
import re
import subprocess
import sys

from terminal import (BIN, CHATMOCK, CONFIG, DATAERR, IOERR, OK, TEMPFAIL, USAGE,
                      Checks, Place, Terminal)

KEY = re.compile(r"cm_[0-9A-Za-z]{49}")
ID = re.compile(r"key_[0-9a-f]{12}")


def listed(p):
    return {k["name"]: k for k in p.run("keys", "list", "--json").json()["keys"]}


def test_add_piped(t):
    with Place() as p:
        r = p.run("keys", "add", "laptop")
        t.check(r.code == OK and KEY.fullmatch(r.out.strip()) and
                r.out.count("\n") == 1 and not r.err, "the key alone", r)
        key = r.out.strip()
        t.check(os.stat(p.path("keys")).st_mode & 0o777 == 0o600, "for us alone")
        text = p.read("keys")
        t.check(key not in text and key[3:] not in text and
                hashlib.sha256(key.encode()).hexdigest() in text, "only its hash", text)
        t.check(text.startswith("# chatmock keys 1\n"), "a file for people", text)
        r = p.run("keys", "add", "ops", "--scope", "operator", "-s", "read",
                  "--expires", "30d", "--json")
        v = r.json()
        t.check(r.out.count("\n") == 1 and KEY.fullmatch(v["key"]) and
                ID.fullmatch(v["id"]) and v["name"] == "ops" and
                v["scopes"] == ["read", "operator"] and v["state"] == "in force" and
                v["revoked"] is None, "as JSON", v)
        made, ends = (datetime.datetime.strptime(v[n], "%Y-%m-%dT%H:%M:%SZ")
                      for n in ("created", "expires"))
        t.check(ends - made == datetime.timedelta(days=30), "30 days", v)
        t.check(listed(p)["laptop"]["scopes"] == ["generate", "models", "read"] and
                listed(p)["laptop"]["expires"] is None, "what is usual", listed(p))
        for args in (["keys", "list"], ["keys", "list", "--json"]):
            out = p.run(*args).out
            t.check(not KEY.search(out) and "laptop" in out and
                    not re.search("[0-9a-f]{64}", out), "no secret in a list", out)


def test_terminal(t):
    with Place() as p, Terminal(p, columns=120, rows=40) as term:
        r = term.run("chatmock keys list")
        t.check(r.code == OK and "no keys" in r.out and "keys add" in r.out,
                "what it is without any", r)
        r = term.run("chatmock keys add laptop --expires 2099-12-31")
        keys = KEY.findall(r.out)
        t.check(r.code == OK and len(keys) == 1 and "shown this once" in
                " ".join(r.out.split()) and "the first" in r.out and
                "until 2099-12-31" in r.out, "a person is told", r)
        r = term.run("chatmock keys add phone")
        t.check(r.code == OK and "the first" not in r.out, "once", r)
        r = term.run("chatmock keys list", colour=True)
        t.check("\x1b[" in r.out and "laptop" in r.out and "in force" in r.out and
                "RUNS OUT" in r.out and not KEY.search(r.out), "a table", r)
        t.check(max(map(len, term.run("chatmock keys list").out.split("\n"))) <= 80,
                "of 80 columns", r)
        r = term.run("chatmock keys revoke phone")
        t.check(r.code == OK and "within a second" in " ".join(r.out.split()),
                "revoked", r)
        r = term.run("chatmock keys list --json")
        t.check(r.out.count("\n") > 10 and r.json() ==
                p.run("keys", "list", "--json").json(), "indented", r)
        r = term.run("key=$(chatmock keys add in-a-script); echo \"<$key>\"")
        t.check(r.code == OK and re.fullmatch(f"<{KEY.pattern}>", r.out.strip()),
                "caught by a script, the key alone", r)


def test_revoke(t):
    with Place() as p:
        p.run("keys", "add", "a")
        p.run("keys", "add", "b")
        r = p.run("keys", "revoke", listed(p)["a"]["id"])
        t.check(r.code == OK and not r.out and not r.err, "by its id", r)
        t.check(listed(p)["a"]["state"] == "revoked" and listed(p)["a"]["revoked"],
                listed(p))
        for which in ("a", listed(p)["a"]["id"], "nobody", "key_000000000000"):
            r = p.run("keys", "revoke", which)
            t.check(r.code == DATAERR and r.err.count("\n") == 1 and not r.out,
                    which, r)
        r = p.run("keys", "revoke", "b", "--json")
        t.check(r.code == OK and r.json()["state"] == "revoked", "as JSON", r)
        r = p.run("keys", "add", "b")
        t.check(r.code == OK, "its name is free again", r)
        r = p.run("keys", "revoke", "b")
        t.check(r.code == OK and "nobody is let in" in r.err, "the last one", r)
        r = p.run("keys", "list")
        t.check(r.out.count("revoked") == 3, "all are still listed", r)


def test_wrong(t):
    with Place() as p:
        for args, says in (
                (["two words"], "no name"), (["--", "-x"], "no name"),
                (["n" * 65], "no name"), (["key_001122334455"], "no name"),
                (["a", "--expires", "soon"], "--expires"),
                (["a", "--expires", "0d"], "--expires"),
                (["a", "--expires", "2001-01-01"], "--expires"),
                (["a", "--expires", "999999999d"], "--expires"),
                (["a", "--scope", "admin"], "generate,models,read,operator"),
                (["a", "--scope", ","], "--scope"), ([], "NAME"),
                (["a", "b"], "too much")):
            r = p.run("keys", "add", *args)
            t.check(r.code == USAGE and says in r.err and r.err.count("\n") == 1
                    and not r.out, args, r)
        t.check(not os.path.exists(p.path("keys")), "nothing was made")
        p.run("keys", "add", "a")
        r = p.run("keys", "add", "a")
        t.check(r.code == DATAERR and "in force" in r.err and not r.out,
                "a name that is taken", r)
        before = p.read("keys")
        p.write("keys", before + "what is this\n")
        for args in (["keys", "add", "b"], ["keys", "revoke", "a"], ["keys", "list"],
                     ["keys", "list", "--json"]):
            r = p.run(*args)
            t.check(r.code == DATAERR and "line 5" in r.err and not r.out, args, r)
        t.check(p.read("keys") == before + "what is this\n", "left as it is")
        p.write("keys", before)
        with open(p.path("keys.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            r = p.run("keys", "add", "b")
        t.check(r.code == TEMPFAIL and "locked" in r.err and not r.out, "locked", r)
        t.check(p.read("keys") == before, "unchanged")


def test_not_shown(t):
    """A key that nobody saw lets nobody in."""
    with Place() as p:
        with open("/dev/full", "w") as full:
            r = subprocess.run([CHATMOCK, "keys", "add", "lost"], env=p.env,
                               stdout=full, stderr=subprocess.PIPE, text=True)
        t.check(r.returncode == IOERR and "revoked" in r.stderr, "a full disk", r)
        t.check(listed(p)["lost"]["state"] == "revoked", listed(p))
        r = subprocess.run(["bash", "-c", '"$0" keys add gone | true; '
                            'echo ${PIPESTATUS[0]}', CHATMOCK], env=p.env,
                           capture_output=True, text=True)
        # true may have ended before or after the key was written
        state = listed(p)["gone"]["state"]
        t.check((r.stdout == "0\n") == (state == "in force"), "nobody reads", r, state)


def test_many(t):
    with Place() as p:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            got = list(pool.map(lambda i: p.run("keys", "add", f"k{i}"), range(20)))
        t.check(all(r.code == OK for r in got) and
                len({r.out for r in got}) == 20, "twenty at once", got)
        t.check(sorted(listed(p)) == sorted(f"k{i}" for i in range(20)), listed(p))
        t.check(sorted(os.listdir(p.home)) == ["keys", "keys.lock"],
                "nothing else is left", os.listdir(p.home))


def test_bind(t):
    """The first key can be made where the gateway would not start without."""
    with Place(CHATMOCK_BIND="0.0.0.0", CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/v1") as p:
        check = os.path.join(BIN, "chatmock-check")
        r = p.run(program=check)
        t.check(r.code == CONFIG and "CHATMOCK_BIND" in r.out and "keys add" in r.out,
                "refused", r)
        t.check(p.run("keys", "add", "a").code == OK, "made")
        r = p.run(program=check)
        t.check(r.code == OK and "not encrypted" in r.out, "allowed", r)
        p.run("keys", "revoke", "a")
        r = p.run(program=check)
        t.check(r.code == CONFIG and "CHATMOCK_BIND" in r.out, "and no more", r)


if __name__ == "__main__":
    sys.exit(Checks("cli-keys").run(
        test_add_piped, test_terminal, test_revoke, test_wrong, test_not_shown,
        test_many, test_bind))
