/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/dropin.h: move a module onto this allocator without changing its
 * source
 *
 *	ccflags-y += -I/path/to/memalloc/include -include memalloc/dropin.h
 *
 * The kernel's names for allocation and free refer to this module from here on:
 * functions, types, constants, and __free(kfree). Inline functions in the
 * kernel's headers must continue to use the host's memory, because the host's
 * code does the other half of the work. So the headers with such functions are
 * included first, and the names are redefined after them. See docs/api.md for
 * headers of rarer subsystems.
 *
 * Some memory cannot be redirected, because the host allocates or frees it: the
 * data of an skb that a driver builds from its own buffer (build_skb()), a bio
 * and memory that it frees, firmware, the names of devices, and pointers that
 * callbacks of some subsystems have to free. Folios and compound pages remain
 * the host's as well. Functions that free pages or count references accept both
 * the host's pages and ours.
 *
 * Functions that free accept memory of the host as well, and pass it to the
 * host's function of that name: see memalloc/mixed.h. /proc/memalloc counts
 * such frees by call site ("[host_frees]"). A module that never frees memory of
 * the host defines MAL_DROPIN_STRICT:
 *
 *	ccflags-y += -DMAL_DROPIN_STRICT
 *
 * Then a pointer of the host is reported at run time and not freed: "report:
 * foreign_free by ...". A pointer of ours that is passed to the host's kfree()
 * triggers a warning of the host, and "report: lost_reference" of this module.
 *
 * Some names are also those of members of the kernel's structures (vmap,
 * vunmap, alloc_pages, free_pages, free_page, put_page). These are redefined
 * only as function calls. The compiler reports other members with a redefined
 * name; #undef helps.
 */
#ifndef _MEMALLOC_DROPIN_H
#define _MEMALLOC_DROPIN_H

/*
 * Headers of the host that allocate or free inline, or declare redefined names.
 */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/devcoredump.h>
#include <linux/device.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/gameport.h>
#include <linux/generic-radix-tree.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io-mapping.h>
#include <linux/kernel.h>
#include <linux/kfifo.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/of.h>
#include <linux/overflow.h>
#ifdef __has_include /* missing in sparse */
#if __has_include("linux/page_frag_cache.h")
#include <linux/page_frag_cache.h>
#endif
#endif
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/ptr_ring.h>
#include <linux/rcupdate.h>
#include <linux/sbitmap.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/textsearch.h>
#include <linux/usb.h>
#include <linux/vmalloc.h>
#ifdef CONFIG_NET
#include <net/pkt_cls.h>
#endif

#include <memalloc/devm.h>
#include <memalloc/host_cache.h>
#include <memalloc/kmalloc.h>
#include <memalloc/kstring.h>
#include <memalloc/mixed.h>
#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>
#include <memalloc/page_ref.h>
#include <memalloc/slab_cache.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/vmalloc_area.h>
#include <memalloc/mempool.h>
#include <memalloc/percpu.h>

/*
 * Free
 */

#ifdef MAL_DROPIN_STRICT
#define MAL_DROPIN(name)	mal_##name
#else
#define MAL_DROPIN(name)	mal_mixed_##name
#endif

/*
 * Compound pages and folios belong to the host: blocks requested with
 * __GFP_COMP. The same names free them and our pages. None of our pages is
 * compound, so struct page tells them apart. Order 0 is ours: it is not
 * compound in the host either.
 */

static __always_inline bool mal_dropin_is_compound(gfp_t gfp, unsigned int order)
{
	return gfp & __GFP_COMP && order;
}

static __always_inline struct page *mal_dropin_alloc_pages(gfp_t gfp,
							   unsigned int order)
{
	return mal_dropin_is_compound(gfp, order) ? alloc_pages(gfp, order) :
						    mal_alloc_pages(gfp, order);
}

static __always_inline struct page *
mal_dropin_alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return mal_dropin_is_compound(gfp, order) ?
		alloc_pages_node(nid, gfp, order) :
		mal_alloc_pages_node(nid, gfp, order);
}

static __always_inline unsigned long mal_dropin_get_free_pages(gfp_t gfp,
							       unsigned int order)
{
	return mal_dropin_is_compound(gfp, order) ? __get_free_pages(gfp, order) :
						    mal_get_free_pages(gfp, order);
}

#ifdef MAL_DROPIN_STRICT
static __always_inline void mal_dropin_free_pages(struct page *page,
						  unsigned int order)
{
	if (page && unlikely(PageCompound(page)))
		__free_pages(page, order);
	else
		mal_free_pages(page, order);
}

static __always_inline void mal_dropin_put_free_pages(unsigned long addr,
						      unsigned int order)
{
	if (addr)
		mal_dropin_free_pages(virt_to_page((void *)addr), order);
}
#else
#define mal_dropin_free_pages		mal_mixed_free_pages
#define mal_dropin_put_free_pages	mal_mixed_put_free_pages
#endif

/* As in the host, the pages are freed one by one. */
static __always_inline void mal_dropin_free_pages_exact(void *addr, size_t size)
{
	struct page *page = addr ? virt_to_page(addr) : NULL;
	unsigned long i;

	for (i = 0; addr && i < PFN_UP(size); i++)
		mal_dropin_free_pages(page + i, 0);
}

static __always_inline void mal_dropin_free_pages_bulk(struct page **pages,
						       unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		mal_dropin_free_pages(pages[i], 0);
		pages[i] = NULL;
	}
}

static __always_inline void *mal_dropin_krealloc_array(const void *object, size_t nr,
						       size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return MAL_DROPIN(krealloc)(object, bytes, gfp);
}

static __always_inline void *
mal_dropin_devm_krealloc_array(struct device *dev, void *object, size_t nr,
			       size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return MAL_DROPIN(devm_krealloc)(dev, object, bytes, gfp);
}

#ifdef CONFIG_BLOCK
/* Free the pages of a bio, as bio_free_pages() does. */
static __always_inline void mal_dropin_bio_free_pages(struct bio *bio)
{
	struct bvec_iter_all iter;
	struct bio_vec *vec;

	bio_for_each_segment_all(vec, bio, iter)
		mal_dropin_free_pages(vec->bv_page, 0);
}
#endif

/*
 * The functions below are always inline: reports name the address from which
 * ours are called.
 *
 * Slab caches. A cache remains a "struct kmem_cache *", because headers that
 * are included later may declare caches of the host. The first word tells a
 * cache of ours from one of the host (names_cachep, for example), which keeps
 * being used with the host's functions. A cache of ours must not be passed to
 * the host in a structure (dst_ops.kmem_cachep).
 */

static __always_inline struct kmem_cache *
mal_dropin_cache_create(const char *name, unsigned int size, unsigned int align,
			slab_flags_t flags, void (*ctor)(void *))
{
	return (struct kmem_cache *)mal_kmem_cache_create(name, size, align, flags, ctor);
}

static __always_inline struct kmem_cache *
mal_dropin_cache_create_usercopy(const char *name, unsigned int size,
				 unsigned int align, slab_flags_t flags,
				 unsigned int useroffset, unsigned int usersize,
				 void (*ctor)(void *))
{
	return (struct kmem_cache *)mal_kmem_cache_create_usercopy(name, size, align, flags,
								   useroffset, usersize, ctor);
}

/* Since Linux 6.12 kmem_cache_create() is a macro, and takes arguments. */
#ifdef kmem_cache_create
static __always_inline struct kmem_cache *
mal_dropin_cache_create_args(const char *name, unsigned int size,
			     const struct kmem_cache_args *args, slab_flags_t flags)
{
	struct mal_kmem_cache_args ours = { };

	if (args)
		ours = (struct mal_kmem_cache_args) {
			.align = args->align,
			.useroffset = args->useroffset,
			.usersize = args->usersize,
			.ctor = args->ctor,
		};
	return (struct kmem_cache *)mal_kmem_cache_create_args(name, size, &ours, flags);
}
#endif

static __always_inline void mal_dropin_cache_destroy(struct kmem_cache *cache)
{
	if (!cache || mal_is_kmem_cache(cache))
		mal_kmem_cache_destroy((struct mal_kmem_cache *)cache);
	else
		mal_host_cache_destroy(cache);
}

static __always_inline int mal_dropin_cache_shrink(struct kmem_cache *cache)
{
	if (mal_is_kmem_cache(cache))
		return mal_kmem_cache_shrink((struct mal_kmem_cache *)cache);
	return mal_host_cache_shrink(cache);
}

static __always_inline unsigned int mal_dropin_cache_size(struct kmem_cache *cache)
{
	if (mal_is_kmem_cache(cache))
		return mal_kmem_cache_size((struct mal_kmem_cache *)cache);
	return mal_host_cache_size(cache);
}

static __always_inline void *mal_dropin_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	if (likely(mal_is_kmem_cache(cache)))
		return mal_kmem_cache_alloc((struct mal_kmem_cache *)cache, gfp);
	return mal_host_cache_alloc(cache, gfp);
}

static __always_inline void *mal_dropin_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return mal_dropin_cache_alloc(cache, gfp | __GFP_ZERO);
}

static __always_inline void *
mal_dropin_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int node)
{
	if (likely(mal_is_kmem_cache(cache)))
		return mal_kmem_cache_alloc_node((struct mal_kmem_cache *)cache, gfp, node);
	return mal_host_cache_alloc_node(cache, gfp, node);
}

static __always_inline void *
mal_dropin_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, gfp_t gfp)
{
	if (likely(mal_is_kmem_cache(cache)))
		return mal_kmem_cache_alloc((struct mal_kmem_cache *)cache, gfp);
	return mal_host_cache_alloc_lru(cache, lru, gfp);
}

static __always_inline int mal_dropin_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp,
						       size_t nr, void **objects)
{
	if (likely(mal_is_kmem_cache(cache)))
		return mal_kmem_cache_alloc_bulk((struct mal_kmem_cache *)cache, gfp,
						 nr, objects);
	return mal_host_cache_alloc_bulk(cache, gfp, nr, objects);
}

static __always_inline void mal_dropin_cache_free(struct kmem_cache *cache, void *object)
{
	if (likely(mal_is_kmem_cache(cache)))
		mal_kmem_cache_free((struct mal_kmem_cache *)cache, object);
	else
		mal_host_cache_free(cache, object);
}

static __always_inline void mal_dropin_cache_free_bulk(struct kmem_cache *cache, size_t nr,
						       void **objects)
{
	if (likely(cache && mal_is_kmem_cache(cache)))
		mal_kmem_cache_free_bulk((struct mal_kmem_cache *)cache, nr, objects);
	else if (cache)
		mal_host_cache_free_bulk(cache, nr, objects);
	else
		MAL_DROPIN(kfree_bulk)(nr, objects);
}

/*
 * Mempools. A pool remains the host's mempool_t, because headers that are
 * included later may declare pools of the host, and because drivers use its
 * members. A pool of ours has an impossible minimum and no elements; the
 * pointer to them leads to our pool instead. It may be moved by assignment, as
 * raid1 does. The host's mempool_alloc() and mempool_free() may get such a
 * pool: they call its backend, and never find an element in the reserve nor
 * room for one. The host's mempool_exit(), mempool_destroy() and
 * mempool_resize() must not. They pass our pool to the host's kfree(), which
 * warns and does not free it, because it is memory of mal_kmalloc(); the pool
 * then stays until unload.
 */
#define MAL_DROPIN_POOL		INT_MIN

static __always_inline bool mal_dropin_is_pool(const mempool_t *pool)
{
	return pool->min_nr == MAL_DROPIN_POOL;
}

static __always_inline mal_mempool_t *mal_dropin_pool(const mempool_t *pool)
{
	return (mal_mempool_t *)pool->elements;
}

static __always_inline int
mal_dropin_mempool_init_node(mempool_t *pool, int min_nr, mempool_alloc_t *alloc,
			     mempool_free_t *free, void *data, gfp_t gfp, int node)
{
	mal_mempool_t *ours = mal_kmalloc_node(sizeof(*ours), gfp, node);

	if (ours && mal_mempool_init_node(ours, min_nr, alloc, free, data, gfp, node)) {
		mal_kfree(ours);
		ours = NULL;
	}
	*pool = (mempool_t) {
		.min_nr = ours ? MAL_DROPIN_POOL : 0,
		.elements = (void **)ours,
		.pool_data = data,
		.alloc = ours ? ours->alloc : NULL,
		.free = ours ? ours->free : NULL,
	};
	spin_lock_init(&pool->lock);
	init_waitqueue_head(&pool->wait);
	return ours ? 0 : -ENOMEM;
}

static __always_inline mempool_t *
mal_dropin_mempool_create_node(int min_nr, mempool_alloc_t *alloc, mempool_free_t *free,
			       void *data, gfp_t gfp, int node)
{
	mempool_t *pool = mal_kmalloc_node(sizeof(*pool), gfp, node);

	if (pool && mal_dropin_mempool_init_node(pool, min_nr, alloc, free, data,
						 gfp, node)) {
		mal_kfree(pool);
		return NULL;
	}
	return pool;
}

/*
 * Returns false if a task waits for the pool, which has been reported. The pool
 * stays as it is.
 */
static __always_inline bool mal_dropin_mempool_end(mempool_t *pool)
{
	mal_mempool_t *ours = mal_dropin_pool(pool);

	if (!mal_dropin_is_pool(pool)) {
		mal_host_mempool_exit(pool);
		return true;
	}
	mal_mempool_exit(ours);
	if (unlikely(mal_mempool_initialized(ours)))
		return false;
	mal_kfree(ours);
	pool->elements = NULL;
	pool->min_nr = 0;
	return true;
}

static __always_inline void mal_dropin_mempool_exit(mempool_t *pool)
{
	mal_dropin_mempool_end(pool);
}

/* The structure may be memory of either allocator, whatever the pool is. */
static __always_inline void mal_dropin_mempool_destroy(mempool_t *pool)
{
	if (pool && mal_dropin_mempool_end(pool))
		mal_mixed_kfree(pool);
}

static __always_inline int mal_dropin_mempool_resize(mempool_t *pool, int min_nr)
{
	return mal_dropin_is_pool(pool) ?
		mal_mempool_resize(mal_dropin_pool(pool), min_nr) :
		mal_host_mempool_resize(pool, min_nr);
}

static __always_inline void *mal_dropin_mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	return likely(mal_dropin_is_pool(pool)) ?
		mal_mempool_alloc(mal_dropin_pool(pool), gfp) :
		mal_host_mempool_alloc(pool, gfp);
}

static __always_inline void *mal_dropin_mempool_alloc_preallocated(mempool_t *pool)
{
	return mal_dropin_is_pool(pool) ?
		mal_mempool_alloc_preallocated(mal_dropin_pool(pool)) :
		mal_host_mempool_alloc_preallocated(pool);
}

static __always_inline int mal_dropin_mempool_alloc_bulk(mempool_t *pool, void **elements,
							 unsigned int nr)
{
	return mal_dropin_is_pool(pool) ?
		mal_mempool_alloc_bulk(mal_dropin_pool(pool), elements, nr) :
		mal_host_mempool_alloc_bulk(pool, elements, nr);
}

static __always_inline void mal_dropin_mempool_free(void *element, mempool_t *pool)
{
	if (unlikely(!element))
		return;
	if (likely(mal_dropin_is_pool(pool)))
		mal_mempool_free(element, mal_dropin_pool(pool));
	else
		mal_host_mempool_free(element, pool);
}

static __always_inline unsigned int
mal_dropin_mempool_free_bulk(mempool_t *pool, void **elements, unsigned int nr)
{
	return mal_dropin_is_pool(pool) ?
		mal_mempool_free_bulk(mal_dropin_pool(pool), elements, nr) :
		mal_host_mempool_free_bulk(pool, elements, nr);
}

static __always_inline bool mal_dropin_mempool_is_saturated(mempool_t *pool)
{
	return mal_dropin_is_pool(pool) ?
		mal_mempool_is_saturated(mal_dropin_pool(pool)) :
		READ_ONCE(pool->curr_nr) >= READ_ONCE(pool->min_nr);
}

/*
 * __free(kfree) frees at the end of a scope by calling __free_kfree(), which is
 * ours from here on.
 */
#ifdef DEFINE_FREE
DEFINE_FREE(mal_dropin_kfree, void *, if (!IS_ERR_OR_NULL(_T)) MAL_DROPIN(kfree)(_T))
DEFINE_FREE(mal_dropin_kfree_sensitive, void *,
	    if (!IS_ERR_OR_NULL(_T)) MAL_DROPIN(kfree_sensitive)(_T))
DEFINE_FREE(mal_dropin_kvfree, void *, if (!IS_ERR_OR_NULL(_T)) MAL_DROPIN(kvfree)(_T))
DEFINE_FREE(mal_dropin_kvfree_atomic, void *,
	    if (!IS_ERR_OR_NULL(_T)) MAL_DROPIN(kvfree_atomic)(_T))
DEFINE_FREE(mal_dropin_vfree, void *, if (!IS_ERR_OR_NULL(_T)) MAL_DROPIN(vfree)(_T))
DEFINE_FREE(mal_dropin_free_page, void *, mal_dropin_put_free_pages((unsigned long)_T, 0))
DEFINE_FREE(mal_dropin_free_percpu, void __percpu *, MAL_DROPIN(free_percpu)(_T))
#define __free_kfree		__free_mal_dropin_kfree
#define __free_kfree_sensitive	__free_mal_dropin_kfree_sensitive
#define __free_kvfree		__free_mal_dropin_kvfree
#define __free_kvfree_atomic	__free_mal_dropin_kvfree_atomic
#define __free_vfree		__free_mal_dropin_vfree
#define __free_free_page	__free_mal_dropin_free_page
#define __free_free_percpu	__free_mal_dropin_free_percpu
#endif /* DEFINE_FREE */

#undef kfree
#undef kfree_sensitive
#undef kfree_const
#undef kfree_bulk
#undef kfree_link
#undef krealloc
#undef krealloc_node
#undef ksize
#define kfree			MAL_DROPIN(kfree)
#define kfree_sensitive		MAL_DROPIN(kfree_sensitive)
#define kfree_const		MAL_DROPIN(kfree_const)
#define kfree_bulk		MAL_DROPIN(kfree_bulk)
#define kfree_link		MAL_DROPIN(kfree_link)
#define krealloc		MAL_DROPIN(krealloc)
/* The node is a preference. */
#define krealloc_node(object, size, gfp, nid)				\
	((void)(nid), MAL_DROPIN(krealloc)(object, size, gfp))
#define ksize			MAL_DROPIN(ksize)

/* Up to Linux 6.2 kfree_rcu() has one or two arguments; see _mightsleep(). */
#undef kfree_rcu
#undef kvfree_rcu
#undef kfree_rcu_mightsleep
#undef kvfree_rcu_mightsleep
#undef kvfree_rcu_barrier
#undef kvfree_rcu_barrier_on_cache
#define kfree_rcu(...)							\
	CONCATENATE(MAL_DROPIN_RCU_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define kvfree_rcu(...)		kfree_rcu(__VA_ARGS__)
#define kfree_rcu_mightsleep(object)	MAL_DROPIN_RCU_1(object)
#define kvfree_rcu_mightsleep(object)	MAL_DROPIN_RCU_1(object)
#define kvfree_rcu_barrier	MAL_DROPIN(kfree_rcu_barrier)
#define kvfree_rcu_barrier_on_cache(cache)				\
	((void)(cache), MAL_DROPIN(kfree_rcu_barrier)())
#define MAL_DROPIN_RCU_1(object)	MAL_DROPIN(kvfree_rcu_mightsleep)(object)
#define MAL_DROPIN_RCU_2(object, field)	MAL_DROPIN(kvfree_rcu)(object, field)

/*
 * kmalloc
 */

#undef kmalloc
#undef kzalloc
#undef kmalloc_node
#undef kzalloc_node
#undef kmalloc_array
#undef kcalloc
#undef kmalloc_array_node
#undef kcalloc_node
#undef krealloc_array
#undef kmalloc_track_caller
#undef kmalloc_large
#undef __kmalloc
#undef __kmalloc_node
#undef kmalloc_node_track_caller
#undef kmalloc_size_roundup
#undef kmemdup
#undef kmemdup_nul
#undef kmemdup_array
#undef kstrdup
#undef kstrdup_const
#undef kstrndup
#undef kasprintf
#undef kvasprintf
#undef kvasprintf_const
#undef kstrdup_and_replace
#undef kvmemdup
#undef memdup_user
#undef memdup_user_nul
#undef memdup_array_user
#undef vmemdup_user
#undef vmemdup_array_user
#undef strndup_user
#undef KMALLOC_MAX_SIZE
#undef KMALLOC_MAX_CACHE_SIZE
#define kmalloc			mal_kmalloc
#define kzalloc			mal_kzalloc
#define kmalloc_node		mal_kmalloc_node
#define kzalloc_node		mal_kzalloc_node
#define kmalloc_array		mal_kmalloc_array
#define kcalloc			mal_kcalloc
#define kmalloc_array_node	mal_kmalloc_array_node
#define kcalloc_node		mal_kcalloc_node
#define krealloc_array		mal_dropin_krealloc_array
#define kmalloc_track_caller	mal_kmalloc
#define kmalloc_large		mal_kmalloc
#define __kmalloc		mal_kmalloc
#define __kmalloc_node		mal_kmalloc_node
#define kmalloc_node_track_caller mal_kmalloc_node
#define kmalloc_size_roundup	mal_kmalloc_size_roundup
#define kmemdup			mal_kmemdup
#define kmemdup_nul		mal_kmemdup_nul
#define kmemdup_array		mal_kmemdup_array
#define kstrdup			mal_kstrdup
#define kstrdup_const		mal_kstrdup_const
#define kstrndup		mal_kstrndup
#define kasprintf		mal_kasprintf
#define kvasprintf		mal_kvasprintf
#define kvasprintf_const	mal_kvasprintf_const
#define kstrdup_and_replace	mal_kstrdup_and_replace
#define kvmemdup		mal_kvmemdup
#define memdup_user		mal_memdup_user
#define memdup_user_nul		mal_memdup_user_nul
#define memdup_array_user	mal_memdup_array_user
#define vmemdup_user		mal_vmemdup_user
#define vmemdup_array_user	mal_vmemdup_array_user
#define strndup_user		mal_strndup_user
#define KMALLOC_MAX_SIZE	MAL_KMALLOC_MAX_SIZE
#define KMALLOC_MAX_CACHE_SIZE	MAL_KMALLOC_MAX_CLASS

/*
 * Managed memory
 */

#undef devm_kmalloc
#undef devm_kzalloc
#undef devm_kmalloc_array
#undef devm_kcalloc
#undef devm_krealloc
#undef devm_krealloc_array
#undef devm_kfree
#undef devm_kmemdup
#undef devm_kmemdup_array
#undef devm_kstrdup
#undef devm_kstrdup_const
#undef devm_kasprintf
#undef devm_kvasprintf
#undef devm_get_free_pages
#undef devm_free_pages
#define devm_kmalloc		mal_devm_kmalloc
#define devm_kzalloc		mal_devm_kzalloc
#define devm_kmalloc_array	mal_devm_kmalloc_array
#define devm_kcalloc		mal_devm_kcalloc
#define devm_krealloc		MAL_DROPIN(devm_krealloc)
#define devm_krealloc_array	mal_dropin_devm_krealloc_array
#define devm_kfree		MAL_DROPIN(devm_kfree)
#define devm_kmemdup		mal_devm_kmemdup
#define devm_kmemdup_array	mal_devm_kmemdup_array
#define devm_kstrdup		mal_devm_kstrdup
#define devm_kstrdup_const	mal_devm_kstrdup_const
#define devm_kasprintf		mal_devm_kasprintf
#define devm_kvasprintf		mal_devm_kvasprintf
#define devm_get_free_pages	mal_devm_get_free_pages
#define devm_free_pages		mal_devm_free_pages

/*
 * Slab caches
 */

#undef KMEM_CACHE
#undef KMEM_CACHE_USERCOPY
#undef kmem_cache_create
#undef kmem_cache_create_usercopy
#undef kmem_cache_destroy
#undef kmem_cache_shrink
#undef kmem_cache_size
#undef kmem_cache_alloc
#undef kmem_cache_zalloc
#undef kmem_cache_alloc_node
#undef kmem_cache_alloc_lru
#undef kmem_cache_alloc_bulk
#undef kmem_cache_free
#undef kmem_cache_free_bulk
#define KMEM_CACHE(type, flags)						\
	mal_dropin_cache_create(#type, sizeof(struct type),		\
				__alignof__(struct type), (flags), NULL)
#define KMEM_CACHE_USERCOPY(type, flags, field)				\
	mal_dropin_cache_create_usercopy(#type, sizeof(struct type),	\
					 __alignof__(struct type), (flags), \
					 offsetof(struct type, field),	\
					 sizeof_field(struct type, field), NULL)
/*
 * With struct kmem_cache_args and flags; or alignment, flags, constructor. See
 * historic.h for a third form.
 */
#define kmem_cache_create(name, size, ...)				\
	CONCATENATE(MAL_DROPIN_CREATE_,					\
		    COUNT_ARGS(__VA_ARGS__))(name, size, __VA_ARGS__)
#define MAL_DROPIN_CREATE_2	mal_dropin_cache_create_args
#define MAL_DROPIN_CREATE_3	mal_dropin_cache_create
#define kmem_cache_create_usercopy mal_dropin_cache_create_usercopy
#define kmem_cache_destroy	mal_dropin_cache_destroy
#define kmem_cache_shrink	mal_dropin_cache_shrink
#define kmem_cache_size		mal_dropin_cache_size
#define kmem_cache_alloc	mal_dropin_cache_alloc
#define kmem_cache_zalloc	mal_dropin_cache_zalloc
#define kmem_cache_alloc_node	mal_dropin_cache_alloc_node
#define kmem_cache_alloc_lru	mal_dropin_cache_alloc_lru
#define kmem_cache_alloc_bulk	mal_dropin_cache_alloc_bulk
#define kmem_cache_free		mal_dropin_cache_free
#define kmem_cache_free_bulk	mal_dropin_cache_free_bulk

/* An inline function of the host that takes a cache of the file system. */
#undef alloc_inode_sb
#define alloc_inode_sb(sb, cache, gfp)					\
	mal_dropin_cache_alloc_lru(cache, &(sb)->s_inode_lru, gfp)

/*
 * Pages
 */

#undef alloc_pages
#undef alloc_pages_node
#undef alloc_page
#undef __get_free_pages
#undef __get_free_page
#undef __get_dma_pages
#undef get_zeroed_page
#undef alloc_pages_exact
#undef alloc_pages_exact_nid
#undef alloc_pages_bulk
#undef alloc_pages_bulk_array
#undef alloc_pages_bulk_node
#undef alloc_pages_bulk_array_node
#undef alloc_pages_bulk_mempolicy
#undef __alloc_pages_node
#undef alloc_page_vma
#undef free_pages_bulk
#undef free_pages_exact
#undef free_pages
#undef free_page
#undef __free_pages
#undef __free_page
#undef bio_free_pages
#undef split_page
#undef put_page
#define alloc_pages(gfp, order)	mal_dropin_alloc_pages(gfp, order)
#define alloc_pages_node(nid, gfp, order)				\
	mal_dropin_alloc_pages_node(nid, gfp, order)
#define alloc_page(gfp)		mal_alloc_page(gfp)
#define __get_free_pages	mal_dropin_get_free_pages
#define __get_free_page(gfp)	mal_get_free_pages(gfp, 0)
#define __get_dma_pages(gfp, order)					\
	mal_dropin_get_free_pages((gfp) | GFP_DMA, order)
#define get_zeroed_page		mal_get_zeroed_page
#define alloc_pages_exact	mal_alloc_pages_exact
#define alloc_pages_exact_nid	mal_alloc_pages_exact_node
#define alloc_pages_bulk(gfp, nr, pages)				\
	mal_alloc_pages_bulk(gfp, nr, pages)
#define alloc_pages_bulk_array(gfp, nr, pages)				\
	mal_alloc_pages_bulk(gfp, nr, pages)
/* The node is a preference; we use the local one. */
#define alloc_pages_bulk_node(gfp, nid, nr, pages)			\
	((void)(nid), mal_alloc_pages_bulk(gfp, nr, pages))
#define alloc_pages_bulk_array_node(gfp, nid, nr, pages)		\
	((void)(nid), mal_alloc_pages_bulk(gfp, nr, pages))
#define alloc_pages_bulk_mempolicy(gfp, nr, pages)			\
	mal_alloc_pages_bulk(gfp, nr, pages)
#define __alloc_pages_node(nid, gfp, order)				\
	mal_dropin_alloc_pages_node(nid, gfp, order)
#define alloc_page_vma(gfp, vma, addr)					\
	((void)(vma), (void)(addr), mal_alloc_page(gfp))
#define free_pages_bulk(pages, nr) mal_dropin_free_pages_bulk(pages, nr)
#define free_pages_exact	mal_dropin_free_pages_exact
#define free_pages(addr, order)	mal_dropin_put_free_pages(addr, order)
#define free_page(addr)		mal_dropin_put_free_pages((unsigned long)(addr), 0)
#define __free_pages		mal_dropin_free_pages
#define __free_page(page)	mal_dropin_free_pages(page, 0)
#define bio_free_pages(bio)	mal_dropin_bio_free_pages(bio)
#define split_page		mal_split_page
#define put_page(page)		mal_put_page(page)

/*
 * References: memalloc/page_ref.h
 */

#undef page_ref_count
#undef page_count
#undef set_page_count
#undef init_page_count
#undef page_ref_sub_return
#undef page_ref_sub_and_test
#undef page_ref_inc_return
#undef page_ref_dec_return
#undef page_ref_dec_and_test
#undef page_ref_add_unless
#undef page_ref_add_unless_zero
#undef page_ref_freeze
#undef page_ref_unfreeze
#undef put_page_testzero
#undef get_page_unless_zero
#undef __page_frag_cache_drain
#define page_ref_count(page)	mal_page_ref_count(page)
#define page_count(page)	mal_page_count(page)
#define set_page_count(page, count) mal_set_page_count(page, count)
#define init_page_count(page)	mal_set_page_count(page, 1)
#define page_ref_sub_return(page, nr) mal_page_ref_sub_return(page, nr)
#define page_ref_sub_and_test(page, nr) mal_page_ref_sub_and_test(page, nr)
#define page_ref_inc_return(page) mal_page_ref_inc_return(page)
#define page_ref_dec_return(page) mal_page_ref_sub_return(page, 1)
#define page_ref_dec_and_test(page) mal_page_ref_sub_and_test(page, 1)
#define page_ref_add_unless(page, nr, unless) mal_page_ref_add_unless(page, nr, unless)
#define page_ref_add_unless_zero(page, nr) mal_page_ref_add_unless(page, nr, 0)
#define page_ref_freeze(page, count) mal_page_ref_freeze(page, count)
#define page_ref_unfreeze(page, count) mal_page_ref_unfreeze(page, count)
#define put_page_testzero(page)	mal_page_ref_sub_and_test(page, 1)
#define get_page_unless_zero(page) mal_page_ref_add_unless(page, 1, 0)
#define __page_frag_cache_drain(page, count) mal_page_frag_cache_drain(page, count)
/*
 * page_ref_add(), _sub(), _inc(), _dec(), get_page() and try_get_page() do not
 * examine the count.
 */

#undef folio_ref_count
#undef folio_set_count
#undef folio_ref_sub_return
#undef folio_ref_sub_and_test
#undef folio_ref_inc_return
#undef folio_ref_dec_return
#undef folio_ref_dec_and_test
#undef folio_ref_add_unless
#undef folio_ref_add_unless_zero
#undef folio_try_get
#undef folio_ref_freeze
#undef folio_ref_unfreeze
#undef folio_put_testzero
#undef folio_put_refs
#undef folio_put
#define folio_ref_count(folio)	mal_page_ref_count(&(folio)->page)
#define folio_set_count(folio, count) mal_set_page_count(&(folio)->page, count)
#define folio_ref_sub_return(folio, nr) mal_page_ref_sub_return(&(folio)->page, nr)
#define folio_ref_sub_and_test(folio, nr) mal_page_ref_sub_and_test(&(folio)->page, nr)
#define folio_ref_inc_return(folio) mal_page_ref_inc_return(&(folio)->page)
#define folio_ref_dec_return(folio) mal_page_ref_sub_return(&(folio)->page, 1)
#define folio_ref_dec_and_test(folio) mal_page_ref_sub_and_test(&(folio)->page, 1)
#define folio_ref_add_unless(folio, nr, unless)				\
	mal_page_ref_add_unless(&(folio)->page, nr, unless)
#define folio_ref_add_unless_zero(folio, nr)				\
	mal_page_ref_add_unless(&(folio)->page, nr, 0)
#define folio_try_get(folio)	mal_page_ref_add_unless(&(folio)->page, 1, 0)
#define folio_ref_freeze(folio, count) mal_page_ref_freeze(&(folio)->page, count)
#define folio_ref_unfreeze(folio, count) mal_page_ref_unfreeze(&(folio)->page, count)
#define folio_put_testzero(folio) mal_page_ref_sub_and_test(&(folio)->page, 1)
#define folio_put_refs(folio, nr) mal_put_folio_refs(folio, nr)
#define folio_put(folio)	mal_put_folio(folio)

/*
 * Areas
 */

#undef vmalloc
#undef vzalloc
#undef vmalloc_node
#undef vzalloc_node
#undef vmalloc_user
#undef vmalloc_32
#undef vmalloc_32_user
#undef vmalloc_huge
#undef vmalloc_huge_node
#undef __vmalloc
#undef __vmalloc_node
#undef vmalloc_array
#undef __vmalloc_array
#undef vcalloc
#undef __vcalloc
#undef vrealloc
#undef vrealloc_node
#undef vfree
#undef vfree_atomic
#undef remap_vmalloc_range
#undef remap_vmalloc_range_partial
#undef vmap
#undef vunmap
#undef vm_map_ram
#undef vm_unmap_ram
#define vmalloc			mal_vmalloc
#define vzalloc			mal_vzalloc
#define vmalloc_node		mal_vmalloc_node
#define vzalloc_node		mal_vzalloc_node
#define vmalloc_user		mal_vmalloc_user
#define vmalloc_32		mal_vmalloc_32
#define vmalloc_32_user		mal_vmalloc_32_user
#define vmalloc_huge		mal_vmalloc_huge
#define vmalloc_huge_node(size, gfp, nid)				\
	__mal_vmalloc_node(size, PAGE_SIZE, gfp, nid, NULL)
#define __vmalloc		__mal_vmalloc
#define __vmalloc_node		__mal_vmalloc_node
#define vmalloc_array		mal_vmalloc_array
#define __vmalloc_array		__mal_vmalloc_array
#define vcalloc			mal_vcalloc
#define __vcalloc		__mal_vcalloc
#define vrealloc		MAL_DROPIN(vrealloc)
#define vrealloc_node(address, size, gfp, nid)				\
	((void)(nid), MAL_DROPIN(vrealloc)(address, size, gfp))
#define vfree			MAL_DROPIN(vfree)
#define vfree_atomic		mal_vfree_atomic
/*
 * The host's is_vmalloc_addr(), vmalloc_to_page() and vmalloc_to_pfn() know our
 * areas.
 */
#define remap_vmalloc_range	mal_remap_vmalloc_range
#define remap_vmalloc_range_partial mal_remap_vmalloc_range_partial
#define vmap(pages, count, flags, prot) mal_vmap(pages, count, flags, prot)
#define vunmap(address)		MAL_DROPIN(vunmap)(address)
#define vm_map_ram		mal_vm_map_ram
#define vm_unmap_ram		mal_vm_unmap_ram

#undef kvmalloc
#undef kvzalloc
#undef kvmalloc_node
#undef kvzalloc_node
#undef kvmalloc_array
#undef kvcalloc
#undef kvmalloc_array_node
#undef kvcalloc_node
#undef kvrealloc
#undef kvrealloc_node
#undef kvfree
#undef kvfree_atomic
#undef kvfree_sensitive
#define kvmalloc		mal_kvmalloc
#define kvzalloc		mal_kvzalloc
#define kvmalloc_node		mal_kvmalloc_node
#define kvzalloc_node		mal_kvzalloc_node
#define kvmalloc_array		mal_kvmalloc_array
#define kvcalloc		mal_kvcalloc
#define kvmalloc_array_node	mal_kvmalloc_array_node
#define kvcalloc_node		mal_kvcalloc_node
/* Up to Linux 6.11 the old size is passed as well. */
#define kvrealloc(...)							\
	CONCATENATE(MAL_DROPIN_KVREALLOC_,				\
		    COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define MAL_DROPIN_KVREALLOC_3(address, size, gfp)			\
	MAL_DROPIN_KVREALLOC_4(address, 0, size, gfp)
#ifdef MAL_DROPIN_STRICT
#define MAL_DROPIN_KVREALLOC_4(address, old, size, gfp)			\
	((void)(old), mal_kvrealloc(address, size, gfp))
#else
#define MAL_DROPIN_KVREALLOC_4	mal_mixed_kvrealloc
#endif
#define kvrealloc_node(address, size, gfp, nid)				\
	((void)(nid), MAL_DROPIN_KVREALLOC_3(address, size, gfp))
#define kvfree			MAL_DROPIN(kvfree)
#define kvfree_atomic		MAL_DROPIN(kvfree_atomic)
#define kvfree_sensitive	MAL_DROPIN(kvfree_sensitive)

/* The host frees the area when it has been read. */
#undef dev_coredumpv
#define dev_coredumpv		mal_dev_coredumpv

/*
 * Mempools
 */

#undef mempool_init
#undef mempool_init_node
#undef mempool_exit
#undef mempool_create
#undef mempool_create_node
#undef mempool_resize
#undef mempool_destroy
#undef mempool_alloc
#undef mempool_alloc_preallocated
#undef mempool_alloc_bulk
#undef mempool_free
#undef mempool_free_bulk
#undef mempool_create_slab_pool
#undef mempool_init_slab_pool
#undef mempool_create_kmalloc_pool
#undef mempool_init_kmalloc_pool
#undef mempool_create_page_pool
#undef mempool_init_page_pool
#define mempool_init(pool, min_nr, alloc, free, data)			\
	mal_dropin_mempool_init_node(pool, min_nr, alloc, free, data,	\
				     GFP_KERNEL, NUMA_NO_NODE)
#define mempool_init_node	mal_dropin_mempool_init_node
#define mempool_exit		mal_dropin_mempool_exit
#define mempool_create(min_nr, alloc, free, data)			\
	mal_dropin_mempool_create_node(min_nr, alloc, free, data,	\
				       GFP_KERNEL, NUMA_NO_NODE)
#define mempool_create_node	mal_dropin_mempool_create_node
#define mempool_resize		mal_dropin_mempool_resize
#define mempool_destroy		mal_dropin_mempool_destroy
#define mempool_alloc		mal_dropin_mempool_alloc
#define mempool_alloc_preallocated mal_dropin_mempool_alloc_preallocated
#define mempool_alloc_bulk	mal_dropin_mempool_alloc_bulk
#define mempool_free		mal_dropin_mempool_free
#define mempool_free_bulk	mal_dropin_mempool_free_bulk
#define mempool_is_saturated	mal_dropin_mempool_is_saturated
#define mempool_alloc_slab	mal_mempool_alloc_slab
#define mempool_free_slab	mal_mempool_free_slab
#define mempool_kmalloc		mal_mempool_kmalloc
#define mempool_kfree		mal_mempool_kfree
#define mempool_alloc_pages	mal_mempool_alloc_pages
#define mempool_free_pages	mal_mempool_free_pages
#define mempool_create_slab_pool(min_nr, cache)				\
	mempool_create(min_nr, mempool_alloc_slab, mempool_free_slab, cache)
#define mempool_init_slab_pool(pool, min_nr, cache)			\
	mempool_init(pool, min_nr, mempool_alloc_slab, mempool_free_slab, cache)
#define mempool_create_kmalloc_pool(min_nr, size)			\
	mempool_create(min_nr, mempool_kmalloc, mempool_kfree,		\
		       (void *)(unsigned long)(size))
#define mempool_init_kmalloc_pool(pool, min_nr, size)			\
	mempool_init(pool, min_nr, mempool_kmalloc, mempool_kfree,	\
		     (void *)(unsigned long)(size))
#define mempool_create_page_pool(min_nr, order)				\
	mempool_create(min_nr, mempool_alloc_pages, mempool_free_pages,	\
		       (void *)(long)(order))
#define mempool_init_page_pool(pool, min_nr, order)			\
	mempool_init(pool, min_nr, mempool_alloc_pages,			\
		     mempool_free_pages, (void *)(long)(order))

/*
 * Per-CPU areas
 */

#undef __alloc_percpu
#undef __alloc_percpu_gfp
#undef alloc_percpu
#undef alloc_percpu_gfp
#undef free_percpu
#define __alloc_percpu		__mal_alloc_percpu
#define __alloc_percpu_gfp	__mal_alloc_percpu_gfp
#define alloc_percpu		mal_alloc_percpu
#define alloc_percpu_gfp	mal_alloc_percpu_gfp
#define free_percpu		MAL_DROPIN(free_percpu)

/*
 * Names that are not supported cause a compiler error that contains the name,
 * because they are not declared. The host's functions would mistake our memory
 * for theirs, or return memory that is not ours.
 *
 * The functions that take no lock in any context ("nolock") are among them: our
 * slow paths, which refill or drain a list, take locks.
 */

#undef krealloc_node_align
#undef kvmalloc_node_align
#undef kvrealloc_node_align
#undef vrealloc_node_align
#undef kmalloc_nolock
#undef kfree_nolock
#undef alloc_pages_nolock
#undef free_pages_nolock
#undef alloc_pages_bulk_list
#undef kmem_buckets_create
#undef kmem_buckets_alloc
#undef kmem_buckets_alloc_track_caller
#undef kmem_buckets_alloc_node_track_caller
#undef kmem_buckets_valloc
#undef kmem_cache_charge
#undef kmem_cache_prefill_sheaf
#undef kmem_cache_refill_sheaf
#undef kmem_cache_return_sheaf
#undef kmem_cache_alloc_from_sheaf
#undef kmem_cache_sheaf_size
#undef kmem_dump_obj
#define krealloc_node_align	memalloc_has_no_krealloc_node_align
#define kvmalloc_node_align	memalloc_has_no_kvmalloc_node_align
#define kvrealloc_node_align	memalloc_has_no_kvrealloc_node_align
#define vrealloc_node_align	memalloc_has_no_vrealloc_node_align
#define kmalloc_nolock		memalloc_has_no_kmalloc_nolock
#define kfree_nolock		memalloc_has_no_kfree_nolock
#define alloc_pages_nolock	memalloc_has_no_alloc_pages_nolock
#define free_pages_nolock	memalloc_has_no_free_pages_nolock
#define alloc_pages_bulk_list	memalloc_has_no_alloc_pages_bulk_list
#define kmem_buckets_create	memalloc_has_no_kmem_buckets_create
#define kmem_buckets_alloc	memalloc_has_no_kmem_buckets_alloc
#define kmem_buckets_alloc_track_caller					\
	memalloc_has_no_kmem_buckets_alloc_track_caller
#define kmem_buckets_alloc_node_track_caller				\
	memalloc_has_no_kmem_buckets_alloc_node_track_caller
#define kmem_buckets_valloc	memalloc_has_no_kmem_buckets_valloc
#define kmem_cache_charge	memalloc_has_no_kmem_cache_charge
#define kmem_cache_prefill_sheaf memalloc_has_no_kmem_cache_prefill_sheaf
#define kmem_cache_refill_sheaf	memalloc_has_no_kmem_cache_refill_sheaf
#define kmem_cache_return_sheaf	memalloc_has_no_kmem_cache_return_sheaf
#define kmem_cache_alloc_from_sheaf memalloc_has_no_kmem_cache_alloc_from_sheaf
#define kmem_cache_sheaf_size	memalloc_has_no_kmem_cache_sheaf_size
#define kmem_dump_obj		memalloc_has_no_kmem_dump_obj

/*
 * The namespace of our symbols. MODULE_IMPORT_NS() takes a name or a string,
 * depending on the kernel.
 */
#ifdef MODULE
MODULE_INFO(import_ns, "MEMALLOC");
#endif

#endif /* _MEMALLOC_DROPIN_H */
