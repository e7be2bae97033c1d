/*
 * login_room.c - is there room for new tokens before the old one is spent?
 *
 * The directory's mode tells most. Who can not keep tokens in memory until the
 * disk has room again looks closer: a file without a name shows it, and leaves
 * nothing behind, whatever becomes of us. Not every file system has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "login_file.h"
#include "text.h"

#define ROOM (4 * MAX_TOKEN)

bool login_room(const char *real, bool sure)
{
	const char *slash = strrchr(real, '/');
	size_t len = slash ? (size_t)(slash - real) : 0;
	char dir[PATH_MAX];
	bool room;
	int fd;

	if (len == 0)
		len = 1;
	text_copy(dir, sizeof(dir), (struct span){ real, len });
	if (access(dir, W_OK) != 0)
		return false;
	if (!sure)
		return true;
	fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno != ENOSPC && errno != EDQUOT && errno != EROFS;
	errno = posix_fallocate(fd, 0, ROOM);
	room = errno == 0 || errno == EOPNOTSUPP || errno == EINVAL;
	close(fd);
	return room;
}
