/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seeds.h: valid sequences to start with
 */
#ifndef SEEDS_H
#define SEEDS_H

#include "program.h"

/* Write a file for each sequence. Returns 0, or -1 with errno set. */
int seeds_write(const char *directory);

#endif /* SEEDS_H */
