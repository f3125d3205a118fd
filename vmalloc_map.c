// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping of a caller's pages: vmap() and vm_map_ram()
 *
 * The pages, ours or not, remain the caller's, so these mappings are never
 * cached. mal_vmap() records each mapping. A double unmap, an unmap of anything
 * else and leaks are therefore reported. mal_vm_map_ram() is meant for speed
 * and calls the host directly.
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
 * @count: number of pages, at least one
 * @flags: VM_MAP and other flags of the host's vmap(), except
 *	VM_MAP_PUT_PAGES: the caller keeps its references
 * @prot: page protection
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
 * @address: address from mal_vmap(), or NULL
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
 * @pages: the pages; the caller keeps its references
 * @count: number of pages
 * @node: node to prefer for metadata of the mapping, or NUMA_NO_NODE
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
 * @address: address from mal_vm_map_ram()
 * @count: the count passed to mal_vm_map_ram()
 *
 * Context: task; sleeps.
 */
void mal_vm_unmap_ram(const void *address, unsigned int count)
{
	vm_unmap_ram(address, count);
}
MAL_EXPORT(mal_vm_unmap_ram);
