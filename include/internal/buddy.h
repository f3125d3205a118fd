/* SPDX-License-Identifier: GPL-2.0 */
/*
 * buddy.h: the zones and their free blocks
 */
#ifndef _MAL_BUDDY_H
#define _MAL_BUDDY_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/region.h"

struct seq_file;

/* Sections are told apart by how many pages of them are free, in such steps. */
#define MAL_GROUP_PAGES		(MAL_SECTION_PAGES / MAL_NR_GROUPS)
#define MAL_NR_GROUPS		32

/**
 * struct mal_zone - borrowed pages of one zone of one node
 * @lock: protects all of the zone, and the descriptors of its free blocks
 * @sections: those with free pages, by the order of their largest free block
 *	and by group, the fewest free pages first
 * @groups: the groups that have any, a bit for each, by that order
 * @blocks: how many free blocks there are, by order
 * @pages: pages borrowed
 * @free_pages: pages in @blocks
 * @reserve: the zone's watermark "min": so many of @free_pages are neither
 *	given back nor given to those who may sleep
 * @changes: grows with whatever changes the zone, so that a look at it that
 *	takes several turns knows whether it saw one state
 * @used: it holds or has held pages
 * @nid: the node
 * @type: which of its zones
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
 * mal_zone_key() - a number for a zone, to compare with
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

/* The watermarks above the reserve stand to it as the host's to its own. */
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
				 struct mal_page **chain,
				 struct mal_page **unseen);
void mal_zone_take_part(struct mal_zone *zone, struct mal_page *desc,
			unsigned int order, unsigned int nr,
			struct mal_page **chain);
bool mal_zone_give(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, bool seen);
unsigned int mal_zone_give_chain(struct mal_zone *zone, struct mal_page *chain,
				 unsigned int order, bool seen);
struct mal_page *mal_zone_withdraw(struct mal_zone *zone,
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
u64 mal_zone_validate(struct mal_zone *zone, u64 *checked);

#endif /* _MAL_BUDDY_H */
