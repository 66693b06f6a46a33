"""The pages that people look at: rendered here, kept up to date by the events, without a build step and without scripts of others."""
