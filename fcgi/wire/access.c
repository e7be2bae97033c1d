/* See access.h. */
#include <arpa/inet.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "access.h"

static bool addr_is_loopback(const char *addr)
{
	size_t len = strlen(addr);
	char bare[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(addr, "127.0.0.1") == 0)	/* nearly always */
		return true;
	if (inet_pton(AF_INET, addr, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	/* lighttpd puts SERVER_ADDR in brackets */
	if (len > 2 && addr[0] == '[' && addr[len - 1] == ']') {
		if (!text_copy(bare, sizeof(bare),
			       (struct span){ addr + 1, len - 2 }))
			return false;
		addr = bare;
	}
	if (inet_pton(AF_INET6, addr, &v6) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return v6.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool peer_is_local(const struct request *r)
{
	const char *remote = request_param(r, "REMOTE_ADDR");
	const char *server = request_param(r, "SERVER_ADDR");

	/* CGI has no SERVER_ADDR; every server tells REMOTE_ADDR */
	return remote && addr_is_loopback(remote) &&
	       (!server || !*server || addr_is_loopback(server));
}

/* Splits "name:port" and "[v6]:port"; false for what is neither. */
static bool host_name(struct span host, struct span *name)
{
	const char *colon;
	struct span port = { "", 0 };
	int64_t n;

	if (host.len && host.ptr[0] == '[') {
		const char *end = memchr(host.ptr, ']', host.len);

		if (!end)
			return false;
		*name = (struct span){ host.ptr + 1, (size_t)(end - host.ptr - 1) };
		port = (struct span){ end + 1,
				      host.len - (size_t)(end + 1 - host.ptr) };
		if (port.len && port.ptr[0] != ':')
			return false;
	} else {
		colon = memchr(host.ptr, ':', host.len);
		*name = host;
		if (colon) {
			name->len = (size_t)(colon - host.ptr);
			port = (struct span){ colon, host.len - name->len };
		}
	}
	if (port.len && !(text_int((struct span){ port.ptr + 1, port.len - 1 }, &n) &&
			  n > 0 && n < 65536))
		return false;
	return name->len > 0;
}

static bool list_has(const char *list, struct span word)
{
	struct span rest = span_of(list), piece;
	char copy[256];

	if (!text_copy(copy, sizeof(copy), word))
		return false;
	while (text_next(&rest, ',', &piece))
		if (text_eq_nocase(piece, copy))
			return true;
	return false;
}

static bool host_ok(const struct config *c, const char *host)
{
	struct span name;
	char copy[256];

	if (!host || !host_name(span_of(host), &name) ||
	    !text_copy(copy, sizeof(copy), name))
		return false;
	return text_eq_nocase(name, "localhost") || addr_is_loopback(copy) ||
	       list_has(c->allowed_hosts, name) ||
	       list_has(c->allowed_hosts, span_of(host));
}

/* "http://127.0.0.1:8000" when that is where the request went: our own page. */
static bool origin_is_own(const char *origin, const char *host)
{
	struct span o = span_of(origin);

	if (span_starts(o, "http://"))
		o.ptr += 7, o.len -= 7;
	else if (span_starts(o, "https://"))
		o.ptr += 8, o.len -= 8;
	else
		return false;
	return host && text_eq_nocase(o, host);
}

const char *access_cors_origin(const struct config *c, const struct request *r)
{
	const char *origin = request_param(r, "HTTP_ORIGIN");

	if (!origin || !*origin || !list_has(c->allowed_origins, span_of(origin)))
		return NULL;
	return origin;
}

static bool origin_ok(const struct config *c, const struct request *r)
{
	const char *origin = request_param(r, "HTTP_ORIGIN");
	const char *site = request_param(r, "HTTP_SEC_FETCH_SITE");
	const char *host = request_param(r, "HTTP_HOST");

	if (access_cors_origin(c, r))
		return true;
	if (site && text_eq_nocase(text_trim(span_of(site)), "cross-site"))
		return false;
	return !origin || !*origin || origin_is_own(origin, host);
}

/* application/json, with parameters, or any +json type. */
static bool type_is_json(struct span type)
{
	const char *semi = memchr(type.ptr, ';', type.len);

	if (semi)
		type.len = (size_t)(semi - type.ptr);
	type = text_trim(type);
	if (text_eq_nocase(type, "application/json"))
		return true;
	return type.len > 5 && text_starts_nocase(type, "application/") &&
	       text_eq_nocase((struct span){ type.ptr + type.len - 5, 5 }, "+json");
}

static bool media_ok(const struct request *r)
{
	const char *type = request_param(r, "CONTENT_TYPE");
	const char *origin = request_param(r, "HTTP_ORIGIN");

	if (strcmp(r->method, "POST") != 0)
		return true;
	if (!type || !*type)
		return !origin || !*origin;
	return type_is_json(span_of(type));
}

enum err access_check(const struct config *c, const struct keyring *keys,
		      const struct request *r, struct err_note *note)
{
	const char *host = request_param(r, "HTTP_HOST");
	enum err code = ERR_NONE;

	if (!keys->wanted && !peer_is_local(r))
		code = ERR_NOT_LOOPBACK;
	else if (!host_ok(c, host))
		code = ERR_HOST_REFUSED;
	else if (!origin_ok(c, r))
		code = ERR_ORIGIN_REFUSED;
	else if (!note->code && !media_ok(r))
		code = ERR_BAD_MEDIA_TYPE;
	if (!code)
		return ERR_NONE;
	err_clear(note);
	return err_set(note, code, "host %.60s", host ? host : "missing");
}

/* The key a client sent: of several what looks like one. */
static struct span key_sent(const struct request *r)
{
	static const char *const headers[] = {
		"HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_API_KEY",
	};
	struct span first = SPAN("");

	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct span key = text_trim(span_of(request_param(r, headers[i])));

		if (text_starts_nocase(key, "Bearer "))
			key = text_trim((struct span){ key.ptr + 7, key.len - 7 });
		if (key_text_ok(key))
			return key;
		if (!first.len)
			first = key;
	}
	return first;
}

static enum err refuse_scope(const struct key *k, unsigned scope,
			     struct err_note *note)
{
	struct buf has, wanted;

	buf_init(&has, 256);
	buf_init(&wanted, 256);
	key_scopes_print(k->scopes, &has);
	key_scopes_print(scope, &wanted);
	err_tell(note, ERR_KEY_SCOPE, "The API key \"%s\" is for %s, and this wants "
		 "%s: `chatmock keys add NAME --scope %s` makes one that is for it.",
		 k->name, has.ptr, wanted.ptr, wanted.ptr);
	buf_free(&has);
	buf_free(&wanted);
	return ERR_KEY_SCOPE;
}

enum err access_key(const struct keyring *keys, const struct request *r,
		    unsigned scope, const struct key **who,
		    struct err_note *note)
{
	struct err_note fault = ERR_NOTE_INIT;
	struct span key;

	*who = NULL;
	if (!keys->wanted)
		return ERR_NONE;
	key = key_sent(r);
	if (keys->note.code)
		err_set(&fault, ERR_KEYS_BROKEN, "%s", keys->note.why);
	else if (!key.len)
		err_set(&fault, ERR_KEY_MISSING, "no key was sent");
	else if (!keyring_find(keys, key, clock_wall_us() / 1000000, who, &fault) &&
		 scope && !((*who)->scopes & scope))
		refuse_scope(*who, scope, &fault);
	if (fault.code)
		*note = fault;
	return fault.code;
}

bool access_is_preflight(const struct config *c, const struct keyring *keys,
			 const struct request *r)
{
	struct err_note note;

	if (strcmp(r->method, "OPTIONS") != 0)
		return false;
	note = ERR_NOTE_INIT;
	return !r->note.code && access_cors_origin(c, r) &&
	       !access_check(c, keys, r, &note);
}
