#include "orphans.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../shared/clock.h"
#include "../../shared/text.h"
#include "state.h"

/* Sessions of ours: those written down, and those of who listens. */
struct search {
	struct place lock;
	struct { pid_t session; uint64_t start; } known[PART__COUNT + 2];
	size_t known_count;
	int sig;
	size_t told;
};

bool orphans_none(const char *home)
{
	struct place path;
	bool free;
	int fd = open(place_in(&path, home, "run/lock"), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	close(fd);
	return free;
}

static void add_session(struct search *s, pid_t session, uint64_t start)
{
	if (session <= 1 || s->known_count == ARRAY_LEN(s->known))
		return;
	s->known[s->known_count].session = session;
	s->known[s->known_count++].start = start;
}

/* A number that is a session's leader again is another session. */
static void add_written(struct search *s, const char *home)
{
	struct proc_stat st;
	struct state state;

	if (!state_read(home, &state))
		return;
	for (int i = 0; i < PART__COUNT; i++) {
		const struct proc *p = &state.parts[i].proc;

		if (!p->pid || p->boot != clock_boot_id() ||
		    (proc_stat(p->pid, &st) && st.start != p->start))
			continue;
		add_session(s, p->pid, p->start);
	}
}

/* The kernel says who began to listen there. */
static void add_listener(struct search *s, const char *home, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	struct proc_stat st;
	struct place path;
	int fd;

	place_in(&path, home, name);
	if (!text_copy(addr.sun_path, sizeof(addr.sun_path), span_of(path.s)))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	    who.uid == geteuid() && proc_stat(who.pid, &st) &&
	    st.session == st.pid)
		add_session(s, who.pid, st.start);
	close(fd);
}

static bool look(void *ctx, const struct proc_stat *st)
{
	struct proc p = { st->pid, st->start, clock_boot_id() };
	struct search *s = ctx;
	bool ours = false;

	if (st->uid != geteuid() && geteuid() != 0)
		return true;
	if (st->pid == getpid() || s->told >= ORPHANS_MAX)
		return true;
	for (size_t i = 0; i < s->known_count && !ours; i++)
		ours = st->session == s->known[i].session &&
		       st->start >= s->known[i].start;
	if (!ours && proc_holds(st->pid, s->lock.s) < 0)
		return true;
	if (proc_signal(&p, s->sig))
		s->told++;
	return true;
}

size_t orphans_signal(const char *home, int sig)
{
	struct search s = { .sig = sig };

	place_in(&s.lock, home, "run/lock");
	add_written(&s, home);
	add_listener(&s, home, "run/chatmock.sock");
	add_listener(&s, home, "run/health.sock");
	proc_each(look, &s);
	return s.told;
}
