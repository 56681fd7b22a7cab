/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Connection strings of the sink mssql-odbc: how they are read, what each
 * driver is told, what is refused, and that no sentence shows a secret. */
#include "config.h"

#include "fake-host.h"
#include "../plugins/sink/mssql-odbc/mssql-odbc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "Zq7xVault" /* a piece of each secret: no sentence may have it */
#define WHO "User ID=u;Password=p"
#define MICROSOFT "ODBC Driver 18 for SQL Server"
#define HOST "h.example.net"

static struct fake_host fake;

static int setup(void **state)
{
    (void)state;
    fake_host_init(&fake, NULL);
    unsetenv("FREETDSCONF");
    return 0;
}

/* ---- Reading ------------------------------------------------------------ */

static void show(char *all, size_t room, const char *name, const char *value)
{
    size_t used = strlen(all);

    if (value)
        snprintf(all + used, room - used, "%s=<%s> ", name, value);
}

static void show_number(char *all, size_t room, const char *name, long value,
                        long unsaid)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%ld", value);
    show(all, room, name, value == unsaid ? NULL : digits);
}

static const char *shown(const struct mssql_odbc_target *target)
{
    static char all[20000];

    all[0] = '\0';
    show(all, sizeof(all), "server", target->server);
    show(all, sizeof(all), "instance", target->instance);
    show_number(all, sizeof(all), "port", target->port, 0);
    show(all, sizeof(all), "database", target->database);
    show(all, sizeof(all), "user", target->user);
    show(all, sizeof(all), "password", target->password);
    show(all, sizeof(all), "authentication", target->authentication);
    show(all, sizeof(all), "certificate", target->host_in_certificate);
    show(all, sizeof(all), "application", target->application);
    show_number(all, sizeof(all), "encrypt", target->encrypt, -1);
    show_number(all, sizeof(all), "trust", target->trust, -1);
    show_number(all, sizeof(all), "login", target->login_seconds, 0);
    show_number(all, sizeof(all), "query", target->query_seconds, 0);
    return all;
}

#define UP "user=<u> password=<p> "
#define HD "server=<h> database=<d> "
#define S "Server=h;Database=d;"
static const struct {
    const char *text, *target;
} strings[] = {
    /* as portals and tools give them */
    {"Server=tcp:north.database.windows.net,1433;Initial Catalog=Roster;"
     "Persist Security Info=False;User ID=sync;Password=pa55;"
     "MultipleActiveResultSets=False;Encrypt=True;"
     "TrustServerCertificate=False;Connection Timeout=30;",
     "server=<north.database.windows.net> port=<1433> database=<Roster> "
     "user=<sync> password=<pa55> encrypt=<1> trust=<0> login=<30> "},
    {"Driver={ODBC Driver 18 for SQL Server};Server=tcp:h,1433;Database=d;"
     "Uid=u;Pwd={p};Encrypt=yes;TrustServerCertificate=no;Connection "
     "Timeout=30;",
     "server=<h> port=<1433> database=<d> " UP
     "encrypt=<1> trust=<0> login=<30> "},
    {"DRIVER=FreeTDS;Server=h;Port=1433;TDS_Version=7.4;ClientCharset=UTF-8;"
     "Encryption=require;UID=u;PWD=p;Database=d",
     "server=<h> port=<1433> database=<d> " UP "encrypt=<1> "},
    {"Server=h;Database=d;Authentication=Active Directory Managed Identity",
     HD "authentication=<ActiveDirectoryMsi> "},
    /* synonyms, case, blanks */
    {"data source=h;initial catalog=d;user id=u;pwd=p", HD UP},
    {"DataSource=h;InitialCatalog=d;UserID=u;PassWord=p", HD UP},
    {"Addr=h;Database=d;User=u;Password=p", HD UP},
    {"ADDRESS=h;Database=d;uid=u;Password=p", HD UP},
    {"Network Address=h;Database=d;" WHO, HD UP},
    {" ; Server = h ;; Database = d ; User ID = u ; Password = p ; ", HD UP},
    {S WHO ";Trust Server Certificate=true", HD UP "trust=<1> "},
    {S WHO ";Connect Timeout=7;Command Timeout=9",
     HD UP "login=<7> query=<9> "},
    {S WHO ";Timeout= 7 ", HD UP "login=<7> "},
    {S WHO ";Timeout=0;CommandTimeout=0", HD UP},
    {S WHO ";Application Name=my app", HD UP "application=<my app> "},
    {S WHO ";APP=x;HostNameInCertificate=*.example.net",
     HD UP "certificate=<*.example.net> application=<x> "},
    {S WHO "\r\n", HD UP},
    /* quoting */
    {S "UID=u;PWD={a;b=c}", HD "user=<u> password=<a;b=c> "},
    {S "UID=u;PWD={a}}b}}}", HD "user=<u> password=<a}b}> "},
    {S "UID=u;PWD={a}}b}}};APP=x",
     HD "user=<u> password=<a}b}> application=<x> "},
    {S "UID=u;PWD={ a\"'{ } ; APP={x} ",
     HD "user=<u> password=< a\"'{ > application=<x> "},
    {S "UID=u;PWD=\"a;b\"\"c'}\"", HD "user=<u> password=<a;b\"c'}> "},
    {S "UID=u;PWD= 'a;b''c\"' ;APP=x",
     HD "user=<u> password=<a;b'c\"> application=<x> "},
    {S "UID=u;PWD=a=b==", HD "user=<u> password=<a=b==> "},
    {S "UID=u;PWD=a'b\"c{d}e", HD "user=<u> password=<a'b\"c{d}e> "},
    {S "UID=u;PWD= a b ;APP=", HD "user=<u> password=<a b> "},
    {S "UID=u;PWD='  '", HD "user=<u> password=<  > "},
    {S "UID=u;PWD='=x'", HD "user=<u> password=<=x> "},
    {S "UID=u;PWD=}", HD "user=<u> password=<}> "},
    {S "UID=\xc3\xa9;PWD=\xe5\xad\xa6",
     HD "user=<\xc3\xa9> password=<\xe5\xad\xa6> "},
    /* servers */
    {"Server=h,2;Database=d;" WHO, "server=<h> port=<2> database=<d> " UP},
    {"Server=h , 2;Database=d;" WHO, "server=<h> port=<2> database=<d> " UP},
    {"Server=h,65535;Port=65535;Database=d;" WHO,
     "server=<h> port=<65535> database=<d> " UP},
    {"Server=TCP: h\\i$1;Database=d;" WHO,
     "server=<h> instance=<i$1> database=<d> " UP},
    {"Server=h\\i,3;Database=d;" WHO,
     "server=<h> instance=<i> port=<3> database=<d> " UP},
    {"Server=.;Database=d;" WHO, "server=<localhost> database=<d> " UP},
    {"Server=(LOCAL)\\i;Database=d;" WHO,
     "server=<localhost> instance=<i> database=<d> " UP},
    {"Server=10.1.2.3;Database=d;" WHO, "server=<10.1.2.3> database=<d> " UP},
    {"Server=::1,5;Database=d;" WHO, "server=<::1> port=<5> database=<d> " UP},
    {"Server=tcp:[fe80::1],5;Database=d;" WHO,
     "server=<fe80::1> port=<5> database=<d> " UP},
    /* encryption */
    {S WHO ";Encrypt=Mandatory", HD UP "encrypt=<1> "},
    {S WHO ";Encrypt=YES", HD UP "encrypt=<1> "},
    {S WHO ";Encrypt=required", HD UP "encrypt=<1> "},
    {S WHO ";Encrypt=Strict", HD UP "encrypt=<2> "},
    {S WHO ";Encrypt=Optional", HD UP "encrypt=<0> "},
    {S WHO ";Encrypt=false", HD UP "encrypt=<0> "},
    {S WHO ";Encrypt=no", HD UP "encrypt=<0> "},
    {S WHO ";Encryption=off", HD UP "encrypt=<0> "},
    {S WHO ";Encryption=request", HD UP "encrypt=<0> "},
    {S WHO ";Encrypt=yes;Encryption=require", HD UP "encrypt=<1> "},
    /* logins */
    {S WHO ";Authentication=SqlPassword",
     HD UP "authentication=<SqlPassword> "},
    {S WHO ";Authentication=Sql Password",
     HD UP "authentication=<SqlPassword> "},
    {S WHO ";Authentication=Not Specified", HD UP},
    {S "Authentication=Active Directory MSI;User ID=u",
     HD "user=<u> authentication=<ActiveDirectoryMsi> "},
    {S "Authentication=activedirectorymsi",
     HD "authentication=<ActiveDirectoryMsi> "},
    {S WHO ";Authentication=ActiveDirectoryServicePrincipal",
     HD UP "authentication=<ActiveDirectoryServicePrincipal> "},
    {S WHO ";Trusted_Connection=no;Integrated Security=False", HD UP},
    /* what changes nothing */
    {S WHO ";Pooling=true;Min Pool Size=1;Max Pool Size=2;Enlist=false;"
           "ConnectRetryCount=3;ConnectRetryInterval=4;MultiSubnetFailover=Yes;"
           "ApplicationIntent=ReadWrite;Packet Size=4096;WSID=w;"
           "Workstation ID=w;MARS_Connection=yes",
     HD UP},
    {S S WHO ";User=u", HD UP},
    {S WHO ";Server=;Pwd=", HD UP},
};

static void reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct mssql_odbc_target target;
        enum cs_rc rc =
            mssql_odbc_target_read(&fake.host, strings[i].text, &target);

        if (rc != CS_OK)
            fail_msg("%s: %s", strings[i].text, fake.error);
        assert_string_equal(shown(&target), strings[i].target);
        mssql_odbc_target_clear(&fake.host, &target);
        mssql_odbc_target_clear(&fake.host, &target);
        assert_string_equal(shown(&target), "");
    }
}

static const struct {
    const char *text, *sentence;
} refusals[] = {
    {"", "the connection string is empty"},
    {" \n", "the connection string is empty"},
    {MARK, "part 1, after its beginning, is not KEYWORD=VALUE"},
    {MARK "=1", "does not begin with a keyword that is known"},
    {MARK "AAAA==", "part 1, after its beginning, is not KEYWORD=VALUE"},
    {"Foo=" MARK, "does not begin with a keyword that is known"},
    {S "Foo bar=" MARK, "has the keyword Foo bar, which is not known"},
    {S "Pasword=" MARK, "has the keyword Pasword, which is not known"},
    {S "a-b=" MARK, "an unknown keyword after Database (pair 3)"},
    {S "a==b=" MARK, "an unknown keyword after Database (pair 3)"},
    {S "a234567890123456789012345678901234567890" MARK "=1",
     "an unknown keyword after Database (pair 3)"},
    {S "UID=u;Password=a;" MARK "=c",
     "an unknown keyword after Password (pair 5); a value with a semicolon "
     "must be quoted"},
    {S "UID=u;PWD=a;APP=x;" MARK "=c", "an unknown keyword after APP (pair 6)"},
    {S "UID=u;PWD=a;" MARK, "part 5, after PWD, is not KEYWORD=VALUE"},
    {S "UID=u;PWD=a;" MARK ";APP=x", "part 5, after PWD, is not KEYWORD"},
    {S "UID=u;PWD=='" MARK "'", "part 4, after UID, is not KEYWORD=VALUE"},
    {S "UID='u';Foo=" MARK, "has the keyword Foo, which is not known"},
    {S "UID=u;PWD='a';" MARK "=c", "unknown keyword after PWD (pair 5)"},
    {S "UID={u;PWD=\"}; " MARK "=c\"", "unknown keyword after UID (pair 4)"},
    {S "UID=u;PWD={" MARK, "part 4, after UID, has a quoted value without an"},
    {S "UID=u;PWD='" MARK, "part 4, after UID, has a quoted value without an"},
    {S "UID=u;PWD=\"" MARK "\"\"", "has a quoted value without an end"},
    {S "UID=u;PWD={a}" MARK, "part 4, after UID, goes on after its quoted"},
    {S "UID=u;PWD={" MARK "}}", "has a quoted value without an end"},
    {S "UID=u;PWD=" MARK "\nServer=x", "holds a control character"},
    {S "UID=u;PWD=\x7f" MARK, "holds a control character"},
    {S WHO ";AttachDbFilename=" MARK,
     "has the keyword AttachDbFilename, which"},
    {S WHO ";failover partner=" MARK, "has the keyword Failover Partner, "},
    {S WHO ";Column Encryption Setting=" MARK, "Column Encryption Setting"},
    {S WHO ";Context Connection=" MARK, "keyword Context Connection, which "},
    {"DSN=" MARK, "has the keyword DSN, which cannot be honoured here"},
    {S WHO ";Password=" MARK, "says Password twice, and differently"},
    {S WHO ";Addr=" MARK, "says Server twice, and differently"},
    {S WHO ";Encrypt=yes;Encrypt=strict", "says Encrypt twice, and diff"},
    {"Database=d;" WHO, "the connection string has no Server"},
    {"Server=h;" WHO, "the connection string has no Database"},
    {S "Password=" MARK, "has no User ID, and no managed identity"},
    {S "UID=" MARK, "has no Password, and no managed identity"},
    {S "UID=" MARK ";Authentication=ActiveDirectoryServicePrincipal",
     "has no Password, and no managed identity"},
    {S "Authentication=Active Directory MSI;PWD=" MARK,
     "has a Password, but the managed identity of its Authentication needs"},
    {S WHO ";Authentication=Active Directory Default", "must be SqlPassword, "},
    {S WHO ";Authentication=ActiveDirectoryInteractive", "Authentication must"},
    {S WHO ";Authentication=ActiveDirectoryPassword", "Authentication must be"},
    {S WHO ";Authentication=" MARK, "Authentication must be SqlPassword"},
    {S WHO ";Encrypt=" MARK, "Encrypt is none of its known values"},
    {S WHO ";TrustServerCertificate=strict", "TrustServerCertificate is none"},
    {S WHO ";Integrated Security=SSPI", "asks for a Windows login"},
    {S WHO ";Trusted_Connection=yes", "asks for a Windows login"},
    {S WHO ";Trusted_Connection=" MARK, "is none of its known values"},
    {S WHO ";ApplicationIntent=ReadOnly",
     "ApplicationIntent must be ReadWrite"},
    {S WHO ";Driver=" MARK, "Driver is neither Microsoft's nor FreeTDS"},
    {S WHO ";Timeout=" MARK, "Connection Timeout is not a number of seconds"},
    {S WHO ";Timeout=-1", "Connection Timeout is not a number of seconds"},
    {S WHO ";Command Timeout=86401", "Command Timeout is not a number of"},
    {S WHO ";Command Timeout=99999999999999999999999", "Command Timeout is"},
    {S WHO ";Port=0", "Port has a port that is not 1 to 65535"},
    {S WHO ";Port=1x", "Port has a port that is not 1 to 65535"},
    {"Server=h,65536;Database=d;" WHO, "Server has a port that is not 1 to"},
    {"Server=h,;Database=d;" WHO, "Server has a port that is not 1 to 65535"},
    {"Server=h,1;Port=2;Database=d;" WHO, "another port than Port says"},
    {"Server=np:" MARK ";Database=d;" WHO, "must be reached by TCP"},
    {"Server=LPC:" MARK ";Database=d;" WHO, "must be reached by TCP"},
    {"Server=admin:" MARK ";Database=d;" WHO, "must be reached by TCP"},
    {"Server=\\\\" MARK "\\pipe;Database=d;" WHO, "must be reached by TCP"},
    {"Server=(localdb)\\" MARK ";Database=d;" WHO, "neither a host's name"},
    {"Server=tcp:;Database=d;" WHO, "neither a host's name nor an address"},
    {"Server=h:1433;Database=d;" WHO, "a port stands behind a comma"},
    {"Server=h\\;Database=d;" WHO, "an instance that is no name"},
    {"Server={h;" MARK "};Database=d;" WHO, "neither a host's name nor an"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct mssql_odbc_target target;

        fake.error[0] = '\0';
        assert_int_equal(
            mssql_odbc_target_read(&fake.host, refusals[i].text, &target),
            CS_E_CONFIG);
        if (!strstr(fake.error, refusals[i].sentence))
            fail_msg("%s: %s", refusals[i].text, fake.error);
        assert_null(strstr(fake.error, MARK));
        assert_string_equal(shown(&target), "");
    }
}

static void caps(void **state)
{
    struct mssql_odbc_target target;
    char text[8194] = S WHO ";APP=";
    size_t used = strlen(text);

    (void)state;
    memset(text + used, 'x', 8192 - used);
    assert_int_equal(mssql_odbc_target_read(&fake.host, text, &target), CS_OK);
    assert_int_equal(strlen(target.application), 8192 - used);
    mssql_odbc_target_clear(&fake.host, &target);
    text[8192] = 'x';
    assert_int_equal(mssql_odbc_target_read(&fake.host, text, &target),
                     CS_E_CONFIG);
    assert_string_equal(fake.error,
                        "the connection string is longer than 8192 bytes");
    memcpy(text, "Server=", 7);
    memset(text + 7, 'h', 300);
    strcpy(text + 307, ";Database=d;" WHO);
    assert_int_equal(mssql_odbc_target_read(&fake.host, text, &target),
                     CS_E_CONFIG);
    assert_string_equal(fake.error,
                        "the connection string's Server is too long");
}

/* ---- Which driver ------------------------------------------------------- */

static void finds(void **state)
{
    static const struct {
        const char *name;
        int driver; /* 0: neither */
    } drivers[] = {
        {"FreeTDS", MSSQL_ODBC_FREETDS},
        {"My freetds 1.5", MSSQL_ODBC_FREETDS},
        {"/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", MSSQL_ODBC_FREETDS},
        {"libtdsodbc.so", MSSQL_ODBC_FREETDS},
        {"ODBC Driver 17 for SQL Server", MSSQL_ODBC_MICROSOFT},
        {MICROSOFT, MSSQL_ODBC_MICROSOFT},
        {"/opt/freetds/libmsodbcsql-18.6.so.2.1", MSSQL_ODBC_MICROSOFT},
        {"/opt/freetds/lib.so", 0},
        {"SQLite3", 0},
        {"", 0},
        {"SQL Server ODBC Driver", 0},
        {"FreeTDS};Server={x", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        enum mssql_odbc_driver driver;
        enum cs_rc rc =
            mssql_odbc_driver_find(&fake.host, drivers[i].name, &driver);

        assert_int_equal(rc, drivers[i].driver ? CS_OK : CS_E_CONFIG);
        if (drivers[i].driver)
            assert_int_equal(driver, drivers[i].driver);
        else
            assert_non_null(strstr(fake.error, "or \"FreeTDS\""));
    }
}

/* ---- What drivers are told ---------------------------------------------- */

static enum cs_rc render(const char *driver, const char *text, bool encrypt,
                         bool verify, const char *ca_file, char **rendered)
{
    struct mssql_odbc_security security = {encrypt, verify, ca_file};
    struct mssql_odbc_target target;
    enum cs_rc rc;

    *rendered = NULL;
    fake.error[0] = '\0';
    rc = mssql_odbc_target_read(&fake.host, text, &target);
    if (rc == CS_OK)
        rc = mssql_odbc_driver_text(&fake.host, driver, &target, &security,
                                    rendered);
    mssql_odbc_target_clear(&fake.host, &target);
    return rc;
}

#define DM "Driver={" MICROSOFT "};Server={tcp:"
#define DF "Driver={FreeTDS};Server={"
#define UPM "UID={u};PWD={p};"
#define FAST "TDS_Version=7.4;ClientCharset=UTF-8;Timeout="
#define LAST "ConnectRetryCount=0;APP={cleversync};"
#define SAFE "Encrypt=yes;TrustServerCertificate=no;"
enum { E = 1, V = 2 };
static const struct {
    const char *driver, *text;
    int security; /* E: encrypt, V: verify_certificate */
    const char *rendered;
} tellings[] = {
    {MICROSOFT, S WHO, E | V, DM "h,1433};Database={d};" UPM SAFE LAST},
    {MICROSOFT, S WHO ";Encrypt=strict", E | V,
     DM "h,1433};Database={d};" UPM
        "Encrypt=strict;TrustServerCertificate=no;" LAST},
    {MICROSOFT, S WHO ";Encrypt=no;TrustServerCertificate=yes", 0,
     DM "h,1433};Database={d};" UPM
        "Encrypt=no;TrustServerCertificate=yes;" LAST},
    {MICROSOFT, S WHO ";Encrypt=yes", 0,
     DM "h,1433};Database={d};" UPM
        "Encrypt=yes;TrustServerCertificate=yes;" LAST},
    {MICROSOFT, S WHO ";Encrypt=strict", V,
     DM "h,1433};Database={d};" UPM
        "Encrypt=strict;TrustServerCertificate=no;" LAST},
    {MICROSOFT, S WHO, V,
     DM "h,1433};Database={d};" UPM
        "Encrypt=no;TrustServerCertificate=no;" LAST},
    {MICROSOFT, "Server=h\\i;Database=d;" WHO, E | V,
     DM "h\\i};Database={d};" UPM SAFE LAST},
    {MICROSOFT, "Server=h\\i,7;Database=d;" WHO, E | V,
     DM "h,7};Database={d};" UPM SAFE LAST},
    {MICROSOFT, "Server=[::1];Database=d;" WHO, E | V,
     DM "::1,1433};Database={d};" UPM SAFE LAST},
    {MICROSOFT, S "Authentication=Active Directory MSI", E | V,
     DM "h,1433};Database={d};Authentication={ActiveDirectoryMsi};" SAFE LAST},
    {MICROSOFT, S "UID=u;PWD='a;b}c{=''';HostNameInCertificate=x;APP=y", E | V,
     DM "h,1433};Database={d};UID={u};PWD={a;b}}c{='};" SAFE
        "HostNameInCertificate={x};ConnectRetryCount=0;APP={y};"},
    {"FreeTDS", S WHO, E,
     DF "h};Port=1433;Database={d};" UPM "Encryption=require;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", S WHO ";Command Timeout=5;APP=x;Encrypt=no", V,
     DF "h};Port=1433;Database={d};" UPM "Encryption=off;" FAST "5;APP={x};"},
    {"FreeTDS", S WHO ";Encrypt=yes;TrustServerCertificate=no", 0,
     DF "h};Port=1433;Database={d};" UPM "Encryption=require;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", "Server=h\\i;Database=d;" WHO, 0,
     DF "h\\i};Database={d};" UPM "Encryption=off;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", "Server=::1,7;Database=d;" WHO, 0,
     DF "::1};Port=7;Database={d};" UPM "Encryption=off;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", S "Authentication=SqlPassword;UID=u;PWD='a;b=c '", 0,
     DF "h};Port=1433;Database={d};UID={u};PWD={a;b=c };Encryption=off;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", S "UID=u;PWD=' a}=b}}'", 0,
     DF "h};Port=1433;Database={d};UID={u};PWD= a}=b}};Encryption=off;" FAST
        "600;APP={cleversync};"},
    {"FreeTDS", S "UID=u;PWD={{a}", 0,
     DF "h};Port=1433;Database={d};UID={u};PWD={{a};Encryption=off;" FAST
        "600;APP={cleversync};"},
};

static void tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tellings) / sizeof(tellings[0]); i++) {
        char *rendered;
        enum cs_rc rc = render(tellings[i].driver, tellings[i].text,
                               tellings[i].security & E,
                               tellings[i].security & V, NULL, &rendered);

        if (rc != CS_OK)
            fail_msg("%s: %s", tellings[i].text, fake.error);
        assert_string_equal(rendered, tellings[i].rendered);
        free(rendered);
    }
}

static const struct {
    const char *driver, *text;
    int security;
    const char *ca_file, *sentence;
} denials[] = {
    {"Other", S WHO, E | V, NULL, "driver must be Microsoft's"},
    {MICROSOFT, S WHO ";Encrypt=no", E | V, NULL,
     "Encrypt asks for no encryption; take it out, or say encrypt = false in "
     "this section"},
    {MICROSOFT, S WHO ";Encrypt=optional", E, NULL, "encrypt = false in this"},
    {"FreeTDS", S WHO ";Encryption=off", E, NULL, "encrypt = false in this"},
    {MICROSOFT, S WHO ";TrustServerCertificate=yes", E | V, NULL,
     "take it out, or say verify_certificate = false in this section"},
    {"FreeTDS", S WHO ";TrustServerCertificate=yes", V, NULL,
     "verify_certificate = false in this section"},
    {MICROSOFT, S WHO, E | V, "/ca.pem", "ca_file is for FreeTDS"},
    {"FreeTDS", S WHO, E | V, NULL,
     "FreeTDS checks no certificate without ca_file; set it, or "
     "verify_certificate = false, or use Microsoft's driver"},
    {"FreeTDS", S WHO, E | V, "", "checks no certificate without ca_file"},
    {"FreeTDS", S WHO ";Encrypt=yes", V, NULL, "no certificate without ca_f"},
    {"FreeTDS", S WHO ";Encrypt=strict", E, NULL, "has no Encrypt=strict"},
    {"FreeTDS", S WHO ";Encrypt=strict", 0, NULL, "has no Encrypt=strict"},
    {"FreeTDS", S "Authentication=ActiveDirectoryMsi", 0, NULL,
     "Authentication=ActiveDirectoryMsi needs Microsoft's driver"},
    {"FreeTDS", S WHO ";Authentication=ActiveDirectoryServicePrincipal", 0,
     NULL, "Authentication=ActiveDirectoryServicePrincipal needs"},
    {"FreeTDS", S "UID=u;PWD='" MARK "};'", 0, NULL,
     "FreeTDS cannot be given this PWD: it has } together with ;"},
    {"FreeTDS", S "UID=u;PWD='{" MARK "}'", 0, NULL, "cannot be given this P"},
    {"FreeTDS", "Server=h;UID=u;PWD=p;Database='" MARK ";}'", 0, NULL,
     "cannot be given this Database"},
    {"FreeTDS", "Server=h\\i;Database=d;" WHO, E | V, "/ca.pem",
     "cannot check the certificate of a named instance; give its port"},
    {"FreeTDS", S WHO ";HostNameInCertificate=x", E | V, "/ca.pem",
     "FreeTDS has no HostNameInCertificate"},
    {"FreeTDS", S WHO, E | V, "/ca.pem",
     "FreeTDS would not check the server's certificate, because the "
     "environment's FREETDSCONF names no freetds.conf; it needs there: [h] "
     "with host = h and ca file = /ca.pem"},
};

static void denies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
        char *rendered;

        assert_int_equal(
            render(denials[i].driver, denials[i].text, denials[i].security & E,
                   denials[i].security & V, denials[i].ca_file, &rendered),
            CS_E_CONFIG);
        assert_null(rendered);
        if (!strstr(fake.error, denials[i].sentence))
            fail_msg("%s: %s", denials[i].text, fake.error);
        assert_null(strstr(fake.error, MARK));
    }
}

static void longest(void **state)
{
    char text[8193] = S "UID=u;PWD=", *rendered;
    size_t used = strlen(text);

    (void)state;
    memset(text + used, '}', 8192 - used);
    assert_int_equal(render(MICROSOFT, text, true, true, NULL, &rendered),
                     CS_OK); /* even if each byte is doubled */
    assert_non_null(strstr(rendered, "}}};Encrypt=yes;"));
    free(rendered);
}

/* What is rendered for a driver reads back as what it was made from. */
static void goes_round(void **state)
{
    static const char *const passwords[] = {
        "p",    " p ",   "a;b",  "a=b",    "=a",  "a}b",  "}",        "}}",
        "a}}b", "{",     "{a",   "{}",     "a\"", "'a'",  "\"a\"",    "a'b",
        ";",    "a{b}c", "};a=", "}}; x=", "=",   "\\",   "a b",      "%s%n",
        "{a};", "a}",    "{{",   "#x",     "--",  "a;;b", "\xc3\xa9",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        struct mssql_odbc_security security = {true, true, NULL};
        struct mssql_odbc_target first = {.server = strdup("h"),
                                          .database = strdup("d"),
                                          .user = strdup(passwords[i]),
                                          .password = strdup(passwords[i]),
                                          .encrypt = -1,
                                          .trust = -1};
        struct mssql_odbc_target second;
        char *rendered;

        assert_int_equal(mssql_odbc_driver_text(&fake.host, MICROSOFT, &first,
                                                &security, &rendered),
                         CS_OK);
        if (mssql_odbc_target_read(&fake.host, rendered, &second) != CS_OK)
            fail_msg("%s: %s", rendered, fake.error);
        assert_string_equal(second.user, passwords[i]);
        assert_string_equal(second.password, passwords[i]);
        mssql_odbc_target_clear(&fake.host, &first);
        mssql_odbc_target_clear(&fake.host, &second);
        free(rendered);
    }
}

/* ---- Secrets ------------------------------------------------------------ */

static unsigned wiped; /* how often the marker stood in what was wiped */

static void wipe(void *bytes, size_t size)
{
    char *at = bytes, *end = at + size;

    while ((at = memmem(at, (size_t)(end - at), MARK, strlen(MARK)))) {
        wiped++;
        at++;
    }
    memset(bytes, 0, size);
}

static void forgets(void **state)
{
    char *rendered;

    (void)state;
    fake.host.wipe = wipe;
    wiped = 0;
    assert_int_equal(
        render(MICROSOFT, S "UID=u;PWD=" MARK, true, true, NULL, &rendered),
        CS_OK);
    assert_int_equal(wiped, 3); /* the text, its value, the target's */
    free(rendered);
    wiped = 0;
    assert_int_equal(render("FreeTDS", S "UID=u;PWD=" MARK ";APP='};'", false,
                            true, NULL, &rendered),
                     CS_E_CONFIG);
    assert_int_equal(wiped, 4); /* and the one that was begun */
    wiped = 0;
    assert_int_equal(render("FreeTDS", S "UID=u;PWD=" MARK ";Timeout=x", false,
                            true, NULL, &rendered),
                     CS_E_CONFIG);
    assert_int_equal(wiped, 3);
}

/* ---- FreeTDS's own file ------------------------------------------------- */

#define GOOD "[" HOST "]\nhost = x\nca file = /ca.pem\n"
static const struct {
    const char *content, *fault; /* NULL: it will do */
} confs[] = {
    {GOOD, NULL},
    {"[global]\n\tCA  File =  /ca.pem ; all\n[" HOST "]\nhost=x", NULL},
    {" # x\n[Global]\r\nca file=/ca.pem\r\n[H.EXAMPLE.NET]\r\n host = x\r\n",
     NULL},
    {GOOD "check certificate hostname = yes\n[other]\nca file=\n", NULL},
    {"[global]\nca file = /other\n" GOOD, NULL},
    {"", "has no such section with a host"},
    {"[other]\nhost = x\nca file = /ca.pem\n", "has no such section"},
    {"[" HOST "]\nca file = /ca.pem\n", "no such section with a host"},
    {"[global]\nhost = x\n[" HOST "]\nca file = /ca.pem", "with a host"},
    {"[" HOST "]\nhost = x\n", "names another ca file, or none"},
    {"[" HOST "]\nhost = x\nca file = /ca.pem2\n", "names another ca file"},
    {GOOD "ca file =\n", "names another ca file, or none"},
    {GOOD "ca file\n", "names another ca file, or none"},
    {"[global]\n;ca file = /ca.pem\n[" HOST "]\nhost=x", "another ca file"},
    {GOOD "check certificate hostname = no\n", "certificate hostname off"},
    {"[global]\nCheck Certificate Hostname=Off\n" GOOD, "hostname off"},
};

static void asks_freetds_conf(void **state)
{
    char path[] = "/tmp/cleversync-unit-mssql.XXXXXX", *rendered;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    setenv("FREETDSCONF", path, 1);
    for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
        const char *content = confs[i].content;

        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, content, strlen(content), 0),
                         strlen(content));
        if (!confs[i].fault) {
            assert_int_equal(render("FreeTDS",
                                    "Server=" HOST ",7;Database=d;"
                                    "HostNameInCertificate=" HOST ";" WHO,
                                    true, true, "/ca.pem", &rendered),
                             CS_OK);
            assert_string_equal(rendered, "Driver={FreeTDS};Servername={" HOST
                                          "};Port=7;Database={d};" UPM
                                          "Encryption=require;" FAST
                                          "600;APP={cleversync};");
            free(rendered);
            continue;
        }
        assert_int_equal(render("FreeTDS", "Server=" HOST ";Database=d;" WHO,
                                true, true, "/ca.pem", &rendered),
                         CS_E_CONFIG);
        if (!strstr(fake.error, confs[i].fault))
            fail_msg("%s: %s", content, fake.error);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(render("FreeTDS", "Server=" HOST ";Database=d;" WHO, true,
                            true, "/ca.pem", &rendered),
                     CS_E_CONFIG);
    assert_non_null(
        strstr(fake.error, "that FREETDSCONF names cannot be read"));
}

/* ---- Anything at all ---------------------------------------------------- */

static unsigned dice(unsigned *state, unsigned sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % sides;
}

/* Spoils a whole string in a few places; the marker itself stays whole, so
 * that it can be looked for. */
static void spoil(char *text, size_t room, unsigned *state)
{
    static const char *const pieces[] = {
        ";",    "=", "==", "{",    "}",   "}}",   "\"",      "'",
        " ",    ",", "\\", "\x01", "PWD", "UID=", "Server=", "tcp:",
        "\xff", "a", "9",  ":",    "[",   "]"};

    for (unsigned n = 1 + dice(state, 5); n > 0; n--) {
        size_t length = strlen(text);
        size_t at = dice(state, (unsigned)length + 1);
        const char *mark = strstr(text, MARK);
        const char *piece =
            pieces[dice(state, sizeof(pieces) / sizeof(pieces[0]))];

        if (mark && text + at > mark && text + at < mark + strlen(MARK))
            continue;
        if (dice(state, 3) == 0 && at < length && text + at != mark) {
            memmove(text + at, text + at + 1, length - at);
        } else if (length + strlen(piece) < room) {
            memmove(text + at + strlen(piece), text + at, length - at + 1);
            memcpy(text + at, piece, strlen(piece));
        }
    }
}

static void survives_anything(void **state)
{
    static const char *const seeds[] = {
        "Server=tcp:h,1433;Database=d;User ID=u;Password=" MARK ";Encrypt=True",
        "Driver={FreeTDS};Server=h\\i;Database=d;UID=u;PWD={" MARK "};APP=x",
        "Server=h;Database=\"d\";UID='" MARK "';PWD=\"" MARK "\";Timeout=3",
        "Password=" MARK ";Server=h;Database=d;UID=u",
    };
    unsigned seed = 20260131, whole = 0;

    (void)state;
    for (int i = 0; i < 8000; i++) {
        char text[512], *rendered;
        enum cs_rc rc;

        strcpy(text, seeds[i % 4]);
        spoil(text, sizeof(text), &seed);
        rc = render(i % 2 ? "FreeTDS" : MICROSOFT, text, i & 4, false, NULL,
                    &rendered);
        assert_true(rc == CS_OK || rc == CS_E_CONFIG);
        assert_int_equal(rc == CS_OK, rendered != NULL);
        whole += rc == CS_OK;
        if (rc != CS_OK) {
            assert_true(fake.error[0] != '\0');
            if (strstr(fake.error, MARK))
                fail_msg("%s: %s", text, fake.error);
        }
        free(rendered);
    }
    assert_in_range(whole, 500, 7500); /* both ways were gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads, setup),
        cmocka_unit_test_setup(refuses, setup),
        cmocka_unit_test_setup(caps, setup),
        cmocka_unit_test_setup(finds, setup),
        cmocka_unit_test_setup(tells, setup),
        cmocka_unit_test_setup(denies, setup),
        cmocka_unit_test_setup(longest, setup),
        cmocka_unit_test_setup(goes_round, setup),
        cmocka_unit_test_setup(forgets, setup),
        cmocka_unit_test_setup(asks_freetds_conf, setup),
        cmocka_unit_test_setup(survives_anything, setup),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
