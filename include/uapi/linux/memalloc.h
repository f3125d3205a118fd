/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * memalloc: user-space interface of a second kernel memory manager
 *
 * Every command is an ioctl on /dev/memalloc with a pointer to one of the
 * structures below. These rules hold for all commands, including future ones:
 *
 * - The first __u32 is @size, the size of the structure as the caller knows it.
 *   The kernel treats a shorter structure as if it were padded with zeroes. It
 *   accepts a longer one if the part that it does not know is zero. New fields
 *   are added at the end; no field moves or changes its meaning.
 * - The kernel writes fields named out_*, on success only, and ignores their
 *   values on entry. It does not modify other fields.
 * - Fields named reserved must be zero.
 * - The layout is the same for 32-bit and 64-bit callers. Pointers are passed
 *   as __u64.
 *
 * Errors common to all commands:
 *
 * ==========  ================================================================
 * ENOTTY      unknown command
 * EINVAL      @size is shorter than the first version of the structure, an
 *             unknown flag is set, a reserved field is not zero, or a value
 *             is out of range
 * E2BIG       @size exceeds the size known to the kernel and the rest is not
 *             zero, or @size exceeds 4096
 * EBADF       the file is not open for writing, and the command changes
 *             something. A file opened read-only permits READ, VERIFY, INFO,
 *             STATS, VALIDATE, VERSION, and BATCH of these. READ and VERIFY
 *             need a file that is open for reading.
 * EFAULT      a pointer of the caller cannot be read or written
 * ENOENT      no such handle in this open file
 * EOPNOTSUPP  the kind of the handle does not support the command
 * EPERM       the caller lacks CAP_SYS_ADMIN, or CAP_SYS_RAWIO for memory of a
 *             zone
 * EINTR       a signal interrupted the command
 * ==========  ================================================================
 *
 * Handles: an allocation is a 64-bit handle, never zero, never an address. A
 * handle is valid only in the open file that created it, and is freed when that
 * file is closed for the last time. A mapping counts as a descriptor of the
 * file: it keeps the memory alive after the handle is freed, and the file after
 * the last descriptor is closed.
 *
 * Some handles are allocated from a parent, as an object is from a slab cache.
 * The parent cannot be freed before them (EBUSY). When the file is closed, all
 * are freed in the right order.
 *
 * Mapping: mmap(2) with out_map_offset, MAP_SHARED, any part of one allocation.
 * Fails with ENOENT (no such allocation), EINVAL (private mapping, or beyond
 * the end of the allocation) or ENODEV (the kind cannot be mapped).
 *
 * Memory given to user space is always zeroed first: MEMALLOC_GFP_ZERO selects
 * the code that zeroes it, and makes no difference to the caller. The exception
 * is an object of a cache with a constructor or MEMALLOC_CACHE_TYPESAFE_BY_RCU:
 * a new object is as the constructor left it, and a reused one is as the last
 * user left it, which was the same open file.
 *
 * /proc/memalloc and the kernel log show the owner of a handle as NAME[PID] of
 * the program that opened the file.
 *
 * There are quotas for an open file, for all open files of the user that opened
 * them, and for the device. The user is the real user of the task that opens
 * the file; in a user namespace, the owner of the outermost one. A file opened
 * with CAP_SYS_RESOURCE is charged to its user, but is exempt from the user's
 * limits.
 *
 * An allocation is charged with the memory taken from the allocator: all pages,
 * or the size class, or for an object its share of the slab, including gaps,
 * waste and metadata, also of debug modes. A cache is charged with its
 * metadata, and each handle with its own metadata in addition to its bytes.
 * Freed objects kept by a cache are charged to no quota: they are reclaimed
 * when the cap is reached or the host is short of memory. Freed pages that are
 * still pinned by a pipe or a device stay charged to the quota of the device.
 */
#ifndef _UAPI_LINUX_MEMALLOC_H
#define _UAPI_LINUX_MEMALLOC_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MEMALLOC_IOCTL_TYPE	0xBB

/* Path of the device */
#define MEMALLOC_DEVICE_PATH	"/dev/memalloc"

/*
 * Version of the interface, as in MEMALLOC_VERSION and in the first line of
 * /proc/memalloc. It changes if a correct program would stop working; additions
 * do not change it.
 */
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
	MEMALLOC_CMD_VERSION = 0x0f,
};

/* Maximum order of a page allocation, and number of orders */
#define MEMALLOC_MAX_ORDER	10
#define MEMALLOC_NR_ORDERS	(MEMALLOC_MAX_ORDER + 1)

/**
 * enum memalloc_kind - kind of a handle
 * @MEMALLOC_KIND_PAGES: 2^order contiguous pages of the buddy allocator
 * @MEMALLOC_KIND_CACHE: a slab cache; created by MEMALLOC_CACHE_CREATE, has no
 *	bytes of its own
 * @MEMALLOC_KIND_OBJECT: objects of a slab cache
 * @MEMALLOC_KIND_KMALLOC: kmalloc memory
 * @MEMALLOC_KIND_MEMPOOL: a mempool; created by MEMALLOC_MEMPOOL_CREATE, has no
 *	bytes of its own
 * @MEMALLOC_KIND_ELEMENT: an element of a mempool
 * @MEMALLOC_KIND_PERCPU: a per-CPU area on every possible CPU, accessed as one
 *	range of bytes: the copy of the first CPU, of the second CPU, and so on
 * @MEMALLOC_KIND_AREA: a vmalloc area of whole pages
 *
 * Only pages and areas can be mapped. Only kmalloc memory and mempools can be
 * resized.
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

/* Maximum number of objects in one allocation of MEMALLOC_KIND_OBJECT */
#define MEMALLOC_COUNT_MAX	4096

/* Maximum size of kmalloc memory and of an object, in pages */
#define MEMALLOC_OBJECT_PAGES_MAX	(1U << MEMALLOC_MAX_ORDER)

/* Maximum of struct memalloc_mempool_create.min_nr */
#define MEMALLOC_MEMPOOL_MAX	65536

/* Maximum of MEMALLOC_KIND_AREA, in pages; the cap is reached long before. */
#define MEMALLOC_AREA_PAGES_MAX	(1U << 28)

/* struct memalloc_alloc.flags */
#define MEMALLOC_ALLOC_PREALLOCATED	0x00000001	/* from the reserve only */

/*
 * GFP flags: one mode, and any compatible modifiers. They mean the same as the
 * kernel's GFP flags of these names.
 *
 * Drivers depend on the zones DMA and DMA32 and on the reserves. For a caller
 * without CAP_SYS_RAWIO, DMA and DMA32 fail with EPERM, and ATOMIC and HIGH do
 * not use a reserve: ATOMIC then means NOWAIT, and HIGH is ignored.
 */
#define MEMALLOC_GFP_MODE	0x0000000f	/* mask of the mode */
#define MEMALLOC_GFP_KERNEL	0x00000000	/* may sleep and borrow */
#define MEMALLOC_GFP_ATOMIC	0x00000001	/* never sleeps, may use the reserves */
#define MEMALLOC_GFP_NOWAIT	0x00000002	/* never sleeps */
#define MEMALLOC_GFP_NOIO	0x00000003	/* may sleep, starts no I/O */
#define MEMALLOC_GFP_NOFS	0x00000004	/* may sleep, enters no file system */
#define MEMALLOC_GFP_USER	0x00000005	/* as KERNEL, on behalf of user space */
#define MEMALLOC_GFP_HIGHUSER	0x00000006	/* as USER, high memory allowed */
#define MEMALLOC_GFP_ZERO	0x00000010	/* the allocator zeroes */
#define MEMALLOC_GFP_NOWARN	0x00000020	/* do not log a failure */
#define MEMALLOC_GFP_NORETRY	0x00000040	/* give up early */
#define MEMALLOC_GFP_RETRY_MAYFAIL 0x00000080	/* try hard, then fail */
#define MEMALLOC_GFP_NOFAIL	0x00000100	/* wait for success or a signal */
#define MEMALLOC_GFP_COLD	0x00000200	/* cache-cold memory preferred */
#define MEMALLOC_GFP_DMA	0x00000400	/* guaranteed: zone DMA, if the host has one */
#define MEMALLOC_GFP_DMA32	0x00000800	/* guaranteed: below 4 GiB, if the host has DMA32 */
#define MEMALLOC_GFP_HIGHMEM	0x00001000	/* high memory allowed */
#define MEMALLOC_GFP_HIGH	0x00002000	/* may use the reserves */
#define MEMALLOC_GFP_THISNODE	0x00004000	/* guaranteed: @node, no fallback */
#define MEMALLOC_GFP_ALL	0x00007fff	/* mask of all defined bits */

/**
 * struct memalloc_alloc - ioctl(MEMALLOC_ALLOC)
 * @size: sizeof(struct memalloc_alloc)
 * @kind: enum memalloc_kind
 * @flags: MEMALLOC_KIND_ELEMENT: MEMALLOC_ALLOC_PREALLOCATED or zero; must be
 *	zero for other kinds
 * @gfp: MEMALLOC_GFP_*
 * @node: preferred NUMA node, or -1 for the caller's
 * @order: MEMALLOC_KIND_PAGES: allocate 2^order pages, 0 to MEMALLOC_MAX_ORDER;
 *	must be zero for other kinds
 * @bytes: MEMALLOC_KIND_KMALLOC: size, which may be zero, at most
 *	MEMALLOC_OBJECT_PAGES_MAX pages. MEMALLOC_KIND_PERCPU: size on each CPU,
 *	at most 32 KiB or a page, whichever is larger. MEMALLOC_KIND_AREA: size,
 *	which is rounded up to pages, at most MEMALLOC_AREA_PAGES_MAX. Zero is
 *	EINVAL for the last two. Must be zero for other kinds.
 * @parent: MEMALLOC_KIND_OBJECT: the cache; MEMALLOC_KIND_ELEMENT: the mempool;
 *	must be zero for other kinds
 * @out_handle: handle of the allocation
 * @out_bytes: usable size in bytes
 * @out_map_offset: offset for mmap(2), or zero if the kind cannot be mapped
 * @count: MEMALLOC_KIND_OBJECT: number of objects, at most MEMALLOC_COUNT_MAX;
 *	zero means one. Object i begins at offset i times the size of an object.
 *	Must be zero for other kinds.
 * @reserved: must be zero
 * @align: MEMALLOC_KIND_PERCPU: alignment on each CPU, a power of two, at most
 *	a page; zero means 8. Must be zero for other kinds.
 *
 * In addition to the common errors, fails with ENOMEM (the cap is reached, or
 * the host has no memory), EDQUOT (a quota is exhausted), EINVAL (contradictory
 * @gfp, impossible @node, @parent of the wrong kind) and ENOENT (no such
 * @parent). If the caller is killed during an allocation of many objects, these
 * are freed again: EINTR.
 *
 * The cache determines the zone of its slabs: MEMALLOC_GFP_DMA and
 * MEMALLOC_GFP_DMA32 are EINVAL for MEMALLOC_KIND_OBJECT. MEMALLOC_KIND_KMALLOC
 * has no size classes in zone DMA32: MEMALLOC_GFP_DMA32 is EINVAL. Objects and
 * elements of a cache in a zone also need CAP_SYS_RAWIO (EPERM). Flags for high
 * memory are ignored for both kinds. For MEMALLOC_KIND_ELEMENT and
 * MEMALLOC_KIND_PERCPU, zones and MEMALLOC_GFP_THISNODE are EINVAL, and @node
 * is ignored: a pool has its elements where it was created, and each CPU has
 * its copy on its own node.
 *
 * If a mempool is empty and its backend fails, a caller that must not sleep, or
 * uses MEMALLOC_GFP_NORETRY or MEMALLOC_ALLOC_PREALLOCATED, gets ENOMEM. Other
 * callers wait until an element is freed or a signal arrives (EINTR). A caller
 * that must not sleep gets an area from this CPU's cache, or ENOMEM.
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
 * @handle: handle to free; invalid from now on
 *
 * Fails with EBUSY for a cache with objects or mempools, and for a mempool with
 * allocated elements. Nothing changes in that case.
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
 * @offset: first byte in the allocation
 * @length: number of bytes; may be zero
 * @data: address of the caller's buffer
 * @out_done: bytes copied; less than @length only if a signal interrupted the
 *	copy
 *
 * Fails with EOVERFLOW if @offset and @length exceed the allocation, with
 * EFAULT if the buffer is not fully accessible, and with EPERM if the bytes are
 * outside the user-copy region of the cache, see @useroffset of struct
 * memalloc_cache_create. After the last two a part may have been copied.
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
 *	so that all words of an allocation differ
 *
 * Words are little-endian and counted from the first byte of the allocation,
 * also if only a part is filled or verified.
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
 * @offset: first byte in the allocation
 * @length: number of bytes to fill or verify
 * @value: see enum memalloc_pattern
 * @pattern: enum memalloc_pattern
 * @reserved: must be zero
 * @out_done: bytes filled, or bytes before the first difference. A difference
 *	is not an error.
 *
 * Fails with EOVERFLOW if @offset and @length exceed the allocation, and with
 * EINTR if a signal interrupted the command.
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

/* Zones; the allocator prefers the highest one that a request permits. */
enum memalloc_zone {
	MEMALLOC_ZONE_DMA = 0,
	MEMALLOC_ZONE_DMA32 = 1,
	MEMALLOC_ZONE_NORMAL = 2,
};
#define MEMALLOC_NR_ZONES	3

/*
 * Names. A name passed by user space consists of letters, digits, '_', '.' and
 * '-', ends with a zero byte, and is padded with zero bytes. A name returned to
 * user space is longer: names from user space get the prefix "u:", so that they
 * cannot be mistaken for names from kernel code.
 */
#define MEMALLOC_NAME_SIZE		24
#define MEMALLOC_SHOWN_NAME_SIZE	32

/* struct memalloc_info.flags */
#define MEMALLOC_INFO_PHYS	0x00000001	/* fill in out_phys: CAP_SYS_ADMIN */

/**
 * struct memalloc_info - ioctl(MEMALLOC_INFO)
 * @size: sizeof(struct memalloc_info)
 * @flags: MEMALLOC_INFO_*
 * @handle: the allocation
 * @offset: offset of a byte; @out_node, @out_zone and @out_phys are those of
 *	its page. Zero is valid for kinds without bytes, too.
 * @out_kind: enum memalloc_kind
 * @out_order: order of a page allocation, else zero
 * @out_node: NUMA node, or -1 if there are no bytes
 * @out_zone: enum memalloc_zone; no meaning if @out_node is -1
 * @out_bytes: usable size in bytes
 * @out_map_offset: offset for mmap(2), or zero if the kind cannot be mapped
 * @out_mappings: number of VMAs that currently map it
 * @out_phys: physical address of the byte at @offset, or zero without
 *	MEMALLOC_INFO_PHYS
 * @out_held: bytes taken from the allocator, which are charged to the quotas
 * @out_parent: handle of the parent, or zero
 * @out_children: number of allocations from it
 * @out_count: MEMALLOC_KIND_OBJECT: number of objects; MEMALLOC_KIND_PERCPU:
 *	number of CPUs, each with @out_bytes / @out_count bytes;
 *	MEMALLOC_KIND_MEMPOOL: minimum of elements; else zero
 * @out_reserved: zero
 * @out_name: name of the cache or mempool, or of the cache of the allocation,
 *	which is the size class for kmalloc. Empty if there is none.
 *
 * Fails with EOVERFLOW if @offset exceeds the allocation.
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
 * enum memalloc_section - section of the statistics
 * @MEMALLOC_SECTION_BORROWING: struct memalloc_stats_borrowing, one
 * @MEMALLOC_SECTION_ZONE: struct memalloc_stats_zone, one for each zone that
 *	has or had pages
 * @MEMALLOC_SECTION_FILE: struct memalloc_stats_file, one: the caller's own
 * @MEMALLOC_SECTION_REPORTS: struct memalloc_stats_reports, one
 * @MEMALLOC_SECTION_CACHE: struct memalloc_stats_cache, one for each slab cache
 *	of any user, including size classes, in the order of creation
 * @MEMALLOC_SECTION_CLASS: struct memalloc_stats_class, one for each size class
 *	of kmalloc
 * @MEMALLOC_SECTION_MEMPOOL: struct memalloc_stats_mempool, one for each
 *	mempool of any user, in the order of creation
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
 * @index: index of the entry in the section, from zero
 * @length: size of the buffer at @data
 * @data: address of the buffer, which receives a structure of the section.
 *	Fields unknown to the kernel are set to zero.
 * @out_length: size of the structure known to the kernel
 * @out_count: number of entries in the section
 * @handle: MEMALLOC_SECTION_CACHE, MEMALLOC_SECTION_MEMPOOL: read the entry of
 *	this cache or mempool, @index must be zero; zero: read the entry at
 *	@index. Must be zero for other sections.
 *
 * If @length is zero, only @out_count and @out_length are returned, also for a
 * section without entries.
 *
 * Fails with ENOENT if @index is not below @out_count, and with EINVAL if
 * @length exceeds 4096 or @handle is of another kind.
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
 * @page_size: bytes in a page; the other fields count pages unless noted
 * @borrowed: currently borrowed
 * @cap: limit of the sum of @borrowed, the pages of per-CPU areas, and metadata
 * @reserve: never returned before unload
 * @peak: maximum of @borrowed
 * @borrowed_total: borrowed since load
 * @returned_total: returned since load: exactly @borrowed_total - @borrowed -
 *	@lost_total
 * @free: part of @borrowed that is not allocated
 * @quarantined: part of @borrowed that was freed while pinned
 * @metadata_bytes: bytes of metadata taken from the host: sections, slabs and
 *	sheaves; they count towards @cap
 * @refused_cap: number of requests to borrow that the cap refused
 * @refused_host: number of requests to borrow that the host refused
 * @lost_total: pages lost since load, as another holder freed them to the host
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
	__aligned_u64 lost_total;
};

/**
 * struct memalloc_stats_zone - one zone of one node
 * @node: NUMA node
 * @zone: enum memalloc_zone
 * @pages: borrowed pages in the zone
 * @free: free pages among @pages
 * @free_blocks: free blocks of each order, without those in the per-CPU lists
 * @pcp_blocks: blocks of each order in the per-CPU lists
 * @allocs: successful allocations of each order
 * @frees: frees of each order
 * @failures: failed allocations of each order, counted in the preferred zone
 * @watermark_min: free pages reserved for callers that must not sleep
 * @watermark_low: below this, more pages are borrowed in the background
 * @watermark_high: background borrowing stops here
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
 * struct memalloc_stats_file - usage and limits of the calling file
 * @handles: handles of this file
 * @handles_limit: limit of @handles
 * @bytes: bytes held by this file, including memory kept by mappings only
 * @bytes_limit: limit of @bytes
 * @device_bytes: bytes held by all files
 * @device_bytes_limit: limit of @device_bytes
 * @described_bytes: metadata of this file; counts towards all limits of bytes,
 *	in addition to @bytes and @device_bytes
 * @device_described_bytes: metadata of all files
 * @user_handles: handles in all files of the user that opened this one
 * @user_handles_limit: limit of @user_handles
 * @user_bytes: bytes charged to that user, including metadata and pages that
 *	were freed while pinned
 * @user_bytes_limit: limit of @user_bytes
 */
struct memalloc_stats_file {
	__aligned_u64 handles;
	__aligned_u64 handles_limit;
	__aligned_u64 bytes;
	__aligned_u64 bytes_limit;
	__aligned_u64 device_bytes;
	__aligned_u64 device_bytes_limit;
	__aligned_u64 described_bytes;
	__aligned_u64 device_described_bytes;
	__aligned_u64 user_handles;
	__aligned_u64 user_handles_limit;
	__aligned_u64 user_bytes;
	__aligned_u64 user_bytes_limit;
};

/**
 * struct memalloc_stats_reports - misuse detected since load
 * @double_free: double frees
 * @foreign_free: frees of memory that was never borrowed
 * @wrong_free: frees with a wrong order, or not of the first page
 * @lost_reference: drops of a reference that another holder had
 * @corruption: violated invariants of the allocator
 * @use_after_free: writes to free memory, detected in debug modes only
 * @overflow: writes outside an object, detected in debug modes only
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
 * @name: name of the cache
 * @flags: MEMALLOC_CACHE_*, except MEMALLOC_CACHE_HWCACHE_ALIGN, which shows in
 *	@align
 * @object_size: size of an object in bytes
 * @stride: distance from one object to the next
 * @align: alignment of objects
 * @useroffset: offset of the user-copy region of an object
 * @usersize: size of that region
 * @slab_objects: objects in a slab, if memory is not short
 * @slab_pages: pages in such a slab
 * @sheaf_objects: capacity of a sheaf; zero if the cache has none
 * @active: allocated objects
 * @objects: objects in all slabs
 * @active_slabs: slabs with an object outside their free list
 * @slabs: number of slabs
 * @pages: pages in slabs
 * @hits: allocations served by a sheaf
 * @misses: other allocations
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
 * @name: name of its cache
 * @dma: one if its memory is in zone DMA, else zero
 * @object_size: maximum size in bytes
 * @active: allocated objects
 * @objects: objects in all slabs
 * @pages: pages in slabs
 * @samples: allocations with a sampled size: one in each sheaf's worth
 * @sampled_bytes: sum of the sampled sizes
 * @waste_per_mille: estimated share of the bytes of @pages that no caller
 *	requested, according to the sampled sizes
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
 * enum memalloc_mempool_backend - source of the elements of a mempool
 * @MEMALLOC_MEMPOOL_OTHER: functions of a kernel user; only in statistics
 * @MEMALLOC_MEMPOOL_PAGES: blocks of the buddy allocator
 * @MEMALLOC_MEMPOOL_KMALLOC: kmalloc memory
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
 * @name: its name, or that of the function that created it, or "(device)"
 * @backend: enum memalloc_mempool_backend
 * @element_bytes: usable size of an element; zero if unknown
 * @min_nr: guaranteed minimum of elements
 * @elements: elements in reserve
 * @waiting: tasks in the kernel that wait for an element
 * @waits: number of waits
 * @reserve_hits: allocations served from the reserve
 * @failures: failed allocations of callers that must not wait
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
 * @chunk_bytes: size of a chunk on one CPU; the other fields count bytes on one
 *	CPU, too, unless noted
 * @possible_cpus: number of possible CPUs
 * @total_bytes: size of all chunks on all CPUs
 * @metadata_bytes: size of their metadata
 * @used: allocated
 * @cached: free and cached on a CPU
 * @free_bytes: free
 * @largest_free: largest free run
 * @hits: allocations served from a CPU's cache
 * @misses: other allocations
 * @failures: failed allocations
 * @chunks_borrowed: chunks borrowed since load
 * @chunks_returned: chunks returned since load
 * @chunks_refused: chunks refused because of the cap or by the host
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
 * struct memalloc_stats_areas - vmalloc areas
 * @areas: allocated areas of pages of this module
 * @area_pages: pages in @areas
 * @maps: areas that map pages of the caller
 * @failures: failed allocations
 * @cached_areas: freed areas that are still mapped
 * @cached_pages: pages in @cached_areas
 * @cached_pages_limit: limit of @cached_pages
 * @cpu_hits: allocations served from a CPU's cache
 * @node_hits: allocations served from a node's cache
 * @misses: other allocations
 * @evicted: cached areas unmapped to make room
 * @not_kept_as_held: freed areas not cached because a page was pinned
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
 * @out_checked: structures checked: blocks, pages, lists, slabs, objects
 * @out_errors: damaged structures; the kernel log has the details
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
 * @pages: maximum number of free pages to return to the host; zero for all,
 *	including those of unused slabs
 * @out_pages: pages returned
 * @handle: zero; or a cache, which then returns its unused slabs to the page
 *	allocator, @pages must be zero
 *
 * Returns no more pages than are free at the start, even if others free more in
 * the meantime. A fatal signal ends it (EINTR).
 */
struct memalloc_shrink {
	__u32 size;
	__u32 flags;
	__aligned_u64 pages;
	__aligned_u64 out_pages;
	__aligned_u64 handle;
};
#define MEMALLOC_SHRINK _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_SHRINK)

/* Maximum number of commands in a batch */
#define MEMALLOC_BATCH_MAX	1024

/**
 * struct memalloc_batch_op - one command of a batch
 * @cmd: the command, e.g. MEMALLOC_ALLOC, but not MEMALLOC_BATCH
 * @out_errno: zero, or the error as a positive number
 * @arg: address of the command's structure
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
 * @count: number of entries at @ops, at most MEMALLOC_BATCH_MAX
 * @op_size: sizeof(struct memalloc_batch_op)
 * @ops: address of the commands, which are executed in order
 * @out_done: number of commands executed, with or without error. It is less
 *	than @count if a command failed (unless MEMALLOC_BATCH_KEEP_GOING), an
 *	entry after the first cannot be read or written, or a signal arrived.
 * @reserved: must be zero
 *
 * A failed command does not make the batch fail: check @out_done and the
 * @out_errno of each command. A batch in a batch fails with EINVAL.
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
 *	next one, 0 cancels a pending failure; at most 2^63 - 1
 * @out_left: allocations left until the previous failure; zero if none
 *	was pending
 *
 * Needs CAP_SYS_ADMIN. Every step of a command that takes memory counts,
 * including the module's own bookkeeping. Counting @nth up from one exercises
 * every failure path of a command.
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
 * @bytes: new size, as for MEMALLOC_ALLOC; zero for a mempool. The contents are
 *	preserved up to the smaller of the two sizes; new bytes are zero.
 * @gfp: MEMALLOC_GFP_*, except zones (DMA, DMA32, HIGHMEM, HIGHUSER: the memory
 *	stays in its zone), THISNODE and NOFAIL
 * @reserved: must be zero
 * @out_bytes: usable size in bytes
 * @out_held: bytes now taken from the allocator
 * @min_nr: new minimum of a mempool, 1 to MEMALLOC_MEMPOOL_MAX; zero for
 *	others. If it shrinks, surplus elements in reserve are freed. If it
 *	grows, new elements are allocated as far as memory permits, and freed
 *	elements make up for the rest.
 * @reserved2: must be zero
 *
 * Fails with ENOMEM and EDQUOT as MEMALLOC_ALLOC does, and then changes
 * nothing; shrinking does not fail for these reasons. EOPNOTSUPP: the kind
 * cannot be resized. EPERM: more memory of a zone needs CAP_SYS_RAWIO.
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
 * Flags of a cache, as the kernel's SLAB_* flags of these names. The last six
 * are debug modes, which the module's parameter slab_debug also sets by name of
 * the cache. Other parameters limit the quarantine and set the rate of samples.
 * Flags that conflict with others are dropped, and struct memalloc_stats_cache
 * shows those in effect: POISON and GUARD conflict with a constructor and with
 * TYPESAFE_BY_RCU; GUARD also with a zone, with objects of about a page or
 * more, and with the module's parameter lean.
 */
#define MEMALLOC_CACHE_HWCACHE_ALIGN	0x00000001
#define MEMALLOC_CACHE_DMA		0x00000002	/* slabs of zone DMA: CAP_SYS_RAWIO */
#define MEMALLOC_CACHE_DMA32		0x00000004	/* slabs below 4 GiB: CAP_SYS_RAWIO */
#define MEMALLOC_CACHE_TYPESAFE_BY_RCU	0x00000008
#define MEMALLOC_CACHE_RECLAIM_ACCOUNT	0x00000010
#define MEMALLOC_CACHE_NO_REAP		0x00000020	/* keep empty slabs: CAP_SYS_ADMIN */
#define MEMALLOC_CACHE_RED_ZONE		0x00000040
#define MEMALLOC_CACHE_POISON		0x00000080
#define MEMALLOC_CACHE_STORE_USER	0x00000100
#define MEMALLOC_CACHE_CHECKS		0x00000200
#define MEMALLOC_CACHE_QUARANTINE	0x00000400	/* delay the reuse of objects */
#define MEMALLOC_CACHE_GUARD		0x00000800	/* samples in pages of their own */
#define MEMALLOC_CACHE_ALL		0x00000fff

/**
 * enum memalloc_ctor - constructor, which runs when the memory of a slab is
 *	allocated
 * @MEMALLOC_CTOR_NONE: none; an object is zeroed on each allocation
 * @MEMALLOC_CTOR_ZERO: write zeroes
 * @MEMALLOC_CTOR_COUNT: write MEMALLOC_PATTERN_COUNT with the value zero
 *
 * An object with a constructor keeps its contents while it is free.
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
 * @object_size: size of an object in bytes: at least one, at most
 *	MEMALLOC_OBJECT_PAGES_MAX pages
 * @align: alignment of objects: a power of two, at most a page; zero for the
 *	default
 * @useroffset: offset of the user-copy region of an object, which MEMALLOC_READ
 *	and MEMALLOC_WRITE may copy
 * @usersize: size of that region; may be zero. FILL and VERIFY run in the
 *	kernel and can access the whole object.
 * @ctor: enum memalloc_ctor
 * @reserved: must be zero
 * @name: see MEMALLOC_NAME_SIZE. Need not be unique.
 * @out_handle: handle of the cache: the parent for MEMALLOC_ALLOC;
 *	MEMALLOC_FREE destroys the cache
 *
 * Fails with ENOMEM and EDQUOT as MEMALLOC_ALLOC does, and with EPERM if @flags
 * has MEMALLOC_CACHE_NO_REAP and the caller lacks CAP_SYS_ADMIN: memory exempt
 * from reclaim would evade all quotas. DMA and DMA32 need CAP_SYS_RAWIO.
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
 * @order: MEMALLOC_MEMPOOL_PAGES: order of an element; else zero
 * @bytes: MEMALLOC_MEMPOOL_KMALLOC: size of an element, at least one; else zero
 * @parent: MEMALLOC_MEMPOOL_CACHE: the cache, which cannot be freed before the
 *	mempool; else zero
 * @min_nr: elements to allocate now and to guarantee: 1 to MEMALLOC_MEMPOOL_MAX
 * @node: preferred NUMA node, or -1 for the caller's
 * @gfp: MEMALLOC_GFP_* for these elements, except zones, THISNODE and NOFAIL
 * @reserved: must be zero
 * @out_handle: handle of the mempool
 * @name: see MEMALLOC_NAME_SIZE. Need not be unique; may be empty.
 *
 * MEMALLOC_ALLOC with MEMALLOC_KIND_ELEMENT allocates elements, MEMALLOC_FREE
 * frees them. The pool guarantees @min_nr elements even if its backend fails.
 *
 * In addition to the common errors, fails with ENOMEM, EDQUOT, and ENOENT (no
 * such @parent). EPERM: @parent has memory of a zone, which needs
 * CAP_SYS_RAWIO.
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

#define MEMALLOC_RELEASE_SIZE	32

/**
 * struct memalloc_version - ioctl(MEMALLOC_VERSION)
 * @size: sizeof(struct memalloc_version)
 * @flags: must be zero
 * @out_abi: MEMALLOC_ABI_VERSION of the module
 * @out_commands: number of known commands, which are 0 up to this number
 * @out_release: release of the module, e.g. "0.2.0", ending with a zero byte
 *
 * Works on any open file. A module without this command (ENOTTY) is older than
 * release 0.2.0.
 */
struct memalloc_version {
	__u32 size;
	__u32 flags;
	__u32 out_abi;
	__u32 out_commands;
	char out_release[MEMALLOC_RELEASE_SIZE];
};
#define MEMALLOC_VERSION _IO(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VERSION)

#endif /* _UAPI_LINUX_MEMALLOC_H */
