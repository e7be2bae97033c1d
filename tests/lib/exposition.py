"""Reads Prometheus' text formats strictly and says what is wrong with a page:
what promtool lets pass (a series twice, buckets that fall, a family in two
places) too.

    page = exposition.read(text, openmetrics=False)
    page.faults                                 # [] when all is well
    page.value("http_requests_total", status="200")     # sum of what matches
    page.families                               # name -> type, in order
"""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
NUMBER = re.compile(r"[-+]?(\d+(\.\d+)?([eE][-+]?\d+)?|Inf)$|NaN$")
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"],
            "gauge": [""]}


class Page:
    def __init__(self):
        self.faults, self.families, self.series = [], {}, {}
        self.order = []         # as they stand there

    def value(self, name, **labels):
        found = [v for (n, have), v in self.series.items() if n == name and
                 all(dict(have).get(k) == w for k, w in labels.items())]
        return sum(found) if found else None


def read_labels(text, fault):
    labels = []
    while text:
        m = LABEL.match(text)
        if not m:
            fault("malformed labels")
            return ()
        labels.append((m[1], re.sub(r"\\(.)", lambda e: "\n" if e[1] == "n"
                                    else e[1], m[2])))
        text = text[m.end():]
        if m[3] == "," and not text:
            fault("a comma at the end")
    names = [n for n, _ in labels]
    if len(set(names)) != len(names):
        fault("a label twice")
    return tuple(sorted(labels))


class Reader:
    def __init__(self, openmetrics):
        self.page, self.openmetrics = Page(), openmetrics
        self.family = self.type = None
        self.helped = set()
        self.buckets = {}       # histogram's labels -> [(le, value)]

    def fault(self, what):
        self.page.faults.append(f"{what}: {self.line[:160]!r}")

    def comment(self):
        m = re.match(rf"# (HELP|TYPE) ({NAME}) (.*)$", self.line)
        if not m:
            return self.fault("neither HELP nor TYPE")
        kind, name, rest = m.groups()
        if kind == "HELP":
            if name in self.helped:
                self.fault("HELP twice")
            self.helped.add(name)
            if not rest or re.search(r"\\[^\\n\"]", rest):
                self.fault("bad HELP")
            self.end_family()
            self.family, self.type = name, None
            return None
        if name in self.page.families:
            self.fault("TYPE twice")
        if name != self.family or self.type:
            self.fault("TYPE does not follow its HELP")
        if rest not in SUFFIXES:
            self.fault("unknown type")
        total = name.endswith("_total")
        if rest == "counter" and total == self.openmetrics or \
                rest != "counter" and total:
            self.fault("_total where it must not, or must, be")
        self.page.families[name] = self.type = rest
        return None

    def sample(self):
        m = SAMPLE.match(self.line)
        if not m:
            return self.fault("malformed line")
        name, labels = m[1], read_labels(m[2] or "", self.fault)
        if m[2] == "" or not NUMBER.match(m[3]):
            return self.fault("malformed line")
        value = float(m[3])
        stem = self.family or ""
        if self.type == "counter" and not self.openmetrics:
            stem = stem[:-len("_total")]
        if name not in [stem + s for s in SUFFIXES.get(self.type, [])]:
            self.fault(f"not of the family {self.family}")
        if (name, labels) in self.page.series:
            self.fault("a series twice")
        if self.type != "gauge" and value < 0:
            self.fault("below zero")
        self.page.series[name, labels] = value
        self.page.order.append((name, labels))
        if self.type == "histogram":
            self.bucket(name, dict(labels), value, m[2] or "")
        return None

    def bucket(self, name, labels, value, text):
        le = labels.pop("le", None)
        key = tuple(sorted(labels.items()))
        if not name.endswith("_bucket"):
            if le is not None:
                self.fault("le outside a bucket")
            self.buckets.setdefault(key, {})[name[-4:]] = value
            return
        if le is None:
            self.fault("a bucket without le")
            return
        if le != "+Inf" and not re.match(r"\d+\.\d+$", le):
            self.fault("le is not written as a float")
        steps = self.buckets.setdefault(key, {}).setdefault("steps", [])
        if steps and not (float(le) > steps[-1][0] and value >= steps[-1][1]):
            self.fault("buckets that fall")
        steps.append((float(le), value))

    def end_family(self):
        for key, parts in self.buckets.items():
            steps = parts.get("steps") or [(0, 0)]
            if steps[-1][0] != float("inf") or steps[-1][1] != parts.get("ount"):
                self.fault(f"+Inf is not the count of {self.family} {key}")
            if "_sum" not in parts:
                self.fault(f"no sum of {self.family} {key}")
        self.buckets = {}


def read(text, openmetrics=False):
    r = Reader(openmetrics)
    r.line = text[-80:]
    if not text.endswith("\n"):
        r.fault("no newline at the end")
    lines = text.split("\n")[:-1]
    if openmetrics and (not lines or lines.pop() != "# EOF"):
        r.fault("no # EOF at the end")
    for r.line in lines:
        if r.line.startswith("#"):
            r.comment()
        else:
            r.sample()
    r.end_family()
    return r.page


def check_itself():
    """Each fault is one that is found."""
    good = ('# HELP a_total A.\n# TYPE a_total counter\na_total{x="1"} 1\n'
            '# HELP h_seconds H.\n# TYPE h_seconds histogram\n'
            'h_seconds_bucket{le="0.5"} 1\nh_seconds_bucket{le="+Inf"} 2\n'
            'h_seconds_sum 1.5\nh_seconds_count 2\n')
    assert read(good).faults == [], read(good).faults
    assert read(good).value("a_total", x="1") == 1
    for old, new in (("a_total{x", "b_total{x"), ('{x="1"}', '{x="1}'),
                     ('{x="1"}', '{x="1",x="2"}'), ('{x="1"}', '{x="\\t"}'),
                     ("} 1\n#", "} 1\na_total{x=\"1\"} 2\n#"), ("} 2", "} 0"),
                     ("count 2", "count 3"), ("h_seconds_sum 1.5\n", ""),
                     ("# TYPE a_total counter\n", ""), ("0.5", "5"),
                     ("# HELP h", "# HELP a_total A.\n# HELP h"),
                     ("counter", "gauge"), ("} 1\n#", "} x\n#"),
                     ('h_seconds_bucket{le="+Inf"} 2\n', "")):
        assert read(good.replace(old, new, 1)).faults, (old, new)
    assert read(good, True).faults and read(good[:-1]).faults
    om = good.replace("P a_total", "P a").replace("E a_total", "E a") + "# EOF\n"
    assert read(om, True).faults == [], read(om, True).faults


if __name__ == "__main__":
    check_itself()
    print("exposition: 18 passed, 0 failed")
