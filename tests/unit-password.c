/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Hashes of passwords: made, checked, and refused. */

#include "config.h"

#include "secret/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1)
 * as such a text. */
static const char known[] =
    "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
    "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1l"
    "HkDfzwF7RVdYhw";

/* The same table: ("password", "NaCl", 1024, 8, 16). */
static const char parallel[] =
    "$scrypt$ln=10,r=8,p=16$TmFDbA$"
    "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD"
    "7m2DYMvfoswGQA";

static enum cs_rc check(const char *text, const char *password)
{
    struct cs_error error = {.rc = CS_OK};

    return cs_password_check(text, password, &error);
}

static void published(void **state)
{
    (void)state;
    assert_int_equal(check(known, "pleaseletmein"), CS_OK);
    assert_int_equal(check(known, "pleaseletmeiN"), CS_E_AUTH);
    assert_int_equal(check(known, ""), CS_E_AUTH);
    assert_int_equal(check(parallel, "password"), CS_OK);
    assert_int_equal(check(parallel, "Password"), CS_E_AUTH);
}

static void made(void **state)
{
    char one[CS_PASSWORD_HASH], other[CS_PASSWORD_HASH], line[256];
    struct cs_error error = {.rc = CS_OK};

    (void)state;
    assert_int_equal(cs_password_hash("korrekt p\xC3\xA4rd", one, &error),
                     CS_OK);
    assert_int_equal(cs_password_hash("korrekt p\xC3\xA4rd", other, &error),
                     CS_OK);
    assert_string_not_equal(one, other); /* each with its own salt */
    assert_memory_equal(one, "$scrypt$ln=15,r=8,p=1$", 22);
    assert_int_equal(check(one, "korrekt p\xC3\xA4rd"), CS_OK);
    assert_int_equal(check(other, "korrekt p\xC3\xA4rd"), CS_OK);
    assert_int_equal(check(one, "korrekt pard"), CS_E_AUTH);
    strcpy(line, one);
    strcat(line, "\r\n");
    assert_int_equal(check(line, "korrekt p\xC3\xA4rd"), CS_OK);
}

static void refused(void **state)
{
    static const char *const none[] = {
        "",
        "pleaseletmein",
        "$scrypt$",
        "$scrypt$ln=14,r=8,p=1$",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$",
        "$scrypt$ln=14,r=8,p=1$$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$c",    /* no whole byte */
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9", /* too short */
        "$scrypt$ln=14,r=8,p=1$U29k XVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w x",
        "$scrypt$ln=0,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=31,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=-1,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=14,r=0,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=14,r=8,p=65$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$scrypt$ln=14,p=1,r=8$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
        "$argon2id$v=19$m=65536,t=3,p=4$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAb",
        /* 1 GB */
        "$scrypt$ln=20,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf04/w",
    };
    char longest[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        assert_int_equal(check(none[i], "pleaseletmein"), CS_E_CONFIG);
    memset(longest, 'A', sizeof(longest));
    memcpy(longest, "$scrypt$ln=14,r=8,p=1$", 22);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(check(longest, "pleaseletmein"), CS_E_CONFIG);
    longest[100] = '$';
    assert_int_equal(check(longest, "pleaseletmein"), CS_E_CONFIG);
}

static void faults(void **state)
{
    char most[CS_PASSWORD_MOST + 2];

    (void)state;
    assert_null(cs_password_fault("correct horse"));
    assert_null(cs_password_fault("twelve chars"));
    assert_non_null(cs_password_fault(""));
    assert_non_null(cs_password_fault("eleven char"));
    /* Characters count, not bytes. */
    assert_non_null(cs_password_fault("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                                      "\xC3\xA4\xC3\xA4\xC3\xA4"));
    assert_non_null(cs_password_fault("correct\thorse battery"));
    assert_non_null(cs_password_fault("correct\xFFhorse battery"));
    memset(most, 'x', sizeof(most));
    most[CS_PASSWORD_MOST + 1] = '\0';
    assert_non_null(cs_password_fault(most));
    most[CS_PASSWORD_MOST] = '\0';
    assert_null(cs_password_fault(most));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(made),
        cmocka_unit_test(refused),
        cmocka_unit_test(faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
