// SPDX-License-Identifier: GPL-2.0
/*
 * A driver written for the names of Linux 2.6.10
 *
 * It knows the names in docs/names.md and no others for memory. Kbuild includes
 * memalloc/historic.h; tests/dropin checks that nothing comes from the host.
 *
 * The driver stores bytes in a device without a node: a list of sets, each with
 * an array of quanta. A set comes from a lookaside cache, by way of a pool. The
 * quanta of a device come from one of several stores: size classes, a lookaside
 * cache, pages of three kinds, or virtually contiguous memory. Each CPU counts
 * what it has allocated.
 *
 * All tests run when the module is loaded. The results are in debugfs, in the
 * file memalloc_historic, one in a line: "ok" or "not ok", and the name.
 *
 * HISTORIC_ABSENT adds calls of functions that memalloc does not have. Each of
 * those lines must fail to compile.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#ifdef CONFIG_X86
#include <asm/dma.h>
#endif

#include "historic.h"

#ifdef HISTORIC_ABSENT

void *historic_absent(void);
void *historic_absent(void)
{
	void *memory = alloc_bootmem(64);

	memory = memory ?: alloc_bootmem_low(64);
	memory = memory ?: alloc_bootmem_pages(PAGE_SIZE);
	memory = memory ?: alloc_bootmem_low_pages(PAGE_SIZE);
	free_bootmem(0, PAGE_SIZE);
	return memory;
}

#endif /* HISTORIC_ABSENT */

/*
 * Results
 */

#define HIST_RESULTS	100

static struct {
	const char *name;
	bool ok;
} hist_results[HIST_RESULTS];

static unsigned int hist_nr_results;

static void hist_check(bool ok, const char *name)
{
	if (hist_nr_results == HIST_RESULTS) {
		hist_results[0].ok = false;
		return;
	}
	hist_results[hist_nr_results].name = name;
	hist_results[hist_nr_results++].ok = ok;
}

static int historic_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	for (i = 0; i < hist_nr_results; i++)
		seq_printf(seq, "%s %s\n", hist_results[i].ok ? "ok" : "not ok",
			   hist_results[i].name);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(historic);

/*
 * Counters of each CPU
 */

DEFINE_PER_CPU(struct hist_counts, hist_counts) = { .limit = HIST_LIMIT };
EXPORT_PER_CPU_SYMBOL(hist_counts);

DEFINE_PER_CPU(int[HIST_LEVELS], hist_levels) = {
	HIST_LEVEL, HIST_LEVEL + 1, HIST_LEVEL + 2, HIST_LEVEL + 3, HIST_LEVEL + 4
};
EXPORT_PER_CPU_SYMBOL_GPL(hist_levels);

/* Without an initial value, larger than what a module of the host gets */
static DEFINE_PER_CPU(unsigned char[12000], hist_zeroes);

static void hist_visit(void *unused)
{
	get_cpu_var(hist_counts).visits++;
	put_cpu_var(hist_counts);
	per_cpu(hist_zeroes, smp_processor_id())[0]++;
}

static bool hist_counts_begin(void)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		if (per_cpu(hist_counts, cpu).limit != HIST_LIMIT ||
		    per_cpu(hist_counts, cpu).visits ||
		    memchr_inv(per_cpu(hist_zeroes, cpu), 0, 12000))
			return false;
		for (i = 0; i < HIST_LEVELS; i++)
			if (per_cpu(hist_levels, cpu)[i] != HIST_LEVEL + i)
				return false;
	}
	return true;
}

/* Has each CPU that is online made as many visits, and no other CPU any? */
static bool hist_visited(unsigned long visits)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		unsigned long expected = cpu_online(cpu) ? visits : 0;

		if (per_cpu(hist_counts, cpu).visits != expected ||
		    per_cpu(hist_zeroes, cpu)[0] != expected)
			return false;
	}
	return true;
}

static bool hist_apart(void)
{
	int cpu, other;

	for_each_possible_cpu(cpu)
		for_each_possible_cpu(other)
			if (cpu != other &&
			    &per_cpu(hist_counts, cpu) == &per_cpu(hist_counts, other))
				return false;
	return true;
}

static void hist_test_static(void)
{
	hist_check(hist_counts_begin(), "a per-CPU variable begins with its value on each CPU");
	hist_check(hist_apart(), "each CPU has one of its own");
	on_each_cpu(hist_visit, NULL, 1);
	on_each_cpu(hist_visit, NULL, 1);
	hist_check(hist_visited(2), "each CPU counts in its own");
}

static unsigned long hist_sum(long __percpu *area)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(area, cpu);
	return sum;
}

static void hist_test_dynamic(void)
{
	long __percpu *typed = alloc_percpu(long);
	long __percpu *sized = __alloc_percpu(sizeof(long), 64);
	int cpu = get_cpu();

	put_cpu();
	if (!typed || !sized) {
		hist_check(false, "areas of each CPU can be allocated");
		goto out;
	}
	hist_check(!hist_sum(typed) && !hist_sum(sized), "an area is zero on each CPU");
	hist_check(!((unsigned long)sized % 64), "an area is aligned");
	*per_cpu_ptr(typed, cpu) = 1;
	*per_cpu_ptr(sized, cpu) = 2;
	hist_check(hist_sum(typed) == 1 && hist_sum(sized) == 2,
		   "a CPU writes to its own copy only");
out:
	free_percpu(typed);
	free_percpu(sized);
}

/*
 * Lookaside caches with constructors
 */

#define HIST_READY	0x52656164UL
#define HIST_BYTES	24
#define HIST_OBJECTS	300

/**
 * struct hist_object - an object with a buffer of its own
 * @state: HIST_READY while the object is constructed
 * @cache: the cache that has constructed it
 * @buffer: HIST_BYTES bytes
 */
struct hist_object {
	unsigned long state;
	kmem_cache_t *cache;
	char *buffer;
};

/**
 * struct hist_calls - calls of the functions of a cache
 * @cache: the cache
 * @constructed: calls that construct
 * @atomic: of these, calls that must not sleep
 * @destroyed: calls that destroy
 */
struct hist_calls {
	kmem_cache_t *cache;
	atomic_t constructed;
	atomic_t atomic;
	atomic_t destroyed;
};

static struct hist_calls hist_calls[2];
static atomic_t hist_strangers;

static struct hist_calls *hist_calls_of(kmem_cache_t *cache)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hist_calls); i++)
		if (hist_calls[i].cache == cache)
			return &hist_calls[i];
	return NULL;
}

static void hist_construct(struct hist_object *object, struct hist_calls *calls,
			   unsigned long flags)
{
	gfp_t gfp = flags & SLAB_CTOR_ATOMIC ? GFP_ATOMIC : GFP_KERNEL;

	object->state = HIST_READY;
	object->cache = calls->cache;
	object->buffer = kmalloc(HIST_BYTES, gfp);
	if (object->buffer)
		memset(object->buffer, 'h', HIST_BYTES);
	atomic_inc(&calls->constructed);
	if (flags & SLAB_CTOR_ATOMIC)
		atomic_inc(&calls->atomic);
}

static void hist_destroy(struct hist_object *object, struct hist_calls *calls)
{
	if (object->state != HIST_READY || object->cache != calls->cache)
		atomic_inc(&hist_strangers);
	object->state = 0;
	kfree(object->buffer);
	atomic_inc(&calls->destroyed);
}

/* Both the constructor and the destructor of two caches */
static void hist_both(void *address, kmem_cache_t *cache, unsigned long flags)
{
	struct hist_calls *calls = hist_calls_of(cache);

	if (!calls)
		atomic_inc(&hist_strangers);
	else if ((flags & (SLAB_CTOR_VERIFY | SLAB_CTOR_CONSTRUCTOR)) == SLAB_CTOR_CONSTRUCTOR)
		hist_construct(address, calls, flags);
	else
		hist_destroy(address, calls);
}

static bool hist_caches_create(void)
{
	static const char *const names[] = { "hist_one", "hist_two" };
	unsigned int i;

	memset(hist_calls, 0, sizeof(hist_calls));
	for (i = 0; i < ARRAY_SIZE(hist_calls); i++) {
		hist_calls[i].cache = kmem_cache_create(names[i], sizeof(struct hist_object), 0,
							SLAB_HWCACHE_ALIGN, hist_both, hist_both);
		if (!hist_calls[i].cache)
			return false;
	}
	return true;
}

static bool hist_caches_destroy(void)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hist_calls); i++)
		if (hist_calls[i].cache && kmem_cache_destroy(hist_calls[i].cache))
			ok = false;
	return ok;
}

static bool hist_is_ready(const struct hist_object *object, kmem_cache_t *cache)
{
	return object && object->state == HIST_READY && object->cache == cache &&
	       object->buffer && !memchr_inv(object->buffer, 'h', HIST_BYTES);
}

/* Objects of the two caches in turn. Returns true if all are ready. */
static bool hist_objects_alloc(struct hist_object **objects, gfp_t gfp)
{
	bool ready = true;
	unsigned int i;

	for (i = 0; i < HIST_OBJECTS; i++) {
		kmem_cache_t *cache = hist_calls[i % 2].cache;

		objects[i] = kmem_cache_alloc(cache, gfp);
		ready = ready && hist_is_ready(objects[i], cache);
	}
	return ready;
}

static void hist_objects_free(struct hist_object **objects)
{
	unsigned int i;

	for (i = 0; i < HIST_OBJECTS; i++) {
		const struct hist_object *object = objects[i];

		if (object)
			kmem_cache_free(hist_calls[i % 2].cache, object);
	}
}

static bool hist_sleep_as_asked(gfp_t gfp)
{
	unsigned int i;
	int atomic;

	for (i = 0; i < ARRAY_SIZE(hist_calls); i++) {
		atomic = gfp == GFP_ATOMIC ? atomic_read(&hist_calls[i].constructed) : 0;
		if (atomic_read(&hist_calls[i].constructed) < HIST_OBJECTS / 2 ||
		    atomic_read(&hist_calls[i].atomic) != atomic)
			return false;
	}
	return true;
}

static bool hist_all_destroyed(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hist_calls); i++)
		if (atomic_read(&hist_calls[i].destroyed) !=
		    atomic_read(&hist_calls[i].constructed))
			return false;
	return !atomic_read(&hist_strangers);
}

static void hist_test_constructors(struct hist_object **objects, gfp_t gfp)
{
	if (!hist_caches_create()) {
		hist_check(false, "caches with constructor and destructor are created");
		hist_caches_destroy();
		return;
	}
	hist_check(hist_objects_alloc(objects, gfp), "objects are constructed, each for its cache");
	hist_check(hist_sleep_as_asked(gfp), gfp == GFP_ATOMIC ?
		   "an atomic allocation constructs with SLAB_CTOR_ATOMIC" :
		   "another allocation constructs without SLAB_CTOR_ATOMIC");
	hist_objects_free(objects);
	hist_check(hist_objects_alloc(objects, gfp),
		   "objects stay constructed while they are free");
	hist_objects_free(objects);
	hist_check(hist_caches_destroy(), "caches are destroyed");
	hist_check(hist_all_destroyed(), "each object is destroyed once, for its cache");
}

static void hist_test_caches(void)
{
	struct hist_object **objects;

	objects = vmalloc(HIST_OBJECTS * sizeof(*objects));
	if (!objects) {
		hist_check(false, "no memory for the tests of caches");
		return;
	}
	hist_test_constructors(objects, GFP_KERNEL);
	hist_test_constructors(objects, GFP_ATOMIC);
	vfree(objects);
}

static void hist_test_in_use(void)
{
	kmem_cache_t *cache;
	void *object;

	cache = kmem_cache_create("hist_in_use", 100, 0, SLAB_NO_REAP, NULL, NULL);
	object = cache ? kmem_cache_alloc(cache, GFP_KERNEL) : NULL;
	if (!object) {
		hist_check(false, "an object without constructor can be allocated");
		return;
	}
	hist_check(kmem_cache_destroy(cache), "a cache with an object in use is not destroyed");
	kmem_cache_free(cache, object);
	hist_check(!kmem_cache_destroy(cache), "... and is after the object is freed");
}

static void hist_test_refused(void)
{
	kmem_cache_t *cache;

	cache = kmem_cache_create("hist_refused", 100, 0, 0, NULL, hist_both);
	hist_check(!cache, "a destructor without a constructor is refused");
	cache = kmem_cache_create("hist_refused", (size_t)-1, 0, 0, NULL, NULL);
	hist_check(!cache, "an object that is too large is refused");
}

static bool hist_is_below_dma(const void *address)
{
#if defined(CONFIG_X86) && defined(CONFIG_ZONE_DMA)
	return address && (unsigned long)address < (unsigned long)MAX_DMA_ADDRESS;
#else
	return address;
#endif
}

/* Address of an object of such a cache, or zero. The cache is gone then. */
static unsigned long hist_address(size_t size, size_t offset, slab_flags_t flags)
{
	kmem_cache_t *cache;
	void *object;

	cache = kmem_cache_create("hist_placed", size, offset, flags, NULL, NULL);
	if (!cache)
		return 0;
	object = kmem_cache_alloc(cache, GFP_KERNEL);
	if (object)
		kmem_cache_free(cache, object);
	return kmem_cache_destroy(cache) ? 0 : (unsigned long)object;
}

static void hist_test_placement(void)
{
	unsigned long address;

	address = hist_address(24, 256, 0);
	hist_check(address && !(address % 256), "an offset aligns objects");
	address = hist_address(24, 256 + 128, 0);
	hist_check(address && !(address % 128), "... also one that is no power of two");
	address = hist_address(L1_CACHE_BYTES - 8, 0, SLAB_HWCACHE_ALIGN);
	hist_check(address && !(address % L1_CACHE_BYTES), "SLAB_HWCACHE_ALIGN aligns objects");
	address = hist_address(100, 0, SLAB_CACHE_DMA);
	hist_check(hist_is_below_dma((void *)address), "SLAB_CACHE_DMA places objects");
}

/*
 * Pools
 */

#define HIST_MIN	4

static kmem_cache_t *hist_pool_cache;
static int hist_pool_budget;

/*
 * The flags of an allocation function were an int. Control-flow integrity and
 * sparse accept only the type of today.
 */
#if defined(__CHECKER__) || defined(CONFIG_CFI) || defined(CONFIG_CFI_CLANG)
#define HIST_GFP	gfp_t
#else
#define HIST_GFP	int
#endif

static void *hist_pool_alloc(HIST_GFP gfp, void *cache)
{
	return hist_pool_budget-- > 0 ? kmem_cache_alloc(cache, gfp) : NULL;
}

static void hist_pool_free(void *element, void *cache)
{
	kmem_cache_free(cache, element);
}

/* The number of elements that the pool gives out without sleeping. */
static unsigned int hist_pool_drain(mempool_t *pool)
{
	void *elements[4 * HIST_MIN];
	unsigned int i, nr;

	for (nr = 0; nr < ARRAY_SIZE(elements); nr++) {
		elements[nr] = mempool_alloc(pool, GFP_ATOMIC);
		if (!elements[nr])
			break;
	}
	for (i = 0; i < nr; i++)
		mempool_free(elements[i], pool);
	return nr;
}

static void hist_test_own_pool(kmem_cache_t *cache)
{
	mempool_t *pool;

	hist_pool_budget = HIST_MIN;
	pool = mempool_create(HIST_MIN, hist_pool_alloc, hist_pool_free, cache);
	if (!pool) {
		hist_check(false, "a pool with functions of its own is created");
		return;
	}
	hist_check(hist_pool_drain(pool) == HIST_MIN, "a pool has its minimum, and no more");
	hist_pool_budget = HIST_MIN;
	hist_check(!mempool_resize(pool, 2 * HIST_MIN, GFP_KERNEL) &&
		   hist_pool_drain(pool) == 2 * HIST_MIN, "... and more after mempool_resize()");
	mempool_destroy(pool);
	hist_pool_budget = HIST_MIN - 1;
	pool = mempool_create(HIST_MIN, hist_pool_alloc, hist_pool_free, cache);
	hist_check(!pool, "a pool without its minimum is not created");
}

static void hist_test_pools(void)
{
	mempool_t *pool;

	hist_pool_cache = kmem_cache_create("hist_pool", 200, 0, 0, NULL, NULL);
	if (!hist_pool_cache) {
		hist_check(false, "a cache for pools is created");
		return;
	}
	pool = mempool_create(HIST_MIN, mempool_alloc_slab, mempool_free_slab, hist_pool_cache);
	hist_check(pool && hist_pool_drain(pool) == 4 * HIST_MIN,
		   "a pool allocates from a lookaside cache");
	mempool_destroy(pool);
	hist_test_own_pool(hist_pool_cache);
	hist_check(!kmem_cache_destroy(hist_pool_cache), "pools return all their objects");
}

/*
 * Flags
 */

static const gfp_t hist_flags[] = {
	GFP_USER,
	GFP_KERNEL,
	GFP_NOFS,
	GFP_NOIO,
	GFP_ATOMIC,
	GFP_KERNEL | __GFP_COLD,
	GFP_KERNEL | __GFP_NOWARN,
	GFP_KERNEL | __GFP_HIGH,
	GFP_KERNEL | __GFP_REPEAT,
	GFP_KERNEL | __GFP_NOFAIL,
	GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN,
	GFP_KERNEL | __GFP_DMA,
};

/* Bytes and a page with these flags */
static bool hist_flags_serve(gfp_t gfp)
{
	void *bytes = kmalloc(500, gfp);
	unsigned long page = __get_free_page(gfp);
	bool ok = bytes && page;

	if (ok) {
		memset(bytes, 1, 500);
		memset((void *)page, 2, PAGE_SIZE);
		ok = !memchr_inv(bytes, 1, 500);
	}
	if (gfp & __GFP_DMA)
		ok = ok && hist_is_below_dma(bytes) && hist_is_below_dma((void *)page);
	kfree(bytes);
	free_page(page);
	return ok;
}

static void hist_test_flags(void)
{
	struct page *page = alloc_page(GFP_USER | __GFP_HIGHMEM);
	unsigned int i, served = 0;

	for (i = 0; i < ARRAY_SIZE(hist_flags); i++)
		served += hist_flags_serve(hist_flags[i]);
	hist_check(served == ARRAY_SIZE(hist_flags), "each of the flags is served");
	hist_check(page, "a page that may be in high memory is allocated");
	if (page)
		__free_page(page);
}

/*
 * Pages
 */

static void hist_test_orders(void)
{
	hist_check(get_order(1) == 0 && get_order(PAGE_SIZE) == 0 &&
		   get_order(PAGE_SIZE + 1) == 1 && get_order(8 * PAGE_SIZE) == 3,
		   "get_order() rounds up");
}

static void hist_test_addresses(void)
{
	unsigned long dma = __get_dma_pages(GFP_KERNEL, 1);
	unsigned long pages = __get_free_pages(GFP_KERNEL, 3);
	unsigned long zeroed = get_zeroed_page(GFP_KERNEL);
	unsigned long old = get_free_page(GFP_KERNEL);

	hist_check(hist_is_below_dma((void *)dma), "__get_dma_pages() gives memory for DMA");
	hist_check(pages && !(pages % (8 * PAGE_SIZE)), "a block of pages is aligned");
	hist_check(zeroed && !memchr_inv((void *)zeroed, 0, PAGE_SIZE) &&
		   old && !memchr_inv((void *)old, 0, PAGE_SIZE), "pages are zeroed");
	free_pages(dma, 1);
	free_pages(pages, 3);
	free_page(zeroed);
	free_page(old);
}

static void hist_test_pages(void)
{
	struct page *local = alloc_pages_node(numa_node_id(), GFP_KERNEL, 2);
	struct page *many = alloc_pages(GFP_KERNEL, 1);
	struct page *hot = alloc_page(GFP_KERNEL);
	struct page *cold = alloc_page(GFP_KERNEL | __GFP_COLD);

	hist_check(local && many && hot && cold && hot != cold, "pages are allocated");
	if (local)
		__free_pages(local, 2);
	if (many)
		__free_pages(many, 1);
	if (hot)
		free_hot_page(hot);
	if (cold)
		free_cold_page(cold);
}

static void hist_test_areas(void)
{
	char *area = vmalloc(5 * PAGE_SIZE);

	hist_check(area && is_vmalloc_addr(area), "vmalloc() gives a mapped area");
	if (area)
		memset(area, 3, 5 * PAGE_SIZE);
	vfree(area);
}

/* Firmware of a PC: there is no RAM at this address. */
#define HIST_FIRMWARE	0xf0000
#define HIST_FIRMWARE_BYTES 0x1000

static void hist_test_registers(void)
{
	void __iomem *registers = ioremap(HIST_FIRMWARE, HIST_FIRMWARE_BYTES);

	if (!registers) {
		hist_check(!IS_ENABLED(CONFIG_X86), "ioremap() maps registers");
		return;
	}
	hist_check(readl(registers) == readl(registers), "ioremap() maps registers");
	iounmap(registers);
}

/*
 * The device
 */

#define HIST_QUANTA	16		/* in a set */
#define HIST_SETS	5

/**
 * struct hist_set - quanta of a device; constructed while it is free
 * @next: next set
 * @quanta: the quanta, or NULL
 */
struct hist_set {
	struct hist_set *next;
	unsigned char *quanta[HIST_QUANTA];
};

/**
 * struct hist_store - a source of quanta
 * @name: name of the test
 * @quantum: bytes in a quantum
 * @get: allocates one, or returns NULL
 * @put: frees one
 */
struct hist_store {
	const char *name;
	unsigned long quantum;
	void *(*get)(void);
	void (*put)(void *quantum);
};

/**
 * struct hist_device - a device
 * @store: source of its quanta
 * @sets: its first set, or NULL
 */
struct hist_device {
	const struct hist_store *store;
	struct hist_set *sets;
};

static kmem_cache_t *hist_sets;
static kmem_cache_t *hist_quanta;
static mempool_t *hist_set_pool;
static struct hist_device hist_device;

#define HIST_BLOCK	(4 * PAGE_SIZE)
#define HIST_AREA	(6 * PAGE_SIZE)
#define HIST_SMALL	1000

static void *hist_bytes_get(void)
{
	return kmalloc(HIST_SMALL, GFP_KERNEL);
}

static void hist_bytes_put(void *quantum)
{
	kfree(quantum);
}

static void *hist_cache_get(void)
{
	return kmem_cache_alloc(hist_quanta, GFP_KERNEL);
}

static void hist_cache_put(void *quantum)
{
	kmem_cache_free(hist_quanta, quantum);
}

static void *hist_page_get(void)
{
	return (void *)__get_free_page(GFP_KERNEL);
}

static void hist_page_put(void *quantum)
{
	free_page((unsigned long)quantum);
}

static void *hist_block_get(void)
{
	return (void *)__get_free_pages(GFP_KERNEL, get_order(HIST_BLOCK));
}

static void hist_block_put(void *quantum)
{
	free_pages((unsigned long)quantum, get_order(HIST_BLOCK));
}

static void *hist_node_get(void)
{
	struct page *page;

	page = alloc_pages_node(numa_node_id(), GFP_KERNEL, get_order(HIST_BLOCK));
	return page ? page_address(page) : NULL;
}

static void hist_node_put(void *quantum)
{
	__free_pages(virt_to_page(quantum), get_order(HIST_BLOCK));
}

static void *hist_area_get(void)
{
	return vmalloc(HIST_AREA);
}

static void hist_area_put(void *quantum)
{
	vfree(quantum);
}

static const struct hist_store hist_stores[] = {
	{ "a device of size classes", HIST_SMALL, hist_bytes_get, hist_bytes_put },
	{ "a device of a lookaside cache", HIST_SMALL, hist_cache_get, hist_cache_put },
	{ "a device of pages", PAGE_SIZE, hist_page_get, hist_page_put },
	{ "a device of blocks", HIST_BLOCK, hist_block_get, hist_block_put },
	{ "a device of the node's pages", HIST_BLOCK, hist_node_get, hist_node_put },
	{ "a device of areas", HIST_AREA, hist_area_get, hist_area_put },
};

static void hist_set_construct(void *address, kmem_cache_t *cache, unsigned long flags)
{
	if (flags & SLAB_CTOR_CONSTRUCTOR)
		memset(address, 0, sizeof(struct hist_set));
}

/* The set with a number; sets up to it are added. */
static struct hist_set *hist_follow(struct hist_device *device, unsigned int nr)
{
	struct hist_set **link = &device->sets;

	for (;;) {
		if (!*link) {
			*link = mempool_alloc(hist_set_pool, GFP_KERNEL);
			if (!*link)
				return NULL;
			get_cpu_var(hist_counts).sets++;
			put_cpu_var(hist_counts);
		}
		if (!nr--)
			return *link;
		link = &(*link)->next;
	}
}

/* Fill a quantum with its number. */
static bool hist_write(struct hist_device *device, unsigned int nr)
{
	struct hist_set *set = hist_follow(device, nr / HIST_QUANTA);
	unsigned char **quantum;

	if (!set)
		return false;
	quantum = &set->quanta[nr % HIST_QUANTA];
	if (!*quantum) {
		*quantum = device->store->get();
		if (!*quantum)
			return false;
		get_cpu_var(hist_counts).quanta++;
		put_cpu_var(hist_counts);
	}
	memset(*quantum, nr, device->store->quantum);
	return true;
}

static bool hist_read(struct hist_device *device, unsigned int nr)
{
	struct hist_set *set = hist_follow(device, nr / HIST_QUANTA);

	return set && set->quanta[nr % HIST_QUANTA] &&
	       !memchr_inv(set->quanta[nr % HIST_QUANTA], nr, device->store->quantum);
}

/* Free all quanta and sets. The sets are as constructed then. */
static void hist_trim(struct hist_device *device)
{
	struct hist_set *set, *next;
	unsigned int i;

	for (set = device->sets; set; set = next) {
		next = set->next;
		for (i = 0; i < HIST_QUANTA; i++) {
			if (set->quanta[i])
				device->store->put(set->quanta[i]);
			set->quanta[i] = NULL;
		}
		set->next = NULL;
		mempool_free(set, hist_set_pool);
	}
	device->sets = NULL;
}

/* Write every second quantum, the last one first, and read it. */
static bool hist_device_works(struct hist_device *device)
{
	int nr, last = HIST_SETS * HIST_QUANTA - 1;
	bool ok = true;

	for (nr = last; nr > 0; nr -= 2)
		ok = ok && hist_write(device, nr);
	for (nr = 1; nr <= last; nr += 2)
		ok = ok && hist_read(device, nr);
	return ok;
}

static void hist_counts_sum(struct hist_counts *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		sum->sets += per_cpu(hist_counts, cpu).sets;
		sum->quanta += per_cpu(hist_counts, cpu).quanta;
	}
}

static void hist_test_devices(void)
{
	struct hist_counts sum;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hist_stores); i++) {
		hist_device.store = &hist_stores[i];
		hist_check(hist_device_works(&hist_device), hist_stores[i].name);
		hist_trim(&hist_device);
	}
	hist_counts_sum(&sum);
	hist_check(sum.sets == ARRAY_SIZE(hist_stores) * HIST_SETS &&
		   sum.quanta == ARRAY_SIZE(hist_stores) * HIST_SETS * HIST_QUANTA / 2,
		   "the counters of all CPUs add up");
}

/*
 * Load and unload
 */

static struct dentry *hist_dentry;

static void hist_release(void)
{
	mempool_destroy(hist_set_pool);
	if (hist_quanta && kmem_cache_destroy(hist_quanta))
		pr_err("memalloc_historic: quanta are lost\n");
	if (hist_sets && kmem_cache_destroy(hist_sets))
		pr_err("memalloc_historic: sets are lost\n");
}

static int __init hist_prepare(void)
{
	hist_sets = kmem_cache_create("hist_sets", sizeof(struct hist_set), 0,
				      SLAB_HWCACHE_ALIGN, hist_set_construct, NULL);
	hist_quanta = kmem_cache_create("hist_quanta", HIST_SMALL, 0, SLAB_NO_REAP, NULL, NULL);
	if (hist_sets)
		hist_set_pool = mempool_create(2, mempool_alloc_slab, mempool_free_slab,
					       hist_sets);
	if (hist_set_pool && hist_quanta)
		return 0;
	hist_release();
	return -ENOMEM;
}

static int __init historic_init(void)
{
	int err = hist_prepare();

	if (err)
		return err;
	hist_test_static();
	hist_test_dynamic();
	hist_test_caches();
	hist_test_in_use();
	hist_test_refused();
	hist_test_placement();
	hist_test_pools();
	hist_test_flags();
	hist_test_orders();
	hist_test_addresses();
	hist_test_pages();
	hist_test_areas();
	hist_test_registers();
	hist_test_devices();
	/* Memory in use while the module is loaded */
	hist_check(hist_write(&hist_device, 0), "a device is in use");
	hist_dentry = debugfs_create_file(KBUILD_MODNAME, 0444, NULL, NULL, &historic_fops);
	return 0;
}

static void __exit historic_exit(void)
{
	debugfs_remove(hist_dentry);
	hist_trim(&hist_device);
	hist_release();
}

module_init(historic_init);
module_exit(historic_exit);

MODULE_DESCRIPTION("A driver for the names of Linux 2.6.10, on memalloc");
MODULE_LICENSE("GPL");
