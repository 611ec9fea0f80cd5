"""``charms.reactive check-1.5``: what moving from 1.5 changes for one charm, row by row of the manual's
page.
"""
