#include "wish.h"

#include <stdlib.h>
#include <unistd.h>

#include "../../shared/file.h"
#include "../../shared/text.h"
#include "place.h"

#define MAX_WISH (1u << 20)

/* What the settings are read from; see config.h. */
static bool is_setting(struct span name)
{
	static const char *const begins[] = { "CHATMOCK_", "CODEX__",
					      "CHATGPT_LOCAL_" };
	static const char *const names[] = {
		"CODEX_HOME", "CODEX_CA_CERTIFICATE", "SSL_CERT_FILE",
		"HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
	};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (text_starts_nocase(name, begins[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_eq_nocase(name, names[i]))
			return true;
	return false;
}

/* A proxy's URL may have a password in it. */
static bool is_secret(struct span name, const char *value)
{
	struct config_row row;
	struct buf ignored;
	bool secret = strchr(value, '@') != NULL;

	buf_init(&ignored, 4096);
	for (size_t i = 0; !secret && config_row_at(NULL, i, &ignored, &row); i++)
		secret = row.kind == CONFIG_KIND_SECRET &&
			 text_eq_nocase(name, row.name);
	buf_free(&ignored);
	return secret;
}

static void put_one(struct buf *out, const char *line)
{
	const char *eq = strchr(line, '=');
	struct span name = { line, eq ? (size_t)(eq - line) : 0 };

	if (!eq || !eq[1] || strchr(eq, '\n') || !is_setting(name))
		return;
	if (is_secret(name, eq + 1))
		buf_fmt(out, "!%.*s\n", (int)name.len, name.ptr);
	else
		buf_fmt(out, "%s\n", line);
}

enum err wish_write(const char *home, char *const environ_[],
		    struct err_note *note)
{
	struct place path;
	struct buf out;
	enum err err;

	buf_init(&out, MAX_WISH);
	for (size_t i = 0; environ_[i]; i++)
		put_one(&out, environ_[i]);
	err = buf_err(&out) ? err_set(note, buf_err(&out), "run/wish") :
		file_replace(place_in(&path, home, "run/wish"), 0600,
			     buf_span(&out), note);
	buf_free(&out);
	return err;
}

void wish_forget(const char *home)
{
	struct place path;

	unlink(place_in(&path, home, "run/wish"));
}

bool wish_there(const char *home)
{
	struct place path;

	return access(place_in(&path, home, "run/wish"), F_OK) == 0;
}

/* line is NUL-terminated and ours. */
static bool adopt_one(char *line, char *missing, size_t size)
{
	char *eq = strchr(line, '=');

	if (line[0] == '!') {
		if (!missing[0] && !getenv(line + 1))
			text_copy(missing, size, span_of(line + 1));
		return true;
	}
	if (!eq || eq == line)
		return true;
	*eq = '\0';
	return setenv(line, eq + 1, 0) == 0;
}

enum err wish_adopt(const char *home, char *missing, size_t size,
		    struct err_note *note)
{
	struct place path;
	struct buf text;
	char *at, *end;

	missing[0] = '\0';
	buf_init(&text, MAX_WISH);
	if (file_read(place_in(&path, home, "run/wish"), &text, NULL, note))
		goto out;
	for (at = text.ptr; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		if (!adopt_one(at, missing, size)) {
			err_set(note, ERR_NO_MEMORY, "the environment");
			break;
		}
	}
out:
	buf_free(&text);
	return note->code;
}
