/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Prints where the members of the contract are; as C and as C++. */
#include <cleversync/plugin.h>

#include <stdio.h>

#define SIZE(TYPE) printf("%s %zu\n", #TYPE, sizeof(TYPE))
#define PLACE(TYPE, MEMBER) \
    printf("%s.%s %zu\n", #TYPE, #MEMBER, offsetof(TYPE, MEMBER))

int main(void)
{
    SIZE(enum cs_rc);
    SIZE(enum cs_type);
    SIZE(enum cs_cell);
    SIZE(enum cs_op);
    SIZE(struct cs_column);
    PLACE(struct cs_column, fallback);
    SIZE(struct cs_entity);
    SIZE(struct cs_value);
    PLACE(struct cs_value, as);
    SIZE(struct cs_batch);
    PLACE(struct cs_batch, rows);
    SIZE(struct cs_filter);
    SIZE(struct cs_step);
    PLACE(struct cs_step, column);
    SIZE(struct cs_scope);
    SIZE(struct cs_http);
    PLACE(struct cs_http, direct);
    PLACE(struct cs_http, tries);
    PLACE(struct cs_http, status);
    SIZE(struct cs_host);
    PLACE(struct cs_host, wipe);
    SIZE(struct cs_life);
    SIZE(struct cs_credential_ops);
    SIZE(struct cs_source_ops);
    PLACE(struct cs_source_ops, mark);
    SIZE(struct cs_mapper_ops);
    SIZE(struct cs_sink_ops);
    PLACE(struct cs_sink_ops, inspect);
    SIZE(struct cs_news);
    SIZE(struct cs_notifier_ops);
    SIZE(struct cs_option);
    SIZE(struct cs_plugin);
    PLACE(struct cs_plugin, ops);
    return 0;
}
