// SPDX-License-Identifier: GPL-2.0
/*
 * Poisoning of free pages
 *
 * The host's option init_on_free zeroes a page when it becomes free.
 *
 * The debug mode page_poison=1, chosen at load, fills each page with a pattern
 * when it becomes free, and checks the pattern when the page is allocated. A
 * changed pattern is a use after free. The block is reported and not used any
 * more, because the culprit may write to it again.
 *
 * In these modes all pages in a zone contain the pattern or zeroes. These are
 * written before a page enters a zone, and frees bypass the per-CPU lists. The
 * pattern is also written when a page is borrowed; the host has zeroed it
 * already if the mode is init_on_free. A pinned page is still in use, and is
 * overwritten afterwards.
 *
 * The accesses are hidden from KASAN: they are not accesses by an owner.
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
MODULE_PARM_DESC(page_poison, "Fill free pages with a pattern and report writes to them (default: N)");

/**
 * mal_page_overwrite() - fill a free block with the pattern or with zeroes
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

/* Offset of the first changed byte, or -1. */
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
 * mal_page_poison_intact() - check a free block for writes
 * @desc: its first page, in state PCP and on no list
 * @order: its order
 *
 * Context: any but NMI.
 * Return: true if the block is intact; false if it was written to. It has then
 * been reported and must not be used.
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
 * mal_page_poison_init() - enable the mode if it was requested
 *
 * Context: task, at load, before anything is borrowed.
 */
void mal_page_poison_init(void)
{
	if (mal_page_poison_param)
		static_branch_enable(&mal_page_poison_key);
}

/**
 * mal_page_poison_wanted() - was the mode requested?
 *
 * Context: any.
 * Return: true if it was.
 */
bool mal_page_poison_wanted(void)
{
	return mal_page_poison_param;
}
MAL_EXPORT_FOR_KUNIT(mal_page_poison_wanted);
