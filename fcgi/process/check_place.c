/*
 * check_place.c - sockets, ports, limits, the clock, the user: where we are
 * started, and by whom.
 */
#include "check_private.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "start.h"

/* Beside two for each stream: loop, logs, sockets kept for the next one. */
#define SPARE_FDS 1000
#define LEAST_FDS 64
/* Certificates and tokens are older than this program: 2026-11-01. */
#define BUILT_AT_S 1793491200

/* Whoever reaches the FastCGI socket says what the client's address is. */
static void check_tcp(struct findings *f)
{
	char name[INET6_ADDRSTRLEN];

	if (!check_reachable(name, sizeof(name)))
		return;
	if (check_keys_in_force(f->config))
		check_warn(f, "the FastCGI socket listens on %s, where others can "
			   "reach it, and what goes there is not encrypted, keys too; "
			   "better use a unix socket (spawn-fcgi -s)", name);
	else
		check_fault(f, EX_CONFIG, "the FastCGI socket listens on %s, where "
			    "others can reach it, and there is no key in force that "
			    "they would need; use a unix socket (spawn-fcgi -s), or "
			    "-a 127.0.0.1", name);
}

void check_socket(struct findings *f)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr) - 1;	/* the path keeps its NUL */
	struct stat st;

	if (!check_listens())
		return;
	check_tcp(f);
	if (getsockname(0, (struct sockaddr *)&addr, &len) ||
	    addr.sun_family != AF_UNIX || !addr.sun_path[0])
		return;
	if (stat(addr.sun_path, &st) == 0 && (st.st_mode & 0002))
		check_warn(f, "any user of this machine can write to the socket %s; "
			   "start spawn-fcgi with -M 0600 or -M 0660",
			   addr.sun_path);
}

/* Is somebody there who takes connections? */
static bool answers(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool there;

	there = fd >= 0 && (!connect(fd, (const struct sockaddr *)addr,
				     sizeof(*addr)) || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return there;
}

static void check_one_path(struct findings *f, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	char path[4200];
	int len = snprintf(path, sizeof(path), "%s/run/%s", f->config->home, name);

	if (len >= (int)sizeof(addr.sun_path)) {
		check_fault(f, EX_CONFIG, "the socket's path %.300s has %d bytes, and "
			    "the system takes %zu; set a shorter CHATMOCK_HOME",
			    path, len, sizeof(addr.sun_path) - 1);
		return;
	}
	text_copy(addr.sun_path, sizeof(addr.sun_path), span_of(path));
	if (lstat(path, &st))
		return;
	if (!S_ISSOCK(st.st_mode))
		check_fault(f, EX_CANTCREAT, "%s is no socket, and one is to be made "
			    "there; move it away", path);
	else if (!answers(&addr))
		check_warn(f, "nobody listens at %s any more: what served there has "
			   "died; remove it if spawn-fcgi does not", path);
	else if (f->starting)
		check_fault(f, EX_UNAVAILABLE, "a gateway serves at %s already; stop "
			    "it first", path);
}

/* Where spawn-fcgi will make the socket; behind one it has been made. */
void check_socket_path(struct findings *f)
{
	struct stat st;
	char run[4200];

	if (check_listens() || f->config->home[0] != '/')
		return;
	snprintf(run, sizeof(run), "%s/run", f->config->home);
	if (stat(run, &st) == 0 && !S_ISDIR(st.st_mode)) {
		check_fault(f, EX_CANTCREAT, "%s is to be the sockets' directory, and "
			    "is none; move it away", run);
		return;
	}
	check_one_path(f, "chatmock.sock");
	check_one_path(f, "health.sock");
}

void check_port(struct findings *f)
{
	const struct config *c = f->config;
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port),
	};
	int fd, on = 1;

	if (inet_pton(AF_INET, c->bind, &in.sin_addr) != 1)
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		;
	else if (errno == EADDRINUSE)
		check_fault(f, EX_UNAVAILABLE, "port %lld on %s is in use; stop who "
			    "has it, or set CHATMOCK_PORT", (long long)c->port,
			    c->bind);
	else
		check_fault(f, check_code(errno, EX_UNAVAILABLE), "port %lld on %s "
			    "can not be had (%s); set CHATMOCK_PORT (above 1023 for "
			    "who is not root)", (long long)c->port, c->bind,
			    strerror(errno));
	close(fd);
}

static bool is_installed(const char *name)
{
	static const char more[] = "/usr/local/sbin:/usr/sbin:/sbin";
	const char *path = getenv("PATH");
	struct span lists[] = { span_of(path), path ? span_of(more) : span_of("") };
	struct span dir;
	char full[4200];

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		while (text_next(&lists[i], ':', &dir)) {
			snprintf(full, sizeof(full), "%.*s/%s", (int)dir.len,
				 dir.ptr, name);
			if (access(full, X_OK) == 0)
				return true;
		}
	return false;
}

void check_programs(struct findings *f)
{
	static const char *const webs[] = { "lighttpd", "nginx", "apache2" };
	const char *const names[] = {
		"spawn-fcgi",
		webs[(size_t)f->config->web_server % ARRAY_LEN(webs)],
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!is_installed(names[i]))
			check_fault(f, EX_UNAVAILABLE, "%s is not installed; apt-get "
				    "install %s", names[i], names[i]);
}

void check_descriptors(struct findings *f)
{
	struct rlimit limit;
	uint64_t streams = (uint64_t)f->config->max_streams;
	uint64_t wanted = 2 * streams + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max >= wanted)
		return;
	if (limit.rlim_max < LEAST_FDS)
		check_fault(f, EX_OSERR, "the limit of %llu open files is too low for "
			    "a worker to serve anybody; raise it to %llu (ulimit -n, "
			    "LimitNOFILE)", (unsigned long long)limit.rlim_max,
			    (unsigned long long)wanted);
	else
		check_warn(f, "the limit of %llu open files holds fewer than the %llu "
			   "streams of CHATMOCK_MAX_STREAMS; raise it to %llu (ulimit "
			   "-n, LimitNOFILE), or lower the setting",
			   (unsigned long long)limit.rlim_max,
			   (unsigned long long)streams, (unsigned long long)wanted);
}

void check_clock(struct findings *f)
{
	int64_t now_s = clock_wall_us() / 1000000;
	char at[32];

	if (now_s >= BUILT_AT_S)
		return;
	clock_rfc3339(at, now_s * 1000000);
	check_warn(f, "the clock says %.19sZ, which is before this program was made: "
		   "certificates and logins will seem not to be valid yet; set it",
		   at);
}

void check_user(struct findings *f)
{
	if (geteuid() == 0)
		check_warn(f, "runs as root; a user of its own would be better");
}
