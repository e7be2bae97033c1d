/*
 * keeper.h - the process that keeps a gateway: the web server, chatmock.fcgi
 * and health.fcgi under spawn-fcgi, and the fetcher every ten minutes.
 *
 * One for a CHATMOCK_HOME. It starts the parts through HOME/run/programs,
 * brings back one that dies (after 0.2, 0.4 ... 30 s), and writes down who they
 * are (state.h). All parts hold HOME/run/lock, have a session of their own and
 * are told to end when the keeper vanishes. Signals:
 *	TERM, INT, QUIT	ends all: streams first (CHATMOCK_DRAIN_TIMEOUT), then
 *			who carries them; a second one ends streams at once
 *	HUP		the settings are read anew: the masters reload, the web
 *			server where its configuration has changed
 *	USR1		becomes HOME/run/programs/chatmock, keeping its parts
 *	USR2		the start went well: from here on what dies comes back;
 *			before, and always in the foreground, a part that dies
 *			ends all of it
 */
#ifndef CHATMOCK_KEEPER_H
#define CHATMOCK_KEEPER_H

#include "../../shared/base.h"

enum keeper_mode {
	KEEPER_BACKGROUND,
	KEEPER_FOREGROUND,
	KEEPER_RESUMED		/* it was another keeper a moment ago */
};

/* Settings are those of the environment and the file. Complaints go to
 * stderr. Returns an exit code of <sysexits.h>. */
int keeper_run(enum keeper_mode mode);

#endif
