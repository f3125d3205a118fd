/* SPDX-License-Identifier: GPL-2.0 */
/* buddy.h: zones and their free blocks */
#ifndef _MAL_BUDDY_H
#define _MAL_BUDDY_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/region.h"

struct mal_tally;
struct seq_file;

/* Sections are grouped by their number of free pages, in steps of this size. */
#define MAL_GROUP_PAGES		(MAL_SECTION_PAGES / MAL_NR_GROUPS)
#define MAL_NR_GROUPS		32

/**
 * struct mal_zone - borrowed pages of one zone of one node
 * @lock: protects the zone, and the descriptors of its free blocks
 * @sections: sections with free pages, by the order of their largest free block
 *	and by group, the fewest free pages first
 * @groups: bitmap of the nonempty groups, by that order
 * @blocks: number of free blocks, by order
 * @pages: number of borrowed pages
 * @free_pages: number of pages in @blocks
 * @reserve: the zone's watermark "min": this many of @free_pages are neither
 *	returned to the host nor allocated without __GFP_HIGH
 * @changes: incremented by every change of the zone, so that a walk in several
 *	critical sections can tell whether it saw one state
 * @used: the zone has or had pages
 * @nid: the node
 * @type: which of the node's zones it is
 */
struct mal_zone {
	spinlock_t lock;
	u32 groups[MAL_NR_ORDERS];
	unsigned long blocks[MAL_NR_ORDERS];
	unsigned long pages;
	unsigned long free_pages;
	unsigned long reserve;
	unsigned long changes;
	bool used;
	int nid;
	enum memalloc_zone type;
	struct list_head sections[MAL_NR_ORDERS][MAL_NR_GROUPS];
} ____cacheline_aligned_in_smp;

/**
 * mal_zone_key() - a number that identifies a zone
 * @nid: its node
 * @type: which of the node's zones it is
 *
 * Context: any.
 * Return: the number.
 */
static inline unsigned int mal_zone_key(int nid, enum memalloc_zone type)
{
	return nid * MEMALLOC_NR_ZONES + type;
}

/*
 * The ratios of low and high to the reserve are those of the host's watermarks.
 */
static inline unsigned long mal_zone_low(const struct mal_zone *zone)
{
	return zone->reserve + zone->reserve / 4;
}

static inline unsigned long mal_zone_high(const struct mal_zone *zone)
{
	return zone->reserve + zone->reserve / 2;
}

void mal_zone_init(struct mal_zone *zone, int nid, enum memalloc_zone type);
void mal_zone_add(struct mal_zone *zone, struct mal_page *desc,
		  unsigned int order);
struct mal_page *mal_zone_add_take(struct mal_zone *zone,
				   struct mal_page *desc, unsigned int order,
				   unsigned int take);
unsigned int mal_zone_take_chain(struct mal_zone *zone, unsigned int order,
				 unsigned int nr, unsigned long keep,
				 struct mal_chain *chain,
				 struct mal_page **unseen);
void mal_zone_take_part(struct mal_zone *zone, struct mal_page *desc,
			unsigned int order, unsigned int nr,
			struct mal_chain *chain);
bool mal_zone_give(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, bool seen);
void mal_zone_give_chain(struct mal_zone *zone, struct mal_chain *chain,
			 unsigned int order, bool seen);
struct mal_page *mal_zone_take_largest(struct mal_zone *zone,
				       unsigned long max_pages,
				       unsigned int *order);
void mal_zone_disown(struct mal_zone *zone, struct mal_page *desc,
		     unsigned int order);
unsigned int mal_section_group(const struct mal_section *section);
void mal_zone_break(struct mal_zone *zone, struct mal_page *desc,
		    unsigned int order);
void mal_zone_cut(struct mal_zone *zone, struct mal_page *desc,
		  unsigned int order, unsigned long pages);
void mal_zone_mark(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, enum mal_page_state state, void *owner);
void mal_zone_validate(struct mal_zone *zone, struct mal_tally *tally);

#endif /* _MAL_BUDDY_H */
