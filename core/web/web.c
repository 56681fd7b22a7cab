/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web.h"

#include "base/log.h"
#include "base/memory.h"
#include "web/web-inside.h"
#include "web/web-server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM ((size_t)1024 * 1024) /* most bytes of a file */

/* ---- The certificate ---------------------------------------------------- */

static char *read_all(int file, size_t size)
{
    char *text = cs_memory_new(size + 1);
    size_t have = 0;
    ssize_t got = 1;

    while (have < size && got > 0) {
        got = read(file, text + have, size - have);
        have += got > 0 ? (size_t)got : 0;
    }
    return text;
}

/* Yours, to be wiped; NULL: error says why. */
static char *read_pem(const char *key, const char *path, bool secret,
                      struct cs_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    char *text = NULL;

    if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size <= 0 || (size_t)status.st_size > PEM)
        cs_error_set(error, CS_E_CONFIG,
                     "[health] %s: %s cannot be read, or is no file with PEM "
                     "text",
                     key, path);
    else if (secret && (status.st_mode & (S_IROTH | S_IWOTH)))
        cs_error_set(error, CS_E_CONFIG,
                     "[health] %s: %s is open to every user of this machine: "
                     "chmod 0640 %s",
                     key, path, path);
    else
        text = read_all(file, (size_t)status.st_size);
    if (file >= 0)
        close(file);
    return text;
}

static enum cs_rc read_pems(const struct cs_settings *settings,
                            char **certificate, char **key,
                            struct cs_error *error)
{
    const char *first = cs_settings_text(settings, "health", "tls_certificate");
    const char *second = cs_settings_text(settings, "health", "tls_key");

    if (first == NULL || first[0] == '\0')
        return CS_OK;
    *certificate = read_pem("tls_certificate", first, false, error);
    if (*certificate == NULL)
        return error->rc;
    *key = read_pem("tls_key", second, true, error);
    return *key != NULL ? CS_OK : error->rc;
}

/* ---- Life --------------------------------------------------------------- */

static enum cs_rc serve(struct cs_web *web, const struct cs_settings *settings,
                        struct cs_error *error)
{
    struct cs_web_server_request request = {
        .listen = cs_settings_text(settings, "health", "listen"),
        .answer = cs_web_route,
        .web = web,
    };
    char *certificate = NULL, *key = NULL;
    enum cs_rc rc;

    cs_web_address_parse(request.listen, &request.address); /* was checked */
    rc = read_pems(settings, &certificate, &key, error);
    if (rc == CS_OK) {
        request.certificate = certificate;
        request.key = key;
        web->loopback = request.address.loopback;
        web->tls = certificate != NULL;
        rc = cs_web_server_new(&web->server, &request, error);
    }
    cs_memory_wipe(certificate);
    cs_memory_wipe(key);
    return rc;
}

enum cs_rc cs_web_new(struct cs_web **web, const struct cs_web_parts *parts,
                      struct cs_error *error)
{
    struct cs_app *app = cs_generations_borrow(parts->generations);
    const char *listen = cs_settings_text(app->settings, "health", "listen");
    enum cs_rc rc = CS_OK;
    struct cs_web *new;

    *web = NULL;
    if (listen != NULL && listen[0] != '\0') {
        new = cs_memory_new(sizeof(*new));
        new->parts = *parts;
        new->cancel = cs_cancel_new(NULL, 0);
        new->limit = cs_web_limit_new();
        new->sign = cs_web_sign_new();
        new->secret = cs_web_secret_new(parts->generations);
        new->data = cs_web_data_new(parts->generations);
        rc = serve(new, app->settings, error);
        if (rc == CS_OK)
            *web = new;
        else
            cs_web_free(new, CS_SECOND);
    }
    cs_generations_return(parts->generations, app);
    if (*web != NULL)
        cs_log_write(CS_LOG_INFO, NULL, "listening on %s", cs_web_url(*web));
    return rc;
}

bool cs_web_free(struct cs_web *web, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;
    bool ended;

    if (web == NULL)
        return true;
    cs_cancel_now(web->cancel);
    cs_web_data_stop(web->data);
    cs_web_secret_stop(web->secret);
    cs_web_server_free(web->server);
    ended = cs_web_data_free(web->data, limit);
    limit = until - cs_clock_steady();
    if (!cs_web_secret_free(web->secret, limit > 0 ? limit : 0) || !ended)
        return false;
    cs_web_sign_free(web->sign);
    cs_web_limit_free(web->limit);
    cs_cancel_free(web->cancel);
    free(web);
    return true;
}

const char *cs_web_url(const struct cs_web *web)
{
    return cs_web_server_url(web->server);
}
