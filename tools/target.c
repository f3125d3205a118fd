// SPDX-License-Identifier: GPL-2.0
/*
 * The handles that a command works on, and the part of each allocation
 *
 * A missing --length means up to the end, which is computed here. The kernel
 * checks that offset and length are within the allocation if the command is one
 * system call. To the kernel a per-CPU area is one range of bytes, the copies
 * of all CPUs in sequence, so the part of one CPU is computed and checked here.
 */
#include <errno.h>
#include <inttypes.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "target.h"

static const struct argp_option range_options[] = {
	{ "offset", 'o', "BYTES", 0,
	  "Begin at this offset (default 0)", 0 },
	{ "length", 'l', "BYTES", 0,
	  "Number of bytes; K, M, G may follow", 0 },
	{ 0 }
};

static const struct argp_option cpu_options[] = {
	{ "cpu", 'c', "N", 0,
	  "Only the copy of CPU N in a per-CPU area; --offset and --length are "
	  "relative to it", 0 },
	{ 0 }
};

static error_t parse_cpu(const char *arg, struct range *range)
{
	uint64_t cpu;

	if (args_number("--cpu", arg, INT32_MAX, &cpu))
		return EINVAL;
	range->cpu = (uint32_t)cpu;
	range->cpu_given = true;
	return 0;
}

static error_t parse_range(int key, char *arg, struct argp_state *state)
{
	struct range *range = state->input;

	switch (key) {
	case 'o':
		return args_size("--offset", arg, &range->offset);
	case 'l':
		range->length_given = true;
		return args_size("--length", arg, &range->length);
	case ARGP_KEY_ARGS:
		range->words = state->argv + state->next;
		range->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("missing HANDLE");
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp range_argp = { range_options, parse_range, NULL, NULL, 0, 0, 0 };

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

static const struct argp_child children[] = { { .argp = &range_argp }, { 0 } };

const struct argp range_cpu_argp = {
	cpu_options, parse_with_cpu, NULL, NULL, children, 0, 0
};

bool target_within(const struct session *session, const struct target *target)
{
	if (target->offset <= target->bytes &&
	    target->length <= target->bytes - target->offset)
		return true;
	explain_target(session, target, -EOVERFLOW);
	return false;
}

static bool has_cpu(const struct range *range, const struct memalloc_info *info,
		    const struct target *target)
{
	if (info->out_kind != MEMALLOC_KIND_PERCPU) {
		complain("cannot %s %s: --cpu is for per-CPU areas only",
			 target->action, target->name);
		advise("Use \"alloc --percpu\" to allocate one.");
		return false;
	}
	if (range->cpu < info->out_count)
		return true;
	complain("cannot %s %s: no CPU %" PRIu32 "; valid are 0 to %"
		 PRIu32, target->action, target->name, range->cpu,
		 info->out_count - 1);
	return false;
}

/* Select the copy of one CPU. Return: false if the range exceeds it. */
static bool set_cpu_target(const struct range *range,
			   const struct memalloc_info *info,
			   struct target *target)
{
	uint64_t bytes;

	if (!has_cpu(range, info, target))
		return false;
	bytes = info->out_bytes / info->out_count;
	if (!range->length_given && range->offset <= bytes)
		target->length = bytes - range->offset;
	if (range->offset > bytes || target->length > bytes - range->offset) {
		complain("cannot %s %s: %" PRIu64 " bytes at offset %" PRIu64
			 " exceed the %" PRIu64 " bytes of CPU %"
			 PRIu32, target->action, target->name, target->length,
			 range->offset, bytes, range->cpu);
		advise("The sum of --offset and --length must not exceed the "
		       "size for one CPU.");
		return false;
	}
	target->offset += range->cpu * bytes;
	return true;
}

static bool set_target(const struct session *session, const struct range *range,
		       struct target *target)
{
	struct memalloc_info info = { .size = sizeof(info), .handle = target->handle };
	int err = memalloc_info(session->device.fd, &info);

	if (err) {
		explain_target(session, target, err);
		return false;
	}
	target->bytes = info.out_bytes;
	target->map_offset = info.out_map_offset;
	target->offset = range->offset;
	target->length = range->length;
	if (range->cpu_given)
		return set_cpu_target(range, &info, target);
	if (!range->length_given && range->offset <= info.out_bytes)
		target->length = info.out_bytes - range->offset;
	return true;
}

enum status range_for_each(struct session *session, const struct range *range,
			   size_t nr_words, const char *action,
			   bool (*one)(struct session *session,
				       const struct target *target, void *data),
			   void *data)
{
	struct handles handles;
	bool good = true;
	size_t i;

	if (!session_open(session) ||
	    !handles_find(session, range->words, nr_words, &handles))
		return STATUS_FAILED;
	for (i = 0; i < handles.count; i++) {
		struct target target = {
			.action = action,
			.name = handles.list[i].name,
			.handle = handles.list[i].handle,
		};

		if (interrupt_stops()) {
			good = false;
			break;
		}
		good = set_target(session, range, &target) &&
		       one(session, &target, data) && good;
	}
	handles_free(&handles);
	return good ? STATUS_OK : STATUS_FAILED;
}

/**
 * struct arguments - arguments of a subcommand
 * @subject: kind of the handles
 * @words: the arguments
 * @count: number of arguments
 */
struct arguments {
	const struct subject *subject;
	char **words;
	size_t count;
};

static error_t parse_words(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_ARGS:
		arguments->words = state->argv + state->next;
		arguments->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("%s", arguments->subject->missing);
	}
	return ARGP_ERR_UNKNOWN;
}

enum status handles_for_each(struct session *session, int argc, char **argv,
			     const struct subject *subject,
			     bool (*one)(struct session *session,
					 const struct named_handle *handle))
{
	const struct argp argp = {
		NULL, parse_words, subject->words, subject->argp_doc, 0, 0, 0
	};
	struct arguments arguments = { .subject = subject };
	enum args args = args_parse(&argp, argc, argv, 0, &arguments);
	struct handles handles;
	bool good = true;
	size_t i;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    !handles_find(session, arguments.words, arguments.count, &handles))
		return STATUS_FAILED;
	for (i = 0; i < handles.count && !interrupt_stops(); i++)
		good = one(session, &handles.list[i]) && good;
	good = good && i == handles.count;
	handles_free(&handles);
	return good ? STATUS_OK : STATUS_FAILED;
}
