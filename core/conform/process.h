/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What all of a process share and no plugin may change. */
#ifndef CS_PROCESS_H
#define CS_PROCESS_H

struct cs_app;
struct cs_process;

struct cs_process *cs_process_look(void);
void cs_process_free(struct cs_process *process);
/* What is not the same now: "the umask"; NULL: nothing. */
const char *cs_process_changed(const struct cs_process *before);

/* Standard output and error lead into the file, and the log, which goes there,
 * too, is silent; and back. */
void cs_process_hush(int file);
void cs_process_speak(const struct cs_app *app, int output, int log);

#endif
