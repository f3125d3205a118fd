/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals: Ctrl-C in the shell, and a wait that signals end
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * interrupt_catch() - keep SIGINT from ending the process
 *
 * SIGINT makes the system call in progress fail with EINTR from now on.
 */
void interrupt_catch(void);

/**
 * interrupt_wait() - wait for input, or for SIGINT
 * @fd: descriptor of the input
 *
 * Return: 0 if there is input or the end of it; -1 with EINTR if SIGINT arrived
 * since the last interrupt_clear(); -1 with another error.
 */
int interrupt_wait(int fd);

/**
 * interrupt_clear() - clear the flag that SIGINT set
 *
 * Return: true if it was set.
 */
bool interrupt_clear(void);

/**
 * interrupt_stops() - should a command with many steps stop?
 *
 * Complains the first time.
 *
 * Return: true if SIGINT arrived; the flag stays set until interrupt_clear().
 */
bool interrupt_stops(void);

/* Maximum time to hold: a hundred days */
#define HOLD_SECONDS_MAX (100 * 24 * 3600)

/**
 * hold() - wait
 * @for_ever: wait until standard input ends
 * @seconds: otherwise, number of seconds to wait
 *
 * SIGINT, SIGTERM and SIGHUP end the wait early.
 *
 * Return: true; false after a complaint if it cannot wait.
 */
bool hold(bool for_ever, uint64_t seconds);

#endif /* INTERRUPT_H */
