/*
 * ops_start.c - from nothing, or from what an earlier keeper left, to a
 * gateway that answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/text.h"
#include "../keep/keeper.h"
#include "../keep/orphans.h"
#include "../keep/wish.h"
#include "ops.h"

#define READY_US 60000000	/* under a debugger, on a slow machine */
#define ORPHANS_US 5000000	/* for streams of a gateway without a keeper */
#define KILL_US 5000000
#define PAUSE_US 50000

extern char **environ;

/* --- what is in the way */

static bool wait_orphans(const char *home, int sig, int64_t us)
{
	int64_t until = clock_mono_us() + us;

	orphans_signal(home, sig);
	while (!orphans_none(home)) {
		if (clock_mono_us() >= until)
			return false;
		usleep(PAUSE_US);
		if (sig == SIGKILL)
			orphans_signal(home, sig);
	}
	return true;
}

static int clean_up(struct cli *cli)
{
	const char *home = cli->config.home;
	bool gone;

	if (orphans_none(home))
		return 0;
	cli_warn(cli, "ending what an earlier gateway left behind");
	cli_progress(cli, "waiting for its streams");
	gone = wait_orphans(home, SIGTERM, ORPHANS_US) ||
	       wait_orphans(home, SIGKILL, KILL_US);
	cli_progress_end(cli);
	return gone ? 0 : cli_fail(cli, EX_TEMPFAIL, "a process that is not to be "
				   "known as ours holds %s/run/lock", home);
}

/* --- which programs: what was made last, be it here or by an update */

static bool newer_here(const struct cli *cli, const char *link)
{
	struct stat file, chosen;
	struct place path;

	if (lstat(link, &chosen) || stat(link, &file))
		return true;
	if (stat(place_in(&path, cli->bin, "chatmock.fcgi"), &file))
		return false;
	return file.st_mtim.tv_sec > chosen.st_mtim.tv_sec ||
	       (file.st_mtim.tv_sec == chosen.st_mtim.tv_sec &&
		file.st_mtim.tv_nsec > chosen.st_mtim.tv_nsec);
}

static bool is_update(const struct cli *cli, const char *link)
{
	struct place builds;
	char target[PLACE_SIZE];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	place_in(&builds, cli->config.home, "builds/");
	return strncmp(target, builds.s, strlen(builds.s)) == 0;
}

static int choose_programs(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	struct place link;

	place_in(&link, cli->config.home, "run/programs");
	if (is_update(cli, link.s) && !newer_here(cli, link.s))
		return 0;
	return place_link(link.s, cli->bin, &note) ?
		cli_fail(cli, EX_CANTCREAT, "%s", note.why) : 0;
}

static int prepare(struct cli *cli)
{
	const char *home = cli->config.home;
	struct place path;
	int status = clean_up(cli);

	if (!status)
		status = choose_programs(cli);
	if (status)
		return status;
	unlink(place_in(&path, home, "run/chatmock.sock"));
	unlink(place_in(&path, home, "run/health.sock"));
	state_forget(home);
	place_in(&path, home, "run/programs/chatmock.fcgi");
	return ops_check(cli, path.s, "--before-start");
}

/* Where Debian puts web servers; a crontab has not even /usr/sbin. */
static void widen_path(void)
{
	const char *path = getenv("PATH");
	char wide[8192];

	snprintf(wide, sizeof(wide), "%s:/usr/local/bin:/usr/bin:/bin:"
		 "/usr/local/sbin:/usr/sbin:/sbin", path ? path : "/usr/bin");
	setenv("PATH", wide, 1);
}

/* --- the keeper */

static void be_keeper(const struct cli *cli)
{
	char name[] = "chatmock", keep[] = "keep", *argv[] = { name, keep, NULL };
	struct place log, program;
	int in = open("/dev/null", O_RDWR | O_CLOEXEC), out;

	setsid();
	out = open(place_in(&log, cli->config.home, "run/start.log"),
		   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (dup2(in, 0) < 0 || dup2(out < 0 ? in : out, 1) < 0 || dup2(1, 2) < 0)
		_exit(EX_OSERR);
	execv(place_in(&program, cli->config.home, "run/programs/chatmock"), argv);
	dprintf(2, "chatmock: %s: %s\n", program.s, strerror(errno));
	_exit(EX_NOINPUT);
}

/* The last line that a part said, without our name. */
static void last_words(const struct cli *cli, struct buf *out)
{
	struct err_note note = ERR_NOTE_INIT;
	struct span rest, line, last = SPAN("it did not say why");
	struct place path;
	struct buf text;

	buf_init(&text, 1u << 20);
	if (!file_read(place_in(&path, cli->config.home, "run/start.log"), &text,
		       NULL, &note)) {
		rest = buf_span(&text);
		while (text_next(&rest, '\n', &line))
			last = line;
	}
	if (span_starts(last, "chatmock: ")) {
		last.ptr += 10;
		last.len -= 10;
	}
	cli_safe(out, last);
	buf_free(&text);
}

static int tell_failure(struct cli *cli, int status)
{
	struct buf words;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;

	buf_init(&words, 4096);
	last_words(cli, &words);
	code = cli_fail(cli, code ? code : EX_SOFTWARE, "it did not start: %s; see "
			"%s/run/start.log and %s/log/error.log", words.ptr,
			cli->config.home, cli->config.home);
	buf_free(&words);
	return code;
}

bool ops_answers(struct cli *cli, pid_t keeper)
{
	struct state state;
	int status;

	if (!state_read(cli->config.home, &state) || state.keeper.pid != keeper ||
	    ops_get(cli, "/health/live", 1000, NULL) != 200)
		return false;
	status = ops_get(cli, "/", 1000, NULL);
	return status > 0 && status < 500;	/* 401: it wants a key */
}

static int wait_ready(struct cli *cli, pid_t keeper)
{
	int64_t until = clock_mono_us() + READY_US;
	int status = 0;

	do {
		if (waitpid(keeper, &status, WNOHANG) == keeper)
			return tell_failure(cli, status);
		if (ops_answers(cli, keeper)) {
			kill(keeper, SIGUSR2);	/* our child, not reaped */
			return 0;
		}
		usleep(PAUSE_US);
	} while (clock_mono_us() < until);
	kill(keeper, SIGTERM);
	waitpid(keeper, &status, 0);
	return cli_fail(cli, EX_SOFTWARE, "it did not answer within %d s; see "
			"%s/log/error.log", (int)(READY_US / 1000000),
			cli->config.home);
}

static int begin(struct cli *cli)
{
	widen_path();
	cli->environ_ = environ;
	return prepare(cli);
}

int ops_start(struct cli *cli)
{
	struct err_note note = ERR_NOTE_INIT;
	int status = begin(cli);
	pid_t pid;

	if (status)
		return status;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		be_keeper(cli);
	if (pid < 0)
		return cli_fail(cli, EX_OSERR, "fork: %s", strerror(errno));
	cli_progress(cli, "starting");
	status = wait_ready(cli, pid);
	cli_progress_end(cli);
	if (!status && wish_write(cli->config.home, environ, &note))
		cli_warn(cli, "ensure and restart will not know the settings of "
			 "this environment: %s", note.why);
	return status;
}

int ops_start_here(struct cli *cli, int *lock)
{
	int status = begin(cli);

	if (status)
		return status;
	/* its own locks say from here on that it runs */
	close(*lock);
	*lock = -1;
	return keeper_run(KEEPER_FOREGROUND);
}
