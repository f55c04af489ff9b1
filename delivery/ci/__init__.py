"""Commands for workflow runs: drift, its issue, superseded runs, job summaries."""
