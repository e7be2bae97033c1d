#include "handover.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../shared/text.h"
#include "second.h"

#define VARIABLE "CHATMOCK_OLD_WORKERS"

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

bool handover_take(struct handover *h)
{
	const char *value = getenv(VARIABLE);
	struct span rest = span_of(value), word;
	int64_t generation;

	*h = (struct handover){ .second_fd = second_take() };
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
	*h = (struct handover){ .second_fd = -1 };
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
	     second_give(crew->second_fd);
	buf_free(&list);
	return ok;
}

void handover_forget(const struct crew *crew)
{
	if (crew)
		second_forget(crew->second_fd);
	unsetenv(VARIABLE);
}
