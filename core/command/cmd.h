/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The commands.  Each gives the exit code and has a table of its options. */
#ifndef CS_CMD_H
#define CS_CMD_H

#include "command/cli.h"

/* cmd-run.c */
int cs_cmd_run(const struct cs_arguments *arguments);
int cs_cmd_plan(const struct cs_arguments *arguments);
int cs_cmd_verify(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_run_options[];
extern const struct cs_cli_option cs_cmd_plan_options[];
extern const struct cs_cli_option cs_cmd_verify_options[];

/* cmd-config.c */
int cs_cmd_check_config(const struct cs_arguments *arguments);
int cs_cmd_config_show(const struct cs_arguments *arguments);
int cs_cmd_config_sample(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_check_config_options[];
extern const struct cs_cli_option cs_cmd_config_show_options[];
extern const struct cs_cli_option cs_cmd_config_sample_options[];

/* cmd-plugins.c */
int cs_cmd_plugins_list(const struct cs_arguments *arguments);
int cs_cmd_plugins_info(const struct cs_arguments *arguments);
int cs_cmd_plugins_enable(const struct cs_arguments *arguments);
int cs_cmd_plugins_disable(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_plugins_list_options[];
extern const struct cs_cli_option cs_cmd_plugins_info_options[];
extern const struct cs_cli_option cs_cmd_plugins_enable_options[];
extern const struct cs_cli_option cs_cmd_plugins_disable_options[];

/* What may be enabled, from the directory that they are in, or what is in
 * conf.d: names without ".conf", a line each. */
int cs_cmd_plugins_names(const struct cs_arguments *arguments, bool enabled);

/* cmd-new.c */
int cs_cmd_plugins_new(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_plugins_new_options[];

/* cmd-check.c */
int cs_cmd_plugins_check(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_plugins_check_options[];

/* cmd-db.c */
int cs_cmd_db_init(const struct cs_arguments *arguments);
int cs_cmd_db_migrate(const struct cs_arguments *arguments);
int cs_cmd_db_status(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_db_init_options[];
extern const struct cs_cli_option cs_cmd_db_migrate_options[];
extern const struct cs_cli_option cs_cmd_db_status_options[];

/* cmd-registry.c */
int cs_cmd_district_add(const struct cs_arguments *arguments);
int cs_cmd_district_list(const struct cs_arguments *arguments);
int cs_cmd_school_add(const struct cs_arguments *arguments);
int cs_cmd_school_list(const struct cs_arguments *arguments);
int cs_cmd_school_set(const struct cs_arguments *arguments);
int cs_cmd_school_import(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_district_add_options[];
extern const struct cs_cli_option cs_cmd_district_list_options[];
extern const struct cs_cli_option cs_cmd_school_add_options[];
extern const struct cs_cli_option cs_cmd_school_list_options[];
extern const struct cs_cli_option cs_cmd_school_set_options[];
extern const struct cs_cli_option cs_cmd_school_import_options[];

/* cmd-school.c */
int cs_cmd_school_remove(const struct cs_arguments *arguments);
int cs_cmd_school_restamp(const struct cs_arguments *arguments);
int cs_cmd_school_adopt(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_school_remove_options[];
extern const struct cs_cli_option cs_cmd_school_restamp_options[];
extern const struct cs_cli_option cs_cmd_school_adopt_options[];

/* cmd-changes.c */
int cs_cmd_changes(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_changes_options[];

/* cmd-purge.c */
int cs_cmd_purge(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_purge_options[];

/* cmd-history.c */
int cs_cmd_history(const struct cs_arguments *arguments);
int cs_cmd_status(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_history_options[];
extern const struct cs_cli_option cs_cmd_status_options[];

/* cmd-hold.c */
int cs_cmd_holds(const struct cs_arguments *arguments);
int cs_cmd_approve(const struct cs_arguments *arguments);
int cs_cmd_reject(const struct cs_arguments *arguments);
int cs_cmd_rejects(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_holds_options[];
extern const struct cs_cli_option cs_cmd_approve_options[];
extern const struct cs_cli_option cs_cmd_reject_options[];
extern const struct cs_cli_option cs_cmd_rejects_options[];

/* cmd-daemon.c */
int cs_cmd_daemon(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_daemon_options[];

/* cmd-schedule.c */
int cs_cmd_schedule_next(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_schedule_next_options[];

/* cmd-secrets.c */
int cs_cmd_secrets_test(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_secrets_test_options[];

/* cmd-password.c */
int cs_cmd_secrets_hash_password(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_secrets_hash_password_options[];

/* cmd-notify.c */
int cs_cmd_notify_test(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_notify_test_options[];

/* cmd-completion.c */
int cs_cmd_completion(const struct cs_arguments *arguments);
extern const struct cs_cli_option cs_cmd_completion_options[];

#endif
