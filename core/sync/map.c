/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/map.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void cs_map_init(struct cs_map *map, struct cs_instance *mapper)
{
    const struct cs_entity *entity = mapper->module->ops.mapper.entity;

    *map = (struct cs_map){.mapper = mapper};
    map->row = cs_memory_array(entity->ncolumns, sizeof(*map->row));
    while (!(entity->columns[map->key].flags & CS_KEY))
        map->key++;
}

void cs_map_clear(struct cs_map *map)
{
    free(map->row);
    map->row = NULL;
}

/* The key is a C string: is it the whole of the record's text?  (A text with
 * U+0000 inside would pass for its first part.) */
static bool whole_text(const json_t *value, const char *text)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        return json_string_value(value) != text ||
               json_string_length(value) == strlen(text);
    json_object_foreach((json_t *)value, key, member)
    {
        if (!whole_text(member, text))
            return false;
    }
    json_array_foreach(value, i, member)
    {
        if (!whole_text(member, text))
            return false;
    }
    return true;
}

enum cs_rc cs_map_record(struct cs_map *map, const json_t *record, bool *keyed)
{
    const struct cs_mapper_ops *mapper = &map->mapper->module->ops.mapper;
    const struct cs_value *key = &map->row[map->key];
    enum cs_rc rc;

    memset(map->row, 0, mapper->entity->ncolumns * sizeof(*map->row));
    cs_instance_enter(map->mapper);
    rc = mapper->map(&map->mapper->host, record, map->row);
    rc = cs_instance_leave(map->mapper, rc, &map->error);
    map->why = map->error.text;
    *keyed = key->state == CS_SET;
    if ((rc < 0 && rc != CS_E_DATA) || !cs_json_has_nul(record))
        return rc;
    *keyed = *keyed && whole_text(record, key->as.text);
    if (rc == CS_SKIP || rc == CS_LEFT)
        return rc; /* not ours: others may set it aside */
    map->why = "it holds U+0000 or half a surrogate pair";
    return CS_E_DATA;
}
