/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h: tracepoints, equivalent to those of the host's allocators
 *
 * memalloc:mal_NAME has the fields of kmem:NAME in Linux 6.1, in the same
 * order. A bulk allocation or free is traced for each object or page. Memory
 * that a layer allocates from the one below it is traced there as well. A free
 * that is misuse is reported, not traced. A free of NULL is not traced.
 *
 * An enabled tracepoint diverts its callers to the slow path: see instrument.h.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM memalloc

#if !defined(_MAL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MAL_TRACE_H

#include <linux/mm.h>
#include <linux/tracepoint.h>
#include <linux/types.h>
#include <trace/events/mmflags.h>

#include "internal/compat.h"
#include "internal/slab.h"

int mal_trace_register(void);
void mal_trace_unregister(void);

TRACE_EVENT_FN(mal_kmem_cache_alloc,

	TP_PROTO(unsigned long call_site, const void *ptr,
		 const struct mal_kmem_cache *cache, gfp_t gfp_flags, int node),

	TP_ARGS(call_site, ptr, cache, gfp_flags, node),

	TP_STRUCT__entry(
		__field(unsigned long, call_site)
		__field(const void *, ptr)
		__field(size_t, bytes_req)
		__field(size_t, bytes_alloc)
		__field(unsigned long, gfp_flags)
		__field(int, node)
		__field(bool, accounted)
	),

	TP_fast_assign(
		__entry->call_site = call_site;
		__entry->ptr = ptr;
		__entry->bytes_req = cache->object_size;
		__entry->bytes_alloc = cache->size;
		__entry->gfp_flags = (__force unsigned long)gfp_flags;
		__entry->node = node;
		__entry->accounted = false;
	),

	TP_printk("call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d accounted=%s",
		  (void *)__entry->call_site, __entry->ptr,
		  __entry->bytes_req, __entry->bytes_alloc,
		  show_gfp_flags(__entry->gfp_flags), __entry->node,
		  __entry->accounted ? "true" : "false"),

	mal_trace_register, mal_trace_unregister
);

TRACE_EVENT_FN(mal_kmalloc,

	TP_PROTO(unsigned long call_site, const void *ptr, size_t bytes_req,
		 size_t bytes_alloc, gfp_t gfp_flags, int node),

	TP_ARGS(call_site, ptr, bytes_req, bytes_alloc, gfp_flags, node),

	TP_STRUCT__entry(
		__field(unsigned long, call_site)
		__field(const void *, ptr)
		__field(size_t, bytes_req)
		__field(size_t, bytes_alloc)
		__field(unsigned long, gfp_flags)
		__field(int, node)
	),

	TP_fast_assign(
		__entry->call_site = call_site;
		__entry->ptr = ptr;
		__entry->bytes_req = bytes_req;
		__entry->bytes_alloc = bytes_alloc;
		__entry->gfp_flags = (__force unsigned long)gfp_flags;
		__entry->node = node;
	),

	/* Memory of this module is not charged to memory cgroups. */
	TP_printk("call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d accounted=false",
		  (void *)__entry->call_site, __entry->ptr,
		  __entry->bytes_req, __entry->bytes_alloc,
		  show_gfp_flags(__entry->gfp_flags), __entry->node),

	mal_trace_register, mal_trace_unregister
);

TRACE_EVENT_FN(mal_kfree,

	TP_PROTO(unsigned long call_site, const void *ptr),

	TP_ARGS(call_site, ptr),

	TP_STRUCT__entry(
		__field(unsigned long, call_site)
		__field(const void *, ptr)
	),

	TP_fast_assign(
		__entry->call_site = call_site;
		__entry->ptr = ptr;
	),

	TP_printk("call_site=%pS ptr=%p", (void *)__entry->call_site,
		  __entry->ptr),

	mal_trace_register, mal_trace_unregister
);

TRACE_EVENT_FN(mal_kmem_cache_free,

	TP_PROTO(unsigned long call_site, const void *ptr,
		 const struct mal_kmem_cache *cache),

	TP_ARGS(call_site, ptr, cache),

	TP_STRUCT__entry(
		__field(unsigned long, call_site)
		__field(const void *, ptr)
		__string(name, cache->name)
	),

	TP_fast_assign(
		__entry->call_site = call_site;
		__entry->ptr = ptr;
		mal_assign_str(name, cache->name);
	),

	TP_printk("call_site=%pS ptr=%p name=%s", (void *)__entry->call_site,
		  __entry->ptr, __get_str(name)),

	mal_trace_register, mal_trace_unregister
);

TRACE_EVENT_FN(mal_mm_page_alloc,

	TP_PROTO(const struct page *page, unsigned int order, gfp_t gfp_flags,
		 int migratetype),

	TP_ARGS(page, order, gfp_flags, migratetype),

	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, order)
		__field(unsigned long, gfp_flags)
		__field(int, migratetype)
	),

	TP_fast_assign(
		__entry->pfn = page ? page_to_pfn(page) : -1UL;
		__entry->order = order;
		__entry->gfp_flags = (__force unsigned long)gfp_flags;
		__entry->migratetype = migratetype;
	),

	TP_printk("page=%p pfn=0x%lx order=%d migratetype=%d gfp_flags=%s",
		  __entry->pfn != -1UL ? pfn_to_page(__entry->pfn) : NULL,
		  __entry->pfn != -1UL ? __entry->pfn : 0,
		  __entry->order, __entry->migratetype,
		  show_gfp_flags(__entry->gfp_flags)),

	mal_trace_register, mal_trace_unregister
);

TRACE_EVENT_FN(mal_mm_page_free,

	TP_PROTO(const struct page *page, unsigned int order),

	TP_ARGS(page, order),

	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, order)
	),

	TP_fast_assign(
		__entry->pfn = page_to_pfn(page);
		__entry->order = order;
	),

	TP_printk("page=%p pfn=0x%lx order=%d", pfn_to_page(__entry->pfn),
		  __entry->pfn, __entry->order),

	mal_trace_register, mal_trace_unregister
);

#endif /* _MAL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH internal
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
