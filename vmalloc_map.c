// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping of a caller's pages: vmap() and vm_map_ram()
 *
 * The pages, ours or not, stay the caller's, and so are never cached. Who maps
 * with mal_vmap() is noted, so that unmapping twice, or what is not such a
 * mapping, is reported, and leaks are. vm_map_ram() is for those to whom nothing
 * is fast enough, and is the host's just as it is.
 *
 * Context: task; sleeps.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/vmalloc.h>

#include <memalloc/vmalloc_area.h>

#include "internal/area.h"
#include "internal/area_cache.h"
#include "internal/compat.h"
#include "internal/inject.h"

/**
 * mal_vmap() - map pages at contiguous addresses
 * @pages: the pages
 * @count: how many, at least one
 * @flags: VM_MAP and others that the host's vmap() takes, without
 *	VM_MAP_PUT_PAGES: the pages stay the caller's
 * @prot: how to map them
 *
 * Context: task; sleeps.
 * Return: the address, to be unmapped with mal_vunmap(), or NULL.
 */
void *mal_vmap(struct page **pages, unsigned int count, unsigned long flags,
	       pgprot_t prot)
{
	struct mal_area *area;

	might_sleep();
	if (!count || flags & VM_MAP_PUT_PAGES)
		return NULL;
	area = mal_area_create_map(pages, count, flags, prot, _RET_IP_);
	return area ? area->address : NULL;
}
MAL_EXPORT(mal_vmap);

/**
 * mal_vunmap() - undo mal_vmap()
 * @address: what it returned, or NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: task; sleeps.
 */
void mal_vunmap(const void *address)
{
	struct mal_area *area;

	might_sleep();
	if (!address)
		return;
	area = mal_area_claim(address, MAL_AREA_MAPPED, MAL_AREA_FREE);
	if (!area)
		mal_area_report(address, _RET_IP_);
	else if (unlikely(in_interrupt()))
		mal_area_cache_defer(area);
	else
		mal_area_destroy(area);
}
MAL_EXPORT(mal_vunmap);

/**
 * mal_vm_map_ram() - map pages for a short time
 * @pages: the pages; they stay the caller's
 * @count: how many
 * @node: where to prefer what the mapping needs, or NUMA_NO_NODE
 *
 * Context: task; sleeps.
 * Return: the address, or NULL.
 */
void *mal_vm_map_ram(struct page **pages, unsigned int count, int node)
{
	if (mal_inject_should_fail())
		return NULL;
	return vm_map_ram(pages, count, node);
}
MAL_EXPORT(mal_vm_map_ram);

/**
 * mal_vm_unmap_ram() - undo mal_vm_map_ram()
 * @address: what it returned
 * @count: as it was told
 *
 * Context: task; sleeps.
 */
void mal_vm_unmap_ram(const void *address, unsigned int count)
{
	vm_unmap_ram(address, count);
}
MAL_EXPORT(mal_vm_unmap_ram);
