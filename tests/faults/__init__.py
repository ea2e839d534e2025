"""The fault matrix: the promises of delivery, tested under kills, outages, forks and full disks.

    python -m tests.faults            a short dose, some minutes
    python -m tests.faults --long     the whole dose
    python -m tests.faults --seed 7 --only relay

Each row prints what it sent, which faults it injected and what became of every event. The exit code is 1 on any miss.
"""
