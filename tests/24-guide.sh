#!/bin/sh
. "${srcdir:-.}/tests/lib.sh"
skip_all later
