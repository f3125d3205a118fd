// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_STATS: the sections and their entries
 */
#include "abi.h"
#include "abi_device.h"

FIXTURE(section) {
	int fd;
	unsigned char *data;	/* a page, followed by an inaccessible one */
};

FIXTURE_VARIANT(section) {
	__u32 section;
	__u32 length;
	bool single;
};

FIXTURE_VARIANT_ADD(section, borrowing) {
	.section = MEMALLOC_SECTION_BORROWING,
	.length = sizeof(struct memalloc_stats_borrowing),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, zone) {
	.section = MEMALLOC_SECTION_ZONE,
	.length = sizeof(struct memalloc_stats_zone),
};

FIXTURE_VARIANT_ADD(section, file) {
	.section = MEMALLOC_SECTION_FILE,
	.length = sizeof(struct memalloc_stats_file),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, reports) {
	.section = MEMALLOC_SECTION_REPORTS,
	.length = sizeof(struct memalloc_stats_reports),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, cache) {
	.section = MEMALLOC_SECTION_CACHE,
	.length = sizeof(struct memalloc_stats_cache),
};

FIXTURE_VARIANT_ADD(section, class) {
	.section = MEMALLOC_SECTION_CLASS,
	.length = sizeof(struct memalloc_stats_class),
};

FIXTURE_SETUP(section)
{
	__u64 handle;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	self->data = map_memory(2 * page_size(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->data);
	ASSERT_EQ(0, mprotect(self->data + page_size(), page_size(), PROT_NONE));
}

FIXTURE_TEARDOWN(section)
{
	close(self->fd);
}

static int use_section(int fd, __u32 section, __u32 index, void *data,
		       __u32 length, struct memalloc_stats *stats)
{
	*stats = (struct memalloc_stats) {
		.size = sizeof(*stats),
		.section = section,
		.index = index,
		.length = length,
		.data = address_of(data),
	};
	return device_ioctl(fd, MEMALLOC_STATS, stats);
}

TEST_F(section, reports_its_length_and_count)
{
	struct memalloc_stats stats;

	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, NULL, 0, &stats));
	EXPECT_EQ(variant->length, stats.out_length);
	EXPECT_LE(1, stats.out_count);
	if (variant->single) {
		EXPECT_EQ(1, stats.out_count);
	}
}

TEST_F(section, has_an_entry_for_each_index_below_the_count)
{
	struct memalloc_stats stats;
	__u32 count, index;

	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, NULL, 0, &stats));
	count = stats.out_count;
	for (index = 0; index < count; index++) {
		EXPECT_EQ(0, use_section(self->fd, variant->section, index,
					 self->data, variant->length, &stats));
	}
	for (; index < count + 70; index++) {
		EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, index,
					       self->data, variant->length, &stats));
	}
	EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, 0x80000000,
				       self->data, variant->length, &stats));
	EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, 0xffffffff,
				       self->data, variant->length, &stats));
}

TEST_F(section, fills_the_buffer_and_not_one_byte_more)
{
	const size_t most = variant->length + 40;
	unsigned char *whole = self->data + 2048;
	struct memalloc_stats stats;
	size_t length, byte;

	memset(whole, 0, variant->length);
	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, whole,
				 variant->length, &stats));
	for (length = 0; length <= most; length += length < 16 ? 1 : 8) {
		memset(self->data, 0xc3, 1024);
		ASSERT_EQ(0, use_section(self->fd, variant->section, 0,
					 self->data, length, &stats));
		for (byte = 0; byte < length && byte < variant->length; byte++) {
			ASSERT_EQ(whole[byte], self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
		for (; byte < length; byte++) {
			ASSERT_EQ(0, self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
		for (; byte < 1024; byte++) {
			ASSERT_EQ(0xc3, self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
	}
}

TEST_F(section, that_cannot_be_written_is_efault)
{
	const size_t page = page_size();
	struct memalloc_stats stats;

	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0, NULL,
				       variant->length, &stats));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0,
				       self->data + page - variant->length + 1,
				       variant->length, &stats));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0,
				       self->data + page - variant->length,
				       variant->length + 1, &stats));
	EXPECT_EQ(0, use_section(self->fd, variant->section, 0,
				 self->data + page - variant->length,
				 variant->length, &stats));
	ASSERT_EQ(0, mprotect(self->data, page, PROT_READ));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0, self->data,
				       variant->length, &stats));
}

TEST_F(section, leaves_no_byte_unwritten)
{
	static const unsigned char poisons[] = { 0x5a, 0xa5, 0x3c, 0xf7 };
	unsigned char kept[1024];
	struct memalloc_stats stats;
	size_t i, byte;

	memset(kept, 1, sizeof(kept));
	for (i = 0; i < ARRAY_SIZE(poisons); i++) {
		memset(self->data, poisons[i], variant->length);
		ASSERT_EQ(0, use_section(self->fd, variant->section, 0,
					 self->data, variant->length, &stats));
		for (byte = 0; byte < variant->length; byte++)
			kept[byte] &= self->data[byte] == poisons[i];
	}
	for (byte = 0; byte < variant->length; byte++) {
		EXPECT_EQ(0, kept[byte]) TH_LOG("byte %zu", byte);
	}
}

TEST_F(device, unknown_section_is_einval)
{
	static const __u32 sections[] = { 0, 0x1f, 0x7fffffff, 0xffffffff };
	struct memalloc_stats_borrowing data;
	struct memalloc_stats stats;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		EXPECT_EQ(-EINVAL, use_section(self->fd, sections[i], 0, &data,
					       sizeof(data), &stats))
			TH_LOG("section %u", sections[i]);
	}
}

TEST_HARNESS_MAIN
