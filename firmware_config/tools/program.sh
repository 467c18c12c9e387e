#!/bin/sh
# your_tool: a tool of your own, as a program in any language.
#   your_tool describe   prints what it is, and a JSON Schema of its arguments
#   your_tool call       gets the arguments as a JSON object on standard input, prints the result: a text,
#                   or JSON. Another exit status than 0 is a failure; its last line on standard
#                   error says why.
case $1 in
describe)
    cat <<'JSON'
{"description": "Tell how long this machine has been running.",
 "parameters": {"type": "object", "properties": {}}}
JSON
    ;;
call)
    cut -d. -f1 /proc/uptime | sed 's/.*/{"running_s": &}/'
    ;;
*)
    echo "usage: your_tool describe|call" >&2
    exit 2
    ;;
esac
