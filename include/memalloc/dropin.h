/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/dropin.h: move a module onto our heap without changing its source
 *
 *	ccflags-y += -I/path/to/memalloc/include -include memalloc/dropin.h
 *
 * From here on the kernel's names of what allocates and frees memory mean ours:
 * functions, types, constants, and __free(kfree). What the kernel's headers do
 * inline they must go on doing with the host's memory, because the host's code
 * does the other half of it. So those that allocate or free inline are included
 * first, and the names are changed after them. Of headers of rarer subsystems, see
 * docs/api.md.
 *
 * What cannot be redirected, because the host frees it, or has allocated it: the
 * data of an skb that a driver makes of a buffer of its own (build_skb()), a bio and
 * what it frees, firmware, the names of devices, what a callback of some
 * subsystem is given to free. Folios and compound pages remain the host's, too:
 * their functions are not touched.
 *
 * A pointer of the host's that comes to one of our functions is reported, at run
 * time, and not freed: "report: foreign_free by ...". A pointer of ours that comes
 * to the host's kfree() is a warning of the host, and "report: lost_reference" of
 * ours. A module that has pointers of both kinds defines MAL_DROPIN_MIXED:
 *
 *	ccflags-y += -DMAL_DROPIN_MIXED
 *
 * Then what is not ours is handed to the host's function of that name, for each
 * of kfree(), kfree_sensitive(), kfree_const(), krealloc(), ksize(), kvfree(),
 * vfree(), __free_pages() and free_pages().
 *
 * Names that are also those of members of the kernel's structures (vmap, vunmap,
 * alloc_pages, free_pages, free_page, put_page) are changed only where they are
 * called. What else has a member of a name changed here is for the compiler
 * to notice; #undef helps.
 */
#ifndef _MEMALLOC_DROPIN_H
#define _MEMALLOC_DROPIN_H

/* Host's headers that allocate or free inline, or declare what is renamed. */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/acpi.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
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
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/ptr_ring.h>
#include <linux/rcupdate.h>
#include <linux/sbitmap.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spi/spi.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/textsearch.h>
#include <linux/usb.h>
#include <linux/vmalloc.h>

#include <memalloc/devm.h>
#include <memalloc/kmalloc.h>
#include <memalloc/kstring.h>
#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/vmalloc_area.h>
#include <memalloc/mempool.h>
#include <memalloc/percpu.h>

/*
 * What frees
 */

#ifdef MAL_DROPIN_MIXED

static inline void mal_mixed_kfree(const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		mal_kfree(object);
	else
		kfree(object);
}

static inline void mal_mixed_kfree_sensitive(const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		mal_kfree_sensitive(object);
	else
		kfree_sensitive(object);
}

static inline void mal_mixed_kfree_const(const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		mal_kfree_const(object);
	else
		kfree_const(object);
}

static inline void *__must_check
mal_mixed_krealloc(const void *object, size_t size, gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		return mal_krealloc(object, size, gfp);
	return krealloc(object, size, gfp);
}

static inline size_t mal_mixed_ksize(const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		return mal_ksize(object);
	return ksize(object);
}

static inline void mal_mixed_free_pages(struct page *page, unsigned int order)
{
	if (!page || mal_owns_page(page))
		mal_free_pages(page, order);
	else
		__free_pages(page, order);
}

static inline void mal_mixed_put_free_pages(unsigned long addr,
					    unsigned int order)
{
	if (!addr || mal_owns((void *)addr))
		mal_put_free_pages(addr, order);
	else
		free_pages(addr, order);
}

static inline void mal_mixed_vfree(const void *address)
{
	if (!address || is_mal_vmalloc_addr(address))
		mal_vfree(address);
	else
		vfree(address);
}

static inline void mal_mixed_kvfree(const void *address)
{
	if (ZERO_OR_NULL_PTR(address) || mal_owns(address) ||
	    is_mal_vmalloc_addr(address))
		mal_kvfree(address);
	else
		kvfree(address);
}

#define MAL_DROPIN(name)	mal_mixed_##name
#else
#define MAL_DROPIN(name)	mal_##name
#endif /* MAL_DROPIN_MIXED */

/* __free(kfree) frees at the end of a scope. */
#ifdef DEFINE_FREE
#ifdef MAL_DROPIN_MIXED
DEFINE_FREE(mal_mixed_kfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_mixed_kfree(_T))
DEFINE_FREE(mal_mixed_kfree_sensitive, void *,
	    if (!IS_ERR_OR_NULL(_T)) mal_mixed_kfree_sensitive(_T))
DEFINE_FREE(mal_mixed_kvfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_mixed_kvfree(_T))
DEFINE_FREE(mal_mixed_vfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_mixed_vfree(_T))
#else
DEFINE_FREE(mal_kfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_kfree(_T))
DEFINE_FREE(mal_kfree_sensitive, void *,
	    if (!IS_ERR_OR_NULL(_T)) mal_kfree_sensitive(_T))
DEFINE_FREE(mal_kvfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_kvfree(_T))
DEFINE_FREE(mal_vfree, void *, if (!IS_ERR_OR_NULL(_T)) mal_vfree(_T))
#endif
/* One level more, so that the new name gets into it. */
#define MAL_DROPIN_FREE(name)	__cleanup(__free_##name)
#undef __free
#define __free(name)		MAL_DROPIN_FREE(name)
#endif /* DEFINE_FREE */

#undef kfree
#undef kfree_sensitive
#undef kfree_const
#undef kfree_bulk
#undef krealloc
#undef krealloc_node
#undef krealloc_node_align
#undef kfree_nolock
#undef ksize
#define kfree			MAL_DROPIN(kfree)
#define kfree_sensitive		MAL_DROPIN(kfree_sensitive)
#define kfree_const		MAL_DROPIN(kfree_const)
#define kfree_bulk		mal_kfree_bulk
#define krealloc		MAL_DROPIN(krealloc)
/* The node is a preference. */
#define krealloc_node(object, size, gfp, nid)				\
	((void)(nid), MAL_DROPIN(krealloc)(object, size, gfp))
/* Ours work in any context. */
#define kfree_nolock(object)	MAL_DROPIN(kfree)(object)
#define ksize			MAL_DROPIN(ksize)

/* Up to Linux 6.2 kfree_rcu() has one argument or two; see _mightsleep(). */
#undef kfree_rcu
#undef kvfree_rcu
#undef kfree_rcu_mightsleep
#undef kvfree_rcu_mightsleep
#undef kvfree_rcu_barrier
#define kfree_rcu(...)							\
	CONCATENATE(MAL_DROPIN_RCU_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define kvfree_rcu(...)		kfree_rcu(__VA_ARGS__)
#define kfree_rcu_mightsleep(object)	MAL_DROPIN_RCU_1(object)
#define kvfree_rcu_mightsleep(object)	MAL_DROPIN_RCU_1(object)
#define kvfree_rcu_barrier	mal_kfree_rcu_barrier
#define MAL_DROPIN_RCU_1(object)	mal_kvfree_rcu_mightsleep(object)
#define MAL_DROPIN_RCU_2(object, field)	mal_kvfree_rcu(object, field)

/*
 * kmalloc
 */

#undef kmalloc
#undef kzalloc
#undef kmalloc_node
#undef kzalloc_node
#undef kmalloc_array
#undef kcalloc
#undef kmalloc_nolock
#undef kmalloc_array_node
#undef kcalloc_node
#undef krealloc_array
#undef kmalloc_track_caller
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
#define kmalloc_nolock(size, gfp, nid)					\
	mal_kmalloc_node(size, ((gfp) & ~__GFP_RECLAIM) | __GFP_NOWARN, nid)
#define kmalloc_array_node	mal_kmalloc_array_node
#define kcalloc_node		mal_kcalloc_node
#define krealloc_array		mal_krealloc_array
#define kmalloc_track_caller	mal_kmalloc
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
#define devm_krealloc		mal_devm_krealloc
#define devm_krealloc_array	mal_devm_krealloc_array
#define devm_kfree		mal_devm_kfree
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
#define kmem_cache		mal_kmem_cache
#define kmem_cache_args		mal_kmem_cache_args
#define KMEM_CACHE(type, flags)	MAL_KMEM_CACHE(type, flags)
#define KMEM_CACHE_USERCOPY(type, flags, field)				\
	mal_kmem_cache_create_usercopy(#type, sizeof(struct type),	\
				       __alignof__(struct type), (flags), \
				       offsetof(struct type, field),	\
				       sizeof_field(struct type, field), NULL)
/* With struct kmem_cache_args and flags; or alignment, flags, constructor. */
#define kmem_cache_create(name, size, ...)				\
	CONCATENATE(MAL_DROPIN_CREATE_,					\
		    COUNT_ARGS(__VA_ARGS__))(name, size, __VA_ARGS__)
#define MAL_DROPIN_CREATE_2	mal_kmem_cache_create_args
#define MAL_DROPIN_CREATE_3	mal_kmem_cache_create
#define kmem_cache_create_usercopy mal_kmem_cache_create_usercopy
#define kmem_cache_destroy	mal_kmem_cache_destroy
#define kmem_cache_shrink	mal_kmem_cache_shrink
#define kmem_cache_size		mal_kmem_cache_size
#define kmem_cache_alloc	mal_kmem_cache_alloc
#define kmem_cache_zalloc	mal_kmem_cache_zalloc
#define kmem_cache_alloc_node	mal_kmem_cache_alloc_node
#define kmem_cache_alloc_lru(cache, lru, gfp)				\
	((void)(lru), mal_kmem_cache_alloc(cache, gfp))
#define kmem_cache_alloc_bulk	mal_kmem_cache_alloc_bulk
#define kmem_cache_free		mal_kmem_cache_free
#define kmem_cache_free_bulk	mal_kmem_cache_free_bulk

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
#undef alloc_pages_nolock
#undef free_pages_nolock
#undef free_pages_bulk
#undef free_pages_exact
#undef free_pages
#undef free_page
#undef __free_pages
#undef __free_page
#undef split_page
#undef put_page
#define alloc_pages(gfp, order)	mal_alloc_pages(gfp, order)
#define alloc_pages_node(nid, gfp, order) mal_alloc_pages_node(nid, gfp, order)
#define alloc_page(gfp)		mal_alloc_page(gfp)
#define __get_free_pages	mal_get_free_pages
#define __get_free_page(gfp)	mal_get_free_pages(gfp, 0)
#define __get_dma_pages(gfp, order) mal_get_free_pages((gfp) | GFP_DMA, order)
#define get_zeroed_page		mal_get_zeroed_page
#define alloc_pages_exact	mal_alloc_pages_exact
#define alloc_pages_exact_nid	mal_alloc_pages_exact_node
#define alloc_pages_bulk(gfp, nr, pages)				\
	mal_alloc_pages_bulk(gfp, nr, pages)
#define alloc_pages_bulk_array(gfp, nr, pages)				\
	mal_alloc_pages_bulk(gfp, nr, pages)
/* The node is a preference, and the own one is ours. */
#define alloc_pages_bulk_node(gfp, nid, nr, pages)			\
	((void)(nid), mal_alloc_pages_bulk(gfp, nr, pages))
#define alloc_pages_bulk_array_node(gfp, nid, nr, pages)		\
	((void)(nid), mal_alloc_pages_bulk(gfp, nr, pages))
#define alloc_pages_bulk_mempolicy(gfp, nr, pages)			\
	mal_alloc_pages_bulk(gfp, nr, pages)
#define __alloc_pages_node(nid, gfp, order) mal_alloc_pages_node(nid, gfp, order)
#define alloc_page_vma(gfp, vma, addr)					\
	((void)(vma), (void)(addr), mal_alloc_page(gfp))
#define alloc_pages_nolock(gfp, nid, order)				\
	mal_alloc_pages_node(nid, (gfp) | __GFP_NOWARN, order)
#define free_pages_nolock(page, order)	MAL_DROPIN(free_pages)(page, order)
#define free_pages_bulk(pages, nr)	mal_free_pages_bulk(nr, pages)
#define free_pages_exact	mal_free_pages_exact
#define free_pages(addr, order)	MAL_DROPIN(put_free_pages)(addr, order)
#define free_page(addr)		MAL_DROPIN(put_free_pages)((unsigned long)(addr), 0)
#define __free_pages		MAL_DROPIN(free_pages)
#define __free_page(page)	MAL_DROPIN(free_pages)(page, 0)
#define split_page		mal_split_page
#define put_page(page)		mal_put_page(page)

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
#undef vrealloc_node_align
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
#define vrealloc		mal_vrealloc
#define vrealloc_node(address, size, gfp, nid)				\
	((void)(nid), mal_vrealloc(address, size, gfp))
#define vfree			MAL_DROPIN(vfree)
#define vfree_atomic		mal_vfree_atomic
/* is_vmalloc_addr(), vmalloc_to_page() and vmalloc_to_pfn() of the host know ours. */
#define remap_vmalloc_range	mal_remap_vmalloc_range
#define remap_vmalloc_range_partial mal_remap_vmalloc_range_partial
#define vmap(pages, count, flags, prot) mal_vmap(pages, count, flags, prot)
#define vunmap(address)		mal_vunmap(address)
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
#undef kvmalloc_node_align
#undef kvrealloc
#undef kvrealloc_node
#undef kvrealloc_node_align
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
/* Up to Linux 6.11 the old size is told, too. */
#define kvrealloc(...)							\
	CONCATENATE(MAL_DROPIN_KVREALLOC_,				\
		    COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__)
#define MAL_DROPIN_KVREALLOC_3	mal_kvrealloc
#define MAL_DROPIN_KVREALLOC_4(address, old, size, gfp)			\
	((void)(old), mal_kvrealloc(address, size, gfp))
#define kvrealloc_node(address, size, gfp, nid)				\
	((void)(nid), mal_kvrealloc(address, size, gfp))
#define kvfree			MAL_DROPIN(kvfree)
#define kvfree_atomic		mal_kvfree_atomic
#define kvfree_sensitive	mal_kvfree_sensitive

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
#undef mempool_alloc_bulk
#undef mempool_create_slab_pool
#undef mempool_init_slab_pool
#undef mempool_create_kmalloc_pool
#undef mempool_init_kmalloc_pool
#undef mempool_create_page_pool
#undef mempool_init_page_pool
#define mempool_t		mal_mempool_t
#define mempool_s		mal_mempool
#define mempool_alloc_t		mal_mempool_alloc_t
#define mempool_free_t		mal_mempool_free_t
#define mempool_init		mal_mempool_init
#define mempool_init_node	mal_mempool_init_node
#define mempool_exit		mal_mempool_exit
#define mempool_create		mal_mempool_create
#define mempool_create_node	mal_mempool_create_node
#define mempool_resize		mal_mempool_resize
#define mempool_destroy		mal_mempool_destroy
#define mempool_alloc		mal_mempool_alloc
#define mempool_alloc_preallocated mal_mempool_alloc_preallocated
#define mempool_alloc_bulk	mal_mempool_alloc_bulk
#define mempool_free		mal_mempool_free
#define mempool_free_bulk	mal_mempool_free_bulk
#define mempool_initialized	mal_mempool_initialized
#define mempool_is_saturated	mal_mempool_is_saturated
#define mempool_alloc_slab	mal_mempool_alloc_slab
#define mempool_free_slab	mal_mempool_free_slab
#define mempool_kmalloc		mal_mempool_kmalloc
#define mempool_kfree		mal_mempool_kfree
#define mempool_alloc_pages	mal_mempool_alloc_pages
#define mempool_free_pages	mal_mempool_free_pages
#define mempool_create_slab_pool mal_mempool_create_slab_pool
#define mempool_init_slab_pool	mal_mempool_init_slab_pool
#define mempool_create_kmalloc_pool mal_mempool_create_kmalloc_pool
#define mempool_init_kmalloc_pool mal_mempool_init_kmalloc_pool
#define mempool_create_page_pool mal_mempool_create_page_pool
#define mempool_init_page_pool	mal_mempool_init_page_pool

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
#define free_percpu		mal_free_percpu

/*
 * What there is none of is for the compiler to say: these are not declared. The
 * host's would take memory of ours for their own, or make some that is not ours.
 */
#define krealloc_node_align	mal_krealloc_node_align
#define kvmalloc_node_align	mal_kvmalloc_node_align
#define kvrealloc_node_align	mal_kvrealloc_node_align
#define vrealloc_node_align	mal_vrealloc_node_align

#endif /* _MEMALLOC_DROPIN_H */
