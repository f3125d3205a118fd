// SPDX-License-Identifier: GPL-2.0
/*
 * Debug modes of slabs: redzones, poison, consistency
 *
 * In a cache with RED_ZONE, each object has unused bytes before and behind it,
 * up to the end of the slab. Those behind it begin at the end of the requested
 * size. For kmalloc memory that is within the size class, so an overflow of one
 * byte is detected.
 *
 *	block                                                       of pages
 *	|<- left ->|<-- object_size ---->|          |<- left ->|             |
 *	+----------+-------------+-------+----------+----------+--  -+-------+
 *	| cc cc cc | object 0    | cc cc . cc cc cc | cc cc cc | ... | cc cc |
 *	+----------+-------------+-------+----------+----------+--  -+-------+
 *	           |<-- asked -->|                             |
 *	           |<-------------- size --------------------->|
 *
 * POISON fills a free object with 6b, and its last byte with a5 (the host's
 * values, see linux/poison.h). Caches with a constructor, or with
 * SLAB_TYPESAFE_BY_RCU, preserve the contents of free objects and are not
 * poisoned.
 *
 * CHECKS makes each allocation and each free first count the objects of its
 * slab, and check that the pages are marked as the slab's.
 *
 * Times of the checks: redzones and poison when an object is allocated; the
 * redzones when it is freed or resized; poison again when it leaves the
 * quarantine (slab_quarantine.c), and before the pages of a slab are freed;
 * everything in mal_slab_validate(). A violation is reported, and the object is
 * not reused: it is LEAKED. An object with an owner becomes LEAKED when it is
 * freed. Until then its redzone is restored, so that a fault is not reported
 * repeatedly.
 *
 * The data about an object (struct mal_track) is outside of the slab, where
 * out-of-bounds writes do not reach it. It is in memory of the host, often
 * larger than the slab, and counts for the cap.
 *
 * Caches with these modes have no sheaves. So all of this is on the slow path,
 * and the fast paths do not know of it. The checks run under the lock of the
 * node, so that a validation sees each object either allocated or free.
 *
 * Locking: mal_slab_node.lock, with interrupts off.
 *
 * Context: any but NMI, unless noted otherwise.
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

#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_track.h"
#include "internal/tally.h"

#define MAL_REDZONE_BYTE	SLUB_RED_ACTIVE

/* Minimum size of the redzone behind an object. */
#define MAL_REDZONE_BYTES	sizeof(void *)

/*
 * Layout
 */

/**
 * mal_debug_layout() - make room for redzones
 * @cache: the cache, with flags, object_size, align and size set; loses
 *	RED_ZONE if there is no room
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

/* Start of the redzone before an object. */
static u8 *mal_redzone_start(const struct mal_slab *slab, u32 index)
{
	if (!index)
		return mal_slab_block(slab);
	return mal_slab_object(slab, index) - slab->left;
}

/* End of the redzone behind it. */
static u8 *mal_redzone_end(const struct mal_slab *slab, u32 index)
{
	if (index + 1 == slab->nr)
		return mal_slab_block(slab) + (PAGE_SIZE << slab->order);
	return mal_redzone_start(slab, index + 1);
}

/* Bytes. Hidden from KASAN: these are not accesses by an owner. */

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
 * mal_debug_poison() - poison a free object
 * @slab: its slab
 * @index: its number
 *
 * Context: any but NMI; called with the lock of its track held.
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
 * mal_debug_set_asked() - set the requested size of an object
 * @slab: its slab
 * @index: its number
 * @asked: size in bytes; the redzone begins behind it
 *
 * Context: any but NMI; called with the lock of its track held.
 */
void mal_debug_set_asked(struct mal_slab *slab, u32 index, u32 asked)
{
	slab->tracks[index].asked = asked;
	mal_redzone_fill(slab, index);
}

/**
 * mal_debug_check() - check for writes out of bounds or after free
 * @slab: the slab of an object
 * @index: its number
 * @is_free: the object has no owner
 * @fault: set to the first wrong byte
 *
 * Context: any but NMI; called with the lock of its track held.
 * Return: true if the object is intact; otherwise false, and @fault is filled
 * in.
 */
bool mal_debug_check(struct mal_slab *slab, u32 index, bool is_free,
		     struct mal_fault *fault)
{
	return mal_redzone_intact(slab, index, fault) &&
	       (!is_free || mal_poison_intact(slab, index, fault));
}

/**
 * mal_debug_report() - report a fault that mal_debug_check() found
 * @slab: the slab of the object
 * @index: its number
 * @is_free: the object has no owner
 * @fault: the fault
 * @caller: code address of the caller that found it, or zero
 *
 * Context: any; called with the lock of its track held.
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
 * mal_debug_repair() - report a write out of bounds of an object in use
 * @slab: the slab of the object
 * @index: its number
 * @fault: the fault
 * @caller: code address of the caller that found it, or zero
 *
 * The redzone is restored, and the owner keeps the object. It is not reused
 * after the owner frees it.
 *
 * Context: any but NMI; called with the lock of its track held.
 */
void mal_debug_repair(struct mal_slab *slab, u32 index,
		      const struct mal_fault *fault, unsigned long caller)
{
	struct mal_track *track = &slab->tracks[index];

	mal_debug_report(slab, index, false, fault, caller);
	track->spoiled = true;
	mal_debug_set_asked(slab, index, track->asked);
}

/**
 * mal_debug_track() - copy the track of an object
 * @slab: a slab, which the caller keeps alive
 * @index: the number of the object
 * @track: filled in
 *
 * Context: any but NMI; not with the lock of the node held.
 * Return: true, or false if there is no track.
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
 * mal_debug_tracked_by() - host memory for the tracks of a slab
 * @nr: number of objects in the slab
 *
 * Context: any.
 * Return: bytes.
 */
size_t mal_debug_tracked_by(u32 nr)
{
	return kmalloc_size_roundup(array_size(nr, sizeof(struct mal_track)));
}

/*
 * Tracks can be many times as large as the slab, so they never exceed the cap.
 */
static struct mal_track *mal_tracks_alloc(u32 nr, gfp_t gfp, int nid)
{
	struct mal_track *tracks;

	if (mal_inject_may_fail(gfp) ||
	    !mal_borrow_charge_bytes(mal_debug_tracked_by(nr),
				     gfp & ~__GFP_HIGH))
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
		INIT_LIST_HEAD(&slab->tracks[i].link);
	}
	return slab->tracks;
}

/**
 * mal_debug_slab_init() - prepare a slab for its debug modes
 * @slab: the slab; all objects are FREE and constructed
 * @gfp: flags for the tracks
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
 * mal_debug_slab_intact() - check a slab for writes before it is freed
 * @slab: the slab, which is not reachable any more
 *
 * Context: any but NMI.
 * Return: true if it is intact. Otherwise it has been reported, and its pages
 * must not be reused.
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
 * mal_debug_slab_exit() - undo mal_debug_slab_init()
 * @slab: the slab; only mal_debug_track() may still access its tracks
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

/* Objects in a transitional state cannot be checked. */
static bool mal_object_can_be_checked(u8 state, bool *is_free)
{
	*is_free = state == MAL_OBJECT_FREE || state == MAL_OBJECT_QUARANTINED;
	return *is_free || state == MAL_OBJECT_ALLOCATED ||
	       state == MAL_OBJECT_GUARDED || state == MAL_OBJECT_RCU ||
	       state == MAL_OBJECT_DEFERRED;
}

/**
 * mal_debug_validate() - check all objects of a slab
 * @slab: the slab
 * @tally: the result is added here
 *
 * Context: any but NMI; called with the lock of its tracks held.
 */
void mal_debug_validate(struct mal_slab *slab, struct mal_tally *tally)
{
	struct mal_fault fault;
	bool is_free;
	u32 i;

	for (i = 0; slab->flags && i < slab->nr; i++) {
		if (!mal_object_can_be_checked(READ_ONCE(slab->states[i]),
					       &is_free))
			continue;
		tally->checked++;
		if (mal_debug_check(slab, i, is_free, &fault))
			continue;
		mal_debug_report(slab, i, is_free, &fault, 0);
		tally->errors++;
	}
}

/*
 * Objects
 */

/**
 * mal_debug_set_user() - record a new owner of an object
 * @slab: a slab with user tracking
 * @object: the object
 * @caller: code address of the new owner
 *
 * Context: any but NMI; the caller owns the object.
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
 * mal_debug_asked() - requested size of an object
 * @slab: a slab with debug modes
 * @object: the object
 *
 * Context: any; the caller owns the object.
 * Return: bytes.
 */
size_t mal_debug_asked(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	return index < slab->nr ? READ_ONCE(slab->tracks[index].asked) : 0;
}

/**
 * mal_debug_resize() - change the requested size of an object
 * @slab: a slab of a node, with debug modes
 * @object: the object
 * @asked: new size in bytes, up to the usable size
 * @zero: zero the bytes that are added
 * @caller: code address of the caller
 *
 * Context: any but NMI; the caller owns the object.
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
		mal_debug_repair(slab, index, &fault, caller);
	before = slab->tracks[index].asked;
	if (zero && asked > before)
		mal_bytes_fill(object + before, object + asked, 0);
	mal_debug_set_asked(slab, index, asked);
	spin_unlock_irqrestore(&node->lock, flags);
}
