/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the user wants allocated
 */
#ifndef ALLOC_OPTIONS_H
#define ALLOC_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"

/**
 * struct alloc_options - what the user wants
 * @request: of each allocation
 * @bytes: the size to find an order for, or zero
 * @order_given: the order was given
 * @what: the option that said what to allocate, as "--cache"; NULL: pages
 * @parent: what the user calls the cache or mempool that it is from, or NULL
 * @count: how many allocations
 * @check: fill each with a pattern of its own and verify it
 * @phys: print physical addresses
 * @quiet: do not print each of them
 * @batch: with MEMALLOC_BATCH
 * @hold: hold them before freeing
 * @for_ever: as for hold()
 * @seconds: as for hold()
 */
struct alloc_options {
	struct memalloc_alloc request;
	uint64_t bytes;
	bool order_given;
	const char *what;
	char *parent;
	uint64_t count;
	bool check;
	bool phys;
	bool quiet;
	bool batch;
	bool hold;
	bool for_ever;
	uint64_t seconds;
};

/**
 * alloc_options_parse() - read the arguments of "alloc"
 * @argc: arguments
 * @argv: the arguments
 * @options: what they say
 *
 * Return: as args_parse().
 */
enum args alloc_options_parse(int argc, char **argv,
			      struct alloc_options *options);

#endif /* ALLOC_OPTIONS_H */
