#!/bin/bash
# Five functions, of which three run in each update-status, with five commands among them.
source charms.reactive.sh

@hook update-status
function begin_three() {
    set_flag three.begun
}

@when three.begun
function work_three() {
    clear_flag three.begun
    set_flag three.worked
}

@when three.worked
@when_not three.never
function finish_three() {
    all_flags_set three.worked
    clear_flag three.worked
}

@when three.never
function idle_three() {
    set_flag three.other
}

@when_any three.other three.never
@when_not_all three.never three.worked
function rest_three() {
    clear_flag three.other
}

reactive_handler_main
