/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The command. */
#include "config.h"
#include "lab/lab.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "lab/inside.h"

#define USAGE 2
#define FAILED 1
#define FIRST 256 /* above all letters, for getopt */

enum choice {
    DISTRICTS,
    SCHOOLS,
    STUDENTS,
    TEACHERS,
    SEED,
    PORT,
    CLIENT_ID,
    CLIENT_SECRET,
    VAULT,
    RATE_LIMIT,
    NO_EVENTS,
    FAULT,
    LIST,
    LIST_FAULTS,
    HELP
};
#define OPTIONS (HELP + 1)

const struct cs_cli_option cs_lab_command_options[] = {
    [DISTRICTS] = {"districts", 0, "N", "districts (1)"},
    [SCHOOLS] = {"schools", 0, "N", "schools in a district (3)"},
    [STUDENTS] = {"students", 0, "N", "students in a school (100)"},
    [TEACHERS] = {"teachers", 0, "N", "teachers in a school (10)"},
    [SEED] = {"seed", 0, "N", "the same seed makes the same people (1)"},
    [PORT] = {"port", 0, "N", "on 127.0.0.1; 0: any free one (0)"},
    [CLIENT_ID] = {"client-id", 0, "ID", "for /oauth/tokens (lab-client)"},
    [CLIENT_SECRET] = {"client-secret", 0, "SECRET",
                       "for /oauth/tokens (lab-secret)"},
    [VAULT] = {"vault", 0, "DIRECTORY",
               "a Key Vault as well; Arc's key goes there (none)"},
    [RATE_LIMIT] = {"rate-limit", 0, "N",
                    "requests a minute and token, with X-RateLimit headers "
                    "(none)"},
    [NO_EVENTS] = {"no-events", 0, NULL, "the district has no events"},
    [FAULT] = {"fault", 0, "SPEC", "sets a fault; may be repeated"},
    [LIST] = {"list", 0, NULL, "lists the districts and schools and ends"},
    [LIST_FAULTS] = {"list-faults", 0, NULL, "lists the faults and ends"},
    [HELP] = {"help", 0, NULL, "shows this and ends"},
    [OPTIONS] = {.name = NULL},
};

/* What the command line says. */
struct wish {
    struct cs_lab_options options;
    const char **faults; /* ends with NULL */
    size_t fault_count;
    bool list, list_faults, help;
};

static void print(struct cs_lab_buffer *text)
{
    fwrite(text->text, 1, text->length, stdout);
    fflush(stdout);
    cs_lab_buffer_clear(text);
}

static void print_help(void)
{
    struct cs_lab_buffer out = {0};

    cs_lab_buffer_text(
        &out,
        "Usage: cleversync lab [OPTION]...\n"
        "Serves a made-up district as Clever would, until it is interrupted."
        "\n\nOptions (and what holds without them):\n");
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct cs_cli_option *option = &cs_lab_command_options[i];
        char left[40];

        snprintf(left, sizeof left, "--%s%s%s", option->name,
                 option->argument ? " " : "",
                 option->argument ? option->argument : "");
        cs_lab_buffer_format(&out, "  %-24s %s\n", left, option->help);
    }
    cs_lab_buffer_text(
        &out,
        "\nA fault is NAME[,key=value...].  It hits requests whose path and "
        "query hold\npath=TEXT, with role=ROLE, about school=ID, page=N of a "
        "listing; after=N of them\nwere let through; times=N of them, or "
        "until it is cleared.  From empty-listing on,\nall but "
        "wrong-district and the vault's hit only listings of people and\n"
        "events, unless path= says otherwise.  Names:\n");
    cs_lab_faults_describe(&out, "  ");
    cs_lab_buffer_text(
        &out,
        "\nWith --vault DIRECTORY the lab's address is also that of a Key "
        "Vault, and answers\nlogins: AZURE_TENANT_ID=lab-tenant at "
        "AZURE_AUTHORITY_HOST, with the client id and\nsecret above; "
        "/metadata/identity/oauth2/token as a virtual machine's;\n"
        "IDENTITY_ENDPOINT /msi/token with "
        "IDENTITY_HEADER=lab-identity-header;\nIDENTITY_ENDPOINT /arc/token "
        "with IMDS_ENDPOINT set.  It holds the client id and secret\nfor "
        "Clever; POST /lab/secret?name=NAME&value=VALUE[&state=STATE] adds "
        "one that is\ndisabled, deleted, expired or early, or none of "
        "that.\n"
        "\nPOST /v2.1/track is Application Insights, POST /hook takes "
        "webhooks; GET\n/lab/telemetry shows what they were told, POST "
        "/lab/telemetry/clear forgets it.\n");
    print(&out);
}

static void print_faults(void)
{
    struct cs_lab_buffer out = {0};

    cs_lab_faults_describe(&out, "");
    print(&out);
}

/* One write, so that who reads the first line finds the others too. */
static void print_lab(const struct cs_lab *lab)
{
    struct cs_lab_buffer out = {0};

    if (cs_lab_url(lab)[0] != '\0')
        cs_lab_buffer_format(&out, "listening on %s\n", cs_lab_url(lab));
    for (size_t i = 0; i < lab->model.district_count; i++) {
        const struct cs_lab_district *district = &lab->model.districts[i];

        cs_lab_buffer_format(&out, "district %s %s %s\n", district->id,
                             district->name, district->prefix);
        for (size_t j = 0; j < district->school_count; j++)
            cs_lab_buffer_format(
                &out, "school %s %s %s\n", district->schools[j].id,
                district->schools[j].name, district->schools[j].prefix);
    }
    print(&out);
}

static bool number(const char *name, const char *text, unsigned max,
                   unsigned *value)
{
    unsigned long long parsed;

    if (!cs_lab_request_number(text, max, &parsed)) {
        fprintf(stderr,
                "cleversync lab: --%s needs a whole number from 0 to "
                "%u\n",
                name, max);
        return false;
    }
    *value = (unsigned)parsed;
    return true;
}

static bool take_option(struct wish *wish, enum choice choice, const char *name)
{
    struct cs_lab_options *options = &wish->options;
    unsigned seed;

    switch (choice) {
    case DISTRICTS:
        return number(name, optarg, 1000, &options->districts);
    case SCHOOLS:
        return number(name, optarg, 10000, &options->schools);
    case STUDENTS:
        return number(name, optarg, 1000000, &options->students);
    case TEACHERS:
        return number(name, optarg, 1000000, &options->teachers);
    case PORT:
        return number(name, optarg, 65535, &options->port);
    case RATE_LIMIT:
        return number(name, optarg, 1000000, &options->rate_limit);
    case SEED:
        if (!number(name, optarg, 4294967295U, &seed))
            return false;
        options->seed = seed;
        return true;
    case FAULT:
        wish->faults[wish->fault_count++] = optarg;
        return true;
    case CLIENT_ID:
        options->client_id = optarg;
        return true;
    case CLIENT_SECRET:
        options->client_secret = optarg;
        return true;
    case VAULT:
        options->vault = optarg;
        return true;
    case NO_EVENTS:
        options->no_events = true;
        return true;
    case LIST:
        wish->list = true;
        return true;
    case LIST_FAULTS:
        wish->list_faults = true;
        return true;
    case HELP:
        wish->help = true;
        return true;
    }
    return false;
}

static bool parse(struct wish *wish, int argc, char *argv[])
{
    struct option known[OPTIONS + 1] = {{0}};
    int found, index;

    for (size_t i = 0; i < OPTIONS; i++)
        known[i] = (struct option){
            .name = cs_lab_command_options[i].name,
            .has_arg = cs_lab_command_options[i].argument ? required_argument
                                                          : no_argument,
            .val = FIRST + (int)i,
        };
    optind = 0; /* somebody may have read options before */
    while ((found = getopt_long(argc, argv, "+:", known, &index)) != -1) {
        if (found == '?' || found == ':') {
            fprintf(stderr,
                    "cleversync lab: %s %s; see cleversync lab "
                    "--help\n",
                    argv[optind - 1],
                    found == ':' ? "needs a value" : "is no option of it");
            return false;
        }
        if (!take_option(wish, (enum choice)(found - FIRST), known[index].name))
            return false;
    }
    if (optind < argc) {
        fprintf(stderr,
                "cleversync lab: %s is not an option; see cleversync "
                "lab --help\n",
                argv[optind]);
        return false;
    }
    wish->options.faults = wish->faults;
    return true;
}

/* Until somebody asks to stop. */
static int serve(struct cs_lab *lab, char *error, size_t size)
{
    sigset_t stop;
    int code = 0, signal_number;

    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGPIPE); /* not waited for below, but not deadly */
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (cs_lab_serve(lab, error, size)) {
        print_lab(lab);
        sigdelset(&stop, SIGPIPE);
        sigwait(&stop, &signal_number);
    } else {
        fprintf(stderr, "cleversync lab: %s\n", error);
        code = FAILED;
    }
    return code;
}

int cs_lab_command(int argc, char *argv[])
{
    struct wish wish = {.options = cs_lab_defaults()};
    struct cs_lab *lab = NULL;
    char error[200];
    int code = USAGE;

    wish.faults = cs_memory_array((size_t)argc + 1, sizeof *wish.faults);
    if (!parse(&wish, argc, argv))
        goto out;
    if (wish.help || wish.list_faults) {
        code = 0;
        (wish.help ? print_help : print_faults)();
        goto out;
    }
    lab = cs_lab_new(&wish.options, error, sizeof error);
    if (!lab) {
        fprintf(stderr, "cleversync lab: %s\n", error);
        goto out;
    }
    if (wish.list) {
        print_lab(lab);
        code = 0;
    } else {
        code = serve(lab, error, sizeof error);
    }
out:
    cs_lab_free(lab);
    free(wish.faults);
    return code;
}
