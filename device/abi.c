// SPDX-License-Identifier: GPL-2.0
/*
 * ABI: frozen layout of <linux/memalloc.h>
 *
 * Asserts every offset and size that user space was compiled with, for 32 and
 * 64 bits alike. New fields get new lines; existing lines must never change.
 * There is no code.
 */
#include <linux/build_bug.h>
#include <linux/stddef.h>

#include <uapi/linux/memalloc.h>

#define MAL_FIELD(_struct, _field, _offset, _size) \
	static_assert(offsetof(struct _struct, _field) == (_offset) && \
		      sizeof_field(struct _struct, _field) == (_size))

#define MAL_STRUCT(_struct, _size) \
	static_assert(sizeof(struct _struct) == (_size))

MAL_FIELD(memalloc_alloc, size, 0, 4);
MAL_FIELD(memalloc_alloc, kind, 4, 4);
MAL_FIELD(memalloc_alloc, flags, 8, 4);
MAL_FIELD(memalloc_alloc, gfp, 12, 4);
MAL_FIELD(memalloc_alloc, node, 16, 4);
MAL_FIELD(memalloc_alloc, order, 20, 4);
MAL_FIELD(memalloc_alloc, bytes, 24, 8);
MAL_FIELD(memalloc_alloc, parent, 32, 8);
MAL_FIELD(memalloc_alloc, out_handle, 40, 8);
MAL_FIELD(memalloc_alloc, out_bytes, 48, 8);
MAL_FIELD(memalloc_alloc, out_map_offset, 56, 8);
MAL_FIELD(memalloc_alloc, count, 64, 4);
MAL_FIELD(memalloc_alloc, reserved, 68, 4);
MAL_FIELD(memalloc_alloc, align, 72, 8);
MAL_STRUCT(memalloc_alloc, 80);

MAL_FIELD(memalloc_free, size, 0, 4);
MAL_FIELD(memalloc_free, flags, 4, 4);
MAL_FIELD(memalloc_free, handle, 8, 8);
MAL_STRUCT(memalloc_free, 16);

MAL_FIELD(memalloc_io, size, 0, 4);
MAL_FIELD(memalloc_io, flags, 4, 4);
MAL_FIELD(memalloc_io, handle, 8, 8);
MAL_FIELD(memalloc_io, offset, 16, 8);
MAL_FIELD(memalloc_io, length, 24, 8);
MAL_FIELD(memalloc_io, data, 32, 8);
MAL_FIELD(memalloc_io, out_done, 40, 8);
MAL_STRUCT(memalloc_io, 48);

MAL_FIELD(memalloc_pattern_io, size, 0, 4);
MAL_FIELD(memalloc_pattern_io, flags, 4, 4);
MAL_FIELD(memalloc_pattern_io, handle, 8, 8);
MAL_FIELD(memalloc_pattern_io, offset, 16, 8);
MAL_FIELD(memalloc_pattern_io, length, 24, 8);
MAL_FIELD(memalloc_pattern_io, value, 32, 8);
MAL_FIELD(memalloc_pattern_io, pattern, 40, 4);
MAL_FIELD(memalloc_pattern_io, reserved, 44, 4);
MAL_FIELD(memalloc_pattern_io, out_done, 48, 8);
MAL_STRUCT(memalloc_pattern_io, 56);

MAL_FIELD(memalloc_info, size, 0, 4);
MAL_FIELD(memalloc_info, flags, 4, 4);
MAL_FIELD(memalloc_info, handle, 8, 8);
MAL_FIELD(memalloc_info, offset, 16, 8);
MAL_FIELD(memalloc_info, out_kind, 24, 4);
MAL_FIELD(memalloc_info, out_order, 28, 4);
MAL_FIELD(memalloc_info, out_node, 32, 4);
MAL_FIELD(memalloc_info, out_zone, 36, 4);
MAL_FIELD(memalloc_info, out_bytes, 40, 8);
MAL_FIELD(memalloc_info, out_map_offset, 48, 8);
MAL_FIELD(memalloc_info, out_mappings, 56, 8);
MAL_FIELD(memalloc_info, out_phys, 64, 8);
MAL_FIELD(memalloc_info, out_held, 72, 8);
MAL_FIELD(memalloc_info, out_parent, 80, 8);
MAL_FIELD(memalloc_info, out_children, 88, 8);
MAL_FIELD(memalloc_info, out_count, 96, 4);
MAL_FIELD(memalloc_info, out_reserved, 100, 4);
MAL_FIELD(memalloc_info, out_name, 104, 32);
MAL_STRUCT(memalloc_info, 136);

MAL_FIELD(memalloc_stats, size, 0, 4);
MAL_FIELD(memalloc_stats, section, 4, 4);
MAL_FIELD(memalloc_stats, index, 8, 4);
MAL_FIELD(memalloc_stats, length, 12, 4);
MAL_FIELD(memalloc_stats, data, 16, 8);
MAL_FIELD(memalloc_stats, out_length, 24, 4);
MAL_FIELD(memalloc_stats, out_count, 28, 4);
MAL_FIELD(memalloc_stats, handle, 32, 8);
MAL_STRUCT(memalloc_stats, 40);

MAL_FIELD(memalloc_stats_borrowing, page_size, 0, 8);
MAL_FIELD(memalloc_stats_borrowing, borrowed, 8, 8);
MAL_FIELD(memalloc_stats_borrowing, cap, 16, 8);
MAL_FIELD(memalloc_stats_borrowing, reserve, 24, 8);
MAL_FIELD(memalloc_stats_borrowing, peak, 32, 8);
MAL_FIELD(memalloc_stats_borrowing, borrowed_total, 40, 8);
MAL_FIELD(memalloc_stats_borrowing, returned_total, 48, 8);
MAL_FIELD(memalloc_stats_borrowing, free, 56, 8);
MAL_FIELD(memalloc_stats_borrowing, quarantined, 64, 8);
MAL_FIELD(memalloc_stats_borrowing, metadata_bytes, 72, 8);
MAL_FIELD(memalloc_stats_borrowing, refused_cap, 80, 8);
MAL_FIELD(memalloc_stats_borrowing, refused_host, 88, 8);
MAL_FIELD(memalloc_stats_borrowing, lost_total, 96, 8);
MAL_STRUCT(memalloc_stats_borrowing, 104);

MAL_FIELD(memalloc_stats_zone, node, 0, 4);
MAL_FIELD(memalloc_stats_zone, zone, 4, 4);
MAL_FIELD(memalloc_stats_zone, pages, 8, 8);
MAL_FIELD(memalloc_stats_zone, free, 16, 8);
MAL_FIELD(memalloc_stats_zone, free_blocks, 24, 88);
MAL_FIELD(memalloc_stats_zone, pcp_blocks, 112, 88);
MAL_FIELD(memalloc_stats_zone, allocs, 200, 88);
MAL_FIELD(memalloc_stats_zone, frees, 288, 88);
MAL_FIELD(memalloc_stats_zone, failures, 376, 88);
MAL_FIELD(memalloc_stats_zone, watermark_min, 464, 8);
MAL_FIELD(memalloc_stats_zone, watermark_low, 472, 8);
MAL_FIELD(memalloc_stats_zone, watermark_high, 480, 8);
MAL_STRUCT(memalloc_stats_zone, 488);

MAL_FIELD(memalloc_stats_file, handles, 0, 8);
MAL_FIELD(memalloc_stats_file, handles_limit, 8, 8);
MAL_FIELD(memalloc_stats_file, bytes, 16, 8);
MAL_FIELD(memalloc_stats_file, bytes_limit, 24, 8);
MAL_FIELD(memalloc_stats_file, device_bytes, 32, 8);
MAL_FIELD(memalloc_stats_file, device_bytes_limit, 40, 8);
MAL_FIELD(memalloc_stats_file, described_bytes, 48, 8);
MAL_FIELD(memalloc_stats_file, device_described_bytes, 56, 8);
MAL_FIELD(memalloc_stats_file, user_handles, 64, 8);
MAL_FIELD(memalloc_stats_file, user_handles_limit, 72, 8);
MAL_FIELD(memalloc_stats_file, user_bytes, 80, 8);
MAL_FIELD(memalloc_stats_file, user_bytes_limit, 88, 8);
MAL_STRUCT(memalloc_stats_file, 96);

MAL_FIELD(memalloc_stats_reports, double_free, 0, 8);
MAL_FIELD(memalloc_stats_reports, foreign_free, 8, 8);
MAL_FIELD(memalloc_stats_reports, wrong_free, 16, 8);
MAL_FIELD(memalloc_stats_reports, lost_reference, 24, 8);
MAL_FIELD(memalloc_stats_reports, corruption, 32, 8);
MAL_FIELD(memalloc_stats_reports, use_after_free, 40, 8);
MAL_FIELD(memalloc_stats_reports, overflow, 48, 8);
MAL_STRUCT(memalloc_stats_reports, 56);

MAL_FIELD(memalloc_stats_cache, name, 0, 32);
MAL_FIELD(memalloc_stats_cache, flags, 32, 8);
MAL_FIELD(memalloc_stats_cache, object_size, 40, 8);
MAL_FIELD(memalloc_stats_cache, stride, 48, 8);
MAL_FIELD(memalloc_stats_cache, align, 56, 8);
MAL_FIELD(memalloc_stats_cache, useroffset, 64, 8);
MAL_FIELD(memalloc_stats_cache, usersize, 72, 8);
MAL_FIELD(memalloc_stats_cache, slab_objects, 80, 8);
MAL_FIELD(memalloc_stats_cache, slab_pages, 88, 8);
MAL_FIELD(memalloc_stats_cache, sheaf_objects, 96, 8);
MAL_FIELD(memalloc_stats_cache, active, 104, 8);
MAL_FIELD(memalloc_stats_cache, objects, 112, 8);
MAL_FIELD(memalloc_stats_cache, active_slabs, 120, 8);
MAL_FIELD(memalloc_stats_cache, slabs, 128, 8);
MAL_FIELD(memalloc_stats_cache, pages, 136, 8);
MAL_FIELD(memalloc_stats_cache, hits, 144, 8);
MAL_FIELD(memalloc_stats_cache, misses, 152, 8);
MAL_STRUCT(memalloc_stats_cache, 160);

MAL_FIELD(memalloc_stats_class, name, 0, 32);
MAL_FIELD(memalloc_stats_class, dma, 32, 8);
MAL_FIELD(memalloc_stats_class, object_size, 40, 8);
MAL_FIELD(memalloc_stats_class, active, 48, 8);
MAL_FIELD(memalloc_stats_class, objects, 56, 8);
MAL_FIELD(memalloc_stats_class, pages, 64, 8);
MAL_FIELD(memalloc_stats_class, samples, 72, 8);
MAL_FIELD(memalloc_stats_class, sampled_bytes, 80, 8);
MAL_FIELD(memalloc_stats_class, waste_per_mille, 88, 8);
MAL_STRUCT(memalloc_stats_class, 96);

MAL_FIELD(memalloc_validate, size, 0, 4);
MAL_FIELD(memalloc_validate, flags, 4, 4);
MAL_FIELD(memalloc_validate, out_checked, 8, 8);
MAL_FIELD(memalloc_validate, out_errors, 16, 8);
MAL_STRUCT(memalloc_validate, 24);

MAL_FIELD(memalloc_shrink, size, 0, 4);
MAL_FIELD(memalloc_shrink, flags, 4, 4);
MAL_FIELD(memalloc_shrink, pages, 8, 8);
MAL_FIELD(memalloc_shrink, out_pages, 16, 8);
MAL_FIELD(memalloc_shrink, handle, 24, 8);
MAL_STRUCT(memalloc_shrink, 32);

MAL_FIELD(memalloc_batch_op, cmd, 0, 4);
MAL_FIELD(memalloc_batch_op, out_errno, 4, 4);
MAL_FIELD(memalloc_batch_op, arg, 8, 8);
MAL_STRUCT(memalloc_batch_op, 16);

MAL_FIELD(memalloc_batch, size, 0, 4);
MAL_FIELD(memalloc_batch, flags, 4, 4);
MAL_FIELD(memalloc_batch, count, 8, 4);
MAL_FIELD(memalloc_batch, op_size, 12, 4);
MAL_FIELD(memalloc_batch, ops, 16, 8);
MAL_FIELD(memalloc_batch, out_done, 24, 4);
MAL_FIELD(memalloc_batch, reserved, 28, 4);
MAL_STRUCT(memalloc_batch, 32);

MAL_FIELD(memalloc_inject, size, 0, 4);
MAL_FIELD(memalloc_inject, flags, 4, 4);
MAL_FIELD(memalloc_inject, nth, 8, 8);
MAL_FIELD(memalloc_inject, out_left, 16, 8);
MAL_STRUCT(memalloc_inject, 24);

MAL_FIELD(memalloc_resize, size, 0, 4);
MAL_FIELD(memalloc_resize, flags, 4, 4);
MAL_FIELD(memalloc_resize, handle, 8, 8);
MAL_FIELD(memalloc_resize, bytes, 16, 8);
MAL_FIELD(memalloc_resize, gfp, 24, 4);
MAL_FIELD(memalloc_resize, reserved, 28, 4);
MAL_FIELD(memalloc_resize, out_bytes, 32, 8);
MAL_FIELD(memalloc_resize, out_held, 40, 8);
MAL_FIELD(memalloc_resize, min_nr, 48, 4);
MAL_FIELD(memalloc_resize, reserved2, 52, 4);
MAL_STRUCT(memalloc_resize, 56);

MAL_FIELD(memalloc_cache_create, size, 0, 4);
MAL_FIELD(memalloc_cache_create, flags, 4, 4);
MAL_FIELD(memalloc_cache_create, object_size, 8, 4);
MAL_FIELD(memalloc_cache_create, align, 12, 4);
MAL_FIELD(memalloc_cache_create, useroffset, 16, 4);
MAL_FIELD(memalloc_cache_create, usersize, 20, 4);
MAL_FIELD(memalloc_cache_create, ctor, 24, 4);
MAL_FIELD(memalloc_cache_create, reserved, 28, 4);
MAL_FIELD(memalloc_cache_create, name, 32, 24);
MAL_FIELD(memalloc_cache_create, out_handle, 56, 8);
MAL_STRUCT(memalloc_cache_create, 64);

static_assert(MEMALLOC_ALLOC == _IO(0xbb, 0x00));
static_assert(MEMALLOC_FREE == _IO(0xbb, 0x01));
static_assert(MEMALLOC_READ == _IO(0xbb, 0x02));
static_assert(MEMALLOC_WRITE == _IO(0xbb, 0x03));
static_assert(MEMALLOC_FILL == _IO(0xbb, 0x04));
static_assert(MEMALLOC_VERIFY == _IO(0xbb, 0x05));
static_assert(MEMALLOC_INFO == _IO(0xbb, 0x06));
static_assert(MEMALLOC_STATS == _IO(0xbb, 0x07));
static_assert(MEMALLOC_VALIDATE == _IO(0xbb, 0x08));
static_assert(MEMALLOC_SHRINK == _IO(0xbb, 0x09));
static_assert(MEMALLOC_BATCH == _IO(0xbb, 0x0a));
static_assert(MEMALLOC_INJECT == _IO(0xbb, 0x0b));
static_assert(MEMALLOC_RESIZE == _IO(0xbb, 0x0c));
static_assert(MEMALLOC_CACHE_CREATE == _IO(0xbb, 0x0d));

MAL_FIELD(memalloc_mempool_create, size, 0, 4);
MAL_FIELD(memalloc_mempool_create, flags, 4, 4);
MAL_FIELD(memalloc_mempool_create, backend, 8, 4);
MAL_FIELD(memalloc_mempool_create, order, 12, 4);
MAL_FIELD(memalloc_mempool_create, bytes, 16, 8);
MAL_FIELD(memalloc_mempool_create, parent, 24, 8);
MAL_FIELD(memalloc_mempool_create, min_nr, 32, 4);
MAL_FIELD(memalloc_mempool_create, node, 36, 4);
MAL_FIELD(memalloc_mempool_create, gfp, 40, 4);
MAL_FIELD(memalloc_mempool_create, reserved, 44, 4);
MAL_FIELD(memalloc_mempool_create, out_handle, 48, 8);
MAL_FIELD(memalloc_mempool_create, name, 56, 24);
MAL_STRUCT(memalloc_mempool_create, 80);

MAL_FIELD(memalloc_version, size, 0, 4);
MAL_FIELD(memalloc_version, flags, 4, 4);
MAL_FIELD(memalloc_version, out_abi, 8, 4);
MAL_FIELD(memalloc_version, out_commands, 12, 4);
MAL_FIELD(memalloc_version, out_release, 16, 32);
MAL_STRUCT(memalloc_version, 48);
static_assert(MEMALLOC_VERSION == _IO(0xbb, 0x0f));

MAL_FIELD(memalloc_stats_mempool, name, 0, 32);
MAL_FIELD(memalloc_stats_mempool, backend, 32, 8);
MAL_FIELD(memalloc_stats_mempool, element_bytes, 40, 8);
MAL_FIELD(memalloc_stats_mempool, min_nr, 48, 8);
MAL_FIELD(memalloc_stats_mempool, elements, 56, 8);
MAL_FIELD(memalloc_stats_mempool, waiting, 64, 8);
MAL_FIELD(memalloc_stats_mempool, waits, 72, 8);
MAL_FIELD(memalloc_stats_mempool, reserve_hits, 80, 8);
MAL_FIELD(memalloc_stats_mempool, failures, 88, 8);
MAL_STRUCT(memalloc_stats_mempool, 96);

MAL_FIELD(memalloc_stats_percpu, chunks, 0, 8);
MAL_FIELD(memalloc_stats_percpu, chunk_bytes, 8, 8);
MAL_FIELD(memalloc_stats_percpu, possible_cpus, 16, 8);
MAL_FIELD(memalloc_stats_percpu, total_bytes, 24, 8);
MAL_FIELD(memalloc_stats_percpu, metadata_bytes, 32, 8);
MAL_FIELD(memalloc_stats_percpu, used, 40, 8);
MAL_FIELD(memalloc_stats_percpu, cached, 48, 8);
MAL_FIELD(memalloc_stats_percpu, free_bytes, 56, 8);
MAL_FIELD(memalloc_stats_percpu, largest_free, 64, 8);
MAL_FIELD(memalloc_stats_percpu, hits, 72, 8);
MAL_FIELD(memalloc_stats_percpu, misses, 80, 8);
MAL_FIELD(memalloc_stats_percpu, failures, 88, 8);
MAL_FIELD(memalloc_stats_percpu, chunks_borrowed, 96, 8);
MAL_FIELD(memalloc_stats_percpu, chunks_returned, 104, 8);
MAL_FIELD(memalloc_stats_percpu, chunks_refused, 112, 8);
MAL_STRUCT(memalloc_stats_percpu, 120);

MAL_FIELD(memalloc_stats_areas, areas, 0, 8);
MAL_FIELD(memalloc_stats_areas, area_pages, 8, 8);
MAL_FIELD(memalloc_stats_areas, maps, 16, 8);
MAL_FIELD(memalloc_stats_areas, failures, 24, 8);
MAL_FIELD(memalloc_stats_areas, cached_areas, 32, 8);
MAL_FIELD(memalloc_stats_areas, cached_pages, 40, 8);
MAL_FIELD(memalloc_stats_areas, cached_pages_limit, 48, 8);
MAL_FIELD(memalloc_stats_areas, cpu_hits, 56, 8);
MAL_FIELD(memalloc_stats_areas, node_hits, 64, 8);
MAL_FIELD(memalloc_stats_areas, misses, 72, 8);
MAL_FIELD(memalloc_stats_areas, evicted, 80, 8);
MAL_FIELD(memalloc_stats_areas, not_kept_as_held, 88, 8);
MAL_STRUCT(memalloc_stats_areas, 96);
