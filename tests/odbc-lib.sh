# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Words about the ODBC driver that answers from a script, behind those of
# lib.sh.

well() { # the rules of a server that does what it is asked, but for its tables
    cat <<'END'
on SELECT COUNT(*) FROM OPENJSON
rows 1
row 1
on encrypt_option
rows 1
row 1
on sp_getapplock
rows 1
row 0
on sp_releaseapplock
rows 1
row 0
on APPLOCK_MODE
rows 1
row 1
on SELECT @@TRANCOUNT
trancount
on SELECT @@ROWCOUNT
elements
END
}
