// SPDX-License-Identifier: GPL-2.0
/*
 * Sites: the places in the code that have something of ours, and their names
 *
 * A site is a code address: of who allocated, of who made a cache or a pool. What
 * a module's init function has allocated lives longer than that function: the
 * memory of its code is freed as soon as it has returned, and the address has
 * no name any more, nor is it known to be the module's.
 *
 * So when a module has become live, each layer looks through what it has for sites
 * in the part that is about to go, and has their names kept here. In the place of
 * the code address then is that of the record: no code is there, so the two cannot
 * be mistaken for each other. There are as many records as the init functions of
 * loaded modules have such places: few.
 *
 * Records go when their module does, after the layers have reported what it has
 * left behind, and have forgotten the site: this file's notifier comes last. A
 * site that nobody knows by then has no name; it is never shown as a number.
 *
 * Locking: mal_site_lock protects the list, and nothing is taken under it; who only
 * looks needs RCU.
 *
 * Context: any but NMI, unless said otherwise.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal/site.h"

/**
 * struct mal_site - a place in the code of a module that has gone
 * @link: in the list of all
 * @rcu: on the way out
 * @module: whose
 * @address: where it was
 * @name: what it was called
 */
struct mal_site {
	struct list_head link;
	struct rcu_head rcu;
	const struct module *module;
	unsigned long address;
	char name[MAL_SITE_NAME];
};

static DEFINE_SPINLOCK(mal_site_lock);
static LIST_HEAD(mal_sites);

/* The record that stands for a site; under RCU or the lock. */
static const struct mal_site *mal_site_find(unsigned long site)
{
	const struct mal_site *record;

	list_for_each_entry_rcu(record, &mal_sites, link,
				lockdep_is_held(&mal_site_lock))
		if ((unsigned long)record == site)
			return record;
	return NULL;
}

static struct mal_site *mal_site_record(unsigned long address,
					const struct module *module)
{
	struct mal_site *record;

	list_for_each_entry(record, &mal_sites, link)
		if (record->address == address && record->module == module)
			return record;
	record = kzalloc(sizeof(*record), GFP_ATOMIC);
	if (!record)
		return NULL;
	record->module = module;
	record->address = address;
	mal_site_name(address, record->name);
	list_add_rcu(&record->link, &mal_sites);
	return record;
}

/**
 * mal_site_keep() - what to write for a site when a module has become live
 * @site: the site
 * @module: the module, whose init function's code is there still
 *
 * Return: a site that can be told as long as the module is there: @site itself,
 * unless it is in that code. Zero, if there is no memory to keep its name.
 */
unsigned long mal_site_keep(unsigned long site, const struct module *module)
{
	struct mal_site *record;
	unsigned long flags;

	if (!within_module_init(site, module))
		return site;
	spin_lock_irqsave(&mal_site_lock, flags);
	record = mal_site_record(site, module);
	spin_unlock_irqrestore(&mal_site_lock, flags);
	return (unsigned long)record;
}

/**
 * mal_site_is_in() - is this a place in the code of a module?
 * @site: the site
 * @module: the module
 *
 * Return: true if so.
 */
bool mal_site_is_in(unsigned long site, const struct module *module)
{
	const struct mal_site *record;
	bool is_in;

	if (within_module(site, module))
		return true;
	rcu_read_lock();
	record = mal_site_find(site);
	is_in = record && record->module == module;
	rcu_read_unlock();
	return is_in;
}

/**
 * mal_site_name() - what a place in the code is called
 * @site: the site
 * @name: set
 *
 * Return: @name: "function+0x12/0x40 [module]", or "(gone)" if there is nothing at
 * that address any more.
 */
const char *mal_site_name(unsigned long site, char name[MAL_SITE_NAME])
{
	const struct mal_site *record;

	rcu_read_lock();
	record = mal_site_find(site);
	if (record)
		strscpy(name, record->name, MAL_SITE_NAME);
	rcu_read_unlock();
	if (record)
		return name;
	snprintf(name, MAL_SITE_NAME, "%pS", (void *)site);
	/* The host shows the number of what has no name. */
	if (!site || !strncmp(name, "0x", 2))
		strscpy(name, "(gone)", MAL_SITE_NAME);
	return name;
}

/* Of a module, or of all. */
static void mal_site_forget(const struct module *module)
{
	struct mal_site *record, *next;
	unsigned long flags;

	spin_lock_irqsave(&mal_site_lock, flags);
	list_for_each_entry_safe(record, next, &mal_sites, link) {
		if (module && record->module != module)
			continue;
		list_del_rcu(&record->link);
		kfree_rcu(record, rcu);
	}
	spin_unlock_irqrestore(&mal_site_lock, flags);
}

static int mal_site_notify(struct notifier_block *block, unsigned long event,
			   void *module)
{
	if (event == MODULE_STATE_GOING)
		mal_site_forget(module);
	return NOTIFY_OK;
}

static struct notifier_block mal_site_notifier = {
	.notifier_call = mal_site_notify,
	.priority = INT_MIN,
};

/**
 * mal_site_init() - watch modules go
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_site_init(void)
{
	return register_module_notifier(&mal_site_notifier);
}

/**
 * mal_site_exit() - the mirror of mal_site_init()
 *
 * Context: task; sleeps. Nobody asks for a name any more.
 */
void mal_site_exit(void)
{
	unregister_module_notifier(&mal_site_notifier);
	mal_site_forget(NULL);
}
