/*
 * test_master.c - the master with real processes: this program starts itself as
 * a server on a unix socket and looks at it from outside.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "home_help.h"
#include "toy_server.h"

struct server {
	char home[64], socket[96], flag[96];
	int listener;
	pid_t master;
};

static void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int dial(const struct server *s, char what)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, s->socket, strlen(s->socket));
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    write(fd, &what, 1) != 1) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* What comes until the end, at most wait_ms; empty: nothing. */
static void hear(int fd, int wait_ms, char out[64])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < 63 && poll(&p, 1, wait_ms) == 1) {
		n = read(fd, out + len, 63 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
}

/* The pid of the worker that answered, 0: nobody did in time. */
static pid_t ask(const struct server *s, int wait_ms)
{
	int fd = dial(s, '?');
	char out[64] = "";

	if (fd < 0)
		return 0;
	hear(fd, wait_ms, out);
	close(fd);
	return (pid_t)strtol(out, NULL, 10);
}

static void start(struct server *s, const char *workers, const char *max_requests,
		  const char *drain_ms)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char exe[4096] = "";

	*s = (struct server){ .home = "/tmp/test_master_XXXXXX" };
	if (!mkdtemp(s->home) || readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		abort();
	snprintf(s->socket, sizeof(s->socket), "%s/sock", s->home);
	snprintf(s->flag, sizeof(s->flag), "%s/flag", s->home);
	memcpy(addr.sun_path, s->socket, strlen(s->socket));
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(s->listener, 1024))
		abort();
	s->master = fork();
	if (s->master == 0) {
		/* Non-blocking, as wire makes it: several race to accept. */
		fcntl(s->listener, F_SETFL, O_NONBLOCK);
		dup2(s->listener, 0);
		setenv("TOY_CRASH", s->flag, 1);
		setenv("TOY_REFUSE", s->flag, 1);
		execl(exe, exe, "serve", s->home, workers, max_requests, drain_ms,
		      (char *)NULL);
		_exit(127);
	}
	check(ask(s, 3000) > 0);
}

/* The master's exit code once it has ended, -1: not within wait_ms. */
static int ended(struct server *s, int wait_ms)
{
	int64_t until = clock_mono_us() + wait_ms * 1000;
	int status;

	do {
		if (waitpid(s->master, &status, WNOHANG) == s->master) {
			s->master = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
		}
		sleep_ms(5);
	} while (clock_mono_us() < until);
	return -1;
}

static void end(struct server *s)
{
	static const char *const names[] = { "log/error.log", "log/access.log",
		"log", "sock", "flag" };

	if (s->master) {
		kill(s->master, SIGTERM);
		if (ended(s, 4000) < 0)
			kill(s->master, SIGKILL);
	}
	close(s->listener);
	home_remove(s->home, names, ARRAY_LEN(names));
}

/* Killed is not yet reaped. */
static bool gone(pid_t pid)
{
	for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
		sleep_ms(5);
	return kill(pid, 0) < 0;
}

static void raise_flag(const struct server *s, bool on)
{
	if (on)
		close(open(s->flag, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	else
		unlink(s->flag);
}

static void test_kill(void)
{
	struct server s;
	pid_t one, two;
	int64_t begun;

	start(&s, "1", "0", "1000");
	one = ask(&s, 1000);
	sleep_ms(1100);
	kill(one, SIGKILL);
	begun = clock_mono_us();
	two = ask(&s, 2000);
	check(two > 0 && two != one);
	check(clock_mono_us() - begun < 500000);
	/* It is young: the next has to wait a second, and not two. */
	kill(two, SIGKILL);
	begun = clock_mono_us();
	one = ask(&s, 3000);
	check(one > 0 && one != two);
	check(clock_mono_us() - begun > 700000);
	check(clock_mono_us() - begun < 1900000);
	end(&s);
}

static void test_watchdog(void)
{
	struct server s;
	pid_t one, two;

	start(&s, "1", "0", "1000");
	one = ask(&s, 1000);
	kill(one, SIGSTOP);
	two = ask(&s, 4000);
	check(two > 0 && two != one);
	check(gone(one));
	end(&s);
}

/* One worker, replaced every 20 requests: nobody ever waits. */
static void test_recycle(void)
{
	struct server s;
	pid_t last = 0, now;
	int changes = 0, failed = 0;

	start(&s, "1", "20", "1000");
	for (int i = 0; i < 1000; i++) {
		now = ask(&s, 1000);
		failed += now == 0;
		changes += now != last;
		last = now;
	}
	check_int(failed, 0);
	check(changes > 5);
	check(changes < 100);
	end(&s);
}

/* Told to end while it holds a connection, which is returned and hears nothing. */
static int start_draining(struct server *s, const char *drain_ms)
{
	char out[64];
	int fd;

	start(s, "2", "0", drain_ms);
	fd = dial(s, 'h');
	sleep_ms(100);
	kill(s->master, SIGTERM);
	hear(fd, 300, out);
	check_str(span_of(out), "");
	return fd;
}

static void is_cut(struct server *s, int fd)
{
	char out[64];

	hear(fd, 1000, out);
	check_str(span_of(out), "cut\n");
	check_int(ended(s, 1500), 0);
	close(fd);
	end(s);
}

static void test_drain(void)
{
	struct server s;
	int fd = start_draining(&s, "600");

	check_int(ended(&s, 100), -1);
	is_cut(&s, fd);
}

static void test_second_term(void)
{
	struct server s;
	int fd = start_draining(&s, "60000");

	kill(s.master, SIGINT);
	is_cut(&s, fd);
}

/* A worker that is stopped can not heed TERM; it must not outlive us. */
static void test_stop_stuck(void)
{
	struct server s;
	pid_t one;

	start(&s, "1", "0", "100");
	one = ask(&s, 1000);
	kill(one, SIGSTOP);
	kill(s.master, SIGTERM);
	check_int(ended(&s, 2100), 0);
	check(gone(one));
	end(&s);
}

static void test_reload(void)
{
	struct server s;
	char out[64];
	pid_t old, now = 0;
	int fd, failed = 0;

	start(&s, "1", "0", "2000");
	old = ask(&s, 1000);
	fd = dial(&s, 'h');
	sleep_ms(100);
	for (int i = 0; i < 300; i++) {
		if (i == 20 || i == 21 || i == 150)
			kill(s.master, SIGHUP);
		now = ask(&s, 1000);
		failed += now == 0;
		sleep_ms(5);
	}
	check_int(failed, 0);
	check(now != old);
	check_int(ended(&s, 0), -1);
	/* The held one belongs to a worker of the first generation. */
	hear(fd, 3000, out);
	check_str(span_of(out), "cut\n");
	sleep_ms(100);
	check(gone(old));
	close(fd);
	end(&s);
}

/* Refused: the old worker goes on, and later reloads still work. */
static void test_reload_refused(void)
{
	struct server s;
	pid_t old;

	start(&s, "1", "0", "1000");
	old = ask(&s, 1000);
	raise_flag(&s, true);
	kill(s.master, SIGHUP);
	sleep_ms(500);
	check_int(ask(&s, 1000), old);
	raise_flag(&s, false);
	kill(s.master, SIGHUP);
	sleep_ms(600);
	check(ask(&s, 1000) != old);
	end(&s);
}

/* The master is killed: its workers notice and end. They become our children
 * then, and end as ours. */
static void test_orphans(void)
{
	struct server s;
	pid_t one;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start(&s, "1", "0", "200");
	one = ask(&s, 1000);
	kill(s.master, SIGKILL);
	check_int(ended(&s, 1000), -2);
	sleep_ms(500);
	check_int(waitpid(one, NULL, WNOHANG), one);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	end(&s);
}

static void test_crash_at_start(void)
{
	struct server s;
	pid_t one;
	int64_t begun;

	start(&s, "2", "0", "200");
	raise_flag(&s, true);
	for (int i = 0; i < 2; i++) {
		one = ask(&s, 1000);
		if (one > 0)
			kill(one, SIGKILL);
		sleep_ms(50);
	}
	sleep_ms(1500);
	check_int(ended(&s, 0), -1);
	raise_flag(&s, false);
	begun = clock_mono_us();
	check(ask(&s, 8000) > 0);
	check(clock_mono_us() - begun < 4500000);
	end(&s);
}

int main(int argc, char *argv[])
{
	if (argc > 5 && strcmp(argv[1], "serve") == 0)
		return be_server(argv);
	signal(SIGPIPE, SIG_IGN);
	test_kill();
	test_watchdog();
	test_recycle();
	test_drain();
	test_second_term();
	test_stop_stuck();
	test_reload();
	test_reload_refused();
	test_orphans();
	test_crash_at_start();
	return test_end("test_master");
}
