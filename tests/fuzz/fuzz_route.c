/*
 * fuzz_route.c - any method and path is either a route or a plain refusal,
 * and slashes added at the end change neither.
 */
#include "../../fcgi/stream/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks what route_find() promises; returns the route or NULL. */
static const struct route *find(const char *method, const char *path)
{
	struct err_note note = ERR_NOTE_INIT;
	struct route_match m;
	enum err err = route_find(method, path, &m, &note);
	const char *end = path + strlen(path);

	if (err != note.code || !m.route || !m.route->tongue)
		abort();
	if (err && err != ERR_NO_ROUTE && err != ERR_BAD_METHOD)
		abort();
	if ((err == ERR_BAD_METHOD) != (m.allow[0] != '\0'))
		abort();
	if (m.arg.len && (err || m.arg.ptr < path || m.arg.ptr + m.arg.len > end))
		abort();
	return err ? NULL : m.route;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "x" };
	const struct route *route, *again;
	char *path;

	if (size < 2)
		return 0;
	path = malloc(size + 2);
	if (!path)
		abort();
	path[0] = '/';
	memcpy(path + 1, data + 1, size - 1);
	path[size] = '\0';
	route = find(methods[data[0] % ARRAY_LEN(methods)], path);
	size = strlen(path);
	path[size] = '/';
	path[size + 1] = '\0';
	again = find(methods[data[0] % ARRAY_LEN(methods)], path);
	if (route != again)
		abort();
	free(path);
	return 0;
}
