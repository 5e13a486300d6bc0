"""One notification becomes events: group commit, unit of work, decider, append."""
