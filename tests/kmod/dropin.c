// SPDX-License-Identifier: GPL-2.0
/*
 * Use everything that dropin.h redirects once
 *
 * Loading succeeds if all checks pass, and fails with EIO otherwise.
 * tests/dropin also checks that the module does not call the host's allocators.
 * DROPIN_REFUSED adds calls of functions that dropin.h does not support. Each
 * of those lines must fail to compile.
 */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/vmalloc.h>

#include <memalloc/owner.h>

#include "internal/compat.h"

#include "dropin_test.h"

#ifdef DROPIN_REFUSED

void dropin_refused(struct kmem_cache *cache, void *object, struct page *page);
void dropin_refused(struct kmem_cache *cache, void *object, struct page *page)
{
	(void)kmalloc_nolock(64, 0, NUMA_NO_NODE);
	(void)kfree_nolock;
	(void)alloc_pages_nolock(0, NUMA_NO_NODE, 0);
	(void)free_pages_nolock(page, 0);
	(void)alloc_pages_bulk_list(GFP_KERNEL, 1, NULL);
	(void)kmem_buckets_create("buckets", 0, 0, 0, NULL);
	(void)kmem_buckets_alloc(NULL, 64, GFP_KERNEL);
	(void)kmem_buckets_alloc_track_caller(NULL, 64, GFP_KERNEL);
	(void)kmem_buckets_valloc(NULL, 64, GFP_KERNEL);
	(void)kmem_cache_charge(object, GFP_KERNEL);
	(void)kmem_cache_prefill_sheaf(cache, GFP_KERNEL, 8);
	(void)kmem_cache_alloc_from_sheaf(cache, GFP_KERNEL, NULL);
	(void)kmem_dump_obj(object);
	(void)krealloc_node_align(object, 64, 1, GFP_KERNEL, NUMA_NO_NODE);
	(void)kvmalloc_node_align(64, 1, GFP_KERNEL, NUMA_NO_NODE);
	(void)kvrealloc_node_align(object, 64, 1, GFP_KERNEL, NUMA_NO_NODE);
	(void)vrealloc_node_align(object, 64, 1, GFP_KERNEL, NUMA_NO_NODE);
}

#endif /* DROPIN_REFUSED */

static int dropin_errors __initdata;

static void __init dropin_must(bool ok, const char *what)
{
	if (ok)
		return;
	dropin_errors++;
	pr_err("memalloc_dropin: %s\n", what);
}

static __printf(1, 2) const char *__init dropin_format(const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = kvasprintf_const(GFP_KERNEL, fmt, args);
	va_end(args);
	return text;
}

static void __init dropin_strings(void)
{
	const char *formatted = dropin_format("%s", "text");
	const char *constant = dropin_format("text");
	char *replaced = kstrdup_and_replace("a-b-c", '-', '_', GFP_KERNEL);

	dropin_must(formatted && mal_owns(formatted) && !strcmp(formatted, "text"),
		    "kvasprintf_const()");
	dropin_must(constant && !strcmp(constant, "text"),
		    "kvasprintf_const() of a constant");
	dropin_must(replaced && mal_owns(replaced) && !strcmp(replaced, "a_b_c"),
		    "kstrdup_and_replace()");
	kfree_const(formatted);
	kfree_const(constant);
	kfree(replaced);
}

#ifdef DEFINE_FREE

static void __init dropin_scopes(void)
{
	void *bytes __free(kfree) = kmalloc(64, GFP_KERNEL);
	void *secret __free(kfree_sensitive) = kmalloc(64, GFP_KERNEL);
	void *any __free(kvfree) = kvmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	void *page __free(free_page) = (void *)__get_free_page(GFP_KERNEL);
	u64 __percpu *counter __free(free_percpu) = alloc_percpu(u64);
	void *none __free(kfree) = NULL;

	dropin_must(mal_owns(bytes) && mal_owns(secret), "__free(kfree)");
	dropin_must(any, "__free(kvfree)");
	dropin_must(page && mal_owns(page), "__free(free_page)");
	dropin_must(counter, "__free(free_percpu)");
	dropin_must(!none, "__free() of NULL");
}

#else

static void __init dropin_scopes(void)
{
}

#endif /* DEFINE_FREE */

#ifdef kzalloc_obj

static void __init dropin_typed(void)
{
	struct list_head *one = kzalloc_obj(struct list_head);
	u32 *many = kmalloc_objs(u32, 10, GFP_KERNEL);

	dropin_must(mal_owns(one) && mal_owns(many), "kzalloc_obj()");
	kfree(one);
	kfree(many);
}

#else

static void __init dropin_typed(void)
{
}

#endif /* kzalloc_obj */

/* An inline function of the host that takes a cache of the file system. */
void *dropin_inode(struct super_block *sb, struct kmem_cache *cache);
void *dropin_inode(struct super_block *sb, struct kmem_cache *cache)
{
	return alloc_inode_sb(sb, cache, GFP_KERNEL);
}

/* Not called: the host would keep the area, and memalloc, for minutes. */
void dropin_coredump(struct device *dev);
void dropin_coredump(struct device *dev)
{
	dev_coredumpv(dev, vmalloc(PAGE_SIZE), PAGE_SIZE, GFP_KERNEL);
}

static void __init dropin_sizes(void)
{
	void *exact = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
	u32 *array = krealloc_array(NULL, 10, sizeof(*array), GFP_KERNEL);
	void *area = vrealloc(NULL, PAGE_SIZE, GFP_KERNEL);
	u32 *more;

	dropin_must(mal_owns(exact), "alloc_pages_exact()");
	free_pages_exact(exact, 3 * PAGE_SIZE);
	free_pages_exact(NULL, PAGE_SIZE);
	dropin_must(mal_owns(array) && area, "krealloc_array(), vrealloc()");
	dropin_must(!krealloc_array(array, SIZE_MAX, sizeof(*array), GFP_KERNEL),
		    "krealloc_array() of a product that overflows");
	more = krealloc_array(array, 1000, sizeof(*array), GFP_KERNEL);
	kfree(more ?: array);
	vfree(area);
}

static void __init dropin_grace_periods(void)
{
	void *bytes = kmalloc(64, GFP_KERNEL);
	void *area = vmalloc(3 * PAGE_SIZE);

	dropin_must(bytes && area, "no memory");
	kvfree_rcu_mightsleep(bytes);
	kvfree_rcu_mightsleep(area);
	kvfree_rcu_barrier();
}

/* Compound pages come from the host, so the test is in a file of its own. */
static void __init dropin_refs(void)
{
	struct refs_seen *ours = kzalloc(sizeof(*ours), GFP_KERNEL);
	struct refs_seen *theirs = kzalloc(sizeof(*theirs), GFP_KERNEL);
	unsigned int i;

	dropin_must(ours && theirs, "no memory");
	if (!ours || !theirs)
		goto out;
	dropin_refs_of_ours(ours);
	dropin_refs_of_host(theirs);
	dropin_must(ours->nr == theirs->nr && ours->nr < DROPIN_REFS_SEEN,
		    "steps of reference counts");
	for (i = 0; i < min(ours->nr, theirs->nr); i++) {
		if (ours->values[i] == theirs->values[i])
			continue;
		pr_err("memalloc_dropin: step %u: %ld, with the host %ld\n", i,
		       ours->values[i], theirs->values[i]);
		dropin_must(false, "a reference count");
	}
out:
	kfree(ours);
	kfree(theirs);
}

static int __init dropin_init(void)
{
	dropin_strings();
	dropin_scopes();
	dropin_typed();
	dropin_sizes();
	dropin_grace_periods();
	dropin_refs();
	return dropin_errors ? -EIO : 0;
}

static void __exit dropin_exit(void)
{
}

module_init(dropin_init);
module_exit(dropin_exit);

MODULE_DESCRIPTION("Uses everything that memalloc's dropin.h redirects");
MODULE_LICENSE("GPL");
MAL_IMPORT();
