/*
 * test_cgi.c - plain CGI: each case is a child process with its own fd 0 and 1,
 * as a web server would start it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi_peer.h"
#include "test.h"

#define GONE 3		/* exit code: the client has gone */

/* --- the child */

static struct loop *loop;
static struct conn *streaming;
static size_t left;
static int exit_code;

static void write_more(void)
{
	static const char block[1024] = "block";

	while (left && !conn_full(streaming)) {
		buf_add(conn_body(streaming), block, sizeof(block));
		left -= sizeof(block);
	}
	conn_flush(streaming);
	if (!left)
		conn_end(streaming);
}

static void on_request(void *ctx, struct conn *conn, struct request *req)
{
	(void)ctx;
	if (strcmp(req->path, "/hold") != 0) {
		conn_begin(conn, 200);
		conn_header(conn, "Content-Type", "text/plain");
	}
	if (strcmp(req->path, "/stream") == 0) {
		streaming = conn;
		left = 4u << 20;
		write_more();
	} else if (strcmp(req->path, "/hold") != 0) {
		buf_fmt(conn_body(conn), "%s %s?%s %s %zu:%.5s:%s:%s", req->method,
			req->path, req->query, err_name(req->note.code),
			req->body.len, req->body.ptr,
			request_param(req, "SECRET") ? "leaked" : "",
			request_param(req, "HTTP_X_A"));
		conn_end(conn);
	}
	request_free(req);
}

static void on_gone(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn, (void)user;
	exit_code = GONE;
}

static void on_drained(void *ctx, struct conn *conn, void *user)
{
	(void)ctx, (void)conn, (void)user;
	write_more();
}

static void on_done(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static int child(const char *path, const char *length)
{
	static const struct wire_handler handler = {
		.request = on_request, .gone = on_gone, .drained = on_drained,
	};
	char uri[64], len[64];
	char *env[] = { (char[]){ "SECRET=x" }, (char[]){ "REQUEST_METHOD=POST" },
			(char[]){ "HTTP_X_A=a" }, (char[]){ "FUNC=() {\n}" }, uri, len,
			NULL };

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", path);
	snprintf(len, sizeof(len), "CONTENT_LENGTH=%s", length);
	loop = loop_new();
	if (!loop || !wire_cgi(loop, env, &handler, NULL, on_done))
		return 8;
	loop_run(loop);
	loop_free(loop);
	return exit_code;
}

/* Starts the child with these as fd 0 and fd 1, which are closed here. */
static pid_t start(const char *path, const char *length, int in, int out)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(in, 0);
		dup2(out, 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		exit(child(path, length));	/* so that leaks are looked for */
	}
	close(in);
	close(out);
	return pid;
}

static int ended(pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 5000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -2;
}

/* --- the web server's end */

static void read_all(int fd, struct buf *b)
{
	char chunk[3000];
	ssize_t n;

	buf_init(b, 16u << 20);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(b, chunk, (size_t)n);
	close(fd);
}

#define HEAD "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"

/* The body in two pieces through a pipe, which is closed after. */
static void test_pipes(void)
{
	static const struct { const char *length, *body, *want; } cases[] = {
		{ "0", "", HEAD "POST /a?b ok 0:::a" },
		{ "", "hello", HEAD "POST /a?b ok 0:::a" },
		{ "5", "hello", HEAD "POST /a?b ok 5:hello::a" },
		{ "5", "hello world", HEAD "POST /a?b ok 5:hello::a" },
		{ "6", "hello", HEAD "POST /a?b bad_length 5:hello::a" },
		{ "x", "hello", HEAD "POST /a?b bad_length 0:::a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].body);
		struct buf b;
		int in[2], out[2];
		pid_t pid;

		if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
			abort();
		pid = start("/a?b", cases[i].length, in[0], out[1]);
		(void)!write(in[1], cases[i].body, len / 2);
		usleep(10000);
		(void)!write(in[1], cases[i].body + len / 2, len - len / 2);
		close(in[1]);
		read_all(out[0], &b);
		check_str(buf_span(&b), cases[i].want);
		check_int(ended(pid), 0);
		buf_free(&b);
	}
}

static int temp_file(void)
{
	char path[] = "/tmp/cgi.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	unlink(path);
	return fd;
}

/* epoll takes no files: they are read and written in steps. */
static void test_files(void)
{
	static char body[300000] = "hello";
	int in = temp_file(), out = temp_file();
	int keep = dup(out);
	struct buf b;

	(void)!write(in, body, sizeof(body));
	lseek(in, 0, SEEK_SET);
	check_int(ended(start("/a?b", "300000", in, out)), 0);
	lseek(keep, 0, SEEK_SET);
	read_all(keep, &b);
	check_str(buf_span(&b), HEAD "POST /a?b ok 300000:hello::a");
	buf_free(&b);

	out = temp_file();
	keep = dup(out);
	check_int(ended(start("/a?b", "5", open("/dev/null", O_RDONLY), out)), 0);
	lseek(keep, 0, SEEK_SET);
	read_all(keep, &b);
	check_str(buf_span(&b), HEAD "POST /a?b bad_length 0:::a");
	buf_free(&b);
}

/* More than a pipe holds, read slowly; and over a socket. */
static void test_large_answer(void)
{
	for (int i = 0; i < 2; i++) {
		struct buf b;
		int out[2];
		pid_t pid;

		if ((i ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out)
		       : pipe2(out, O_CLOEXEC)) < 0)
			abort();
		pid = start("/stream", "0", open("/dev/null", O_RDONLY), out[1]);
		usleep(50000);
		read_all(out[0], &b);
		check_int((int64_t)b.len, (4 << 20) + (int64_t)strlen(HEAD));
		check_int(ended(pid), 0);
		buf_free(&b);
	}
}

/* Nobody reads any more: seen while the answer is awaited, and in its midst. */
static void test_gone(void)
{
	for (int i = 0; i < 4; i++) {
		int out[2];
		pid_t pid;

		if ((i % 2 ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out)
			   : pipe2(out, O_CLOEXEC)) < 0)
			abort();
		pid = start(i / 2 ? "/stream" : "/hold", "0",
			    open("/dev/null", O_RDONLY), out[1]);
		usleep(30000u * (unsigned)slowness());
		close(out[0]);
		check_int(ended(pid), GONE);
	}
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);	/* a child may leave its input unread */
	test_pipes();
	test_files();
	test_large_answer();
	test_gone();
	return test_end("test_cgi");
}
