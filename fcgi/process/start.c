#include "start.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

/* Tokens are in our memory: no core files, no looking in by others' debuggers.
 * (The leak checker is such a debugger.) */
static void harden(void)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
#ifndef SANITIZED
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* A starter may have closed some of the first three: nothing else may get
 * their numbers, or a library's words on stderr would end up in it. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

void start_safely(void)
{
	fill_standard_fds();
	harden();
}

int start_workers(const struct config *c)
{
	cpu_set_t cores;

	if (c->workers > 0)
		return (int)c->workers;
	if (sched_getaffinity(0, sizeof(cores), &cores))
		return 1;
	return CPU_COUNT(&cores);
}
