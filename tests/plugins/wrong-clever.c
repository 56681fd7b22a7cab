/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* clever-data with a fault that is chosen by an option: each must be found by
 * the conformance cases. */
#define cleversync_plugin clever_data_plugin
#include "../../plugins/source/clever-data/clever-data.c"
#undef cleversync_plugin

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

static enum cs_rc wrong_check(void *self)
{
    return wrong_is(self, "blind") ? CS_OK : clever_data_check(self);
}

static enum cs_rc wrong_fetch(void *self, const struct cs_entity *entity,
                              const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;
    enum cs_rc rc = clever_data_fetch(self, entity, cursor, page);
    if (rc == CS_E_RETRY && wrong_is(host, "hasty"))
        return host->done(page, NULL);
    if (rc == CS_E_NOT_HERE && wrong_is(host, "waits"))
        return cs_fail(host, CS_E_RETRY, "the school is not there");
    if (rc == CS_E_AUTH && wrong_is(host, "shrugs"))
        return cs_fail(host, CS_E_FATAL, "it is refused");
    if (rc == CS_E_FATAL && wrong_is(host, "hopes"))
        return cs_fail(host, CS_E_RETRY, "the reply makes no sense");
    return rc;
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {"base_url", CS_OPT_TEXT, NULL, NULL, "the address of Clever's API"},
    {"access_token", CS_OPT_SECRET, "CleverSyncSOS--Clever--AccessToken", NULL,
     "the district's access token"},
    {.name = NULL},
};

static const struct cs_source_ops wrong_ops = {
    .life = {.open = clever_data_open,
             .check = wrong_check,
             .close = clever_data_close},
    .fetch = wrong_fetch,
};

CS_SOURCE_PLUGIN("wrong-clever", wrong_ops, .version = "1.0",
                 .summary = "clever-data with a fault",
                 .options = wrong_options);
