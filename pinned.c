// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned pages: freed blocks with pages that another holder still references
 *
 * A page that was mapped to user space may have references that outlive the
 * mapping: of a pipe (vmsplice), of a direct write in flight, of
 * get_user_pages(). If its owner frees such a page, it is neither reused nor
 * returned. It waits here until its count is back at MAL_PAGE_REFS.
 *
 * An owner that has shared the inner pages of a block frees it with
 * mal_free_pages_shared(), which checks all of them. Other frees check the
 * first page only: each page has a cache line of its own, and a check of a
 * large block takes longer than the free. The inner pages are checked when the
 * block is split or returned to the host (mal_page.unseen). They are not
 * checked if the block is allocated again with the same order.
 *
 * If the first page is pinned, the block waits as a whole, because the
 * reference is usually dropped soon. A block freed as shared is broken at once:
 * each pinned page waits by itself, and the rest is free. A waiting block is
 * also broken if memory is short, or if it has waited for long. All pages of a
 * block that has waited are checked before it is reused.
 *
 * The last put of a page does not notify this module, so it polls:
 *
 * - A CPU that adds a block checks the MAL_PINNED_POLLS oldest blocks that it
 *   has added, and takes a free one for its lists. A steady flow of blocks, as
 *   from a network driver, is reused without further help.
 * - A worker checks each block after a jiffy, then after two, four and so on,
 *   up to a second. The delay after the last put is at most about the time that
 *   the block was pinned, and a block that is pinned for long is rarely
 *   checked.
 * - When memory is short, or pages are to be returned, all blocks are checked.
 *
 * Each CPU has its own blocks, on a list for each interval of the worker. The
 * lists of an offline CPU are checked like those of others.
 *
 * Accounting: all pages of a block that waits count as pinned. User space calls
 * them quarantined (struct memalloc_stats_borrowing).
 *
 * Accounts. A layer above may charge the pages of an owner to an account for as
 * long as they wait (mal_free_pages_charged()). The descriptor of a waiting
 * block has no room for a pointer, so it has the ID of the account. A block is
 * charged before it is added, and uncharged after it was taken: while a block
 * has an ID, the account counts its pages. So an account without pages has no
 * blocks, and its creator may destroy it if nothing more will be charged. At
 * unload, accounts are destroyed with pages; their blocks are then uncharged
 * from no account. Lookup and uncharge are one RCU read-side section, and an
 * account is freed after a grace period.
 *
 * Locking: mal_pinned.lock protects the lists of one CPU. No other spinlock of
 * this module is held when it is taken, and none is taken inside it. Interrupts
 * are off while up to MAL_SWEEP_BATCH blocks are checked. With interrupts off,
 * a poll or a sweep releases no block of an order above MAL_RELEASE_ORDER.
 *
 * Context: any but NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "internal/buddy.h"
#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/pinned.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"

/* The lists of a CPU. The worker checks list k every 2^k jiffies. */
#define MAL_PINNED_LAST		((unsigned int)ilog2(HZ))
#define MAL_PINNED_LEVELS	(MAL_PINNED_LAST + 1)

/* Number of blocks checked when another one is added. */
#define MAL_PINNED_POLLS		2

/* Number of blocks checked with interrupts off. */
#define MAL_SWEEP_BATCH		64

/* The order of the largest block checked with interrupts off. */
#define MAL_RELEASE_ORDER	6

/* Number of blocks freed to a zone in one critical section. */
#define MAL_RELEASE_BATCH	64

/**
 * struct mal_pinned - pinned blocks that were added by one CPU
 * @lock: protects the other members
 * @pages: number of pages in all of the blocks
 * @nr: number of blocks on each list
 * @blocks: the lists, by mal_page.link; each begins with the next to check
 */
struct mal_pinned {
	spinlock_t lock;
	unsigned long pages;
	unsigned long nr[MAL_PINNED_LEVELS];
	struct list_head blocks[MAL_PINNED_LEVELS];
};

static DEFINE_PER_CPU(struct mal_pinned, mal_pinned);

/* Indexed by ID. */
static DEFINE_XARRAY_ALLOC1(mal_pinned_accounts);

/* Number of pages charged to all accounts. */
static atomic_long_t mal_pinned_charged;

/**
 * mal_pinned_account_create() - create an account
 *
 * Context: task; sleeps.
 * Return: the account, or NULL if there is no memory.
 */
struct mal_pinned_account *mal_pinned_account_create(void)
{
	struct mal_pinned_account *account = kzalloc(sizeof(*account),
						     GFP_KERNEL_ACCOUNT);

	if (!account)
		return NULL;
	if (xa_alloc(&mal_pinned_accounts, &account->id, account, xa_limit_32b,
		     GFP_KERNEL_ACCOUNT)) {
		kfree(account);
		return NULL;
	}
	return account;
}

/**
 * mal_pinned_account_destroy() - destroy an account
 * @account: the account. Nothing more is charged to it. It has no pages, unless
 *	no other account is created before unload.
 *
 * Context: task.
 */
void mal_pinned_account_destroy(struct mal_pinned_account *account)
{
	xa_erase(&mal_pinned_accounts, account->id);
	kfree_rcu(account, rcu);
}

/*
 * The owner uncharges the memory otherwise after this. The barrier lets a
 * reader that sees this see the pages here.
 */
static void mal_pinned_account_add(u32 id, long pages)
{
	struct mal_pinned_account *account;

	if (id == MAL_NO_ACCOUNT)
		return;
	atomic_long_add(pages, &mal_pinned_charged);
	rcu_read_lock();
	account = xa_load(&mal_pinned_accounts, id);
	if (account)
		atomic_long_add_return(pages, &account->pages);
	rcu_read_unlock();
}

static void mal_sweep_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(mal_sweep, mal_sweep_work);

/* When the worker is to run, in jiffies. A hint: see mal_sweep_soon(). */
static unsigned long mal_sweep_next;

/*
 * A block was added: schedule the worker in a jiffy to check it. If the work is
 * found pending, the worker finds the block.
 */
static void mal_sweep_soon(void)
{
	unsigned long soon = jiffies + 1;

	/* Pairs with the barrier between clearing PENDING and the work. */
	smp_mb();
	if (delayed_work_pending(&mal_sweep) &&
	    !time_after(READ_ONCE(mal_sweep_next), soon))
		return;
	WRITE_ONCE(mal_sweep_next, soon);
	mod_delayed_work(system_dfl_wq, &mal_sweep, 1);
}

/* The counters are read without the lock. */
static void mal_pinned_count_blocks(struct mal_pinned *pinned,
				    unsigned int level, long blocks)
	__must_hold(&pinned->lock)
{
	WRITE_ONCE(pinned->nr[level], pinned->nr[level] + blocks);
}

static void mal_pinned_count_pages(struct mal_pinned *pinned, long pages)
	__must_hold(&pinned->lock)
{
	WRITE_ONCE(pinned->pages, pinned->pages + pages);
}

static void mal_pinned_insert(struct mal_pinned *pinned, struct mal_page *desc)
	__must_hold(&pinned->lock)
{
	list_add_tail(&desc->link, &pinned->blocks[0]);
	mal_pinned_count_blocks(pinned, 0, 1);
	mal_pinned_count_pages(pinned, 1L << desc->order);
}

static void mal_pinned_remove(struct mal_pinned *pinned, struct mal_page *desc,
			      unsigned int level)
	__must_hold(&pinned->lock)
{
	list_del(&desc->link);
	mal_pinned_count_blocks(pinned, level, -1);
	mal_pinned_count_pages(pinned, -(1L << desc->order));
}

static void mal_pinned_move(struct mal_pinned *pinned, struct mal_page *desc,
			    unsigned int from, unsigned int to)
	__must_hold(&pinned->lock)
{
	list_move_tail(&desc->link, &pinned->blocks[to]);
	mal_pinned_count_blocks(pinned, from, -1);
	mal_pinned_count_blocks(pinned, to, 1);
}

static struct mal_page *mal_pinned_first(struct mal_pinned *pinned,
					 unsigned int level)
	__must_hold(&pinned->lock)
{
	return list_first_entry_or_null(&pinned->blocks[level], struct mal_page,
					link);
}

/* Is the first page of a waiting block still pinned? */
static bool mal_first_is_pinned(struct mal_page *desc)
{
	return mal_page_is_pinned(pfn_to_page(mal_page_pfn(desc)));
}

/* Mark a block that the caller owns as waiting, and charge it. */
static void mal_pinned_mark(struct mal_page *desc, u32 account)
{
	mal_pinned_account_add(account, 1L << desc->order);
	if (mal_sanitizer_on())
		mal_sanitizer_alloc_pages(pfn_to_page(mal_page_pfn(desc)), desc->order);
	WRITE_ONCE(desc->state, MAL_PAGE_PINNED);
	/* Not before: in state PCP, this word identifies a chain. */
	barrier();
	desc->account = account;
}

/*
 * Mark a block that has left its list as owned by the caller. Returns the
 * account that is still charged with the block.
 */
static u32 mal_pinned_unmark(struct mal_page *desc)
{
	u32 account = desc->account;

	desc->list = MAL_NO_LIST;
	desc->caller = 0;
	WRITE_ONCE(desc->state, MAL_PAGE_PCP);
	return account;
}

/* Let a block wait. Returns false: the block is not free. */
static bool mal_pinned_add(struct mal_page *desc, u32 account)
{
	struct mal_pinned *pinned = raw_cpu_ptr(&mal_pinned);
	unsigned long flags;

	mal_pinned_mark(desc, account);
	spin_lock_irqsave(&pinned->lock, flags);
	mal_pinned_insert(pinned, desc);
	spin_unlock_irqrestore(&pinned->lock, flags);
	return false;
}

/* Check some of the oldest blocks of a CPU, and take one that may be free. */
static struct mal_page *mal_pinned_poll(struct mal_pinned *pinned)
	__must_hold(&pinned->lock)
{
	struct mal_page *desc;
	unsigned int i;

	for (i = 0; i < MAL_PINNED_POLLS; i++) {
		desc = mal_pinned_first(pinned, 0);
		if (!desc)
			return NULL;
		if (desc->order <= MAL_RELEASE_ORDER &&
		    !mal_first_is_pinned(desc)) {
			mal_pinned_remove(pinned, desc, 0);
			return desc;
		}
		list_move_tail(&desc->link, &pinned->blocks[0]);
	}
	return NULL;
}

/**
 * mal_pinned_exchange() - add a block, and take one that has waited
 * @desc: a block with a pinned first page, in state PCP and on no list
 *
 * Context: any but NMI.
 * Return: a block of any order up to MAL_RELEASE_ORDER with an unpinned first
 * page, in state PCP and on no list, or NULL. The caller checks its pages.
 */
struct mal_page *mal_pinned_exchange(struct mal_page *desc)
{
	struct mal_pinned *pinned = raw_cpu_ptr(&mal_pinned);
	struct mal_page *free;
	unsigned long flags;

	mal_pinned_mark(desc, MAL_NO_ACCOUNT);
	spin_lock_irqsave(&pinned->lock, flags);
	free = mal_pinned_poll(pinned);
	mal_pinned_insert(pinned, desc);
	spin_unlock_irqrestore(&pinned->lock, flags);
	mal_sweep_soon();
	if (free)
		mal_pinned_account_add(mal_pinned_unmark(free), -(1L << free->order));
	return free;
}

/**
 * mal_block_is_pinned() - does a block have a page that must not be reused?
 * @page: its first page
 * @order: its order
 *
 * The pages are also cleaned.
 *
 * Context: any; the caller owns the block.
 * Return: true if so: see mal_page_clean().
 */
bool mal_block_is_pinned(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (unlikely(!mal_page_clean(page + i)))
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
			   "block of order %u freed by two CPUs at once", order);
}

/* The host has taken this page. Drop it from all accounts; do not touch it. */
static void mal_page_lose(struct mal_page *desc, unsigned long caller)
{
	mal_zone_disown(mal_page_section(desc)->zone, desc, 0);
	mal_region_lose(desc, caller);
}

/* The host has marked this page as broken, and keeps it when it is returned. */
static void mal_page_retire(struct mal_page *desc, struct page *page)
{
	mal_zone_disown(mal_page_section(desc)->zone, desc, 0);
	mal_region_return(page, 0);
}

/* Free a single page, in state PCP. Returns false if it waits. */
static bool mal_release_page(struct mal_page *desc, struct page *page,
			     unsigned long caller, u32 account)
{
	if (unlikely(!mal_page_repair(page, caller)))
		mal_page_lose(desc, caller);
	else if (PageHWPoison(page) && !mal_page_is_pinned(page))
		mal_page_retire(desc, page);
	else if (mal_page_clean(page))
		mal_give(desc, 0, true);
	else
		return mal_pinned_add(desc, account);
	return true;
}

/*
 * Let the pinned pages of a block wait, repair those that have lost references,
 * drop those that the host has taken, return those that are broken, and free
 * the others. Returns the number of pages that do not wait.
 */
static unsigned long mal_release_pinned(struct mal_page *desc,
					struct page *page, unsigned int order,
					unsigned long caller, u32 account)
{
	unsigned long freed = 0;
	unsigned int i;

	if (order)
		mal_zone_break(mal_page_section(desc)->zone, desc, order);
	for (i = 0; i < 1U << order; i++)
		freed += mal_release_page(desc + i, page + i, caller, account);
	if (freed < 1U << order)
		mal_sweep_soon();
	return freed;
}

static unsigned long mal_release_seen(struct mal_page *desc, unsigned int order,
				      unsigned long caller, u32 account)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	if (unlikely(mal_block_is_pinned(page, order)))
		return mal_release_pinned(desc, page, order, caller, account);
	mal_give(desc, order, true);
	return 1UL << order;
}

/**
 * mal_release() - free a block to its zone
 * @desc: its first page, in state PCP, with the last owner in mal_page.caller
 * @order: its order
 *
 * All pages are checked. Pinned pages wait until they are unpinned.
 *
 * Context: any but NMI.
 */
void mal_release(struct mal_page *desc, unsigned int order)
{
	mal_release_seen(desc, order, desc->caller, MAL_NO_ACCOUNT);
}

/**
 * mal_release_charged() - mal_release() that charges the pinned pages
 * @desc: as for mal_release()
 * @order: as for mal_release()
 * @account: ID of the account that is charged while the pages wait
 *
 * Context: any but NMI.
 */
void mal_release_charged(struct mal_page *desc, unsigned int order, u32 account)
{
	mal_release_seen(desc, order, desc->caller, account);
}

/*
 * Must a block be checked now? A later check of a single page saves nothing,
 * and a page that is overwritten must not be pinned.
 */
static bool mal_release_checks(unsigned int order)
{
	return !order || mal_page_overwrites();
}

/**
 * mal_release_whole() - free a block to its zone, unchecked if it is large
 * @desc: its first page, in state PCP
 * @order: its order
 *
 * Like mal_release(), but the pages of a block above order 0 are checked later.
 *
 * Context: any but NMI.
 */
void mal_release_whole(struct mal_page *desc, unsigned int order)
{
	if (mal_release_checks(order))
		mal_release(desc, order);
	else
		mal_give(desc, order, false);
}

/**
 * mal_block_accept() - check a block before it is used
 * @desc: its first page, in state PCP
 *
 * If a page of it is pinned, that page waits, and the others go to the zone.
 *
 * Context: any but NMI.
 * Return: true if no page is pinned; the caller still owns the block.
 */
bool mal_block_accept(struct mal_page *desc)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	if (likely(!mal_block_is_pinned(page, desc->order)))
		return true;
	mal_release_pinned(desc, page, desc->order, 0, MAL_NO_ACCOUNT);
	return false;
}

/**
 * mal_chain_report() - report the blocks that a chain has lost, if any
 * @chain: a chain that has been walked to its end
 * @order: the order of its blocks
 *
 * Context: any.
 */
void mal_chain_report(const struct mal_chain *chain, unsigned int order)
{
	if (unlikely(chain->nr))
		mal_report(MAL_REPORT_DOUBLE_FREE, 0,
			   "block of order %u freed by two CPUs at once, %u blocks given up",
			   order, chain->nr);
}

/*
 * Take up to a batch of blocks off the chain, and put those that are not known
 * to be pinned on @unpinned. Returns false at the end of the chain.
 */
static bool mal_chain_unpinned(struct mal_chain *chain, unsigned int order,
			       struct mal_chain *unpinned)
{
	bool seen = mal_release_checks(order);
	struct mal_page *desc;
	struct page *page;
	unsigned int i;

	*unpinned = (struct mal_chain) { .list = MAL_NO_LIST };
	for (i = 0; i < MAL_RELEASE_BATCH; i++) {
		desc = mal_chain_take(chain, order);
		if (!desc)
			return false;
		page = pfn_to_page(mal_page_pfn(desc));
		if (seen && unlikely(mal_block_is_pinned(page, order)))
			mal_release_pinned(desc, page, order, 0, MAL_NO_ACCOUNT);
		else
			mal_chain_add(unpinned, desc);
	}
	return true;
}

/**
 * mal_release_chain() - free a chain of blocks to their zone
 * @chain: the blocks, all of one zone
 * @order: their order
 *
 * Like mal_release_whole() for each block, but the zone's lock is taken once
 * for many. A broken chain is reported.
 *
 * Context: any but NMI.
 */
void mal_release_chain(struct mal_chain *chain, unsigned int order)
{
	bool seen = mal_release_checks(order);
	struct mal_chain unpinned;
	bool more = true;

	while (more) {
		more = mal_chain_unpinned(chain, order, &unpinned);
		if (!unpinned.nr)
			continue;
		mal_zone_give_chain(mal_page_section(unpinned.head)->zone,
				    &unpinned, order, seen);
		mal_chain_report(&unpinned, order);
	}
	mal_chain_report(chain, order);
}

/**
 * struct mal_sweep_control - parameters of a sweep
 * @left: number of blocks of a list that are still to be checked
 * @order: skip larger blocks
 * @breaks: break blocks that are pinned
 * @ages: move blocks that are pinned to the next list, and break those on the
 *	last
 */
struct mal_sweep_control {
	unsigned long left;
	unsigned int order;
	bool breaks;
	bool ages;
};

/* Must the sweep release the block, as a whole or in parts? */
static bool mal_pinned_is_due(const struct mal_sweep_control *sc,
			      struct mal_page *desc, unsigned int level)
{
	bool breaks = sc->breaks || (sc->ages && level == MAL_PINNED_LAST);

	return desc->order <= sc->order &&
	       ((breaks && desc->order) || !mal_first_is_pinned(desc));
}

/* Check a batch, and take the first block to be released. */
static struct mal_page *mal_pinned_take(struct mal_pinned *pinned,
					unsigned int level,
					struct mal_sweep_control *sc)
	__must_hold(&pinned->lock)
{
	unsigned int to = sc->ages ? min(level + 1, MAL_PINNED_LAST) : level;
	struct mal_page *desc;
	unsigned int i;

	for (i = 0; i < MAL_SWEEP_BATCH && sc->left; i++) {
		desc = mal_pinned_first(pinned, level);
		if (!desc) {
			sc->left = 0;
			return NULL;
		}
		sc->left--;
		if (mal_pinned_is_due(sc, desc, level)) {
			mal_pinned_remove(pinned, desc, level);
			return desc;
		}
		mal_pinned_move(pinned, desc, level, to);
	}
	return NULL;
}

/* Check a batch, and release one block. Returns the number of pages freed. */
static unsigned long mal_pinned_release(struct mal_pinned *pinned,
					unsigned int level,
					struct mal_sweep_control *sc)
{
	unsigned long flags, freed;
	struct mal_page *desc;
	unsigned int order;
	u32 account;

	spin_lock_irqsave(&pinned->lock, flags);
	desc = mal_pinned_take(pinned, level, sc);
	spin_unlock_irqrestore(&pinned->lock, flags);
	if (!desc)
		return 0;
	mal_delay(MAL_DELAY_PAGES_PINNED);
	order = desc->order;
	account = mal_pinned_unmark(desc);
	freed = mal_release_seen(desc, order, 0, account);
	/* Pages that wait again have been charged again. */
	mal_pinned_account_add(account, -(1L << order));
	return freed;
}

/* Check some blocks of a CPU. Returns the number of pages freed. */
static unsigned long mal_pinned_release_any(struct mal_pinned *pinned,
					    unsigned int from,
					    struct mal_sweep_control *sc,
					    unsigned long *left)
{
	unsigned long freed = 0, nr;
	unsigned int i, level;

	for (i = 0; i < MAL_PINNED_LEVELS && *left && !freed; i++) {
		level = (from + i) % MAL_PINNED_LEVELS;
		nr = min(READ_ONCE(pinned->nr[level]), *left);
		sc->left = nr;
		freed = mal_pinned_release(pinned, level, sc);
		*left -= nr - sc->left;
	}
	return freed;
}

/**
 * mal_pinned_sweep_one() - free one block that is no longer pinned
 * @breaks: break a pinned block if it is found first
 *
 * Checks at most MAL_SWEEP_BATCH blocks; a later sweep begins elsewhere.
 *
 * Context: any but NMI.
 * Return: true if pages were freed.
 */
bool mal_pinned_sweep_one(bool breaks)
{
	static unsigned int rounds;
	unsigned int round = READ_ONCE(rounds);
	struct mal_sweep_control sc = {
		.order = irqs_disabled() ? MAL_RELEASE_ORDER : MAL_MAX_ORDER,
		.breaks = breaks,
	};
	unsigned long left = MAL_SWEEP_BATCH;
	int cpu;

	if (!mal_pinned_pages())
		return false;
	WRITE_ONCE(rounds, round + 1);
	for_each_cpu_wrap(cpu, cpu_possible_mask, round % nr_cpu_ids) {
		if (mal_pinned_release_any(per_cpu_ptr(&mal_pinned, cpu),
					   round / nr_cpu_ids, &sc, &left))
			return true;
		if (!left)
			break;
	}
	return false;
}

/*
 * Check all blocks that are on a list now. Returns the number of pages freed.
 */
static unsigned long mal_pinned_sweep_list(struct mal_pinned *pinned,
					   unsigned int level,
					   struct mal_sweep_control *sc)
{
	unsigned long freed = 0;

	sc->left = READ_ONCE(pinned->nr[level]);
	while (sc->left) {
		freed += mal_pinned_release(pinned, level, sc);
		cond_resched();
	}
	return freed;
}

/*
 * Sweep several lists of a CPU, the highest first, so that a block that moves
 * to a higher list is checked once.
 */
static unsigned long mal_pinned_sweep_levels(struct mal_pinned *pinned,
					     unsigned long levels,
					     struct mal_sweep_control *sc)
{
	unsigned long freed = 0;
	unsigned int level;

	for (level = MAL_PINNED_LEVELS; level--; )
		if (levels & BIT(level))
			freed += mal_pinned_sweep_list(pinned, level, sc);
	return freed;
}

/**
 * mal_pinned_sweep_all() - free every page that is no longer pinned
 *
 * Checks at most as many blocks of a list as are on it when the sweep reaches
 * the list, even if other CPUs keep adding blocks. Breaks those that are
 * pinned.
 *
 * Context: task; sleeps.
 * Return: the number of pages freed.
 */
unsigned long mal_pinned_sweep_all(void)
{
	struct mal_sweep_control sc = {
		.order = MAL_MAX_ORDER,
		.breaks = true,
	};
	unsigned long freed = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		freed += mal_pinned_sweep_levels(per_cpu_ptr(&mal_pinned, cpu),
						 GENMASK(MAL_PINNED_LAST, 0),
						 &sc);
	return freed;
}
MAL_EXPORT_FOR_KUNIT(mal_pinned_sweep_all);

/*
 * The worker
 */

/* When each list is due for a check, in jiffies. */
static unsigned long mal_sweep_due[MAL_PINNED_LEVELS];

/* Returns the lists that are due, and sets when they are due again. */
static unsigned long mal_sweep_levels(void)
{
	unsigned long now = jiffies, levels = 0;
	unsigned int level;

	for (level = 0; level < MAL_PINNED_LEVELS; level++) {
		unsigned long interval = 1UL << level;

		/* A list that is not due within its interval is overdue. */
		if (mal_sweep_due[level] - now - 1 < interval)
			continue;
		mal_sweep_due[level] = now + interval;
		levels |= BIT(level);
	}
	return levels;
}

static unsigned long mal_pinned_used_levels(const struct mal_pinned *pinned)
{
	unsigned long levels = 0;
	unsigned int level;

	for (level = 0; level < MAL_PINNED_LEVELS; level++)
		if (READ_ONCE(pinned->nr[level]))
			levels |= BIT(level);
	return levels;
}

/* Schedule the worker for the time when the first of these lists is due. */
static void mal_sweep_later(unsigned long levels)
{
	unsigned long now = jiffies;
	long delay = HZ;
	unsigned int level;

	for_each_set_bit(level, &levels, MAL_PINNED_LEVELS)
		delay = min(delay, (long)(mal_sweep_due[level] - now));
	delay = max(delay, 1L);
	WRITE_ONCE(mal_sweep_next, now + delay);
	queue_delayed_work(system_dfl_wq, &mal_sweep, delay);
}

static void mal_sweep_work(struct work_struct *work)
{
	struct mal_sweep_control sc = { .order = MAL_MAX_ORDER, .ages = true };
	unsigned long levels = mal_sweep_levels(), used = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct mal_pinned *pinned = per_cpu_ptr(&mal_pinned, cpu);

		if (!READ_ONCE(pinned->pages))
			continue;
		mal_pinned_sweep_levels(pinned, levels, &sc);
		used |= mal_pinned_used_levels(pinned);
	}
	if (used)
		mal_sweep_later(used);
}

/**
 * mal_pinned_settle() - sweep, with the worker stopped
 *
 * The worker moves blocks to lists that a sweep has passed already. Without it,
 * and if no other CPU frees, each page that waits afterwards is pinned.
 *
 * Context: task; sleeps.
 */
void mal_pinned_settle(void)
{
	cancel_delayed_work_sync(&mal_sweep);
	mal_pinned_sweep_all();
	if (mal_pinned_pages())
		mal_sweep_soon();
}

/**
 * mal_pinned_pages() - get the number of pages in waiting blocks
 *
 * Context: any.
 * Return: the number of pages.
 */
unsigned long mal_pinned_pages(void)
{
	unsigned long pages = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		pages += READ_ONCE(per_cpu_ptr(&mal_pinned, cpu)->pages);
	return pages;
}

/**
 * mal_pinned_charged_pages() - get the number of pages charged to all accounts
 *
 * A page that a sweep is checking is included.
 *
 * Context: any.
 * Return: the number of pages.
 */
unsigned long mal_pinned_charged_pages(void)
{
	return atomic_long_read(&mal_pinned_charged);
}

/**
 * mal_pinned_init() - set up the lists
 *
 * Context: task, before anything is freed.
 */
void mal_pinned_init(void)
{
	unsigned int level;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct mal_pinned *pinned = per_cpu_ptr(&mal_pinned, cpu);

		spin_lock_init(&pinned->lock);
		for (level = 0; level < MAL_PINNED_LEVELS; level++)
			INIT_LIST_HEAD(&pinned->blocks[level]);
	}
}

/**
 * mal_pinned_exit() - stop sweeping
 *
 * Context: task; sleeps. No task frees any more.
 */
void mal_pinned_exit(void)
{
	cancel_delayed_work_sync(&mal_sweep);
}
