#include "status.h"

static bool set_or_null(struct json_object *v, const char *key, int64_t n)
{
	return n >= 0 ? json_set_int(v, key, n) : json_set(v, key, NULL);
}

static struct json_object *parts(const struct status *s)
{
	struct json_object *list = json_object_new_array(), *one;

	for (int i = 0; i < PART__COUNT; i++) {
		const struct status_part *p = &s->parts[i];

		if (i == PART_OLD && !p->pid)
			continue;
		one = json_object_new_object();
		if (!json_set_cstr(one, "name", part_name((enum part_id)i)) ||
		    !json_set_bool(one, "running", p->pid > 0) ||
		    !set_or_null(one, "pid", p->pid ? p->pid : -1) ||
		    !set_or_null(one, "uptime_seconds", p->pid ? p->up_s : -1) ||
		    !json_set_int(one, "restarts", p->restarts) ||
		    !set_or_null(one, "resident_bytes",
				 p->pid ? p->resident : -1) ||
		    !json_push(list, one))
			break;
	}
	return list;
}

static struct json_object *requests(const struct status *s)
{
	struct json_object *from = json_get_object(json_get_object(s->health,
						   "metrics"), "requests");
	struct json_object *v = json_object_new_object();
	double rate = status_error_rate(s);

	json_set_int(v, "total", json_get_int(from, "total", 0));
	json_set_int(v, "error", json_get_int(from, "error", 0));
	json_set(v, "error_percent", rate < 0 ? NULL :
		 json_object_new_double((double)(int64_t)(rate * 1000 + 0.5) / 1000));
	return v;
}

static struct json_object *check(const struct status *s, const char *name,
				 const char *key)
{
	struct json_object *v = json_object_new_object();
	struct span output, word;
	int64_t value;

	word = status_check(s, name, &value, &output);
	json_set(v, "status", word.len ? json_new_str(word) : NULL);
	set_or_null(v, key, value);
	if (output.len)
		json_set_str(v, "output", output);
	return v;
}

static struct json_object *login(const struct status *s)
{
	struct json_object *v = check(s, "login", "expires_in_seconds");

	set_or_null(v, "age_seconds", s->login_age_s);
	if (s->login_left_s >= 0)
		json_set_int(v, "expires_in_seconds", s->login_left_s);
	json_set(v, "file", s->login[0] ? json_new_str(span_of(s->login)) : NULL);
	return v;
}

static struct json_object *reasons(const struct status *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->reason_count; i++)
		if (!json_push(list, json_new_str(span_of(s->reasons[i]))))
			break;
	return list;
}

struct json_object *status_json(const struct status *s)
{
	static const char *const words[] = { "running", "stopped", "degraded" };
	struct json_object *v = json_object_new_object();
	struct json_object *workers = json_get_object(s->health, "workers");
	bool up = s->word != STATUS_STOPPED;

	if (json_set_cstr(v, "status", words[s->word]) &&
	    json_set(v, "reasons", reasons(s)) &&
	    json_set_cstr(v, "url", s->url) &&
	    set_or_null(v, "port", s->state.port ? s->state.port : -1) &&
	    json_set(v, "web_server", s->state.web[0] ?
		     json_new_str(span_of(s->state.web)) : NULL) &&
	    set_or_null(v, "pid", s->keeper.pid ? s->keeper.pid : -1) &&
	    set_or_null(v, "uptime_seconds", s->keeper.pid ? s->up_s : -1) &&
	    json_set(v, "parts", up ? parts(s) : json_object_new_array()) &&
	    json_set(v, "workers", json_ref(workers)) &&
	    set_or_null(v, "in_flight", json_get_int(workers, "in_flight", -1)) &&
	    json_set(v, "requests", s->health ? requests(s) : NULL) &&
	    json_set(v, "breaker", check(s, "breaker", "open")) &&
	    json_set(v, "login", login(s)) &&
	    json_set(v, "prompts", check(s, "prompt_cache", "age_seconds")))
		return v;
	json_object_put(v);
	return NULL;
}
