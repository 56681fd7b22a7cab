# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Libraries the program cannot do without.  What is missing is collected and
# named in one go, so that nobody has to run configure once for each.

# CS_MISSING(DEBIAN-PACKAGE)
AC_DEFUN([CS_MISSING], [AS_VAR_APPEND([cs_missing], [" $1"])])

# CS_NEED(VARIABLE, PKG-CONFIG-MODULES, DEBIAN-PACKAGE)
# Sets VARIABLE_CFLAGS and VARIABLE_LIBS.
AC_DEFUN([CS_NEED], [
  PKG_CHECK_MODULES([$1], [$2], [], [CS_MISSING([$3])])
])

# CS_NEED_LTDL: libltdl has no .pc file, and LTDL_INIT would copy its sources
# into ours.
AC_DEFUN([CS_NEED_LTDL], [
  cs_ltdl=no
  AC_CHECK_HEADER([ltdl.h],
    [AC_CHECK_LIB([ltdl], [lt_dladvise_init], [cs_ltdl=yes])])
  AS_IF([test $cs_ltdl = yes], [AC_SUBST([LTDL_LIBS], [-lltdl])],
    [CS_MISSING([libltdl-dev])])
])

# CS_NEED_END: stops when something was missing.
AC_DEFUN([CS_NEED_END], [
  AS_IF([test -n "$cs_missing"], [AC_MSG_ERROR(
    [some libraries are missing; on Debian, run
    apt-get install$cs_missing])])
])
