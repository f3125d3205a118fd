// SPDX-License-Identifier: GPL-2.0
/*
 * A client with memory of memalloc and of the host
 *
 * Built with MAL_DROPIN_MIXED. The client frees both by the same functions, and
 * uses caches of both; each object must return to its allocator. Loading
 * succeeds if all checks pass, and fails with EIO otherwise.
 */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/owner.h>

#include "internal/compat.h"

#include "mixed.h"

static int mixed_errors __initdata;

static void __init mixed_must(bool ok, const char *what)
{
	if (ok)
		return;
	mixed_errors++;
	pr_err("memalloc_mixed: %s\n", what);
}

static void __init mixed_bytes(void)
{
	char *theirs = host_kmalloc(100, GFP_KERNEL);
	char *ours = kmalloc(100, GFP_KERNEL), *larger;

	if (!theirs || !ours) {
		mixed_must(false, "no memory");
		goto out;
	}
	mixed_must(!mal_owns(theirs), "host memory is taken for memalloc's");
	mixed_must(mal_owns(ours), "memalloc's memory is taken for the host's");
	mixed_must(ksize(theirs) >= 100 && ksize(ours) >= 100, "ksize()");
	memset(theirs, 't', 100);
	memset(ours, 'o', 100);
	larger = krealloc(theirs, 5000, GFP_KERNEL | __GFP_NOFAIL);
	theirs = larger;
	larger = krealloc(ours, 5000, GFP_KERNEL | __GFP_NOFAIL);
	ours = larger;
	mixed_must(!mal_owns(theirs) && !memchr_inv(theirs, 't', 100),
		   "krealloc() of host memory");
	mixed_must(mal_owns(ours) && !memchr_inv(ours, 'o', 100),
		   "krealloc() of memalloc's memory");
out:
	kfree(theirs);
	kfree_sensitive(ours);
}

static void __init mixed_pages(void)
{
	struct page *theirs = host_alloc_page(GFP_KERNEL);
	struct page *ours = alloc_page(GFP_KERNEL);

	mixed_must(theirs && !mal_owns_page(theirs), "host page");
	mixed_must(ours && mal_owns_page(ours), "memalloc's page");
	if (theirs) {
		get_page(theirs);
		put_page(theirs);
		__free_page(theirs);
	}
	if (ours)
		__free_page(ours);
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
}

static void __init mixed_areas(void)
{
	void *theirs = host_vmalloc(3 * PAGE_SIZE);
	void *ours = vmalloc(3 * PAGE_SIZE);

	mixed_must(theirs && ours, "no area");
	kvfree(theirs);
	vfree(ours);
}

/* Use a cache by each function. Its objects are ours if the cache is. */
static void __init mixed_cache(struct kmem_cache *cache, bool ours)
{
	void *objects[4], *object, *zeroed;
	mempool_t *pool;
	int nr;

	mixed_must(kmem_cache_size(cache) == 200, "kmem_cache_size()");
	object = kmem_cache_alloc(cache, GFP_KERNEL);
	mixed_must(object && mal_owns(object) == ours, "kmem_cache_alloc()");
	if (object)
		memset(object, 'o', 200);
	zeroed = kmem_cache_zalloc(cache, GFP_KERNEL);
	mixed_must(zeroed && mal_owns(zeroed) == ours && !memchr_inv(zeroed, 0, 200),
		   "kmem_cache_zalloc()");
	kmem_cache_free(cache, object);
	kmem_cache_free(cache, zeroed);
	object = kmem_cache_alloc_node(cache, GFP_KERNEL, NUMA_NO_NODE);
	mixed_must(object && mal_owns(object) == ours, "kmem_cache_alloc_node()");
	kmem_cache_free(cache, object);
	nr = kmem_cache_alloc_bulk(cache, GFP_KERNEL, ARRAY_SIZE(objects), objects);
	mixed_must(nr == ARRAY_SIZE(objects) && mal_owns(objects[0]) == ours,
		   "kmem_cache_alloc_bulk()");
	if (nr)
		kmem_cache_free_bulk(cache, nr, objects);
	pool = mempool_create_slab_pool(2, cache);
	object = pool ? mempool_alloc(pool, GFP_KERNEL) : NULL;
	mixed_must(object && mal_owns(object) == ours, "mempool_create_slab_pool()");
	if (object)
		mempool_free(object, pool);
	mempool_destroy(pool);
	pool = mempool_create(2, mempool_alloc_slab, mempool_free_slab, cache);
	object = pool ? mempool_alloc(pool, GFP_KERNEL) : NULL;
	mixed_must(object && mal_owns(object) == ours, "mempool_alloc_slab()");
	if (object)
		mempool_free(object, pool);
	mempool_destroy(pool);
	mixed_must(!kmem_cache_shrink(cache), "kmem_cache_shrink()");
}

static void __init mixed_caches(void)
{
	struct kmem_cache *theirs = host_cache_create("mixed_host", 200);
	struct kmem_cache *ours = kmem_cache_create("mixed_ours", 200, 0, 0, NULL);
	char *name;

	mixed_must(theirs && ours, "no cache");
	if (theirs)
		mixed_cache(theirs, false);
	if (ours)
		mixed_cache(ours, true);
	kmem_cache_destroy(theirs);
	kmem_cache_destroy(ours);
	kmem_cache_destroy(NULL);
	/* In Linux 6.1, from a cache of the host that is known by name. */
	name = __getname();
	mixed_must(name, "__getname()");
	if (name)
		__putname(name);
}

static int __init mixed_init(void)
{
	mixed_caches();
	mixed_bytes();
	mixed_pages();
	mixed_areas();
	return mixed_errors ? -EIO : 0;
}

static void __exit mixed_exit(void)
{
}

module_init(mixed_init);
module_exit(mixed_exit);

MODULE_DESCRIPTION("A client that frees memory of memalloc and of the host");
MODULE_LICENSE("GPL");
MAL_IMPORT();
