/*
 * output.c - what a command says: colours, width, notes, complaints, JSON.
 */
#include "private.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../shared/text.h"

#define MAX_JSON_OUT (64u << 20)

static size_t columns_of(int fd)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return text && text_int(span_of(text), &n) && n > 0 && n < 10000 ?
		(size_t)n : 80;
}

void cli_look(struct cli *cli)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	const char *when = cli_value(cli, "color");

	cli->out_tty = isatty(STDOUT_FILENO);
	cli->err_tty = isatty(STDERR_FILENO);
	cli->width = cli->out_tty ? columns_of(STDOUT_FILENO) : 0;
	cli->colour = cli->out_tty && !(no && *no) && term && *term &&
		      strcmp(term, "dumb") != 0;
	if (when && strcmp(when, "auto") != 0)
		cli->colour = strcmp(when, "always") == 0;
}

const char *cli_ink(const struct cli *cli, enum cli_ink ink)
{
	static const char *const codes[INK__COUNT] = {
		[INK_PLAIN] = "\033[0m", [INK_BOLD] = "\033[1m",
		[INK_DIM] = "\033[2m", [INK_GOOD] = "\033[32m",
		[INK_WARN] = "\033[33m", [INK_BAD] = "\033[31m",
		[INK_NAME] = "\033[36m",
	};

	return cli->colour ? codes[ink] : "";
}

void cli_out(struct cli *cli, const char *fmt, ...)
{
	va_list args;

	(void)cli;
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
}

void cli_put(struct cli *cli, const struct buf *text)
{
	(void)cli;
	fwrite(text->ptr, 1, text->len, stdout);
}

void cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list args;

	if (!cli->out_tty)
		return;
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* Complaints may quote what came from outside: nothing of it acts on the
 * terminal. */
static void PRINTF_LIKE(1, 0) complain(const char *fmt, va_list args)
{
	char text[2048];
	struct buf out;

	fflush(stdout);
	buf_init(&out, 4 * sizeof(text));
	vsnprintf(text, sizeof(text), fmt, args);
	buf_str(&out, "chatmock: ");
	cli_safe(&out, span_of(text));
	buf_char(&out, '\n');
	fwrite(out.ptr, 1, out.len, stderr);
	buf_free(&out);
}

void cli_warn(struct cli *cli, const char *fmt, ...)
{
	va_list args;

	(void)cli;
	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
}

int cli_fail(struct cli *cli, int code, const char *fmt, ...)
{
	va_list args;

	(void)cli;
	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	return code;
}

int cli_exit_code(enum err err)
{
	switch (err) {
	case ERR_OK:		return EX_OK;
	case ERR_CONFIG:	return EX_CONFIG;
	case ERR_BAD_JSON:
	case ERR_TOO_DEEP:
	case ERR_TOO_LARGE:	return EX_DATAERR;
	case ERR_BUSY:
	case ERR_UPSTREAM_CONNECT:
	case ERR_UPSTREAM_DNS:
	case ERR_UPSTREAM_TIMEOUT:
	case ERR_UPSTREAM_SILENT:
	case ERR_UPSTREAM_TOTAL:
	case ERR_UPSTREAM_LIMIT: return EX_TEMPFAIL;
	case ERR_LOGIN_MISSING:
	case ERR_LOGIN_STALE:
	case ERR_LOGIN_RENEWAL:	return EX_NOPERM;
	case ERR_LOGIN_BROKEN:	return EX_DATAERR;
	case ERR_SYSTEM:
	case ERR_NO_MEMORY:	return EX_OSERR;
	default:		return EX_UNAVAILABLE;
	}
}

int cli_fail_note(struct cli *cli, const struct err_note *note)
{
	return cli_fail(cli, cli_exit_code(note->code), "%s", err_words(note));
}

int cli_json(struct cli *cli, struct json_object *v)
{
	const char *pretty;
	struct buf out;
	int status = 0;

	buf_init(&out, MAX_JSON_OUT);
	if (v && cli->out_tty) {
		pretty = json_object_to_json_string_ext(v,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			JSON_C_TO_STRING_NOSLASHESCAPE);
		buf_str(&out, pretty ? pretty : "");
	} else if (v) {
		json_write(&out, v);
	}
	if (!v || buf_err(&out) || !out.len)
		status = cli_fail(cli, EX_OSERR, "out of memory");
	else
		buf_char(&out, '\n');
	if (!status)
		cli_put(cli, &out);
	buf_free(&out);
	json_object_put(v);
	return status;
}

void cli_safe(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		/* a C1 control in UTF-8: ESC [ in other clothes */
		bool c1 = c == 0xc2 && i + 1 < text.len &&
			  (unsigned char)text.ptr[i + 1] < 0xa0;

		if (c1) {
			buf_char(out, '?');
			i++;
		} else {
			buf_char(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
		}
	}
}

size_t cli_columns(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return n;
}

static void blanks(struct buf *out, size_t n)
{
	while (n--)
		buf_char(out, ' ');
}

/* Paragraphs stay: a line break in text is one. */
void cli_wrap(struct buf *out, const char *text, size_t indent, size_t width)
{
	struct span rest = span_of(text);
	size_t at = 0;

	width = width < indent + 20 ? indent + 20 : width;
	while (rest.len) {
		size_t len = strcspn(rest.ptr, " \n");
		size_t wide = cli_columns((struct span){ rest.ptr, len });

		if (at && at + 1 + wide > width) {
			buf_char(out, '\n');
			at = 0;
		}
		if (len && !at) {
			blanks(out, indent);
			at = indent;
		} else if (len) {
			buf_char(out, ' ');
			at++;
		}
		buf_add(out, rest.ptr, len);
		at += wide;
		if (rest.ptr[len] == '\n') {
			buf_char(out, '\n');
			at = 0;
		}
		len += rest.ptr[len] != '\0';
		rest = (struct span){ rest.ptr + len, rest.len - len };
	}
	if (at)
		buf_char(out, '\n');
}
