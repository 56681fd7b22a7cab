/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/names.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

const char cs_lab_null[] = "null";

/* With accents, apostrophes, CJK, an emoji, and combining marks apart from
 * their letters (the second Zoe and the second Jose). */
static const char *const firsts[] = {
    "Ada",
    "Zo\u00eb",
    "Zoe\u0308",
    "Jos\u00e9",
    "Jose\u0301",
    "Bj\u00f6rn",
    "S\u00f8ren",
    "\u674e",
    "\u3055\u304f\u3089",
    "A\u00efcha",
    "Nguy\u1ec5n",
    "\u0141ukasz",
    "Mary-Jane",
    "D'Arcy",
    "Sunny\U0001F31E",
    "\u0410\u043d\u043d\u0430",
    "Li",
    "Omar",
    "\u0645\u0631\u064a\u0645",
    "Grace",
};

static const char *const lasts[] = {
    "O'Brien",
    "Garc\u00eda",
    "Smith",
    "M\u00fcller",
    "D\u2019Angelo",
    "Kowalski",
    "\u00d3 S\u00failleabh\u00e1in",
    "\u738b",
    "de la Cruz",
    "Begum",
    "Null",
    "X",
    "Smith-Jones",
    "Stra\u00dfe",
    "\u0130nce",
    "N\u0303andu",
    "van der \"Dyk\"",
    "Back\\slash",
    "\U00020BB7\u91ce",
    "True",
};

static const char *const grades[] = {
    "InfantToddler",
    "Preschool",
    "PreKindergarten",
    "TransitionalKindergarten",
    "Kindergarten",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
    "12",
    "13",
    "PostGraduate",
    "Ungraded",
    "Other",
    "",
};

static const char *const titles[] = {
    "Math",  "Science Teacher",    "Ma\u00eetresse d'\u00e9cole",
    "Coach", "Head of Year 7 & 8", "Librarian",
};

/* Tab, no-break space, and blanks outside ASCII with others around. */
static const char *const odds[] = {
    NULL, cs_lab_null, "", " ", "\t", "\u00a0", " \u2003\u3000 ",
};

static const char *const sites[] = {
    "Maple", "Cedar", "Juniper", "Willow", "Aspen",
    "Hazel", "Rowan", "Alder",   "Linden", "Birch",
};

static const char *const places[] = {
    "Hill", "Creek", "Park", "Meadow", "Ridge", "Grove", "Bridge",
};

static const char *const districts[] = {
    "Copper Valley", "Silver Lake", "Iron Coast", "Granite Bay", "Amber Plain",
};

const char *cs_lab_names_first(uint64_t choice)
{
    return firsts[choice % COUNT(firsts)];
}

const char *cs_lab_names_last(uint64_t choice)
{
    return lasts[choice % COUNT(lasts)];
}

const char *cs_lab_names_grade(uint64_t choice)
{
    return grades[choice % COUNT(grades)];
}

const char *cs_lab_names_title(uint64_t choice)
{
    return titles[choice % COUNT(titles)];
}

const char *cs_lab_names_odd(uint64_t choice)
{
    return odds[choice % COUNT(odds)];
}

#define ELEVEN "abcdefghijk"

const char *cs_lab_names_overlong(void)
{
    return ELEVEN ELEVEN ELEVEN ELEVEN ELEVEN ELEVEN ELEVEN ELEVEN ELEVEN
        "\U0001F600 and a tail";
}

/* Numbered from the second round on. */
static void numbered(char *name, size_t size, const char *first,
                     const char *second, size_t round)
{
    if (round == 0)
        snprintf(name, size, "%s %s", first, second);
    else
        snprintf(name, size, "%s %s %zu", first, second, round + 1);
}

void cs_lab_names_school(char *name, size_t size, unsigned index)
{
    size_t all = COUNT(sites) * COUNT(places);

    /* The two counts share no factor, so every pair comes up once. */
    numbered(name, size, sites[index % COUNT(sites)],
             places[index % COUNT(places)], index / all);
}

void cs_lab_names_district(char *name, size_t size, unsigned index)
{
    numbered(name, size, districts[index % COUNT(districts)], "District",
             index / COUNT(districts));
}
