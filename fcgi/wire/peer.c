/* See peer.h; the messages are those of sock_diag(7). */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../shared/text.h"

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 ask;
};

/* What is told beyond inet_diag_msg are some small attributes. */
union reply {
	struct nlmsghdr head;
	char bytes[1024];
};

/* --- talking to the kernel */

static bool turn_off(struct peers *ps, int why)
{
	peers_close(ps);
	ps->why = why;
	return false;
}

static bool is_old(const struct peers *ps, const union reply *r, ssize_t len)
{
	return len >= (ssize_t)sizeof(r->head) && r->head.nlmsg_seq != ps->seq;
}

/* The kernel answers inside send(). False: turned off. */
static bool converse(struct peers *ps, struct question *q, union reply *r)
{
	ssize_t n;

	q->head.nlmsg_len = sizeof(*q);
	q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->head.nlmsg_seq = ++ps->seq;
	do {
		n = send(ps->fd, q, sizeof(*q), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return turn_off(ps, errno);
	do {
		n = recv(ps->fd, r, sizeof(*r), MSG_DONTWAIT);
	} while (n < 0 ? errno == EINTR : is_old(ps, r, n));
	if (n < 0)
		return turn_off(ps, errno);
	if (n < (ssize_t)sizeof(r->head) || r->head.nlmsg_len > (size_t)n)
		return turn_off(ps, EPROTO);
	return true;
}

/* The reply's code when it is one; 0 when it is something else. */
static int reply_error(const union reply *r)
{
	int code = 0;

	if ((r->head.nlmsg_type == NLMSG_ERROR || r->head.nlmsg_type == NLMSG_DONE) &&
	    r->head.nlmsg_len >= NLMSG_LENGTH(sizeof(code)))
		memcpy(&code, NLMSG_DATA(&r->head), sizeof(code));
	return -code;
}

/* All TCP connections in no state at all: an empty list, if it can be asked
 * for. "No such connection" and "no such module" are the same error else. */
static bool works(struct peers *ps)
{
	struct question q = {
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.ask = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP },
	};
	union reply r;

	if (!converse(ps, &q, &r))
		return false;
	if (r.head.nlmsg_type != NLMSG_DONE || reply_error(&r))
		return turn_off(ps, reply_error(&r) ? reply_error(&r) : EPROTO);
	return true;
}

bool peers_open(struct peers *ps)
{
	*ps = (struct peers){ .fd = -1 };
	ps->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_SOCK_DIAG);
	if (ps->fd < 0)
		return turn_off(ps, errno);
	return works(ps);
}

void peers_close(struct peers *ps)
{
	if (ps->fd >= 0)
		close(ps->fd);
	ps->fd = -1;
}

/* --- one client */

/* Into out, which holds an IPv6 address; the family, or 0. Brackets go, and
 * IPv4 in IPv6 becomes IPv4: by that the kernel finds both. */
static int read_addr(const char *text, void *out)
{
	struct span s = span_of(text);
	char bare[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
		s = (struct span){ s.ptr + 1, s.len - 2 };
	if (!text_copy(bare, sizeof(bare), s))
		return 0;
	if (inet_pton(AF_INET, bare, out) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, bare, &v6) != 1)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		memcpy(out, v6.s6_addr + 12, 4);
		return AF_INET;
	}
	memcpy(out, &v6, sizeof(v6));
	return AF_INET6;
}

static bool read_port(const char *text, __be16 *out)
{
	int64_t n;

	if (!text_int(span_of(text), &n) || n < 1 || n > 65535)
		return false;
	*out = htons((uint16_t)n);
	return true;
}

bool peer_of(struct peer *p, const struct request *r)
{
	*p = (struct peer){ .family = AF_UNSPEC };
	if (!read_port(request_param(r, "REMOTE_PORT"), &p->id.idiag_dport) ||
	    !read_port(request_param(r, "SERVER_PORT"), &p->id.idiag_sport))
		return false;
	p->family = (uint8_t)read_addr(request_param(r, "REMOTE_ADDR"),
				       p->id.idiag_dst);
	p->id.idiag_cookie[0] = p->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return p->family != AF_UNSPEC &&
	       read_addr(request_param(r, "SERVER_ADDR"), p->id.idiag_src) ==
		       p->family;
}

/* What was found under the addresses; with a cookie it is the same socket. */
static enum peer_state state_of(struct peer *p, const struct inet_diag_msg *m)
{
	bool stands = m->idiag_state == TCP_ESTABLISHED;

	if (p->found)
		return stands ? PEER_STANDS : PEER_LEFT;
	/* the listener answers for a connection that is not there */
	if (!stands && m->idiag_state != TCP_CLOSE_WAIT)
		return PEER_UNKNOWN;
	p->found = true;
	memcpy(p->id.idiag_cookie, m->id.idiag_cookie, sizeof(p->id.idiag_cookie));
	return stands ? PEER_STANDS : PEER_LEFT;
}

enum peer_state peer_ask(struct peers *ps, struct peer *p)
{
	struct question q = {
		.head.nlmsg_flags = NLM_F_REQUEST,
		.ask = { .sdiag_family = p->family, .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = ~0u, .id = p->id },
	};
	union reply r;
	int code;

	if (ps->fd < 0 || !converse(ps, &q, &r))
		return PEER_UNKNOWN;
	code = reply_error(&r);
	/* nothing there; another socket there; a family that is switched off */
	if (code == ENOENT || code == ESTALE || code == EINVAL)
		return p->found ? PEER_LEFT : PEER_UNKNOWN;
	if (r.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    r.head.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
		turn_off(ps, code ? code : EPROTO);
		return PEER_UNKNOWN;
	}
	return state_of(p, NLMSG_DATA(&r.head));
}
