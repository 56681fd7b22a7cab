/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The credential plugins, each alone against the fake host. */
#include "config.h"

#include "fake-host.h"

/* All in one program: each descriptor gets a name of its own.  Before cmocka.h,
 * which makes a macro of fail. */
#define cleversync_plugin env_plugin
#include "../plugins/credential/env/env.c"
#undef cleversync_plugin
#define cleversync_plugin file_plugin
#define FILE_DIRECTORY "/etc/cleversync/secrets"
#include "../plugins/credential/file/file.c"
#undef cleversync_plugin
#define cleversync_plugin oauth_plugin
#include "../plugins/credential/clever-oauth/clever-oauth.c"
#undef cleversync_plugin

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fake_host fake;
static struct cs_secret secret;

static int teardown(void **state)
{
    (void)state;
    fake_secret_clear(&secret);
    fake_host_clear(&fake);
    return 0;
}

static enum cs_rc fetch(const char *name)
{
    const struct cs_credential_ops *ops = fake.plugin->ops;

    fake_secret_clear(&secret);
    fake.error[0] = '\0';
    return ops->fetch(fake.self, name, &secret);
}

static void expect(const char *name, const char *value)
{
    assert_int_equal(fetch(name), CS_OK);
    assert_non_null(secret.bytes);
    assert_string_equal(secret.bytes, value);
}

/* The error's sentence has `words` in it, and nothing was revealed. */
static void expect_failure(const char *name, enum cs_rc rc, const char *words)
{
    assert_int_equal(fetch(name), rc);
    assert_null(secret.bytes);
    if (!strstr(fake.error, words))
        fail_msg("\"%s\" does not say \"%s\"", fake.error, words);
}

/* ---- env ----------------------------------------------------------------- */

static int setup_env(void **state)
{
    (void)state;
    fake_host_init(&fake, &env_plugin);
    return fake_host_open(&fake) == CS_OK ? 0 : -1;
}

static void env_maps_names(void **state)
{
    (void)state;
    setenv("TESTSOS__CLEVER__CLIENT_ID2", "value\n", 1);
    expect("TestSOS--Clever--Client-Id2", "value\n"); /* as it is */
    assert_int_equal(secret.expires, 0);
    unsetenv("TESTSOS__CLEVER__CLIENT_ID2");
    assert_int_equal(fetch("TestSOS--Clever--Client-Id2"), CS_E_NOT_HERE);
}

static void env_knows_no_other_characters(void **state)
{
    (void)state;
    setenv("TEST.X", "value", 1);
    setenv("TEST_X", "value", 1);
    assert_int_equal(fetch("TEST.X"), CS_E_NOT_HERE);
    assert_int_equal(fetch("TEST_X"), CS_E_NOT_HERE);
    assert_int_equal(fetch("TEST=X"), CS_E_NOT_HERE);
    assert_int_equal(fetch("T\xC3\x89ST"), CS_E_NOT_HERE);
    assert_int_equal(fetch(""), CS_E_NOT_HERE);
    expect("TEST-X", "value");
}

static void env_says_what_is_empty(void **state)
{
    (void)state;
    setenv("TEST__EMPTY", "", 1);
    expect_failure("Test--Empty", CS_E_CONFIG, "TEST__EMPTY is set but empty");
}

/* ---- file ---------------------------------------------------------------- */

static char directory[64];
static struct fake_pair directory_option[] = {{"directory", directory},
                                              {NULL, NULL}};

static int setup_file(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/cleversync-unit-credentials.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    fake_host_init(&fake, &file_plugin);
    fake.options = directory_option;
    return fake_host_open(&fake) == CS_OK ? 0 : -1;
}

static int teardown_file(void **state)
{
    char command[128];

    chmod(directory, 0700);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        return -1;
    return teardown(state);
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(const char *name, mode_t mode, const char *bytes, size_t size)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void file_reads(void **state)
{
    (void)state;
    put("X--A", 0640, "value", 5);
    put("X--B", 0400, "value\r\n", 7);
    put("X--C", 0600, " value\n\n", 8);
    expect("X--A", "value");
    assert_int_equal(secret.expires, 0);
    expect("X--B", "value");
    expect("X--C", " value\n");
    assert_int_equal(fetch("X--D"), CS_E_NOT_HERE);
}

static void file_follows_links(void **state)
{
    (void)state;
    put("data", 0440, "value", 5);
    assert_int_equal(symlink("data", path_of("X--A")), 0);
    expect("X--A", "value");
    assert_int_equal(symlink("nowhere", path_of("X--B")), 0);
    assert_int_equal(fetch("X--B"), CS_E_NOT_HERE);
    assert_int_equal(symlink("X--C", path_of("X--C")), 0);
    expect_failure("X--C", CS_E_CONFIG, "X--C cannot be read");
}

static void file_stays_in_its_directory(void **state)
{
    (void)state;
    put("x", 0600, "value", 5);
    put("a.b", 0600, "value", 5);
    assert_int_equal(fetch("./x"), CS_E_NOT_HERE);
    assert_int_equal(fetch("../x"), CS_E_NOT_HERE);
    assert_int_equal(fetch(path_of("x")), CS_E_NOT_HERE);
    assert_int_equal(fetch("a.b"), CS_E_NOT_HERE);
    assert_int_equal(fetch(""), CS_E_NOT_HERE);
}

static void file_refuses_what_all_may_read(void **state)
{
    (void)state;
    put("X--A", 0644, "value", 5);
    expect_failure("X--A", CS_E_CONFIG, "chmod 0640 /tmp/");
    put("X--B", 0602, "value", 5);
    expect_failure("X--B", CS_E_CONFIG, "open to every user");
}

static void file_refuses_what_is_no_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("X--A"), 0700), 0);
    expect_failure("X--A", CS_E_CONFIG, "not a regular file");
    assert_int_equal(mkfifo(path_of("X--B"), 0600), 0);
    expect_failure("X--B", CS_E_CONFIG, "not a regular file");
}

static void file_has_limits(void **state)
{
    size_t most = (size_t)64 * 1024;
    char *big = malloc(most + 2);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', most + 2);
    put("X--C", 0600, big, most + 1);
    big[most] = '\r';
    big[most + 1] = '\n';
    put("X--A", 0600, big, most);
    put("X--B", 0600, big, most + 2);
    assert_int_equal(fetch("X--A"), CS_OK);
    assert_int_equal(secret.size, most);
    assert_int_equal(fetch("X--B"), CS_OK);
    assert_int_equal(secret.size, most);
    expect_failure("X--C", CS_E_CONFIG, "longer than 64 KiB");
    put("X--D", 0600, "\n", 1);
    expect_failure("X--D", CS_E_CONFIG, "is empty");
    free(big);
}

static void file_says_what_is_denied(void **state)
{
    bool root = geteuid() == 0;

    (void)state;
    put("X--A", 0, "value", 5);
    assert_int_equal(chmod(directory, 0711), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0); /* root may read everything */
    expect_failure("X--A", CS_E_AUTH, "X--A may not be read");
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(directory, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    expect_failure("X--A", CS_E_AUTH, "X--A may not be read");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void file_needs_a_directory_that_was_chosen(void **state)
{
    static const struct fake_pair missing[] = {
        {"directory", "/nonexistent/secrets"}, {NULL, NULL}};
    static const struct fake_pair a_file[] = {{"directory", "/dev/null"},
                                              {NULL, NULL}};

    (void)state;
    fake_host_close(&fake);
    fake.options = missing;
    assert_int_equal(fake_host_open(&fake), CS_OK);
    expect_failure("X--A", CS_E_CONFIG, "/nonexistent/secrets cannot be used");
    fake_host_close(&fake);
    fake.options = a_file;
    assert_int_equal(fake_host_open(&fake), CS_OK);
    expect_failure("X--A", CS_E_CONFIG, "/dev/null cannot be used");
}

static void file_looks_where_systemd_says(void **state)
{
    (void)state;
    put("X--A", 0400, "value", 5);
    fake_host_close(&fake);
    fake.options = NULL;
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    assert_int_equal(fake_host_open(&fake), CS_OK);
    expect("X--A", "value");
    fake_host_close(&fake);
    setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    assert_int_equal(fake_host_open(&fake), CS_OK);
    assert_int_equal(fetch("X--A"), CS_E_NOT_HERE);
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* ---- clever-oauth -------------------------------------------------------- */

#define URL "https://clever.test/oauth/tokens"
#define TOKEN(DISTRICT, VALUE, CREATED)                      \
    "{\"id\":\"t\",\"created\":\"" CREATED                   \
    "\",\"owner\":{\"type\":\"district\",\"id\":\"" DISTRICT \
    "\"},\"access_token\":\"" VALUE "\",\"scopes\":[\"read:sis\"]}"
#define LIST(TOKENS) "{\"data\":[" TOKENS "],\"links\":[]}"
#define LIST_ON(TOKENS, URI)                                               \
    "{\"data\":[" TOKENS "],\"links\":[{\"rel\":\"self\",\"uri\":\"/x\"}," \
    "{\"rel\":\"next\",\"uri\":\"" URI "\"}]}"
#define DECOYS                                         \
    TOKEN("other", "wrong", "2026-01-01")              \
    ",7,{},{\"owner\":{}},"                            \
    "{\"district\":\"d1\",\"access_token\":\"flat\"}," \
    "{\"owner\":{\"type\":\"user\",\"id\":\"d1\"},\"access_token\":\"il1\"}"

static const struct fake_pair oauth_names[] = {
    {"token_url", URL},
    {"district_access_token", "S--North--AccessToken"},
    {"district_client_id", "S--North--ClientId"},
    {"district_client_secret", "S--North--ClientSecret"},
    {"access_token", "S--Clever--AccessToken"},
    {"client_id", "S--Clever--ClientId"},
    {"client_secret", "S--Clever--ClientSecret"},
    {NULL, NULL},
};
static const struct fake_pair global_app[] = {
    {"client_id", "id"}, {"client_secret", "secret"}, {NULL, NULL}};

static int setup_oauth(void **state)
{
    (void)state;
    fake_host_init(&fake, &oauth_plugin);
    fake.options = oauth_names;
    fake.secrets = global_app;
    fake.scope.district = "d1";
    return fake_host_open(&fake) == CS_OK ? 0 : -1;
}

static void script(const struct fake_reply *replies, size_t n)
{
    fake.replies = replies;
    fake.nreplies = n;
}

static void oauth_lists(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 200,
         .body = LIST(DECOYS "," TOKEN("d1", "right", "2026-01-01"))}};

    (void)state;
    script(replies, 1);
    expect("S--Clever--AccessToken", "right");
    assert_int_equal(secret.expires, fake.now + INT64_C(86400) * 1000000);
    assert_string_equal(fake.requests[0],
                        "GET " URL "?owner_type=district&district=d1");
    assert_string_equal(fake.user, "client_id");
    assert_string_equal(fake.password, "client_secret");
    assert_null(fake.bearer);
}

static void oauth_takes_the_newest(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 200,
         .body = LIST(TOKEN("d1", "old", "2026-01-01") "," TOKEN(
             "d1", "new", "2026-01-03") "," TOKEN("d1", "mid", "2026-01-02"))}};

    (void)state;
    script(replies, 1);
    expect("S--Clever--AccessToken", "new");
}

static void oauth_never_takes_anothers(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 200, .body = LIST(DECOYS)},
        {.status = 200, .body = LIST("")}};

    (void)state;
    script(replies, 2);
    expect_failure("S--Clever--AccessToken", CS_E_AUTH,
                   "no token for district d1");
    expect_failure("S--Clever--AccessToken", CS_E_AUTH,
                   "no token for district d1");
}

static void oauth_turns_pages(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 200, .body = LIST_ON(DECOYS, "/oauth/tokens?page=2")},
        {.status = 200, .body = LIST_ON("", URL "?page=3")},
        {.status = 200, .body = LIST(TOKEN("d1", "right", "2026-01-01"))}};

    (void)state;
    script(replies, 3);
    expect("S--Clever--AccessToken", "right");
    assert_string_equal(fake.requests[1], "GET " URL "?page=2");
    assert_string_equal(fake.requests[2], "GET " URL "?page=3");
}

static void oauth_stays_on_its_server(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 200, .body = LIST_ON("", "https://evil.test/oauth/tokens")},
        {.status = 200, .body = LIST_ON("", "//evil.test/oauth/tokens")},
        {.status = 200, .body = LIST_ON("", "https://clever.test.evil.test/")},
        {.status = 200, .body = LIST_ON("", "http://clever.test/")},
        {.status = 200, .body = LIST_ON("", "https://clever.test@evil.test/")}};

    (void)state;
    script(replies, 5);
    for (size_t i = 0; i < 5; i++)
        expect_failure("S--Clever--AccessToken", CS_E_FATAL, "another server");
    assert_int_equal(fake.asked, 5);
}

static void oauth_ends_an_endless_list(void **state)
{
    static struct fake_reply replies[FAKE_REQUESTS];

    (void)state;
    for (size_t i = 0; i < FAKE_REQUESTS; i++)
        replies[i] = (struct fake_reply){.status = 200,
                                         .body = LIST_ON("", "/oauth/tokens")};
    script(replies, FAKE_REQUESTS);
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "does not end");
    assert_int_equal(fake.asked, 50);
}

static void oauth_prefers_a_districts_own_app(void **state)
{
    static const struct fake_pair both[] = {{"district_client_id", "own"},
                                            {"district_client_secret", "s"},
                                            {"client_id", "id"},
                                            {"client_secret", "secret"},
                                            {NULL, NULL}};
    static const struct fake_reply replies[] = {
        {.status = 200, .body = LIST(TOKEN("d1", "own", "2026-01-01"))}};

    (void)state;
    assert_int_equal(fetch("S--North--AccessToken"), CS_E_NOT_HERE);
    fake.secrets = both;
    script(replies, 1);
    expect("S--North--AccessToken", "own");
    assert_string_equal(fake.user, "district_client_id");
}

static void oauth_answers_only_what_it_can(void **state)
{
    static const struct fake_pair none[] = {{NULL, NULL}};

    (void)state;
    assert_int_equal(fetch("S--North--ConnectionString"), CS_E_NOT_HERE);
    fake.scope.district = NULL;
    assert_int_equal(fetch("S--Clever--AccessToken"), CS_E_NOT_HERE);
    fake.scope.district = "d1";
    fake.secrets = none;
    assert_int_equal(fetch("S--Clever--AccessToken"), CS_E_NOT_HERE);
    assert_int_equal(fake.asked, 0);
}

static void oauth_passes_errors_on(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 401},
        {.status = 503},
        {.status = 404},
        {.status = 200, .body = "{\"links\":[]}"},
        {.status = 200, .body = "{\"data\":{}}"},
        {.status = 200, .body = "[]"},
        {.status = 200,
         .body = LIST("{\"owner\":{\"id\":\"d1\"},"
                      "\"access_token\":7}")}};

    (void)state;
    script(replies, 7);
    expect_failure("S--Clever--AccessToken", CS_E_AUTH, "401");
    expect_failure("S--Clever--AccessToken", CS_E_RETRY, "503");
    expect_failure("S--Clever--AccessToken", CS_E_CONFIG, "address");
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "no list");
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "no list");
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "no list");
    expect_failure("S--Clever--AccessToken", CS_E_AUTH, "no token");
}

static void oauth_can_ask_for_a_token(void **state)
{
    static const struct fake_pair names[] = {
        {"token_url", URL},
        {"grant", "client_credentials"},
        {"token_lifetime", "600"},
        {"access_token", "S--Clever--AccessToken"},
        {NULL, NULL}};
    static const struct fake_reply replies[] = {
        {.status = 200, .body = "{\"access_token\":\"minted\"}"},
        {.status = 200, .body = "{\"access_token\":\"\"}"},
        {.status = 400, .body = "{}"}};

    (void)state;
    fake.options = names;
    script(replies, 3);
    expect("S--Clever--AccessToken", "minted");
    assert_int_equal(secret.expires, fake.now + INT64_C(600) * 1000000);
    assert_string_equal(fake.requests[0], "POST " URL);
    assert_string_equal(fake.body, "grant_type=client_credentials");
    assert_string_equal(fake.user, "client_id");
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "no token");
    expect_failure("S--Clever--AccessToken", CS_E_FATAL, "400");
}

#define ENV(function) \
    cmocka_unit_test_setup_teardown(function, setup_env, teardown)
#define FILE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup_file, teardown_file)
#define OAUTH(function) \
    cmocka_unit_test_setup_teardown(function, setup_oauth, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENV(env_maps_names),
        ENV(env_knows_no_other_characters),
        ENV(env_says_what_is_empty),
        FILE_TEST(file_reads),
        FILE_TEST(file_follows_links),
        FILE_TEST(file_stays_in_its_directory),
        FILE_TEST(file_refuses_what_all_may_read),
        FILE_TEST(file_refuses_what_is_no_file),
        FILE_TEST(file_has_limits),
        FILE_TEST(file_says_what_is_denied),
        FILE_TEST(file_needs_a_directory_that_was_chosen),
        FILE_TEST(file_looks_where_systemd_says),
        OAUTH(oauth_lists),
        OAUTH(oauth_takes_the_newest),
        OAUTH(oauth_never_takes_anothers),
        OAUTH(oauth_turns_pages),
        OAUTH(oauth_stays_on_its_server),
        OAUTH(oauth_ends_an_endless_list),
        OAUTH(oauth_prefers_a_districts_own_app),
        OAUTH(oauth_answers_only_what_it_can),
        OAUTH(oauth_passes_errors_on),
        OAUTH(oauth_can_ask_for_a_token),
    };

    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
