/*
 * start_try.h - what `chatmock start --try` (make run) does beside starting
 * in the foreground.
 */
#ifndef CHATMOCK_CLI_START_TRY_H
#define CHATMOCK_CLI_START_TRY_H

#include "ops.h"

/*
 * Where there is neither a login nor an upstream, starts the demo, which ends
 * with us, and names it in our environment; *demo tells. Streams have 2 s at
 * the end unless CHATMOCK_DRAIN_TIMEOUT was given. Settings are read again.
 * 0, or the exit code after the complaint.
 */
MUST_USE int try_prepare(struct cli *cli, bool *demo);

/* Once the gateway answers that we are about to keep: where it listens, and a
 * line to copy. Returns at once; 0, or the exit code after the complaint. */
MUST_USE int try_greet(struct cli *cli, bool demo);

#endif
