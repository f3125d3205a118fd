/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module_parameter.h: parameters of the loaded module
 *
 * A test that changes a parameter saves the old text and restores it in
 * FIXTURE_TEARDOWN_PARENT(), which runs even if the test crashes.
 */
#ifndef MODULE_PARAMETER_H
#define MODULE_PARAMETER_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_DIRECTORY	"/sys/module/memalloc/"
#define PARAMETER_LENGTH	32

/* Read a file of one line, without its newline. */
static inline int line_read(const char *path, char *text, size_t length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, text, length - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static inline int line_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static inline int parameter_read(const char *name, char text[PARAMETER_LENGTH])
{
	char path[128];

	snprintf(path, sizeof(path), MODULE_DIRECTORY "parameters/%s", name);
	return line_read(path, text, PARAMETER_LENGTH);
}

static inline int parameter_write(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), MODULE_DIRECTORY "parameters/%s", name);
	return line_write(path, text);
}

static inline int parameter_set(const char *name, unsigned long value)
{
	char text[PARAMETER_LENGTH];

	snprintf(text, sizeof(text), "%lu", value);
	return parameter_write(name, text);
}

/* Return: reference count of the module, or a negative error. */
static inline int module_references(void)
{
	char text[PARAMETER_LENGTH];
	int err = line_read(MODULE_DIRECTORY "refcnt", text, sizeof(text));

	return err ? err : atoi(text);
}

#endif /* MODULE_PARAMETER_H */
