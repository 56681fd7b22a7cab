/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

/* bench-health N URL...: asks N times, one URL after the other, a millisecond
 * apart and each time over a connection of its own, as those who watch do.
 * Prints how many milliseconds an answer took: "MEDIAN P99 LONGEST". */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t ignore(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    return size * n;
}

static double milliseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

static double ask(CURL *curl, const char *url)
{
    const struct timespec pause = {0, 1000000};
    long status = 0;
    double begun;

    nanosleep(&pause, NULL);
    begun = milliseconds_now();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (curl_easy_perform(curl) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        (status != 200 && status != 503)) {
        fprintf(stderr, "%s: no answer (status %ld)\n", url, status);
        exit(1);
    }
    return milliseconds_now() - begun;
}

int main(int argc, char *argv[])
{
    size_t n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    double *took = calloc(n, sizeof(*took));
    CURL *curl = curl_easy_init();

    if (n == 0 || took == NULL || curl == NULL)
        return 2;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    for (size_t i = 0; i < n; i++)
        took[i] = ask(curl, argv[2 + i % (size_t)(argc - 2)]);
    qsort(took, n, sizeof(*took), compare);
    printf("%.3f %.3f %.3f\n", took[n / 2], took[n * 99 / 100], took[n - 1]);
    curl_easy_cleanup(curl);
    free(took);
    return 0;
}
