// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of text
 *
 * A thin layer on libsmartcols that records failures, so that users need to
 * check the result of table_end() only.
 *
 * Text that does not fit the terminal continues on the next line rather than
 * being cut off, as a number with missing digits is misleading.
 */
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "table.h"

void table_begin(struct table *table, bool colour)
{
	memset(table, 0, sizeof(*table));
	table->scols = scols_new_table();
	if (!table->scols) {
		table->failed = true;
		return;
	}
	scols_table_enable_colors(table->scols, colour);
	scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER);
}

void table_column(struct table *table, const char *name, bool right)
{
	if (table->failed)
		return;
	if (!scols_table_new_column(table->scols, name, 0,
				    right ? SCOLS_FL_RIGHT : 0))
		table->failed = true;
}

void table_number_column(struct table *table, const char *name,
			 unsigned int width)
{
	char padded[32];

	/* The library's minimum width is only a hint. */
	snprintf(padded, sizeof(padded), "%*s", (int)width, name);
	table_column(table, padded, true);
}

void table_line(struct table *table)
{
	if (table->failed)
		return;
	table->column = 0;
	table->line = scols_table_new_line(table->scols, NULL);
	if (!table->line)
		table->failed = true;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	if (table->failed)
		return;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		table->failed = true;
	} else if (scols_line_refer_data(table->line, table->column++, text)) {
		free(text);
		table->failed = true;
	}
}

void table_skip(struct table *table, size_t cells)
{
	table->column += cells;
}

void table_cell_colour(struct table *table, const char *colour,
		       const char *text)
{
	struct libscols_cell *cell;

	if (table->failed)
		return;
	cell = scols_line_get_cell(table->line, table->column++);
	if (!cell || scols_cell_set_data(cell, text) ||
	    scols_cell_set_color(cell, colour))
		table->failed = true;
}

static bool print_indented(const struct table *table)
{
	char *text, *rest, *line;

	if (scols_print_table_to_string(table->scols, &text))
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n")) && (rest || *line))
		printf("%*s%s\n", (int)table->indent, "", line);
	free(text);
	return true;
}

bool table_end(struct table *table)
{
	bool good = !table->failed && print_indented(table);

	table_drop(table);
	if (!good)
		complain("cannot print a table, perhaps out of memory");
	return good;
}

void table_drop(struct table *table)
{
	scols_unref_table(table->scols);
	table->scols = NULL;
}
