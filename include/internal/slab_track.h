/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_track.h: who allocated an object, and who freed it
 */
#ifndef _MAL_SLAB_TRACK_H
#define _MAL_SLAB_TRACK_H

#include <linux/list.h>
#include <linux/stackdepot.h>
#include <linux/types.h>

struct mal_slab;

/**
 * struct mal_track_event - an allocation or a free
 * @caller: code address of who did it, or zero: it has not been noted
 * @when: in jiffies
 * @stack: how they came there, or zero
 * @pid: of the task
 * @cpu: on which CPU
 */
struct mal_track_event {
	unsigned long caller;
	u64 when;
	depot_stack_handle_t stack;
	pid_t pid;
	unsigned int cpu;
};

/**
 * struct mal_track - what the debug modes know of an object
 * @alloc: its last allocation
 * @freed: its last free
 * @held: in the list of objects that are held back
 * @slab: the slab; the number of the object is this one's place in
 *	mal_slab.tracks
 * @asked: bytes that are the owner's; all that the cache gives, if it is free
 * @spoiled: somebody wrote out of its bounds, and that was mended: it is LEAKED
 *	when its owner frees it
 *
 * Protected by the lock of the node.
 */
struct mal_track {
	struct mal_track_event alloc;
	struct mal_track_event freed;
	struct list_head held;
	struct mal_slab *slab;
	u32 asked;
	bool spoiled;
};

void mal_track_prepare(void);
void mal_track_note(struct mal_track_event *event, unsigned long caller);
void mal_track_print(const struct mal_track *track);
u64 mal_track_age_ms(const struct mal_track_event *event);

#endif /* _MAL_SLAB_TRACK_H */
