# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# CS_PLUGIN(KIND, NAME, HAVE, SUMMARY)
#
# One plugin: --disable-KIND-NAME, the conditional KIND_NAME for its
# Makefile.inc, and a line in the summary.  HAVE is `yes' or the reason why it
# cannot be built, "no (libx-dev is not installed)"; asking for such a plugin
# with --enable-KIND-NAME is an error.
AC_DEFUN([CS_PLUGIN], [
  AC_ARG_ENABLE([$1-$2],
    [AS_HELP_STRING([--disable-$1-$2], [leave out: $4])],
    [], [AS_TR_SH([enable_$1_$2])=auto])
  cs_have="$3"
  AS_CASE(["$AS_TR_SH([enable_$1_$2]):$cs_have"],
    [no:*], [cs_have="no (disabled)"],
    [auto:*|yes:yes], [],
    [yes:*], [AC_MSG_ERROR([--enable-$1-$2: $cs_have])],
    [AC_MSG_ERROR([--enable-$1-$2 takes yes or no])])
  AM_CONDITIONAL(m4_translit([$1_$2], [a-z-], [A-Z_]),
    [test "$cs_have" = yes])
  AS_VAR_APPEND([cs_plugins], ["
    $1/$2: $cs_have"])
])
