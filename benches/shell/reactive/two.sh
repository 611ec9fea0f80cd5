#!/bin/bash
# Five functions, of which three run in each update-status, with five commands among them.
source charms.reactive.sh

@hook update-status
function begin_two() {
    set_flag two.begun
}

@when two.begun
function work_two() {
    clear_flag two.begun
    set_flag two.worked
}

@when two.worked
@when_not two.never
function finish_two() {
    all_flags_set two.worked
    clear_flag two.worked
}

@when two.never
function idle_two() {
    set_flag two.other
}

@when_any two.other two.never
@when_not_all two.never two.worked
function rest_two() {
    clear_flag two.other
}

reactive_handler_main
