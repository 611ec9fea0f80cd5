#!/bin/bash
#
# Handlers in bash: source this file, put decorators above functions, and end with
# reactive_handler_main. Needs bash 4.4 or later and the command charms.reactive on PATH.
#
# Each function here begins with `local -` and `set +eux`, so that the caller's options, `set -x`
# above all, are neither seen nor changed; CHARMS_REACTIVE_TRACE=true traces this file as well. Words
# that a script may well have as the name of a handler are called as `builtin` and `command`.

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
    cat <<'HELP'
Helpers for handlers of reactive charms that are written in bash.

    #!/bin/bash
    source charms.reactive.sh

    @when db.ready cache.ready
    @when_not page.written
    function write_page() {
        dsn=$(relation_call --flag db.ready dsn)
        ...
        set_flag page.written
    }

    reactive_handler_main

Decorators; several above one function must all hold:

    @when FLAG...  @when_all FLAG...          all of the flags are set
    @when_any FLAG...                         at least one of the flags is set
    @when_not FLAG...  @when_none FLAG...     none of the flags is set
    @when_not_all FLAG...                     at least one of the flags is not set
    @when_file_changed FILE...                a file has changed
    @hook PATTERN...                          the current hook matches
    @only_once                                the function has not run before on this unit

Functions:

    set_flag FLAG            clear_flag FLAG
    all_flags_set FLAG...    any_flags_set FLAG...
    relation_call [--relation_name NAME | --flag FLAG] METHOD [ARGUMENT...]
    name_relation_get RELATION_NAME UNIT [KEY] [--format=FORMAT]

Everything else is a subcommand of charms.reactive; see charms.reactive --help.
HELP
    exit 0
fi

# The only words of this file that `set -x` may show are those of the line that sources it.
{
    __reactive_imported_with=$-
    set +x
} 2>/dev/null

export PATH="$PATH:${CHARM_DIR:-${JUJU_CHARM_DIR:-.}}/bin"
export PYTHONPATH="${PYTHONPATH-}:${CHARM_DIR:-${JUJU_CHARM_DIR:-.}}/lib"

__reactive_action="${1---test}"
__reactive_argument="${2-}"
__reactive_xtrace=+x
if [[ "${CHARMS_REACTIVE_TRACE-}" == true ]]; then
    __reactive_xtrace=-x
fi

declare -a __reactive_names=()  # decorated functions in order
declare -A __reactive_ids=()    # function -> FILE:LINE:NAME
declare -A __reactive_tests=()  # function -> TEST 'ARGUMENTS' ..., quoted for `charms.reactive test`

# Quote a word for Python's shlex, which knows no $'...'; the answer is in __reactive_quoted.
function __reactive_quote() {
    __reactive_quoted="'${1//\'/\'\\\'\'}'"
}

# Find the function that is defined next in FILE below LINE; the answer is in __reactive_found and
# __reactive_found_line. Decorators run before the function exists, so the source has to tell.
function __reactive_find_function() {
    local file=$1 line=$2 text
    local definition='^[[:space:]]*(function[[:space:]]+([^[:space:](){};&|<>]+)|([^[:space:](){};&|<>#$=]+)[[:space:]]*\([[:space:]]*\))'
    while IFS= builtin read -r text || [[ -n "$text" ]]; do
        if [[ "$text" =~ $definition ]]; then
            __reactive_found="${BASH_REMATCH[2]:-${BASH_REMATCH[3]}}"
            __reactive_found_line=$line
            return 0
        fi
        line=$((line + 1))
    done < <(command tail -n "+$line" -- "$file")
    return 1
}

# Register the function below as a handler with one more condition.
function @decorator() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    # Called by one of the @ functions below, which was called by the script.
    local file=${BASH_SOURCE[2]} line=${BASH_LINENO[1]} test=$1 argument arguments=""
    shift
    if ! __reactive_find_function "$file" "$((line + 1))"; then
        builtin echo "charms.reactive.sh: $file:$line: no function below this decorator" >&2
        exit 126
    fi
    for argument in "$@"; do
        __reactive_quote "$argument"
        arguments+="$__reactive_quoted "
    done
    __reactive_quote "$arguments"
    local name=$__reactive_found
    if [[ -z "${__reactive_ids[$name]-}" ]]; then
        __reactive_names+=("$name")
        __reactive_ids[$name]="$file:$__reactive_found_line:$name"
        __reactive_tests[$name]=""
    fi
    __reactive_tests[$name]+=" $test $__reactive_quoted"
}

function @hook() { { local -; set +x; } 2>/dev/null; @decorator hook "$@"; }
function @when() { { local -; set +x; } 2>/dev/null; @decorator when "$@"; }
function @when_all() { { local -; set +x; } 2>/dev/null; @decorator when_all "$@"; }
function @when_any() { { local -; set +x; } 2>/dev/null; @decorator when_any "$@"; }
function @when_not() { { local -; set +x; } 2>/dev/null; @decorator when_not "$@"; }
function @when_none() { { local -; set +x; } 2>/dev/null; @decorator when_none "$@"; }
function @when_not_all() { { local -; set +x; } 2>/dev/null; @decorator when_not_all "$@"; }
function @when_file_changed() { { local -; set +x; } 2>/dev/null; @decorator when_file_changed "$@"; }
function @only_once() { { local -; set +x; } 2>/dev/null; @decorator only_once; }

# The specification of a handler as `charms.reactive test` reads it; the answer is in __reactive_spec.
function __reactive_specify() {
    __reactive_quote "$1"
    __reactive_spec=$__reactive_quoted
    __reactive_quote "${__reactive_ids[$1]}"
    __reactive_spec+=" $__reactive_quoted${__reactive_tests[$1]}"
}

# Answer --test, or run the functions that an earlier --test has named.
function reactive_handler_main() {
    { local __reactive_options=$-; local -; set +x; } 2>/dev/null
    case "$__reactive_action" in
    --invoke)
        __reactive_invoke
        ;;
    *)
        __reactive_test
        ;;
    esac
}

function __reactive_test() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    local name matching status
    local -a specs=()
    for name in "${__reactive_names[@]}"; do
        __reactive_specify "$name"
        specs+=("$__reactive_spec")
    done
    if [[ ${#specs[@]} -eq 0 ]]; then
        exit 1
    fi
    matching=$(charms.reactive test "${specs[@]}")
    status=$?
    if [[ $status -ne 0 ]]; then
        builtin echo "charms.reactive.sh: $0: the conditions could not be tested" >&2
        exit 126
    fi
    if [[ -z "$matching" ]]; then
        exit 1
    fi
    builtin echo "$matching"
    exit 0
}

function __reactive_invoke() {
    # The functions run with the options that the script had when it called reactive_handler_main;
    # nothing on the way here changes any but x.
    local __reactive_name
    local -a __reactive_todo=() __reactive_done=()
    IFS=, builtin read -r -a __reactive_todo <<<"$__reactive_argument" || true
    for __reactive_name in ${__reactive_todo[@]+"${__reactive_todo[@]}"}; do
        if [[ -z "${__reactive_ids[$__reactive_name]-}" ]]; then
            builtin echo "charms.reactive.sh: $0: no handler is called $__reactive_name" >&2
            exit 126
        fi
        if [[ "${__reactive_tests[$__reactive_name]}" == *" when_file_changed "* ]]; then
            __reactive_specify "$__reactive_name"
            charms.reactive invoking "$__reactive_spec" || exit
        fi
        builtin echo "Invoking bash reactive handler: $__reactive_name" >&2
        if [[ "$__reactive_options" == *x* ]]; then
            set -x
        fi
        "$__reactive_name"
        { set +x; } 2>/dev/null
        __reactive_done+=("${__reactive_ids[$__reactive_name]}")
    done
    if [[ ${#__reactive_done[@]} -gt 0 ]]; then
        charms.reactive mark_invoked "${__reactive_done[@]}"
    fi
}

function set_flag() { charms.reactive set_flag "$@"; }
function clear_flag() { charms.reactive clear_flag "$@"; }
function relation_call() { charms.reactive relation_call "$@"; }
function all_flags_set() { charms.reactive all_flags_set "$@"; }
function any_flags_set() { charms.reactive any_flags_set "$@"; }

# Old names.
function set_state() { charms.reactive set_flag "$@"; }
function remove_state() { charms.reactive clear_flag "$@"; }
function all_states() { charms.reactive all_flags_set "$@"; }
function any_states() { charms.reactive any_flags_set "$@"; }

# state_relation_call FLAG METHOD [ARGUMENT...]; use relation_call --flag.
function state_relation_call() {
    local flag=$1
    shift
    charms.reactive relation_call --flag "$flag" "$@"
}

# name_relation_get RELATION_NAME UNIT [KEY] [--format=FORMAT]: relation-get by name instead of id.
function name_relation_get() {
    local relation_name=$1 unit=$2 key=- relation_id
    shift 2
    if [[ $# -gt 0 && "$1" != --* ]]; then
        key=$1
        shift
    fi
    relation_id=$(charms.reactive relation_id "$relation_name" "$unit") || return
    relation-get -r "$relation_id" "$@" "$key" "$unit"
}

# Go on as the script had it.
if [[ "$__reactive_imported_with" == *x* ]]; then
    set -x
fi
