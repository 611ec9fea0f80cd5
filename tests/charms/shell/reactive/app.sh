#!/bin/bash
source charms.reactive.sh

tell() {
    echo "\"$1\"" >>"$CHARM_DIR/told"
}

@hook 'install'
function install() {
    tell install
    set_flag installed
}

@when 'installed'
@when_not 'database.connected'
function wait_for_database() {
    status-set waiting "for a database"
    tell wait
}

@when 'database.available'
function use() {
    tell "use $(relation_call --flag database.available host)"
    tell "the same $(state_relation_call database.available host)"
    status-set active
    set_state used
}

@when_any 'used' 'never'
@when_none 'never'
@only_once
function after_use() {
    tell after
    if all_flags_set used installed && ! any_flags_set never; then
        tell both
    fi
    clear_flag used
}

@when_not_all 'installed' 'never'
@when 'database.connected'
function connected() {
    tell connected
}

reactive_handler_main
