// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks of pages, by call site
 *
 * Pages are attributed to the code that allocated them (mal_page.caller). When
 * a module is unloaded, blocks that it allocated and did not free are reported
 * while its symbols still exist: a line for each call site, with the number of
 * blocks. Large kmalloc memory counts as one block, regardless of its
 * composition. Leaked blocks stay allocated, as with the host's allocator. See
 * site.c for blocks allocated by the init function of a module.
 *
 * At unload of this module all modules that used it are gone. Blocks that are
 * still allocated are leaked for good, and reported once more. Other blocks
 * that are out of circulation are handed over to the host: the host gets pinned
 * pages when their last reference is dropped. A page that the host has taken
 * already is neither touched nor counted as returned.
 *
 * Locking: none. Descriptors are read without a lock. A module that is being
 * unloaded allocates no more. Another module may free its pages concurrently,
 * so only mal_page_change_caller() changes the attribution.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "internal/leak.h"
#include "internal/region.h"
#include "internal/site.h"

/**
 * struct mal_page_leaks - a report being compiled
 * @module: restrict the report to this module; NULL: no restriction
 * @forget: forget the call sites that are found, as their symbols will be
 *	gone
 * @sites: blocks and pages by call site
 */
struct mal_page_leaks {
	const struct module *module;
	bool forget;
	struct mal_leak_sites sites;
};

/**
 * mal_leak_add() - add memory to a report by call site
 * @sites: the report
 * @caller: the call site
 * @kind: kind of memory; reported apart from other kinds of this site
 * @nr: number of allocations
 * @pages: their pages
 *
 * Context: any.
 */
void mal_leak_add(struct mal_leak_sites *sites, unsigned long caller,
		  unsigned int kind, unsigned long nr, unsigned long pages)
{
	struct mal_leak_site *site;

	for (site = sites->sites; site < sites->sites + sites->nr; site++)
		if (site->caller == caller && site->kind == kind)
			break;
	if (site == sites->sites + MAL_LEAK_SITES) {
		sites->others += nr;
		return;
	}
	if (site == sites->sites + sites->nr) {
		sites->nr++;
		*site = (struct mal_leak_site) { .caller = caller, .kind = kind };
	}
	site->allocations += nr;
	site->pages += pages;
}

static bool mal_page_leak_concerns(const struct mal_page_leaks *leak,
				   const struct mal_page *desc, unsigned long caller)
{
	return mal_page_has_caller(desc) &&
	       (!leak->module || mal_site_is_in(caller, leak->module));
}

/* Call @visit for each descriptor, under rcu_read_lock(). */
static void mal_page_leak_for_each(void (*visit)(struct mal_page *desc, void *data),
				   void *data)
{
	unsigned long nr;
	unsigned int i;

	for (nr = 0; nr < mal_section_table.nr; nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		for (i = 0; section && i < MAL_SECTION_PAGES; i++)
			visit(&section->pages[i], data);
		rcu_read_unlock();
		cond_resched();
	}
}

static void mal_page_leak_collect(struct mal_page *desc, void *data)
{
	unsigned long caller = mal_peek(desc->caller);
	struct mal_page page = mal_page_peek(desc);
	struct mal_page_leaks *leak = data;
	bool first;

	if (!mal_page_leak_concerns(leak, &page, caller))
		return;
	/*
	 * Large kmalloc memory is a row of blocks that counts once; the first
	 * has the size.
	 */
	first = page.state != MAL_PAGE_LARGE || mal_peek(desc->private);
	mal_leak_add(&leak->sites, caller, 0, first, 1UL << page.order);
	if (leak->forget)
		mal_page_change_caller(desc, caller, 0);
}

static void mal_page_leak_find(struct mal_page_leaks *leak)
{
	mal_page_leak_for_each(mal_page_leak_collect, leak);
}

/* Pages may be allocated and freed concurrently. */
static void mal_page_leak_keep_site(struct mal_page *desc, void *module)
{
	unsigned long caller = mal_peek(desc->caller);
	unsigned long kept;

	if (!mal_page_has_caller(desc))
		return;
	kept = mal_site_keep(caller, module);
	if (kept != caller)
		mal_page_change_caller(desc, caller, kept);
}

static void mal_page_leak_print(const struct mal_leak_sites *sites)
{
	const struct mal_leak_site *site;
	char name[MAL_SITE_NAME];

	for (site = sites->sites; site < sites->sites + sites->nr; site++) {
		if (site->caller)
			pr_err("leak: %lu pages in %lu blocks, allocated by %s\n",
			       site->pages, site->allocations,
			       mal_site_name(site->caller, name));
		else
			pr_err("leak: %lu pages in %lu blocks, owned by unloaded modules\n",
			       site->pages, site->allocations);
	}
	if (sites->others)
		pr_err("leak: %lu more blocks, allocated by others\n", sites->others);
}

/**
 * mal_page_leak_show() - print the call sites of pages, for the section "leaks"
 * @m: /proc/memalloc
 *
 * The time of allocation is not recorded for pages.
 *
 * Context: task.
 */
void mal_page_leak_show(struct seq_file *m)
{
	struct mal_page_leaks leak = { };
	const struct mal_leak_site *site;
	char name[MAL_SITE_NAME];

	mal_page_leak_find(&leak);
	for (site = leak.sites.sites; site < leak.sites.sites + leak.sites.nr; site++)
		seq_printf(m, "%-17s %8lu %10lu %8s %s\n", "(pages)",
			   site->allocations, site->pages << PAGE_SHIFT, "-",
			   mal_site_name(site->caller, name));
	if (leak.sites.others)
		seq_printf(m, "%-17s %8lu %10u %8s (others)\n", "(pages)",
			   leak.sites.others, 0, "-");
}

static int mal_page_leak_notify(struct notifier_block *block, unsigned long event,
				void *data)
{
	struct mal_page_leaks leak = { .module = data, .forget = true };

	if (event == MODULE_STATE_LIVE)
		mal_page_leak_for_each(mal_page_leak_keep_site, data);
	if (event != MODULE_STATE_GOING || data == THIS_MODULE)
		return NOTIFY_OK;
	mal_page_leak_find(&leak);
	mal_page_leak_print(&leak.sites);
	return NOTIFY_OK;
}

static struct notifier_block mal_page_leak_notifier = {
	.notifier_call = mal_page_leak_notify,
};

static void mal_hand_over(struct mal_page *desc)
{
	unsigned int order = desc->order;
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		desc[i].state = MAL_PAGE_FOREIGN;
	mal_region_return(pfn_to_page(mal_page_pfn(desc)), order);
}

static void mal_hand_over_section(struct mal_section *section)
{
	unsigned int i;

	for (i = 0; i < MAL_SECTION_PAGES; i++) {
		struct mal_page *desc = &section->pages[i];

		if (desc->state == MAL_PAGE_PINNED ||
		    desc->state == MAL_PAGE_LEAKED ||
		    desc->state == MAL_PAGE_PCP)
			mal_hand_over(desc);
	}
}

static void mal_hand_over_all(void)
{
	unsigned long nr;

	for (nr = 0; nr < mal_section_table.nr; nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		if (section)
			mal_hand_over_section(section);
		rcu_read_unlock();
		cond_resched();
	}
}

/**
 * mal_page_leak_report_all() - at unload, report blocks still allocated
 *
 * Hands over to the host blocks that are neither allocated nor free.
 *
 * Context: task; sleeps. All free memory has been returned, and no allocation
 * or free is in progress.
 */
void mal_page_leak_report_all(void)
{
	struct mal_page_leaks leak = { .forget = true };

	mal_hand_over_all();
	mal_page_leak_find(&leak);
	mal_page_leak_print(&leak.sites);
}

/**
 * mal_page_leak_init() - register for module events
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_page_leak_init(void)
{
	return register_module_notifier(&mal_page_leak_notifier);
}

/**
 * mal_page_leak_exit() - undo mal_page_leak_init()
 *
 * Context: task; sleeps.
 */
void mal_page_leak_exit(void)
{
	unregister_module_notifier(&mal_page_leak_notifier);
}
