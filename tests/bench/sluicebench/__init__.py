# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/bench is made of: labs, contenders, measures and the report."""
