/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/mixed.h: free memory of ours or of the host
 *
 * For code that meets memory of both allocators under the same names, which is
 * every driver that dropin.h moves: another subsystem allocated a string, and
 * the driver frees it. A function here frees memory of ours as the function in
 * the other headers does, and at its cost. It passes other memory to the host's
 * function of that name, and counts it for the caller's code address: see
 * "[host_frees]" in /proc/memalloc.
 *
 * An address that is neither is reported and not freed, as far as the host's
 * struct page shows it.
 */
#ifndef _MEMALLOC_MIXED_H
#define _MEMALLOC_MIXED_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct device;
struct page;

void mal_mixed_kfree(const void *object);
void mal_mixed_kfree_sensitive(const void *object);
void mal_mixed_kfree_const(const void *string);
void mal_mixed_kfree_bulk(size_t nr, void **objects);
void mal_mixed_kfree_link(void *object);
void *mal_mixed_krealloc(const void *object, size_t new_size, gfp_t gfp)
	__must_check __realloc_size(2);
size_t mal_mixed_ksize(const void *object);

void mal_mixed_kvfree(const void *address);
void mal_mixed_kvfree_atomic(const void *address);
void mal_mixed_kvfree_sensitive(const void *address, size_t length);
void *mal_mixed_kvrealloc(const void *address, size_t old_size, size_t size,
			  gfp_t gfp) __must_check __realloc_size(3);
void mal_mixed_kvfree_call_rcu(struct rcu_head *head, void *address);
void mal_mixed_kvfree_rcu_mightsleep(const void *address);
void mal_mixed_kfree_rcu_barrier(void);

void mal_mixed_vfree(const void *address);
void mal_mixed_vunmap(const void *address);
void *mal_mixed_vrealloc(const void *address, size_t size, gfp_t gfp)
	__must_check __realloc_size(2);

void mal_mixed_free_pages(struct page *page, unsigned int order);
void mal_mixed_put_free_pages(unsigned long addr, unsigned int order);
void mal_mixed_free_percpu(void __percpu *area);

void *mal_mixed_devm_krealloc(struct device *dev, void *object, size_t size,
			      gfp_t gfp) __must_check;
void mal_mixed_devm_kfree(struct device *dev, const void *object);

void mal_dev_coredumpv(struct device *dev, void *data, size_t length, gfp_t gfp);

/**
 * mal_mixed_kvfree_rcu() - free memory of either allocator after a grace period
 * @object: pointer to a structure, or NULL
 * @field: a struct rcu_head in it, less than a page from its beginning
 *
 * Context: any but NMI.
 */
#define mal_mixed_kvfree_rcu(object, field)				\
do {									\
	typeof(object) ___object = (object);				\
									\
	BUILD_BUG_ON(offsetof(typeof(*___object), field) >= PAGE_SIZE);	\
	if (___object)							\
		mal_mixed_kvfree_call_rcu(&___object->field, ___object); \
} while (0)

#endif /* _MEMALLOC_MIXED_H */
