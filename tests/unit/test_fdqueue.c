/* test_fdqueue.c - descriptors from process to process. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/fdqueue.h"
#include "test.h"

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_order(void)
{
	struct fdqueue q;
	int pair[2], fd;
	bool note = false;
	char byte = 0;

	check(fdqueue_open(&q));
	check(fcntl(q.put, F_GETFD) == FD_CLOEXEC && fcntl(q.take, F_GETFD) == FD_CLOEXEC);
	check(fdqueue_empty(&q));
	check_int(fdqueue_take(&q, &note), -1);
	check_int(errno, EAGAIN);
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (int i = 0; i < 3; i++)
		check(fdqueue_put(&q, pair[1], i == 1));
	close(pair[1]);
	check(!fdqueue_empty(&q));
	/* written while it lies there */
	check_int(write(pair[0], "x", 1), 1);
	for (int i = 0; i < 3; i++) {
		fd = fdqueue_take(&q, &note);
		check(fd >= 0 && note == (i == 1));
		check_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
		if (i == 2)
			check(read(fd, &byte, 1) == 1 && byte == 'x');
		close(fd);
	}
	check(fdqueue_empty(&q));
	check_int(read(pair[0], &byte, 1), 0);	/* the last end is closed */
	close(pair[0]);
	fdqueue_close(&q);
	fdqueue_close(&q);
}

/* It takes a good number, then none, and loses none. */
static void test_full(void)
{
	int before = count_open(), put = 0, pair[2];
	struct fdqueue q;
	char byte;

	check(fdqueue_open(&q));
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	while (put < 100000 && fdqueue_put(&q, pair[1], true))
		put++;
	check(put >= 64 && put < 100000);
	check_int(errno, EAGAIN);
	check_int(count_open(), before + 4);
	close(pair[1]);
	fdqueue_drop(&q);
	check(fdqueue_empty(&q));
	check_int(read(pair[0], &byte, 1), 0);
	close(pair[0]);
	fdqueue_close(&q);
	check_int(count_open(), before);
}

/* Who has no room for one more leaves it where it is. */
static void test_no_room(void)
{
	struct rlimit was, none;
	struct fdqueue q;
	bool note;
	int fd;

	check(fdqueue_open(&q));
	check(fdqueue_put(&q, 0, true));
	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	check_int(fdqueue_take(&q, &note), -1);
	check_int(errno, EMFILE);
	setrlimit(RLIMIT_NOFILE, &was);
	check(!fdqueue_empty(&q));
	fd = fdqueue_take(&q, &note);
	check(fd >= 0);
	close(fd);
	fdqueue_close(&q);
}

static void test_whose(void)
{
	struct fdqueue q, other = FDQUEUE_NONE;
	int status = -1, pair[2];
	pid_t child;

	check(!fdqueue_is(&other));
	check(fdqueue_open(&q));
	check(fdqueue_is(&q));
	other = (struct fdqueue){ q.put, q.put };
	check(!fdqueue_is(&other));
	other = (struct fdqueue){ q.put, 1000 };
	check(!fdqueue_is(&other));
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	other = (struct fdqueue){ pair[0], pair[1] };
	check(!fdqueue_is(&other));
	child = fork();
	if (child == 0)
		_exit(fdqueue_is(&q));
	waitpid(child, &status, 0);
	check_int(status, 0);
	close(pair[0]);
	close(pair[1]);
	fdqueue_close(&q);
}

int main(void)
{
	test_order();
	test_full();
	test_no_room();
	test_whose();
	return test_end("test_fdqueue");
}
