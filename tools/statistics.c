// SPDX-License-Identifier: GPL-2.0
/*
 * What MEMALLOC_STATS answers, all of it, and what it means
 *
 * The fields are described once, here, for people and for JSON alike. A module
 * older than this program knows fewer of them: those it does not know are left
 * out, not shown as zero.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "statistics.h"

#define BORROWING(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_borrowing, field), unit, meaning }
#define FILE_HOLDS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_file, field), unit, meaning }
#define REPORTS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_reports, field), unit, meaning }
#define CACHE(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_cache, field), unit, meaning }
#define CLASS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_class, field), unit, meaning }
#define MEMPOOL(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_mempool, field), unit, meaning }
#define PERCPU(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_percpu, field), unit, meaning }
#define AREAS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_areas, field), unit, meaning }
#define ORDERS(field, meaning) \
	{ #field, offsetof(struct memalloc_stats_zone, field), meaning }

const struct statistics_field statistics_borrowing_fields[] = {
	BORROWING(page_size, UNIT_BYTES, "size of a page"),
	BORROWING(borrowed, UNIT_PAGES, "borrowed from the host now"),
	BORROWING(cap, UNIT_PAGES, "may be borrowed at most"),
	BORROWING(reserve, UNIT_PAGES, "never given back before unload"),
	BORROWING(peak, UNIT_PAGES, "most ever borrowed at once"),
	BORROWING(borrowed_total, UNIT_PAGES, "ever borrowed"),
	BORROWING(returned_total, UNIT_PAGES, "ever given back"),
	BORROWING(free, UNIT_PAGES, "borrowed, but not allocated"),
	BORROWING(quarantined, UNIT_PAGES, "freed while still referenced"),
	BORROWING(metadata_bytes, UNIT_BYTES, "spent on descriptors"),
	BORROWING(refused_cap, UNIT_EVENTS, "loans that the cap refused"),
	BORROWING(refused_host, UNIT_EVENTS, "loans that the host refused"),
	{ 0 }
};

const struct statistics_field statistics_file_fields[] = {
	FILE_HOLDS(handles, UNIT_EVENTS, "allocations of this process"),
	FILE_HOLDS(handles_limit, UNIT_EVENTS, "its quota of them"),
	FILE_HOLDS(bytes, UNIT_BYTES, "memory of this process"),
	FILE_HOLDS(bytes_limit, UNIT_BYTES, "its quota of it"),
	FILE_HOLDS(device_bytes, UNIT_BYTES, "memory of all users of the device"),
	FILE_HOLDS(device_bytes_limit, UNIT_BYTES, "their quota together"),
	{ 0 }
};

const struct statistics_field statistics_reports_fields[] = {
	REPORTS(double_free, UNIT_EVENTS, "freed again"),
	REPORTS(foreign_free, UNIT_EVENTS, "freed what was never allocated"),
	REPORTS(wrong_free, UNIT_EVENTS, "freed with a wrong order or address"),
	REPORTS(lost_reference, UNIT_EVENTS, "dropped another's reference"),
	REPORTS(corruption, UNIT_EVENTS, "broke an invariant"),
	REPORTS(use_after_free, UNIT_EVENTS, "wrote to what was free"),
	REPORTS(overflow, UNIT_EVENTS, "wrote beside an object"),
	{ 0 }
};

const struct statistics_field statistics_cache_fields[] = {
	CACHE(flags, UNIT_EVENTS, "flags, as bits"),
	CACHE(object_size, UNIT_BYTES, "of an object"),
	CACHE(stride, UNIT_BYTES, "from one object to the next"),
	CACHE(align, UNIT_BYTES, "alignment of objects"),
	CACHE(useroffset, UNIT_BYTES, "first that may be copied to user space"),
	CACHE(usersize, UNIT_BYTES, "may be copied to user space"),
	CACHE(slab_objects, UNIT_EVENTS, "objects in a slab"),
	CACHE(slab_pages, UNIT_PAGES, "in a slab"),
	CACHE(sheaf_objects, UNIT_EVENTS, "objects in a sheaf"),
	CACHE(active, UNIT_EVENTS, "objects that somebody has"),
	CACHE(objects, UNIT_EVENTS, "objects in all slabs"),
	CACHE(active_slabs, UNIT_EVENTS, "slabs in use"),
	CACHE(slabs, UNIT_EVENTS, "slabs"),
	CACHE(pages, UNIT_PAGES, "in slabs"),
	CACHE(hits, UNIT_EVENTS, "allocations served by a sheaf at hand"),
	CACHE(misses, UNIT_EVENTS, "allocations that were not"),
	{ 0 }
};

const struct statistics_field statistics_class_fields[] = {
	CLASS(dma, UNIT_EVENTS, "of zone DMA"),
	CLASS(object_size, UNIT_BYTES, "the largest size it is for"),
	CLASS(active, UNIT_EVENTS, "pieces that somebody has"),
	CLASS(objects, UNIT_EVENTS, "pieces there is room for"),
	CLASS(pages, UNIT_PAGES, "in slabs"),
	CLASS(samples, UNIT_EVENTS, "allocations whose size was noted"),
	CLASS(sampled_bytes, UNIT_BYTES, "sum of those sizes"),
	CLASS(waste_per_mille, UNIT_EVENTS, "of the pages, not asked for"),
	{ 0 }
};

const struct statistics_field statistics_mempool_fields[] = {
	MEMPOOL(backend, UNIT_EVENTS, "1 pages, 2 kmalloc, 3 cache, 0 other"),
	MEMPOOL(element_bytes, UNIT_BYTES, "of an element"),
	MEMPOOL(min_nr, UNIT_EVENTS, "elements it has while none are out"),
	MEMPOOL(elements, UNIT_EVENTS, "elements that are in it"),
	MEMPOOL(waiting, UNIT_EVENTS, "tasks that wait for one"),
	MEMPOOL(waits, UNIT_EVENTS, "how often somebody had to wait"),
	MEMPOOL(reserve_hits, UNIT_EVENTS, "elements taken out of it"),
	MEMPOOL(failures, UNIT_EVENTS, "allocations that failed"),
	{ 0 }
};

const struct statistics_field statistics_percpu_fields[] = {
	PERCPU(chunks, UNIT_EVENTS, "chunks borrowed from the host"),
	PERCPU(chunk_bytes, UNIT_BYTES, "of the chunks, on each CPU"),
	PERCPU(possible_cpus, UNIT_EVENTS, "CPUs that there may be"),
	PERCPU(total_bytes, UNIT_BYTES, "of the chunks, on all CPUs"),
	PERCPU(metadata_bytes, UNIT_BYTES, "spent on describing them"),
	PERCPU(used, UNIT_BYTES, "on each CPU, that somebody has"),
	PERCPU(cached, UNIT_BYTES, "on each CPU, kept at hand"),
	PERCPU(free_bytes, UNIT_BYTES, "on each CPU, free"),
	PERCPU(largest_free, UNIT_BYTES, "the largest free piece"),
	PERCPU(hits, UNIT_EVENTS, "allocations that found one at hand"),
	PERCPU(misses, UNIT_EVENTS, "allocations that did not"),
	PERCPU(failures, UNIT_EVENTS, "allocations that failed"),
	PERCPU(chunks_borrowed, UNIT_EVENTS, "chunks ever borrowed"),
	PERCPU(chunks_returned, UNIT_EVENTS, "chunks ever given back"),
	PERCPU(chunks_refused, UNIT_EVENTS, "chunks that the host refused"),
	{ 0 }
};

const struct statistics_field statistics_areas_fields[] = {
	AREAS(areas, UNIT_EVENTS, "areas that somebody has"),
	AREAS(area_pages, UNIT_PAGES, "in them"),
	AREAS(maps, UNIT_EVENTS, "areas of pages of whoever asked"),
	AREAS(failures, UNIT_EVENTS, "allocations that failed"),
	AREAS(cached_areas, UNIT_EVENTS, "freed, and still mapped"),
	AREAS(cached_pages, UNIT_PAGES, "in those"),
	AREAS(cached_pages_limit, UNIT_PAGES, "may be in those at most"),
	AREAS(cpu_hits, UNIT_EVENTS, "allocations this CPU had an area for"),
	AREAS(node_hits, UNIT_EVENTS, "allocations the node had one for"),
	AREAS(misses, UNIT_EVENTS, "allocations that had to map pages"),
	AREAS(evicted, UNIT_EVENTS, "unmapped to make room"),
	AREAS(not_kept_as_held, UNIT_EVENTS, "unmapped, as others had its pages"),
	{ 0 }
};

const struct statistics_orders statistics_zone_orders[] = {
	ORDERS(free_blocks, "free"),
	ORDERS(pcp_blocks, "per-CPU"),
	ORDERS(allocs, "allocated"),
	ORDERS(frees, "freed"),
	ORDERS(failures, "failed"),
	{ 0 }
};

uint64_t statistics_field(const void *section, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)section + offset, sizeof(value));
	return value;
}

/* The entries of a section, as many as there are; they may become more. */
static int read_entries(const struct device *device, uint32_t section,
			size_t length, void **entries, size_t *count,
			size_t *known)
{
	void *more;
	int err;

	for (;;) {
		more = reallocarray(*entries, *count + 1, length);
		if (!more)
			return -ENOMEM;
		*entries = more;
		err = device_stats(device, section, (uint32_t)*count,
				   (char *)more + *count * length, length, known);
		if (err)
			return err == -ENOENT ? 0 : err;
		++*count;
	}
}

/* A module older than this program does not know the section. */
static int read_newer(const struct device *device, uint32_t section,
		      size_t length, void **entries, size_t *count,
		      size_t *known)
{
	int err = read_entries(device, section, length, entries, count, known);

	return err == -EINVAL ? 0 : err;
}

/* The same for one entry; none of it is known then. */
static int read_newer_one(const struct device *device, uint32_t section,
			  void *entry, size_t length, size_t *known)
{
	int err = device_stats(device, section, 0, entry, length, known);

	return err == -EINVAL ? 0 : err;
}

static int read_newer_sections(const struct device *device, struct statistics *s)
{
	int err;

	err = read_newer(device, MEMALLOC_SECTION_CACHE, sizeof(*s->caches),
			 (void **)&s->caches, &s->nr_caches, &s->caches_known);
	if (!err)
		err = read_newer(device, MEMALLOC_SECTION_CLASS,
				 sizeof(*s->classes), (void **)&s->classes,
				 &s->nr_classes, &s->classes_known);
	if (!err)
		err = read_newer(device, MEMALLOC_SECTION_MEMPOOL,
				 sizeof(*s->mempools), (void **)&s->mempools,
				 &s->nr_mempools, &s->mempools_known);
	if (!err)
		err = read_newer_one(device, MEMALLOC_SECTION_PERCPU, &s->percpu,
				     sizeof(s->percpu), &s->percpu_known);
	if (!err)
		err = read_newer_one(device, MEMALLOC_SECTION_AREAS, &s->areas,
				     sizeof(s->areas), &s->areas_known);
	return err;
}

static int read_sections(const struct device *device, struct statistics *s)
{
	int err;

	err = device_stats(device, MEMALLOC_SECTION_BORROWING, 0, &s->borrowing,
			   sizeof(s->borrowing), &s->borrowing_known);
	if (!err)
		err = device_stats(device, MEMALLOC_SECTION_FILE, 0, &s->file,
				   sizeof(s->file), &s->file_known);
	if (!err)
		err = device_stats(device, MEMALLOC_SECTION_REPORTS, 0,
				   &s->reports, sizeof(s->reports),
				   &s->reports_known);
	if (!err)
		err = read_entries(device, MEMALLOC_SECTION_ZONE,
				   sizeof(*s->zones), (void **)&s->zones,
				   &s->nr_zones, NULL);
	if (!err)
		err = read_newer_sections(device, s);
	return err;
}

int statistics_read(const struct device *device, struct statistics *statistics)
{
	int err;

	memset(statistics, 0, sizeof(*statistics));
	err = read_sections(device, statistics);
	if (err)
		statistics_free(statistics);
	return err;
}

void statistics_free(struct statistics *statistics)
{
	free(statistics->zones);
	free(statistics->caches);
	free(statistics->classes);
	free(statistics->mempools);
	memset(statistics, 0, sizeof(*statistics));
}
