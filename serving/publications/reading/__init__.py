"""Publications as a process that serves them reads them: one, and the live one."""
