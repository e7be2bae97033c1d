/*
 * chatmock.c - main of chatmock.fcgi: options, settings, then the master on
 * fd 0, or one plain CGI request.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "../shared/http.h"
#include "../shared/login.h"
#include "../shared/text.h"
#include "options.h"
#include "process/check.h"
#include "process/master.h"
#include "process/start.h"
#include "stream/answer.h"
#include "stream/app.h"
#include "stream/route.h"

#define MAX_PRINT (1u << 20)

extern char **environ;

/* Two descriptors a stream: all that we may have. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void print_millis(int64_t ms, struct buf *out)
{
	buf_int(out, ms / 1000);
	if (ms % 1000)
		buf_fmt(out, ".%03d", (int)(ms % 1000));
}

static void print_enum(const char *values, int index, struct buf *out)
{
	struct span rest = span_of(values), word;

	for (int i = 0; text_next(&rest, '|', &word); i++)
		if (i == index)
			buf_span_add(out, word);
}

#define SHOW_STR(v, values) buf_str(out, (v) ? (v) : "")
#define SHOW_PATH SHOW_STR
#define SHOW_URL SHOW_STR
#define SHOW_LIST SHOW_STR
#define SHOW_SECRET(v, values) buf_str(out, (v) ? "(set)" : "")
#define SHOW_BOOL(v, values) buf_str(out, (v) ? "1" : "0")
#define SHOW_INT(v, values) buf_int(out, (v))
#define SHOW_MILLIS(v, values) print_millis((v), out)
#define SHOW_ENUM(v, values) print_enum((values), (v), out)

/* The value alone, for scripts; false when there is no such setting. */
static bool print_setting(const struct config *c, const char *wanted,
			  struct buf *out)
{
#define X(field, type, name, alias, dflt, min, max, values, help) \
	if (text_eq_nocase(span_of(wanted), name)) { \
		SHOW_##type(c->field, values); \
		buf_char(out, '\n'); \
		return true; \
	}
	CONFIG_TABLE(X)
#undef X
	return false;
}

static void print_routes(struct buf *out)
{
	buf_str(out, "| method | path | |\n|---|---|---|\n");
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);

		buf_fmt(out, "| %s | `%s` | %s |\n", r->method, r->path, r->help);
	}
}

static int put_out(const struct buf *out, int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < out->len) {
		n = write(fd, out->ptr + done, out->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return EX_IOERR;
		done += (size_t)n;
	}
	return buf_err(out) ? EX_SOFTWARE : 0;
}

static int say_login(const struct config *c, struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };
	int status = 0;

	switch (login_read(c, &login, &note)) {
	case ERR_OK:
		buf_fmt(out, "%s\n", login.path);
		break;
	case ERR_LOGIN_MISSING:
		fputs("chatmock.fcgi: there is no login\n", stderr);
		status = 1;
		break;
	default:
		fprintf(stderr, "chatmock.fcgi: %s\n", err_words(&note));
		status = EX_CONFIG;
	}
	login_free(&login);
	return status;
}

static int run_check(const struct config *c, const struct options *o,
		     struct buf *out)
{
	bool starting = o->act == ACT_CHECK_START;
	int status;

	raise_descriptors();
	if (o->passes)
		return check_tell(c, starting, out);
	status = starting ? check_before_start(c, out) : check_all(c, out);
	if (!status)
		buf_str(out, "ok\n");
	return status;
}

/* fd 0 is the web server's socket, or the body of one CGI request. */
static int serve(const struct config *c, char *argv[], struct handover *h,
		 struct buf *out)
{
	static const struct program program = {
		.name = "chatmock.fcgi", .workers = start_workers,
		.hooks = &app_hooks, .check = check_all, .second = "ws.sock",
	};
	struct err_note note = ERR_NOTE_INIT;
	int status;

	if (!check_listens() && getenv("REQUEST_METHOD")) {
		status = app_cgi(c, environ, &note);
		if (note.code)
			start_complain("chatmock.fcgi", &note);
		return status;
	}
	if (!check_listens()) {
		check_usage(program.name, argv[0], out);
		put_out(out, 2);
		buf_reset(out);
		return EX_USAGE;
	}
	raise_descriptors();
	return master_run(&program, c, argv, h);
}

static int act_on_config(const struct options *o, const struct config *c,
			 char *argv[], struct handover *h, struct buf *out)
{
	switch (o->act) {
	case ACT_CHECK:
	case ACT_CHECK_START:
		return run_check(c, o, out);
	case ACT_SETTINGS:
		config_print(c, out);
		return 0;
	case ACT_LOGIN_FILE:
		return say_login(c, out);
	case ACT_GET:
		if (print_setting(c, o->name, out))
			return 0;
		fprintf(stderr, "chatmock.fcgi: there is no setting %.80s\n",
			o->name);
		return EX_USAGE;
	case ACT_REPORT:
		fputs("chatmock.fcgi: --report is an option of health.fcgi\n",
		      stderr);
		return EX_USAGE;
	default:
		return serve(c, argv, h, out);
	}
}

/* What needs no settings. False: something else is wanted. */
static bool act_alone(const struct options *o, struct buf *out)
{
	switch (o->act) {
	case ACT_HELP:
		options_help(out);
		return true;
	case ACT_VERSION:
		buf_str(out, "chatmock.fcgi " CHATMOCK_VERSION "\n");
		return true;
	case ACT_SETTINGS_MARKDOWN:
		config_print_markdown(out);
		return true;
	case ACT_ROUTES_MARKDOWN:
		print_routes(out);
		return true;
	case ACT_ERRORS_MARKDOWN:
		answer_print_markdown(out);
		return true;
	default:
		return false;
	}
}

/* The settings can not be read. */
static int refuse(const struct options *o, const struct err_note *note,
		  struct buf *out)
{
	int status = check_unread(note->code, note, out);

	if (o->act == ACT_CHECK || o->act == ACT_CHECK_START)
		put_out(out, 1);
	else
		start_complain("chatmock.fcgi", note);
	return status;
}

int main(int argc, char *argv[])
{
	struct err_note note = ERR_NOTE_INIT;
	struct handover handover = { .second_fd = -1 };
	struct options options = { 0 };
	struct config config = { 0 };
	int status = EX_CONFIG;
	struct buf out;

	start_safely();
	buf_init(&out, MAX_PRINT);
	if (options_read(&options, argc, argv, &note)) {
		start_complain("chatmock.fcgi", &note);
		status = EX_USAGE;
		goto out;
	}
	if (act_alone(&options, &out)) {
		status = put_out(&out, 1);
		goto out;
	}
	if (!http_global_init() || !handover_take(&handover)) {
		err_set(&note, ERR_SYSTEM, "no memory, or libcurl does not start");
		start_complain("chatmock.fcgi", &note);
		status = EX_OSERR;
		goto out;
	}
	if (config_read(&config, environ, options.sets, options.set_count, &note)) {
		status = refuse(&options, &note, &out);
		goto out;
	}
	status = act_on_config(&options, &config, argv, &handover, &out);
	if (put_out(&out, 1) && !status)
		status = EX_IOERR;
out:
	handover_free(&handover);
	config_free(&config);
	options_free(&options);
	buf_free(&out);
	return status;
}
