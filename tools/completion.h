/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Completion of a line of the shell
 */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stddef.h>

#include "session.h"

/**
 * struct candidates - possible completions
 * @list: words, sorted and unique
 * @count: number of words
 */
struct candidates {
	char **list;
	size_t count;
};

/**
 * complete() - find completions for the last word of a line
 * @session: the session; its names are candidates
 * @line: line up to the cursor
 * @candidates: result, to be freed with candidates_free()
 *
 * Returns fewer candidates if memory is short.
 *
 * Return: length of the last word.
 */
size_t complete(struct session *session, const char *line,
		struct candidates *candidates);

void candidates_free(struct candidates *candidates);

#endif /* COMPLETION_H */
