/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "keyvault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for `more` bytes and a NUL.  Not realloc(): it would leave a copy. */
static bool text_grow(struct keyvault_text *text, size_t more)
{
    size_t room = (text->length + more) * 2 + 64;
    char *bytes;

    if (text->broken || text->length + more < text->room)
        return !text->broken;
    bytes = malloc(room);
    text->broken = !bytes;
    if (!bytes)
        return false;
    if (text->bytes) {
        memcpy(bytes, text->bytes, text->length);
        text->host->wipe(text->bytes, text->room);
    }
    free(text->bytes);
    text->bytes = bytes;
    text->room = room;
    return true;
}

void keyvault_text_bytes(struct keyvault_text *text, const void *bytes,
                         size_t size)
{
    if (!text_grow(text, size))
        return;
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
}

void keyvault_text_add(struct keyvault_text *text, const char *more)
{
    keyvault_text_bytes(text, more, strlen(more));
}

static void text_encode(struct keyvault_text *text, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";

    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        char code[3] = {'%', digits[byte >> 4], digits[byte & 15]};

        if (strchr(plain, *value))
            keyvault_text_bytes(text, value, 1);
        else
            keyvault_text_bytes(text, code, sizeof(code));
    }
}

void keyvault_text_pair(struct keyvault_text *text, const char *name,
                        const char *value)
{
    if (text->length > 0 && !strchr("?&", text->bytes[text->length - 1]))
        keyvault_text_add(text, "&");
    keyvault_text_add(text, name);
    keyvault_text_add(text, "=");
    text_encode(text, value);
}

void keyvault_text_base64(struct keyvault_text *text, const void *bytes,
                          size_t size)
{
    char *from;

    if (!text_grow(text, (size + 2) / 3 * 4))
        return;
    from = text->bytes + text->length;
    EVP_EncodeBlock((unsigned char *)from, bytes, (int)size);
    for (; *from && *from != '='; from++)
        if (*from == '+' || *from == '/')
            *from = *from == '+' ? '-' : '_';
    *from = '\0';
    text->length = (size_t)(from - text->bytes);
}

const char *keyvault_text_end(struct keyvault_text *text)
{
    keyvault_text_add(text, "");
    if (text->broken)
        cs_fail(text->host, CS_E_FATAL, "out of memory");
    return text->broken ? NULL : text->bytes;
}

void keyvault_text_clear(struct keyvault_text *text)
{
    if (text->bytes)
        text->host->wipe(text->bytes, text->room);
    free(text->bytes);
    *text = (struct keyvault_text){.host = text->host};
}

static enum cs_rc text_no_file(const struct cs_host *host, const char *path,
                               int error)
{
    bool denied = error == EACCES || error == EPERM;

    return cs_fail(host, denied ? CS_E_AUTH : CS_E_CONFIG,
                   "%s cannot be read: %s", path, strerror(error));
}

static enum cs_rc text_read(struct keyvault_text *text, const char *path,
                            int fd, size_t most)
{
    size_t start = text->length;
    ssize_t n;

    if (!text_grow(text, most + 1))
        return cs_fail(text->host, CS_E_FATAL, "out of memory");
    do {
        n = read(fd, text->bytes + text->length,
                 start + most + 1 - text->length);
        if (n > 0)
            text->length += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        return text_no_file(text->host, path, errno);
    if (text->length - start > most)
        return cs_fail(text->host, CS_E_CONFIG, "%s is longer than %zu bytes",
                       path, most);
    text->bytes[text->length] = '\0';
    return CS_OK;
}

void keyvault_text_trim(struct keyvault_text *text, size_t least)
{
    while (text->length > least &&
           strchr(" \t\r\n", text->bytes[text->length - 1]))
        text->bytes[--text->length] = '\0';
}

enum cs_rc keyvault_text_file(struct keyvault_text *text, const char *path,
                              int flags, size_t most)
{
    /* Not waiting: opening a FIFO would. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    struct stat status;
    enum cs_rc rc;

    if (fd < 0)
        return text_no_file(text->host, path, errno);
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        rc = cs_fail(text->host, CS_E_CONFIG, "%s is not a regular file", path);
    else
        rc = text_read(text, path, fd, most);
    close(fd);
    return rc;
}

bool keyvault_plain(const char *text)
{
    if (!*text)
        return false;
    while (*text > ' ' && *text <= '~')
        text++;
    return *text == '\0';
}
