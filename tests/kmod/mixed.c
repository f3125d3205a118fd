// SPDX-License-Identifier: GPL-2.0
/*
 * A client with memory of memalloc and of the host
 *
 * The client frees both by the same functions, and uses caches of both; each
 * object must return to its allocator. Loading succeeds if all checks pass, and
 * fails with EIO otherwise. The module leaves behind nothing of either
 * allocator: the guest compares the host's caches before and after.
 */
#include <linux/bio.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/owner.h>

#include "internal/compat.h"

#include "mixed.h"

static bool misuse;
module_param(misuse, bool, 0444);
MODULE_PARM_DESC(misuse, "Free what must not be freed, five times (default: N)");

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
	larger = krealloc_array(theirs, 8000, 1, GFP_KERNEL | __GFP_NOFAIL);
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
	theirs = host_vmalloc(PAGE_SIZE);
	ours = vmalloc(PAGE_SIZE);
	mixed_must(theirs && ours, "no area");
	vfree(theirs);
	kvfree(ours);
	theirs = host_vmalloc(PAGE_SIZE);
	if (theirs)
		kvfree_sensitive(theirs, PAGE_SIZE);
}

struct mixed_freed {
	char before[40];
	struct rcu_head rcu;
	char after[40];
};

/* Bytes, by the rarer functions that free. */
static void __init mixed_frees(void)
{
	void *objects[4] = {
		kmalloc(100, GFP_KERNEL), host_kmalloc(100, GFP_KERNEL),
		host_kmalloc(20000, GFP_KERNEL), kmalloc(20000, GFP_KERNEL),
	};
	struct mixed_freed *theirs = host_kmalloc(sizeof(*theirs), GFP_KERNEL);
	struct mixed_freed *ours = kmalloc(sizeof(*ours), GFP_KERNEL);
	void (*link)(void *) = kfree_link;
	void (*callback)(const void *) = kfree;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		mixed_must(objects[i], "no memory");
	if (objects[0] && objects[1] && objects[2] && objects[3])
		kfree_bulk(ARRAY_SIZE(objects), objects);
	if (theirs)
		kfree_rcu(theirs, rcu);
	if (ours)
		kfree_rcu(ours, rcu);
	theirs = host_kmalloc(100, GFP_KERNEL);
	ours = kmalloc(100, GFP_KERNEL);
	kvfree_rcu_mightsleep(theirs);
	kvfree_rcu_mightsleep(ours);
	link(host_kmalloc(100, GFP_KERNEL));
	link(kmalloc(100, GFP_KERNEL));
	callback(host_kmalloc(100, GFP_KERNEL));
	kfree_const(host_kstrdup_const("constant", GFP_KERNEL));
	kfree_const(kstrdup_const("constant", GFP_KERNEL));
	kfree_sensitive(host_kmalloc(100, GFP_KERNEL));
	free_pages_exact(host_alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL), 3 * PAGE_SIZE);
	kvfree_rcu_barrier();
	free_percpu(host_alloc_percpu(100));
	free_percpu(alloc_percpu(u64));
}

/* Use a pool by each function. */
static void __init mixed_pool(mempool_t *pool, bool ours)
{
	void *elements[2] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(elements); i++) {
		elements[i] = mempool_alloc(pool, GFP_KERNEL);
		mixed_must(elements[i] && mal_owns(elements[i]) == ours, "mempool_alloc()");
	}
	mixed_must(!mempool_resize(pool, 4), "mempool_resize()");
	for (i = 0; i < ARRAY_SIZE(elements); i++)
		mempool_free(elements[i], pool);
	mempool_free(NULL, pool);
}

/* A pool of ours is moved by assignment, and used by functions of the host. */
static void __init mixed_moved_pool(void)
{
	mempool_t pool, moved;
	void *element;

	mixed_must(!mempool_init_kmalloc_pool(&pool, 2, 100), "mempool_init_kmalloc_pool()");
	moved = pool;
	init_waitqueue_head(&moved.wait);
	memset(&pool, 0, sizeof(pool));
	mixed_must(mempool_initialized(&moved), "mempool_initialized()");
	mixed_pool(&moved, true);
	element = host_mempool_alloc(&moved);
	mixed_must(element && mal_owns(element), "the host's mempool_alloc()");
	mempool_free(element, &moved);
	element = mempool_alloc(&moved, GFP_KERNEL);
	host_mempool_free(element, &moved);
	mempool_exit(&moved);
	mempool_exit(&moved);
	mixed_must(!mempool_initialized(&moved), "mempool_exit()");
	mempool_exit(&pool);
	mixed_must(mempool_init_kmalloc_pool(&pool, -1, 100) < 0, "negative minimum");
	mempool_exit(&pool);
}

static void __init mixed_pools(void)
{
	mempool_t *theirs = host_mempool_create(2, 100);
	mempool_t *ours = mempool_create_kmalloc_pool(2, 100);

	mixed_must(theirs && ours, "no pool");
	if (theirs)
		mixed_pool(theirs, false);
	if (ours)
		mixed_pool(ours, true);
	mempool_destroy(theirs);
	mempool_destroy(ours);
	mempool_destroy(NULL);
	mixed_moved_pool();
}

/* A second free of our memory is reported, and never reaches the host. */
static void __init mixed_double(void)
{
	void *object = kmalloc(100, GFP_KERNEL), *area = vmalloc(PAGE_SIZE);

	kfree(object);
	kfree(object);
	vfree(area);
	kvfree(area);
}

/*
 * A second free of an area that was unmapped when it was freed: one of a
 * caller's pages, and one with an alignment of its own.
 */
static void __init mixed_double_unmapped(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	void *map = page ? vmap(&page, 1, VM_MAP, PAGE_KERNEL) : NULL;
	void *area = __vmalloc_node(PAGE_SIZE, 8 * PAGE_SIZE, GFP_KERNEL,
				    NUMA_NO_NODE, NULL);

	mixed_must(map && area, "no area");
	if (map) {
		vunmap(map);
		vunmap(map);
	}
	if (area) {
		vfree(area);
		vfree(area);
	}
	if (page)
		__free_page(page);
}

/* Neither allocator owns this address. */
static void __init mixed_foreign(void)
{
	static unsigned long foreign;

	kfree(&foreign);
	mixed_must(!ksize(&foreign), "ksize() of a variable");
}

#ifdef CONFIG_BLOCK
static void __init mixed_bio(void)
{
	struct page *pages[] = { alloc_page(GFP_KERNEL), host_alloc_page(GFP_KERNEL) };
	struct bio_vec vecs[ARRAY_SIZE(pages)];
	struct bio bio;
	unsigned int i;

	mixed_must(pages[0] && pages[1], "no page");
	if (!pages[0] || !pages[1])
		return;
	bio_init(&bio, NULL, vecs, ARRAY_SIZE(vecs), REQ_OP_READ);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		__bio_add_page(&bio, pages[i], PAGE_SIZE, 0);
	bio_free_pages(&bio);
	bio_uninit(&bio);
	kfree(bio_kmalloc(1, GFP_KERNEL));
}
#else
static void __init mixed_bio(void)
{
}
#endif

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
	mixed_frees();
	mixed_pools();
	mixed_bio();
	if (misuse) {
		mixed_double();
		mixed_double_unmapped();
		mixed_foreign();
	}
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
