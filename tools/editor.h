/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keyboard input with editing, history and completion
 */
#ifndef EDITOR_H
#define EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "session.h"

struct editor;

/**
 * editor_create() - prepare to read lines from standard input, a terminal
 * @session: the session; its names are completed
 *
 * SIGINT no longer ends the process, see interrupt.h.
 *
 * Return: the editor, or NULL after a complaint.
 */
struct editor *editor_create(struct session *session);

/**
 * editor_line() - read a line
 * @editor: the editor
 * @length: length of the line
 *
 * Ctrl-C discards the text typed so far and prompts again.
 *
 * Return: the line without its newline, valid until the next call; NULL at the
 * end of the input.
 */
char *editor_line(struct editor *editor, size_t *length);

void editor_destroy(struct editor *editor);

#endif /* EDITOR_H */
