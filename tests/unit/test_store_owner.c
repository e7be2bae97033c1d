/* test_store_owner.c - whether who began a response still lives. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shared/store.h"
#include "test.h"

static void test_owner(void)
{
	char owner[96];
	pid_t pid;

	store_owner(owner);
	check(store_owner_lives(owner));
	check(!store_owner_lives(""));
	check(!store_owner_lives("1 2 3 4"));
	owner[strlen(owner) - 1] ^= 1;		/* the same pid, started elsewhen */
	check(!store_owner_lives(owner));
	pid = fork();
	if (!pid)
		_exit(0);
	/* a zombie, then nobody: both are dead */
	store_owner(owner);
	*strrchr(owner, ' ') = '\0';
	snprintf(strrchr(owner, ' '), 30, " %d 12345", (int)pid);
	check(!store_owner_lives(owner));
	check_int(waitpid(pid, NULL, 0), pid);
	check(!store_owner_lives(owner));
}

int main(void)
{
	test_owner();
	return test_end("test_store_owner");
}
