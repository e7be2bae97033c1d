/* main.c - options, signals and sockets of the test upstream. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/text.h"
#include "upstream.h"

#define BACKLOG		16384
#define ACCEPTS_A_TURN	256

static const char usage[] =
"usage: chatmock-demo-upstream [--demo | --bench] [options]\n"
"\n"
"Plays a Responses API upstream on 127.0.0.1. Without a mode it answers as\n"
"tests script it (tests/tools/README.md).\n"
"\n"
"  --demo            a short canned answer that says it is a demo\n"
"  --bench           numbered, timed events: --events N --interval MS --delay MS\n"
"  --kind KIND       checks requests as chatgpt (default) or responses would\n"
"  --lax             checks nothing\n"
"  --key KEY         wants Authorization: Bearer KEY\n"
"  --port N          0 (default): any; the first line printed says which\n"
"  --unix PATH       listens there, too\n"
"  --stay            outlives its parent\n";

enum {
	DEMO = 256, BENCH, KIND, LAX, KEY, PORT, UNIX_PATH, STAY, EVENTS, INTERVAL,
	DELAY, HELP
};

static const struct option options[] = {
	{ "demo", no_argument, NULL, DEMO }, { "bench", no_argument, NULL, BENCH },
	{ "kind", required_argument, NULL, KIND }, { "lax", no_argument, NULL, LAX },
	{ "key", required_argument, NULL, KEY },
	{ "port", required_argument, NULL, PORT },
	{ "unix", required_argument, NULL, UNIX_PATH },
	{ "stay", no_argument, NULL, STAY },
	{ "events", required_argument, NULL, EVENTS },
	{ "interval", required_argument, NULL, INTERVAL },
	{ "interval-ms", required_argument, NULL, INTERVAL },
	{ "delay", required_argument, NULL, DELAY },
	{ "delay-ms", required_argument, NULL, DELAY },
	{ "help", no_argument, NULL, HELP }, { NULL, 0, NULL, 0 },
};

static double number(const char *text)
{
	double d;

	if (!text_double(span_of(text), &d) || d < 0 || d > 1e9) {
		fprintf(stderr, "chatmock-demo-upstream: '%s' is no number\n", text);
		exit(64);
	}
	return d;
}

static enum kind kind(const char *text)
{
	if (strcmp(text, "chatgpt") == 0)
		return KIND_CHATGPT;
	if (strcmp(text, "responses") == 0)
		return KIND_RESPONSES;
	fprintf(stderr, "chatmock-demo-upstream: no kind '%s'\n", text);
	exit(64);
}

static void read_options(struct options *o, int argc, char **argv)
{
	int got;

	*o = (struct options){ .events = 10, .interval_us = 10000 };
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (got) {
		case DEMO: o->mode = MODE_DEMO; break;
		case BENCH: o->mode = MODE_BENCH; break;
		case KIND:
			o->kind = kind(optarg);
			break;
		case LAX: o->lax = true; break;
		case KEY: o->key = optarg; break;
		case PORT: o->port = (int)number(optarg); break;
		case UNIX_PATH: o->unix_path = optarg; break;
		case STAY: o->stay = true; break;
		case EVENTS: o->events = (long)number(optarg); break;
		case INTERVAL: o->interval_us = (int64_t)(number(optarg) * 1000); break;
		case DELAY: o->delay_us = (int64_t)(number(optarg) * 1000); break;
		case HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(64);
		}
	}
}

/* --- sockets --- */

static void accept_all(struct server *srv, int listener)
{
	int fd, i;

	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		conn_accepted(srv, fd);
	}
}

static void on_tcp(struct loop_fd *f, uint32_t events)
{
	(void)events;
	accept_all(CONTAINER_OF(f, struct server, tcp), f->fd);
}

static void on_local(struct loop_fd *f, uint32_t events)
{
	(void)events;
	accept_all(CONTAINER_OF(f, struct server, local), f->fd);
}

static void listen_at(struct server *srv, struct loop_fd *f,
		      const struct sockaddr *addr, socklen_t len)
{
	int on = 1;

	f->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd >= 0)
		setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (f->fd < 0 || bind(f->fd, addr, len) < 0 || listen(f->fd, BACKLOG) < 0 ||
	    !loop_fd_add(srv->loop, f, EPOLLIN)) {
		perror("chatmock-demo-upstream: listen");
		exit(69);
	}
}

static void listen_tcp(struct server *srv)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)srv->opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(in);

	srv->tcp.fn = on_tcp;
	listen_at(srv, &srv->tcp, (struct sockaddr *)&in, len);
	getsockname(srv->tcp.fd, (struct sockaddr *)&in, &len);
	printf("listening on http://127.0.0.1:%d\n", ntohs(in.sin_port));
	fflush(stdout);
}

static void listen_unix(struct server *srv)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!text_copy(un.sun_path, sizeof(un.sun_path), span_of(srv->opt.unix_path))) {
		fputs("chatmock-demo-upstream: the path is too long\n", stderr);
		exit(64);
	}
	unlink(un.sun_path);
	srv->local.fn = on_local;
	listen_at(srv, &srv->local, (struct sockaddr *)&un, sizeof(un));
}

/* --- signals --- */

static void print_stats(const struct server *srv)
{
	struct json_object *v = records_stats(srv);
	struct buf b;

	buf_init(&b, 10000);
	json_write(&b, v);
	fprintf(stderr, "%s\n", b.ptr);
	buf_free(&b);
	json_object_put(v);
}

static void on_signal(struct loop_fd *f, uint32_t events)
{
	struct server *srv = CONTAINER_OF(f, struct server, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(f->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			print_stats(srv);
		else
			loop_stop(srv->loop);
	}
}

static void catch_signals(struct server *srv)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	srv->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	srv->signals.fn = on_signal;
	loop_fd_add(srv->loop, &srv->signals, EPOLLIN);
}

/* A test that was killed leaves nothing behind. */
static void follow_parent(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(0);
}

static void raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* --- life --- */

static void on_bury(struct loop_timer *t)
{
	conn_bury(CONTAINER_OF(t, struct server, bury));
}

static void clean_up(struct server *srv)
{
	while (srv->conns)
		conn_kill(srv->conns);
	loop_timer_cancel(srv->loop, &srv->bury);
	conn_bury(srv);
	script_clear(srv);
	json_object_put(srv->queue);
	json_object_put(srv->keyed);
	json_object_put(srv->token_queue);
	json_object_put(srv->tokens_used);
	json_object_put(srv->records);
	json_reader_free(srv->reader);
	if (srv->opt.unix_path)
		unlink(srv->opt.unix_path);
	loop_free(srv->loop);
}

int main(int argc, char **argv)
{
	static struct server srv;	/* its ring of aborts is no stack's thing */

	read_options(&srv.opt, argc, argv);
	if (!srv.opt.stay)
		follow_parent();
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	srv.loop = loop_new();
	srv.reader = json_reader_new();
	if (!srv.loop || !srv.reader)
		return 71;
	srv.bury.fn = on_bury;
	srv.records = json_object_new_array();
	srv.queue = json_object_new_array();
	srv.keyed = json_object_new_array();
	srv.token_queue = json_object_new_array();
	srv.tokens_used = json_object_new_object();
	catch_signals(&srv);
	if (srv.opt.unix_path)
		listen_unix(&srv);
	listen_tcp(&srv);
	if (loop_run(srv.loop) < 0)
		perror("chatmock-demo-upstream");
	clean_up(&srv);
	return 0;
}
