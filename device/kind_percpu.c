// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU areas: handles for per-CPU memory
 *
 * User space sees them as a contiguous range of bytes with a part for each
 * possible CPU, in the order of CPU numbers:
 *
 *	offset   0              size           2 * size
 *	         | first CPU's  | second CPU's | third CPU's ...
 *
 * The bytes of one CPU are therefore read, filled and verified like any other
 * part of a range. They exist whether the CPU is online or not.
 *
 * Accesses to another CPU's bytes are remote, as with per_cpu_ptr(). User space
 * must coordinate concurrent writes.
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include <memalloc/percpu.h>
#include <uapi/linux/memalloc.h>

#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/node.h"
#include "internal/percpu.h"

static int mal_kind_percpu_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	u64 align = arg->align ?: sizeof(u64);

	if (arg->order || arg->count || !arg->bytes ||
	    arg->bytes > MAL_PERCPU_MAX_SIZE || !is_power_of_2(align) ||
	    align > PAGE_SIZE ||
	    arg->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			MEMALLOC_GFP_THISNODE))
		return -EINVAL;
	request->bytes = arg->bytes * num_possible_cpus();
	request->charged = round_up(arg->bytes, align) * num_possible_cpus();
	return 0;
}

static int mal_kind_percpu_alloc(struct mal_handle *obj,
				 const struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	gfp_t gfp = request->gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_ZERO);

	obj->each = arg->bytes;
	obj->percpu = mal_alloc_percpu_nospec(arg->bytes, arg->align ?: sizeof(u64),
					      gfp);
	return obj->percpu ? 0 : -ENOMEM;
}

static void mal_kind_percpu_release(struct mal_handle *obj)
{
	mal_free_percpu(obj->percpu);
}

/* The numbers of possible CPUs may have gaps. */
static unsigned int mal_kind_percpu_nth_cpu(u64 n)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (!n--)
			break;
	return cpu;
}

static void *mal_kind_percpu_map(struct mal_handle *obj, u64 offset,
				 size_t *len)
{
	u32 within;
	u64 nth = div_u64_rem(offset, obj->each, &within);

	*len = min_t(size_t, *len, obj->each - within);
	return per_cpu_ptr(obj->percpu, mal_kind_percpu_nth_cpu(nth)) + within;
}

/* The pages belong to the host, like the chunks. */
static void mal_kind_percpu_info(struct mal_handle *obj, u64 offset,
				 struct memalloc_info *info)
{
	size_t len = 1;
	void *address = mal_kind_percpu_map(obj, offset, &len);
	struct page *page = is_vmalloc_addr(address) ? vmalloc_to_page(address) :
						       virt_to_page(address);

	info->out_count = num_possible_cpus();
	info->out_node = page_to_nid(page);
	info->out_zone = mal_zone_types[page_zonenum(page)];
	if (info->flags & MEMALLOC_INFO_PHYS)
		info->out_phys = page_to_phys(page) + offset_in_page(address);
}

const struct mal_kind mal_kind_percpu = {
	.id = MEMALLOC_KIND_PERCPU,
	.aligned = true,
	.size = mal_kind_percpu_size,
	.alloc = mal_kind_percpu_alloc,
	.release = mal_kind_percpu_release,
	.map = mal_kind_percpu_map,
	.info = mal_kind_percpu_info,
};
