/*
 * test_config_edit.c - a settings file changed: the line in question, and no
 * other byte.
 */
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shared/ceilings.h"
#include "../../shared/config_edit.h"

/* value NULL: taken out. after NULL: refused, and says holds a word of why. */
static const struct {
	const char *before, *name, *value, *after, *says;
} cases[] = {
	/* the line that counts, and what surrounds its value */
	{ "port = 1\n", "port", "2", "port = 2\n", NULL },
	{ "port=1\n", "CHATMOCK_PORT", "2", "port=2\n", NULL },
	{ "  Port\t=\t1   # mine\n", "port", "2", "  Port\t=\t2   # mine\n", NULL },
	{ "port = \"1\" ; mine\n", "port", "2", "port = 2 ; mine\n", NULL },
	{ "port = 1", "port", "2", "port = 2", NULL },
	{ "port = 1\r\nbind = ::1\r\n", "port", "2", "port = 2\r\nbind = ::1\r\n",
	  NULL },
	{ "port = 1\nport = 3\n", "port", "2", "port = 1\nport = 2\n", NULL },
	{ "port =\n", "port", "2", "port = 2\n", NULL },
	{ "port = # none\n", "port", "2", "port = 2 # none\n", NULL },
	{ "port = 2\n", "port", "2", "port = 2\n", NULL },
	/* a name beats an alias, wherever it stands */
	{ "fast_mode = 0\nCHATGPT_LOCAL_FAST_MODE = 1\n", "fast_mode", "1",
	  "fast_mode = 1\nCHATGPT_LOCAL_FAST_MODE = 1\n", NULL },
	{ "chatgpt_local_fast_mode = 1\n", "fast_mode", "0",
	  "chatgpt_local_fast_mode = 0\n", NULL },
	/* a new line: behind its comment, else at the end of its section */
	{ "", "port", "2", "port = 2\n", NULL },
	{ "# head\n#port = 8000\n\nbind = ::1\n", "port", "2",
	  "# head\n#port = 8000\nport = 2\n\nbind = ::1\n", NULL },
	{ "bind = ::1\n\n# models\n[models]\na = b\n", "port", "2",
	  "bind = ::1\nport = 2\n\n# models\n[models]\na = b\n", NULL },
	{ "[models]\na = b\n", "port", "2", "port = 2\n[models]\na = b\n", NULL },
	{ "bind = ::1", "port", "2", "bind = ::1\nport = 2\n", NULL },
	{ "\xef\xbb\xbf" "bind = ::1\n", "port", "2",
	  "\xef\xbb\xbf" "bind = ::1\nport = 2\n", NULL },
	{ "port = 1\n", "codex.enabled", "no", "port = 1\n\n[codex]\nenabled = no\n",
	  NULL },
	{ "[codex]\nverbose_logging = 1\n\n[models]\n", "codex__enabled", "no",
	  "[codex]\nverbose_logging = 1\nenabled = no\n\n[models]\n", NULL },
	{ "CODEX__ENABLED = yes\n", "codex.enabled", "no", "CODEX__ENABLED = no\n",
	  NULL },
	{ "", "models.llama3:8b", "gpt-5.5", "[models]\nllama3:8b = gpt-5.5\n", NULL },
	{ "[models]\na = b # c\n", "models.a", "d", "[models]\na = d # c\n", NULL },
	{ "[models]\nport = b\n", "port", "2", "port = 2\n[models]\nport = b\n",
	  NULL },
	/* what needs quotes gets them */
	{ "", "debug_model", "a # b", "debug_model = \"a # b\"\n", NULL },
	{ "", "debug_model", " a ", "debug_model = \" a \"\n", NULL },
	{ "", "debug_model", "a#b", "debug_model = a#b\n", NULL },
	{ "", "debug_model", "a \"b\"", "debug_model = a \"b\"\n", NULL },
	{ "", "debug_model", "\"a\"", NULL, "quotes" },
	{ "", "debug_model", "a\nport = 1", NULL, "control" },
	/* taken out, every line of it, under every name */
	{ "port = 1\n# kept\nCHATMOCK_PORT = 2\n", "port", NULL, "# kept\n", NULL },
	{ "fast_mode = 0\nCHATGPT_LOCAL_FAST_MODE = 1\n", "fast_mode", NULL, "",
	  NULL },
	{ "[models]\na = b\nc = d\n", "models.a", NULL, "[models]\nc = d\n", NULL },
	/* refused */
	{ "port = 1\n", "port", "none", NULL, "wanted is a number" },
	{ "port = 1\n", "prot", "2", NULL, "CHATMOCK_PORT" },
	{ "", "p rt", "2", NULL, "name of a setting" },
	{ "", "models.", "x", NULL, "name of a model" },
	{ "", "models.a=b", "x", NULL, "name of a model" },
	{ "", "models.#a", "x", NULL, "name of a model" },
};

static void texts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_change change = { cases[i].name, cases[i].value };
		struct err_note note = ERR_NOTE_INIT;
		struct buf text;
		enum err err;

		buf_init(&text, MAX_CONFIG_FILE);
		buf_str(&text, cases[i].before);
		err = config_edit_text(&text, &change, 1, &note);
		if (cases[i].after) {
			check_int(err, ERR_NONE);
			check_str(buf_span(&text), cases[i].after);
		} else {
			check_int(err, ERR_CONFIG);
			check_str(buf_span(&text), cases[i].before);
			if (!check(strstr(note.tell, cases[i].says)))
				printf("  %s\n", note.tell);
		}
		buf_free(&text);
	}
}

static void names(void)
{
	check(config_is("port", "CHATMOCK_PORT"));
	check(config_is("codex.oauth.client_id", "CODEX__OAUTH__CLIENT_ID"));
	check(config_is("CHATGPT_LOCAL_CLIENT_ID", "CODEX__OAUTH__CLIENT_ID"));
	check(!config_is("prot", "CHATMOCK_PORT"));
	check(!config_is("models.port", "CHATMOCK_PORT"));
	check(config_is_secret("upstream_key"));
	check(!config_is_secret("upstream_key_file"));
	check(!config_is_secret("models.upstream_key"));
}

/* All changes or none; no file over its ceiling. */
static void together(void)
{
	struct config_change changes[] = { { "port", "2" }, { "workers", "x" } };
	struct err_note note = ERR_NOTE_INIT;
	struct buf text;

	buf_init(&text, MAX_CONFIG_FILE);
	for (size_t i = 0; i < MAX_CONFIG_FILE - 8; i++)
		buf_char(&text, i % 64 ? '#' : '\n');
	check_int(config_edit_text(&text, changes, 1, &note), ERR_CONFIG);
	check(strstr(note.tell, "would be over"));
	check_int((int64_t)text.len, MAX_CONFIG_FILE - 8);
	buf_free(&text);
}

static void files(void)
{
	struct config_change changes[] = { { "port", "2" }, { "workers", "x" } };
	struct err_note note = ERR_NOTE_INIT;
	char dir[] = "/tmp/test_config_edit.XXXXXX", path[256], lock[300];
	struct config_edited edited;
	struct stat st;

	if (!check(mkdtemp(dir)))
		return;
	snprintf(path, sizeof(path), "%s/a.conf", dir);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	check_int(config_edit_file(path, NULL, changes, 2, &edited, &note),
		  ERR_CONFIG);
	check(!edited.changed && stat(path, &st) != 0);
	note = ERR_NOTE_INIT;
	check_int(config_edit_file(path, NULL, changes, 1, &edited, &note), 0);
	check(edited.changed && edited.created && !edited.fault[0]);
	check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	check_int(st.st_size, 9);
	note = ERR_NOTE_INIT;
	check_int(config_edit_file(path, NULL, changes, 1, &edited, &note), 0);
	check(!edited.changed && !edited.created);
	unlink(path);
	unlink(lock);
	rmdir(dir);
}

int main(void)
{
	texts();
	names();
	together();
	files();
	return test_end("test_config_edit");
}
