// SPDX-License-Identifier: GPL-2.0
/*
 * Allocate
 *
 * Outside the shell all that has been allocated is freed again at the end,
 * after having been held for as long as the user wants. In the shell it gets
 * names and stays.
 *
 * If one of several fails, those before it were good. In the shell they stay,
 * named, since they are what the user would look at to find out why.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_options.h"
#include "cmd.h"
#include "complaint.h"
#include "explain.h"
#include "hold.h"
#include "number.h"
#include "reference.h"

/**
 * struct run - the allocations of one command
 * @session: the session
 * @options: what the user wants
 * @allocs: of each, what was asked and what came
 * @names: in the shell, what each is called; else NULL
 * @count: how many there are
 */
struct run {
	struct session *session;
	const struct alloc_options *options;
	struct memalloc_alloc *allocs;
	const char **names;
	size_t count;
};

/* In the shell: what allocation number i is to be called; NULL: $NUMBER */
static int name_of(const struct run *run, size_t i, char **name)
{
	const char *base = run->session->new_name;

	*name = NULL;
	if (!base)
		return 0;
	if (run->options->count == 1)
		*name = strdup(base);
	else if (asprintf(name, "%s.%zu", base, i + 1) < 0)
		*name = NULL;
	return *name ? 0 : -1;
}

/* What has just been allocated gets its name, or is freed. */
static bool keep(struct run *run)
{
	struct session *session = run->session;
	uint64_t handle = run->allocs[run->count].out_handle;
	const struct allocation *entry = NULL;
	char *name;

	if (!session->in_shell) {
		run->count++;
		return true;
	}
	if (name_of(run, run->count, &name)) {
		complain("out of memory");
		device_free(&session->device, handle);
		return false;
	}
	entry = session_keep(session, name, handle);
	if (entry)
		run->names[run->count++] = entry->name;
	free(name);
	return entry;
}

static bool allocate_each(struct run *run)
{
	const struct alloc_options *options = run->options;
	int err;

	while (run->count < options->count) {
		struct memalloc_alloc *alloc = &run->allocs[run->count];

		*alloc = options->request;
		err = device_alloc(&run->session->device, alloc);
		if (err) {
			explain_alloc(run->session, alloc, err);
			return false;
		}
		if (!keep(run))
			return false;
	}
	return true;
}

/* One batch; up to MEMALLOC_BATCH_MAX of those that are still to be made. */
static bool allocate_batch(struct run *run)
{
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	struct memalloc_alloc *allocs = &run->allocs[run->count];
	size_t count = run->options->count - run->count, done, i;
	bool good = true;
	int err;

	if (count > MEMALLOC_BATCH_MAX)
		count = MEMALLOC_BATCH_MAX;
	for (i = 0; i < count; i++) {
		allocs[i] = run->options->request;
		allocs[i].size = sizeof(*allocs);
		ops[i].cmd = MEMALLOC_ALLOC;
		ops[i].out_errno = 0;
		ops[i].arg = (uintptr_t)&allocs[i];
	}
	err = device_batch(&run->session->device, ops, count, false, &done);
	for (i = 0; i < done; i++) {
		if (ops[i].out_errno) {
			err = -ops[i].out_errno;
			break;
		}
		if (good)
			good = keep(run);
		else
			device_free(&run->session->device, allocs[i].out_handle);
	}
	if (good && err)
		explain_alloc(run->session, &run->options->request, err);
	return good && !err;
}

static bool allocate(struct run *run)
{
	if (!run->options->batch)
		return allocate_each(run);
	while (run->count < run->options->count)
		if (!allocate_batch(run))
			return false;
	return true;
}

static const char *name_at(const struct run *run, size_t i)
{
	return run->names ? run->names[i] : "the allocation";
}

/* The pattern of allocation number i: no two have a word in common. */
static struct memalloc_pattern_io pattern_of(const struct run *run, size_t i)
{
	struct memalloc_pattern_io io = {
		.handle = run->allocs[i].out_handle,
		.length = run->allocs[i].out_bytes,
		.value = (uint64_t)(i + 1) << 32,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};

	return io;
}

static bool fill_all(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct memalloc_pattern_io io = pattern_of(run, i);
		struct access access = {
			"fill", name_at(run, i), io.handle, 0, io.length
		};
		int err = device_fill(&run->session->device, &io);

		if (err) {
			explain_access(run->session, &access, err);
			return false;
		}
	}
	return true;
}

static bool verify_all(const struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct memalloc_pattern_io io = pattern_of(run, i);
		struct access access = {
			"verify", name_at(run, i), io.handle, 0, io.length
		};
		int err = device_verify(&run->session->device, &io);

		if (err) {
			explain_access(run->session, &access, err);
			return false;
		}
		if (io.out_done != io.length) {
			complain("%s (handle 0x%llx): the pattern that was "
				 "written is gone from offset %llu on",
				 name_at(run, i), io.handle, io.out_done);
			good = false;
		}
	}
	return good;
}

static void print_what(const struct memalloc_info *info)
{
	switch (info->out_kind) {
	case MEMALLOC_KIND_OBJECT:
		printf("%u of cache %s, ", info->out_count, info->out_name);
		break;
	case MEMALLOC_KIND_ELEMENT:
		printf("element, %llu held, ", info->out_held);
		break;
	case MEMALLOC_KIND_PERCPU:
		printf("on each of %u CPUs, ", info->out_count);
		break;
	case MEMALLOC_KIND_AREA:
		printf("area, %llu held, ", info->out_held);
		break;
	case MEMALLOC_KIND_KMALLOC:
		printf("kmalloc, %llu held%s%s, ", info->out_held,
		       *info->out_name ? " in " : "", info->out_name);
		break;
	default:
		printf("order %u, ", info->out_order);
	}
}

static bool print_one(const struct run *run, size_t i)
{
	const struct memalloc_alloc *alloc = &run->allocs[i];
	bool phys = run->options->phys;
	struct memalloc_info info = {
		.handle = alloc->out_handle,
		.flags = phys ? MEMALLOC_INFO_PHYS : 0,
	};
	int err = device_info(&run->session->device, &info);

	if (err) {
		explain_command(run->session, phys ?
				"ask for the physical address" :
				"ask where the allocation lies", err);
		return false;
	}
	if (run->names)
		printf("%s = ", run->names[i]);
	printf("0x%016llx: ", alloc->out_handle);
	print_what(&info);
	printf("%llu bytes", info.out_bytes);
	if (info.out_node >= 0)
		printf(", zone %s, node %d", device_zone_name(info.out_zone),
		       info.out_node);
	if (phys)
		printf(", physical 0x%llx", info.out_phys);
	putchar('\n');
	return true;
}

static bool print_all(const struct run *run)
{
	char text[NUMBER_BYTES_MAX];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < run->count; i++) {
		bytes += run->allocs[i].out_bytes;
		if (!run->options->quiet && !print_one(run, i))
			return false;
	}
	if (run->options->count > 1)
		printf("%zu of %" PRIu64 " allocations made, %s\n", run->count,
		       run->options->count, number_format_bytes(bytes, text));
	fflush(stdout);
	return true;
}

static bool free_all(const struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct access access = {
			"free", name_at(run, i), run->allocs[i].out_handle, 0, 0
		};
		int err = device_free(&run->session->device,
				      run->allocs[i].out_handle);

		if (err) {
			explain_access(run->session, &access, err);
			good = false;
		}
	}
	return good;
}

/* Each step that can still be done is done, whatever came before. */
static bool carry_out(struct run *run)
{
	const struct alloc_options *options = run->options;
	bool good;

	good = allocate(run);
	good = print_all(run) && good;
	if (options->check)
		good = fill_all(run) && verify_all(run) && good;
	if (run->session->in_shell)
		return good;
	if (good && options->hold)
		good = hold(options->for_ever, options->seconds);
	if (good && options->hold && options->check)
		good = verify_all(run);
	return free_all(run) && good;
}

/* The one that it is to be made from. */
static bool find_parent(const struct session *session,
			struct alloc_options *options)
{
	if (!options->parent)
		return true;
	return reference_find(session, options->parent,
			      options->request.kind == MEMALLOC_KIND_ELEMENT ?
			      "mempools" : "caches",
			      (uint64_t *)&options->request.parent);
}

static enum status run_options(struct session *session,
			       const struct alloc_options *options)
{
	struct run run = { .session = session, .options = options };
	bool good = false;

	run.allocs = calloc(options->count, sizeof(*run.allocs));
	if (session->in_shell)
		run.names = calloc(options->count, sizeof(*run.names));
	if (!run.allocs || (session->in_shell && !run.names))
		complain("out of memory");
	else
		good = carry_out(&run);
	free(run.allocs);
	free(run.names);
	return good ? STATUS_OK : STATUS_FAILED;
}

enum status cmd_alloc(struct session *session, int argc, char **argv)
{
	struct alloc_options options;
	enum args args = alloc_options_parse(argc, argv, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (options.hold && session->in_shell) {
		complain("--hold is not for the shell, where all is held until "
			 "it is freed or the shell ends");
		return STATUS_USAGE;
	}
	if (options.parent && !session->in_shell) {
		complain("%s: caches and mempools belong to the process that "
			 "created them, so there is none here", options.what);
		advise("Use \"cache create\" or \"mempool create\" and \"alloc\" "
		       "in \"memallocctl shell\".");
		return STATUS_USAGE;
	}
	if (!session_open(session) || !find_parent(session, &options))
		return STATUS_FAILED;
	return run_options(session, &options);
}
