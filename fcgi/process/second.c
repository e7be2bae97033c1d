/* See second.h. */
#include "second.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/text.h"

#define VARIABLE "CHATMOCK_SECOND_SOCKET"
#define BACKLOG 1024

/* The file at which fd listens; "": none. */
static void path_of(int fd, char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1])
{
	struct sockaddr_un addr = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	size_t size = sizeof(addr.sun_path);

	path[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&addr, &len) ||
	    addr.sun_family != AF_UNIX || len <= offsetof(struct sockaddr_un, sun_path))
		return;
	memcpy(path, addr.sun_path, size);
	path[size] = '\0';
}

static bool listens(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

/* Rights and group of fd 0's file. */
static void take_rights(const char *path)
{
	char other[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct stat st;

	path_of(0, other);
	if (other[0] != '/' || stat(other, &st) || !S_ISSOCK(st.st_mode)) {
		(void)chmod(path, 0600);
		return;
	}
	/* who may not give it to the group keeps it to itself */
	if (chown(path, (uid_t)-1, st.st_gid))
		st.st_mode &= ~(mode_t)070;
	(void)chmod(path, st.st_mode & 0777);
}

/* Does somebody serve there? */
static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return false;
	alive = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

static int bind_at(const char *path, struct err_note *note)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (!text_copy(addr.sun_path, sizeof(addr.sun_path), span_of(path))) {
		err_set(note, ERR_SYSTEM, "its path is too long");
		return -1;
	}
	if (is_alive(&addr)) {
		err_set(note, ERR_SYSTEM, "another program serves there");
		return -1;
	}
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, BACKLOG)) {
		err_set(note, ERR_SYSTEM, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	take_rights(path);
	return fd;
}

static char *make_path(const struct config *c, const char *name,
		       struct err_note *note)
{
	struct buf path;
	char *text;

	buf_init(&path, 8192);
	buf_fmt(&path, "%s/run", c->home);
	if (buf_err(&path) || file_make_dir(path.ptr, note))
		err_set(note, ERR_SYSTEM, "its directory");
	buf_fmt(&path, "/%s", name);
	text = buf_take(&path);
	buf_free(&path);
	return text;
}

void second_open(struct second *s, const struct config *c, const char *name,
		 int inherited, struct log *log)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct err_note note = ERR_NOTE_INIT;

	*s = (struct second){ .fd = -1 };
	if (name)
		s->path = make_path(c, name, &note);
	if (inherited >= 0) {
		path_of(inherited, path);
		if (s->path && strcmp(path, s->path) == 0)
			s->fd = inherited;
		else
			close(inherited);
	}
	if (!name || s->fd >= 0)
		return;
	if (!note.code && s->path)
		s->fd = bind_at(s->path, &note);
	if (s->fd < 0)
		log_msg(log, LOG_WARN, "websocket", "no WebSockets: %s: %s",
			s->path ? s->path : name, note.why);
}

void second_retire(struct second *s)
{
	if (s->fd >= 0 && s->path)
		(void)unlink(s->path);
	free(s->path);
	s->path = NULL;
}

void second_free(struct second *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	free(s->path);
	s->path = NULL;
}

bool second_give(int fd)
{
	char text[16];

	if (fd < 0)
		return true;
	snprintf(text, sizeof(text), "%d", fd);
	return setenv(VARIABLE, text, 1) == 0 && fcntl(fd, F_SETFD, 0) == 0;
}

void second_forget(int fd)
{
	unsetenv(VARIABLE);
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int second_take(void)
{
	const char *value = getenv(VARIABLE);
	int64_t fd = -1;

	if (value && (!text_int(span_of(value), &fd) || fd < 3 || fd > INT32_MAX ||
		      !listens((int)fd)))
		fd = -1;
	unsetenv(VARIABLE);
	if (fd >= 0)
		(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}
