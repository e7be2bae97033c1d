#include "start.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../shared/harden.h"
#include "check.h"

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

void start_complain(const char *program, const struct err_note *note)
{
	fprintf(stderr, "%s: %s\n", program, err_words(note));
	if (!check_listens() && getenv("REQUEST_METHOD"))
		fputs("Status: 500 Internal Server Error\r\n"
		      "Content-Type: application/json\r\n\r\n"
		      "{\"error\":{\"message\":\"The gateway's settings are wrong; "
		      "its error output says which.\",\"type\":\"server_error\","
		      "\"param\":null,\"code\":\"bad_settings\"}}\n", stdout);
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
