#include "ops.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/http.h"
#include "../keep/wish.h"

#define MAX_BODY (1u << 20)

extern char **environ;

/* The keeper and its parts do not run where we do. */
static int name_file(struct cli *cli)
{
	const char *file = cli_value(cli, "config");
	char *full;

	if (!file)
		return 0;
	full = realpath(file, NULL);
	if (!full)
		return cli_fail(cli, EX_NOINPUT, "there is no settings file %s",
				file);
	setenv("CHATMOCK_CONFIG", full, 1);
	free(full);
	return 0;
}

int ops_settings(struct cli *cli)
{
	int status = name_file(cli);

	for (size_t i = 0; i < cli->set_count && !status; i++) {
		const char *eq = strchr(cli->sets[i], '=');
		char name[128];

		if (!eq || eq - cli->sets[i] >= (int)sizeof(name))
			continue;	/* reading them complains */
		snprintf(name, sizeof(name), "%.*s", (int)(eq - cli->sets[i]),
			 cli->sets[i]);
		setenv(name, eq + 1, 1);
	}
	cli->environ_ = environ;
	if (!status)
		status = cli_read_config(cli);
	if (!status)
		setenv("CHATMOCK_HOME", cli->config.home, 1);
	cli->environ_ = environ;
	return status;
}

int ops_lock(struct cli *cli, int wait_ms, int *lock)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place path;
	enum err err;

	*lock = -1;
	if (place_check(&cli->config, &note) ||
	    place_make(cli->config.home, &note))
		return note.code == ERR_SYSTEM ?
			cli_fail(cli, EX_CANTCREAT, "%s", note.why) :
			cli_fail_note(cli, &note);
	cli_progress(cli, "waiting for another command to finish");
	err = file_lock(place_in(&path, cli->config.home, "run/command.lock"),
			wait_ms, lock, &note);
	cli_progress_end(cli);
	if (err == ERR_BUSY)
		return cli_fail(cli, EX_TEMPFAIL, "another start, stop or update "
				"is at work on %s", cli->config.home);
	return err ? cli_fail(cli, EX_CANTCREAT, "%s", note.why) : 0;
}

struct search { const char *lock; struct proc *found; };

static bool holds_it(void *ctx, const struct proc_stat *st)
{
	struct search *s = ctx;

	return proc_holds(st->pid, s->lock) < 0 || !proc_of(st->pid, s->found);
}

/* The pid file, when it tells the truth; else who holds the lock. */
bool ops_keeper(const struct cli *cli, struct proc *keeper)
{
	struct search s = { .found = keeper };
	struct place lock;

	if (!state_kept(cli->config.home))
		return false;
	if (state_pid(cli->config.home, keeper) && proc_lives(keeper))
		return true;
	*keeper = (struct proc){ 0 };
	s.lock = place_in(&lock, cli->config.home, "run/keeper.lock");
	proc_each(holds_it, &s);
	return keeper->pid > 0;
}

int ops_get(struct cli *cli, const char *path, int ms, struct buf *body)
{
	const struct http_settings settings = {
		.connect_timeout_ms = ms, .max_calls = 1,
		.user_agent = "chatmock/" CHATMOCK_VERSION,
	};
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply = { 0 };
	/* whatever it listens on, that name is always let in */
	static const char *const headers[] = { "Host: localhost" };
	struct http_request request = {
		.method = "GET", .headers = headers, .header_count = 1,
	};
	struct state state;
	char base[160], url[400];
	int status = 0;

	if (state_read(cli->config.home, &state) && state.port)
		place_url(state.bind, state.port, base, sizeof(base));
	else
		place_url(cli->config.bind, cli->config.port, base, sizeof(base));
	snprintf(url, sizeof(url), "%s%s", base, path);
	request.url = url;
	if (!http_fetch(&settings, &request, ms, MAX_BODY, &reply, &note)) {
		status = reply.status;
		if (body)
			buf_span_add(body, buf_span(&reply.body));
	}
	http_reply_free(&reply);
	return status;
}

int ops_check(struct cli *cli, const char *program, const char *option)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)option,
			 NULL };
	struct span rest, line;
	struct buf said;
	int status;

	buf_init(&said, MAX_BODY);
	status = cli_run(cli, argv, &said, &said);
	rest = buf_span(&said);
	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);

		line = rest;
		if (end)
			line.len = (size_t)(end - rest.ptr);
		if (line.len && !span_eq(line, "ok"))
			cli_warn(cli, "%.*s", (int)line.len, line.ptr);
		rest.ptr += line.len + (end ? 1 : 0);
		rest.len -= line.len + (end ? 1 : 0);
	}
	buf_free(&said);
	return status;
}

struct json_object *ops_report(struct cli *cli)
{
	char report[] = "--report";
	struct err_note note = ERR_NOTE_INIT;
	struct json_object *v = NULL;
	struct place program;
	char *argv[] = { program.s, report, NULL };
	struct buf said, err;

	place_in(&program, cli->config.home, "run/programs/health.fcgi");
	buf_init(&said, MAX_BODY);
	buf_init(&err, MAX_BODY);
	if (access(program.s, X_OK) == 0 && cli_run(cli, argv, &said, &err) == 0)
		v = json_parse(buf_span(&said), &note);
	buf_free(&said);
	buf_free(&err);
	return v;
}

int ops_as_it_runs(struct cli *cli, int (*act)(struct cli *cli))
{
	struct err_note note = ERR_NOTE_INIT;
	char missing[128];
	int lock, status = ops_settings(cli);

	if (!status)
		status = ops_lock(cli, OPS_PATIENCE_MS, &lock);
	if (status)
		return status;
	if (!wish_adopt(cli->config.home, missing, sizeof(missing), &note))
		status = ops_settings(cli);
	cli->set_count = 0;	/* they are in the environment now */
	if (!status)
		status = act(cli);
	close(lock);
	return status;
}
