#!/bin/sh
# Prints the path of the machine's Chromium, or says how to get one. TEST_CHROMIUM goes first.
set -eu

for candidate in "${TEST_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$candidate" ] && path=$(command -v "$candidate"); then
        printf '%s\n' "$path"
        exit 0
    fi
done
printf '%s\n' \
    "The browser tests need Chromium, and none was found (chromium, chromium-browser, google-chrome)." \
    "Debian: apt-get install chromium. Elsewhere: TEST_CHROMIUM=/path/to/chrome make browser" >&2
exit 1
