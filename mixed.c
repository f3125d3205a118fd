// SPDX-License-Identifier: GPL-2.0
/*
 * Mixed: free memory of ours or of the host by one function
 *
 * A driver that dropin.h has moved knows one name for each function, and memory
 * of two allocators: its own, and what a subsystem of the host allocated for
 * it. Each function here asks the allocator's own records which of the two an
 * address belongs to. The fast paths are those of mal_kfree(), mal_vfree() and
 * mal_free_pages(): an address that is not ours is found out where a wrong free
 * is, so memory of ours costs nothing more. The other functions look up the
 * owner first.
 *
 * Memory that was ours stays ours until its block returns to the host, although
 * it is free. So a double free of it is reported here and does not reach the
 * host. After the block has returned, it is the host's memory, and the free is
 * the host's to judge.
 *
 * An address that is not ours either belongs to the host's allocator, or to
 * nobody. The host's kfree() frees the page of any address outside of its
 * slabs. So the page is examined first: memory of the host's kmalloc is in a
 * slab or in a compound page. An area of the host is mapped. Any other address
 * is reported, and not freed. Constants (kfree_const()), pages and per-CPU
 * areas are passed on without such a check, since the host checks as much.
 *
 * A request to free or to resize that is passed on is counted for the caller's
 * code address (debug/host_free.c). It is no mistake.
 *
 * Locking: none here.
 *
 * Context: that of our function and of the host's. Either may run.
 */
#include <linux/devcoredump.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/devm.h>
#include <memalloc/kmalloc.h>
#include <memalloc/kvmalloc.h>
#include <memalloc/mixed.h>
#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>
#include <memalloc/percpu.h>
#include <memalloc/vmalloc_area.h>

#include "internal/area.h"
#include "internal/compat.h"
#include "internal/devm.h"
#include "internal/host_free.h"
#include "internal/instrument.h"
#include "internal/kmalloc.h"
#include "internal/page_alloc.h"
#include "internal/pcp.h"
#include "internal/percpu_chunk.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"
#include "internal/vmalloc_area.h"

/*
 * Bytes
 */

/* SLOB, which Linux 6.4 removed, also uses pages that are not compound. */
static bool mal_may_be_host_kmalloc(const void *object)
{
	struct page *page;

	if (!virt_addr_valid(object))
		return false;
	page = virt_to_head_page(object);
	return PageSlab(page) || PageCompound(page) || IS_ENABLED(CONFIG_SLOB);
}

/*
 * Is this memory of the host's kmalloc()? Reports an address that cannot be.
 */
static bool mal_host_kmalloc(const void *object, unsigned long caller)
{
	if (!mal_may_be_host_kmalloc(object)) {
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "an object neither of this allocator nor of the host's");
		return false;
	}
	mal_host_free_count(caller);
	return true;
}

/* Free an address that is in no slab of ours. */
static noinline void mal_mixed_kfree_slow(const void *object, unsigned long caller)
{
	if (ZERO_OR_NULL_PTR(object))
		return;
	if (mal_owns(object))
		mal_large_free(object, caller);
	else if (mal_host_kmalloc(object, caller))
		kfree(object);
}

/* Inlined into the functions of the API, so _RET_IP_ is the caller. */
static __always_inline void mal_mixed_kfree_here(const void *object)
{
	struct mal_slab *slab;
	unsigned long here;

	preempt_disable();
	here = mal_cpu_here();
	if (likely(mal_slab_find(object, &slab))) {
		mal_object_free_by_slab(slab, here, (void *)object);
		return;
	}
	preempt_enable();
	mal_mixed_kfree_slow(object, _RET_IP_);
}

/**
 * mal_mixed_kfree() - free memory of either allocator
 * @object: memory from mal_kmalloc(), from the host's kmalloc(), or NULL
 *
 * Context: any; for memory of the host, any but NMI.
 */
void mal_mixed_kfree(const void *object)
{
	mal_mixed_kfree_here(object);
}
MAL_EXPORT(mal_mixed_kfree);

/**
 * mal_mixed_kfree_sensitive() - zero memory of either allocator, and free it
 * @object: as for mal_mixed_kfree()
 *
 * Context: as for mal_mixed_kfree().
 */
void mal_mixed_kfree_sensitive(const void *object)
{
	if (ZERO_OR_NULL_PTR(object))
		return;
	if (mal_owns(object))
		mal_kfree_sensitive(object);
	else if (mal_host_kmalloc(object, _RET_IP_))
		kfree_sensitive(object);
}
MAL_EXPORT(mal_mixed_kfree_sensitive);

/**
 * mal_mixed_kfree_const() - free a string that may be a constant
 * @string: string of mal_kstrdup_const(), of the host's kstrdup_const(), or
 *	NULL
 *
 * Context: as for mal_mixed_kfree().
 */
void mal_mixed_kfree_const(const void *string)
{
	if (ZERO_OR_NULL_PTR(string))
		return;
	if (mal_owns(string)) {
		mal_mixed_kfree_here(string);
		return;
	}
	mal_host_free_count(_RET_IP_);
	kfree_const(string);
}
MAL_EXPORT(mal_mixed_kfree_const);

/**
 * mal_mixed_kfree_bulk() - free many objects
 * @nr: number of objects
 * @objects: as for mal_mixed_kfree(), but not NULL
 *
 * Context: as for mal_mixed_kfree().
 */
void mal_mixed_kfree_bulk(size_t nr, void **objects)
{
	size_t from = 0, run;

	while (from < nr) {
		run = 0;
		while (from + run < nr && mal_owns(objects[from + run]))
			run++;
		if (run)
			mal_kfree_bulk(run, objects + from);
		else
			mal_mixed_kfree_slow(objects[from + run++], _RET_IP_);
		from += run;
	}
}
MAL_EXPORT(mal_mixed_kfree_bulk);

/**
 * mal_mixed_kfree_link() - free the target of a symbolic link
 * @object: as for mal_mixed_kfree()
 *
 * Equivalent of the host's kfree_link(), which file systems pass to
 * set_delayed_call().
 *
 * Context: as for mal_mixed_kfree().
 */
void mal_mixed_kfree_link(void *object)
{
	mal_mixed_kfree_here(object);
}
MAL_EXPORT(mal_mixed_kfree_link);

/**
 * mal_mixed_krealloc() - change the size of memory
 * @object: as for mal_mixed_kfree()
 * @new_size: as for mal_krealloc()
 * @gfp: as for mal_krealloc()
 *
 * Memory stays with its allocator.
 *
 * Context: as for mal_krealloc().
 * Return: as for mal_krealloc().
 */
void *mal_mixed_krealloc(const void *object, size_t new_size, gfp_t gfp)
{
	if (likely(ZERO_OR_NULL_PTR(object) || mal_owns(object)))
		return mal_krealloc_caller(object, new_size, gfp, _RET_IP_);
	if (!mal_host_kmalloc(object, _RET_IP_))
		return NULL;
	return krealloc(object, new_size, gfp);
}
MAL_EXPORT(mal_mixed_krealloc);

/**
 * mal_mixed_ksize() - usable size of memory of either allocator
 * @object: as for mal_mixed_kfree()
 *
 * Context: any.
 * Return: bytes; zero for an address that belongs to neither allocator, and as
 * for mal_ksize().
 */
size_t mal_mixed_ksize(const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		return mal_ksize(object);
	return mal_may_be_host_kmalloc(object) ? ksize(object) : 0;
}
MAL_EXPORT(mal_mixed_ksize);

/*
 * Areas
 */

/* Is this an area of the host? */
static bool mal_host_area(const void *address, unsigned long caller)
{
	if (!mal_area_is_hosts(address))
		return false;
	mal_host_free_count(caller);
	return true;
}

/* Free an address that is no allocated area of ours. */
static noinline void mal_mixed_vfree_slow(const void *address, unsigned long caller)
{
	if (mal_host_area(address, caller))
		vfree(address);
	else if (address)
		mal_area_report(address, caller);
}

/* Inlined into the functions of the API, so _RET_IP_ is the caller. */
static __always_inline void mal_mixed_vfree_here(const void *address)
{
	if (unlikely(!address || !mal_vfree_try(address)))
		mal_mixed_vfree_slow(address, _RET_IP_);
}

/**
 * mal_mixed_vfree() - free an area of either allocator
 * @address: memory from mal_vmalloc(), from the host's vmalloc(), or NULL
 *
 * Context: any; for an area of the host, any but NMI. Sleeps in task context.
 */
void mal_mixed_vfree(const void *address)
{
	mal_mixed_vfree_here(address);
}
MAL_EXPORT(mal_mixed_vfree);

/**
 * mal_mixed_vunmap() - remove a mapping of pages
 * @address: result of mal_vmap() or of the host's vmap(), or NULL
 *
 * Context: task; sleeps.
 */
void mal_mixed_vunmap(const void *address)
{
	if (unlikely(address && mal_host_area(address, _RET_IP_)))
		vunmap(address);
	else
		mal_vunmap(address);
}
MAL_EXPORT(mal_mixed_vunmap);

/**
 * mal_mixed_vrealloc() - change the size of an area of either allocator
 * @address: as for mal_mixed_vfree()
 * @size: as for mal_vrealloc()
 * @gfp: as for mal_vrealloc()
 *
 * Memory stays with its allocator.
 *
 * Context: as for mal_vrealloc().
 * Return: as for mal_vrealloc(); NULL for an area of the host if the host has
 * no vrealloc().
 */
void *mal_mixed_vrealloc(const void *address, size_t size, gfp_t gfp)
{
	if (unlikely(address && mal_host_area(address, _RET_IP_)))
		return mal_host_vrealloc(address, size, gfp);
	if (!size) {
		mal_mixed_vfree_here(address);
		return NULL;
	}
	return mal_vrealloc_caller(address, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_mixed_vrealloc);

/*
 * Bytes or areas
 */

static __always_inline void mal_mixed_kvfree_here(const void *address)
{
	if (is_vmalloc_addr(address))
		mal_mixed_vfree_here(address);
	else
		mal_mixed_kfree_here(address);
}

/**
 * mal_mixed_kvfree() - free memory of either allocator
 * @address: memory of kvmalloc(), kmalloc() or vmalloc() of either, or NULL
 *
 * Context: any but NMI; in task context, freeing an area sleeps.
 */
void mal_mixed_kvfree(const void *address)
{
	mal_mixed_kvfree_here(address);
}
MAL_EXPORT(mal_mixed_kvfree);

/**
 * mal_mixed_kvfree_atomic() - mal_mixed_kvfree() that does not sleep
 * @address: as for mal_mixed_kvfree(); an area of the host only if the host has
 *	kvfree_atomic()
 *
 * Context: any but NMI.
 */
void mal_mixed_kvfree_atomic(const void *address)
{
	if (!is_vmalloc_addr(address))
		mal_mixed_kfree_here(address);
	else if (unlikely(mal_host_area(address, _RET_IP_)))
		mal_host_kvfree_atomic(address);
	else
		mal_vfree_atomic(address);
}
MAL_EXPORT(mal_mixed_kvfree_atomic);

/**
 * mal_mixed_kvfree_sensitive() - zero memory of either allocator, and free it
 * @address: as for mal_mixed_kvfree()
 * @length: number of bytes to zero
 *
 * Context: as for mal_mixed_kvfree().
 */
void mal_mixed_kvfree_sensitive(const void *address, size_t length)
{
	if (unlikely(ZERO_OR_NULL_PTR(address)))
		return;
	memzero_explicit((void *)address, length);
	mal_mixed_kvfree_here(address);
}
MAL_EXPORT(mal_mixed_kvfree_sensitive);

/**
 * mal_mixed_kvrealloc() - change the size of memory of either allocator
 * @address: as for mal_mixed_kvfree()
 * @old_size: size of the memory; the host's kvrealloc() needs it up to Linux
 *	6.11
 * @size: as for mal_kvrealloc()
 * @gfp: as for mal_kvrealloc()
 *
 * Memory stays with its allocator.
 *
 * Context: as for mal_kvrealloc().
 * Return: as for mal_kvrealloc().
 */
void *mal_mixed_kvrealloc(const void *address, size_t old_size, size_t size,
			  gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(address) ||
	    (is_vmalloc_addr(address) ? !mal_host_area(address, _RET_IP_) :
					mal_owns(address)))
		return mal_kvrealloc_caller(address, size, gfp, _RET_IP_);
	if (!is_vmalloc_addr(address) && !mal_host_kmalloc(address, _RET_IP_))
		return NULL;
	return mal_host_kvrealloc(address, old_size, size, gfp);
}
MAL_EXPORT(mal_mixed_kvrealloc);

/* Is this memory of the host, of kmalloc() or vmalloc()? */
static bool mal_host_kvmalloc(const void *address, unsigned long caller)
{
	if (is_vmalloc_addr(address))
		return mal_host_area(address, caller);
	if (mal_owns(address) || !mal_may_be_host_kmalloc(address))
		return false;
	mal_host_free_count(caller);
	return true;
}

/**
 * mal_mixed_kvfree_call_rcu() - free memory after a grace period
 * @head: in the memory, less than a page from its beginning
 * @address: the memory, of either allocator
 *
 * Context: any but NMI.
 */
void mal_mixed_kvfree_call_rcu(struct rcu_head *head, void *address)
{
	if (unlikely(mal_host_kvmalloc(address, _RET_IP_)))
		mal_host_kvfree_call_rcu(head, address);
	else
		mal_kvfree_call_rcu(head, address);
}
MAL_EXPORT(mal_mixed_kvfree_call_rcu);

/**
 * mal_mixed_kvfree_rcu_mightsleep() - free memory after a grace period
 * @address: the memory, of either allocator, or NULL
 *
 * Context: task; sleeps.
 */
void mal_mixed_kvfree_rcu_mightsleep(const void *address)
{
	if (unlikely(!ZERO_OR_NULL_PTR(address) && mal_host_kvmalloc(address, _RET_IP_)))
		kfree_rcu_mightsleep((void *)address);
	else
		mal_kvfree_rcu_mightsleep(address);
}
MAL_EXPORT(mal_mixed_kvfree_rcu_mightsleep);

/**
 * mal_mixed_kfree_rcu_barrier() - wait for frees after a grace period
 *
 * Waits for those of both allocators that were requested before the call.
 *
 * Context: task; sleeps.
 */
void mal_mixed_kfree_rcu_barrier(void)
{
	mal_kfree_rcu_barrier();
	mal_host_kvfree_rcu_barrier();
}
MAL_EXPORT(mal_mixed_kfree_rcu_barrier);

/*
 * Pages
 */

static noinline void mal_mixed_free_pages_slow(struct page *page, unsigned int order,
					       unsigned long caller)
{
	if (mal_owns_page(page)) {
		mal_free_pages_slow(page, order, caller);
		return;
	}
	/* The driver's own compound pages are the host's, see dropin.h. */
	if (!PageCompound(page))
		mal_host_free_count(caller);
	__free_pages(page, order);
}

/**
 * mal_mixed_free_pages() - free a block of either allocator
 * @page: its first page, or NULL
 * @order: the order it was allocated with
 *
 * Context: any; for pages of the host, any but NMI.
 */
void mal_mixed_free_pages(struct page *page, unsigned int order)
{
	if (unlikely(!page))
		return;
	if (unlikely(!mal_pcp_free_fast(page, order, MAL_PAGE_REFS)))
		mal_mixed_free_pages_slow(page, order, _RET_IP_);
}
MAL_EXPORT(mal_mixed_free_pages);

/**
 * mal_mixed_put_free_pages() - free a block of either allocator, by address
 * @addr: address of the block, or 0
 * @order: the order it was allocated with
 *
 * Context: as for mal_mixed_free_pages().
 */
void mal_mixed_put_free_pages(unsigned long addr, unsigned int order)
{
	struct page *page;

	if (unlikely(!addr))
		return;
	page = virt_to_page((void *)addr);
	if (unlikely(!mal_pcp_free_fast(page, order, MAL_PAGE_REFS)))
		mal_mixed_free_pages_slow(page, order, _RET_IP_);
}
MAL_EXPORT(mal_mixed_put_free_pages);

/*
 * Per-CPU memory
 */

/**
 * mal_mixed_free_percpu() - free per-CPU memory of either allocator
 * @area: memory from mal_alloc_percpu(), from the host's alloc_percpu(), or
 *	NULL
 *
 * Context: any; for memory of the host, any but NMI.
 */
void mal_mixed_free_percpu(void __percpu *area)
{
	bool ours;

	if (unlikely(!area))
		return;
	preempt_disable();
	ours = mal_percpu_chunk_find(area);
	preempt_enable();
	if (likely(ours)) {
		mal_free_percpu(area);
		return;
	}
	mal_host_free_count(_RET_IP_);
	free_percpu(area);
}
MAL_EXPORT(mal_mixed_free_percpu);

/*
 * Managed memory
 */

/**
 * mal_mixed_devm_krealloc() - change the size of managed memory
 * @dev: device that the memory belongs to
 * @object: memory from mal_devm_kmalloc(), from the host's devm_kmalloc(), or
 *	NULL
 * @size: as for mal_devm_krealloc()
 * @gfp: as for mal_devm_krealloc()
 *
 * Context: as for mal_devm_krealloc().
 * Return: as for mal_devm_krealloc().
 */
void *mal_mixed_devm_krealloc(struct device *dev, void *object, size_t size,
			      gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object))
		return mal_devm_krealloc_caller(dev, object, size, gfp, _RET_IP_);
	mal_host_free_count(_RET_IP_);
	return devm_krealloc(dev, object, size, gfp);
}
MAL_EXPORT(mal_mixed_devm_krealloc);

/**
 * mal_mixed_devm_kfree() - free managed memory of either allocator
 * @dev: device that the memory belongs to
 * @object: as for mal_mixed_devm_krealloc()
 *
 * Context: any but NMI.
 */
void mal_mixed_devm_kfree(struct device *dev, const void *object)
{
	if (ZERO_OR_NULL_PTR(object) || mal_owns(object)) {
		mal_devm_kfree(dev, object);
		return;
	}
	mal_host_free_count(_RET_IP_);
	devm_kfree(dev, object);
}
MAL_EXPORT(mal_mixed_devm_kfree);

/*
 * Memory that the host frees
 */

static ssize_t mal_coredump_read(char *buffer, loff_t offset, size_t count,
				 void *data, size_t length)
{
	return memory_read_from_buffer(buffer, count, &offset, data, length);
}

static void mal_coredump_free(void *data)
{
	mal_mixed_vfree(data);
}

/**
 * mal_dev_coredumpv() - let user space read what a device's crash has left
 * @dev: the device
 * @data: an area of either allocator; it is freed when it was read, after five
 *	minutes, or at once if there is no memory or @dev has a dump already
 * @length: number of bytes
 * @gfp: allocation flags
 *
 * The host's dev_coredumpv() would free the area by its own vfree(). This
 * module cannot be unloaded while it keeps the area. The area no longer belongs
 * to the caller, and is not reported as a leak of the caller's module.
 *
 * Context: as for the host's dev_coredumpv().
 */
void mal_dev_coredumpv(struct device *dev, void *data, size_t length, gfp_t gfp)
{
	if (data)
		mal_vmalloc_set_caller(data, _THIS_IP_);
	dev_coredumpm(dev, THIS_MODULE, data, length, gfp, mal_coredump_read,
		      mal_coredump_free);
}
MAL_EXPORT(mal_dev_coredumpv);
