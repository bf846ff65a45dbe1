#!/bin/sh
# Runs a command and says how many minutes it took: sh tools/timed.sh NAME COMMAND...
name=$1
shift
start=$(date +%s)
"$@"
status=$?
seconds=$(($(date +%s) - start))
printf 'make %s took %d.%d minutes.\n' "$name" $((seconds / 60)) $((seconds % 60 / 6))
exit "$status"
