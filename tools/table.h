/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of text
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct libscols_table;
struct libscols_line;

/**
 * struct table - a table under construction
 * @scols: state of the library, or NULL if there was no memory
 * @line: current line
 * @column: column of the next cell
 * @indent: number of blanks before each line
 * @failed: a part could not be added
 */
struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t column;
	unsigned int indent;
	bool failed;
};

/**
 * table_begin() - begin a table
 * @table: the table
 * @colour: print colours
 */
void table_begin(struct table *table, bool colour);

/**
 * table_column() - add a column, before the first line
 * @table: the table
 * @name: heading
 * @right: align to the right, as for numbers
 */
void table_column(struct table *table, const char *name, bool right);

/**
 * table_number_column() - add a column of numbers
 * @table: the table
 * @name: heading
 * @width: minimum width, so that such columns look even
 */
void table_number_column(struct table *table, const char *name,
			 unsigned int width);

void table_line(struct table *table);

/**
 * table_cell() - add a cell to the line
 * @table: the table
 * @format: text, as for printf(3)
 */
void table_cell(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * table_skip() - leave cells of the line empty
 * @table: the table
 * @cells: number of cells
 */
void table_skip(struct table *table, size_t cells);

/**
 * table_cell_colour() - add a cell in a colour
 * @table: the table
 * @colour: name, e.g. "green"; ignored if the table has no colours
 * @text: text
 */
void table_cell_colour(struct table *table, const char *colour,
		       const char *text);

/**
 * table_end() - print the table and destroy it
 * @table: the table
 *
 * Return: true if all of it was printed; otherwise complains.
 */
bool table_end(struct table *table);

/**
 * table_drop() - destroy the table without printing it
 * @table: the table
 */
void table_drop(struct table *table);

#endif /* TABLE_H */
