/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What systemd is told of the daemon (sd_notify(3)).  Without systemd nothing
 * happens. */
#ifndef CS_SYSTEMD_H
#define CS_SYSTEMD_H

#include <stdint.h>

void cs_systemd_ready(void); /* also after a reload */
void cs_systemd_reloading(void);
void cs_systemd_stopping(void);
void cs_systemd_status(const char *text);
/* Stopping takes so many microseconds more. */
void cs_systemd_extend(int64_t more);
/* How often the watchdog is to be fed, in microseconds; 0: there is none. */
int64_t cs_systemd_watchdog(void);
void cs_systemd_feed(void);

#endif
