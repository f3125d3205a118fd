// SPDX-License-Identifier: GPL-2.0
/*
 * Names of the values of <linux/memalloc.h>
 */
#include <memalloc.h>

#define NR(array) (sizeof(array) / sizeof(*(array)))

const char *memalloc_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[0] = "unknown",
		[MEMALLOC_KIND_PAGES] = "pages",
		[MEMALLOC_KIND_CACHE] = "cache",
		[MEMALLOC_KIND_OBJECT] = "object",
		[MEMALLOC_KIND_KMALLOC] = "kmalloc",
		[MEMALLOC_KIND_MEMPOOL] = "mempool",
		[MEMALLOC_KIND_ELEMENT] = "element",
		[MEMALLOC_KIND_PERCPU] = "percpu",
		[MEMALLOC_KIND_AREA] = "area",
	};

	return names[kind < NR(names) ? kind : 0];
}

const char *memalloc_zone_name(uint32_t zone)
{
	static const char *const names[] = {
		[MEMALLOC_ZONE_DMA] = "DMA",
		[MEMALLOC_ZONE_DMA32] = "DMA32",
		[MEMALLOC_ZONE_NORMAL] = "Normal",
	};

	return zone < NR(names) ? names[zone] : "unknown";
}

const char *memalloc_backend_name(uint32_t backend)
{
	static const char *const names[] = {
		[MEMALLOC_MEMPOOL_OTHER] = "other",
		[MEMALLOC_MEMPOOL_PAGES] = "pages",
		[MEMALLOC_MEMPOOL_KMALLOC] = "kmalloc",
		[MEMALLOC_MEMPOOL_CACHE] = "cache",
	};

	return backend < NR(names) ? names[backend] : "unknown";
}
