// SPDX-License-Identifier: GPL-2.0
/*
 * Signals: Ctrl-C in the shell, and a wait that signals end
 *
 * Ctrl-C ends the current command of the shell, but not the process. The
 * handler only records the signal. A system call in progress fails with EINTR;
 * a command with many steps checks for the signal between them. Unless
 * interrupt_catch() is called, e.g. in a script, SIGINT has its default action.
 *
 * hold() blocks the signals that end it and reads them from a descriptor, so
 * none can get lost between a check and the wait.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "errors.h"
#include "interrupt.h"

/* State of SIGINT since the last interrupt_clear() */
enum {
	ABSENT,
	PENDING, /* arrived */
	REPORTED, /* arrived, and the user was told */
};

static volatile sig_atomic_t state;

static void on_sigint(int signal)
{
	(void)signal;
	state = PENDING;
}

void interrupt_catch(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_sigint; /* no SA_RESTART */
	sigaction(SIGINT, &action, NULL);
}

/*
 * SIGINT is blocked up to the wait, so a signal just before it ends it as well.
 */
int interrupt_wait(int fd)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	sigset_t blocked, before;
	int got = -1;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (state == ABSENT)
		got = ppoll(&poll, 1, NULL, &before);
	else
		errno = EINTR;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return got < 0 ? -1 : 0;
}

bool interrupt_clear(void)
{
	bool arrived = state != ABSENT;

	state = ABSENT;
	return arrived;
}

bool interrupt_stops(void)
{
	if (state == PENDING) {
		complain("interrupted");
		state = REPORTED;
	}
	return state != ABSENT;
}

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

	/* A timer set to zero would never expire. */
	if (!seconds)
		when.it_value.tv_nsec = 1;
	if (fd >= 0 && !for_ever && timerfd_settime(fd, 0, &when, NULL)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Return: true if no more input will come from the descriptor. */
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

/* Consume pending signals, so that they do not kill the process now. */
static void discard_pending(const struct pollfd *signals)
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
	discard_pending(&fds[FD_SIGNAL]);
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
