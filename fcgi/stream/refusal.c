#include "refusal.h"

#include "../../shared/ceilings.h"
#include "../../shared/text.h"
#include "mask.h"
#include "verdict.h"
#include "wait.h"

#define BLOCKED_STATUS 403
#define GARBLED_STATUS 502
#define MAX_UNIX_SECONDS 100000000000	/* the year 5138 */

/* What a body or an event says of its fault; spans borrow from the tree. */
struct said {
	struct span message, type, code, param, plan;
	int64_t resets_at, resets_in;
	char loc[96];			/* FastAPI's path to the fault */
};

static struct span first_of(struct span a, struct span b)
{
	return a.len ? a : b;
}

static void read_object(struct said *s, struct json_object *o)
{
	s->message = first_of(s->message, json_get_str(o, "message"));
	s->type = first_of(s->type, json_get_str(o, "type"));
	s->code = first_of(s->code, json_get_str(o, "code"));
	s->param = first_of(s->param, json_get_str(o, "param"));
	s->plan = first_of(s->plan, json_get_str(o, "plan_type"));
	if (!s->resets_at)
		s->resets_at = json_get_int(o, "resets_at", 0);
	if (!s->resets_in)
		s->resets_in = json_get_int(o, "resets_in_seconds", 0);
}

/* loc: ["body", "input", 0, "role"] is input[0].role */
static void read_loc(struct said *s, struct json_object *loc)
{
	size_t count = loc ? json_object_array_length(loc) : 0;
	size_t at = 0;

	for (size_t i = 0; i < count && at < sizeof(s->loc); i++) {
		struct json_object *v = json_object_array_get_idx(loc, i);
		struct span name = json_str(v);

		if (i == 0 && span_eq(name, "body"))
			continue;
		if (json_object_is_type(v, json_type_int))
			at += (size_t)snprintf(s->loc + at, sizeof(s->loc) - at,
					       "[%d]", json_object_get_int(v));
		else
			at += (size_t)snprintf(s->loc + at, sizeof(s->loc) - at,
					       "%s%.*s", at ? "." : "",
					       (int)(name.len < 90 ? name.len : 90),
					       name.ptr);
	}
	if (s->loc[0] && !s->param.len)
		s->param = span_of(s->loc);
}

static void read_detail(struct said *s, struct json_object *detail)
{
	struct json_object *first;

	if (json_is_str(detail)) {
		s->message = first_of(s->message, json_str(detail));
	} else if (json_is_array(detail) && json_object_array_length(detail)) {
		first = json_object_array_get_idx(detail, 0);
		s->message = first_of(s->message, json_get_str(first, "msg"));
		read_loc(s, json_get_array(first, "loc"));
	} else if (json_is_object(detail)) {
		read_object(s, detail);
	}
}

/* Any of the shapes: a body's root, an event's root, an error object. */
static void read_root(struct said *s, struct json_object *root)
{
	struct json_object *error = json_get(root, "error");

	if (json_is_object(error)) {
		read_object(s, error);
	} else if (json_is_str(error)) {
		s->message = first_of(json_get_str(root, "error_description"),
				      json_str(error));
		if (json_get_str(root, "error_description").len)
			s->code = json_str(error);
	}
	read_detail(s, json_get(root, "detail"));
	read_object(s, root);
	if (span_eq(s->type, "error") || span_starts(s->type, "response."))
		s->type = span_of("");		/* an event's, not the error's */
	s->message = first_of(s->message, s->code);
}

/* --- into the note --- */

/* A machine's word: nothing but what such words are made of. */
static void copy_word(char *dst, size_t size, struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '_' && c != '-' && c != '.')
			return;
	}
	if (word.len && word.len < size)
		text_copy(dst, size, word);
}

/* One line, without secrets, cut between two characters. */
static size_t clean_text(char *dst, size_t size, struct span text)
{
	char work[2048];
	size_t len;

	text = text_trim(text);
	if (!utf8_valid(text))
		text.len = 0;
	len = text.len < sizeof(work) ? text.len : sizeof(work);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		work[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	len = mask_secrets(work, len);
	if (len > size - 1)
		len = size - 1;
	len -= utf8_partial_tail((struct span){ work, len });
	memcpy(dst, work, len);
	dst[len] = '\0';
	return len;
}

static void fill_words(struct err_note *note, const struct said *s,
		       const struct verdict *v)
{
	clean_text(note->tell, sizeof(note->tell), s->message);
	clean_text(note->param, sizeof(note->param), s->param);
	copy_word(note->type, sizeof(note->type), s->type);
	copy_word(note->ucode, sizeof(note->ucode), s->code);
	/* a class is no code, but a plan's limit is */
	if (!note->ucode[0] && v && (strcmp(v->word, note->type) != 0 ||
				     (v->code == ERR_UPSTREAM_LIMIT && v->final)))
		memcpy(note->ucode, v->word, strlen(v->word) + 1);
	copy_word(note->plan, sizeof(note->plan), s->plan);
}

static void fill_wait(struct err_note *note, const struct said *s,
		      const struct refusal *r)
{
	int after = wait_seconds(s->resets_in);

	if (s->resets_at > 0 && s->resets_at < MAX_UNIX_SECONDS)
		note->resets_at = s->resets_at;
	if (!after && r && note->resets_at > r->now_s)
		after = wait_seconds(note->resets_at - r->now_s);
	if (!after && r)
		after = wait_headers(r->retry_after_ms, r->retry_after, r->now_s);
	if (!after)
		after = wait_words(s->message);
	note->retry_after_s = after;
}

static void finish_note(struct err_note *note, enum err code,
			const struct verdict *v, const char *what)
{
	if (v && v->code == ERR_UPSTREAM_LIMIT && v->final)
		note->should_retry = 0;
	if (v && v->final)
		note->not_final = false;
	err_set(note, code, "%s %d%s%s: %.120s", what, note->status,
		note->ucode[0] ? " " : "", note->ucode, note->tell);
	if (code == ERR_LOGIN_STALE) {
		/* the client hears from us how to mend it */
		note->type[0] = '\0';
		note->ucode[0] = '\0';
		note->tell[0] = '\0';
	}
}

static bool is_html(const struct refusal *r, struct span body)
{
	return text_starts_nocase(r->content_type, "text/html") ||
	       span_starts(body, "<");
}

static bool has_words(struct span text, const char *words)
{
	return memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}

static bool is_challenge(const struct refusal *r, struct span body)
{
	if (r->cf_mitigated.len)
		return true;
	return is_html(r, body) &&
	       ((r->status == 403 && r->cf_ray.len) ||
		has_words(body, "Just a moment") ||
		has_words(body, "challenge-platform"));
}

static void fill_challenge(const struct refusal *r, struct err_note *note)
{
	char ray[64];

	clean_text(ray, sizeof(ray), r->cf_ray);
	note->status = BLOCKED_STATUS;
	memcpy(note->ucode, "upstream_blocked", sizeof("upstream_blocked"));
	snprintf(note->tell, sizeof(note->tell),
		 "Upstream's protection asked for a browser check and refused the request%s%s%s.",
		 ray[0] ? " (cf-ray " : "", ray, ray[0] ? ")" : "");
	err_set(note, ERR_UPSTREAM_BLOCKED, "challenge page, status %d, cf-ray %s",
		r->status, ray[0] ? ray : "none");
}

/* Fills said from the body; root keeps its strings alive. False: no words. */
static bool read_body(const struct refusal *r, struct span body,
		      struct json_object **root, struct said *s)
{
	struct err_note ignored = ERR_NOTE_INIT;

	if (!body.len || is_html(r, body))
		return false;
	*root = json_parse(body, &ignored);
	if (*root && json_is_object(*root))
		read_root(s, *root);
	else if (*root && json_is_str(*root))
		s->message = json_str(*root);
	else if (!*root && *body.ptr != '{' && *body.ptr != '[')
		s->message = body;
	return s->message.len || s->code.len;
}

static enum err code_of_status(int status, bool chatgpt)
{
	if (status == 401 && chatgpt)
		return ERR_LOGIN_STALE;
	if (status == 429)
		return ERR_UPSTREAM_LIMIT;
	if (status >= 500)
		return ERR_UPSTREAM_ERROR;
	return status >= 400 ? ERR_UPSTREAM_REFUSED : ERR_UPSTREAM_GARBLED;
}

/* The status and our code, of upstream's status and of its words. */
static enum err settle(const struct refusal *r, bool chatgpt, bool words,
		       const struct verdict *v, struct err_note *note)
{
	enum err code = code_of_status(r->status, chatgpt);

	note->status = r->status;
	note->not_final = r->status >= 500;
	if (code == ERR_UPSTREAM_GARBLED)
		note->status = GARBLED_STATUS;
	else if (code == ERR_UPSTREAM_ERROR && (!words || r->status > 599))
		note->status = GARBLED_STATUS;
	if (code == ERR_LOGIN_STALE || !v)
		return code;
	if (v->code == ERR_MODEL_NOT_FOUND && r->status != 401)
		note->status = v->status;
	else if (v->final && r->status >= 500 && strcmp(v->word, "invalid_request_error"))
		note->status = v->status;
	else if (v->code == ERR_UPSTREAM_LIMIT && (r->status >= 500 || r->status < 400))
		note->status = v->status;
	else if (v->code != ERR_UPSTREAM_LIMIT)
		return code;
	return v->code;
}

void refusal_read(const struct refusal *r, bool chatgpt, struct err_note *note)
{
	struct span body = r->body.len ? text_trim(r->body) : span_of("");
	struct json_object *root = NULL;
	struct said s = { .resets_at = 0 };
	const struct verdict *v;
	enum err code;
	bool words;

	if (note->code)
		return;
	if (is_challenge(r, body)) {
		fill_challenge(r, note);
		return;
	}
	words = read_body(r, body, &root, &s);
	v = verdict_find(s.code, s.type, s.message);
	code = settle(r, chatgpt, words, v, note);
	fill_words(note, &s, v);
	fill_wait(note, &s, r);
	if (text_eq_nocase(r->should_retry, "true"))
		note->should_retry = 1;
	else if (text_eq_nocase(r->should_retry, "false"))
		note->should_retry = 0;
	if (!note->tell[0])
		snprintf(note->tell, sizeof(note->tell),
			 r->status >= 400 && r->status < 500 ?
			 "Upstream refused the request with status %d." :
			 "Upstream answered with status %d and no stream of events.",
			 r->status);
	finish_note(note, code, v, "status");
	json_object_put(root);
}

void refusal_read_event(struct json_object *error, struct err_note *note)
{
	struct said s = { .resets_at = 0 };
	const struct verdict *v;
	int64_t status;

	if (note->code)
		return;
	read_root(&s, error);
	v = verdict_find(s.code, s.type, s.message);
	status = json_get_int(error, "status", 0);
	if (v)
		status = v->status;
	else if (status < 400 || status > 599)
		status = GARBLED_STATUS;
	note->status = (int)status;
	note->not_final = status >= 500;
	fill_words(note, &s, v);
	fill_wait(note, &s, NULL);
	finish_note(note, v && v->code ? v->code : ERR_UPSTREAM_FAILED, v,
		    "event");
}

bool refusal_wants_instructions(const struct err_note *note)
{
	return note->status == 400 &&
	       strcasestr(note->tell, "instructions are required") != NULL;
}
