/* err.c - see err.h. */
#include <errno.h>
#include <stdarg.h>

#include "err.h"

static const char *const names[ERR__COUNT] = {
#define X(code, name) [ERR_##code] = name,
	ERR_TABLE(X)
#undef X
};

/* A text that had to be cut does not end in half a character. */
static void trim_cut(char *text, size_t size, int wanted)
{
	size_t len = size - 1;

	if (wanted < 0) {
		text[0] = '\0';
		return;
	}
	if ((size_t)wanted < size)
		return;
	while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > 0 && (unsigned char)text[len - 1] >= 0xc0)
		len--;
	text[len] = '\0';
}

static void words(char *out, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void words(char *out, size_t size, const char *fmt, va_list ap)
{
	trim_cut(out, size, vsnprintf(out, size, fmt, ap));
}

enum err err_set(struct err_note *note, enum err code, const char *fmt, ...)
{
	va_list ap;

	if (!note)
		return code;
	if (note->code)
		return note->code;
	note->code = code;
	va_start(ap, fmt);
	words(note->why, sizeof(note->why), fmt, ap);
	va_end(ap);
	return code;
}

enum err err_errno(struct err_note *note, const char *what, const char *path)
{
	int kept = errno;
	char reason[128];

	err_set(note, ERR_SYSTEM, "%s %s: %s", what, path,
		strerror_r(kept, reason, sizeof(reason)));
	errno = kept;
	return ERR_SYSTEM;
}

static void tell(struct err_note *note, enum err code, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void tell(struct err_note *note, enum err code, const char *fmt, va_list ap)
{
	note->code = code;
	words(note->tell, sizeof(note->tell), fmt, ap);
	trim_cut(note->why, sizeof(note->why),
		 snprintf(note->why, sizeof(note->why), "%s", note->tell));
}

enum err err_tell(struct err_note *note, enum err code, const char *fmt, ...)
{
	va_list ap;

	if (!note)
		return code;
	if (note->code)
		return note->code;
	va_start(ap, fmt);
	tell(note, code, fmt, ap);
	va_end(ap);
	return code;
}

enum err err_at(struct err_note *note, enum err code, const char *path,
		const char *fmt, ...)
{
	va_list ap;

	if (!note)
		return code;
	if (note->code)
		return note->code;
	va_start(ap, fmt);
	tell(note, code, fmt, ap);
	va_end(ap);
	trim_cut(note->param, sizeof(note->param),
		 snprintf(note->param, sizeof(note->param), "%s", path));
	return code;
}

void err_clear(struct err_note *note)
{
	*note = ERR_NOTE_INIT;
}

const char *err_words(const struct err_note *note)
{
	return note->tell[0] ? note->tell : note->why[0] ? note->why :
	       err_name(note->code);
}

const char *err_name(enum err code)
{
	if ((unsigned)code >= ERR__COUNT)
		return "unknown";
	return names[code];
}
