// SPDX-License-Identifier: GPL-2.0
/*
 * Host frees: call sites that free memory of the host by our functions
 *
 * A driver that dropin.h has moved may free memory that the host allocated for
 * it. mixed.c passes it on, and counts the free here, by call site. A driver
 * that is meant to allocate everything here shows by these counts where it does
 * not.
 *
 * The table is probed linearly from the hash of the code address. A free at a
 * known site increments its count. The first one at a site takes an unused
 * entry, or the entry of a site in code that is gone. A free is counted as one
 * of "others" if there is no such entry, or if none can be taken at once
 * because the lock is held. The name of a site is stored when its entry is
 * taken, since the site may have none when it is printed.
 *
 * Locking: mal_host_free_lock, a raw lock, for taking, retiring and printing
 * entries. It is only tried in mal_host_free_count(), which any context may
 * call. No lock is taken under it.
 *
 * Context: any, unless a function says otherwise.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal/host_free.h"
#include "internal/site.h"

#define MAL_HOST_FREE_BITS	7
#define MAL_HOST_FREE_SITES	(1 << MAL_HOST_FREE_BITS)

/* Value of mal_host_free_site.caller after its code is gone. */
#define MAL_HOST_FREE_RETIRED	1UL

/**
 * struct mal_host_free_site - a call site
 * @caller: code address; zero if the entry is unused
 * @count: number of frees
 * @name: name of the site
 *
 * All but @count change under the lock.
 */
struct mal_host_free_site {
	unsigned long caller;
	atomic_long_t count;
	char name[MAL_SITE_NAME];
};

static struct mal_host_free_site mal_host_free_sites[MAL_HOST_FREE_SITES];
static atomic_long_t mal_host_free_total, mal_host_free_others;
static DEFINE_RAW_SPINLOCK(mal_host_free_lock);

static struct mal_host_free_site *mal_host_free_probe(unsigned long caller,
						      unsigned int step)
{
	unsigned int first = hash_long(caller, MAL_HOST_FREE_BITS);

	return mal_host_free_sites + (first + step) % MAL_HOST_FREE_SITES;
}

/* Returns NULL if there is no entry for the site. */
static struct mal_host_free_site *mal_host_free_find(unsigned long caller)
{
	struct mal_host_free_site *site;
	unsigned long found;
	unsigned int step;

	for (step = 0; step < MAL_HOST_FREE_SITES; step++) {
		site = mal_host_free_probe(caller, step);
		found = READ_ONCE(site->caller);
		if (found == caller)
			return site;
		if (!found)
			break;
	}
	return NULL;
}

/* Find or take an entry. Returns NULL if there is none. The lock is held. */
static struct mal_host_free_site *mal_host_free_take(unsigned long caller)
{
	struct mal_host_free_site *site = mal_host_free_find(caller);
	unsigned int step;

	for (step = 0; !site && step < MAL_HOST_FREE_SITES; step++) {
		site = mal_host_free_probe(caller, step);
		if (site->caller > MAL_HOST_FREE_RETIRED) {
			site = NULL;
			continue;
		}
		mal_site_name(caller, site->name);
		atomic_long_set(&site->count, 0);
		/* A CPU that finds the site increments the count after that. */
		smp_store_release(&site->caller, caller);
	}
	return site;
}

/**
 * mal_host_free_count() - count a free that is passed on to the host
 * @caller: code address of the caller
 *
 * Context: any.
 */
void mal_host_free_count(unsigned long caller)
{
	struct mal_host_free_site *site;
	unsigned long flags;

	site = mal_host_free_find(caller);
	if (unlikely(!site) && raw_spin_trylock_irqsave(&mal_host_free_lock, flags)) {
		site = mal_host_free_take(caller);
		raw_spin_unlock_irqrestore(&mal_host_free_lock, flags);
	}
	atomic_long_inc(likely(site) ? &site->count : &mal_host_free_others);
	atomic_long_inc(&mal_host_free_total);
}

/**
 * mal_host_free_show() - print the section "host_frees"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_host_free_show(struct seq_file *m)
{
	struct mal_host_free_site copy;
	unsigned int i;

	seq_puts(m, "\n[host_frees]\n");
	seq_printf(m, "%-20s %lu\n", "total", atomic_long_read(&mal_host_free_total));
	seq_puts(m, "#  frees site\n");
	for (i = 0; i < MAL_HOST_FREE_SITES; i++) {
		raw_spin_lock_irq(&mal_host_free_lock);
		copy = mal_host_free_sites[i];
		raw_spin_unlock_irq(&mal_host_free_lock);
		if (copy.caller)
			seq_printf(m, "%8lu %s\n", atomic_long_read(&copy.count),
				   copy.name);
	}
	if (atomic_long_read(&mal_host_free_others))
		seq_printf(m, "%8lu %s\n", atomic_long_read(&mal_host_free_others),
			   "(others)");
}

/*
 * Another module may be loaded to the addresses of a module that goes, or of
 * its init code.
 */
static void mal_host_free_retire(const struct module *module, bool init_only)
{
	struct mal_host_free_site *site;
	unsigned int i;

	for (i = 0; i < MAL_HOST_FREE_SITES; i++) {
		site = mal_host_free_sites + i;
		raw_spin_lock_irq(&mal_host_free_lock);
		if (init_only ? within_module_init(site->caller, module) :
				within_module(site->caller, module))
			WRITE_ONCE(site->caller, MAL_HOST_FREE_RETIRED);
		raw_spin_unlock_irq(&mal_host_free_lock);
	}
}

static int mal_host_free_notify(struct notifier_block *block, unsigned long event,
				void *module)
{
	if (event == MODULE_STATE_LIVE)
		mal_host_free_retire(module, true);
	else if (event == MODULE_STATE_GOING)
		mal_host_free_retire(module, false);
	return NOTIFY_OK;
}

static struct notifier_block mal_host_free_notifier = {
	.notifier_call = mal_host_free_notify,
};

/**
 * mal_host_free_init() - register for module events
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_host_free_init(void)
{
	return register_module_notifier(&mal_host_free_notifier);
}

/**
 * mal_host_free_exit() - undo mal_host_free_init()
 *
 * Context: task; sleeps.
 */
void mal_host_free_exit(void)
{
	unregister_module_notifier(&mal_host_free_notifier);
}
