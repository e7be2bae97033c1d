/*
 * check_keys.c - who would be let in: the file of keys, and where we can be
 * reached.
 */
#include <sys/stat.h>

#include "../../shared/clock.h"
#include "../../shared/keys.h"
#include "check_private.h"

#define HOW "make one first (chatmock keys add NAME)"

/* Others may reach the web server that we are started with. */
static void check_bind(struct findings *f, size_t in_force)
{
	const struct config *c = f->config;

	if (config_is_loopback(c->bind))
		return;
	if (!in_force) {
		check_fault(f, EX_CONFIG, "CHATMOCK_BIND is %.100s, which can be "
			    "reached from other machines, and there is no key in "
			    "force that they would need; " HOW ", or set it to a "
			    "loopback address such as 127.0.0.1", c->bind);
		return;
	}
	check_warn(f, "CHATMOCK_BIND is %.100s: what goes there is not encrypted, keys "
		   "and prompts too; put a server with TLS before it, and let it "
		   "listen on 127.0.0.1", c->bind);
	if (!c->allowed_hosts)
		check_warn(f, "CHATMOCK_BIND is %.100s, and CHATMOCK_ALLOWED_HOSTS names "
			   "nothing: who asks for this machine by its name or address "
			   "is refused; list them there", c->bind);
}

static void check_file(struct findings *f, const struct keyring *ring)
{
	struct stat st;
	char path[4200];

	snprintf(path, sizeof(path), "%s/" KEYS_FILE, f->config->home);
	if (ring->note.code)
		check_fault(f, EX_DATAERR, "%s; mend it, or move it away and add your "
			    "keys anew", ring->note.why);
	else if (stat(path, &st))
		return;
	else if (st.st_mode & 022)
		check_fault(f, EX_NOPERM, "%.300s can be written by others, who could "
			    "make keys for themselves; chmod 600 it", path);
	else if (st.st_mode & 044)
		check_warn(f, "%.300s can be read by others; chmod 600 it", path);
}

void check_keys(struct findings *f)
{
	struct keyring ring;
	size_t in_force;

	keyring_read(&ring, f->config->home);
	in_force = keyring_in_force(&ring, clock_wall_us() / 1000000);
	check_file(f, &ring);
	if (ring.wanted && !ring.note.code && !in_force)
		check_warn(f, "no key in %.300s/" KEYS_FILE " is in force, so nobody is "
			   "let in; chatmock keys add NAME, or remove the file to do "
			   "without keys", f->config->home);
	check_bind(f, in_force);
	keyring_free(&ring);
}
