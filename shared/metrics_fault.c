/*
 * metrics_fault.c - a mapping that lost its file: SIGBUS, caught.
 *
 * Who truncates a mapped file makes each touch of it a signal. The handler
 * maps fresh memory over the place and lets the touch happen again. It does
 * nothing but system calls and stores of atomics. A signal that is not about
 * one of our mappings goes to whoever had it before us.
 */
#include "metrics_private.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGIONS 16
#define MEMORY_NAME "metrics"

/* A signal handler is given nothing of the program's, so what it has to know
 * lies here. fd: of the memory that took the file's place, plus 2. */
struct region {
	_Atomic uintptr_t at;		/* 0: free */
	_Atomic int faulted, fd;
};

static struct region regions[REGIONS];
static struct sigaction before;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

int metrics_memory(void)
{
	int fd = memfd_create(MEMORY_NAME, MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, sizeof(struct metrics_file))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool replace(struct region *r, uintptr_t at)
{
	int fd = metrics_memory();
	int flags = MAP_FIXED | MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);

	/* another thread may have been here first: its memory stays */
	if (atomic_exchange(&r->faulted, 1)) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	if (mmap((void *)at, sizeof(struct metrics_file), PROT_READ | PROT_WRITE,
		 flags, fd, 0) == MAP_FAILED)
		return false;
	atomic_store(&r->fd, fd + 2);
	return true;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr, at;

	(void)context;
	for (size_t i = 0; i < REGIONS; i++) {
		at = atomic_load(&regions[i].at);
		if (at && addr >= at && addr - at < sizeof(struct metrics_file) &&
		    replace(&regions[i], at))
			return;
	}
	/* not ours: it happens again, for who had the signal before */
	sigaction(sig, &before, NULL);
}

static void install(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };

	action.sa_sigaction = on_fault;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

int metrics_region_add(void *at)
{
	pthread_once(&installed, install);
	for (int i = 0; i < REGIONS; i++) {
		uintptr_t none = 0;

		if (!atomic_compare_exchange_strong(&regions[i].at, &none, 1))
			continue;
		atomic_store(&regions[i].faulted, 0);
		atomic_store(&regions[i].fd, 0);
		atomic_store(&regions[i].at, (uintptr_t)at);
		return i;
	}
	return -1;
}

void metrics_region_del(int region)
{
	int fd;

	if (region < 0)
		return;
	atomic_store(&regions[region].at, 0);
	fd = atomic_exchange(&regions[region].fd, 0);
	if (fd >= 2)
		close(fd - 2);
}

bool metrics_region_faulted(int region)
{
	return region >= 0 && atomic_load(&regions[region].faulted);
}

int metrics_region_mended(int region)
{
	int fd = 0;

	if (region >= 0) {
		fd = atomic_exchange(&regions[region].fd, 0);
		atomic_store(&regions[region].faulted, 0);
	}
	return fd >= 2 ? fd - 2 : -1;
}
