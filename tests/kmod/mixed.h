/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mixed.h: memory of the host
 */
#ifndef _MIXED_H
#define _MIXED_H

#include <linux/compiler.h>
#include <linux/mempool.h>
#include <linux/types.h>

struct kmem_cache;
struct page;

void *host_kmalloc(size_t size, gfp_t gfp);
struct page *host_alloc_page(gfp_t gfp);
void *host_alloc_pages_exact(size_t size, gfp_t gfp);
void *host_vmalloc(unsigned long size);
const char *host_kstrdup_const(const char *text, gfp_t gfp);
void __percpu *host_alloc_percpu(size_t size);
mempool_t *host_mempool_create(int min_nr, size_t size);
void *host_mempool_alloc(mempool_t *pool);
void host_mempool_free(void *element, mempool_t *pool);
struct kmem_cache *host_cache_create(const char *name, unsigned int size);

#endif /* _MIXED_H */
