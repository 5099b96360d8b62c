"""The docker executor: one container on this machine for each job."""
