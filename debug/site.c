// SPDX-License-Identifier: GPL-2.0
/*
 * Sites: code addresses that memory is attributed to, and their names
 *
 * A site is a code address: of the caller that allocated memory, or of the code
 * that created a cache or a pool. Memory that a module's init function
 * allocated outlives that function. The memory of the init code is freed as
 * soon as the function has returned. The address then has no name any more, and
 * cannot be attributed to the module.
 *
 * So when a module has become live, each layer searches its records for sites
 * in the init code, and has their names kept here. The address of the record
 * then replaces the code address. No code is at that address, so the two cannot
 * be confused. The number of records is limited by the number of such places in
 * the init functions of loaded modules, which is small.
 *
 * The records of a module are freed when it is unloaded, after the layers have
 * reported what it left behind, and have forgotten the site: this file's
 * notifier runs last. A site without a record by then has no name; it is never
 * shown as a number.
 *
 * Memory that a program has through the device is attributed to the open file.
 * The site of a file has the name of the task that opened it, as in
 * "memallocctl[412]", even if another task uses the file later. A program
 * chooses its name: only letters, digits and a few punctuation characters are
 * kept, so that no name looks like a function. The records of files are in a
 * table of their own, and are freed when the file is closed.
 *
 * The site of a file is a number, not the address of its record. A block that
 * failed a check is not taken back and outlives the file, and the host may
 * reuse the address of the record for the next one. A number is used once (on
 * 32 bits: once in 2^28 opens). Such a block is shown as "(gone)", and not
 * attributed to another program.
 *
 * Locking: mal_site_lock protects the list and the table. No other lock is
 * taken under it. Readers need RCU only.
 *
 * Context: any but NMI, unless a function says otherwise.
 */
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal/kunit.h"
#include "internal/site.h"

/**
 * struct mal_site - record of a site in the init code of a module
 * @link: entry in the list of all records
 * @rcu: frees the record after a grace period
 * @module: the module
 * @address: the code address
 * @name: its name
 */
struct mal_site {
	struct list_head link;
	struct rcu_head rcu;
	const struct module *module;
	unsigned long address;
	char name[MAL_SITE_NAME];
};

/*
 * The lowest number that stands for a task, and the size of the range. Hosts
 * have neither code nor records at such addresses.
 */
#define MAL_SITE_TASK		(1UL << (BITS_PER_LONG - 3))
#define MAL_SITE_TASKS		(MAL_SITE_TASK / 2)

/**
 * struct mal_site_task - a task that has opened the device
 * @link: entry in the table, by @site
 * @rcu: frees the record after a grace period
 * @site: the number that stands for the task
 * @name: name of the task
 */
struct mal_site_task {
	struct hlist_node link;
	struct rcu_head rcu;
	unsigned long site;
	char name[TASK_COMM_LEN + 16];
};

static DEFINE_SPINLOCK(mal_site_lock);
static LIST_HEAD(mal_sites);
static DEFINE_HASHTABLE(mal_site_tasks, 8);
static unsigned long mal_site_opens; /* under the lock */

/* Find the record of a site; under RCU or the lock. */
static const struct mal_site *mal_site_find(unsigned long site)
{
	const struct mal_site *record;

	list_for_each_entry_rcu(record, &mal_sites, link,
				lockdep_is_held(&mal_site_lock))
		if ((unsigned long)record == site)
			return record;
	return NULL;
}

/* Find the record of a task's site; under RCU or the lock. */
static struct mal_site_task *mal_site_task_find(unsigned long site)
{
	struct mal_site_task *record;

	hash_for_each_possible_rcu(mal_site_tasks, record, link, site,
				   lockdep_is_held(&mal_site_lock))
		if (record->site == site)
			return record;
	return NULL;
}

/* Set the name of a task, so that it cannot look like a function. */
static void mal_site_task_name(struct mal_site_task *record)
{
	char comm[TASK_COMM_LEN], *c;

	get_task_comm(comm, current);
	for (c = comm; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr("-_.:", *c)))
			*c = '_';
	snprintf(record->name, sizeof(record->name), "%s[%d]", comm,
		 task_tgid_nr(current));
}

/**
 * mal_site_of_task() - create a site that stands for the current task
 *
 * Context: task; sleeps.
 * Return: the site, for mal_site_forget_task(); zero if out of memory.
 */
unsigned long mal_site_of_task(void)
{
	struct mal_site_task *record = kzalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
	unsigned long site, flags;

	if (!record)
		return 0;
	mal_site_task_name(record);
	spin_lock_irqsave(&mal_site_lock, flags);
	site = MAL_SITE_TASK + mal_site_opens++ % MAL_SITE_TASKS;
	record->site = site;
	hash_add_rcu(mal_site_tasks, &record->link, site);
	spin_unlock_irqrestore(&mal_site_lock, flags);
	return site;
}
MAL_EXPORT_FOR_KUNIT(mal_site_of_task);

/**
 * mal_site_forget_task() - undo mal_site_of_task()
 * @site: the site, or zero. Memory still attributed to it is shown as "(gone)".
 *
 * Context: any but NMI.
 */
void mal_site_forget_task(unsigned long site)
{
	struct mal_site_task *record;
	unsigned long flags;

	if (!site)
		return;
	spin_lock_irqsave(&mal_site_lock, flags);
	record = mal_site_task_find(site);
	if (!WARN_ON_ONCE(!record))
		hash_del_rcu(&record->link);
	spin_unlock_irqrestore(&mal_site_lock, flags);
	if (record)
		kfree_rcu(record, rcu);
}
MAL_EXPORT_FOR_KUNIT(mal_site_forget_task);

/**
 * mal_site_is_task() - does a site stand for a task that opened the device?
 * @site: the site
 *
 * Context: any.
 * Return: true if so, even if the site has been forgotten.
 */
bool mal_site_is_task(unsigned long site)
{
	return site - MAL_SITE_TASK < MAL_SITE_TASKS;
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
 * mal_site_keep() - get a site that stays valid after a module's init
 * @site: the site
 * @module: the module that has become live, with its init code still present
 *
 * Return: a site that is valid as long as the module is loaded: @site itself,
 * unless it is in the init code. Zero if out of memory.
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
 * mal_site_is_in() - is a site in the code of a module?
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

/*
 * Copy the name in the record of a site to @name. Returns false if it has none.
 */
static bool mal_site_has_record(unsigned long site, char name[MAL_SITE_NAME])
{
	const struct mal_site_task *task;
	const struct mal_site *record;

	rcu_read_lock();
	record = mal_site_find(site);
	task = record ? NULL : mal_site_task_find(site);
	if (record || task)
		strscpy(name, record ? record->name : task->name, MAL_SITE_NAME);
	rcu_read_unlock();
	return record || task;
}

/**
 * mal_site_name() - get the name of a site
 * @site: the site
 * @name: set to the name
 *
 * Return: @name: "function+0x12/0x40 [module]", "program[pid]", or "(gone)" if
 * no code is at that address any more.
 */
const char *mal_site_name(unsigned long site, char name[MAL_SITE_NAME])
{
	if (mal_site_has_record(site, name))
		return name;
	snprintf(name, MAL_SITE_NAME, "%pS", (void *)site);
	/* The host prints a number for an address without a name. */
	if (!site || !strncmp(name, "0x", 2))
		strscpy(name, "(gone)", MAL_SITE_NAME);
	return name;
}
MAL_EXPORT_FOR_KUNIT(mal_site_name);

/* Free the records of a module, or all if it is NULL. */
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
 * mal_site_init() - register for the unloading of modules
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_site_init(void)
{
	return register_module_notifier(&mal_site_notifier);
}

/**
 * mal_site_exit() - undo mal_site_init()
 *
 * Context: task; sleeps. No other code asks for names any more.
 */
void mal_site_exit(void)
{
	unregister_module_notifier(&mal_site_notifier);
	mal_site_forget(NULL);
}
