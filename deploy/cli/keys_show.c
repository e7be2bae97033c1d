/* See keys_show.h. */
#include "keys_show.h"

#include "../../shared/clock.h"
#include "../../shared/text.h"

const char *keys_state(const struct key *k, int64_t now_s)
{
	if (k->revoked)
		return "revoked";
	return key_in_force(k, now_s) ? "in force" : "expired";
}

static bool set_time(struct json_object *v, const char *name, int64_t at_s)
{
	char text[32];

	if (!at_s)
		return json_set(v, name, NULL);
	clock_rfc3339(text, at_s * 1000000);
	snprintf(text + 19, sizeof(text) - 19, "Z");	/* whole seconds */
	return json_set_cstr(v, name, text);
}

static struct json_object *scopes(const struct key *k)
{
	struct json_object *list = json_object_new_array();
	const char *word, *help;

	for (size_t i = 0; (word = key_scope_word(i, &help)); i++)
		if (k->scopes & 1u << i &&
		    !json_push(list, json_new_str(span_of(word))))
			break;
	return list;
}

struct json_object *keys_json(const struct key *k, int64_t now_s)
{
	struct json_object *v = json_object_new_object();

	if (json_set_cstr(v, "id", k->id) && json_set_cstr(v, "name", k->name) &&
	    json_set_cstr(v, "state", keys_state(k, now_s)) &&
	    json_set(v, "scopes", scopes(k)) &&
	    set_time(v, "created", k->created) &&
	    set_time(v, "expires", k->expires) &&
	    set_time(v, "revoked", k->revoked))
		return v;
	json_object_put(v);
	return NULL;
}

int keys_fail(struct cli *cli, const struct err_note *note)
{
	int code = cli_exit_code(note->code);

	if (note->code == ERR_CONFIG || note->code == ERR_KEYS_BROKEN)
		code = EX_DATAERR;
	return cli_fail(cli, code, "%s", err_words(note));
}
