/*
 * login_page.c - what the browser shows when it comes back: one page, nothing
 * loaded from anywhere, no script.
 */
#include "login_server.h"

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':	buf_str(out, "&amp;"); break;
		case '<':	buf_str(out, "&lt;"); break;
		case '>':	buf_str(out, "&gt;"); break;
		case '"':	buf_str(out, "&quot;"); break;
		case '\'':	buf_str(out, "&#39;"); break;
		default:	buf_char(out, *text);
		}
	}
}

void login_page_html(const struct login_page *page, struct buf *out)
{
	buf_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<title>");
	add_escaped(out, page->title);
	buf_str(out, "</title>\n<style>\n"
		"body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem;\n"
		"  margin: 15vh auto 0; padding: 0 1.5rem; color-scheme: light dark; }\n"
		"h1 { font-size: 1.5rem; border-left: .4rem solid ");
	buf_str(out, page->good ? "#2a8a3e" : "#c0392b");
	buf_str(out, "; padding-left: .8rem; }\n</style>\n</head>\n"
		"<body>\n<main>\n<h1>");
	add_escaped(out, page->title);
	buf_str(out, "</h1>\n<p>");
	add_escaped(out, page->text);
	buf_str(out, "</p>\n</main>\n</body>\n</html>\n");
}
