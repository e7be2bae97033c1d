/* ask_format.c - response_format, the shape that an answer shall have. */
#include "ask.h"

/* chat nests the schema's description in json_schema; Responses is flat. The
 * name is made fit: upstream refuses what chat clients send as a title. */
static struct json_object *json_schema(struct asking *q, struct json_object *given)
{
	const struct at up = { NULL, "response_format", AT_WHOLE };
	const struct at at = { &up, "json_schema", AT_WHOLE };
	struct json_object *from, *name, *schema, *strict, *description, *o;
	char fit[65];

	from = ask_need(q, given, "json_schema", json_type_object, &up);
	name = from ? ask_need(q, from, "name", json_type_string, &at) : NULL;
	if (!name)
		return NULL;
	schema = ask_get(q, from, "schema", json_type_object, &at);
	strict = ask_get(q, from, "strict", json_type_boolean, &at);
	description = ask_get(q, from, "description", json_type_string, &at);
	if (q->note->code)
		return NULL;
	names_call_id(json_str(name), fit);
	o = ask_item(q, "json_schema");
	if (o && ask_put_cstr(q, o, "name", fit) &&
	    (!description || ask_put(q, o, "description", json_ref(description))) &&
	    ask_put(q, o, "schema", schema ? json_ref(schema) : ask_item(q, "object")) &&
	    ask_put(q, o, "strict", json_object_new_boolean(
			    json_object_get_boolean(strict))))
		return o;
	json_object_put(o);
	return NULL;
}

enum err ask_take_format(struct asking *q, const struct ask_param *p,
			 struct json_object *v)
{
	const struct at at = { NULL, p->name, AT_WHOLE };
	struct json_object *type, *format, *text;

	if (!ask_is(q, v, p->name, json_type_object, NULL))
		return q->note->code;
	type = ask_need(q, v, "type", json_type_string, &at);
	if (!type || !ask_one_of(q, type, "type", &at, "text|json_object|json_schema"))
		return q->note->code;
	if (span_eq(json_str(type), "text"))
		return ERR_NONE;
	q->a->terms.structured = true;
	format = span_eq(json_str(type), "json_schema") ? json_schema(q, v) :
							  ask_item(q, "json_object");
	text = format ? ask_sub(q, "text") : NULL;
	if (text)
		ask_put(q, text, "format", format);
	else
		json_object_put(format);
	return q->note->code;
}
