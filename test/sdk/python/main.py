"""Runs the checks of all packages; PARLEY_SDK names the runner's configuration."""

import sys

import arm_checks
import chat_checks
import identity_checks
import suite

identity_checks.run()
arm_checks.run()
chat_checks.run()
sys.exit(suite.finish())
