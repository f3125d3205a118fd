// SPDX-License-Identifier: GPL-2.0
/*
 * The part of an allocation that a command works on
 *
 * Here is decided what "to the end" means. Whether offset and length lie within
 * the allocation is for the kernel to say, where the command is one system
 * call. A per-CPU area is to the kernel one row of bytes, the copies of all CPUs
 * one after the other: which part is one CPU's, and what lies within it, is
 * decided here.
 */
#include <errno.h>
#include <inttypes.h>

#include "command.h"
#include "complaint.h"
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

static const struct argp_option cpu_option_list[] = {
	{ "cpu", 'c', "N", 0,
	  "Only the copy that CPU N has of a per-CPU area; --offset and "
	  "--length are within it", 0 },
	{ 0 }
};

static error_t parse_cpu(const char *arg, struct part *part)
{
	uint64_t cpu;

	if (args_number("--cpu", arg, INT32_MAX, &cpu))
		return EINVAL;
	part->cpu = (uint32_t)cpu;
	part->cpu_given = true;
	return 0;
}

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

static error_t parse_with_cpu(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case 'c':
		return parse_cpu(arg, state->input);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &part_argp }, { 0 } };

const struct argp part_cpu_argp = {
	cpu_option_list, parse_with_cpu, NULL, NULL, children, 0, 0
};

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

static bool has_cpu(const struct part *part, const struct memalloc_info *info,
		    const struct target *target)
{
	if (info->out_kind != MEMALLOC_KIND_PERCPU) {
		complain("cannot %s %s: --cpu is for per-CPU areas, and it is "
			 "none", target->verb, target->name);
		advise("\"alloc --percpu\" allocates one.");
		return false;
	}
	if (part->cpu < info->out_count)
		return true;
	complain("cannot %s %s: there is no CPU %" PRIu32 "; there are 0 to %"
		 PRIu32, target->verb, target->name, part->cpu,
		 info->out_count - 1);
	return false;
}

/* Return: is it all within the copy of one CPU? */
static bool aim_at_cpu(const struct part *part, const struct memalloc_info *info,
		       struct target *target)
{
	uint64_t bytes;

	if (!has_cpu(part, info, target))
		return false;
	bytes = info->out_bytes / info->out_count;
	if (!part->length_given && part->offset <= bytes)
		target->length = bytes - part->offset;
	if (part->offset > bytes || target->length > bytes - part->offset) {
		complain("cannot %s %s: %" PRIu64 " bytes from offset %" PRIu64
			 " on are not all within the %" PRIu64 " bytes of CPU %"
			 PRIu32, target->verb, target->name, target->length,
			 part->offset, bytes, part->cpu);
		advise("Choose --offset and --length so that their sum is at "
		       "most the size for one CPU.");
		return false;
	}
	target->offset += part->cpu * bytes;
	return true;
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
	if (part->cpu_given)
		return aim_at_cpu(part, &info, target);
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
