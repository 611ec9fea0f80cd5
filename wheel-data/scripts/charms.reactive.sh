#!/bin/bash
#
# Handlers in bash: source this file, put decorators above functions, and end with
# reactive_handler_main. Needs bash 4.4 or later and the command charms.reactive on PATH.
#
# Each function here begins with `local -` and `set +eux`, so that the caller's options, `set -x`
# above all, are neither seen nor changed; CHARMS_REACTIVE_TRACE=true traces this file as well. Words
# that a script may well have as the name of a handler are called as `builtin` and `command`.
#
# No process is started here to declare a script's handlers, or to run one. bash reads a file command
# by command; what running one does not need stands below the `return` for that, and costs it nothing.

# The only words of this file that `set -x` may show are those of the line that sources it.
{
    __reactive_imported_with=$-
    set +x
} 2>/dev/null

# Aliases of the script's own work in its functions, as they always have.
shopt -s expand_aliases

# Append DIRECTORY to VARIABLE. An empty element stands for the current directory, wherever that may be, and
# so none is left there: handlers run as root.
function __reactive_search() {
    local found=${!1-}
    while [[ "$found" == *::* ]]; do
        found=${found//::/:}
    done
    found=${found#:}
    found=${found%:}
    export "$1=$found${found:+:}$2"
}

# By hand, in the directory of a charm, none of the variables is set.
__reactive_charm=${CHARM_DIR:-${JUJU_CHARM_DIR:-}}
if [[ -z "$__reactive_charm" && -e metadata.yaml ]]; then
    __reactive_charm=$PWD
fi
if [[ -n "$__reactive_charm" ]]; then
    if [[ "$__reactive_charm" != /* ]]; then
        __reactive_charm=$PWD/$__reactive_charm
    fi
    __reactive_search PATH "$__reactive_charm/bin"
    __reactive_search PYTHONPATH "$__reactive_charm/lib"
fi

# Who has started the script, and for what: the framework says so in CHARMS_REACTIVE_SHELL, as
#   declare:FD     say on file descriptor FD which handlers there are, and run none;
#   invoke:N:NAME  run function NAME, as it was defined before the Nth decorator (0: in the end).
# Without it the script is asked with --test, and told with --invoke what to run. A file that the
# script sources may source this one too; the answer stays what it was.
if [[ -z "${__reactive_mode-}" ]]; then
    __reactive_mode=${CHARMS_REACTIVE_SHELL-}
    __reactive_argument="${2-}"
    __reactive_until=0
    case "$__reactive_mode" in
    declare:*)
        __reactive_fd=${__reactive_mode#declare:}
        __reactive_mode=declare
        builtin printf 'sourced\0' >&"$__reactive_fd"
        ;;
    invoke:*:*)
        __reactive_argument=${__reactive_mode#invoke:*:}
        __reactive_until=${__reactive_mode#invoke:}
        __reactive_until=${__reactive_until%%:*}
        __reactive_mode=invoke
        ;;
    *)
        __reactive_mode=${1---test}
        ;;
    esac
    # The decorators in order: where each stands, and its TEST 'ARGUMENTS' as `charms.reactive test` reads it.
    declare -a __reactive_files=() __reactive_lines=() __reactive_tests=()
    __reactive_count=0
    __reactive_kept=
fi
unset CHARMS_REACTIVE_SHELL # it is meant for nobody below

__reactive_xtrace=+x
if [[ "${CHARMS_REACTIVE_TRACE-}" == true ]]; then
    __reactive_xtrace=-x
fi

# -- functions for scripts ---------------------------------------------------------------------------
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

# -- decorators --------------------------------------------------------------------------------------
function @hook() { { local -; set +x; } 2>/dev/null; @decorator hook "$@"; }
function @when() { { local -; set +x; } 2>/dev/null; @decorator when "$@"; }
function @when_all() { { local -; set +x; } 2>/dev/null; @decorator when_all "$@"; }
function @when_any() { { local -; set +x; } 2>/dev/null; @decorator when_any "$@"; }
function @when_not() { { local -; set +x; } 2>/dev/null; @decorator when_not "$@"; }
function @when_none() { { local -; set +x; } 2>/dev/null; @decorator when_none "$@"; }
function @when_not_all() { { local -; set +x; } 2>/dev/null; @decorator when_not_all "$@"; }
function @when_set() { { local -; set +x; } 2>/dev/null; @decorator when_set "$@"; }
function @when_cleared() { { local -; set +x; } 2>/dev/null; @decorator when_cleared "$@"; }
function @when_changed() { { local -; set +x; } 2>/dev/null; @decorator when_changed "$@"; }
function @once_per() { { local -; set +x; } 2>/dev/null; @decorator once_per "$@"; }
function @unless_hook() { { local -; set +x; } 2>/dev/null; @decorator unless_hook "$@"; }
function @when_file_changed() { { local -; set +x; } 2>/dev/null; @decorator when_file_changed "$@"; }
function @only_once() { { local -; set +x; } 2>/dev/null; @decorator only_once; }

# Give the function below one more condition. The others call this, and the script calls them.
function @decorator() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    __reactive_count=$((__reactive_count + 1))
    if [[ "$__reactive_mode" != invoke ]]; then
        __reactive_note "${BASH_SOURCE[2]}" "${BASH_LINENO[1]}" "$@"
    elif [[ "$__reactive_count" == "$__reactive_until" ]]; then
        # Another function of this name is about to take the place of the one that is wanted.
        __reactive_kept=$(declare -f -- "$__reactive_argument")
    fi
}

# -- running a function ------------------------------------------------------------------------------
# All decorators have been read: declare or test the handlers, or run what is to be run.
function reactive_handler_main() {
    { local __reactive_options=$-; local -; set +x; } 2>/dev/null
    case "$__reactive_mode" in
    invoke)
        # The framework has tested the conditions, and remembers what ran.
        if [[ -n "$__reactive_kept" ]]; then
            eval "$__reactive_kept"
        fi
        if ! declare -F -- "$__reactive_argument" >/dev/null; then
            builtin echo "charms.reactive.sh: $0: no handler is called $__reactive_argument" >&2
            exit 126
        fi
        __reactive_run "$__reactive_argument"
        ;;
    declare)
        __reactive_declare
        ;;
    --invoke)
        __reactive_invoke
        ;;
    *)
        __reactive_test
        ;;
    esac
}

# Functions run with the options that the script had when it called reactive_handler_main; nothing
# on the way to here changes any but x. A function fails by ending the script: with exit, or with
# set -e. What it merely returns means nothing, as ever.
function __reactive_run() {
    if [[ "$__reactive_options" == *x* ]]; then
        set -x
    fi
    "$1"
    { set +x; } 2>/dev/null
}

if [[ "$__reactive_mode" == invoke ]]; then
    if [[ "$__reactive_imported_with" == *x* ]]; then
        set -x
    fi
    return
fi

# -- declaring and testing ---------------------------------------------------------------------------
# Say something of the script to the framework, in fields that end with a NUL byte.
function __reactive_say() {
    builtin printf '%s\0' "$@" >&"$__reactive_fd"
}

# The script cannot be understood: FILE LINE MESSAGE.
function __reactive_refuse() {
    builtin echo "charms.reactive.sh: $1:$2: $3" >&2
    if [[ "$__reactive_mode" == declare ]]; then
        __reactive_say error "$@"
    fi
    exit 126
}

# Quote a word for Python's shlex, which knows no $'...'; the answer is in __reactive_quoted.
function __reactive_quote() {
    __reactive_quoted="'${1//\'/\'\\\'\'}'"
}

# Note a decorator: FILE LINE TEST ARGUMENT...
function __reactive_note() {
    local file=$1 argument arguments=""
    if [[ "$file" != /* ]]; then
        file=$PWD/$file # its text is read later, and the script may go elsewhere before
    fi
    __reactive_files+=("$file")
    __reactive_lines+=("$2")
    if [[ "$__reactive_mode" == declare ]]; then
        __reactive_say decorator "$file" "$2" "$3" "$(($# - 3))" "${@:4}"
        return
    fi
    for argument in "${@:4}"; do
        __reactive_quote "$argument"
        arguments+="$__reactive_quoted "
    done
    __reactive_quote "$arguments"
    __reactive_tests+=("$3 $__reactive_quoted")
}

# Find the function that is defined next in FILE below LINE; the answer is in __reactive_name and
# __reactive_line. Decorators run before their function exists, so the text has to tell; what looks
# like a definition in a here-document or a string is none unless there is such a function.
function __reactive_find_function() {
    local file=$1 line=$2
    local definition='^[[:space:]]*(function[[:space:]]+([^][:space:](){};&|<>]+)|([^][:space:](){};&|<>#$=]+)[[:space:]]*\([[:space:]]*\))'
    if [[ "$file" != "$__reactive_text_of" ]]; then
        mapfile -t __reactive_text <"$file" || return 1
        __reactive_text_of=$file
    fi
    while [[ $line -lt ${#__reactive_text[@]} ]]; do
        if [[ "${__reactive_text[line]}" =~ $definition ]]; then
            __reactive_name="${BASH_REMATCH[2]:-${BASH_REMATCH[3]}}"
            __reactive_line=$((line + 1))
            if declare -F -- "$__reactive_name" >/dev/null; then
                return 0
            fi
        fi
        line=$((line + 1))
    done
    return 1
}

# Find the function of each decorator. Fills __reactive_names, the decorated functions in order, and
# by their names __reactive_ids (FILE:LINE:NAME) and __reactive_specs (all TEST 'ARGUMENTS').
function __reactive_resolve() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    local index __reactive_text_of="" __reactive_name __reactive_line
    local -a __reactive_text=()
    declare -ga __reactive_names=()
    declare -gA __reactive_ids=() __reactive_specs=()
    for index in "${!__reactive_files[@]}"; do
        if ! __reactive_find_function "${__reactive_files[index]}" "${__reactive_lines[index]}"; then
            __reactive_refuse "${__reactive_files[index]}" "${__reactive_lines[index]}" \
                "no function below this decorator"
        fi
        if [[ "$__reactive_mode" == declare ]]; then
            __reactive_say function "$__reactive_name" "$__reactive_line"
            continue
        fi
        if [[ -z "${__reactive_ids[$__reactive_name]-}" ]]; then
            __reactive_names+=("$__reactive_name")
            __reactive_ids[$__reactive_name]="${__reactive_files[index]}:$__reactive_line:$__reactive_name"
            __reactive_specs[$__reactive_name]=""
        fi
        __reactive_specs[$__reactive_name]+=" ${__reactive_tests[index]}"
    done
}

function __reactive_declare() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    trap - ERR
    __reactive_resolve
    __reactive_say end "${BASH_SOURCE[0]}"
    exit 0
}

# -- the protocol --test and --invoke ----------------------------------------------------------------
# The specification of a handler as `charms.reactive test` reads it; the answer is in __reactive_spec.
function __reactive_specify() {
    __reactive_quote "$1"
    __reactive_spec=$__reactive_quoted
    __reactive_quote "${__reactive_ids[$1]}"
    __reactive_spec+=" $__reactive_quoted${__reactive_specs[$1]}"
}

function __reactive_test() {
    { local -; set +eux "$__reactive_xtrace"; } 2>/dev/null
    local name matching status
    local -a specs=()
    __reactive_resolve
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
    local __reactive_function
    local -a __reactive_todo=() __reactive_done=()
    __reactive_resolve
    IFS=, builtin read -r -a __reactive_todo <<<"$__reactive_argument" || true
    for __reactive_function in ${__reactive_todo[@]+"${__reactive_todo[@]}"}; do
        if [[ -z "${__reactive_ids[$__reactive_function]-}" ]]; then
            builtin echo "charms.reactive.sh: $0: no handler is called $__reactive_function" >&2
            exit 126
        fi
        if [[ "${__reactive_specs[$__reactive_function]}" == *" when_file_changed "* ]]; then
            __reactive_specify "$__reactive_function"
            charms.reactive invoking "$__reactive_spec" || exit
        fi
        builtin echo "Invoking bash reactive handler: $__reactive_function" >&2
        __reactive_run "$__reactive_function"
        __reactive_done+=("${__reactive_ids[$__reactive_function]}")
    done
    if [[ ${#__reactive_done[@]} -gt 0 ]]; then
        charms.reactive mark_invoked "${__reactive_done[@]}"
    fi
}

# -- mistakes ----------------------------------------------------------------------------------------
# What is wrong with a script that declares its handlers goes to the framework as well.
if [[ "$__reactive_mode" == declare ]]; then
    # STATUS FILE LINE COMMAND: under set -e this ends the script.
    function __reactive_failed() {
        if [[ "$-" == *e* ]]; then
            __reactive_say failed "$@"
        fi
    }
    set -E
    trap '__reactive_failed "$?" "${BASH_SOURCE[0]-$0}" "$LINENO" "$BASH_COMMAND"' ERR

    # bash calls this, in a subshell, for a command that it cannot find.
    if ! declare -F command_not_found_handle >/dev/null; then
        function command_not_found_handle() {
            if [[ "$1" == @* ]]; then
                __reactive_refuse "${BASH_SOURCE[1]}" "${BASH_LINENO[0]}" "there is no decorator $1"
            fi
            builtin echo "${BASH_SOURCE[1]}: line ${BASH_LINENO[0]}: $1: command not found" >&2
            return 127
        }
    fi
fi

# -- for people --------------------------------------------------------------------------------------
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
    @when_set FLAG...  @when_cleared FLAG...  once each time that a flag becomes set, or cleared
    @when_changed config=NAME file=PATH...    an option or file is not as it was when it ran last
    @when_file_changed FILE...                a file has changed
    @once_per KEY                             the function has not run for this key on this unit
    @unless_hook PATTERN...                   the current hook does not match
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

# Go on as the script had it.
if [[ "$__reactive_imported_with" == *x* ]]; then
    set -x
fi
