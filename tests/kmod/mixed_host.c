// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the host, as other subsystems pass it to a driver
 */
#include <linux/gfp.h>
#include <linux/mempool.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "mixed.h"

/**
 * host_kmalloc() - call the host's kmalloc()
 * @size: size in bytes
 * @gfp: flags
 *
 * Context: as @gfp allows.
 * Return: the host's memory, or NULL.
 */
void *host_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}

/**
 * host_alloc_page() - call the host's alloc_page()
 * @gfp: flags
 *
 * Context: as @gfp allows.
 * Return: the host's page, or NULL.
 */
struct page *host_alloc_page(gfp_t gfp)
{
	return alloc_page(gfp);
}

/**
 * host_vmalloc() - call the host's vmalloc()
 * @size: size in bytes
 *
 * Context: task; sleeps.
 * Return: the host's memory, or NULL.
 */
void *host_vmalloc(unsigned long size)
{
	return vmalloc(size);
}

/**
 * host_cache_create() - call the host's kmem_cache_create()
 * @name: name of the cache
 * @size: size of the objects in bytes
 *
 * Context: task; sleeps.
 * Return: a cache of the host, or NULL.
 */
struct kmem_cache *host_cache_create(const char *name, unsigned int size)
{
	return kmem_cache_create(name, size, 0, 0, NULL);
}

/**
 * host_alloc_pages_exact() - call the host's alloc_pages_exact()
 * @size: size in bytes
 * @gfp: flags
 *
 * Context: as @gfp allows.
 * Return: the address of pages of the host, or NULL.
 */
void *host_alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_pages_exact(size, gfp);
}

/**
 * host_kstrdup_const() - call the host's kstrdup_const()
 * @text: the string
 * @gfp: flags
 *
 * Context: as @gfp allows.
 * Return: a string of the host, or NULL.
 */
const char *host_kstrdup_const(const char *text, gfp_t gfp)
{
	return kstrdup_const(text, gfp);
}

/**
 * host_alloc_percpu() - call the host's __alloc_percpu()
 * @size: size in bytes
 *
 * Context: task; sleeps.
 * Return: per-CPU memory of the host, or NULL.
 */
void __percpu *host_alloc_percpu(size_t size)
{
	return __alloc_percpu(size, 8);
}

/**
 * host_mempool_create() - call the host's mempool_create_kmalloc_pool()
 * @min_nr: guaranteed number of elements
 * @size: size of the elements in bytes
 *
 * Context: task; sleeps.
 * Return: a pool of the host, or NULL.
 */
mempool_t *host_mempool_create(int min_nr, size_t size)
{
	return mempool_create_kmalloc_pool(min_nr, size);
}

/**
 * host_mempool_alloc() - call the host's mempool_alloc()
 * @pool: a pool
 *
 * Context: task; sleeps.
 * Return: an element.
 */
void *host_mempool_alloc(mempool_t *pool)
{
	return mempool_alloc(pool, GFP_KERNEL);
}

/**
 * host_mempool_free() - call the host's mempool_free()
 * @element: an element of the pool
 * @pool: the pool
 *
 * Context: any.
 */
void host_mempool_free(void *element, mempool_t *pool)
{
	mempool_free(element, pool);
}
