#include "state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/json.h"
#include "../../shared/text.h"

#define MAX_STATE (64u << 10)

static const char *const part_names[] = {
#define X(id, name) [PART_##id] = name,
	PART_TABLE(X)
#undef X
};

const char *part_name(enum part_id id)
{
	return part_names[id];
}

/* Hex: JSON's numbers are too short for all 64 bits. */
static void put_proc(struct buf *out, const struct proc *p)
{
	buf_fmt(out, "\"pid\":%d,\"start\":\"%" PRIx64 "\",\"boot\":\"%" PRIx64 "\"",
		(int)p->pid, p->start, p->boot);
}

static void put_state(struct buf *out, const struct state *s)
{
	buf_char(out, '{');
	put_proc(out, &s->keeper);
	buf_fmt(out, ",\"since\":%" PRId64 ",\"port\":%" PRId64
		",\"drain_ms\":%" PRId64 ",\"stopping\":%s,\"bind\":", s->since_s,
		s->port, s->drain_ms, s->stopping ? "true" : "false");
	buf_json(out, span_of(s->bind));
	buf_str(out, ",\"web\":");
	buf_json(out, span_of(s->web));
	buf_str(out, ",\"parts\":{");
	for (int i = 0; i < PART__COUNT; i++) {
		const struct part *p = &s->parts[i];

		buf_fmt(out, "%s\"%s\":{", i ? "," : "", part_names[i]);
		put_proc(out, &p->proc);
		buf_fmt(out, ",\"since\":%" PRId64 ",\"restarts\":%" PRId64 "}",
			p->since_s, p->restarts);
	}
	buf_str(out, "}}\n");
}

enum err state_write(const char *home, const struct state *s,
		     struct err_note *note)
{
	struct place path;
	struct buf out;
	enum err err;

	buf_init(&out, MAX_STATE);
	put_state(&out, s);
	err = buf_err(&out);
	if (!err)
		err = file_replace(place_in(&path, home, "run/state"), 0600,
				   buf_span(&out), note);
	buf_reset(&out);
	buf_fmt(&out, "%d %" PRIu64 " %" PRIx64 "\n", (int)s->keeper.pid,
		s->keeper.start, s->keeper.boot);
	if (!err)
		err = file_replace(place_in(&path, home, "run/pid"), 0600,
				   buf_span(&out), note);
	buf_free(&out);
	return err ? err_set(note, err, "no memory") : ERR_OK;
}

static uint64_t hex_of(struct json_object *v, const char *key)
{
	struct span s = json_get_str(v, key);
	char text[20];

	return text_copy(text, sizeof(text), s) ? strtoull(text, NULL, 16) : 0;
}

static void get_proc(struct json_object *v, struct proc *p)
{
	*p = (struct proc){
		.pid = (pid_t)json_get_int(v, "pid", 0),
		.start = hex_of(v, "start"), .boot = hex_of(v, "boot"),
	};
}

static void get_state(struct json_object *v, struct state *s)
{
	struct json_object *parts = json_get_object(v, "parts"), *part;

	get_proc(v, &s->keeper);
	s->since_s = json_get_int(v, "since", 0);
	s->port = json_get_int(v, "port", 0);
	s->drain_ms = json_get_int(v, "drain_ms", 0);
	s->stopping = json_get_bool(v, "stopping", false);
	if (!text_copy(s->bind, sizeof(s->bind), json_get_str(v, "bind")) ||
	    !text_copy(s->web, sizeof(s->web), json_get_str(v, "web")))
		s->web[0] = '\0';
	for (int i = 0; i < PART__COUNT; i++) {
		part = json_get_object(parts, part_names[i]);
		get_proc(part, &s->parts[i].proc);
		s->parts[i].since_s = json_get_int(part, "since", 0);
		s->parts[i].restarts = json_get_int(part, "restarts", 0);
	}
}

bool state_read(const char *home, struct state *s)
{
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	struct place path;
	struct buf text;

	*s = (struct state){ 0 };
	buf_init(&text, MAX_STATE);
	if (!file_read(place_in(&path, home, "run/state"), &text, NULL, &note))
		v = json_parse(buf_span(&text), &note);
	if (v)
		get_state(v, s);
	json_object_put(v);
	buf_free(&text);
	return s->keeper.pid > 0;
}

void state_forget(const char *home)
{
	struct place path;

	unlink(place_in(&path, home, "run/state"));
	unlink(place_in(&path, home, "run/pid"));
}

bool state_pid(const char *home, struct proc *p)
{
	struct err_note note = ERR_NOTE_INIT;
	struct span rest, pid, start, boot;
	struct place path;
	struct buf text;
	int64_t n = 0, at = 0;
	char hex[20];

	*p = (struct proc){ 0 };
	buf_init(&text, 4096);
	if (!file_read(place_in(&path, home, "run/pid"), &text, NULL, &note)) {
		rest = text_trim(buf_span(&text));
		if (text_next(&rest, ' ', &pid) && text_int(pid, &n) &&
		    text_next(&rest, ' ', &start) && text_int(start, &at) &&
		    text_next(&rest, ' ', &boot) &&
		    text_copy(hex, sizeof(hex), boot))
			*p = (struct proc){ (pid_t)n, (uint64_t)at,
					    strtoull(hex, NULL, 16) };
	}
	buf_free(&text);
	return p->pid > 0;
}

bool state_kept(const char *home)
{
	struct place path;
	bool held;
	int fd = open(place_in(&path, home, "run/keeper.lock"),
		      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return held;
}
