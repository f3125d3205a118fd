// SPDX-License-Identifier: GPL-2.0
/*
 * Frees by the host: memory of ours that the host's kfree() gets
 *
 * Code that was not built for memalloc may free what a driver allocated here: a
 * callback, a destructor, a function of a subsystem. The host cannot free the
 * memory, see region.c: to its kfree(), it is in no slab. Older kernels drop a
 * reference to the page, later ones leave it alone. Both warn once. The memory
 * then stays allocated, and the driver is told at unload. This file reports
 * each such free when it happens, with the site of the allocation.
 *
 * The host's kfree(), kvfree(), kfree_rcu() and kfree_bulk() call
 * free_large_kmalloc() for memory that is in none of its slabs. A kprobe at the
 * beginning of that function examines the address. The host rarely calls it,
 * for memory of more than two pages only, and no other path of the host has a
 * probe. There are no reports if the host has no kprobes, or if its compiler
 * has inlined or split the function.
 *
 * put_page() by the host has no such place: it only decrements a count. The
 * owner of the page is told when it frees the page, or by a validation.
 *
 * Locking: none. The section table and the slab are read under RCU. The host's
 * caller owns the memory, unless it frees it twice. Nothing is written.
 *
 * Context: any but NMI, as for the host's kfree(); preemption is disabled.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>

#include "internal/host_kfree.h"
#include "internal/peek.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_track.h"

/* Index of the address in the arguments of free_large_kmalloc(). */
#define MAL_HOST_KFREE_OBJECT	1

/* The host prints which of its callers it was. */
static bool mal_host_kfree_report(const char *what, const char *name,
				  unsigned long caller)
{
	char site[MAL_SITE_NAME];

	return mal_report(MAL_REPORT_WRONG_FREE, 0,
			  "the host's kfree() got %s%s, allocated by %s", what, name,
			  caller ? mal_site_name(caller, site) :
			  "an unknown caller (slab_debug=U records it)");
}

static bool mal_host_kfree_object(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);
	unsigned long caller = 0;

	if (index < slab->nr && slab->flags & MAL_CACHE_STORE_USER)
		caller = mal_peek(slab->tracks[index].alloc.caller);
	return mal_host_kfree_report("an object of cache ", slab->cache->name, caller);
}

static bool mal_host_kfree_pages(const struct mal_page *desc)
{
	unsigned long caller = mal_peek(desc->caller);

	if (!mal_page_has_caller(desc))
		return mal_host_kfree_report("a page that is no allocation", "", 0);
	return mal_host_kfree_report("pages", "", caller);
}

static void mal_host_kfree_check(const void *object)
{
	const struct mal_page *desc;
	struct mal_slab *slab;
	bool logged;

	rcu_read_lock();
	desc = mal_page_of_address(object);
	if (!desc || mal_peek(desc->state) == MAL_PAGE_FOREIGN) {
		rcu_read_unlock();
		return;
	}
	slab = mal_slab_of(object);
	logged = slab ? mal_host_kfree_object(slab, object) :
			mal_host_kfree_pages(desc);
	rcu_read_unlock();
	if (logged)
		dump_stack();
}

static int mal_host_kfree_enter(struct kprobe *probe, struct pt_regs *regs)
{
	mal_host_kfree_check((void *)regs_get_kernel_argument(regs,
							      MAL_HOST_KFREE_OBJECT));
	return 0;
}

static struct kprobe mal_host_kfree_probe = {
	.symbol_name = "free_large_kmalloc",
	.pre_handler = mal_host_kfree_enter,
};

static bool mal_host_kfree_is_watched;

/**
 * mal_host_kfree_init() - begin to watch the host
 *
 * Context: task; sleeps.
 */
void mal_host_kfree_init(void)
{
	int err = register_kprobe(&mal_host_kfree_probe);

	mal_host_kfree_is_watched = !err;
	if (err)
		pr_debug("no probe of the host's kfree(): error %d\n", err);
}

/**
 * mal_host_kfree_exit() - undo mal_host_kfree_init()
 *
 * Context: task; sleeps, until no CPU is in the probe.
 */
void mal_host_kfree_exit(void)
{
	if (mal_host_kfree_is_watched)
		unregister_kprobe(&mal_host_kfree_probe);
}
