"""Running a hook: in this interpreter as if it were a new process, or as a process."""

#: Set by a process that runs a single hook and ends, before it imports anything of this: the framework's
#: modules are then loaded when the hook wants them, and not all of them at first. That takes 16 ms.
only_what_is_loaded = False
