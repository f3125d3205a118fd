/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wait while holding on to something
 */
#ifndef HOLD_H
#define HOLD_H

#include <stdbool.h>
#include <stdint.h>

/* The longest time that can be asked for: a hundred days. */
#define HOLD_SECONDS_MAX (100 * 24 * 3600)

/**
 * hold() - wait
 * @for_ever: until standard input ends or SIGINT, SIGTERM or SIGHUP comes
 * @seconds: otherwise, for so many seconds, or until such a signal
 *
 * Return: true if it did; false after a complaint.
 */
bool hold(bool for_ever, uint64_t seconds);

#endif /* HOLD_H */
