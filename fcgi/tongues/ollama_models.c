/*
 * ollama_models.c - the catalogue as Ollama's clients read it.
 */
#include "models.h"
#include "ollama.h"

#include "../../shared/text.h"

/* Files on a disk have an age; a catalogue's entry has none that is known.
 * One that never changes, so that a list can be compared with the last one. */
#define MODIFIED "2025-01-01T00:00:00Z"

/* What a client looks the context's length up by: <family>.context_length */
#define FAMILY "gpt"

bool ollama_cut_tag(struct span *name)
{
	static const char tag[] = ":latest";
	size_t len = sizeof(tag) - 1;

	if (name->len <= len ||
	    memcmp(name->ptr + name->len - len, tag, len) != 0)
		return false;
	name->len -= len;
	return true;
}

enum err ollama_choose(const struct catalog *cat, struct span asked,
		       struct model_choice *out, struct err_note *note)
{
	enum err e = catalog_choose(cat, asked, out, note);

	if (e || catalog_find(cat, span_of(out->slug)) || !ollama_cut_tag(&asked))
		return e;
	return catalog_choose(cat, asked, out, note);
}

static void write_details(const struct model *m, struct buf *out)
{
	const char *family = m ? "\"" FAMILY "\"" : "";

	buf_fmt(out, "\"details\":{\"parent_model\":\"\",\"format\":\"\","
		"\"family\":\"%s\",\"families\":[%s],\"parameter_size\":\"\","
		"\"quantization_level\":\"\"}", m ? FAMILY : "", family);
}

/* Clients remember by the digest what a model can do, and take names that
 * share one for the same model: it is that of what is known of it. */
static void digest_of(const struct model_entry *e, char digest[65])
{
	const struct model *m = e->known;
	struct buf b;

	buf_init(&b, 4096);
	buf_str(&b, m ? m->slug : e->stands);
	if (m)
		buf_fmt(&b, "\n%d %lld %u %d %d", (int)e->effort,
			(long long)m->context_window, m->efforts, m->tools,
			m->vision);
	sha256_hex(buf_span(&b), digest);
	buf_free(&b);
}

/* No file lies here: its size is 0. */
static void write_entry(const struct model_entry *e, struct buf *out)
{
	char digest[65];

	digest_of(e, digest);
	buf_str(out, "{\"name\":");
	buf_json(out, e->id);
	buf_str(out, ",\"model\":");
	buf_json(out, e->id);
	buf_fmt(out, ",\"modified_at\":\"" MODIFIED "\",\"size\":0,"
		"\"digest\":\"%s\",", digest);
	write_details(e->known, out);
	buf_char(out, '}');
}

struct list { struct buf *out; bool begun; };

static void list_entry(void *ctx, const struct model_entry *m)
{
	struct list *l = ctx;

	if (l->begun)
		buf_char(l->out, ',');
	l->begun = true;
	write_entry(m, l->out);
}

void ollama_tags(const struct config *c, const struct catalog *cat,
		 struct buf *out)
{
	struct list l = { out, false };

	buf_str(out, "{\"models\":[");
	models_each(c, cat, list_entry, &l);
	buf_str(out, "]}");
}

static void write_capabilities(const struct model *m, struct buf *out)
{
	buf_str(out, "\"capabilities\":[\"completion\"");
	if (m && m->tools)
		buf_str(out, ",\"tools\"");
	if (m && m->vision)
		buf_str(out, ",\"vision\"");
	if (m && m->efforts)
		buf_str(out, ",\"thinking\"");
	buf_char(out, ']');
}

/* Strings that clients split or search stand there, empty. */
static void write_model(const struct model_choice *choice, struct buf *out)
{
	const struct model *m = choice->known;

	buf_str(out, "{\"license\":\"\",\"modelfile\":\"\",\"parameters\":\"\","
		     "\"template\":\"\",");
	write_details(m, out);
	buf_str(out, ",\"model_info\":{\"general.basename\":");
	buf_json(out, span_of(choice->slug));
	if (m && m->context_window)
		buf_fmt(out, ",\"general.architecture\":\"" FAMILY "\",\""
			FAMILY ".context_length\":%lld",
			(long long)m->context_window);
	buf_str(out, "},");
	write_capabilities(m, out);
	buf_str(out, ",\"modified_at\":\"" MODIFIED "\"}");
}

/* An alias is a model, too, whatever it stands for. */
static bool is_alias(const struct config *c, struct span name)
{
	struct span cut = name;

	ollama_cut_tag(&cut);
	for (size_t i = 0; i < c->alias_count; i++)
		if (text_glob(c->aliases[i].pattern, name) ||
		    text_glob(c->aliases[i].pattern, cut))
			return true;
	return false;
}

/* "model", or as it was called before "name". */
static enum err read_name(struct span body, struct json_object **root,
			  struct span *name, struct err_note *note)
{
	if (body.len > INLINE_PARSE)
		return err_tell(note, ERR_TOO_LARGE, "The request is too large.");
	*root = json_parse(body, note);
	if (!*root)
		return note->code;
	*name = json_get_str(*root, "model");
	if (!name->len)
		*name = json_get_str(*root, "name");
	if (!name->len)
		return err_at(note, ERR_BAD_REQUEST, "model", "model is required");
	return ERR_NONE;
}

enum err ollama_show(const struct config *c, const struct catalog *cat,
		     struct span body, struct buf *out, struct err_note *note)
{
	struct json_object *root = NULL;
	struct model_choice choice;
	struct span name;

	if (read_name(body, &root, &name, note) ||
	    ollama_choose(cat, name, &choice, note))
		goto out;
	if (catalog_find(cat, span_of(choice.slug)) || is_alias(c, name))
		write_model(&choice, out);
	else
		err_at(note, ERR_MODEL_NOT_FOUND, "model", "model '%.*s' not found",
		       (int)(name.len < 128 ? name.len : 128), name.ptr);
out:
	json_object_put(root);
	return note->code;
}

void ollama_ps(struct buf *out)
{
	buf_str(out, "{\"models\":[]}");
}

void ollama_version(struct buf *out)
{
	buf_str(out, "{\"version\":\"" OLLAMA_VERSION "\"}");
}
