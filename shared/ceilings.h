/*
 * ceilings.h - every fixed limit of the program, to be seen at once.
 *
 * What an operator may change is a setting (config.h). What stands here is
 * the same everywhere; passing it is a clear error in the caller's tongue.
 * Bytes unless the name says otherwise.
 */
#ifndef CHATMOCK_CEILINGS_H
#define CHATMOCK_CEILINGS_H

/* What a client may send */
#define MAX_REQUEST_HEAD	(32u << 10)	/* all FastCGI parameters */
#define MAX_REQUEST_HEADERS	100		/* header lines */
#define MAX_REQUEST_URI		(8u << 10)
#define MAX_REQUEST_BODY	(32u << 20)
#define MAX_ZSTD_WINDOW		25		/* bits: 32 MiB */
#define MAX_JSON_DEPTH		128		/* levels */
#define MAX_JSON_MEMBERS	100000		/* members or elements of one value */
#define MAX_STOP_STRINGS	4		/* as OpenAI has it */
#define MAX_STOPS_KEPT		32		/* where the API names no limit */
#define MAX_STOP_STRING		256
#define MAX_TOOLS		1024		/* tools of one request */
#define MAX_UPSTREAM_NAME	64		/* a tool's name, a call id */
#define MAX_MODEL_NAME		256
#define MAX_MODELS		2000		/* of upstream's list */
#define MAX_BEARER		(16u << 10)	/* a token that goes to upstream */
#define MAX_BEARER_ACCOUNT	128

/* What upstream may send */
#define MAX_SSE_EVENT		(64u << 20)
#define MAX_STREAM		(512u << 20)	/* one answer, all events */
#define MAX_UPSTREAM_ERROR	(64u << 10)	/* an error body worth reading */
#define MAX_TOKEN_REPLY		(256u << 10)	/* the issuer's answer */
#define MAX_ANSWER_ITEMS	4096		/* output items of one answer */
#define MAX_UPSTREAM_HEADERS	(64u << 10)	/* its header block */
#define MAX_HANDED_ON		(8u << 10)	/* of these, to the client */

/* The store: what is read in one go, and what waits to be written */
#define MAX_CHAIN_TURNS		1000		/* a response and those before it */
#define MAX_CHAIN_BYTES		(24u << 20)	/* their items */
#define MAX_NAMED_ITEMS		10000		/* by their ids alone, of one input */
#define MAX_STORE_ITEMS		10000		/* of one response, one page */
#define MAX_STORE_RECORD	(96u << 20)	/* a response's JSON */
#define MAX_STORE_EVENTS	100000		/* read or written at once */
#define MAX_BACKGROUND		1024		/* responses that run, of a worker */
#define MAX_BACKGROUND_CALLER	128		/* of them, one caller's */
#define MAX_STORE_QUEUE		4096		/* writes */
#define MAX_STORE_QUEUE_BYTES	(192u << 20)
#define MAX_STORE_BATCH		(4u << 20)	/* written in one transaction */

/* Files */
#define MAX_AUTH_FILE		(1u << 20)
#define MAX_CACHE_FILE		(4u << 20)
#define MAX_CONFIG_FILE		(256u << 10)
#define MAX_PROMPT		(1u << 20)
#define MAX_KEYS_FILE		(512u << 10)
#define MAX_KEYS		1000		/* those that are revoked, too */

/* One stream towards its client: pause upstream above, go on below */
#define OUT_HIGH_WATER		(160u << 10)
#define OUT_LOW_WATER		(32u << 10)
#define MAX_OUT			(96u << 20)	/* a whole answer at the most */

/* Work that would hold up the loop goes to a thread from here on */
#define INLINE_PARSE		(48u << 10)	/* a request's body */
#define INLINE_EVENT		(128u << 10)	/* one upstream event */
#define HEAVY_TEXT		(256u << 10)	/* JSON whose tree takes megabytes */

/* A log line's fields are cut here */
#define MAX_LOG_FIELD		2048
#define MAX_LOG_GATHERED	(64u << 10)	/* lines that wait for one write */

/* WebSockets */
#define MAX_WS_MESSAGE		(32u << 20)	/* a message, a frame */
#define MAX_WS_CONNS		4096		/* of one worker */
#define MAX_WS_KEPT		(32u << 20)	/* of a conversation, by one connection */
#define MAX_WS_KEPT_ALL		(256u << 20)	/* by all of one worker */
#define MAX_WS_AGE_MS		3600000
#define MAX_WS_IDLE_MS		300000		/* nothing asked, nothing answered */
#define MAX_WS_CLOSE_MS		5000		/* we said close: so long for theirs */

/* Peers of the FastCGI socket */
#define MAX_PEER_SILENCE_MS	30000		/* half a request, then nothing */
#define MAX_READ_TURN		(256u << 10)	/* read from one peer in a turn */

#endif
