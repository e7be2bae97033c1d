/*
 * check_upstream.c - whom we shall call, through what, and with which
 * credentials; nobody is called for it.
 */
#include "check_private.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/file.h"
#include "../../shared/http.h"
#include "../../shared/login.h"
#include "../../shared/text.h"

#define MAX_UPSTREAM_KEY 8192
#define MAX_CA_FILE	(8u << 20)
#define RESOLVE_MS	120

static bool ends_with(const char *s, const char *tail)
{
	size_t len = strlen(s), tail_len = strlen(tail);

	return len >= tail_len && strcmp(s + len - tail_len, tail) == 0;
}

void check_upstream(struct findings *f)
{
	const struct config *c = f->config;
	struct err_note note = ERR_NOTE_INIT;
	const char *setting = c->upstream_url ? "CHATMOCK_UPSTREAM_URL"
					      : "CODEX__BASE_URL";

	if (!http_url_ok(c->responses_url, &note))
		check_fault(f, EX_CONFIG, "the upstream's URL %s: %s; mend %s",
			    c->upstream_base, err_words(&note), setting);
	else if (ends_with(c->upstream_base, "/completions") ||
		 ends_with(c->upstream_base, "/models"))
		check_warn(f, "%s ends in a route, and %s would be called; wanted "
			   "is what stands before it", setting, c->responses_url);
	if (c->kind == KIND_CHATGPT && c->upstream_key)
		check_warn(f, "CHATMOCK_UPSTREAM_KEY is sent to the ChatGPT backend, "
			   "which takes a login instead; remove it, or set "
			   "CHATMOCK_UPSTREAM_URL");
}

void check_issuer(struct findings *f)
{
	struct err_note note = ERR_NOTE_INIT;

	if (f->config->kind == KIND_CHATGPT &&
	    !http_url_ok(f->config->auth_issuer, &note))
		check_fault(f, EX_CONFIG, "the login's issuer %s: %s; mend "
			    "CHATMOCK_AUTH_ISSUER", f->config->auth_issuer,
			    err_words(&note));
}

/* A proxy may be named with a password: nothing of it is said. */
static const char *proxy_fault(struct span url)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h",
	};
	const char *mark = memmem(url.ptr, url.len, "://", 3), *p;
	struct span host = url;
	int64_t port;
	bool known = !mark;

	for (size_t i = 0; mark && i < ARRAY_LEN(schemes); i++)
		known |= text_eq_nocase((struct span){ url.ptr,
					(size_t)(mark - url.ptr) }, schemes[i]);
	if (!known)
		return "its scheme is none of http, https, socks4, socks4a, socks5, "
		       "socks5h";
	if (mark)
		host = (struct span){ mark + 3,
				      url.len - (size_t)(mark + 3 - url.ptr) };
	p = memrchr(host.ptr, '@', host.len);
	if (p)
		host = (struct span){ p + 1, host.len - (size_t)(p + 1 - host.ptr) };
	p = memchr(host.ptr, '/', host.len);
	if (p)
		host.len = (size_t)(p - host.ptr);
	p = memrchr(host.ptr, ':', host.len);
	if (p && !memchr(p, ']', host.len - (size_t)(p - host.ptr))) {
		struct span digits = { p + 1, host.len - (size_t)(p + 1 - host.ptr) };

		if (!text_int(digits, &port) || port < 1 || port > 65535)
			return "its port is no number from 1 to 65535";
		host.len = (size_t)(p - host.ptr);
	}
	for (size_t i = 0; i < host.len; i++)
		if (host.ptr[i] <= ' ')
			return "there is a blank in it";
	return host.len ? NULL : "it names no host";
}

void check_proxy(struct findings *f)
{
	const char *fault = f->config->proxy ?
		proxy_fault(span_of(f->config->proxy)) : NULL;

	if (fault)
		check_fault(f, EX_CONFIG, "the proxy of HTTPS_PROXY or ALL_PROXY can "
			    "not be used: %s; wanted is http://host:port", fault);
}

void check_ca(struct findings *f)
{
	const char *path = f->config->ca_file;
	struct err_note note = ERR_NOTE_INIT;
	struct buf text;
	enum err err;

	if (!path)
		return;
	buf_init(&text, MAX_CA_FILE);
	err = file_read(path, &text, NULL, &note);
	if (err == ERR_SYSTEM)
		check_fault(f, check_code(errno, EX_NOINPUT), "the CA bundle: %s; "
			    "mend CODEX_CA_CERTIFICATE or SSL_CERT_FILE", note.why);
	else if (err || !memmem(text.ptr, text.len, "-----BEGIN ", 11) ||
		 !memmem(text.ptr, text.len, "CERTIFICATE-----", 16))
		check_fault(f, EX_DATAERR, "the CA bundle %s holds no certificate in "
			    "PEM; mend CODEX_CA_CERTIFICATE or SSL_CERT_FILE", path);
	buf_free(&text);
}

void check_key(struct findings *f)
{
	const struct config *c = f->config;
	struct err_note note = ERR_NOTE_INIT;
	struct stat st;
	struct buf key;

	if (!c->upstream_key_file || c->upstream_key)
		return;
	if (stat(c->upstream_key_file, &st)) {
		check_fault(f, check_code(errno, EX_NOINPUT), "the upstream's key "
			    "%s: %s; mend CHATMOCK_UPSTREAM_KEY_FILE, or put the key "
			    "there", c->upstream_key_file, strerror(errno));
		return;
	}
	buf_init(&key, MAX_UPSTREAM_KEY);
	errno = 0;
	if (config_upstream_key(c, &key, &note) != ERR_OK)
		check_fault(f, check_code(errno == ENOENT ? 0 : errno, EX_CONFIG),
			    "%s Its first line has to be the key", err_words(&note));
	else if (st.st_mode & 077)
		check_warn(f, "other users may read the upstream's key in %s; chmod "
			   "600 it", c->upstream_key_file);
	buf_wipe_free(&key);
}

void check_login(struct findings *f)
{
	struct err_note note = ERR_NOTE_INIT;
	struct login login = { 0 };

	if (f->config->kind != KIND_CHATGPT || f->config->upstream_key ||
	    f->config->upstream_key_file)
		return;
	if (login_read(f->config, &login, &note) != ERR_OK)
		check_warn(f, "no request can be answered until there is a login: %s",
			   err_words(&note));
	else if (login.loose_mode)
		check_warn(f, "others may read or write the login %s; chmod 600 it",
			   login.path);
	if (!note.code && !login.api_key && !login.refresh_token &&
	    login_due(&login, clock_wall_us() / 1000000, 0))
		check_warn(f, "the login %s has run out and can not be renewed; log "
			   "in again", login.path);
	login_free(&login);
}

/* The host of the upstream's URL, where it is a name. */
static bool host_of(const char *url, char *out, size_t size)
{
	const char *at = strstr(url, "://");
	struct span host;
	unsigned char bytes[16];

	if (!at)
		return false;
	host = (struct span){ at + 3, strcspn(at + 3, ":/?#") };
	return *host.ptr != '[' && host.len && text_copy(out, size, host) &&
	       !config_is_loopback(out) && inet_pton(AF_INET, out, bytes) != 1;
}

/* In a process of its own: resolving can not be called off. */
static pid_t start_resolving(const char *host, int *fd)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	int ends[2], rc;
	char said;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		rc = getaddrinfo(host, "443", &want, &found);
		said = rc == 0 ? 'y' : rc == EAI_NONAME ? 'n' : '?';
		_exit(write(ends[1], &said, 1) == 1 ? 0 : 1);
	}
	close(ends[1]);
	*fd = ends[0];
	if (pid < 0)
		close(ends[0]);
	return pid;
}

void check_name(struct findings *f)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	char host[256], said = '?';
	pid_t pid;

	if (f->config->proxy || !host_of(f->config->upstream_base, host, sizeof(host)))
		return;
	pid = start_resolving(host, &p.fd);
	if (pid < 0)
		return;
	if (poll(&p, 1, RESOLVE_MS) == 1 && read(p.fd, &said, 1) != 1)
		said = '?';
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p.fd);
	if (said == 'n')
		check_warn(f, "the upstream's host %s has no address; mend the URL, "
			   "or the network and /etc/resolv.conf", host);
}
