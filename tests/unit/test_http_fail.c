/*
 * test_http_fail.c - URLs that are refused, and what goes wrong on the way to
 * upstream: names, ports, time limits, certificates.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "http_client.h"
#include "http_server.h"
#include "test.h"

extern char **environ;

/*
 * In place of libc's: the tests ask no name server. slow.test takes its time,
 * all other names of .test do not exist.
 */
int getaddrinfo(const char *node, const char *service,
		const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **);
	size_t len = node ? strlen(node) : 0;

	if (len > 5 && !strcmp(node + len - 5, ".test")) {
		if (!strcmp(node, "slow.test"))
			usleep(700000);
		return EAI_NONAME;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, res);
}

static const struct {
	const char *url;
	bool ok;
} urls[] = {
	{ "https://api.openai.com/v1/responses", true },
	{ "https://chatgpt.com/backend-api/codex/responses?a=b", true },
	{ "HTTPS://chatgpt.com", true },
	{ "https://192.0.2.1:8443/", true },
	{ "https://[2001:db8::1]/", true },
	{ "http://127.0.0.1:11434/v1", true },
	{ "http://127.255.1.2/", true },
	{ "http://localhost:1/", true },
	{ "http://LocalHost/", true },
	{ "http://[::1]:8080/", true },
	{ "http://[0:0:0:0:0:0:0:1]/", true },
	{ "http://0x7f.1/", true },		/* curl reads it as 127.0.0.1 */
	{ "http://128.0.0.1/", false },
	{ "http://10.0.0.1/", false },
	{ "http://0.0.0.0/", false },
	{ "http://[::]/", false },
	{ "http://[::2]/", false },
	{ "http://[::1%25eth0]/", false },
	{ "http://[fe80::1%25lo]/", false },
	{ "http://example.com/", false },
	{ "http://localhost.evil.com/", false },
	{ "http://127.0.0.1.evil.com/", false },
	{ "http://evil.com/127.0.0.1", false },
	{ "http://evil.com#@127.0.0.1/", false },
	{ "http://evil.com?@127.0.0.1/", false },
	{ "http://127.0.0.1@evil.com/", false },
	{ "http://127.0.0.1:80@evil.com/", false },
	{ "http://127.0.0.1\\@evil.com/", false },
	{ "http://evil.com\\@127.0.0.1/", false },
	{ "http://user@127.0.0.1/", false },
	{ "https://user:secret@chatgpt.com/", false },
	{ "https://chatgpt.com:99999/", false },
	{ "https://chatgpt.com:x/", false },
	{ "https://", false },
	{ "ftp://127.0.0.1/", false },
	{ "file:///etc/passwd", false },
	{ "gopher://127.0.0.1/", false },
	{ "ws://127.0.0.1/", false },
	{ "chatgpt.com/backend-api", false },
	{ "//chatgpt.com/", false },
	{ "https://chat gpt.com/", false },
	{ "https://chatgpt.com/\r\nX: y", false },
	{ "", false },
	{ NULL, false },
};

static void test_urls(void)
{
	char longest[9000] = "https://h/";

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct err_note note = ERR_NOTE_INIT;
		bool ok = http_url_ok(urls[i].url, &note);

		if (!check(ok == urls[i].ok))
			printf("  %s\n", urls[i].url ? urls[i].url : "(null)");
		check_int(note.code, ok ? 0 : ERR_CONFIG);
		check(ok == !note.why[0]);
		check(!strstr(note.why, "secret") && !strstr(note.tell, "secret"));
		check(http_url_ok(urls[i].url, NULL) == ok);
	}
	memset(longest + 10, 'a', sizeof(longest) - 11);
	check(!http_url_ok(longest, NULL));
}

/* --- on the way */

static struct http_settings settings = {
	.connect_timeout_ms = 250, .max_calls = 10,
};

static enum err call_once(const struct http_settings *s, const char *url,
			  char *why, size_t size)
{
	struct http *http = http_new(loop, s);
	struct client c;

	client_init(&c);
	check(client_get(&c, http, url));
	run(20000);
	check_int(c.dones, 1);
	snprintf(why, size, "%s", c.why);
	buf_free(&c.body);
	http_free(http);
	return c.code;
}

static enum err fetch_once(const struct http_settings *s, const char *url,
			   int total_ms, char *why, size_t size)
{
	struct http_request r = { .method = "GET", .url = url };
	struct err_note note = ERR_NOTE_INIT;
	struct http_reply reply = { 0 };
	enum err code;

	code = http_fetch(s, &r, total_ms, 1 << 20, &reply, &note);
	check_int(note.code, code);
	snprintf(why, size, "%s", note.why);
	http_reply_free(&reply);
	return code;
}

static void expect(const struct http_settings *s, const char *url,
		   enum err want, const char *words)
{
	char why[300];
	bool ok;

	check_int(call_once(s, url, why, sizeof(why)), want);
	ok = strstr(why, words) != NULL;
	if (!check(ok))
		printf("  %s: %s\n", url, why);
	check_int(fetch_once(s, url, 20000, why, sizeof(why)), want);
	check(strstr(why, words) != NULL);
}

static void test_refused(void)
{
	char url[100];
	int port, fd = listen_on_loopback(1, &port);

	close(fd);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	expect(&settings, url, ERR_UPSTREAM_CONNECT, "connect");
	snprintf(url, sizeof(url), "http://localhost:%d/", port);
	expect(&settings, url, ERR_UPSTREAM_CONNECT, "connect");
}

/* A full backlog drops what comes next, as a host that is down does. */
static void test_connect_timeout(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int port, fd = listen_on_loopback(0, &port), fill[3];
	int64_t start = clock_mono_us(), took;
	char url[100];

	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&a, sizeof(a));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	expect(&settings, url, ERR_UPSTREAM_TIMEOUT, "");
	took = clock_mono_us() - start;
	check(took >= 500000 && took < 2000000);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	close(fd);
}

static void test_names(void)
{
	struct http *http = http_new(loop, &settings);
	int64_t start = clock_mono_us();
	struct client c;
	char why[300];

	expect(&settings, "https://none.test/", ERR_UPSTREAM_DNS, "none.test");
	check(clock_mono_us() - start < 500000);

	/* cancelled while the resolver hangs: nobody waits for it */
	client_init(&c);
	check(client_get(&c, http, "https://slow.test/"));
	run(30);
	start = clock_mono_us();
	client_cancel(&c);
	check(clock_mono_us() - start < 50000);

	/* the connect limit holds for names, too */
	client_init(&c);
	check(client_get(&c, http, "https://slow.test/"));
	run(2000);
	check_int(c.code, ERR_UPSTREAM_TIMEOUT);
	http_free(http);
	check(clock_mono_us() - start < 600000);
	start = clock_mono_us();
	check_int(fetch_once(&settings, "https://slow.test/", 3000, why,
			     sizeof(why)), ERR_UPSTREAM_TIMEOUT);
	check(clock_mono_us() - start < 600000);
	usleep(800000);			/* let the threads go, for valgrind */
}

static void test_proxy(void)
{
	struct http_settings s = settings;
	char proxy[100];
	int port, fd = listen_on_loopback(1, &port);

	close(fd);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", port);
	s.proxy = proxy;
	expect(&s, "https://none.test/", ERR_UPSTREAM_CONNECT, "connect");
	s.no_proxy = "none.test";
	expect(&s, "https://none.test/", ERR_UPSTREAM_DNS, "none.test");
	/* the environment is never asked */
	setenv("https_proxy", proxy, 1);
	setenv("ALL_PROXY", proxy, 1);
	expect(&settings, "https://none.test/", ERR_UPSTREAM_DNS, "none.test");
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
}

/* --- TLS, by `openssl s_server` */

static char dir[] = "/tmp/chatmock-http-XXXXXX";
static char cert[64], key[64];

static pid_t spawn(const char *const *argv, int *out)
{
	posix_spawn_file_actions_t actions;
	int pipe_fds[2];
	pid_t pid = -1;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL,
			 (char **)(uintptr_t)argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	*out = pipe_fds[0];
	return pid;
}

static bool make_certificate(void)
{
	const char *argv[] = { "openssl", "req", "-x509", "-newkey", "ec",
		"-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-subj", "/CN=localhost", "-addext",
		"subjectAltName=DNS:localhost,IP:127.0.0.1",
		"-keyout", key, "-out", cert, NULL };
	int out, status = 1;
	pid_t pid;

	if (!mkdtemp(dir))
		return false;
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	pid = spawn(argv, &out);
	if (pid > 0)
		waitpid(pid, &status, 0);
	close(out);
	return !status;
}

/* Reads "ACCEPT 127.0.0.1:PORT" of the server's output. */
static int read_port(int fd)
{
	char text[512] = "";
	size_t len = 0;
	int port = 0;

	while (len < sizeof(text) - 1) {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
		char *at;

		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		at = strstr(text, "ACCEPT ");
		if (at && strchr(at, '\n') && (at = strchr(at, ':')) &&
		    sscanf(at, ":%d", &port) == 1)
			break;
	}
	return port;
}

/* Reading the system's CA bundle takes long under valgrind. */
static const struct http_settings patient = {
	.connect_timeout_ms = 20000, .max_calls = 10,
};

static void check_tls(int port)
{
	struct http_settings s = patient, broken = patient;
	char url[100], why[300];

	s.ca_file = cert;
	broken.ca_file = "/nonexistent/ca.pem";
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	check_int(call_once(&s, url, why, sizeof(why)), 0);
	check_int(fetch_once(&s, url, 20000, why, sizeof(why)), 0);
	expect(&patient, url, ERR_UPSTREAM_TLS, "CODEX_CA_CERTIFICATE");
	expect(&patient, url, ERR_UPSTREAM_TLS, "self-signed");
	expect(&broken, url, ERR_UPSTREAM_TLS, "CODEX_CA_CERTIFICATE");
	snprintf(url, sizeof(url), "https://localhost:%d/", port);
	check_int(call_once(&s, url, why, sizeof(why)), 0);
	/* the right certificate, for another host */
	snprintf(url, sizeof(url), "https://127.0.0.2:%d/", port);
	expect(&s, url, ERR_UPSTREAM_TLS, "127.0.0.2");
}

static void test_tls(const char *version, bool ok)
{
	const char *argv[] = { "openssl", "s_server", "-accept", "0.0.0.0:0",
		"-naccept", "40", "-www", "-key", key, "-cert", cert, version,
		"-cipher", "ALL:@SECLEVEL=0", NULL };
	struct http_settings s = patient;
	char url[100], why[300];
	int out, port;
	pid_t pid = spawn(argv, &out);

	if (!check(pid > 0))
		return;
	port = read_port(out);
	if (check(port > 0) && ok) {
		check_tls(port);
	} else if (port > 0) {
		s.ca_file = cert;
		snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
		check_int(call_once(&s, url, why, sizeof(why)), ERR_UPSTREAM_TLS);
		check_int(fetch_once(&s, url, 20000, why, sizeof(why)),
			  ERR_UPSTREAM_TLS);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out);
}

/* A peer that accepts and then says nothing: the handshake is connecting. */
static void test_mute_peer(void)
{
	int port, fd = listen_on_loopback(8, &port);
	char url[100];

	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	expect(&settings, url, ERR_UPSTREAM_TIMEOUT, "");
	close(fd);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	check(http_global_init());
	loop = loop_new();
	test_urls();
	test_refused();
	test_connect_timeout();
	test_names();
	test_proxy();
	test_mute_peer();
	if (check(make_certificate())) {
		test_tls("-tls1_3", true);
		test_tls("-tls1_2", true);
		test_tls("-tls1_1", false);
	}
	unlink(cert);
	unlink(key);
	rmdir(dir);
	loop_free(loop);
	return test_end("test_http_fail");
}
