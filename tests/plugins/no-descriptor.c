/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A library that is no plugin. */

__attribute__((visibility("default"))) extern const int no_descriptor;
const int no_descriptor = 1;
