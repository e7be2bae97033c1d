/*
 * run.c - our other programs, and what they say.
 */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

bool cli_program(const struct cli *cli, const char *name, char *out, size_t size)
{
	return snprintf(out, size, "%s/%s", cli->bin, name) < (int)size &&
		access(out, X_OK) == 0;
}

/* Reads what there is; false: its end. */
static bool take(int fd, struct buf *out)
{
	char *room = buf_room(out, 4096), spare[4096];
	ssize_t n = read(fd, room ? room : spare, 4096);

	if (n < 0)
		return errno == EINTR;
	if (room)
		buf_wrote(out, (size_t)n);
	return n > 0;
}

/* Both at once: a program that fills one pipe while we read the other waits
 * for ever. */
static void listen_to(int fds[2], struct buf *to[2])
{
	struct pollfd polls[2] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 } };

	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++)
			if (polls[i].fd >= 0 && polls[i].revents &&
			    !take(fds[i], to[i]))
				polls[i].fd = -1;
	}
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
		128 + WTERMSIG(status);
}

static int start(char *const argv[], char *const environ_[],
		 int pipes[2][2], struct buf *to[2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int code;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; i < 2; i++)
		if (to[i])
			posix_spawn_file_actions_adddup2(&actions, pipes[i][1],
							 i + 1);
	code = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ_);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return code;
}

static int run_piped(char *const argv[], char *const environ_[],
		     struct buf *to[2])
{
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } }, code = 0, status;
	int reads[2];
	pid_t pid;

	for (int i = 0; i < 2 && !code; i++)
		if (to[i] && pipe2(pipes[i], O_CLOEXEC))
			code = errno;
	if (!code)
		code = start(argv, environ_, pipes, to, &pid);
	for (int i = 0; i < 2; i++) {
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
		reads[i] = pipes[i][0];
	}
	if (!code)
		listen_to(reads, to);
	for (int i = 0; i < 2; i++)
		if (reads[i] >= 0)
			close(reads[i]);
	if (code) {
		errno = code;
		return -1;
	}
	status = wait_for(pid);
	return status;
}

/* environ with the strings of --set and --config in front, as the programs
 * know them: names of settings are not looked at twice. */
static char **whole_environ(struct cli *cli, char *config, size_t size)
{
	const char *file = cli_value(cli, "config");
	size_t n = 0, at = 0;
	char **all;

	while (cli->environ_[n])
		n++;
	all = calloc(n + 2, sizeof(*all));
	if (!all)
		return NULL;
	if (file && snprintf(config, size, "CHATMOCK_CONFIG=%s", file) < (int)size)
		all[at++] = config;
	for (size_t i = 0; i < n; i++)
		if (!file || strncmp(cli->environ_[i], "CHATMOCK_CONFIG=", 16) != 0)
			all[at++] = cli->environ_[i];
	return all;
}

/* argv, then --set and what was given there. */
static char **whole_argv(struct cli *cli, char *const argv[])
{
	static char set[] = "--set";
	size_t n = 0, at;
	char **all;

	while (argv[n])
		n++;
	all = calloc(n + 2 * cli->set_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, argv, n * sizeof(*all));
	at = n;
	for (size_t i = 0; i < cli->set_count; i++) {
		all[at++] = set;
		all[at++] = (char *)(uintptr_t)cli->sets[i];
	}
	return all;
}

int cli_run(struct cli *cli, char *const argv[], struct buf *out,
	    struct buf *err)
{
	struct buf *to[2] = { out, err };
	char config[4096 + 32], **env, **args;
	int status = -1;

	fflush(stdout);
	env = whole_environ(cli, config, sizeof(config));
	args = whole_argv(cli, argv);
	errno = ENOMEM;
	if (env && args)
		status = run_piped(args, env, to);
	if (status < 0)
		status = cli_fail(cli, EX_UNAVAILABLE, "%s does not start: %s",
				  argv[0], strerror(errno));
	free(env);
	free(args);
	return status;
}
