/*
 * http_multi.c - curl_multi handles on the loop.
 *
 * Curl 7.88 walks through all connections of a multi when a transfer ends and
 * when one looks for a kept connection, so that 8,000 streams in one multi
 * stall the loop. There are many multis therefore, filled one after another:
 * few calls share few multis and find each other's kept connections. Over
 * TLS a multi takes more, for each one reads the CA bundle anew (40 ms).
 *
 * Curl takes no handle and lets none go while it runs a callback. What is
 * started or cancelled then waits on the multi's lists until curl returns, a
 * few microseconds.
 */
#include <stdlib.h>

#include "ceilings.h"
#include "http_private.h"

#define FULL_PLAIN		256
#define FULL_TLS		4096
#define IDLE_FIRST_US		(300 * (int64_t)1000000)
#define IDLE_OTHER_US		(15 * (int64_t)1000000)

void http_multi_settle(struct http_multi *m)
{
	for (;;) {
		struct http_call *call = m->starting;
		CURLMsg *msg;
		int left;

		if (call) {
			m->starting = call->next_starting;
			http_call_begin(call);
			continue;
		}
		call = m->dying;
		if (call) {
			m->dying = call->next_dying;
			http_call_dies(call);
			continue;
		}
		msg = curl_multi_info_read(m->multi, &left);
		if (!msg)
			return;
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
		http_call_ended(call, msg->data.result);
	}
}

void http_multi_act(struct http_multi *m, curl_socket_t fd, int events)
{
	int running;

	m->busy = true;
	curl_multi_socket_action(m->multi, fd, events, &running);
	m->busy = false;
	http_multi_settle(m);
}

static void on_timer(struct loop_timer *t)
{
	http_multi_act(CONTAINER_OF(t, struct http_multi, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int curl_wants_timer(CURLM *multi, long ms, void *userp)
{
	struct http_multi *m = userp;

	(void)multi;
	if (ms < 0) {
		loop_timer_cancel(m->http->loop, &m->timer);
		return 0;
	}
	return loop_timer_in(m->http->loop, &m->timer, ms * (int64_t)1000) ? 0 : -1;
}

/* Closes what connections are kept: the peer has most likely done so. */
static void on_idle(struct loop_timer *t)
{
	struct http_multi *m = CONTAINER_OF(t, struct http_multi, idle);

	curl_multi_cleanup(m->multi);
	m->multi = NULL;
	loop_timer_cancel(m->http->loop, &m->timer);
}

void http_multi_count(struct http_multi *m, int change)
{
	struct loop *loop = m->http->loop;

	m->live += change;
	if (m->live)
		loop_timer_cancel(loop, &m->idle);
	else
		loop_timer_in(loop, &m->idle, m == m->http->multis[0] ?
			      IDLE_FIRST_US : IDLE_OTHER_US);
}

static bool multi_open(struct http_multi *m)
{
	const int max = m->http->settings->max_calls;
	CURLM *c = curl_multi_init();

	if (!c)
		return false;
	/* More than there will be: curl would look for the oldest each time. */
	if (curl_multi_setopt(c, CURLMOPT_MAXCONNECTS, (long)max + FULL_TLS) ||
	    curl_multi_setopt(c, CURLMOPT_MAX_CONCURRENT_STREAMS,
			      (long)STREAMS_PER_CONNECTION) ||
	    curl_multi_setopt(c, CURLMOPT_SOCKETDATA, m) ||
	    curl_multi_setopt(c, CURLMOPT_SOCKETFUNCTION, http_sock_wanted) ||
	    curl_multi_setopt(c, CURLMOPT_TIMERDATA, m) ||
	    curl_multi_setopt(c, CURLMOPT_TIMERFUNCTION, curl_wants_timer)) {
		curl_multi_cleanup(c);
		return false;
	}
	m->multi = c;
	return true;
}

static struct http_multi *multi_new(struct http *h)
{
	struct http_multi *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->http = h;
	m->timer.fn = on_timer;
	m->idle.fn = on_idle;
	return m;
}

static void multi_free(struct http_multi *m)
{
	if (!m)
		return;
	if (m->multi)
		curl_multi_cleanup(m->multi);
	loop_timer_cancel(m->http->loop, &m->timer);
	loop_timer_cancel(m->http->loop, &m->idle);
	free(m);
}

struct http_multi *http_multi_pick(struct http *h, bool tls)
{
	const int full = tls ? FULL_TLS : FULL_PLAIN;
	struct http_multi *best = NULL;

	for (int i = 0; i < MAX_MULTIS; i++) {
		struct http_multi *m = h->multis[i];

		if (!m) {
			m = h->multis[i] = multi_new(h);
			if (!m)
				break;
		}
		if (!best || m->live < best->live)
			best = m;
		if (best->live < full)
			break;
	}
	return best && (best->multi || multi_open(best)) ? best : NULL;
}

/* --- all of them */

/*
 * Given as headers, curl writes these out once; given as options, it first
 * makes lines of them, a byte at a time, for each call.
 */
static bool always_say(struct http *h, const char *user_agent)
{
	static const char encoding[] = "Accept-Encoding: identity";
	struct buf line;

	h->always[0].data = (char *)(uintptr_t)encoding;
	if (!user_agent || !*user_agent || strpbrk(user_agent, "\r\n"))
		return true;
	buf_init(&line, MAX_REQUEST_HEAD);
	buf_str(&line, "User-Agent: ");
	buf_str(&line, user_agent);
	h->always[1].data = buf_take(&line);
	h->always[0].next = &h->always[1];
	return h->always[1].data != NULL;
}

struct http *http_new(struct loop *l, const struct http_settings *s)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->loop = l;
	h->settings = s;
	h->share = curl_share_init();
	if (!h->share || !always_say(h, s->user_agent) ||
	    curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ||
	    curl_share_setopt(h->share, CURLSHOPT_SHARE,
			      CURL_LOCK_DATA_SSL_SESSION)) {
		http_free(h);
		return NULL;
	}
	return h;
}

void http_free(struct http *h)
{
	struct http_call *call;

	if (!h)
		return;
	while ((call = h->live))
		http_call_drop(call);
	while ((call = h->idle)) {
		h->idle = call->next;
		http_call_free(call);
	}
	for (int i = 0; i < MAX_MULTIS; i++)
		multi_free(h->multis[i]);
	curl_share_cleanup(h->share);
	http_target_drop(h->target);
	http_socks_free(h);
	free(h->always[1].data);
	free(h);
}
