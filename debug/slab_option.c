// SPDX-License-Identifier: GPL-2.0
/*
 * The module parameter slab_debug: debug modes of caches
 *
 *	slab_debug=LETTERS[,PATTERN...]
 *
 * The letters are those of the host's slab_debug, and two more:
 *
 *	F	consistency checks
 *	Z	redzones
 *	P	poison
 *	U	user tracking: callers of allocation and free, with stacks
 *	Q	quarantine: delayed reuse of freed objects
 *	G	guards: sampled allocations get pages of their own
 *	-	none of them
 *
 * Patterns are shell patterns for the names of caches. Without a pattern, the
 * letters apply to all caches. A value written at run time applies to caches
 * that are created afterwards; the caches of kmalloc are created at load.
 *
 * Locking: mal_option_mutex. No lock is taken under it.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/glob.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal/slab.h"
#include "internal/slab_option.h"

#define MAL_OPTION_LENGTH	256

static DEFINE_MUTEX(mal_option_mutex);

/*
 * Protected by the mutex. The patterns are a copy, each terminated by a zero.
 */
static char mal_option_text[MAL_OPTION_LENGTH];
static char mal_option_patterns[MAL_OPTION_LENGTH + 1];
static u32 mal_option_flags;

static const struct mal_option_mode {
	char letter;
	u32 flag;
} mal_option_modes[] = {
	{ 'F', MAL_CACHE_CHECKS },
	{ 'Z', MAL_CACHE_RED_ZONE },
	{ 'P', MAL_CACHE_POISON },
	{ 'U', MAL_CACHE_STORE_USER },
	{ 'Q', MAL_CACHE_QUARANTINE },
	{ 'G', MAL_CACHE_GUARD },
};

static_assert(ARRAY_SIZE(mal_option_modes) < MAL_SLAB_LETTERS);

static u32 mal_option_flag(char letter)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mal_option_modes); i++)
		if (mal_option_modes[i].letter == letter)
			return mal_option_modes[i].flag;
	return 0;
}

/* Returns the number of letters, or -EINVAL. */
static int mal_option_letters(const char *text, u32 *flags)
{
	int length = strcspn(text, ",");
	int i;

	*flags = 0;
	if (length == 1 && *text == '-')
		return length;
	for (i = 0; i < length; i++) {
		u32 flag = mal_option_flag(text[i]);

		if (!flag) {
			pr_err("slab_debug: '%*pE' is not a debug mode; use F, Z, P, U, Q and G, or - for none\n",
			       1, &text[i]);
			return -EINVAL;
		}
		*flags |= flag;
	}
	return length;
}

static int mal_option_set(const char *value, const struct kernel_param *kp)
{
	char text[MAL_OPTION_LENGTH], *end;
	int length;
	u32 flags;

	if (strscpy(text, value, sizeof(text)) < 0) {
		pr_err("slab_debug: more than %d characters\n", MAL_OPTION_LENGTH - 1);
		return -ENOSPC;
	}
	end = strchrnul(text, '\n');
	*end = '\0';
	length = mal_option_letters(text, &flags);
	if (length < 0)
		return length;
	mutex_lock(&mal_option_mutex);
	strscpy(mal_option_text, text, sizeof(mal_option_text));
	memset(mal_option_patterns, 0, sizeof(mal_option_patterns));
	if (text[length])
		strscpy(mal_option_patterns, text + length + 1, MAL_OPTION_LENGTH);
	strreplace(mal_option_patterns, ',', '\0');
	mal_option_flags = flags;
	mutex_unlock(&mal_option_mutex);
	return 0;
}

static int mal_option_get(char *buffer, const struct kernel_param *kp)
{
	int length;

	mutex_lock(&mal_option_mutex);
	length = sysfs_emit(buffer, "%s\n", mal_option_text);
	mutex_unlock(&mal_option_mutex);
	return length;
}

static const struct kernel_param_ops mal_option_ops = {
	.set = mal_option_set,
	.get = mal_option_get,
};

module_param_cb(slab_debug, &mal_option_ops, NULL, 0644);
MODULE_PARM_DESC(slab_debug, "Debug modes of caches, LETTERS[,PATTERN...]: F checks, Z redzones, P poison, U user tracking, Q quarantine, G guards (default: none)");

static bool mal_option_matches(const char *name)
{
	const char *pattern = mal_option_patterns;

	if (!*pattern)
		return true;
	for (; *pattern; pattern += strlen(pattern) + 1)
		if (glob_match(pattern, name))
			return true;
	return false;
}

/**
 * mal_slab_option_flags() - debug modes of a new cache according to the
 * parameter
 * @name: the cache's name
 *
 * Context: task; sleeps.
 * Return: flags of MAL_CACHE_DEBUG and MAL_CACHE_GUARD.
 */
u32 mal_slab_option_flags(const char *name)
{
	u32 flags;

	mutex_lock(&mal_option_mutex);
	flags = mal_option_matches(name) ? mal_option_flags : 0;
	mutex_unlock(&mal_option_mutex);
	return flags;
}

/**
 * mal_slab_option_letters() - letters of debug modes
 * @flags: flags of a cache
 * @letters: filled in; "-" if there are none
 *
 * Context: any.
 * Return: @letters.
 */
const char *mal_slab_option_letters(u32 flags, char letters[MAL_SLAB_LETTERS])
{
	unsigned int nr = 0, i;

	for (i = 0; i < ARRAY_SIZE(mal_option_modes); i++)
		if (flags & mal_option_modes[i].flag)
			letters[nr++] = mal_option_modes[i].letter;
	if (!nr)
		letters[nr++] = '-';
	letters[nr] = '\0';
	return letters;
}
