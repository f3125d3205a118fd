// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc: a second kernel memory manager, in a module
 *
 * Module init and exit: each layer is set up after the layers that it calls,
 * and torn down before them. This file contains no algorithm: start reading at
 * region.c, buddy.c and page_alloc.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <memalloc/version.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/device.h"
#include "internal/host_free.h"
#include "internal/host_kfree.h"
#include "internal/kfree_rcu.h"
#include "internal/kmalloc.h"
#include "internal/leak.h"
#include "internal/mempool.h"
#include "internal/node.h"
#include "internal/page_alloc.h"
#include "internal/page_poison.h"
#include "internal/pcp.h"
#include "internal/percpu.h"
#include "internal/percpu_var.h"
#include "internal/pinned.h"
#include "internal/proc.h"
#include "internal/region.h"
#include "internal/site.h"
#include "internal/slab_cache.h"
#include "internal/vmalloc_area.h"

#define MAL_PAGES_PER_MIB	(1UL << (20 - PAGE_SHIFT))

/* Parameter not given: derive it from the cap. */
#define MAL_BY_CAP		UINT_MAX

/* By default, one part in this many of the cap may be cached areas. */
#define MAL_AREA_CACHE_SHARE	8

static unsigned int cap_mb;
static unsigned int reserve_mb;
static unsigned int area_cache_mb = MAL_BY_CAP;
static bool lean;

/* Limited to the memory of the host. */
static unsigned long mal_pages_of_mb(unsigned int mb)
{
	return min_t(u64, (u64)mb * MAL_PAGES_PER_MIB, totalram_pages());
}

/* Reject sizes that exceed the memory of the host: they are typing errors. */
static int mal_mb_set(const char *val, const struct kernel_param *kp)
{
	unsigned long most = totalram_pages() / MAL_PAGES_PER_MIB;
	unsigned int mb;
	int err;

	err = kstrtouint(val, 0, &mb);
	if (err)
		return err;
	if (mb > most) {
		pr_err("%s: %u MiB exceed the %lu MiB of this machine\n",
		       kp->name, mb, most);
		return -EINVAL;
	}
	*(unsigned int *)kp->arg = mb;
	return 0;
}

static const struct kernel_param_ops mal_mb_ops = {
	.set = mal_mb_set,
	.get = param_get_uint,
};

static int mal_cap_set(const char *val, const struct kernel_param *kp)
{
	int err = mal_mb_set(val, kp);

	if (!err)
		mal_borrow_set_cap(mal_pages_of_mb(cap_mb));
	return err;
}

static const struct kernel_param_ops mal_cap_ops = {
	.set = mal_cap_set,
	.get = param_get_uint,
};

module_param_cb(cap_mb, &mal_cap_ops, &cap_mb, 0644);
MODULE_PARM_DESC(cap_mb, "Maximum memory to borrow from the host, metadata included, in MiB (default: a quarter of RAM)");
module_param_cb(reserve_mb, &mal_mb_ops, &reserve_mb, 0444);
MODULE_PARM_DESC(reserve_mb, "Memory to borrow at load and keep until unload, in MiB; with its metadata it must fit in cap_mb (default: 0)");

static int mal_area_cache_set(const char *val, const struct kernel_param *kp)
{
	int err = mal_mb_set(val, kp);

	if (!err)
		mal_area_cache_set_limit(mal_pages_of_mb(area_cache_mb));
	return err;
}

static const struct kernel_param_ops mal_area_cache_ops = {
	.set = mal_area_cache_set,
	.get = param_get_uint,
};

module_param_cb(area_cache_mb, &mal_area_cache_ops, &area_cache_mb, 0644);
MODULE_PARM_DESC(area_cache_mb, "Maximum memory to keep mapped for vmalloc, in MiB (default: an eighth of the cap)");

module_param(lean, bool, 0444);
MODULE_PARM_DESC(lean, "Disable the detection of misuse that is otherwise always on (default: N)");

/* If cap_mb is not given, or zero at load, the cap is a quarter of RAM. */
static void __init mal_cap_init(void)
{
	if (!cap_mb)
		cap_mb = max(totalram_pages() / 4 / MAL_PAGES_PER_MIB, 1UL);
	mal_borrow_set_cap(mal_pages_of_mb(cap_mb));
}

static unsigned long __init mal_area_cache_default(void)
{
	if (area_cache_mb == MAL_BY_CAP)
		area_cache_mb = cap_mb / MAL_AREA_CACHE_SHARE;
	return mal_pages_of_mb(area_cache_mb);
}

static int __init mal_init(void)
{
	int err;

	mal_cap_init();
	mal_page_poison_init();
	mal_pinned_init();
	err = mal_site_init();
	if (err)
		return err;
	err = mal_host_free_init();
	if (err)
		goto err_site;
	err = mal_region_init();
	if (err)
		goto err_host_free;
	err = mal_nodes_create();
	if (err)
		goto err_region;
	err = mal_pcp_init();
	if (err)
		goto err_nodes;
	err = mal_borrow_init(mal_pages_of_mb(reserve_mb));
	if (err)
		goto err_pcp;
	err = mal_page_leak_init();
	if (err)
		goto err_borrow;
	err = mal_kfree_rcu_init();
	if (err)
		goto err_leak;
	err = mal_slab_cache_init(lean);
	if (err)
		goto err_kfree_rcu;
	err = mal_kmalloc_init();
	if (err)
		goto err_slab_cache;
	err = mal_mempool_list_init();
	if (err)
		goto err_kmalloc;
	err = mal_percpu_init();
	if (err)
		goto err_mempool_list;
	err = mal_percpu_var_init();
	if (err)
		goto err_percpu;
	err = mal_vmalloc_init(mal_area_cache_default());
	if (err)
		goto err_percpu_var;
	err = mal_proc_init();
	if (err)
		goto err_vmalloc;
	err = mal_device_init();
	if (err)
		goto err_proc;
	mal_host_kfree_init();
	pr_info("cap %u MiB, reserve %u MiB\n", cap_mb, reserve_mb);
	return 0;

err_proc:
	mal_proc_exit();
err_vmalloc:
	mal_vmalloc_exit();
err_percpu_var:
	mal_percpu_var_exit();
err_percpu:
	mal_percpu_exit();
err_mempool_list:
	mal_mempool_list_exit();
err_kmalloc:
	mal_kmalloc_exit();
err_slab_cache:
	mal_slab_cache_exit();
err_kfree_rcu:
	mal_kfree_rcu_exit();
err_leak:
	mal_page_leak_exit();
err_borrow:
	mal_borrow_exit();
err_pcp:
	mal_pcp_exit();
err_nodes:
	mal_nodes_destroy();
err_region:
	mal_region_exit();
err_host_free:
	mal_host_free_exit();
err_site:
	mal_site_exit();
	return err;
}

static void __exit mal_exit(void)
{
	mal_host_kfree_exit();
	mal_device_exit();
	mal_proc_exit();
	mal_vmalloc_exit();
	mal_percpu_var_exit();
	mal_percpu_exit();
	mal_mempool_list_exit();
	mal_kmalloc_exit();
	mal_slab_cache_exit();
	mal_kfree_rcu_exit();
	mal_page_leak_exit();
	mal_page_alloc_exit();
	mal_borrow_exit();
	mal_pcp_exit();
	mal_nodes_destroy();
	mal_region_exit();
	mal_host_free_exit();
	mal_site_exit();
}

module_init(mal_init);
module_exit(mal_exit);

MODULE_DESCRIPTION("A second kernel memory manager over pages borrowed from the host");
MODULE_VERSION(MEMALLOC_RELEASE);
MODULE_LICENSE("GPL");
