/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_track.h: callers that allocated and freed an object
 */
#ifndef _MAL_SLAB_TRACK_H
#define _MAL_SLAB_TRACK_H

#include <linux/list.h>
#include <linux/stackdepot.h>
#include <linux/types.h>

struct mal_slab;

/**
 * struct mal_track_event - an allocation or a free
 * @caller: code address of the caller, or zero if it was not recorded
 * @when: time in jiffies
 * @stack: stack of the caller, or zero
 * @pid: pid of the task
 * @cpu: number of the CPU
 */
struct mal_track_event {
	unsigned long caller;
	u64 when;
	depot_stack_handle_t stack;
	pid_t pid;
	unsigned int cpu;
};

/**
 * struct mal_track - data that the debug modes keep about an object
 * @alloc: its last allocation
 * @freed: its last free
 * @link: in the list of quarantined objects
 * @slab: its slab; the index of this track in mal_slab.tracks is the number
 *	of the object
 * @asked: requested size in bytes; the full size of the cache's objects if
 *	free
 * @spoiled: an out-of-bounds write was reported and the redzone restored;
 *	the object becomes LEAKED when its owner frees it
 *
 * Protected by the lock of the node.
 */
struct mal_track {
	struct mal_track_event alloc;
	struct mal_track_event freed;
	struct list_head link;
	struct mal_slab *slab;
	u32 asked;
	bool spoiled;
};

void mal_track_prepare(void);
void mal_track_note(struct mal_track_event *event, unsigned long caller);
void mal_track_print(const struct mal_track *track);
u64 mal_track_age_ms(const struct mal_track_event *event);

#endif /* _MAL_SLAB_TRACK_H */
