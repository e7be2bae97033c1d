/* See ws_create.h. */
#include "../../shared/ceilings.h"
#include "../../shared/json.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"
#include "ws_create.h"

/* --- memory */

void ws_memory_init(struct ws_memory *m)
{
	m->id[0] = '\0';
	buf_init(&m->input, MAX_WS_KEPT);
	buf_init(&m->end, MAX_SSE_EVENT + MAX_OUT);
}

void ws_memory_free(struct ws_memory *m)
{
	m->id[0] = '\0';
	buf_free(&m->input);
	buf_free(&m->end);
}

size_t ws_memory_size(const struct ws_memory *m)
{
	return m->input.len + m->end.len;
}

void ws_create_init(struct ws_create *c)
{
	*c = (struct ws_create){ .note = ERR_NOTE_INIT };
	ws_memory_init(&c->memory);
	buf_init(&c->text, MAX_WS_MESSAGE * 2);
	buf_init(&c->body, MAX_REQUEST_BODY);
	buf_init(&c->further, MAX_REQUEST_HEAD);
	buf_init(&c->input, MAX_WS_KEPT);
}

void ws_create_free(struct ws_create *c)
{
	ws_memory_free(&c->memory);
	buf_free(&c->text);
	buf_free(&c->body);
	buf_free(&c->further);
	buf_free(&c->input);
}

/* --- members of an object */

static bool is_null(struct span value)
{
	return !value.len || span_eq(value, "null");
}

void ws_response_id(struct span event, char id[WS_ID_MAX])
{
	struct span response = json_walk_get(event, "response"), text;

	id[0] = '\0';
	if (!json_walk_str(json_walk_get(response, "id"), &text) ||
	    !text_copy(id, WS_ID_MAX, text))
		id[0] = '\0';
}

bool ws_is_processed(struct span text)
{
	struct span type;

	return json_walk_str(json_walk_get(text, "type"), &type) &&
	       span_eq(type, "response.processed");
}

/* What stands between the brackets of an array. */
static struct span inside(struct span array)
{
	if (array.len < 2 || *array.ptr != '[')
		return SPAN("");
	return text_trim((struct span){ array.ptr + 1, array.len - 2 });
}

/* --- a message */

struct members {
	struct span type, previous, input, metadata, conversation;
};

static bool read_members(struct span text, struct members *m)
{
	struct span key, value;
	struct json_walk w;

	*m = (struct members){ SPAN(""), SPAN(""), SPAN(""), SPAN(""), SPAN("") };
	json_walk_object(&w, text);
	while (json_walk_next(&w, &key, &value)) {
		if (span_eq(key, "type"))
			m->type = value;
		else if (span_eq(key, "previous_response_id"))
			m->previous = value;
		else if (span_eq(key, "input"))
			m->input = value;
		else if (span_eq(key, "client_metadata"))
			m->metadata = value;
		else if (span_eq(key, "conversation"))
			m->conversation = value;
	}
	return w.ok;
}

/* Odd, but JSON maybe: written anew it can be walked, unless the name of a
 * member needs escapes. */
static bool write_anew(struct ws_create *c, struct members *m)
{
	struct json_object *root = json_parse(buf_span(&c->text), &c->note);

	if (!root)
		return false;
	buf_reset(&c->text);
	json_write(&c->text, root);
	if (!json_is_object(root))
		err_tell(&c->note, ERR_BAD_JSON, "A message must be a JSON object.");
	json_object_put(root);
	if (!c->note.code && !buf_err(&c->text) && read_members(buf_span(&c->text), m))
		return true;
	err_tell(&c->note, ERR_BAD_JSON, "The message has a member whose name needs "
		 "escapes.");
	return false;
}

static void join(struct buf *b, struct span items)
{
	if (b->len && items.len)
		buf_char(b, ',');
	buf_span_add(b, items);
}

/* A string is a message of the user's. */
static void add_input(struct buf *b, struct span input)
{
	if (is_null(input))
		return;
	if (*input.ptr == '[') {
		join(b, inside(input));
	} else if (*input.ptr == '{') {
		join(b, input);
	} else {
		join(b, SPAN("{\"type\":\"message\",\"role\":\"user\",\"content\":"));
		buf_span_add(b, input);
		buf_char(b, '}');
	}
}

/* Says whether the response before is the one that is kept here. */
static bool gather_input(struct ws_create *c, const struct members *m)
{
	struct span id, response;
	bool ours = json_walk_str(m->previous, &id) && c->memory.id[0] &&
		    span_eq(id, c->memory.id);

	if (ours) {
		join(&c->input, buf_span(&c->memory.input));
		response = json_walk_get(buf_span(&c->memory.end), "response");
		join(&c->input, inside(json_walk_get(response, "output")));
	}
	add_input(&c->input, m->input);
	c->chained = (!ours && !is_null(m->previous)) || !is_null(m->conversation);
	return ours;
}

static void put_member(struct buf *b, struct span key, struct span value)
{
	buf_str(b, b->len > 1 ? ",\"" : "\"");
	buf_span_add(b, key);
	buf_str(b, "\":");
	buf_span_add(b, value);
}

/* The answer says what it continues, though upstream is sent all of it. */
static void put_continues(struct ws_create *c)
{
	buf_fmt(&c->further, WS_CONTINUES "=%s", c->memory.id);
	buf_char(&c->further, '\0');
}

/* The request: the message without what belongs to the socket. */
static void make_body(struct ws_create *c, bool ours)
{
	struct span key, value;
	struct json_walk w;

	buf_char(&c->body, '{');
	json_walk_object(&w, buf_span(&c->text));
	while (json_walk_next(&w, &key, &value)) {
		if (span_eq(key, "type") || span_eq(key, "stream") ||
		    (ours && (span_eq(key, "input") ||
			      span_eq(key, "previous_response_id"))))
			continue;
		put_member(&c->body, key, value);
	}
	if (ours) {
		put_member(&c->body, SPAN("input"), SPAN("["));
		buf_span_add(&c->body, buf_span(&c->input));
		buf_char(&c->body, ']');
	}
	put_member(&c->body, SPAN("stream"), SPAN("true"));
	buf_char(&c->body, '}');
}

/*
 * What would be a header by HTTP stands in client_metadata here, since the
 * socket's own headers were said once, before: whatever begins with x-codex-,
 * but times of the socket, and in which shape the request is.
 */
static bool is_header(struct span key)
{
	if (span_eq(key, "ws_request_header_x_openai_internal_codex_responses_lite"))
		return true;
	return span_starts(key, "x-codex-") && !span_starts(key, "x-codex-ws-") &&
	       key.len < 60 && !memchr(key.ptr, '_', key.len) &&
	       !memchr(key.ptr, '=', key.len);
}

static void put_name(struct buf *b, struct span key)
{
	size_t at = span_starts(key, "ws_request_header_") ? 18 : 0;

	buf_str(b, "HTTP_");
	for (; at < key.len; at++) {
		char c = key.ptr[at];

		buf_char(b, c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	buf_char(b, '=');
}

/* A string's text, as long as it may stand in a header. */
static bool put_text(struct buf *b, struct span value)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *string;
	struct span text;
	bool ok;

	if (json_walk_str(value, &text)) {
		buf_span_add(b, text);
		return text.len > 0;
	}
	string = json_parse(value, &ignored);
	text = json_str(string);
	ok = json_is_str(string) && text.len > 0;
	for (size_t i = 0; i < text.len; i++)
		ok = ok && (unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f;
	if (ok)
		buf_span_add(b, text);
	json_object_put(string);
	return ok;
}

static void take_metadata(struct ws_create *c, struct span metadata)
{
	struct span key, value;
	struct json_walk w;

	json_walk_object(&w, metadata);
	while (metadata.len && json_walk_next(&w, &key, &value)) {
		size_t before = c->further.len;

		if (!is_header(key))
			continue;
		put_name(&c->further, key);
		if (put_text(&c->further, value))
			buf_char(&c->further, '\0');
		else
			buf_cut(&c->further, before);
	}
	if (buf_err(&c->further))
		buf_reset(&c->further);
}

static enum ws_wants read_create(struct ws_create *c)
{
	struct members m;
	struct span type;
	bool ours;

	if (!read_members(buf_span(&c->text), &m) && !write_anew(c, &m))
		return WS_IS_WRONG;
	if (!json_walk_str(m.type, &type))
		type = SPAN("");
	if (span_eq(type, "response.processed"))
		return WS_WANTS_NOTHING;
	if (!span_eq(type, "response.create")) {
		err_at(&c->note, ERR_BAD_REQUEST, "type", "A message's type must be "
		       "'response.create' or 'response.processed', not '%.*s'.",
		       type.len < 60 ? (int)type.len : 60, type.ptr);
		return WS_IS_WRONG;
	}
	ours = gather_input(c, &m);
	if (ours)
		put_continues(c);
	make_body(c, ours);
	take_metadata(c, m.metadata);
	if (buf_err(&c->body) == ERR_TOO_LARGE || (ours && buf_err(&c->input)))
		err_tell(&c->note, ERR_TOO_LARGE, "The conversation is too large: at "
			 "most 32 MiB are taken.");
	else if (buf_err(&c->body))
		err_set(&c->note, ERR_NO_MEMORY, "a message");
	return c->note.code ? WS_IS_WRONG : WS_WANTS_RESPONSE;
}

void ws_create_read(struct ws_create *c)
{
	if (!utf8_valid(buf_span(&c->text)))
		c->wants = WS_IS_NO_TEXT;
	else
		c->wants = read_create(c);
	buf_free(&c->text);
}

void ws_put_wrong(struct buf *out, const struct err_note *note)
{
	bool ours = note->code == ERR_NO_MEMORY;
	const char *code = note->ucode[0] ? note->ucode :
			   note->code == ERR_BAD_JSON ? "bad_json" :
			   note->code == ERR_TOO_DEEP ? "too_deep" :
			   note->code == ERR_TOO_LARGE ? "request_too_large" :
			   ours ? "no_memory" : "invalid_value";

	buf_fmt(out, "{\"type\":\"error\",\"status\":%d,\"error\":{\"type\":\"%s\","
		"\"code\":", ours ? 503 : 400,
		ours ? "server_error" : "invalid_request_error");
	buf_json(out, span_of(code));
	buf_str(out, ",\"message\":");
	buf_json(out, span_of(err_words(note)));
	buf_str(out, ",\"param\":");
	if (note->param[0])
		buf_json(out, span_of(note->param));
	else
		buf_str(out, "null");
	buf_str(out, "}}");
}
