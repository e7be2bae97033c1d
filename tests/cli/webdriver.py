"""A real browser without a screen: Debian's chromium, driven through its
chromedriver (W3C WebDriver, spoken here by hand).

    with Browser() as b:
        b.open(url); b.click("#continue"); b.title(); b.text("body")
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, seconds=120):
        self.seconds = seconds
        self.top = tempfile.mkdtemp(prefix="cm-browser-", dir="/tmp")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, env=dict(os.environ, HOME=self.top,
                                             TMPDIR=self.top))
        self.session = None
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        for line in self.driver.stdout:
            if "successfully on port" in line:
                self.port = int(line.split("on port")[1].strip(" .\n"))
                break
        else:
            raise RuntimeError("chromedriver does not start")
        args = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-proxy-server",
                "--user-data-dir=" + os.path.join(self.top, "profile")]
        if os.geteuid() == 0:
            args.append("--no-sandbox")
        got = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/session/" + got["sessionId"]

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        try:
            c.request(method, path, None if body is None else json.dumps(body),
                      {"Content-Type": "application/json"})
            answer = json.loads(c.getresponse().read())["value"]
        finally:
            c.close()
        if isinstance(answer, dict) and "error" in answer and "message" in answer:
            raise RuntimeError(answer["error"] + ": " + answer["message"][:300])
        return answer

    def open(self, url):
        self.ask("POST", self.session + "/url", {"url": url})

    def find(self, css):
        return self.ask("POST", self.session + "/element",
                        {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.ask("POST", f"{self.session}/element/{self.find(css)}/click", {})

    def text(self, css):
        return self.ask("GET", f"{self.session}/element/{self.find(css)}/text")

    def css(self, css, name):
        return self.ask("GET", f"{self.session}/element/{self.find(css)}/css/{name}")

    def title(self):
        return self.ask("GET", self.session + "/title")

    def url(self):
        return self.ask("GET", self.session + "/url")

    def log(self):
        """What the console complains of."""
        return self.ask("POST", self.session + "/se/log", {"type": "browser"})

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", self.session)
        except (OSError, RuntimeError, ValueError):
            pass
        # its own session of processes: nothing is left behind
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.communicate()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
