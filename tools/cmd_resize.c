// SPDX-License-Identifier: GPL-2.0
/*
 * Change the size of an allocation of kmalloc, or of a mempool
 *
 * What a number means depends on the kind, so the kind is asked for first.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "gfp.h"
#include "reference.h"

/**
 * struct options - what the user wants
 * @word: which allocation
 * @gfp: how more memory may be had
 * @size: bytes, or elements
 * @given: the size was given
 */
struct options {
	char *word;
	uint32_t gfp;
	uint64_t size;
	bool given;
};

static const struct argp_option option_list[] = {
	{ "gfp", 'g', "LIST", 0,
	  "How more memory may be had, as for alloc; but no zone, not thisnode "
	  "and not nofail", 0 },
	{ 0 }
};

static const char doc[] =
	"Change the size of an allocation that \"alloc --kmalloc\" made, in bytes, "
	"or the minimum of a mempool, in elements. Only in \"memallocctl shell\"."
	"\v"
	"As many of its bytes as it has before and after stay what they are; new "
	"ones are zero. If it fails nothing has changed.";

static error_t parse_word(char *arg, struct options *options)
{
	if (!options->word) {
		options->word = arg;
		return 0;
	}
	if (options->given)
		return args_error("'%s' is one word too many", arg);
	options->given = true;
	return args_size("SIZE", arg, &options->size);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'g':
		return gfp_parse(arg, &options->gfp) ? 0 : EINVAL;
	case ARGP_KEY_ARG:
		return parse_word(arg, options);
	case ARGP_KEY_END:
		if (!options->word)
			return args_error("which allocation?");
		if (!options->given)
			return args_error("to which size?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	option_list, parse, "HANDLE SIZE", doc, 0, 0, 0
};

/* To which size? Return: false after a complaint. */
static bool set_size(const struct memalloc_info *info, const char *name,
		     uint64_t size, struct memalloc_resize *resize)
{
	if (info->out_kind != MEMALLOC_KIND_MEMPOOL) {
		resize->bytes = size;
		return true;
	}
	if (!size || size > MEMALLOC_MEMPOOL_MAX) {
		complain("cannot resize %s: a mempool has 1 to %u elements",
			 name, MEMALLOC_MEMPOOL_MAX);
		return false;
	}
	resize->min_nr = (uint32_t)size;
	return true;
}

static void print(const struct reference *target,
		  const struct memalloc_resize *resize)
{
	if (resize->min_nr)
		printf("%s: %u elements, %llu held\n", target->name,
		       resize->min_nr, resize->out_held);
	else
		printf("%s: %llu bytes, %llu held\n", target->name,
		       resize->out_bytes, resize->out_held);
}

static bool resize_one(struct session *session, const struct reference *target,
		       const struct options *options)
{
	const struct access access = { "resize", target->name, target->handle, 0, 0 };
	struct memalloc_resize resize = {
		.handle = target->handle, .gfp = options->gfp,
	};
	struct memalloc_info info = { .handle = target->handle };
	int err = device_info(&session->device, &info);

	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	if (!set_size(&info, target->name, options->size, &resize))
		return false;
	err = device_resize(&session->device, &resize);
	if (err) {
		explain_resize(session, target->name, &resize, err);
		return false;
	}
	print(target, &resize);
	return true;
}

enum status cmd_resize(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	struct references references;
	bool good = true;
	size_t i;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    !references_find(session, &options.word, 1, &references))
		return STATUS_FAILED;
	for (i = 0; i < references.count; i++)
		good = resize_one(session, &references.list[i], &options) && good;
	references_free(&references);
	return good ? STATUS_OK : STATUS_FAILED;
}
