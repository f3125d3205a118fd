// SPDX-License-Identifier: GPL-2.0
/*
 * Keyboard input with editing, history and completion
 *
 * libedit does the editing, which ~/.editrc configures. The history is not
 * saved. libedit ignores a first EINTR and reads again, so it is given a read
 * function that returns EINTR as the end of the line.
 *
 * libedit prints the prompt before it changes the mode of the terminal. The
 * terminal turns a Ctrl-D that is typed in between into a NUL, and libedit
 * inserts the key after a NUL literally. So the mode is changed before the
 * prompt, and a NUL is ignored.
 */
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "completion.h"
#include "editor.h"
#include "errors.h"
#include "interrupt.h"

#define HISTORY_LINES 1000

/**
 * struct editor - a line editor
 * @session: the session; its names are completed
 * @edit: state of libedit
 * @history: previous lines
 * @line: copy of the last line, without its newline
 */
struct editor {
	struct session *session;
	EditLine *edit;
	History *history;
	char *line;
};

static char *prompt(EditLine *edit)
{
	static char text[] = "memalloc> ";

	(void)edit;
	return text;
}

static int read_character(EditLine *edit, wchar_t *c)
{
	mbstate_t state;
	ssize_t got;
	char byte;

	(void)edit;
	memset(&state, 0, sizeof(state));
	for (;;) {
		if (interrupt_wait(STDIN_FILENO))
			return -1;
		got = read(STDIN_FILENO, &byte, 1);
		if (got <= 0)
			return (int)got;
		if (!byte)
			continue;
		switch (mbrtowc(c, &byte, 1, &state)) {
		case (size_t)-2: /* the character is incomplete */
			break;
		case (size_t)-1:
			memset(&state, 0, sizeof(state));
			*c = (unsigned char)byte;
			return 1;
		default:
			return 1;
		}
	}
}

static size_t common_length(const struct candidates *candidates)
{
	const char *first = candidates->list[0];
	size_t length = strlen(first), i, j;

	for (i = 1; i < candidates->count; i++) {
		for (j = 0; j < length && candidates->list[i][j] == first[j]; j++)
			;
		length = j;
	}
	return length;
}

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* Print candidates in columns below the line. */
static void print_candidates(const struct candidates *candidates)
{
	size_t widest = 0, length, columns, i;

	for (i = 0; i < candidates->count; i++) {
		length = strlen(candidates->list[i]);
		widest = length > widest ? length : widest;
	}
	columns = terminal_width() / (widest + 2);
	for (i = 0; i < candidates->count; i++)
		printf("%s%-*s", !i || (columns && i % columns) ? (i ? "" : "\n") :
		       "\n", (int)widest + 2, candidates->list[i]);
	putchar('\n');
	fflush(stdout);
}

static unsigned char insert(EditLine *edit, const struct candidates *candidates,
			    size_t typed)
{
	size_t length = common_length(candidates);
	char *text;
	int err;

	if (candidates->count > 1 && length == typed) {
		print_candidates(candidates);
		return CC_REDISPLAY;
	}
	if (asprintf(&text, "%.*s%s", (int)(length - typed),
		     candidates->list[0] + typed,
		     candidates->count == 1 ? " " : "") < 0)
		return CC_ERROR;
	err = el_insertstr(edit, text);
	free(text);
	return err ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_tab(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	struct candidates candidates;
	unsigned char code = CC_ERROR;
	struct editor *editor;
	size_t typed;
	char *line;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &editor);
	line = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
	if (!line)
		return CC_ERROR;
	typed = complete(editor->session, line, &candidates);
	if (candidates.count)
		code = insert(edit, &candidates, typed);
	candidates_free(&candidates);
	free(line);
	return code;
}

static void set_up(struct editor *editor)
{
	EditLine *edit = editor->edit;
	HistEvent event;

	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	history(editor->history, &event, H_SETUNIQUE, 1);
	el_set(edit, EL_CLIENTDATA, editor);
	el_set(edit, EL_PROMPT, prompt);
	el_set(edit, EL_EDITOR, "emacs");
	el_set(edit, EL_HIST, history, editor->history);
	el_set(edit, EL_GETCFN, read_character);
	el_set(edit, EL_ADDFN, "complete", "Complete the word", on_tab);
	el_set(edit, EL_BIND, "^I", "complete", NULL);
	el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(edit, NULL);
}

struct editor *editor_create(struct session *session)
{
	struct editor *editor = calloc(1, sizeof(*editor));

	if (editor) {
		editor->session = session;
		editor->history = history_init();
		editor->edit = el_init("memallocctl", stdin, stdout, stderr);
	}
	if (!editor || !editor->history || !editor->edit) {
		complain("out of memory");
		editor_destroy(editor);
		return NULL;
	}
	setlocale(LC_CTYPE, "");
	set_up(editor);
	interrupt_catch();
	return editor;
}

/* Ctrl-C discards the text typed so far. */
static const char *get_line(struct editor *editor, int *count)
{
	const char *text;

	for (;;) {
		interrupt_clear();
		el_set(editor->edit, EL_PREP_TERM, 1);
		text = el_gets(editor->edit, count);
		if (!interrupt_clear())
			return *count > 0 ? text : NULL;
		el_reset(editor->edit);
		putchar('\n');
	}
}

char *editor_line(struct editor *editor, size_t *length)
{
	HistEvent event;
	const char *text;
	int count;

	fflush(stdout);
	text = get_line(editor, &count);
	free(editor->line);
	editor->line = text ? strdup(text) : NULL;
	if (!editor->line)
		return NULL;
	*length = strcspn(editor->line, "\n");
	editor->line[*length] = '\0';
	if (editor->line[strspn(editor->line, " \t")])
		history(editor->history, &event, H_ENTER, editor->line);
	return editor->line;
}

void editor_destroy(struct editor *editor)
{
	if (!editor)
		return;
	if (editor->edit)
		el_end(editor->edit);
	if (editor->history)
		history_end(editor->history);
	free(editor->line);
	free(editor);
}
