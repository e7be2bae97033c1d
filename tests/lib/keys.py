"""Keys of callers for tests: the same name is always the same key.

    text("ann")                  the key itself: cm_...
    file_text("ann=generate bob=operator gone=read;revoked old=read;expired")
                                 what $CHATMOCK_HOME/keys has to hold for them
    names(content)               whose keys a file has
"""
import hashlib

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FIRST = "# chatmock keys 1\n"


def digits(data, count):
    n, out = int.from_bytes(data, "big"), ""
    for _ in range(count):
        n, rest = divmod(n, 62)
        out = DIGITS[rest] + out
    return out


def text(name):
    head = "cm_" + digits(hashlib.sha256(f"key of {name}".encode()).digest(), 43)
    return head + digits(hashlib.sha256(head.encode()).digest()[:4], 6)


def sha256(name):
    return hashlib.sha256(text(name).encode()).hexdigest()


def key_id(name):
    return "key_" + sha256(name)[:12]


def line(name, scopes="generate,models,read", revoked=False, expired=False):
    return (f"{key_id(name)} {name} 2025-01-01T00:00:00Z "
            f"{'2025-06-01T00:00:00Z' if expired else 'never'} {scopes} "
            f"{'2025-06-01T00:00:00Z' if revoked else '-'} {sha256(name)}\n")


def file_text(words):
    content = FIRST
    for word in words.split():
        name, _, rest = word.partition("=")
        scopes, *state = rest.split(";")
        content += line(name, scopes, "revoked" in state, "expired" in state)
    return content


def names(content):
    return [row.split()[1] for row in content.splitlines()
            if row.startswith("key_")]
