// SPDX-License-Identifier: GPL-2.0
/*
 * Wait while holding on to something
 *
 * The signals that end a wait are blocked only while it lasts, and are taken
 * from a descriptor, so that none is lost between looking and waiting.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "complaint.h"
#include "hold.h"

enum {
	FD_SIGNAL,
	FD_TIMER,
	FD_INPUT,
	NR_FDS,
};

static int open_timer(bool for_ever, uint64_t seconds)
{
	struct itimerspec when = { .it_value.tv_sec = (time_t)seconds };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	/* A time of zero would mean never. */
	if (!seconds)
		when.it_value.tv_nsec = 1;
	if (fd >= 0 && !for_ever && timerfd_settime(fd, 0, &when, NULL)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Return: is there nothing more to come from the descriptor? */
static bool at_end(int fd)
{
	char ignored[4096];
	ssize_t got = read(fd, ignored, sizeof(ignored));

	return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

static bool wait_for_any(struct pollfd *fds)
{
	for (;;) {
		if (poll(fds, NR_FDS, -1) < 0) {
			if (errno == EINTR)
				continue;
			complain("cannot wait: %s", strerror(errno));
			return false;
		}
		if (fds[FD_SIGNAL].revents || fds[FD_TIMER].revents)
			return true;
		if (fds[FD_INPUT].revents && at_end(fds[FD_INPUT].fd))
			return true;
	}
}

/* What has come is taken, so that it does not kill us now. */
static void take_pending(const struct pollfd *signals)
{
	struct signalfd_siginfo info;
	struct pollfd fd = *signals;

	while (poll(&fd, 1, 0) > 0)
		if (read(fd.fd, &info, sizeof(info)) < 0)
			break;
}

static bool wait_with(int signals, int timer, bool for_ever)
{
	struct pollfd fds[NR_FDS] = {
		[FD_SIGNAL] = { .fd = signals, .events = POLLIN },
		[FD_TIMER] = { .fd = timer, .events = POLLIN },
		[FD_INPUT] = { .fd = for_ever ? STDIN_FILENO : -1,
			       .events = POLLIN },
	};
	bool good;

	if (signals < 0 || timer < 0) {
		complain("cannot wait: %s", strerror(errno));
		return false;
	}
	good = wait_for_any(fds);
	take_pending(&fds[FD_SIGNAL]);
	return good;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool hold(bool for_ever, uint64_t seconds)
{
	sigset_t wanted, before;
	int signals, timer;
	bool good;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	timer = open_timer(for_ever, seconds);
	signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	good = wait_with(signals, timer, for_ever);
	close_if_open(signals);
	close_if_open(timer);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return good;
}
