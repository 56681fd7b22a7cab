/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The keys of the core's own sections.  An empty value is accepted where the
 * key is optional, and means that nothing is meant. */

#include "config.h"

#include "config/settings.h"

static const struct cs_option cleversync[] = {
    {"credentials", CS_OPT_TEXT, "env file", NULL,
     "credential plugins that hold secrets, asked in this order"},
    {"plugin_path", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "directory of plugins, instead of the installed one"},
    {"secret_prefix", CS_OPT_TEXT, "CleverSyncSOS", NULL,
     "what the names of secrets begin with"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option session[] = {
    {"sink", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "section [sink.NAME] of the database with districts, schools, history"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option sync[] = {
    {"default_mode", CS_OPT_TEXT, "incremental", "incremental full",
     "how schools are synced when nothing else decides"},
    {"full_sync_day", CS_OPT_TEXT | CS_OPT_OPTIONAL, "sunday",
     "monday tuesday wednesday thursday friday saturday sunday",
     "the first run of this day is a full one; empty: of no day"},
    {"time_zone", CS_OPT_TEXT, "UTC", NULL,
     "where days begin: UTC or a name such as America/Chicago"},
    {"timeout_minutes", CS_OPT_NUMBER, "30", "1..1440",
     "how long one school may take"},
    {"page_size", CS_OPT_NUMBER, "100", "1..10000",
     "records on the first page asked for"},
    {"page_size_max", CS_OPT_NUMBER, "10000", "1..10000",
     "the page size grows up to this while answers come quickly"},
    {"batch_size", CS_OPT_NUMBER, "1000", "1..10000",
     "rows handed to a database at once"},
    {"delete", CS_OPT_TEXT, "hard", "hard soft",
     "hard: a full sync that was asked for deletes; soft: it deactivates"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option schedule[] = {
    {"cron_expression", CS_OPT_TEXT | CS_OPT_OPTIONAL, "0 0 2 * * *", NULL,
     "when the daemon syncs: second minute hour day month weekday; empty: "
     "never"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option concurrency[] = {
    {"max_schools_in_parallel", CS_OPT_NUMBER, "5", "1..100",
     "how many schools are synced at once"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option guard[] = {
    {"max_delete", CS_OPT_LIMIT, "10%", NULL,
     "most people of a school who may leave in one sync"},
    {"max_update", CS_OPT_LIMIT, "75%", NULL,
     "most people of a school who may change in one sync"},
    {"max_rejects", CS_OPT_LIMIT, "1%", NULL,
     "most records that may be set aside in one sync"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option retry[] = {
    {"clever_api_max_attempts", CS_OPT_NUMBER, "5", "0..20",
     "how often a request is repeated after its first try"},
    {"clever_api_backoff_base", CS_OPT_DECIMAL, "2", "0..60",
     "seconds before the first repetition, doubled for each one more"},
    {"database_max_attempts", CS_OPT_NUMBER, "3", "0..20",
     "how often work on a database is repeated after its first try"},
    {"database_backoff_base", CS_OPT_DECIMAL, "1", "0..60",
     "seconds before the first repetition, doubled for each one more"},
    {"rate_limit_respect_retry_after", CS_OPT_FLAG, "true", NULL,
     "wait as long as the service asks when it is asked too often"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option secrets[] = {
    {"token_refresh_threshold", CS_OPT_DECIMAL, "0.75", "0.001..0.999",
     "the part of its life after which a token is fetched anew"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option http[] = {
    {"timeout_seconds", CS_OPT_NUMBER, "60", "1..3600",
     "how long one try of a request may take"},
    {"max_body_mb", CS_OPT_NUMBER, "64", "1..1024",
     "most megabytes of a reply"},
    {"ca_file", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "certificates to trust instead of the system's, a PEM file"},
    {"proxy", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "address of an HTTP proxy instead of the environment's"},
    {"requests_per_minute", CS_OPT_NUMBER, "1200", "0..100000",
     "budget of each token; 0: none"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option health[] = {
    {"cache_duration_seconds", CS_OPT_NUMBER, "30", "1..3600",
     "how often the daemon looks at what it depends on"},
    {"timeout_milliseconds", CS_OPT_NUMBER, "100", "10..60000",
     "what takes longer to answer is Degraded"},
    {"include_dependency_checks", CS_OPT_FLAG, "true", NULL,
     "look at databases, stores of secrets and Clever, and tell of them"},
    {"listen", CS_OPT_TEXT | CS_OPT_OPTIONAL, "127.0.0.1:8480", NULL,
     "where the daemon serves health, metrics, API and page; empty: nowhere"},
    {"tls_certificate", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "its certificate and those above it, a PEM file; on loopback not needed"},
    {"tls_key", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "the certificate's private key, a PEM file"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option monitoring[] = {
    {"notifiers", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "who is told of runs and failures: notifier plugins or [notifier.NAME]"},
    {"alert_after_consecutive_failures", CS_OPT_NUMBER, "3", "1..1000",
     "so many failures of a school in a row raise an alert, once"},
    {"metric_flush_interval_seconds", CS_OPT_NUMBER, "60", "1..3600",
     "how long metrics are summed up before they are sent"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option history[] = {
    {"retention_days", CS_OPT_NUMBER, "90", "1..36500",
     "how long finished syncs, changes, old holds and rejects are kept"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_option logging[] = {
    {"level", CS_OPT_TEXT, "information", "error warning information debug",
     "the least important lines that are still written"},
    {"format", CS_OPT_TEXT, "text", "text json", "how a line is written"},
    {"sanitize_secrets", CS_OPT_FLAG, "true", "true",
     "secrets are always kept out of the log"},
    {NULL, 0, NULL, NULL, NULL},
};

const struct cs_settings_table cs_settings_tables[] = {
    {"cleversync", cleversync},
    {"session", session},
    {"sync", sync},
    {"schedule", schedule},
    {"concurrency", concurrency},
    {"guard", guard},
    {"retry", retry},
    {"secrets", secrets},
    {"http", http},
    {"health", health},
    {"monitoring", monitoring},
    {"history", history},
    {"logging", logging},
    {NULL, NULL},
};

const struct cs_option cs_settings_pipeline[] = {
    {"source", CS_OPT_TEXT, NULL, NULL,
     "where full listings come from: a source plugin or [source.NAME]"},
    {"delta", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL, NULL,
     "where changes come from: a source plugin or [source.NAME]"},
    {"mapper", CS_OPT_TEXT, NULL, NULL,
     "what makes rows of records: a mapper plugin or [mapper.NAME]"},
    {"sink", CS_OPT_TEXT, NULL, NULL,
     "the schools' databases: a sink plugin or [sink.NAME]"},
    {NULL, 0, NULL, NULL, NULL},
};
