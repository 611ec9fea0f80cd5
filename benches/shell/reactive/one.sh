#!/bin/bash
# Five functions, of which three run in each update-status, with five commands among them.
source charms.reactive.sh

@hook update-status
function begin_one() {
    set_flag one.begun
}

@when one.begun
function work_one() {
    clear_flag one.begun
    set_flag one.worked
}

@when one.worked
@when_not one.never
function finish_one() {
    all_flags_set one.worked
    clear_flag one.worked
}

@when one.never
function idle_one() {
    set_flag one.other
}

@when_any one.other one.never
@when_not_all one.never one.worked
function rest_one() {
    clear_flag one.other
}

reactive_handler_main
