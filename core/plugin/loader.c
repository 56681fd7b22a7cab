/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "plugin/loader.h"

#include "plugin/descriptor.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <ltdl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL "cleversync_plugin"
#define SUFFIX ".so"
#ifndef LT_OBJDIR
#define LT_OBJDIR ".libs/"
#endif

struct cs_loader {
    char *dir;
    struct cs_module **modules;
    size_t n;
    bool sealed;
};

static const char *const kinds[] = {
    [CS_CREDENTIAL] = "credential", [CS_SOURCE] = "source",
    [CS_MAPPER] = "mapper",         [CS_SINK] = "sink",
    [CS_NOTIFIER] = "notifier",
};
enum { NKINDS = sizeof(kinds) / sizeof(*kinds) };

const char *cs_loader_kind(enum cs_kind kind)
{
    return kinds[kind];
}

int cs_loader_kind_of(const char *word)
{
    for (int kind = CS_CREDENTIAL; kind < NKINDS; kind++)
        if (strcmp(kinds[kind], word) == 0)
            return kind;
    return 0;
}

/* ---- The directory ------------------------------------------------------- */

/* Whoever may write there decides what this process runs. */
static enum cs_rc check_directory(const char *dir, struct cs_error *error)
{
    struct stat status;

    if (dir[0] != '/')
        return cs_error_set(error, CS_E_CONFIG,
                            "the plugin directory %s must be an absolute path",
                            dir);
    if (stat(dir, &status) != 0)
        return cs_error_set(error, CS_E_CONFIG,
                            "the plugin directory %s cannot be used: %s", dir,
                            strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return cs_error_set(error, CS_E_CONFIG,
                            "the plugin directory %s is no directory", dir);
    if (status.st_mode & S_IWOTH)
        return cs_error_set(error, CS_E_CONFIG,
                            "the plugin directory %s may be written by "
                            "everybody: run chmod o-w on it",
                            dir);
    return CS_OK;
}

enum cs_rc cs_loader_new(struct cs_loader **loader, const char *dir,
                         struct cs_error *error)
{
    enum cs_rc rc;

    *loader = NULL;
    if (!dir || !dir[0])
        dir = secure_getenv("CLEVERSYNC_PLUGIN_DIR");
    if (!dir || !dir[0])
        dir = CS_PLUGIN_DIR;
    rc = check_directory(dir, error);
    if (rc != CS_OK)
        return rc;
    if (lt_dlinit() != 0)
        return cs_error_set(error, CS_E_FATAL, "libltdl cannot be used: %s",
                            lt_dlerror());
    *loader = cs_memory_new(sizeof(**loader));
    (*loader)->dir = cs_memory_text(dir);
    return CS_OK;
}

void cs_loader_seal(struct cs_loader *loader)
{
    loader->sealed = true;
}

void cs_loader_free(struct cs_loader *loader)
{
    if (!loader)
        return;
    for (size_t i = 0; i < loader->n; i++) {
        free(loader->modules[i]->path);
        free(loader->modules[i]);
    }
    free(loader->modules);
    free(loader->dir);
    free(loader);
    /* Our own handles keep the code where it is. */
    lt_dlexit();
}

/* ---- Which files there are ----------------------------------------------- */

struct names {
    char **text; /* sorted, each once; ends with NULL */
    size_t n;
};

static void names_add(struct names *names, const char *name, size_t length)
{
    char *copy = cs_memory_textn(name, length);
    size_t at = names->n;

    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->text[i], copy) == 0) {
            free(copy);
            return;
        }
    names->text =
        cs_memory_grow(names->text, names->n + 2, sizeof(*names->text));
    for (; at > 0 && strcmp(names->text[at - 1], copy) > 0; at--)
        names->text[at] = names->text[at - 1];
    names->text[at] = copy;
    names->text[++names->n] = NULL;
}

static void names_scan(struct names *names, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && length > 3 &&
            strcmp(entry->d_name + length - 3, ".so") == 0)
            names_add(names, entry->d_name, length - 3);
    }
    if (dir)
        closedir(dir);
}

/* The names of a kind, as installed and as libtool leaves them in a build
 * tree. */
static struct names names_of(const struct cs_loader *loader, enum cs_kind kind)
{
    struct names names = {cs_memory_array(1, sizeof(*names.text)), 0};
    char *folder = cs_memory_format("%s/%s", loader->dir, kinds[kind]);
    char *built = cs_memory_format("%s/%s", folder, LT_OBJDIR);

    names_scan(&names, folder);
    names_scan(&names, built);
    free(built);
    free(folder);
    return names;
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->text[i]);
    free(names->text);
}

/* "a, b, c" */
static char *names_join(const struct names *names)
{
    char *text = cs_memory_text("");

    for (size_t i = 0; i < names->n; i++) {
        char *longer =
            cs_memory_format("%s%s%s", text, i > 0 ? ", " : "", names->text[i]);

        free(text);
        text = longer;
    }
    return text;
}

static char *path_of(const struct cs_loader *loader, enum cs_kind kind,
                     const char *name)
{
    char *path = cs_memory_format("%s/%s/%s%s.so", loader->dir, kinds[kind],
                                  LT_OBJDIR, name);

    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return cs_memory_format("%s/%s/%s.so", loader->dir, kinds[kind], name);
}

static void not_there(const struct cs_loader *loader, enum cs_kind kind,
                      const char *name, struct cs_error *error)
{
    struct names names = names_of(loader, kind);
    const char *near = cs_text_nearest(name, (const char *const *)names.text);
    char *all = names_join(&names);

    cs_error_set(error, CS_E_NOT_HERE, "there is no %s plugin %s%s%s%s (%s%s)",
                 kinds[kind], name, near ? ": did you mean " : "",
                 near ? near : "", near ? "?" : "",
                 names.n > 0 ? "there are: " : "none is in ",
                 names.n > 0 ? all : loader->dir);
    free(all);
    names_clear(&names);
}

/* ---- One file ------------------------------------------------------------ */

/* All segments are in the file: the loader maps what the headers say, and the
 * end of a file that was copied in part would end the process with SIGBUS. */
static bool is_whole(FILE *file, const ElfW(Ehdr) * head, off_t size)
{
    ElfW(Phdr) segment;

    if (head->e_phentsize != sizeof(segment) ||
        head->e_phoff > (ElfW(Off))size ||
        fseeko(file, (off_t)head->e_phoff, SEEK_SET) != 0)
        return false;
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (fread(&segment, sizeof(segment), 1, file) != 1 ||
            segment.p_offset > (ElfW(Off))size ||
            segment.p_filesz > (ElfW(Off))size - segment.p_offset)
            return false;
    return true;
}

static enum cs_rc check_elf(FILE *file, const char *path, off_t size,
                            struct cs_error *error)
{
    ElfW(Ehdr) head;

    if (fread(&head, sizeof(head), 1, file) != 1 ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return cs_error_set(error, CS_E_CONFIG, "%s is no shared object", path);
    if (head.e_ident[EI_CLASS] !=
        (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return cs_error_set(error, CS_E_CONFIG,
                            "%s is built for another machine", path);
    if (!is_whole(file, &head, size))
        return cs_error_set(error, CS_E_CONFIG,
                            "%s is cut short: install it again", path);
    return CS_OK;
}

/* What can be said before anything is loaded, in words of our own. */
static enum cs_rc check_file(const char *path, struct cs_error *error)
{
    struct stat status;
    enum cs_rc rc;
    FILE *file;

    if (stat(path, &status) != 0)
        return cs_error_set(error, CS_E_CONFIG, "%s cannot be read: %s", path,
                            strerror(errno));
    if (!S_ISREG(status.st_mode))
        return cs_error_set(error, CS_E_CONFIG, "%s is no file", path);
    if (status.st_mode & S_IWOTH)
        return cs_error_set(error, CS_E_CONFIG,
                            "%s may be written by everybody: run chmod o-w on "
                            "it",
                            path);
    file = fopen(path, "re");
    if (!file)
        return cs_error_set(error, CS_E_CONFIG, "%s cannot be read: %s", path,
                            strerror(errno));
    rc = check_elf(file, path, status.st_size, error);
    fclose(file);
    return rc;
}

/* dlerror() begins with the path, which our sentence has already. */
static const char *reason(const char *path)
{
    const char *text = dlerror();
    size_t length = strlen(path);

    if (!text)
        return "no reason is known";
    if (strncmp(text, path, length) == 0 && text[length] == ':')
        text += length + 1 + strspn(text + length + 1, " ");
    return text;
}

/* Maps the file and gives its descriptor, or NULL.
 *
 * dlopen() goes first: it binds every symbol at once and says why it cannot,
 * where libltdl would answer "file not found" to everything and let an
 * undefined symbol end the process when it is first called.  The handle is
 * kept, so the code never goes away.  Constructors run here, before we have
 * seen the descriptor: ELF knows no way to look at one without them. */
static const void *map(const char *path, size_t *size, struct cs_error *error)
{
    void *truth = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    struct link_map *own = NULL, *owner = NULL;
    const ElfW(Sym) *symbol = NULL;
    const void *found = NULL;
    lt_dladvise advise;
    lt_dlhandle module;
    Dl_info info;

    if (!truth) {
        cs_error_set(error, CS_E_CONFIG, "%s cannot be loaded: %s", path,
                     reason(path));
        return NULL;
    }
    if (lt_dladvise_init(&advise) != 0 || lt_dladvise_local(&advise) != 0)
        module = NULL;
    else
        module = lt_dlopenadvise(path, advise);
    lt_dladvise_destroy(&advise);
    if (!module) {
        cs_error_set(error, CS_E_CONFIG, "%s cannot be loaded: %s", path,
                     lt_dlerror());
        return NULL;
    }
    found = lt_dlsym(module, SYMBOL);
    /* A library that the plugin links to may export the name, too. */
    if (!found || dlinfo(truth, RTLD_DI_LINKMAP, &own) != 0 ||
        !dladdr1(found, &info, (void **)&owner, RTLD_DL_LINKMAP) ||
        owner != own ||
        !dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol) {
        cs_error_set(error, CS_E_CONFIG,
                     "%s is no plugin: it does not define %s", path, SYMBOL);
        return NULL;
    }
    *size = symbol->st_size;
    return found;
}

static enum cs_rc load(struct cs_module *module, const char *name,
                       struct cs_error *error)
{
    const void *found;
    size_t size = 0;
    enum cs_rc rc = check_file(module->path, error);

    if (rc != CS_OK)
        return rc;
    found = map(module->path, &size, error);
    if (!found)
        return error->rc;
    return cs_descriptor_take(module, found, size, name, error);
}

/* ---- Asking for modules -------------------------------------------------- */

static const struct cs_module *loaded(const struct cs_loader *loader,
                                      enum cs_kind kind, const char *name)
{
    for (size_t i = 0; i < loader->n; i++)
        if (loader->modules[i]->kind == kind &&
            strcmp(loader->modules[i]->plugin.name, name) == 0)
            return loader->modules[i];
    return NULL;
}

/* Takes the module over; NULL: it cannot be loaded. */
static const struct cs_module *keep(struct cs_loader *loader,
                                    struct cs_module *stolen, const char *name,
                                    struct cs_error *error)
{
    if (load(stolen, name, error) != CS_OK) {
        free(stolen->path);
        free(stolen);
        return NULL;
    }
    loader->modules = cs_memory_grow(loader->modules, loader->n + 1,
                                     sizeof(*loader->modules));
    loader->modules[loader->n++] = stolen;
    return stolen;
}

const struct cs_module *cs_loader_get(struct cs_loader *loader,
                                      enum cs_kind kind, const char *name,
                                      struct cs_error *error)
{
    const struct cs_module *before = loaded(loader, kind, name);
    struct cs_module *module;

    if (before)
        return before;
    if (!cs_descriptor_name(name)) {
        cs_error_set(error, CS_E_CONFIG,
                     "a plugin's name may only hold small letters, digits "
                     "and -");
        return NULL;
    }
    module = cs_memory_new(sizeof(*module));
    module->kind = kind;
    module->path = path_of(loader, kind, name);
    if (access(module->path, F_OK) != 0 && errno == ENOENT) {
        not_there(loader, kind, name, error);
        goto fail;
    }
    if (loader->sealed) {
        cs_error_set(error, CS_E_CONFIG,
                     "the %s plugin %s is not loaded yet: restart needed",
                     kinds[kind], name);
        goto fail;
    }
    return keep(loader, module, name, error);

fail:
    free(module->path);
    free(module);
    return NULL;
}

/* dlopen() looks a bare name up elsewhere, so it is given the whole path. */
static const struct cs_module *
get_file(struct cs_loader *loader, const char *path, struct cs_error *error)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    struct cs_module *module = cs_memory_new(sizeof(*module));
    const struct cs_module *found;
    char *name;

    module->path = realpath(path, NULL);
    if (!module->path) {
        cs_error_set(error, CS_E_NOT_HERE, "%s cannot be read: %s", path,
                     strerror(errno));
        free(module);
        return NULL;
    }
    name = cs_memory_textn(base, strlen(base) - strlen(SUFFIX));
    found = keep(loader, module, name, error);
    free(name);
    return found;
}

static bool is_file(const char *word)
{
    size_t length = strlen(word);

    return length > strlen(SUFFIX) &&
           strcmp(word + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* Which kinds have a plugin of that name: the number of them, and the last. */
static size_t kinds_with(const struct cs_loader *loader, const char *name,
                         enum cs_kind *last)
{
    size_t n = 0;

    for (int kind = CS_CREDENTIAL; kind < NKINDS; kind++) {
        struct names names = names_of(loader, (enum cs_kind)kind);

        for (size_t i = 0; i < names.n; i++)
            if (strcmp(names.text[i], name) == 0) {
                *last = (enum cs_kind)kind;
                n++;
            }
        names_clear(&names);
    }
    return n;
}

static void nowhere(const struct cs_loader *loader, const char *name,
                    struct cs_error *error)
{
    struct names all = {cs_memory_array(1, sizeof(*all.text)), 0};
    const char *near;

    for (int kind = CS_CREDENTIAL; kind < NKINDS; kind++) {
        struct names names = names_of(loader, (enum cs_kind)kind);

        for (size_t i = 0; i < names.n; i++)
            names_add(&all, names.text[i], strlen(names.text[i]));
        names_clear(&names);
    }
    near = cs_text_nearest(name, (const char *const *)all.text);
    cs_error_set(error, CS_E_NOT_HERE, "there is no plugin %s in %s%s%s%s",
                 name, loader->dir, near ? ": did you mean " : "",
                 near ? near : "", near ? "?" : "");
    names_clear(&all);
}

const struct cs_module *cs_loader_find(struct cs_loader *loader,
                                       const char *word, struct cs_error *error)
{
    const char *slash = strchr(word, '/');
    enum cs_kind kind = CS_CREDENTIAL;
    size_t n;

    if (is_file(word))
        return get_file(loader, word, error);
    if (slash) {
        char *first = cs_memory_textn(word, (size_t)(slash - word));
        int named = cs_loader_kind_of(first);

        free(first);
        if (named)
            return cs_loader_get(loader, (enum cs_kind)named, slash + 1, error);
    }
    n = kinds_with(loader, word, &kind);
    if (n == 1)
        return cs_loader_get(loader, kind, word, error);
    if (n == 0)
        nowhere(loader, word, error);
    else
        cs_error_set(error, CS_E_NOT_HERE,
                     "%zu kinds of plugins have a %s: say KIND/%s", n, word,
                     word);
    return NULL;
}

void cs_loader_each(struct cs_loader *loader, cs_loader_fn *each, void *arg)
{
    for (int kind = CS_CREDENTIAL; kind < NKINDS; kind++) {
        struct names names = names_of(loader, (enum cs_kind)kind);

        for (size_t i = 0; i < names.n; i++) {
            struct cs_error error = {0};
            const struct cs_module *module = cs_loader_get(
                loader, (enum cs_kind)kind, names.text[i], &error);

            each(arg, (enum cs_kind)kind, names.text[i], module, &error);
        }
        names_clear(&names);
    }
}
