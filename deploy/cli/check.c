/*
 * check.c - `chatmock check`: the gateway's own self-check, line by line.
 *
 * The check itself is chatmock.fcgi's: what would refuse the start is what is
 * told here.
 */
#include "../../shared/text.h"
#include "cli.h"

#define MAX_SAID (1u << 20)

static const struct {
	const char *kind, *word;
	enum cli_ink ink;
} kinds[] = {
	{ "pass", "pass", INK_GOOD },
	{ "warning", "warn", INK_WARN },
	{ "fault", "fail", INK_BAD },
};

struct sums { size_t of[ARRAY_LEN(kinds)]; };

/* Which kind of line, and what stands behind it. */
static size_t kind_of(struct span *line)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i].kind);

		if (span_starts(*line, kinds[i].kind) && line->len > len + 2 &&
		    line->ptr[len] == ':') {
			*line = (struct span){ line->ptr + len + 2,
					       line->len - len - 2 };
			return i;
		}
	}
	return ARRAY_LEN(kinds);
}

static void show(struct cli *cli, size_t kind, struct span text)
{
	struct buf safe, out;

	buf_init(&safe, 65536);
	buf_init(&out, 65536);
	cli_safe(&safe, text);
	cli_wrap(&out, safe.ptr, 6, cli->width ? cli->width : 4096);
	buf_drop(&out, out.len > 6 ? 6 : 0);
	cli_out(cli, "%s%s%s  %s", cli_ink(cli, kinds[kind].ink), kinds[kind].word,
		cli_ink(cli, INK_PLAIN), out.ptr);
	buf_free(&safe);
	buf_free(&out);
}

static void add(struct json_object *list, size_t kind, struct span text)
{
	struct json_object *v = json_object_new_object();

	json_set_cstr(v, "result", kinds[kind].word);
	json_set_str(v, "text", text);
	json_push(list, v);
}

static void read_lines(struct cli *cli, struct span rest,
		       struct json_object *list, struct sums *sums)
{
	struct span line;

	while (text_next(&rest, '\n', &line)) {
		size_t kind = kind_of(&line);

		if (kind == ARRAY_LEN(kinds))
			continue;
		sums->of[kind]++;
		if (list)
			add(list, kind, line);
		else if (kind > 0 || !cli_has(cli, "quiet"))
			show(cli, kind, line);
	}
}

static int finish(struct cli *cli, int code, struct json_object *list,
		  const struct sums *sums)
{
	struct json_object *v;

	if (list) {
		v = json_object_new_object();
		json_set_int(v, "exit_code", code);
		json_set(v, "checks", list);
		return cli_json(cli, v) ? EX_OSERR : code;
	}
	cli_note(cli, "%s%zu passed, %zu warned, %zu failed%s",
		 cli_ink(cli, INK_DIM), sums->of[0], sums->of[1], sums->of[2],
		 cli_ink(cli, INK_PLAIN));
	return code;
}

static int run(struct cli *cli)
{
	char path[4200], *argv[] = { path, (char[]){ "--check" },
		(char[]){ "--passes" },
		cli_has(cli, "before-start") ? (char[]){ "--before-start" } : NULL,
		NULL };
	struct sums sums = { { 0 } };
	struct buf out, err;
	int code;

	if (!cli_program(cli, "chatmock.fcgi", path, sizeof(path)))
		return cli_fail(cli, EX_UNAVAILABLE, "%s is not there; run make",
				path);
	buf_init(&out, MAX_SAID);
	buf_init(&err, MAX_SAID);
	code = cli_run(cli, argv, &out, &err);
	if (err.len)
		cli_warn(cli, "%s", text_trim(buf_span(&err)).ptr);
	if (out.len || !code) {
		struct json_object *list = cli_has(cli, "json") ?
			json_object_new_array() : NULL;

		read_lines(cli, buf_span(&out), list, &sums);
		code = finish(cli, code, list, &sums);
	}
	buf_free(&out);
	buf_free(&err);
	return code;
}

const struct cli_command cli_check = {
	.name = "check", .section = CLI_FIND_OUT,
	.purpose = "what would keep the gateway from serving, and the cure",
	.options = (const struct cli_option[]){
		{ .name = "before-start",
		  .help = "also whether port, socket and programs may be had" },
		{ .name = "quiet", .letter = 'q', .help = "only what is not in order" },
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock check", NULL },
		{ "chatmock check --before-start --quiet", "in a script, before a "
		  "start" },
		{ .line = NULL } },
	.more = "Settings, files, upstream, login, models and limits are looked "
		"at: a line each, pass, warn or fail, with the cure. Nobody is "
		"called for it. The exit code is that of the first that failed.",
	.exits = "65  a file holds something else than it has to\n"
		"66  a file that is named is not there\n"
		"69  somebody serves already, the port is in use, or a program is "
		"missing\n"
		"71  a limit of the system is too low\n"
		"73  something can not be made\n"
		"77  no permission\n"
		"78  a setting is wrong, unknown, or contradicts another",
	.run = run,
};
