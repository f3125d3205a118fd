// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU variables that drivers define
 *
 * The linker lays out the kernel's static per-CPU variables, and the module
 * loader allocates those of a module. A variable of ours is a pointer to an
 * area of percpu.c instead, and must have its area before the driver's code
 * runs. No code of the driver can allocate it: module_init() may be in another
 * file than the definition, and parameters are set even earlier.
 *
 * So a module notifier allocates. The loader calls it with MODULE_STATE_COMING
 * after the relocation of the module and before its first function runs, and
 * fails the load if the notifier does. The loader calls it with
 * MODULE_STATE_GOING after the last function, also if the init function of the
 * module fails, or another notifier.
 *
 * The notifier needs the definitions of all files of the module. A linker does
 * not define the bounds of a section in a relocatable module, but the loader
 * keeps one table that all files of a module add to, in each configuration: the
 * parameters. A definition is an entry of that table, recognized by its
 * operations. It is not in sysfs, and its value cannot be set.
 *
 *	module->kp
 *	+---------------------+
 *	| a parameter         |
 *	| mal_percpu_var_ops -+-> struct mal_percpu_var
 *	| a parameter         |     area  -> pointer of the driver
 *	+---------------------+     image -> initial value
 *
 * The entry has the name of the variable with the prefix mal_percpu_, so that
 * it does not collide with a parameter of the driver.
 *
 * The pointer is written before the loader write-protects __ro_after_init, and
 * not again. It is volatile in the driver: that distinguishes it from a
 * variable of the kernel (see memalloc/percpu_var.h), and keeps the compiler
 * from assuming NULL.
 *
 * Lifetime. The driver refers to mal_percpu_var_ops, so this module is loaded
 * first and is unloaded last. A module that uses an exported variable is
 * unloaded before the module that defines it. A driver that passes its variable
 * to mal_free_percpu() causes the report of a double free at its unload.
 *
 * The areas are charged as all others. If one cannot be allocated, those of the
 * variables before it are freed at once, because the loader does not call the
 * notifier again.
 *
 * Locking: none of its own. The loader serializes notifications of a module.
 *
 * Context: task; sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include <memalloc/percpu.h>
#include <memalloc/percpu_var.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/percpu_var.h"

static int mal_percpu_var_set(const char *val, const struct kernel_param *kp)
{
	return -EINVAL;
}

const struct kernel_param_ops mal_percpu_var_ops = {
	.set = mal_percpu_var_set,
};
MAL_EXPORT(mal_percpu_var_ops);

/* Returns NULL for a parameter that is no definition. */
static const struct mal_percpu_var *mal_percpu_var_of(const struct kernel_param *param)
{
	return param->ops == &mal_percpu_var_ops ? param->arg : NULL;
}

static int mal_percpu_var_create(const struct mal_percpu_var *var)
{
	void __percpu *area = __mal_alloc_percpu(var->size, var->align);
	unsigned int cpu;

	if (!area) {
		if (!mal_inject_has_failed())
			pr_err("per-CPU variable %s: no area of %zu bytes, aligned to %zu\n",
			       var->name, var->size, var->align);
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu)
		memcpy(per_cpu_ptr(area, cpu), var->image, var->size);
	*var->area = area;
	return 0;
}

/**
 * mal_percpu_vars_destroy() - free the areas of a module's variables
 * @params: parameters of the module; entries that define no variable are
 *	skipped
 * @nr: number of entries
 *
 * Context: task; sleeps.
 */
void mal_percpu_vars_destroy(const struct kernel_param *params, unsigned int nr)
{
	const struct mal_percpu_var *var;

	while (nr--) {
		var = mal_percpu_var_of(&params[nr]);
		if (var)
			mal_free_percpu(*var->area);
	}
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_vars_destroy);

/**
 * mal_percpu_vars_create() - allocate the areas of a module's variables
 * @params: as for mal_percpu_vars_destroy()
 * @nr: number of entries
 *
 * The areas have the initial values. On failure, no area is left.
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_percpu_vars_create(const struct kernel_param *params, unsigned int nr)
{
	const struct mal_percpu_var *var;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		var = mal_percpu_var_of(&params[i]);
		err = var ? mal_percpu_var_create(var) : 0;
		if (err) {
			mal_percpu_vars_destroy(params, i);
			return err;
		}
	}
	return 0;
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_vars_create);

static int mal_percpu_var_notify(struct notifier_block *block,
				 unsigned long event, void *data)
{
	const struct module *module = data;

	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(mal_percpu_vars_create(module->kp, module->num_kp));
	if (event == MODULE_STATE_GOING)
		mal_percpu_vars_destroy(module->kp, module->num_kp);
	return NOTIFY_OK;
}

static struct notifier_block mal_percpu_var_notifier = {
	.notifier_call = mal_percpu_var_notify,
};

/**
 * mal_percpu_var_init() - begin to allocate the variables of modules
 *
 * Context: task; sleeps.
 * Return: 0, or a negative error code.
 */
int mal_percpu_var_init(void)
{
	return register_module_notifier(&mal_percpu_var_notifier);
}

/**
 * mal_percpu_var_exit() - undo mal_percpu_var_init()
 *
 * Context: task; sleeps. No module with such variables is loaded.
 */
void mal_percpu_var_exit(void)
{
	unregister_module_notifier(&mal_percpu_var_notifier);
}
