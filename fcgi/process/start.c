#include "start.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "../../shared/harden.h"

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
