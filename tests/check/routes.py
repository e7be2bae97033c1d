#!/usr/bin/env python3
"""Each server's sample hands every route to the gateway.

The program prints its routes; a sample names the path prefixes that it passes
on. Each form of a route has to fall under one of them: as it stands, without
/v1, and with it doubled.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.path.join(ROOT, "build", "bin", "chatmock.fcgi")


def without_comments(text):
    return re.sub(r"^\s*#.*$", "", text, flags=re.M)


def lighttpd(text):
    """The keys of fastcgi.server."""
    for block in re.findall(r"fastcgi\.server\s*=\s*\((.*?)\n\)", text, re.S):
        yield from re.findall(r'"(/[^"]*)"\s*=>\s*\(\(', block)


def nginx(text):
    """Locations with a fastcgi_pass in them."""
    for path, block in re.findall(r"location\s+(?:\^~\s+)?(/\S*)\s*\{(.*?)\}",
                                  text, re.S):
        if "fastcgi_pass" in block:
            yield path


def apache(text):
    """ProxyPass lines to a FastCGI socket."""
    yield from re.findall(r'^\s*ProxyPass\s+"?(/[^"\s]*)"?\s+"?\S*fcgi://', text,
                          re.M)


SAMPLES = [
    ("lighttpd.conf.sample", lighttpd),
    ("deploy/nginx.conf.sample", nginx),
    ("deploy/apache.conf.sample", apache),
]


def routes():
    out = subprocess.run([PROGRAM, "--routes-markdown"], capture_output=True,
                         text=True).stdout
    return re.findall(r"^\| [A-Z]+ \| `(/[^`]*)` \|", out, re.M)


def forms(route):
    path = route.replace("{id}", "some/model").replace("{session_id}", "one")
    yield path
    if path.startswith("/v1/"):
        yield path[3:]
        yield "/v1" + path


def main():
    passed = failed = 0
    paths = routes()
    if not paths:
        print(f"{PROGRAM} --routes-markdown prints no routes")
        failed = 1
    for name, read in SAMPLES:
        with open(os.path.join(ROOT, name)) as f:
            prefixes = list(read(without_comments(f.read())))
        for path in paths:
            missing = [form for form in forms(path)
                       if not any(form.startswith(p) for p in prefixes)]
            for form in missing:
                print(f"{name}: {form} does not reach the gateway")
            passed += not missing
            failed += bool(missing)
    print(f"routes: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
