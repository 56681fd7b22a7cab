# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The header of a later minor number: all that may grow has one more member.

/^#define CS_ABI_MINOR / { $3++ }
/^struct [a-z_]+ \{/ { name = $2; size = 0 }
name && / size[,;]/ { size = 1 }
/^};/ && name ~ /_ops$/ { print "    enum cs_rc (*later)(void *self);" }
/^};/ && name == "cs_host" { print "    void (*later)(const struct cs_host *);" }
/^};/ && size && name != "cs_host" { print "    const char *later;" }
/^};/ { name = ""; size = 0 }
{ print }
