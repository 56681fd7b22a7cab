# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# CS_SANITIZER
#
# --with-sanitizer=address,undefined or --with-sanitizer=thread: sets
# SANITIZER_FLAGS, for compiling and for linking.  A plugin otherwise refuses
# undefined symbols (PLUGIN_DEFS), but clang keeps the sanitizer's own in the
# executable.
AC_DEFUN([CS_SANITIZER], [
  AC_ARG_WITH([sanitizer],
    [AS_HELP_STRING([--with-sanitizer=LIST],
      [build with these sanitizers: address,undefined or thread])],
    [], [with_sanitizer=no])
  PLUGIN_DEFS=-Wl,-z,defs
  SANITIZER_FLAGS=
  AS_CASE([$with_sanitizer],
    [no], [],
    [yes|''], [AC_MSG_ERROR([--with-sanitizer needs a list of sanitizers])],
    [PLUGIN_DEFS=
     SANITIZER_FLAGS="-fsanitize=$with_sanitizer -fno-sanitize-recover=all"
     SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-omit-frame-pointer"
     AC_MSG_CHECKING([whether $CC knows -fsanitize=$with_sanitizer])
     cs_save_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS $SANITIZER_FLAGS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR([$CC cannot build with -fsanitize=$with_sanitizer])])
     CFLAGS=$cs_save_CFLAGS])
  AC_SUBST([PLUGIN_DEFS])
  AC_SUBST([SANITIZER_FLAGS])
])
