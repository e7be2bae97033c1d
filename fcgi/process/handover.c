#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../shared/text.h"
#include "second.h"

#define VARIABLE "CHATMOCK_OLD_WORKERS"
#define KEPT_VARIABLE "KEPT_CONNECTIONS"

/* Alive or ended but not yet reaped: ours either way. */
static bool is_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void take_pids(struct handover *h, struct span list)
{
	struct span word;
	int64_t pid;

	while (h->count < MAX_OLD_WORKERS && text_next(&list, ',', &word)) {
		if (text_int(word, &pid) && pid > 1 && pid <= INT32_MAX &&
		    is_child((pid_t)pid))
			h->pids[h->count++] = (pid_t)pid;
	}
}

/* --- the queue of kept connections */

static bool kept_give(const struct fdqueue *q)
{
	char text[32];

	if (q->put < 0)
		return true;
	snprintf(text, sizeof(text), "%d,%d", q->put, q->take);
	return setenv(KEPT_VARIABLE, text, 1) == 0 &&
	       fcntl(q->put, F_SETFD, 0) == 0 && fcntl(q->take, F_SETFD, 0) == 0;
}

static void kept_forget(const struct fdqueue *q)
{
	unsetenv(KEPT_VARIABLE);
	if (q->put < 0)
		return;
	(void)fcntl(q->put, F_SETFD, FD_CLOEXEC);
	(void)fcntl(q->take, F_SETFD, FD_CLOEXEC);
}

static bool take_fd(struct span *rest, int *fd)
{
	struct span word;
	int64_t n;

	if (!text_next(rest, ',', &word) || !text_int(word, &n) || n < 3 ||
	    n > INT32_MAX)
		return false;
	*fd = (int)n;
	return true;
}

static struct fdqueue kept_take(void)
{
	struct span rest = span_of(getenv(KEPT_VARIABLE));
	struct fdqueue q = FDQUEUE_NONE;

	if (!take_fd(&rest, &q.put) || !take_fd(&rest, &q.take) || rest.len ||
	    !fdqueue_is(&q))
		q = FDQUEUE_NONE;
	kept_forget(&q);
	return q;
}

/* --- all of it */

bool handover_take(struct handover *h)
{
	const char *value = getenv(VARIABLE);
	struct span rest = span_of(value), word;
	int64_t generation;

	*h = (struct handover){ .second_fd = second_take(), .kept = kept_take() };
	if (!value)
		return true;
	h->pids = calloc(MAX_OLD_WORKERS, sizeof(*h->pids));
	if (!h->pids)
		return false;
	if (text_next(&rest, ':', &word) && text_int(word, &generation) &&
	    generation > 0 && generation < UINT32_MAX) {
		h->generation = (uint32_t)generation;
		take_pids(h, rest);
	}
	handover_forget(NULL);
	return true;
}

void handover_free(struct handover *h)
{
	free(h->pids);
	*h = (struct handover){ .second_fd = -1, .kept = FDQUEUE_NONE };
}

bool handover_give(const struct crew *crew)
{
	struct buf list;
	bool ok;

	buf_init(&list, MAX_OLD_WORKERS * 16);
	buf_fmt(&list, "%u:", (unsigned)crew->generation);
	for (size_t i = 0; i < crew->board->count; i++)
		if (crew->members[i].pid)
			buf_fmt(&list, "%d,", (int)crew->members[i].pid);
	for (size_t i = 0; i < crew->old_count; i++)
		buf_fmt(&list, "%d,", (int)crew->olds[i].pid);
	ok = !buf_err(&list) && setenv(VARIABLE, list.ptr, 1) == 0 &&
	     second_give(crew->second_fd) && kept_give(&crew->kept);
	buf_free(&list);
	return ok;
}

void handover_forget(const struct crew *crew)
{
	if (crew) {
		second_forget(crew->second_fd);
		kept_forget(&crew->kept);
	}
	unsetenv(VARIABLE);
}
