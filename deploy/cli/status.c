/*
 * status.c - `chatmock status`.
 */
#include "../keep/wish.h"
#include "status.h"

#include <inttypes.h>

#define NOT_RUNNING 3		/* as init scripts have it */
#define NOT_WELL 4

/* "5s", "2m 5s", "3h 2m", "4d 3h" */
static void put_time(struct buf *out, int64_t s)
{
	if (s < 60)
		buf_fmt(out, "%" PRId64 "s", s);
	else if (s < 3600)
		buf_fmt(out, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		buf_fmt(out, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else
		buf_fmt(out, "%" PRId64 "d %" PRId64 "h", s / 86400,
			s / 3600 % 24);
}

static void label(struct cli *cli, const char *name)
{
	cli_out(cli, "%s%-12s%s ", cli_ink(cli, INK_DIM), name,
		cli_ink(cli, INK_PLAIN));
}

static void show_head(struct cli *cli, const struct status *s)
{
	static const char *const words[] = { "running", "stopped", "degraded" };
	static const enum cli_ink inks[] = { INK_GOOD, INK_BAD, INK_WARN };
	struct buf up;

	cli_out(cli, "ChatMock is %s%s%s", cli_ink(cli, inks[s->word]),
		words[s->word], cli_ink(cli, INK_PLAIN));
	if (s->keeper.pid) {
		buf_init(&up, 64);
		put_time(&up, s->up_s);
		cli_out(cli, " on %s%s%s, up %s, pid %d", cli_ink(cli, INK_BOLD),
			s->url, cli_ink(cli, INK_PLAIN), up.ptr,
			(int)s->keeper.pid);
		buf_free(&up);
	}
	cli_out(cli, "\n");
}

static void show_reasons(struct cli *cli, const struct status *s)
{
	struct buf safe;

	buf_init(&safe, 8192);
	for (size_t i = 0; i < s->reason_count; i++) {
		buf_reset(&safe);
		cli_safe(&safe, span_of(s->reasons[i]));
		cli_out(cli, "  %s%s%s\n", cli_ink(cli, INK_WARN), safe.ptr,
			cli_ink(cli, INK_PLAIN));
	}
	buf_free(&safe);
}

static void show_parts(struct cli *cli, const struct status *s)
{
	cli_out(cli, "\n%s%-12s %8s  %-10s %9s %9s%s\n", cli_ink(cli, INK_DIM),
		"part", "pid", "up", "memory", "restarts",
		cli_ink(cli, INK_PLAIN));
	for (int i = 0; i < PART__COUNT; i++) {
		const struct status_part *p = &s->parts[i];
		struct buf up;

		if (!p->pid && (i == PART_OLD || i == PART_FETCH))
			continue;
		if (!p->pid) {
			cli_out(cli, "%-12s %s%8s%s\n", part_name((enum part_id)i),
				cli_ink(cli, INK_BAD), "down",
				cli_ink(cli, INK_PLAIN));
			continue;
		}
		buf_init(&up, 64);
		put_time(&up, p->up_s);
		cli_out(cli, "%-12s %8d  %-10s %6.1f MB %9" PRId64 "\n",
			i == PART_WEB && s->state.web[0] ? s->state.web :
			part_name((enum part_id)i), (int)p->pid, up.ptr,
			(double)p->resident / 1e6, p->restarts);
		buf_free(&up);
	}
	cli_out(cli, "\n");
}

static void show_requests(struct cli *cli, const struct status *s)
{
	struct json_object *workers = json_get_object(s->health, "workers");
	struct json_object *r = json_get_object(json_get_object(s->health,
						"metrics"), "requests");
	double rate = status_error_rate(s);

	label(cli, "workers");
	cli_out(cli, "%" PRId64 " of %" PRId64 " accept\n",
		json_get_int(workers, "accepting", 0),
		json_get_int(workers, "wanted", 0));
	label(cli, "in flight");
	cli_out(cli, "%" PRId64 "\n", json_get_int(workers, "in_flight", 0));
	label(cli, "requests");
	cli_out(cli, "%" PRId64 ", %" PRId64 " failed", json_get_int(r, "total", 0),
		json_get_int(r, "error", 0));
	if (rate >= 0)
		cli_out(cli, " (%s%.2f %%%s)", cli_ink(cli, rate > 1 ? INK_BAD :
			rate > 0 ? INK_WARN : INK_GOOD), rate,
			cli_ink(cli, INK_PLAIN));
	cli_out(cli, "\n");
}

static void show_login(struct cli *cli, const struct status *s)
{
	struct buf text;

	buf_init(&text, 4096);
	if (!s->login[0]) {
		buf_str(&text, "none");
	} else {
		cli_safe(&text, span_of(s->login));
		if (s->login_age_s >= 0) {
			buf_str(&text, ", renewed ");
			put_time(&text, s->login_age_s);
			buf_str(&text, " ago");
		}
		if (s->login_left_s >= 0) {
			buf_str(&text, ", good for ");
			put_time(&text, s->login_left_s);
		}
	}
	label(cli, "login");
	cli_out(cli, "%s\n", text.ptr);
	buf_free(&text);
}

static void show_checks(struct cli *cli, const struct status *s)
{
	struct span word, output;
	struct buf text;
	int64_t value;

	word = status_check(s, "breaker", &value, NULL);
	label(cli, "breaker");
	cli_out(cli, "%s%s%s\n",
		cli_ink(cli, value > 0 ? INK_BAD : INK_GOOD),
		!word.len ? "not known" : value > 0 ? "open" : "closed",
		cli_ink(cli, INK_PLAIN));
	buf_init(&text, 4096);
	word = status_check(s, "prompt_cache", &value, &output);
	if (value >= 0) {
		put_time(&text, value);
		buf_str(&text, " old");
	} else {
		cli_safe(&text, output.len ? output : SPAN("none, none needed"));
	}
	label(cli, "prompts");
	cli_out(cli, "%s\n", text.ptr);
	buf_free(&text);
}

/* With the settings it was started with, where ours do not say otherwise: they
 * tell whether it needs a login. */
static int adopt(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	char missing[128];

	if (wish_adopt(cli->config.home, missing, sizeof(missing), &note))
		return 0;
	return ops_settings(cli);
}

static int run(struct cli *cli)
{
	static const int codes[] = { 0, NOT_RUNNING, NOT_WELL };
	struct status s;
	int status = adopt(cli);

	if (status)
		return status;
	cli_progress(cli, "asking the gateway");
	status_gather(cli, &s);
	cli_progress_end(cli);
	status = codes[s.word];
	if (cli_has(cli, "json")) {
		int failed = cli_json(cli, status_json(&s));

		status = failed ? failed : status;
		goto out;
	}
	show_head(cli, &s);
	show_reasons(cli, &s);
	if (s.word != STATUS_STOPPED) {
		show_parts(cli, &s);
		show_requests(cli, &s);
		show_checks(cli, &s);
	}
	show_login(cli, &s);
out:
	status_free(&s);
	return status;
}

const struct cli_command cli_status = {
	.name = "status", .section = CLI_RUN, .flags = CLI_CONFIG | CLI_HTTP,
	.purpose = "how the gateway is: processes, requests, upstream, login",
	.options = (const struct cli_option[]){
		{ .name = "json", .help = "as JSON" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock status", NULL },
		{ "chatmock status --json | jq .in_flight", NULL },
		{ "chatmock status >/dev/null || chatmock start", "in a script" },
		{ .line = NULL } },
	.exits = "0  it runs and all is well\n3  it is stopped\n4  it is "
		 "degraded: a part is down, nobody answers, or /health says so",
	.run = run,
};
