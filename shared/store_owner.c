/*
 * store_owner.c - who runs a response: "<boot id> <namespace> <pid> <start>".
 *
 * A pid alone may be another process by now; the time at which it was started
 * tells, and both mean something only since the machine was started and in
 * the same pid namespace. Of one in another namespace nothing can be seen.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "store.h"

static uint64_t namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (uint64_t)st.st_ino;
}

/* Field 22 of /proc/PID/stat; the name before it may hold anything. 0: there
 * is no such process, or it is a dead one that nobody has waited for. */
static uint64_t started(long pid)
{
	struct err_note note = ERR_NOTE_INIT;
	uint64_t value = 0;
	char path[64], *at;
	struct buf text;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	buf_init(&text, 4096);
	if (!file_read(path, &text, NULL, &note) &&
	    (at = strrchr(text.ptr, ')')) && at[1] == ' ' && at[2] != 'Z' &&
	    at[2] != 'X') {
		for (int field = 2; field < 22 && at; field++)
			at = strchr(at + 1, ' ');
		if (at)
			value = strtoull(at, NULL, 10);
	}
	buf_free(&text);
	return value;
}

void store_owner(char out[96])
{
	snprintf(out, 96, "%" PRIx64 " %" PRIx64 " %ld %" PRIu64,
		 clock_boot_id(), namespace(), (long)getpid(), started(getpid()));
}

bool store_owner_lives(const char *owner)
{
	uint64_t boot, space, start;
	long pid;

	if (sscanf(owner, "%" SCNx64 " %" SCNx64 " %ld %" SCNu64, &boot, &space,
		   &pid, &start) != 4 || boot != clock_boot_id())
		return false;
	if (space != namespace())
		return true;
	return started(pid) == start && start != 0;
}
