/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "../lab/lab.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/signals.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Where the sanitizers' leak check has to attach to the process. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define TRACED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define TRACED 1
#endif

#define COMMAND(NAME, FUNCTION, OPERANDS, SUMMARY)              \
    {                                                           \
        .name = NAME, .operands = OPERANDS, .summary = SUMMARY, \
        .options = FUNCTION##_options, .run = FUNCTION          \
    }

/* In the order that a newcomer needs them. */
static const struct cs_command commands[] = {
    COMMAND("run", cs_cmd_run, NULL, "Bring the schools' databases up to date"),
    COMMAND("plan", cs_cmd_plan, NULL,
            "Show what a run would change, and change nothing"),
    COMMAND("verify", cs_cmd_verify, NULL,
            "Compare the schools' databases with Clever, and change nothing"),
    COMMAND("status", cs_cmd_status, NULL,
            "Show each school's last sync and where its rows are"),
    COMMAND("history", cs_cmd_history, NULL, "Show the newest syncs"),
    COMMAND("changes", cs_cmd_changes, NULL,
            "Show whose rows were changed, by which run and why"),
    COMMAND("holds", cs_cmd_holds, "[HOLD]",
            "List what the guards held, or the keys of one hold"),
    COMMAND("approve", cs_cmd_approve, "HOLD",
            "Let the rows of a hold go with the next run, once"),
    COMMAND("reject", cs_cmd_reject, "HOLD",
            "Close a hold: its rows stay as they are"),
    COMMAND("rejects", cs_cmd_rejects, NULL,
            "List the records that were set aside, and why"),
    COMMAND("purge", cs_cmd_purge, NULL,
            "Delete the rows of people who are inactive for long"),
    COMMAND("daemon", cs_cmd_daemon, NULL,
            "Run by the schedule, in the foreground"),
    COMMAND("schedule next", cs_cmd_schedule_next, NULL,
            "Show when the daemon's next runs are"),
    COMMAND("check-config", cs_cmd_check_config, NULL,
            "Check the configuration without connecting to anything"),
    COMMAND("config show", cs_cmd_config_show, NULL,
            "Show the configuration that is in effect"),
    COMMAND("config sample", cs_cmd_config_sample, "[PLUGIN]",
            "Print a configuration to start from"),
    COMMAND("plugins list", cs_cmd_plugins_list, NULL,
            "List the plugins, and why one cannot be loaded"),
    COMMAND("plugins info", cs_cmd_plugins_info, "PLUGIN",
            "Show a plugin's options"),
    COMMAND("plugins check", cs_cmd_plugins_check, "PLUGIN",
            "Try whether a plugin does what it must"),
    COMMAND("plugins new", cs_cmd_plugins_new, "KIND NAME",
            "Write a plugin to start from, with a test"),
    COMMAND("plugins enable", cs_cmd_plugins_enable, "NAME...",
            "Link ready-made configuration into conf.d"),
    COMMAND("plugins disable", cs_cmd_plugins_disable, "NAME...",
            "Take ready-made configuration out of conf.d"),
    COMMAND("db init", cs_cmd_db_init, NULL,
            "Make the tables of the session database"),
    COMMAND("db migrate", cs_cmd_db_migrate, NULL,
            "Bring the tables of all databases up to date"),
    COMMAND("db status", cs_cmd_db_status, NULL,
            "Show which versions the databases' tables have"),
    COMMAND("district add", cs_cmd_district_add, NULL, "Register a district"),
    COMMAND("district list", cs_cmd_district_list, NULL, "List the districts"),
    COMMAND("school add", cs_cmd_school_add, NULL,
            "Register a school, which the next run then syncs"),
    COMMAND("school list", cs_cmd_school_list, NULL, "List the schools"),
    COMMAND("school set", cs_cmd_school_set, "ID", "Change a school"),
    COMMAND("school remove", cs_cmd_school_remove, "ID",
            "Take a school out of the session database"),
    COMMAND("school restamp", cs_cmd_school_restamp, "ID",
            "Say that the database of another school's id is this school's"),
    COMMAND("school adopt", cs_cmd_school_adopt, "ID",
            "Say that a database with people, but no stamp, is this school's"),
    COMMAND("school import", cs_cmd_school_import, NULL,
            "Register the schools that Clever lists in a district"),
    COMMAND("secrets test", cs_cmd_secrets_test, "[NAME]",
            "Say which store holds each secret; never what it is"),
    COMMAND("secrets hash-password", cs_cmd_secrets_hash_password, NULL,
            "Make of a password what the daemon's page is to know of it"),
    COMMAND("notify test", cs_cmd_notify_test, "[NAME]",
            "Send a test event to each notifier"),
    COMMAND("completion", cs_cmd_completion,
            "bash|zsh|fish|plugins|available|enabled",
            "Print a shell's completion of commands, or words for it"),
    {.name = "lab",
     .summary = "Serve a made-up district in Clever's place",
     .options = cs_lab_command_options,
     .run_raw = cs_lab_command},
    {.name = NULL},
};

/* A core dump would hold tokens and children's names. */
static void forbid_core_dumps(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#ifndef TRACED
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char *argv[])
{
    int status;

    forbid_core_dumps();
    cs_memory_guard();
    signal(SIGPIPE, SIG_IGN);
    json_object_seed(0); /* Jansson's first object must not be two threads' */
    status = cs_cli_main(commands, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("cleversync: standard output cannot be written to\n", stderr);
        if (status == CS_EXIT_OK)
            status = CS_EXIT_FAILED;
    }
    return cs_signals_caught() != 0 ? 128 + cs_signals_caught() : status;
}
