/*
 * ask.h - from a client's request to a Responses request.
 *
 * ask_chat() and ask_completion() are the ask members of their tongues.
 * They fill a->request, a->terms and a->model from the client's body and
 * never change the body: parts of it are shared by reference. What they
 * leave out is named in terms.dropped.
 *
 * Failure: ERR_BAD_REQUEST, ERR_UNSUPPORTED_PARAM, ERR_TOO_LARGE or
 * ERR_NO_MEMORY in the note, with the JSON path of the fault in note.param
 * and a sentence for the client in note.tell. a is fit for ask_free() only.
 */
#ifndef CHATMOCK_ASK_H
#define CHATMOCK_ASK_H

#include "tongue.h"

enum err ask_chat(struct ask *a, struct json_object *body,
		  struct err_note *note);
enum err ask_completion(struct ask *a, struct json_object *body,
			struct err_note *note);

#endif
