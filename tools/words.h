/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A line, split into words
 */
#ifndef WORDS_H
#define WORDS_H

/**
 * struct words - the words of a line
 * @argv: each of them, and NULL after the last; they lie in the line
 * @argc: how many
 */
struct words {
	char **argv;
	int argc;
};

/**
 * words_split() - split a line into words
 * @line: the line; it is changed
 * @words: where they go, for words_free(), also after an error
 *
 * Words are separated by blanks. Quotes, single or double, keep blanks in a
 * word, and a backslash keeps the character after it, except between single
 * quotes. A word that begins with # ends the line.
 *
 * Return: NULL, or what is wrong with the line.
 */
const char *words_split(char *line, struct words *words);

void words_free(struct words *words);

#endif /* WORDS_H */
