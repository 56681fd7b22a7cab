/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/cell.h"

struct cs_value cs_cell_of_text(const char *text)
{
    return (struct cs_value){
        .state = text != NULL ? CS_SET : CS_NULL,
        .as.text = text,
    };
}

struct cs_value cs_cell_of_integer(int64_t integer)
{
    return (struct cs_value){.state = CS_SET, .as.integer = integer};
}

struct cs_value cs_cell_of_flag(bool flag)
{
    return (struct cs_value){.state = CS_SET, .as.boolean = flag};
}

struct cs_value cs_cell_of_time(int64_t time, char room[CS_CLOCK_ISO])
{
    if (time == 0)
        return cs_cell_of_text(NULL);
    cs_clock_format(time, room);
    return cs_cell_of_text(room);
}

const char *cs_cell_text(const struct cs_value *cell)
{
    return cell->state == CS_SET ? cell->as.text : NULL;
}

int64_t cs_cell_integer(const struct cs_value *cell)
{
    return cell->state == CS_SET ? cell->as.integer : 0;
}

bool cs_cell_flag(const struct cs_value *cell, bool otherwise)
{
    return cell->state == CS_SET ? cell->as.boolean : otherwise;
}

int64_t cs_cell_time(const struct cs_value *cell)
{
    const char *text = cs_cell_text(cell);
    int64_t time;

    return text != NULL && cs_clock_parse(text, &time) ? time : 0;
}
