"""in_group: notes an execution model under its name."""


def in_group(group):
    def register(run):
        group[run.__name__] = run
        return run

    return register
