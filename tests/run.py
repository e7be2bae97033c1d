#!/usr/bin/env python3
"""Runs every test, or the stages named, and ends with "N passed, N failed".

    tests/run.py                all stages, in the order of the table
    tests/run.py unit cases     some of them
    tests/run.py --list         what there is

A stage is a command that prints lines "name: 12 passed, 0 failed" (", 1
skipped" may follow). Its output goes to build/test/<stage>.log and is shown
when something failed. A stage that ends badly without such a line, or counts
nothing, is a failure of its own.
"""
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = "-j%d" % (os.cpu_count() or 2)
SAN = bool(os.environ.get("SAN"))
# What SAN=1 leaves out: it is the same then, or about time, or cannot be.
NOT_SANITIZED = {"clang", "sanitized", "valgrind", "cases-sanitized",
                 "aborts-sanitized", "ws-sanitized",
                 "stored-sanitized", "stress"}
if SAN:
    programs = os.path.join(ROOT, "build", "san", "bin")
    os.environ.update(CHATMOCK_TEST_BIN=programs, CHATMOCK_BIN=programs)
FAULT = re.compile(r"^(FAIL|FAILED) |^[\w./-]+\.[ch]:\d+: |SUMMARY: ")
COUNT = re.compile(r"^([\w./-]+): (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")

# stage, what it is, seconds it may take, command
STAGES = [
    ("build", "every program and test, gcc, warnings are errors", 600,
     f"make {JOBS} all tests-build"),
    ("clang", "the same with clang, compiled only", 600,
     f"make {JOBS} CC=clang-14 BUILD=build/clang objects"),
    ("habits", "layers, headers, lengths, words, documents", 300,
     "tests/check/all.sh"),
    ("unit", "unit tests", 300, "make -k unit"),
    ("sanitized", "unit tests under ASan and UBSan", 900,
     f"make {JOBS} SAN=1 all tests-build && make -k SAN=1 unit"),
    ("valgrind", "unit tests under valgrind", 900, "tests/check/valgrind.sh"),
    ("fuzz", "each fuzz target for a moment", 600, "make fuzz FUZZ_SECONDS=3"),
    ("upstream", "the test upstream itself", 120,
     "python3 tests/tools/test_upstream.py"),
    ("cases", "conversations, client to upstream and back", 600,
     "python3 tests/cases/run.py"),
    ("cases-sanitized", "the same under ASan and UBSan", 600,
     "python3 tests/cases/run.py --bin build/san/bin"),
    ("cuts", "upstream's stream cut at each byte", 300,
     "python3 tests/cases/cuts.py"),
    ("tongues", "the same streams in all tongues, whole and cut", 600,
     "python3 tests/cases/tongues.py"),
    ("process", "reload, recycling, drain, watchdog", 600,
     "python3 tests/servers/test_process.py"),
    ("kept", "kept connections while workers come and go", 600,
     "python3 tests/servers/test_kept.py"),
    ("keys", "callers' keys made, revoked, broken under a running gateway", 600,
     "python3 tests/servers/test_keys.py"),
    ("metrics", "what is counted, and whatever befalls the file", 600,
     "python3 tests/servers/test_metrics.py"),
    ("servers", "lighttpd, nginx and Apache in front", 600,
     "python3 tests/servers/test_servers.py"),
    ("ws", "WebSockets through the three servers, and byte by byte", 600,
     "python3 tests/servers/test_ws.py"),
    ("ws-sanitized", "the same under ASan and UBSan", 600,
     "CHATMOCK_TEST_BIN=build/san/bin python3 tests/servers/test_ws.py"),
    ("fetch", "chatmock-fetch: its jobs, and faults of all they meet", 600,
     "python3 tests/servers/test_fetch.py"),
    ("health", "health.fcgi, its metrics, Prometheus and its rules", 600,
     "python3 tests/servers/test_health.py"),
    ("run", "make run as a newcomer", 300,
     "python3 tests/servers/test_run.py"),
    ("stress", "stuck peers, held locks, large bodies", 600,
     "python3 tests/servers/test_stress.py"),
    ("upstreams", "TLS, HTTP/2, proxies, redirects, time limits", 300,
     "python3 tests/servers/test_upstreams.py"),
    ("models", "upstream's list of models: fetched, kept, changed, lost", 600,
     "python3 tests/servers/test_models.py"),
    ("store", "stored responses: their file, pruning, loss", 600,
     "python3 tests/servers/test_store.py"),
    ("background", "responses that outlive their clients, by two gateways", 600,
     "python3 tests/servers/test_background.py"),
    ("faults", "upstream, the network and the machine at their worst", 900,
     "python3 tests/servers/test_faults.py"),
    ("stored", "stored responses: two workers, slow stores, long chains", 300,
     "python3 tests/servers/test_stored.py"),
    ("stored-sanitized", "these three under ASan and UBSan", 900,
     "for t in store background stored; do CHATMOCK_TEST_BIN=$PWD/build/san/bin "
     "python3 tests/servers/test_$t.py || bad=1; done; [ -z \"$bad\" ]"),
    ("check", "the self-check, each misconfiguration made for real", 300,
     "python3 tests/servers/test_check.py"),
    ("aborts", "clients that leave at every step, drains at bad moments", 300,
     "python3 tests/servers/test_aborts.py"),
    ("aborts-sanitized", "the same under ASan and UBSan", 300,
     "CHATMOCK_TEST_BIN=build/san/bin python3 tests/servers/test_aborts.py"),
    ("cli", "the chatmock command, piped and in a real terminal", 1800,
     "python3 tests/cli/run.py"),
    ("clients-node", "real clients from npm through lighttpd", 1200,
     "tests/clients/node.sh"),
    ("clients-python", "real clients from PyPI through lighttpd", 900,
     "tests/clients/python.sh"),
]


def run_stage(name, seconds, command):
    log = os.path.join(ROOT, "build", "test", name + ".log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    begun = time.monotonic()
    with open(log, "wb") as out:
        p = subprocess.Popen(command, shell=True, cwd=ROOT, stdout=out,
                             stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = p.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            p.wait()
            code = "out of time"
    with open(log, errors="replace") as f:
        lines = f.read().splitlines()
    return code, lines, time.monotonic() - begun


def count(lines):
    passed = failed = skipped = 0
    for line in lines:
        m = COUNT.match(line.strip())
        if m:
            passed += int(m[2])
            failed += int(m[3])
            skipped += int(m[4] or 0)
    return passed, failed, skipped


def faults_of(lines):
    """The lines that say what failed, else the end of what was said."""
    found = [line for line in lines if FAULT.search(line)] or lines[-5:]
    return [line[:300] for line in found[:8]]


def main():
    # Who is started in the background by a script is deaf to Ctrl-C, and so
    # would be all that is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        for name, what, _, command in STAGES:
            print(f"{name:16} {what}\n{'':16} {command}")
        return 0
    unknown = set(wanted) - {s[0] for s in STAGES}
    if unknown:
        print("no such stage:", ", ".join(sorted(unknown)))
        return 64
    total, faults = [0, 0, 0], []
    for name, what, seconds, command in STAGES:
        if wanted and name not in wanted or SAN and name in NOT_SANITIZED:
            continue
        code, lines, took = run_stage(name, seconds, command)
        counted = list(count(lines))
        built = name in ("build", "clang")
        if code == 0 and not sum(counted):
            # a build that ends well is one check; any other stage that counts
            # nothing has tested nothing
            counted = [1, 0, 0] if built else [0, 1, 0]
        elif code != 0 and not counted[1]:
            counted[1] = 1
        for i in range(3):
            total[i] += counted[i]
        print(f"{name:16} {counted[0]:5} passed {counted[1]:3} failed"
              f" {counted[2]:3} skipped {took:7.1f} s   {what}", flush=True)
        for line in lines:
            if line.startswith("SKIP"):
                print("    " + line)
        if counted[1]:
            print(f"    ended with {code}; the end of build/test/{name}.log:")
            for line in lines[-60:]:
                print("    | " + line)
            faults += [f"{name}: {line}" for line in faults_of(lines)]
    # Once more at the end, where who sees only the end of a log looks.
    for line in faults:
        print(line)
    print(f"{total[0]} passed, {total[1]} failed"
          + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
