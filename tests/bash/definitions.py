"""The ways to write the head of a function in bash, each with the function's name."""

from __future__ import annotations

DEFINITIONS = {
    "function f {": "f",
    "function f() {": "f",
    "function f () {": "f",
    "function  f  ( )  {": "f",
    "f() {": "f",
    "f () {": "f",
    "f ( ) {": "f",
    "  f() {": "f",
    "\tfunction f() {": "f",
    "f()\n{": "f",
    "function f\n{": "f",
    "function f()\n\n{": "f",
    "f() { # comment with g() {": "f",
    "function install_nagios-nagflux() {": "install_nagios-nagflux",
    "install.d() {": "install.d",
    "a:b::c() {": "a:b::c",
    "function_like() {": "function_like",
    "@x() {": "@x",
    "echo() {": "echo",
    "function test {": "test",
    "# function no() {\nf() {": "f",
    "\n\n# words\n\nf() {": "f",
    "# g() {\n# }\nf() {": "f",
    "  # why\n@when_not y\n\t# and why\nf() {": "f",
    ': "<<\nno() {\n"\nf() {': "f",
    "cat >/dev/null <<'END'\nno() {\nfunction neither {\nEND\nf() {": "f",
}
