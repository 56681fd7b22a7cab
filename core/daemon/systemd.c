/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/systemd.h"

#include "base/clock.h"

#include <systemd/sd-daemon.h>

void cs_systemd_ready(void)
{
    sd_notify(0, "READY=1");
}

void cs_systemd_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)cs_clock_steady());
}

void cs_systemd_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void cs_systemd_status(const char *text)
{
    sd_notifyf(0, "STATUS=%s", text);
}

void cs_systemd_extend(int64_t more)
{
    sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)more);
}

int64_t cs_systemd_watchdog(void)
{
    uint64_t limit;

    return sd_watchdog_enabled(0, &limit) > 0 ? (int64_t)(limit / 2) : 0;
}

void cs_systemd_feed(void)
{
    sd_notify(0, "WATCHDOG=1");
}
