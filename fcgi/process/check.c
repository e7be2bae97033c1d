#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/http.h"
#include "../../shared/login.h"

#define MAX_UPSTREAM_KEY 8192

/* Beside two for each stream: loop, logs, sockets kept for the next one. */
#define SPARE_FDS 1000

struct findings {
	const struct config *config;
	struct buf *out;
	int status;
};

static void fault(struct findings *f, int status, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static void warning(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void finding(struct buf *out, const char *kind, const char *fmt,
		    va_list args) PRINTF_LIKE(3, 0);

static void finding(struct buf *out, const char *kind, const char *fmt,
		    va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, args);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	buf_fmt(out, "%s: %s\n", kind, line);
}

static void fault(struct findings *f, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding(f->out, "fault", fmt, args);
	va_end(args);
	if (!f->status)
		f->status = status;
}

static void warning(struct findings *f, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding(f->out, "warning", fmt, args);
	va_end(args);
}

/* Whoever reaches the FastCGI socket says what the client's address is. */
static void check_tcp(struct findings *f)
{
	char name[INET6_ADDRSTRLEN];

	if (check_reachable(name, sizeof(name)))
		fault(f, EX_CONFIG, "the FastCGI socket listens on %s, where others "
		      "can reach it; use a unix socket (spawn-fcgi -s), or -a "
		      "127.0.0.1", name);
}

static void check_socket(struct findings *f)
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
		warning(f, "any user of this machine can write to the socket %s; "
			"start spawn-fcgi with -M 0600 or -M 0660",
			addr.sun_path);
}

static void check_bind(struct findings *f)
{
	if (!config_is_loopback(f->config->bind))
		fault(f, EX_CONFIG, "CHATMOCK_BIND is %s, where others can reach it, "
		      "and there are no keys that would keep them out; set it to "
		      "127.0.0.1", f->config->bind);
}

/* By doing it: access(2) says yes to root on a file system that says no. */
static void check_home(struct findings *f)
{
	const char *home = f->config->home;
	struct err_note note = ERR_NOTE_INIT;
	struct buf path;
	struct stat st;
	int fd = -1;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/log", home);
	if (file_make_dir(path.ptr, &note) == ERR_OK) {
		buf_str(&path, "/error.log");
		fd = open(path.ptr, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			  O_NOFOLLOW, 0600);
		if (fd < 0)
			err_set(&note, ERR_SYSTEM, "%s: %s", path.ptr,
				strerror(errno));
	}
	if (fd < 0)
		fault(f, EX_CANTCREAT, "CHATMOCK_HOME %s can not be written (%s); "
		      "make it yours (chown, chmod 700) or set another", home,
		      note.why);
	else
		close(fd);
	buf_free(&path);
	if (stat(home, &st) == 0 && (st.st_mode & 0077))
		warning(f, "CHATMOCK_HOME %s is open to other users; chmod 700 it",
			home);
}

static void check_descriptors(struct findings *f)
{
	struct rlimit limit;
	uint64_t streams = (uint64_t)f->config->max_streams;
	uint64_t wanted = 2 * streams + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max >= wanted)
		return;
	warning(f, "the limit of %llu open files holds fewer than the %llu streams "
		"of CHATMOCK_MAX_STREAMS; raise it to %llu (ulimit -n, LimitNOFILE) "
		"or lower the setting",
		(unsigned long long)limit.rlim_max, (unsigned long long)streams,
		(unsigned long long)wanted);
}

static void check_upstream(struct findings *f)
{
	const struct config *c = f->config;
	struct err_note note = ERR_NOTE_INIT;
	struct buf key;
	int fd;

	if (!http_url_ok(c->responses_url, &note))
		fault(f, EX_CONFIG, "the upstream's URL %s: %s; mend "
		      "CHATMOCK_UPSTREAM_URL or CODEX__BASE_URL", c->responses_url,
		      note.tell[0] ? note.tell : note.why);
	if (c->ca_file) {
		fd = open(c->ca_file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fault(f, EX_NOINPUT, "the CA bundle %s: %s; mend "
			      "CODEX_CA_CERTIFICATE or SSL_CERT_FILE", c->ca_file,
			      strerror(errno));
		else
			close(fd);
	}
	buf_init(&key, MAX_UPSTREAM_KEY);
	err_clear(&note);
	if (config_upstream_key(c, &key, &note) != ERR_OK)
		fault(f, EX_NOINPUT, "%s", note.tell[0] ? note.tell : note.why);
	buf_wipe_free(&key);
}

static void check_login(struct findings *f)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };

	if (f->config->kind != KIND_CHATGPT)
		return;
	if (login_read(f->config, &login, &note) != ERR_OK)
		warning(f, "no request can be answered until there is a login: %s",
			note.tell[0] ? note.tell : note.why);
	login_free(&login);
}

int check_all(const struct config *c, struct buf *out)
{
	struct findings f = { .config = c, .out = out };

	for (size_t i = 0; i < c->warning_count; i++)
		warning(&f, "%s", c->warnings[i]);
	check_socket(&f);
	check_bind(&f);
	check_home(&f);
	check_descriptors(&f);
	check_upstream(&f);
	check_login(&f);
	if (geteuid() == 0)
		warning(&f, "runs as root; a user of its own would be better");
	return f.status;
}
