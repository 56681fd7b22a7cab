# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# CS_WARNINGS(FLAGS): those that the compiler knows, in WARNING_FLAGS.
# --enable-strict makes each warning an error.
AC_DEFUN([CS_WARNINGS], [
  AC_ARG_ENABLE([strict],
    [AS_HELP_STRING([--enable-strict], [treat warnings as errors])],
    [], [enable_strict=no])
  WARNING_FLAGS=
  cs_save_CFLAGS=$CFLAGS
  for cs_flag in $1; do
    AC_MSG_CHECKING([whether $CC knows $cs_flag])
    # -Werror: clang only warns about a warning that it does not know.
    CFLAGS="$cs_save_CFLAGS -Werror $cs_flag"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([int cs_unused;])],
      [AC_MSG_RESULT([yes])
       AS_VAR_APPEND([WARNING_FLAGS], [" $cs_flag"])],
      [AC_MSG_RESULT([no])])
  done
  CFLAGS=$cs_save_CFLAGS
  AS_IF([test "$enable_strict" = yes],
    [AS_VAR_APPEND([WARNING_FLAGS], [" -Werror"])])
  AC_SUBST([WARNING_FLAGS])
])
