/*
 * logs.c - `chatmock logs`: what happens, as it happens.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/text.h"
#include "../keep/place.h"
#include "follow.h"
#include "logs.h"

#define PAUSE_US 200000
#define DEFAULT_LINES 20
#define MOST_LINES 100000

static const char *const names[] = { "access", "error" };

/* One of the logs. */
struct reader {
	struct show *show;
	const char *name;
	struct place path;
	struct follow follow;
	/* while the end of the past is sought: the last lines that are wanted */
	char **ring;
	size_t size, count;
};

static void print(struct reader *r, struct span line)
{
	struct show *s = r->show;

	if (s->heads && s->last != r->name)
		cli_out(s->cli, "%s%s==> %s.log <==%s\n", s->last ? "\n" : "",
			cli_ink(s->cli, INK_DIM), r->name,
			cli_ink(s->cli, INK_PLAIN));
	s->last = r->name;
	show_line(s, line);
}

static void on_line(void *ctx, struct span line)
{
	struct reader *r = ctx;
	char *copy;

	if (!show_wants(r->show, line))
		return;
	if (!r->ring) {
		print(r, line);
		return;
	}
	copy = strndup(line.ptr, line.len);
	if (!copy)
		return;
	free(r->ring[r->count % r->size]);
	r->ring[r->count++ % r->size] = copy;
}

/* The past: with a filter all of it is read, for its last lines may be old. */
static bool show_past(struct reader *r, int64_t lines)
{
	bool filter = r->show->id || r->show->level > 0;

	follow_begin(&r->follow, r->path.s, filter && lines ? -1 : lines);
	if (!lines)
		return true;
	r->size = (size_t)lines;
	r->ring = calloc(r->size, sizeof(*r->ring));
	if (!r->ring)
		return false;
	follow_read(&r->follow, on_line, r);
	for (size_t i = r->count > r->size ? r->count - r->size : 0;
	     i < r->count; i++)
		print(r, span_of(r->ring[i % r->size]));
	for (size_t i = 0; i < r->size; i++)
		free(r->ring[i]);
	free(r->ring);
	r->ring = NULL;
	return true;
}

static int show_all(struct cli *cli, struct reader *readers, size_t count,
		    int64_t lines, bool follow)
{
	for (size_t i = 0; i < count; i++)
		if (!show_past(&readers[i], lines))
			return cli_fail(cli, EX_OSERR, "out of memory");
	if (!follow)
		return 0;
	for (;;) {
		bool any = false;

		for (size_t i = 0; i < count; i++)
			any = follow_read(&readers[i].follow, on_line,
					  &readers[i]) || any;
		/* who read us has left */
		if (fflush(stdout) || ferror(stdout))
			return 0;
		if (!any)
			usleep(PAUSE_US);
	}
}

static int run(struct cli *cli)
{
	struct show show = { .cli = cli, .pretty = cli->out_tty };
	struct reader readers[ARRAY_LEN(names)] = { 0 };
	const char *wanted = cli->arg_count ? cli->args[0] : NULL;
	bool follow = cli_has(cli, "follow") ||
		      (cli->out_tty && !cli_has(cli, "no-follow"));
	size_t count = 0;
	int64_t lines;
	int status;

	if (!cli_number(cli, "lines", 0, MOST_LINES, DEFAULT_LINES, &lines))
		return EX_USAGE;
	show.id = cli_value(cli, "id");
	show.level = show_level(span_of(cli_value(cli, "level")));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[40];

		if (wanted && strcmp(wanted, names[i]) != 0)
			continue;
		snprintf(name, sizeof(name), "log/%s.log", names[i]);
		readers[count].show = &show;
		readers[count].name = names[i];
		place_in(&readers[count].path, cli->config.home, name);
		readers[count].follow.fd = -1;
		count++;
	}
	show.heads = show.pretty && count > 1;
	status = show_all(cli, readers, count, lines, follow);
	for (size_t i = 0; i < count; i++)
		follow_end(&readers[i].follow);
	return status;
}

const struct cli_command cli_logs = {
	.name = "logs", .section = CLI_RUN, .flags = CLI_CONFIG,
	.purpose = "follow what the gateway logs",
	.operands = "[access|error]", .operand_words = "access|error", .most = 1,
	.options = (const struct cli_option[]){
		{ .name = "follow", .letter = 'f',
		  .help = "go on as lines come, also into a pipe" },
		{ .name = "no-follow", .help = "end, also on a terminal" },
		{ .name = "lines", .letter = 'n', .argument = "N",
		  .help = "the last N lines of each first (20)" },
		{ .name = "id", .argument = "REQUEST",
		  .help = "lines of this request alone (req_...)" },
		{ .name = "level", .argument = "LEVEL",
		  .words = "debug|info|warn|error",
		  .help = "lines of this level and above" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock logs", "both logs, until Ctrl-C" },
		{ "chatmock logs access --id req_4kTq8vLw2nXcZ9YbR6sHd1Fm",
		  "what became of one request" },
		{ "chatmock logs error --level warn", NULL },
		{ "chatmock logs access -n 1000 | jq -r .model | sort | uniq -c",
		  "piped, lines are JSON as they stand in the file" },
		{ .line = NULL } },
	.more = "On a terminal lines are made readable and followed; piped they are "
		"as in the file, without headers, and it ends after the last one "
		"unless --follow is given. Rotated logs are followed on.",
	.run = run,
};
