#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The page's files as C: embed.sh FOLDER, written to standard output.

set -eu
export LC_ALL=C

bytes() { # NAME FILE
    echo "static const unsigned char $1[] = {"
    od -An -v -tu1 "$2" | sed 's/[0-9][0-9]*/&,/g'
    echo '};'
}

echo '/* Made by page/embed.sh. */'
echo '#include "config.h"'
echo '#include "web/web-inside.h"'
bytes html "$1/index.html"
bytes css "$1/page.css"
bytes js "$1/page.js"
bytes svg "$1/icon.svg"
cat <<'END'
const struct cs_web_file cs_web_files[] = {
    {"/", "text/html; charset=utf-8", html, sizeof(html)},
    {"/page.css", "text/css; charset=utf-8", css, sizeof(css)},
    {"/page.js", "text/javascript; charset=utf-8", js, sizeof(js)},
    {"/icon.svg", "image/svg+xml", svg, sizeof(svg)},
    {NULL, NULL, NULL, 0},
};
END
