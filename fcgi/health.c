/*
 * health.c - main of health.fcgi: how the gateway is, and its metrics.
 *
 * The master of chatmock.fcgi with two small workers of its own, on a socket
 * of its own: it answers when every worker of the API is busy, hung or dead.
 * It reads what those leave in files and makes no call to anybody.
 */
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "health/report.h"
#include "health/visit.h"
#include "options.h"
#include "process/check.h"
#include "process/master.h"
#include "process/start.h"

#define NAME "health.fcgi"
#define MAX_PRINT (1u << 20)
#define MAX_DRAIN_MS 1000

extern char **environ;

static int worker_count(const struct config *c)
{
	(void)c;
	return 2;	/* the second one for when the first is being replaced */
}

/* A wrong home or login is what we are there to tell, not a reason to stay
 * away; to be reached by others is. */
static int self_check(const struct config *c, struct buf *out)
{
	char name[64];

	if (!check_reachable(name, sizeof(name)) || check_keys_in_force(c))
		return 0;
	buf_fmt(out, "fault: the FastCGI socket listens on %s, where others can "
		"reach it; use a unix socket (spawn-fcgi -s), or -a 127.0.0.1\n",
		name);
	return EX_CONFIG;
}

static void help(struct buf *out)
{
	buf_str(out, NAME " " CHATMOCK_VERSION " - health and metrics of the "
		"gateway, over FastCGI.\n\n"
		"Started by a web server's side: spawn-fcgi -n -s SOCKET -M 0600 "
		"-- " NAME " [--set NAME=VALUE]\n"
		"(`make run` does that), or as plain CGI. It has the settings of "
		"chatmock.fcgi.\n\n"
		"  --set NAME=VALUE   a setting, stronger than environment and "
		"file; repeatable\n"
		"  --check            look for what would keep it from serving\n"
		"  --report           print what /health would say, without asking "
		"anybody\n"
		"  --version          its version\n"
		"  --help             this text\n\n"
		"Pages: /health /health/live /health/ready /metrics /status\n"
		"Signals: TERM finish and end, twice at once; HUP reload; USR1 "
		"reopen the logs.\n");
}

static int serve(const struct config *c, char *argv[], struct handover *h,
		 struct buf *out, struct err_note *note)
{
	static const struct program program = {
		.name = NAME, .workers = worker_count,
		.hooks = &health_hooks, .check = self_check,
	};
	int status;

	if (check_listens())
		return master_run(&program, c, argv, h);
	if (!getenv("REQUEST_METHOD")) {
		check_usage(NAME, argv[0], out);
		fputs(out->ptr, stderr);
		buf_reset(out);
		return EX_USAGE;
	}
	status = health_cgi(c, environ, note);
	if (note->code)
		start_complain(NAME, note);
	return status;
}

/* For who may read the files anyway, with no worker and no key in between. */
static int report(const struct config *c, struct buf *out)
{
	struct facts facts;

	facts_read(&facts, c, FACTS_ALL);
	report_json(&facts, out);
	buf_char(out, '\n');
	facts_free(&facts);
	return buf_err(out) ? EX_SOFTWARE : 0;
}

static int act(const struct options *o, struct config *c, char *argv[],
	       struct handover *h, struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;
	int status;

	switch (o->act) {
	case ACT_HELP:
		help(out);
		return 0;
	case ACT_VERSION:
		buf_str(out, NAME " " CHATMOCK_VERSION "\n");
		return 0;
	case ACT_SERVE:
	case ACT_CHECK:
	case ACT_REPORT:
		break;
	default:
		fputs(NAME ": that is an option of chatmock.fcgi; --help names "
		      "those there are here\n", stderr);
		return EX_USAGE;
	}
	if (!handover_take(h))
		return EX_OSERR;
	if (config_read(c, environ, o->sets, o->set_count, &note)) {
		start_complain(NAME, &note);
		return EX_CONFIG;
	}
	/* a page takes milliseconds: no reason to stay for longer */
	if (c->drain_timeout_ms > MAX_DRAIN_MS)
		c->drain_timeout_ms = MAX_DRAIN_MS;
	if (o->act == ACT_SERVE)
		return serve(c, argv, h, out, &note);
	if (o->act == ACT_REPORT)
		return report(c, out);
	status = self_check(c, out);
	if (!status)
		buf_str(out, "ok\n");
	return status;
}

int main(int argc, char *argv[])
{
	struct err_note note = ERR_NOTE_INIT;
	struct handover handover = { 0 };
	struct options options = { 0 };
	struct config config = { 0 };
	int status = EX_USAGE;
	struct buf out;

	start_safely();
	buf_init(&out, MAX_PRINT);
	if (options_read(&options, argc, argv, &note))
		start_complain(NAME, &note);
	else
		status = act(&options, &config, argv, &handover, &out);
	if (fwrite(out.ptr, 1, out.len, stdout) != out.len && !status)
		status = EX_IOERR;
	handover_free(&handover);
	config_free(&config);
	options_free(&options);
	buf_free(&out);
	return status;
}
