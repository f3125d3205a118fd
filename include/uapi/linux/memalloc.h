/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * memalloc: a second kernel memory manager, driven from user space
 *
 * Every command is an ioctl on /dev/memalloc whose argument points to one of
 * the structures below. The rules hold for all commands, those to come
 * included:
 *
 * - The first __u32 is @size, the size of the structure as the caller knows
 *   it. The kernel takes a shorter one as if it were padded with zeroes, and
 *   a longer one if all that it does not know is zero. New fields are only
 *   ever added at the end; no field moves or changes its meaning.
 * - Fields named out_* are written by the kernel, on success only, and may
 *   hold anything on entry. All others are read only.
 * - Fields named reserved must be zero.
 * - The layout is the same for 32-bit and 64-bit callers. Pointers travel as
 *   __u64.
 *
 * Errors common to all commands:
 *
 * ==========  ================================================================
 * ENOTTY      no such command
 * EINVAL      @size is shorter than the first version of the structure, an
 *             unknown flag is set, a reserved field is not zero, or a value
 *             is out of its range
 * E2BIG       @size is longer than the kernel knows, and the rest is not zero,
 *             or more than 4096
 * EBADF       the file is not open for writing, and the command does more than
 *             look: a file opened read-only may READ, VERIFY, INFO, STATS,
 *             VALIDATE and BATCH those
 * EFAULT      a pointer of the caller cannot be read or written
 * ENOENT      no such handle in this open file
 * EOPNOTSUPP  the handle's kind knows no such command
 * EPERM       CAP_SYS_ADMIN is needed
 * EINTR       a signal came before the work was done
 * ==========  ================================================================
 *
 * Handles: an allocation is a 64-bit handle, never zero, never an address. It
 * is known to the open file that made it and to no other, and dies when that
 * file is closed for the last time. A mapping counts as a descriptor of the file:
 * it keeps the memory alive after the handle is freed, and the file after the
 * last descriptor is closed.
 *
 * Some handles are made from others: an object from a slab cache. The one that
 * it is made from, its parent, cannot be freed before it (EBUSY); when the file
 * is closed, all go in the right order.
 *
 * Mapping: mmap(2) with out_map_offset, MAP_SHARED, any part of one allocation.
 * Fails with ENOENT (no such allocation), EINVAL (private, or beyond its end)
 * or ENODEV (not of a kind that can be mapped).
 *
 * Memory given to user space is always zeroed first: MEMALLOC_GFP_ZERO
 * changes who does it, not what the caller sees. The exception is an object of
 * a cache with a constructor, or with MEMALLOC_CACHE_TYPESAFE_BY_RCU: it is as
 * the constructor left it or, if it is not new, as whoever freed it left it, who
 * can only have been of the same open file.
 *
 * Quotas count what an allocation takes from the allocator: all the pages, the
 * size class; for each object its part of its slab, with what lies between
 * objects, what the slab wastes and what describes it, debug modes included. A
 * cache counts with what describes it. What a cache keeps of freed objects counts
 * for no quota: it is taken away when the cap is reached or the host is short.
 * Pages that are freed while a pipe or a device still holds them count for the
 * quota of the device until it does not.
 */
#ifndef _UAPI_LINUX_MEMALLOC_H
#define _UAPI_LINUX_MEMALLOC_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MEMALLOC_IOCTL_TYPE	0xBB

/* The version of the interface: the first line of /proc/memalloc says it. */
#define MEMALLOC_ABI_VERSION	1

enum {
	MEMALLOC_CMD_ALLOC = 0x00,
	MEMALLOC_CMD_FREE = 0x01,
	MEMALLOC_CMD_READ = 0x02,
	MEMALLOC_CMD_WRITE = 0x03,
	MEMALLOC_CMD_FILL = 0x04,
	MEMALLOC_CMD_VERIFY = 0x05,
	MEMALLOC_CMD_INFO = 0x06,
	MEMALLOC_CMD_STATS = 0x07,
	MEMALLOC_CMD_VALIDATE = 0x08,
	MEMALLOC_CMD_SHRINK = 0x09,
	MEMALLOC_CMD_BATCH = 0x0a,
	MEMALLOC_CMD_INJECT = 0x0b,
	MEMALLOC_CMD_RESIZE = 0x0c,
	MEMALLOC_CMD_CACHE_CREATE = 0x0d,
	MEMALLOC_CMD_MEMPOOL_CREATE = 0x0e,
};

/* The highest order a page allocation may have, and the number of orders. */
#define MEMALLOC_MAX_ORDER	10
#define MEMALLOC_NR_ORDERS	(MEMALLOC_MAX_ORDER + 1)

/**
 * enum memalloc_kind - what an allocation is made of
 * @MEMALLOC_KIND_PAGES: 2^order contiguous pages of the buddy allocator
 * @MEMALLOC_KIND_CACHE: a slab cache; made by MEMALLOC_CACHE_CREATE, has no
 *	bytes of its own
 * @MEMALLOC_KIND_OBJECT: objects of a slab cache
 * @MEMALLOC_KIND_KMALLOC: bytes of kmalloc
 * @MEMALLOC_KIND_MEMPOOL: a mempool; made by MEMALLOC_MEMPOOL_CREATE, has no
 *	bytes of its own
 * @MEMALLOC_KIND_ELEMENT: an element of a mempool
 * @MEMALLOC_KIND_PERCPU: the same bytes on every possible CPU, as one row: the
 *	first CPU's, the second CPU's, and so on
 * @MEMALLOC_KIND_AREA: whole pages at contiguous addresses, by vmalloc
 *
 * Only pages and areas can be mapped, and only kmalloc and mempools resized.
 */
enum memalloc_kind {
	MEMALLOC_KIND_PAGES = 1,
	MEMALLOC_KIND_CACHE = 2,
	MEMALLOC_KIND_OBJECT = 3,
	MEMALLOC_KIND_KMALLOC = 4,
	MEMALLOC_KIND_MEMPOOL = 5,
	MEMALLOC_KIND_ELEMENT = 6,
	MEMALLOC_KIND_PERCPU = 7,
	MEMALLOC_KIND_AREA = 8,
};

/* The most objects in one allocation of MEMALLOC_KIND_OBJECT. */
#define MEMALLOC_COUNT_MAX	4096

/* The largest allocation of MEMALLOC_KIND_KMALLOC, and object of a cache. */
#define MEMALLOC_OBJECT_PAGES_MAX	(1U << MEMALLOC_MAX_ORDER)

/* The largest minimum of a mempool. */
#define MEMALLOC_MEMPOOL_MAX	65536

/* The largest allocation of MEMALLOC_KIND_AREA: the cap is reached long before. */
#define MEMALLOC_AREA_PAGES_MAX	(1U << 28)

/* struct memalloc_alloc.flags */
#define MEMALLOC_ALLOC_PREALLOCATED	0x00000001	/* out of the pool, or not at all */

/*
 * How an allocation may behave: one mode, and any modifiers that go together.
 * They mean what the kernel's GFP flags of the same name mean.
 */
#define MEMALLOC_GFP_MODE	0x0000000f	/* mask of the mode */
#define MEMALLOC_GFP_KERNEL	0x00000000	/* may sleep and borrow */
#define MEMALLOC_GFP_ATOMIC	0x00000001	/* never sleeps, may use the reserve */
#define MEMALLOC_GFP_NOWAIT	0x00000002	/* never sleeps */
#define MEMALLOC_GFP_NOIO	0x00000003	/* may sleep, starts no I/O */
#define MEMALLOC_GFP_NOFS	0x00000004	/* may sleep, enters no file system */
#define MEMALLOC_GFP_USER	0x00000005	/* as KERNEL, on behalf of user space */
#define MEMALLOC_GFP_HIGHUSER	0x00000006	/* as USER, high memory will do */
#define MEMALLOC_GFP_ZERO	0x00000010	/* the allocator zeroes */
#define MEMALLOC_GFP_NOWARN	0x00000020	/* failure is not logged */
#define MEMALLOC_GFP_NORETRY	0x00000040	/* give up early */
#define MEMALLOC_GFP_RETRY_MAYFAIL 0x00000080	/* try hard, then fail */
#define MEMALLOC_GFP_NOFAIL	0x00000100	/* wait until it succeeds, or a signal */
#define MEMALLOC_GFP_COLD	0x00000200	/* cache-cold memory is welcome */
#define MEMALLOC_GFP_DMA	0x00000400	/* promise: from zone DMA, if the host has one */
#define MEMALLOC_GFP_DMA32	0x00000800	/* promise: below 4 GiB, if the host has DMA32 */
#define MEMALLOC_GFP_HIGHMEM	0x00001000	/* high memory will do */
#define MEMALLOC_GFP_HIGH	0x00002000	/* may use the reserve */
#define MEMALLOC_GFP_THISNODE	0x00004000	/* promise: from @node, no fallback */
#define MEMALLOC_GFP_ALL	0x00007fff	/* mask of all that is defined */

/**
 * struct memalloc_alloc - ioctl(MEMALLOC_ALLOC)
 * @size: sizeof(struct memalloc_alloc)
 * @kind: enum memalloc_kind
 * @flags: MEMALLOC_KIND_ELEMENT: MEMALLOC_ALLOC_PREALLOCATED or zero; must be zero
 *	for other kinds
 * @gfp: MEMALLOC_GFP_*
 * @node: NUMA node to prefer, or -1 for the caller's own
 * @order: MEMALLOC_KIND_PAGES: allocate 2^order pages, 0 to MEMALLOC_MAX_ORDER;
 *	must be zero for other kinds
 * @bytes: MEMALLOC_KIND_KMALLOC: so many, zero included, at most those of
 *	MEMALLOC_OBJECT_PAGES_MAX pages. MEMALLOC_KIND_PERCPU: so many on each CPU,
 *	at most 32 KiB, or a page if that is more. MEMALLOC_KIND_AREA: so many,
 *	rounded up to pages, at most MEMALLOC_AREA_PAGES_MAX of them. Zero is
 *	EINVAL for these two. Must be zero for other kinds.
 * @parent: MEMALLOC_KIND_OBJECT: the cache; MEMALLOC_KIND_ELEMENT: the mempool;
 *	must be zero for other kinds
 * @out_handle: the handle of the allocation
 * @out_bytes: usable size in bytes
 * @out_map_offset: the offset to give mmap(2) for the first byte, or zero if it
 *	cannot be mapped
 * @count: MEMALLOC_KIND_OBJECT: so many objects at once, at most
 *	MEMALLOC_COUNT_MAX; zero means one. Object i begins at offset i times the
 *	size of an object. Must be zero for other kinds.
 * @reserved: must be zero
 * @align: MEMALLOC_KIND_PERCPU: alignment of the bytes on each CPU, a power of two
 *	up to a page; zero means 8. Must be zero for other kinds.
 *
 * Beside the common ones, fails with ENOMEM (cap reached, or the host has
 * none), EDQUOT (the quota of this file or of the device is used up), EINVAL
 * (contradictory @gfp, @node not a possible one, @parent not a cache), ENOENT (no
 * such @parent). Many objects that are being allocated when the caller is killed
 * are given back: EINTR.
 *
 * The zone of a slab is its cache's: MEMALLOC_GFP_DMA and MEMALLOC_GFP_DMA32
 * are EINVAL for MEMALLOC_KIND_OBJECT, and MEMALLOC_GFP_DMA32 is for
 * MEMALLOC_KIND_KMALLOC, which has no such size classes. High memory is
 * accepted for both, and never given. For MEMALLOC_KIND_ELEMENT and
 * MEMALLOC_KIND_PERCPU neither a zone nor a node can be chosen (EINVAL): a pool
 * has its elements where it was made, and a CPU its bytes on its own node.
 *
 * An element: if the pool has none, and the allocators have none, those who may
 * not sleep and those with MEMALLOC_GFP_NORETRY or MEMALLOC_ALLOC_PREALLOCATED
 * get ENOMEM. All others wait until somebody frees one, or a signal comes (EINTR).
 * An area: what may not sleep gets what this CPU has at hand, or ENOMEM.
 */
struct memalloc_alloc {
	__u32 size;
	__u32 kind;
	__u32 flags;
	__u32 gfp;
	__s32 node;
	__u32 order;
	__aligned_u64 bytes;
	__aligned_u64 parent;
	__aligned_u64 out_handle;
	__aligned_u64 out_bytes;
	__aligned_u64 out_map_offset;
	__u32 count;
	__u32 reserved;
	__aligned_u64 align;
};
#define MEMALLOC_ALLOC _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_ALLOC)

/**
 * struct memalloc_free - ioctl(MEMALLOC_FREE)
 * @size: sizeof(struct memalloc_free)
 * @flags: must be zero
 * @handle: what to free; unknown from now on
 *
 * Fails with EBUSY for a cache of which there are objects or mempools, and for a
 * mempool of which there are elements: nothing has happened then.
 */
struct memalloc_free {
	__u32 size;
	__u32 flags;
	__aligned_u64 handle;
};
#define MEMALLOC_FREE _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_FREE)

/**
 * struct memalloc_io - ioctl(MEMALLOC_READ) and ioctl(MEMALLOC_WRITE)
 * @size: sizeof(struct memalloc_io)
 * @flags: must be zero
 * @handle: the allocation
 * @offset: first byte in it
 * @length: bytes to copy; zero is allowed and copies nothing
 * @data: address of the caller's buffer
 * @out_done: bytes copied; less than @length only if a signal came
 *
 * Fails with EOVERFLOW if @offset + @length is not within the allocation, with
 * EFAULT if the buffer is not all there, and with EPERM if the object's cache
 * does not let these bytes be copied to or from user space: see @useroffset of
 * struct memalloc_cache_create. A part may have been copied in both cases.
 */
struct memalloc_io {
	__u32 size;
	__u32 flags;
	__aligned_u64 handle;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 data;
	__aligned_u64 out_done;
};
#define MEMALLOC_READ _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_READ)
#define MEMALLOC_WRITE _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_WRITE)

/**
 * enum memalloc_pattern - what MEMALLOC_FILL writes and MEMALLOC_VERIFY expects
 * @MEMALLOC_PATTERN_REPEAT: every 8-byte word is the value
 * @MEMALLOC_PATTERN_COUNT: the word at byte offset 8 * i is the value plus i,
 *	so that no two words of an allocation agree
 *
 * Words are little-endian and counted from the first byte of the allocation,
 * whatever part of it is filled or verified.
 */
enum memalloc_pattern {
	MEMALLOC_PATTERN_REPEAT = 0,
	MEMALLOC_PATTERN_COUNT = 1,
};

/**
 * struct memalloc_pattern_io - ioctl(MEMALLOC_FILL) and ioctl(MEMALLOC_VERIFY)
 * @size: sizeof(struct memalloc_pattern_io)
 * @flags: must be zero
 * @handle: the allocation
 * @offset: first byte in it
 * @length: bytes to fill or verify
 * @value: see enum memalloc_pattern
 * @pattern: enum memalloc_pattern
 * @reserved: must be zero
 * @out_done: bytes filled, or bytes that agree before the first that does
 *	not. A disagreement is an answer, not an error.
 *
 * Fails with EOVERFLOW if @offset + @length is not within the allocation, and
 * with EINTR if a signal came first.
 */
struct memalloc_pattern_io {
	__u32 size;
	__u32 flags;
	__aligned_u64 handle;
	__aligned_u64 offset;
	__aligned_u64 length;
	__aligned_u64 value;
	__u32 pattern;
	__u32 reserved;
	__aligned_u64 out_done;
};
#define MEMALLOC_FILL _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_FILL)
#define MEMALLOC_VERIFY _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VERIFY)

/* The zones, in the order in which they are taken last. */
enum memalloc_zone {
	MEMALLOC_ZONE_DMA = 0,
	MEMALLOC_ZONE_DMA32 = 1,
	MEMALLOC_ZONE_NORMAL = 2,
};
#define MEMALLOC_NR_ZONES	3

/*
 * Names. One that user space gives has letters, digits, '_', '.' and '-', and is
 * ended by a zero byte; what is after that must be zero. One that is shown is
 * longer: user space's begin with "u:", so that none can be taken for another's.
 */
#define MEMALLOC_NAME_SIZE		24
#define MEMALLOC_SHOWN_NAME_SIZE	32

/* struct memalloc_info.flags */
#define MEMALLOC_INFO_PHYS	0x00000001	/* out_phys too: CAP_SYS_ADMIN */

/**
 * struct memalloc_info - ioctl(MEMALLOC_INFO)
 * @size: sizeof(struct memalloc_info)
 * @flags: MEMALLOC_INFO_*
 * @handle: the allocation
 * @offset: a byte in it: @out_node, @out_zone and @out_phys are of its page.
 *	Zero is allowed for what has no bytes, too.
 * @out_kind: enum memalloc_kind
 * @out_order: order of a page allocation, else zero
 * @out_node: NUMA node, or -1 if there are no bytes
 * @out_zone: enum memalloc_zone; no meaning if @out_node is -1
 * @out_bytes: usable size in bytes
 * @out_map_offset: the offset to give mmap(2) for the first byte, or zero if it
 *	cannot be mapped
 * @out_mappings: number of areas of user space that map it now
 * @out_phys: physical address of the byte at @offset, or zero if not asked
 * @out_held: bytes that it takes from the allocator, and that quotas count
 * @out_parent: handle that it was made from, or zero
 * @out_children: allocations made from it
 * @out_count: MEMALLOC_KIND_OBJECT: objects in it; MEMALLOC_KIND_PERCPU: CPUs, each
 *	of which has @out_bytes / @out_count of its bytes; MEMALLOC_KIND_MEMPOOL: the
 *	least number of elements; else zero
 * @out_reserved: zero
 * @out_name: of the cache or mempool that it is, or of the cache that its bytes are
 *	from: the size class for kmalloc. Empty if it has none.
 *
 * Fails with EOVERFLOW if @offset is not within the allocation.
 */
struct memalloc_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 handle;
	__aligned_u64 offset;
	__u32 out_kind;
	__u32 out_order;
	__s32 out_node;
	__u32 out_zone;
	__aligned_u64 out_bytes;
	__aligned_u64 out_map_offset;
	__aligned_u64 out_mappings;
	__aligned_u64 out_phys;
	__aligned_u64 out_held;
	__aligned_u64 out_parent;
	__aligned_u64 out_children;
	__u32 out_count;
	__u32 out_reserved;
	char out_name[MEMALLOC_SHOWN_NAME_SIZE];
};
#define MEMALLOC_INFO _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_INFO)

/**
 * enum memalloc_section - what MEMALLOC_STATS answers
 * @MEMALLOC_SECTION_BORROWING: struct memalloc_stats_borrowing, one
 * @MEMALLOC_SECTION_ZONE: struct memalloc_stats_zone, one for each zone that
 *	holds or has held pages
 * @MEMALLOC_SECTION_FILE: struct memalloc_stats_file, one: the caller's own
 * @MEMALLOC_SECTION_REPORTS: struct memalloc_stats_reports, one
 * @MEMALLOC_SECTION_CACHE: struct memalloc_stats_cache, one for each slab cache,
 *	whoever made it, size classes included; in the order of making
 * @MEMALLOC_SECTION_CLASS: struct memalloc_stats_class, one for each size class
 *	of kmalloc
 * @MEMALLOC_SECTION_MEMPOOL: struct memalloc_stats_mempool, one for each mempool,
 *	whoever made it; in the order of making
 * @MEMALLOC_SECTION_PERCPU: struct memalloc_stats_percpu, one
 * @MEMALLOC_SECTION_AREAS: struct memalloc_stats_areas, one
 */
enum memalloc_section {
	MEMALLOC_SECTION_BORROWING = 1,
	MEMALLOC_SECTION_ZONE = 2,
	MEMALLOC_SECTION_FILE = 3,
	MEMALLOC_SECTION_REPORTS = 4,
	MEMALLOC_SECTION_CACHE = 5,
	MEMALLOC_SECTION_CLASS = 6,
	MEMALLOC_SECTION_MEMPOOL = 7,
	MEMALLOC_SECTION_PERCPU = 8,
	MEMALLOC_SECTION_AREAS = 9,
};

/**
 * struct memalloc_stats - ioctl(MEMALLOC_STATS)
 * @size: sizeof(struct memalloc_stats)
 * @section: enum memalloc_section
 * @index: which of the section's entries, from zero
 * @length: bytes at @data
 * @data: address of the section's structure in the caller's memory. It is
 *	filled as far as the shorter of the two sides knows it; what the
 *	kernel does not know is set to zero.
 * @out_length: size of the structure as the kernel knows it
 * @out_count: number of entries in the section
 * @handle: MEMALLOC_SECTION_CACHE, MEMALLOC_SECTION_MEMPOOL: of this cache or
 *	mempool, @index being zero; zero for that at @index. Must be zero for
 *	other sections.
 *
 * Fails with ENOENT if @index is @out_count or more, and with EINVAL if @length
 * is more than 4096, or @handle is not of the section's kind.
 */
struct memalloc_stats {
	__u32 size;
	__u32 section;
	__u32 index;
	__u32 length;
	__aligned_u64 data;
	__u32 out_length;
	__u32 out_count;
	__aligned_u64 handle;
};
#define MEMALLOC_STATS _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_STATS)

/**
 * struct memalloc_stats_borrowing - pages borrowed from the host
 * @page_size: bytes in a page: all else here counts pages unless it says so
 * @borrowed: held now
 * @cap: may be held at most
 * @reserve: never given back before unload
 * @peak: most ever held at once
 * @borrowed_total: ever borrowed
 * @returned_total: ever given back: @borrowed_total - @borrowed, exactly
 * @free: of @borrowed, not allocated to anyone
 * @quarantined: of @borrowed, freed while somebody else still held them
 * @metadata_bytes: bytes spent on describing them, taken from the host; those that
 *	describe slabs count for @cap, too
 * @refused_cap: times that the cap refused a loan
 * @refused_host: times that the host refused one
 */
struct memalloc_stats_borrowing {
	__aligned_u64 page_size;
	__aligned_u64 borrowed;
	__aligned_u64 cap;
	__aligned_u64 reserve;
	__aligned_u64 peak;
	__aligned_u64 borrowed_total;
	__aligned_u64 returned_total;
	__aligned_u64 free;
	__aligned_u64 quarantined;
	__aligned_u64 metadata_bytes;
	__aligned_u64 refused_cap;
	__aligned_u64 refused_host;
};

/**
 * struct memalloc_stats_zone - one zone of one node
 * @node: NUMA node
 * @zone: enum memalloc_zone
 * @pages: borrowed pages in the zone
 * @free: of those, free
 * @free_blocks: free blocks of each order; those in the per-CPU lists apart
 * @pcp_blocks: blocks of each order in the per-CPU lists
 * @allocs: allocations ever served, by order
 * @frees: frees ever taken, by order
 * @failures: allocations that no zone could serve, charged to the zone that
 *	was asked first, by order
 * @watermark_min: free pages that only those may use who must not sleep
 * @watermark_low: with fewer free pages, more are borrowed in the background
 * @watermark_high: until there are so many
 */
struct memalloc_stats_zone {
	__s32 node;
	__u32 zone;
	__aligned_u64 pages;
	__aligned_u64 free;
	__aligned_u64 free_blocks[MEMALLOC_NR_ORDERS];
	__aligned_u64 pcp_blocks[MEMALLOC_NR_ORDERS];
	__aligned_u64 allocs[MEMALLOC_NR_ORDERS];
	__aligned_u64 frees[MEMALLOC_NR_ORDERS];
	__aligned_u64 failures[MEMALLOC_NR_ORDERS];
	__aligned_u64 watermark_min;
	__aligned_u64 watermark_low;
	__aligned_u64 watermark_high;
};

/**
 * struct memalloc_stats_file - what the calling file holds
 * @handles: handles now
 * @handles_limit: at most
 * @bytes: bytes behind them, those that only a mapping keeps included
 * @bytes_limit: at most
 * @device_bytes: bytes that all files hold together
 * @device_bytes_limit: at most
 */
struct memalloc_stats_file {
	__aligned_u64 handles;
	__aligned_u64 handles_limit;
	__aligned_u64 bytes;
	__aligned_u64 bytes_limit;
	__aligned_u64 device_bytes;
	__aligned_u64 device_bytes_limit;
};

/**
 * struct memalloc_stats_reports - misuse detected since load
 * @double_free: freed again
 * @foreign_free: freed what was never ours
 * @wrong_free: freed with a wrong order, or not at its first page
 * @lost_reference: somebody dropped a reference that was not theirs
 * @corruption: an invariant of the allocator did not hold
 * @use_after_free: wrote to what was free; seen in the debug modes only
 * @overflow: wrote beside an object; seen in the debug modes only
 */
struct memalloc_stats_reports {
	__aligned_u64 double_free;
	__aligned_u64 foreign_free;
	__aligned_u64 wrong_free;
	__aligned_u64 lost_reference;
	__aligned_u64 corruption;
	__aligned_u64 use_after_free;
	__aligned_u64 overflow;
};

/**
 * struct memalloc_stats_cache - one slab cache
 * @name: as shown
 * @flags: MEMALLOC_CACHE_*, but for MEMALLOC_CACHE_HWCACHE_ALIGN, which is in
 *	@align
 * @object_size: of an object, in bytes
 * @stride: from one object to the next
 * @align: of the objects
 * @useroffset: first byte of an object that may be copied to or from user space
 * @usersize: how many may be
 * @slab_objects: objects in a slab, if memory is not short
 * @slab_pages: pages in such a slab
 * @sheaf_objects: objects that a sheaf has room for; zero: there are none
 * @active: objects that somebody has
 * @objects: objects in slabs
 * @active_slabs: slabs with an object that is not in its slab
 * @slabs: slabs
 * @pages: pages in slabs
 * @hits: allocations that a sheaf at hand served
 * @misses: those that it did not
 */
struct memalloc_stats_cache {
	char name[MEMALLOC_SHOWN_NAME_SIZE];
	__aligned_u64 flags;
	__aligned_u64 object_size;
	__aligned_u64 stride;
	__aligned_u64 align;
	__aligned_u64 useroffset;
	__aligned_u64 usersize;
	__aligned_u64 slab_objects;
	__aligned_u64 slab_pages;
	__aligned_u64 sheaf_objects;
	__aligned_u64 active;
	__aligned_u64 objects;
	__aligned_u64 active_slabs;
	__aligned_u64 slabs;
	__aligned_u64 pages;
	__aligned_u64 hits;
	__aligned_u64 misses;
};

/**
 * struct memalloc_stats_class - one size class of kmalloc
 * @name: of its cache
 * @dma: one if its memory is of zone DMA, else zero
 * @object_size: the largest size that it is for, in bytes
 * @active: pieces of memory that somebody has
 * @objects: those that there is room for
 * @pages: pages in slabs
 * @samples: allocations whose size was noted: one in as many as a sheaf holds
 * @sampled_bytes: sum of those sizes
 * @waste_per_mille: of the bytes of @pages, how much nobody has asked for, if the
 *	sizes of all are like those that were noted
 */
struct memalloc_stats_class {
	char name[MEMALLOC_SHOWN_NAME_SIZE];
	__aligned_u64 dma;
	__aligned_u64 object_size;
	__aligned_u64 active;
	__aligned_u64 objects;
	__aligned_u64 pages;
	__aligned_u64 samples;
	__aligned_u64 sampled_bytes;
	__aligned_u64 waste_per_mille;
};

/**
 * enum memalloc_mempool_backend - where the elements of a mempool come from
 * @MEMALLOC_MEMPOOL_OTHER: functions of whoever made it; only in statistics
 * @MEMALLOC_MEMPOOL_PAGES: blocks of the buddy allocator
 * @MEMALLOC_MEMPOOL_KMALLOC: bytes of kmalloc
 * @MEMALLOC_MEMPOOL_CACHE: objects of a slab cache
 */
enum memalloc_mempool_backend {
	MEMALLOC_MEMPOOL_OTHER = 0,
	MEMALLOC_MEMPOOL_PAGES = 1,
	MEMALLOC_MEMPOOL_KMALLOC = 2,
	MEMALLOC_MEMPOOL_CACHE = 3,
};

/**
 * struct memalloc_stats_mempool - one mempool
 * @name: its name, or else that of the function that made it
 * @backend: enum memalloc_mempool_backend
 * @element_bytes: usable size of an element; zero if that is not known
 * @min_nr: elements that it is to have while none are out
 * @elements: that it has
 * @waiting: tasks in the kernel that wait for one
 * @waits: how often one had to wait
 * @reserve_hits: allocations that were served out of the pool
 * @failures: allocations that were not served, as they must not wait
 */
struct memalloc_stats_mempool {
	char name[MEMALLOC_SHOWN_NAME_SIZE];
	__aligned_u64 backend;
	__aligned_u64 element_bytes;
	__aligned_u64 min_nr;
	__aligned_u64 elements;
	__aligned_u64 waiting;
	__aligned_u64 waits;
	__aligned_u64 reserve_hits;
	__aligned_u64 failures;
};

/**
 * struct memalloc_stats_percpu - per-CPU areas
 * @chunks: chunks borrowed from the host
 * @chunk_bytes: size of a chunk on one CPU: all else counts those bytes, too,
 *	unless it says otherwise
 * @possible_cpus: CPUs that have them
 * @total_bytes: of all chunks on all CPUs
 * @metadata_bytes: what describes them
 * @used: allocated
 * @cached: free, and at hand on some CPU
 * @free_bytes: free
 * @largest_free: the longest run of these
 * @hits: allocations of what was at hand
 * @misses: others
 * @failures: allocations that failed
 * @chunks_borrowed: chunks ever borrowed
 * @chunks_returned: chunks ever returned
 * @chunks_refused: chunks that the cap or the host did not grant
 */
struct memalloc_stats_percpu {
	__aligned_u64 chunks;
	__aligned_u64 chunk_bytes;
	__aligned_u64 possible_cpus;
	__aligned_u64 total_bytes;
	__aligned_u64 metadata_bytes;
	__aligned_u64 used;
	__aligned_u64 cached;
	__aligned_u64 free_bytes;
	__aligned_u64 largest_free;
	__aligned_u64 hits;
	__aligned_u64 misses;
	__aligned_u64 failures;
	__aligned_u64 chunks_borrowed;
	__aligned_u64 chunks_returned;
	__aligned_u64 chunks_refused;
};

/**
 * struct memalloc_stats_areas - vmalloc areas, and those that wait to be used again
 * @areas: in use, of our pages
 * @area_pages: in these
 * @maps: in use, of pages of whoever asked
 * @failures: allocations that failed
 * @cached_areas: free and still mapped
 * @cached_pages: in these
 * @cached_pages_limit: so many at most
 * @cpu_hits: allocations that a CPU's part of them served
 * @node_hits: those that a node's part did
 * @misses: those that neither did
 * @evicted: areas that had to go
 * @not_kept_as_held: areas that were not kept, as somebody held a page of theirs
 */
struct memalloc_stats_areas {
	__aligned_u64 areas;
	__aligned_u64 area_pages;
	__aligned_u64 maps;
	__aligned_u64 failures;
	__aligned_u64 cached_areas;
	__aligned_u64 cached_pages;
	__aligned_u64 cached_pages_limit;
	__aligned_u64 cpu_hits;
	__aligned_u64 node_hits;
	__aligned_u64 misses;
	__aligned_u64 evicted;
	__aligned_u64 not_kept_as_held;
};

/**
 * struct memalloc_validate - ioctl(MEMALLOC_VALIDATE)
 * @size: sizeof(struct memalloc_validate)
 * @flags: must be zero
 * @out_checked: things checked: blocks, pages, lists, slabs, objects
 * @out_errors: of those, wrong. The kernel log says which.
 */
struct memalloc_validate {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_checked;
	__aligned_u64 out_errors;
};
#define MEMALLOC_VALIDATE _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE)

/**
 * struct memalloc_shrink - ioctl(MEMALLOC_SHRINK)
 * @size: sizeof(struct memalloc_shrink)
 * @flags: must be zero
 * @pages: give back at most so many free pages to the host; zero for all, those
 *	included that slab caches hold and do not need
 * @out_pages: pages given back
 * @handle: zero; or a cache, which then gives the pages that it does not need
 *	back to the page allocator, @pages being zero
 */
struct memalloc_shrink {
	__u32 size;
	__u32 flags;
	__aligned_u64 pages;
	__aligned_u64 out_pages;
	__aligned_u64 handle;
};
#define MEMALLOC_SHRINK _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_SHRINK)

/* The most commands in one batch. */
#define MEMALLOC_BATCH_MAX	1024

/**
 * struct memalloc_batch_op - one command of a batch
 * @cmd: the command: MEMALLOC_ALLOC and so on, but not MEMALLOC_BATCH
 * @out_errno: zero, or the error as a positive number
 * @arg: address of its structure
 */
struct memalloc_batch_op {
	__u32 cmd;
	__s32 out_errno;
	__aligned_u64 arg;
};

/* struct memalloc_batch.flags */
#define MEMALLOC_BATCH_KEEP_GOING 0x00000001	/* do not stop at an error */

/**
 * struct memalloc_batch - ioctl(MEMALLOC_BATCH)
 * @size: sizeof(struct memalloc_batch)
 * @flags: MEMALLOC_BATCH_*
 * @count: entries at @ops, at most MEMALLOC_BATCH_MAX
 * @op_size: sizeof(struct memalloc_batch_op)
 * @ops: address of the commands, carried out in turn
 * @out_done: commands carried out, with or without error. Fewer than @count
 *	if one failed (unless MEMALLOC_BATCH_KEEP_GOING), if an entry after the
 *	first cannot be read or written, or if a signal came.
 * @reserved: must be zero
 *
 * A command that fails does not make the batch fail: look at @out_done and at
 * the commands' @out_errno. A batch in a batch fails with EINVAL.
 */
struct memalloc_batch {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 op_size;
	__aligned_u64 ops;
	__u32 out_done;
	__u32 reserved;
};
#define MEMALLOC_BATCH _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_BATCH)

/**
 * struct memalloc_inject - ioctl(MEMALLOC_INJECT)
 * @size: sizeof(struct memalloc_inject)
 * @flags: must be zero
 * @nth: make the nth next allocation of this file fail with ENOMEM: 1 is the
 *	very next, 0 takes back what was asked before; at most 2^63 - 1
 * @out_left: what was left of the number asked before; zero: it has failed
 *
 * Needs CAP_SYS_ADMIN. Counts every step of a command that takes memory, the
 * module's own bookkeeping included, so that walking @nth up from one takes
 * every failure path of a command in turn.
 */
struct memalloc_inject {
	__u32 size;
	__u32 flags;
	__aligned_u64 nth;
	__aligned_u64 out_left;
};
#define MEMALLOC_INJECT _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_INJECT)

/**
 * struct memalloc_resize - ioctl(MEMALLOC_RESIZE)
 * @size: sizeof(struct memalloc_resize)
 * @flags: must be zero
 * @handle: an allocation of MEMALLOC_KIND_KMALLOC, or a mempool
 * @bytes: that it shall have, as for MEMALLOC_ALLOC; zero for a mempool. As many of its bytes as it
 *	has both before and after stay what they are; new ones are zero.
 * @gfp: MEMALLOC_GFP_*, but no zone (DMA, DMA32, HIGHMEM, HIGHUSER: it stays
 *	where it is allowed to be), no THISNODE and no NOFAIL
 * @reserved: must be zero
 * @out_bytes: usable size in bytes
 * @out_held: bytes that it takes from the allocator now
 * @min_nr: elements that a mempool shall have at least, 1 to MEMALLOC_MEMPOOL_MAX;
 *	zero for others. With fewer, those in the pool that are too many go; with more,
 *	as many new ones are made as there is memory for, and those that are freed
 *	make up for the rest.
 * @reserved2: must be zero
 *
 * Fails with ENOMEM and EDQUOT as MEMALLOC_ALLOC does; nothing has changed then.
 * To make it smaller does not fail so. EOPNOTSUPP: not of a kind that can be
 * resized.
 */
struct memalloc_resize {
	__u32 size;
	__u32 flags;
	__aligned_u64 handle;
	__aligned_u64 bytes;
	__u32 gfp;
	__u32 reserved;
	__aligned_u64 out_bytes;
	__aligned_u64 out_held;
	__u32 min_nr;
	__u32 reserved2;
};
#define MEMALLOC_RESIZE _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_RESIZE)

/*
 * What a cache may be; as the kernel's SLAB_* flags of the same name. The last
 * six are debug modes, as the module's parameter slab_debug gives them to caches by
 * name; how much is held back, and how often a sample is taken, are parameters,
 * too. Those that do not go with the rest are left out, and struct
 * memalloc_stats_cache tells which there are: neither POISON nor GUARD with a
 * constructor or TYPESAFE_BY_RCU; no GUARD in a zone, for objects of about a page or
 * more, or if the module is lean.
 */
#define MEMALLOC_CACHE_HWCACHE_ALIGN	0x00000001
#define MEMALLOC_CACHE_DMA		0x00000002	/* slabs of zone DMA */
#define MEMALLOC_CACHE_DMA32		0x00000004	/* slabs below 4 GiB */
#define MEMALLOC_CACHE_TYPESAFE_BY_RCU	0x00000008
#define MEMALLOC_CACHE_RECLAIM_ACCOUNT	0x00000010
#define MEMALLOC_CACHE_NO_REAP		0x00000020	/* empty slabs stay: CAP_SYS_ADMIN */
#define MEMALLOC_CACHE_RED_ZONE		0x00000040
#define MEMALLOC_CACHE_POISON		0x00000080
#define MEMALLOC_CACHE_STORE_USER	0x00000100
#define MEMALLOC_CACHE_CHECKS		0x00000200
#define MEMALLOC_CACHE_QUARANTINE	0x00000400	/* what is freed is held back */
#define MEMALLOC_CACHE_GUARD		0x00000800	/* samples in pages of their own */
#define MEMALLOC_CACHE_ALL		0x00000fff

/**
 * enum memalloc_ctor - what each object of a cache is made to be, once, when
 *	the memory of a slab is allocated
 * @MEMALLOC_CTOR_NONE: nothing; it is zeroed each time it is allocated
 * @MEMALLOC_CTOR_ZERO: zeroes
 * @MEMALLOC_CTOR_COUNT: what MEMALLOC_PATTERN_COUNT with the value zero is
 *
 * With a constructor, an object is what it was when it was freed last.
 */
enum memalloc_ctor {
	MEMALLOC_CTOR_NONE = 0,
	MEMALLOC_CTOR_ZERO = 1,
	MEMALLOC_CTOR_COUNT = 2,
};

/**
 * struct memalloc_cache_create - ioctl(MEMALLOC_CACHE_CREATE)
 * @size: sizeof(struct memalloc_cache_create)
 * @flags: MEMALLOC_CACHE_*; not DMA with DMA32
 * @object_size: bytes of an object: one to those of MEMALLOC_OBJECT_PAGES_MAX
 *	pages
 * @align: of the objects: a power of two, at most a page; zero: as usual
 * @useroffset: first byte of an object that MEMALLOC_READ and MEMALLOC_WRITE
 *	may copy
 * @usersize: how many bytes they may; zero: none. FILL and VERIFY, where the
 *	kernel itself does the work, may touch all of it.
 * @ctor: enum memalloc_ctor
 * @reserved: must be zero
 * @name: see MEMALLOC_NAME_SIZE. Need not differ from others'.
 * @out_handle: the handle of the cache: what MEMALLOC_ALLOC takes as parent, and
 *	what MEMALLOC_FREE destroys
 *
 * Fails with ENOMEM and EDQUOT as MEMALLOC_ALLOC does, and with EPERM if @flags has
 * MEMALLOC_CACHE_NO_REAP and the caller not CAP_SYS_ADMIN: what no shortage of
 * memory takes back would evade all quotas.
 */
struct memalloc_cache_create {
	__u32 size;
	__u32 flags;
	__u32 object_size;
	__u32 align;
	__u32 useroffset;
	__u32 usersize;
	__u32 ctor;
	__u32 reserved;
	char name[MEMALLOC_NAME_SIZE];
	__aligned_u64 out_handle;
};
#define MEMALLOC_CACHE_CREATE \
	_IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_CACHE_CREATE)

/**
 * struct memalloc_mempool_create - ioctl(MEMALLOC_MEMPOOL_CREATE)
 * @size: sizeof(struct memalloc_mempool_create)
 * @flags: must be zero
 * @backend: enum memalloc_mempool_backend
 * @order: MEMALLOC_MEMPOOL_PAGES: of each element; else zero
 * @bytes: MEMALLOC_MEMPOOL_KMALLOC: of each element, one or more; else zero
 * @parent: MEMALLOC_MEMPOOL_CACHE: the cache, whose handle cannot be freed before
 *	that of the mempool; else zero
 * @min_nr: elements that are made now, and kept: 1 to MEMALLOC_MEMPOOL_MAX
 * @node: NUMA node to prefer, or -1 for the caller's own
 * @gfp: MEMALLOC_GFP_*, for making those: no zone, no THISNODE and no NOFAIL
 * @reserved: must be zero
 * @out_handle: the handle of the mempool
 * @name: see MEMALLOC_NAME_SIZE. Need not differ from others'. Empty: it has none.
 *
 * Elements are allocated by MEMALLOC_ALLOC with MEMALLOC_KIND_ELEMENT and freed
 * by MEMALLOC_FREE; there are @min_nr of them whatever becomes of the allocators.
 *
 * Beside the common ones, fails with ENOMEM, EDQUOT, and ENOENT (no such @parent).
 */
struct memalloc_mempool_create {
	__u32 size;
	__u32 flags;
	__u32 backend;
	__u32 order;
	__aligned_u64 bytes;
	__aligned_u64 parent;
	__u32 min_nr;
	__s32 node;
	__u32 gfp;
	__u32 reserved;
	__aligned_u64 out_handle;
	char name[MEMALLOC_NAME_SIZE];
};
#define MEMALLOC_MEMPOOL_CREATE \
	_IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_MEMPOOL_CREATE)

#endif /* _UAPI_LINUX_MEMALLOC_H */
