/*
 * params.c - FastCGI parameters: lengths checked here, parsed by libfcgi.
 *
 * libfcgi reads a request from a descriptor and blocks while it waits, and
 * aborts the process on a length that no memory can hold. So it never sees
 * the peer: the parameters are gathered and checked first, then written to a
 * pipe as one whole request, from which libfcgi parses them. The end it reads
 * from is non-blocking: should the two of us ever disagree on the
 * framing, it fails instead of waiting.
 *
 * Relied upon in libfcgi (2.4.0 to 2.4.7 do so):
 * - FCGX_Accept_r() with ipcFd set does not accept but reads BEGIN and PARAMS
 *   from ipcFd, and no byte past the empty PARAMS record that ends them;
 * - keepConnection lets the FCGX_Finish_r() inside it leave ipcFd alone;
 * - on a failure it closes ipcFd, sets it to -1 (at once when detached) and
 *   fails at accepting from listen_sock -1;
 * - FCGX_Free(request, 0) frees all and writes nothing.
 *
 * The request is freed as soon as the parameters are copied: its buffers of
 * 16.5 KB would otherwise be held for the length of an answer.
 */
#include "wire_private.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIPE_ROOM 65536

/*
 * FCGX_Init() takes SIGTERM, SIGUSR1 and SIGPIPE where they are default or
 * ignored. They are not its business here: put back what was.
 */
static const int taken_signals[] = { SIGTERM, SIGUSR1, SIGPIPE };

static void signals_save(struct sigaction *old)
{
	for (size_t i = 0; i < ARRAY_LEN(taken_signals); i++)
		sigaction(taken_signals[i], NULL, &old[i]);
}

static void signals_restore(const struct sigaction *old)
{
	for (size_t i = 0; i < ARRAY_LEN(taken_signals); i++)
		sigaction(taken_signals[i], &old[i], NULL);
}

/* One byte, or four when the highest bit is set. */
static bool take_length(struct span *s, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s->ptr;
	size_t used = 1;

	if (!s->len)
		return false;
	*len = p[0];
	if (p[0] & 0x80) {
		if (s->len < 4)
			return false;
		*len = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
		       (size_t)p[2] << 8 | p[3];
		used = 4;
	}
	s->ptr += used;
	s->len -= used;
	return true;
}

bool params_next(struct span *rest, struct span *name, struct span *value)
{
	struct span s = *rest;
	size_t name_len, value_len;

	if (!take_length(&s, &name_len) || !take_length(&s, &value_len))
		return false;
	/* no sum that could wrap: each is compared with what is left */
	if (name_len > s.len || value_len > s.len - name_len)
		return false;
	*name = (struct span){ s.ptr, name_len };
	*value = (struct span){ s.ptr + name_len, value_len };
	rest->ptr = s.ptr + name_len + value_len;
	rest->len = s.len - name_len - value_len;
	return true;
}

struct word {
	const char *ptr;
	size_t len;
};
#define WORD(s) { s, sizeof(s) - 1 }

static bool is_one_of(struct span name, const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (name.len == words[i].len &&
		    memcmp(name.ptr, words[i].ptr, name.len) == 0)
			return true;
	return false;
}

/*
 * What is looked at of what the web server says itself, and the client's
 * headers but those that each library sends and nobody here asks for. libfcgi
 * would allocate each: most of a request's parameters are left out.
 */
static bool is_wanted(struct span name)
{
	static const struct word kept[] = {
		WORD("CONTENT_LENGTH"), WORD("CONTENT_TYPE"), WORD("PATH_INFO"),
		WORD("QUERY_STRING"), WORD("REMOTE_ADDR"), WORD("REMOTE_PORT"),
		WORD("REQUEST_METHOD"), WORD("REQUEST_URI"), WORD("SCRIPT_NAME"),
		WORD("SERVER_ADDR"), WORD("SERVER_PORT"),
	};
	static const struct word unread[] = {
		WORD("HTTP_ACCEPT_ENCODING"), WORD("HTTP_ACCEPT_LANGUAGE"),
		WORD("HTTP_CONNECTION"), WORD("HTTP_CONTENT_LENGTH"),
		WORD("HTTP_CONTENT_TYPE"),
	};

	if (!span_starts(name, "HTTP_"))
		return is_one_of(name, kept, ARRAY_LEN(kept));
	return !span_starts(name, "HTTP_X_STAINLESS_") &&
	       !is_one_of(name, unread, ARRAY_LEN(unread));
}

/* Bytes that would change meaning in a "NAME=value" string. */
static bool is_ambiguous(struct span name, struct span value)
{
	return !name.len || memchr(name.ptr, '=', name.len) ||
	       memchr(name.ptr, '\0', name.len) ||
	       (value.len && memchr(value.ptr, '\0', value.len));
}

/* A pipe costs half of a socket pair, but its owner may be allowed no more
 * than a page of it. */
static bool pair_open(struct wire *w)
{
	int *p = w->pair;

	if (p[0] >= 0)
		return true;
	if (pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0) {
		if (fcntl(p[0], F_GETPIPE_SZ) >= PIPE_ROOM)
			return true;
		close(p[0]);
		close(p[1]);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       p) == 0)
		return true;
	p[0] = p[1] = -1;
	return false;
}

static void pair_close(struct wire *w)
{
	if (w->pair[0] >= 0)
		close(w->pair[0]);
	if (w->pair[1] >= 0)
		close(w->pair[1]);
	w->pair[0] = w->pair[1] = -1;
}

void params_init(struct wire *w)
{
	struct sigaction old[ARRAY_LEN(taken_signals)];

	signals_save(old);
	FCGX_Init();
	signals_restore(old);
	/* now, while there are descriptors; else with the first request */
	w->pair[0] = w->pair[1] = -1;
	(void)pair_open(w);
}

void params_end(struct wire *w)
{
	pair_close(w);
}

/* BEGIN_REQUEST, PARAMS in one record, the empty PARAMS that ends them. */
static bool pair_write(struct wire *w, struct span raw)
{
	unsigned char first[] = {
		1, FCGI_BEGIN, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0,
		1, FCGI_PARAMS, 0, 1, (unsigned char)(raw.len >> 8),
		(unsigned char)raw.len, 0, 0,
	};
	unsigned char last[] = { 1, FCGI_PARAMS, 0, 1, 0, 0, 0, 0 };
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ (void *)(uintptr_t)raw.ptr, raw.len },
		{ last, raw.len ? sizeof(last) : 0 },
	};
	size_t total = iov[0].iov_len + iov[1].iov_len + iov[2].iov_len;

	_Static_assert(MAX_REQUEST_HEAD <= 0xffff, "must fit in one record");
	_Static_assert(MAX_REQUEST_HEAD <= PIPE_ROOM / 2, "must fit in the pipe");
	return writev(w->pair[1], iov, ARRAY_LEN(iov)) == (ssize_t)total;
}

/* The strings end to end, each with its NUL. */
static char *copy_strings(char **strings, size_t *len)
{
	char *block, *p;

	*len = 0;
	for (char **s = strings; *s; s++)
		*len += strlen(*s) + 1;
	block = p = malloc(*len ? *len : 1);
	if (!block)
		return NULL;
	for (char **s = strings; *s; s++) {
		size_t n = strlen(*s) + 1;

		memcpy(p, *s, n);
		p += n;
	}
	return block;
}

static char *parse(struct wire *w, struct span raw, size_t *len)
{
	FCGX_Request fcgi;
	char *block = NULL;

	if (!pair_open(w) || FCGX_InitRequest(&fcgi, -1, 0) != 0)
		return NULL;
	if (!pair_write(w, raw)) {
		pair_close(w);		/* half a request may be in it */
		return NULL;
	}
	fcgi.ipcFd = w->pair[0];
	fcgi.keepConnection = 1;
	FCGX_Detach(&fcgi);
	if (FCGX_Accept_r(&fcgi) == 0) {
		block = copy_strings(fcgi.envp, len);
		FCGX_Free(&fcgi, 0);
	} else {
		w->pair[0] = fcgi.ipcFd;	/* -1 when closed */
		pair_close(w);
	}
	return block;
}

/* Moves those that are wanted together; what is left of raw is half a one. */
static bool keep_wanted(struct buf *raw, bool *ambiguous)
{
	struct span rest = buf_span(raw), name, value;
	const char *from = rest.ptr;
	size_t kept = 0;

	for (; params_next(&rest, &name, &value); from = rest.ptr) {
		size_t len = (size_t)(rest.ptr - from);

		*ambiguous |= is_ambiguous(name, value);
		if (!is_wanted(name))
			continue;
		memmove(raw->ptr + kept, from, len);
		kept += len;
	}
	buf_cut(raw, kept);
	return !rest.len;
}

struct request *params_request(struct wire *w, struct buf *raw, bool cut)
{
	bool ambiguous = false;
	struct request *req;
	size_t len = 0;
	char *block;

	if (!keep_wanted(raw, &ambiguous) && !cut)
		return NULL;
	req = malloc(sizeof(*req));
	block = req ? parse(w, buf_span(raw), &len) : NULL;
	if (!block) {
		free(req);
		return NULL;
	}
	request_init(req, block, len);
	req->on_heap = true;
	if (ambiguous)
		err_set(&req->note, ERR_BAD_REQUEST,
			"NUL byte or '=' where it may not be in a parameter");
	if (cut)
		err_set(&req->note, ERR_HEAD_TOO_LARGE,
			"parameters of more than %u bytes", MAX_REQUEST_HEAD);
	return req;
}
