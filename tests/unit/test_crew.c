/* test_crew.c - how the end of a worker is taken. */
#include "../../fcgi/process/crew.h"
#include "metrics_help.h"

static pid_t ended_with(int status)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status);
	return pid;
}

/* A worker that the last master had sent home, and that is gone before the
 * new one could tell it again, has not crashed. */
static void left_behind(void)
{
	static const struct {
		int status;
		enum metric_counter counted;
	} table[] = {
		{ 0, COUNT_WORKER_STOPPED },
		{ 70, COUNT_WORKER_CRASHED },
	};
	struct crew crew = { .bell_fd = -1, .second_fd = -1 };
	pid_t pids[ARRAY_LEN(table)];

	crew.metrics = open_it();
	metrics_join(crew.metrics, ROLE_API_MASTER, 1);
	check(crew_init(&crew, 1));
	check(crew_adopt(&crew, NULL, 0));
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		pids[i] = ended_with(table[i].status);
	check(crew_adopt(&crew, pids, ARRAY_LEN(pids)));
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int status;

		check(waitpid(pids[i], &status, 0) == pids[i]);
		check(crew_reaped(&crew, pids[i], status, 1));
		check(!crew_reaped(&crew, pids[i], status, 1));
		check_int(count_of(table[i].counted), 1);
		check(crew_alive(&crew) == ARRAY_LEN(table) - 1 - i);
	}
	crew_free(&crew);
	metrics_close(crew.metrics);
}

int main(void)
{
	void (*const tests[])(void) = { left_behind };

	run_tests(tests, ARRAY_LEN(tests));
	return test_end("test_crew");
}
