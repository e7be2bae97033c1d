/* http1.c - a request out of bytes; see upstream.h. */
#include "../../shared/text.h"
#include "upstream.h"

struct span request_header(const struct request *req, const char *name)
{
	size_t i;

	for (i = 0; i < req->header_count; i++)
		if (text_eq_nocase(req->headers[i].name, name))
			return req->headers[i].value;
	return (struct span){ "", 0 };
}

/* The next line without its CRLF; false at the end of the head. */
static bool next_line(struct span *head, struct span *line)
{
	const char *end = memmem(head->ptr, head->len, "\r\n", 2);
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - head->ptr);
	*line = (struct span){ head->ptr, len };
	head->ptr += len + 2;
	head->len -= len + 2;
	return len > 0;
}

static bool request_line(struct span line, struct request *req)
{
	const char *blank = memchr(line.ptr, ' ', line.len), *mark;
	struct span rest;

	if (!blank)
		return false;
	req->method = (struct span){ line.ptr, (size_t)(blank - line.ptr) };
	rest = (struct span){ blank + 1, line.len - req->method.len - 1 };
	blank = memchr(rest.ptr, ' ', rest.len);
	if (!blank || rest.ptr[0] != '/')
		return false;
	req->path = (struct span){ rest.ptr, (size_t)(blank - rest.ptr) };
	rest = (struct span){ blank + 1, rest.len - req->path.len - 1 };
	if (!span_starts(rest, "HTTP/1."))
		return false;
	req->close = span_eq(rest, "HTTP/1.0");
	mark = memchr(req->path.ptr, '?', req->path.len);
	req->query = (struct span){ "", 0 };
	if (mark) {
		size_t len = (size_t)(mark - req->path.ptr);

		req->query = (struct span){ mark + 1, req->path.len - len - 1 };
		req->path.len = len;
	}
	return true;
}

static bool header_line(struct span line, struct request *req)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	struct header *h = &req->headers[req->header_count];

	if (!colon || colon == line.ptr || req->header_count == MAX_HEADERS)
		return false;
	h->name = (struct span){ line.ptr, (size_t)(colon - line.ptr) };
	h->value = text_trim((struct span){ colon + 1, line.len - h->name.len - 1 });
	req->header_count++;
	return true;
}

enum parsed request_parse(struct span in, struct request *req, size_t *used,
			  bool *head_whole)
{
	const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
	struct span head, line, value;
	int64_t length = 0;

	*used = in.len + 1;
	*head_whole = end != NULL;
	if (!end)
		return in.len > MAX_HEAD ? PARSED_BAD : PARSED_MORE;
	head = (struct span){ in.ptr, (size_t)(end + 4 - in.ptr) };
	req->header_count = 0;
	*used = head.len;
	if (!next_line(&head, &line) || !request_line(line, req))
		return PARSED_BAD;
	while (next_line(&head, &line))
		if (!header_line(line, req))
			return PARSED_BAD;
	value = request_header(req, "content-length");
	if (value.len && (!text_int(value, &length) || length < 0 ||
			  length > (int64_t)MAX_BODY))
		return PARSED_BAD;
	/* whoever speaks to us knows how long a body is */
	if (request_header(req, "transfer-encoding").len)
		return PARSED_BAD;
	if (text_eq_nocase(request_header(req, "connection"), "close"))
		req->close = true;
	req->body = (struct span){ in.ptr + *used, (size_t)length };
	*used += (size_t)length;
	return in.len < *used ? PARSED_MORE : PARSED_WHOLE;
}
