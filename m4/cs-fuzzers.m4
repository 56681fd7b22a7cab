# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# CS_FUZZERS
#
# --enable-fuzzers: everything is built to be fuzzed by libFuzzer, under
# AddressSanitizer and UBSan; the conditional FUZZERS.  Goes before
# CS_SANITIZER, which looks whether the compiler can.
AC_DEFUN([CS_FUZZERS], [
  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers],
      [build for `make check-fuzz'; needs CC=clang and no other sanitizer])],
    [], [enable_fuzzers=no])
  AS_IF([test "$enable_fuzzers" = yes], [
    AS_IF([test -n "$with_sanitizer"],
      [AC_MSG_ERROR([--enable-fuzzers chooses the sanitizers itself])])
    with_sanitizer=fuzzer-no-link,address,undefined
    AC_MSG_CHECKING([whether $CC has libFuzzer])
    cs_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -fsanitize=fuzzer,address,undefined"
    AC_LINK_IFELSE([AC_LANG_SOURCE([
        int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n);
        int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n)
        { return b && n ? 0 : 0; }])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR([--enable-fuzzers needs clang with libFuzzer: CC=clang])])
    CFLAGS=$cs_save_CFLAGS])
  AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
])
