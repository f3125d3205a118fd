// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks: who has what that should have come back
 *
 * Pages are attributed to the code that allocated them (mal_page.caller). When a
 * module is unloaded, what it has allocated and not freed is reported while
 * its symbols still have names: a line for each place that allocated, with
 * the number of blocks. They stay allocated, as with the host's allocator. For what
 * the init function of a module has allocated, see site.c.
 *
 * At our own unload all other modules that used us are gone. What is allocated
 * still is leaked for good, and reported once more. What is out of circulation
 * otherwise is handed over to the host: pages in quarantine are the host's as
 * soon as their last holder lets go.
 *
 * Locking: none. Descriptors are read as they are; a module that is just going
 * allocates no more.
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

/* So many places are told apart in one report. */
#define MAL_LEAK_PLACES	32

/**
 * struct mal_leak - a report in the making
 * @module: whose leaks; NULL: anybody's
 * @forget: who is found, is forgotten, as they have no name later
 * @places: what was found, by who allocated it
 * @nr: entries in @places
 * @others: blocks of those who did not fit in
 */
struct mal_leak {
	const struct module *module;
	bool forget;
	struct {
		unsigned long caller;
		unsigned long blocks;
		unsigned long pages;
	} places[MAL_LEAK_PLACES];
	unsigned int nr;
	unsigned long others;
};

static void mal_leak_add(struct mal_leak *leak, unsigned long caller,
			 unsigned int order)
{
	unsigned int i;

	for (i = 0; i < leak->nr && leak->places[i].caller != caller; i++)
		;
	if (i == MAL_LEAK_PLACES) {
		leak->others++;
		return;
	}
	if (i == leak->nr) {
		leak->nr++;
		leak->places[i].caller = caller;
	}
	leak->places[i].blocks++;
	leak->places[i].pages += 1UL << order;
}

static bool mal_leak_concerns(const struct mal_leak *leak,
			      const struct mal_page *desc)
{
	if (desc->state != MAL_PAGE_USED && desc->state != MAL_PAGE_LARGE)
		return false;
	return !leak->module || mal_site_is_in(desc->caller, leak->module);
}

/* Call @visit for each descriptor there is, under rcu_read_lock(). */
static void mal_leak_for_each(void (*visit)(struct mal_page *desc, void *data),
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

static void mal_leak_look(struct mal_page *desc, void *data)
{
	struct mal_leak *leak = data;

	if (!mal_leak_concerns(leak, desc))
		return;
	mal_leak_add(leak, desc->caller, desc->order);
	if (leak->forget)
		desc->caller = 0;
}

static void mal_leak_find(struct mal_leak *leak)
{
	mal_leak_for_each(mal_leak_look, leak);
}

/* Others allocate and free meanwhile. */
static void mal_leak_keep_site(struct mal_page *desc, void *module)
{
	unsigned long caller = READ_ONCE(desc->caller);
	unsigned long kept;

	if (desc->state != MAL_PAGE_USED && desc->state != MAL_PAGE_LARGE)
		return;
	kept = mal_site_keep(caller, module);
	if (kept != caller)
		cmpxchg(&desc->caller, caller, kept);
}

static void mal_leak_print(const struct mal_leak *leak)
{
	char name[MAL_SITE_NAME];
	unsigned int i;

	for (i = 0; i < leak->nr; i++) {
		if (leak->places[i].caller)
			pr_err("leak: %lu pages in %lu blocks, allocated by %s\n",
			       leak->places[i].pages, leak->places[i].blocks,
			       mal_site_name(leak->places[i].caller, name));
		else
			pr_err("leak: %lu pages in %lu blocks, of modules that are gone\n",
			       leak->places[i].pages, leak->places[i].blocks);
	}
	if (leak->others)
		pr_err("leak: %lu blocks more, allocated by others\n", leak->others);
}

/**
 * mal_leak_show() - print who has pages, for the section "leaks"
 * @m: /proc/memalloc
 *
 * Of pages nobody notes when they were allocated.
 *
 * Context: task.
 */
void mal_leak_show(struct seq_file *m)
{
	struct mal_leak leak = { };
	char name[MAL_SITE_NAME];
	unsigned int i;

	mal_leak_find(&leak);
	for (i = 0; i < leak.nr; i++)
		seq_printf(m, "%-17s %8lu %10lu %8s %s\n", "(pages)",
			   leak.places[i].blocks,
			   leak.places[i].pages << PAGE_SHIFT, "-",
			   mal_site_name(leak.places[i].caller, name));
	if (leak.others)
		seq_printf(m, "%-17s %8lu %10u %8s (others)\n", "(pages)",
			   leak.others, 0, "-");
}

static int mal_leak_notify(struct notifier_block *block, unsigned long event,
			   void *data)
{
	struct mal_leak leak = { .module = data, .forget = true };

	if (event == MODULE_STATE_LIVE)
		mal_leak_for_each(mal_leak_keep_site, data);
	if (event != MODULE_STATE_GOING || data == THIS_MODULE)
		return NOTIFY_OK;
	mal_leak_find(&leak);
	mal_leak_print(&leak);
	return NOTIFY_OK;
}

static struct notifier_block mal_leak_notifier = {
	.notifier_call = mal_leak_notify,
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

		if (desc->state == MAL_PAGE_QUARANTINED ||
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
 * mal_leak_report_all() - at unload: tell what is allocated still
 *
 * Hands over to the host what is neither allocated nor free.
 *
 * Context: task; sleeps. Everything that is free has been given back, and
 * nobody allocates or frees any more.
 */
void mal_leak_report_all(void)
{
	struct mal_leak leak = { .forget = true };

	mal_hand_over_all();
	mal_leak_find(&leak);
	mal_leak_print(&leak);
}

/**
 * mal_leak_init() - watch modules go
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_leak_init(void)
{
	return register_module_notifier(&mal_leak_notifier);
}

/**
 * mal_leak_exit() - the mirror of mal_leak_init()
 *
 * Context: task; sleeps.
 */
void mal_leak_exit(void)
{
	unregister_module_notifier(&mal_leak_notifier);
}
