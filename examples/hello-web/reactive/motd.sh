#!/bin/bash
# The bash handler of hello-web: its part of the page, the message of the day.
set -e

source charms.reactive.sh

@when hello.content-changed
@when_not hello.motd-ready
function render_motd() {
    local motd
    motd=$(config-get motd | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g')
    printf '<blockquote>%s</blockquote>\n<p>This part is from bash %s on %s.</p>\n' \
        "$motd" "${BASH_VERSION%%(*}" "$(uname -s)" > "$CHARM_DIR/motd.html"
    set_flag hello.motd-ready
}

reactive_handler_main
