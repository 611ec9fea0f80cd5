"""Running a hook: in this interpreter as if it were a new process, or as a process."""
