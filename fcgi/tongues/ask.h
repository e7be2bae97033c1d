/*
 * ask.h - from a client's request to a Responses request.
 *
 * ask_chat(), ask_completion() and ask_responses() are the ask members of
 * their tongues.
 * They fill a->request, a->terms and a->model from the client's body and
 * never change the body: parts of it are shared by reference. What they
 * leave out is named in terms.dropped. The rest of this file is what
 * ask_*.c have in common.
 *
 * Failure: ERR_BAD_REQUEST, ERR_UNSUPPORTED_PARAM, ERR_TOO_LARGE or
 * ERR_NO_MEMORY in the note, with the JSON path of the fault in note.param
 * and a sentence for the client in note.tell. a is fit for ask_free() only.
 * Notes must not be NULL here: a reader that returns NULL says by the note
 * whether the member was absent or wrong.
 */
#ifndef CHATMOCK_ASK_H
#define CHATMOCK_ASK_H

#include "tongue.h"

enum err ask_chat(struct ask *a, struct json_object *body,
		  struct err_note *note);
enum err ask_completion(struct ask *a, struct json_object *body,
			struct err_note *note);
enum err ask_ollama(struct ask *a, struct json_object *body,
		    struct err_note *note);
enum err ask_ollama_generate(struct ask *a, struct json_object *body,
			     struct err_note *note);
enum err ask_anthropic(struct ask *a, struct json_object *body,
		       struct err_note *note);
enum err ask_responses(struct ask *a, struct json_object *body,
		       struct err_note *note);

/* --- for ask_*.c ------------------------------------------------------ */

/* One request being read: what each step needs. */
struct asking {
	struct ask *a;
	struct json_object *body;
	struct err_note *note;
};

/*
 * Where in the body a reader is. Nodes lie on the stack of who descends and
 * cost nothing until a fault has to be told: "messages[2].content[0]".
 */
struct at {
	const struct at *up;	/* NULL: the top level */
	const char *key;
	size_t index;		/* AT_WHOLE: not an element */
};
#define AT_WHOLE SIZE_MAX

/* Tells a fault of the member key of at (either may be NULL); fmt goes on
 * after "Invalid value for 'path': ". Always returns the note's code. */
enum err ask_fault(struct asking *q, const struct at *at, const char *key,
		   const char *fmt, ...) PRINTF_LIKE(4, 5);
enum err ask_wrong_type(struct asking *q, const struct at *at, const char *key,
			const char *wanted, struct json_object *got);
/* What is right but cannot be had here; fmt is the whole sentence. */
enum err ask_refuse(struct asking *q, const struct at *at, const char *key,
		    const char *fmt, ...) PRINTF_LIKE(4, 5);
enum err ask_no_memory(struct asking *q);

/* The member of o, borrowed; NULL when it is absent or null, or, with the
 * note set, when it has another type. json_type_double takes any number.
 * ask_need() tells of a missing one too. */
struct json_object *ask_get(struct asking *q, struct json_object *o,
			    const char *key, enum json_type type,
			    const struct at *at);
struct json_object *ask_need(struct asking *q, struct json_object *o,
			     const char *key, enum json_type type,
			     const struct at *at);
/* The same for a value at hand. */
bool ask_is(struct asking *q, struct json_object *v, const char *key,
	    enum json_type type, const struct at *at);
/* A member that names something: a string, there, and not empty. */
struct json_object *ask_need_name(struct asking *q, struct json_object *o,
				  const char *key, const struct at *at);

/* Is the word (a string) one of "a|b|c"? Else tells the choices. */
bool ask_one_of(struct asking *q, struct json_object *word, const char *key,
		const struct at *at, const char *choices);
bool ask_word_in(struct span word, const char *choices);

/* Builders that take ownership in any case; false: no memory, told. */
struct json_object *ask_item(struct asking *q, const char *type);
bool ask_put(struct asking *q, struct json_object *o, const char *key,
	     struct json_object *v);
bool ask_put_cstr(struct asking *q, struct json_object *o, const char *key,
		  const char *s);
bool ask_push(struct asking *q, struct json_object *array,
	      struct json_object *v);
/* What b holds as a value; b is freed. NULL: no memory, told. */
struct json_object *ask_str_of(struct asking *q, struct buf *b);
/* The object member of the request, made when it is not there yet. */
struct json_object *ask_sub(struct asking *q, const char *key);

/* Body's shape, model, request object, the header's reasoning format. */
enum err ask_begin(struct asking *q);

/* Content, a string or an array of parts, as Responses parts pushed to out. */
enum part_place { PART_USER = 1, PART_ASSISTANT = 2, PART_TOOL = 4 };
enum err ask_content(struct asking *q, struct json_object *content,
		     const struct at *at, enum part_place place,
		     struct json_object *out);

/* One part: a text, which is shared; an image by its http, https or data URL,
 * detail NULL for "auto". at and key: where the URL stands. */
struct json_object *ask_text(struct asking *q, struct json_object *text,
			     enum part_place place);
struct json_object *ask_image(struct asking *q, struct json_object *url,
			      struct json_object *detail, const struct at *at,
			      const char *key);

/* What a tool gave: texts as one string, which every Responses server takes;
 * with anything else between them the parts themselves. parts are put. */
struct json_object *ask_output(struct asking *q, struct json_object *parts);

/* A message item with one text; text is shared. */
struct json_object *ask_message(struct asking *q, const char *role,
				struct json_object *text);

/* The developer message that makes an answer join the suffix. */
struct json_object *ask_between(struct asking *q, struct json_object *suffix);

/* The calls of a history, to see that each call has its result. */
struct ask_call {
	size_t item;		/* its index in input */
	bool custom, answered;
};
struct ask_calls {
	struct ask_call *v;
	size_t count, size;
	struct json_object *by_id;	/* the id sent -> index in v */
};
bool ask_calls_add(struct ask_calls *c, const char *id, bool custom, size_t item);
struct ask_call *ask_calls_find(struct ask_calls *c, const char *id);
/* input, or a new array in its place with results for calls that have none
 * (input is put then). NULL: no memory, input is put. */
struct json_object *ask_calls_finish(struct ask_calls *c,
				     struct json_object *input);
void ask_calls_free(struct ask_calls *c);

/* messages -> input; tools, functions and their choices. */
enum err ask_messages(struct asking *q);
enum err ask_tools(struct asking *q);
/* A function tool; schema: the member that holds its parameters. */
struct json_object *ask_function(struct asking *q, struct json_object *from,
				 const char *schema, const struct at *at);
/* request.tool_choice from v; at is where v stands, key its name. */
enum err ask_tool_choice(struct asking *q, const char *key,
			 struct json_object *v);
enum err ask_function_choice(struct asking *q, struct json_object *v);

/*
 * Parameters of the top level, by name. take is called for members that are
 * neither absent nor null; a NULL take is a name that is read elsewhere.
 * Names in neither table are dropped and named. They are the members of
 * q->body; a->in says where that stands when it is not the top level.
 */
struct ask_param {
	const char *name;
	enum err (*take)(struct asking *q, const struct ask_param *p,
			 struct json_object *v);
	const char *choices;	/* words: "a|b" or NULL for any */
	double min, max;	/* numbers */
	enum ask_where { ASK_BOTH, ASK_RESPONSES, ASK_LACKING } where;
};
enum err ask_params(struct asking *q, const struct ask_param *own, size_t count);
/* The same with nothing shared: names not in own are dropped and named. */
enum err ask_own_params(struct asking *q, const struct ask_param *own,
			size_t count);
/* A stop string, kept by us; at is where it stands. False: told. */
bool ask_add_stop(struct asking *q, struct json_object *v, const struct at *at);
/* One parameter as chat and completions have it; name is one of theirs. */
enum err ask_param_common(struct asking *q, const char *name,
			  struct json_object *v);
enum err ask_take_number(struct asking *q, const struct ask_param *p,
			 struct json_object *v);
enum err ask_take_int(struct asking *q, const struct ask_param *p,
		      struct json_object *v);
enum err ask_take_str(struct asking *q, const struct ask_param *p,
		      struct json_object *v);
enum err ask_take_bool(struct asking *q, const struct ask_param *p,
		       struct json_object *v);
enum err ask_take_object(struct asking *q, const struct ask_param *p,
			 struct json_object *v);
enum err ask_take_stream(struct asking *q, const struct ask_param *p,
			 struct json_object *v);
/* A limit of output tokens; stop strings, p->max of them (0: OpenAI's). */
enum err ask_take_limit(struct asking *q, const struct ask_param *p,
			struct json_object *v);
enum err ask_take_stop(struct asking *q, const struct ask_param *p,
		       struct json_object *v);
/* response_format, see ask_format.c. */
enum err ask_take_format(struct asking *q, const struct ask_param *p,
			 struct json_object *v);

#endif
