#!/usr/bin/env python3
"""The self-check: each misconfiguration made for real, its one line, its exit
code, its time; and a master that refuses to serve with it, or serves and says
so.

    tests/servers/test_check.py [word of a test's name, or of a row's ...]
"""
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rig import BIN, Checks, free_port, until  # noqa: E402

OK, USAGE, DATA, NOINPUT, UNAVAILABLE, OSERR, CANTCREAT, NOPERM, CONFIG = \
    0, 64, 65, 66, 69, 71, 73, 77, 78
ROOT_USER = os.geteuid() == 0
NOBODY = 65534
MOST_S = 0.3
PATH = os.environ.get("PATH", "/usr/bin:/bin")
PEM = ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")


class Place:
    """A home with nothing wrong in it, and a copy of the program that another
    user may run, too."""

    programs = None

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="cm-check-", dir="/tmp")
        os.chmod(self.top, 0o755)
        self.home = os.path.join(self.top, "home")
        os.mkdir(self.home, 0o700)
        self.opened = []

    @classmethod
    def program(cls, name="chatmock-check"):
        if not cls.programs:
            cls.programs = tempfile.mkdtemp(prefix="cm-check-bin-", dir="/tmp")
            os.chmod(cls.programs, 0o755)
            shutil.copy(os.path.join(BIN, "chatmock.fcgi"), cls.programs)
            os.symlink("chatmock.fcgi",
                       os.path.join(cls.programs, "chatmock-check"))
        return os.path.join(cls.programs, name)

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def file(self, name, content="", mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, mode), "w") as f:
            f.write(content)
        os.chmod(path, mode)
        return path

    def dir(self, name, mode=0o700):
        os.makedirs(self.path(name), 0o700, exist_ok=True)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def listen(self, path):
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen()
        self.opened.append(s)
        return s

    def env(self, **more):
        env = {"PATH": PATH, "HOME": self.top, "CHATMOCK_HOME": self.home,
               "CHATMOCK_UPSTREAM_URL": "http://127.0.0.1:9/v1",
               "CHATMOCK_PORT": str(free_port())}
        env.update(more)
        return {k: v for k, v in env.items() if v is not None}

    def run(self, *args, fds=None, nobody=False, stdin=subprocess.DEVNULL, **env):
        def limit():
            if fds:
                resource.setrlimit(resource.RLIMIT_NOFILE, (fds, fds))

        more = {}
        if nobody and ROOT_USER:
            more = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        begun = time.monotonic()
        p = subprocess.run([self.program(), *args], env=self.env(**env),
                           stdin=stdin, capture_output=True, text=True,
                           timeout=30, preexec_fn=limit, cwd="/", **more)
        self.took = time.monotonic() - begun
        return p

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.opened:
            s.close()
        shutil.rmtree(self.top, ignore_errors=True)


def chatgpt(**more):
    """With a login, so that nothing is said of a missing one."""
    return dict({"CHATMOCK_UPSTREAM_URL": None,
                 "CODEX__BASE_URL": "http://127.0.0.1:9/backend-api/codex",
                 "CHATMOCK_UPSTREAM_KIND": "chatgpt"}, **more)


def login(p, mode=0o600, **tokens):
    p.file("auth.json", json.dumps({"tokens": dict(
        {"access_token": "x.y.z", "refresh_token": "rt", "account_id": "a"},
        **tokens)}), mode)


# --- each row: what is wrong, how it is made, the exit code, words of its line

def conf(text, mode=0o600):
    return lambda p: p.file("chatmock.conf", text, mode) and {}


def models(text):
    return conf("[models]\n" + text)


def env(**settings):
    return lambda p: settings


def home_is_file(p):
    p.file("x")
    return {"CHATMOCK_HOME": p.path("x")}


def home_of_root(p):
    os.chmod(p.home, 0o755)
    return {"nobody": True}


def home_loose(p):
    os.chmod(p.home, 0o755)
    return {}


def home_foreign(p):
    os.chown(p.home, NOBODY, NOBODY)
    return {}


def key_loose(p):
    return {"CHATMOCK_UPSTREAM_KEY_FILE": p.file("key", "sk-canary\n", 0o644)}


def key_empty(p):
    return {"CHATMOCK_UPSTREAM_KEY_FILE": p.file("key", "")}


def key_words(p):
    return {"CHATMOCK_UPSTREAM_KEY_FILE": p.file("key", "two words\n")}


def key_forbidden(p):
    key = os.path.join(p.top, "key")
    with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("sk-canary\n")
    os.chmod(key, 0o600 if ROOT_USER else 0)
    mine_for_nobody(p)
    return {"CHATMOCK_UPSTREAM_KEY_FILE": key, "nobody": True}


def mine_for_nobody(p):
    if ROOT_USER:
        os.chown(p.home, NOBODY, NOBODY)


def ca_forbidden(p):
    path = os.path.join(p.top, "ca.pem")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(PEM)
    os.chmod(path, 0o600 if ROOT_USER else 0)
    mine_for_nobody(p)
    return {"CODEX_CA_CERTIFICATE": path, "nobody": True}


def conf_forbidden(p):
    path = os.path.join(p.top, "own.conf")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("port = 9000\n")
    os.chmod(path, 0o600 if ROOT_USER else 0)
    mine_for_nobody(p)
    return {"CHATMOCK_CONFIG": path, "nobody": True}


def logs_forbidden(p):
    p.dir("log", 0o700 if ROOT_USER else 0o500)
    mine_for_nobody(p)
    return {"nobody": True}


def log_is(make):
    def set_up(p):
        p.dir("log")
        make(p.path("log", "access.log"))
        return {}
    return set_up


def at(make, name):
    def set_up(p):
        os.makedirs(os.path.dirname(p.path(name)), 0o700, exist_ok=True)
        make(p.path(name))
        return {}
    return set_up


def empty(path):
    open(path, "w").close()


def dangling(path):
    os.symlink("/nowhere/at/all", path)


def huge(path):
    empty(path)
    os.truncate(path, 1 << 30)


def long_home(p):
    return {"CHATMOCK_HOME": p.path("h" * 120)}


def dead_socket(p):
    p.listen(p.path("run", "chatmock.sock")).close()
    p.opened.clear()
    return {}


def served(p):
    p.listen(p.path("run", "chatmock.sock"))
    return {"args": ["--before-start"]}


def port_taken(p):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    p.opened.append(s)
    return {"args": ["--before-start"], "CHATMOCK_PORT": str(s.getsockname()[1])}


def no_programs(p):
    return {"args": ["--before-start"], "PATH": ""}


def old_login(p):
    login(p, refresh_token="", access_token="x.eyJleHAiOjEwMDB9.z")
    return chatgpt()


def broken_login(p):
    p.file("auth.json", "{")
    return chatgpt()


def loose_login(p):
    login(p, 0o644)
    return chatgpt()


def on_chatgpt(**settings):
    def set_up(p):
        login(p)
        return chatgpt(**settings)
    return set_up


ROWS = [
    # settings that can not be read
    ("unknown name", env(CHATMOCK_COLOUR="blue"), CONFIG, "CHATMOCK_COLOUR"),
    ("wrong value", env(CHATMOCK_WORKERS="many"), CONFIG, "CHATMOCK_WORKERS"),
    ("out of range", env(CHATMOCK_PORT="70000"), CONFIG, "CHATMOCK_PORT"),
    ("unknown name in the file", conf("colour = blue\n"), CONFIG, "COLOUR"),
    ("file that is no settings", conf("hello\n"), CONFIG, "NAME = VALUE"),
    ("file missing", env(CHATMOCK_CONFIG="/nowhere/x.conf"), NOINPUT,
     "/nowhere/x.conf"),
    ("file forbidden", conf_forbidden, NOPERM, "own.conf"),
    ("file is a directory", env(CHATMOCK_CONFIG="/tmp"), NOINPUT, "/tmp"),
    ("key in a loose file", conf("upstream_key = sk-canary\n", 0o644), OK,
     "chmod 600"),
    ("bound to the world", env(CHATMOCK_BIND="0.0.0.0"), CONFIG, "CHATMOCK_BIND"),
    # settings against one another
    ("connect beyond first byte", env(CHATMOCK_CONNECT_TIMEOUT="60",
     CHATMOCK_FIRST_BYTE_TIMEOUT="30"), CONFIG, "CHATMOCK_CONNECT_TIMEOUT (60 s)"),
    ("first byte beyond total", env(CHATMOCK_FIRST_BYTE_TIMEOUT="90",
     CHATMOCK_TOTAL_TIMEOUT="30"), CONFIG, "CHATMOCK_FIRST_BYTE_TIMEOUT (90 s)"),
    ("idle beyond total", env(CHATMOCK_IDLE_TIMEOUT="2m",
     CHATMOCK_TOTAL_TIMEOUT="30.5"), CONFIG, "CHATMOCK_TOTAL_TIMEOUT (30.500 s)"),
    ("heartbeat beyond total", env(CHATMOCK_HEARTBEAT="50",
     CHATMOCK_TOTAL_TIMEOUT="30"), CONFIG, "CHATMOCK_HEARTBEAT (50 s)"),
    ("rare heartbeat", env(CHATMOCK_HEARTBEAT="200"), OK, "CHATMOCK_HEARTBEAT"),
    ("too many workers", env(CHATMOCK_WORKERS="256"), OK, "CHATMOCK_WORKERS"),
    ("worker for each request", env(CHATMOCK_MAX_REQUESTS="1"), OK,
     "CHATMOCK_MAX_REQUESTS"),
    ("two keys", lambda p: {**key_empty(p), "CHATMOCK_UPSTREAM_KEY": "sk-canary"},
     OK, "both set"),
    ("bodies without verbose", env(CHATMOCK_LOG_BODIES="1"), OK, "does nothing"),
    ("bodies in the log", env(CHATMOCK_LOG_BODIES="1", CHATMOCK_VERBOSE="1"), OK,
     "writes prompts"),
    ("switched off", env(CODEX__ENABLED="false"), OK, "CODEX__ENABLED"),
    ("sync without use", env(CHATMOCK_MODEL_SYNC="1",
     CODEX__ENABLE_DYNAMIC_MODEL_INFO="0"), OK, "CHATMOCK_MODEL_SYNC"),
    ("parameters for nobody", on_chatgpt(CODEX__PROPAGATE_UNSUPPORTED_PARAMS="1"),
     OK, "PROPAGATE"),
    ("host with a port", env(CHATMOCK_ALLOWED_HOSTS="box:8000"), OK, "never fits"),
    ("origin with a path", env(CHATMOCK_ALLOWED_ORIGINS="http://box/"), CONFIG,
     "CHATMOCK_ALLOWED_ORIGINS"),
    ("no version", env(CHATMOCK_CLIENT_VERSION="newest"), CONFIG,
     "CHATMOCK_CLIENT_VERSION"),
    # models
    ("alias of itself", models("a = a\n"), OK, "stands for itself"),
    ("alias of an alias", models("a = b\nb = gpt-5.5\n"), OK, "not followed"),
    ("alias twice", models("a = gpt-5.5\na = gpt-6-sol\n"), OK, "two lines"),
    ("alias of nothing", lambda p: login(p) or models("a = no-such\n")(p) or
     chatgpt(), OK, "not known"),
    ("debug model unknown", on_chatgpt(CHATMOCK_DEBUG_MODEL="no-such"), OK,
     "CHATMOCK_DEBUG_MODEL"),
    # upstream
    ("http to the world", env(CHATMOCK_UPSTREAM_URL="http://example.com/v1"),
     CONFIG, "example.com"),
    ("no URL", env(CHATMOCK_UPSTREAM_URL="example.com"), CONFIG, "URL"),
    ("URL with the route",
     env(CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/v1/responses"), CONFIG,
     "before /responses"),
    ("URL of a route", env(CHATMOCK_UPSTREAM_URL="http://127.0.0.1:9/v1/completions"),
     OK, "ends in a route"),
    ("host without address", env(CHATMOCK_UPSTREAM_URL="https://no.invalid/v1"), OK,
     "no.invalid"),
    ("key for the backend", on_chatgpt(CHATMOCK_UPSTREAM_KEY="sk-canary"), OK,
     "takes a login"),
    ("issuer over http", on_chatgpt(CHATMOCK_AUTH_ISSUER="http://example.com"),
     CONFIG, "CHATMOCK_AUTH_ISSUER"),
    ("proxy of no kind", env(HTTPS_PROXY="ftp://u:canary@box:1"), CONFIG, "scheme"),
    ("proxy without a port number", env(HTTPS_PROXY="http://box:http"), CONFIG,
     "port"),
    ("proxy without a host", env(ALL_PROXY="http://:80"), CONFIG, "no host"),
    ("CA missing", env(SSL_CERT_FILE="/nowhere/ca.pem"), NOINPUT,
     "/nowhere/ca.pem"),
    ("CA forbidden", ca_forbidden, NOPERM, "ca.pem"),
    ("CA of no kind", lambda p: {"SSL_CERT_FILE": p.file("ca", "hello")}, DATA,
     "no certificate"),
    ("key missing", env(CHATMOCK_UPSTREAM_KEY_FILE="/nowhere/key"), NOINPUT,
     "/nowhere/key"),
    ("key empty", key_empty, CONFIG, "empty"),
    ("key of words", key_words, CONFIG, "not one word"),
    ("key forbidden", key_forbidden, NOPERM, "key"),
    ("key loose", key_loose, OK, "chmod 600"),
    ("login missing", lambda p: chatgpt(), OK, "login"),
    ("login broken", broken_login, OK, "login"),
    ("login loose", loose_login, OK, "chmod 600"),
    ("login run out", old_login, OK, "run out"),
    # the state directory
    ("home relative", env(CHATMOCK_HOME="here"), CONFIG, "relative"),
    ("home a file", home_is_file, CANTCREAT, "can not be made"),
    ("home not to be made", env(CHATMOCK_HOME="/proc/nowhere"), CANTCREAT,
     "/proc/nowhere"),
    ("home of another", home_of_root, NOPERM, "can not be written"),
    ("home loose", home_loose, OK, "chmod 700"),
    ("home given away", home_foreign, OK, "belongs to another"),
    ("logs a file", at(empty, "log"), CANTCREAT, "logs' directory"),
    ("logs forbidden", logs_forbidden, NOPERM, "logs' directory"),
    ("log a link", log_is(dangling), CANTCREAT, "no plain file"),
    ("log a directory", log_is(os.mkdir), CANTCREAT, "no plain file"),
    ("prompts a file", at(empty, "prompt_cache"), OK, "prompts' cache"),
    ("metrics a link", at(dangling, "metrics"), OK, "metrics file"),
    ("metrics a directory", at(os.mkdir, "metrics"), OK, "metrics file"),
    ("models a directory", at(os.mkdir, "models.json"), OK, "list of models"),
    ("models of 1 GB", at(huge, "models.json"), OK, "list of models"),
    # sockets, limits, clock
    ("socket's path too long", long_home, CONFIG, "107"),
    ("socket a file", at(empty, "run/chatmock.sock"), CANTCREAT, "no socket"),
    ("socket dead", dead_socket, OK, "nobody listens"),
    ("run a file", at(empty, "run"), CANTCREAT, "sockets' directory"),
    ("serving already", served, UNAVAILABLE, "already"),
    ("port taken", port_taken, UNAVAILABLE, "in use"),
    ("programs missing", no_programs, UNAVAILABLE, "not installed"),
    ("few descriptors", lambda p: {"fds": 1024}, OK, "1024 open files"),
    ("hardly any descriptors", lambda p: {"fds": 32}, OSERR, "32 open files"),
    ("clock before the program", env(CHATMOCK_TEST_CLOCK="1000000000"), OK,
     "2001-09-09"),
]
NEEDS_ROOT = {"home given away", "home of another", "logs forbidden"}


def lines_of(p):
    return [line for line in p.stdout.splitlines() if line != "ok"]


def usual(p):
    """What is said of a home with nothing wrong in it: of this machine."""
    return set(lines_of(p.run(fds=None)))


def test_rows(t):
    only = [word for word in sys.argv[1:]
            if not any(word in name for name in TESTS)]
    with Place() as p:
        r = p.run()
        t.check(r.returncode == 0 and r.stdout.endswith("ok\n"), "nothing wrong", r)
        t.check(not r.stderr and not [l for l in lines_of(r) if "fault" in l],
                "and nothing said of it", r)
        common = usual(p)
    seen = {}
    for name, make, code, words in ROWS:
        if only and not any(word in name for word in only):
            continue
        if name in NEEDS_ROOT and not ROOT_USER:
            print(f"SKIP {name}: needs root")
            continue
        with Place() as p:
            given = make(p)
            args = given.pop("args", [])
            took = []
            for _ in range(5):
                r = p.run(*args, **given)
                took.append(p.took)
                if p.took < MOST_S:
                    break
        said = [l for l in lines_of(r) if l not in common]
        fit = [l for l in said if words in l]
        t.check(r.returncode == code, f"{name}: exit code {code}", r.returncode, r)
        t.check(len(fit) >= 1, f"{name}: a line with {words}", r.stdout, r.stderr)
        t.check(min(took) < MOST_S, f"{name}: in time", took)
        t.check(not r.stderr and "canary" not in r.stdout, f"{name}: no secret", r)
        faults = [l for l in said if l.startswith("fault: ")]
        t.check(bool(faults) == bool(code), f"{name}: a fault or none", said)
        t.check(not fit or fit[0].startswith("fault: " if code else "warning: "),
                f"{name}: its kind", fit)
        # what is wrong, and behind a semicolon or colon the cure
        t.check(not fit or any(sign in fit[0] for sign in (";", ": ")) and
                len(fit[0]) > 40, f"{name}: cause and cure", fit)
        if fit:
            seen.setdefault(fit[0].split(":")[1][:40], name)
    if not only:
        t.check(len(ROWS) >= 25 and len({w for _, _, _, w in ROWS}) >= 25,
                "at least 25 of them", len(ROWS))
        codes = {code for _, _, code, _ in ROWS}
        t.check(len(codes) >= 8, "codes of their own", codes)


def serve(p, **given):
    """The master on a socket as spawn-fcgi hands it over."""
    path = p.path("s")
    listener = p.listen(path)
    return subprocess.Popen([p.program("chatmock.fcgi")], env=p.env(**given),
                            stdin=listener, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def logged(p):
    try:
        with open(p.path("log", "error.log")) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]
    except OSError:
        return []


def test_master(t):
    """A fault stops the master with its code, a warning is a line in the log
    of one that serves."""
    rows = [(CONFIG, {"CHATMOCK_CONNECT_TIMEOUT": "60",
                      "CHATMOCK_FIRST_BYTE_TIMEOUT": "30"}, "CONNECT_TIMEOUT"),
            (NOINPUT, {"SSL_CERT_FILE": "/nowhere/ca"}, "/nowhere/ca"),
            (NOINPUT, {"CHATMOCK_CONFIG": "/nowhere/conf"}, "/nowhere/conf"),
            (CONFIG, {"CHATMOCK_COLOUR": "blue"}, "CHATMOCK_COLOUR")]
    for code, given, words in rows:
        with Place() as p:
            m = serve(p, **given)
            out, err = m.communicate(timeout=20)
            t.check(m.returncode == code, f"{words}: ends with {code}",
                    m.returncode, out, err)
            t.check(words in err, f"{words}: and says it", err)
    with Place() as p:
        m = serve(p, CHATMOCK_LOG_BODIES="1")
        t.check(until(lambda: [l for l in logged(p) if l["event"] == "self_check" and
                               l["level"] == "warn" and "LOG_BODIES" in l["msg"]], 10),
                "a warning is logged", logged(p))
        t.check(until(lambda: [l for l in logged(p)
                               if l["event"] == "master_start"], 10), "it serves")
        m.terminate()
        m.communicate(timeout=20)


def test_socket(t):
    """Of the socket that it was handed: who may reach it."""
    with Place() as p:
        s = socket.socket()
        s.bind(("0.0.0.0", 0))
        s.listen()
        r = p.run(stdin=s)
        s.close()
        t.check(r.returncode == CONFIG and "0.0.0.0" in r.stdout, "the world", r)
        s = p.listen(p.path("s"))
        os.chmod(p.path("s"), 0o666)
        r = p.run(stdin=s)
        t.check(r.returncode == OK and "any user" in r.stdout, "any user", r)
        os.chmod(p.path("s"), 0o600)
        r = p.run(stdin=s)
        t.check(r.returncode == OK and "any user" not in r.stdout, "nobody else", r)


def test_full_disk(t):
    """Little room is a warning: on a small file system of its own."""
    with Place() as p:
        script = ('mount -t tmpfs -o size=1m,nr_inodes=40,mode=700 none "$1" && '
                  'exec "$2"')
        r = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", p.home,
                            p.program()], env=p.env(), capture_output=True,
                           text=True, stdin=subprocess.DEVNULL, timeout=30)
        if "mount" in r.stderr or "unshare" in r.stderr:
            print("SKIP a small file system: mounting is not allowed here")
            return
        t.check(r.returncode == OK and "MB are left" in r.stdout, "little room", r)
        t.check("files can be made" in r.stdout, "few files", r)


def test_leaves_nothing(t):
    """It makes what serving would make, and nothing else; twice is as once."""
    with Place() as p:
        first = p.run()
        again = p.run()
        t.check(first.stdout == again.stdout, "the same", first, again)
        made = sorted(os.path.relpath(os.path.join(d, n), p.home)
                      for d, dirs, files in os.walk(p.home) for n in dirs + files)
        t.check(made == ["log"], "the logs' directory", made)


TESTS = ("test_rows", "test_master", "test_socket", "test_full_disk",
         "test_leaves_nothing")

if __name__ == "__main__":
    words = sys.argv[1:]
    if words and not any(word in name for word in words for name in TESTS):
        sys.argv = [sys.argv[0]]
        checks = Checks("check")
        sys.argv += words
        test_rows(checks)
        print(f"check: {checks.passed} passed, {checks.failed} failed")
        code = 1 if checks.failed else 0
    else:
        code = Checks("check").run(test_rows, test_master, test_socket,
                                   test_full_disk, test_leaves_nothing)
    if Place.programs:
        shutil.rmtree(Place.programs, ignore_errors=True)
    sys.exit(code)
