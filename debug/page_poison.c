// SPDX-License-Identifier: GPL-2.0
/*
 * Poison: what free pages are written over with
 *
 * With the host's option init_on_free, a page is cleared when it becomes free.
 *
 * A debug mode, chosen at load: with page_poison=1 each page is filled with a
 * pattern when it becomes free, and the pattern is looked at when it is
 * allocated. Who wrote to it in between used what was no longer theirs. The
 * block is reported and kept out of circulation, as whoever wrote to it may do
 * so again.
 *
 * Every page in a zone has the pattern in this mode, or else the zeroes: they
 * are written when a page is on its way into a zone, and freeing does not use the
 * per-CPU lists. The pattern is written when a page is borrowed, too; that the page
 * is zero then the host has seen to. A page in quarantine is still somebody's, and
 * is written over afterwards.
 *
 * The kernel's address sanitizer must not mind: these are no accesses of an owner's.
 *
 * Context: any but NMI. No lock.
 */
#include <linux/highmem.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/region.h"
#include "internal/report.h"

#define MAL_POISON_BYTE	0xaa

DEFINE_STATIC_KEY_FALSE(mal_page_poison_key);

static bool mal_page_poison_param;
module_param_named(page_poison, mal_page_poison_param, bool, 0444);
MODULE_PARM_DESC(page_poison, "Fill free pages with a pattern, and report who wrote to them (default: N)");

/**
 * mal_page_overwrite() - fill a free block with the pattern, or with zeroes
 * @desc: its first page
 * @order: its order
 *
 * Context: any but NMI.
 */
void mal_page_overwrite(struct mal_page *desc, unsigned int order)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));
	int byte = mal_page_poison_on() ? MAL_POISON_BYTE : 0;
	unsigned int i;

	kasan_disable_current();
	for (i = 0; i < 1U << order; i++)
		memset_page(page + i, 0, byte, PAGE_SIZE);
	kasan_enable_current();
}

/* The offset of the first byte that is not as it was, or -1. */
static long mal_poison_broken(struct page *page)
{
	void *addr = kmap_local_page(page);
	void *wrong;

	kasan_disable_current();
	wrong = memchr_inv(addr, MAL_POISON_BYTE, PAGE_SIZE);
	kasan_enable_current();
	kunmap_local(addr);
	return wrong ? wrong - addr : -1;
}

/**
 * mal_page_poison_intact() - has nobody written to a free block?
 * @desc: its first page, in state PCP and on no list
 * @order: its order
 *
 * Context: any but NMI.
 * Return: true if so; false if it was written to: it has been reported, and is
 * not to be used.
 */
bool mal_page_poison_intact(struct mal_page *desc, unsigned int order)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));
	unsigned int i;
	long offset;

	for (i = 0; i < 1U << order; i++) {
		offset = mal_poison_broken(page + i);
		if (likely(offset < 0))
			continue;
		mal_report(MAL_REPORT_USE_AFTER_FREE, 0,
			   "page %u of a free block of order %u was written to at byte %ld",
			   i, order, offset);
		WRITE_ONCE(desc->state, MAL_PAGE_LEAKED);
		return false;
	}
	return true;
}

/**
 * mal_page_poison_init() - switch the mode on if it was asked for
 *
 * Context: task, at load, before anything is borrowed.
 */
void mal_page_poison_init(void)
{
	if (mal_page_poison_param)
		static_branch_enable(&mal_page_poison_key);
}

/**
 * mal_page_poison_wanted() - was the mode asked for?
 *
 * Context: any.
 * Return: true if so.
 */
bool mal_page_poison_wanted(void)
{
	return mal_page_poison_param;
}
MAL_EXPORT_FOR_KUNIT(mal_page_poison_wanted);
