// SPDX-License-Identifier: GPL-2.0
/*
 * Quarantine: the way back into a zone, and who is stopped on it
 *
 * Whoever maps a page to user space makes it possible for others to take
 * references on it that outlive the mapping: a pipe (vmsplice), a direct write
 * in flight, get_user_pages(). When its owner frees such a page it is neither
 * reused nor given back: it waits here, page by page whatever block it came
 * in, until its count is back at what is ours.
 *
 * Who frees a block whose inner pages others may hold says so, and all of
 * them are looked at (mal_free_pages_shared()). Who does not is not believed
 * blindly: every block that leaves the per-CPU lists comes through here. But to
 * look at a large one costs more than to free it, as each of its pages has a cache
 * line of its own. So that is put off until the block is cut into smaller
 * pieces or given back to the host (mal_page.unseen), and not done at all if it is
 * allocated again as what it was.
 *
 * Nobody tells when the last reference goes. So the quarantine is swept when
 * memory is short, when somebody asks for shrinking, and once a second while
 * there is anything in it.
 *
 * Locking: mal_quarantine.lock protects the list. Nothing is taken inside it,
 * and it is taken with nothing held.
 *
 * Context: any but NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "internal/buddy.h"
#include "internal/page_poison.h"
#include "internal/quarantine.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"

/* How often the quarantine is looked at while there is something in it. */
#define MAL_SWEEP_INTERVAL	HZ

/* How many pages one sweep looks at, with the lock held. */
#define MAL_SWEEP_BATCH		64

/* How many blocks are freed to a zone with its lock held. */
#define MAL_RELEASE_BATCH	64

/**
 * struct mal_quarantine - the pages that wait
 * @lock: protects @pages
 * @pages: them, by mal_page.link, the longest unseen first
 * @count: how many
 */
struct mal_quarantine {
	spinlock_t lock;
	struct list_head pages;
	atomic_long_t count;
};

static struct mal_quarantine mal_quarantine = {
	.lock = __SPIN_LOCK_UNLOCKED(mal_quarantine.lock),
	.pages = LIST_HEAD_INIT(mal_quarantine.pages),
};

static void mal_sweep_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(mal_sweep, mal_sweep_work);

static void mal_quarantine_add(struct mal_page *desc)
{
	unsigned long flags;

	if (mal_sanitizer_on())
		mal_sanitizer_alloc_pages(pfn_to_page(mal_page_pfn(desc)), 0);
	WRITE_ONCE(desc->state, MAL_PAGE_QUARANTINED);
	spin_lock_irqsave(&mal_quarantine.lock, flags);
	list_add_tail(&desc->link, &mal_quarantine.pages);
	atomic_long_inc(&mal_quarantine.count);
	spin_unlock_irqrestore(&mal_quarantine.lock, flags);
}

/**
 * mal_block_is_held() - does somebody beside us hold a page of this block?
 * @page: its first page
 * @order: its order
 *
 * Context: any.
 * Return: true if so.
 */
bool mal_block_is_held(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (mal_page_is_held(page + i))
			return true;
	return false;
}

static void mal_give(struct mal_page *desc, unsigned int order, bool seen)
{
	struct mal_zone *zone = mal_page_section(desc)->zone;

	if (mal_page_overwrites())
		mal_page_overwrite(desc, order);
	if (mal_sanitizer_on())
		mal_sanitizer_free_pages(pfn_to_page(mal_page_pfn(desc)), order);
	if (unlikely(!mal_zone_give(zone, desc, order, seen)))
		mal_report(MAL_REPORT_DOUBLE_FREE, 0,
			   "block of order %u freed by two at once", order);
}

/* Set aside the pages of a block that somebody holds, and free the others. */
static void mal_release_held(struct mal_page *desc, struct page *page,
			     unsigned int order)
{
	unsigned int i;

	mal_zone_break(mal_page_section(desc)->zone, desc, order);
	for (i = 0; i < 1U << order; i++) {
		if (mal_page_is_held(page + i))
			mal_quarantine_add(desc + i);
		else
			mal_give(desc + i, 0, true);
	}
	schedule_delayed_work(&mal_sweep, MAL_SWEEP_INTERVAL);
}

/**
 * mal_release() - free a block to its zone
 * @desc: its first page, in state PCP
 * @order: its order
 *
 * All pages are looked at. Those that somebody else holds go to the quarantine.
 *
 * Context: any but NMI.
 */
void mal_release(struct mal_page *desc, unsigned int order)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	if (unlikely(mal_block_is_held(page, order)))
		mal_release_held(desc, page, order);
	else
		mal_give(desc, order, true);
}

/* Of a single page, it is put off to no end; and what is freed may be written over. */
static bool mal_look_is_due(unsigned int order)
{
	return !order || mal_page_overwrites();
}

/**
 * mal_release_whole() - free a block to its zone that nobody is known to hold
 * @desc: its first page, in state PCP
 * @order: its order
 *
 * As mal_release(), but the pages of a block are looked at later.
 *
 * Context: any but NMI.
 */
void mal_release_whole(struct mal_page *desc, unsigned int order)
{
	if (mal_look_is_due(order))
		mal_release(desc, order);
	else
		mal_give(desc, order, false);
}

/**
 * mal_block_let_pass() - look at a block before it is used
 * @desc: its first page, in state PCP
 *
 * If somebody holds a page of it, that one goes to the quarantine, and the
 * others to the zone.
 *
 * Context: any but NMI.
 * Return: true if nobody does: the block is the caller's still.
 */
bool mal_block_let_pass(struct mal_page *desc)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	if (likely(!mal_block_is_held(page, desc->order)))
		return true;
	mal_release_held(desc, page, desc->order);
	return false;
}

/* Take up to a batch of blocks that nobody is known to hold off the chain. */
static struct mal_page *mal_chain_unheld(struct mal_page **chain,
					 unsigned int order)
{
	struct mal_page *unheld = NULL, *desc;
	bool look = mal_look_is_due(order);
	unsigned int i;

	for (i = 0; *chain && i < MAL_RELEASE_BATCH; i++) {
		desc = *chain;
		*chain = desc->next;
		if (look && unlikely(mal_block_is_held(desc->page, order))) {
			mal_release_held(desc, desc->page, order);
			continue;
		}
		desc->next = unheld;
		unheld = desc;
	}
	return unheld;
}

/**
 * mal_release_chain() - free blocks of one zone to it
 * @chain: their first pages, in state PCP, linked by mal_page.next and with
 *	mal_page.page set
 * @order: their order
 *
 * As mal_release_whole() of each, but the zone's lock is taken once for many.
 *
 * Context: any but NMI.
 */
void mal_release_chain(struct mal_page *chain, unsigned int order)
{
	struct mal_page *unheld;
	unsigned int bad;

	while (chain) {
		unheld = mal_chain_unheld(&chain, order);
		if (!unheld)
			continue;
		bad = mal_zone_give_chain(mal_page_section(unheld)->zone,
					  unheld, order, mal_look_is_due(order));
		if (unlikely(bad))
			mal_report(MAL_REPORT_DOUBLE_FREE, 0,
				   "%u blocks of order %u freed by two at once",
				   bad, order);
	}
}

/* A page that is still held goes to the end of the list: all get their turn. */
static struct mal_page *mal_quarantine_take(void)
{
	struct mal_page *desc;
	unsigned int i;

	for (i = 0; i < MAL_SWEEP_BATCH; i++) {
		desc = list_first_entry_or_null(&mal_quarantine.pages,
						struct mal_page, link);
		if (!desc)
			return NULL;
		if (!mal_page_is_held(pfn_to_page(mal_page_pfn(desc)))) {
			list_del(&desc->link);
			atomic_long_dec(&mal_quarantine.count);
			return desc;
		}
		list_move_tail(&desc->link, &mal_quarantine.pages);
	}
	return NULL;
}

/**
 * mal_quarantine_sweep() - free one page that nobody holds any more
 *
 * Looks at no more than MAL_SWEEP_BATCH pages; a later sweep goes on from
 * there.
 *
 * Context: any but NMI.
 * Return: true if there was one.
 */
bool mal_quarantine_sweep(void)
{
	struct mal_page *desc;
	unsigned long flags;

	if (!mal_quarantine_count())
		return false;
	spin_lock_irqsave(&mal_quarantine.lock, flags);
	desc = mal_quarantine_take();
	spin_unlock_irqrestore(&mal_quarantine.lock, flags);
	if (!desc)
		return false;
	WRITE_ONCE(desc->state, MAL_PAGE_PCP);
	mal_give(desc, 0, true);
	return true;
}

/**
 * mal_quarantine_sweep_all() - free every page that nobody holds any more
 *
 * Context: task; sleeps.
 */
void mal_quarantine_sweep_all(void)
{
	unsigned long turns = DIV_ROUND_UP(mal_quarantine_count(), MAL_SWEEP_BATCH);

	while (turns) {
		if (!mal_quarantine_sweep())
			turns--;
		cond_resched();
	}
}

static void mal_sweep_work(struct work_struct *work)
{
	mal_quarantine_sweep_all();
	if (mal_quarantine_count())
		schedule_delayed_work(&mal_sweep, MAL_SWEEP_INTERVAL);
}

/**
 * mal_quarantine_count() - how many pages wait
 *
 * Context: any.
 * Return: a number of pages.
 */
unsigned long mal_quarantine_count(void)
{
	return atomic_long_read(&mal_quarantine.count);
}

/**
 * mal_quarantine_exit() - stop sweeping
 *
 * Context: task; sleeps. Nobody frees any more.
 */
void mal_quarantine_exit(void)
{
	cancel_delayed_work_sync(&mal_sweep);
}
