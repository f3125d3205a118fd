// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_ALLOC and MEMALLOC_INFO: kinds, orders, nodes and GFP flags
 */
#include <limits.h>

#include "abi_device.h"
#include "effort.h"
#include "module_parameter.h"

static int alloc_with(int fd, __u32 order, __u32 gfp, __s32 node)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = gfp,
		.node = node,
		.order = order,
	};

	return device_ioctl(fd, MEMALLOC_ALLOC, &alloc);
}

TEST_F(device, kind_out_of_range_is_einval)
{
	static const __u32 kinds[] = { 0, 0x7fffffff, 0x80000001, 0xffffffff };
	struct memalloc_alloc alloc = { .size = sizeof(alloc), .node = -1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		alloc.kind = kinds[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc))
			TH_LOG("kind %#x", kinds[i]);
	}
}

TEST_F(device, order_out_of_range_is_einval)
{
	static const __u32 orders[] = {
		MEMALLOC_MAX_ORDER + 1, 12, 31, 32, 51, 52, 63, 64, 255, 256,
		0x7fffffff, 0x80000000, 0xffffffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, orders[i],
					      MEMALLOC_GFP_USER, -1))
			TH_LOG("order %u", orders[i]);
	}
}

TEST_F(device, every_order_reports_its_size)
{
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	unsigned int order;

	for (order = 0; order <= MEMALLOC_MAX_ORDER; order++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, order,
						MEMALLOC_GFP_USER, &alloc));
		EXPECT_NE(0, alloc.out_handle);
		EXPECT_EQ(order_bytes(order), alloc.out_bytes);
		EXPECT_EQ(0, alloc.out_map_offset % page_size());
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0, 0, &info));
		EXPECT_EQ(MEMALLOC_KIND_PAGES, info.out_kind);
		EXPECT_EQ(order, info.out_order);
		EXPECT_EQ(alloc.out_bytes, info.out_bytes);
		EXPECT_EQ(alloc.out_map_offset, info.out_map_offset);
		EXPECT_EQ(0, info.out_mappings);
		EXPECT_EQ(0, info.out_phys);
		EXPECT_LE(0, info.out_node);
		EXPECT_GT(MEMALLOC_NR_ZONES, info.out_zone);
		EXPECT_EQ(0, device_free(self->fd, alloc.out_handle));
	}
}

/*
 * Return: first node after a list such as "0" or "0-3"; 1 if there is no list.
 */
static int first_impossible_node(void)
{
	char text[256];
	char *number;

	if (line_read("/sys/devices/system/node/possible", text, sizeof(text)))
		return 1;
	number = text + strlen(text);
	while (number > text && number[-1] >= '0' && number[-1] <= '9')
		number--;
	return atoi(number) + 1;
}

TEST_F(device, impossible_node_is_einval)
{
	const __s32 nodes[] = { -2, -100, INT_MIN, first_impossible_node(), 4096,
				1 << 20, INT_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, MEMALLOC_GFP_USER,
					      nodes[i]))
			TH_LOG("node %d", nodes[i]);
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, MEMALLOC_GFP_USER |
					      MEMALLOC_GFP_THISNODE, nodes[i]))
			TH_LOG("node %d", nodes[i]);
	}
	EXPECT_EQ(0, alloc_with(self->fd, 0, MEMALLOC_GFP_USER, -1));
	EXPECT_EQ(0, alloc_with(self->fd, 0, MEMALLOC_GFP_USER, 0));
}

TEST_F(device, unknown_gfp_mode_is_einval)
{
	__u32 mode;

	for (mode = MEMALLOC_GFP_HIGHUSER + 1; mode <= MEMALLOC_GFP_MODE; mode++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, mode, -1))
			TH_LOG("mode %u", mode);
	}
}

static const __u32 contradictions[] = {
	MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_RETRY_MAYFAIL,
	MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_NOFAIL,
	MEMALLOC_GFP_RETRY_MAYFAIL | MEMALLOC_GFP_NOFAIL,
	MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32,
	MEMALLOC_GFP_DMA | MEMALLOC_GFP_HIGHMEM,
	MEMALLOC_GFP_DMA32 | MEMALLOC_GFP_HIGHMEM,
};

static bool gfp_contradicts_itself(__u32 gfp)
{
	const __u32 mode = gfp & MEMALLOC_GFP_MODE;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(contradictions); i++)
		if ((gfp & contradictions[i]) == contradictions[i])
			return true;
	if (mode == MEMALLOC_GFP_ATOMIC || mode == MEMALLOC_GFP_NOWAIT)
		return gfp & MEMALLOC_GFP_NOFAIL;
	if (mode == MEMALLOC_GFP_HIGHUSER)
		return gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32);
	return false;
}

/* Could the request wait for memory of a zone that the host may not have? */
static bool may_wait_forever(__u32 gfp)
{
	return !gfp_contradicts_itself(gfp) && gfp & MEMALLOC_GFP_NOFAIL &&
	       gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32);
}

/* Every mode with every two modifiers covers all contradictions. */
TEST_F(device, gfp_is_einval_exactly_if_it_contradicts_itself)
{
	__u32 mode, first, second, gfp;
	int err;

	for (mode = 0; mode <= MEMALLOC_GFP_HIGHUSER; mode++) {
		for (first = 0x10; first <= MEMALLOC_GFP_THISNODE; first <<= 1) {
			for (second = first; second <= MEMALLOC_GFP_THISNODE;
			     second <<= 1) {
				gfp = mode | first | second | MEMALLOC_GFP_NOWARN;
				if (may_wait_forever(gfp))
					continue;
				err = alloc_with(self->fd, 0, gfp, -1);
				EXPECT_TRUE(gfp_contradicts_itself(gfp) ?
					    err == -EINVAL :
					    err == 0 || err == -ENOMEM)
					TH_LOG("gfp %#x: %d", gfp, err);
			}
		}
	}
}

TEST_F(device, every_mode_serves)
{
	__u32 mode;

	for (mode = 0; mode <= MEMALLOC_GFP_HIGHUSER; mode++) {
		EXPECT_EQ(0, alloc_with(self->fd, 0, mode, -1))
			TH_LOG("mode %u", mode);
	}
}

TEST_F(device, handles_and_map_offsets_do_not_repeat)
{
	const unsigned int count = effort_of(512);
	struct memalloc_alloc *allocs = calloc(count, sizeof(*allocs));
	unsigned int i, j;

	ASSERT_NE(NULL, allocs);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, i % 3,
						MEMALLOC_GFP_USER, &allocs[i]));
		for (j = 0; j < i; j++) {
			ASSERT_NE(allocs[j].out_handle, allocs[i].out_handle);
			ASSERT_TRUE(allocs[j].out_map_offset + allocs[j].out_bytes <=
				    allocs[i].out_map_offset ||
				    allocs[i].out_map_offset + allocs[i].out_bytes <=
				    allocs[j].out_map_offset);
		}
	}
	free(allocs);
}

TEST_F(device, info_of_a_byte_beyond_the_end_is_eoverflow)
{
	const __u64 bytes = order_bytes(2);
	const __u64 offsets[] = { bytes, bytes + 1, 1ULL << 32, 1ULL << 63, UINT64_MAX };
	struct memalloc_info info;
	__u64 handle;
	size_t i;

	ASSERT_EQ(0, device_alloc(self->fd, 2, &handle));
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, offsets[i],
						  0, &info));
		EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, offsets[i],
						  MEMALLOC_INFO_PHYS, &info));
	}
}

TEST_HARNESS_MAIN
