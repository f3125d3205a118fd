// SPDX-License-Identifier: GPL-2.0
/*
 * The part of an allocation that a command works on
 *
 * Here is decided what "to the end" means. Whether offset and length lie within
 * the allocation is for the kernel to say, where the command is one system
 * call.
 */
#include <errno.h>

#include "command.h"
#include "explain.h"
#include "part.h"
#include "reference.h"

static const struct argp_option option_list[] = {
	{ "offset", 'o', "BYTES", 0,
	  "Begin so far into the allocation (default 0)", 0 },
	{ "length", 'l', "BYTES", 0,
	  "So many bytes (default: to its end); K, M, G may follow", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct part *part = state->input;

	switch (key) {
	case 'o':
		return args_size("--offset", arg, &part->offset);
	case 'l':
		part->length_given = true;
		return args_size("--length", arg, &part->length);
	case ARGP_KEY_ARGS:
		part->words = state->argv + state->next;
		part->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("which allocation?");
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp part_argp = { option_list, parse, NULL, NULL, 0, 0, 0 };

void target_explain(const struct session *session, const struct target *target,
		    int err)
{
	const struct access access = {
		target->verb, target->name, target->handle, target->offset,
		target->length
	};

	explain_access(session, &access, err);
}

bool target_within(const struct session *session, const struct target *target)
{
	if (target->offset <= target->bytes &&
	    target->length <= target->bytes - target->offset)
		return true;
	target_explain(session, target, -EOVERFLOW);
	return false;
}

static bool aim(const struct session *session, const struct part *part,
		struct target *target)
{
	struct memalloc_info info = { .handle = target->handle };
	int err = device_info(&session->device, &info);

	if (err) {
		target_explain(session, target, err);
		return false;
	}
	target->bytes = info.out_bytes;
	target->map_offset = info.out_map_offset;
	target->offset = part->offset;
	target->length = part->length;
	if (!part->length_given && part->offset <= info.out_bytes)
		target->length = info.out_bytes - part->offset;
	return true;
}

enum status part_for_each(struct session *session, const struct part *part,
			  size_t nr_words, const char *verb,
			  bool (*one)(struct session *session,
				      const struct target *target, void *data),
			  void *data)
{
	struct references references;
	bool good = true;
	size_t i;

	if (!session_open(session) ||
	    !references_find(session, part->words, nr_words, &references))
		return STATUS_FAILED;
	for (i = 0; i < references.count; i++) {
		struct target target = {
			.verb = verb,
			.name = references.list[i].name,
			.handle = references.list[i].handle,
		};

		good = aim(session, part, &target) &&
		       one(session, &target, data) && good;
	}
	references_free(&references);
	return good ? STATUS_OK : STATUS_FAILED;
}
