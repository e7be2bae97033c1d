/*
 * emit_ollama.c - an answer as Ollama says it, to /api/chat and to
 * /api/generate: a JSON object a line, or one for all.
 *
 * Both say the same in two shapes. The last line alone has "done":true, and
 * an answer that failed never has one. Figures are upstream's, durations are
 * measured here; what is not known is left out, as Ollama itself does.
 */
#include "ask.h"
#include "../../shared/clock.h"
#include "../../shared/json_walk.h"
#include "../../shared/text.h"

#define PUT(out, literal) buf_put(out, SPAN(literal))

/* What stands around a piece of the answer. */
struct shape {
	struct span text, thought, calls;	/* before it; calls: none */
	struct span close;			/* behind it */
};

static const struct shape shapes[] = {
	{
		.text = SPAN("\"message\":{\"role\":\"assistant\",\"content\":"),
		.thought = SPAN("\"message\":{\"role\":\"assistant\","
				"\"content\":\"\",\"thinking\":"),
		.calls = SPAN("\"message\":{\"role\":\"assistant\","
			      "\"content\":\"\",\"tool_calls\":["),
		.close = SPAN("}"),
	},
	{
		.text = SPAN("\"response\":"),
		.thought = SPAN("\"response\":\"\",\"thinking\":"),
		.calls = SPAN(""),
		.close = SPAN(""),
	},
};

static const struct shape *shape_of(const struct terms *t)
{
	return &shapes[t->tongue == &tongue_ollama_generate];
}

/* {"model":...,"created_at":..., */
static void head(struct buf *out, const struct terms *t, struct span stamp)
{
	PUT(out, "{\"model\":");
	buf_json(out, span_of(t->model));
	PUT(out, ",\"created_at\":\"");
	buf_put(out, stamp);
	PUT(out, "\",");
}

static struct span new_stamp(char stamp[32])
{
	clock_rfc3339(stamp, clock_wall_us());
	return span_of(stamp);
}

/* The same for each line of a stream: within a second only the last three
 * digits change. */
static struct span next_stamp(struct emitter *e)
{
	int64_t now = clock_wall_us();
	unsigned ms = (unsigned)(now / 1000 % 1000);

	if (now / 1000000 != e->second) {
		e->second = now / 1000000;
		clock_rfc3339(e->stamp, now);
	}
	e->stamp[20] = (char)('0' + ms / 100);
	e->stamp[21] = (char)('0' + ms / 10 % 10);
	e->stamp[22] = (char)('0' + ms % 10);
	return (struct span){ e->stamp, 24 };
}

/* A line with one string, and others follow it. */
static void say(struct emitter *e, struct buf *out, struct span before,
		struct span text)
{
	head(out, e->terms, next_stamp(e));
	buf_put(out, before);
	buf_json(out, text);
	buf_put(out, shape_of(e->terms)->close);
	PUT(out, ",\"done\":false}\n");
}

/* --- calls ------------------------------------------------------------ */

/* An object of at least one line is passed on as it is. */
static bool is_plain_object(struct span text)
{
	struct json_walk w;
	struct span key, value;

	if (!text.len || memchr(text.ptr, '\n', text.len) ||
	    memchr(text.ptr, '\r', text.len) || !utf8_valid(text))
		return false;
	json_walk_object(&w, text);
	while (json_walk_next(&w, &key, &value))
		;
	return w.ok;
}

/*
 * Upstream's arguments are a text, here they are an object. A text that is
 * none (the model may break off, or err) is kept under a name of its own:
 * the tool will complain, and the model can see of what.
 */
static void say_arguments(struct buf *out, struct span text)
{
	struct err_note ignored = ERR_NOTE_INIT;
	struct json_object *v = NULL;

	if (is_plain_object(text)) {
		buf_put(out, text);
		return;
	}
	if (text.len <= INLINE_EVENT)
		v = json_parse(text, &ignored);
	if (json_is_object(v)) {
		json_write(out, v);
	} else if (!text.len) {
		PUT(out, "{}");
	} else {
		PUT(out, "{\"_arguments\":");
		buf_json(out, text);
		PUT(out, "}");
	}
	json_object_put(v);
}

static void say_call(struct buf *out, const struct terms *t, unsigned index,
		     struct span id, struct span name, struct span args)
{
	PUT(out, "{\"id\":");
	buf_json(out, id);
	PUT(out, ",\"function\":{\"index\":");
	buf_int(out, index);
	PUT(out, ",\"name\":");
	buf_json(out, names_full(&t->names, name));
	PUT(out, ",\"arguments\":");
	say_arguments(out, args);
	PUT(out, "}}");
}

static void say_call_line(struct emitter *e, struct buf *out,
			  const struct event *ev)
{
	const struct shape *s = shape_of(e->terms);

	if (!s->calls.len)
		return;
	head(out, e->terms, next_stamp(e));
	buf_put(out, s->calls);
	say_call(out, e->terms, ev->call, ev->id, ev->name, ev->text);
	PUT(out, "]");
	buf_put(out, s->close);
	PUT(out, ",\"done\":false}\n");
}

/* --- the end ---------------------------------------------------------- */

static const char *done_reason(const struct terms *t, enum finish finish)
{
	if (t->at_once)
		return t->at_once;
	switch (finish) {
	case FINISH_LENGTH:
		return "length";
	case FINISH_FILTER:
		return "content_filter";	/* Ollama has no word for it */
	case FINISH_STOP:
	case FINISH_STOP_STRING:
		break;
	}
	return "stop";
}

/* In nanoseconds; nothing at all when it was not measured. */
static void say_duration(struct buf *out, const char *key, int64_t from,
			 int64_t to)
{
	if (!from || to <= from)
		return;
	buf_str(out, ",\"");
	buf_str(out, key);
	buf_str(out, "_duration\":");
	buf_int(out, (to - from) * 1000);
}

static void say_count(struct buf *out, const char *key, const struct usage *u,
		      int64_t count)
{
	if (!u->known)
		return;
	buf_str(out, ",\"");
	buf_str(out, key);
	buf_str(out, "_count\":");
	buf_int(out, count);
}

/* From "done" to the end of the object. Loading is upstream's affair: of its
 * duration nothing is known. */
static void say_end(struct buf *out, const struct terms *t, enum finish finish,
		    const struct usage *u)
{
	buf_str(out, ",\"done\":true,\"done_reason\":\"");
	buf_str(out, done_reason(t, finish));
	buf_char(out, '"');
	if (t->at_once) {
		buf_char(out, '}');
		return;
	}
	say_duration(out, "total", t->begun_us, t->done_us);
	say_count(out, "prompt_eval", u, u->input);
	say_duration(out, "prompt_eval", t->begun_us, t->first_us);
	say_count(out, "eval", u, u->output);
	say_duration(out, "eval", t->first_us, t->done_us);
	buf_char(out, '}');
}

/* --- the tongue ------------------------------------------------------- */

static void ollama_emit(struct emitter *e, struct buf *out,
			const struct event *ev)
{
	const struct terms *t = e->terms;
	const struct shape *s = shape_of(t);

	if (e->ended)
		return;
	switch (ev->kind) {
	case EVENT_TEXT:
	case EVENT_REFUSAL:	/* there is no other place for it */
		if (ev->text.len)
			say(e, out, s->text, ev->text);
		break;
	case EVENT_THOUGHT:
		if (ev->text.len)
			say(e, out, s->thought, ev->text);
		break;
	case EVENT_THOUGHT_BREAK:
		say(e, out, s->thought, SPAN("\n\n"));
		break;
	case EVENT_CALL_END:
		say_call_line(e, out, ev);
		break;
	case EVENT_DONE:
		e->ended = true;
		head(out, t, next_stamp(e));
		buf_put(out, s->text);
		PUT(out, "\"\"");
		buf_put(out, s->close);
		say_end(out, t, ev->finish, &ev->usage);
		PUT(out, "\n");
		break;
	default:
		break;
	}
}

/*
 * NDJSON has no comments and some clients fail on an empty line: a piece of
 * the answer with no text in it is what all of them pass over, and Ollama
 * itself sends such.
 */
static void ollama_beat(struct emitter *e, struct buf *out)
{
	say(e, out, shape_of(e->terms)->text, SPAN(""));
}

static void ollama_whole(const struct terms *t, struct buf *out,
			 const struct answer *a)
{
	const struct shape *s = shape_of(t);
	char stamp[32];

	head(out, t, new_stamp(stamp));
	buf_put(out, s->text);
	buf_char(out, '"');
	buf_json_part(out, buf_span(&a->text));
	buf_json_part(out, buf_span(&a->refusal));
	buf_char(out, '"');
	if (a->thought.len) {
		PUT(out, ",\"thinking\":");
		buf_json(out, buf_span(&a->thought));
	}
	for (size_t i = 0; s->calls.len && i < a->call_count; i++) {
		buf_str(out, i ? "," : ",\"tool_calls\":[");
		say_call(out, t, (unsigned)i, span_of(a->calls[i].id),
			 span_of(a->calls[i].name), buf_span(&a->calls[i].args));
		if (i + 1 == a->call_count)
			buf_char(out, ']');
	}
	buf_put(out, s->close);
	say_end(out, t, a->finish, &a->usage);
}

static void ollama_error_body(struct buf *out, const struct fault *f)
{
	PUT(out, "{\"error\":");
	buf_json(out, span_of(f->message));
	PUT(out, "}");
}

static void ollama_error_event(struct emitter *e, struct buf *out,
			       const struct fault *f)
{
	e->ended = true;
	ollama_error_body(out, f);
	PUT(out, "\n");
}

const struct tongue tongue_ollama = {
	.name = "ollama",
	.stream_type = "application/x-ndjson",
	.id_prefix = "ollama-",
	.beat = ollama_beat,
	.ask = ask_ollama,
	.emit = ollama_emit,
	.whole = ollama_whole,
	.error_body = ollama_error_body,
	.error_event = ollama_error_event,
};

const struct tongue tongue_ollama_generate = {
	.name = "ollama-generate",
	.stream_type = "application/x-ndjson",
	.id_prefix = "ollama-",
	.beat = ollama_beat,
	.ask = ask_ollama_generate,
	.emit = ollama_emit,
	.whole = ollama_whole,
	.error_body = ollama_error_body,
	.error_event = ollama_error_event,
};
