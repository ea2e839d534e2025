"""The process around the library: forks, clock and ids, job ids, logs, interrupts."""
