/* SPDX-License-Identifier: GPL-2.0 */
/*
 * version.h: the release
 *
 * The module, the device, memallocctl and the packages take the release from
 * here. CHANGELOG.md explains when each of its numbers changes.
 */
#ifndef _MEMALLOC_VERSION_H
#define _MEMALLOC_VERSION_H

#define MEMALLOC_RELEASE	"0.2.0"

#endif /* _MEMALLOC_VERSION_H */
