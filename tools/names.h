/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The short names of allocations
 *
 * In the shell an allocation is called by the name the user chose, or by $1,
 * $2 and so on, counted up and never used again. The names live as long as the
 * process, as do the handles they stand for.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct allocation - a handle and its name
 * @name: its name; begins with '$' if it was not the user who chose it
 * @handle: the handle
 */
struct allocation {
	char *name;
	uint64_t handle;
};

/**
 * struct names - all names of a session
 * @tree: of struct allocation, in the order of their names
 * @next: number of the next name that the user does not choose
 */
struct names {
	void *tree;
	unsigned long next;
};

void names_destroy(struct names *names);

/**
 * names_valid() - may the user choose this name?
 * @name: letters, digits, '_', '.' and '-', beginning with a letter or '_'
 */
bool names_valid(const char *name);

/**
 * names_add() - name an allocation
 * @names: all names
 * @name: the name, or NULL for the next $NUMBER
 * @handle: the allocation
 *
 * Return: the entry, which stays where it is until it is removed; or NULL with
 * errno EEXIST (the name is taken) or ENOMEM.
 */
const struct allocation *names_add(struct names *names, const char *name,
				   uint64_t handle);

const struct allocation *names_find(const struct names *names,
				    const char *name);

/**
 * names_remove() - forget the name of an allocation, if it has one
 * @names: all names
 * @likely: what it is probably called: spares a search of all
 * @handle: the allocation
 */
void names_remove(struct names *names, const char *likely, uint64_t handle);

/**
 * names_match() - all allocations whose name matches a pattern
 * @names: all names
 * @pattern: as for fnmatch(3)
 * @count: how many there are
 *
 * Return: an array to free(3), in the order of the names; NULL if there are
 * none (@count is zero), or no memory for it (@count is not).
 */
const struct allocation **names_match(const struct names *names,
				      const char *pattern, size_t *count);

#endif /* NAMES_H */
