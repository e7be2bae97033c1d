/*
 * http.c - the rules every call keeps, and curl's failures in our words.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "ceilings.h"
#include "http_private.h"
#include "text.h"

#define KEEP_NAMES_S		60
#define KEEP_IDLE_S		300
#define KEEP_CONNECTION_S	3600

bool http_global_init(void)
{
	const long need = CURL_VERSION_SSL | CURL_VERSION_ASYNCHDNS;
	curl_version_info_data *info;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return false;
	info = curl_version_info(CURLVERSION_NOW);
	return (info->features & need) == need;
}

/* --- where we call */

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (!a || !b || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       IN6_ARE_ADDR_EQUAL(
		       &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr);
}

/* What is sent there never leaves this machine: loopback, or an address of one
 * of its interfaces. */
static bool is_own(const struct sockaddr *sa)
{
	struct ifaddrs *all = NULL, *one;

	if (sa->sa_family == AF_INET &&
	    ntohl(((const struct sockaddr_in *)(const void *)sa)
		  ->sin_addr.s_addr) >> 24 == 127)
		return true;
	if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr))
		return true;
	if (getifaddrs(&all))
		return false;
	for (one = all; one && !same_address(one->ifa_addr, sa); )
		one = one->ifa_next;
	freeifaddrs(all);
	return one != NULL;
}

static bool host_is_own(CURLU *u, const char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char text[INET6_ADDRSTRLEN + 2], *zone = NULL;
	size_t len = strlen(host);

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return is_own((const struct sockaddr *)(const void *)&v4);
	if (host[0] != '[' || len < 3 || len >= sizeof(text))
		return false;
	if (!curl_url_get(u, CURLUPART_ZONEID, &zone, 0)) {
		curl_free(zone);
		return false;
	}
	memcpy(text, host + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
	       is_own((const struct sockaddr *)(const void *)&v6);
}

/* The words never quote the URL: it may hold a password where none belongs. */
static bool target_parse(struct http_target *t, struct err_note *note)
{
	char *scheme = NULL, *host = NULL;
	bool http, ok = false;
	CURLUcode rc;

	rc = curl_url_set(t->parsed, CURLUPART_URL, t->url, CURLU_DISALLOW_USER);
	if (rc == CURLUE_USER_NOT_ALLOWED)
		err_tell(note, ERR_CONFIG, "a URL may not hold a user name");
	else if (rc)
		err_tell(note, ERR_CONFIG, "not a URL: %s", curl_url_strerror(rc));
	if (rc)
		return false;
	if (curl_url_get(t->parsed, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(t->parsed, CURLUPART_HOST, &host, 0)) {
		err_tell(note, ERR_CONFIG, "a URL needs https:// and a host");
		goto out;
	}
	http = !strcmp(scheme, "http");
	t->tls = !strcmp(scheme, "https");
	t->own = host_is_own(t->parsed, host);
	ok = t->tls || (http && t->own);
	if (!ok)
		err_tell(note, ERR_CONFIG, "%s", http ?
			 "http:// is for this machine alone, others need https://" :
			 "only https:// URLs are called");
out:
	curl_free(scheme);
	curl_free(host);
	return ok;
}

struct http_target *http_target_new(const char *url, struct err_note *note)
{
	struct http_target *t;

	if (!url || strlen(url) > MAX_REQUEST_URI) {
		err_tell(note, ERR_CONFIG, "the URL is %s",
			 url ? "too long" : "missing");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t) {
		t->users = 1;
		t->url = strdup(url);
		t->parsed = curl_url();
	}
	if (!t || !t->url || !t->parsed) {
		err_set(note, ERR_NO_MEMORY, "url");
		http_target_drop(t);
		return NULL;
	}
	if (target_parse(t, note))
		return t;
	http_target_drop(t);
	return NULL;
}

void http_target_drop(struct http_target *t)
{
	if (!t || --t->users)
		return;
	curl_url_cleanup(t->parsed);
	free(t->url);
	free(t);
}

bool http_url_ok(const char *url, struct err_note *note)
{
	struct http_target *t = http_target_new(url, note);

	http_target_drop(t);
	return t != NULL;
}

/* --- an easy handle */

curl_socket_t http_socket_open(const struct http_target *t,
			       const struct curl_sockaddr *a)
{
	if (!t->tls && !is_own(&a->addr))
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int socket_ready(void *clientp, curl_socket_t fd, curlsocktype purpose)
{
	int probes = 3;

	(void)clientp;
	(void)purpose;
	/* curl has options for the times but none for the count. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	return CURL_SOCKOPT_OK;
}

struct long_option {
	CURLoption option;
	long value;
};

static const struct long_option fixed[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_QUICK_EXIT, 1 },	/* nobody waits for a slow resolver */
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_PROXY_SSL_VERIFYPEER, 1 },
	{ CURLOPT_PROXY_SSL_VERIFYHOST, 2 },
	{ CURLOPT_CA_CACHE_TIMEOUT, -1 },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
	{ CURLOPT_HTTP09_ALLOWED, 0 },
	{ CURLOPT_TCP_NODELAY, 1 },
	{ CURLOPT_TCP_KEEPALIVE, 1 },
	{ CURLOPT_TCP_KEEPIDLE, 30 },
	{ CURLOPT_TCP_KEEPINTVL, 10 },
	{ CURLOPT_DNS_CACHE_TIMEOUT, KEEP_NAMES_S },
	{ CURLOPT_MAXAGE_CONN, KEEP_IDLE_S },
	{ CURLOPT_MAXLIFETIME_CONN, KEEP_CONNECTION_S },
	{ CURLOPT_BUFFERSIZE, RECEIVE_BUFFER },
	{ CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER },
	{ CURLOPT_PIPEWAIT, 1 },
};

static bool set_text(CURL *easy, CURLoption option, const char *value)
{
	return !value || !*value ||
	       !curl_easy_setopt(easy, option, value);
}

bool http_easy_init(CURL *easy, const struct http_settings *s,
		    const char *accept_encoding)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (curl_easy_setopt(easy, fixed[i].option, fixed[i].value))
			return false;
	if (s->connect_timeout_ms > 0 &&
	    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			     (long)s->connect_timeout_ms))
		return false;
	/*
	 * Reading the system's bundle takes 40 ms. A multi keeps it from one
	 * connection to the next, but only without a directory beside it.
	 */
	return !curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) &&
	       !curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL) &&
	       set_text(easy, CURLOPT_CAINFO, s->ca_file) &&
	       set_text(easy, CURLOPT_PROXY_CAINFO, s->ca_file) &&
	       set_text(easy, CURLOPT_USERAGENT, s->user_agent) &&
	       /* set even where empty, or curl asks the environment */
	       !curl_easy_setopt(easy, CURLOPT_NOPROXY,
				 s->no_proxy ? s->no_proxy : "") &&
	       !curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING,
				 accept_encoding) &&
	       !curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_ready);
}

/*
 * Over TLS the handshake settles it. Without, it stays at 1.1: curl 7.88
 * cannot use a plain HTTP/2 connection twice, and where it has to find out
 * (2TLS), calls would wait for each other.
 */
static long http_version(const struct http_settings *s, bool tls)
{
	return tls && s->version != HTTP_1_1 ? CURL_HTTP_VERSION_2TLS :
					       CURL_HTTP_VERSION_1_1;
}

bool http_easy_target(CURL *easy, const struct http_settings *s,
		      const struct http_target *t)
{
	const char *proxy = t->own || !s->proxy ? "" : s->proxy;

	return !curl_easy_setopt(easy, CURLOPT_CURLU, t->parsed) &&
	       !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
				 t->tls ? "https" : "http") &&
	       !curl_easy_setopt(easy, CURLOPT_PROXY, proxy) &&
	       !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
				 http_version(s, t->tls));
}

bool http_easy_request(CURL *easy, const struct http_request *r)
{
	bool get = !strcmp(r->method, "GET"), post = !strcmp(r->method, "POST");

	for (const char *c = r->method; *c; c++)
		if (*c < 'A' || *c > 'Z')
			return false;
	/* HTTPGET forgets what a call before this one sent. */
	if (curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) ||
	    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
			     get || post ? NULL : r->method))
		return false;
	if (!post && !r->body.len)
		return true;
	return !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)r->body.len) &&
	       !curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
				 r->body.ptr ? r->body.ptr : "");
}

/*
 * Curl would ask before it sends a body over 1 MB, and name a type that the
 * body is not of. A name without a value takes such a header out. Only where
 * it is needed: curl walks through the list for each header it knows.
 */
#define ASKS_FROM (1u << 20)

struct curl_slist *http_headers_new(const struct http_request *r,
				    struct curl_slist *always)
{
	static const char expect[] = "Expect:", type[] = "Content-Type:";
	size_t count = r->header_count + 2, bytes = 0, n = 0;
	struct curl_slist *list;
	bool typed = false;
	char *text;

	for (size_t i = 0; i < r->header_count; i++) {
		if (strpbrk(r->headers[i], "\r\n"))
			return NULL;
		bytes += strlen(r->headers[i]) + 1;
	}
	list = malloc(count * sizeof(*list) + bytes);
	if (!list)
		return NULL;
	text = (char *)(list + count);
	for (size_t i = 0; i < r->header_count; i++) {
		size_t len = strlen(r->headers[i]) + 1;

		memcpy(text, r->headers[i], len);
		if (!strncasecmp(text, "content-type:", 13))
			typed = true;
		list[n++].data = text;
		text += len;
	}
	if (r->body.len >= ASKS_FROM)
		list[n++].data = (char *)(uintptr_t)expect;
	if (!typed)
		list[n++].data = (char *)(uintptr_t)type;
	for (size_t i = 0; i < n; i++)
		list[i].next = i + 1 < n ? &list[i + 1] : always;
	return list;
}

/* --- what went wrong */

static const struct {
	CURLcode rc;
	enum err code;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_UPSTREAM_DNS },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_UPSTREAM_DNS },
	{ CURLE_COULDNT_CONNECT, ERR_UPSTREAM_CONNECT },
	{ CURLE_INTERFACE_FAILED, ERR_UPSTREAM_CONNECT },
	{ CURLE_PROXY, ERR_UPSTREAM_CONNECT },
	{ CURLE_OPERATION_TIMEDOUT, ERR_UPSTREAM_TIMEOUT },
	{ CURLE_SSL_CONNECT_ERROR, ERR_UPSTREAM_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_CACERT_BADFILE, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_CERTPROBLEM, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_CIPHER, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_ISSUER_ERROR, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_INVALIDCERTSTATUS, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_UPSTREAM_TLS },
	{ CURLE_SSL_ENGINE_INITFAILED, ERR_UPSTREAM_TLS },
	{ CURLE_USE_SSL_FAILED, ERR_UPSTREAM_TLS },
	{ CURLE_OUT_OF_MEMORY, ERR_NO_MEMORY },
};

static enum err code_of(CURL *easy, CURLcode rc)
{
	curl_off_t connected = 0;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].rc == rc)
			return failures[i].code;
	/* A proxy that refuses, a peer that hangs up while we greet. */
	if (!curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected) &&
	    !connected)
		return ERR_UPSTREAM_CONNECT;
	return ERR_UPSTREAM_BROKE;
}

enum err http_error(CURL *easy, CURLcode rc, const struct http_settings *s,
		    char *text)
{
	size_t len;

	text[CURL_ERROR_SIZE - 1] = '\0';
	if (!*text)
		snprintf(text, CURL_ERROR_SIZE, "%s", curl_easy_strerror(rc));
	len = strlen(text);
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		snprintf(text + len, CURL_ERROR_SIZE - len, s->ca_file && *s->ca_file ?
			 " (CODEX_CA_CERTIFICATE or SSL_CERT_FILE is set: does "
			 "that file hold its CA?)" :
			 " (CODEX_CA_CERTIFICATE may name a file that holds its CA)");
	else if (rc == CURLE_SSL_CACERT_BADFILE)
		snprintf(text + len, CURL_ERROR_SIZE - len,
			 " (see CODEX_CA_CERTIFICATE, SSL_CERT_FILE)");
	return code_of(easy, rc);
}
