/* browser.c - see browser.h. */
#include "browser.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "../../shared/text.h"

#define MAX_WORDS	16

/* Away from our terminal and our signals, so that Ctrl-C ends us alone. */
static bool start(char *const argv[], char *const environ_[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	pid_t pid;
	bool ok;

	if (posix_spawn_file_actions_init(&files))
		return false;
	if (posix_spawnattr_init(&how)) {
		posix_spawn_file_actions_destroy(&files);
		return false;
	}
	sigemptyset(&none);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	posix_spawn_file_actions_adddup2(&files, 0, 2);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	ok = posix_spawnp(&pid, argv[0], &files, &how, argv, environ_) == 0;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return ok;
}

/* The words of $BROWSER, up to the first ':' that ends one of a list. */
static bool start_named(const char *line, const char *url, char *const environ_[])
{
	char text[1024], *argv[MAX_WORDS + 2], *at = text;
	struct span rest = span_of(line), word;
	bool placed = false;
	int n = 0;

	while (n < MAX_WORDS && text_next(&rest, ' ', &word)) {
		if ((size_t)(text + sizeof(text) - at) <= word.len)
			return false;
		if (span_eq(word, "%s")) {
			argv[n++] = (char *)(uintptr_t)url;
			placed = true;
			continue;
		}
		argv[n++] = at;
		(void)text_copy(at, sizeof(text) - (size_t)(at - text), word);
		at += word.len + 1;
	}
	if (!n)
		return false;
	if (!placed)
		argv[n++] = (char *)(uintptr_t)url;
	argv[n] = NULL;
	return start(argv, environ_);
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

bool browser_open(const char *url, char *const environ_[])
{
	static const char *const openers[] = { "xdg-open", "wslview", "open" };
	const char *named = getenv("BROWSER");
	struct span rest, one;
	char line[1024];

	/* its end is nobody's business, and it leaves no zombie */
	signal(SIGCHLD, SIG_IGN);
	rest = span_of(named);
	while (text_next(&rest, ':', &one))
		if (text_copy(line, sizeof(line), one) &&
		    start_named(line, url, environ_))
			return true;
	/* without a desktop these would draw a browser into our terminal */
	if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") &&
	    !is_set("WSL_DISTRO_NAME"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(openers); i++)
		if (start_named(openers[i], url, environ_))
			return true;
	return false;
}
