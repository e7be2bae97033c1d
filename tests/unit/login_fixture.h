/*
 * login_fixture.h - a home directory with logins in it, and an OAuth issuer
 * in a process of its own, for the tests of shared/login.h.
 *
 * What the issuer counts and is told lies in memory that all processes share.
 */
#ifndef CHATMOCK_LOGIN_FIXTURE_H
#define CHATMOCK_LOGIN_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../shared/text.h"
#include "../../shared/clock.h"
#include "../../shared/login_file.h"
#include "test.h"

enum issuer_mode {
	ISSUER_ROTATE,		/* rt-N is good once and gives rt-N+1 */
	ISSUER_SCRIPT,		/* status and body as they stand in raw_ */
	ISSUER_HANG_UP,		/* no answer */
	ISSUER_LIMIT		/* 429 with Retry-After: 7 */
};

struct issuer {
	int port;
	pid_t pid;
	atomic_int mode, posts, reused, turn, delay_ms, life_s, kill_pid;
	int raw_status;
	char raw_body[8192];
	char swap_from[256], swap_to[256];	/* renamed before the answer */
	char head[4096], body[4096];		/* of the last question */
};

static inline void nap_ms(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* A token whose payload is claims; the caller frees it. */
static inline char *jwt(const char *claims)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_str(&b, "eyJhbGciOiJub25lIn0.");
	base64url_encode(span_of(claims), &b);
	buf_str(&b, ".c2ln");
	return buf_take(&b);
}

/* An access token that runs out in_s seconds from now. mark tells it apart. */
static inline char *access_token(int in_s, const char *mark)
{
	char claims[256];

	snprintf(claims, sizeof(claims), "{\"exp\":%lld,\"jti\":\"%s\"}",
		 (long long)time(NULL) + in_s, mark);
	return jwt(claims);
}

static inline void issuer_read(struct issuer *s, int fd)
{
	char text[8192];
	size_t len = 0, want = sizeof(text) - 1;
	char *end = NULL, *length;

	s->head[0] = s->body[0] = '\0';
	while (len < want) {
		ssize_t n = read(fd, text + len, want - len);

		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
		if (end || !(end = strstr(text, "\r\n\r\n")))
			continue;
		length = strcasestr(text, "content-length:");
		want = (size_t)(end + 4 - text) +
		       (length ? strtoul(length + 15, NULL, 10) : 0);
	}
	snprintf(s->head, sizeof(s->head), "%.*s", (int)(end - text), text);
	snprintf(s->body, sizeof(s->body), "%s", end + 4);
}

static inline void issuer_say(int fd, int status, const char *more,
			      const char *body)
{
	char text[16384];
	int n = snprintf(text, sizeof(text), "HTTP/1.1 %d Said\r\n%s"
			 "Content-Type: application/json\r\nConnection: close\r\n"
			 "Content-Length: %zu\r\n\r\n%s", status, more,
			 strlen(body), body);

	(void)!write(fd, text, (size_t)n);
}

static inline void issuer_rotate(struct issuer *s, int fd)
{
	char *token, mark[32], body[4096], want[64];
	int turn = atomic_load(&s->turn), victim;

	snprintf(want, sizeof(want), "\"refresh_token\":\"rt-%d\"", turn);
	if (!strstr(s->body, want)) {
		atomic_fetch_add(&s->reused, 1);
		issuer_say(fd, 401, "", "{\"error\":{\"code\":"
			   "\"refresh_token_reused\"}}");
		return;
	}
	atomic_store(&s->turn, ++turn);
	snprintf(mark, sizeof(mark), "turn %d", turn);
	token = access_token(atomic_load(&s->life_s), mark);
	snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"id_token\":"
		 "\"%s\",\"refresh_token\":\"rt-%d\"}", token, token, turn);
	free(token);
	victim = atomic_load(&s->kill_pid);
	if (victim > 0)
		kill(victim, SIGKILL);
	else
		issuer_say(fd, 200, "", body);
}

static inline void issuer_serve(struct issuer *s, int fd)
{
	issuer_read(s, fd);
	atomic_fetch_add(&s->posts, 1);
	nap_ms(atomic_load(&s->delay_ms));
	if (s->swap_from[0])
		(void)!rename(s->swap_from, s->swap_to);
	s->swap_from[0] = '\0';
	switch ((enum issuer_mode)atomic_load(&s->mode)) {
	case ISSUER_ROTATE:
		issuer_rotate(s, fd);
		break;
	case ISSUER_SCRIPT:
		issuer_say(fd, s->raw_status, "", s->raw_body);
		break;
	case ISSUER_LIMIT:
		issuer_say(fd, 429, "Retry-After: 7\r\n", "{}");
		break;
	case ISSUER_HANG_UP:
		break;
	}
	close(fd);
}

static inline struct issuer *issuer_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct issuer *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (s == MAP_FAILED || bind(fd, (void *)&at, len) < 0 ||
	    listen(fd, 256) < 0 || getsockname(fd, (void *)&at, &len) < 0) {
		perror("issuer");
		exit(1);
	}
	s->port = ntohs(at.sin_port);
	atomic_store(&s->life_s, 3600);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int peer = accept(fd, NULL, NULL);

			if (peer >= 0)
				issuer_serve(s, peer);
		}
	}
	s->pid = pid;		/* the memory is the child's, too */
	close(fd);
	return s;
}

static inline void issuer_stop(struct issuer *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s, sizeof(*s));
}

/* As at its beginning: rt-TURN is the token that is good. */
static inline void issuer_reset(struct issuer *s, int turn)
{
	atomic_store(&s->mode, ISSUER_ROTATE);
	atomic_store(&s->turn, turn);
	atomic_store(&s->posts, 0);
	atomic_store(&s->reused, 0);
	atomic_store(&s->delay_ms, 0);
	atomic_store(&s->life_s, 3600);
	atomic_store(&s->kill_pid, 0);
}

static inline void issuer_script(struct issuer *s, int status, const char *body)
{
	atomic_store(&s->mode, ISSUER_SCRIPT);
	atomic_store(&s->posts, 0);
	s->raw_status = status;
	snprintf(s->raw_body, sizeof(s->raw_body), "%s", body);
}

/* Files of this process may be so large: 64 is a full disk. */
static inline void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* A home of its own below /tmp, made $HOME, with settings that point there. */
struct place {
	char home[64], chatmock[80], auth[96], url[64];
	struct config c;
	struct http_settings http;
};

static inline void place_make(struct place *p, int port)
{
	*p = (struct place){ .home = "/tmp/chatmock-login-XXXXXX" };
	if (!mkdtemp(p->home)) {
		perror("mkdtemp");
		exit(1);
	}
	setenv("HOME", p->home, 1);
	snprintf(p->chatmock, sizeof(p->chatmock), "%s/.chatmock", p->home);
	snprintf(p->auth, sizeof(p->auth), "%s/auth.json", p->chatmock);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", port);
	mkdir(p->chatmock, 0700);
	p->c.home = "~/.chatmock";
	p->c.auth_issuer = p->url;
	p->c.oauth_client_id = "app_test";
	p->http.connect_timeout_ms = 5000;
	p->http.user_agent = "chatmock/test";
}

static inline void place_free(struct place *p)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", p->home, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static inline void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror(path);
	close(fd);
}

/* A login whose access token runs out in_s from now, with refresh token rt. */
static inline void put_login(const char *path, int in_s, const char *rt)
{
	char *token = access_token(in_s, rt), text[4096];

	snprintf(text, sizeof(text), "{\"auth_mode\":\"chatgpt\","
		 "\"OPENAI_API_KEY\":null,\"tokens\":{\"id_token\":\"i.e.s\","
		 "\"access_token\":\"%s\",\"refresh_token\":\"%s\","
		 "\"account_id\":\"acct-1\",\"login_owner_id\":7.50},"
		 "\"last_refresh\":\"2026-11-22T01:08:18.123456789Z\","
		 "\"x_unknown\":[1,{\"big\":18446744073709551615}]}", token, rt);
	put_file(path, text);
	free(token);
}

/* The whole of a small file; "" when it is not there. */
static inline char *slurp(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

#endif
