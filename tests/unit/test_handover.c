/* test_handover.c - what a master leaves to the one that takes over. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fcgi/process/handover.h"
#include "test.h"

/* The queue of kept connections: given, forgotten, and not believed blindly. */
static void test_kept_given(void)
{
	static const char *lies[] = { "", "3", "3,", ",", "0,1", "3,4,5", "x,y", "3,99999999999" };
	struct crew crew = { .second_fd = -1, .kept = FDQUEUE_NONE };
	struct handover h;

	check(crew_init(&crew, 1));
	check(fdqueue_open(&crew.kept));
	check(handover_give(&crew));
	check_int(fcntl(crew.kept.put, F_GETFD), 0);
	handover_forget(&crew);
	check_int(fcntl(crew.kept.put, F_GETFD), FD_CLOEXEC);
	check(getenv("KEPT_CONNECTIONS") == NULL);
	check(handover_give(&crew));
	check(handover_take(&h));
	check(h.kept.put == crew.kept.put && h.kept.take == crew.kept.take);
	check_int(fcntl(crew.kept.take, F_GETFD), FD_CLOEXEC);
	check(getenv("KEPT_CONNECTIONS") == NULL);
	handover_free(&h);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		setenv("KEPT_CONNECTIONS", lies[i], 1);
		check(handover_take(&h));
		check(h.kept.put == -1 && h.kept.take == -1);
		check(getenv("KEPT_CONNECTIONS") == NULL);
		handover_free(&h);
	}
	fdqueue_close(&crew.kept);
	crew_free(&crew);
}

/* Only our own children are believed; the variable is gone afterwards. */
static void test_pids(void)
{
	struct handover h;
	char value[64];
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(value, sizeof(value), "3:1,%d,%d,-4,x,99999999999", (int)child,
		 (int)getpid());
	setenv("CHATMOCK_OLD_WORKERS", value, 1);
	check(handover_take(&h));
	check_int(h.generation, 3);
	check_int((int64_t)h.count, 1);
	check(h.count == 1 && h.pids[0] == child);
	check(getenv("CHATMOCK_OLD_WORKERS") == NULL);
	handover_free(&h);
	handover_free(&h);
	check(handover_take(&h));
	check_int((int64_t)h.count, 0);
	handover_free(&h);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	test_pids();
	test_kept_given();
	return test_end("test_handover");
}
