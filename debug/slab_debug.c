// SPDX-License-Identifier: GPL-2.0
/*
 * Debug modes of slabs: redzones, poison, consistency
 *
 * In a cache with RED_ZONE, there are bytes before and behind each object that
 * are nobody's, down to the last one of the slab. Those behind it begin where
 * the bytes end that the owner has asked for: with kmalloc that is within the
 * size class, so that an overflow of one byte is found.
 *
 *	block                                                       of pages
 *	|<- left ->|<-- object_size ---->|          |<- left ->|             |
 *	+----------+-------------+-------+----------+----------+--  -+-------+
 *	| cc cc cc | object 0    | cc cc . cc cc cc | cc cc cc | ... | cc cc |
 *	+----------+-------------+-------+----------+----------+--  -+-------+
 *	           |<-- asked -->|                             |
 *	           |<-------------- size --------------------->|
 *
 * With POISON, a free object is filled with 6b, and a5 in its last byte (these
 * are the host's values, see linux/poison.h). Caches with a constructor, or with
 * SLAB_TYPESAFE_BY_RCU, keep what is in a free object, and have no poison.
 *
 * With CHECKS, each allocation and each free first counts what is in its slab,
 * and looks whether the pages are known as the slab's.
 *
 * When what is checked: redzones and poison when an object is allocated; the
 * redzones when it is freed or resized; poison once more when it has been held
 * back (slab_quarantine.c), and before the pages of a slab go; everything by
 * mal_slab_validate(). What is found is reported, and the object is out of
 * circulation: LEAKED. If somebody owns it, that is when it is freed; until then
 * the redzone is as it should be, so that one fault is not told again and again.
 *
 * What is known of an object (struct mal_track) is beside the slab, where
 * nothing that is written out of bounds reaches it. It is the host's memory, often
 * more than the slab's, and counts for the cap.
 *
 * Caches with these modes have no sheaves, so all of this is on the long way:
 * the short ones know nothing of it. It is done under the lock of the node, so
 * that a validation sees each object either allocated or free.
 *
 * Locking: mal_slab_node.lock, with interrupts off.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/align.h>
#include <linux/kasan.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/poison.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal/inject.h"
#include "internal/loan.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_track.h"

#define MAL_REDZONE_BYTE	SLUB_RED_ACTIVE

/* Behind an object, at least. */
#define MAL_REDZONE_BYTES	sizeof(void *)

/*
 * Layout
 */

/**
 * mal_debug_layout() - make room for redzones
 * @cache: the cache: flags, object_size, align and size are set; if there is no
 *	room for redzones, it has none
 *
 * Context: any.
 */
void mal_debug_layout(struct mal_kmem_cache *cache)
{
	size_t left = cache->align;
	size_t size;

	if (!(cache->flags & MAL_CACHE_RED_ZONE))
		return;
	size = ALIGN(left + (size_t)cache->object_size + MAL_REDZONE_BYTES,
		     cache->align);
	if (size > PAGE_SIZE << MAL_MAX_ORDER) {
		cache->flags &= ~MAL_CACHE_RED_ZONE;
		return;
	}
	cache->left = left;
	cache->size = size;
}

/* Where the redzone before an object begins. */
static u8 *mal_redzone_start(const struct mal_slab *slab, u32 index)
{
	if (!index)
		return mal_slab_block(slab);
	return mal_slab_object(slab, index) - slab->left;
}

/* Where the one behind it ends. */
static u8 *mal_redzone_end(const struct mal_slab *slab, u32 index)
{
	if (index + 1 == slab->nr)
		return mal_slab_block(slab) + (PAGE_SIZE << slab->order);
	return mal_redzone_start(slab, index + 1);
}

/*
 * Bytes. The sanitizer must not mind: these are no accesses of an owner's.
 */

static void mal_bytes_fill(u8 *from, const u8 *to, u8 value)
{
	kasan_disable_current();
	memset(from, value, to - from);
	kasan_enable_current();
}

static bool mal_bytes_intact(const u8 *object, const u8 *from, const u8 *to,
			     u8 value, struct mal_fault *fault)
{
	const u8 *wrong;

	kasan_disable_current();
	wrong = memchr_inv(from, value, to - from);
	if (wrong) {
		fault->offset = wrong - object;
		fault->expected = value;
		fault->bytes = min_t(size_t, to - wrong, sizeof(fault->found));
		memcpy(fault->found, wrong, fault->bytes);
	}
	kasan_enable_current();
	return !wrong;
}

static void mal_redzone_fill(struct mal_slab *slab, u32 index)
{
	u8 *object = mal_slab_object(slab, index);

	if (!(slab->flags & MAL_CACHE_RED_ZONE))
		return;
	mal_bytes_fill(mal_redzone_start(slab, index), object, MAL_REDZONE_BYTE);
	mal_bytes_fill(object + slab->tracks[index].asked,
		       mal_redzone_end(slab, index), MAL_REDZONE_BYTE);
}

static bool mal_redzone_intact(struct mal_slab *slab, u32 index,
			       struct mal_fault *fault)
{
	u8 *object = mal_slab_object(slab, index);

	if (!(slab->flags & MAL_CACHE_RED_ZONE))
		return true;
	return mal_bytes_intact(object, mal_redzone_start(slab, index), object,
				MAL_REDZONE_BYTE, fault) &&
	       mal_bytes_intact(object, object + slab->tracks[index].asked,
				mal_redzone_end(slab, index), MAL_REDZONE_BYTE,
				fault);
}

static bool mal_poison_intact(struct mal_slab *slab, u32 index,
			      struct mal_fault *fault)
{
	u8 *object = mal_slab_object(slab, index);
	u8 *last = object + slab->cache->object_size - 1;

	if (!(slab->flags & MAL_CACHE_POISON))
		return true;
	return mal_bytes_intact(object, object, last, POISON_FREE, fault) &&
	       mal_bytes_intact(object, last, last + 1, POISON_END, fault);
}

/**
 * mal_debug_poison() - make an object look free
 * @slab: its slab
 * @index: its number
 *
 * Context: any but NMI; the lock of its track is held.
 */
void mal_debug_poison(struct mal_slab *slab, u32 index)
{
	u8 *object = mal_slab_object(slab, index);
	u8 *last = object + slab->cache->object_size - 1;

	slab->tracks[index].asked = slab->cache->object_size;
	if (!(slab->flags & MAL_CACHE_POISON)) {
		if (want_init_on_free() && !(slab->cache->flags & MAL_CACHE_NO_INIT))
			mal_bytes_fill(object, last + 1, 0);
		return;
	}
	mal_bytes_fill(object, last, POISON_FREE);
	mal_bytes_fill(last, last + 1, POISON_END);
}

/**
 * mal_debug_set_asked() - say how much of an object is the owner's
 * @slab: its slab
 * @index: its number
 * @asked: bytes from its beginning; what is behind is redzone now
 *
 * Context: any but NMI; the lock of its track is held.
 */
void mal_debug_set_asked(struct mal_slab *slab, u32 index, u32 asked)
{
	slab->tracks[index].asked = asked;
	mal_redzone_fill(slab, index);
}

/**
 * mal_debug_check() - is nothing written that nobody may write?
 * @slab: the slab of an object
 * @index: its number
 * @is_free: the object is nobody's
 * @fault: the first byte that is wrong
 *
 * Context: any but NMI; the lock of its track is held.
 * Return: true; false, and @fault is filled in.
 */
bool mal_debug_check(struct mal_slab *slab, u32 index, bool is_free,
		     struct mal_fault *fault)
{
	return mal_redzone_intact(slab, index, fault) &&
	       (!is_free || mal_poison_intact(slab, index, fault));
}

/**
 * mal_debug_report() - report what mal_debug_check() found
 * @slab: the slab of the object
 * @index: its number
 * @is_free: the object is nobody's
 * @fault: what is wrong
 * @caller: code address of whose call found it, or zero
 *
 * Context: any; the lock of its track is held.
 */
void mal_debug_report(struct mal_slab *slab, u32 index, bool is_free,
		      const struct mal_fault *fault, unsigned long caller)
{
	u32 size = slab->cache->object_size;
	bool inside = fault->offset >= 0 && fault->offset < size;
	enum mal_report what = is_free && inside ? MAL_REPORT_USE_AFTER_FREE :
						   MAL_REPORT_OVERFLOW;
	struct mal_track *track = &slab->tracks[index];

	if (mal_report(what, 0,
		       "object %u of cache %s, %s, %u of %u bytes: byte %ld is not %02x: %*ph",
		       index, slab->cache->name, is_free ? "free" : "allocated",
		       track->asked, size, fault->offset, fault->expected,
		       fault->bytes, fault->found)) {
		if (caller)
			pr_err("  found by %pS\n", (void *)caller);
		mal_track_print(track);
	}
}

/**
 * mal_debug_mend() - report that somebody wrote out of the bounds of what is in use
 * @slab: the slab of the object
 * @index: its number
 * @fault: what is wrong
 * @caller: code address of whose call found it, or zero
 *
 * The redzone is mended, and whoever has the object keeps it; nobody has it after
 * them.
 *
 * Context: any but NMI; the lock of its track is held.
 */
void mal_debug_mend(struct mal_slab *slab, u32 index,
		    const struct mal_fault *fault, unsigned long caller)
{
	struct mal_track *track = &slab->tracks[index];

	mal_debug_report(slab, index, false, fault, caller);
	track->spoiled = true;
	mal_debug_set_asked(slab, index, track->asked);
}

/**
 * mal_debug_track() - what is known of an object
 * @slab: a slab; stays, as the caller sees to
 * @index: the number of the object
 * @track: filled in
 *
 * Context: any but NMI; not with the lock of the node.
 * Return: true, or false if nothing is known.
 */
bool mal_debug_track(struct mal_slab *slab, u32 index, struct mal_track *track)
{
	struct mal_slab_node *node = slab->cache->nodes[slab->nid];
	unsigned long flags;
	bool known;

	spin_lock_irqsave(&node->lock, flags);
	known = slab->tracks && index < slab->nr;
	if (known)
		*track = slab->tracks[index];
	spin_unlock_irqrestore(&node->lock, flags);
	return known;
}

/*
 * Slabs
 */

/**
 * mal_debug_tracked_by() - what the tracks of a slab take from the host
 * @nr: objects in the slab
 *
 * Context: any.
 * Return: bytes.
 */
size_t mal_debug_tracked_by(u32 nr)
{
	return kmalloc_size_roundup(array_size(nr, sizeof(struct mal_track)));
}

/* They can be many times the slab: so nobody goes beyond the cap for them. */
static struct mal_track *mal_tracks_alloc(u32 nr, gfp_t gfp, int nid)
{
	struct mal_track *tracks;

	if (mal_inject_may_fail(gfp) ||
	    !mal_loan_charge_bytes(mal_debug_tracked_by(nr), gfp & ~__GFP_HIGH))
		return NULL;
	tracks = kcalloc_node(nr, sizeof(*tracks), gfp, nid);
	if (!tracks)
		mal_region_uncharge_bytes(mal_debug_tracked_by(nr));
	return tracks;
}

static bool mal_tracks_create(struct mal_slab *slab, gfp_t gfp)
{
	u32 i;

	slab->tracks = mal_tracks_alloc(slab->nr, gfp, slab->nid);
	for (i = 0; slab->tracks && i < slab->nr; i++) {
		slab->tracks[i].slab = slab;
		slab->tracks[i].asked = slab->cache->object_size;
		INIT_LIST_HEAD(&slab->tracks[i].held);
	}
	return slab->tracks;
}

/**
 * mal_debug_slab_init() - prepare a slab for the debug modes that it has
 * @slab: the slab, all objects FREE and constructed
 * @gfp: for what is to be known of them
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, or false if there is no memory.
 */
bool mal_debug_slab_init(struct mal_slab *slab, gfp_t gfp)
{
	u32 i;

	if (!slab->flags)
		return true;
	if (!mal_tracks_create(slab, gfp))
		return false;
	for (i = 0; i < slab->nr; i++) {
		mal_debug_poison(slab, i);
		mal_redzone_fill(slab, i);
	}
	return true;
}

/**
 * mal_debug_slab_intact() - has nobody written to the objects of a slab?
 * @slab: the slab, on its way out: nobody else knows it
 *
 * Context: any but NMI.
 * Return: true; or false, and it has been reported: nobody shall have the pages.
 */
bool mal_debug_slab_intact(struct mal_slab *slab)
{
	struct mal_fault fault;
	bool intact = true;
	u32 i;

	for (i = 0; slab->flags && i < slab->nr; i++) {
		if (mal_debug_check(slab, i, true, &fault))
			continue;
		mal_debug_report(slab, i, true, &fault, 0);
		intact = false;
	}
	return intact;
}

/**
 * mal_debug_slab_exit() - the mirror of mal_debug_slab_init()
 * @slab: the slab; nobody but mal_debug_track() looks at its tracks any more
 *
 * Context: any but NMI.
 */
void mal_debug_slab_exit(struct mal_slab *slab)
{
	struct mal_slab_node *node = slab->cache->nodes[slab->nid];
	struct mal_track *tracks = slab->tracks;
	unsigned long flags;

	if (!tracks)
		return;
	spin_lock_irqsave(&node->lock, flags);
	slab->tracks = NULL;
	spin_unlock_irqrestore(&node->lock, flags);
	mal_region_uncharge_bytes(mal_debug_tracked_by(slab->nr));
	kfree(tracks);
}

/* Of those that are on their way from here to there, nothing can be said. */
static bool mal_object_can_be_checked(u8 state, bool *is_free)
{
	*is_free = state == MAL_OBJECT_FREE || state == MAL_OBJECT_HELD;
	return *is_free || state == MAL_OBJECT_ALLOCATED ||
	       state == MAL_OBJECT_GUARDED || state == MAL_OBJECT_RCU ||
	       state == MAL_OBJECT_DEFERRED;
}

/**
 * mal_debug_validate() - check all objects of a slab
 * @slab: the slab
 * @checked: the number of objects checked is added here
 *
 * Context: any but NMI; the lock of its tracks is held.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_debug_validate(struct mal_slab *slab, u64 *checked)
{
	struct mal_fault fault;
	u64 errors = 0;
	bool is_free;
	u32 i;

	for (i = 0; slab->flags && i < slab->nr; i++) {
		if (!mal_object_can_be_checked(READ_ONCE(slab->states[i]),
					       &is_free))
			continue;
		++*checked;
		if (mal_debug_check(slab, i, is_free, &fault))
			continue;
		mal_debug_report(slab, i, is_free, &fault, 0);
		errors++;
	}
	return errors;
}

/*
 * Objects
 */

static void mal_debug_note(const struct mal_kmem_cache *cache,
			   struct mal_track_event *event, unsigned long caller)
{
	memset(event, 0, sizeof(*event));
	if (cache->flags & MAL_CACHE_STORE_USER)
		mal_track_note(event, caller);
}

/* The slab, and the object, as they must be before something is done to it. */
static bool mal_debug_examine(struct mal_slab *slab, u32 index, bool is_free,
			      unsigned long caller)
{
	struct mal_fault fault;

	if (slab->flags & MAL_CACHE_CHECKS)
		mal_slab_check_states(slab);
	if (mal_debug_check(slab, index, is_free, &fault))
		return true;
	mal_debug_report(slab, index, is_free, &fault, caller);
	return false;
}

/**
 * mal_debug_alloc() - give an object away
 * @cache: a cache with debug modes
 * @object: the object, out of its slab: with "lean", ALLOCATED, else CACHED
 * @caller: code address of who gets it
 *
 * Context: any but NMI.
 * Return: true, and the object is ALLOCATED; false: somebody has written to it
 * while it was free, and it is LEAKED.
 */
bool mal_debug_alloc(struct mal_kmem_cache *cache, void *object,
		     unsigned long caller)
{
	struct mal_slab *slab = mal_slab_of(object);
	u32 index = mal_slab_index(cache, slab, object);
	struct mal_slab_node *node = cache->nodes[slab->nid];
	struct mal_track_event event;
	unsigned long flags;
	bool ok;

	mal_debug_note(cache, &event, caller);
	spin_lock_irqsave(&node->lock, flags);
	ok = mal_debug_examine(slab, index, true, caller);
	if (ok)
		slab->tracks[index].alloc = event;
	WRITE_ONCE(slab->states[index], ok ? MAL_OBJECT_ALLOCATED :
					     MAL_OBJECT_LEAKED);
	spin_unlock_irqrestore(&node->lock, flags);
	return ok;
}

/* Returns false if it is not to be used again. */
static bool mal_debug_put(struct mal_slab *slab, u32 index,
			  const struct mal_track_event *event,
			  unsigned long caller)
{
	struct mal_track *track = &slab->tracks[index];

	track->freed = *event;
	if (!mal_debug_examine(slab, index, false, caller) || track->spoiled) {
		WRITE_ONCE(slab->states[index], MAL_OBJECT_LEAKED);
		return false;
	}
	mal_debug_poison(slab, index);
	mal_redzone_fill(slab, index);
	return true;
}

/**
 * mal_debug_free() - take an object back
 * @cache: a cache with debug modes
 * @slab: the object's slab
 * @object: the object, out of its slab: with "lean", ALLOCATED, else CACHED
 * @caller: code address of who had it
 *
 * Context: any but NMI.
 */
void mal_debug_free(struct mal_kmem_cache *cache, struct mal_slab *slab,
		    void *object, unsigned long caller)
{
	u32 index = mal_slab_index(cache, slab, object);
	struct mal_slab_node *node = cache->nodes[slab->nid];
	struct mal_track_event event;
	unsigned long flags;
	LIST_HEAD(surplus);

	mal_debug_note(cache, &event, caller);
	spin_lock_irqsave(&node->lock, flags);
	if (!mal_debug_put(slab, index, &event, caller))
		goto out;
	if (cache->flags & MAL_CACHE_QUARANTINE)
		mal_held_add(node, slab, index, &surplus);
	else
		mal_slab_node_put(node, slab, index, &surplus);
out:
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
}

/**
 * mal_debug_set_user() - note that an object is somebody else's now
 * @slab: a slab of which users are tracked
 * @object: the object
 * @caller: code address of who has it
 *
 * Context: any but NMI; the caller holds the object.
 */
void mal_debug_set_user(struct mal_slab *slab, const void *object,
			unsigned long caller)
{
	struct mal_slab_node *node = slab->cache->nodes[slab->nid];
	u32 index = mal_slab_index(slab->cache, slab, object);
	struct mal_track_event event;
	unsigned long flags;

	if (index >= slab->nr)
		return;
	mal_track_note(&event, caller);
	spin_lock_irqsave(&node->lock, flags);
	slab->tracks[index].alloc = event;
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_debug_asked() - how much of an object is its owner's
 * @slab: a slab with debug modes
 * @object: the object
 *
 * Context: any; the caller holds the object.
 * Return: bytes.
 */
size_t mal_debug_asked(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	return index < slab->nr ? READ_ONCE(slab->tracks[index].asked) : 0;
}

/**
 * mal_debug_resize() - change how much of an object is its owner's
 * @slab: a slab of a node, with debug modes
 * @object: the object
 * @asked: bytes, no more than there are
 * @zero: what is added is to be zero
 * @caller: code address of who does it
 *
 * Context: any but NMI; the caller holds the object.
 */
void mal_debug_resize(struct mal_slab *slab, void *object, size_t asked,
		      bool zero, unsigned long caller)
{
	struct mal_slab_node *node = slab->cache->nodes[slab->nid];
	u32 index = mal_slab_index(slab->cache, slab, object);
	struct mal_fault fault;
	unsigned long flags;
	u32 before;

	if (index >= slab->nr)
		return;
	spin_lock_irqsave(&node->lock, flags);
	if (!mal_debug_check(slab, index, false, &fault))
		mal_debug_mend(slab, index, &fault, caller);
	before = slab->tracks[index].asked;
	if (zero && asked > before)
		mal_bytes_fill(object + before, object + asked, 0);
	mal_debug_set_asked(slab, index, asked);
	spin_unlock_irqrestore(&node->lock, flags);
}
