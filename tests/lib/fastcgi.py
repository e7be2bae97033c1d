"""A FastCGI client for tests: what a web server says to chatmock.fcgi.

It needs nothing but the standard library. One call on one connection:

    from fastcgi import Call

    call = Call("/run/chatmock.sock", "POST", "/v1/chat/completions",
                body=b'{"model": "gpt-5.5"}', headers={"Accept": "*/*"})
    answer = call.run()
    answer.status           # 200
    answer.headers          # {"content-type": "application/json", ...}
    answer.body             # bytes
    answer.complete         # END_REQUEST came, after an empty STDOUT

A stream, record by record, with the time at which each came:

    call.send()
    for record in call.records(timeout=5):
        print(record.at, record.type, record.content)

In pieces, and giving up midway:

    call.connect()
    data = call.bytes()
    call.send_raw(data[:100])           # half a request, then nothing
    call.hang_up()                      # or half_close(), or abort()

Several requests on one connection: Call(..., keep=True) and for the next one
Call(..., connection=call.connection).
"""

import socket
import struct
import time

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, \
    GET_VALUES_RESULT, UNKNOWN_TYPE = range(1, 12)
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)
MAX_CONTENT = 65535


def record(kind, request_id, content=b"", padding=0):
    """One record as bytes."""
    return struct.pack(">BBHHBB", 1, kind, request_id, len(content), padding,
                       0) + content + bytes(padding)


def stream(kind, request_id, content, step=MAX_CONTENT, padding=0):
    """A whole stream: records of at most step bytes and the empty one."""
    parts = [record(kind, request_id, content[at:at + step], padding)
             for at in range(0, len(content), step)]
    return b"".join(parts) + record(kind, request_id)


def begin(request_id=1, role=1, keep=False):
    return record(BEGIN, request_id,
                  struct.pack(">HB5x", role, 1 if keep else 0))


def pairs(params):
    """Name-value pairs as the content of PARAMS."""
    out = bytearray()
    for name, value in params.items():
        name, value = _bytes(name), _bytes(value)
        for text in (name, value):
            size = len(text)
            out += bytes([size]) if size < 128 \
                else struct.pack(">I", size | 0x80000000)
        out += name + value
    return bytes(out)


def unpair(content):
    """The reverse of pairs()."""
    out, at = {}, 0
    while at < len(content):
        sizes = []
        for _ in range(2):
            if content[at] < 128:
                sizes.append(content[at])
                at += 1
            else:
                sizes.append(struct.unpack(">I", content[at:at + 4])[0]
                             & 0x7fffffff)
                at += 4
        name = content[at:at + sizes[0]]
        value = content[at + sizes[0]:at + sum(sizes)]
        out[name.decode()] = value.decode()
        at += sum(sizes)
    return out


def _bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


class Closed(Exception):
    """The other side closed in the midst of a record."""


class Record:
    """One record from the application; at is time.monotonic()."""

    def __init__(self, kind, request_id, content, at):
        self.type, self.id, self.content, self.at = kind, request_id, content, at

    def __repr__(self):
        return "Record(%d, id %d, %r)" % (self.type, self.id, self.content[:60])


class Answer:
    """What came back, parsed. status is None when no head came."""

    def __init__(self, records, end, closed):
        self.records = records
        self.end = end              # protocolStatus, None: no END_REQUEST
        self.closed = closed        # the connection was closed
        self.raw = b"".join(r.content for r in records if r.type == STDOUT)
        self.stderr = b"".join(r.content for r in records if r.type == STDERR)
        outs = [r for r in records if r.type == STDOUT]
        self.complete = end == REQUEST_COMPLETE and bool(outs) \
            and outs[-1].content == b""
        head, blank, self.body = self.raw.partition(b"\r\n\r\n")
        self.headers, self.status = {}, None
        if blank:
            self.status = 200
            for line in head.decode("latin-1").split("\r\n"):
                name, _, value = line.partition(":")
                self.headers[name.strip().lower()] = value.strip()
            if "status" in self.headers:
                self.status = int(self.headers["status"].split()[0])

    def text(self):
        return self.body.decode()


class Connection:
    """A connection to the application: a socket path or (host, port)."""

    def __init__(self, address, timeout=30):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.pending = b""

    def send(self, data):
        self.sock.sendall(data)

    def _take(self, size, deadline):
        while len(self.pending) < size:
            self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            more = self.sock.recv(1 << 16)
            if not more:
                if self.pending:
                    raise Closed()
                return None
            self.pending += more
        out, self.pending = self.pending[:size], self.pending[size:]
        return out

    def read(self, timeout=30):
        """The next record; None when the other side has closed."""
        deadline = time.monotonic() + timeout
        head = self._take(8, deadline)
        if head is None:
            return None
        _, kind, request_id, size, padding, _ = struct.unpack(">BBHHBB", head)
        content = self._take(size + padding, deadline) if size + padding else b""
        if content is None:
            raise Closed()
        return Record(kind, request_id, content[:size], time.monotonic())

    def close(self):
        self.sock.close()


class Call:
    """One request. params adds to or replaces (None: drops) what is made of
    the rest; step and padding shape its records."""

    def __init__(self, address, method="GET", uri="/", body=b"", headers=None,
                 params=None, keep=False, request_id=1, role=1,
                 connection=None, step=MAX_CONTENT, padding=0):
        self.address, self.connection = address, connection
        self.body = _bytes(body)
        self.keep, self.id, self.role = keep, request_id, role
        self.step, self.padding = step, padding
        self.params = self._make_params(method, uri, headers or {})
        for name, value in (params or {}).items():
            if value is None:
                self.params.pop(name, None)
            else:
                self.params[name] = value

    def _make_params(self, method, uri, headers):
        path, _, query = uri.partition("?")
        made = {
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_SOFTWARE": "test", "SERVER_NAME": "127.0.0.1",
            "SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "8000",
            "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "50000",
            "REQUEST_METHOD": method, "REQUEST_URI": uri, "SCRIPT_NAME": path,
            "QUERY_STRING": query, "HTTP_HOST": "127.0.0.1:8000",
        }
        if self.body or method in ("POST", "PUT", "PATCH"):
            made["CONTENT_LENGTH"] = str(len(self.body))
            made["CONTENT_TYPE"] = "application/json"
        for name, value in headers.items():
            name = name.upper().replace("-", "_")
            known = ("CONTENT_TYPE", "CONTENT_LENGTH")
            made[name if name in known else "HTTP_" + name] = value
        return made

    def bytes(self):
        """The whole request as it goes over the wire."""
        return (begin(self.id, self.role, self.keep)
                + stream(PARAMS, self.id, pairs(self.params), self.step,
                         self.padding)
                + stream(STDIN, self.id, self.body, self.step, self.padding))

    def connect(self):
        if self.connection is None:
            self.connection = Connection(self.address)
        return self

    def send(self):
        """All of it at once."""
        self.connect().send_raw(self.bytes())
        return self

    def send_raw(self, data):
        self.connection.send(data)

    def send_slowly(self, size, pause):
        """In pieces of size bytes, pause seconds apart."""
        data = self.connect().bytes()
        for at in range(0, len(data), size):
            self.send_raw(data[at:at + size])
            time.sleep(pause)
        return self

    def records(self, timeout=30):
        """The records of the answer, END_REQUEST last, as they come.
        timeout is for each of them."""
        while True:
            got = self.connection.read(timeout)
            if got is None:
                return
            yield got
            if got.type == END and got.id == self.id:
                return

    def answer(self, timeout=30):
        """All of the answer; closes the connection unless it is kept."""
        got, end, closed = [], None, False
        try:
            for item in self.records(timeout):
                if item.type == END:
                    end = item.content[4]
                else:
                    got.append(item)
        except (Closed, ConnectionError):
            closed = True
        closed = closed or end is None
        if closed or not self.keep:
            self.connection.close()
        return Answer(got, end, closed)

    def run(self, timeout=30):
        return self.send().answer(timeout)

    def abort(self):
        """Says so, as the protocol has it; real web servers hang up."""
        self.send_raw(record(ABORT, self.id))

    def half_close(self):
        self.connection.sock.shutdown(socket.SHUT_WR)

    def hang_up(self):
        self.connection.close()
