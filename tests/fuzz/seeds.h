/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seeds.h: valid sequences to begin with
 */
#ifndef SEEDS_H
#define SEEDS_H

#include "program.h"

/* A file for each. Return: zero, or -1 and errno. */
int seeds_write(const char *directory);

#endif /* SEEDS_H */
