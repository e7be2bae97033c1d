"""Drives the test upstream from Python tests (standard library alone).

    with Upstream(kind="responses") as up:
        up.script({"say": "Hello"}, {"status": 429, "body": {...}})
        ... let something ask up.url ...
        [asked] = up.requests()
        assert asked["problems"] == []
"""
import http.client
import json
import os
import subprocess
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("CHATMOCK_BIN",
                                      os.path.join(ROOT, "build", "bin")),
                       "chatmock-demo-upstream")


class Upstream:
    """One running upstream. Not started yet: start() or a with statement."""

    def __init__(self, *options, kind="chatgpt", key=None, program=PROGRAM,
                 base="/v1"):
        self.command = [program, "--kind", kind, "--stay", *options]
        if key:
            self.command += ["--key", key]
        self.base = base
        self.process = None
        self.port = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "127.0.0.1:" not in line:
            raise RuntimeError(f"the test upstream did not start: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stdout.close()
        return self.process and self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def root(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self):
        """What CHATMOCK_UPSTREAM_URL takes."""
        return self.root + self.base

    def ask(self, method, path, body=None):
        """(status, JSON) of one of the tests' own paths."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            data = None if body is None else json.dumps(body)
            c.request(method, path, data, {"content-type": "application/json"})
            r = c.getresponse()
            return r.status, json.loads(r.read())
        finally:
            c.close()

    def _must(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status != 200:
            raise ValueError(f"{method} {path}: {answer}")
        return answer

    def script(self, *answers):
        """Answers for the next requests, in this order, or for those that fit
        when they have "match", "session" or "path"."""
        self._must("POST", "/_script", list(answers))

    def default(self, answer):
        """What is answered when the queue is empty."""
        self._must("POST", "/_script", {"default": answer})

    def token(self, *answers, **config):
        """Answers of /oauth/token, and how its tokens are made."""
        if answers:
            self._must("POST", "/_script", {"token": list(answers)})
        if config:
            self._must("POST", "/_script", {"token": {"config": config}})

    def models(self, **config):
        """GET /models: list, etag, accounts={id: {list, etag}}."""
        self._must("POST", "/_script", {"models": config})

    def access_token(self, account="acct_test", expires_in=3600):
        query = urllib.parse.urlencode({"account": account,
                                        "expires_in": expires_in})
        return self._must("GET", "/_token?" + query)["access_token"]

    def requests(self):
        return self._must("GET", "/_requests")["requests"]

    def wait_requests(self, count, seconds=5):
        """The requests, as soon as there are so many that have ended."""
        until = time.monotonic() + seconds
        while True:
            got = self.requests()
            ended = [r for r in got if r["finished"] or r["aborted"]]
            if len(ended) >= count or time.monotonic() > until:
                return got
            time.sleep(0.01)

    def aborts(self):
        return self._must("GET", "/_aborts")["aborts"]

    def stats(self):
        return self._must("GET", "/_stats")

    def clear(self):
        """No scripts and no requests, as at the start."""
        self._must("DELETE", "/_script")
        self._must("DELETE", "/_requests")


def header(request, name):
    """A header of a recorded request, or None."""
    return next((v for k, v in request["headers"] if k.lower() == name.lower()),
                None)
