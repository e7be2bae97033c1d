/*
 * anthropic.h - what Anthropic's requests and answers have in common.
 *
 * Ids: upstream's call_X is toolu_X to the client and call_X again in the
 * history; any other id Y is toolu__Y. Nothing has to be remembered for it.
 *
 * Seals: what upstream needs to go on from its own reasoning (item id and
 * encrypted content) travels in a thinking block's signature, or as a
 * redacted_thinking block's data: "cm1.CHECK.ID.CONTENT", CHECK being 16 hex
 * digits of the SHA-256 of what follows it. What is no seal of ours, or was
 * changed on its way, is no seal.
 */
#ifndef CHATMOCK_ANTHROPIC_H
#define CHATMOCK_ANTHROPIC_H

#include "ask.h"

/* --- ids and seals ---------------------------------------------------- */

/* The client's id for upstream's, as a JSON string. */
void anthropic_id(struct buf *out, struct span id);
/* Upstream's id for the client's, fit for upstream, into out[65]. */
MUST_USE bool anthropic_id_back(struct span id, char out[65]);

/* The seal without quotes. Neither argument is trusted: an id that would not
 * survive is left out, content that is not base64 seals nothing (""). */
void anthropic_seal(struct buf *out, struct span id, struct span content);
/* False: none of ours. The spans borrow from seal; content may be empty. */
bool anthropic_unseal(struct span seal, struct span *id, struct span *content);

/* --- answers ---------------------------------------------------------- */

const char *anthropic_stop(enum finish finish, bool refused, bool calls);
/* ,"stop_sequence":"..." or null */
void anthropic_stop_sequence(struct buf *out, enum finish finish, struct span stop);

/* "usage":{...}; searches: how many web searches were made. */
void anthropic_usage(struct buf *out, const struct usage *u, unsigned searches);

/* A citation for one of upstream's annotations; false: there is none for it. */
bool anthropic_citation(struct buf *out, struct json_object *note);

/* Upstream's search: its server_tool_use block's id and input as JSON, and the
 * result's list. False: no search. */
bool anthropic_is_search(struct json_object *item);
void anthropic_search_id(struct buf *out, struct json_object *item);
void anthropic_search_input(struct buf *out, struct json_object *item);
void anthropic_search_results(struct buf *out, struct json_object *item);

/* emit_anthropic_whole.c */
void anthropic_whole(const struct terms *t, struct buf *out,
		     const struct answer *a);

/* emit_anthropic_limits.c */
void anthropic_limits(struct buf *out, const struct limits *l);

/* --- errors (emit_anthropic_error.c) ---------------------------------- */

int anthropic_error_status(const struct fault *f);
void anthropic_error_body(struct buf *out, const struct fault *f);
void anthropic_error_event(struct emitter *e, struct buf *out,
			   const struct fault *f);

/* --- requests --------------------------------------------------------- */

/* A block of content as upstream's parts, pushed to out: what may stand in a
 * user's message, an assistant's, or a tool's result. */
enum err anthropic_part(struct asking *q, struct json_object *block,
			const struct at *at, enum part_place place,
			struct json_object *out);
/* The block's type; NULL: told. */
struct json_object *anthropic_type(struct asking *q, struct json_object *block,
				   const struct at *at);

/* system, or the content of a message that speaks as it does, as one developer
 * message pushed to input, without the lines that change from turn to turn. */
enum err anthropic_system(struct asking *q, struct json_object *system,
			  const struct at *at, const char *key,
			  struct json_object *input);
enum err anthropic_messages(struct asking *q);
/* A tool_result's content as upstream's output: a string or parts. */
struct json_object *anthropic_result(struct asking *q, struct json_object *block,
				     bool failed, const struct at *at);
enum err anthropic_tools(struct asking *q);
/* thinking, output_config and output_format. */
enum err anthropic_reasoning(struct asking *q);

/* Asks upstream for more than it tells by itself. */
enum err anthropic_include(struct asking *q, const char *word);

/* As the tongue's ask, but max_tokens may be missing: nothing is generated. */
enum err anthropic_unlimited(struct ask *a, struct json_object *body,
			     struct err_note *note);

/* Would upstream take the schema as a strict one? It wants each object closed
 * and each property required. */
bool anthropic_strict_fits(struct json_object *schema);

#endif
