"""Every setting has a case, or a test elsewhere that is named here."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What a conversation can not show.
ELSEWHERE = {
    "CHATMOCK_PORT": "tests/servers/test_run.py",
    "CHATMOCK_BIND": "tests/servers/test_run.py",
    "CHATMOCK_WEB_SERVER": "tests/cli/test_ops.py",
    "CHATMOCK_WORKERS": "tests/servers/test_process.py",
    "CHATMOCK_MAX_STREAMS": "tests/servers/test_process.py",
    "CHATMOCK_MAX_REQUESTS": "tests/servers/test_process.py",
    "CHATMOCK_DRAIN_TIMEOUT": "tests/servers/test_process.py",
    "CHATMOCK_WATCHDOG": "tests/servers/test_process.py",
    "CHATMOCK_MODEL_SYNC": "tests/servers/test_models.py",
    "CHATGPT_LOCAL_MODEL_SYNC": "tests/servers/test_models.py",
    "CHATMOCK_MODEL_REFRESH_INTERVAL": "tests/servers/test_models.py",
    "CHATGPT_LOCAL_MODEL_REFRESH_INTERVAL": "tests/servers/test_models.py",
    "CHATMOCK_CLIENT_VERSION": "tests/servers/test_models.py",
    "CODEX__ENABLE_DYNAMIC_MODEL_INFO": "tests/servers/test_models.py",
    "CHATMOCK_STORE": "tests/servers/test_store.py",
    "CHATMOCK_STORE_TTL": "tests/servers/test_store.py",
    "CHATMOCK_STORE_MAX_MB": "tests/servers/test_store.py",
    "CHATMOCK_PROMPT_TTL": "tests/servers/test_fetch.py",
    "CHATMOCK_PROMPT_BASE_URLS": "tests/servers/test_fetch.py",
    "CHATMOCK_PROMPT_CODEX_URLS": "tests/servers/test_fetch.py",
    "CHATMOCK_PROMPT_BASE_SHA256": "tests/servers/test_fetch.py",
    "CHATMOCK_PROMPT_CODEX_SHA256": "tests/servers/test_fetch.py",
    "CODEX__OAUTH__SCOPES": "tests/cli/test_login.py",
    "CODEX__CALLBACK_PORT": "tests/cli/test_login.py",
    "CHATMOCK_LOGIN_BIND": "tests/cli/test_login.py",
    "CHATGPT_LOCAL_LOGIN_BIND": "tests/cli/test_login.py",
    "CHATMOCK_LOGIN_WORKSPACE": "tests/cli/test_login.py",
}
# Set by tests/lib/gateway.py for every case there is.
ALWAYS = ("CHATMOCK_HOME", "CHATMOCK_UPSTREAM_URL", "CHATMOCK_UPSTREAM_KIND",
          "CHATMOCK_AUTH_ISSUER")


def names(bin):
    """All names of all settings, aliases too."""
    program = os.path.join(ROOT, bin or os.environ.get("CHATMOCK_TEST_BIN",
                                                       "build/bin"),
                           "chatmock.fcgi")
    table = subprocess.run([program, "--settings-markdown"], text=True,
                           capture_output=True, check=True).stdout
    found = []
    for row in table.splitlines():
        first = row.split("|")[1] if row.startswith("| `") else ""
        found += re.findall(r"`([A-Z_0-9]+)`", first)
    return found


def in_conf(case):
    """The lines of a settings file, by the names they would have outside."""
    section = ""
    for line in case.conf:
        key = line.split("=")[0].strip().upper()
        if line.startswith("["):
            section = line.strip("[] ").upper()
        elif section == "CODEX":
            yield "CODEX__" + key
        else:
            yield "CHATMOCK_" + key


def check(checks, cases, bin):
    used = set(ALWAYS)
    for case in cases:
        used |= {k.upper() for k, v in case.settings.items() if v}
        used |= set(in_conf(case))
        if "key" in case.settings:
            used.add("CHATMOCK_UPSTREAM_KEY")
    known = names(bin)
    checks.check(len(known) > 30, "settings: the table is not understood", known)
    for name in known:
        if name not in ELSEWHERE:
            checks.check(name in used, f"settings: no case shows {name}")
            continue
        path = os.path.join(ROOT, ELSEWHERE[name])
        there = os.path.exists(path) and name in open(path).read()
        checks.check(there, f"settings: {ELSEWHERE[name]} does not test {name}")
    checks.check(not set(ELSEWHERE) - set(known), "settings: unknown names",
                 set(ELSEWHERE) - set(known))
