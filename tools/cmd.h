/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands, for the table in command.c
 */
#ifndef CMD_H
#define CMD_H

#include "session.h"

typedef enum status cmd_run(struct session *session, int argc, char **argv);

cmd_run cmd_alloc, cmd_free, cmd_read, cmd_write, cmd_fill, cmd_verify;
cmd_run cmd_info, cmd_list, cmd_map, cmd_stat, cmd_validate, cmd_shrink;
cmd_run cmd_inject, cmd_shell, cmd_demo, cmd_cache, cmd_resize;
cmd_run cmd_leaks, cmd_mempool;

#endif /* CMD_H */
