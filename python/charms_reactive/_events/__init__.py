"""Typed events: their classes, who hears them, and when; imports the dispatch and what is below it."""
