/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Reads connection strings as ADO.NET and as ODBC write them.  In both kinds
 * "...", '...' and {...} around a value quote it, and keywords are those of
 * both: strings get carried from one to the other.
 *
 * The text is a secret: sentences show words of the tables here and no others,
 * for what looks like a keyword may be the rest of a password that holds a
 * semicolon and was not quoted. */
#include "config.h"

#include "mssql-odbc.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TARGET_MOST = 8192,     /* bytes of a connection string */
    TARGET_WORD_MOST = 40,  /* of an unknown keyword that may be shown */
    TARGET_HOST_MOST = 253, /* as in DNS */
    TARGET_SECONDS_MOST = 24 * 60 * 60,
};

/* ---- Keywords ----------------------------------------------------------- */

enum target_word {
    TARGET_SERVER,
    TARGET_DATABASE,
    TARGET_USER,
    TARGET_PASSWORD,
    TARGET_PORT,
    TARGET_ENCRYPT,
    TARGET_TRUST,
    TARGET_LOGIN,
    TARGET_QUERY,
    TARGET_AUTHENTICATION,
    TARGET_CERTIFICATE,
    TARGET_APPLICATION,
    TARGET_WINDOWS,
    TARGET_INTENT,
    TARGET_DRIVER,
    TARGET_WORDS,   /* so many are kept; of the rest the value is not */
    TARGET_IGNORED, /* whatever it says, we do the same */
    TARGET_REFUSED, /* known, and nothing that we could do */
    TARGET_UNKNOWN,
};

/* The first name of a word is the one in sentences.  Case and blanks do not
 * count. */
static const struct {
    enum target_word word;
    const char *name;
} target_names[] = {
    {TARGET_SERVER, "Server"},
    {TARGET_SERVER, "Data Source"},
    {TARGET_SERVER, "Addr"},
    {TARGET_SERVER, "Address"},
    {TARGET_SERVER, "Network Address"},
    {TARGET_DATABASE, "Database"},
    {TARGET_DATABASE, "Initial Catalog"},
    {TARGET_USER, "User ID"},
    {TARGET_USER, "UID"},
    {TARGET_USER, "User"},
    {TARGET_PASSWORD, "Password"},
    {TARGET_PASSWORD, "PWD"},
    {TARGET_PORT, "Port"},
    {TARGET_ENCRYPT, "Encrypt"},
    {TARGET_ENCRYPT, "Encryption"},
    {TARGET_TRUST, "TrustServerCertificate"},
    {TARGET_LOGIN, "Connection Timeout"},
    {TARGET_LOGIN, "Connect Timeout"},
    {TARGET_LOGIN, "Timeout"},
    {TARGET_QUERY, "Command Timeout"},
    {TARGET_AUTHENTICATION, "Authentication"},
    {TARGET_CERTIFICATE, "HostNameInCertificate"},
    {TARGET_APPLICATION, "Application Name"},
    {TARGET_APPLICATION, "APP"},
    {TARGET_WINDOWS, "Integrated Security"},
    {TARGET_WINDOWS, "Trusted_Connection"},
    {TARGET_INTENT, "ApplicationIntent"},
    {TARGET_DRIVER, "Driver"},

    {TARGET_IGNORED, "Persist Security Info"},
    {TARGET_IGNORED, "Pooling"},
    {TARGET_IGNORED, "Min Pool Size"},
    {TARGET_IGNORED, "Max Pool Size"},
    {TARGET_IGNORED, "Pool Blocking Period"},
    {TARGET_IGNORED, "Load Balance Timeout"},
    {TARGET_IGNORED, "Connection Lifetime"},
    {TARGET_IGNORED, "Connection Reset"},
    {TARGET_IGNORED, "Enlist"},
    {TARGET_IGNORED, "MultipleActiveResultSets"},
    {TARGET_IGNORED, "MARS_Connection"},
    {TARGET_IGNORED, "ConnectRetryCount"},
    {TARGET_IGNORED, "ConnectRetryInterval"},
    {TARGET_IGNORED, "MultiSubnetFailover"},
    {TARGET_IGNORED, "TransparentNetworkIPResolution"},
    {TARGET_IGNORED, "Packet Size"},
    {TARGET_IGNORED, "Workstation ID"},
    {TARGET_IGNORED, "WSID"},
    {TARGET_IGNORED, "TDS_Version"},
    {TARGET_IGNORED, "ClientCharset"},
    {TARGET_IGNORED, "Description"},

    {TARGET_REFUSED, "AttachDbFilename"},
    {TARGET_REFUSED, "Extended Properties"},
    {TARGET_REFUSED, "Initial File Name"},
    {TARGET_REFUSED, "Failover Partner"},
    {TARGET_REFUSED, "Failover_Partner"},
    {TARGET_REFUSED, "Context Connection"},
    {TARGET_REFUSED, "Column Encryption Setting"},
    {TARGET_REFUSED, "ColumnEncryption"},
    {TARGET_REFUSED, "Enclave Attestation Url"},
    {TARGET_REFUSED, "Attestation Protocol"},
    {TARGET_REFUSED, "User Instance"},
    {TARGET_REFUSED, "Network Library"},
    {TARGET_REFUSED, "Network"},
    {TARGET_REFUSED, "Net"},
    {TARGET_REFUSED, "Current Language"},
    {TARGET_REFUSED, "Language"},
    {TARGET_REFUSED, "Server Certificate"},
    {TARGET_REFUSED, "Server SPN"},
    {TARGET_REFUSED, "Servername"},
    {TARGET_REFUSED, "Provider"},
    {TARGET_REFUSED, "DSN"},
    {TARGET_REFUSED, "FILEDSN"},
    {TARGET_REFUSED, "SAVEFILE"},
};

static char target_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool target_is_letter(char c)
{
    return target_lower(c) >= 'a' && target_lower(c) <= 'z';
}

static bool target_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Case and blanks do not count. */
static bool target_same(const char *text, size_t length, const char *name)
{
    const char *end = text + length;
    for (;; text++, name++) {
        while (text < end && *text == ' ')
            text++;
        while (*name == ' ')
            name++;
        if (text == end || *name == '\0')
            return text == end && *name == '\0';
        if (target_lower(*text) != target_lower(*name))
            return false;
    }
}

/* Index into target_names, or their number. */
static size_t target_find(const char *text, size_t length)
{
    size_t n = sizeof target_names / sizeof *target_names;
    for (size_t i = 0; i < n; i++)
        if (target_same(text, length, target_names[i].name))
            return i;
    return n;
}

static const char *target_name(enum target_word word)
{
    size_t i = 0;
    while (target_names[i].word != word)
        i++;
    return target_names[i].name;
}

/* ---- Words for values --------------------------------------------------- */

struct target_value { /* a table ends with a NULL name */
    const char *name;
    int value;
};

static const struct target_value target_flags[] = {
    {"yes", 1}, {"true", 1}, {"no", 0}, {"false", 0}, {NULL, -1}};

/* FreeTDS's "request" is SqlClient's "optional": the login at most. */
static const struct target_value target_encryptions[] = {
    {"yes", 1},     {"true", 1},     {"mandatory", 1}, {"required", 1},
    {"require", 1}, {"strict", 2},   {"no", 0},        {"false", 0},
    {"off", 0},     {"optional", 0}, {"request", 0},   {NULL, -1}};

static const struct target_value target_windows[] = {
    {"yes", 1}, {"true", 1}, {"sspi", 1}, {"no", 0}, {"false", 0}, {NULL, -1}};

enum { TARGET_UNSAID, TARGET_SQL, TARGET_MANAGED, TARGET_PRINCIPAL };
static const struct target_value target_logins[] = {
    {"Not Specified", TARGET_UNSAID},
    {"SqlPassword", TARGET_SQL},
    {"Active Directory Managed Identity", TARGET_MANAGED},
    {"Active Directory MSI", TARGET_MANAGED},
    {"Active Directory Service Principal", TARGET_PRINCIPAL},
    {NULL, -1}};
/* By the numbers above; NULL: as if it were not said. */
static const char *const target_login_names[] = {
    NULL, "SqlPassword", "ActiveDirectoryMsi",
    "ActiveDirectoryServicePrincipal"};

/* Those of the table's end: it is none of its words. */
static int target_choose(const struct target_value *table, const char *text)
{
    while (table->name != NULL && !target_same(text, strlen(text), table->name))
        table++;
    return table->value;
}

static const struct target_value *target_choices(enum target_word word)
{
    return word == TARGET_ENCRYPT   ? target_encryptions
           : word == TARGET_TRUST   ? target_flags
           : word == TARGET_WINDOWS ? target_windows
                                    : NULL;
}

/* ---- Taking the text apart ---------------------------------------------- */

struct target_reader {
    const struct cs_host *host;
    const char *at;
    char *decoded;                    /* where the next value goes */
    size_t number;                    /* of the pair under way, from 1 */
    const char *before;               /* name of the pair before; NULL: none */
    bool past_secret;                 /* a password may have been begun */
    const char *values[TARGET_WORDS]; /* NULL: not said */
};

/* Text that is no keyword of ours is shown only when it can hardly be a piece
 * of a secret: not behind a password, which may be quoted wrongly, and not
 * behind a quoted value that may have run on into the password. */
static bool target_may_show(const struct target_reader *reader,
                            const char *text, size_t length)
{
    if (reader->before == NULL || reader->past_secret || length == 0 ||
        length > TARGET_WORD_MOST)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!target_is_letter(text[i]) && !target_is_digit(text[i]) &&
            text[i] != ' ' && text[i] != '_')
            return false;
    return true;
}

static enum cs_rc target_unknown(const struct target_reader *reader,
                                 const char *text, size_t length)
{
    if (target_may_show(reader, text, length))
        return cs_fail(reader->host, CS_E_CONFIG,
                       "the connection string has the keyword %.*s, which is "
                       "not known; correct it or take it out",
                       (int)length, text);
    if (reader->before == NULL)
        return cs_fail(reader->host, CS_E_CONFIG,
                       "the connection string does not begin with a keyword "
                       "that is known, such as Server=");
    return cs_fail(
        reader->host, CS_E_CONFIG,
        "the connection string has an unknown keyword after %s (pair "
        "%zu); a value with a semicolon must be quoted",
        reader->before, reader->number);
}

static enum cs_rc target_broken(const struct target_reader *reader,
                                const char *fault)
{
    return cs_fail(
        reader->host, CS_E_CONFIG,
        "the connection string's part %zu, after %s, %s", reader->number,
        reader->before != NULL ? reader->before : "its beginning", fault);
}

static void target_skip_blanks(struct target_reader *reader)
{
    reader->at += strspn(reader->at, " ");
}

/* The keyword up to its "="; a doubled one is a part of it, and then it is no
 * keyword of ours. */
static enum cs_rc target_read_word(struct target_reader *reader, size_t *name)
{
    const char *start = reader->at, *end = start;
    while (*end != '\0' && *end != ';' && (*end != '=' || end[1] == '='))
        end += *end == '=' ? 2 : 1;
    if (*end != '=')
        return target_broken(reader, "is not KEYWORD=VALUE; a value that holds "
                                     "a semicolon or begins with = must be "
                                     "quoted");
    size_t length = (size_t)(end - start);
    while (length > 0 && start[length - 1] == ' ')
        length--;
    *name = target_find(start, length);
    if (*name == sizeof target_names / sizeof *target_names)
        return target_unknown(reader, start, length);
    reader->at = end + 1;
    return CS_OK;
}

/* After its opening, up to `quote`; doubled it stands for itself. */
static enum cs_rc target_read_quoted(struct target_reader *reader, char quote)
{
    for (; *reader->at != quote || reader->at[1] == quote; reader->at++) {
        if (*reader->at == '\0')
            return target_broken(reader, "has a quoted value without an end");
        reader->at += *reader->at == quote;
        *reader->decoded++ = *reader->at;
    }
    reader->at++;
    target_skip_blanks(reader);
    if (*reader->at != ';' && *reader->at != '\0')
        return target_broken(reader,
                             "goes on after its quoted value; within the "
                             "value, double the closing quote or brace");
    return CS_OK;
}

static void target_read_bare(struct target_reader *reader)
{
    size_t length = strcspn(reader->at, ";");
    const char *start = reader->at;
    reader->at += length;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    memcpy(reader->decoded, start, length);
    reader->decoded += length;
}

static enum cs_rc target_keep(struct target_reader *reader,
                              enum target_word word, const char *value)
{
    const char *old = reader->values[word];
    const struct target_value *choices = target_choices(word);
    if (*value == '\0')
        return CS_OK;
    if (old != NULL && strcmp(old, value) != 0 &&
        (choices == NULL ||
         target_choose(choices, old) != target_choose(choices, value)))
        return cs_fail(reader->host, CS_E_CONFIG,
                       "the connection string says %s twice, and differently",
                       target_name(word));
    reader->values[word] = value;
    return CS_OK;
}

static enum cs_rc target_read_pair(struct target_reader *reader)
{
    size_t name;
    enum cs_rc rc = target_read_word(reader, &name);
    if (rc != CS_OK)
        return rc;
    enum target_word word = target_names[name].word;
    if (word == TARGET_REFUSED)
        return cs_fail(reader->host, CS_E_CONFIG,
                       "the connection string has the keyword %s, which "
                       "cannot be honoured here; take it out",
                       target_names[name].name);
    const char *value = reader->decoded;
    target_skip_blanks(reader);
    char quote = *reader->at == '{'                          ? '}'
                 : *reader->at == '"' || *reader->at == '\'' ? *reader->at
                                                             : '\0';
    bool quoted = quote != '\0';
    reader->at += quoted;
    if (quoted)
        rc = target_read_quoted(reader, quote);
    else
        target_read_bare(reader);
    *reader->decoded++ = '\0'; /* the "=" made room for it */
    reader->past_secret |=
        word == TARGET_PASSWORD || (quoted && strchr(value, ';') != NULL);
    reader->before = target_names[name].name;
    if (rc != CS_OK || word >= TARGET_WORDS)
        return rc;
    return target_keep(reader, word, value);
}

static enum cs_rc target_read_pairs(struct target_reader *reader)
{
    for (;;) {
        reader->at += strspn(reader->at, "; ");
        if (*reader->at == '\0')
            return CS_OK;
        reader->number++;
        enum cs_rc rc = target_read_pair(reader);
        if (rc != CS_OK)
            return rc;
    }
}

/* ---- What the values mean ----------------------------------------------- */

static enum cs_rc target_unusable(const struct cs_host *host,
                                  enum target_word word, const char *fault)
{
    return cs_fail(host, CS_E_CONFIG, "the connection string's %s %s",
                   target_name(word), fault);
}

static enum cs_rc target_copy(const struct cs_host *host, const char *value,
                              size_t length, char **copy)
{
    *copy = strndup(value, length);
    return *copy != NULL ? CS_OK
                         : cs_fail(host, CS_E_FATAL,
                                   "the connection string: out of memory");
}

/* Blanks around it are fine; -1: no number up to `most`. */
static long target_number(const char *text, long most)
{
    long number = 0;
    text += strspn(text, " ");
    if (!target_is_digit(*text))
        return -1;
    for (; target_is_digit(*text); text++) {
        number = number * 10 + (*text - '0');
        if (number > most)
            return -1;
    }
    return text[strspn(text, " ")] == '\0' ? number : -1;
}

static enum cs_rc target_set_port(const struct cs_host *host, const char *text,
                                  enum target_word word, unsigned *port)
{
    long number = target_number(text, 65535);
    if (number < 1)
        return target_unusable(host, word, "has a port that is not 1 to 65535");
    if (*port != 0 && *port != (unsigned)number)
        return target_unusable(host, TARGET_SERVER,
                               "has another port than Port says");
    *port = (unsigned)number;
    return CS_OK;
}

/* Of host names (and "_", which some have) or of instances. */
static bool target_plain(const char *text, size_t length, const char *more)
{
    for (size_t i = 0; i < length; i++)
        if (!target_is_letter(text[i]) && !target_is_digit(text[i]) &&
            strchr(more, text[i]) == NULL)
            return false;
    return length > 0;
}

static enum cs_rc target_set_host(const struct cs_host *host, const char *text,
                                  size_t length, char **server)
{
    struct in6_addr address;
    if (length > 2 && *text == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (target_same(text, length, "(local)") || target_same(text, length, "."))
        return target_copy(host, "localhost", strlen("localhost"), server);
    if (length > TARGET_HOST_MOST)
        return target_unusable(host, TARGET_SERVER, "is too long");
    enum cs_rc rc = target_copy(host, text, length, server);
    if (rc != CS_OK)
        return rc;
    if (strchr(*server, ':') != NULL)
        return inet_pton(AF_INET6, *server, &address) == 1
                   ? CS_OK
                   : target_unusable(host, TARGET_SERVER,
                                     "is no name and no address; a port "
                                     "stands behind a comma");
    return target_plain(text, length, "-._")
               ? CS_OK
               : target_unusable(host, TARGET_SERVER,
                                 "is neither a host's name nor an address");
}

/* tcp:HOST\INSTANCE,PORT, of which only the host has to be there. */
static enum cs_rc target_set_server(const struct cs_host *host,
                                    const char *text,
                                    struct mssql_odbc_target *target)
{
    static const char *const others[] = {"np:", "lpc:", "admin:", "\\\\"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncasecmp(text, others[i], strlen(others[i])) == 0)
            return target_unusable(host, TARGET_SERVER,
                                   "must be reached by TCP: tcp:HOST,PORT");
    if (strncasecmp(text, "tcp:", 4) == 0)
        text += 4;
    text += strspn(text, " ");
    size_t length = strcspn(text, ",");
    const char *instance = memchr(text, '\\', length);
    enum cs_rc rc = CS_OK;
    if (text[length] == ',')
        rc = target_set_port(host, text + length + 1, TARGET_SERVER,
                             &target->port);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    if (rc == CS_OK && instance != NULL) {
        size_t rest = length - (size_t)(instance + 1 - text);
        length = (size_t)(instance - text);
        rc = target_plain(instance + 1, rest, "_$#")
                 ? target_copy(host, instance + 1, rest, &target->instance)
                 : target_unusable(host, TARGET_SERVER,
                                   "has an instance that is no name");
    }
    return rc != CS_OK ? rc
                       : target_set_host(host, text, length, &target->server);
}

static enum cs_rc target_set_seconds(const struct cs_host *host,
                                     enum target_word word, const char *text,
                                     long *seconds)
{
    /* 0 would be without end, which nothing here is: as if it were not said. */
    *seconds = text != NULL ? target_number(text, TARGET_SECONDS_MOST) : 0;
    return *seconds >= 0 ? CS_OK
                         : target_unusable(host, word,
                                           "is not a number of seconds up to "
                                           "86400");
}

static enum cs_rc target_set_choice(const struct cs_host *host,
                                    enum target_word word, const char *text,
                                    int *choice)
{
    *choice = text != NULL ? target_choose(target_choices(word), text) : -1;
    return text == NULL || *choice >= 0
               ? CS_OK
               : target_unusable(host, word, "is none of its known values");
}

static enum cs_rc target_set_login(const struct cs_host *host, const char *text,
                                   struct mssql_odbc_target *target)
{
    int login = target_choose(target_logins, text);
    if (login < 0)
        return target_unusable(
            host, TARGET_AUTHENTICATION,
            "must be SqlPassword, ActiveDirectoryMsi or "
            "ActiveDirectoryServicePrincipal: the others need a person, "
            "a domain or a developer's tools");
    if (target_login_names[login] == NULL)
        return CS_OK;
    return target_copy(host, target_login_names[login],
                       strlen(target_login_names[login]),
                       &target->authentication);
}

/* What is only looked at. */
static enum cs_rc target_check(const struct cs_host *host,
                               const char *const *values)
{
    enum mssql_odbc_driver driver;
    const char *intent = values[TARGET_INTENT];
    int windows;
    enum cs_rc rc = target_set_choice(host, TARGET_WINDOWS,
                                      values[TARGET_WINDOWS], &windows);
    if (rc != CS_OK)
        return rc;
    if (windows == 1)
        return target_unusable(host, TARGET_WINDOWS,
                               "asks for a Windows login, which is not "
                               "offered; give User ID and Password");
    if (intent != NULL && !target_same(intent, strlen(intent), "ReadWrite"))
        return target_unusable(host, TARGET_INTENT,
                               "must be ReadWrite, because rows are written");
    if (values[TARGET_DRIVER] != NULL &&
        mssql_odbc_driver_find(host, values[TARGET_DRIVER], &driver) != CS_OK)
        return target_unusable(host, TARGET_DRIVER,
                               "is neither Microsoft's nor FreeTDS; take it "
                               "out: the option driver decides");
    return CS_OK;
}

static enum cs_rc target_set_texts(const struct cs_host *host,
                                   const char *const *values,
                                   struct mssql_odbc_target *target)
{
    const struct {
        enum target_word word;
        char **copy;
    } texts[] = {
        {TARGET_DATABASE, &target->database},
        {TARGET_USER, &target->user},
        {TARGET_PASSWORD, &target->password},
        {TARGET_CERTIFICATE, &target->host_in_certificate},
        {TARGET_APPLICATION, &target->application},
    };
    enum cs_rc rc = CS_OK;
    for (size_t i = 0; rc == CS_OK && i < sizeof texts / sizeof *texts; i++) {
        const char *value = values[texts[i].word];
        if (value != NULL)
            rc = target_copy(host, value, strlen(value), texts[i].copy);
    }
    return rc;
}

/* All but the sum of it. */
static enum cs_rc target_set(const struct cs_host *host,
                             const char *const *values,
                             struct mssql_odbc_target *target)
{
    enum cs_rc rc = target_check(host, values);
    if (rc == CS_OK && values[TARGET_PORT] != NULL)
        rc = target_set_port(host, values[TARGET_PORT], TARGET_PORT,
                             &target->port);
    if (rc == CS_OK && values[TARGET_SERVER] != NULL)
        rc = target_set_server(host, values[TARGET_SERVER], target);
    if (rc == CS_OK)
        rc = target_set_texts(host, values, target);
    if (rc == CS_OK && values[TARGET_AUTHENTICATION] != NULL)
        rc = target_set_login(host, values[TARGET_AUTHENTICATION], target);
    if (rc == CS_OK)
        rc = target_set_choice(host, TARGET_ENCRYPT, values[TARGET_ENCRYPT],
                               &target->encrypt);
    if (rc == CS_OK)
        rc = target_set_choice(host, TARGET_TRUST, values[TARGET_TRUST],
                               &target->trust);
    if (rc == CS_OK)
        rc = target_set_seconds(host, TARGET_LOGIN, values[TARGET_LOGIN],
                                &target->login_seconds);
    if (rc == CS_OK)
        rc = target_set_seconds(host, TARGET_QUERY, values[TARGET_QUERY],
                                &target->query_seconds);
    return rc;
}

/* Is there enough to connect, and as somebody? */
static enum cs_rc target_whole(const struct cs_host *host,
                               const struct mssql_odbc_target *target)
{
    bool managed =
        target->authentication != NULL &&
        strcmp(target->authentication, target_login_names[TARGET_MANAGED]) == 0;
    if (target->server == NULL || target->database == NULL)
        return cs_fail(host, CS_E_CONFIG, "the connection string has no %s",
                       target->server == NULL ? "Server" : "Database");
    if (managed && target->password != NULL)
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string has a Password, but the managed "
                       "identity of its Authentication needs none");
    if (!managed && (target->user == NULL || target->password == NULL))
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string has no %s, and no managed "
                       "identity as its Authentication",
                       target->user == NULL ? "User ID" : "Password");
    return CS_OK;
}

/* ---- The whole ---------------------------------------------------------- */

/* How much of it counts: not what an editor leaves at the end. */
static enum cs_rc target_measure(const struct cs_host *host, const char *text,
                                 size_t *length)
{
    *length = strnlen(text, TARGET_MOST + 1);
    if (*length > TARGET_MOST)
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string is longer than %d bytes",
                       TARGET_MOST);
    while (*length > 0 && strchr(" \t\r\n", text[*length - 1]) != NULL)
        --*length;
    for (size_t i = 0; i < *length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return cs_fail(host, CS_E_CONFIG,
                           "the connection string holds a control character, "
                           "perhaps the end of a line");
    return *length > 0
               ? CS_OK
               : cs_fail(host, CS_E_CONFIG, "the connection string is empty");
}

enum cs_rc mssql_odbc_target_read(const struct cs_host *host, const char *text,
                                  struct mssql_odbc_target *target)
{
    struct target_reader reader = {.host = host};
    size_t length;
    *target = (struct mssql_odbc_target){.encrypt = -1, .trust = -1};
    enum cs_rc rc = target_measure(host, text, &length);
    if (rc != CS_OK)
        return rc;
    size_t room = 2 * (length + 1); /* the text, and its values decoded */
    char *scratch = calloc(1, room);
    if (scratch == NULL)
        return cs_fail(host, CS_E_FATAL,
                       "the connection string: out of memory");
    memcpy(scratch, text, length);
    reader.at = scratch;
    reader.decoded = scratch + length + 1;
    rc = target_read_pairs(&reader);
    if (rc == CS_OK)
        rc = target_set(host, reader.values, target);
    if (rc == CS_OK)
        rc = target_whole(host, target);
    host->wipe(scratch, room);
    free(scratch);
    if (rc != CS_OK)
        mssql_odbc_target_clear(host, target);
    return rc;
}

void mssql_odbc_target_clear(const struct cs_host *host,
                             struct mssql_odbc_target *target)
{
    char *const texts[] = {
        target->server,      target->instance,
        target->database,    target->user,
        target->password,    target->authentication,
        target->application, target->host_in_certificate,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] != NULL)
            host->wipe(texts[i], strlen(texts[i]));
        free(texts[i]);
    }
    *target = (struct mssql_odbc_target){.encrypt = -1, .trust = -1};
}
