/*
 * fuzz_config.c - any settings file is read or refused with a sentence; what
 * was read keeps its promises.
 */
#include "../../shared/config.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct config *c)
{
	struct buf out;

	if (!c->home || !c->bind || !config_is_loopback(c->bind))
		abort();
	if (c->port < 1 || c->port > 65535 || c->kind == KIND_GUESS)
		abort();
	if (!c->upstream_base || !c->responses_url || strchr(c->upstream_base, '@') ==
	    c->upstream_base)
		abort();
	for (size_t i = 0; i < c->alias_count; i++)
		if (!c->aliases[i].model[0])
			abort();
	buf_init(&out, 16u << 20);
	config_print(c, &out);
	if (buf_err(&out) || !out.len)
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err_note note = ERR_NOTE_INIT;
	char path[64], set[96];
	const char *sets[1] = { set };
	char *environ_[1] = { NULL };
	struct config c;
	int fd = memfd_create("settings", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(set, sizeof(set), "CHATMOCK_CONFIG=%s", path);
	if (config_read(&c, environ_, sets, 1, &note)) {
		if (!note.tell[0] || c.private)
			abort();
	} else {
		look(&c);
	}
	config_free(&c);
	close(fd);
	return 0;
}
