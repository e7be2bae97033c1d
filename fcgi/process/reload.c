#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/text.h"
#include "handover.h"

#define TRIAL_US 10000000	/* longer than that is a failure as well */
#define MAX_SAID 4096

/* The directory of PATH in which the shell would have found name. */
static bool find_in_path(const char *name, struct buf *out)
{
	struct span rest = span_of(getenv("PATH")), dir;

	while (text_next(&rest, ':', &dir)) {
		buf_reset(out);
		buf_span_add(out, dir);
		buf_char(out, '/');
		buf_str(out, name);
		if (!buf_err(out) && access(out->ptr, X_OK) == 0)
			return true;
	}
	return false;
}

static char *absolute_path(const char *argv0)
{
	struct buf out;
	char *dir;

	buf_init(&out, 64u << 10);
	if (argv0[0] == '/' || (!strchr(argv0, '/') &&
				find_in_path(argv0, &out) && out.ptr[0] == '/')) {
		if (argv0[0] == '/')
			buf_str(&out, argv0);
	} else {
		dir = getcwd(NULL, 0);
		buf_reset(&out);
		buf_str(&out, dir ? dir : "");
		buf_char(&out, '/');
		buf_str(&out, argv0);
		free(dir);
	}
	dir = buf_take(&out);
	buf_free(&out);
	return dir;
}

/* Room for one word more than there are: the trial's --check. */
bool reload_init(struct reload *r, char *const argv[], struct log *log)
{
	size_t count = 0;

	*r = (struct reload){ .log = log, .fd = -1 };
	buf_init(&r->said, MAX_SAID);
	while (argv[count])
		count++;
	if (count == 0)
		return false;
	r->exe = absolute_path(argv[0]);
	r->argv = calloc(count + 2, sizeof(*r->argv));
	if (!r->exe || !r->argv)
		return false;
	for (size_t i = 0; i < count; i++)
		r->argv[i] = argv[i];
	r->argv[0] = r->exe;
	return true;
}

void reload_free(struct reload *r)
{
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	r->pid = 0;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	free(r->exe);
	r->exe = NULL;
	free(r->argv);
	r->argv = NULL;
	buf_free(&r->said);
}

/* fd 0 stays the listening socket: the trial looks at it as well. */
static void be_trial(struct reload *r, int said_fd)
{
	char check[] = "--check";
	sigset_t none;
	size_t count = 0;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(said_fd, 1) < 0 || dup2(said_fd, 2) < 0)
		_exit(EX_OSERR);
	while (r->argv[count])
		count++;
	r->argv[count] = check;
	execv(r->exe, r->argv);
	dprintf(2, "%s: %s\n", r->exe, strerror(errno));
	_exit(EX_NOINPUT);
}

bool reload_try(struct reload *r, int64_t now_us)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		log_msg(r->log, LOG_ERROR, "reload_refused", "pipe: %s",
			strerror(errno));
		return false;
	}
	r->pid = fork();
	if (r->pid == 0)
		be_trial(r, fds[1]);
	close(fds[1]);
	if (r->pid < 0) {
		log_msg(r->log, LOG_ERROR, "reload_refused", "fork: %s",
			strerror(errno));
		close(fds[0]);
		r->pid = 0;
		return false;
	}
	r->fd = fds[0];
	r->deadline_us = now_us + TRIAL_US;
	buf_reset(&r->said);
	return true;
}

static void read_said(struct reload *r)
{
	char piece[512];
	ssize_t n;

	while (r->fd >= 0) {
		n = read(r->fd, piece, sizeof(piece));
		if (n <= 0)
			return;
		/* Past the ceiling it is read all the same, or the trial
		 * would wait for us. */
		if (r->said.len + (size_t)n < MAX_SAID)
			buf_add(&r->said, piece, (size_t)n);
	}
}

void reload_tick(struct reload *r, int64_t now_us)
{
	if (!r->pid)
		return;
	read_said(r);
	if (now_us >= r->deadline_us)
		kill(r->pid, SIGKILL);
}

static void log_refusal(struct reload *r, int status)
{
	struct log_line line;

	log_begin(&line, r->log, LOG_ERROR, "reload_refused");
	log_str(&line, "msg", SPAN("the trial of the new program or settings "
				   "failed; the old workers go on"));
	log_str(&line, "program", span_of(r->exe));
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_str(&line, "said", text_trim(buf_span(&r->said)));
	log_end(&line);
}

enum trial reload_reaped(struct reload *r, pid_t pid, int status)
{
	bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (!r->pid || pid != r->pid)
		return TRIAL_NONE;
	read_said(r);
	close(r->fd);
	r->fd = -1;
	r->pid = 0;
	if (!passed)
		log_refusal(r, status);
	return passed ? TRIAL_PASSED : TRIAL_FAILED;
}

void reload_exec(struct reload *r, const struct crew *crew)
{
	if (!handover_give(crew)) {
		log_msg(r->log, LOG_ERROR, "reload_refused", "no memory");
		return;
	}
	/* Signals stay blocked: one that comes meanwhile waits for the new
	 * master instead of killing it. */
	execv(r->exe, r->argv);
	log_msg(r->log, LOG_ERROR, "reload_refused", "%s: %s; the old workers go on",
		r->exe, strerror(errno));
	handover_forget(crew);
}
