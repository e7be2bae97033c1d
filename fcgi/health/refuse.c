#include "refuse.h"

static const struct refusal {
	enum err code;
	int status;
	const char *word, *text;
} refusals[] = {
	{ ERR_NO_ROUTE, 404, "unknown_url",
	  "There is nothing at this path: try /health or /status." },
	{ ERR_BAD_METHOD, 405, "method_not_allowed", "This path takes GET alone." },
	{ ERR_HOST_REFUSED, 403, "host_refused",
	  "The Host header is not accepted: list it in CHATMOCK_ALLOWED_HOSTS." },
	{ ERR_ORIGIN_REFUSED, 403, "origin_refused",
	  "Requests from this web origin are refused." },
	{ ERR_NOT_LOOPBACK, 403, "not_loopback", "Only this machine may ask." },
	{ ERR_KEY_MISSING, 401, "invalid_api_key",
	  "This wants an API key with the scope operator: `chatmock keys add NAME --scope operator` makes one." },
	{ ERR_KEY_REFUSED, 401, "invalid_api_key",
	  "The API key is not known here, was revoked or has run out." },
	{ ERR_KEY_SCOPE, 403, "insufficient_scope",
	  "The API key is not for this: it wants the scope operator." },
	{ ERR_KEYS_BROKEN, 503, "keys_broken",
	  "The file of keys can not be read: the error log says why." },
	{ ERR_HEAD_TOO_LARGE, 431, "headers_too_large",
	  "The request's headers are too large." },
	{ ERR_URI_TOO_LONG, 414, "uri_too_long", "The request's URL is too long." },
	{ ERR_TOO_LARGE, 413, "request_too_large", "The request is too large." },
	{ ERR_BAD_REQUEST, 400, "invalid_value", "The request is not valid." },
	{ ERR_BAD_LENGTH, 400, "bad_length",
	  "The body is not as long as Content-Length says." },
	{ ERR_SHUTDOWN, 503, "shutting_down",
	  "This worker is being stopped: try again." },
	{ ERR_NO_MEMORY, 503, "no_memory",
	  "There is no memory for the answer: try again." },
	{ ERR_SYSTEM, 500, "internal_error",
	  "The answer could not be made." },	/* and all others */
};

static const char *type_of(int status)
{
	if (status >= 500)
		return "server_error";
	return status == 403 ? "permission_error" : "invalid_request_error";
}

int refusal_say(enum err code, struct buf *out)
{
	const struct refusal *r = refusals;

	while (r->code != code && r->code != ERR_SYSTEM)
		r++;
	buf_fmt(out, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\","
		"\"param\":null,\"code\":\"%s\"}}", r->text,
		type_of(r->status), r->word);
	return r->status;
}
