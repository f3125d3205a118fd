// SPDX-License-Identifier: GPL-2.0
/*
 * The host's memory, as other subsystems hand it to a driver
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mixed.h"

/**
 * host_kmalloc() - the host's kmalloc()
 * @size: bytes
 * @gfp: as it
 *
 * Context: as it.
 * Return: the host's memory, or NULL.
 */
void *host_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}

/**
 * host_alloc_page() - the host's alloc_page()
 * @gfp: as it
 *
 * Context: as it.
 * Return: the host's page, or NULL.
 */
struct page *host_alloc_page(gfp_t gfp)
{
	return alloc_page(gfp);
}

/**
 * host_vmalloc() - the host's vmalloc()
 * @size: bytes
 *
 * Context: task; sleeps.
 * Return: the host's memory, or NULL.
 */
void *host_vmalloc(unsigned long size)
{
	return vmalloc(size);
}
