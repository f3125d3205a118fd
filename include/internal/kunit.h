/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kunit.h: what unit tests in the kernel see of the module's inside
 */
#ifndef _MAL_KUNIT_H
#define _MAL_KUNIT_H

#include "internal/compat.h"

/*
 * For a function that is no part of the API, but that tests/kunit calls. On
 * kernels without unit tests, as distributions ship them, nothing is exported, unless
 * the module is built for tests (make MEMALLOC_TESTS=y).
 */
#if IS_ENABLED(CONFIG_KUNIT) || defined(MAL_TESTS)
#define MAL_EXPORT_FOR_KUNIT(symbol)	MAL_EXPORT(symbol)
#else
#define MAL_EXPORT_FOR_KUNIT(symbol)
#endif

#endif /* _MAL_KUNIT_H */
