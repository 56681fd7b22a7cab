/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "daemon/daemon.h"

const struct cs_cli_option cs_cmd_daemon_options[] = {
    {NULL, 0, NULL, NULL},
};

int cs_cmd_daemon(const struct cs_arguments *arguments)
{
    return cs_daemon_run(arguments);
}
