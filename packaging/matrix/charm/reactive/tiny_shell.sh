#!/bin/bash
# The handler in bash: it needs charms.reactive.sh and charms.reactive on PATH.
source charms.reactive.sh

@when 'tiny.installed'
@when_not 'tiny.shell'
function shell() {
    charms.reactive set_flag tiny.shell
}

reactive_handler_main
