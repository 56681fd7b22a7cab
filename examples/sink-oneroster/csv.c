/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* users.csv, orgs.csv and manifest.csv: OneRoster 1.1, bulk mode, in which
 * `status` and `dateLastModified` are blank and who is not there is gone.
 * The columns are those of "OneRoster v1.1 CSV Tables" (1EdTech). */
#include "oneroster.h"

#include <string.h>
#include <unistd.h>

static const char *const oneroster_files[] = {"users.csv", "orgs.csv",
                                              "manifest.csv"};
enum { ONEROSTER_FILES = 3, ONEROSTER_LAST = ONEROSTER_FILES - 1 };

/* Whose rows are people, and which columns say what. */
static const struct oneroster_people {
    const char *table, *role, *key;
} oneroster_people[] = {
    {"Students", "student", "CleverStudentId"},
    {"Teachers", "teacher", "CleverTeacherId"},
};
enum { ONEROSTER_KINDS = 2 };

bool oneroster_csv_shows(const char *table)
{
    for (size_t i = 0; i < ONEROSTER_KINDS; i++)
        if (strcmp(oneroster_people[i].table, table) == 0)
            return true;
    return false;
}

/* ---- Fields -------------------------------------------------------------- */

/* Quoted where RFC 4180 asks for it. */
static void oneroster_field(FILE *file, const char *comma, const char *text)
{
    fputs(comma, file);
    if (text == NULL)
        return;
    if (strpbrk(text, "\",\r\n") == NULL) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

static void oneroster_line(FILE *file, const char *const *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        oneroster_field(file, i > 0 ? "," : "", fields[i]);
    fputs("\r\n", file);
}

static const char *oneroster_cell(const json_t *row, const char *column)
{
    return json_string_value(json_object_get(row, column));
}

/* Clever's grades as the codes of CEDS, which OneRoster uses. */
static const char *oneroster_grade(const char *grade)
{
    static const struct {
        const char *clever, *ceds;
    } grades[] = {
        {"InfantToddler", "IT"},
        {"Preschool", "PR"},
        {"PreKindergarten", "PK"},
        {"TransitionalKindergarten", "TK"},
        {"Kindergarten", "KG"},
        {"1", "01"},
        {"2", "02"},
        {"3", "03"},
        {"4", "04"},
        {"5", "05"},
        {"6", "06"},
        {"7", "07"},
        {"8", "08"},
        {"9", "09"},
        {"10", "10"},
        {"11", "11"},
        {"12", "12"},
        {"13", "13"},
        {"PostGraduate", "PS"},
        {"Ungraded", "UG"},
        {"Other", "Other"},
    };
    for (size_t i = 0; grade && i < sizeof grades / sizeof *grades; i++)
        if (strcmp(grades[i].clever, grade) == 0)
            return grades[i].ceds;
    return NULL;
}

/* ---- Files --------------------------------------------------------------- */

static void oneroster_user(struct oneroster *self, FILE *file,
                           const struct oneroster_people *kind,
                           const json_t *row)
{
    const char *mail = oneroster_cell(row, "Email");
    const char *key = oneroster_cell(row, kind->key);
    const char *fields[] = {
        key,
        NULL,
        NULL,
        "true",
        self->host->scope->school,
        kind->role,
        mail != NULL && *mail != '\0' ? mail : key, /* a username must be */
        NULL,
        oneroster_cell(row, "FirstName"),
        oneroster_cell(row, "LastName"),
        NULL,
        oneroster_cell(row, "StudentNumber"),
        mail,
        NULL,
        NULL,
        NULL,
        oneroster_grade(oneroster_cell(row, "Grade")),
        NULL,
    };
    oneroster_line(file, fields, sizeof fields / sizeof *fields);
}

static bool oneroster_write_users(struct oneroster *self, FILE *file)
{
    fputs("sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,"
          "username,userIds,givenName,familyName,middleName,identifier,email,"
          "sms,phone,agentSourcedIds,grades,password\r\n",
          file);
    for (size_t i = 0; i < ONEROSTER_KINDS; i++) {
        const struct oneroster_people *kind = &oneroster_people[i];
        json_t *rows =
            json_object_get(oneroster_table(self, kind->table), "rows");
        json_t *row;
        const char *number;
        json_object_foreach(rows, number, row)
        {
            if (json_is_true(json_object_get(row, "IsActive")))
                oneroster_user(self, file, kind, row);
        }
    }
    return ferror(file) == 0;
}

static bool oneroster_write_orgs(struct oneroster *self, FILE *file)
{
    const struct cs_host *host = self->host;
    const char *school = host->scope->school, *district = host->scope->district;
    const char *above[] = {
        district,   NULL,     NULL, host->text(host, "district_name"),
        "district", district, NULL};
    const char *org[] = {
        school,   NULL,   NULL,    host->text(host, "school_name"),
        "school", school, district};
    fputs("sourcedId,status,dateLastModified,name,type,identifier,"
          "parentSourcedId\r\n",
          file);
    if (district != NULL)
        oneroster_line(file, above, sizeof above / sizeof *above);
    oneroster_line(file, org, sizeof org / sizeof *org);
    return ferror(file) == 0;
}

static bool oneroster_write_manifest(struct oneroster *self, FILE *file)
{
    static const char *const absent[] = {
        "academicSessions", "categories",      "classes",      "classResources",
        "courses",          "courseResources", "demographics", "enrollments",
        "lineItems",        "resources",       "results",
    };
    (void)self;
    fputs("propertyName,value\r\nmanifest.version,1.0\r\n"
          "oneroster.version,1.1\r\n",
          file);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        fprintf(file, "file.%s,absent\r\n", absent[i]);
    fputs("file.orgs,bulk\r\nfile.users,bulk\r\n"
          "source.systemName,cleversync\r\nsource.systemCode,cleversync\r\n",
          file);
    return ferror(file) == 0;
}

/* ---- All of them --------------------------------------------------------- */

/* The last one's .new is made first and put in place last: while it is there,
 * the others may be old. */
enum cs_rc oneroster_csv_prepare(struct oneroster *self)
{
    static oneroster_write_fn *const writers[ONEROSTER_FILES] = {
        oneroster_write_users, oneroster_write_orgs, oneroster_write_manifest};
    enum cs_rc rc = CS_OK;
    if (self->host->scope->school == NULL)
        return CS_OK; /* this is no school's folder */
    for (size_t i = ONEROSTER_FILES; rc == CS_OK && i-- > 0;)
        rc = oneroster_prepare(self, oneroster_files[i], writers[i]);
    return rc;
}

enum cs_rc oneroster_csv_replace(struct oneroster *self)
{
    enum cs_rc rc = CS_OK;
    if (self->host->scope->school == NULL)
        return CS_OK;
    for (size_t i = 0; rc == CS_OK && i < ONEROSTER_FILES; i++)
        rc = oneroster_replace(self, oneroster_files[i]);
    return rc;
}

bool oneroster_csv_torn(struct oneroster *self)
{
    char name[64], path[ONEROSTER_PATH];
    snprintf(name, sizeof name, "%s.new", oneroster_files[ONEROSTER_LAST]);
    return oneroster_path(self, name, path) == CS_OK && access(path, F_OK) == 0;
}
