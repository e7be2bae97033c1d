/*
 * config_schema.c - `chatmock config schema`: the settings as JSON Schema.
 */
#include "../../shared/text.h"
#include "cli.h"

static struct json_object *list_of(const char *words, char sep)
{
	struct json_object *list = json_object_new_array();
	struct span rest = span_of(words), word;

	while (text_next(&rest, sep, &word))
		json_push(list, json_new_str(word));
	return list;
}

static void add_type(struct json_object *v, const struct config_row *row)
{
	if (row->kind == CONFIG_KIND_BOOL) {
		json_set_cstr(v, "type", "boolean");
	} else if (row->kind == CONFIG_KIND_NUMBER) {
		json_set_cstr(v, "type", row->whole ? "integer" : "number");
		json_set(v, "minimum", row->whole ?
			 json_object_new_int64((int64_t)row->min) :
			 json_object_new_double(row->min));
		json_set(v, "maximum", row->whole ?
			 json_object_new_int64((int64_t)row->max) :
			 json_object_new_double(row->max));
	} else {
		json_set_cstr(v, "type", "string");
		if (row->kind == CONFIG_KIND_ENUM)
			json_set(v, "enum", list_of(row->values, '|'));
	}
	if (row->kind == CONFIG_KIND_SECRET)
		json_set_bool(v, "writeOnly", true);
}

/* As the value has it, not as the table writes it ("24h" and "1d" are 86400). */
static struct json_object *default_of(const struct config_row *row)
{
	static const struct { char unit; double seconds; } units[] = {
		{ 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	struct span text = span_of(row->dflt);
	double number;

	if (row->kind == CONFIG_KIND_BOOL)
		return json_object_new_boolean(text_eq_nocase(text, "1") ||
					       text_eq_nocase(text, "true"));
	if (row->kind != CONFIG_KIND_NUMBER)
		return json_new_str(text);
	for (size_t i = 0; text.len && i < ARRAY_LEN(units); i++)
		if (text.ptr[text.len - 1] == units[i].unit &&
		    text_double((struct span){ text.ptr, text.len - 1 }, &number))
			return json_object_new_int64((int64_t)(number *
							       units[i].seconds));
	return json_parse(text, NULL);
}

static struct json_object *one(const struct config_row *row)
{
	struct json_object *v = json_object_new_object();

	json_set_cstr(v, "description", row->help);
	add_type(v, row);
	if (*row->dflt)
		json_set(v, "default", default_of(row));
	if (*row->alias)
		json_set(v, "x-aliases", list_of(row->alias, ','));
	return v;
}

static int run(struct cli *cli)
{
	struct json_object *v = json_object_new_object();
	struct json_object *all = json_object_new_object();
	struct config_row row;
	struct buf value;
	bool ok;

	buf_init(&value, 1024);
	for (size_t i = 0; config_row_at(NULL, i, &value, &row); i++)
		json_set(all, row.name, one(&row));
	buf_free(&value);
	ok = json_set_cstr(v, "$schema",
			   "https://json-schema.org/draft/2020-12/schema") &&
		json_set_cstr(v, "title", "ChatMock settings") &&
		json_set_cstr(v, "description", "By their names in the "
			      "environment. Times are in seconds.") &&
		json_set_cstr(v, "type", "object") &&
		json_set_bool(v, "additionalProperties", false);
	if (!json_set(v, "properties", all) || !ok) {
		json_object_put(v);
		v = NULL;
	}
	return cli_json(cli, v);
}

const struct cli_command cli_config_schema = {
	.name = "config schema", .section = CLI_CONFIGURE,
	.purpose = "all settings as a JSON Schema",
	.examples = (const struct cli_example[]){
		{ "chatmock config schema > chatmock.schema.json", NULL },
		{ "chatmock config schema | jq '.properties.CHATMOCK_PORT'", NULL },
		{ .line = NULL } },
	.more = "It describes an object of settings by their names in the "
		"environment, as chatmock config show --json has their values.",
	.run = run,
};
