// SPDX-License-Identifier: GPL-2.0
/*
 * A line, split into words
 *
 * wordexp(3) would also replace $1, which is a name here, and run commands.
 *
 * A word never gets longer when its quotes are taken away, so it is written
 * over itself.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define BLANKS " \t\r\n"

/*
 * Take one word off the line. *from is moved behind it, and it is ended where
 * it was, which may be where *from stood: hence the look at *from first.
 */
static const char *take_word(char **from)
{
	char *in = *from, *out = *from;
	char quote = 0;

	for (; *in && (quote || !strchr(BLANKS, *in)); in++) {
		if (*in == quote)
			quote = 0;
		else if (!quote && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (*in == '\\' && quote != '\'' && !*++in)
			return "there is nothing after the last backslash";
		else
			*out++ = *in;
	}
	if (quote)
		return "a quote is opened and not closed";
	*from = *in ? in + 1 : in;
	*out = '\0';
	return NULL;
}

static bool append(struct words *words, char *word)
{
	char **argv = reallocarray(words->argv, (size_t)words->argc + 2,
				   sizeof(*argv));

	if (!argv)
		return false;
	words->argv = argv;
	argv[words->argc++] = word;
	argv[words->argc] = NULL;
	return true;
}

const char *words_split(char *line, struct words *words)
{
	const char *wrong;
	char *word;

	words->argv = NULL;
	words->argc = 0;
	for (;;) {
		line += strspn(line, BLANKS);
		if (!*line || *line == '#')
			return NULL;
		word = line;
		wrong = take_word(&line);
		if (wrong)
			return wrong;
		if (!append(words, word))
			return "out of memory";
	}
}

void words_free(struct words *words)
{
	free(words->argv);
	words->argv = NULL;
	words->argc = 0;
}
