/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Under the names that are customary for every program; what the system does
 * not tell is left out. */

#include "config.h"

#include "metrics/metrics-inside.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / CS_SECOND;
}

static void put_cpu(struct cs_metrics_text *text)
{
    static const struct cs_metrics_family family = {
        "process_cpu_seconds", CS_METRICS_COUNTER,
        "User and system processor time."};
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        cs_metrics_text_one(
            text, &family, seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
}

static void put_memory(struct cs_metrics_text *text)
{
    static const struct cs_metrics_family all = {"process_virtual_memory_bytes",
                                                 CS_METRICS_GAUGE,
                                                 "Size of the address space."},
                                          resident = {
                                              "process_resident_memory_bytes",
                                              CS_METRICS_GAUGE,
                                              "Memory that is in use."};
    double page = (double)sysconf(_SC_PAGESIZE);
    unsigned long pages[2];
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return;
    if (fscanf(file, "%lu %lu", &pages[0], &pages[1]) == 2) {
        cs_metrics_text_one(text, &all, page * (double)pages[0]);
        cs_metrics_text_one(text, &resident, page * (double)pages[1]);
    }
    fclose(file);
}

static void put_files(struct cs_metrics_text *text)
{
    static const struct cs_metrics_family open = {"process_open_fds",
                                                  CS_METRICS_GAUGE,
                                                  "Open files."},
                                          most = {
                                              "process_max_fds",
                                              CS_METRICS_GAUGE,
                                              "How many files may be open."};
    DIR *directory = opendir("/proc/self/fd");
    struct rlimit limit;
    double n = -3; /* ".", "..", and what is read here */

    if (directory != NULL) {
        while (readdir(directory) != NULL)
            n++;
        closedir(directory);
        cs_metrics_text_one(text, &open, n);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        cs_metrics_text_one(text, &most, (double)limit.rlim_cur);
}

/* The 22nd word, counted from behind the program's name, which may hold
 * anything; in ticks since the system's start. */
static bool start_ticks(double *ticks)
{
    char line[1024] = "", *word;
    FILE *file = fopen("/proc/self/stat", "re");
    bool got;

    if (file == NULL)
        return false;
    got = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    word = strrchr(line, ')');
    if (!got || word == NULL)
        return false;
    for (int i = 2; i < 22 && word != NULL; i++)
        word = strchr(word + 1, ' ');
    return word != NULL && sscanf(word, "%lf", ticks) == 1;
}

static void put_start(struct cs_metrics_text *text)
{
    static const struct cs_metrics_family family = {
        "process_start_time_seconds", CS_METRICS_GAUGE,
        "When the process began, since 1970."};
    struct timespec now, up;
    double ticks;

    if (!start_ticks(&ticks) || clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return;
    cs_metrics_text_one(text, &family,
                        (double)(now.tv_sec - up.tv_sec) +
                            (double)(now.tv_nsec - up.tv_nsec) / 1e9 +
                            ticks / (double)sysconf(_SC_CLK_TCK));
}

void cs_metrics_process(struct cs_metrics_text *text)
{
    put_cpu(text);
    put_memory(text);
    put_files(text);
    put_start(text);
}
